"""The rolling window: the same counts as a list of all calls would give, in a size that never changes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netra.core.pace.window import SPAN_S, Window
from tests.core.support import quick


@quick
@given(st.lists(st.tuples(st.floats(0, 6) | st.floats(9, 40), st.booleans()), max_size=60), st.floats(0, 5000))
def test_it_counts_what_ended_in_the_last_ten_seconds_by_the_second(
    calls: list[tuple[float, bool]], begin_s: float
) -> None:
    window, now_s, ended = Window(), begin_s, list[tuple[int, bool]]()
    for step_s, failed in calls:
        now_s += step_s
        window.record(now_s, failed=failed)
        ended.append((int(now_s), failed))
        within = [(second, failure) for second, failure in ended if second > int(now_s) - SPAN_S]
        assert window.calls_count == len(within)
        assert window.failures_count == sum(failure for _, failure in within)


@pytest.mark.parametrize("begin_s", [0.0, 0.9, 1.0, 100.5])
def test_time_alone_empties_it(begin_s: float) -> None:
    window = Window()
    window.record(begin_s, failed=True)
    window.roll(int(begin_s) + 9.9)
    assert (window.calls_count, window.failures_count) == (1, 1)
    window.roll(int(begin_s) + 10.0)
    assert (window.calls_count, window.failures_count) == (0, 0)


@pytest.mark.parametrize("pause_s", [10, 11, 19, 20, 1000])
def test_after_a_pause_of_ten_seconds_nothing_is_left_of_a_busy_time(pause_s: int) -> None:
    window = Window()
    for second in range(100, 120):
        window.record(second, failed=True)
    assert window.failures_count == SPAN_S
    window.record(119 + pause_s, failed=False)
    assert (window.calls_count, window.failures_count) == (1, 0)


def test_a_time_before_the_latest_counts_as_the_latest() -> None:
    window = Window()
    window.record(100.0, failed=False)
    window.record(42.0, failed=True)
    window.record(99.5, failed=True)
    assert (window.calls_count, window.failures_count) == (3, 2)
    window.record(100.5, failed=False)
    assert (window.calls_count, window.failures_count) == (4, 2), "none of that second is let go of"


def test_it_can_be_cleared() -> None:
    window = Window()
    window.record(100.0, failed=True)
    window.clear()
    assert (window.calls_count, window.failures_count) == (0, 0)
    window.record(100.0, failed=True)
    assert (window.calls_count, window.failures_count) == (1, 1)
