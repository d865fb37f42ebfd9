"""Requests and answers of a listener over a real socket: routes, methods, ids, and what every answer carries.

It must never call the application by hand: a server of ours stands before it.
"""

import asyncio
import json
import socket
import struct
import sys
from typing import Any
from urllib.parse import urlsplit

import pytest

from netra.asgi.adapter import App
from netra.asgi.callers import Callers
from netra.asgi.cors import Cors
from netra.asgi.words import Answer, Headers, Refusal, Request, Route
from tests.asgi.support import Site, get, line_to, post, refuse, serving, site
from tests.support import wire

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_a_route_is_found_by_method_and_path(shared: Site) -> None:
    answer = await wire.ask(shared.url, "GET", "/seen?a=1&b=%20")
    assert (answer.status, answer.json) == (
        200, {"method": "GET", "path": "/seen", "query": "a=1&b=%20", "body_bytes": 0, "client": "127.0.0.1"},
    )  # fmt: skip


@pytest.mark.parametrize("target", ["/seen/", "/seen//", "/%73een", "/seen?x", "http://elsewhere.test/seen"])
async def test_a_trailing_slash_and_spellings_of_a_path_make_no_difference(shared: Site, target: str) -> None:
    answer = await wire.ask(shared.url, "GET", target)
    assert (answer.status, answer.json["path"]) == (200, "/seen")
    assert answer.all("location") == []


@pytest.mark.parametrize(
    ("target", "status"),
    [("/pages/one", 200), ("/pages/one/", 200), ("/pages", 404), ("/pages/", 404), ("/pages/one/two", 404)],
)
async def test_a_star_takes_exactly_one_segment(shared: Site, target: str, status: int) -> None:
    assert (await wire.ask(shared.url, "GET", target)).status == status


@pytest.mark.parametrize(
    "target", ["/", "/no-such-route", "/SEEN", "/seen/x", "/seen%00", "/%ff%fe", "*", "/seen%2f.."]
)
async def test_what_is_no_route_is_a_404(shared: Site, target: str) -> None:
    answer = await wire.ask(shared.url, "OPTIONS" if target == "*" else "GET", target)
    assert (answer.status, answer.code) == (404, "not_found")


async def test_head_is_answered_like_get_without_a_body(shared: Site) -> None:
    said = await wire.ask(shared.url, "GET", "/seen")
    head = await wire.ask(shared.url, "HEAD", "/seen")
    missing = await wire.ask(shared.url, "HEAD", "/no-such-route")
    assert (head.status, head.header("content-type"), head.body) == (200, "application/json", b"")
    assert int(head.header("content-length") or 0) == len(said.body) + 1, "the method is a letter longer"
    assert missing.status == 404


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("DELETE", "/seen", "GET, HEAD, POST"),
        ("OPTIONS", "/seen", "GET, HEAD, POST"),
        ("POST", "/pages/one", "GET, HEAD"),
        ("GET", "/json", "POST"),
        ("HEAD", "/json", "POST"),
        ("PATCH", "/json", "POST"),
    ],
)
async def test_another_method_is_a_405_that_says_what_is_allowed(
    shared: Site, method: str, path: str, allow: str
) -> None:
    answer = await wire.ask(shared.url, method, path)
    assert (answer.status, answer.header("allow")) == (405, allow)


# --- what every answer carries ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "request_",
    [get(), get("/none"), get("/crash"), get("/empty"), post(b"{}", "/pages/x"), b"rubbish\r\n\r\n",
     get("/" + "x" * 9000), post(b"x" * 20_000)],
    ids=["200", "404", "500", "204", "405", "400", "414", "413"],
)  # fmt: skip
async def test_every_answer_has_an_id_and_may_not_be_stored(shared: Site, request_: bytes) -> None:
    async with line_to(shared.url) as line:
        await line.send(request_)
        status, headers, body = await line.answer()
    assert headers["cache-control"] == "no-store"
    assert len(headers["x-request-id"]) == 32
    assert "server" not in headers
    if status >= 400:
        assert headers["content-type"] == "application/problem+json"
        assert json.loads(body)["request_id"] == headers["x-request-id"]
    if status == 204:
        assert "content-length" not in headers
        assert "content-type" not in headers


@pytest.mark.parametrize("given", ["a", "0", "A.b_c-d", "x" * 128, "550e8400-e29b-41d4-a716-446655440000"])
async def test_a_well_formed_request_id_is_kept(shared: Site, given: str) -> None:
    for target in ("/seen", "/none", "/crash"):
        answer = await wire.ask(shared.url, "GET", target, [("X-Request-ID", given)])
        assert answer.header("x-request-id") == given
    assert shared.seen[-1].request_id == given


@pytest.mark.parametrize("given", ["", "-a", ".a", "_a", "a b", "x" * 129, "a/b", "ä", "a;b", "<script>", "a%0d"])
async def test_any_other_request_id_is_made_anew(shared: Site, given: str) -> None:
    ids = {(await wire.ask(shared.url, "GET", "/seen", [("X-Request-ID", given)])).header("x-request-id") for _ in "ab"}
    assert given not in ids
    assert len(ids) == 2
    assert all(made and len(made) == 32 and int(made, 16) for made in ids)


async def test_of_several_request_ids_the_first_good_one_is_kept(shared: Site) -> None:
    headers = [("X-Request-ID", "-bad"), ("X-Request-ID", "good-1"), ("X-Request-ID", "good-2")]
    answer = await wire.ask(shared.url, "GET", "/seen", headers)
    assert answer.header("x-request-id") == "good-1"


@pytest.mark.skipif(sys.platform != "linux", reason="asks the kernel how many segments came")
@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_an_answer_leaves_in_one_piece(shared: Site, method: str) -> None:
    place, loop = urlsplit(shared.url), asyncio.get_running_loop()
    with socket.socket() as line:
        line.setblocking(False)
        await loop.sock_connect(line, (place.hostname, place.port))
        for answers_count in range(1, 4):
            await loop.sock_sendall(line, get().replace(b"GET", method.encode()))
            head, _, body = (await loop.sock_recv(line, 65536)).partition(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 200")
            assert (b'"path"' in body) == (method == "GET")
            assert segments_received(line) == answers_count


def segments_received(line: socket.socket) -> int:
    """How many segments with data a connection has received. Source: tcpi_data_segs_in of Linux's struct tcp_info."""
    told = line.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 160)
    return int(struct.unpack_from("I", told, 152)[0])


# --- bugs ------------------------------------------------------------------------------------------------------------


async def test_a_crash_is_a_500_and_told_with_the_request_and_nothing_else_is_hurt(shared: Site) -> None:
    async with line_to(shared.url) as line:
        await line.send(get("/crash", "X-Request-ID: request-7"))
        status, headers, body = await line.answer()
        await line.send(get())
        assert await line.status() == 200, "the connection lives on"
    assert (status, json.loads(body)["code"], headers["x-request-id"]) == (500, "internal_error", "request-7")
    assert b"nobody may read" not in body
    request, crash = shared.crashes[-1]
    assert (request.request_id, type(crash)) == ("request-7", KeyError)


async def test_a_crash_of_whoever_is_told_or_whoever_words_it_is_still_answered() -> None:
    async def crash(request: Request) -> Answer:
        raise RuntimeError

    def broken(*_: Any) -> Any:
        raise ZeroDivisionError

    for wording, telling in [(refuse, broken), (broken, lambda *_: None), (broken, broken)]:
        made = Site()
        made.app = App([Route("GET", "/crash", crash)], wording, telling)
        async with serving(made):
            for target in ("/crash", "/none") if wording is broken else ("/crash",):
                answer = await wire.ask(made.url, "GET", target, [("X-Request-ID", "request-7")])
                assert (answer.status, answer.code) == (500, "internal_error")
                assert answer.header("x-request-id") == answer.json["request_id"] == "request-7"


async def test_a_request_prints_without_headers_and_body(shared: Site) -> None:
    await wire.post(shared.url, "/seen", {"password": "secret"}, [("Authorization", "Bearer secret")])
    assert repr(shared.seen[-1]).startswith("Request(POST ")
    assert "secret" not in repr(shared.seen[-1])


async def test_what_is_not_http_is_ignored() -> None:
    made = Site()
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        return {"type": "lifespan.startup"}

    await made.app({"type": "lifespan"}, receive, send)
    assert sent == []


# --- who may, and who is it ------------------------------------------------------------------------------------------


async def test_a_listener_that_admits_nobody_refuses_before_it_looks_for_a_route() -> None:
    def nobody(request: Request, headers: Headers) -> Refusal:
        return Refusal(421, "malformed_request", "Not here.")

    async with site(admit=nobody) as served:
        for target in ("/seen", "/none"):
            assert (await wire.ask(served.url, "GET", target)).status == 421
        assert served.seen == []


async def test_the_caller_s_address_is_what_the_trusted_proxies_say() -> None:
    forwarded = [
        ("X-Forwarded-For", "198.51.100.7"),
        ("Forwarded", "for=192.0.2.1"),
        ("X-Forwarded-For", "203.0.113.9"),
        ("X-Real-IP", "192.0.2.1"),
    ]
    for trusted, address in [((), "127.0.0.1"), (("127.0.0.0/8",), "203.0.113.9")]:
        async with site(callers=Callers(trusted)) as served:
            assert (await wire.ask(served.url, "GET", "/seen", forwarded)).json["client"] == address


ORIGIN = "https://app.example.com"


async def test_every_answer_to_a_listed_origin_can_be_read_by_its_pages() -> None:
    async with site(cors=Cors([ORIGIN])) as served:
        for target, status in [("/seen", 200), ("/none", 404), ("/crash", 500), ("/" + "x" * 9000, 414)]:
            answer = await wire.ask(served.url, "GET", target, [("Origin", ORIGIN)])
            assert answer.status == status
            assert answer.header("access-control-allow-origin") == ORIGIN
            assert answer.header("access-control-expose-headers") == "x-request-id, retry-after"
            assert answer.header("vary") == "origin"
            assert answer.all("access-control-allow-credentials") == []


async def test_a_preflight_is_answered_for_a_listed_origin_only() -> None:
    wish = [("Access-Control-Request-Method", "POST")]
    async with site(cors=Cors([ORIGIN])) as served:
        allowed = await wire.ask(served.url, "OPTIONS", "/seen", [("Origin", ORIGIN), *wish])
        other = await wire.ask(served.url, "OPTIONS", "/seen", [("Origin", "https://evil.test"), *wish])
        plain = await wire.ask(served.url, "OPTIONS", "/seen", [("Origin", ORIGIN)])
        nowhere = await wire.ask(served.url, "OPTIONS", "/none", [("Origin", ORIGIN), *wish])
    assert (allowed.status, allowed.header("access-control-allow-methods")) == (204, "GET, HEAD, POST")
    assert "content-type" in (allowed.header("access-control-allow-headers") or "")
    assert allowed.header("access-control-allow-origin") == ORIGIN
    assert (other.status, plain.status, nowhere.status) == (405, 405, 404)
    assert other.all("access-control-allow-origin") == []


async def test_while_it_drains_every_answer_asks_to_close_and_says_so_once() -> None:
    async with site() as served:
        served.app.draining = True
        for request in (get(), get("/none"), post(b"x" * 20_000), get("/" + "x" * 9000)):
            async with line_to(served.url) as line:
                await line.send(request)
                raw = await line.rest()
            assert raw.lower().count(b"connection: close") == 1
