"""The circuit breaker under any traffic: it always recovers, and never admits before its time or two trials at once."""

from itertools import pairwise
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from netra.core.pace.breaker import (
    JITTER_RATIO,
    MAX_OPEN_S,
    MIN_CALLS_COUNT,
    REFUSED,
    TRIALS_COUNT,
    Breaker,
    Circuit,
)
from netra.core.verdict.outcomes import Outcome
from tests.core.pace.test_breaker import GOOD, LATE, OURS, RESET, SHED, START_S, WRONG_PASSWORD, WRONG_SECRET


class Traffic(RuleBasedStateMachine):
    """Calls begin, end in every way and are cancelled, time passes and probes report, in every order."""

    permits = Bundle("permits")

    @initialize(open_s=st.sampled_from([0.1, 5.0, 60.0]))
    def start(self, open_s: float) -> None:
        self.now_s = START_S
        self.open_s = open_s
        self.changes: list[Circuit] = []
        self.breaker = Breaker(open_s, self.changed)
        self.eras = [self.breaker.era]
        self.opened_at_s = START_S
        self.good_news = False
        self.news_in_trial = False
        """Has it come back while a trial was under way, that was sent before?"""
        self.under_way: set[int] = set()
        self.numbers = 0
        self.evidence_count = 0

    def changed(self, circuit: Circuit) -> None:
        self.changes.append(circuit)
        self.eras.append(self.breaker.era)
        self.evidence_count = 0
        if circuit.state == "open":
            self.opened_at_s, self.good_news = self.now_s, self.news_in_trial
            self.news_in_trial = False

    def looks(self) -> tuple[str, int, Circuit]:
        """What a result may change; the code of a trial that was no evidence is shown, too."""
        return self.breaker.state, self.breaker.era, self.breaker.seen(self.now_s)._replace(code=None)

    @rule(seconds=st.floats(0.0, 2 * MAX_OPEN_S))
    def time_passes(self, seconds: float) -> None:
        self.now_s += seconds

    @rule()
    def time_comes(self) -> None:
        """Exactly as much as is missing."""
        self.now_s += self.breaker.seen(self.now_s).next_try_in_s

    @rule(target=permits)
    def a_call_begins(self) -> tuple[int, int]:
        state, refuses = self.breaker.state, self.breaker.refuses(self.now_s)
        permit = self.breaker.admit(self.now_s)
        assert (permit == REFUSED) == refuses, "what it says it does"
        if permit != REFUSED:
            self.news_in_trial = False
        if state == "open" and permit != REFUSED:
            earliest_s = self.opened_at_s + (1 - JITTER_RATIO) * self.open_s
            assert self.good_news or self.now_s >= earliest_s, "before its time"
        if state == "open" and self.now_s >= self.opened_at_s + MAX_OPEN_S:
            assert permit != REFUSED, "open for good"
        self.numbers += 1
        if permit != REFUSED:
            self.under_way.add(self.numbers)
        return permit, self.numbers

    @rule(held=consumes(permits), good=st.sampled_from([GOOD, WRONG_PASSWORD]))
    def it_gets_a_verdict(self, held: tuple[int, int], good: Outcome[Any]) -> None:
        self.ends(held, good)

    @rule(held=consumes(permits), bad=st.sampled_from([LATE, RESET]), rand=st.floats(0, 1, exclude_max=True))
    def it_fails(self, held: tuple[int, int], bad: Outcome[Any], rand: float) -> None:
        if held[0] == self.breaker.era:
            self.evidence_count += 1
        evidence, state = self.evidence_count, self.breaker.state
        self.ends(held, bad, rand)
        if state == "closed" and self.breaker.state == "open":
            assert evidence >= MIN_CALLS_COUNT / 2, "opened for too little"

    @rule(held=consumes(permits), neither=st.sampled_from([WRONG_SECRET, OURS, SHED]))
    def it_says_nothing(self, held: tuple[int, int], neither: Outcome[Any]) -> None:
        before = self.looks()
        self.ends(held, neither)
        assert self.looks() == before

    @rule(held=consumes(permits))
    def it_is_cancelled(self, held: tuple[int, int]) -> None:
        before = self.looks()
        self.breaker.give_back(held[0])
        self.under_way.discard(held[1])
        assert self.looks() == before

    def ends(self, held: tuple[int, int], outcome: Outcome[Any], rand: float = 0.5) -> None:
        permit, number = held
        stale = permit != self.breaker.era
        before = self.looks()
        if permit != REFUSED:
            self.breaker.settle(permit, outcome, self.now_s, rand)
        self.under_way.discard(number)
        if stale:
            assert self.looks() == before, "out of its era"

    @rule(count=st.integers(10, 40), rand=st.floats(0, 1, exclude_max=True))
    def a_storm(self, count: int, rand: float) -> None:
        """Many failures at once: what opens it."""
        for _ in range(count):
            permit = self.breaker.admit(self.now_s)
            if permit != REFUSED:
                self.evidence_count += 1
                self.news_in_trial = False
                self.breaker.settle(permit, LATE, self.now_s, rand)

    @rule()
    def a_probe_succeeds(self) -> None:
        self.good_news = True
        self.news_in_trial = self.breaker.state == "half_open" and self.breaker.refuses(self.now_s)
        self.breaker.recovered(self.now_s)

    @rule(rand=st.floats(0, 1, exclude_max=True))
    def a_probe_fails(self, rand: float) -> None:
        before_s = self.breaker.seen(self.now_s).next_try_in_s
        self.news_in_trial = False
        self.breaker.still_down(self.now_s, rand)
        assert self.breaker.seen(self.now_s).next_try_in_s >= before_s

    @invariant()
    def one_change_at_a_time(self) -> None:
        if not hasattr(self, "breaker"):
            return
        assert all(later == earlier + 1 for earlier, later in pairwise(self.eras))
        allowed = {("closed", "open"), ("open", "half_open"), ("half_open", "open"), ("half_open", "closed")}
        states = ["closed", *(each.state for each in self.changes)]
        assert set(pairwise(states)) <= allowed

    def teardown(self) -> None:
        """Whatever has happened: once the auth service is well, and a minute has passed, it closes."""
        if not hasattr(self, "breaker"):
            return
        self.breaker.give_back(self.breaker.era)
        self.now_s += MAX_OPEN_S
        for _ in range(TRIALS_COUNT):
            permit = self.breaker.admit(self.now_s)
            assert permit != REFUSED, "it does not recover"
            self.breaker.settle(permit, GOOD, self.now_s, 0.5)
        assert self.breaker.state == "closed"


class OneAtATime(Traffic):
    """The same traffic, watched for how many calls are under way while it is half-open."""

    @invariant()
    def never_two_trials(self) -> None:
        if hasattr(self, "breaker") and self.breaker.state == "half_open":
            granted = self.breaker.admit(self.now_s)
            if granted != REFUSED:
                assert self.breaker.admit(self.now_s) == REFUSED, "two trials at once"
                self.breaker.give_back(granted)


def test_no_traffic_makes_it_open_for_nothing_admit_too_early_or_stay_open() -> None:
    run_state_machine_as_test(Traffic, settings=settings(max_examples=60, stateful_step_count=40, deadline=None))


def test_no_traffic_makes_it_try_twice_at_once() -> None:
    run_state_machine_as_test(OneAtATime, settings=settings(max_examples=30, stateful_step_count=30, deadline=None))
