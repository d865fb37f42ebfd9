"""JSON read strictly: UTF-8, no duplicate keys, no NaN or infinity, no lone surrogates, bounded depth.

It must never raise, and never quote a byte of what it read: both clients and auth services are strangers.
"""

import json
import math
import re
from typing import Final, Literal, NamedTuple, NoReturn

import msgspec

MAX_DEPTH: Final = 32

type_of_reason = Literal["empty", "not_utf8", "not_json", "duplicate_key", "not_finite", "too_deep", "lone_surrogate"]

_DECODE: Final = msgspec.json.Decoder().decode
_ENCODE: Final = msgspec.json.Encoder().encode
_STRINGS: Final = re.compile(rb'"(?:[^"\\]|\\.)*"?', re.DOTALL)
_STEP: Final = {ord("{"): 1, ord("["): 1, ord("}"): -1, ord("]"): -1}


class Malformed(NamedTuple):
    """Why a body is not strict JSON."""

    reason: type_of_reason


class _Refused(ValueError):
    def __init__(self, reason: type_of_reason) -> None:
        super().__init__(reason)
        self.reason: type_of_reason = reason


def parse(body: bytes) -> object | Malformed:
    """The value in `body`, or why there is none.

    Integers keep their size; numbers with an exponent that overflows are refused.
    Source: RFC 8259, sections 4, 6, 8.1 and 8.2; RFC 7493 (I-JSON).
    """
    try:
        value: object = _DECODE(body)
        members_count = _members_count(value, MAX_DEPTH)
    except (ValueError, RecursionError):
        return _read(body)
    # Of two equal names the decoder keeps one: then there is a colon more in the body than members are left. `replace`
    # skips to the next colon, where `count` looks at every byte.
    if len(body) - len(body.replace(b":", b"", members_count + 1)) == members_count:
        return value
    # Perhaps texts hold the others: without escapes by number all of these are written as they were read.
    if body.find(b"\\u") < 0 and body.count(b":") == _ENCODE(value).count(b":"):
        return value
    return _read(body)


def _members_count(value: object, depth: int) -> int:
    """How many members the objects in a value have, all together. Raises: ValueError for one that is deeper."""
    inside: list[object]
    if type(value) is dict:
        count, inside = len(value), list(value.values())
    elif type(value) is list:
        count, inside = 0, value
    else:
        return 0
    if depth == 0:
        raise _Refused("too_deep")
    for each in inside:
        if type(each) is dict or type(each) is list:
            count += _members_count(each, depth - 1)
    return count


def _read(body: bytes) -> object | Malformed:
    """The value or the reason, read as closely as that takes."""
    if not body or body.isspace():
        return Malformed("empty")
    if _deeper_than(MAX_DEPTH, body):
        return Malformed("too_deep")
    try:
        value: object = _DECODER.decode(body.decode("utf-8"))
        if b"\\u" in body:
            json.dumps(value, ensure_ascii=False).encode("utf-8")
    except _Refused as refused:
        return Malformed(refused.reason)
    except UnicodeDecodeError:
        return Malformed("not_utf8")
    except UnicodeEncodeError:
        return Malformed("lone_surrogate")
    except (ValueError, RecursionError):
        return Malformed("not_json")
    else:
        return value


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise _Refused("duplicate_key")
    return members


def _no_constant(name: str) -> NoReturn:
    raise _Refused("not_finite")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise _Refused("not_finite")
    return number


def _deeper_than(limit: int, body: bytes) -> bool:
    if body.count(b"{") + body.count(b"[") <= limit:
        return False
    depth = 0
    for byte in _STRINGS.sub(b"", body):
        depth += _STEP.get(byte, 0)
        if depth > limit:
            return True
    return False


_DECODER: Final = json.JSONDecoder(object_pairs_hook=_unique, parse_constant=_no_constant, parse_float=_finite)
