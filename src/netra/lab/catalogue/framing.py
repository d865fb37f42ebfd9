"""Faults of HTTP itself: lengths that lie, too much of everything, and what is no HTTP at all.

It must never keep a large answer in memory before somebody asks for it.
"""

import gzip
from typing import Final

from netra.lab.catalogue.fault import Fault, Instead
from netra.lab.connection import Connection, Delivery, Script
from netra.lab.scripts import JSON, Headers, huge_body, message, raw, raw_then_close, twice

_PROTOCOL: Final = "http_protocol_error"
_TOO_LARGE: Final = "response_too_large"
_CHUNKED: Final = ("Transfer-Encoding", "chunked")
_MIB: Final = 1024 * 1024
_STRAY: Final = message(200, [JSON], b'{"access_token": "of-somebody-else", "user": {"id": "mallory"}}')


def body_of(good: bytes) -> bytes:
    """The body of an answer."""
    return good.partition(b"\r\n\r\n")[2]


def _framed(*headers: tuple[str, str], length: bool = False) -> Instead:
    """The right body under headers that are wrong; the stream ends after it."""
    return lambda good: raw_then_close(message(200, [JSON, *headers], body_of(good), length=length))


def _length(*said: str) -> Instead:
    return _framed(*(("Content-Length", each) for each in said))


def _too_long(good: bytes) -> bytes:
    body = body_of(good)
    return message(200, [JSON, ("Content-Length", str(len(body) + 500))], body, length=False)


def _in_chunks(good: bytes) -> Script:
    body = body_of(good)
    chunks = b"".join(b"1\r\n" + body[at : at + 1] + b"\r\n" for at in range(len(body)))
    return raw(message(200, [JSON, _CHUNKED], chunks + b"0\r\n\r\n", length=False))


def _endless(good: bytes) -> Script:
    """Chunks until the peer has had enough."""

    async def script(connection: Connection, delivery: Delivery) -> None:
        await connection.send(message(200, [JSON, _CHUNKED], length=False))
        chunk = b"2000\r\n" + b" " * 0x2000 + b"\r\n"
        while not connection.closing:
            await connection.send(chunk)

    return script


def _bomb(good: bytes) -> Script:
    # Members follow one another in a file of gzip: one is packed, and said 64 times. Source: RFC 1952, section 2.2.
    packed = gzip.compress(b" " * _MIB, compresslevel=9) * 64
    return raw(message(200, [JSON, ("Content-Encoding", "gzip")], packed))


def _continued(status: int, times: int, headers: Headers = ()) -> Instead:
    return lambda good: raw(message(status, headers, length=False) * times + good)


def _no_http(name: str, what: str, content: bytes) -> Fault:
    return Fault(name, what, "framing", 502, _PROTOCOL, lambda _: raw_then_close(content))


def _row(name: str, what: str, script: Instead, code: str = _PROTOCOL) -> Fault:
    return Fault(name, what, "framing", 502 if code else 200, code, script)


FRAMING: Final = (
    _row(
        "length-too-long", "The body ends before its length is reached.",
        lambda good: raw_then_close(_too_long(good)), "response_incomplete",
    ),
    Fault(
        "length-never-reached", "The body stops before its length is reached; the connection stays open.",
        "framing", 504, "response_timeout", lambda good: raw(_too_long(good)),
    ),
    _row("length-too-short", "There is more body than its length says.", _length("10"), "invalid_response"),
    _row("length-twice", "Two lengths that differ.", _length("900", "5")),
    _row("length-negative", "A length below zero.", _length("-5")),
    _row("length-no-number", "A length that is no number.", _length("five")),
    _row("length-enormous", "A length of thirty digits.", _length("9" * 30)),
    _row("length-and-chunks", "A length and chunks at once.", _framed(_CHUNKED, length=True)),
    _row(
        "chunk-no-number", "A chunk's size is no number.",
        lambda _: raw_then_close(message(200, [JSON, _CHUNKED], b"zz\r\n{}\r\n0\r\n\r\n", length=False)),
    ),
    _row(
        "chunk-enormous", "A chunk's size has thirty digits.",
        lambda _: raw_then_close(message(200, [JSON, _CHUNKED], b"f" * 30 + b"\r\n{}\r\n0\r\n\r\n", length=False)),
    ),
    _row("chunks-of-one-byte", "The body comes in chunks of one byte, all at once.", _in_chunks, ""),
    _row(
        "unasked-response", "A second answer follows that nobody has asked for.",
        lambda good: twice(raw(good), _STRAY), "",
    ),
    _row(
        "unasked-response-later", "A second answer follows a moment later, while nobody waits.",
        lambda good: twice(raw(good), _STRAY, 0.02), "",
    ),
    _row("huge-body", "A body of two million bytes.", lambda _: huge_body(2_000_000), _TOO_LARGE),
    _row("endless-body", "A body without end, as fast as it is read.", _endless, _TOO_LARGE),
    _row("huge-header", "A header of 20,000 bytes.", _framed(("X-Padding", "x" * 20_000), length=True), _TOO_LARGE),
    _row(
        "too-many-headers", "Five hundred headers.",
        _framed(*((f"X-Header-{number}", "x") for number in range(500)), length=True),
    ),
    _row("nul-in-header", "A header with a NUL byte in its name.", _framed(("X-Bad\x00Name", "x"), length=True)),
    _row("gzip-bomb", "64 MiB packed into 64 KiB, though no packing was asked for.", _bomb),
    _row(
        "unknown-encoding", "A body in an encoding that nobody knows.",
        _framed(("Content-Encoding", "exotic"), length=True),
    ),
    _row("continue-forever", "100 Continue, five thousand times.", _continued(100, 5_000)),
    _row("early-hints", "103 Early Hints, then the right answer.", _continued(103, 1, [("Link", "</a.css>")]), ""),
    _no_http("http-0-9", "A body without status or headers, as in HTTP/0.9.", b'{"access_token": "x"}'),
    _no_http("tls-bytes", "Bytes of TLS where HTTP is expected.", b"\x16\x03\x03\x00\x7a\x02\x00\x00\x76\x03\x03"),
    _no_http("http2-preface", "The beginning of HTTP/2.", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
    _no_http("ssh-banner", "Another protocol answers.", b"SSH-2.0-OpenSSH_9.9\r\n"),
    _no_http("status-no-number", "A status that is no number.", message("abc OK", [JSON], b"{}")),
    _no_http("status-four-digits", "A status of four digits.", message("2000 OK", [JSON], b"{}")),
)  # fmt: skip
