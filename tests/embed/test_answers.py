"""An embedded gateway answers as the listener does: status, headers and body, byte for byte.

It must never compare what was made twice by the same call: one side comes over a real socket.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final, NamedTuple

import pytest

from netra.asgi.adapter import App
from netra.assemble import open_gateway
from netra.core.events import Crashed
from netra.core.verdict.reply import Broken, Reply
from netra.embed import Accepted, Gate, Outcome, ProblemResponse, open_gate
from netra.settings.read import load
from netra.testing.fakes import Recorded, reply
from tests.embed.support import code_of, known_to, told
from tests.incidents.operators import EMAIL, OTHER_SECRET, PASSWORD, AuthService
from tests.support.gateways import PREFIX, served
from tests.support.places import free_port
from tests.support.wire import Answer, KeptLine, as_json
from tests.web.support import Front

REQUEST_ID: Final = "one-request"
TOKEN: Final = "an.access.token"


class Wish(NamedTuple):
    """The same wish, put to a listener and to a gate."""

    method: str
    path: str
    body: dict[str, Any] | None
    bearer: str | None
    ask: Callable[[Gate], Awaitable[Outcome[Any]]]


LOGIN: Final = Wish(
    "POST", "/login", {"email": EMAIL, "password": PASSWORD}, None,
    lambda gate: gate.log_in(EMAIL, PASSWORD, request_id=REQUEST_ID),
)  # fmt: skip
WISHES: Final = {
    "login": LOGIN,
    "register": Wish(
        "POST", "/register", {"email": EMAIL, "password": PASSWORD}, None,
        lambda gate: gate.register(EMAIL, PASSWORD, request_id=REQUEST_ID),
    ),
    "refresh": Wish(
        "POST", "/refresh", {"refresh_token": TOKEN}, None,
        lambda gate: gate.refresh(TOKEN, request_id=REQUEST_ID),
    ),
    "logout": Wish("POST", "/logout", {}, TOKEN, lambda gate: gate.log_out(TOKEN, request_id=REQUEST_ID)),
    "me": Wish("GET", "/me", None, TOKEN, lambda gate: gate.who_is(TOKEN, request_id=REQUEST_ID)),
    "config": Wish("GET", "/config", None, None, lambda gate: gate.offer(request_id=REQUEST_ID)),
}  # fmt: skip


def answered_by(status: int, body: bytes, **headers: str) -> Reply:
    return Reply(status, {name.replace("_", "-"): value for name, value in headers.items()}, body, 0.0)


REPLIES: Final[dict[str, Reply | Broken]] = {
    "a refusal": reply(401, {"code": "invalid_credentials"}),
    "a lock with its end": reply(423, {"code": "account_locked"}, {"retry-after": "77"}),
    "a lock": reply(423, {"code": "account_locked"}),
    "fields": reply(422, {"code": "invalid_fields", "errors": [{"pointer": "/password", "code": "too_short"}]}),
    "a token's refusal": reply(401, {"code": "token_expired"}),
    "an error": reply(500, {"oops": 1}),
    "not now": reply(503, {}, {"retry-after": "9"}),
    "too many": reply(429, {}),
    "our secret": reply(401, {"code": "service_credentials_rejected"}),
    "somebody between": answered_by(403, b"<html>no</html>", content_type="text/html", server="cloudflare"),
    "elsewhere": answered_by(302, b"", location="https://elsewhere.test"),
    "refused": Broken("connection_refused", {"os_error": "Connection refused"}),
    "silence": Broken("response_timeout"),
    "cut": Broken("response_incomplete"),
    # Last: an offer may be made of these, and then outlives what follows.
    "nonsense": answered_by(200, b'{"access_token": 7}'),
    "nothing": answered_by(200, b""),
}


class Line:
    """A kept connection to a listener."""

    def __init__(self, kept: KeptLine) -> None:
        self._kept = kept

    async def ask(self, wish: Wish) -> Answer:
        """The listener's answer to a wish."""
        headers = [("X-Request-ID", REQUEST_ID)]
        if wish.bearer is not None:
            headers.append(("Authorization", f"Bearer {wish.bearer}"))
        if wish.body is not None:
            headers.append(("Content-Type", "application/json"))
        body = None if wish.body is None else as_json(wish.body)
        return await self._kept.ask(wish.method, PREFIX + wish.path, headers, body)


@asynccontextmanager
async def line_to(app: App) -> AsyncIterator[Line]:
    """A connection to a listener of this application."""
    async with served(app, asyncio.Event()) as url:
        kept = await KeptLine.to(url)
        try:
            yield Line(kept)
        finally:
            kept.close()


def same(answer: Answer, response: ProblemResponse) -> bool:
    """Are both the same in every byte, but for the date, which is the server's? Fails with what differs."""
    headers = [each for each in answer.headers if each[0] != "date"]
    assert (answer.status, headers) == (response.status, response.headers)
    assert answer.body == response.body
    return True


@pytest.mark.parametrize("operator", [True, False], ids=["operator", "public"])
@pytest.mark.parametrize("wish", WISHES.values(), ids=WISHES)
async def test_whatever_the_auth_service_says_both_answer_the_same(wish: Wish, *, operator: bool) -> None:
    ours, theirs = (Front(*REPLIES.values(), now_s=1000.0, operator=operator, form_login=False) for _ in range(2))
    gate = Gate(ours.stage.gateway, ours.view)
    compared = set()
    async with line_to(theirs.public) as line:
        for name in REPLIES:
            outcome, answer = await wish.ask(gate), await line.ask(wish)
            if isinstance(outcome, Accepted):
                assert answer.status < 400, name
            elif same(answer, gate.problem_response(outcome, request_id=REQUEST_ID)):
                compared.add(name)
    assert compared >= REPLIES.keys() - {"a token's refusal", "nonsense", "nothing"}


@pytest.mark.parametrize("operator", [True, False], ids=["operator", "public"])
async def test_a_bug_of_ours_is_answered_and_told_alike(*, operator: bool) -> None:
    ours, theirs = (Front(now_s=1000.0, operator=operator, form_login=False) for _ in range(2))  # no reply prepared
    gate = Gate(ours.stage.gateway, ours.view)
    async with line_to(theirs.public) as line:
        outcome = await LOGIN.ask(gate)
        assert code_of(outcome) == "unknown internal_error"
        assert not isinstance(outcome, Accepted)
        assert same(await line.ask(LOGIN), gate.problem_response(outcome, request_id=REQUEST_ID))
    assert [type(each) for each in theirs.crashes] == [AssertionError]
    (crash,) = ours.stage.told.events
    assert isinstance(crash, Crashed)
    assert (crash.error_type, crash.request_id) == ("AssertionError", REQUEST_ID)


LONG: Final = "x" * 1100
Careless = Callable[[Any], Awaitable[Outcome[Any]]]
"""What asks a gate without a type checker."""
WRONG: Final[Mapping[str, tuple[str, dict[str, Any], str | None, Careless]]] = {
    "nothing": ("/login", {"email": "", "password": ""}, None, lambda gate: gate.log_in("", "")),
    "null": ("/login", {"email": None, "password": None}, None, lambda gate: gate.log_in(None, None)),
    "numbers": ("/login", {"email": 1, "password": 2}, None, lambda gate: gate.log_in(1, 2)),
    "long": ("/login", {"email": LONG, "password": LONG}, None, lambda gate: gate.log_in(LONG, LONG)),
    "controls": ("/login", {"email": "a\r\n", "password": "b"}, None, lambda gate: gate.log_in("a\r\n", "b")),
    "no e-mail": ("/register", {"email": "ada", "password": "p"}, None, lambda gate: gate.register("ada", "p")),
    "two passwords": (
        "/register", {"email": EMAIL, "password": "p", "confirm_password": "q", "name": 7}, None,
        lambda gate: gate.register(EMAIL, "p", confirm_password="q", name=7),
    ),
    "no refresh": ("/refresh", {"refresh_token": ""}, None, lambda gate: gate.refresh("")),
    "spaces": ("/refresh", {"refresh_token": "a b"}, None, lambda gate: gate.refresh("a b")),
    "no tokens": ("/logout", {}, None, lambda gate: gate.log_out()),
    "two words": ("/logout", {}, "a b", lambda gate: gate.log_out("a b")),
    "bad token": ("/logout", {"refresh_token": "\u00e9"}, None, lambda gate: gate.log_out(refresh_token="\u00e9")),
}  # fmt: skip
"""Fields that cannot be used. What a body can hold, a caller without type checks can pass."""


async def test_what_is_wrong_with_fields_is_said_alike_and_nobody_is_asked(auth_service: AuthService) -> None:
    recorded = Recorded()
    settings = load(known_to(auth_service))
    async with open_gateway(settings, recorded) as assembled, line_to(assembled.public) as line:
        gate = Gate(assembled.gateway, assembled.view)
        recorded.events.clear()
        for name, (path, body, bearer, ask) in WRONG.items():
            outcome, wish = await ask(gate), Wish("POST", path, body, bearer, ask)
            assert code_of(outcome).startswith("rejected"), name
            assert not isinstance(outcome, Accepted)
            assert same(await line.ask(wish), gate.problem_response(outcome, request_id=REQUEST_ID)), name
        assert recorded.events == []


ME: Final[Mapping[str | None, Callable[[Gate], Awaitable[Outcome[Any]]]]] = {
    None: lambda gate: gate.who_is(None), "": lambda gate: gate.who_is(""), "a b": lambda gate: gate.who_is("a b"),
    "\u00e9": lambda gate: gate.who_is("\u00e9"), LONG * 20: lambda gate: gate.who_is(LONG * 20),
}  # fmt: skip


async def test_what_is_no_token_is_refused_alike(auth_service: AuthService) -> None:
    async with (
        open_gateway(load(known_to(auth_service)), Recorded()) as assembled,
        line_to(assembled.public) as line,
    ):
        gate = Gate(assembled.gateway, assembled.view)
        for token, ask in ME.items():
            if len(token or "") > 8192:
                assert code_of(await ask(gate)) == "rejected token_malformed"  # no listener takes such a head
                continue
            outcome = await ask(gate)
            assert not isinstance(outcome, Accepted)
            answer = await line.ask(Wish("GET", "/me", None, token, ask))
            assert same(answer, gate.problem_response(outcome, request_id=REQUEST_ID)), token


@pytest.mark.parametrize(
    ("password", "changes", "code"),
    [
        ("wrong", {}, "rejected invalid_credentials"),
        (PASSWORD, {"SERVICE_SECRET": OTHER_SECRET}, "unknown service_credentials_rejected"),
        (PASSWORD, {"SERVICE_ID": None, "SERVICE_SECRET": None}, "unknown service_credentials_missing"),
        (PASSWORD, {"AUTH_SERVICE_ENABLED": "false"}, "unknown auth_service_disabled"),
    ],
)
async def test_in_front_of_a_real_auth_service_both_answer_the_same(
    auth_service: AuthService, password: str, changes: dict[str, str | None], code: str
) -> None:
    environ = known_to(auth_service, NETRA_DISCLOSE="public", **changes)
    wish = LOGIN._replace(body={"email": EMAIL, "password": password})
    async with (
        open_gate(environ, tell=Recorded()) as gate,
        open_gateway(load(environ), Recorded()) as assembled,
        line_to(assembled.public) as line,
    ):
        outcome = await gate.log_in(EMAIL, password)
        assert code_of(outcome) == code
        assert not isinstance(outcome, Accepted)
        assert same(await line.ask(wish), gate.problem_response(outcome, request_id=REQUEST_ID))


async def test_what_is_not_offered_is_not_found_alike() -> None:
    environ = told(f"http://127.0.0.1:{free_port()}", NETRA_REGISTRATION="false")
    async with (
        open_gateway(load(environ), Recorded()) as assembled,
        line_to(assembled.public) as line,
    ):
        gate = Gate(assembled.gateway, assembled.view)
        outcome = await WISHES["register"].ask(gate)
        assert code_of(outcome) == "rejected not_found"
        assert not isinstance(outcome, Accepted)
        answer = await line.ask(WISHES["register"])
        assert same(answer, gate.problem_response(outcome, request_id=REQUEST_ID))


async def test_an_answer_is_labelled_with_the_id_that_it_is_given_or_with_a_new_one() -> None:
    front = Front(REPLIES["silence"], form_login=False)
    gate = Gate(front.stage.gateway, front.view)
    outcome = await LOGIN.ask(gate)
    assert not isinstance(outcome, Accepted)
    for given in (None, "", "two words", "line\r\nbreak", "x" * 129, "\u00e9", "\ud800"):
        labelled = dict(gate.problem_response(outcome, request_id=given).headers)["x-request-id"]
        assert len(labelled) == 32
        assert labelled != given
    assert dict(gate.problem_response(outcome, request_id="mine-1").headers)["x-request-id"] == "mine-1"
    assert gate.request_id("mine-1") == "mine-1"
    assert gate.request_id("not mine") != gate.request_id("not mine")
