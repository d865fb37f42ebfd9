"""The one assertion for every error answer: the shape that the API promises, member by member.

It must never be told what is left to the code under test: statuses, words and header rules stand here once more.
"""

import re
from typing import Any, Final, Literal

from tests.support.wire import Answer

View = Literal["operator", "public"]

ACTIONS: Final = {"correct_input", "log_in", "refresh", "wait", "next_step", "contact_support"}
OWNERS: Final = {"client", "user", "us", "network", "between", "auth_service"}
PHASES: Final = {"never_sent", "maybe_sent", "answered"}
FIELD_CODES: Final = {"missing", "wrong_type", "too_short", "too_long", "invalid_format", "mismatch"}
WAITING: Final = {503, 429, 423}
PROXY_ERRORS: Final = {
    "dns_timeout", "dns_error", "destination_not_found", "destination_unavailable", "destination_ip_prohibited",
    "destination_ip_unroutable", "connection_refused", "connection_terminated", "connection_timeout",
    "connection_read_timeout", "connection_write_timeout", "connection_limit_reached", "tls_protocol_error",
    "tls_certificate_error", "tls_alert_received", "http_request_error", "http_request_denied",
    "http_response_incomplete", "http_response_header_section_size", "http_response_header_size",
    "http_response_body_size", "http_response_trailer_section_size", "http_response_trailer_size",
    "http_response_transfer_coding", "http_response_content_coding", "http_response_timeout", "http_upgrade_failed",
    "http_protocol_error", "proxy_internal_response", "proxy_internal_error", "proxy_configuration_error",
    "proxy_loop_detected",
}  # fmt: skip
"""Registered by RFC 9209, section 2.3."""

_ALWAYS: Final = {"type", "title", "status", "detail", "error", "code", "request_id", "action"}
_SOMETIMES: Final = {"retry_after", "errors"}
_FOR_OPERATORS: Final = {"owner"}
_OF_FAILURES: Final = {"original_error", "debug_info", "suggestions"}
_DEBUG: Final = {
    "environment", "auth_service_url", "service_id_configured", "service_secret_configured", "connectivity_test",
    "attempts", "answered_by",
}  # fmt: skip
_ATTEMPT: Final = {"try", "phase", "code", "elapsed_ms"}
_PROXY_STATUS: Final = re.compile(r"netra; error=([a-z_]+)(?:; received-status=\d{3})?")


def assert_problem(
    answer: Answer, status: int, code: str, view: View = "operator", *, base: str = "", request_id: str | None = None
) -> Any:
    """An error answer of this status and code in the promised shape; returns its body."""
    assert answer.status == status, answer
    assert answer.header("content-type") == "application/problem+json", answer
    body = answer.json
    assert isinstance(body, dict), body
    assert (body["code"], body["status"]) == (code, status), body
    assert body["type"] == f"{base}/problems/{code}"
    assert body["action"] in ACTIONS, body
    for member in ("title", "detail", "error", "request_id"):
        assert isinstance(body[member], str), member
        assert body[member].strip(), member
        assert "\n" not in body[member], member
    _assert_labels(answer, body, request_id)
    _assert_members(body, status, view)
    _assert_waiting(answer, body, status)
    _assert_challenge(answer, status, code)
    _assert_proxy_status(answer, status, view)
    return body


def _assert_labels(answer: Answer, body: Any, request_id: str | None) -> None:
    assert answer.header("x-request-id") == body["request_id"]
    assert request_id is None or body["request_id"] == request_id
    assert answer.header("cache-control") == "no-store"
    assert answer.all("server") == []
    assert answer.all("set-cookie") == []
    assert answer.all("location") == []


def _assert_members(body: Any, status: int, view: View) -> None:
    operator, failure = view == "operator", status >= 500
    expected = _ALWAYS | (_FOR_OPERATORS if operator else set()) | (_OF_FAILURES if operator and failure else set())
    assert expected <= body.keys() <= expected | _SOMETIMES, sorted(body)
    if failure:
        communication = "Authentication service communication failed"
        unavailable = "Authentication service temporarily unavailable"
        assert body["error"] == (communication if operator else unavailable)
    else:
        assert body["error"] == body["title"]
    for fault in body.get("errors", ()):
        assert fault.keys() == {"pointer", "code", "detail"}, fault
        assert fault["code"] in FIELD_CODES, fault
        assert re.fullmatch(r"/[a-z_]+", fault["pointer"]), fault
    if operator:
        assert body["owner"] in OWNERS, body
    if operator and failure:
        _assert_explained(body)


def _assert_explained(body: Any) -> None:
    debug = body["debug_info"]
    assert _DEBUG <= debug.keys() <= _DEBUG | {"breaker"}, sorted(debug)
    assert debug["connectivity_test"] in {"success", "failed", "not_run"}
    assert isinstance(debug["service_id_configured"], bool)
    assert isinstance(debug["service_secret_configured"], bool)
    for number, attempt in enumerate(debug["attempts"], 1):
        assert attempt.keys() == _ATTEMPT, attempt
        assert attempt["try"] == number
        assert attempt["phase"] in PHASES, attempt
        assert attempt["elapsed_ms"] >= 0
    assert body["suggestions"], "no suggestion at all"
    assert all(isinstance(each, str) and each and "{" not in each for each in body["suggestions"]), body["suggestions"]
    assert body["original_error"].strip()


def _assert_waiting(answer: Answer, body: Any, status: int) -> None:
    said = answer.header("retry-after")
    if status in WAITING:
        assert said is not None
        assert re.fullmatch(r"[1-9]\d{0,3}", said), said
        assert int(said) <= 3600
        assert body["retry_after"] == int(said)
    else:
        assert said is None, said
        assert "retry_after" not in body


def _assert_challenge(answer: Answer, status: int, code: str) -> None:
    said = answer.header("www-authenticate")
    if status != 401:
        assert said is None, said
    elif code == "invalid_token" or (code.startswith("token_") and code != "token_missing"):
        assert said == 'Bearer realm="netra", error="invalid_token"'
    else:
        assert said == 'Bearer realm="netra"'


def _assert_proxy_status(answer: Answer, status: int, view: View) -> None:
    said = answer.header("proxy-status")
    if view == "public" or status < 500:
        assert said is None, said
        return
    found = _PROXY_STATUS.fullmatch(said or "")
    assert found, said
    assert found[1] in PROXY_ERRORS, said
