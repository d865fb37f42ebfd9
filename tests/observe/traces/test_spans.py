"""Attempts and their tries as spans: what a collector gets of a login, seen over real sockets."""

import asyncio
import time
from typing import Final
from urllib.parse import urlsplit

import pytest

from netra.lab.faulty_auth_service import FaultyAuthService
from netra.lab.scripts import in_turn, json_reply, problem, raw_then_close, session, silence
from tests.observe.traces.collecting import CLIENT, SERVER, Told, collector
from tests.support.gateways import EMAIL, LOGIN, OTHER_SECRET, PASSWORD, PREFIX, SECRET, gateway
from tests.support.places import free_port

TRACE: Final = "0af7651916cd43dd8448eb211c80319c"
SPAN: Final = "b7ad6b7169203331"
SAMPLED: Final = f"00-{TRACE}-{SPAN}-01"
UNSAMPLED: Final = f"00-{TRACE}-{SPAN}-00"
GOOD: Final = json_reply(200, session(EMAIL))
REFUSED: Final = problem(401, "invalid_credentials")
ON: Final = {"NETRA_TRACES": "otlp"}


def attempt_and_tries(spans: list[Told]) -> tuple[Told, list[Told]]:
    """The one span of an attempt, and those of its tries in their order."""
    (attempt,) = [each for each in spans if each.kind == SERVER]
    return attempt, [each for each in spans if each.kind == CLIENT]


async def test_an_accepted_login_is_a_server_span_with_one_client_span(monkeypatch: pytest.MonkeyPatch) -> None:
    before_ns = time.time_ns()
    async with FaultyAuthService() as service, collector(monkeypatch) as spans:
        async with gateway(service.url, **ON) as running:
            answer = await running.log_in(headers=[("X-Request-ID", "request-7")])
            assert answer.status == 200
            attempt, (tried,) = attempt_and_tries(await spans.spans_of(2))
        (delivery,) = service.delivered("/auth/login")
    assert (attempt.name, attempt.failed, attempt.parent_id, attempt.tracestate) == (f"POST {LOGIN}", False, "", "")
    assert attempt.said == {
        "http.request.method": "POST", "http.route": LOGIN, "url.path": LOGIN, "url.scheme": "http",
        "http.response.status_code": 200, "client.address": "127.0.0.1", "netra.request_id": "request-7",
        "netra.journey": "login", "netra.verdict": "accepted", "netra.code": "ok",
    }  # fmt: skip
    assert (tried.name, tried.failed, tried.parent_id, tried.trace_id) == (
        "POST", False, attempt.span_id, attempt.trace_id,
    )  # fmt: skip
    port = urlsplit(service.url).port
    spent = {name: tried.said.pop(name) for name in list(tried.said) if name.endswith("_ms")}
    assert tried.said == {
        "http.request.method": "POST", "server.address": "127.0.0.1", "server.port": port,
        "url.full": f"http://127.0.0.1:{port}/auth/login", "http.response.status_code": 200, "netra.code": "ok",
    }  # fmt: skip
    assert {"netra.wait_ms", "netra.read_ms"} <= spent.keys()
    assert all(each >= 0 for each in spent.values())
    assert before_ns <= attempt.began_ns <= tried.began_ns < tried.ended_ns <= attempt.ended_ns <= time.time_ns()
    assert delivery.header("traceparent") == f"00-{tried.trace_id}-{tried.span_id}-01"
    assert spans.scopes[0] == "netra"
    assert {name: spans.resources[0][name] for name in ("service.name", "deployment.environment.name")} == {
        "service.name": "netra", "deployment.environment.name": "test",
    }  # fmt: skip


async def test_a_refusal_is_no_error_in_either_span(monkeypatch: pytest.MonkeyPatch) -> None:
    async with FaultyAuthService() as service, collector(monkeypatch) as spans:
        service.answer("/auth/login", REFUSED)
        async with gateway(service.url, **ON) as running:
            assert (await running.log_in()).status == 401
            attempt, (tried,) = attempt_and_tries(await spans.spans_of(2))
    for each in (attempt, tried):
        assert (each.failed, "error.type" in each.said) == (False, False)
        assert (each.said["http.response.status_code"], each.said["netra.code"]) == (401, "invalid_credentials")
    assert attempt.said["netra.verdict"] == "rejected"


async def test_each_try_is_a_span_that_counts_how_often_it_was_sent_again(monkeypatch: pytest.MonkeyPatch) -> None:
    async with FaultyAuthService() as service, collector(monkeypatch) as spans:
        service.answer("/auth/login", in_turn(raw_then_close(), problem(503, "under_maintenance"), GOOD))
        async with gateway(service.url, **ON, NETRA_TRIES="3") as running:
            assert (await running.log_in(headers=[("traceparent", SAMPLED)])).status == 200
            attempt, tries = attempt_and_tries(await spans.spans_of(4))
            (line,) = [line for line in running.lines if line["event"] == "Login succeeded"]
        told = [delivery.header("traceparent") for delivery in service.delivered("/auth/login")]
    assert (attempt.failed, attempt.trace_id, attempt.parent_id) == (False, TRACE, SPAN)
    assert {each.parent_id for each in tries} == {attempt.span_id}
    assert [each.said.get("http.request.resend_count") for each in tries] == [None, 1, 2]
    assert [each.said.get("error.type") for each in tries] == [
        "connection_terminated", "auth_service_unavailable", None,
    ]  # fmt: skip
    assert [each.said.get("http.response.status_code") for each in tries] == [None, 503, 200]
    assert [each.failed for each in tries] == [True, True, False]
    assert told == [f"00-{TRACE}-{each.span_id}-01" for each in tries]
    assert len(set(told)) == 3
    assert (line["trace_id"], line["span_id"]) == (TRACE, attempt.span_id)


async def test_a_login_that_nobody_answers_is_an_error_with_the_code_of_its_cause(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with FaultyAuthService() as service, collector(monkeypatch) as spans:
        service.answer("/auth/login", silence())
        async with gateway(service.url, **ON, NETRA_LOGIN_BUDGET_S="0.3", NETRA_CONNECT_TIMEOUT_S="0.1") as running:
            assert (await running.log_in()).status == 504
            attempt, (tried,) = attempt_and_tries(await spans.spans_of(2))
    assert (attempt.failed, attempt.said["error.type"], attempt.said["http.response.status_code"]) == (
        True, "response_timeout", 504,
    )  # fmt: skip
    assert (attempt.said["netra.verdict"], attempt.said["netra.code"]) == ("unknown", "response_timeout")
    assert (tried.failed, tried.said["error.type"]) == (True, "response_timeout")
    assert "http.response.status_code" not in tried.said
    assert tried.ended_ns - tried.began_ns >= 0.25e9


async def test_a_login_that_never_left_has_a_client_span_without_a_status(monkeypatch: pytest.MonkeyPatch) -> None:
    async with collector(monkeypatch) as spans, gateway(f"http://127.0.0.1:{free_port()}", **ON) as running:
        assert (await running.log_in()).status == 503
        attempt, (tried,) = attempt_and_tries(await spans.spans_of(2))
    assert attempt.said["error.type"] == tried.said["error.type"] == "connection_refused"


async def test_the_other_secret_is_another_try(monkeypatch: pytest.MonkeyPatch) -> None:
    async with (
        FaultyAuthService(secret=OTHER_SECRET) as service,
        collector(monkeypatch) as spans,
        gateway(service.url, **ON, SERVICE_SECRET_PREVIOUS=OTHER_SECRET) as running,
    ):
        running.assembled.gateway.parts.link.good_seal = 0
        assert (await running.log_in()).status == 200
        _, tries = attempt_and_tries(await spans.spans_of(3))
    assert [each.said["netra.code"] for each in tries] == ["service_credentials_rejected", "ok"]
    assert SECRET not in repr(spans.spans)


async def test_requests_that_never_become_attempts_are_spans_with_nothing_but_their_answer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with FaultyAuthService() as service, collector(monkeypatch) as spans, gateway(service.url, **ON) as running:
        assert (await running.post("/login", {"email": EMAIL})).status == 422
        assert (await running.ask("PROPFIND", f"{PREFIX}/verify/a/b")).status == 401
        assert (await running.ask("GET", "/livez")).status == 200
        assert (await running.ask("GET", f"{PREFIX}/nowhere")).status == 404
        form, check = await spans.spans_of(2)
    assert (form.said["http.response.status_code"], "netra.journey" in form.said) == (422, False)
    assert (check.name, check.said["http.request.method"]) == (f"HTTP {PREFIX}/verify/**", "_OTHER")
    assert (check.said["url.path"], "a/b" in check.flat) == (f"{PREFIX}/verify", False)


async def test_a_token_that_is_asked_about_and_then_remembered_is_a_span_each_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with (
        FaultyAuthService() as service,
        collector(monkeypatch) as spans,
        gateway(service.url, **ON, NETRA_TOKEN_CACHE_S="30") as running,
    ):
        token = (await running.log_in()).json["access_token"]
        for _ in range(2):
            assert (await running.get("/verify", [("Authorization", f"Bearer {token}")])).status == 200
        await spans.until(lambda one: len(one.named(f"GET {PREFIX}/verify")) == 2)
    judged, remembered = spans.named(f"GET {PREFIX}/verify")
    assert judged.said["netra.journey"] == "verify"
    assert "netra.journey" not in remembered.said
    assert not any(token in each.flat for each in spans.spans)


async def test_what_was_said_is_in_no_span(monkeypatch: pytest.MonkeyPatch) -> None:
    headers = [("User-Agent", "planted-agent"), ("Cookie", "planted=cookie"), ("Authorization", "Bearer planted")]
    async with FaultyAuthService() as service, collector(monkeypatch) as spans, gateway(service.url, **ON) as running:
        answer = await running.ask(
            "POST", f"{LOGIN}?planted=query", [*headers, ("Content-Type", "application/json")],
            b'{"email": "%s", "password": "%s"}' % (EMAIL.encode(), PASSWORD.encode()),
        )  # fmt: skip
        assert answer.status == 200
        await spans.spans_of(2)
    told = repr((spans.spans, spans.resources))
    tokens = [value for name, value in answer.json.items() if name.endswith("_token")]
    planted = (EMAIL, PASSWORD, SECRET, "planted", EMAIL.partition("@")[0], *tokens)
    assert [each for each in planted if each in told] == []


async def test_probe_and_handshake_are_not_traced(monkeypatch: pytest.MonkeyPatch) -> None:
    async with (
        FaultyAuthService() as service,
        collector(monkeypatch) as spans,
        gateway(service.url, **ON, NETRA_PROBE_INTERVAL_S="0.2"),
    ):
        while len(service.delivered("/health")) < 3:
            await asyncio.sleep(0.05)
    assert spans.spans == []
    assert len(service.delivered("/auth/handshake")) >= 1


@pytest.mark.parametrize(
    ("sampler", "traceparent", "is_recorded"),
    [
        ("parentbased_always_on", SAMPLED, True),
        ("parentbased_always_on", UNSAMPLED, False),
        ("parentbased_always_off", SAMPLED, True),
        ("parentbased_always_off", None, False),
        ("always_on", UNSAMPLED, True),
        ("always_off", SAMPLED, False),
    ],
)
async def test_the_sampler_decides_and_whoever_is_asked_hears_the_decision(
    monkeypatch: pytest.MonkeyPatch, sampler: str, traceparent: str | None, is_recorded: bool
) -> None:
    asked = [("traceparent", traceparent)] if traceparent else []
    async with FaultyAuthService() as service, collector(monkeypatch, OTEL_TRACES_SAMPLER=sampler) as spans:
        async with gateway(service.url, **ON) as running:
            await running.log_in(headers=asked)
            (line,) = [line for line in running.lines if line["event"] == "Login succeeded"]
        (delivery,) = service.delivered("/auth/login")
    told = delivery.header("traceparent") or ""
    if is_recorded:
        _, (tried,) = attempt_and_tries(spans.spans)
        assert told == f"00-{TRACE}-{tried.span_id}-01"
    else:
        assert spans.spans == []
        assert told == traceparent or (traceparent is None and told.endswith("-00"))
    assert ("span_id" in line) is is_recorded


@pytest.mark.parametrize(
    ("sent", "passed_on"),
    [
        ("vendor=1,other=2", "vendor=1,other=2"),
        (" vendor=1 , other=2 ", "vendor=1,other=2"),
        ("Not valid", None),
        ("a=1,a=2", None),
        (",".join(f"k{number}=v" for number in range(33)), None),
    ],
)
async def test_the_state_of_a_trace_is_passed_on_if_it_is_well_formed_and_stands_in_no_span(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, sent: str, passed_on: str | None
) -> None:
    async with FaultyAuthService() as service, collector(monkeypatch) as spans:
        async with gateway(service.url, **ON) as running:
            await running.log_in(headers=[("traceparent", SAMPLED), ("tracestate", sent)])
        (delivery,) = service.delivered("/auth/login")
    assert delivery.header("tracestate") == passed_on
    assert {each.tracestate for each in spans.spans} == {""}
    assert [record.name for record in caplog.records if record.name.startswith("opentelemetry")] == []


async def test_a_shared_ratio_keeps_some_traces_and_whole_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    variables = {"OTEL_TRACES_SAMPLER": "parentbased_traceidratio", "OTEL_TRACES_SAMPLER_ARG": "0.5"}
    async with (
        FaultyAuthService() as service,
        collector(monkeypatch, **variables) as spans,
        gateway(service.url, **ON) as running,
    ):
        for _ in range(40):
            await running.log_in()
    recorded = {each.trace_id for each in spans.spans}
    assert 3 < len(recorded) < 37
    assert len(spans.spans) == 2 * len(recorded)


async def test_names_and_resources_are_those_of_the_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    variables = {"OTEL_SERVICE_NAME": "the-front", "OTEL_RESOURCE_ATTRIBUTES": "team=identity"}
    async with (
        FaultyAuthService() as service,
        collector(monkeypatch, **variables) as spans,
        gateway(service.url, **ON) as running,
    ):
        await running.log_in()
    assert spans.resources[0]["service.name"] == "the-front"
    assert spans.resources[0]["team"] == "identity"


async def test_a_disabled_sdk_is_traces_off(monkeypatch: pytest.MonkeyPatch) -> None:
    async with FaultyAuthService() as service, collector(monkeypatch, OTEL_SDK_DISABLED="true") as spans:
        async with gateway(service.url, **ON) as running:
            assert running.assembled.view.tracing is None
            assert (await running.log_in(headers=[("traceparent", SAMPLED)])).status == 200
        (delivery,) = service.delivered("/auth/login")
    assert (spans.asked_count, delivery.header("traceparent")) == (0, SAMPLED)
