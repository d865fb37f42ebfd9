"""What Prometheus fetches from a running gateway is what the page of metrics promises, all of it and nothing else.

It must never be read from the definitions what a gateway says: it is asked as Prometheus asks.
"""

import asyncio
import re
import shutil
import time
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Iterable

import pytest
from prometheus_client import CollectorRegistry, Metric
from prometheus_client.openmetrics.parser import text_string_to_metric_families as open_families
from prometheus_client.parser import text_string_to_metric_families as families
from prometheus_client.registry import Collector

from netra.asgi.adapter import App
from netra.assemble import open_gateway
from netra.core.verdict.causes import TABLE
from netra.lab.faulty_auth_service import FaultyAuthService
from netra.observe.metrics.definitions import METRICS
from netra.observe.metrics.reference import page
from tests.house.source import ROOT
from tests.support.gateways import (
    EMAIL,
    IMPATIENT,
    OTHER_SECRET,
    PASSWORD,
    SECRET,
    Running,
    gateway,
    served,
    settings_for,
)
from tests.support.wire import credentials, post
from tests.web.support import asked

OPENMETRICS = "application/openmetrics-text; version=1.0.0"
BY_PROMETHEUS_2 = "application/openmetrics-text;version=1.0.0;q=0.5,application/openmetrics-text;version=0.0.1;q=0.4"
BY_PROMETHEUS_3 = (
    "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
    "application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,"
    "text/plain;version=0.0.4;q=0.3,*/*;q=0.2"
)
PROMTOOL = shutil.which("promtool")


@pytest.fixture
async def auth_service() -> AsyncIterator[FaultyAuthService]:
    """An auth service that does as it is told."""
    async with FaultyAuthService() as service:
        service.secret = SECRET
        yield service


async def scraped(running: Running, **headers: str) -> str:
    """What a scrape brings."""
    return await numbers(running.assembled.admin, **headers)


async def numbers(admin: App, **headers: str) -> str:
    """The same of an admin listener."""
    answer = await asked(admin, "GET", "/metrics", None, {"Host": "localhost", **headers})
    assert answer.status == 200
    return answer.body.decode()


def value(text: str, name: str, **labels: str) -> float | None:
    """One series of a scrape; None when it is not there."""
    told: Iterable[Metric] = families(text)
    samples = (each for family in told for each in family.samples)
    return next((each.value for each in samples if each.name == name and each.labels == labels), None)


async def test_every_metric_of_the_page_is_told_and_no_other(auth_service: FaultyAuthService) -> None:
    async with gateway(auth_service.url) as running:
        await running.log_in()
        text = await scraped(running, Accept=OPENMETRICS)
    told: Iterable[Metric] = open_families(text)  # type: ignore[no-untyped-call]  # the library has no types here
    assert {family.name for family in told} == {each.name for each in METRICS}


@pytest.mark.skipif(PROMTOOL is None, reason="promtool is not installed (Debian: prometheus)")
async def test_promtool_finds_nothing_to_say_against_names_and_help_texts(auth_service: FaultyAuthService) -> None:
    assert PROMTOOL is not None
    async with gateway(auth_service.url) as running:
        await running.log_in()
        text = await scraped(running)
    checking = await asyncio.create_subprocess_exec(PROMTOOL, "check", "metrics", stdin=PIPE, stdout=PIPE, stderr=PIPE)
    said = b"".join(await checking.communicate(text.encode()))
    assert (checking.returncode, said.decode()) == (0, "")


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [
        (BY_PROMETHEUS_3, OPENMETRICS),
        (BY_PROMETHEUS_2, OPENMETRICS),
        ("*/*", "text/plain; version="),
        ("text/html", "text/plain; version="),
    ],
)
async def test_a_prometheus_is_answered_in_openmetrics_and_everybody_else_in_plain_text(
    auth_service: FaultyAuthService, accept: str, content_type: str
) -> None:
    async with gateway(auth_service.url) as running:
        answer = await asked(running.assembled.admin, "GET", "/metrics", None, {"Host": "localhost", "Accept": accept})
    assert (answer.header("content-type") or "").startswith(content_type)
    assert answer.body.endswith(b"# EOF\n") == (content_type == OPENMETRICS)
    assert b" # {" not in answer.body, "an exemplar tells which request it was"


async def test_a_watcher_that_raises_is_counted_and_nobody_who_logs_in_notices(
    auth_service: FaultyAuthService,
) -> None:
    def broken(event: object) -> None:
        raise RuntimeError("a broken watcher")

    async with open_gateway(settings_for(auth_service.url, {}), broken) as assembled:
        before = value((await numbers(assembled.admin)), "netra_listener_failures_total") or 0
        async with served(assembled.public, asyncio.Event()) as url:
            answers = [await post(url, "/api/v1/auth/login", credentials()) for _ in range(3)]
        text = await numbers(assembled.admin)
    assert [each.status for each in answers] == [200, 200, 200]
    assert (value(text, "netra_listener_failures_total") or 0) - before == 3
    labels = {"journey": "login", "verdict": "accepted", "code": "ok", "owner": "none"}
    assert value(text, "netra_attempts_total", **labels) == 3, "who counts was not told any more"


async def test_a_configuration_and_a_start_can_be_told_from_another_one(auth_service: FaultyAuthService) -> None:
    texts = []
    for budget_s in ("5", "5", "4"):
        async with gateway(auth_service.url, NETRA_LOGIN_BUDGET_S=budget_s) as running:
            texts.append(await scraped(running))
    first, again, other = (re.findall(r"^netra_configuration_info{.*", text, re.MULTILINE) for text in texts)
    assert len(first) == 1
    assert first == again != other
    started = [value(text, "netra_start_timestamp_seconds") or 0 for text in texts]
    assert started == sorted(started)
    assert abs(started[0] - time.time()) < 600


async def test_a_login_that_was_given_up_was_near_its_budget(auth_service: FaultyAuthService) -> None:
    async with gateway(auth_service.url, **IMPATIENT) as running:
        await running.log_in()
        auth_service.fault("response-timeout", path="/auth/login")
        await running.log_in()
        text = await scraped(running)
    assert value(text, "netra_attempts_near_budget_total", journey="login") == 1


@pytest.mark.parametrize("version", ["a.b.c", "1.x", "9" * 5000, "1.1.\xfc", " 1.0.0"])
async def test_a_form_that_nobody_knows_is_answered_in_the_oldest_one_and_is_no_crash(
    auth_service: FaultyAuthService, version: str
) -> None:
    async with gateway(auth_service.url) as running:
        text = await scraped(running, Accept=f"application/openmetrics-text; version={version}, text/plain")
        assert [each.code for each in running.assembled.recorder.latest(10)] == []
    assert value(text, "netra_ready") == 1


def test_the_page_says_what_the_definitions_say() -> None:
    assert (ROOT / "docs/metrics.md").read_text("utf-8") == page()


async def test_a_login_that_fails_is_counted_with_its_code_and_who_can_mend_it(auth_service: FaultyAuthService) -> None:
    async with gateway(auth_service.url) as running:
        auth_service.fault("status-500")
        await running.log_in()
        text = await scraped(running)
    labels = {"journey": "login", "verdict": "unknown", "code": "auth_service_error"}
    owner = TABLE["auth_service_error"].owner.value
    assert value(text, "netra_attempts_total", owner=owner, **labels) == 1
    calls = {"operation": "login", "verdict": "unknown", "code": "auth_service_error"}
    assert value(text, "netra_auth_service_calls_total", **calls) == 1


async def test_how_we_stand_is_told_as_it_is_at_this_moment(auth_service: FaultyAuthService) -> None:
    async with gateway(auth_service.url) as running:
        text = await scraped(running)
        assert value(text, "netra_probe_up") == 1
        assert value(text, "netra_handshake_state", state="accepted") == 1
        assert value(text, "netra_ready") == 1
        running.assembled.view.readiness.draining = True
        assert value(await scraped(running), "netra_ready") == 0


async def test_no_secret_and_nobody_is_named(auth_service: FaultyAuthService) -> None:
    async with gateway(auth_service.url, SERVICE_SECRET_PREVIOUS=OTHER_SECRET) as running:
        await running.log_in()
        text = await scraped(running)
    assert [each for each in (SECRET, OTHER_SECRET, PASSWORD, EMAIL) if each in text] == []
    assert 'secret="previous"' in text


async def test_a_crowd_of_scrapes_is_answered_with_few_looks_at_the_numbers(auth_service: FaultyAuthService) -> None:
    looks: list[None] = []

    class Looked(Collector):
        def describe(self) -> list[Metric]:
            return []

        def collect(self) -> list[Metric]:
            looks.append(None)
            return []

    registry = CollectorRegistry()
    registry.register(Looked())
    async with open_gateway(settings_for(auth_service.url, {}), lambda _: None, registry=registry) as assembled:
        asking = (asked(assembled.admin, "GET", "/metrics", None, {"Host": "localhost"}) for _ in range(100))
        answers = await asyncio.gather(*asking)
        assert {each.status for each in answers} == {200}
        assert len(looks) < 20


async def test_a_registry_of_the_host_has_our_metrics_for_as_long_as_a_gateway_is_open(
    auth_service: FaultyAuthService,
) -> None:
    registry = CollectorRegistry()
    settings = settings_for(auth_service.url, {})
    async with open_gateway(settings, lambda _: None, registry=registry):
        assert registry.get_sample_value("netra_ready") == 1
        with pytest.raises(ValueError, match="Duplicated"):
            async with open_gateway(settings, lambda _: None, registry=registry):
                pass
        assert registry.get_sample_value("netra_ready") == 1
    assert registry.get_sample_value("netra_ready") is None
