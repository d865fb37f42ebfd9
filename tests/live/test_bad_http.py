"""Requests that are strange as HTTP, or hardly HTTP at all: answered in form and closed, and nobody else notices."""

import asyncio
from typing import Final

import pytest

from netra.lab.faulty_auth_service import FaultyAuthService
from netra.lab.scripts import after, json_reply, session
from tests.support import wire
from tests.support.gateways import EMAIL, LOGIN, PASSWORD, PREFIX, Running, Views, gateway
from tests.support.problems import assert_problem
from tests.support.wire import KeptLine, as_json

JSON: Final = ("Content-Type", "application/json")
BODY: Final = as_json({"email": EMAIL, "password": PASSWORD})
HOST: Final = b"Host: localhost\r\n"
START: Final = f"POST {LOGIN} HTTP/1.1\r\n".encode() + HOST + b"Content-Type: application/json\r\n"


@pytest.mark.parametrize(
    "garbage",
    [
        b"hello\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 64,
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET /livez HTTP/1.1\r\nno colon here\r\n\r\n",
        b"GET /livez HTTP/1.1\r\nX-Bad\x00Name: x\r\n\r\n",
        START + b"Content-Length: five\r\n\r\n" + BODY,
        START + b"Content-Length: -5\r\n\r\n" + BODY,
        START + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\n" + BODY,
        START + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        START + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n",
        START.replace(b"Host", b"Host : x\r\nHost") + b"\r\n",
    ],
    ids=[
        "a word", "TLS", "HTTP/2 preface", "no target", "no version", "no colon", "NUL in a name",
        "length is no number", "negative length", "two lengths", "length and chunks", "chunk size is no number",
        "space before the colon",
    ],
)  # fmt: skip
async def test_what_is_not_http_is_answered_and_closed(
    running: Running, service: FaultyAuthService, garbage: bytes
) -> None:
    answer = await wire.sent(running.url, garbage)
    assert_problem(answer, 400, "malformed_request")
    assert answer.header("connection") == "close"
    assert service.journal == []
    assert (await running.log_in()).status == 200


async def test_silence_is_closed_in_silence(service: FaultyAuthService) -> None:
    async with gateway(service.url, NETRA_RECEIPT_TIMEOUT_S="0.2") as running:
        line = await KeptLine.to(running.url)
        assert await line.rest() == b""
        line.close()


async def test_a_connection_that_was_used_may_rest_longer_than_a_request_may_take(service: FaultyAuthService) -> None:
    async with gateway(service.url, NETRA_RECEIPT_TIMEOUT_S="0.1") as running:
        line = await KeptLine.to(running.url)
        assert (await line.ask("GET", "/livez")).status == 200
        await asyncio.sleep(0.3)
        assert (await line.ask("GET", "/livez")).status == 200
        line.close()


async def test_a_slow_auth_service_is_no_slow_client(service: FaultyAuthService) -> None:
    async with gateway(service.url, NETRA_RECEIPT_TIMEOUT_S="0.1", NETRA_LOGIN_BUDGET_S="2.5") as running:
        service.answer("/auth/login", after(0.4, json_reply(200, session(EMAIL))))
        assert (await running.log_in()).status == 200


@pytest.mark.parametrize("size_bytes", [16 * 1024 + 1, 100_000, 3_000_000])
async def test_a_body_over_the_limit_is_413_however_large(running: Running, size_bytes: int) -> None:
    answer = await running.ask("POST", LOGIN, [JSON], b" " * size_bytes)
    assert_problem(answer, 413, "body_too_large")
    assert answer.header("connection") == "close"


async def sent_for_ever(line: KeptLine) -> None:
    async with asyncio.timeout(10):
        while True:
            line.writer.write(b" " * 10_000)
            await line.writer.drain()
            await asyncio.sleep(0.01)


async def test_a_stranger_who_never_stops_sending_is_cut_off(service: FaultyAuthService) -> None:
    async with gateway(service.url, NETRA_RECEIPT_TIMEOUT_S="0.3") as running:
        line = await KeptLine.to(running.url)
        line.writer.write(START + b"Content-Length: 1000000000\r\n\r\n")
        answering = asyncio.create_task(line.answer())
        with pytest.raises(ConnectionError):
            await sent_for_ever(line)
        assert_problem(await answering, 413, "body_too_large")
        line.close()


async def test_a_body_over_the_limit_in_chunks_is_413(running: Running) -> None:
    chunk = b"1000\r\n" + b" " * 0x1000 + b"\r\n"
    answer = await wire.sent(running.url, START + b"Transfer-Encoding: chunked\r\n\r\n" + chunk * 5 + b"0\r\n\r\n")
    assert_problem(answer, 413, "body_too_large")


async def test_a_body_at_the_limit_is_read(running: Running) -> None:
    body = BODY + b" " * (16 * 1024 - len(BODY))
    assert (await running.ask("POST", LOGIN, [JSON], body)).status == 200


async def test_a_body_in_chunks_is_a_body(running: Running) -> None:
    raw = START + b"Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
    raw += b"".join(b"1\r\n%c\r\n" % byte for byte in BODY) + b"0\r\n\r\n"
    assert (await wire.sent(running.url, raw)).status == 200


async def test_a_target_just_within_the_limit_is_read(running: Running) -> None:
    assert_problem(await running.ask("GET", "/" + "x" * 8_000), 404, "not_found")


@pytest.mark.parametrize("path", ["/livez", "/readyz", f"{PREFIX}/config", "/problems/invalid_credentials"])
async def test_head_is_get_without_a_body(running: Running, path: str) -> None:
    got, headed = await running.ask("GET", path), await running.ask("HEAD", path)
    assert (headed.status, headed.body) == (200, b"")
    assert headed.header("content-length") == str(len(got.body))
    assert headed.header("content-type") == got.header("content-type")


async def test_head_of_an_error_is_its_head(running: Running) -> None:
    headed = await running.ask("HEAD", f"{PREFIX}/me")
    assert (headed.status, headed.body) == (401, b"")
    assert headed.header("www-authenticate") == 'Bearer realm="netra"'


@pytest.mark.parametrize("method", ["OPTIONS", "PUT", "DELETE", "PATCH", "TRACE", "GET", "HEAD"])
async def test_another_method_is_405_and_says_which_are_allowed(running: Running, method: str) -> None:
    answer = await running.ask(method, LOGIN)
    if method == "HEAD":
        assert answer.status == 405
    else:
        assert_problem(answer, 405, "method_not_allowed")
    assert answer.header("allow") == "POST"


@pytest.mark.parametrize("path", ["/livez/", f"{PREFIX}/config/", "/problems/invalid_credentials/"])
async def test_a_trailing_slash_makes_no_difference(running: Running, path: str) -> None:
    assert (await running.ask("GET", path)).status == 200


async def test_a_login_with_a_trailing_slash_is_a_login(running: Running) -> None:
    assert (await running.ask("POST", f"{LOGIN}/", [JSON], BODY)).status == 200


@pytest.mark.parametrize(
    "path",
    [
        "/", "/api", PREFIX, f"{PREFIX}/Login", f"{PREFIX}/login/x", "/problems", "/problems/no_such_code",
        "/problems/../livez", "/%2e%2e/etc/passwd", "/api/v1/auth%2flogin%00", "//livez", "/health", "/openapi.json",
        "/metrics", "/docs", "/problems/invalid_credentials/more", "*",
    ],
)  # fmt: skip
async def test_any_other_path_is_404(running: Running, path: str) -> None:
    assert_problem(await running.ask("GET", path), 404, "not_found")


async def test_the_public_finds_no_page_of_our_insides(views: Views) -> None:
    for code in ("connection_refused", "token_expired", "service_credentials_rejected"):
        assert (await views.operator.ask("GET", f"/problems/{code}")).status == 200
        assert_problem(await views.public.ask("GET", f"/problems/{code}"), 404, "not_found", "public")
    assert (await views.public.ask("GET", "/problems/invalid_token")).status == 200


async def test_a_request_id_is_kept_when_it_is_one_and_made_anew_when_not(running: Running) -> None:
    for kept in ("a", "A1._-", "x" * 128):
        assert (await running.log_in(headers=[("X-Request-ID", kept)])).header("x-request-id") == kept
    for refused in ("", "-a", "x" * 129, "a b", "a\tb", "ä", "<script>", "a;b", "${jndi:x}"):
        made = (await running.log_in(headers=[("X-Request-ID", refused)])).header("x-request-id")
        assert made is not None
        assert len(made) == 32
        assert made != refused


async def test_ten_requests_in_one_packet_get_ten_answers_in_order(running: Running) -> None:
    line = await KeptLine.to(running.url)
    asked = [f"pipelined-{number}" for number in range(10)]
    packet = [wire.message("GET", "/livez", [("X-Request-ID", each), ("Connection", "keep-alive")]) for each in asked]
    line.writer.write(b"".join(packet))
    assert [(await line.answer()).header("x-request-id") for _ in asked] == asked
    line.close()
