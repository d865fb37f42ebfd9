"""What Prometheus fetches from a running gateway is what the page of metrics promises, all of it and nothing else.

It must never be read from the definitions what a gateway says: it is asked as Prometheus asks.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable

import pytest
from prometheus_client import CollectorRegistry, Metric
from prometheus_client.openmetrics.parser import text_string_to_metric_families as open_families
from prometheus_client.parser import text_string_to_metric_families as families
from prometheus_client.registry import Collector

from netra.assemble import open_gateway
from netra.core.verdict.causes import TABLE
from netra.lab.faulty_auth_service import FaultyAuthService
from netra.observe.metrics.definitions import METRICS
from netra.observe.metrics.reference import page
from tests.house.source import ROOT
from tests.support.gateways import EMAIL, OTHER_SECRET, PASSWORD, SECRET, Running, gateway, settings_for
from tests.web.support import asked

OPENMETRICS = "application/openmetrics-text; version=1.0.0"


@pytest.fixture
async def auth_service() -> AsyncIterator[FaultyAuthService]:
    """An auth service that does as it is told."""
    async with FaultyAuthService() as service:
        service.secret = SECRET
        yield service


async def scraped(running: Running, **headers: str) -> str:
    """What a scrape brings."""
    answer = await asked(running.assembled.admin, "GET", "/metrics", None, {"Host": "localhost", **headers})
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
