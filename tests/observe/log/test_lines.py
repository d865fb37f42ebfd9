"""The exact words that operators watch for, and the fields beside them.

It must never be computed from the code under test: alerts are written against these very strings.
"""

from typing import Any

import pytest

from netra.core.events import (
    AttemptEnded,
    CircuitChanged,
    ConfigurationProblem,
    ConnectivityChecked,
    Crashed,
    HandshakeEnded,
    KeysChanged,
    RevocationFeed,
    Stage,
)
from netra.core.findings import Finding, Severity
from netra.core.pace.breaker import Circuit
from netra.core.verdict.causes import TABLE, Cause
from netra.core.verdict.outcomes import Accepted, Rejected, unknown
from netra.observe.log.lines import Lines
from tests.observe.support import (
    ACCEPTED,
    BOOK,
    FACTS,
    LINES,
    REJECTED,
    REJECTIONS,
    RUN_ID,
    UNKNOWNS,
    failed,
    line_of,
    tried,
)

OUR_CREDENTIALS = {"service_credentials_rejected", "service_credentials_missing"}


# --- a login ends in exactly one line --------------------------------------------------------------------------------


def test_a_login_that_is_accepted_has_succeeded() -> None:
    level, event, fields = line_of(ACCEPTED)
    assert (level, event) == ("info", "Login succeeded")
    assert fields == {
        "request_id": "request-1",
        "elapsed_ms": 12.3,
        "account": "0123456789abcdef",
        "trace_id": "0af7651916cd43dd8448eb211c80319c",
        "owasp": "authn_login_success",
    }


@pytest.mark.parametrize("cause", REJECTIONS, ids=lambda cause: cause.code)
def test_a_login_that_is_refused_is_rejected_whatever_the_reason(cause: Cause) -> None:
    level, event, fields = line_of(Rejected(cause, tried=tried(cause.code)))
    assert (level, event, fields["code"]) == ("info", "Login rejected", cause.code)


def test_too_many_attempts_says_who_counted_them() -> None:
    cause = TABLE["too_many_attempts"]
    assert line_of(Rejected(cause, tried=tried(cause.code)))[2]["limited_by"] == "auth_service"
    assert line_of(Rejected(cause))[2]["limited_by"] == "gateway"


@pytest.mark.parametrize("code", sorted(OUR_CREDENTIALS))
@pytest.mark.parametrize("tries", [1, 3])
def test_a_login_for_which_we_were_refused_is_forbidden_access(code: str, tries: int) -> None:
    level, event, _ = line_of(failed(code, tries))
    assert (level, event) == ("error", "Login failed: Access forbidden")


@pytest.mark.parametrize("tries", [1, 2, 3, 5])
@pytest.mark.parametrize("cause", UNKNOWNS, ids=lambda cause: cause.code)
def test_any_other_login_without_a_verdict_counts_its_tries(cause: Cause, tries: int) -> None:
    if cause.code in OUR_CREDENTIALS:
        return
    level, event, _ = line_of(failed(cause.code, tries))
    assert (level, event) == ("error", f"All {tries} login attempts failed")


@pytest.mark.parametrize("code", ["destination_unavailable", "connection_limit_reached", "auth_service_disabled"])
def test_a_login_that_was_never_tried_has_failed(code: str) -> None:
    level, event, fields = line_of(unknown(TABLE[code]))
    assert (level, event) == ("error", "Login failed")
    assert (fields["code"], fields["phase"], fields["tries"]) == (code, "never_sent", [])


# --- the other journeys ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("journey", "name", "well", "ill"),
    [
        ("register", "Registration", "info", "warning"),
        ("refresh", "Refresh", "info", "warning"),
        ("logout", "Logout", "info", "warning"),
        ("me", "Token check", "debug", "warning"),
        ("config", "Offer", "debug", "warning"),
    ],
)
def test_every_other_journey_has_its_own_words(journey: str, name: str, well: str, ill: str) -> None:
    assert line_of(ACCEPTED, journey)[:2] == (well, f"{name} succeeded")
    assert line_of(REJECTED, journey)[:2] == (well, f"{name} rejected")
    assert line_of(failed("connection_refused", 3), journey)[:2] == (ill, f"{name} failed")
    assert line_of(failed("service_credentials_rejected"), journey)[:2] == ("error", f"{name} failed: Access forbidden")


# --- what stands beside the words ------------------------------------------------------------------------------------


@pytest.mark.parametrize("cause", UNKNOWNS, ids=lambda cause: cause.code)
def test_every_failure_says_its_code_its_phase_its_time_and_what_to_check(cause: Cause) -> None:
    fields = line_of(failed(cause.code, 2)).fields
    assert fields["request_id"] == "request-1"
    assert (fields["code"], fields["phase"], fields["elapsed_ms"]) == (cause.code, cause.phase.value, 12.3)
    assert fields["owner"] == cause.owner.value
    assert fields["tries"] == [f"{cause.code} 250.0 ms"] * 2
    assert fields["why"].endswith(".")
    assert "{" not in fields["why"]
    assert fields["check_first"]
    assert "{" not in fields["check_first"]


def test_a_failure_names_what_the_operating_system_and_who_in_between_said() -> None:
    fields = line_of(failed("connection_refused", os_error="Connection refused", status="-")).fields
    assert fields["os_error"] == "Connection refused"
    assert "answered_by" not in fields
    assert line_of(failed("intermediary_error", answered_by="nginx")).fields["answered_by"] == "nginx"


def test_the_facts_of_an_attempt_go_before_those_of_the_installation() -> None:
    said = line_of(failed("endpoint_not_found", path="/auth/login", method="POST", status="404")).fields
    assert "/auth/login" in said["why"] + said["check_first"]
    assert "auth.test" in line_of(failed("connection_refused")).fields["why"]


def test_failures_of_one_code_with_other_facts_or_of_another_journey_are_told_each_by_itself() -> None:
    told = [line_of(failed("connection_refused", os_error=said)).fields["os_error"] for said in ("one", "two", "one")]
    assert told == ["one", "two", "one"]
    journeys = [line_of(failed("dns_error"), journey).fields.get("journey") for journey in ("me", "verify", "login")]
    assert journeys == ["me", "verify", None]


def test_many_failures_with_ever_other_facts_leave_nothing_behind() -> None:
    lines = Lines(BOOK, FACTS, RUN_ID)
    for number in range(2_000):
        outcome = failed("connection_refused", os_error=f"fault {number}")
        line = lines(AttemptEnded("login", "request-1", outcome, 0.1))
        assert line.fields["os_error"] == f"fault {number}"
    assert len(lines._failures) + len(lines._headings) <= 501


def test_what_is_not_known_is_left_out() -> None:
    fields = LINES(AttemptEnded("refresh", "request-1", Accepted(None), 0.0)).fields
    assert fields == {"request_id": "request-1", "elapsed_ms": 0.0, "owasp": "session_renewed"}


# --- upkeep, settings, the program -----------------------------------------------------------------------------------


@pytest.mark.parametrize("cause", UNKNOWNS, ids=lambda cause: cause.code)
def test_a_failed_probe_is_the_connectivity_test_of_the_alerts(cause: Cause) -> None:
    event = ConnectivityChecked("probe-1", cause.code, cause.phase.value, 0.5, True)
    level, words, fields = LINES(event)
    assert (level, words) == ("warning", "Auth service connectivity test failed")
    assert (fields["request_id"], fields["code"], fields["phase"]) == ("probe-1", cause.code, cause.phase.value)
    assert fields["elapsed_ms"] == 500.0
    assert fields["why"]


def test_a_probe_that_is_well_again_says_so() -> None:
    assert LINES(ConnectivityChecked("probe-1", None, None, 0.5, True)) == (
        "info", "Auth service connectivity test succeeded", {"request_id": "probe-1", "elapsed_ms": 500.0},
    )  # fmt: skip


@pytest.mark.parametrize(
    ("state", "code", "level"),
    [("accepted", None, "info"), ("absent", "endpoint_not_found", "warning"),
     ("refused", "service_credentials_rejected", "error")],
)  # fmt: skip
def test_a_handshake_says_how_it_ended(state: str, code: str | None, level: str) -> None:
    line = LINES(HandshakeEnded("probe-1", state, code, "answered" if code else None, 0.25))
    assert (line.level, line.event, line.fields["elapsed_ms"]) == (level, f"Handshake {state}", 250.0)
    assert line.fields.get("code") == code
    assert ("why" in line.fields) == (code is not None)


def test_a_circuit_that_opens_says_why_and_until_when() -> None:
    level, event, fields = LINES(CircuitChanged("login", Circuit("open", "connection_refused", 4.96, 24, 12)))
    assert (level, event) == ("error", "Circuit opened")
    assert fields.pop("why")
    assert fields.pop("check_first")
    assert fields == {
        "request_id": RUN_ID, "calls": "login", "code": "connection_refused", "phase": "never_sent",
        "next_try_in_s": 5.0, "failed": "12 of 24 calls in 10 s",
    }  # fmt: skip


def test_a_circuit_that_opens_again_after_a_trial_counts_no_calls() -> None:
    _, event, fields = LINES(CircuitChanged("token", Circuit("open", "response_timeout", 10.0, 0, 0)))
    assert (event, fields["calls"], "failed" in fields) == ("Circuit opened", "token", False)


def test_a_circuit_says_when_it_tries_again_and_when_all_is_well() -> None:
    trying = LINES(CircuitChanged("login", Circuit("half_open", "connection_refused", 0.0, 0, 0)))
    assert (trying.level, trying.event, trying.fields["code"]) == ("info", "Circuit half-open", "connection_refused")
    closed = LINES(CircuitChanged("login", Circuit("closed", None, 0.0, 0, 0)))
    assert (closed.level, closed.event) == ("info", "Circuit closed")
    assert closed.fields == {"request_id": RUN_ID, "calls": "login"}


FINDING = Finding(Severity.ERROR, "placeholder", "SERVICE_SECRET", "a placeholder", "Nobody can log in.", "Set it.")


@pytest.mark.parametrize(
    ("severity", "code", "level", "words"),
    [
        (Severity.ERROR, "placeholder", "error", "Configuration problem"),
        (Severity.WARNING, "whitespace", "warning", "Configuration problem"),
        (Severity.NOTE, "default", "info", "Configuration read again"),
        (Severity.ERROR, "oauth_credential_missing", "error", "Missing OAuth credential"),
    ],
    ids=["error", "warning", "note", "oauth"],
)
def test_a_finding_is_a_configuration_problem(severity: Severity, code: str, level: str, words: str) -> None:
    line = LINES(ConfigurationProblem(FINDING._replace(severity=severity, code=code)))
    assert (line.level, line.event) == (level, words)
    assert line.fields == {
        "request_id": RUN_ID, "code": code, "variable": "SERVICE_SECRET", "what": "a placeholder",
        "why": "Nobody can log in.", "check_first": "Set it.",
    }  # fmt: skip


def test_a_stage_says_the_addresses() -> None:
    assert LINES(Stage("started", (("public", "http://127.0.0.1:8000"),))) == (
        "info", "Netra started", {"request_id": RUN_ID, "public": "http://127.0.0.1:8000", "owasp": "sys_startup"},
    )  # fmt: skip


def test_a_crash_says_where_and_never_what() -> None:
    level, words, fields = LINES(Crashed("request-1", "KeyError", ("sessions.py:30 login",), 0.25))
    assert (level, words) == ("error", "Internal error")
    assert fields == {
        "request_id": "request-1", "code": "internal_error", "phase": "maybe_sent", "elapsed_ms": 250.0,
        "error_type": "KeyError", "places": ["sessions.py:30 login"], "owasp": "sys_crash",
    }  # fmt: skip


EVENTS: list[Any] = [
    *(AttemptEnded(journey, "request-1", outcome, 0.1)
      for journey in ("login", "register", "refresh", "logout", "me", "config")
      for outcome in (ACCEPTED, REJECTED, failed("dns_error"))),
    ConnectivityChecked("probe-1", "dns_error", "never_sent", 0.1, True),
    ConnectivityChecked("probe-1", None, None, 0.1, True),
    HandshakeEnded("probe-1", "accepted", None, None, 0.1),
    HandshakeEnded("probe-1", "unclear", "invalid_response", "answered", 0.1),
    ConfigurationProblem(FINDING),
    Stage("draining"),
    Crashed("request-1", "KeyError", ()),
]  # fmt: skip


@pytest.mark.parametrize("event", EVENTS, ids=range(len(EVENTS)))
def test_every_line_belongs_to_a_request_or_to_a_run(event: Any) -> None:
    assert LINES(event).fields["request_id"] in ("request-1", "probe-1", RUN_ID)


# --- what tokens are checked by ---------------------------------------------------------------------------------------


def test_a_new_key_set_is_named_by_its_ids() -> None:
    level, event, fields = LINES(KeysChanged(("k1", "k2")))
    assert (level, event) == ("info", "Key set changed")
    assert fields == {"request_id": RUN_ID, "key_ids": ["k1", "k2"]}


def test_a_key_set_that_cannot_be_renewed_says_why_and_which_one_stays() -> None:
    level, event, fields = LINES(KeysChanged(("k1",), "connection_refused"))
    assert (level, event) == ("warning", "Key set not renewed")
    assert fields["key_ids"] == ["k1"]
    assert {"code", "why", "check_first"} <= fields.keys()


def test_a_key_set_that_is_refused_says_what_is_wrong_with_it() -> None:
    fields = LINES(KeysChanged((), "keys_refused", "it holds a private key")).fields
    assert (fields["code"], fields["reason"]) == ("keys_refused", "it holds a private key")


def test_a_feed_of_revocations_that_is_down_says_why() -> None:
    assert LINES(RevocationFeed("up"))[:2] == ("info", "Revocation feed up")
    level, event, fields = LINES(RevocationFeed("down", "response_timeout"))
    assert (level, event, fields["code"]) == ("warning", "Revocation feed down", "response_timeout")
    assert LINES(RevocationFeed("down")).fields == {"request_id": RUN_ID}
