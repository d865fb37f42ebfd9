"""A recorded route answers as the same route without a record, whatever becomes of its requests."""

import asyncio
from typing import Any

import pytest

from netra.asgi.words import Answer, Request
from netra.core.trace import Beginning, Span, TrySpan
from netra.web.labels import label_of
from netra.web.traced import traced

TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = f"00-{TRACE}-b7ad6b7169203331-01"


class Recording:
    """Records one attempt, or none."""

    def __init__(self, *, records: bool = True) -> None:
        self.records = records
        self.begun: list[Beginning] = []
        self.ends: list[Any] = []
        self.traceparent = f"00-{TRACE}-00f067aa0ba902b7-01"
        self.tracestate = "a=b"

    def attempt(self, beginning: Beginning) -> Span | None:
        self.begun.append(beginning)
        return self if self.records else None

    def a_try(self, method: str, path: str, before_count: int) -> TrySpan | None:
        return None

    def told(self, journey: str, verdict: str, code: str) -> None:
        self.ends.append((journey, verdict, code))

    def ended(self, status: int | None, crashed: str | None = None) -> None:
        self.ends.append((status, crashed))

    def dropped_count(self) -> int:
        return 0

    def failures_count(self) -> int:
        return 0


def asked(method: str = "GET", **headers: str) -> Request:
    found = [(name.encode(), value.encode()) for name, value in headers.items()]
    return Request(
        method=method, path="/verify/a", headers=found, request_id="r-1", received_at_s=0.0, client_address="192.0.2.1"
    )


async def answered(request: Request, recording: Recording, outcome: Answer | BaseException) -> Answer:
    async def handler(request: Request) -> Answer:
        if isinstance(outcome, BaseException):
            raise outcome
        return outcome

    answer = await traced(handler, "verify", "/verify/**", recording)(request)
    assert isinstance(answer, Answer)
    return answer


async def test_an_attempt_begins_with_its_route_and_its_callers_trace_and_ends_with_the_status() -> None:
    recording, request = Recording(), asked(traceparent=PARENT, tracestate="a=b")
    answer = Answer(503)
    assert await answered(request, recording, answer) is answer
    (begun,) = recording.begun
    assert begun == Beginning("verify", "r-1", PARENT, "a=b", True, "GET", "/verify/**", "192.0.2.1")
    assert recording.ends == [(503, None)]
    label = label_of(request)
    assert (label.traceparent, label.tracestate, label.span) == (recording.traceparent, "a=b", recording)


async def test_a_trace_begins_here_when_the_caller_has_none() -> None:
    recording = Recording()
    await answered(asked(), recording, Answer(200))
    (begun,) = recording.begun
    assert (begun.continues, begun.traceparent[-3:], begun.tracestate) == (False, "-00", None)


@pytest.mark.parametrize(("method", "told"), [("HEAD", "HEAD"), ("get", "_OTHER"), ("PROPFIND", "_OTHER")])
async def test_methods_are_a_closed_set(method: str, told: str) -> None:
    recording = Recording()
    await answered(asked(method), recording, Answer(200))
    assert recording.begun[0].method == told


async def test_a_bug_is_an_error_of_ours_and_goes_on_as_it_came() -> None:
    recording = Recording()
    with pytest.raises(RuntimeError, match="planted"):
        await answered(asked(), recording, RuntimeError("planted"))
    assert recording.ends == [(500, "internal_error")]


async def test_who_is_cancelled_ends_without_a_status() -> None:
    recording = Recording()
    with pytest.raises(asyncio.CancelledError):
        await answered(asked(), recording, asyncio.CancelledError())
    assert recording.ends == [(None, None)]


async def test_what_is_not_recorded_goes_its_way_as_if_nobody_recorded() -> None:
    recording, request = Recording(records=False), asked(traceparent=PARENT)
    answer = Answer(200)
    assert await answered(request, recording, answer) is answer
    assert (recording.ends, label_of(request).traceparent, label_of(request).span) == ([], PARENT, None)
