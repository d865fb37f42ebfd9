"""Traces of a gateway as users run it, and of its routes inside a framework."""

import asyncio
import json
from typing import Final

import pytest

from netra.lab.faulty_auth_service import FaultyAuthService
from tests.integrations.support import FRAMEWORKS
from tests.observe.traces.collecting import collector
from tests.support.gateways import EMAIL, ENVIRONMENT, LOGIN, PASSWORD
from tests.support.programs import ROOT, Gateway, python

ON: Final = {"NETRA_TRACES": "otlp"}
IN_A_FRAMEWORK: Final = f"""
import asyncio, json, sys
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from tests.integrations.support import hosted, told

exported, provider = InMemorySpanExporter(), TracerProvider()
provider.add_span_processor(SimpleSpanProcessor(exported))
trace.set_tracer_provider(provider)

class Instrumented:
    def __init__(self, app):
        self.app = app

    async def __call__(self, scope, receive, send):
        with trace.get_tracer("the framework's").start_as_current_span("the request"):
            await self.app(scope, receive, send)

async def main():
    environ = told(sys.argv[2], NETRA_TRACES="otlp")
    async with hosted(sys.argv[1], environ, lambda app: app.add_middleware(Instrumented)) as host:
        exported.clear()
        answer = await host.post("/login", {{"email": {EMAIL!r}, "password": {PASSWORD!r}}})
        assert answer.status == 200, answer

asyncio.run(main())
for each in exported.get_finished_spans():
    print(json.dumps([each.name, each.kind.name, f"{{each.context.span_id:016x}}",
                      each.parent and f"{{each.parent.span_id:016x}}", dict(each.attributes)]))
"""


async def test_a_gateway_that_is_stopped_has_sent_its_spans_and_ends_well(monkeypatch: pytest.MonkeyPatch) -> None:
    async with FaultyAuthService() as service, collector(monkeypatch) as spans:
        variables = {"OTEL_EXPORTER_OTLP_ENDPOINT": spans.url, "OTEL_BSP_SCHEDULE_DELAY": "60000"}

        def served() -> int:
            with Gateway(service.url, told={**ENVIRONMENT, **ON, **variables}) as running:
                assert running.log_in(EMAIL, PASSWORD).status == 200
                return running.stop()

        assert await asyncio.to_thread(served) == 0
    assert {each.name for each in spans.spans} == {f"POST {LOGIN}", "POST"}


async def test_a_gateway_whose_collector_never_answers_ends_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    async with FaultyAuthService() as service, collector(monkeypatch) as spans:
        spans.answer = None

        def served() -> tuple[int, list[str]]:
            with Gateway(service.url, told={**ENVIRONMENT, **ON, "OTEL_EXPORTER_OTLP_ENDPOINT": spans.url}) as running:
                assert running.log_in(EMAIL, PASSWORD).status == 200
                code = running.stop()
                return code, [line["event"] for line in running.lines if "spans" in line["event"]]

        code, lines = await asyncio.to_thread(served)
    assert code == 0
    (line,) = lines
    assert line.startswith("2 spans were lost: the end came first.")


@pytest.mark.parametrize("framework", FRAMEWORKS)
async def test_routes_inside_a_framework_are_below_its_own_span(framework: str) -> None:
    async with FaultyAuthService() as service:
        program = ("-c", IN_A_FRAMEWORK, framework, service.url)
        done = await asyncio.to_thread(python, *program, told={}, folder=ROOT)
        (delivery,) = service.delivered("/auth/login")
    assert done.returncode == 0, done.stderr
    told = [json.loads(line) for line in done.stdout.splitlines()]
    (login,) = [each for each in told if each[0] == "netra login"]
    (tried,) = [each for each in told if each[:2] == ["POST", "CLIENT"]]
    assert login[3] in [each[2] for each in told], "below a span of the program's, whichever is the innermost"
    assert tried[3] == login[2]
    assert (login[1], "http.route" in login[4], login[4]["http.response.status_code"]) == ("INTERNAL", False, 200)
    assert (delivery.header("traceparent") or "")[36:52] == tried[2]
    assert not any(said in done.stdout for said in (EMAIL, PASSWORD))
