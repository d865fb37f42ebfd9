"""What can be wrong with a row of replies by itself: words, places, and refusals of nobody.

It must never let a row refuse a user for what an outage, a proxy, a wrong path or a secret of ours brings about.
"""

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any, Final, get_args

from netra.core.verdict.causes import ANSWERED_UNUSABLY, REJECTIONS, TABLE
from netra.core.verdict.operations import OPERATIONS
from netra.core.verdict.wire import BodyKind, CodeNames
from netra.wires.build import pointer_of
from netra.wires.problem import Found, Path, likely, listed, shown
from netra.wires.schema import ROW_KEYS, key_problems, usable

CODES: Final = frozenset({*(cause.code for cause in (*REJECTIONS, *ANSWERED_UNUSABLY)), "invalid_fields"})
"""What a reply can mean; all other causes are found by us."""
_BODIES: Final = frozenset(get_args(BodyKind))
_REFUSING_BODIES: Final = frozenset({"object", "empty"})
_SPEAKING_STATUSES: Final = frozenset({401, 409, 423})
"""What nobody but an auth service means: with these, the kind of a body is enough to refuse."""
_PLACED: Final[Mapping[str, str]] = {
    "login": "access_token",
    "refresh": "access_token",
    "register": "user_id",
    "validate": "user_id",
    "keys": "keys",
    "discovery": "issuer",
    "revocations": "cursor",
}
"""What an answer is nothing without; a row need not require it."""
_POINTER: Final = re.compile(r"(?:/(?:[^/~]|~[01])+)+")
_JSON_PATH: Final = re.compile(r"(?:\$\.)?[A-Za-z_][\w-]*(?:\.[\w-]+)*")
_HEADER_NAME: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


def row_problems(path: Path, row: Any, operation: str | None, names: CodeNames) -> Iterator[Found]:
    """All that is wrong with a row; `operation` is None for a row that several calls share."""
    if not isinstance(row, dict):
        yield Found(path, "must be a table")
        return
    yield from key_problems(path, row, ROW_KEYS)
    known = usable(row, ROW_KEYS)
    statuses = _statuses(known.get("status", ()))
    if not statuses and ("status" in known or "status" not in row):
        yield Found((*path, "status"), "say a list of numbers from 100 to 599")
    if ("accept" in row) == ("code" in row):
        yield Found(path, "say either `accept` or `code`")
    yield from _condition_problems(path, known)
    if "code" in known:
        yield from _code_problems(path, known, statuses, names)
    elif "accept" in known:
        yield from _accept_problems(path, known, statuses, operation)
    else:
        yield from _required_problems(path, known, operation)


def _statuses(given: Collection[Any]) -> frozenset[int]:
    good = all(type(each) is int and 100 <= each <= 599 for each in given)
    return frozenset(given) if good else frozenset()


def _condition_problems(path: Path, row: Mapping[str, Any]) -> Iterator[Found]:
    for kind in row.get("body", ()):
        if not is_one_of(kind, _BODIES):
            yield Found((*path, "body"), f"{shown(kind)} is no kind of body; say some of {listed(_BODIES)}")
    if "pointer" in row and (wrong := _wrong_pointer(row["pointer"])):
        yield Found((*path, "pointer"), wrong)
    if "value" not in row:
        return
    if "pointer" not in row:
        yield Found((*path, "value"), "is what stands at a `pointer`; say at which")
    values = row["value"] if isinstance(row["value"], list) else [row["value"]]
    if not values or not all(isinstance(each, str | int | float) for each in values):
        yield Found((*path, "value"), "say a text, a number, true or false, or a list of these")


def _code_problems(path: Path, row: Mapping[str, Any], statuses: frozenset[int], names: CodeNames) -> Iterator[Found]:
    code = row["code"]
    if "require" in row:
        yield Found((*path, "require"), "goes with `accept`")
    if code not in TABLE:
        yield Found((*path, "code"), f"{shown(code)} is not in the table of causes{likely(code, CODES)}")
    elif code not in CODES:
        yield Found((*path, "code"), f"{code} is nothing that a reply can mean; say one of {listed(CODES)}")
    elif TABLE[code].verdict == "rejected":
        yield from _refusal_problems(path, row, statuses)
        yield from _swallowed(path, row, names)


def _refusal_problems(path: Path, row: Mapping[str, Any], statuses: frozenset[int]) -> Iterator[Found]:
    """Nobody is refused by a page, a redirect, a broken server or a wrong path: the reply has to say it."""
    code, bodies = row["code"], frozenset(map(str, row.get("body", "?")))
    if any(status // 100 not in {2, 4} for status in statuses):
        yield Found((*path, "status"), f"only 2xx and 4xx can mean {code}")
    if any(status // 100 == 2 for status in statuses) and not {"pointer", "value"} <= row.keys():
        yield Found(path, f"a 2xx can mean {code} only by a `pointer` and its `value`")
    if "intermediary" in bodies:
        yield Found((*path, "body"), f"an intermediary can't mean {code}: it knows no users")
    if row.get("coded") or "pointer" in row:
        return
    if not bodies <= _REFUSING_BODIES:
        yield Found((*path, "body"), f"only {listed(_REFUSING_BODIES)} can mean {code}; say `body`, or a `pointer`")
    elif any(status // 100 == 4 and status not in _SPEAKING_STATUSES for status in statuses):
        some = ", ".join(str(each) for each in sorted(_SPEAKING_STATUSES))
        why = "wrong paths, limits and walls answer with all others, too"
        yield Found((*path, "status"), f"only {some} can mean {code} without a `pointer`: {why}")
    elif 401 in statuses and not row.get("needs_standing"):
        yield Found(path, "a 401 without a `pointer` may speak of us; say needs_standing = true")


def _swallowed(path: Path, row: Mapping[str, Any], names: CodeNames) -> Iterator[Found]:
    """A row that refuses the user when the reply names us."""
    where = pointer_of(row["pointer"]) if "pointer" in row and not _wrong_pointer(row["pointer"]) else None
    values = row.get("value")
    for each in values if isinstance(values, list) else [values]:
        if where in names.pointers and isinstance(each, str) and each in names.of_ours:
            yield Found((*path, "value"), f"{each} is said of us, never of a user; take it out")
    if row.get("coded") is False or row.get("named"):
        return
    anything = "pointer" not in row and ("body" not in row or "object" in row["body"])
    if row.get("coded") or anything or (where in names.pointers and "value" not in row):
        what = "would take a reply that refuses us, e.g. invalid_client, for a refusal of the user"
        yield Found(path, f"{what}; say coded = false, or named = true")


def _accept_problems(
    path: Path, row: Mapping[str, Any], statuses: frozenset[int], operation: str | None
) -> Iterator[Found]:
    if operation is None:
        yield Found((*path, "accept"), "belongs to a call; rows that calls share only say what a refusal means")
        return
    for key in ("needs_standing", "named"):
        if key in row:
            yield Found((*path, key), "goes with `code`")
    if any(status // 100 != 2 for status in statuses):
        yield Found((*path, "status"), "only 2xx can be accepted")
    accept, places = row["accept"], OPERATIONS[operation].places
    for name, texts in accept.items():
        if name not in places:
            yield Found((*path, "accept", name), f"no such place{likely(name, places)}; say some of {listed(places)}")
        for wrong in _wrong_places(name, texts, accept):
            yield Found((*path, "accept", name), wrong)
    yield from _required_problems(path, row, operation)
    placed = _PLACED.get(operation)
    if placed and placed not in accept:
        yield Found((*path, "accept"), f"nothing is accepted without {placed}; say where it is")


def _required_problems(path: Path, row: Mapping[str, Any], operation: str | None) -> Iterator[Found]:
    places = OPERATIONS[operation].places if operation else frozenset[str]()
    for place in row.get("require", ()):
        if not is_one_of(place, places):
            yield Found((*path, "require"), f"no place {shown(place)} here; say some of {listed(places)}")
        elif place not in row.get("accept", ()):
            yield Found((*path, "require"), f"{place} is required, and `accept` does not say where it is")


def _wrong_places(name: str, texts: Any, accept: Collection[str]) -> Iterator[str]:
    each_text = texts if isinstance(texts, list) else [texts]
    if not each_text:
        yield "is nowhere; say a JSON pointer such as /id, or a list of places"
    for text in each_text:
        if not isinstance(text, str):
            yield f"{shown(text)} is no place; say a JSON pointer such as /id, jwt:CLAIM or header:NAME"
        elif wrong := _wrong_place(name, text, accept):
            yield wrong


def _wrong_place(name: str, text: str, accept: Collection[str]) -> str:
    kind, _, rest = text.partition(":")
    if kind == "header":
        return "" if _HEADER_NAME.fullmatch(rest) else f"{shown(text)} names no header; write header:X-Name"
    if kind != "jwt" or text == kind:
        return _wrong_pointer(text)
    if name == "access_token":
        return "is the token itself; say a JSON pointer or header:NAME"
    if rest.startswith("/"):
        pointer, _, claim = rest.partition(":")
        return _wrong_pointer(pointer) or ("" if claim else f"{shown(text)} names no claim; write jwt:{pointer}:sub")
    if not rest:
        return f"{shown(text)} names no claim; write jwt:sub"
    if "access_token" not in accept:
        return f"{shown(text)} is a claim of the access token, and `accept` does not say where that is"
    return ""


def _wrong_pointer(text: str) -> str:
    """What is wrong with a JSON pointer; nothing when it leads somewhere. Source: RFC 6901, section 3."""
    if _POINTER.fullmatch(text):
        return ""
    if text.startswith("/"):
        return f"{shown(text)} leads into nothing; write each part of the way between slashes, ~ as ~0 and / as ~1"
    cure = f"; write /{text.removeprefix('$.').replace('.', '/')}" if _JSON_PATH.fullmatch(text) else ""
    return f"{shown(text)} is not a JSON pointer, which begins with /{cure}"


def is_one_of(value: Any, words: Collection[str]) -> bool:
    """Is it a text, and one of these?"""
    return isinstance(value, str) and value in words
