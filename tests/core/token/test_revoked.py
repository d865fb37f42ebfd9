"""What was revoked stays revoked until its tokens have expired: one contract for every store, and what ours adds to it.

A store of revocations must never be tried on less than this contract: `STORES` names them all.
"""

from collections.abc import Callable
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netra.core.token.revoked import KEPT_S, Revocations, RevocationStore
from netra.core.verdict.operations import MAX_EPOCH_S, Revoked
from tests.core.support import quick

NOW_S: Final = 1_800_000_000.0
SOON: Final = 1_800_000_900
LEEWAY_S: Final = 60
"""How long after its end a token is accepted: clocks differ."""
A_DAY_S: Final = 24 * 3600

STORES: Final[list[Callable[[], RevocationStore]]] = [Revocations]
every_store = pytest.mark.parametrize("make", STORES)


def token(token_id: str, expires_at: int = SOON) -> Revoked:
    """One token alone."""
    return Revoked(token_id, None, expires_at)


def session(session_id: str, expires_at: int = SOON) -> Revoked:
    """A whole session."""
    return Revoked(None, session_id, expires_at)


# --- every store ----------------------------------------------------------------------------------------------------


@every_store
def test_an_empty_store_holds_nobody(make: Callable[[], RevocationStore]) -> None:
    store = make()
    assert not store.holds("t-1", "s-1")
    assert not store.holds(None, None)


@every_store
def test_a_revoked_token_is_known_at_once_and_no_other_of_its_session(make: Callable[[], RevocationStore]) -> None:
    store = make()
    store.add(token("t-1"), NOW_S)
    assert store.holds("t-1", "s-1")
    assert store.holds("t-1", None)
    assert not store.holds("t-2", "s-1")
    assert not store.holds(None, "s-1")


@every_store
def test_a_revoked_session_takes_all_its_tokens_along(make: Callable[[], RevocationStore]) -> None:
    store = make()
    store.add(session("s-1"), NOW_S)
    assert store.holds("t-1", "s-1")
    assert store.holds("t-2", "s-1")
    assert store.holds(None, "s-1")
    assert not store.holds("t-1", "s-2")
    assert not store.holds("t-1", None)


@every_store
def test_a_revocation_of_both_is_one_of_each(make: Callable[[], RevocationStore]) -> None:
    store = make()
    store.add(Revoked("t-1", "s-1", SOON), NOW_S)
    assert store.holds("t-1", None)
    assert store.holds("t-2", "s-1")


@every_store
def test_a_token_and_a_session_of_one_name_are_two_things(make: Callable[[], RevocationStore]) -> None:
    store = make()
    store.add(token("x"), NOW_S)
    assert not store.holds(None, "x")
    store.add(session("y"), NOW_S)
    assert not store.holds("y", None)


@every_store
def test_names_are_compared_as_they_are(make: Callable[[], RevocationStore]) -> None:
    store = make()
    store.add(token("Ab c"), NOW_S)
    assert not any(store.holds(other, None) for other in ("ab c", "Ab c ", "Ab%20c", ""))


@every_store
def test_what_was_revoked_is_known_for_as_long_as_its_tokens_are_accepted(make: Callable[[], RevocationStore]) -> None:
    store = make()
    store.add(session("s-1"), NOW_S)
    for number in range(100):
        store.add(token(f"later-{number}", SOON + A_DAY_S), SOON + LEEWAY_S - 1)
    assert store.holds("t-1", "s-1")


@every_store
def test_what_was_said_twice_is_known_until_the_later_end(make: Callable[[], RevocationStore]) -> None:
    for ends in ([SOON, SOON + A_DAY_S], [SOON + A_DAY_S, SOON]):
        store = make()
        for end in ends:
            store.add(session("s-1", end), NOW_S)
        for number in range(10):
            store.add(token(f"later-{number}", SOON + 2 * A_DAY_S), SOON + A_DAY_S - 1)
        assert store.holds(None, "s-1")


@every_store
def test_a_calendar_that_is_an_hour_ahead_for_a_while_loses_nothing(make: Callable[[], RevocationStore]) -> None:
    store = make()
    store.add(session("s-1", int(NOW_S)), NOW_S)
    for number in range(10):
        store.add(token(f"meanwhile-{number}", int(NOW_S) + A_DAY_S), NOW_S + 3600)
    store.add(session("s-2", int(NOW_S)), NOW_S + 3600)
    assert store.holds(None, "s-1")
    assert store.holds(None, "s-2")


@every_store
@pytest.mark.parametrize("expires_at", [0, 1, MAX_EPOCH_S])
def test_any_end_that_can_be_read_is_understood(make: Callable[[], RevocationStore], expires_at: int) -> None:
    store = make()
    store.add(session("s-1", expires_at), NOW_S)
    assert store.holds(None, "s-1") is (expires_at > NOW_S)


# --- ours -----------------------------------------------------------------------------------------------------------


def test_what_is_over_is_forgotten_as_more_comes_in() -> None:
    store = Revocations()
    for number in range(1000):
        store.add(Revoked(f"t-{number}", f"s-{number}", SOON), NOW_S)
    assert len(store) == 2000
    for number in range(1000):
        store.add(token(f"later-{number}", SOON + A_DAY_S), SOON + KEPT_S)
    assert len(store) == 2000, "two are forgotten for one that comes in, of tokens as of sessions"
    assert not store.holds("t-1", None)
    assert store.holds(None, "s-1"), "nothing has come in here"
    assert store.lost_count == 0


def test_until_the_very_end_of_its_time_it_is_known() -> None:
    store = Revocations()
    store.add(token("t-1"), NOW_S)
    store.add(token("t-2", SOON + A_DAY_S), SOON + KEPT_S - 1)
    assert store.holds("t-1", None)
    store.add(token("t-3", SOON + A_DAY_S), SOON + KEPT_S)
    assert not store.holds("t-1", None)


def test_there_is_never_more_than_its_room_and_what_ends_first_goes_first() -> None:
    store = Revocations(3)
    for number in (5, 1, 4, 2, 3):
        store.add(token(f"t-{number}", SOON + number), NOW_S)
        store.add(session(f"s-{number}", SOON + number), NOW_S)
    assert [store.holds(f"t-{number}", None) for number in (1, 2, 3, 4, 5)] == [False, False, True, True, True]
    assert [store.holds(None, f"s-{number}") for number in (1, 2, 3, 4, 5)] == [False, False, True, True, True]
    assert len(store) == 6
    assert store.lost_count == 4, "of each kind two"


def test_tokens_take_no_room_from_sessions() -> None:
    store = Revocations(10)
    store.add(session("s-1"), NOW_S)
    for number in range(100):
        store.add(token(f"t-{number}", SOON + A_DAY_S), NOW_S)
    assert store.holds(None, "s-1")


def test_what_was_made_longer_goes_in_its_new_turn() -> None:
    store = Revocations(2)
    store.add(token("t-1", SOON), NOW_S)
    store.add(token("t-2", SOON + 5), NOW_S)
    store.add(token("t-1", SOON + 9), NOW_S)
    store.add(token("t-3", SOON + 7), NOW_S)
    assert [store.holds(each, None) for each in ("t-1", "t-2", "t-3")] == [True, False, True]
    assert store.lost_count == 1


def test_what_was_over_and_what_is_known_already_pushes_nobody_out() -> None:
    store = Revocations(2)
    store.add(token("t-1"), NOW_S)
    store.add(token("t-2"), NOW_S)
    for _ in range(10):
        store.add(token("t-1"), NOW_S)
        store.add(token("over", int(NOW_S) - KEPT_S), NOW_S)
    assert (len(store), store.lost_count) == (2, 0)


def test_an_end_that_is_moved_again_and_again_takes_no_more_room() -> None:
    store = Revocations(10)
    for later in range(1000):
        store.add(token("t-1", SOON + later), NOW_S)
        store.add(token("t-2", SOON + later), NOW_S)
    assert len(store) == 2
    assert len(store._tokens._soonest) == 2
    store.add(token("t-3", SOON + 1000 + A_DAY_S), SOON + 998 + KEPT_S)
    assert store.holds("t-1", None)
    store.add(token("t-4", SOON + 1000 + A_DAY_S), SOON + 1000 + KEPT_S)
    assert not store.holds("t-1", None)
    assert not store.holds("t-2", None)


class Told:
    """What a store was told and must still know, kept in the simplest way there is."""

    def __init__(self) -> None:
        self.ends: dict[tuple[str, str], int] = {}

    def add(self, revoked: Revoked) -> None:
        """The longest that was said of anything counts."""
        for kind, name in (("token", revoked.token_id), ("session", revoked.session_id)):
            if name is not None:
                self.ends[kind, name] = max(revoked.expires_at, self.ends.get((kind, name), 0))

    def accepted(self, wall_s: float) -> set[tuple[str, str]]:
        """What tokens would be accepted without the store."""
        return {each for each, ends in self.ends.items() if ends + LEEWAY_S > wall_s}


ids = st.sampled_from(["a", "b", "c", "d"])
told = st.tuples(
    st.one_of(
        st.builds(Revoked, ids, st.none(), st.integers(0, 9000)),
        st.builds(Revoked, st.none(), ids, st.integers(0, 9000)),
        st.builds(Revoked, ids, ids, st.integers(0, 9000)),
    ),
    st.integers(0, 600),
)


@quick
@given(st.lists(told, max_size=60))
def test_whatever_it_is_told_and_when_nobody_is_let_in_who_was_revoked(all_told: list[tuple[Revoked, int]]) -> None:
    store, model, wall_s = Revocations(4), Told(), 0.0
    for revoked, passed_s in all_told:
        wall_s += passed_s
        store.add(revoked, wall_s)
        model.add(revoked)
        for kind, name in model.accepted(wall_s):
            assert store.holds(*((name, None) if kind == "token" else (None, name)))
        for name in "abcd":
            assert not store.holds(name, None) or ("token", name) in model.ends
            assert not store.holds(None, name) or ("session", name) in model.ends
    assert store.lost_count == 0
