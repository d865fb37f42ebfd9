"""Rows of faults in what a well-formed answer says: statuses, bodies, and who has answered at all.

It must never hold an answer that is broken as HTTP: that is in `reading`.
"""

from collections.abc import Iterable
from typing import Final

from netra.lab.scripts import JSON, reply
from tests.faults.reading import HERE, TOO_LARGE, unusable
from tests.faults.row import DEADLINE_S, Row, Way
from tests.faults.scenes import scripted
from tests.live.answers_of_others import ERRORS
from tests.support.gateways import IMPATIENT

_AWS: Final = "AWS Application Load Balancer"


def _invalid(*names: str) -> Iterable[Way]:
    return (unusable(name, "invalid_response", kept=True) for name in names)


def _busy(name: str, wait_s: int | None = None) -> Way:
    way = unusable(name, "auth_service_unavailable", status=503, kept=True, keyed=1 if wait_s else 3)
    if wait_s is None:
        return way
    # A wait that the auth service asked for and that does not fit is not begun.
    return way._replace(waits=frozenset({wait_s}), told=IMPATIENT, within_s=DEADLINE_S)


def _alarm(name: str, code: str) -> Way:
    return unusable(name, code, kept=True, owner="us")


def _between(name: str, by: str) -> Way:
    rejected = name.endswith("403")
    code = "intermediary_rejected" if rejected else "intermediary_error"
    return unusable(name, code, kept=True, keyed=1 if rejected else 3, owner="between")._replace(answered_by=by)


ROWS: Final = (
    Row(
        HERE,
        "no-document",
        "The answer is a success and no document: HTML, text, an empty body, 204.",
        "502 `invalid_response`; 502 `intermediary_error` where it shows who answers",
        "no",
        (
            *_invalid("html-with-200", "text-with-200", "empty-with-200", "no-content"),
            unusable(
                "nginx's page with 200",
                "intermediary_error",
                kept=True,
                keyed=3,
                owner="between",
                scene=scripted(reply(200, ERRORS["nginx with 200"].body.encode(), ERRORS["nginx with 200"].headers)),
            )._replace(answered_by="nginx"),
        ),
    ),
    Row(
        HERE,
        "bad-json",
        "Invalid JSON, not UTF-8, a key twice, NaN, a depth of a hundred thousand, an array for an object.",
        "502 `invalid_response`, 502 `response_too_large` over 64 KiB; never 500",
        "no",
        (
            *_invalid(
                "no-json",
                "not-utf-8",
                "byte-order-mark",
                "duplicate-keys",
                "nan",
                "infinity",
                "lone-surrogate",
                "huge-number",
                "deep-json-small",
                "array",
                "null",
            ),
            unusable("deep-json", TOO_LARGE),
            unusable("depth 60,000", "invalid_response", kept=True, scene=scripted(reply(200, b"[" * 60_000, [JSON]))),
        ),
    ),
    Row(
        HERE,
        "bad-session",
        "A session without an access token or a user's id, with a life that is negative, huge or a text, "
        "or with a token of a megabyte.",
        "502 `invalid_response`; 502 `response_too_large` over 64 KiB",
        "no",
        (
            *_invalid(
                "no-access-token",
                "empty-access-token",
                "access-token-no-text",
                "access-token-with-line-end",
                "access-token-of-50-kb",
                "no-refresh-token",
                "wrong-token-type",
                "no-user",
                "user-no-object",
                "empty-user-id",
                "expires-in-negative",
                "expires-in-huge",
                "expires-in-text",
            ),
            unusable("access-token-of-1-mb", TOO_LARGE),
        ),
    ),
    Row(
        HERE,
        "server-error",
        "The auth service answers 500, 501, 505 or 507.",
        "502 `auth_service_error`",
        "no",
        tuple(unusable(f"status-{status}", "auth_service_error", kept=True) for status in (500, 501, 505, 507)),
    ),
    Row(
        HERE,
        "proxy-error",
        "The auth service's own proxy answers 502 or 504.",
        "502 `intermediary_error` where it shows who answers, else 502 `auth_service_error`",
        "no",
        (
            unusable("status-502", "auth_service_error", kept=True, keyed=3),
            unusable("status-504", "auth_service_error", kept=True, keyed=3),
            _between("nginx-502", "nginx"),
            _between("nginx-504", "nginx"),
        ),
    ),
    Row(
        HERE,
        "unavailable",
        "The auth service answers 503, with and without `Retry-After`, in every form and out of form.",
        "503 `auth_service_unavailable` with a `Retry-After` of 1 to 3600 seconds",
        "no",
        (
            _busy("status-503"),
            _busy("retry-after-seconds", 7),
            _busy("retry-after-zero", 1),
            _busy("retry-after-huge", 3600),
            _busy("retry-after-date", 1),
            _busy("retry-after-date-rfc-850", 1),
            _busy("retry-after-date-asctime", 1),
            _busy("retry-after-far-future", 3600),
            _busy("retry-after-negative"),
            _busy("retry-after-fraction"),
            _busy("retry-after-garbage"),
            _busy("retry-after-twice", 7),
            _busy("overloaded", 1),
        ),
    ),
    Row(
        HERE,
        "too-many-requests",
        "The auth service answers 429: to the user, or to the gateway.",
        "429 `too_many_attempts` to the user; 503 `auth_service_rate_limited` where the gateway is meant",
        "no",
        (unusable("rate-limited", "auth_service_rate_limited", status=503, kept=True)._replace(waits=frozenset({9})),),
        try_it=("too-many-attempts",),
    ),
    Row(
        HERE,
        "not-understood",
        "The auth service answers 400, 413, 415 or 422 without a code of a user's, a thousand times.",
        "502 `request_not_understood`; the breaker stays closed",
        "no",
        tuple(_alarm(f"status-{status}", "request_not_understood") for status in (400, 413, 415, 422)),
    ),
    Row(
        HERE,
        "credentials-refused",
        "The auth service refuses the gateway's own credentials: 403 without a code, 401 with its code.",
        "502 `service_credentials_rejected`, never the user's 401; the log says `Login failed: Access forbidden`",
        "no",
        (
            _alarm("status-403", "service_credentials_rejected"),
            _alarm("service-credentials-rejected", "service_credentials_rejected"),
        ),
    ),
    Row(
        HERE,
        "wrong-path",
        "The auth service answers 404, 405 or 410 to a login.",
        "502 `endpoint_not_found`",
        "no",
        tuple(_alarm(f"status-{status}", "endpoint_not_found") for status in (404, 405, 410)),
    ),
    Row(
        HERE,
        "somebody-between",
        "A firewall or a load balancer answers with a page of its own, or that there is no instance to ask.",
        "502 `intermediary_rejected` or 502 `intermediary_error`; `answered_by` says who",
        "no",
        (
            _between("waf-403", "an unnamed intermediary"),
            _between("nginx-403", "nginx"),
            _between("haproxy-403", "HAProxy"),
            _between("envoy-403", "Envoy"),
            _between("cloudflare-403", "Cloudflare"),
            _between("nginx-503", "nginx"),
            _between("haproxy-502", "HAProxy"),
            _between("haproxy-504", "HAProxy"),
            _between("envoy-503", "Envoy"),
            _between("aws-load-balancer-502", _AWS),
            _between("aws-load-balancer-503", _AWS),
            _between("aws-load-balancer-504", _AWS),
            _between("no-available-instance", "Google front end"),
            _between("cloudflare-522", "Cloudflare"),
        ),
    ),
)
