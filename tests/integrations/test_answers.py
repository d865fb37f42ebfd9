"""A host answers on the auth routes as the listener does: status, headers and body, byte for byte.

It must never compare a host with itself: the other side is a listener of its own.
"""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final, NamedTuple

import pytest

from netra.integrations.places import names
from netra.lab.faults import FAULTS
from netra.lab.faulty_auth_service import FaultyAuthService
from tests.integrations.support import FRAMEWORKS, PREFIX, Host, hosted, told
from tests.support import wire
from tests.support.gateways import EMAIL, IMPATIENT, PASSWORD, Running, gateway
from tests.support.places import free_port
from tests.support.problems import assert_problem
from tests.support.wire import LONGEST_S, Answer, Headers, as_json

JSON: Final = ("Content-Type", "application/json")
LABEL: Final = ("X-Request-ID", "one-request")
WRONG: Final = "wrong"


class Wish(NamedTuple):
    """One request, put to a host and to a listener."""

    method: str
    path: str
    body: bytes | None = None
    headers: Headers = ()


def post(path: str, document: object, *headers: tuple[str, str]) -> Wish:
    return Wish("POST", path, as_json(document), (JSON, *headers))


def login(password: object = PASSWORD) -> Wish:
    return post(f"{PREFIX}/login", {"email": EMAIL, "password": password})


def bearer(token: str) -> tuple[str, str]:
    return ("Authorization", f"Bearer {token}")


GOOD: Final = bearer(f"access-{EMAIL.encode().hex()}")
WISHES: Final = {
    "a login": login(),
    "a wrong password": login(WRONG),
    "no password": post(f"{PREFIX}/login", {"email": EMAIL}),
    "a number for a password": login(12345678),
    "a long password": login("x" * 1100),
    "no object": post(f"{PREFIX}/login", [EMAIL, PASSWORD]),
    "no JSON": Wish("POST", f"{PREFIX}/login", b"{", [JSON]),
    "two members of one name": Wish("POST", f"{PREFIX}/login", b'{"email":"a@b.test","email":"c@d.test"}', [JSON]),
    "nothing": Wish("POST", f"{PREFIX}/login", b"", [JSON]),
    "no body at all": Wish("POST", f"{PREFIX}/login"),
    "no content type": Wish("POST", f"{PREFIX}/login", b"{}"),
    "two content types": Wish("POST", f"{PREFIX}/login", b"{}", [JSON, ("Content-Type", "text/plain")]),
    "a form": Wish(
        "POST", f"{PREFIX}/login", b"username=a&password=b", [("Content-Type", "application/x-www-form-urlencoded")]
    ),
    "a file": Wish("POST", f"{PREFIX}/login", b"--x--", [("Content-Type", "multipart/form-data; boundary=x")]),
    "too much": Wish("POST", f"{PREFIX}/login", b"x" * (16 * 1024 + 1), [JSON]),
    "as much as may be": Wish("POST", f"{PREFIX}/login", b"x" * (16 * 1024), [JSON]),
    "a slash too many": login()._replace(path=f"{PREFIX}/login/"),
    "an account": post(f"{PREFIX}/register", {"email": EMAIL, "password": PASSWORD, "name": "Ada"}),
    "a bad address": post(f"{PREFIX}/register", {"email": "ada", "password": PASSWORD}),
    "a refresh": post(f"{PREFIX}/refresh", {"refresh_token": f"refresh-{EMAIL.encode().hex()}"}),
    "a bad refresh": post(f"{PREFIX}/refresh", {"refresh_token": "stolen"}),
    "a logout": post(f"{PREFIX}/logout", {}, GOOD),
    "a logout without a body": Wish("POST", f"{PREFIX}/logout", None, [GOOD]),
    "a logout of nobody": post(f"{PREFIX}/logout", {}),
    "who": Wish("GET", f"{PREFIX}/me", None, [GOOD]),
    "nobody": Wish("GET", f"{PREFIX}/me"),
    "two tokens": Wish("GET", f"{PREFIX}/me", None, [GOOD, bearer("another")]),
    "a token in the query": Wish("GET", f"{PREFIX}/me?access_token=abc", None, [GOOD]),
    "basic": Wish("GET", f"{PREFIX}/me", None, [("Authorization", "Basic YTpi")]),
    "a bad token": Wish("GET", f"{PREFIX}/me", None, [bearer("abc")]),
    "the head of who": Wish("HEAD", f"{PREFIX}/me", None, [GOOD]),
    "the offer": Wish("GET", f"{PREFIX}/config"),
    "the head of the offer": Wish("HEAD", f"{PREFIX}/config"),
    "a page": Wish("GET", "/problems/invalid_credentials"),
    "a page for people": Wish("GET", "/problems/invalid_credentials", None, [("Accept", "text/html")]),
    "a page of our insides": Wish("GET", "/problems/dns_error"),
    "no page": Wish("GET", "/problems/no_such_code"),
}


class Both(NamedTuple):
    """The same auth service behind a host and behind a listener."""

    host: Host
    listener: Running

    async def ask(self, wish: Wish) -> tuple[Answer, Answer]:
        """What the host and the listener answer."""
        target = (wish.method, wish.path, [*wish.headers, LABEL], wish.body)
        ours, theirs = await asyncio.gather(self.host.ask(*target), wire.ask(self.listener.url, *target))
        return ours, theirs


@asynccontextmanager
async def both(framework: str, url: str, **changes: str) -> AsyncIterator[Both]:
    async with hosted(framework, told(url, **changes)) as host, gateway(url, **changes) as listener:
        yield Both(host, listener)
        async with asyncio.timeout(LONGEST_S):
            while listener.assembled.gateway.parts.link.slots.taken_count:
                await asyncio.sleep(0.01)  # what upkeep has asked in the background meets the last fault, too


def same(answers: tuple[Answer, Answer]) -> Answer:
    """The one answer that both have given, but for how long something took and the order of headers."""
    ours, theirs = answers
    assert (ours.status, _timeless(ours.body)) == (theirs.status, _timeless(theirs.body))
    assert _comparable(ours) == _comparable(theirs)
    return ours


def _timeless(body: bytes) -> bytes:
    return re.sub(rb'"(elapsed_ms|retry_after)":[0-9.]+', rb'"\1":0', body)


def _comparable(answer: Answer) -> list[tuple[str, str]]:
    varying = {"retry-after", "content-length"}
    of_servers = {"connection", "date"}
    return sorted((name, "" if name in varying else value) for name, value in answer.headers if name not in of_servers)


@pytest.mark.parametrize("framework", FRAMEWORKS)
@pytest.mark.parametrize("disclose", ["operator", "public"])
async def test_every_wish_is_answered_as_the_listener_answers_it(
    lab: FaultyAuthService, framework: str, disclose: str
) -> None:
    async with both(framework, lab.url, NETRA_DISCLOSE=disclose) as two:
        for what, wish in WISHES.items():
            answer = same(await two.ask(wish))
            assert answer.header("x-request-id") == LABEL[1], what


SPOILT: Final = (
    b'{"email": 7, "password": "Hunter-2-and-more"}',
    b'{"email": "ada@example.com", "password": {"is": "Hunter-2-and-more"}}',
    b'["Hunter-2-and-more"]',
    b'{"password": "Hunter-2-and-more"',
    b'{"password": "Hunter-2-and-more", "password": 1}',
)


@pytest.mark.parametrize("framework", FRAMEWORKS)
async def test_what_was_sent_is_not_sent_back(lab: FaultyAuthService, framework: str) -> None:
    async with hosted(framework, told(lab.url)) as host:
        for path in ("/login", "/register"):
            for body in SPOILT:
                answer = await host.ask("POST", PREFIX + path, [JSON], body)
                assert answer.status in {400, 422}
                assert b"Hunter" not in answer.raw


async def test_the_wishes_name_every_route_and_meet_every_status_of_a_form(lab: FaultyAuthService) -> None:
    async with hosted("fastapi", told(lab.url)) as host:
        answers = [await host.ask(wish.method, wish.path, wish.headers, wish.body) for wish in WISHES.values()]
    assert {wish.path.removeprefix(PREFIX).split("/")[1].split("?")[0] for wish in WISHES.values()} == set(names())
    assert {answer.status for answer in answers} == {200, 201, 400, 401, 404, 413, 415, 422}


@pytest.mark.parametrize("framework", FRAMEWORKS)
async def test_an_outage_is_answered_as_the_listener_answers_it(lab: FaultyAuthService, framework: str) -> None:
    statuses = set()
    async with both(framework, lab.url, NETRA_DISCLOSE="public", **IMPATIENT) as two:
        for fault in _faults_of_logins():
            lab.fault(fault)
            for wish in (login(), WISHES["who"]):
                statuses.add(same(await two.ask(wish)).status)
            lab.heal()
    assert statuses >= {401, 502, 503, 504}


def _faults_of_logins() -> list[str]:
    return [each.name for each in FAULTS if each.call == "login" and each.certificate is None]


@pytest.mark.parametrize("framework", FRAMEWORKS)
async def test_nobody_there_is_an_outage_and_no_refusal(framework: str) -> None:
    async with hosted(framework, told(f"http://127.0.0.1:{free_port()}")) as host:
        answer = await host.post("/login", {"email": EMAIL, "password": PASSWORD})
        assert_problem(answer, 503, "connection_refused")


@pytest.mark.parametrize("framework", FRAMEWORKS)
async def test_a_form_is_taken_where_forms_are_taken(lab: FaultyAuthService, framework: str) -> None:
    form = WISHES["a form"]._replace(body=f"username={EMAIL}&password={PASSWORD}".encode())
    async with both(framework, lab.url, NETRA_FORM_LOGIN="true") as two:
        assert same(await two.ask(form)).status == 200


@pytest.mark.parametrize("framework", FRAMEWORKS)
async def test_what_is_not_offered_is_not_found_as_on_the_listener(lab: FaultyAuthService, framework: str) -> None:
    async with both(framework, lab.url, NETRA_REGISTRATION="false") as two:
        assert_problem(same(await two.ask(WISHES["an account"])), 404, "not_found")


@pytest.mark.parametrize("framework", FRAMEWORKS)
async def test_many_at_once_get_each_their_own_answer(lab: FaultyAuthService, framework: str) -> None:
    passwords = [PASSWORD, WRONG, ""] * 7
    async with hosted(framework, told(lab.url)) as host:
        asked = (
            host.post("/login", {"email": EMAIL, "password": each}, [("X-Request-ID", f"r{at}")])
            for at, each in enumerate(passwords)
        )
        answers = await asyncio.gather(*asked)
    assert [each.status for each in answers] == [200, 401, 422] * 7
    assert [each.header("x-request-id") for each in answers] == [f"r{at}" for at in range(21)]
