"""What is counted is what has happened: no more, no less, and under labels of closed sets."""

import sys
from threading import Event, Thread
from typing import Any

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from netra.core.events import AttemptEnded, CircuitChanged, Stage, TryEnded
from netra.core.pace.breaker import Circuit, State
from netra.core.verdict.causes import TABLE, Phase
from netra.core.verdict.outcomes import Outcome, Spent, Tried, Verdict
from netra.observe.metrics.counting import Buckets, Counting
from tests.observe.support import ACCEPTED, REJECTED, failed


class Counted:
    """A counting, and what Prometheus would read of it."""

    def __init__(self) -> None:
        self.counting = Counting()
        self._registry = CollectorRegistry()
        self._registry.register(self.counting)

    def value(self, name: str, **labels: str) -> float | None:
        """The value of one series; None when there is none."""
        return self._registry.get_sample_value(name, labels)

    def series_count(self) -> int:
        """How many series there are."""
        text = generate_latest(self._registry).decode()
        return sum(len(family.samples) for family in text_string_to_metric_families(text))


def ended(outcome: Outcome[Any], journey: str = "login", elapsed_s: float = 0.02) -> AttemptEnded:
    """The end of an attempt."""
    return AttemptEnded(journey, "request-1", outcome, elapsed_s)


def exchange(spent: Spent, code: str = "ok", operation: str = "login") -> TryEnded:
    """The end of an exchange."""
    verdict: Verdict = "accepted" if code == "ok" else "unknown"
    return TryEnded(operation, verdict, Tried(1, Phase.ANSWERED, code, 0.02, spent))


def test_attempts_are_counted_by_journey_verdict_code_and_who_can_mend_it() -> None:
    counted = Counted()
    for outcome in (ACCEPTED, ACCEPTED, REJECTED, failed("connection_refused")):
        counted.counting(ended(outcome))
    name = "netra_attempts_total"
    assert counted.value(name, journey="login", verdict="accepted", code="ok", owner="none") == 2
    assert counted.value(name, journey="login", verdict="rejected", code="invalid_credentials", owner="user") == 1
    refused = {"verdict": "unknown", "code": "connection_refused"}
    owner = TABLE["connection_refused"].owner.value
    assert counted.value(name, journey="login", owner=owner, **refused) == 1
    assert counted.value(name, journey="refresh", owner=owner, **refused) is None


def test_what_alerts_look_at_is_there_before_it_happens() -> None:
    counted = Counted()
    for code, row in TABLE.items():
        if row.verdict == "unknown":
            labels = {"journey": "login", "verdict": "unknown", "code": code, "owner": row.owner.value}
            assert counted.value("netra_attempts_total", **labels) == 0


def test_a_login_is_timed_whole_and_its_tries_are_counted() -> None:
    counted = Counted()
    counted.counting(ended(failed("response_timeout", tries=3), elapsed_s=0.3))
    counted.counting(ended(failed("destination_unavailable", tries=0), elapsed_s=0.001))
    assert counted.value("netra_attempt_seconds_bucket", journey="login", le="0.001") == 1
    assert counted.value("netra_attempt_seconds_bucket", journey="login", le="0.25") == 1
    assert counted.value("netra_attempt_seconds_bucket", journey="login", le="0.5") == 2
    assert counted.value("netra_attempt_seconds_count", journey="login") == 2
    assert counted.value("netra_login_tries_bucket", le="0.0") == 1
    assert counted.value("netra_login_tries_bucket", le="3.0") == 2
    assert counted.value("netra_login_tries_sum") == 3


def test_calls_are_counted_by_themselves_and_timed_by_phase() -> None:
    counted = Counted()
    counted.counting(exchange(Spent(0.002, 0.003, None, 0.02, 0.0001)))
    counted.counting(exchange(Spent(None, None, None, 0.03, 0.0001)))
    counted.counting(exchange(Spent(None, 0.001), code="connection_refused", operation="health"))
    calls = "netra_auth_service_calls_total"
    assert counted.value(calls, operation="login", verdict="accepted", code="ok") == 2
    assert counted.value(calls, operation="health", verdict="unknown", code="connection_refused") == 1
    phases = "netra_auth_service_phase_seconds_count"
    assert {phase: counted.value(phases, phase=phase) for phase in ("dns", "connect", "tls", "wait", "read")} == {
        "dns": 1, "connect": 2, "tls": 0, "wait": 2, "read": 2,
    }  # fmt: skip


def test_changes_of_circuits_are_counted() -> None:
    counted = Counted()
    states: tuple[State, ...] = ("open", "half_open", "closed", "open")
    for state in states:
        counted.counting(CircuitChanged("login", Circuit(state, None, 0.0, 0, 0)))
    assert counted.value("netra_circuit_changes_total", calls="login", state="open") == 2
    assert counted.value("netra_circuit_changes_total", calls="login", state="closed") == 1


def test_a_code_that_is_in_no_table_is_other_and_adds_one_series_whatever_it_says() -> None:
    counted = Counted()
    counted.counting(exchange(Spent(), code="something_new"))
    before = counted.series_count()
    for number in range(50):
        counted.counting(exchange(Spent(), code=f"made-up-{number}"))
    assert counted.series_count() == before
    assert counted.value("netra_auth_service_calls_total", operation="login", verdict="unknown", code="other") == 51


def test_a_scrape_on_a_thread_of_a_host_program_may_come_while_new_series_begin() -> None:
    counted, failures, ended_counting = Counted(), list[Exception](), Event()

    def scrape() -> None:
        while not ended_counting.is_set():
            try:
                counted.series_count()
            except RuntimeError as failure:
                failures.append(failure)

    usual_s = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    scraper = Thread(target=scrape)
    scraper.start()
    try:
        for number in range(20_000):
            counted.counting(exchange(Spent(), code=f"code-{number}"))
    finally:
        ended_counting.set()
        scraper.join()
        sys.setswitchinterval(usual_s)
    assert failures == []


def test_other_events_change_nothing() -> None:
    counted = Counted()
    before = counted.series_count()
    counted.counting(Stage("started"))
    assert counted.series_count() == before


def test_a_value_on_a_bound_belongs_below_it_and_one_above_all_is_not_lost() -> None:
    buckets = Buckets((1.0, 2.0))
    for value in (1.0, 1.5, 2.0, 99.0):
        buckets.add(value)
    assert buckets.so_far() == [("1.0", 1), ("2.0", 3), ("+Inf", 4)]
    assert buckets.sum == 103.5
