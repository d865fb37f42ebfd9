"""The throttle: no burst guesses more often than the limit, and nobody waits for what was no wrong guess."""

import copy
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, initialize, invariant, rule

from netra.core.pace.rejections import OFF, Limit
from netra.core.pace.throttle import GUESSES, REFRESHES_RATIO, Place, Throttle, Throttles
from netra.core.verdict.causes import TABLE
from netra.core.verdict.outcomes import Accepted, Outcome, Rejected, unknown

ACCOUNT, ADDRESS = Limit(5, 900), Limit(60, 60)
WRONG = Rejected(TABLE["invalid_credentials"])
DOWN = unknown(TABLE["connection_refused"])
RIGHT: Accepted[None] = Accepted(None)
HOME, OFFICE = "203.0.113.9", "198.51.100.1"


def both() -> Throttle:
    """A throttle as it is by default."""
    return Throttle(ACCOUNT, ADDRESS)


def tried(
    throttle: Throttle, outcome: Outcome[Any], who: str = "eve", address: str | None = HOME, now_s: float = 0.0
) -> Rejected | None:
    """One attempt from its beginning to its end; why it was refused, if it was."""
    with throttle.reserve(who, address, now_s) as place:
        place.settle(outcome, now_s)
    return place.refusal


def wait_s(
    throttle: Throttle, who: str = "eve", address: str | None = HOME, now_s: float = 0.0, *, shared: bool = False
) -> int | None:
    """What somebody is told who asks now: how long to wait, or nothing."""
    with throttle.reserve(who, address, now_s, shared=shared) as place:
        return place.refusal.retry_after_s if place.refusal else None


def test_the_sixth_guess_for_an_account_is_refused_until_the_first_is_a_quarter_of_an_hour_ago() -> None:
    throttle = both()
    for minute in range(5):
        assert tried(throttle, WRONG, now_s=60.0 * minute) is None
    refusal = tried(throttle, WRONG, now_s=300.0)
    assert refusal == Rejected(TABLE["too_many_attempts"], 600)
    assert wait_s(throttle, now_s=899.9) == 1
    assert wait_s(throttle, now_s=900.0) is None


def test_an_account_is_counted_by_address_and_an_address_over_all_accounts() -> None:
    throttle = both()
    for _ in range(5):
        tried(throttle, WRONG)
    assert wait_s(throttle, "eve", HOME)
    assert wait_s(throttle, "eve", OFFICE) is None, "whoever guesses elsewhere locks nobody out here"
    assert wait_s(throttle, "ada", HOME) is None
    for number in range(55):
        assert tried(throttle, WRONG, f"user-{number}", now_s=30.0) is None
    assert wait_s(throttle, "ada", HOME, 30.0) == 30
    assert wait_s(throttle, "ada", OFFICE, 30.0) is None


def test_successes_never_count_and_leave_nothing_behind() -> None:
    throttle = both()
    assert [tried(throttle, RIGHT, f"user-{number}") for number in range(5_000)] == [None] * 5_000
    assert throttle.remembered_count == 0


def test_a_success_clears_the_account_and_not_its_address() -> None:
    throttle = both()
    for _ in range(10):
        assert [tried(throttle, WRONG) for _ in range(4)] == [None] * 4
        assert tried(throttle, RIGHT) is None
    for number in range(20):
        assert tried(throttle, WRONG, f"user-{number}") is None
    assert wait_s(throttle, "ada") == 60, "somebody's own right password buys no more guesses"


@pytest.mark.parametrize("code", [each for each in TABLE if each not in GUESSES])
def test_what_is_no_wrong_guess_never_counts(code: str) -> None:
    cause, throttle = TABLE[code], both()
    outcome = Rejected(cause) if cause.verdict == "rejected" else unknown(cause)
    assert [tried(throttle, outcome) for _ in range(100)] == [None] * 100
    assert throttle.remembered_count == 0


def test_three_rejections_are_wrong_guesses_and_no_other() -> None:
    assert {"invalid_credentials", "refresh_rejected", "email_taken"} == GUESSES


@pytest.mark.parametrize("code", sorted(GUESSES))
def test_what_tells_a_guesser_something_counts(code: str) -> None:
    throttle = both()
    for _ in range(5):
        assert tried(throttle, Rejected(TABLE[code])) is None
    assert wait_s(throttle) == 900


def test_of_a_hundred_guesses_at_once_five_are_sent() -> None:
    throttle = both()
    places = [throttle.reserve("eve", HOME, 0.0) for _ in range(100)]
    sent = [place for place in places if place.refusal is None]
    assert len(sent) == 5
    assert {place.refusal.retry_after_s for place in places if place.refusal} == {1}, "any of them may end soon"
    for place in sent:
        place.settle(WRONG, 0.5)
    assert wait_s(throttle, now_s=0.5) == 900


def test_a_burst_that_ends_well_or_in_nothing_leaves_all_places_free() -> None:
    throttle = both()
    for outcome in (RIGHT, DOWN, None):
        places = [throttle.reserve("eve", HOME, 0.0) for _ in range(5)]
        assert wait_s(throttle) == 1
        for place in places:
            with place:
                if outcome is not None:
                    place.settle(outcome, 0.1)
        assert wait_s(throttle) is None
    assert throttle.remembered_count == 0


def test_one_place_under_way_beside_four_rejections_makes_nobody_wait_a_quarter_of_an_hour() -> None:
    throttle = both()
    for _ in range(4):
        tried(throttle, WRONG)
    with throttle.reserve("eve", HOME, 1.0) as place:
        assert wait_s(throttle, now_s=1.0) == 1
        place.settle(RIGHT, 2.0)
    assert wait_s(throttle, now_s=2.0) is None


def test_a_thousand_people_behind_one_address_may_be_under_way_at_once() -> None:
    throttle = both()
    places = [throttle.reserve(f"user-{number}", HOME, 0.0) for number in range(1_000)]
    assert [place.refusal for place in places] == [None] * 1_000
    for place in places[:120]:
        place.settle(WRONG, 0.0)
    assert wait_s(throttle, "ada") == 120, "what was too much has to be waited for"
    assert wait_s(throttle, "ada", now_s=120.0) is None


def test_only_the_first_outcome_of_a_place_counts_and_a_refused_one_has_none() -> None:
    throttle = both()
    place = throttle.reserve("eve", HOME, 0.0)
    for _ in range(9):
        with place:
            place.settle(WRONG, 0.0)
    for _ in range(4):
        tried(throttle, WRONG)
    with throttle.reserve("eve", HOME, 0.0) as refused:
        assert refused.refusal
        refused.settle(RIGHT, 0.0)
    assert wait_s(throttle) == 900, "nor does it clear anything"


def test_an_attempt_that_fails_by_a_bug_gives_its_place_back() -> None:
    throttle = both()

    def attempt() -> None:
        with throttle.reserve("eve", HOME, 0.0) as place:
            assert place.refusal is None
            raise ZeroDivisionError

    for _ in range(20):
        with pytest.raises(ZeroDivisionError):
            attempt()
    assert throttle.remembered_count == 0


def test_an_address_that_strangers_share_has_no_limit_and_each_account_still_has_its_own_there() -> None:
    throttle = both()
    for number in range(500):
        with throttle.reserve(f"user-{number}", HOME, 0.0, shared=True) as place:
            assert place.refusal is None
            place.settle(WRONG, 0.0)
    for _ in range(2):
        tried(throttle, WRONG, "user-7")
    with throttle.reserve("user-7", HOME, 0.0, shared=True) as place:
        place.settle(WRONG, 0.0)
    assert wait_s(throttle, "user-7", shared=True) is None
    tried(throttle, WRONG, "user-7")
    assert wait_s(throttle, "user-7", shared=True) == wait_s(throttle, "user-7") == 900, "who says so gains nothing"


def test_without_an_address_the_account_has_its_limit() -> None:
    throttle = both()
    for number in range(100):
        assert tried(throttle, WRONG, f"user-{number}", None) is None
    for _ in range(4):
        tried(throttle, WRONG, "user-7", None)
    assert wait_s(throttle, "user-7", None) == 900
    assert wait_s(throttle, "user-8", None) is None


@pytest.mark.parametrize(
    ("account", "address", "refused_by_account", "refused_by_address"),
    [(ACCOUNT, OFF, True, False), (OFF, ADDRESS, False, True), (OFF, OFF, False, False)],
)
def test_either_limit_can_be_off(
    account: Limit, address: Limit, refused_by_account: bool, refused_by_address: bool
) -> None:
    throttle = Throttle(account, address)
    for _ in range(5):
        tried(throttle, WRONG)
    tried(throttle, RIGHT, "ada")
    assert (wait_s(throttle) is not None) is refused_by_account
    for number in range(60):
        tried(throttle, WRONG, f"user-{number}")
    assert (wait_s(throttle, "ada") is not None) is refused_by_address


def test_the_longer_wait_of_the_two_is_told() -> None:
    throttle = Throttle(Limit(1, 900), Limit(2, 60))
    tried(throttle, WRONG, "eve")
    tried(throttle, WRONG, "ada")
    assert wait_s(throttle, "eve") == 900
    assert wait_s(throttle, "bob") == 60


def test_each_journey_has_a_throttle_of_its_own_and_refreshes_of_an_address_ten_times_the_room() -> None:
    throttles = Throttles.of(ACCOUNT, ADDRESS)
    assert len({id(each) for each in throttles}) == 3
    lost = Rejected(TABLE["refresh_rejected"])
    for number in range(60 * REFRESHES_RATIO):
        assert tried(throttles.refresh, lost, f"token-{number}") is None
    assert wait_s(throttles.refresh, "another token") == 60
    assert all(place.refusal is None for place in (throttles.login.reserve("eve", HOME, 0.0),))


def test_one_refresh_token_may_be_shown_many_times_at_once_and_a_dead_one_not_for_ever() -> None:
    refresh = Throttles.of(ACCOUNT, ADDRESS).refresh
    places = [refresh.reserve("token", HOME, 0.0) for _ in range(20)]
    assert [place.refusal for place in places] == [None] * 20
    for place in places:
        place.settle(RIGHT, 0.0)
    for _ in range(5):
        tried(refresh, Rejected(TABLE["refresh_rejected"]), "dead token")
    assert wait_s(refresh, "dead token") == 900
    assert wait_s(refresh, "token") is None


def test_whoever_fills_the_table_gains_less_than_he_pays() -> None:
    throttle = Throttle(ACCOUNT, OFF, capacity_count=100)
    for _ in range(5):
        tried(throttle, WRONG)
    for number in range(99):
        tried(throttle, WRONG, f"user-{number}")
        assert wait_s(throttle) == 900
    tried(throttle, WRONG, "user-99")
    assert wait_s(throttle) is None, "a hundred rejections for five more guesses; nobody else was kept out"
    assert throttle.remembered_count == 100


class Guessing(RuleBasedStateMachine):
    """Any order of attempts, outcomes and time, beside what a list of all that happened says."""

    places = Bundle("places")

    @initialize()
    def begin(self) -> None:
        self.throttle = Throttle(Limit(3, 90), Limit(6, 40))
        self.now_s = 1_000.0
        self.rejected: dict[str, list[float]] = {}
        self.under_way: dict[str, int] = {}
        self.of_address: dict[str, list[float]] = {}
        self.most_under_way = 0

    @rule(step_s=st.sampled_from([0.0, 0.1, 1.0, 7.3, 39.9, 40.0, 90.0]))
    def wait(self, step_s: float) -> None:
        self.now_s += step_s

    @rule(target=places, who=st.sampled_from("ab"), address=st.sampled_from(["x", "y", None]), shared=st.booleans())
    def reserve(self, who: str, address: str | None, shared: bool) -> tuple[Place, str, str | None]:
        account = f"{who} {address}"
        counted = None if shared else address
        place = self.throttle.reserve(who, address, self.now_s, shared=shared)
        taken = self.kept(account) + self.under_way.get(account, 0)
        if place.refusal is None:
            assert taken < 3
            self.under_way[account] = self.under_way.get(account, 0) + 1
            self.most_under_way = max(self.most_under_way, sum(self.under_way.values()))
            return place, account, counted
        retry_s = place.refusal.retry_after_s
        assert retry_s is not None
        assert retry_s >= 1
        assert taken >= 3 or (counted is not None and self.of_address.get(counted)), "refused without a reason"
        if not self.under_way.get(account):
            self.promised(who, address, shared, retry_s)
        return place, "", None

    def promised(self, who: str, address: str | None, shared: bool, retry_s: int) -> None:
        """Whoever comes back as told is let in, and not a second before."""
        later = copy.deepcopy(self.throttle)
        assert later.reserve(who, address, self.now_s + retry_s - 1.001, shared=shared).refusal
        assert later.reserve(who, address, self.now_s + retry_s, shared=shared).refusal is None

    @rule(seat=consumes(places), outcome=st.sampled_from([WRONG, RIGHT, DOWN, None]))
    def settle(self, seat: tuple[Place, str, str | None], outcome: Outcome[Any] | None) -> None:
        place, account, counted = seat
        with place:
            if outcome is not None:
                place.settle(outcome, self.now_s)
        if place.refusal is not None:
            return
        self.under_way[account] -= 1
        if outcome is RIGHT:
            self.rejected[account] = []
        elif outcome is WRONG:
            self.rejected.setdefault(account, []).append(self.now_s)
            if counted is not None:
                self.of_address.setdefault(counted, []).append(self.now_s)

    def kept(self, account: str) -> int:
        return sum(self.now_s - each < 90 - 1e-6 for each in self.rejected.get(account, ()))

    @invariant()
    def no_account_has_more_than_its_limit(self) -> None:
        for account in {*self.rejected, *self.under_way}:
            assert self.kept(account) + self.under_way.get(account, 0) <= 3

    @invariant()
    def no_address_is_rejected_more_often_than_its_limit_says_over_time(self) -> None:
        for at_s in self.of_address.values():
            windows = (self.now_s - at_s[0]) // 40 + 1
            assert len(at_s) <= 6 * windows + self.most_under_way

    @invariant()
    def nobody_is_remembered_for_nothing(self) -> None:
        under_way = sum(count > 0 for count in self.under_way.values())
        assert self.throttle.remembered_count <= len(self.rejected) + len(self.of_address) + under_way


TestGuessing = pytest.mark.interpreted(Guessing.TestCase)  # it copies a throttle, which compiled objects cannot be
TestGuessing.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
