"""HTTP as bytes: what is sent is exactly what a test says, and what comes back is read without mercy.

It must never repair anything: an answer that is not exactly one well-formed HTTP message is a failure.
"""

import asyncio
import json
import socket
from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit

Headers = Iterable[tuple[str, str]]

LONGEST_S: Final = 15.0
"""Nothing may take longer; a bound for what hangs, never a measurement."""
_BODILESS: Final = frozenset({204, 304})


class Answer(NamedTuple):
    """One answer, whole."""

    status: int
    headers: tuple[tuple[str, str], ...]
    """Names in lower case."""
    body: bytes
    raw: bytes
    """Every byte of it, for the question whether something is told."""

    def header(self, name: str) -> str | None:
        """The value of a header; None when it is not there. One that is there twice is a failure."""
        values = self.all(name)
        assert len(values) < 2, f"{name} was sent {len(values)} times: {values}"
        return values[0] if values else None

    def all(self, name: str) -> list[str]:
        """Every value of a header."""
        return [value for key, value in self.headers if key == name.lower()]

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)

    @property
    def code(self) -> str | None:
        """The `code` of a problem."""
        return str(self.json["code"]) if "code" in self.json else None

    def __repr__(self) -> str:
        return f"Answer({self.raw.decode('latin-1')!r})"


def message(method: str, target: str, headers: Headers = (), body: bytes | None = None) -> bytes:
    """A request as bytes; Host and Connection are said unless `headers` say them."""
    said = list(headers)
    names = {name.lower() for name, _ in said}
    if "host" not in names:
        said.insert(0, ("Host", "localhost"))
    if "connection" not in names:
        said.append(("Connection", "close"))
    if body is not None and "content-length" not in names:
        said.append(("Content-Length", str(len(body))))
    head = "".join(f"{name}: {value}\r\n" for name, value in said)
    return f"{method} {target} HTTP/1.1\r\n{head}\r\n".encode("latin-1") + (body or b"")


def as_json(document: object) -> bytes:
    """A document as clients send it."""
    return json.dumps(document).encode()


def parse(raw: bytes, *, to_head: bool = False) -> Answer:
    """Exactly one answer out of everything that a connection carried. `to_head`: it answers a HEAD."""
    head, mark, body = raw.partition(b"\r\n\r\n")
    assert mark, f"no whole answer came: {raw[:200]!r}"
    line, *lines = head.decode("latin-1").split("\r\n")
    version, status, _ = line.split(" ", 2)
    assert version == "HTTP/1.1", line
    headers = tuple((name.lower(), value.strip()) for name, _, value in (each.partition(":") for each in lines))
    answer = Answer(int(status), headers, body, raw)
    length = answer.header("content-length")
    if to_head or answer.status in _BODILESS:
        assert body == b"", "there is a body where none may be"
    else:
        assert length == str(len(body)), (length, body)
    return answer


async def sent(url: str, raw: bytes, *, to_head: bool = False) -> Answer:
    """Send these bytes over a connection of their own, and read until it is closed."""
    place = urlsplit(url)
    async with asyncio.timeout(LONGEST_S):
        reader, writer = await asyncio.open_connection(place.hostname, place.port)
        try:
            writer.write(raw)
            return parse(await reader.read(), to_head=to_head)
        finally:
            writer.close()


async def ask(url: str, method: str, target: str, headers: Headers = (), body: bytes | None = None) -> Answer:
    """One request over a connection of its own."""
    return await sent(url, message(method, target, headers, body), to_head=method == "HEAD")


async def post(url: str, target: str, document: object, headers: Headers = ()) -> Answer:
    """One JSON document."""
    return await ask(url, "POST", target, [("Content-Type", "application/json"), *headers], as_json(document))


def ask_now(url: str, method: str, target: str, headers: Headers = (), body: bytes | None = None) -> Answer:
    """The same without an event loop, for tests of whole programs."""
    place = urlsplit(url)
    assert place.port is not None
    with socket.create_connection((place.hostname, place.port), timeout=LONGEST_S) as line:
        line.sendall(message(method, target, headers, body))
        raw = b""
        while piece := line.recv(65536):
            raw += piece
    return parse(raw, to_head=method == "HEAD")


def post_now(url: str, target: str, document: object, headers: Headers = ()) -> Answer:
    """One JSON document, without an event loop."""
    return ask_now(url, "POST", target, [("Content-Type", "application/json"), *headers], as_json(document))


def credentials(email: str = "ada@example.com", password: str = "correct horse") -> Mapping[str, str]:
    """What somebody types in."""
    return {"email": email, "password": password}


class KeptLine:
    """A connection that is kept open over several requests."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self.writer = writer

    @classmethod
    async def to(cls, url: str) -> "KeptLine":
        """A new connection."""
        place = urlsplit(url)
        return cls(*await asyncio.open_connection(place.hostname, place.port))

    async def ask(self, method: str, target: str, headers: Headers = (), body: bytes | None = None) -> Answer:
        """One request and its answer; the connection stays."""
        self.writer.write(message(method, target, [*headers, ("Connection", "keep-alive")], body))
        return await self.answer()

    async def answer(self) -> Answer:
        """The next answer."""
        async with asyncio.timeout(LONGEST_S):
            head = await self._reader.readuntil(b"\r\n\r\n")
            lengths = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
            body = await self._reader.readexactly(int(lengths[0].partition(b":")[2])) if lengths else b""
        return parse(head + body)

    async def rest(self) -> bytes:
        """Everything that still comes until the other side closes."""
        async with asyncio.timeout(LONGEST_S):
            return await self._reader.read()

    def close(self) -> None:
        """End it."""
        self.writer.close()
