"""The board: attempts and exchanges as they end, counted for fifteen minutes and no longer.

It must never be told by a clock that it was not given.
"""

from collections.abc import Mapping
from itertools import pairwise
from random import Random
from typing import Any

import pytest

from netra.core.events import (
    AttemptEnded,
    Changed,
    CircuitChanged,
    ConfigurationProblem,
    ConnectivityChecked,
    Crashed,
    HandshakeEnded,
    KeysChanged,
    RevocationFeed,
    Stage,
    TryEnded,
)
from netra.core.findings import Finding, Severity
from netra.core.pace.breaker import Circuit
from netra.core.verdict.causes import TABLE, Phase
from netra.core.verdict.outcomes import NO_FACTS, UNTIMED, Accepted, Rejected, Spent, Tried, Verdict, unknown
from netra.observe.board import HISTORY_COUNT, Board
from netra.observe.tally import STEP_S, STEPS_COUNT
from netra.testing.fakes import FakeClock

WINDOW_S = STEP_S * STEPS_COUNT
TRIED = (Tried(1, Phase.ANSWERED, "ok", 0.010),)


class Told:
    """A board, the clock that it reads, and events in short."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.board = Board(self.clock.now_s, self.clock.wall_s)

    def accepted(self, elapsed_s: float = 0.012, journey: str = "login", tried: tuple[Tried, ...] = TRIED) -> None:
        self.board(AttemptEnded(journey, "id", Accepted(None, tried), elapsed_s))

    def rejected(self, code: str = "invalid_credentials", journey: str = "login") -> None:
        self.board(AttemptEnded(journey, "id", Rejected(TABLE[code], tried=TRIED), 0.012))

    def failed(
        self, code: str, facts: Mapping[str, str] = NO_FACTS, tried: tuple[Tried, ...] = TRIED, journey: str = "login"
    ) -> None:
        self.board(AttemptEnded(journey, "id", unknown(TABLE[code], facts)._replace(tried=tried), 0.012))

    def kept_out(self) -> str | None:
        return None if self.board.kept_out is None else self.board.kept_out.code

    def tried(self, operation: str, code: str = "ok", verdict: Verdict = "accepted", spent: Spent = UNTIMED) -> None:
        self.board(TryEnded(operation, verdict, Tried(1, Phase.ANSWERED, code, 0.01, spent)))


def test_attempts_are_counted_by_how_they_ended() -> None:
    told = Told()
    told.accepted()
    told.accepted()
    told.rejected()
    told.rejected("account_locked")
    told.rejected()
    told.failed("connection_refused")
    counted = told.board.counted(("login",))
    assert (counted.accepted, counted.rejected, counted.unknown, counted.attempts_count) == (2, 3, 1, 6)
    assert told.board.codes(("login",)) == [
        ("rejected", "invalid_credentials", 2),
        ("rejected", "account_locked", 1),
        ("unknown", "connection_refused", 1),
    ]


def test_each_journey_is_counted_apart() -> None:
    told = Told()
    told.accepted()
    told.accepted(journey="verify")
    told.rejected("token_expired", journey="verify")
    assert told.board.journeys() == ("login", "verify")
    assert told.board.counted(("login",)).attempts_count == 1
    assert told.board.counted(("verify",)).attempts_count == 2
    assert told.board.counted(told.board.journeys()).attempts_count == 3
    assert told.board.counted(("register",)).attempts_count == 0


def test_after_fifteen_minutes_it_is_forgotten() -> None:
    told = Told()
    told.accepted()
    told.clock.advance(WINDOW_S - STEP_S)
    assert told.board.counted(("login",)).attempts_count == 1
    told.clock.advance(STEP_S)
    assert told.board.counted(("login",)).attempts_count == 0
    assert told.board.journeys() == ()


def test_however_long_it_runs_it_keeps_no_more_than_fifteen_minutes() -> None:
    told = Told()
    for _ in range(3 * STEPS_COUNT):
        told.accepted()
        told.clock.advance(STEP_S)
    assert told.board.counted(("login",)).attempts_count == STEPS_COUNT - 1
    assert len(told.board._tally) == STEPS_COUNT


def test_the_series_has_a_place_for_every_step_and_attempts_in_theirs() -> None:
    told = Told()
    told.accepted()
    told.clock.advance(7 * STEP_S)
    told.rejected()
    told.failed("dns_error")
    series = told.board.series(("login",))
    assert len(series) == STEPS_COUNT
    times = [at for at, _ in series]
    assert [later - earlier for earlier, later in pairwise(times)] == [STEP_S] * (STEPS_COUNT - 1)
    assert abs(times[-1] - told.clock.wall_s()) <= STEP_S
    assert series[-8][1].accepted == 1
    assert (series[-1][1].rejected, series[-1][1].unknown) == (1, 1)
    assert sum(each.attempts_count for _, each in series) == 3
    assert series[0][1].p50_s is None


def test_however_it_is_asked_and_when_it_says_the_same() -> None:
    told, rand = Told(), Random(7)  # noqa: S311 - examples, the same every time
    for _ in range(600):
        for _ in range(rand.randrange(4)):
            rand.choice((told.accepted, told.rejected, lambda: told.failed("dns_error")))()
        told.clock.advance(rand.choice((1.0, 4.0, 7.0, 60.0)))
        steps = [each for _, each in told.board.series(("login",))]
        whole = told.board.counted(("login",))
        for member in ("accepted", "rejected", "unknown"):
            assert sum(getattr(each, member) for each in steps) == getattr(whole, member)
        codes = {code: count for _, code, count in told.board.codes(("login",))}
        assert codes.get("dns_error", 0) == whole.unknown
        assert codes.get("invalid_credentials", 0) == whole.rejected
        assert ("login" in told.board.journeys()) == (whole.attempts_count > 0)
    assert sum(each.attempts_count for _, each in told.board.series(("verify",))) == 0, "others are counted apart"


@pytest.mark.parametrize("elapsed_s", [0.000_5, 0.012, 0.25, 1.0, 4.9, 30.0])
def test_latencies_are_told_within_a_tenth(elapsed_s: float) -> None:
    told = Told()
    told.accepted(elapsed_s)
    for quantile in told.board.counted(("login",))[3:]:
        assert quantile == pytest.approx(elapsed_s, rel=0.1)


def test_percentiles_are_those_of_all_attempts() -> None:
    told = Told()
    for number in range(1, 101):
        told.accepted(number / 100)
    counted = told.board.counted(("login",))
    assert counted.p50_s == pytest.approx(0.50, rel=0.1)
    assert counted.p95_s == pytest.approx(0.95, rel=0.1)
    assert counted.p99_s == pytest.approx(0.99, rel=0.1)


@pytest.mark.parametrize("elapsed_s", [0.0, -1.0, 1e-12, 1e9])
def test_no_latency_is_too_odd_to_be_counted(elapsed_s: float) -> None:
    told = Told()
    told.accepted(elapsed_s)
    assert told.board.counted(("login",)).accepted == 1


def test_the_newest_try_of_each_operation_is_remembered_with_when_it_began_to_be_so() -> None:
    told = Told()
    told.tried("login", "connection_refused", "unknown")
    began_s = told.clock.now_s()
    told.clock.advance(3.0)
    told.tried("login", "connection_refused", "unknown")
    told.tried("health")
    seen = told.board.tries["login"]
    assert (seen.code, seen.since_s, seen.at_s) == ("connection_refused", began_s, began_s + 3.0)
    told.clock.advance(1.0)
    told.tried("login", "invalid_credentials", "rejected")
    assert (seen.code, seen.since_s) == (None, began_s + 4.0), "a refusal is a healthy answer"
    assert told.board.tries["health"].code is None


def test_only_a_probe_that_failed_before_says_that_it_is_over() -> None:
    told = Told()
    told.tried("health")
    assert told.board.recovered_at_s == 0.0
    told.tried("health", "connection_refused", "unknown")
    told.clock.advance(2.0)
    told.tried("health")
    assert told.board.recovered_at_s == told.clock.now_s()


def test_an_attempt_that_was_kept_out_is_remembered_until_one_gets_through() -> None:
    told = Told()
    told.failed("connection_limit_reached", tried=())
    assert told.kept_out() == "connection_limit_reached"
    told.accepted()
    assert told.kept_out() is None
    told.board(Crashed("id", "KeyError", ()))
    assert told.kept_out() == "internal_error"


def test_where_the_time_went_is_told_by_the_median_also_when_connections_are_kept() -> None:
    told = Told()
    assert told.board.spent_s() == Spent()
    told.tried("health", spent=Spent(0.002, 0.003, 0.030, 0.010, 0.001))
    for _ in range(500):
        told.tried("login", spent=Spent(None, None, None, 0.020, 0.001))
    assert told.board.spent_s() == Spent(0.002, 0.003, 0.030, 0.020, 0.001)
    told.accepted(0.011)
    assert told.board.own_s() == pytest.approx(0.001)


def test_whoever_joins_an_exchange_of_another_says_nothing_of_what_the_gateway_takes() -> None:
    told = Told()
    told.accepted(TRIED[0].elapsed_s / 2, "me")
    assert told.board.own_s() is None


def test_turns_of_circuits_are_kept_up_to_a_hundred() -> None:
    told = Told()
    for number in range(HISTORY_COUNT + 5):
        told.board(CircuitChanged("login", Circuit("open", "dns_error", float(number), 0, 0)))
    assert len(told.board.circuits) == HISTORY_COUNT
    newest = told.board.circuits[-1]
    assert (newest.what, newest.now, newest.code, newest.at) == ("login", "open", "dns_error", told.clock.wall_s())


def test_what_changed_is_kept_with_what_was_before() -> None:
    told = Told()
    told.board(Changed("service_secret", "aaaa1111"))
    told.board(Changed("service_secret", "bbbb2222", "aaaa1111"))
    told.board(HandshakeEnded("id", "accepted", None, None, 0.1))
    told.board(HandshakeEnded("id", "refused", "service_credentials_rejected", "answered", 0.1))
    told.board(KeysChanged(("k1",)))
    told.board(KeysChanged(("k1", "k2")))
    told.board(RevocationFeed("up"))
    told.board(RevocationFeed("down", "dns_error"))
    assert [each[1:] for each in told.board.changes] == [
        ("service_secret", "aaaa1111", None, None),
        ("service_secret", "bbbb2222", "aaaa1111", None),
        ("handshake", "accepted", None, None),
        ("handshake", "refused", "accepted", "service_credentials_rejected"),
        ("keys", "k1", None, None),
        ("keys", "k1, k2", "k1", None),
        ("revocation_feed", "up", None, None),
        ("revocation_feed", "down", "up", "dns_error"),
    ]


def test_facts_of_the_newest_failure_of_a_kind_are_kept_for_its_sentences() -> None:
    told = Told()
    told.failed("connection_refused", {"port": "1"})
    told.board(ConnectivityChecked("id", "connection_refused", "never_sent", 0.1, changed=True, facts={"port": "2"}))
    told.board(ConnectivityChecked("id", None, None, 0.1, changed=True))
    assert told.board.facts == {"connection_refused": {"port": "2"}}


def test_listeners_addresses_are_kept_and_other_stages_forget_none() -> None:
    told = Told()
    told.board(Stage("started", (("public", "http://127.0.0.1:8000"),)))
    told.board(Stage("draining"))
    assert told.board.addresses == {"public": "http://127.0.0.1:8000"}


def test_bygones_are_bygones_once_somebody_says_so() -> None:
    told = Told()
    told.tried("login", "dns_error", "unknown")
    told.tried("health")
    told.failed("draining", tried=())
    told.board.forget_failures()
    assert list(told.board.tries) == ["health"]
    assert told.board.kept_out is None
    assert told.board.counted(("login",)).unknown == 1, "what happened has happened"


@pytest.mark.parametrize(
    "event",
    [
        Stage("started"),
        ConfigurationProblem(Finding(Severity.WARNING, "code", "subject", "what", "why", "fix")),
        RevocationFeed("up"),
    ],
    ids=["stage", "finding", "feed"],
)
def test_every_event_is_a_reason_to_look_again(event: Any) -> None:
    told = Told()
    before = told.board.revision
    told.board(event)
    assert told.board.revision == before + 1


def test_what_an_issuer_publishes_is_kept_in_part_only() -> None:
    told = Told()
    told.board(KeysChanged(tuple("k" * 250 + str(number) for number in range(100))))
    told.board(KeysChanged(("k1",)))
    assert [len(each.now) for each in told.board.changes] == [200, 2]
    assert (told.board.changes[1].before or "")[-1] == "…"
