"""Traces are wanted or not: off costs nothing and loads nothing, on without the extra is a problem with its cure."""

from typing import Final

import pytest
from opentelemetry.util.re import parse_env_headers

from netra.doctor.configuration import configuration
from netra.lab.faulty_auth_service import FaultyAuthService
from netra.observe.traces.opening import TracesUnusable, own_tracing, trace_findings
from tests.observe.traces.collecting import collector
from tests.support.gateways import ENVIRONMENT, gateway
from tests.support.places import free_port
from tests.support.programs import attempt, python

TRACEPARENT: Final = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
WITHOUT_THE_EXTRA: Final = """
import sys
sys.modules["opentelemetry"] = None  # Python takes it for one that is not installed
from netra.cli.main import run
sys.argv = ["netra", *sys.argv[1:]]
run()
"""
LOGS_IN: Final = """
import asyncio, sys
from netra.embed import open_gate

async def main():
    async with open_gate() as gate:
        print(type(await gate.log_in("a@example.com", "b")).__name__)

asyncio.run(main())
loaded = {name.partition(".")[0] for name, module in sys.modules.items() if module}
print(sorted(loaded & {"opentelemetry", "requests", "google"}))
"""
COLLECTING: Final = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9"}


def told(**more: str) -> dict[str, str]:
    """A gateway's variables, without an auth service that answers."""
    return {**ENVIRONMENT, "AUTH_SERVICE_URL": f"http://127.0.0.1:{free_port()}", "NETRA_PORT": "0", **more}


async def test_off_is_the_default_and_passes_the_callers_trace_on_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    async with FaultyAuthService() as service, collector(monkeypatch) as spans:
        async with gateway(service.url) as running:
            assert running.assembled.view.tracing is None
            await running.log_in(headers=[("traceparent", TRACEPARENT), ("tracestate", "a=b")])
            (line,) = [line for line in running.lines if line["event"] == "Login succeeded"]
        (delivery,) = service.delivered("/auth/login")
    assert (delivery.header("traceparent"), delivery.header("tracestate")) == (TRACEPARENT, "a=b")
    assert (spans.asked_count, "span_id" in line) == (0, False)


def test_off_loads_nothing_of_opentelemetry() -> None:
    done = python("-X", "importtime", "-c", LOGS_IN, told=told(**COLLECTING))
    assert done.stdout.splitlines() == ["Unknown", "[]"]
    assert "netra.observe.traces.opening" in done.stderr, "the import times are there"
    assert "opentelemetry" not in done.stderr


def test_without_the_extra_a_gateway_with_traces_does_not_start_and_says_the_cure() -> None:
    done = python("-c", WITHOUT_THE_EXTRA, "serve", told=told(NETRA_TRACES="otlp"))
    assert (done.returncode, done.stdout) == (78, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith("error: NETRA_TRACES: is otlp, and OpenTelemetry is not installed.")
    assert 'pip install "netra-gateway[traces]"' in line


def test_without_the_extra_an_embedded_gateway_says_the_same() -> None:
    program = "import sys\nsys.modules['opentelemetry'] = None\n" + LOGS_IN
    done = python("-c", program, told=told(NETRA_TRACES="otlp"))
    assert "SettingsProblem: error: NETRA_TRACES: is otlp, and OpenTelemetry is not installed." in done.stderr


def test_without_the_extra_a_gateway_without_traces_starts() -> None:
    done = python("-c", "import sys\nsys.modules['opentelemetry'] = None\n" + LOGS_IN, told=told())
    assert done.stdout.splitlines() == ["Unknown", "[]"]


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, "OTEL_EXPORTER_OTLP_PROTOCOL: asks for another protocol"),
        ({"OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": "http/json"}, "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: asks for another"),
        (
            {"OTEL_PYTHON_EXPORTER_OTLP_HTTP_TRACES_CREDENTIAL_PROVIDER": "planted"},
            "OTEL_*: one of them cannot be used (RuntimeError)",
        ),
        ({"OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT": "planted"}, "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT: cannot be used"),
        ({"OTEL_EXPORTER_OTLP_HEADERS": "api-key:planted"}, "OTEL_EXPORTER_OTLP_HEADERS: is no list of headers"),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "planted:4318"}, "OTEL_EXPORTER_OTLP_ENDPOINT: is no address"),
    ],
)
def test_variables_that_cannot_be_used_stop_the_start_with_the_cure(variables: dict[str, str], words: str) -> None:
    done = attempt("serve", told=told(NETRA_TRACES="otlp", NETRA_ADMIN_PORT="0", **variables))
    assert done.returncode == 78
    (line,) = done.stderr.splitlines()
    assert words in line
    assert "planted" not in done.stderr
    assert "Traceback" not in done.stdout + done.stderr


def test_a_check_before_the_deploy_says_it_too() -> None:
    environ = told(NETRA_TRACES="otlp", OTEL_EXPORTER_OTLP_PROTOCOL="grpc")
    assert [each.code for each in configuration(environ).findings if each.severity == "error"] == [
        "protocol_not_spoken"
    ]
    assert configuration(environ, serves=False).settings is not None, "a program's own exporter may speak it"
    assert configuration(told(OTEL_EXPORTER_OTLP_PROTOCOL="grpc")).settings is not None
    assert configuration({**environ, "OTEL_SDK_DISABLED": "true"}).settings is not None, "as if traces were off"


def test_whoever_opens_a_gateway_past_the_checks_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")
    with pytest.raises(TracesUnusable, match="another protocol"):
        own_tracing("otlp", "http://127.0.0.1", version="1", environment="test")
    assert own_tracing("off", "http://127.0.0.1", version="1", environment="test") is None


@pytest.mark.parametrize(
    ("variable", "value", "is_good"),
    [
        ("ENDPOINT", "https://user:pw@collector:4318/prefix", True),
        ("ENDPOINT", "http://[::1]:4318", True),
        ("ENDPOINT", "collector:4318", False),
        ("ENDPOINT", "ftp://collector", False),
        ("ENDPOINT", "http://collector:99999", False),
        ("ENDPOINT", "http://[::1", False),
        ("TRACES_ENDPOINT", "http://", False),
        ("HEADERS", "api-key=a%2Cb,, x=Bearer token= ", True),
        ("HEADERS", "", True),
        ("HEADERS", "api-key=a\r\nb", False),
        ("HEADERS", "api-key=\u00fc", False),
        ("TRACES_HEADERS", "=a", False),
        ("TIMEOUT", "2.5", True),
        ("TIMEOUT", "0", False),
        ("TIMEOUT", "nan", False),
        ("TIMEOUT", "1e99", False),
        ("TIMEOUT", "10s", False),
        ("CERTIFICATE", __file__, True),
        ("CLIENT_KEY", "/nowhere/key.pem", False),
    ],
)
def test_what_the_exporter_could_not_use_is_found_before_it_is_loaded(
    variable: str, value: str, *, is_good: bool
) -> None:
    name = f"OTEL_EXPORTER_OTLP_{variable}"
    found = [each.subject for each in trace_findings("otlp", {name: value})]
    assert found == ([] if is_good else [name])
    assert not list(trace_findings("off", {name: value}))


@pytest.mark.parametrize(
    "value", ["a=b", "a=b,c", "=b", "a=%zz", "a=b;c", "a b=c", 'a="b"', "a=b/c", "a=\u00fc", "a\t=\tb"]
)
def test_headers_are_found_wrong_where_the_exporter_would_log_them(
    value: str, caplog: pytest.LogCaptureFixture
) -> None:
    parse_env_headers(value, liberal=True)
    found = list(trace_findings("otlp", {"OTEL_EXPORTER_OTLP_HEADERS": value}))
    assert bool(found) is bool(caplog.records)


def test_the_variable_for_traces_alone_goes_before_the_one_for_all() -> None:
    environ = {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://collector:4318", "OTEL_EXPORTER_OTLP_ENDPOINT": "none"}
    assert not list(trace_findings("otlp", environ))
