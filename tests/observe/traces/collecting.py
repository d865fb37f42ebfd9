"""A collector of spans over real sockets: it takes what OTLP brings, or misbehaves as it is told.

It must never be anything but a listener on the loopback, ended with its test.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, Final, NamedTuple

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

SERVER: Final = 2
CLIENT: Final = 3
FAILED: Final = 2
"""Kinds and a status, by their numbers in OTLP."""
PATIENCE_S: Final = 20.0


class Told(NamedTuple):
    """One span as it arrived."""

    name: str
    kind: int
    trace_id: str
    span_id: str
    parent_id: str
    tracestate: str
    failed: bool
    began_ns: int
    ended_ns: int
    said: dict[str, Any]
    """Its attributes."""

    @property
    def flat(self) -> str:
        """All of it as one text, to be searched for what must not be there."""
        return repr(tuple(self))


class Collector:
    """Takes spans, and keeps them; `answer` is what it says, None for nothing at all."""

    def __init__(self) -> None:
        self.spans: list[Told] = []
        self.resources: list[dict[str, Any]] = []
        self.scopes: list[str] = []
        self.answer: bytes | None = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
        self.url = ""
        self.asked_count = 0
        self._come = asyncio.Event()
        self._connections: set[asyncio.Task[Any] | None] = set()

    def named(self, name: str) -> list[Told]:
        """The spans of one name, the earliest first."""
        return sorted((each for each in self.spans if each.name == name), key=lambda each: each.began_ns)

    async def until(self, is_there: Callable[["Collector"], object]) -> None:
        """Wait until something has come."""
        async with asyncio.timeout(PATIENCE_S):
            while not is_there(self):
                self._come.clear()
                await self._come.wait()

    async def spans_of(self, count: int) -> list[Told]:
        """So many spans, the earliest first."""
        await self.until(lambda one: len(one.spans) >= count)
        assert len(self.spans) == count, [each.name for each in self.spans]
        return sorted(self.spans, key=lambda each: each.began_ns)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection of an exporter."""
        self._connections.add(asyncio.current_task())
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
                lengths = [
                    line.partition(":")[2] for line in head.split("\r\n") if line.lower().startswith("content-l")
                ]
                body = await reader.readexactly(int(lengths[0]))
                self.asked_count += 1
                if self.answer is not None:
                    if b" 200 " in self.answer:
                        self._take(body)
                    writer.write(self.answer)
                self._come.set()
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            writer.transport.abort()
        finally:
            self._connections.discard(asyncio.current_task())

    async def end(self) -> None:
        """Let go of all who are connected."""
        under_way = [each for each in self._connections if each is not None]
        for each in under_way:
            each.cancel()
        await asyncio.gather(*under_way, return_exceptions=True)

    def _take(self, body: bytes) -> None:
        asked = ExportTraceServiceRequest.FromString(body)
        for resource in asked.resource_spans:
            self.resources.append(_said(resource.resource.attributes))
            for scope in resource.scope_spans:
                self.scopes.append(scope.scope.name)
                self.spans.extend(map(_told, scope.spans))


@asynccontextmanager
async def collector(monkeypatch: pytest.MonkeyPatch, **variables: str) -> AsyncIterator[Collector]:
    """A collector, with OpenTelemetry's variables set to it; they end with the test."""
    one = Collector()
    server = await asyncio.start_server(one.serve, "127.0.0.1", 0)
    one.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    told = {"OTEL_EXPORTER_OTLP_ENDPOINT": one.url, "OTEL_BSP_SCHEDULE_DELAY": "20", **variables}
    for name, value in told.items():
        monkeypatch.setenv(name, value)
    try:
        yield one
    finally:
        server.close()
        await one.end()


def _told(span: Any) -> Told:
    return Told(
        span.name,
        span.kind,
        span.trace_id.hex(),
        span.span_id.hex(),
        span.parent_span_id.hex(),
        span.trace_state,
        span.status.code == FAILED,
        span.start_time_unix_nano,
        span.end_time_unix_nano,
        _said(span.attributes),
    )


def _said(attributes: Any) -> dict[str, Any]:
    return {each.key: getattr(each.value, each.value.WhichOneof("value")) for each in attributes}
