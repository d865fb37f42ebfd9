"""What is answered at once, in order, in step and as everything else is: however it is asked, and with whatever behind.

It must never give an answer a task that needs none.
"""

import asyncio
from typing import Final

import pytest

from netra.asgi.cors import Cors
from netra.asgi.words import ANY_METHOD, Answer, Request, Route
from tests.asgi.support import Line, Site, get, line_to, post, serving, site
from tests.support import wire

BIG: Final = b"x" * 200_000
ORIGIN: Final = "https://app.example.com"


class Prompt:
    """Routes that answer at once, and what they were asked in."""

    def __init__(self) -> None:
        self.tasks: list[asyncio.Task[object] | None] = []

    def routes(self) -> list[Route]:
        """One that echoes its query, one that says much, and two that are broken."""
        return [
            Route(ANY_METHOD, "/now", self._never, at_once=self._echo),
            Route("GET", "/much", self._never, at_once=lambda _: Answer(200, BIG)),
            Route("GET", "/broken", self._never, at_once=self._break),
            Route("GET", "/torn", self._never, at_once=lambda _: Answer(200, headers=((b"x-said", b"a\r\nb: c"),))),
            Route("GET", "/passed-on", self._late, at_once=lambda _: None),
        ]

    def _echo(self, request: Request) -> Answer:
        self.tasks.append(asyncio.current_task())
        return Answer(200, request.query)

    def _break(self, request: Request) -> Answer:
        raise KeyError("a value that nobody may read")

    async def _late(self, request: Request) -> Answer:
        await asyncio.sleep(0)
        return Answer(200, request.query)

    async def _never(self, request: Request) -> Answer:
        raise AssertionError("what is answered at once is not asked again")


def now(number: object, *headers: str, version: str = "1.1") -> bytes:
    """A request that is answered at once with its number."""
    return get(f"/now?{number}", *headers, version=version)


LAST: Final = now("last", "Connection: close")


async def bodies(line: Line) -> list[tuple[int, bytes]]:
    """Status and body of all answers until the server closes; heads that are answered have none."""
    found, rest = [], await line.rest()
    while rest:
        head, _, rest = rest.partition(b"\r\n\r\n")
        size_bytes = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
        found.append((int(head.split(b" ")[1]), rest[:size_bytes]))
        rest = rest[size_bytes:]
    return found


async def answers_to(*pieces: bytes) -> list[tuple[int, bytes]]:
    """What these bytes are answered with, on a connection of their own."""
    async with site(routes=Prompt().routes()) as here, line_to(here.url) as line:
        await line.send(*pieces)
        return await bodies(line)


def numbered(count: int) -> list[tuple[int, bytes]]:
    """The answers to so many requests."""
    return [(200, b"%d" % number) for number in range(count)]


async def test_it_needs_no_task() -> None:
    prompt = Prompt()
    async with site(routes=prompt.routes()) as here, line_to(here.url) as line:
        await line.send(now(1) + now(2) + LAST)
        assert len(await bodies(line)) == 3
    assert prompt.tasks == [None, None, None]


@pytest.mark.parametrize("count", [1, 2, 64])
async def test_what_comes_in_one_piece_is_answered_in_order(count: int) -> None:
    assert await answers_to(b"".join(map(now, range(count))) + LAST) == [*numbered(count), (200, b"last")]


async def test_what_is_too_much_in_one_piece_is_refused_behind_the_answers_to_what_is_not() -> None:
    *answered, refused = await answers_to(b"".join(map(now, range(200))))
    assert answered == numbered(65)
    assert refused[0] == 400


async def test_answers_at_once_wait_for_those_before_them_that_are_not() -> None:
    asked = b"".join(get(f"/passed-on?{n}") if n % 3 == 0 else now(n) for n in range(12))
    assert await answers_to(asked + LAST) == [*numbered(12), (200, b"last")]


@pytest.mark.parametrize("behind", [b"\x00\r\n\r\n", b"GET /now HTTP/1.1\r\n\r\n"], ids=["garbage", "hostless"])
async def test_what_is_refused_behind_them_is_refused_in_its_turn(behind: bytes) -> None:
    first, second, refused = await answers_to(now(0) + now(1) + behind)
    assert ([first, second], refused[0]) == (numbered(2), 400)


async def test_half_a_request_behind_them_is_awaited() -> None:
    assert await answers_to(now(0) + now(1) + LAST[:20], LAST[20:]) == [*numbered(2), (200, b"last")]


@pytest.mark.parametrize(
    ("head", "rest"),
    [
        (b"Content-Length: 9", b"GET / HTT"),
        (b"Transfer-Encoding: chunked", b"9\r\nGET / HTT\r\n0\r\nx-trailer: 1\r\n\r\n"),
        (b"Connection: Upgrade\r\nUpgrade: h2c\r\nContent-Length: 9", b"GET / HTT"),
        (b"Expect: 100-continue\r\nContent-Length: 9", b"GET / HTT"),
    ],
    ids=["sized", "chunked", "upgrade", "expect"],
)
async def test_a_body_that_nobody_reads_is_never_taken_for_a_request(head: bytes, rest: bytes) -> None:
    asked = b"GET /now?0 HTTP/1.1\r\nHost: localhost\r\n" + head + b"\r\n\r\n"
    for pieces in (
        (asked + rest + now(1) + LAST,),
        (asked, rest + now(1) + LAST),
        (asked + rest[:4], rest[4:] + now(1) + LAST),
    ):
        assert await answers_to(*pieces) == [*numbered(2), (200, b"last")]


async def test_a_body_over_the_limit_that_nobody_reads_ends_its_connection_behind_the_answer() -> None:
    asked = b"GET /now?0 HTTP/1.1\r\nHost: localhost\r\nContent-Length: 900000\r\n\r\n"
    assert await answers_to(asked, *[b"x" * 100_000] * 9) == numbered(1)


@pytest.mark.parametrize(
    "last",
    [
        LAST,
        now("last", version="1.0"),
        now("last", "Connection: keep-alive", version="1.0"),
        now("last", "Proxy-Connection: keep-alive", version="1.0"),
    ],
    ids=["close", "1.0", "1.0 that wishes to stay", "1.0 that wishes to stay with a proxy"],
)
async def test_nothing_is_answered_behind_the_last_one(last: bytes) -> None:
    assert await answers_to(now(0) + last + now(1) + get("/passed-on?2")) == [(200, b"0"), (200, b"last")]


async def test_a_head_is_answered_without_its_body() -> None:
    async with site(routes=Prompt().routes()) as here, line_to(here.url) as line:
        await line.send(now("four").replace(b"GET", b"HEAD") + LAST)
        answered = (await line.rest()).split(b"\r\n\r\n")
    assert b"content-length: 4\r\n" in answered[0]
    assert answered[1].startswith(b"HTTP/1.1 200 OK\r\n")
    assert answered[2] == b"last"


async def test_who_will_say_no_more_is_answered() -> None:
    async with site(routes=Prompt().routes()) as here, line_to(here.url) as line:
        await line.send(now(0) + get("/passed-on?1") + now(2) + now("half")[:9])
        line.finish()
        assert await bodies(line) == numbered(3)


async def test_who_does_not_read_keeps_its_answers_waiting_and_loses_none() -> None:
    async with site(routes=Prompt().routes()) as here, line_to(here.url) as line:
        line.fall_asleep()
        await line.send(b"".join((get("/much"), now(1)) * 25) + LAST)
        assert (await wire.ask(here.url, "GET", "/now?2")).status == 200, "others are answered meanwhile"
        line.wake()
        assert await bodies(line) == [(200, BIG), (200, b"1")] * 25 + [(200, b"last")]


@pytest.mark.parametrize("path", ["/broken", "/torn"])
async def test_a_bug_is_a_500_and_told_and_the_connection_lives_on(path: str) -> None:
    async with site(routes=Prompt().routes()) as here, line_to(here.url) as line:
        await line.send(now(0) + get(path, "X-Request-ID: request-7") + LAST)
        first, broken, last = await bodies(line)
    assert ([first], broken[0], last) == (numbered(1), 500, (200, b"last"))
    assert b"request-7" in broken[1]
    assert b"nobody may read" not in broken[1]
    assert [request.request_id for request, _ in here.crashes] == ["request-7"]


async def test_it_carries_what_every_answer_carries() -> None:
    async with site(routes=Prompt().routes(), cors=Cors([ORIGIN])) as here:
        answer = await wire.ask(here.url, "GET", "/now?1", [("Origin", ORIGIN), ("X-Request-ID", "request-7")])
    assert answer.header("access-control-allow-origin") == ORIGIN
    assert answer.header("x-request-id") == "request-7"
    assert answer.header("cache-control") == "no-store"
    assert answer.header("date")


async def test_it_asks_to_close_while_the_listener_stops() -> None:
    made = Site(routes=Prompt().routes())
    async with serving(made, drain_delay_s=0.2) as stop, line_to(made.url) as line:
        await line.send(now(0))
        assert "connection" not in (await line.answer())[1]
        stop.set()
        while not made.app.draining:
            await asyncio.sleep(0.01)
        await line.send(now(1) + now(2))
        assert await bodies(line) == [(200, b"1")]


async def test_an_old_client_is_not_given_leave_that_it_cannot_have_meant() -> None:
    for wish in ("close", "keep-alive"):
        asked = post(b"{}", "/seen", "Expect: 100-continue", f"Connection: {wish}").replace(b"HTTP/1.1", b"HTTP/1.0")
        (status, _), *more = await answers_to(asked[:-2], asked[-2:])
        assert (status, more) == (200, [])
