"""One exchange over a real socket: what is sent, what is taken, and what is never done.

It must never look inside the HTTP client: only what the auth service sees and what comes back counts.
"""

import asyncio
import gzip
import json
from dataclasses import replace
from typing import Any

import pytest

from netra.core.secret import Secret
from netra.core.verdict.operations import CONFIG, HEALTH, LOGIN, LOGOUT
from netra.core.verdict.reply import Broken, Reply
from netra.lab import scripts
from netra.lab.connection import Connection, Delivery, Script
from netra.lab.faulty_auth_service import FaultyAuthService
from netra.lab.scripts import JSON, message
from netra.link.connection import MAX_REPLY_BYTES
from netra.link.requests import Requests
from tests.link.sockets import SEAL, code_from, exchange_with, put, untimed
from tests.link.support import EMAIL, PASSWORD, SECRET, SERVICE_ID, TRACEPARENT, WIRE, call_of

LOGIN_PATH = "/auth/login"
TWO_LENGTHS = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}"


async def got_for(script: Script) -> Reply | Broken:
    """What one login comes to when it is answered like this."""
    async with FaultyAuthService() as service, exchange_with(service.url) as exchange:
        service.answer(LOGIN_PATH, script)
        return await put(exchange)


async def test_a_reply_comes_back_whole() -> None:
    got = await got_for(scripts.json_reply(401, {"code": "invalid_credentials"}, [("Retry-After", "7")]))
    assert isinstance(got, Reply)
    assert (got.status, json.loads(got.body)) == (401, {"code": "invalid_credentials"})
    assert got.headers.get("retry-after") == "7"
    assert got.received_at > 1_700_000_000


async def test_exactly_the_headers_of_the_call_and_the_seal_are_sent() -> None:
    async with FaultyAuthService() as service, exchange_with(service.url) as exchange:
        await put(exchange)
    sent = service.journal[0]
    assert dict(sent.headers) == {
        "Host": f"127.0.0.1:{service.port}",
        "Accept": "application/json",
        "Accept-Encoding": "identity",
        "X-Request-ID": "request-1",
        "traceparent": TRACEPARENT,
        "Content-Type": "application/json",
        "Content-Length": str(len(sent.body)),
        "X-Service-ID": SERVICE_ID,
        "X-Service-Secret": SECRET,
    }
    assert len(sent.headers) == 9, "one of them was sent twice"
    assert (sent.method, sent.path, sent.query) == ("POST", LOGIN_PATH, "")
    assert sent.json == {"email": EMAIL, "password": PASSWORD}


async def test_a_call_without_a_body_or_a_seal_sends_neither() -> None:
    async with FaultyAuthService() as service, exchange_with(service.url) as exchange:
        await exchange(call_of(HEALTH), None, 5.0)
    sent = service.journal[0]
    assert {name.lower() for name, _ in sent.headers} == {
        "host", "accept", "accept-encoding", "x-request-id", "traceparent",
    }  # fmt: skip
    assert sent.body == b""


async def test_a_bearer_token_goes_along_where_the_call_holds_one() -> None:
    async with FaultyAuthService() as service, exchange_with(service.url) as exchange:
        await put(exchange, LOGOUT)
        await put(exchange, LOGIN)
    assert [sent.header("Authorization") for sent in service.journal] == ["Bearer access-token-1", None]


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
async def test_a_cookie_is_never_kept_and_never_sent(host: str) -> None:
    async with FaultyAuthService() as service, exchange_with(f"http://{host}:{service.port}") as exchange:
        cookies = [("Set-Cookie", "session=of-somebody; Path=/"), ("Set-Cookie", f"again=1; Domain={host}")]
        service.answer(LOGIN_PATH, scripts.json_reply(200, scripts.session(EMAIL), cookies))
        for _ in range(2):
            assert isinstance(await put(exchange), Reply)
    assert [sent.header("Cookie") for sent in service.journal] == [None, None]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_a_reply_and_is_never_followed(status: int) -> None:
    async with (
        FaultyAuthService() as elsewhere,
        FaultyAuthService() as service,
        exchange_with(service.url) as exchange,
    ):
        service.answer(LOGIN_PATH, scripts.redirect(status, f"{elsewhere.url}{LOGIN_PATH}"))
        got = await put(exchange)
    assert isinstance(got, Reply)
    assert got.status == status
    assert (len(service.journal), elsewhere.connections_count) == (1, 0)


@pytest.mark.parametrize("variable", ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"])
async def test_a_proxy_of_the_environment_is_ignored(variable: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async with FaultyAuthService() as proxy, FaultyAuthService() as service:
        monkeypatch.setenv(variable, proxy.url)
        monkeypatch.delenv("NO_PROXY", raising=False)
        monkeypatch.delenv("no_proxy", raising=False)
        async with exchange_with(service.url) as exchange:
            assert isinstance(await put(exchange), Reply)
    assert (len(service.journal), proxy.connections_count) == (1, 0)


async def test_a_password_of_the_environment_s_netrc_is_ignored(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password something\n")
    monkeypatch.setenv("NETRC", str(netrc))
    async with FaultyAuthService() as service, exchange_with(service.url) as exchange:
        await put(exchange)
    assert service.journal[0].header("Authorization") is None


@pytest.mark.parametrize("encoding", ["gzip", "br", "deflate", "x-unheard-of", "gzip, identity"])
async def test_an_encoded_reply_is_refused(encoding: str) -> None:
    body = gzip.compress(b'{"access_token": "' + b"x" * 1_000_000 + b'"}')
    got = await got_for(scripts.reply(200, body, [JSON, ("Content-Encoding", encoding)]))
    assert untimed(got) == Broken("http_protocol_error")


async def test_what_is_left_of_a_refused_reply_is_not_waited_for() -> None:
    async with FaultyAuthService() as service, exchange_with(service.url) as exchange:
        head = message(200, [("Content-Encoding", "gzip"), ("Content-Length", "1000000")], length=False)
        service.answer(LOGIN_PATH, scripts.raw(head))
        assert await code_from(exchange) == "http_protocol_error"
        service.heal()
        assert isinstance(await put(exchange), Reply)
        assert [sent.connection for sent in service.journal] == [1, 2], "the rest would have come over the first"


@pytest.mark.parametrize(("first", "second", "taken"), [("identity", "gzip", True), ("gzip", "identity", False)])
async def test_of_a_header_that_comes_twice_the_first_counts(first: str, second: str, taken: bool) -> None:
    twice = [("X-Said", first), ("content-ENCODING", first), ("X-said", second), ("Content-Encoding", second)]
    got = await got_for(scripts.reply(200, b"{}", twice))
    assert isinstance(got, Reply) is taken
    if isinstance(got, Reply):
        assert dict(got.headers) == {"x-said": first, "content-encoding": first, "content-length": "2"}
        assert len(got.headers) == 3


async def test_a_reply_that_says_it_is_not_encoded_is_taken() -> None:
    got = await got_for(scripts.reply(200, b"{}", [JSON, ("Content-Encoding", "Identity")]))
    assert isinstance(got, Reply)


def sized(size_bytes: int, framing: str) -> Script:
    """A body of this size, its end told by a length, by chunks, or by the end of the connection."""
    body = b"x" * size_bytes
    if framing == "length":
        return scripts.reply(200, body)
    if framing == "end":
        return scripts.raw_then_close(message(200, [JSON], body, length=False))
    half = size_bytes // 2
    parts = [f"{len(each):x}\r\n".encode() + each + b"\r\n" for each in (body[:half], body[half:])]
    return scripts.raw(
        message(200, [JSON, ("Transfer-Encoding", "chunked")], b"".join([*parts, b"0\r\n\r\n"]), length=False)
    )


@pytest.mark.parametrize("framing", ["length", "chunks", "end"])
async def test_the_largest_reply_is_taken_and_one_byte_more_is_not(framing: str) -> None:
    largest = await got_for(sized(MAX_REPLY_BYTES, framing))
    assert isinstance(largest, Reply)
    assert len(largest.body) == MAX_REPLY_BYTES == 65_536
    assert untimed(await got_for(sized(MAX_REPLY_BYTES + 1, framing))) == Broken("response_too_large")


async def test_a_body_without_end_is_cut_off_at_the_limit() -> None:
    async def flood(connection: Connection, delivery: Delivery) -> None:
        await connection.send(message(200, [JSON], length=False))
        while not connection.closing:
            await connection.send(b"x" * 65_536)

    assert untimed(await got_for(flood)) == Broken("response_too_large")


async def test_a_dripping_head_and_a_dripping_body_are_cut_off_by_the_deadline() -> None:
    for drip in (scripts.drip_head(), scripts.drip_body()):
        async with FaultyAuthService() as service, exchange_with(service.url) as exchange:
            service.answer(LOGIN_PATH, drip)
            assert await code_from(exchange, left_s=0.1) == "response_timeout"
            assert len(service.journal) == 1


async def test_silence_is_ended_by_the_deadline_as_maybe_sent() -> None:
    async with FaultyAuthService() as service, exchange_with(service.url) as exchange:
        service.answer(LOGIN_PATH, scripts.silence())
        assert await code_from(exchange, left_s=0.1) == "response_timeout"


async def test_after_the_deadline_nothing_is_sent_even_over_a_connection_that_is_there() -> None:
    async with FaultyAuthService() as service, exchange_with(service.url) as exchange:
        await put(exchange)
        assert await code_from(exchange, left_s=0.0) == "connection_timeout"
        assert len(service.journal) == 1
    async with FaultyAuthService() as service, exchange_with(service.url) as exchange:
        assert await code_from(exchange, left_s=0.0) == "connection_timeout"
        await asyncio.sleep(0.05)
        assert service.connections_count == 0


@pytest.mark.parametrize(
    ("script", "code"),
    [
        (scripts.raw_then_close(), "connection_terminated"),
        (scripts.raw_then_reset(), "connection_terminated"),
        (scripts.raw_then_reset(b"HTTP/1.1 200 OK\r\nContent-"), "connection_terminated"),
        (scripts.raw_then_close(b"HTTP/1.1 200 OK\r\nContent-"), "connection_terminated"),
        (scripts.cut_short(), "response_incomplete"),
        (scripts.cut_chunks(), "response_incomplete"),
        (scripts.raw_then_close(b"SSH-2.0-OpenSSH_9.9\r\n\r\n"), "http_protocol_error"),
        (scripts.raw_then_close(b"HTTP/1.1 abc OK\r\n\r\n"), "http_protocol_error"),
        (scripts.reply(200, b"{}", [("X-Long", "x" * 20_000)]), "response_too_large"),
        (scripts.reply(200, b"{}", [(f"X-{number}", "x") for number in range(200)]), "http_protocol_error"),
        (scripts.raw_then_close(message(200, [("Content-Length", "-1")], length=False)), "http_protocol_error"),
        (scripts.raw_then_close(TWO_LENGTHS), "http_protocol_error"),
    ],
    ids=[
        "closed without a byte", "reset", "reset inside the head", "closed inside the head", "body cut short",
        "chunks cut short", "another protocol", "a status that is no number", "a header too long",
        "too many headers", "a negative length", "two lengths",
    ],
)  # fmt: skip
async def test_a_broken_reply_is_named_by_its_break(script: Script, code: str) -> None:
    async with FaultyAuthService() as service, exchange_with(service.url) as exchange:
        service.answer(LOGIN_PATH, script)
        assert await code_from(exchange) == code
        assert len(service.journal) == 1, "a login was sent twice"
        service.heal()
        assert isinstance(await put(exchange), Reply), "the next login is not hurt"


async def test_a_reset_tells_the_operating_system_s_words() -> None:
    got = await got_for(scripts.raw_then_reset())
    assert isinstance(got, Broken)
    assert got.facts == {"os_error": "Connection reset by peer"}


async def test_a_second_answer_that_nobody_asked_for_reaches_nobody() -> None:
    stray = message(200, [JSON], json.dumps(scripts.session("mallory@example.com")).encode())
    async with FaultyAuthService() as service, exchange_with(service.url) as exchange:
        service.answer("/auth/config", scripts.twice(scripts.json_reply(200, {"oauth_providers": []}), stray))
        await put(exchange, CONFIG)
        for _ in range(3):
            got = await put(exchange)
            assert isinstance(got, Broken) or json.loads(got.body)["user"]["email"] == EMAIL


# --- the parser ------------------------------------------------------------------------------------------------------


async def test_interim_replies_are_passed_over_and_a_flood_of_them_is_not() -> None:
    good = message(200, [JSON], b"{}")
    interim = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\nRetry-After: 9\r\n\r\n"
    few = await got_for(scripts.raw(interim * 10 + good))
    assert isinstance(few, Reply)
    assert (few.status, few.body, "link" in few.headers) == (200, b"{}", False)
    assert untimed(await got_for(scripts.raw(interim * 11 + good))) == Broken("http_protocol_error")
    assert untimed(await got_for(scripts.raw(b"HTTP/1.1 100 Continue\r\n\r\n" * 5000))) == Broken("http_protocol_error")


@pytest.mark.parametrize(
    "switch",
    [b"HTTP/1.1 101 Switching\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n", b"HTTP/1.1 101 Switching\r\n\r\n"],
    ids=["with a protocol", "without one"],
)
async def test_another_protocol_is_a_reply_of_its_status_and_ends_the_connection(switch: bytes) -> None:
    async with FaultyAuthService() as service, exchange_with(service.url) as exchange:
        service.answer(LOGIN_PATH, scripts.raw(switch))
        got = await put(exchange)
        assert isinstance(got, Reply)
        assert got.status == 101
        service.heal()
        assert isinstance(await put(exchange), Reply)


async def test_a_server_that_offers_another_protocol_beside_its_reply_is_understood() -> None:
    headers = [JSON, ("Upgrade", "h2,h2c"), ("Connection", "Upgrade, Keep-Alive")]
    got = await got_for(scripts.reply(200, b'{"a": 1}', headers))
    assert isinstance(got, Reply)
    assert (got.status, got.body) == (200, b'{"a": 1}')


def chunked(*parts: bytes) -> bytes:
    """A reply in chunks, each given as it goes over the line."""
    return message(200, [JSON, ("Transfer-Encoding", "chunked")], b"".join(parts), length=False)


async def test_a_reply_in_chunks_of_a_byte_is_put_together() -> None:
    got = await got_for(scripts.raw(chunked(b"1\r\nx\r\n" * MAX_REPLY_BYTES, b"0\r\n\r\n")))
    assert isinstance(got, Reply)
    assert got.body == b"x" * MAX_REPLY_BYTES


@pytest.mark.parametrize("endless", [b"2;", b"0\r\nX-T: "], ids=["an extension of a chunk", "a trailer"])
async def test_around_a_body_no_more_is_taken_than_the_body_may_weigh(endless: bytes) -> None:
    async def flood(connection: Connection, delivery: Delivery) -> None:
        await connection.send(chunked(endless))
        while not connection.closing:
            await connection.send(b"e" * 65_536)

    assert untimed(await got_for(flood)) == Broken("response_too_large")


async def test_what_follows_a_body_changes_nothing_that_stood_before_it() -> None:
    got = await got_for(scripts.raw(chunked(b"2\r\n{}\r\n0\r\nContent-Type: text/html\r\nRetry-After: 9\r\n\r\n")))
    assert isinstance(got, Reply)
    assert dict(got.headers) == {"content-type": "application/json", "transfer-encoding": "chunked"}


async def test_a_reply_that_says_goodbye_is_taken_and_its_connection_is_not_used_again() -> None:
    async with FaultyAuthService() as service, exchange_with(service.url) as exchange:
        service.answer(LOGIN_PATH, scripts.reply(200, b"{}", [JSON, ("Connection", "close")]))
        for _ in range(2):
            assert isinstance(await put(exchange), Reply)
    assert [sent.connection for sent in service.journal] == [1, 2]


# --- what is written -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("value", ["a\r\nX-Service-ID: evil", "a\nb", "a\rb", "a\x00b", "\u20ac", "\ud800"])
def test_a_value_that_would_break_its_line_is_never_sent(value: str) -> None:
    call = call_of(LOGIN)
    for broken in (
        call._replace(headers=(*call.headers, ("User-Agent", value))),
        call._replace(headers=(*call.headers, (value, "x"))),
        call._replace(template=replace(call.template, path=f"/auth/{value}")),
        call._replace(bearer=Secret(value)),
    ):
        assert Requests("auth.test")(broken, SEAL) == Broken("proxy_configuration_error")


def test_a_body_that_is_no_text_is_never_sent() -> None:
    broken = call_of(LOGIN)._replace(body=Secret('{"email": "\ud800"}'))
    assert Requests("auth.test")(broken, SEAL) == Broken("proxy_configuration_error")


def test_a_body_may_hold_what_a_head_may_not() -> None:
    sent = Requests("auth.test:8443")(call_of(LOGIN)._replace(body=Secret("a\r\n\r\nb\x00\u20ac")), None)
    assert isinstance(sent, bytes)
    head, _, body = sent.partition(b"\r\n\r\n")
    assert head.split(b"\r\n")[:2] == [b"POST /auth/login HTTP/1.1", b"Host: auth.test:8443"]
    assert body == "a\r\n\r\nb\x00\u20ac".encode()
    assert b"Content-Length: %d" % len(body) in head


def test_a_seal_prints_as_dots_and_leaves_out_what_is_not_set() -> None:
    assert SECRET not in repr(SEAL)
    assert SERVICE_ID not in repr(SEAL)
    assert dict(SEAL.headers) == {"X-Service-ID": SERVICE_ID, "X-Service-Secret": SECRET}
    assert type(SEAL)(WIRE, None, None).headers == ()
    assert dict(type(SEAL)(WIRE, SERVICE_ID, None).headers) == {"X-Service-ID": SERVICE_ID}
