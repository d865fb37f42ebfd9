"""One deadline: what is left of it is never negative, and never grows."""

from hypothesis import given
from hypothesis import strategies as st

from netra.core.pace.deadline import Deadline
from tests.core.support import quick

instants = st.floats(0, 1e9)


def test_what_is_left_runs_out_at_the_deadline() -> None:
    deadline = Deadline(at_s=105.0, budget_s=5.0)
    assert [deadline.left_s(now_s) for now_s in (100.0, 104.5, 105.0, 200.0)] == [5.0, 0.5, 0.0, 0.0]


@quick
@given(instants, instants, instants)
def test_later_there_is_never_more_left_and_never_less_than_nothing(at_s: float, one: float, other: float) -> None:
    deadline = Deadline(at_s, 5.0)
    assert deadline.left_s(max(one, other)) <= deadline.left_s(min(one, other))
    assert deadline.left_s(one) >= 0.0
