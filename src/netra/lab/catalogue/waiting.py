"""Faults of time: answers that come late, never, without end, or break off.

It must never hold a connection that its peer has left.
"""

import asyncio
from typing import Final

from netra.lab.catalogue.fault import Fault, Instead, Stage
from netra.lab.connection import Connection, Delivery, Script
from netra.lab.scripts import (
    JSON,
    after,
    cut_chunks,
    drip,
    drip_body,
    drip_head,
    message,
    raw,
    raw_then_close,
    raw_then_reset,
    silence,
)

SLOW_S: Final = 1.0
_DRIP_S: Final = 0.05
_HALF_A_HEAD: Final = b"HTTP/1.1 200 OK\r\nContent-Type: applic"


def _half(good: bytes) -> bytes:
    head, mark, body = good.partition(b"\r\n\r\n")
    return head + mark + body[: len(body) // 2]


def _byte_by_byte(good: bytes) -> Script:
    async def script(connection: Connection, delivery: Delivery) -> None:
        for position in range(len(good)):
            await connection.send(good[position : position + 1])
            await asyncio.sleep(0)

    return script


def _late(name: str, what: str, stage: Stage, script: Instead) -> Fault:
    return Fault(name, what, stage, 504, "response_timeout", script)


def _cut(name: str, what: str, stage: Stage, script: Instead) -> Fault:
    return Fault(name, what, stage, 502, "response_incomplete" if stage == "body" else "connection_terminated", script)


WAITING: Final = (
    _late("response-timeout", "It reads the request and never answers.", "head", lambda _: silence()),
    _late("drip-head", "Headers come drop by drop, for ever.", "head", lambda _: drip_head(_DRIP_S)),
    _late("drip-body", "The body comes drop by drop, for ever.", "body", lambda _: drip_body(_DRIP_S)),
    _late(
        "drip-chunks", "The body comes in chunks of one byte, drop by drop, for ever.", "body",
        lambda _: drip(message(200, [JSON, ("Transfer-Encoding", "chunked")], length=False), b"1\r\n \r\n", _DRIP_S),
    ),
    Fault("slow", "Every answer takes a second longer.", "head", 200, "", lambda good: after(SLOW_S, raw(good))),
    Fault("byte-by-byte", "The answer comes in pieces of one byte, and ends.", "body", 200, "", _byte_by_byte),
    _cut("close-without-a-byte", "It reads the request and closes.", "head", lambda _: raw_then_close()),
    _cut("reset-after-reading", "It reads the request and resets (RST).", "head", lambda _: raw_then_reset()),
    _cut("close-inside-head", "It closes inside the headers.", "head", lambda _: raw_then_close(_HALF_A_HEAD)),
    _cut("reset-inside-head", "It resets (RST) inside the headers.", "head", lambda _: raw_then_reset(_HALF_A_HEAD)),
    _cut("close-inside-body", "It closes in the middle of the body.", "body", lambda good: raw_then_close(_half(good))),
    _cut("reset-inside-body", "It resets (RST) inside the body.", "body", lambda good: raw_then_reset(_half(good))),
    _cut("cut-chunks", "It closes between two chunks of the body.", "body", lambda _: cut_chunks()),
)  # fmt: skip
