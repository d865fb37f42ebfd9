"""The auth service answered, and its answer is no verdict: 502, or 503 when it says so itself; never 401, never 500."""

import asyncio
import gzip
import json

import pytest

from netra.lab import scripts
from netra.lab.connection import Script
from netra.lab.faulty_auth_service import FaultyAuthService
from netra.lab.scripts import HTML, JSON, html, json_reply, message, problem, raw, reply, session
from tests.live.rows import Ask, Failure, assert_failure, assert_next_is_good, log_out, refresh, who_am_i
from tests.support.gateways import EMAIL, Running, Views, gateway

GOOD = json.dumps(session(EMAIL)).encode()


def answered(code: str, status: int = 502, owner: str = "auth_service") -> Failure:
    return Failure(code, status, "answered", owner=owner)


async def assert_answer(views: Views, service: FaultyAuthService, row: Failure, script: Script) -> None:
    """A login that is answered like this, and a good one after it."""
    service.answer("/auth/login", script)
    await assert_failure(views, row, service)
    await assert_next_is_good(views, service)


@pytest.mark.parametrize(
    "script",
    [
        scripts.cut_short(),
        scripts.cut_chunks(),
        scripts.raw_then_close(message(200, [JSON, ("Content-Length", "5000")], GOOD, length=False)),
        scripts.raw_then_reset(message(200, [JSON, ("Content-Length", "5000")], GOOD, length=False)),
    ],
    ids=["length", "chunks", "whole document, longer length", "reset in the body"],
)
async def test_row_response_incomplete__a_body_cut_short(
    views: Views, service: FaultyAuthService, script: Script
) -> None:
    await assert_answer(views, service, answered("response_incomplete"), script)


@pytest.mark.parametrize(
    "content",
    [
        b"SSH-2.0-OpenSSH_9.9\r\n",
        b"\x16\x03\x03\x00\x7a\x02\x00\x00\x76\x03\x03",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b'{"access_token": "x"}',
        message("abc OK", [JSON], GOOD),
        message(200, [JSON, ("Content-Length", str(len(GOOD))), ("Content-Length", "5")], GOOD, length=False),
        message(200, [JSON, ("Content-Length", "-5")], GOOD, length=False),
        message(200, [JSON, ("Content-Length", "five")], GOOD, length=False),
        message(200, [JSON, ("Transfer-Encoding", "chunked")], GOOD),
        message(200, [JSON, ("Transfer-Encoding", "chunked")], b"zz\r\n{}\r\n0\r\n\r\n", length=False),
        message(200, [JSON, ("Content-Encoding", "gzip")], gzip.compress(GOOD)),
        message(200, [JSON, ("Content-Encoding", "exotic")], GOOD),
        message(200, [JSON, ("X-Bad\x00Name", "x")], GOOD),
    ],
    ids=[
        "another protocol", "TLS", "HTTP/2 preface", "no head", "status is no number", "two lengths", "negative length",
        "length is no number", "length and chunks", "chunk size is no number", "gzip", "unknown encoding",
        "NUL in a header",
    ],
)  # fmt: skip
async def test_row_http_protocol_error__not_http_as_we_speak_it(
    views: Views, service: FaultyAuthService, content: bytes
) -> None:
    await assert_answer(views, service, answered("http_protocol_error"), scripts.raw_then_close(content))


@pytest.mark.parametrize("size_bytes", [65_536, 2_000_000])
async def test_row_response_too_large__over_64_kib(views: Views, service: FaultyAuthService, size_bytes: int) -> None:
    await assert_answer(views, service, answered("response_too_large"), scripts.huge_body(size_bytes))


async def test_row_response_too_large__over_16_kib_of_headers(views: Views, service: FaultyAuthService) -> None:
    content = message(200, [JSON, ("X-Padding", "x" * 20_000)], GOOD)
    await assert_answer(views, service, answered("response_too_large"), scripts.raw_then_close(content))


NO_SESSION = {
    "HTML": (b"<!doctype html><title>Welcome</title>", HTML),
    "text": (b"ok", ("Content-Type", "text/plain")),
    "empty": (b"", JSON),
    "not JSON": (b'{"access_token": ', JSON),
    "not UTF-8": (b'{"access_token": "\xff"}', JSON),
    "a byte order mark": (b"\xef\xbb\xbf" + GOOD, JSON),
    "NaN": (GOOD.replace(b"900", b"NaN"), JSON),
    "a key twice": (GOOD.replace(b"{", b'{"access_token": "other", ', 1), JSON),
    "depth 5,000": (b"[" * 5_000, JSON),
    "depth 5,000 beside a session": (GOOD[:-1] + b', "x": ' + b"[" * 5_000 + b"]" * 5_000 + b"}", JSON),
    "an array": (b"[" + GOOD + b"]", JSON),
    "null": (b"null", JSON),
    "a number of 5,000 digits": (GOOD.replace(b"900", b"9" * 5_000), JSON),
}
BAD_MEMBERS: dict[str, dict[str, object]] = {
    "no access token": {"access_token": None},
    "empty access token": {"access_token": ""},
    "access token is no text": {"access_token": 7},
    "access token with a line end": {"access_token": "a\r\nX: y"},
    "access token not ASCII": {"access_token": "tök"},
    "access token of 50 KB": {"access_token": "x" * 50_000},
    "no refresh token": {"refresh_token": None},
    "refresh token is no text": {"refresh_token": ["x"]},
    "another token type": {"token_type": "MAC"},
    "no user": {"user": None},
    "user is no object": {"user": "ada"},
    "empty user id": {"user": {"id": "", "email": EMAIL}},
    "user id of the wrong type": {"user": {"id": [], "email": EMAIL}},
    "no e-mail": {"user": {"id": "1"}},
    "e-mail is no text": {"user": {"id": "1", "email": 7}},
    "negative life": {"expires_in": -1},
    "huge life": {"expires_in": 10**12},
    "life as text": {"expires_in": "900"},
}


@pytest.mark.parametrize("kind", NO_SESSION)
async def test_row_invalid_response__a_200_without_a_session(
    views: Views, service: FaultyAuthService, kind: str
) -> None:
    body, content_type = NO_SESSION[kind]
    await assert_answer(views, service, answered("invalid_response"), reply(200, body, [content_type]))


@pytest.mark.parametrize("kind", BAD_MEMBERS)
async def test_a_session_of_the_wrong_shape_is_an_invalid_response(
    views: Views, service: FaultyAuthService, kind: str
) -> None:
    document = session(EMAIL, **BAD_MEMBERS[kind])
    await assert_answer(views, service, answered("invalid_response"), json_reply(200, document))


async def test_no_content_is_an_invalid_response(views: Views, service: FaultyAuthService) -> None:
    await assert_answer(views, service, answered("invalid_response"), raw(b"HTTP/1.1 204 No Content\r\n\r\n"))


@pytest.mark.parametrize("status", [500, 501, 505, 507, 599])
async def test_row_auth_service_error__5xx_of_its_own(views: Views, service: FaultyAuthService, status: int) -> None:
    await assert_answer(views, service, answered("auth_service_error"), problem(status, "oops"))


@pytest.mark.parametrize("status", [502, 504])
async def test_a_502_or_504_that_names_nobody_is_the_auth_services(
    views: Views, service: FaultyAuthService, status: int
) -> None:
    await assert_answer(views, service, answered("auth_service_error"), html(status, "<h1>Sorry</h1>"))


@pytest.mark.parametrize("code", ["invalid_credentials", "token_expired", "service_credentials_rejected"])
async def test_no_5xx_is_ever_a_refusal_whatever_its_code(views: Views, service: FaultyAuthService, code: str) -> None:
    await assert_answer(views, service, answered("auth_service_error"), problem(500, code))


@pytest.mark.parametrize(
    ("said", "waits"),
    [
        (["17"], {17}),
        (["0"], {1}),
        (["99999"], {3600}),
        (["Wed, 21 Oct 2015 07:28:00 GMT"], {1}),
        (["Wednesday, 21-Oct-15 07:28:00 GMT"], {1}),
        (["Wed Oct 21 07:28:00 2015"], {1}),
        (["Fri, 31 Dec 9999 23:59:59 GMT"], {3600}),
        (["-5"], None),
        (["1.5"], None),
        (["soon"], None),
        (["9" * 100], None),
        (["7", "9"], {7}),
        ([], None),
    ],
    ids=str,
)
async def test_row_auth_service_unavailable__a_sane_retry_after(
    views: Views, service: FaultyAuthService, said: list[str], waits: set[int] | None
) -> None:
    service.answer("/auth/login", problem(503, "overloaded", [("Retry-After", each) for each in said]))
    body = await assert_failure(views, answered("auth_service_unavailable", 503), service)
    if waits is not None:
        assert body["retry_after"] in waits
    await assert_next_is_good(views, service)


async def test_row_auth_service_rate_limited__429_aimed_at_us(views: Views, service: FaultyAuthService) -> None:
    limited = json_reply(429, {"message": "slow down"}, [("Retry-After", "9")])
    service.answer("/auth/login", limited)
    body = await assert_failure(views, answered("auth_service_rate_limited", 503), service)
    assert body["retry_after"] == 9
    await assert_next_is_good(views, service)


async def test_row_service_credentials_rejected__never_the_users_401(views: Views, service: FaultyAuthService) -> None:
    row = answered("service_credentials_rejected", owner="us")._replace(event="Login failed: Access forbidden")
    await assert_answer(views, service, row, problem(401, "service_credentials_rejected"))


@pytest.mark.parametrize("code", ["service_credentials_missing", "service_not_configured"])
async def test_row_service_credentials_missing__the_auth_service_saw_none(
    views: Views, service: FaultyAuthService, code: str
) -> None:
    row = answered("service_credentials_missing", owner="us")._replace(event="Login failed: Access forbidden")
    await assert_answer(views, service, row, problem(401, code))


@pytest.mark.parametrize("status", [404, 405, 410])
async def test_row_endpoint_not_found__another_path(views: Views, service: FaultyAuthService, status: int) -> None:
    service.answer("/auth/login", html(status, "<h1>Not here</h1>"))
    body = await assert_failure(views, answered("endpoint_not_found", owner="us"), service)
    assert "AUTH_SERVICE_URL" in body["suggestions"][0]
    assert "POST /auth/login" in body["suggestions"][0]
    await assert_next_is_good(views, service)


@pytest.mark.parametrize("status", [300, 301, 302, 303, 304, 307, 308])
async def test_row_redirected__nothing_is_followed(views: Views, service: FaultyAuthService, status: int) -> None:
    async with FaultyAuthService() as elsewhere:
        service.answer("/auth/login", scripts.redirect(status, f"{elsewhere.url}/auth/login"))
        await assert_failure(views, answered("redirected", owner="us"), service)
        assert elsewhere.connections_count == 0, "a redirect was followed, password and secret with it"
    await assert_next_is_good(views, service)


@pytest.mark.parametrize("status", [400, 402, 406, 413, 415, 418, 422, 451])
async def test_row_request_not_understood__another_4xx_without_a_code(
    views: Views, service: FaultyAuthService, status: int
) -> None:
    row = answered("request_not_understood", owner="us")
    await assert_answer(views, service, row, json_reply(status, {"message": "no"}))


@pytest.mark.parametrize("status", [201, 202, 206, 226, 600, 799, 999])
async def test_row_unexpected_status__neither_success_nor_refusal(
    views: Views, service: FaultyAuthService, status: int
) -> None:
    await assert_answer(views, service, answered("unexpected_status"), reply(status, GOOD, [JSON]))


STRAY = message(200, [JSON], json.dumps(session("mallory@example.com")).encode())


@pytest.mark.parametrize("unasked", [STRAY, STRAY[:40], b"\r\n" + STRAY], ids=["whole", "begun", "after a blank line"])
@pytest.mark.parametrize("after_s", [0.0, 0.02], ids=["at once", "while nobody waits"])
async def test_a_second_answer_that_nobody_asked_for_reaches_nobody(
    running: Running, service: FaultyAuthService, unasked: bytes, after_s: float
) -> None:
    for number in range(3):
        service.answer("/auth/login", scripts.twice(reply(200, GOOD, [JSON]), unasked, after_s))
        assert (await running.log_in()).json["user"]["email"] == EMAIL
        await asyncio.sleep(2 * after_s)
        service.heal()
        mine = f"user{number}@example.com"
        assert (await running.log_in(mine)).json["user"]["email"] == mine


async def test_a_cookie_of_the_auth_service_is_neither_kept_nor_passed_on(service: FaultyAuthService) -> None:
    async with gateway(service.url.replace("127.0.0.1", "localhost")) as running:
        service.answer("/auth/login", reply(200, GOOD, [JSON, ("Set-Cookie", "session=of-ada; Path=/")]))
        answer = await running.log_in()
        assert answer.status == 200
        assert answer.all("set-cookie") == []
        service.heal()
        await running.log_in()
        assert service.delivered("/auth/login")[-1].header("cookie") is None


async def test_five_thousand_times_continue_come_to_an_end(service: FaultyAuthService) -> None:
    async with gateway(service.url, NETRA_LOGIN_BUDGET_S="2") as running:
        service.answer("/auth/login", raw(b"HTTP/1.1 100 Continue\r\n\r\n" * 5_000))
        answer = await running.log_in()
        assert answer.status in {502, 504}, answer
        service.heal()
        assert (await running.log_in()).status == 200


@pytest.mark.parametrize(
    ("ask", "path", "event"),
    [
        (refresh, "/auth/refresh", "Refresh failed"),
        (log_out, "/auth/logout", "Logout failed"),
        (who_am_i, "/auth/validate", "Token check failed"),
    ],
)
@pytest.mark.parametrize("status", [500, 503])
async def test_a_failure_is_told_alike_on_every_journey(
    views: Views, service: FaultyAuthService, ask: Ask, path: str, event: str, status: int
) -> None:
    service.answer(path, problem(status, "oops"))
    code = {500: "auth_service_error", 503: "auth_service_unavailable"}[status]
    row = answered(code, {500: 502}.get(status, status))._replace(event=event)
    await assert_failure(views, row, service, ask, path)
    await assert_next_is_good(views, service)
