"""Replies that may be shown and kept: the same keys, kinds and lengths, and nobody's values.

It must never let through a value that was not looked at: what is not known to be harmless is replaced.
"""

import json
import re
from base64 import urlsafe_b64encode
from collections.abc import Collection, Iterator
from typing import Any, Final

from msgspec.structs import replace

from netra.core.token.claims import unchecked_claims
from netra.core.verdict.reply import Reply
from netra.core.verdict.wire import Pointer
from netra.doctor.learn.places import MAX_DEPTH, document_of, is_jwt
from netra.doctor.learn.refusals import mentions

MOST_LINES: Final = 40
MADE_UP: Final = "made-up"
_KEY: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_.:-]{0,63}")
_RANDOM_KEY: Final = re.compile(r"[0-9]{5}|[0-9a-f]{16}")
_EMAIL: Final = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_INSTANT: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9:.]+(?:[Zz]|[+-][0-9:]+)?")
_TOKEN: Final = re.compile(r"[\x21-\x7e]{16,}")
_MEDIA_TYPE: Final = re.compile(r"[a-z]+/[a-z0-9.+-]+")
_LONGEST: Final = 200
_LATEST: Final = 4_102_444_800
"""The year 2100, as an epoch."""
_EARLIEST: Final = 1_000_000_000
"""From here on a number is an instant."""

Keep = Collection[tuple[Pointer, Any]]
"""Values that stay as they are, with their places."""


def shape(reply: Reply, sent: Collection[str]) -> Iterator[str]:
    """What a reply looks like, line by line: its kind, then each member with the kind and length of its value."""
    document = document_of(reply)
    yield ", ".join(filter(None, (media_type(reply), f"{len(reply.body)} bytes", "" if reply.body else "empty")))
    lines = list(_described("", document, sent)) if document is not None else []
    width = max((len(name) for name, _ in lines[:MOST_LINES]), default=0)
    for name, what in lines[:MOST_LINES]:
        yield f"{name:<{width}}  {what}"
    if len(lines) > MOST_LINES:
        yield f"and {len(lines) - MOST_LINES} more"


def media_type(reply: Reply) -> str:
    """The media type of a reply without its parameters; nothing for one that is none."""
    said = reply.headers.get("content-type", "").partition(";")[0].strip().lower()
    return said if _MEDIA_TYPE.fullmatch(said) and len(said) <= 64 else ""


def _described(path: str, value: Any, sent: Collection[str]) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict) and value and path.count("/") <= MAX_DEPTH:
        for number, (key, each) in enumerate(value.items()):
            yield from _described(f"{path}/{_shown_key(key, number, sent)}", each, sent)
    elif isinstance(value, list) and value and path.count("/") <= MAX_DEPTH:
        yield path, f"list of {len(value)}, of which the first:"
        yield from _described(f"{path}/0", value[0], sent)
    else:
        yield path or "/", _kind(value, sent)


def _shown_key(key: str, number: int, sent: Collection[str]) -> str:
    harmless = _KEY.fullmatch(key) and not _RANDOM_KEY.search(key) and not mentions(key, sent)
    return key if harmless else f"member_{number + 1}"


def _kind(value: Any, sent: Collection[str]) -> str:
    if isinstance(value, str):
        if not is_jwt(value):
            return f"text of {len(value)}"
        claims = enumerate(unchecked_claims(value).items())
        told = ", ".join(f"{_shown_key(name, at, sent)} {_kind(each, sent)}" for at, (name, each) in claims)
        return f"text of {len(value)}, a JWT: {told}"
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    names = {int: "number", float: "number", dict: "object", list: "list"}
    return names.get(type(value), "number")


def made_up(reply: Reply, keep: Keep, sent: Collection[str], header_names: Collection[str] = ()) -> Reply:
    """The reply with made-up values of the same form; of its headers only its type, and these."""
    document = document_of(reply)
    headers = {"content-type": media_type(reply)} if media_type(reply) else {}
    headers |= {name: _text(reply.headers[name], sent) for name in header_names if name in reply.headers}
    body = json.dumps(_replaced((), document, frozenset(keep), sent), ensure_ascii=False, separators=(",", ":"))
    return replace(reply, headers=headers, body=b"" if document is None else body.encode())


def _replaced(pointer: Pointer, value: Any, keep: Keep, sent: Collection[str]) -> Any:
    if isinstance(value, dict):
        shown = {key: _shown_key(key, number, sent) for number, key in enumerate(value)}
        return {shown[key]: _replaced((*pointer, key), each, keep, sent) for key, each in value.items()}
    if isinstance(value, list):
        return [_replaced((*pointer, "0"), each, keep, sent) for each in value[:1]]
    if value is None or isinstance(value, bool) or (pointer, value) in keep:
        return value
    return _text(value, sent) if isinstance(value, str) else _number(value)


def _number(value: float) -> int:
    return _LATEST if _EARLIEST <= value < 10 * _EARLIEST else 1


def _text(value: str, sent: Collection[str]) -> str:
    """A made-up text of the same form."""
    if is_jwt(value):
        return _token_of(_replaced((), dict(unchecked_claims(value)), frozenset(), sent))
    if not value.strip():
        return value
    if _EMAIL.fullmatch(value):
        return "somebody@example.com"
    if _INSTANT.fullmatch(value):
        return "2100-01-01T00:00:00Z"
    if value.startswith(("http://", "https://")):
        return "https://example.com/"
    if _TOKEN.fullmatch(value):
        return (f"{MADE_UP}-" * _LONGEST)[: min(len(value), _LONGEST)].rstrip("-")
    return MADE_UP


def _token_of(claims: Any) -> str:
    """A JWT that nobody has signed. Source: RFC 7519, section 6."""
    parts = [json.dumps(each, separators=(",", ":")).encode() for each in ({"alg": "none", "typ": "JWT"}, claims)]
    return ".".join(urlsafe_b64encode(part).decode().rstrip("=") for part in (*parts, b"not-a-signature"))
