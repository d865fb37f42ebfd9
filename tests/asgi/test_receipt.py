"""How much a stranger may send, how slowly, and in which order he is answered, whatever he sends.

It must never measure time: what is too slow is ended by the server, and its order is what counts.
"""

import asyncio
import json

import pytest

from tests.asgi.support import HOST, Line, Site, get, line_to, post, quick, site

pytestmark = pytest.mark.asyncio(loop_scope="module")

CHUNKED = b"POST /seen HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n"
LIMIT = 16 * 1024


async def code_of(line: Line) -> tuple[int, str]:
    """Status and code of the next answer, which ends the connection."""
    status, headers, body = await line.answer()
    assert headers["connection"] == "close"
    assert await line.rest() == b""
    return status, json.loads(body)["code"]


# --- bodies ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("size", "status"), [(0, 200), (LIMIT, 200), (LIMIT + 1, 413), (1_000_000, 413)])
async def test_a_body_up_to_the_limit_is_taken_and_one_byte_more_is_not(shared: Site, size: int, status: int) -> None:
    async with line_to(shared.url) as line:
        await line.send(post(b"x" * size))
        if status == 200:
            assert json.loads((await line.answer())[2])["body_bytes"] == size
        else:
            assert await code_of(line) == (413, "body_too_large")


async def test_a_refused_body_that_goes_on_does_not_cost_its_sender_the_answer(shared: Site) -> None:
    async with line_to(shared.url) as line:
        await line.send(post(b"")[:-2].replace(b"Content-Length: 0", b"Content-Length: 2000000") + b"\r\n")
        for _ in range(20):
            await line.send(b"x" * 100_000)
        assert await code_of(line) == (413, "body_too_large")


async def test_a_sender_that_never_stops_after_a_refusal_is_cut_off(shared: Site) -> None:
    async with line_to(shared.url) as line:
        await line.send(post(b"x" * 100_000).replace(b"Content-Length: 100000", b"Content-Length: 100000000"))
        with pytest.raises(ConnectionError):
            await line.send(*[b"x" * 1_000_000] * 100)


def in_chunks(body: bytes, size: int) -> bytes:
    """A body in chunks of this size."""
    pieces = [body[start : start + size] for start in range(0, len(body), size)]
    return b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"


@pytest.mark.parametrize("chunk", [1, 7, 4096, LIMIT])
async def test_a_body_in_chunks_is_put_together_and_bounded(shared: Site, chunk: int) -> None:
    async with line_to(shared.url) as line:
        await line.send(CHUNKED, in_chunks(b"x" * LIMIT, chunk))
        assert json.loads((await line.answer())[2])["body_bytes"] == LIMIT
        await line.send(CHUNKED, in_chunks(b"x" * (LIMIT + 1), chunk))
        assert await code_of(line) == (413, "body_too_large")


async def test_what_follows_a_body_is_nobody_s_header(shared: Site) -> None:
    async with line_to(shared.url) as line:
        await line.send(
            CHUNKED + b"2\r\n{}\r\n0\r\nAuthorization: Bearer t1\r\nX-Forwarded-For: 203.0.113.9\r\n\r\n", get()
        )
        assert await line.status() == await line.status() == 200
    for request in shared.seen[-2:]:
        assert request.header(b"authorization") is None
        assert request.header(b"x-forwarded-for") is None


@pytest.mark.parametrize(
    "flood",
    [b"X-T: " + b"y" * 1000 + b"\r\n", b"y" * 1000, b""],
    ids=["trailers", "one trailer", "an extension of a chunk"],
)
async def test_around_a_body_no_more_is_taken_than_the_body_may_weigh(shared: Site, flood: bytes) -> None:
    begin = b"0\r\nX-T: " if flood else b"2;"
    async with line_to(shared.url) as line:
        await line.send(CHUNKED + begin)
        for _ in range(20):
            await line.send((flood or b"e" * 1000) * 10)
        assert await code_of(line) == (413, "body_too_large")


async def test_a_body_that_nobody_reads_is_bounded_too(shared: Site) -> None:
    async with line_to(shared.url) as line:
        await line.send(get("/seen", "Content-Length: 10000000"))
        assert await line.status() == 200
        for _ in range(5):
            await line.send(b"x" * 100_000)
        assert await line.rest() == b"", "its one answer was given"


async def test_a_client_that_waits_for_leave_to_send_gets_it_where_a_body_is_read(shared: Site) -> None:
    async with line_to(shared.url) as line:
        await line.send(post(b"{}", "/seen", "Expect: 100-continue")[:-2])
        assert await line.status() == 100
        await line.send(b"{}")
        assert await line.status() == 200
    async with line_to(shared.url) as line:
        await line.send(post(b"{}", "/none", "Expect: 100-continue")[:-2])
        assert await line.status() == 404, "who is refused need not send"


# --- heads -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("request_", "status", "code"),
    [
        (get("/" + "x" * 8191), 404, "not_found"),
        (get("/" + "x" * 8192), 414, "uri_too_long"),
        (get("/?" + "x" * 60_000), 414, "uri_too_long"),
        (get("/seen", "X-A: " + "x" * 17_000), 431, "headers_too_large"),
        (get("/seen", *(f"X-{n}: {'x' * 100}" for n in range(200))), 431, "headers_too_large"),
        (get("/seen", "X-A: " + "x" * 300_000), 431, "headers_too_large"),
    ],
    ids=["longest target", "target", "query", "one header", "many headers", "one huge header"],
)
async def test_a_head_that_is_too_long_is_refused(shared: Site, request_: bytes, status: int, code: str) -> None:
    async with line_to(shared.url) as line:
        await line.send(request_)
        found, headers, body = await line.answer()
        assert (found, json.loads(body)["code"]) == (status, code)
        assert (headers.get("connection") == "close") == (status != 404)


async def test_a_head_without_end_is_refused_at_its_limit(shared: Site) -> None:
    async with line_to(shared.url) as line:
        await line.send(b"GET /seen HTTP/1.1\r\n" + HOST + b"X-A: ")
        for _ in range(20):
            await line.send(b"x" * 1000)
        assert await code_of(line) == (431, "headers_too_large")


@pytest.mark.parametrize(
    "rubbish",
    [
        b"rubbish\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"GET /seen HTTP/3.0\r\n" + HOST + b"\r\n",
        b"GET /seen\r\n\r\n",
        b"GET /\xc3\xa4 HTTP/1.1\r\n" + HOST + b"\r\n",
        b"CONNECT localhost:80 HTTP/1.1\r\n" + HOST + b"\r\n",
        b"CONNECT /seen HTTP/1.1\r\n" + HOST + b"\r\n",
        b"GET /seen HTTP/1.1\r\n\r\n",
        b"GET /seen HTTP/1.1\r\n" + HOST + HOST + b"\r\n",
        b"GET /seen HTTP/1.0\r\n" + HOST + HOST + b"\r\n",
        get("/seen", "X-Request-ID : a"),
        get("/seen", "X-A: a\r\n b"),
        b"GET /seen HTTP/1.1\nHost: localhost\n\n",
        CHUNKED[:-2] + b"Content-Length: 2\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
        CHUNKED + b"zz\r\n",
        CHUNKED.replace(b"chunked", b"chunked, identity") + b"0\r\n\r\n",
        post(b"{}")[:-4] + b"Content-Length: 3\r\n\r\n{}",
        post(b"{}").replace(b"Content-Length: 2", b"Content-Length: -2"),
        post(b"{}").replace(b"Content-Length: 2", b"Content-Length: +2"),
    ],
    ids=[
        "no HTTP", "TLS", "HTTP/2", "HTTP/3", "HTTP/0.9", "a target that is not ASCII", "a tunnel",
        "a tunnel to a path", "no host", "two hosts", "two hosts for 1.0", "a blank before the colon",
        "a folded header", "bare line feeds", "length and chunks", "a chunk without length", "chunks and more",
        "two lengths", "a negative length", "a length with a sign",
    ],
)  # fmt: skip
async def test_what_cannot_be_read_in_one_way_only_is_malformed(shared: Site, rubbish: bytes) -> None:
    async with line_to(shared.url) as line:
        await line.send(rubbish)
        assert await code_of(line) == (400, "malformed_request")
    assert shared.crashes == []


async def test_an_old_client_without_a_host_is_served_and_let_go(shared: Site) -> None:
    async with line_to(shared.url) as line:
        await line.send(b"GET /seen HTTP/1.0\r\n\r\n")
        status, headers, _ = await line.answer()
        assert (status, headers["connection"], await line.rest()) == (200, "close", b"")


@pytest.mark.parametrize("protocol", ["h2c", "websocket", "TLS/1.0"])
async def test_a_wish_for_another_protocol_is_declined_without_losing_a_byte(shared: Site, protocol: str) -> None:
    wish = ("Connection: Upgrade, HTTP2-Settings", f"Upgrade: {protocol}", "HTTP2-Settings: AAMAAABkAAQ")
    smuggled = get("/crash")
    async with line_to(shared.url) as line:
        await line.send(post(smuggled, "/seen", *wish), post(b"{}", "/seen", *wish)[:-1], b"}", get("/seen", *wish))
        found = [json.loads((await line.answer())[2]) for _ in range(3)]
        await line.send(get("/pages/last", *wish, "Connection: close"))
        assert (await line.answer())[0] == 200
        assert await line.rest() == b"", "that it wants to leave is not lost either"
    assert [each["body_bytes"] for each in found] == [len(smuggled), 2, 0]
    assert shared.crashes == [], "a body was taken for a request"
    assert shared.seen[-1].header(b"upgrade") is None


async def test_many_wishes_in_one_packet_are_declined_one_by_one(shared: Site) -> None:
    wish = get("/seen", "Connection: Upgrade", "Upgrade: h2c")
    async with line_to(shared.url) as line:
        await line.send(wish * 50)
        assert [await line.status() for _ in range(50)] == [200] * 50


# --- order -----------------------------------------------------------------------------------------------------------


async def test_requests_in_a_row_are_answered_in_their_order(shared: Site) -> None:
    async with line_to(shared.url) as line:
        await line.send(get("/pages/1") + get("/none") + post(b"{}") + get("/crash") + get("/pages/5"))
        answers = [await line.answer() for _ in range(5)]
    assert [status for status, _, _ in answers] == [200, 404, 200, 500, 200]
    assert json.loads(answers[4][2])["path"] == "/pages/5"
    shared.crashes.clear()


async def test_of_too_many_requests_in_a_row_the_first_are_answered_and_the_rest_is_not_kept(shared: Site) -> None:
    async with line_to(shared.url) as line:
        await line.send(get() * 2000)
        assert [await line.status() for _ in range(66)] == [200] * 65 + [400]
        assert await line.rest() == b""


@pytest.mark.parametrize(
    ("second", "statuses"),
    [
        (b"rubbish\r\n\r\n", [400]),
        (get("/" + "x" * 9000), [414]),
        (get("/seen", "X-A: " + "x" * 20_000), [431]),
        (CHUNKED + b"zz\r\n", [400]),
        (get("/pages/1") + b"rubbish\r\n\r\n", [200, 400]),
        (get("/pages/1") + CHUNKED + b"zz\r\n", [200, 400]),
    ],
    ids=["rubbish", "target", "head", "body", "rubbish after another one", "body after another one"],
)
async def test_a_refusal_waits_until_the_requests_before_it_are_answered(second: bytes, statuses: list[int]) -> None:
    async with site() as served, line_to(served.url) as line:
        await line.send(post(b"{}", "/wait"))
        await served.begun.wait()
        await line.send(second, b"and whatever else")
        served.go_on.set()
        status, _, body = await line.answer()
        assert (status, body) == (200, b'"waited"')
        assert [await line.status() for _ in statuses] == statuses
        assert await line.rest() == b""


async def test_a_refusal_that_waits_is_dropped_with_a_client_that_leaves() -> None:
    async with site() as served:
        async with line_to(served.url) as line:
            await line.send(post(b"{}", "/wait"))
            await served.begun.wait()
            await line.send(b"rubbish\r\n\r\n")
        served.go_on.set()
        async with line_to(served.url) as another:
            await another.send(get())
            assert await another.status() == 200
        assert served.crashes == []


# --- deadlines -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "beginning",
    [b"G", b"GET /seen HTTP/1.1\r\n", get()[:-2], post(b"{}")[:-1], CHUNKED + b"2\r\n{", CHUNKED + b"2\r\n{}\r\n"],
    ids=["a letter", "a line", "a head", "a body", "a chunk", "chunks"],
)
async def test_a_request_that_does_not_come_to_its_end_is_a_timeout(impatient: Site, beginning: bytes) -> None:
    async with line_to(impatient.url) as line:
        await line.send(beginning)
        assert await code_of(line) == (408, "request_timeout")


@pytest.mark.parametrize(
    ("beginning", "drop"), [(get()[:-2], b"X-A: b\r\n"), (CHUNKED, b"1\r\nx\r\n")], ids=["headers", "body"]
)
async def test_a_request_that_drips_is_a_timeout(impatient: Site, beginning: bytes, drop: bytes) -> None:
    async with line_to(impatient.url) as line:
        await line.send(beginning)
        dripping = asyncio.create_task(_drip(line, drop))
        assert await code_of(line) == (408, "request_timeout")
        dripping.cancel()


async def _drip(line: Line, drop: bytes) -> None:
    for _ in range(1000):
        await line.send(drop)


async def test_a_second_request_in_the_same_packet_has_a_deadline_as_well(impatient: Site) -> None:
    async with line_to(impatient.url) as line:
        await line.send(get() + post(b"{}")[:-2])
        assert await line.status() == 200
        assert await code_of(line) == (408, "request_timeout")


@pytest.mark.parametrize("said", [b"", b"\r\n"], ids=["nothing", "a blank line"])
async def test_a_connection_that_says_nothing_is_closed_without_a_word(impatient: Site, said: bytes) -> None:
    async with line_to(impatient.url) as line:
        await line.send(said)
        assert await line.rest() == b""


async def test_time_spent_on_an_answer_is_not_held_against_the_next_request() -> None:
    async with site(limits=quick(0.05)) as served, line_to(served.url) as line:
        await line.send(post(b"{}", "/wait") + get()[:-2])
        await served.begun.wait()
        await asyncio.sleep(0.2)
        served.go_on.set()
        assert await line.status() == 200, "the deadline is for sending, not for waiting"
        await line.send(b"\r\n")
        assert await line.status() == 200


async def test_a_handler_that_ends_after_its_request_was_given_up_hurts_nobody() -> None:
    async with site(limits=quick()) as served:
        async with line_to(served.url) as line:
            await line.send(get("/wait", "Content-Length: 5"))
            await served.begun.wait()
            status, _, _ = await line.answer()
            served.go_on.set()
            assert (status, await line.rest()) == (408, b"")
        assert served.crashes == []


async def test_slow_clients_do_not_hold_up_the_others(impatient: Site) -> None:
    async with line_to(impatient.url) as slow, line_to(impatient.url) as quick_one:
        await slow.send(get()[:-2])
        await quick_one.send(get())
        assert await quick_one.status() == 200
