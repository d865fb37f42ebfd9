"""Reading a request's body: bounded, and as a strict JSON object.

It must never echo what was sent: a refused body may hold a password.
"""

import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final
from urllib.parse import parse_qsl

from netra.asgi.words import Refusal, Request
from netra.core.verdict import strict_json

Receive = Callable[[], Awaitable[Mapping[str, Any]]]

_JSON_CONTENT_TYPE: Final = re.compile(r'application/json(?:\s*;\s*charset\s*=\s*"?utf-8"?)?\s*;?\s*', re.IGNORECASE)

_MALFORMED_DETAIL: Final = {
    "empty": "The body is empty; send a JSON object.",
    "not_utf8": "The body is not valid UTF-8.",
    "not_json": "The body is not valid JSON.",
    "duplicate_key": "The body names a member twice.",
    "not_finite": "The body holds a number that is not finite.",
    "too_deep": "The body is nested too deeply.",
    "lone_surrogate": "The body holds half of a surrogate pair.",
}


_FORM_CONTENT_TYPE: Final = re.compile(
    r'application/x-www-form-urlencoded(?:\s*;\s*charset\s*=\s*"?utf-8"?)?\s*;?\s*', re.IGNORECASE
)
_MAX_FORM_FIELDS: Final = 32


async def read_body(receive: Receive, limit_bytes: int) -> bytes | Refusal | None:
    """The whole body; a refusal when it is larger than `limit_bytes`; None when the client left."""
    body = b""
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return None
        chunk: bytes = message.get("body", b"")
        body = body + chunk if body else chunk
        if len(body) > limit_bytes:
            return too_large(limit_bytes)
        if not message.get("more_body", False):
            return body


def too_large(limit_bytes: int) -> Refusal:
    """The refusal of a body over the limit; the connection is closed, since the rest will not be read."""
    return Refusal(
        413, "body_too_large", f"The body is larger than {limit_bytes} bytes.", headers=((b"connection", b"close"),)
    )


def json_object(request: Request) -> dict[str, Any] | Refusal:
    """The JSON object that the request carries, or why it carries none.

    Source: RFC 9110, section 15.5.16 (415); RFC 8259.
    """
    content_type = request.header(b"content-type") or ""
    usual = content_type == "application/json" or _JSON_CONTENT_TYPE.fullmatch(content_type)
    if not usual or request.count(b"content-type") > 1:
        return Refusal(415, "unsupported_media_type", "Send the body as application/json, in UTF-8.")
    value = strict_json.parse(request.body)
    if isinstance(value, strict_json.Malformed):
        return Refusal(400, "malformed_request", _MALFORMED_DETAIL[value.reason])
    if not isinstance(value, dict):
        return Refusal(422, "invalid_fields", "The body must be a JSON object.")
    return value


def is_form(request: Request) -> bool:
    """Does the request carry a form, as browsers send it?"""
    return bool(_FORM_CONTENT_TYPE.fullmatch(request.header(b"content-type") or ""))


def form_object(request: Request, identifier: str) -> dict[str, Any] | Refusal:
    """The members of a form, its `username` under the name that `identifier` says, or why it cannot be read.

    Source: RFC 6749, section 4.3.2; WHATWG URL, section 5.1.
    """
    if request.count(b"content-type") > 1:
        return Refusal(415, "unsupported_media_type", "Send one Content-Type.")
    try:
        pairs = parse_qsl(
            request.body.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=_MAX_FORM_FIELDS
        )
    except ValueError:
        return Refusal(400, "malformed_request", "The body is not a form that can be read.")
    members = dict(pairs)
    if len(members) != len(pairs):
        return Refusal(400, "malformed_request", _MALFORMED_DETAIL["duplicate_key"])
    if "username" in members:
        members.setdefault(identifier, members["username"])
    return members
