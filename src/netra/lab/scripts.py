"""The ways to answer, and not to answer: each function makes a script for `FaultyAuthService.answer`.

It must never say more than it is asked to: no header is added that the caller has not named, but for the length.
"""

import asyncio
import json
from collections.abc import Iterable, Mapping
from typing import Any, Final

from netra.lab.connection import Connection, Delivery, Script

Headers = Iterable[tuple[str, str]]

JSON: Final = ("Content-Type", "application/json")
PROBLEM: Final = ("Content-Type", "application/problem+json")
HTML: Final = ("Content-Type", "text/html")


def message(status: int | str, headers: Headers = (), body: bytes = b"", *, length: bool = True) -> bytes:
    """An HTTP answer as bytes. `length`: say its true length in Content-Length?"""
    lines = [f"HTTP/1.1 {status} Scripted" if isinstance(status, int) else f"HTTP/1.1 {status}"]
    lines += [f"{name}: {value}" for name, value in headers]
    if length:
        lines.append(f"Content-Length: {len(body)}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1") + body


def json_message(status: int, document: Any, headers: Headers = ()) -> bytes:
    """An HTTP answer with this document as JSON, as bytes."""
    return message(status, (JSON, *headers), json.dumps(document).encode())


def problem_message(status: int, code: str, headers: Headers = (), **members: Any) -> bytes:
    """A refusal in the form of RFC 9457 with its code, as bytes."""
    document = {"type": "about:blank", "title": code, "status": status, "code": code, **members}
    return message(status, (PROBLEM, *headers), json.dumps(document).encode())


def reply(status: int, body: bytes = b"", headers: Headers = ()) -> Script:
    """A whole answer with this body."""
    return raw(message(status, headers, body))


def json_reply(status: int, document: Any, headers: Headers = ()) -> Script:
    """A whole answer with this document as JSON."""
    return raw(json_message(status, document, headers))


def problem(status: int, code: str, headers: Headers = (), **members: Any) -> Script:
    """A refusal in the form of RFC 9457, with its code."""
    return raw(problem_message(status, code, headers, **members))


def html(status: int, page: str, headers: Headers = ()) -> Script:
    """A whole answer with an HTML page."""
    return reply(status, page.encode(), (HTML, *headers))


def redirect(status: int, location: str) -> Script:
    """An answer that points elsewhere."""
    return reply(status, b"", [("Location", location)])


def raw(content: bytes) -> Script:
    """These bytes; the connection stays open."""

    async def script(connection: Connection, delivery: Delivery) -> None:
        await connection.send(content)

    return script


def raw_then_close(content: bytes = b"") -> Script:
    """These bytes, perhaps none, then the end of the stream."""

    async def script(connection: Connection, delivery: Delivery) -> None:
        await connection.send(content)
        connection.close()

    return script


def raw_then_reset(content: bytes = b"", after_s: float = 0.02) -> Script:
    """These bytes, a moment in which they can be read, then RST."""

    async def script(connection: Connection, delivery: Delivery) -> None:
        await connection.send(content)
        await asyncio.sleep(after_s)
        connection.reset()

    return script


def silence() -> Script:
    """No answer, for as long as the peer stays."""

    async def script(connection: Connection, delivery: Delivery) -> None:
        await connection.left()

    return script


def drip(before: bytes, piece: bytes, every_s: float) -> Script:
    """`before`, then `piece` again and again until the peer leaves: an answer that never ends."""

    async def script(connection: Connection, delivery: Delivery) -> None:
        await connection.send(before)
        leaving = asyncio.ensure_future(connection.left())
        while not leaving.done():
            await connection.send(piece)
            await asyncio.wait({leaving}, timeout=every_s)

    return script


def drip_head(every_s: float = 0.02) -> Script:
    """Headers that never end."""
    return drip(b"HTTP/1.1 200 Scripted\r\n", b"X-Drip: drop\r\n", every_s)


def drip_body(every_s: float = 0.02) -> Script:
    """A body that never ends, though its length was told."""
    return drip(message(200, [JSON, ("Content-Length", "60000")], length=False), b" ", every_s)


def cut_short(document: bytes = b'{"access_token": "half') -> Script:
    """A body that ends before the length it was told."""
    return raw_then_close(message(200, [JSON, ("Content-Length", "500")], document, length=False))


def cut_chunks(document: bytes = b'{"access_token": "half') -> Script:
    """Chunks without the last one."""
    chunk = f"{len(document):x}\r\n".encode() + document + b"\r\n"
    return raw_then_close(message(200, [JSON, ("Transfer-Encoding", "chunked")], chunk, length=False))


def huge_body(size_bytes: int) -> Script:
    """Valid JSON of this size."""
    return reply(200, b'{"access_token": "' + b"x" * size_bytes + b'"}', [JSON])


def twice(first: Script, unasked: bytes, after_s: float = 0.0) -> Script:
    """An answer, and at once or a moment later more bytes that nobody has asked for."""

    async def script(connection: Connection, delivery: Delivery) -> None:
        await first(connection, delivery)
        await asyncio.sleep(after_s)
        await connection.send(unasked)

    return script


def in_turn(*scripts: Script) -> Script:
    """The first delivery gets the first script, and so on; the last one stays."""
    left = list(scripts)

    async def script(connection: Connection, delivery: Delivery) -> None:
        await (left.pop(0) if len(left) > 1 else left[0])(connection, delivery)

    return script


def after(wait_s: float, then: Script) -> Script:
    """Think for a while, then go on."""

    async def script(connection: Connection, delivery: Delivery) -> None:
        await asyncio.sleep(wait_s)
        await then(connection, delivery)

    return script


def when(enough: asyncio.Event, then: Script) -> Script:
    """Think until somebody says that it is enough, then go on."""

    async def script(connection: Connection, delivery: Delivery) -> None:
        await enough.wait()
        await then(connection, delivery)

    return script


def session(email: str, **changes: Any) -> Mapping[str, Any]:
    """The document of a successful login: its tokens name the e-mail, so that a mix-up shows."""
    token = email.encode().hex()
    return {
        "access_token": f"access-{token}",
        "refresh_token": f"refresh-{token}",
        "token_type": "Bearer",
        "expires_in": 900,
        "user": {"id": f"user-{token}", "email": email, "name": "Ada Lovelace"},
        **changes,
    }
