"""`netra services`: which services may speak to the embedded auth service.

It must never show a secret a second time: only its hash is kept.
"""

import sys
import time
from typing import Annotated

import typer

from netra.cli.authd import day_of, give_up, in_database, settings_or_exit, show_table

app = typer.Typer(add_completion=False, no_args_is_help=True, help="The services that the auth service knows.")

ServiceId = Annotated[str, typer.Argument(metavar="ID", help="The constant name of a service, e.g. `netra-backend`.")]


@app.command()
def add(service_id: ServiceId) -> None:
    """Register a service and show its secret, once, as two lines for its environment."""
    settings = settings_or_exit()

    from netra.authd.store import registry

    objection = registry.id_objection(service_id)
    if objection is not None:
        raise typer.BadParameter(f"{service_id!r} cannot be a service id: {objection}.")
    secret = in_database(settings, lambda db: registry.add(db, service_id, int(time.time() * 1_000)))
    if secret is None:
        give_up(
            f"error: there is a service {service_id} already, and its secret cannot be shown again. "
            f"`netra services remove {service_id}` first, or choose another id."
        )
    print(f"SERVICE_ID={service_id}\nSERVICE_SECRET={secret.reveal()}")
    note = f"This secret is shown only now. Its fingerprint is {registry.fingerprint(secret)}."
    print(note, file=sys.stderr)


@app.command("list")
def list_services() -> None:
    """List the registered services, with the fingerprints of their secrets."""
    settings = settings_or_exit()

    from netra.authd.store import registry

    found = in_database(settings, registry.listed)
    rows = [(each.service_id, day_of(each.created_at_ms), " ".join(each.fingerprints)) for each in found]
    show_table("Services", ("id", "since", "fingerprints"), rows)


@app.command()
def remove(service_id: ServiceId) -> None:
    """Forget a service; its secret is refused from now on."""
    settings = settings_or_exit()

    from netra.authd.store import registry

    if not in_database(settings, lambda db: registry.remove(db, service_id)):
        give_up(f"error: there is no service {service_id}. `netra services list` shows all.")
    print(f"{service_id} is removed.")
