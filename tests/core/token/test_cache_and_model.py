"""The cache of tokens beside the simplest thing that could be right: whatever happens, both say the same.

It must never depend on a clock: every instant here is told.
"""

from typing import Literal, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netra.core.token.cache import REFUSED_S, TokenCache
from netra.core.verdict.operations import Identity, User
from netra.core.verdict.outcomes import Rejected
from tests.core.support import quick
from tests.core.token.test_cache import FRESH_S, NOW_S, REVOKED, STALE_S, key_of, put


class Step(NamedTuple):
    """Something that happens to one of a few tokens, and how much time passes before it."""

    what: Literal["good", "refused", "forgotten", "asked"]
    name: str
    passed_s: int
    number: int


class Model:
    """What the cache may say, kept in the simplest way there is."""

    def __init__(self) -> None:
        self.good: dict[str, tuple[float, float, Identity]] = {}
        self.refused: dict[str, float] = {}

    def get(self, name: str, now_s: float) -> Identity | Rejected | None:
        """The verdict of a cache that has all the room it wants."""
        if name in self.good and now_s < self.good[name][0]:
            return self.good[name][2]._replace(source="cache")
        return REVOKED if now_s < self.refused.get(name, 0) else None

    def stale(self, name: str, now_s: float) -> Identity | None:
        """Likewise while nobody can be asked."""
        return self.good[name][2]._replace(source="stale") if name in self.good and now_s < self.good[name][1] else None

    def learn(self, step: Step, identity: Identity, now_s: float) -> None:
        """One step."""
        if step.what == "good":
            if now_s >= self.refused.get(step.name, 0):
                self.good[step.name] = (now_s + FRESH_S, now_s + FRESH_S + STALE_S, identity)
        elif step.what != "asked":
            self.good.pop(step.name, None)
            if step.what == "refused":
                self.refused[step.name] = now_s + REFUSED_S


steps = st.lists(
    st.builds(
        Step,
        st.sampled_from(["good", "refused", "forgotten", "asked", "asked"]),
        st.sampled_from("abcde"),
        st.sampled_from([0, 0, 1, 3, 10, 40, 200]),
        st.integers(0, 9),
    ),
    max_size=50,
)


@pytest.mark.parametrize("room", ["plenty", "little"])
@quick
@given(all_steps=steps)
def test_whatever_happens_nobody_is_told_what_is_not_so(room: str, all_steps: list[Step]) -> None:
    cache = TokenCache() if room == "plenty" else TokenCache(2, negative_count=2)
    model, now_s = Model(), NOW_S
    for step in all_steps:
        now_s += step.passed_s
        identity = Identity(User(f"{step.name} {step.number}", None, None), None, "jwt")
        model.learn(step, identity, now_s)
        if step.what == "good":
            put(cache, step.name, identity, now_s)
        elif step.what == "refused":
            cache.refuse(key_of(step.name), REVOKED, now_s)
        elif step.what == "forgotten":
            cache.forget(key_of(step.name))
        else:
            _agree(cache, model, now_s, exactly=room == "plenty")


def _agree(cache: TokenCache, model: Model, now_s: float, *, exactly: bool) -> None:
    """The cache says what is so; with little room it may know nothing, but never something else."""
    for name in "abcde":
        told, right = cache.get(key_of(name), now_s), model.get(name, now_s)
        assert told == right or (told is None and not exactly)
        stale, right_stale = cache.stale(key_of(name), now_s), model.stale(name, now_s)
        assert stale == right_stale or (stale is None and not exactly)
