"""Outcome to answer: status, headers and problem details.

It must never write what a stranger sent: every word is ours, from the table, the pages or the operating system.
"""

from collections.abc import Iterable
from typing import Any, Final

from netra.asgi.problem import error_list, problem
from netra.asgi.words import Answer, FieldError, Refusal
from netra.core.verdict.causes import TABLE, Cause
from netra.core.verdict.outcomes import Rejected, Tried, Unknown
from netra.web.view import View

_RETRY_STATUSES: Final = frozenset({503, 429, 423})
_REALM: Final = 'Bearer realm="netra"'
_PUBLIC_ERROR: Final = "Authentication service temporarily unavailable"
_OPERATOR_ERROR: Final = "Authentication service communication failed"
_FAULT_DETAILS: Final = {
    "missing": "This field is required.",
    "wrong_type": "This field has the wrong type.",
    "too_short": "This field is too short.",
    "too_long": "This field is too long.",
    "invalid_format": "This field is not of the expected form.",
    "mismatch": "This field does not match.",
}


def problem_answer(outcome: Rejected | Unknown, view: View, request_id: str, *, status: int | None = None) -> Answer:
    """The answer to an attempt that was not accepted, with the status of its cause unless another one is given.

    Source: RFC 9457; RFC 9110, section 10.2.3.
    """
    cause = outcome.cause
    status = status or cause.status
    if isinstance(outcome, Rejected):
        return _rejected(outcome, view, request_id, status)
    members = _members(cause, status, view, request_id, outcome.retry_after_s)
    if view.operator:
        members |= _for_operators(outcome, view)
    return problem(status, members, _headers(cause, members, view, outcome))


def _rejected(outcome: Rejected, view: View, request_id: str, status: int) -> Answer:
    cause = outcome.cause
    members = _members(cause, status, view, request_id, outcome.retry_after_s)
    if outcome.detail:
        members["detail"] = outcome.detail
    members["errors"] = error_list(
        FieldError(each.pointer, each.code, each.detail or _FAULT_DETAILS[each.code]) for each in outcome.errors
    )
    return problem(status, members, _headers(cause, members, view, None))


def refusal_answer(refusal: Refusal, request_id: str, view: View) -> Answer:
    """The answer to a request that a listener refused before any journey began."""
    cause = TABLE[refusal.code]
    members = _members(cause, refusal.status, view, request_id, refusal.retry_after_s)
    if refusal.detail:
        members["detail"] = refusal.detail
    members["errors"] = error_list(refusal.errors)
    outcome = Unknown(cause, transient=False, counts=False) if cause.verdict == "unknown" else None
    if outcome is not None and view.operator:
        members |= _for_operators(outcome, view)
    return problem(refusal.status, members, (*_headers(cause, members, view, outcome), *refusal.headers))


def _members(cause: Cause, status: int, view: View, request_id: str, retry_after_s: int | None) -> dict[str, Any]:
    shown = view.shown(cause)
    page = view.book[shown.code]
    unavailable = _OPERATOR_ERROR if view.operator else _PUBLIC_ERROR
    return {
        "type": f"{view.problem_base}/problems/{shown.code}",
        "title": page.title,
        "status": status,
        "detail": page.public,
        "error": unavailable if status >= 500 else page.title,
        "code": shown.code,
        "request_id": request_id,
        "retry_after": (retry_after_s or view.wait_s(cause)) if status in _RETRY_STATUSES else None,
        "action": cause.action.value,
        "owner": cause.owner.value if view.operator else None,
    }


def _for_operators(outcome: Unknown, view: View) -> dict[str, Any]:
    page = view.book[outcome.cause.code]
    facts = {**view.facts, **outcome.facts}
    return {
        "detail": page.operator_sentence(facts),
        "original_error": outcome.facts.get("os_error", page.title),
        "debug_info": {
            "environment": view.environment,
            "auth_service_url": view.auth_service_url,
            "service_id_configured": view.service_id is not None,
            "service_secret_configured": view.service_secret_configured,
            "connectivity_test": view.standing().connectivity,
            "attempts": _attempts(outcome.tried),
            "answered_by": outcome.facts.get("answered_by"),
            "breaker": outcome.facts.get("circuit"),
        },
        "suggestions": page.suggestions(facts),
    }


def _attempts(tried: Iterable[Tried]) -> list[dict[str, Any]]:
    return [
        {"try": each.number, "phase": each.phase.value, "code": each.code, "elapsed_ms": round(each.elapsed_s * 1e3, 1)}
        for each in tried
    ]


def _headers(
    cause: Cause, members: dict[str, Any], view: View, outcome: Unknown | None
) -> tuple[tuple[bytes, bytes], ...]:
    headers: list[tuple[bytes, bytes]] = []
    if members["retry_after"] is not None:
        headers.append((b"retry-after", b"%d" % members["retry_after"]))
    if members["status"] == 401:
        headers.append((b"www-authenticate", _challenge(cause).encode("ascii")))
    if view.operator and outcome is not None and cause.proxy_error:
        headers.append((b"proxy-status", _proxy_status(cause, outcome).encode("ascii")))
    return tuple(headers)


def _challenge(cause: Cause) -> str:
    """Source: RFC 6750, section 3: no error code when the request held no token."""
    invalid = cause.code.startswith("token_") and cause.code != "token_missing"
    return f'{_REALM}, error="invalid_token"' if invalid else _REALM


def _proxy_status(cause: Cause, outcome: Unknown) -> str:
    """Source: RFC 9209, sections 2.1 and 2.3."""
    received = outcome.facts.get("status")
    return f"netra; error={cause.proxy_error}" + (f"; received-status={received}" if received else "")
