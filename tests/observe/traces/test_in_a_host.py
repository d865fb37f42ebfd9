"""A gateway inside a program that has its own tracing: its attempts belong to the program's spans, or nobody's."""

import asyncio
import json
from typing import Any, Final

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace import Span as SdkSpan
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF
from opentelemetry.trace import SpanKind, StatusCode

from netra.core.trace import Beginning
from netra.core.verdict.outcomes import Accepted
from netra.embed import open_gate
from netra.lab.faulty_auth_service import FaultyAuthService
from netra.observe.traces.attributes import Destination
from netra.observe.traces.host import HostTracing
from tests.embed.support import told
from tests.support.gateways import EMAIL, PASSWORD, SECRET
from tests.support.programs import python

TRACE: Final = "0af7651916cd43dd8448eb211c80319c"
TRACEPARENT: Final = f"00-{TRACE}-b7ad6b7169203331-01"
ON: Final = {"NETRA_TRACES": "otlp"}


class Host:
    """A program's tracing."""

    def __init__(self, provider: TracerProvider) -> None:
        self.exported = InMemorySpanExporter()
        provider.add_span_processor(SimpleSpanProcessor(self.exported))
        self.provider = provider
        self.tracer = provider.get_tracer("the program")

    def named(self, name: str) -> list[ReadableSpan]:
        return [each for each in self.exported.get_finished_spans() if each.name == name]

    def tracing(self, url: str) -> HostTracing:
        """The gateway's part of it."""
        tracing = HostTracing(Destination(url), "1")
        tracing.tracer = self.provider.get_tracer("netra")
        return tracing


# Of one process there is one tracer provider, set once: programs of their own show what a set one does.
WITH_A_PROVIDER: Final = f"""
import asyncio, json, os
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from netra.embed import open_gate

exported, provider = InMemorySpanExporter(), TracerProvider()
provider.add_span_processor(SimpleSpanProcessor(exported))

async def main():
    async with open_gate() as gate:
        trace.set_tracer_provider(provider)  # also one that is set after the gate was opened
        with trace.get_tracer("the program").start_as_current_span("its own") as own:
            await gate.log_in({EMAIL!r}, {PASSWORD!r})
        await gate.log_in({EMAIL!r}, {PASSWORD!r}, traceparent={TRACEPARENT!r})

asyncio.run(main())
for each in exported.get_finished_spans():
    print(json.dumps([each.name, each.kind.name, f"{{each.context.trace_id:032x}}", f"{{each.context.span_id:016x}}",
                      each.parent and f"{{each.parent.span_id:016x}}", dict(each.attributes)]))
"""


async def test_attempts_are_children_of_the_current_span_by_the_programs_own_tracer() -> None:
    async with FaultyAuthService() as service:
        done = await asyncio.to_thread(python, "-c", WITH_A_PROVIDER, told=told(service.url, **ON))
        deliveries = service.delivered("/auth/login")
    assert done.stderr == ""
    first_try, first, own, second_try, second = map(json.loads, done.stdout.splitlines())
    assert [each[:2] for each in (first_try, first, own, second_try, second)] == [
        ["POST", "CLIENT"], ["netra login", "INTERNAL"], ["its own", "INTERNAL"], ["POST", "CLIENT"],
        ["netra login", "INTERNAL"],
    ]  # fmt: skip
    assert first[4] == own[3], "below the current span"
    assert (second[2], second[4]) == (TRACE, TRACEPARENT[36:52]), "else below the one that the caller names"
    assert (first_try[4], second_try[4]) == (first[3], second[3])
    told_on = [delivery.header("traceparent") for delivery in deliveries]
    # The SDK says of its own random ids that they are random.
    assert [each[:52] for each in told_on if each] == [f"00-{each[2]}-{each[3]}" for each in (first_try, second_try)]
    assert {each[-1] for each in told_on if each} <= {"1", "3"}
    assert first[5] | {"netra.request_id": ""} == {
        "netra.request_id": "", "netra.journey": "login", "netra.verdict": "accepted", "netra.code": "ok",
    }  # fmt: skip
    assert not any(secret in done.stdout for secret in (EMAIL, PASSWORD, SECRET))


async def test_without_a_tracer_of_the_program_everything_is_as_if_traces_were_off() -> None:
    async with FaultyAuthService() as service, open_gate(told(service.url, **ON)) as gate:
        assert isinstance(await gate.log_in(EMAIL, PASSWORD, traceparent=TRACEPARENT), Accepted)
        assert isinstance(await gate.log_in(EMAIL, PASSWORD, request_id=TRACE), Accepted)
        first, second = service.delivered("/auth/login")
    assert first.header("traceparent") == TRACEPARENT
    assert second.header("traceparent") == f"00-{TRACE}-{TRACE[:16]}-00"


@pytest.fixture
def host() -> Host:
    return Host(TracerProvider(shutdown_on_exit=False))


async def test_tries_that_failed_are_errors_of_the_program_and_refusals_are_not(host: Host) -> None:
    async with FaultyAuthService() as service:
        tracing = host.tracing(service.url)
        for code, answered, failed in (("connection_refused", False, True), ("invalid_credentials", True, False)):
            attempt = tracing.attempt(Beginning("login", "r-1", TRACEPARENT))
            assert attempt is not None
            tried = attempt.a_try("POST", "/auth/login?q=planted", 1)
            assert tried is not None
            tried.ended(code, answered=answered, status=None, spent_s=(None, 0.001, None, None, None))
            attempt.told("login", "rejected" if answered else "unknown", code)
            attempt.ended(None)
            (call,), (login,) = host.named("POST"), host.named("netra login")
            for each in (call, login):
                assert (each.status.status_code is StatusCode.ERROR) is failed
                assert each.attributes is not None
                assert each.attributes.get("error.type") == (code if failed else None)
            assert call.attributes is not None
            assert (call.attributes["http.request.resend_count"], call.attributes["netra.connect_ms"]) == (1, 1.0)
            assert call.attributes["url.full"] == f"{service.url}/auth/login"
            assert call.kind is SpanKind.CLIENT
            host.exported.clear()


async def test_what_the_program_does_not_sample_is_passed_on_as_not_sampled() -> None:
    unsampled = Host(TracerProvider(sampler=ALWAYS_OFF, shutdown_on_exit=False))
    attempt = unsampled.tracing("http://127.0.0.1").attempt(Beginning("login", "r-1", TRACEPARENT, continues=True))
    assert attempt is not None
    assert attempt.traceparent.startswith(f"00-{TRACE}-")
    assert attempt.traceparent[-2:] in {"00", "02"}
    tried = attempt.a_try("POST", "/auth/login", 0)
    assert tried is not None
    assert tried.traceparent[-2:] in {"00", "02"}


class Broken:
    """A processor that fails at whatever it is told."""

    def __init__(self, at: str) -> None:
        self.at = at

    def on_start(self, span: SdkSpan, parent_context: Any = None) -> None:
        if self.at == "start" or (self.at == "try" and span.kind is SpanKind.CLIENT):
            raise RuntimeError("planted")

    def _on_ending(self, span: SdkSpan) -> None:
        pass

    def on_end(self, span: ReadableSpan) -> None:
        if self.at == "end":
            raise RuntimeError("planted")

    def shutdown(self) -> None:
        pass

    def force_flush(self, timeout_millis: int = 0) -> bool:
        return True


@pytest.mark.parametrize(("at", "failures_count"), [("start", 1), ("try", 1), ("end", 2)])
async def test_tracing_of_a_program_that_fails_is_counted_and_harms_no_login(at: str, failures_count: int) -> None:
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(Broken(at))  # type: ignore[arg-type]  # the SDK asks for its own class
    tracing = Host(provider).tracing("http://127.0.0.1")
    attempt = tracing.attempt(Beginning("login", "r-1", TRACEPARENT))
    if attempt is not None:
        tried = attempt.a_try("POST", "/auth/login", 0)
        if tried is not None:
            tried.ended("ok", answered=True, status=200, spent_s=(None,) * 5)
        attempt.ended(200)
    assert (tracing.failures_count(), tracing.dropped_count()) == (failures_count, 0)
    assert trace.get_current_span().get_span_context().is_valid is False
