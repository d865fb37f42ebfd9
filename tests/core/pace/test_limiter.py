"""The limit of calls under way: lowered when the auth service sheds load, and grown back by time."""

from hypothesis import given
from hypothesis import strategies as st

from netra.core.pace.limiter import HOLD_S, REGROWTH_S, Limiter
from tests.core.support import quick


def test_nothing_happens_to_it_while_all_is_well() -> None:
    limit = Limiter(100)
    assert (limit.count(1000.0), limit.lowered) == (100, False)


def test_being_overloaded_leaves_nine_tenths_of_what_was_under_way() -> None:
    limit = Limiter(100)
    limit.overloaded(40, 1000.0)
    assert (limit.count(1000.0), limit.lowered) == (36, True)


def test_one_wave_of_refusals_lowers_it_once() -> None:
    limit = Limiter(100)
    for number in range(40):
        limit.overloaded(40, 1000.0 + number * HOLD_S / 50)
    assert limit.count(1000.0) == 36


def test_each_further_wave_lowers_it_again_down_to_a_tenth() -> None:
    limit, now_s = Limiter(100), 1000.0
    for _ in range(200):
        limit.overloaded(100, now_s)
        now_s += HOLD_S
    assert limit.count(now_s - HOLD_S) == 10


def test_a_lonely_call_that_is_shed_leaves_a_tenth_and_at_least_one() -> None:
    for most, least in [(100, 10), (15, 1), (1, 1)]:
        limit = Limiter(most)
        limit.overloaded(1, 1000.0)
        assert limit.count(1000.0) == least


def test_it_grows_back_evenly_and_to_the_whole() -> None:
    limit = Limiter(100)
    limit.overloaded(40, 1000.0)
    assert [limit.count(1000.0 + passed_s) for passed_s in (2.0, 10.0, REGROWTH_S)] == [46, 86, 100]
    assert not limit.lowered


@quick
@given(st.integers(1, 10_000), st.lists(st.tuples(st.floats(0, 5), st.integers(1, 10_000)), max_size=40))
def test_it_is_never_below_one_nor_above_what_was_set(most: int, waves: list[tuple[float, int]]) -> None:
    limit, now_s = Limiter(most), 1000.0
    for step_s, under_way in waves:
        now_s += step_s
        limit.overloaded(under_way, now_s)
        assert 1 <= limit.count(now_s) <= most
    assert limit.count(now_s + REGROWTH_S) == most
