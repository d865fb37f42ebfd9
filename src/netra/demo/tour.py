"""The demo without a key pressed: everything is broken once, and real answers and log lines are held to the promise.

It must never show anything that did not come over a socket or stand in a log.
"""

import asyncio
import json
import re
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit

from netra.demo import table
from netra.demo.assembly import budget, ends_quietly, gateway_settings, ignore_endings, stage
from netra.demo.auth_service import AuthService, Credentials
from netra.demo.faults import BY_NAME, Fault
from netra.observe.log.outlet import PAUSE_S

USERS_GATEWAY: Final = {"ENVIRONMENT": "production", "NETRA_PLAINTEXT_HOSTS": "127.0.0.1"}
"""What users get: production's own defaults, so public answers and one try; its auth service is on this machine."""
OPERATORS_GATEWAY: Final = {"ENVIRONMENT": "staging"}
"""What operators get: staging's own defaults, so answers that name the cause, and three tries."""

_PUBLIC_MEMBERS: Final = frozenset(
    {"type", "title", "status", "detail", "error", "code", "request_id", "retry_after", "action", "errors"}
)
_PATIENCE_S: Final = 30.0
_LOOKS_COUNT: Final = 25
"""How often a log is looked at for a line, a pause of its writer apart."""


class Step(NamedTuple):
    """One thing that happens, and what is promised then."""

    title: str
    fault: Fault
    right_password: bool
    status: int
    code: str
    """The exact cause; empty where the login succeeds."""
    event: str
    """The log event of the operators' gateway, as a pattern."""
    deliveries: int | None
    """How often the login reaches the auth service; None where nobody can know."""


STEPS: Final = (
    Step("Right password", BY_NAME["none"], True, 200, "", "Login succeeded", 1),
    Step("Wrong password", BY_NAME["none"], False, 401, "invalid_credentials", "Login rejected", 1),
    Step(
        "Auth service stopped", BY_NAME["stopped"], True, 503, "connection_refused", r"All \d login attempts failed", 0
    ),
    Step(
        "Auth service frozen", BY_NAME["frozen"], True, 504, "response_timeout", r"All \d login attempts failed", None
    ),
    Step(
        "Wrong service secret", BY_NAME["wrong-service-secret"], True, 502, "service_credentials_rejected",
        "Login failed: Access forbidden", 1,
    ),
    Step("Mended, right password", BY_NAME["none"], True, 200, "", "Login succeeded", 1),
)  # fmt: skip


class Told(NamedTuple):
    """One answer of one gateway, and the log line that it wrote about it."""

    status: int
    retry_after: str | None
    """The header of that name."""
    text: str
    elapsed_s: float
    line: dict[str, Any]
    deliveries: int
    """How often the auth service says it was asked for this login."""

    @property
    def members(self) -> dict[str, Any]:
        """The body's members; none when it is not an object."""
        try:
            found = json.loads(self.text)
        except ValueError:
            return {}
        return found if isinstance(found, dict) else {}


class Row(NamedTuple):
    """A step, and what really came of it."""

    step: Step
    user: Told
    operator: Told
    broken_promises: tuple[str, ...]


class Window(NamedTuple):
    """A gateway to log in at."""

    url: str
    log_file: Path
    auth_service_url: str
    auth_service_log: Path

    async def log_in(self, email: str, password: str, request_id: str) -> Told:
        """Log in over a socket, and read what the logs say of it."""
        status, retry_after, text, elapsed_s = await asyncio.to_thread(_ask, self.url, email, password, request_id)
        line = next(iter(await _lines_of(request_id, self.log_file)), {})
        seen = await _lines_of(request_id, self.auth_service_log)
        return Told(status, retry_after, text, elapsed_s, line, len(seen))


async def run_tour(login_budget_s: float, *, as_json: bool, steps: Sequence[Step] = STEPS) -> int:
    """Take the tour; 0 when every answer was as promised, 1 otherwise.

    Raises: DemoFailed, when the auth service does not do what it is told; Ended, when it is broken off.
    """
    started_s = time.monotonic()
    guide = table.guide(login_budget_s, as_json=as_json)
    rows: list[Row] = []
    with ends_quietly() as hear_endings, guide:
        guide.doing("Starting two gateways and an auth service")
        async with stage(0) as (folder, service, known):
            from netra.demo.control import FaultControl

            await service.ready()
            control = FaultControl(service, known.service_secret)
            async with _windows(folder, service, known, login_budget_s, hear_endings) as (users, operators):
                for step in steps:
                    guide.doing(step.title)
                    await control.switch(step.fault)
                    rows.append(await _taken(step, users, operators, known))
                    guide.did(rows[-1])
            ignore_endings()
    guide.finish(rows, time.monotonic() - started_s)
    return 1 if any(row.broken_promises for row in rows) else 0


async def _taken(step: Step, users: Window, operators: Window, known: Credentials) -> Row:
    password = known.password.reveal() if step.right_password else "not-the-password"
    label = re.sub(r"[^a-z]+", "-", step.title.lower())
    user, operator = await asyncio.gather(
        users.log_in(known.email, password, f"tour-{label}-user"),
        operators.log_in(known.email, password, f"tour-{label}-operator"),
    )
    insides = (users.auth_service_url.partition("//")[2], *((step.code,) if step.status >= 500 else ()))
    return Row(step, user, operator, tuple(broken_promises(step, user, operator, insides)))


@asynccontextmanager
async def _windows(
    folder: Path, service: AuthService, known: Credentials, login_budget_s: float, hear_endings: Callable[[], None]
) -> AsyncIterator[tuple[Window, Window]]:
    """Both gateways, listening on free ports; stopped with the block."""
    from netra.asgi.server import Listener, bind, serve
    from netra.assemble import open_gateway
    from netra.listen import telling

    async with AsyncExitStack() as stack:
        listeners = []
        for name, variables in (("users", USERS_GATEWAY), ("operators", OPERATORS_GATEWAY)):
            settings, _, _ = gateway_settings(
                service, known, {**variables, **budget(login_budget_s), "NETRA_LOG_FORMAT": "json"}
            )
            log_file = folder / f"{name}.log"
            log = stack.enter_context(log_file.open("w", encoding="utf-8"))
            tell = stack.enter_context(telling(settings, log))
            assembled = await stack.enter_async_context(open_gateway(settings, tell))
            listeners.append((Listener(name, assembled.public, "127.0.0.1", 0, ""), settings.prefix, log_file))
        bound = bind([listener for listener, _, _ in listeners])
        windows = [
            Window(f"{each.url}{prefix}/login", log_file, service.url, service.log_file)
            for each, (_, prefix, log_file) in zip(bound, listeners, strict=True)
        ]
        stop, begun = asyncio.Event(), asyncio.Event()
        serving = asyncio.create_task(serve(bound, on_started=begun.set, stop=stop))
        await begun.wait()
        # The listeners have taken the signals; here they end the tour, which ends the listeners.
        hear_endings()
        try:
            yield windows[0], windows[1]
        finally:
            stop.set()
            await serving
            hear_endings()


def _ask(url: str, email: str, password: str, request_id: str) -> tuple[int, str | None, str, float]:
    """One login as any client does it: status, `Retry-After`, body, and the seconds that it took."""
    parts = urlsplit(url)
    connection = HTTPConnection(parts.hostname or "", parts.port, timeout=_PATIENCE_S)
    started_s = time.monotonic()
    try:
        connection.request(
            "POST",
            parts.path,
            json.dumps({"email": email, "password": password}),
            {"Content-Type": "application/json", "X-Request-ID": request_id},
        )
        answer = connection.getresponse()
        text = answer.read().decode("utf-8", "replace")
        return answer.status, answer.getheader("Retry-After"), text, time.monotonic() - started_s
    finally:
        connection.close()


async def _lines_of(request_id: str, log_file: Path) -> list[dict[str, Any]]:
    """What a log says of one request. Lines follow an answer, they don't wait for it: they get a moment to arrive."""
    for _ in range(_LOOKS_COUNT):
        await asyncio.sleep(PAUSE_S)
        found = [each for each in _lines(log_file) if each.get("request_id") == request_id]
        if found:
            return found
    return []


def _lines(log_file: Path) -> list[dict[str, Any]]:
    """The JSON lines of a log; what else stands there, such as a traceback, is left out."""
    return [json.loads(line) for line in log_file.read_text("utf-8", "replace").splitlines() if line.startswith("{")]


def broken_promises(step: Step, user: Told, operator: Told, insides: tuple[str, ...]) -> list[str]:
    """What was promised and is not so, a sentence each; `insides` may not be in what the user was told."""
    public_code = step.code if step.status < 500 else "authentication_unavailable"
    checks: list[tuple[bool, str]] = [
        (user.status == step.status, f"the user got {user.status}, not {step.status}"),
        (operator.status == step.status, f"the operator got {operator.status}, not {step.status}"),
        (user.members.get("code", "") == public_code, f"the user's code is not {public_code or 'absent'}"),
        (operator.members.get("code", "") == step.code, f"the operator's code is not {step.code or 'absent'}"),
        (
            re.fullmatch(step.event, operator.line.get("event", "")) is not None,
            f"the log says {operator.line.get('event')!r}, not {step.event!r}",
        ),
    ]
    if step.deliveries is not None:
        counts = {user.deliveries, operator.deliveries}
        checks.append((counts == {step.deliveries}, f"the auth service was not asked {step.deliveries} time(s) each"))
    return [what for kept, what in (*checks, *_of_the_body(step, user, operator, insides)) if not kept]


def _of_the_body(step: Step, user: Told, operator: Told, insides: tuple[str, ...]) -> list[tuple[bool, str]]:
    if step.status == 200:
        ids = [(told.members.get("user") or {}).get("id") for told in (user, operator)]
        return [(all(ids), "a user's id is empty")]
    strange = sorted(set(user.members) - _PUBLIC_MEMBERS)
    leaked = [word for word in insides if word in user.text]
    checks = [
        (not strange, f"the user was told {', '.join(strange)}"),
        (not leaked, "the user was told where the auth service is, or why it failed"),
        (
            (user.retry_after is not None) == (step.status == 503),
            "Retry-After belongs to 503, and to nothing else here",
        ),
    ]
    if step.status >= 500:
        checks.append((bool(operator.members.get("suggestions")), "the operator got no suggestion"))
        checks.append((bool(operator.members.get("original_error")), "the operator was not told what failed"))
    return checks
