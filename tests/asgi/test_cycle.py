"""An answer as bytes, and the target of a request: nothing that is told may begin a line of its own.

It must never trust that whoever made a header has looked at it.
"""

from email.utils import parsedate_to_datetime
from time import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netra.asgi.cycle import address_of, answer_bytes, target_of
from netra.asgi.words import Answer, Headers, Request, Route
from tests.asgi.support import get, line_to, site


def test_an_answer_is_a_status_line_its_headers_its_date_and_its_body() -> None:
    headers: Headers = [(b"content-type", b"text/plain"), (b"content-length", b"2")]
    lines = answer_bytes(200, headers, b"\r\n").split(b"\r\n")
    assert [*lines[:3], *lines[4:]] == [
        b"HTTP/1.1 200 OK", b"content-type: text/plain", b"content-length: 2", b"", b"", b"",
    ]  # fmt: skip
    assert lines[3].startswith(b"date: ")
    assert answer_bytes(503, [], b"").startswith(b"HTTP/1.1 503 Service Unavailable\r\ndate: ")


def test_the_date_is_that_of_the_answer_by_the_wall_clock() -> None:
    before = time() // 1
    date = answer_bytes(200, [], b"").split(b"\r\n")[1].removeprefix(b"date: ").decode()
    assert before <= parsedate_to_datetime(date).timestamp() <= time()
    assert date.endswith(" GMT")


BREAKING = [b"\r\nx-evil: 1", b"\nx-evil: 1", b"\rx-evil: 1", b"a\r\n", b"\r\n\r\n<script>", b"\n", b"\r"]


@pytest.mark.parametrize("text", BREAKING, ids=ascii)
def test_a_header_that_would_break_its_line_is_never_written(text: bytes) -> None:
    for headers in ([(b"x-a", text)], [(text, b"a")], [(b"x-b", b"b"), (b"x-a", b"a" + text), (b"x-c", b"c")]):
        with pytest.raises(ValueError, match="breaks its line"):
            answer_bytes(200, headers, b"body")


@given(st.lists(st.tuples(st.binary(max_size=9), st.binary(max_size=9)), max_size=4), st.binary(max_size=9))
def test_an_answer_has_as_many_lines_as_headers_or_is_not_written(headers: Headers, body: bytes) -> None:
    try:
        head, separator, rest = answer_bytes(200, headers, body).partition(b"\r\n\r\n")
    except ValueError:
        assert any(each in b"".join(name + value for name, value in headers) for each in (b"\r", b"\n"))
    else:
        assert (separator, rest) == (b"\r\n\r\n", body)
        assert head.split(b"\r\n")[1:-1] == [name + b": " + value for name, value in headers]


async def test_no_handler_gets_a_line_of_its_own_onto_a_connection() -> None:
    async def evil(request: Request) -> Answer:
        return Answer(200, b"{}", headers=((b"x-said", b"a\r\nset-cookie: evil=1"),))

    async with site(routes=[Route("GET", "/evil", evil)]) as here, line_to(here.url) as line:
        await line.send(get("/evil") + get("/seen"))
        status, headers, _ = await line.answer()
        assert (status, "x-said" in headers, "set-cookie" in headers) == (500, False, False)
        assert await line.status() == 200, "the connection lives on"
        assert [type(crash) for _, crash in here.crashes] == [ValueError]


async def test_a_request_id_that_would_break_its_line_is_replaced() -> None:
    async with site() as here, line_to(here.url) as line:
        await line.send(get("/seen", "X-Request-ID: good-1", "X-Request-ID: a\tb"))
        _, headers, _ = await line.answer()
        assert headers["x-request-id"] == "good-1"
        await line.send(get("/seen", "X-Request-ID: a\xe4 b"))
        _, headers, _ = await line.answer()
        assert len(headers["x-request-id"]) == 32


@pytest.mark.parametrize(
    ("url", "target"),
    [
        (b"/", ("/", b"")),
        (b"/a/b?c=d&e", ("/a/b", b"c=d&e")),
        (b"/a?b?c", ("/a", b"b?c")),
        (b"/a%20b%2Fc?%20", ("/a b/c", b"%20")),
        (b"/%C3%A4", ("/\u00e4", b"")),
        (b"//evil.example/a", ("//evil.example/a", b"")),
        (b"/a#b?c", ("/a", b"")),
        (b"http://evil.example/a?b", ("/a", b"b")),
        (b"http://evil.example", ("/", b"")),
    ],
    ids=ascii,
)
def test_a_target_is_its_path_and_its_query(url: bytes, target: tuple[str, bytes]) -> None:
    assert target_of(url) == target


@pytest.mark.parametrize(
    ("name", "address"),
    [(("127.0.0.1", 80), ("127.0.0.1", 80)), (("::1", 80, 0, 0), ("::1", 80)), ("", None), (None, None), ((), None)],
    ids=range(5),
)
def test_only_an_internet_socket_has_an_address(name: object, address: tuple[str, int] | None) -> None:
    assert address_of(name) == address
