"""What a proxy in front sees of /verify: 200 with who it is, 401 for every refusal, 503 for all that nobody knows.

The paths, methods and bodies are those of other people's requests: none of them may change an answer.
"""

from typing import Any
from urllib.parse import unquote

import pytest

from netra.lab.connection import Script
from netra.lab.faulty_auth_service import FaultyAuthService
from netra.lab.scripts import cut_short, html, json_reply, problem, redirect, reply, silence
from tests.live.rows import ACCESS, UNAVAILABLE
from tests.support.gateways import EMAIL, IMPATIENT, PREFIX, Running, Views, both_views
from tests.support.issuers import VALIDATE
from tests.support.places import free_port
from tests.support.problems import assert_problem
from tests.support.wire import Answer, KeptLine

BEARER = ("Authorization", f"Bearer {ACCESS}")
JSON = ("Content-Type", "application/json")
GARBAGE = b'{"password": "not for you'


def vouched(**changes: Any) -> Script:
    said = {"valid": True, "user_id": "user-1", "email": EMAIL, "name": "Ada", "expires_at": 2_000_000_000, **changes}
    return json_reply(200, {name: value for name, value in said.items() if value is not ...})


async def verify(running: Running, path: str = "", method: str = "GET") -> Answer:
    return await running.ask(method, f"{PREFIX}/verify{path}", [BEARER])


async def test_a_good_token_passes_with_whom_it_stands_for(running: Running, service: FaultyAuthService) -> None:
    service.answer(VALIDATE, vouched())
    answer = await verify(running)
    assert answer.status == 200
    assert answer.json == {
        "valid": True, "subject": "user-1", "email": EMAIL, "expires_at": "2033-05-18T03:33:20Z",
        "source": "auth_service",
    }  # fmt: skip
    said = {name: answer.header(f"X-Auth-{name}") for name in ("Subject", "Email", "Expires", "Source")}
    assert said == {"Subject": "user-1", "Email": EMAIL, "Expires": "2000000000", "Source": "auth_service"}
    assert answer.header("cache-control") == "no-store"
    assert answer.header("x-request-id")


async def test_what_is_not_known_of_somebody_is_left_out(running: Running, service: FaultyAuthService) -> None:
    service.answer(VALIDATE, vouched(email=..., name=..., expires_at=...))
    answer = await verify(running)
    assert answer.json == {
        "valid": True, "subject": "user-1", "email": None, "expires_at": None, "source": "auth_service",
    }  # fmt: skip
    assert (answer.all("X-Auth-Email"), answer.all("X-Auth-Expires")) == ([], [])


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND", "REPORT"])
@pytest.mark.parametrize("path", ["", "/", "/a/b/c", "/api/v1/orders?page=2&sort=price", "/%2e%2e/login", "//x", "/*"])
async def test_any_method_and_any_path_below_get_the_same_answer(running: Running, method: str, path: str) -> None:
    answer = await verify(running, path, method)
    assert (answer.status, answer.header("X-Auth-Email")) == (200, EMAIL)
    refused = await running.ask(method, f"{PREFIX}/verify{path}")
    assert_problem(refused, 401, "token_missing")


async def test_head_is_answered_without_a_body(running: Running) -> None:
    answer = await verify(running, method="HEAD")
    assert (answer.status, answer.header("X-Auth-Email"), answer.body) == (200, EMAIL, b"")


@pytest.mark.parametrize("body", [b"", GARBAGE, b"\0" * 1_000, b"x" * 20_000], ids=["empty", "cut", "zeros", "20 KB"])
@pytest.mark.parametrize(
    "kind",
    [[], [JSON], [("Content-Type", "image/png")], [JSON, ("Content-Encoding", "gzip")]],
    ids=["no type", "JSON", "an image", "compressed"],
)
async def test_bodies_are_ignored(running: Running, body: bytes, kind: list[tuple[str, str]]) -> None:
    answer = await running.ask("POST", f"{PREFIX}/verify", [BEARER, *kind], body)
    assert answer.status == 200


async def test_a_body_that_was_ignored_is_not_taken_for_the_next_request(running: Running) -> None:
    line = await KeptLine.to(running.url)
    smuggled = f"GET {PREFIX}/me HTTP/1.1\r\nHost: x\r\n\r\n".encode()
    first = await line.ask("POST", f"{PREFIX}/verify", [BEARER], smuggled)
    second = await line.ask("GET", "/livez")
    line.close()
    assert (first.status, second.status, second.json) == (200, 200, {"status": "alive"})


@pytest.mark.parametrize(
    ("said", "code"),
    [
        (problem(423, "account_locked", [("Retry-After", "60")]), "account_locked"),
        (problem(403, "account_disabled"), "account_disabled"),
        (problem(403, "second_factor_required"), "second_factor_required"),
        (problem(403, "password_change_required"), "password_change_required"),
        (problem(403, "email_unverified"), "email_unverified"),
        (problem(401, "token_revoked"), "token_revoked"),
        (json_reply(200, {"valid": False}), "token_rejected"),
        (json_reply(200, {"valid": False, "code": "token_not_yet_valid"}), "token_not_yet_valid"),
    ],
    ids=lambda each: each if isinstance(each, str) else "said",
)
async def test_every_refusal_is_401_with_its_own_code(
    views: Views, service: FaultyAuthService, said: Script, code: str
) -> None:
    service.answer(VALIDATE, said)
    assert_problem(await verify(views.operator, "/orders/7", "POST"), 401, code)
    public = "invalid_token" if code.startswith("token_") else code
    assert_problem(await verify(views.public), 401, public, "public")


@pytest.mark.parametrize(
    ("said", "status", "code"),
    [
        (reply(500), 502, "auth_service_error"),
        (reply(503, b"", [("Retry-After", "7")]), 503, "auth_service_unavailable"),
        (problem(401, "service_credentials_rejected"), 502, "service_credentials_rejected"),
        (problem(429, "too_many_attempts", [("Retry-After", "7")]), 503, "auth_service_rate_limited"),
        (reply(404), 502, "endpoint_not_found"),
        (redirect(302, "https://elsewhere.test/"), 502, "redirected"),
        (reply(200, b"[]", [JSON]), 502, "invalid_response"),
        (html(200, "<h1>Hello</h1>"), 502, "invalid_response"),
        (cut_short(), 502, "response_incomplete"),
        (json_reply(200, {"valid": True}), 502, "invalid_response"),
        (json_reply(200, {"user_id": "user-1"}), 502, "invalid_response"),
        (json_reply(400, {"code": "because"}), 502, "request_not_understood"),
    ],
    ids=[
        "fails", "is down", "refuses us", "is asked too often", "has no such route", "points elsewhere",
        "no object", "a page", "cut short", "names nobody", "says not that it is valid", "says something else",
    ],
)  # fmt: skip
async def test_everything_that_nobody_knows_is_503_with_its_own_code(
    views: Views, service: FaultyAuthService, said: Script, status: int, code: str
) -> None:
    service.answer(VALIDATE, said)
    assert_problem(await verify(views.operator), 503, code)
    assert_problem(await verify(views.public), 503, UNAVAILABLE, "public")
    elsewhere = await views.operator.get("/me", [BEARER])
    assert_problem(elsewhere, status, code)


async def test_an_auth_service_that_does_not_answer_or_is_gone_is_503_as_well(service: FaultyAuthService) -> None:
    async with both_views(service.url, **IMPATIENT) as views:
        service.answer(VALIDATE, silence())
        assert_problem(await verify(views.operator), 503, "response_timeout")
        assert_problem(await verify(views.public), 503, UNAVAILABLE, "public")
    async with both_views(f"http://127.0.0.1:{free_port()}", **IMPATIENT) as views:
        assert_problem(await verify(views.operator), 503, "connection_refused")
        assert_problem(await verify(views.public), 503, UNAVAILABLE, "public")


@pytest.mark.parametrize(
    "text",
    [
        "user 1", "100%", "%41", "Zoë", "名前", "a\tb", "a\r\nX-Evil: 1", "a\0b", "\x7f", "\u202eada", "🦊", '"quoted"',
        "a,b;c=d", "auth0|5f7c8ec7c33c6c004bbafe82", "\u00a0", "x" * 1_000,
    ],
)  # fmt: skip
async def test_unusual_names_travel_percent_encoded(running: Running, service: FaultyAuthService, text: str) -> None:
    service.answer(VALIDATE, vouched(user_id=f"u{text}", email=f"{text}@x.test"))
    answer = await verify(running)
    assert answer.status == 200, answer
    for name, meant in (("subject", f"u{text}"), ("email", f"{text}@x.test")):
        value = answer.header(f"X-Auth-{name}") or ""
        assert all(0x21 <= ord(each) <= 0x7E for each in value), value
        assert unquote(value, errors="strict") == meant
        assert answer.json[name] == meant
    assert answer.all("X-Evil") == []


@pytest.mark.parametrize("text", ["ada@example.com", "a/b?c=d&e", "[::1]", "~!$*()"])
async def test_visible_ascii_travels_as_it_is(running: Running, service: FaultyAuthService, text: str) -> None:
    service.answer(VALIDATE, vouched(user_id=text))
    assert (await verify(running)).header("X-Auth-Subject") == text


@pytest.mark.parametrize("expires_at", [1, 253_402_300_800, 2**53])
async def test_an_end_in_any_year_is_no_crash(running: Running, service: FaultyAuthService, expires_at: int) -> None:
    service.answer(VALIDATE, vouched(expires_at=expires_at))
    answer = await verify(running)
    assert (answer.status, answer.header("X-Auth-Expires")) == (200, str(expires_at))


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ([], "token_missing"),
        ([("Authorization", "Basic YWRhOnB3")], "token_missing"),
        ([BEARER, BEARER], "token_malformed"),
        ([("Authorization", "Bearer two tokens")], "token_malformed"),
        ([("Authorization", f"Bearer {'x' * 9_000}")], "token_rejected"),
    ],
    ids=["nothing", "another scheme", "twice", "two words", "a long one"],
)
async def test_a_challenge_names_an_error_only_for_a_token_that_was_shown(
    running: Running, headers: list[tuple[str, str]], code: str
) -> None:
    for path in ("/verify", "/verify/a/b", "/me"):
        assert_problem(await running.ask("GET", PREFIX + path, headers), 401, code)


async def test_a_token_in_the_query_of_the_request_that_is_asked_about_is_refused(running: Running) -> None:
    assert_problem(await verify(running, f"/orders?access_token={ACCESS}"), 401, "token_malformed")
