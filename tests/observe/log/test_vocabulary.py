"""The words of others for what our lines say: each event has one or is known to have none, and none of them lies.

It must never take the words from the table under test: security people search for these very strings.
"""

from typing import Any

import pytest

from netra.core.events import AttemptEnded
from netra.core.verdict.causes import TABLE, Cause
from netra.core.verdict.outcomes import Rejected, unknown
from netra.observe.log.lines import JOURNEYS
from netra.observe.log.vocabulary import CODES_WITHOUT_A_WORD, word_of
from tests.observe.log.every_line import EVERY_LINE
from tests.observe.support import ACCEPTED, LINES, REJECTIONS, UNKNOWNS, failed, line_of, tried

VOCABULARY = frozenset(
    {
        "authn_login_success", "authn_login_fail", "authn_login_fail_max", "authn_login_lock", "authn_token_reuse",
        "authz_fail", "excess_rate_limit_exceeded", "input_validation_fail", "session_renewed", "authn_token_revoked",
        "session_use_after_expire", "user_created", "sys_startup", "sys_shutdown", "sys_crash",
    }
)  # fmt: skip
"""What we use of it. Source: OWASP, Application Logging Vocabulary."""
WITHOUT_A_WORD = frozenset(
    {
        "Auth service connectivity test failed", "Auth service connectivity test succeeded", "Handshake accepted",
        "Handshake refused", "Handshake absent", "Handshake unclear", "Circuit opened", "Circuit half-open",
        "Circuit closed", "Key set changed", "Key set not renewed", "Revocation feed up", "Revocation feed down",
        "In use", "Changed", "Configuration problem", "Missing OAuth credential", "Configuration read again",
        "Netra draining", "Token check succeeded", "Offer succeeded",
    }
)  # fmt: skip


@pytest.mark.parametrize(
    ("journey", "outcome", "word"),
    [
        ("login", ACCEPTED, "authn_login_success"),
        ("login", Rejected(TABLE["invalid_credentials"]), "authn_login_fail"),
        ("login", Rejected(TABLE["account_disabled"]), "authn_login_fail"),
        ("login", Rejected(TABLE["account_locked"]), "authn_login_lock"),
        ("login", Rejected(TABLE["too_many_attempts"]), "authn_login_fail_max"),
        ("login", Rejected(TABLE["second_factor_required"]), None),
        ("login", Rejected(TABLE["invalid_fields"]), "input_validation_fail"),
        ("register", ACCEPTED, "user_created"),
        ("register", Rejected(TABLE["too_many_attempts"]), "excess_rate_limit_exceeded"),
        ("register", Rejected(TABLE["email_taken"]), None),
        ("refresh", ACCEPTED, "session_renewed"),
        ("refresh", Rejected(TABLE["refresh_rejected"]), None),
        ("logout", ACCEPTED, "authn_token_revoked"),
        ("verify", Rejected(TABLE["token_revoked"]), "authn_token_reuse"),
        ("me", Rejected(TABLE["token_expired"]), "session_use_after_expire"),
        ("me", Rejected(TABLE["token_signature_invalid"]), "authz_fail"),
    ],
)
def test_the_end_of_an_attempt_has_the_word_that_others_search_for(
    journey: str, outcome: Any, word: str | None
) -> None:
    assert line_of(outcome, journey).fields.get("owasp") == word


@pytest.mark.parametrize("journey", JOURNEYS)
@pytest.mark.parametrize("cause", UNKNOWNS, ids=lambda cause: cause.code)
def test_no_unknown_verdict_is_called_a_failed_login_nor_anything_else(cause: Cause, journey: str) -> None:
    for outcome in (failed(cause.code, 2), unknown(cause)):
        assert "owasp" not in line_of(outcome, journey).fields


@pytest.mark.parametrize("cause", REJECTIONS, ids=lambda cause: cause.code)
def test_every_code_of_a_rejection_has_a_word_or_a_reason_why_not(cause: Cause) -> None:
    word = word_of("Login rejected", cause.code)
    assert (word is None) == (cause.code in CODES_WITHOUT_A_WORD)


def test_no_success_or_refusal_of_one_who_had_the_right_password_counts_as_a_failed_login() -> None:
    for code in ("second_factor_required", "password_change_required", "email_unverified"):
        assert "owasp" not in line_of(Rejected(TABLE[code], tried=tried(code))).fields


def test_every_event_has_a_word_of_the_vocabulary_or_is_known_to_have_none() -> None:
    for line in EVERY_LINE:
        word = line.fields.get("owasp")
        if "code" in line.fields and line.event.endswith((" rejected", " failed", " forbidden")):
            assert word is None or word in VOCABULARY
        elif word is None:
            assert line.event in WITHOUT_A_WORD or line.event.endswith("login attempts failed"), line.event
        else:
            assert word in VOCABULARY


def test_a_line_names_the_user_in_one_field_alone_and_as_a_hash() -> None:
    fields = LINES(AttemptEnded("login", "request-1", ACCEPTED, 0.1, "0123456789abcdef")).fields
    assert (fields["owasp"], fields["account"]) == ("authn_login_success", "0123456789abcdef")
