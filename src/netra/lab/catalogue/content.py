"""Faults of what a 200 says: no JSON, JSON that is not strict, and sessions of the wrong shape.

It must never change an answer that has nothing to be wrong: other routes stay as they are.
"""

import json
from collections.abc import Mapping
from typing import Any, Final

from netra.lab.catalogue.fault import LOGIN, REFRESH, REGISTER, Fault, Instead, Stage
from netra.lab.catalogue.framing import body_of
from netra.lab.connection import Script
from netra.lab.scripts import HTML, JSON, raw, reply

_TEXT: Final = ("Content-Type", "text/plain")
_SESSIONS: Final = frozenset({LOGIN, REFRESH})
_USERS: Final = frozenset({LOGIN, REFRESH, REGISTER})
_INVALID: Final = "invalid_response"
_WELCOME: Final = b"<!doctype html><title>Welcome</title><h1>It works!</h1>"


def _row(name: str, what: str, script: Instead, stage: Stage = "content", paths: frozenset[str] = frozenset()) -> Fault:
    return Fault(name, what, stage, 502, _INVALID, script, paths=paths)


def _says(body: bytes, kind: tuple[str, str] = JSON) -> Instead:
    return lambda _: reply(200, body, [kind])


def _with(good: bytes, before: bytes, member: bytes) -> bytes:
    """The good document, `before` in front of it, and `member` as its first one."""
    return before + body_of(good).replace(b"{", b"{" + member + b", ", 1)


def _member(member: bytes) -> Instead:
    return lambda good: reply(200, _with(good, b"", member), [JSON])


def _deep(good: bytes) -> Script:
    return reply(200, b"[" * 100_000 + b"]" * 100_000, [JSON])


def _changed(member: str, value: Any) -> Instead:
    """The good answer with another member; None takes it out. What is no success is left as it is."""

    def script(good: bytes) -> Script:
        if not good.startswith(b"HTTP/1.1 20"):
            return raw(good)
        document = {**json.loads(body_of(good)), member: value}
        if value is None:
            del document[member]
        return reply(int(good[9:12]), json.dumps(document).encode(), [JSON])

    return script


def _of_a_megabyte(good: bytes) -> Script:
    return _changed("access_token", "x" * 1_000_000)(good)


def _shape(name: str, what: str, member: str, value: Any) -> Fault:
    return _row(name, what, _changed(member, value), "shape", _SESSIONS)


def _user(name: str, what: str, user: Mapping[str, Any] | str | None) -> Fault:
    return _row(name, what, _changed("user", user), "shape", _USERS)


def _cookie(good: bytes) -> Script:
    return raw(good.replace(b"\r\n", b"\r\nSet-Cookie: session=of-the-lab; Path=/\r\n", 1))


CONTENT: Final = (
    _row("html-with-200", "A welcome page in HTML, with 200.", _says(_WELCOME, HTML)),
    _row("text-with-200", "The text `ok`, with 200.", _says(b"ok", _TEXT)),
    _row("empty-with-200", "An empty body, with 200.", _says(b"")),
    _row("no-content", "204 No Content.", lambda _: raw(b"HTTP/1.1 204 No Content\r\n\r\n")),
    _row("no-json", "JSON that breaks off in the middle.", _says(b'{"access_token": ')),
    _row("not-utf-8", "A byte that is not UTF-8.", _member(b'"x": "\xff"')),
    _row(
        "byte-order-mark",
        "A byte order mark before the JSON.",
        lambda good: reply(200, _with(good, b"\xef\xbb\xbf", b'"x": 1'), [JSON]),
    ),
    _row("duplicate-keys", "The same member twice.", _member(b'"x": 1, "x": 2')),
    _row("nan", "NaN, which is not JSON.", _member(b'"x": NaN')),
    _row("infinity", "A number that is not finite.", _member(b'"x": 1e999')),
    _row("lone-surrogate", "Half of a surrogate pair.", _member(b'"x": "\\ud800"')),
    _row("huge-number", "A number of 5,000 digits.", _member(b'"x": ' + b"9" * 5_000)),
    Fault("deep-json", "Arrays in arrays, 100,000 deep.", "content", 502, "response_too_large", _deep),
    _row("deep-json-small", "Arrays in arrays, 5,000 deep.", _says(b"[" * 5_000 + b"]" * 5_000)),
    _row(
        "array", "An array where an object is expected.", lambda good: reply(200, b"[" + body_of(good) + b"]", [JSON])
    ),
    _row("null", "Nothing but `null`.", _says(b"null")),
    Fault("set-cookie", "A cookie comes with every answer.", "content", 200, "", _cookie),
)

SHAPE: Final = (
    _shape("no-access-token", "The access token is missing.", "access_token", None),
    _shape("empty-access-token", "The access token is empty.", "access_token", ""),
    _shape("access-token-no-text", "The access token is a number.", "access_token", 7),
    _shape("access-token-with-line-end", "The access token holds a line end.", "access_token", "a\r\nX: y"),
    _shape("access-token-of-50-kb", "The access token has 50,000 characters.", "access_token", "x" * 50_000),
    Fault(
        "access-token-of-1-mb", "The access token has a million characters.", "shape", 502, "response_too_large",
        _of_a_megabyte, paths=_SESSIONS,
    ),
    _shape("no-refresh-token", "The refresh token is missing.", "refresh_token", None),
    _shape("wrong-token-type", "The tokens are of type MAC.", "token_type", "MAC"),
    _shape("expires-in-negative", "The tokens expired before they were made.", "expires_in", -1),
    _shape("expires-in-huge", "The tokens live thirty thousand years.", "expires_in", 10**12),
    _shape("expires-in-text", "The tokens' life is a text.", "expires_in", "900"),
    _user("no-user", "There is no user in the answer.", None),
    _user("user-no-object", "The user is a text.", "ada"),
    _user("empty-user-id", "The user's id is empty.", {"id": "", "email": "ada@lab.test"}),
    _user("no-user-email", "The user has no e-mail address.", {"id": "1"}),
)  # fmt: skip
