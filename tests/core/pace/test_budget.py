"""The retry budget: a tenth of the calls and three a second, in whatever order calls and failures come."""

from hypothesis import given
from hypothesis import strategies as st

from netra.core.pace.budget import BURST, FLOOR_PER_S, RATIO, RetryBudget
from tests.core.support import quick

ROUNDING = 1e-6
steps = st.lists(
    st.tuples(st.integers(-40, 40).map(lambda tenths: tenths / 10), st.sampled_from(["call", "retry", "retry"])),
    max_size=40,
)


def spent_at(budget: RetryBudget, now_s: float) -> bool:
    """Make a retry if there is room for it."""
    allowed = budget.allows(now_s)
    if allowed:
        budget.spend()
    return allowed


def burst(budget: RetryBudget, now_s: float) -> int:
    """How many retries there is room for at one instant."""
    count = 0
    while spent_at(budget, now_s):
        count += 1
    return count


def test_the_budget_is_a_tenth_of_the_load_and_three_a_second() -> None:
    assert (RATIO, FLOOR_PER_S, BURST) == (0.1, 3.0, 10.0)


@quick
@given(steps)
def test_no_schedule_gets_more_than_a_tenth_of_the_calls_and_three_a_second(schedule: list[tuple[float, str]]) -> None:
    budget, now_s, latest_s, calls, retries = RetryBudget(1000.0), 1000.0, 1000.0, 0, 0
    for step_s, wish in schedule:
        now_s += step_s
        latest_s = max(latest_s, now_s)
        if wish == "call":
            budget.called(now_s)
            calls += 1
        else:
            retries += spent_at(budget, now_s)
        assert retries <= FLOOR_PER_S + RATIO * calls + FLOOR_PER_S * (latest_s - 1000.0) + ROUNDING


@quick
@given(steps)
def test_at_one_instant_there_is_never_room_for_more_than_what_can_be_saved_up(
    schedule: list[tuple[float, str]],
) -> None:
    budget, now_s = RetryBudget(0.0), 0.0
    for step_s, wish in schedule:
        now_s += step_s
        if wish == "call":
            budget.called(now_s)
    assert burst(budget, now_s) <= BURST


@quick
@given(steps, st.floats(0, 5))
def test_a_clock_that_goes_back_gives_nothing_and_takes_nothing(
    schedule: list[tuple[float, str]], back_s: float
) -> None:
    straight, bent, now_s = RetryBudget(0.0), RetryBudget(0.0), 0.0
    for step_s, wish in schedule:
        now_s += abs(step_s)
        bent.allows(now_s)
        bent.allows(now_s - back_s)
        for budget in (straight, bent):
            if wish == "call":
                budget.called(now_s)
        assert spent_at(straight, now_s) == spent_at(bent, now_s)


def test_a_gateway_that_has_just_started_may_retry_three_times() -> None:
    assert burst(RetryBudget(50.0), 50.0) == 3


def test_an_empty_budget_has_room_again_a_third_of_a_second_later() -> None:
    budget = RetryBudget(0.0)
    burst(budget, 0.0)
    assert not budget.allows(0.3)
    assert budget.allows(0.34)


def test_ten_calls_earn_one_retry_and_nine_do_not() -> None:
    budget = RetryBudget(0.0)
    burst(budget, 0.0)
    for _ in range(9):
        budget.called(0.0)
    assert not budget.allows(0.0)
    budget.called(0.0)
    budget.called(0.0)
    assert burst(budget, 0.0) == 1


def test_neither_a_quiet_night_nor_a_busy_day_saves_up_more_than_ten() -> None:
    quiet, busy = RetryBudget(0.0), RetryBudget(0.0)
    for _ in range(1000):
        busy.called(0.0)
    assert burst(quiet, 86_400.0) == 10
    assert burst(busy, 0.0) == 10


def test_asking_whether_there_is_room_takes_none() -> None:
    budget = RetryBudget(0.0)
    assert all(budget.allows(0.0) for _ in range(100))
    assert burst(budget, 0.0) == 3
