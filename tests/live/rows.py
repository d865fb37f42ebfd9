"""What every row of the table of causes must show on the wire, whoever looks: asserted in one place.

It must never read the table itself: a test says which status, phase and event its row has.
"""

import errno
import os
from collections.abc import Awaitable, Callable
from itertools import count
from typing import Any, Final, NamedTuple

from netra.lab.faulty_auth_service import FaultyAuthService
from tests.support.gateways import EMAIL, PASSWORD, SECRET, SERVICE_ID, Running, Views
from tests.support.problems import assert_problem
from tests.support.wire import Answer, Headers

Ask = Callable[[Running, Headers], Awaitable[Answer]]
"""One request of somebody: (gateway, extra headers) -> answer."""

UNAVAILABLE: Final = "authentication_unavailable"
ACCESS: Final = f"access-{EMAIL.encode().hex()}"
LEAVING: Final = f"access-{f'leaving+{EMAIL}'.encode().hex()}"
"""Of another session: once a logout has ended it, a gateway refuses it for good."""
REFRESH: Final = f"refresh-{EMAIL.encode().hex()}"
_SYSTEM_WORDS: Final = frozenset(os.strerror(number) for number in errno.errorcode)
_NUMBERS: Final = count(1)
_OF_ONE_REQUEST: Final = frozenset({"status", "request_id", "retry_after"})


class Failure(NamedTuple):
    """No verdict: a row that the public may not see."""

    code: str
    status: int
    phase: str
    deliveries: int = 1
    event: str = "All 1 login attempts failed"
    owner: str | None = None
    answered_by: str | None = None


class Refusal(NamedTuple):
    """A verdict, or a request that cannot be read: a row that everybody may see."""

    code: str
    status: int
    action: str
    deliveries: int = 1
    event: str | None = "Login rejected"
    public_code: str | None = None
    retry_after: int | None = None


async def log_in(gateway: Running, headers: Headers) -> Answer:
    """A login with the right password."""
    return await gateway.log_in(headers=headers)


async def register(gateway: Running, headers: Headers) -> Answer:
    """A registration."""
    return await gateway.post("/register", {"email": EMAIL, "password": PASSWORD, "name": "Ada"}, headers)


async def refresh(gateway: Running, headers: Headers) -> Answer:
    """A refresh with a good refresh token."""
    return await gateway.post("/refresh", {"refresh_token": REFRESH}, headers)


async def log_out(gateway: Running, headers: Headers) -> Answer:
    """A logout by access token."""
    return await gateway.post("/logout", {}, [("Authorization", f"Bearer {LEAVING}"), *headers])


async def who_am_i(gateway: Running, headers: Headers) -> Answer:
    """A token check with a good access token."""
    return await gateway.get("/me", [("Authorization", f"Bearer {ACCESS}"), *headers])


async def assert_failure(
    views: Views, row: Failure, service: FaultyAuthService | None = None, ask: Ask = log_in, path: str = "/auth/login"
) -> Any:
    """Nobody knows the verdict: operators are told why, the public is told nothing, the log has it all.

    Returns the operator's body.
    """
    told = await _asked(views.operator, row, ask, service, path)
    body = assert_problem(told, row.status, row.code, "operator")
    assert body["debug_info"]["answered_by"] == row.answered_by
    assert row.owner is None or body["owner"] == row.owner
    shown = await _asked(views.public, row, ask, service, path)
    public = assert_problem(shown, row.status, UNAVAILABLE, "public")
    await assert_nothing_told(views.public, shown, public, row.code)
    _assert_logged(views.operator, body["request_id"], row)
    _assert_logged(views.public, public["request_id"], row)
    return body


async def assert_nothing_told(gateway: Running, answer: Answer, body: Any, code: str) -> None:
    """A public answer about a failure differs from any other in nothing but its status, its id and its patience."""
    page = (await gateway.ask("GET", f"/problems/{UNAVAILABLE}")).json
    assert {name: value for name, value in body.items() if name not in _OF_ONE_REQUEST} == {
        "type": f"/problems/{UNAVAILABLE}",
        "title": page["title"],
        "detail": page["public"],
        "error": "Authentication service temporarily unavailable",
        "code": UNAVAILABLE,
        "action": "wait",
    }
    raw = answer.raw.decode("latin-1")
    told = {code, SERVICE_ID, SECRET, PASSWORD, EMAIL, "127.0.0.1", gateway.assembled.view.auth_service_url}
    told = {each for each in told | _SYSTEM_WORDS if each and each in raw}
    assert not told, f"the public was told {told}"


async def assert_refusal(
    views: Views, row: Refusal, service: FaultyAuthService, ask: Ask = log_in, path: str = "/auth/login"
) -> Any:
    """A verdict: both views name it, only the operator's owner differs, and the next good login succeeds."""
    told = await _asked(views.operator, row, ask, service, path)
    body = assert_problem(told, row.status, row.code, "operator")
    assert body["action"] == row.action
    assert row.retry_after is None or body["retry_after"] == row.retry_after
    shown = await _asked(views.public, row, ask, service, path)
    public = assert_problem(shown, row.status, row.public_code or row.code, "public")
    for running, request_id in ((views.operator, body["request_id"]), (views.public, public["request_id"])):
        lines = running.lines_of(request_id)
        assert [(line["event"], line["code"]) for line in lines] == ([(row.event, row.code)] if row.event else [])
    await assert_next_is_good(views, service)
    return body


async def assert_next_is_good(views: Views, service: FaultyAuthService) -> None:
    """Once the auth service is well, so is everybody."""
    service.heal()
    for running in views:
        answer = await running.log_in()
        assert answer.status == 200, answer
        assert answer.json["user"]["email"] == EMAIL


async def _asked(
    gateway: Running, row: Failure | Refusal, ask: Ask, service: FaultyAuthService | None, path: str
) -> Answer:
    before = len(service.delivered(path)) if service else 0
    answer = await ask(gateway, [("X-Request-ID", f"row-{next(_NUMBERS)}")])
    after = len(service.delivered(path)) if service else row.deliveries
    assert after - before == row.deliveries, f"{after - before} deliveries"
    return answer


def _assert_logged(gateway: Running, request_id: str, row: Failure) -> None:
    (line,) = gateway.lines_of(request_id)
    assert line["event"] == row.event, line
    assert (line["code"], line["phase"]) == (row.code, row.phase), line
    assert line["elapsed_ms"] >= 0
    assert line["level"] in {"warning", "error"}
    assert line["why"].strip()
    assert line["check_first"].strip()
