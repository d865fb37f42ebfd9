"""Every row of the table as an answer, for operators and for the public: statuses, headers, members and their order.

It must never take the expected words from the code under test: the promised ones stand here.
"""

import json
from typing import Any

import pytest

from netra.asgi.words import FieldError, Refusal
from netra.core.verdict.causes import TABLE, Cause, Phase
from netra.core.verdict.outcomes import FieldFault, Rejected, Tried, Unknown, unknown
from netra.core.verdict.reply import Standing
from netra.testing.fakes import FakeClock
from netra.web.render import problem_answer, refusal_answer
from netra.web.view import View
from tests.support.problems import assert_problem
from tests.support.wire import Answer
from tests.web.support import BOOK, INSIDES, URL, shown, view

ROWS = tuple(TABLE.values())
UNKNOWNS = tuple(cause for cause in ROWS if cause.verdict == "unknown")
EVERY = ["type", "title", "status", "detail", "error", "code", "request_id"]
FAILURE = ["original_error", "debug_info", "suggestions"]
WAITING = {423, 429, 503}
TRIED = (Tried(1, Phase.NEVER_SENT, "connection_refused", 0.0012), Tried(2, Phase.MAYBE_SENT, "response_timeout", 1.5))
TOLD = {
    "os_error": "Connection refused", "status": "502", "answered_by": "nginx", "location_host": "10.1.2.3",
    "circuit": "half_open",
}  # fmt: skip


def outcome_of(cause: Cause, **facts: str) -> Rejected | Unknown:
    """What a row looks like when it has happened."""
    if cause.verdict == "rejected":
        return Rejected(cause)
    return unknown(cause, facts)._replace(tried=TRIED)


def answered(cause: Cause, how: View, **facts: str) -> Answer:
    """The answer to an attempt that ended in this row."""
    return shown(problem_answer(outcome_of(cause, **facts), how, "request-1"))


def members(answer: Answer) -> list[str]:
    """The names of the members, in order."""
    return list(json.loads(answer.body))


@pytest.mark.parametrize("cause", ROWS, ids=lambda cause: cause.code)
def test_operators_are_told_the_cause_itself(cause: Cause) -> None:
    answer = answered(cause, view())
    body = assert_problem(answer, cause.status, cause.code, "operator", request_id="request-1")
    wait = ["retry_after"] if cause.status in WAITING else []
    failure = FAILURE if cause.status >= 500 else []
    assert members(answer) == [*EVERY, *wait, "action", "owner", *failure]
    assert (body["title"], body["owner"], body["action"]) == (
        BOOK[cause.code].title, cause.owner.value, cause.action.value,
    )  # fmt: skip


@pytest.mark.parametrize("cause", ROWS, ids=lambda cause: cause.code)
def test_the_public_is_told_the_public_code_and_nothing_of_our_insides(cause: Cause) -> None:
    answer = answered(cause, view(operator=False), **TOLD)
    body = assert_problem(answer, cause.status, cause.public_code, "public", request_id="request-1")
    wait = ["retry_after"] if cause.status in WAITING else []
    assert members(answer) == [*EVERY, *wait, "action"]
    assert (body["detail"], body["action"]) == (BOOK[cause.public_code].public, cause.action.value)
    raw = answer.raw.decode()
    assert [inside for inside in (*INSIDES, "Connection refused", "nginx") if inside in raw] == []
    assert cause.public_code == cause.code or cause.code not in raw.replace("invalid_token", "")


@pytest.mark.parametrize("cause", UNKNOWNS, ids=lambda cause: cause.code)
def test_the_public_cannot_tell_two_failures_of_one_status_apart(cause: Cause) -> None:
    how = view(operator=False, standing=lambda: Standing(next_probe_at_s=1004.0))
    body = json.loads(answered(cause, how, **TOLD).body)
    del body["status"]
    body.pop("retry_after", None)
    assert body == {
        "type": "/problems/authentication_unavailable",
        "title": BOOK["authentication_unavailable"].title,
        "detail": BOOK["authentication_unavailable"].public,
        "error": "Authentication service temporarily unavailable",
        "code": "authentication_unavailable",
        "request_id": "request-1",
        "action": "wait",
    }


def test_an_address_of_problems_can_be_absolute() -> None:
    body = json.loads(answered(TABLE["dns_error"], view(problem_base="https://errors.example.com")).body)
    assert body["type"] == "https://errors.example.com/problems/dns_error"


# --- what operators need ---------------------------------------------------------------------------------------------


def test_what_helps_to_mend_a_failure_is_told_in_full() -> None:
    body = json.loads(answered(TABLE["intermediary_error"], view(), **TOLD).body)
    assert body["original_error"] == "Connection refused"
    assert list(body["debug_info"].items()) == [
        ("environment", "staging-of-ours"),
        ("auth_service_url", URL),
        ("service_id_configured", True),
        ("service_secret_configured", True),
        ("connectivity_test", "failed"),
        (
            "attempts",
            [
                {"try": 1, "phase": "never_sent", "code": "connection_refused", "elapsed_ms": 1.2},
                {"try": 2, "phase": "maybe_sent", "code": "response_timeout", "elapsed_ms": 1500.0},
            ],
        ),
        ("answered_by", "nginx"),
        ("breaker", "half_open"),
    ]


def test_what_is_not_configured_and_not_known_is_said_so() -> None:
    how = view(service_id=None, service_secret_configured=False, standing=Standing)
    debug = json.loads(answered(TABLE["dns_error"], how).body)["debug_info"]
    assert (debug["service_id_configured"], debug["service_secret_configured"]) == (False, False)
    assert (debug["connectivity_test"], debug["answered_by"]) == ("not_run", None)


@pytest.mark.parametrize("cause", UNKNOWNS, ids=lambda cause: cause.code)
def test_without_a_word_of_the_operating_system_the_original_error_is_ours(cause: Cause) -> None:
    assert json.loads(answered(cause, view()).body)["original_error"] == BOOK[cause.code].title


def test_facts_of_the_failure_go_before_those_of_the_installation() -> None:
    how = view(facts={"host": "auth.internal.test", "port": "8443", "status": "999"})
    told = json.loads(answered(TABLE["connection_refused"], how).body)
    assert "auth.internal.test" in told["detail"]
    assert "8443" in told["detail"] + told["suggestions"][0]


# --- headers ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("operator", [True, False], ids=["operator", "public"])
@pytest.mark.parametrize("cause", ROWS, ids=lambda cause: cause.code)
def test_a_wait_is_said_on_503_429_and_423_alone_and_twice_the_same(cause: Cause, operator: bool) -> None:
    answer = answered(cause, view(operator=operator))
    said = answer.header("retry-after")
    assert (said is not None) == (cause.status in WAITING)
    assert json.loads(answer.body).get("retry_after") == (None if said is None else int(said))


INVALID_TOKEN = {
    "token_malformed", "token_expired", "token_not_yet_valid", "token_revoked", "token_wrong_audience",
    "token_wrong_issuer", "token_wrong_type", "token_signature_invalid", "token_rejected",
}  # fmt: skip


@pytest.mark.parametrize("operator", [True, False], ids=["operator", "public"])
@pytest.mark.parametrize("cause", ROWS, ids=lambda cause: cause.code)
def test_every_401_and_nothing_else_challenges(cause: Cause, operator: bool) -> None:
    challenge = answered(cause, view(operator=operator)).header("www-authenticate")
    if cause.status != 401:
        assert challenge is None
    elif cause.code in INVALID_TOKEN:
        assert challenge == 'Bearer realm="netra", error="invalid_token"'
    else:
        assert challenge == 'Bearer realm="netra"'


@pytest.mark.parametrize("cause", ROWS, ids=lambda cause: cause.code)
def test_proxy_status_is_for_operators_and_unknowns_alone(cause: Cause) -> None:
    said = answered(cause, view()).header("proxy-status")
    if cause.verdict == "unknown":
        assert said == f"netra; error={cause.proxy_error}"
        received = answered(cause, view(), status="502").header("proxy-status")
        assert received == f"netra; error={cause.proxy_error}; received-status=502"
    else:
        assert said is None
    assert answered(cause, view(operator=False), status="502").header("proxy-status") is None


# --- how long to wait ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "next_probe_at_s", "wait_s"),
    [
        ("connection_refused", 1004.2, 5),
        ("connection_refused", 1004.0, 4),
        ("connection_refused", 1000.1, 1),
        ("connection_refused", 990.0, 1),
        ("connection_refused", None, 1),
        ("connection_refused", 0.0, 1),
        ("auth_service_rate_limited", 1003.5, 4),
        ("connection_limit_reached", 1004.0, 1),
        ("local_resource_exhausted", 1004.0, 1),
        ("draining", 1004.0, 1),
        ("auth_service_disabled", 1004.0, 60),
        ("account_locked", 1004.0, 60),
        ("too_many_attempts", 1004.0, 60),
    ],
    ids=range(13),
)
def test_whoever_is_told_nothing_else_comes_back_when_more_is_known(
    code: str, next_probe_at_s: float | None, wait_s: int
) -> None:
    how = view(FakeClock(1000.0), standing=lambda: Standing(next_probe_at_s=next_probe_at_s))
    assert json.loads(answered(TABLE[code], how).body)["retry_after"] == wait_s


@pytest.mark.parametrize("code", ["account_locked", "too_many_attempts", "auth_service_unavailable"])
def test_a_wait_that_the_auth_service_has_named_goes_first(code: str) -> None:
    outcome = outcome_of(TABLE[code])._replace(retry_after_s=17)
    answer = shown(problem_answer(outcome, view(), "request-1"))
    assert (answer.header("retry-after"), json.loads(answer.body)["retry_after"]) == ("17", 17)


def test_where_no_wait_belongs_none_is_said_whatever_the_auth_service_named() -> None:
    for code in ("invalid_credentials", "auth_service_error", "response_timeout"):
        outcome = outcome_of(TABLE[code])._replace(retry_after_s=17)
        answer = shown(problem_answer(outcome, view(), "request-1"))
        assert answer.header("retry-after") is None
        assert "retry_after" not in json.loads(answer.body)


# --- rejections and refusals -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", ["missing", "wrong_type", "too_short", "too_long", "invalid_format", "mismatch"])
def test_faults_of_fields_are_listed_with_a_sentence_of_ours(code: str) -> None:
    outcome = Rejected(TABLE["invalid_fields"], errors=(FieldFault("/email", code), FieldFault("/name", code, "Ours.")))
    for operator in (True, False):
        body = json.loads(problem_answer(outcome, view(operator=operator), "request-1").body)
        first, second = body["errors"]
        assert (first["pointer"], first["code"], second["detail"]) == ("/email", code, "Ours.")
        assert first["detail"].startswith("This field ")


def test_a_rejection_may_say_more_than_its_page() -> None:
    outcome = Rejected(TABLE["too_many_attempts"], detail="Six wrong passwords in ten minutes.")
    for operator in (True, False):
        body = json.loads(problem_answer(outcome, view(operator=operator), "request-1").body)
        assert body["detail"] == "Six wrong passwords in ten minutes."


REFUSALS: list[tuple[Refusal, dict[str, Any]]] = [
    (Refusal(404, "not_found"), {}),
    (Refusal(405, "method_not_allowed", headers=((b"allow", b"GET"),)), {}),
    (Refusal(413, "body_too_large", "Too large.", headers=((b"connection", b"close"),)), {"detail": "Too large."}),
    (Refusal(421, "malformed_request", "Another host."), {"status": 421, "detail": "Another host."}),
    (Refusal(401, "token_rejected"), {}),
    (Refusal(422, "invalid_fields", errors=(FieldError("/a", "missing", "Required."),)),
     {"errors": [{"pointer": "/a", "code": "missing", "detail": "Required."}]}),
]  # fmt: skip


@pytest.mark.parametrize(("refusal", "told"), REFUSALS, ids=range(len(REFUSALS)))
@pytest.mark.parametrize("how", ["operator", "public"])
def test_what_a_listener_refuses_has_the_same_shape(refusal: Refusal, told: dict[str, Any], how: Any) -> None:
    answer = shown(refusal_answer(refusal, "request-1", view(operator=how == "operator")))
    code = refusal.code if how == "operator" else TABLE[refusal.code].public_code
    body = assert_problem(answer, refusal.status, code, how)
    assert {name: body[name] for name in told} == told
    for name, value in refusal.headers:
        assert answer.header(name.decode()) == value.decode()


def test_a_bug_is_told_to_operators_like_any_failure_and_to_the_public_like_any_other() -> None:
    bug = Refusal(500, "internal_error")
    told = shown(refusal_answer(bug, "request-1", view()))
    assert members(told) == [*EVERY, "action", "owner", *FAILURE]
    assert told.header("proxy-status") == "netra; error=proxy_internal_error"
    public = shown(refusal_answer(bug, "request-1", view(operator=False)))
    assert_problem(public, 500, "authentication_unavailable", "public")
    assert members(public) == [*EVERY, "action"]
