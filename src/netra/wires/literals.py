"""Texts that stand in a wire file as they are sent: names and values of headers and members, and secrets among them.

It must never show such a text: a problem names the place and the cure.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

from netra.core.fill import gaps_in
from netra.wires.problem import Found, Path, gaps

OF_THE_GATEWAY: Final = frozenset(
    {
        "accept",
        "accept-encoding",
        "connection",
        "content-length",
        "expect",
        "host",
        "idempotency-key",
        "keep-alive",
        "proxy-connection",
        "te",
        "traceparent",
        "tracestate",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "x-request-id",
    }
)
"""Headers that the gateway writes itself, or that would change how a request is read."""
_TOKEN: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,128}")
_GAP: Final = re.compile(r"\{[a-z][a-z0-9_]*\}")
_ALMOST_A_GAP: Final = re.compile(r"\{\s*[A-Za-z_][\w .-]{0,63}\}")
_LINE: Final = re.compile(r"[\x20-\x7e]*")
_WORDS_OF_A_NAME: Final = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|[0-9]+")
_SECRET_NAMES: Final = re.compile(
    r"secret|password|passwd|passphrase|pwd|apikey|token|authorization|credential|privatekey|cookie"
)
_OF_KINDS: Final = frozenset({"type", "hint", "use", "kind", "method", "format", "scheme", "field", "name"})
"""The last word of names that say what kind of secret is meant, not which: `token_type_hint`."""
_CONSTANTS: Final = frozenset(
    {"", "bearer", "basic", "token", "apikey", "jwt", "password", "access_token", "refresh_token", "id_token", "none"}
)
_PLAIN_WORD: Final = re.compile(r"[A-Za-z-]{0,24}")
_BETWEEN_WORDS: Final = re.compile(r"[\s:;,=]+")
_SHAPED_LIKE_A_SECRET: Final = re.compile(
    r"eyJ[\w-]{8,}\.[\w-]{8,}\.|-----BEGIN |(?=[A-Za-z+_-]*[0-9])[A-Za-z0-9+_-]{40,}"
)


class Leaf(NamedTuple):
    """A text or a constant inside tables and lists."""

    path: Path
    name: str
    """Of the member that it belongs to."""
    value: Any


def header_problems(path: Path, headers: Mapping[str, Any]) -> Iterator[Found]:
    """Names and values of headers that would break a request, or that the gateway writes itself."""
    seen: set[str] = set()
    for name, text in headers.items():
        lower = name.lower()
        if not _TOKEN.fullmatch(name):
            yield Found((*path, name), "is no name of a header: letters, digits and hyphens")
        elif lower in OF_THE_GATEWAY:
            yield Found((*path, name), "is written by the gateway itself; take it out")
        elif lower in seen:
            yield Found((*path, name), "stands here twice: capitals make no difference")
        seen.add(lower)
        if not isinstance(text, str):
            yield Found((*path, name), "must be a text in quotes")
        elif not _LINE.fullmatch(text) or text != text.strip():
            yield Found((*path, name), "would break the request: visible ASCII, without spaces at its ends")


def leaves(path: Path, value: Any, name: str = "") -> Iterator[Leaf]:
    """All texts and constants of a value, however deep."""
    if isinstance(value, Mapping):
        for key, each in value.items():
            yield from leaves((*path, key), each, key)
    elif isinstance(value, list):
        for at, each in enumerate(value):
            yield from leaves((*path, at), each, name)
    else:
        yield Leaf(path, name, value)


def literal_problems(path: Path, value: Any) -> Iterator[Found]:
    """Secrets that are written where a gap should be, and braces that were meant as gaps and are none."""
    for leaf in leaves(path, value):
        if _is_written_secret(leaf.name, leaf.value):
            yield Found(leaf.path, "looks like a secret; take it out, and say {service_secret} in [seal] instead")
        if isinstance(leaf.value, str) and _ALMOST_A_GAP.search(_GAP.sub("", leaf.value)):
            yield Found(leaf.path, "has braces that are no gap: a gap is a lower-case name in braces, without spaces")


def seal_problems(path: Path, table: Mapping[str, Any], seals: frozenset[str]) -> Iterator[Found]:
    """Texts of a seal that say anything but who we are."""
    for name, text in table.items():
        filled = set(gaps_in(text))
        if not isinstance(text, str) or not filled or not filled <= seals or _is_value(text):
            yield Found((*path, name), f"fill it with some of {gaps(seals)}, never with a value")


def _is_written_secret(name: str, value: Any) -> bool:
    words = [word.lower() for word in _WORDS_OF_A_NAME.findall(name)]
    named = bool(_SECRET_NAMES.search("".join(words))) and words[-1] not in _OF_KINDS
    if not isinstance(value, str):
        return named and not isinstance(value, bool)
    return bool(_SHAPED_LIKE_A_SECRET.search(_GAP.sub("", value))) or (named and _is_value(value))


def _is_value(text: str) -> bool:
    """Is there more in a text than gaps, and words that name a scheme? Beside a gap any plain word may do so."""
    words = _BETWEEN_WORDS.split(_GAP.sub(" ", text))
    if _GAP.search(text):
        return not all(_PLAIN_WORD.fullmatch(word) for word in words)
    return any(word.lower() not in _CONSTANTS for word in words)
