"""The table of causes, row by row against a second table that was written by hand.

It must never be made from the first table: a row changes when it was changed in both on purpose.
"""

import re
from dataclasses import FrozenInstanceError, fields
from typing import Any, NamedTuple

import pytest

from netra.core.verdict.causes import GROUPS, PUBLIC_ROWS, TABLE, Action, Cause, Owner, Phase

# code, status, may the auth service have acted, may it pass soon, does it count, public code, action, owner, RFC 9209
ROWS = """
invalid_credentials        401 yes    -   -      same           correct_input    user          -
account_locked             423 yes    -   -      same           wait             user          -
account_disabled           403 yes    -   -      same           contact_support  user          -
too_many_attempts          429 -      -   -      same           wait             user          -
email_taken                409 yes    -   -      same           correct_input    user          -
password_rejected          422 yes    -   -      same           correct_input    user          -
refresh_rejected           401 yes    -   -      same           log_in           user          -
second_factor_required     403 yes    -   -      same           next_step        user          -
password_change_required   403 yes    -   -      same           next_step        user          -
email_unverified           403 yes    -   -      same           next_step        user          -
token_missing              401 -      -   -      same           log_in           client        -
token_malformed            401 -      -   -      invalid_token  log_in           client        -
token_expired              401 -      -   -      invalid_token  refresh          client        -
token_not_yet_valid        401 -      -   -      invalid_token  wait             us            -
token_revoked              401 -      -   -      invalid_token  log_in           user          -
token_wrong_audience       401 -      -   -      invalid_token  log_in           client        -
token_wrong_issuer         401 -      -   -      invalid_token  log_in           client        -
token_wrong_type           401 -      -   -      invalid_token  log_in           client        -
token_signature_invalid    401 -      -   -      invalid_token  log_in           client        -
token_rejected             401 -      -   -      invalid_token  log_in           client        -
malformed_request          400 no     -   -      same           correct_input    client        -
not_found                  404 no     -   -      same           correct_input    client        -
method_not_allowed         405 no     -   -      same           correct_input    client        -
request_timeout            408 no     -   -      same           wait             client        -
body_too_large             413 no     -   -      same           correct_input    client        -
uri_too_long               414 no     -   -      same           correct_input    client        -
unsupported_media_type     415 no     -   -      same           correct_input    client        -
invalid_fields             422 no     -   -      same           correct_input    client        -
headers_too_large          431 no     -   -      same           correct_input    client        -
destination_unavailable    503 no     -   -      unavailable    wait             auth_service  destination_unavailable
connection_limit_reached   503 no     -   -      unavailable    wait             us            connection_limit_reached
local_resource_exhausted   503 no     -   -      unavailable    wait             us            proxy_internal_error
auth_service_disabled      503 no     -   -      unavailable    wait             us            destination_unavailable
proxy_configuration_error  503 no     -   -      unavailable    wait             us            proxy_configuration_error
keys_unavailable           503 no     -   -      unavailable    wait             auth_service  destination_unavailable
draining                   503 no     -   -      unavailable    wait             us            proxy_internal_response
internal_error             500 maybe  -   -      unavailable    wait             us            proxy_internal_error
dns_error                  503 no     yes yes    unavailable    wait             us            dns_error
dns_timeout                503 no     yes yes    unavailable    wait             network       dns_timeout
connection_refused         503 no     yes yes    unavailable    wait             auth_service  connection_refused
connection_timeout         503 no     yes yes    unavailable    wait             network       connection_timeout
destination_unroutable     503 no     yes yes    unavailable    wait             network       destination_ip_unroutable
tls_certificate_error      503 no     -   yes    unavailable    wait             auth_service  tls_certificate_error
tls_protocol_error         503 no     -   yes    unavailable    wait             auth_service  tls_protocol_error
response_timeout           504 maybe  yes yes    unavailable    wait             auth_service  http_response_timeout
connection_terminated      502 maybe  yes yes    unavailable    wait             auth_service  connection_terminated
response_incomplete        502 yes    yes yes    unavailable    wait             auth_service  http_response_incomplete
http_protocol_error        502 yes    -   yes    unavailable    wait             auth_service  http_protocol_error
response_too_large         502 yes    -   yes    unavailable    wait             auth_service  http_response_body_size
invalid_response           502 yes    -   yes    unavailable    wait             auth_service  http_protocol_error
auth_service_error         502 yes    -   yes    unavailable    wait             auth_service  http_protocol_error
auth_service_unavailable   503 yes    yes yes    unavailable    wait             auth_service  destination_unavailable
auth_service_rate_limited  503 yes    -   -      unavailable    wait             auth_service  destination_unavailable
service_credentials_rejected 502 yes  -   alarm  unavailable    wait             us            proxy_configuration_error
service_credentials_missing 502 yes   -   alarm  unavailable    wait             us            proxy_configuration_error
endpoint_not_found         502 yes    -   alarm  unavailable    wait             us            proxy_configuration_error
redirected                 502 yes    -   alarm  unavailable    wait             us            http_protocol_error
request_not_understood     502 yes    -   alarm  unavailable    wait             us            http_protocol_error
intermediary_rejected      502 maybe  -   alarm  unavailable    wait             between       http_protocol_error
intermediary_error         502 maybe  yes yes    unavailable    wait             between       http_protocol_error
unexpected_status          502 yes    -   yes    unavailable    wait             auth_service  http_protocol_error
"""

REGISTERED = frozenset({
    "dns_timeout", "dns_error", "destination_not_found", "destination_unavailable", "destination_ip_prohibited",
    "destination_ip_unroutable", "connection_refused", "connection_terminated", "connection_timeout",
    "connection_read_timeout", "connection_write_timeout", "connection_limit_reached", "tls_protocol_error",
    "tls_certificate_error", "tls_alert_received", "http_request_error", "http_request_denied",
    "http_response_incomplete", "http_response_header_section_size", "http_response_header_size",
    "http_response_body_size", "http_response_trailer_section_size", "http_response_trailer_size",
    "http_response_transfer_coding", "http_response_content_coding", "http_response_timeout", "http_upgrade_failed",
    "http_protocol_error", "proxy_internal_response", "proxy_internal_error", "proxy_configuration_error",
    "proxy_loop_detected",
})  # fmt: skip
"""RFC 9209, section 2.3, all thirty-two."""
SAYS_IT_WAS_NOT_FORWARDED = frozenset({"http_request_denied", "http_request_error", "proxy_internal_response"})
UNKNOWN = [cause for cause in TABLE.values() if cause.verdict == "unknown"]
REJECTED = [cause for cause in TABLE.values() if cause.verdict == "rejected"]


class Row(NamedTuple):
    """What a row must say."""

    code: str
    status: int
    reached: str
    again: bool
    counts: str
    public_code: str
    action: str
    owner: str
    proxy_error: str | None


def row_of(line: str) -> Row:
    """A line of the table above."""
    code, status, reached, again, counts, public, action, owner, proxy_error = line.split()
    public_code = {"same": code, "unavailable": "authentication_unavailable"}.get(public, public)
    counted = "no" if counts == "-" else counts
    error = None if proxy_error == "-" else proxy_error
    return Row(code, int(status), reached, again == "yes", counted, public_code, action, owner, error)


EXPECTED = [row_of(line) for line in ROWS.strip().splitlines()]


def said(cause: Cause) -> Row:
    """What a row says."""
    first = (cause.code, cause.status, cause.reached, cause.again, cause.counts, cause.public_code)
    return Row(*first, cause.action.value, cause.owner.value, cause.proxy_error)


def test_every_row_says_what_the_contract_says() -> None:
    assert {row.code: said(TABLE[row.code]) for row in EXPECTED} == {row.code: row for row in EXPECTED}


def test_what_has_an_error_type_is_no_verdict_and_everything_else_a_refusal() -> None:
    for row in EXPECTED:
        assert TABLE[row.code].verdict == ("rejected" if row.proxy_error is None else "unknown"), row.code


def test_there_is_no_row_more_and_none_twice() -> None:
    assert sorted(TABLE) == sorted(row.code for row in EXPECTED)
    assert sum(len(group) for group in GROUPS) == len(TABLE)


def test_every_code_is_a_word_that_a_url_and_a_label_can_hold() -> None:
    assert [code for code in (*TABLE, *PUBLIC_ROWS) if not re.fullmatch(r"[a-z]+(_[a-z]+)*", code)] == []


def test_nobody_is_told_401_while_nobody_knows() -> None:
    assert [cause.code for cause in UNKNOWN if cause.status < 500] == []
    assert [cause.code for cause in REJECTED if not 400 <= cause.status < 500] == []
    assert {cause.status for cause in UNKNOWN} == {500, 502, 503, 504}


def test_how_far_a_request_got_decides_the_status() -> None:
    said_so_itself = {"auth_service_unavailable", "auth_service_rate_limited"}
    for cause in UNKNOWN:
        if cause.reached == "no" or cause.code in said_so_itself:
            assert cause.status == 503, cause.code
        elif cause.code == "response_timeout":
            assert cause.status == 504
        else:
            assert cause.status == (500 if cause.code == "internal_error" else 502), cause.code


def test_a_phase_follows_from_how_far_a_request_got() -> None:
    phases = {"no": Phase.NEVER_SENT, "maybe": Phase.MAYBE_SENT, "yes": Phase.ANSWERED, "-": Phase.ANSWERED}
    assert {(cause.code, cause.phase) for cause in TABLE.values()} == {
        (row.code, phases[row.reached]) for row in EXPECTED
    }
    assert [phase.value for phase in Phase] == ["never_sent", "maybe_sent", "answered"]


def test_every_unknown_has_a_registered_error_type_and_no_refusal_has_one() -> None:
    assert len(REGISTERED) == 32
    assert {cause.proxy_error for cause in UNKNOWN} <= REGISTERED
    assert {cause.proxy_error for cause in REJECTED} == {None}


def test_no_error_type_says_of_a_request_that_was_sent_that_it_was_not() -> None:
    sent = [cause for cause in UNKNOWN if cause.reached != "no"]
    assert [cause.code for cause in sent if cause.proxy_error in SAYS_IT_WAS_NOT_FORWARDED] == []


def test_whoever_got_no_verdict_keeps_every_token_and_comes_back() -> None:
    assert {cause.action for cause in UNKNOWN} == {Action.WAIT}
    assert PUBLIC_ROWS["authentication_unavailable"].action is Action.WAIT


def test_no_refusal_counts_against_the_auth_service_or_is_worth_repeating() -> None:
    assert {(cause.again, cause.counts) for cause in REJECTED} == {(False, "no")}


def test_an_alarm_never_counts_and_is_never_transient() -> None:
    assert {cause.again for cause in UNKNOWN if cause.counts == "alarm"} == {False}


def test_what_the_public_hears_of_every_row_is_itself_a_row() -> None:
    assert {cause.public_code for cause in TABLE.values()} <= TABLE.keys() | PUBLIC_ROWS.keys()
    assert set(PUBLIC_ROWS) == {"authentication_unavailable", "invalid_token"}
    assert PUBLIC_ROWS["authentication_unavailable"].status == 503
    assert PUBLIC_ROWS["authentication_unavailable"].verdict == "unknown"
    assert PUBLIC_ROWS["invalid_token"].status == 401
    assert PUBLIC_ROWS["invalid_token"].action is Action.LOG_IN
    assert {code: row.public_code for code, row in PUBLIC_ROWS.items()} == {
        "authentication_unavailable": "authentication_unavailable",
        "invalid_token": "invalid_token",
    }


def test_actions_and_owners_are_closed_lists() -> None:
    assert {each.value for each in Action} == {
        "correct_input", "log_in", "refresh", "wait", "next_step", "contact_support",
    }  # fmt: skip
    assert {each.value for each in Owner} == {"client", "user", "us", "network", "between", "auth_service"}


@pytest.mark.parametrize("table", [TABLE, PUBLIC_ROWS], ids=["table", "public rows"])
def test_nobody_can_change_the_table(table: Any) -> None:
    with pytest.raises(TypeError):
        table["invalid_credentials"] = None
    for field in fields(Cause):
        with pytest.raises(FrozenInstanceError):
            setattr(next(iter(table.values())), field.name, None)
