"""Faults of the status: failures, refusals of the gateway instead of the user, redirects, and odd numbers.

It must never carry a code that speaks of a user: those are refusals.
"""

from typing import Final

from netra.lab.catalogue.fault import Fault, Instead
from netra.lab.catalogue.framing import body_of
from netra.lab.scripts import JSON, html, json_reply, problem, raw_then_close, redirect, reply

_ELSEWHERE: Final = "http://elsewhere.invalid/auth/login"
_ERROR: Final = "auth_service_error"
_UNAVAILABLE: Final = "auth_service_unavailable"
_PUZZLED: Final = "request_not_understood"
_CREDENTIALS: Final = "service_credentials_rejected"


def _row(name: str, what: str, code: str, script: Instead, status: int = 502) -> Fault:
    return Fault(name, what, "status", status, code, script)


def _failure(status: int, what: str) -> Fault:
    return _row(f"status-{status}", what, _ERROR, lambda _: json_reply(status, {"message": "something went wrong"}))


def _puzzled(status: int, what: str) -> Fault:
    return _row(f"status-{status}", what, _PUZZLED, lambda _: json_reply(status, {"message": "no"}))


def _lost(status: int, what: str) -> Fault:
    return _row(f"status-{status}", what, "endpoint_not_found", lambda _: html(status, "<h1>Not here</h1>"))


def _odd(status: int, what: str) -> Fault:
    return _row(f"status-{status}", what, "unexpected_status", lambda good: reply(status, body_of(good), [JSON]))


def _waits(name: str, what: str, *said: str) -> Fault:
    headers = [("Retry-After", each) for each in said]
    return _row(name, what, _UNAVAILABLE, lambda _: json_reply(503, {"message": "later"}, headers), 503)


def _redirected(status: int, location: str = _ELSEWHERE, name: str = "", what: str = "") -> Fault:
    return _row(
        name or f"status-{status}", what or f"{status}: the answer is elsewhere, on another host.", "redirected",
        lambda _: redirect(status, location),
    )  # fmt: skip


STATUSES: Final = (
    _failure(500, "500 Internal Server Error."),
    _failure(501, "501 Not Implemented."),
    _failure(502, "502 Bad Gateway, from a proxy of its own that does not show."),
    _failure(504, "504 Gateway Timeout, from a proxy of its own that does not show."),
    _failure(505, "505 HTTP Version Not Supported."),
    _failure(507, "507 Insufficient Storage."),
    _waits("status-503", "503 Service Unavailable, without a word about when."),
    _waits("retry-after-seconds", "503, come back in 7 seconds.", "7"),
    _waits("retry-after-zero", "503, come back in 0 seconds.", "0"),
    _waits("retry-after-huge", "503, come back in 99,999 seconds.", "99999"),
    _waits("retry-after-date", "503, come back at a date of long ago.", "Wed, 21 Oct 2015 07:28:00 GMT"),
    _waits("retry-after-date-rfc-850", "503, the date in the form of RFC 850.", "Wednesday, 21-Oct-15 07:28:00 GMT"),
    _waits("retry-after-date-asctime", "503, the date in the form of asctime.", "Wed Oct 21 07:28:00 2015"),
    _waits("retry-after-far-future", "503, come back in the year 9999.", "Fri, 31 Dec 9999 23:59:59 GMT"),
    _waits("retry-after-negative", "503, come back in -5 seconds.", "-5"),
    _waits("retry-after-fraction", "503, come back in 1.5 seconds.", "1.5"),
    _waits("retry-after-garbage", "503, come back `soon`.", "soon"),
    _waits("retry-after-twice", "503, come back in 7 seconds and in 9.", "7", "9"),
    _row("overloaded", "503 with the code `overloaded`: it sheds load.", _UNAVAILABLE,
         lambda _: problem(503, "overloaded", [("Retry-After", "1")]), 503),
    _row("rate-limited", "429 aimed at the gateway, not at a user.", "auth_service_rate_limited",
         lambda _: json_reply(429, {"message": "slow down"}, [("Retry-After", "9")]), 503),
    _row("service-credentials-rejected", "401: it does not know the gateway's credentials.", _CREDENTIALS,
         lambda _: problem(401, _CREDENTIALS)),
    _row("service-credentials-missing", "401: it saw no credentials of the gateway.", "service_credentials_missing",
         lambda _: problem(401, "service_credentials_missing")),
    _row("status-403", "403 in JSON, without a code.", _CREDENTIALS, lambda _: json_reply(403, {"message": "no"})),
    _puzzled(400, "400 Bad Request, without a code."),
    _puzzled(413, "413 Content Too Large, without a code."),
    _puzzled(415, "415 Unsupported Media Type, without a code."),
    _puzzled(422, "422 Unprocessable Content, without a code."),
    _lost(404, "404: the route is gone."),
    _lost(405, "405: the route takes another method."),
    _lost(410, "410: the route is gone for good."),
    *(_redirected(status) for status in (300, 301, 302, 303, 304, 307, 308)),
    _redirected(307, "/auth/login", "redirect-loop", "307 to itself, for ever."),
    _redirected(301, "http://127.0.0.1:9/auth/login", "redirect-to-http", "301 to plain HTTP."),
    _odd(201, "201 Created where 200 is expected."),
    _odd(202, "202 Accepted: it will think about it."),
    _odd(206, "206 Partial Content."),
    _odd(600, "600, which HTTP does not know."),
    _odd(999, "999, which HTTP does not know."),
    _row("status-101", "101 Switching Protocols, which nobody has asked for.", "unexpected_status",
         lambda _: raw_then_close(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n")),
)  # fmt: skip
