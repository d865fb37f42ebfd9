"""`netra wire learn`: writes a wire file from three logins.

It must never take the password from the command line, nor show or write a password, a token or an identifier.
"""

import sys
from collections.abc import Sequence
from math import isnan
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, NamedTuple, TypeVar

import typer

from netra.cli.authd import FAILED, give_up

if TYPE_CHECKING:
    from netra.core.secret import Secret
    from netra.doctor.learn.drafts import Ours, Problem
    from netra.doctor.learn.learnt import Learnt
    from netra.doctor.learn.logins import Asked, Plan, Three
    from netra.doctor.learn.stops import Stopped

T = TypeVar("T")

_MAX_LINE_BYTES: Final = 4_096
_WRONG_USAGE: Final = 2
_LEARNT: Final = "learnt"
_LONGEST_NAME: Final = 64


class Target(NamedTuple):
    """Where the two files go."""

    wire: Path
    replies: Path
    force: bool


def learn(
    login: Annotated[str, typer.Option(metavar="URL", help="Where the auth service takes logins.")],
    identifier: Annotated[str, typer.Option(metavar="NAME", help="Who logs in: take a user for trying.")],
    as_form: Annotated[bool, typer.Option("--form", help="Send a form. By default what is understood.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Send JSON. By default what is understood.")] = False,
    identifier_field: Annotated[
        str, typer.Option(metavar="NAME", help="The identifier's member; inside JSON also /user/email. Else guessed.")
    ] = "",
    password_field: Annotated[str, typer.Option(metavar="NAME", help="The password's member. Else guessed.")] = "",
    header: Annotated[
        list[str] | None, typer.Option(metavar="NAME=VALUE", help="A header of each login, e.g. an API key.")
    ] = None,
    member: Annotated[
        list[str] | None, typer.Option(metavar="NAME=VALUE", help="A member of each body, e.g. grant_type=password.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The file to write. By default standard output.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite what is there.")] = False,
    ca_file: Annotated[str | None, typer.Option(metavar="FILE", help="Your own authorities, as PEM.")] = None,
    timeout: Annotated[float, typer.Option(metavar="SECONDS", help="For each request.", min=0.1, max=120)] = 10.0,
) -> None:
    """Write a wire file from three logins.

    They are a good one, one with a wrong password, and one of a user who does not exist.

    Asks for the password on a terminal, else reads one line of standard input. The wrong password counts as an
    attempt on the account. Nobody's password, token or identifier is shown or written.

    What looks like a secret in --header and --member is written as {service_id} or {service_secret}; give that as
    VALUE to have it filled from SERVICE_ID and SERVICE_SECRET.

    Next: netra wire check FILE. Exit code 0: written; 1: no verdict, nothing is written; 2: wrong usage.
    """
    if as_form and as_json:
        raise typer.BadParameter("Say --form or --json, not both.")
    if isnan(timeout):  # which no range refuses
        raise typer.BadParameter("is not a number of seconds", param_hint="--timeout")
    target = _target(out, force=force)
    plan = _plan(login, identifier, (header or [], member or []), target)
    plan = plan._replace(
        form="form" if as_form else "json" if as_json else None,
        identifier_field=identifier_field,
        password_field=password_field,
        timeout_s=timeout,
    )
    _object(plan)
    _announce(plan)
    _write(_learnt(plan, ca_file), target, plan)


def _target(out: Path | None, *, force: bool) -> Target | None:
    """The files to be written, while nothing has been sent yet."""
    if out is None:
        return None

    import os

    from netra.doctor.wire_check import beside
    from netra.wires.load import presets

    if str(out) in presets():
        raise typer.BadParameter(f"{out} is the name of a preset. Call it {out}.toml.", param_hint="--out")
    target = Target(out, beside(str(out)), force)
    for path in target[:2]:
        if path.exists() and not (force and path.is_file()):
            raise typer.BadParameter(f"{path} is there already. Choose another one, or --force.", param_hint="--out")
    if not os.access(out.parent, os.W_OK | os.X_OK):
        what = f"nothing can be written to the folder {out.parent}. Make it, or choose another one."
        raise typer.BadParameter(what, param_hint="--out")
    return target


def _plan(login: str, identifier: str, given: tuple[list[str], list[str]], target: Target | None) -> "Plan":
    from netra.core.secret import Secret
    from netra.doctor.learn import drafts, logins

    texts = (login, identifier, *given[0], *given[1])
    if not identifier or not all(map(_is_text, texts)):
        raise typer.BadParameter("An option is empty, or is not UTF-8.")
    where, constants = _usable(logins.target(login)), _usable(drafts.constants(*given, _ours()))
    return logins.Plan(
        target=where,
        name=_name(target),
        identifier=Secret(identifier),
        password=_password(),
        nobody=Secret(logins.nobody_like(identifier)),
        wrong_password=logins.wrong_password(),
        constants=constants,
    )


def _usable(value: "T | Problem") -> "T":
    """A value of options; an end of the program for what is wrong with them."""
    from netra.doctor.learn.drafts import Problem

    if isinstance(value, Problem):
        raise typer.BadParameter(value.what, param_hint=value.option)
    return value


def _ours() -> "Ours":
    """Our own credentials, from the environment or the files that it names."""
    import os

    from netra.core.secret import Secret
    from netra.doctor.learn.drafts import Ours
    from netra.settings.field import rows
    from netra.settings.sources import find
    from netra.settings.variables import Settings

    texts = {variable.name: find(variable, os.environ, {}).text for _, variable in rows(Settings) if variable.file}
    secret = texts.get("SERVICE_SECRET")
    return Ours(texts.get("SERVICE_ID") or None, Secret(secret) if secret else None)


def _is_text(text: str) -> bool:
    """Can it be sent? Bytes of another encoding come in as halves of characters."""
    return not any("\ud800" <= char <= "\udfff" for char in text)


def _name(target: Target | None) -> str:
    """What the wire is called: like its file, as far as a name of a wire may be."""
    import re

    stem = target.wire.stem.lower() if target else _LEARNT
    return re.sub(r"[^a-z0-9._-]+", "-", stem).strip("._-")[:_LONGEST_NAME] or _LEARNT


def _password() -> "Secret":
    from netra.core.secret import Secret

    if sys.stdin.isatty():
        return Secret(str(typer.prompt("Password", hide_input=True, err=True)))
    line = sys.stdin.buffer.readline(_MAX_LINE_BYTES)
    try:
        password = line.decode("utf-8").rstrip("\r\n")
    except UnicodeDecodeError:
        give_up("error: the password on standard input is not UTF-8.")
    if not password:
        give_up("error: there is no password on standard input: write it there as one line, or use a terminal.")
    return Secret(password)


def _object(plan: "Plan") -> None:
    """End with what is wrong with the options together, if anything is."""
    from netra.doctor.learn.logins import objections

    stopped = objections(plan)
    if stopped is not None:
        _say(*stopped.lines, "Nothing was sent.")
        raise typer.Exit(_WRONG_USAGE)


def _announce(plan: "Plan") -> None:
    """What will be sent, before it is."""
    from netra.doctor.learn.logins import most_requests
    from netra.settings.values import is_loopback

    url = f"{plan.target.base_url}{plan.target.path.partition('?')[0]}"
    most = most_requests(plan)
    guesses = f" Until it is understood, the good one is put otherwise: {most} requests at most." if most > 3 else ""
    _say(
        f"Three logins go to {url}: a good one, a wrong password, an unknown user.{guesses}",
        "The wrong password counts as an attempt on the account.",
    )
    host = plan.target.base_url.partition("://")[2].partition(":")[0]
    if plan.target.base_url.startswith("http:") and not is_loopback(host):
        _say("warning: the password goes to that host in clear. Prefer https.")


def _learnt(plan: "Plan", ca_file: str | None) -> "Learnt":
    """Send, and make the texts; an end of the program where there is nothing to write."""
    import asyncio
    from datetime import UTC, datetime

    from netra.doctor.learn.learnt import learnt
    from netra.doctor.learn.stops import Stopped

    three = asyncio.run(_asked(plan, ca_file))
    result = three if isinstance(three, Stopped) else learnt(plan, three, datetime.now(UTC).strftime("%Y-%m-%d"))
    if isinstance(result, Stopped):
        _say("", *result.lines, "Nothing is written.")
        raise typer.Exit(FAILED)
    return result


async def _asked(plan: "Plan", ca_file: str | None) -> "Three | Stopped":
    from netra.doctor.learn.logins import three_logins
    from netra.link.clock import SystemClock
    from netra.link.exchange import HttpExchange
    from netra.link.tls.trust import Trust, TrustFiles, Unusable

    clock = SystemClock()
    try:
        trust = Trust(clock, TrustFiles(ca=ca_file)) if plan.target.base_url.startswith("https:") else None
    except Unusable as unusable:
        raise typer.BadParameter(unusable.finding.what, param_hint="--ca-file") from None
    exchange = HttpExchange(
        plan.target.base_url, connect_timeout_s=plan.timeout_s, idle_connection_s=1.0, clock=clock, trust=trust
    )
    try:
        return await three_logins(plan, exchange, lambda asked: _tell(asked, plan.sent))
    finally:
        await exchange.close()


def _tell(asked: "Asked", sent: Sequence[str]) -> None:
    """One request and the shape of its answer, values masked."""
    from netra.core.verdict.reply import Broken
    from netra.doctor.learn.masks import shape

    guess = asked.guess
    how = f"{asked.what} ({guess.form} with {guess.identifier_field}, {guess.password_field})"
    if isinstance(asked.got, Broken):
        _say("", f"{how}: no answer")
        return
    _say("", f"{how}: {asked.got.status}", *(f"  {line}" for line in shape(asked.got, sent)))


def _write(result: "Learnt", target: Target | None, plan: "Plan") -> None:
    _say("", *(f"note: {note}" for note in result.notes))
    if target is None:
        typer.echo(result.wire.encode(), nl=False)
        _say("To have the saved replies, too, and a check of both: --out FILE.")
        return
    for path, text in ((target.wire, result.wire), (target.replies, result.replies)):
        try:
            with path.open("w" if target.force else "x", encoding="utf-8") as file:
                file.write(text)
        except OSError as error:
            give_up(f"error: {path} cannot be written: {error.strerror}.")
    _say(
        f"Written: {target.wire}, and {target.replies} with made-up values.",
        "Next:",
        f"  netra wire check {target.wire}",
        f"  AUTH_SERVICE_URL={plan.target.base_url} NETRA_WIRE={target.wire} netra serve",
    )


def _say(*lines: str) -> None:
    """On standard error: standard output is for the wire alone."""
    for line in lines:
        encoding = sys.stderr.encoding or "ascii"
        print(line.encode(encoding, "replace").decode(encoding), file=sys.stderr)
