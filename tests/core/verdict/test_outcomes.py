"""Outcomes: what a row says of transience and blame, and how far a request got."""

from typing import Any

import pytest

from netra.core.secret import Secret
from netra.core.verdict.causes import TABLE, Phase
from netra.core.verdict.outcomes import (
    NO_FACTS,
    Accepted,
    FieldFault,
    Rejected,
    Tried,
    Unknown,
    code_of,
    phase_of,
    unknown,
)


def test_no_verdict_takes_transience_and_blame_from_its_row() -> None:
    for cause in TABLE.values():
        made = unknown(cause)
        assert made == Unknown(cause, transient=cause.again, counts=cause.counts == "yes")
        assert made.phase is cause.phase


def test_an_alarm_is_no_evidence_that_the_auth_service_is_unwell() -> None:
    assert not unknown(TABLE["service_credentials_rejected"]).counts


def test_facts_are_kept_as_they_are_and_absent_ones_cannot_be_filled_in_later() -> None:
    assert unknown(TABLE["dns_error"], {"os_error": "x"}).facts == {"os_error": "x"}
    nothing: Any = NO_FACTS
    with pytest.raises(TypeError):
        nothing["status"] = "200"


def test_a_refusal_adds_nothing_to_its_page_of_its_own_accord() -> None:
    assert Rejected(TABLE["account_locked"]).detail == FieldFault("/email", "missing").detail == ""


def test_two_that_accept_are_equal_when_they_accept_the_same_after_the_same_tries() -> None:
    tried = (Tried(1, Phase.ANSWERED, "ok", 0.1),)
    one, same = Accepted("a session", tried), Accepted("a session", tried)
    assert one == same
    assert len({one, same}) == 1
    different: tuple[object, ...] = (Accepted("a session"), Accepted("another", tried), ("a session", tried), None)
    assert all(one != other for other in different)
    match one:
        case Accepted(value, after):
            assert (value, after) == ("a session", tried)


def test_an_accepted_secret_is_not_printed() -> None:
    assert repr(Accepted(Secret("hunter2"))) == "Accepted(value=Secret(••••••), tried=())"


def test_the_code_of_an_outcome_is_ok_or_that_of_its_row() -> None:
    assert code_of(Accepted("a session")) == "ok"
    for cause in TABLE.values():
        assert code_of(Rejected(cause)) == code_of(unknown(cause)) == cause.code


def test_a_verdict_was_answered_and_of_no_verdict_the_row_says_how_far_the_request_got() -> None:
    assert phase_of(Accepted("a session")) is Phase.ANSWERED
    for cause in TABLE.values():
        assert phase_of(Rejected(cause)) is Phase.ANSWERED
        assert phase_of(unknown(cause)) is cause.phase
    assert {phase_of(unknown(cause)) for cause in TABLE.values()} == set(Phase)


def test_an_auth_service_sheds_load_when_it_is_unavailable_without_being_unwell() -> None:
    assert {cause.code for cause in TABLE.values() if unknown(cause)._replace(counts=False).sheds} == {
        "auth_service_unavailable"
    }
    assert not any(unknown(cause).sheds for cause in TABLE.values())
