"""What is counted is what has happened: no more, no less, and under labels of closed sets."""

import sys
from itertools import product
from threading import Event, Thread
from typing import Any

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from netra.core.events import AttemptEnded, Changed, CircuitChanged, KeysChanged, Stage, TryEnded
from netra.core.pace.breaker import Circuit, State
from netra.core.verdict.causes import TABLE, Phase
from netra.core.verdict.operations import OPERATIONS
from netra.core.verdict.outcomes import Outcome, Spent, Tried, Verdict
from netra.observe.metrics.counting import Buckets, Counting
from netra.observe.metrics.definitions import ATTEMPT_SECONDS, NEAR_BUDGET_RATIO
from netra.settings.field import rows
from netra.settings.variables import Settings
from tests.observe.support import ACCEPTED, REJECTED, failed


class Counted:
    """A counting, and what Prometheus would read of it."""

    def __init__(self, *budgets_s: float) -> None:
        self.counting = Counting(*budgets_s)
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


def test_a_journey_and_an_operation_that_nobody_knows_are_other_and_add_one_series_whatever_they_are_called() -> None:
    counted = Counted()
    for name in ("made-up", 'with"quote', "with\nline"):
        counted.counting(ended(ACCEPTED, journey=name))
        counted.counting(exchange(Spent(), operation=name))
    before = counted.series_count()
    for number in range(50):
        counted.counting(ended(ACCEPTED, journey=f"made-up-{number}"))
        counted.counting(exchange(Spent(), operation=f"made-up-{number}"))
    assert counted.series_count() == before
    others = {"journey": "other", "verdict": "accepted", "code": "ok", "owner": "none"}
    assert counted.value("netra_attempts_total", **others) == 53
    assert counted.value("netra_attempt_seconds_count", journey="other") == 53
    assert counted.value("netra_auth_service_calls_total", operation="other", verdict="accepted", code="ok") == 53


@pytest.mark.parametrize("budget_s", [5.0, 3.0, 0.7])
def test_an_attempt_near_its_budget_is_counted_whatever_the_budget_is(budget_s: float) -> None:
    counted = Counted(budget_s, 2.0)
    for ratio in (0.01, 0.5, 0.79, 0.81, 1.01, 9.0):
        counted.counting(ended(ACCEPTED, elapsed_s=ratio * budget_s))
    name = "netra_attempts_near_budget_total"
    assert counted.value(name, journey="login") == 3
    assert counted.value(name, journey="verify") == 0


def test_a_token_check_has_a_budget_of_its_own() -> None:
    counted = Counted(5.0, 2.0)
    for journey in ("login", "register", "verify", "me", "refresh"):
        counted.counting(ended(ACCEPTED, journey, elapsed_s=1.9))
    near = {each: counted.value("netra_attempts_near_budget_total", journey=each) for each in ("login", "register")}
    assert near == {"login": 0, "register": 0}
    for journey in ("verify", "me", "refresh"):
        assert counted.value("netra_attempts_near_budget_total", journey=journey) == 1


def test_a_bound_of_the_budgets_own_is_not_told_among_the_buckets() -> None:
    plain, counted = Counted(), Counted(3.7, 1.9)
    counted.counting(ended(ACCEPTED, elapsed_s=3.65))
    plain.counting(ended(ACCEPTED, elapsed_s=3.65))
    assert counted.series_count() == plain.series_count()
    assert counted.value("netra_attempt_seconds_bucket", journey="login", le="3.0") == 0
    assert counted.value("netra_attempt_seconds_bucket", journey="login", le="4.0") == 1


def test_the_usual_budgets_and_four_fifths_of_them_are_bounds_of_the_buckets() -> None:
    usual_s = {row.name: row.default for _, row in rows(Settings) if row.name.endswith("_BUDGET_S")}
    assert usual_s == {"NETRA_LOGIN_BUDGET_S": 5.0, "NETRA_TOKEN_BUDGET_S": 2.0}
    assert {5.0, 2.0, NEAR_BUDGET_RATIO * 5.0, NEAR_BUDGET_RATIO * 2.0} <= set(ATTEMPT_SECONDS.buckets)


def test_what_becomes_another_one_is_counted_and_what_is_seen_first_is_not() -> None:
    counted = Counted()
    counted.counting(Changed("peer_certificate", "aa"))
    counted.counting(Changed("peer_certificate", "bb", "aa"))
    counted.counting(KeysChanged(("one",)))
    counted.counting(KeysChanged(("one",), "connection_refused"))
    counted.counting(KeysChanged(("two",)))
    name = "netra_changes_total"
    assert counted.value(name, what="peer_certificate") == 1
    assert counted.value(name, what="keys") == 1
    assert counted.value(name, what="service_secret") == 0


def test_a_scrape_on_a_thread_of_a_host_program_may_come_while_new_series_begin() -> None:
    counting, failures, ended_counting = [Counting()], list[Exception](), Event()

    def scrape() -> None:
        while not ended_counting.is_set():
            try:
                list(counting[0].collect())
            except RuntimeError as failure:
                failures.append(failure)

    usual_s = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    scraper = Thread(target=scrape)
    scraper.start()
    try:
        for _ in range(20):
            counting[0] = Counting()
            for operation, code in product(OPERATIONS, TABLE):
                counting[0](exchange(Spent(), code=code, operation=operation))
                counting[0](ended(failed(code), journey=operation))
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
