"""`netra services`: which services may speak to the embedded auth service.

It must never show a secret a second time: only its hash is kept.
"""

import sys
import time
from typing import TYPE_CHECKING, Annotated, Final

import typer

from netra.cli.authd import day_of, give_up, in_database, settings_or_exit, show_table

if TYPE_CHECKING:
    from netra.core.secret import Secret

app = typer.Typer(add_completion=False, no_args_is_help=True, help="The services that the auth service knows.")

_AGES: Final = (("d", 86_400_000), ("h", 3_600_000), ("m", 60_000))
_UNKNOWN: Final = "error: there is no service {0}. `netra services list` shows all."

ServiceId = Annotated[str, typer.Argument(metavar="ID", help="The constant name of a service, e.g. `netra-backend`.")]


@app.command()
def add(service_id: ServiceId) -> None:
    """Register a service and show its secret, once, as two lines for its environment."""
    settings = settings_or_exit()

    from netra.authd.store import registry

    objection = registry.id_objection(service_id)
    if objection is not None:
        raise typer.BadParameter(f"{service_id!r} cannot be a service id: {objection}.")
    secret = in_database(settings, lambda db: registry.add(db, service_id, _now_ms()))
    if secret is None:
        give_up(
            f"error: there is a service {service_id} already, and its secret cannot be shown again. "
            f"`netra services rotate {service_id}` makes a second one, `netra services remove {service_id}` forgets it."
        )
    _show_once(service_id, secret)


@app.command("list")
def list_services() -> None:
    """List the registered services, with the fingerprints and ages of their secrets, oldest first."""
    settings = settings_or_exit()

    from netra.authd.store import registry

    now_ms = _now_ms()
    rows = [
        (
            each.service_id,
            day_of(each.created_at_ms),
            " ".join(secret.fingerprint for secret in each.secrets),
            " ".join(_age(now_ms - secret.created_at_ms) for secret in each.secrets),
        )
        for each in in_database(settings, registry.listed)
    ]
    show_table("Services", ("id", "since", "fingerprints", "ages"), rows)


@app.command()
def rotate(service_id: ServiceId) -> None:
    """Give a service a second secret and show it, once; the one in use stays good until it is retired."""
    settings = settings_or_exit()

    from netra.authd.store import registry

    made = in_database(settings, lambda db: registry.rotate(db, service_id, _now_ms()))
    if made is registry.Undone.FULL:
        give_up(
            f"error: {service_id} has {registry.LIVE_SECRETS} live secrets already. "
            f"Retire the one that nobody uses any more: `netra services retire {service_id} --oldest`."
        )
    if isinstance(made, registry.Undone):
        give_up(_UNKNOWN.format(service_id))
    _show_once(service_id, made)
    print(
        "Until every gateway has it, keep the old one there as SERVICE_SECRET_PREVIOUS; then "
        f"`netra services retire {service_id} --oldest`.",
        file=sys.stderr,
    )


@app.command()
def retire(
    service_id: ServiceId,
    fingerprint: Annotated[
        str | None,
        typer.Argument(metavar="FINGERPRINT", help="The fingerprint of the secret: `netra services list` shows it."),
    ] = None,
    oldest: Annotated[bool, typer.Option("--oldest", help="The oldest secret, whatever its fingerprint.")] = False,
) -> None:
    """Refuse one of a service's two secrets from now on."""
    if (fingerprint is None) is not oldest:
        raise typer.BadParameter("Say which secret: its FINGERPRINT, or --oldest.")
    settings = settings_or_exit()

    from netra.authd.store import registry

    named = fingerprint.strip().lower() if fingerprint is not None else None
    retired = in_database(settings, lambda db: registry.retire(db, service_id, named))
    if retired is registry.Undone.NOT_FOUND:
        give_up(f"error: {service_id} has no secret {named}. `netra services list` shows the fingerprints.")
    if retired is registry.Undone.LAST_ONE:
        give_up(
            f"error: this is the only secret of {service_id}. `netra services rotate {service_id}` makes another one "
            f"first; `netra services remove {service_id}` shuts the service out."
        )
    if isinstance(retired, registry.Undone):
        give_up(_UNKNOWN.format(service_id))
    print(f"The secret {retired} of {service_id} is retired.")


@app.command()
def remove(service_id: ServiceId) -> None:
    """Forget a service; its secrets are refused from now on."""
    settings = settings_or_exit()

    from netra.authd.store import registry

    if not in_database(settings, lambda db: registry.remove(db, service_id)):
        give_up(_UNKNOWN.format(service_id))
    print(f"{service_id} is removed.")


def _show_once(service_id: str, secret: "Secret") -> None:
    from netra.authd.store import registry

    print(f"SERVICE_ID={service_id}\nSERVICE_SECRET={secret.reveal()}")
    note = f"This secret is shown only now. Its fingerprint is {registry.fingerprint(secret)}."
    print(note, file=sys.stderr)


def _age(ms: int) -> str:
    """An age in its largest whole unit: days, hours or minutes."""
    unit, unit_ms = next((each for each in _AGES if ms >= each[1]), _AGES[-1])
    return f"{max(0, ms) // unit_ms}{unit}"


def _now_ms() -> int:
    return int(time.time() * 1_000)
