"""A collector that is down, slow, full or talks nonsense: logins go on, spans are counted, the log stays calm."""

import asyncio
import logging
import threading
import time
from collections.abc import Sequence
from typing import Final

import pytest

from netra.lab.faulty_auth_service import FaultyAuthService
from netra.observe.traces.outlet import FAREWELL_S, Pace, SpanOutlet
from tests.observe.traces.collecting import PATIENCE_S, collector
from tests.support.gateways import LOGIN, Running, gateway
from tests.support.places import free_port
from tests.web.support import asked

ON: Final = {"NETRA_TRACES": "otlp"}
LINE: Final = "spans were lost"
REFUSES: Final = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 6\r\n\r\nsecret"
FULL: Final = b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 60\r\nContent-Length: 0\r\n\r\n"
ELSEWHERE: Final = b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:9/\r\nContent-Length: 0\r\n\r\n"
ENDLESS: Final = b"HTTP/1.1 200 OK\r\nX-Not-Taken: 1\r\n\r\n" + b"secret" * 100_000
NONSENSE: Final = b"\x00\xff\x16\x03\x01 this is no HTTP \r\n\r\n"


async def dropped(running: Running) -> int:
    """What the metric says."""
    answer = await asked(running.assembled.admin, "GET", "/metrics", None, {"Host": "localhost"})
    (line,) = [line for line in answer.body.decode().splitlines() if line.startswith("netra_spans_dropped_total ")]
    return int(float(line.rpartition(" ")[2]))


async def until_dropped(running: Running, count: int) -> None:
    """Wait until so many spans are counted as lost."""
    async with asyncio.timeout(PATIENCE_S):
        while await dropped(running) < count:
            await asyncio.sleep(0.05)


def lines_in(records: Sequence[logging.LogRecord]) -> list[str]:
    """What was logged of traces, by us and by the library."""
    return [record.getMessage() for record in records if record.name.startswith(("opentelemetry", "netra.observe"))]


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (REFUSES, "the collector answered 400"),
        (FULL, "no collector took them"),
        (NONSENSE, "no collector took them"),
        (ELSEWHERE, "no collector took them (Redirected)"),
        (ENDLESS, "no collector took them (EndlessAnswer)"),
    ],
    ids=["refuses", "full", "nonsense", "elsewhere", "endless"],
)
async def test_spans_that_nobody_takes_are_counted_and_told_in_one_line(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, answer: bytes, why: str
) -> None:
    async with FaultyAuthService() as service, collector(monkeypatch, OTEL_EXPORTER_OTLP_TIMEOUT="1") as spans:
        spans.answer = answer
        async with gateway(service.url, **ON) as running:
            for _ in range(3):
                assert (await running.log_in()).status == 200
                await spans.until(lambda one: one.asked_count)
            await until_dropped(running, 6)
            assert await dropped(running) == 6
    (line,) = lines_in(caplog.records)
    assert LINE in line
    assert why in line
    assert "OTEL_EXPORTER_OTLP_ENDPOINT" in line
    assert "secret" not in line


async def test_nobody_there_at_all_costs_no_login(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{free_port()}")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "api-key=planted-key")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "1")
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "20")
    async with FaultyAuthService() as service, gateway(service.url, **ON) as running:
        for _ in range(5):
            assert (await running.log_in()).status == 200
        await until_dropped(running, 10)
    (line,) = lines_in(caplog.records)
    assert LINE in line
    assert "no collector took them" in line
    assert "planted" not in caplog.text


async def test_logins_go_on_while_a_collector_takes_and_never_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    variables = {"OTEL_BSP_MAX_QUEUE_SIZE": "8", "OTEL_BSP_MAX_EXPORT_BATCH_SIZE": "4"}
    async with FaultyAuthService() as service, collector(monkeypatch, **variables) as spans:
        spans.answer = None
        async with gateway(service.url, **ON) as running:
            assert (await running.log_in()).status == 200
            await spans.until(lambda one: one.asked_count)
            # From here on the exporter hangs: what is more than the queue takes is lost.
            for _ in range(20):
                assert (await running.log_in()).status == 200
            assert await dropped(running) == 40 - 8
            assert spans.asked_count == 1, "the exporter waits still"
            running.stop.set()
            began_s = time.monotonic()
        assert time.monotonic() - began_s < FAREWELL_S + 4, (
            "the end does not wait for the exporter's own patience, 10 s"
        )


async def test_a_collector_that_comes_back_gets_what_comes_then(monkeypatch: pytest.MonkeyPatch) -> None:
    async with FaultyAuthService() as service, collector(monkeypatch) as spans:
        good, spans.answer = spans.answer, REFUSES
        async with gateway(service.url, **ON) as running:
            await running.log_in()
            await until_dropped(running, 2)
            spans.answer = good
            await running.log_in()
            await spans.spans_of(2)
            assert await dropped(running) == 2


async def test_the_end_hands_on_what_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    async with FaultyAuthService() as service, collector(monkeypatch, OTEL_BSP_SCHEDULE_DELAY="60000") as spans:
        async with gateway(service.url, **ON) as running:
            await running.log_in()
            assert spans.asked_count == 0
        assert {each.name for each in spans.spans} == {f"POST {LOGIN}", "POST"}
    assert "netra-traces" not in {thread.name for thread in threading.enumerate()}


class Hand:
    """Takes batches as told."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.goes_on = threading.Event()
        self.waits = threading.Event()
        self.why: str | None = None

    def __call__(self, batch: Sequence[int]) -> str | None:
        self.batches.append(list(batch))
        self.waits.set()
        self.goes_on.wait(PATIENCE_S)
        return self.why


def test_what_there_is_no_room_for_is_dropped_and_the_rest_comes_in_its_order() -> None:
    hand = Hand()
    outlet = SpanOutlet(hand, Pace(kept_count=5, batch_count=2, pause_s=0.01))
    outlet.take(0)
    assert hand.waits.wait(PATIENCE_S)
    for number in range(1, 9):
        outlet.take(number)
    assert outlet.dropped_count == 3
    hand.goes_on.set()
    outlet.close()
    assert hand.batches == [[0], [1, 2], [3, 4], [5]]
    outlet.take(9)
    assert outlet.dropped_count == 4


def test_what_hands_on_may_break_and_the_next_batch_goes_on(caplog: pytest.LogCaptureFixture) -> None:
    taken: list[int] = []

    def hand(batch: Sequence[int]) -> str | None:
        if batch[0] < 2:
            raise RuntimeError("planted")
        taken.extend(batch)
        return None

    outlet = SpanOutlet(hand, Pace(kept_count=10, batch_count=1, pause_s=0.01))
    for number in range(4):
        outlet.take(number)
    outlet.close()
    assert (taken, outlet.dropped_count) == ([2, 3], 2)
    (line,) = lines_in(caplog.records)
    assert "1 spans were lost: RuntimeError." in line
    assert "planted" not in caplog.text


def test_the_end_gives_up_on_whoever_does_not_answer_and_says_what_was_lost(caplog: pytest.LogCaptureFixture) -> None:
    hand = Hand()
    outlet = SpanOutlet(hand, Pace(kept_count=10, batch_count=2, pause_s=0.01))
    for number in range(3):
        outlet.take(number)
    assert hand.waits.wait(PATIENCE_S)
    outlet.close()
    assert outlet.dropped_count == 3
    hand.goes_on.set()
    (line,) = lines_in(caplog.records)
    assert line.startswith("3 spans were lost: the end came first.")


def test_an_outlet_that_nobody_uses_starts_no_thread() -> None:
    before_count = threading.active_count()
    SpanOutlet(Hand(), Pace()).close()
    assert threading.active_count() == before_count
