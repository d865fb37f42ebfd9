"""The demo put together: a folder, an auth service, a gateway, and everything gone again at the end.

It must never read the environment, nor leave a program or a folder behind.
"""

import asyncio
import os
import signal
import sys
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TextIO

from netra.demo import ports, screen
from netra.demo.auth_service import AuthService, Credentials, DemoFailed, launched, new_credentials

if TYPE_CHECKING:
    from netra.assemble import Assembled
    from netra.core.events import Event
    from netra.core.findings import Finding
    from netra.settings.field import Effective
    from netra.settings.read import Loaded
    from netra.settings.variables import Settings

_ENDINGS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Wanted(NamedTuple):
    """What somebody asked of the demo on the command line."""

    port: int = 8000
    admin_port: int = 9901
    authd_port: int = 8081
    disclose: str = "operator"
    login_budget_s: float = 5.0
    as_json: bool = False
    quiet: bool = False


async def run_demo(wanted: Wanted) -> int:
    """Run the demo until it is told to stop; returns the exit code.

    Raises: DemoFailed; CannotListen, when a port is taken.
    """
    _refuse_taken(wanted)
    with ends_quietly():
        async with stage(wanted.authd_port) as (folder, service, known):
            # The gateway's libraries are loaded while the auth service starts.
            from netra.assemble_admin import Shown
            from netra.demo.control import FaultControl, FrontDoor, routes
            from netra.listen import serve_gateway, telling

            await service.ready()
            settings, findings, effective = gateway_settings(service, known, _variables(wanted))
            control, front = FaultControl(service, known.service_secret), FrontDoor(settings.prefix)
            with _log(folder, quiet=wanted.quiet) as log, telling(settings, log) as tell:
                held = _HeldBack(tell)

                secret_file = _held_in_file(known, folder)

                def started(bound: list[Any]) -> None:
                    addresses = screen.Addresses(bound[0].url, bound[1].url, service.url)
                    quiet_log = screen.gateway_log(folder) if wanted.quiet else None
                    shown = screen.Shown(addresses, known, settings, quiet_log, service.log_file, secret_file)
                    screen.show(shown, as_json=wanted.as_json)
                    front.url = bound[0].url
                    held.release()

                def assembled(made: "Assembled") -> None:
                    # Each fault is to show its own answer, not a circuit that the one before has opened.
                    control.on_switched = made.forget_failures

                code = await serve_gateway(
                    settings,
                    findings,
                    held,
                    extra_admin_routes=routes(control, known, front),
                    shown=Shown(effective, panels=("demo",)),
                    on_assembled=assembled,
                    on_started=started,
                )
                ignore_endings()
                return code


@asynccontextmanager
async def stage(authd_port: int) -> AsyncIterator[tuple[Path, AuthService, Credentials]]:
    """A folder that vanishes at the end, and in it an auth service that is starting."""
    known = new_credentials()
    with TemporaryDirectory(prefix="netra-demo-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        async with launched(folder, authd_port, known) as service:
            yield folder, service, known


def gateway_settings(
    service: AuthService, known: Credentials, variables: dict[str, str]
) -> "tuple[Settings, tuple[Finding, ...], tuple[Effective, ...]]":
    """What `netra serve` would read from these variables, remark on them and show of them, at this auth service.

    Raises: DemoFailed, with what is wrong.
    """
    from netra.core.findings import Severity
    from netra.settings.read import read

    loaded: Loaded[Settings] = read(
        {
            "AUTH_SERVICE_URL": service.url,
            "SERVICE_ID": known.service_id,
            "SERVICE_SECRET": known.service_secret.reveal(),
            "NETRA_DRAIN_DELAY_S": "0",
            **variables,
        }
    )
    if loaded.settings is None:
        raise DemoFailed("\n".join(one.line() for one in loaded.findings if one.severity is Severity.ERROR))
    return loaded.settings, loaded.findings, loaded.effective


def _held_in_file(known: Credentials, folder: Path) -> Path:
    """The service secret in a file that nobody else can read, gone with the folder."""
    path = folder / "service-secret"
    path.touch(0o600, exist_ok=False)
    path.write_text(known.service_secret.reveal(), encoding="utf-8")
    return path


def _variables(wanted: Wanted) -> dict[str, str]:
    return {
        "ENVIRONMENT": "staging",
        "NETRA_DISCLOSE": wanted.disclose,
        "NETRA_PORT": str(wanted.port),
        "NETRA_ADMIN_PORT": str(wanted.admin_port),
        "NETRA_LOG_FORMAT": "json" if wanted.as_json else "text",
        **budget(wanted.login_budget_s),
    }


def budget(login_budget_s: float) -> dict[str, str]:
    """The variables of a budget for logins; a connection may take at most half of it."""
    return {
        "NETRA_LOGIN_BUDGET_S": f"{login_budget_s:g}",
        "NETRA_CONNECT_TIMEOUT_S": f"{min(1.0, login_budget_s / 2):g}",
    }


def _refuse_taken(wanted: Wanted) -> None:
    messages = ports.taken(
        (
            ("public listener", wanted.port, ports.PORT_OPTIONS),
            ("admin listener", wanted.admin_port, ports.ADMIN_OPTIONS),
            ("auth service", wanted.authd_port, ports.AUTHD_OPTIONS),
        )
    )
    if messages:
        raise DemoFailed("\n".join((*messages, "Port 0 takes any free one.")))


class _HeldBack:
    """Keeps what there is to tell until the screen is shown, so that the log follows it."""

    def __init__(self, tell: "Callable[[Event], None]") -> None:
        self._tell = tell
        self._waiting: deque[Event] | None = deque()

    def __call__(self, event: "Event") -> None:
        if self._waiting is None:
            self._tell(event)
        else:
            self._waiting.append(event)

    def release(self) -> None:
        """Tell everything, and from now on at once."""
        waiting, self._waiting = self._waiting, None
        for event in waiting or ():
            self._tell(event)


@contextmanager
def _log(folder: Path, *, quiet: bool) -> Iterator[TextIO]:
    if not quiet:
        yield sys.stdout
        return
    with screen.gateway_log(folder).open("w", encoding="utf-8") as log:
        yield log


@contextmanager
def ends_quietly() -> Iterator[Callable[[], None]]:
    """A signal to end cancels the task of this block, which then leaves in good order.

    Yields a function that listens for signals again, after somebody else did. Raises: Ended, for that cancellation.
    """
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    asked = False

    def on_signal() -> None:
        nonlocal asked
        if not asked and task is not None:
            asked = True
            task.cancel()

    def listen() -> None:
        loop.add_signal_handler(signal.SIGINT, on_signal)
        loop.add_signal_handler(signal.SIGTERM, on_signal)

    listen()
    # A terminal that is closed ends the demo as SIGTERM would, also while the listeners own the other two.
    loop.add_signal_handler(signal.SIGHUP, lambda: os.kill(os.getpid(), signal.SIGTERM))
    try:
        yield listen
    except asyncio.CancelledError:
        if not asked:
            raise
        raise Ended from None
    finally:
        for number in _ENDINGS:
            loop.remove_signal_handler(number)


class Ended(Exception):
    """The demo was told to end before it had begun; nothing of it is left."""


def ignore_endings() -> None:
    """From now on the demo is being taken down, in bounded time: further signals change nothing."""
    loop = asyncio.get_running_loop()
    for number in _ENDINGS:
        loop.add_signal_handler(number, lambda: None)
