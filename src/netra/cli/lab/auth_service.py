"""`netra lab auth-service`: an auth service that is well until it is told how to fail.

It must never print a secret, nor open its control to strangers without a token.
"""

import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, NoReturn

import typer

from netra.cli.authd import BAD_SETTINGS, FAILED
from netra.cli.lab.faults import WRONG_USAGE, found_or_exit, needs_extra

if TYPE_CHECKING:
    from collections.abc import Iterator

    from netra.asgi.words import Request
    from netra.core.secret import Secret
    from netra.lab.control.run import Wanted
    from netra.lab.faulty_auth_service import FaultyAuthService

_SHORTEST_TOKEN: Final = 32
_LONGEST_SECRET_BYTES: Final = 4096


class Format(StrEnum):
    """How it speaks."""

    TEXT = "text"
    JSON = "json"


class Tls(StrEnum):
    """How good its certificate is."""

    GOOD = "good"
    EXPIRED = "expired"
    NOT_YET_VALID = "not-yet-valid"
    OTHER_NAME = "other-name"
    OTHER_AUTHORITY = "other-authority"
    CLIENT_CERTIFICATE = "client-certificate"


Host = Annotated[str, typer.Option(help="The address to listen on.")]
Port = Annotated[int, typer.Option(min=0, max=65_535, help="The auth service's port; 0 takes any free one.")]
ControlHost = Annotated[
    str, typer.Option(help="The address of its control; any but this machine's needs NETRA_ADMIN_TOKEN.")
]
ControlPort = Annotated[int, typer.Option(min=0, max=65_535, help="The control's port; 0 takes any free one.")]
SecretFile = Annotated[
    Path | None, typer.Option(metavar="FILE", help="The one SERVICE_SECRET that is accepted; by default any is.")
]
TlsOption = Annotated[
    Tls | None, typer.Option(help="Speak TLS, with a certificate of this quality by an authority of its own.")
]
Limit = Annotated[int, typer.Option(min=1, max=1_000_000, help="How many deliveries it remembers.")]


def auth_service(
    host: Host = "127.0.0.1",
    port: Port = 8081,
    control_host: ControlHost = "127.0.0.1",
    control_port: ControlPort = 8082,
    fault: Annotated[str | None, typer.Option(metavar="NAME", help="Begin with this one of netra lab faults.")] = None,
    secret_file: SecretFile = None,
    tls: TlsOption = None,
    handshake: Annotated[bool, typer.Option(help="Is there a handshake?")] = True,
    idempotency: Annotated[bool, typer.Option(help="Does it promise to honour Idempotency-Key?")] = True,
    by_email: Annotated[
        bool, typer.Option(help="May an address such as response_timeout@lab.test choose a fault?")
    ] = True,
    journal_limit: Limit = 1_000,
    form: Annotated[Format, typer.Option("--format", help="text for people, json for programs.")] = Format.TEXT,
) -> None:
    """Run an auth service that fails as it is told.

    It is well until then, and any password but `wrong` is right; Ctrl-C or SIGTERM ends it.
    Exit codes: 0 ended; 1 an address is taken; 2 wrong usage; 78 a setting is wrong.
    """
    from netra.lab.control.run import Wanted

    if fault is not None:
        found_or_exit(fault)
    needs_extra()
    token, hosts = _admission(control_host)
    wanted = Wanted(
        host=host,
        port=port,
        control_host=control_host,
        control_port=control_port,
        control_hosts=hosts,
        control_token=token,
        fault=fault,
        secret=_read_secret(secret_file, "--secret-file"),
        handshake=handshake,
        idempotency=idempotency,
        by_email=by_email,
        journal_limit=journal_limit,
    )
    raise typer.Exit(_run(wanted, tls, as_json=form is Format.JSON))


def _admission(control_host: str) -> "tuple[Secret | None, tuple[str, ...]]":
    """The token and the further names of the control, by the settings of admin listeners."""
    import os

    from netra.core.secret import Secret
    from netra.settings.values import is_loopback, is_unspecified

    token = os.environ.get("NETRA_ADMIN_TOKEN", "").strip()
    file = os.environ.get("NETRA_ADMIN_TOKEN_FILE", "").strip()
    if file and not token:
        read = _read_secret(Path(file), "NETRA_ADMIN_TOKEN_FILE")
        token = read.reveal() if read else ""
    hosts = tuple(each.strip() for each in os.environ.get("NETRA_ADMIN_HOSTS", "").split(",") if each.strip())
    if token and len(token) < _SHORTEST_TOKEN:
        _give_up(f"NETRA_ADMIN_TOKEN is shorter than {_SHORTEST_TOKEN} characters. Make one: openssl rand -hex 32")
    if not token and (is_unspecified(control_host) or not is_loopback(control_host)):
        _give_up(
            "--control-host is not of this machine alone, and NETRA_ADMIN_TOKEN is not set. Set it (32+ characters)."
        )
    return (Secret(token) if token else None), hosts


def _read_secret(file: Path | None, name: str) -> "Secret | None":
    from netra.core.secret import Secret

    if file is None:
        return None
    try:
        with file.open("rb") as opened:
            text = opened.read(_LONGEST_SECRET_BYTES + 1).decode("ascii").strip()
    except OSError as error:
        _give_up(f"{name} cannot be read: {error.strerror}. Name a file that holds the secret.")
    except UnicodeDecodeError:
        text = ""
    if not text or len(text) > _LONGEST_SECRET_BYTES or not text.isprintable():
        _give_up(f"{name} holds no secret: write one line of printable ASCII into it.")
    return Secret(text)


def _run(wanted: "Wanted", tls: Tls | None, *, as_json: bool) -> int:
    import asyncio
    import tempfile
    from contextlib import ExitStack
    from dataclasses import replace

    from netra.asgi.server import CannotListen
    from netra.lab.control.run import run_lab
    from netra.lab.faulty_auth_service import CannotPlay

    with ExitStack() as stack:
        if tls is not None:
            from netra.lab.certificates import Authority

            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="netra-lab-")))
            wanted = replace(wanted, authority=Authority(folder), certificate=tls.value)

        def started(service: "FaultyAuthService", control_url: str) -> None:
            _say_started(wanted, service, control_url, as_json=as_json)

        try:
            return asyncio.run(run_lab(wanted, started, _crashed))
        except CannotListen as cannot:
            print(f"error: {cannot}", file=sys.stderr)
            return FAILED
        except CannotPlay as cannot:
            print(f"error: {cannot}", file=sys.stderr)
            return WRONG_USAGE


def _crashed(request: "Request", crash: BaseException) -> None:
    """A bug of ours, by its type and place alone: what was sent may be in its words."""
    place = crash.__traceback__
    while place is not None and place.tb_next is not None:
        place = place.tb_next
    where = f"{place.tb_frame.f_code.co_filename}:{place.tb_lineno}" if place else "an unknown place"
    print(f"internal error: {type(crash).__name__} at {where}", file=sys.stderr)


def _say_started(wanted: "Wanted", service: "FaultyAuthService", control_url: str, *, as_json: bool) -> None:
    variables = {"AUTH_SERVICE_URL": service.url}
    if wanted.authority is not None:
        variables["AUTH_SERVICE_CA_FILE"] = str(wanted.authority.file)
    if as_json:
        import json

        told = {"event": "Lab started", "url": service.url, "control_url": control_url, "set": variables}
        print(json.dumps({**told, "fault": wanted.fault}), flush=True)
        return
    coloured = sys.stdout.isatty()
    for text, bold in _lines(wanted, variables, control_url):
        typer.secho(text, bold=bold and coloured)
    sys.stdout.flush()


def _lines(wanted: "Wanted", variables: dict[str, str], control_url: str) -> "Iterator[tuple[str, bool]]":
    """What to do next: each line, and whether it stands out."""
    from netra.settings.values import is_loopback

    bearer = " -H 'Authorization: Bearer '\"$NETRA_ADMIN_TOKEN\"" if wanted.control_token else ""
    ask = f"curl{bearer}"
    yield f"The lab's auth service listens on {variables['AUTH_SERVICE_URL']}", True
    yield "It lets everybody in whose password is not `wrong`: keep real users away from it.", False
    if not is_loopback(wanted.host):
        yield f"Strangers can reach it, too: it listens on {wanted.host}.", True
    if wanted.fault is not None:
        from netra.lab.faults import find

        fault = find(wanted.fault)
        yield f"It begins with {fault.name}: {fault.what} A gateway answers {fault.promised}.", True
    yield "", False
    yield "Tell your gateway:", False
    for name, value in variables.items():
        yield f"  {name}={value}", True
    credentials = "with the secret of --secret-file" if wanted.secret else "with any service credentials"
    yield f"  ({credentials})", False
    yield "Break it, and mend it:", False
    yield f"  {ask} -X POST {control_url}/fault/drip-body", False
    yield f"  {ask} -X POST '{control_url}/fault/status-503?path=/auth/refresh'", False
    yield f"  {ask} -X POST {control_url}/heal", False
    yield "See what arrived, and all faults:", False
    yield f"  {ask} {control_url}/journal", False
    yield "  netra lab faults", False
    if wanted.by_email:
        yield "Or log in from your own form, with any password:", False
        yield (
            "  ada@lab.test  response_timeout@lab.test  account_locked@lab.test  token_expired+validate@lab.test",
            False,
        )
    yield "", False
    yield "Ctrl-C ends it.", False


def _give_up(problem: str) -> NoReturn:
    print(f"error: {problem}", file=sys.stderr)
    raise typer.Exit(BAD_SETTINGS)
