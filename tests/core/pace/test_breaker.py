"""The circuit breaker: it opens for evidence alone, lets one call through at a time, and always closes again."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netra.core.pace.breaker import MAX_OPEN_S, MIN_CALLS_COUNT, REFUSED, TRIALS_COUNT, Breaker, Circuit
from netra.core.pace.window import SPAN_S
from netra.core.verdict.causes import TABLE
from netra.core.verdict.outcomes import Accepted, Outcome, Rejected, unknown
from tests.core.support import quick

OPEN_S = 5.0
START_S = 1000.0
GOOD: Outcome[Any] = Accepted("a session")
WRONG_PASSWORD: Outcome[Any] = Rejected(TABLE["invalid_credentials"])
LATE = unknown(TABLE["response_timeout"])
RESET = unknown(TABLE["connection_terminated"])
WRONG_SECRET = unknown(TABLE["service_credentials_rejected"])
OURS = unknown(TABLE["local_resource_exhausted"])
SHED = unknown(TABLE["auth_service_unavailable"])._replace(counts=False)


def calls(breaker: Breaker, outcome: Outcome[Any], count: int, now_s: float = START_S, rand: float = 0.5) -> None:
    """So many calls that end like this, one after another."""
    for _ in range(count):
        permit = breaker.admit(now_s)
        assert permit != REFUSED
        breaker.settle(permit, outcome, now_s, rand)


def opened(now_s: float = START_S, rand: float = 0.5) -> Breaker:
    """A breaker that has just opened for the first time."""
    breaker = Breaker(OPEN_S)
    calls(breaker, LATE, MIN_CALLS_COUNT, now_s, rand)
    assert breaker.state == "open"
    return breaker


def test_twenty_calls_in_ten_seconds_of_which_half_fail_open_it() -> None:
    assert (MIN_CALLS_COUNT, SPAN_S) == (20, 10)
    breaker = Breaker(OPEN_S)
    calls(breaker, GOOD, 10)
    calls(breaker, LATE, 9)
    assert breaker.state == "closed"
    calls(breaker, LATE, 1)
    assert breaker.seen(START_S).state == "open"


def test_nineteen_failures_leave_it_closed() -> None:
    breaker = Breaker(OPEN_S)
    calls(breaker, LATE, MIN_CALLS_COUNT - 1)
    assert breaker.state == "closed"


def test_fewer_failures_than_successes_leave_it_closed_at_any_load() -> None:
    breaker = Breaker(OPEN_S)
    for number in range(1000):
        calls(breaker, GOOD, 11, START_S + number / 10)
        calls(breaker, LATE, 10, START_S + number / 10)
    assert breaker.state == "closed"


def test_a_closed_circuit_names_no_failure_that_has_left_the_window() -> None:
    breaker = Breaker(OPEN_S)
    calls(breaker, LATE, 1)
    assert breaker.seen(START_S).code == "response_timeout"
    assert breaker.seen(START_S + SPAN_S).code is None


def test_failures_older_than_the_window_are_forgotten() -> None:
    breaker = Breaker(OPEN_S)
    calls(breaker, LATE, MIN_CALLS_COUNT - 1, START_S)
    calls(breaker, LATE, MIN_CALLS_COUNT - 1, START_S + SPAN_S)
    assert breaker.state == "closed"
    assert breaker.seen(START_S + SPAN_S).calls_count == MIN_CALLS_COUNT - 1


@pytest.mark.parametrize("outcome", [WRONG_PASSWORD, WRONG_SECRET, OURS, SHED, GOOD])
def test_what_is_no_evidence_never_opens_it(outcome: Outcome[Any]) -> None:
    breaker = Breaker(OPEN_S)
    calls(breaker, outcome, 1000)
    assert breaker.state == "closed"
    assert breaker.seen(START_S).code is None


def test_what_is_no_evidence_is_no_success_either() -> None:
    breaker = Breaker(OPEN_S)
    calls(breaker, WRONG_SECRET, 100)
    calls(breaker, LATE, MIN_CALLS_COUNT)
    assert breaker.state == "open", "a hundred replies about our own secret have not diluted twenty failures"


def test_a_wrong_password_is_a_success() -> None:
    breaker = Breaker(OPEN_S)
    calls(breaker, WRONG_PASSWORD, MIN_CALLS_COUNT + 1)
    calls(breaker, LATE, MIN_CALLS_COUNT)
    assert breaker.state == "closed"


def test_an_infinite_minimum_of_calls_means_never() -> None:
    breaker = Breaker(OPEN_S, min_calls_count=float("inf"))
    calls(breaker, LATE, 1000)
    assert breaker.state == "closed"


@pytest.mark.parametrize(("rand", "open_s"), [(0.0, 4.0), (0.5, 5.0), (1.0, 6.0)])
def test_it_is_open_for_its_time_give_or_take_a_fifth(rand: float, open_s: float) -> None:
    breaker = opened(rand=rand)
    assert breaker.seen(START_S).next_try_in_s == pytest.approx(open_s)
    assert breaker.refuses(START_S + open_s - 0.01)
    assert breaker.admit(START_S + open_s - 0.01) == REFUSED
    assert not breaker.refuses(START_S + open_s + 0.01)
    assert breaker.admit(START_S + open_s + 0.01) != REFUSED
    assert breaker.state == "half_open"


def test_asking_whether_it_refuses_changes_nothing() -> None:
    breaker = opened()
    assert not breaker.refuses(START_S + 60.0)
    assert breaker.state == "open"


def test_whether_it_refuses_is_a_plain_yes_or_no() -> None:
    breaker, now_s = opened(), START_S + 6.1
    assert (breaker.refuses(START_S), breaker.refuses(now_s)) == (True, False)
    permit = breaker.admit(now_s)
    assert breaker.refuses(now_s) is True
    breaker.give_back(permit)
    assert breaker.refuses(now_s) is False
    breaker.settle(breaker.admit(now_s), GOOD, now_s, 0.5)
    assert breaker.refuses(now_s) is False


@pytest.mark.parametrize("now_s", [-1000.0, 0.0, 1e9])
def test_a_closed_circuit_lets_everything_through_wherever_the_clock_begins(now_s: float) -> None:
    breaker = Breaker(OPEN_S)
    for _ in range(3):
        assert not breaker.refuses(now_s)
        assert breaker.admit(now_s) != REFUSED


def test_half_open_lets_one_call_through_at_a_time() -> None:
    breaker, now_s = opened(), START_S + 6.1
    permit = breaker.admit(now_s)
    assert breaker.refuses(now_s)
    assert [breaker.admit(now_s) for _ in range(5)] == [REFUSED] * 5
    breaker.settle(permit, GOOD, now_s, 0.5)
    assert breaker.admit(now_s) == permit, "the next one, in the same era"


def test_three_successes_in_a_row_close_it() -> None:
    breaker, now_s = opened(), START_S + 6.1
    calls(breaker, GOOD, TRIALS_COUNT - 1, now_s)
    assert breaker.state == "half_open"
    calls(breaker, WRONG_PASSWORD, 1, now_s)
    assert (TRIALS_COUNT, breaker.seen(now_s)) == (3, Circuit("closed", None, 0.0, 0, 0))


def test_a_closed_circuit_has_forgotten_what_opened_it() -> None:
    breaker, now_s = opened(), START_S + 6.1
    calls(breaker, GOOD, TRIALS_COUNT, now_s)
    calls(breaker, LATE, MIN_CALLS_COUNT - 1, now_s)
    assert breaker.state == "closed"
    calls(breaker, LATE, 1, now_s)
    assert breaker.seen(now_s).next_try_in_s == pytest.approx(OPEN_S), "and begins with the shortest time again"


def test_each_failed_trial_doubles_the_time_up_to_a_minute() -> None:
    breaker, now_s = opened(), START_S
    waits_s = [breaker.seen(now_s).next_try_in_s]
    for _ in range(6):
        now_s += waits_s[-1]
        calls(breaker, RESET, 1, now_s)
        waits_s.append(breaker.seen(now_s).next_try_in_s)
    assert waits_s == pytest.approx([5, 10, 20, 40, 60, 60, 60])
    assert breaker.seen(now_s).code == "connection_terminated"


@quick
@given(st.integers(0, 2000), st.floats(0, 1, exclude_max=True), st.floats(0.1, MAX_OPEN_S))
def test_no_number_of_failed_trials_keeps_it_open_for_more_than_a_minute(
    trials: int, rand: float, open_s: float
) -> None:
    breaker, now_s = Breaker(open_s), START_S
    calls(breaker, LATE, MIN_CALLS_COUNT, now_s, rand)
    for _ in range(trials):
        now_s += breaker.seen(now_s).next_try_in_s
        calls(breaker, LATE, 1, now_s, rand)
    assert 0 < breaker.seen(now_s).next_try_in_s <= MAX_OPEN_S


def test_what_is_no_evidence_decides_nothing_while_it_is_half_open() -> None:
    breaker, now_s = opened(), START_S + 6.1
    calls(breaker, WRONG_SECRET, 100, now_s)
    assert breaker.state == "half_open"
    assert breaker.seen(now_s).code == "service_credentials_rejected", "whoever is kept out is told why it still is"
    calls(breaker, GOOD, TRIALS_COUNT, now_s)
    assert breaker.seen(now_s).state == "closed"


def test_a_cancelled_trial_makes_room_for_the_next_and_teaches_nothing() -> None:
    breaker, now_s = opened(), START_S + 6.1
    before = breaker.admit(now_s)
    breaker.give_back(before)
    assert breaker.state == "half_open"
    calls(breaker, GOOD, TRIALS_COUNT, now_s)
    assert breaker.seen(now_s).state == "closed"


def test_a_cancelled_call_is_not_counted() -> None:
    breaker = Breaker(OPEN_S)
    for _ in range(100):
        breaker.give_back(breaker.admit(START_S))
    assert breaker.seen(START_S) == Circuit("closed", None, 0.0, 0, 0)


@pytest.mark.parametrize("late", [GOOD, LATE])
def test_a_result_of_an_earlier_era_is_ignored(late: Outcome[Any]) -> None:
    breaker = Breaker(OPEN_S)
    old = breaker.admit(START_S)
    calls(breaker, LATE, MIN_CALLS_COUNT)
    now_s = START_S + 6.1
    trial = breaker.admit(now_s)
    for _ in range(10):
        breaker.settle(old, late, now_s, 0.5)
        breaker.give_back(old)
    assert breaker.state == "half_open"
    assert breaker.refuses(now_s), "the trial is still under way"
    breaker.settle(trial, GOOD, now_s, 0.5)
    assert not breaker.refuses(now_s)


def test_a_probe_that_sees_it_come_back_ends_the_wait_but_closes_nothing() -> None:
    breaker = opened()
    breaker.recovered(START_S + 1.0)
    assert breaker.state == "open"
    calls(breaker, GOOD, 1, START_S + 1.0)
    assert breaker.seen(START_S + 1.0).state == "half_open"


def test_a_probe_never_makes_a_wait_longer_by_good_news() -> None:
    breaker = opened()
    breaker.recovered(START_S + 1.0)
    breaker.recovered(START_S + 4.0)
    assert not breaker.refuses(START_S + 1.0)


def test_a_probe_that_sees_it_down_prolongs_the_wait_to_a_minute_at_most() -> None:
    breaker, now_s = opened(), START_S
    for _ in range(100):
        now_s += 1.0
        breaker.still_down(now_s, 0.5)
        if now_s < START_S + MAX_OPEN_S:
            assert breaker.refuses(now_s)
    assert not breaker.refuses(START_S + MAX_OPEN_S)


def test_bad_news_never_makes_a_wait_shorter() -> None:
    breaker, now_s = opened(), START_S
    for _ in range(3):
        now_s += breaker.seen(now_s).next_try_in_s
        calls(breaker, LATE, 1, now_s)
    before_s = breaker.seen(now_s).next_try_in_s
    breaker.still_down(now_s, 0.0)
    assert breaker.seen(now_s).next_try_in_s == before_s


def test_news_from_elsewhere_means_nothing_to_a_closed_circuit() -> None:
    breaker = Breaker(OPEN_S)
    breaker.still_down(START_S, 0.5)
    breaker.recovered(START_S)
    assert breaker.seen(START_S) == Circuit("closed", None, 0.0, 0, 0)
    assert not breaker.refuses(START_S)


def test_retry_after_is_the_time_to_the_next_trial_and_at_least_a_second() -> None:
    breaker = opened()
    assert [breaker.seen(START_S + passed_s).retry_after_s for passed_s in (0.0, 0.1, 3.9, 4.9, 5.5)] == [5, 5, 2, 1, 1]


def test_the_time_to_the_next_trial_runs_down_to_nothing() -> None:
    breaker = opened()
    left_s = [breaker.seen(START_S + passed_s).next_try_in_s for passed_s in (0.0, 4.5, 5.0, 9.0)]
    assert left_s == pytest.approx([5.0, 0.5, 0.0, 0.0])


def test_a_closed_circuit_that_forgets_stays_what_it_is_and_hears_the_calls_under_way() -> None:
    told: list[Circuit] = []
    breaker = Breaker(OPEN_S, told.append)
    calls(breaker, LATE, MIN_CALLS_COUNT - 1)
    permit = breaker.admit(START_S)
    breaker.forget(START_S)
    assert (breaker.seen(START_S), told) == (Circuit("closed", None, 0.0, 0, 0), [])
    breaker.settle(permit, RESET, START_S, 0.5)
    assert breaker.seen(START_S) == Circuit("closed", "connection_terminated", 0.0, 1, 1)


@pytest.mark.parametrize("passed_s", [0.0, 6.1])
def test_a_circuit_that_forgets_begins_anew(passed_s: float) -> None:
    breaker, now_s = opened(), START_S + passed_s
    old = breaker.admit(now_s)
    breaker.forget(now_s)
    assert breaker.seen(now_s) == Circuit("closed", None, 0.0, 0, 0)
    breaker.settle(old, LATE, now_s, 0.5)
    calls(breaker, LATE, MIN_CALLS_COUNT - 1, now_s)
    assert breaker.state == "closed"
    breaker.forget(now_s)
    calls(breaker, LATE, MIN_CALLS_COUNT, now_s)
    assert breaker.seen(now_s).next_try_in_s == pytest.approx(OPEN_S)


def test_every_change_is_told_after_it_has_happened() -> None:
    told: list[Circuit] = []
    breaker = Breaker(OPEN_S, told.append)
    calls(breaker, LATE, MIN_CALLS_COUNT)
    calls(breaker, RESET, 1, START_S + 6.0)
    calls(breaker, GOOD, TRIALS_COUNT, START_S + 20.0)
    assert told == [
        Circuit("open", "response_timeout", 5.0, 20, 20),
        Circuit("half_open", "response_timeout", 0.0, 0, 0),
        Circuit("open", "connection_terminated", 10.0, 0, 0),
        Circuit("half_open", "connection_terminated", 0.0, 0, 0),
        Circuit("closed", None, 0.0, 0, 0),
    ]


def test_news_that_came_during_a_trial_make_its_failure_cost_no_wait() -> None:
    breaker, now_s = opened(), START_S + 6.1
    trial = breaker.admit(now_s)
    breaker.recovered(now_s + 1.0)
    assert breaker.refuses(now_s + 1.0), "still one at a time"
    breaker.settle(trial, LATE, now_s + 5.0, 0.5)
    assert (breaker.state, breaker.refuses(now_s + 5.0)) == ("open", False)
    calls(breaker, GOOD, TRIALS_COUNT, now_s + 5.0)
    assert breaker.state == "closed"


def test_a_trial_that_began_after_the_news_counts_as_ever() -> None:
    breaker, now_s = opened(), START_S + 6.1
    trial = breaker.admit(now_s)
    breaker.recovered(now_s + 1.0)
    breaker.settle(trial, LATE, now_s + 5.0, 0.5)
    calls(breaker, LATE, 1, now_s + 5.0)
    assert breaker.seen(now_s + 5.0).next_try_in_s == pytest.approx(10.0), "the second opening that counts"


@pytest.mark.parametrize("ended", ["cancelled", "well", "of no evidence"])
def test_news_are_of_use_to_the_trial_that_they_came_in_alone(ended: str) -> None:
    breaker, now_s = opened(), START_S + 6.1
    trial = breaker.admit(now_s)
    breaker.recovered(now_s)
    if ended == "cancelled":
        breaker.give_back(trial)
    else:
        breaker.settle(trial, GOOD if ended == "well" else WRONG_SECRET, now_s, 0.5)
    calls(breaker, LATE, 1, now_s)
    assert breaker.seen(now_s).next_try_in_s == pytest.approx(10.0)


def test_bad_news_after_good_news_make_a_trial_count_again() -> None:
    breaker, now_s = opened(), START_S + 6.1
    trial = breaker.admit(now_s)
    breaker.recovered(now_s + 1.0)
    breaker.still_down(now_s + 2.0, 0.5)
    breaker.settle(trial, LATE, now_s + 5.0, 0.5)
    assert breaker.seen(now_s + 5.0).next_try_in_s == pytest.approx(10.0)


def test_news_between_two_trials_are_of_no_use_to_the_next() -> None:
    breaker, now_s = opened(), START_S + 6.1
    calls(breaker, GOOD, 1, now_s)
    breaker.recovered(now_s)
    calls(breaker, LATE, 1, now_s)
    assert breaker.seen(now_s).next_try_in_s == pytest.approx(10.0)
