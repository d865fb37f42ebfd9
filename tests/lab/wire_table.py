"""What each named fault must look like on the wire: how the connection ends, and what can be said of the bytes.

It must never be made from the table of faults: it is the second opinion.
"""

import json
import re
import ssl
from collections.abc import Callable
from typing import Any, Final, NamedTuple

from tests.lab.talk import EMAIL, Heard, Mode


class Expected(NamedTuple):
    """One row."""

    mode: Mode
    holds: Callable[[Heard], bool]


def _answers(holds: Callable[[Heard], bool]) -> Expected:
    return Expected("answers", lambda heard: heard.whole and holds(heard))


def _status(status: int, *retry_after: str, code: str | None = None) -> Expected:
    def holds(heard: Heard) -> bool:
        right = heard.status == status and heard.all("Retry-After") == list(retry_after)
        return right and (code is None or heard.json["code"] == code)

    return _answers(holds)


def _uncoded(status: int) -> Expected:
    return _answers(lambda heard: heard.status == status and "code" not in heard.json)


def _moved(status: int, place: str = r"http://elsewhere\.invalid/.*") -> Expected:
    return _answers(lambda heard: heard.status == status and bool(re.fullmatch(place, heard.all("Location")[0])))


def _odd(status: int) -> Expected:
    return _answers(lambda heard: heard.status == status and EMAIL in str(heard.json))


def _page(status: int, mark: str, kind: str = "text/html") -> Expected:
    return _answers(
        lambda heard: heard.status == status and heard.all("Content-Type") == [kind] and mark in heard.body.decode()
    )


def _token(code: str) -> Expected:
    return _answers(lambda heard: heard.status == 200 and heard.json == {"valid": False, "code": code})


def _session(**members: object) -> Expected:
    """A session in which these members are so, and the others as they should be."""

    def holds(heard: Heard) -> bool:
        good = {"token_type": "Bearer", "expires_in": 900, **members}
        return heard.status == 200 and all(heard.json.get(name) == value for name, value in good.items())

    return _answers(holds)


def _is_good(heard: Heard, body: bytes | None = None) -> bool:
    document: Any = json.loads(heard.body if body is None else body)
    return heard.status == 200 and document["user"]["email"] == EMAIL


def _bad(holds: Callable[[Heard], bool]) -> Expected:
    """A 200 whose body is not what it should be."""
    return _answers(lambda heard: heard.status == 200 and holds(heard))


def _raises(reading: Callable[[bytes], object], body: bytes) -> bool:
    try:
        reading(body)
    except (ValueError, RecursionError):
        return True
    return False


def _cut(mode: Mode) -> Expected:
    return Expected(mode, lambda heard: 0 < len(heard.body) < int(heard.all("Content-Length")[0]))


def _half_head(mode: Mode) -> Expected:
    return Expected(mode, lambda heard: heard.raw.startswith(b"HTTP/1.1 200") and b"\r\n\r\n" not in heard.raw)


def _nothing(mode: Mode) -> Expected:
    return Expected(mode, lambda heard: heard.raw == b"")


def _lengths(*said: str) -> Expected:
    return Expected("closes", lambda heard: heard.all("Content-Length") == list(said) and len(heard.body) > 100)


def _begins(content: bytes) -> Expected:
    return Expected("closes", lambda heard: heard.raw.startswith(content))


def _chunked(heard: Heard) -> bool:
    return heard.all("Transfer-Encoding") == ["chunked"]


def _unchunked(body: bytes) -> bytes:
    return b"".join(re.findall(rb"1\r\n(.)\r\n", body, re.DOTALL))


def _twice(heard: Heard) -> bool:
    length = int(heard.all("Content-Length")[0])
    stray = heard.body[length:]
    return _is_good(heard, heard.body[:length]) and stray.startswith(b"HTTP/1.1 200") and b"mallory" in stray


WAITING: Final = {
    "response-timeout": _nothing("hangs"),
    "freeze": _nothing("hangs"),
    "drip-head": Expected("hangs", lambda heard: b"\r\n\r\n" not in heard.raw and heard.pieces_count > 2),
    "drip-body": Expected("hangs", lambda heard: heard.all("Content-Length") == ["60000"] and heard.pieces_count > 2),
    "drip-chunks": Expected("hangs", lambda heard: _chunked(heard) and heard.pieces_count > 2),
    "slow": _answers(lambda heard: _is_good(heard) and heard.took_s >= 0.99),
    "byte-by-byte": _answers(lambda heard: _is_good(heard) and heard.pieces_count > 20),
    "close-without-a-byte": _nothing("closes"),
    "close-before-reading": _nothing("closes"),
    "reset-after-reading": _nothing("resets"),
    "reset-before-reading": _nothing("resets"),
    "close-inside-head": _half_head("closes"),
    "reset-inside-head": _half_head("resets"),
    "close-inside-body": _cut("closes"),
    "reset-inside-body": _cut("resets"),
    "cut-chunks": Expected("closes", lambda heard: _chunked(heard) and not heard.raw.endswith(b"0\r\n\r\n")),
}
FRAMING: Final = {
    "length-too-long": _cut("closes"),
    "length-never-reached": _cut("hangs"),
    "length-too-short": _lengths("10"),
    "length-twice": _lengths("900", "5"),
    "length-negative": _lengths("-5"),
    "length-no-number": _lengths("five"),
    "length-enormous": _lengths("9" * 30),
    "length-and-chunks": Expected("closes", lambda heard: heard.whole and _chunked(heard)),
    "chunk-no-number": Expected("closes", lambda heard: _chunked(heard) and heard.body.startswith(b"zz\r\n")),
    "chunk-enormous": Expected("closes", lambda heard: _chunked(heard) and heard.body.startswith(b"f" * 30)),
    "chunks-of-one-byte": Expected(
        "answers", lambda heard: _chunked(heard) and _is_good(heard, _unchunked(heard.body)),
    ),
    "unasked-response": Expected("answers", _twice),
    "unasked-response-later": Expected("answers", _twice),
    "huge-body": _bad(lambda heard: len(heard.body) > 2_000_000),
    "endless-body": Expected("answers", lambda heard: _chunked(heard) and len(heard.raw) >= 3_000_000),
    "huge-header": Expected("closes", lambda heard: heard.whole and len(heard.all("X-Padding")[0]) == 20_000),
    "too-many-headers": Expected("closes", lambda heard: heard.whole and heard.raw.count(b"X-Header-") == 500),
    "nul-in-header": Expected("closes", lambda heard: heard.whole and b"\x00" in heard.raw),
    "gzip-bomb": _bad(lambda heard: heard.all("Content-Encoding") == ["gzip"] and len(heard.body) < 70_000),
    "unknown-encoding": Expected("closes", lambda heard: heard.all("Content-Encoding") == ["exotic"]),
    "continue-forever": Expected("answers", lambda heard: heard.raw.count(b"HTTP/1.1 100 ") == 5_000),
    "early-hints": Expected(
        "answers",
        lambda heard: heard.status == 103 and heard.body.startswith(b"HTTP/1.1 200") and EMAIL.encode() in heard.body,
    ),
    "http-0-9": _begins(b'{"access_token"'),
    "tls-bytes": _begins(b"\x16\x03\x03"),
    "http2-preface": _begins(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
    "ssh-banner": _begins(b"SSH-2.0-"),
    "status-no-number": _begins(b"HTTP/1.1 abc "),
    "status-four-digits": _begins(b"HTTP/1.1 2000 "),
}  # fmt: skip
CONTENT: Final = {
    "html-with-200": _bad(lambda heard: heard.all("Content-Type") == ["text/html"] and b"<h1>" in heard.body),
    "text-with-200": _bad(lambda heard: heard.all("Content-Type") == ["text/plain"] and heard.body == b"ok"),
    "empty-with-200": _bad(lambda heard: heard.body == b""),
    "no-content": Expected("answers", lambda heard: heard.status == 204 and heard.body == b""),
    "no-json": _bad(lambda heard: _raises(json.loads, heard.body)),
    "not-utf-8": _bad(lambda heard: _raises(lambda body: body.decode("utf-8"), heard.body)),
    "byte-order-mark": _bad(lambda heard: heard.body.startswith(b"\xef\xbb\xbf{")),
    "duplicate-keys": _bad(lambda heard: _is_good(heard) and heard.body.count(b'"x"') == 2),
    "nan": _bad(lambda heard: _is_good(heard) and b"NaN" in heard.body),
    "infinity": _bad(lambda heard: _is_good(heard) and heard.json["x"] == float("inf")),
    "lone-surrogate": _bad(lambda heard: _is_good(heard) and heard.json["x"] == "\ud800"),
    "huge-number": _bad(lambda heard: EMAIL.encode() in heard.body and b"9" * 5_000 in heard.body),
    "deep-json": _bad(lambda heard: heard.body == b"[" * 100_000 + b"]" * 100_000),
    "deep-json-small": _bad(lambda heard: heard.body == b"[" * 5_000 + b"]" * 5_000),
    "array": _bad(lambda heard: heard.json[0]["user"]["email"] == EMAIL),
    "null": _bad(lambda heard: heard.json is None),
    "set-cookie": _answers(lambda heard: _is_good(heard) and len(heard.all("Set-Cookie")) == 1),
    "no-access-token": _session(access_token=None),
    "empty-access-token": _session(access_token=""),
    "access-token-no-text": _session(access_token=7),
    "access-token-with-line-end": _session(access_token="a\r\nX: y"),
    "access-token-of-50-kb": _session(access_token="x" * 50_000),
    "access-token-of-1-mb": _session(access_token="x" * 1_000_000),
    "no-refresh-token": _session(refresh_token=None),
    "wrong-token-type": _session(token_type="MAC"),
    "expires-in-negative": _session(expires_in=-1),
    "expires-in-huge": _session(expires_in=10**12),
    "expires-in-text": _session(expires_in="900"),
    "no-user": _session(user=None),
    "user-no-object": _session(user="ada"),
    "empty-user-id": _answers(lambda heard: heard.json["user"]["id"] == ""),
    "no-user-email": _answers(lambda heard: "email" not in heard.json["user"]),
}
STATUSES: Final = {
    **{f"status-{status}": _uncoded(status) for status in (500, 501, 502, 504, 505, 507, 503, 400, 413, 415, 422)},
    **{f"status-{status}": _uncoded(status) for status in (401, 403, 423)},
    **{f"status-{status}": _page(status, "Not here") for status in (404, 405, 410)},
    **{f"status-{status}": _moved(status) for status in (300, 301, 302, 303, 304, 307, 308)},
    **{f"status-{status}": _odd(status) for status in (201, 202, 206, 600, 999)},
    "status-101": Expected("closes", lambda heard: heard.status == 101 and heard.all("Upgrade") == ["x"]),
    "redirect-loop": _moved(307, "/auth/login"),
    "redirect-to-http": _moved(301, r"http://127\.0\.0\.1:9/.*"),
    "retry-after-seconds": _status(503, "7"),
    "retry-after-zero": _status(503, "0"),
    "retry-after-huge": _status(503, "99999"),
    "retry-after-date": _status(503, "Wed, 21 Oct 2015 07:28:00 GMT"),
    "retry-after-date-rfc-850": _status(503, "Wednesday, 21-Oct-15 07:28:00 GMT"),
    "retry-after-date-asctime": _status(503, "Wed Oct 21 07:28:00 2015"),
    "retry-after-far-future": _status(503, "Fri, 31 Dec 9999 23:59:59 GMT"),
    "retry-after-negative": _status(503, "-5"),
    "retry-after-fraction": _status(503, "1.5"),
    "retry-after-garbage": _status(503, "soon"),
    "retry-after-twice": _status(503, "7", "9"),
    "overloaded": _status(503, "1", code="overloaded"),
    "rate-limited": _status(429, "9"),
    "service-credentials-rejected": _status(401, code="service_credentials_rejected"),
    "service-credentials-missing": _status(401, code="service_credentials_missing"),
}
BETWEEN: Final = {
    **{f"nginx-{status}": _page(status, "<center>nginx/") for status in (401, 403, 413, 502, 503, 504)},
    **{f"haproxy-{status}": _page(status, "<html><body><h1>") for status in (403, 502, 503, 504)},
    **{
        f"envoy-{status}": _page(status, mark, "text/plain")
        for status, mark in ((403, "RBAC"), (502, "upstream connect"), (503, "no healthy"), (504, "upstream request"))
    },
    **{f"aws-load-balancer-{status}": _page(status, f"<center><h1>{status} ") for status in (502, 503, 504)},
    **{f"aws-api-gateway-{status}": _page(status, '{"message":', "application/json") for status in (403, 502, 504)},
    **{f"cloudflare-{status}": _page(status, "cf-error-details") for status in (403, 502, 504, 522)},
    "no-available-instance": _page(503, "no available instance", "text/plain"),
    "waf-403": _page(403, "Request Rejected"),
}
REFUSALS: Final = {
    "invalid-credentials": _status(401, code="invalid_credentials"),
    "account-locked": _status(423, "900", code="account_locked"),
    "account-disabled": _status(403, code="account_disabled"),
    "too-many-attempts": _status(429, "60", code="too_many_attempts"),
    "second-factor-required": _status(403, code="second_factor_required"),
    "password-change-required": _status(403, code="password_change_required"),
    "email-unverified": _status(403, code="email_unverified"),
    "invalid-fields": _answers(lambda heard: heard.status == 422 and heard.json["errors"][0]["pointer"] == "/email"),
    "email-taken": _status(409, code="email_taken"),
    "password-rejected": _status(422, code="password_rejected"),
    "refresh-rejected": _status(401, code="refresh_rejected"),
    "token-malformed": _token("token_malformed"),
    "token-expired": _token("token_expired"),
    "token-not-yet-valid": _token("token_not_yet_valid"),
    "token-revoked": _token("token_revoked"),
    "token-wrong-audience": _token("token_wrong_audience"),
    "token-wrong-issuer": _token("token_wrong_issuer"),
    "token-wrong-type": _token("token_wrong_type"),
    "token-signature-invalid": _token("token_signature_invalid"),
    "token-rejected": _token("token_rejected"),
}
ROWS: Final = {**WAITING, **FRAMING, **CONTENT, **STATUSES, **BETWEEN, **REFUSALS}
OF_PORT: Final = {"connection-refused", "connection-timeout"}
OF_TLS: Final[dict[str, type[Exception]]] = {
    "certificate-expired": ssl.SSLCertVerificationError,
    "certificate-not-yet-valid": ssl.SSLCertVerificationError,
    "certificate-other-name": ssl.SSLCertVerificationError,
    "certificate-other-authority": ssl.SSLCertVerificationError,
    "tls-plain-http": ssl.SSLError,
    "tls-too-old": ssl.SSLError,
    "tls-reset": ConnectionResetError,
    "tls-close": ConnectionResetError,
    "tls-stall": TimeoutError,
}
"""How a handshake ends, by fault."""
