"""Advice about budgets: what it says, from what it says it, and when it holds its tongue.

It must never be given a quantile that no board has counted, where a board can count it.
"""

from typing import Any

import pytest

from netra.core.events import AttemptEnded
from netra.core.findings import Finding, Severity
from netra.core.verdict.causes import TABLE, Phase
from netra.core.verdict.outcomes import UNTIMED, Accepted, Outcome, Spent, Tried, unknown
from netra.observe.board import Board
from netra.observe.latency import (
    FEW_COUNT,
    MANY_COUNT,
    Budgets,
    Latency,
    advice,
    latencies,
    parts,
    rounded_up,
)
from netra.observe.metrics.definitions import NEAR_BUDGET_RATIO
from netra.observe.tally import STEP_S, STEPS_COUNT
from netra.testing.fakes import FakeClock

USUAL = Budgets(login_s=5.0, token_s=2.0, connect_s=1.0, tries=1)


def tried(wait_s: float, number: int = 1, spent: Spent = UNTIMED) -> Tried:
    """One try that waited so long for its answer."""
    asked = spent._replace(wait_s=wait_s)
    return Tried(number, Phase.ANSWERED, "ok", sum(each for each in asked if each is not None), asked)


class Told:
    """A board, and attempts in short."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.board = Board(self.clock.now_s, self.clock.wall_s)

    def attempts(self, count: int, elapsed_s: float, journey: str = "login", *tries: Tried) -> None:
        """So many that took so long."""
        for _ in range(count):
            self._tell(journey, Accepted(None, tries or (tried(elapsed_s),)), elapsed_s)

    def failures(self, count: int, elapsed_s: float) -> None:
        """So many that were given up."""
        for _ in range(count):
            self._tell("login", unknown(TABLE["response_timeout"])._replace(tried=(tried(elapsed_s),)), elapsed_s)

    def _tell(self, journey: str, outcome: Outcome[Any], elapsed_s: float) -> None:
        self.board(AttemptEnded(journey, "request-1", outcome, elapsed_s))

    def latency(self, budgets: Budgets = USUAL, what: str = "login") -> Latency:
        """What was measured of logins, or of something else."""
        (found,) = (each for each in latencies(self.board, budgets) if each.what == what)
        return found

    def advice(self, budgets: Budgets = USUAL, what: str = "login") -> Finding | None:
        """What it asks for."""
        return advice(self.latency(budgets, what), budgets)


def test_of_nobody_nothing_is_told() -> None:
    assert latencies(Told().board, USUAL) == ()


def test_the_line_names_the_share_the_time_the_budget_and_the_setting() -> None:
    told = Told()
    told.attempts(990, 0.1)
    told.attempts(20, 1.2)
    latency = told.latency()
    assert latency.ratio == pytest.approx(0.24, rel=0.1)
    assert latency.text.startswith("p99 is 25 % of the budget: one login in a hundred takes 1.2 s of the 5 s of ")
    assert "NETRA_LOGIN_BUDGET_S (1,010 logins in 15 minutes)" in latency.text
    assert told.advice() is None


def test_of_fewer_than_a_hundred_it_is_the_slowest_one_that_is_spoken_of() -> None:
    told = Told()
    told.attempts(1, 0.1)
    assert "the slowest one takes 100 ms of the 5 s of NETRA_LOGIN_BUDGET_S (1 login in" in told.latency().text


def test_near_its_budget_the_number_to_set_is_named_and_where_the_time_goes() -> None:
    told = Told()
    told.attempts(500, 0.2)
    told.attempts(10, 4.2)
    found = told.advice()
    assert found is not None
    assert (found.severity, found.code, found.subject) == (
        Severity.WARNING, "budget_nearly_used", "NETRA_LOGIN_BUDGET_S",
    )  # fmt: skip
    assert found.what.startswith("is 5 s and nearly used up: one login in a hundred takes 4.")
    assert "504 `response_timeout`" in found.why
    assert "100 % went into waiting for the auth service to answer" in found.why
    assert "a password hash" in found.fix
    assert found.fix.endswith("if it has to take so long, set NETRA_LOGIN_BUDGET_S=10.")


@pytest.mark.parametrize(
    ("budget_s", "slow_s", "number"), [(0.5, 0.45, "1"), (1.5, 1.3, "3"), (0.3, 0.25, "0.6"), (3.0, 2.6, "6")]
)
def test_whatever_the_budget_is_the_number_leaves_room_for_twice_as_long(
    budget_s: float, slow_s: float, number: str
) -> None:
    told = Told()
    told.attempts(200, slow_s)
    found = told.advice(USUAL._replace(login_s=budget_s))
    assert found is not None
    assert found.fix.endswith(f"set NETRA_LOGIN_BUDGET_S={number}.")


def test_what_is_cut_off_is_not_taken_for_what_it_would_take() -> None:
    told = Told()
    told.attempts(95, 0.2)
    told.failures(5, 5.002)
    found = told.advice()
    assert found is not None
    assert "is 5 s and used up: one login in a hundred takes all of it (100 logins" in found.what
    assert "takes all of the 5 s of NETRA_LOGIN_BUDGET_S" in told.latency().text
    assert "nobody knows how long they would take: NETRA_LOGIN_BUDGET_S=10 shows it" in found.fix
    assert told.latency().ratio <= 1


def test_whoever_was_judged_in_the_last_moment_was_not_given_up() -> None:
    told = Told()
    told.attempts(30, 1.92)
    found = told.advice(USUAL._replace(login_s=2.0))
    assert found is not None
    assert "is 2 s and nearly used up: the slowest one takes 1.9 s (30 logins" in found.what
    assert found.why.startswith("A little more load, and they are given up")
    assert "if it has to take so long, set NETRA_LOGIN_BUDGET_S=4." in found.fix


def test_more_than_can_be_set_is_not_advised() -> None:
    told = Told()
    told.attempts(200, 57.0)
    found = told.advice(USUAL._replace(login_s=60.0))
    assert found is not None
    assert found.fix.endswith("more than NETRA_LOGIN_BUDGET_S=60 cannot be had.")


def test_in_an_outage_no_budget_is_advised() -> None:
    told = Told()
    told.attempts(40, 0.2)
    told.failures(60, 5.002)
    assert told.advice() is None


@pytest.mark.parametrize(("count", "advised"), [(FEW_COUNT - 1, False), (FEW_COUNT, True)])
def test_of_a_few_nothing_is_concluded(count: int, advised: bool) -> None:
    told = Told()
    told.attempts(count, 4.5)
    assert (told.advice() is not None) is advised


@pytest.mark.parametrize(("ratio", "advised"), [(NEAR_BUDGET_RATIO - 0.06, False), (NEAR_BUDGET_RATIO + 0.06, True)])
def test_from_four_fifths_on_a_budget_is_nearly_used_up(ratio: float, advised: bool) -> None:
    told = Told()
    told.attempts(100, ratio * USUAL.login_s)
    assert (told.advice() is not None) is advised


def test_thousands_of_quick_logins_may_have_a_shorter_budget_and_the_number_is_named() -> None:
    told = Told()
    told.attempts(MANY_COUNT, 0.06)
    found = told.advice()
    assert found is not None
    assert (found.severity, found.code) == (Severity.NOTE, "budget_generous")
    assert "NETRA_LOGIN_BUDGET_S=1.5 would do, and not less" in found.fix
    assert found.fix.startswith("Nothing has to be done")


@pytest.mark.parametrize(
    "why", ["too few", "one was given up", "a connection may take as long", "tries have to fit", "not that quick"]
)
def test_no_shorter_budget_is_advised_when(why: str) -> None:
    told, budgets = Told(), USUAL
    told.attempts(MANY_COUNT - 1 if why == "too few" else MANY_COUNT, 0.3 if why == "not that quick" else 0.01)
    if why == "one was given up":
        told.failures(1, 5.0)
    if why == "a connection may take as long":
        budgets = USUAL._replace(connect_s=2.0)
    if why == "tries have to fit":
        budgets = USUAL._replace(tries=3)
    assert told.advice(budgets) is None


def test_token_checks_are_measured_by_their_own_budget() -> None:
    told = Told()
    told.attempts(100, 0.1)
    told.attempts(60, 1.9, "verify")
    told.attempts(60, 1.9, "me")
    found = told.advice(what="token check")
    assert found is not None
    assert found.subject == "NETRA_TOKEN_BUDGET_S"
    assert "120 token checks" in found.what
    assert told.advice() is None


@pytest.mark.parametrize("slow", ["dns", "connect", "tls", "wait", "read"])
def test_the_time_of_the_slow_ones_is_told_not_that_of_most(slow: str) -> None:
    told = Told()
    told.attempts(500, 0.2)
    told.clock.advance(STEP_S)
    told.attempts(10, 4.1, "login", tried(0.1, spent=Spent(**{f"{slow}_s": 4.0})) if slow != "wait" else tried(4.1))
    (most, ratio), *_ = told.latency().parts.items()
    assert most == slow
    assert ratio > 0.9


def test_a_wait_for_a_place_and_waits_between_tries_are_told_apart() -> None:
    queued = Tried(1, Phase.ANSWERED, "ok", 4.0, Spent(wait_s=0.5))
    assert next(iter(parts([(4.0, (queued,))], 4.0))) == "slot"
    again = (tried(0.5), tried(0.5, 2))
    assert next(iter(parts([(4.0, again)], 4.0))) == "tries"


def test_of_what_came_late_to_a_question_under_way_no_part_is_less_than_nothing() -> None:
    shares = parts([(0.5, (tried(2.0),))], 0.5)
    assert shares == {"wait": 1.0}


def test_of_attempts_that_asked_nobody_no_part_is_told() -> None:
    told = Told()
    told.attempts(100, 0.0001, "verify", Tried(1, Phase.ANSWERED, "ok", 0.0))
    assert parts([(0.001, ())], 0.001) == {}
    assert told.latency(what="token check").parts == {"tries": 1.0}


def test_after_fifteen_minutes_the_slowest_is_forgotten() -> None:
    told = Told()
    told.attempts(100, 4.5)
    told.clock.advance(STEP_S * STEPS_COUNT)
    told.attempts(100, 0.1)
    assert told.board.slowest(("login",)) == [(0.1, (tried(0.1),))]
    assert told.advice() is None


@pytest.mark.parametrize(
    ("value_s", "number_s"), [(0.31, 0.4), (0.3, 0.3), (8.4, 10), (1.0, 1), (59, 60), (200, 60), (0.0, 1.0)]
)
def test_numbers_are_such_as_people_set(value_s: float, number_s: float) -> None:
    assert rounded_up(value_s) == number_s
