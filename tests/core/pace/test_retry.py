"""May the same call be asked again? One expression, every row of it."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netra.core.pace.retry import BASE_S, CAP_S, After, Attempted, No, WithOtherSeal, again
from netra.core.verdict.causes import TABLE, Phase
from netra.core.verdict.outcomes import Unknown, unknown
from tests.core.support import quick

NEVER, MAYBE, ANSWERED = "connection_refused", "response_timeout", "auth_service_unavailable"
ASKED = Attempted(tries=1, allowed_tries=3, repeatable=False, left_s=5.0, other_seal=False)


def outcome_of(code: str, *, transient: bool = True, retry_after_s: int | None = None) -> Unknown:
    """No verdict, for a reason of the table."""
    return unknown(TABLE[code])._replace(transient=transient, retry_after_s=retry_after_s)


def asked_again(
    outcome: Unknown, asked: Attempted = ASKED, *, budget_allows: bool = True, rand: float = 0.5
) -> After | WithOtherSeal | No:
    """The decision, with everything else as it usually is."""
    return again(outcome, asked, budget_allows=budget_allows, rand=rand)


def reason(transient: bool, reached: bool, repeatable: bool, tries: bool, fits: bool, budget: bool) -> str:
    """The contract's expression, written out: the first thing that is missing is the reason."""
    if not transient:
        return "permanent"
    if reached and not repeatable:
        return "may_have_arrived"
    if not tries:
        return "no_tries_left"
    if not fits:
        return "no_time_left"
    return "yes" if budget else "no_budget_left"


@pytest.mark.parametrize("code", [NEVER, MAYBE, ANSWERED])
def test_a_call_is_asked_again_exactly_when_all_conditions_hold(code: str) -> None:
    reached = code != NEVER
    for transient, repeatable, tries, fits, budget in product((True, False), repeat=5):
        asked = Attempted(1 if tries else 3, 3, repeatable, 5.0 if fits else 0.01, other_seal=False)
        step = asked_again(outcome_of(code, transient=transient), asked, budget_allows=budget)
        wanted = reason(transient, reached, repeatable, tries, fits, budget)
        assert (step.reason if isinstance(step, No) else "yes") == wanted, (code, asked, transient, budget)
        assert isinstance(step, After) == (wanted == "yes")


def test_a_login_that_may_have_arrived_is_never_sent_again() -> None:
    for code, cause in TABLE.items():
        assert isinstance(asked_again(outcome_of(code)), After) == (cause.phase is Phase.NEVER_SENT), code


@pytest.mark.parametrize(
    ("tries", "longest_s"), [(1, 0.1), (2, 0.2), (3, 0.4), (4, 0.8), (5, 1.6), (6, 2.0), (7, 2.0), (50, 2.0)]
)
def test_the_longest_wait_doubles_from_a_tenth_of_a_second_up_to_two(tries: int, longest_s: float) -> None:
    asked = ASKED._replace(tries=tries, allowed_tries=tries + 1, left_s=60.0)
    for rand in (0.0, 0.25, 0.999):
        step = asked_again(outcome_of(NEVER), asked, rand=rand)
        assert isinstance(step, After)
        assert step.wait_s == pytest.approx(rand * longest_s)


@pytest.mark.parametrize(("said_s", "wait_s"), [(None, 0.05), (1, 1.0), (4, 4.0)])
def test_a_wait_that_the_auth_service_asks_for_is_never_undercut(said_s: int | None, wait_s: float) -> None:
    asked = ASKED._replace(repeatable=True)
    step = asked_again(outcome_of(ANSWERED, retry_after_s=said_s), asked)
    assert isinstance(step, After)
    assert step.wait_s == pytest.approx(wait_s)


@pytest.mark.parametrize(("left_s", "fits"), [(2.01, True), (2.0, False), (1.0, False), (0.0, False)])
def test_a_wait_that_would_end_at_the_deadline_or_after_it_is_not_begun(left_s: float, fits: bool) -> None:
    step = asked_again(outcome_of(NEVER, retry_after_s=2), ASKED._replace(left_s=left_s))
    assert step == (After(2.0) if fits else No("no_time_left"))


@pytest.mark.parametrize(("tries", "allowed"), [(1, 1), (3, 3), (4, 3)])
def test_there_are_as_many_tries_as_allowed_and_not_one_more(tries: int, allowed: int) -> None:
    assert asked_again(outcome_of(NEVER), ASKED._replace(tries=tries, allowed_tries=allowed)) == No("no_tries_left")


def test_when_our_secret_was_refused_the_other_one_is_tried_at_once_whatever_else_is_used_up() -> None:
    asked = Attempted(tries=9, allowed_tries=1, repeatable=False, left_s=0.001, other_seal=True)
    refused = outcome_of("service_credentials_rejected")._replace(nobody_judged=True)
    assert asked_again(refused, asked, budget_allows=False) == WithOtherSeal()


def test_a_refusal_that_may_have_been_the_users_is_only_repeated_where_that_harms_nobody() -> None:
    refused = outcome_of("service_credentials_rejected", transient=False)
    once = ASKED._replace(other_seal=True, repeatable=False)
    assert asked_again(refused, once) == No("may_have_arrived")
    assert asked_again(refused, once._replace(repeatable=True)) == WithOtherSeal()


def test_there_is_no_second_switch_and_none_without_time_or_another_secret() -> None:
    refused = outcome_of("service_credentials_rejected", transient=False)
    assert asked_again(refused, ASKED._replace(other_seal=False)) == No("permanent")
    assert asked_again(refused, ASKED._replace(other_seal=True, left_s=0.0)) == No("permanent")


def test_nothing_but_a_refusal_of_our_secret_leads_to_the_other_one() -> None:
    for code in set(TABLE) - {"service_credentials_rejected"}:
        step = asked_again(outcome_of(code), ASKED._replace(other_seal=True, repeatable=True))
        assert not isinstance(step, WithOtherSeal), code


@quick
@given(
    st.sampled_from(sorted(TABLE)),
    st.tuples(st.booleans(), st.booleans(), st.booleans(), st.booleans()),
    st.tuples(st.integers(1, 60), st.integers(1, 60)),
    st.none() | st.integers(1, 3600),
    st.floats(0, 4000),
    st.floats(0, 1, exclude_max=True),
)
def test_whatever_happened_a_wait_fits_its_bounds_and_nothing_unsafe_is_repeated(
    code: str,
    flags: tuple[bool, bool, bool, bool],
    tries: tuple[int, int],
    retry_after_s: int | None,
    left_s: float,
    rand: float,
) -> None:
    transient, repeatable, other_seal, budget_allows = flags
    outcome = outcome_of(code, transient=transient, retry_after_s=retry_after_s)
    asked = Attempted(*tries, repeatable, left_s, other_seal)
    step = again(outcome, asked, budget_allows=budget_allows, rand=rand)
    if isinstance(step, After):
        assert outcome.transient
        assert outcome.phase is Phase.NEVER_SENT or asked.repeatable
        assert asked.tries < asked.allowed_tries
        assert budget_allows
        assert (retry_after_s or 0) <= step.wait_s < asked.left_s
        assert step.wait_s <= max(min(CAP_S, BASE_S * 2 ** (asked.tries - 1)), retry_after_s or 0)
    if isinstance(step, WithOtherSeal):
        assert code == "service_credentials_rejected"
        assert asked.other_seal
