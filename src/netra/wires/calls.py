"""What can be wrong with a wire file, from its name to its last call.

It must never stop at the first thing that is wrong, nor look into what is not of the kind it should be.
"""

import re
from collections.abc import Iterator, Mapping
from math import isfinite
from typing import Any, Final
from urllib.parse import unquote_plus

from netra.core.fill import gaps_in
from netra.core.verdict.operations import OPERATIONS
from netra.core.verdict.wire import CodeNames
from netra.wires.build import reply_row
from netra.wires.literals import header_problems, leaves, literal_problems, seal_problems
from netra.wires.problem import Found, Path, gaps, likely, listed
from netra.wires.reach import Placed, unreachable
from netra.wires.rows import row_problems
from netra.wires.schema import (
    ASKED_ABOUT,
    BEARERS,
    CALL_KEYS,
    CALLER,
    EXTRA_KEYS,
    MAX_EXTRA_CHARS,
    METHODS,
    NEVER_IN_AN_ADDRESS,
    SAID,
    SEALS,
    TAKEN,
    TAKES_A_KEY,
    TAKES_EXTRA,
    WIRE_KEYS,
    key_problems,
    usable,
)

_NAME: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_EXTRA_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,63}")
_PATH: Final = re.compile(r"/(?!/)[!-~]{0,1023}")
_NOT_IN_A_PATH: Final = re.compile(r'[#<>"\\^`{|}]|/\.{1,2}(?:/|$)')
_MAX_LINE_CHARS: Final = 300
_OF_THE_CALLER: Final = frozenset({"x-forwarded-for", "forwarded", "user-agent"})
_FILLED: Final = ("form", "json", "headers", "query")
"""The keys of a call whose texts have gaps."""


def wire_problems(document: Mapping[str, Any], names: CodeNames) -> Iterator[Found]:
    """Everything that is wrong with a wire file."""
    yield from key_problems((), document, WIRE_KEYS)
    known = usable(document, WIRE_KEYS)
    yield from _title_problems(document, known)
    calls = {name: call for name, call in known.get("calls", {}).items() if name in OPERATIONS}
    yield from _seal_problems(known, [usable(call, CALL_KEYS) for call in calls.values() if isinstance(call, dict)])
    yield from _extra_problems(known.get("extra", {}), calls)
    for at, row in enumerate(known.get("replies", ())):
        yield from row_problems(("replies", at), row, None, names)
    if document.get("calls", {}) == {}:
        yield Found(("calls",), "none is here; a wire offers at least one call, e.g. [calls.login]")
    extra = frozenset(known.get("extra", ()))
    for name, call in known.get("calls", {}).items():
        if name not in OPERATIONS:
            yield Found(("calls", name), f"no such call{likely(name, OPERATIONS)}; say one of {listed(OPERATIONS)}")
        elif not isinstance(call, dict):
            yield Found(("calls", name), "must be a table")
        else:
            yield from _call_problems(name, call, extra if name in TAKES_EXTRA else frozenset(), names)
    yield from _order_problems(known, names)


def _title_problems(document: Mapping[str, Any], known: Mapping[str, Any]) -> Iterator[Found]:
    if "name" not in document:
        yield Found(("name",), "is missing; say what this auth service is called")
    elif not _NAME.fullmatch(known.get("name", "x")):
        yield Found(("name",), "at most 64 lower-case letters, digits, dots and hyphens")
    for key, example in (("tried", "documented shape"), ("advice", "Keep this to your own pages.")):
        text = known.get(key, "-")
        if not text.isprintable() or not 0 < len(text) <= _MAX_LINE_CHARS:
            yield Found((key,), f"one line of at most {_MAX_LINE_CHARS} characters, e.g. {example}")


def _seal_problems(known: Mapping[str, Any], calls: list[dict[str, Any]]) -> Iterator[Found]:
    """Both seals; what a call says itself, no seal may say again."""
    yield from header_problems(("seal",), known.get("seal", {}))
    for table in ("seal", "seal_fields"):
        yield from seal_problems((table,), known.get(table, {}), SEALS)
    sealed = [call for call in calls if call.get("sealed", True)]
    for name in known.get("seal", {}):
        said = {header.lower() for call in sealed for header in call.get("headers", {})}
        said |= {"authorization"} if any("bearer" in call for call in sealed) else set()
        said |= _OF_THE_CALLER if any(call.get("tells_caller") for call in sealed) else set()
        if name.lower() in said | {"content-type"}:
            yield Found(("seal", name), "is a header of a sealed call, too; say it once")
    bodies = [call[key] for call in sealed for key in ("form", "json") if key in call]
    for name in known.get("seal_fields", {}):
        if any(name in body for body in bodies):
            yield Found(("seal_fields", name), "is a member of a sealed call's body, too; say it once")
    if known.get("seal_fields") and not bodies:
        yield Found(("seal_fields",), "no sealed call has a body that could carry these; say `form` or `json`")


def _extra_problems(extra: Mapping[str, Any], calls: Mapping[str, Any]) -> Iterator[Found]:
    said = {gap for name in TAKES_EXTRA & calls.keys() for gap in _said_by(calls[name])}
    for name, given in extra.items():
        path = ("extra", name)
        if not _EXTRA_NAME.fullmatch(name):
            yield Found(path, "at most 64 lower-case letters, digits and underlines, the first a letter")
        elif name in TAKEN:
            yield Found(path, "means something else already; take another name")
        elif name not in said:
            yield Found(path, f"is passed on by no login or register; say {gaps((name,))} there")
        if not isinstance(given, dict):
            yield Found(path, "must be a table, e.g. { max_chars = 64, required = false }")
            continue
        yield from key_problems(path, given, EXTRA_KEYS)
        if not 1 <= usable(given, EXTRA_KEYS).get("max_chars", 1) <= MAX_EXTRA_CHARS:
            yield Found((*path, "max_chars"), f"a number from 1 to {MAX_EXTRA_CHARS}")


def _said_by(call: Any) -> set[str]:
    return set(gaps_in([call.get(key) for key in _FILLED])) if isinstance(call, dict) else set()


def _call_problems(name: str, call: Mapping[str, Any], extra: frozenset[str], names: CodeNames) -> Iterator[Found]:
    path = ("calls", name)
    yield from key_problems(path, call, CALL_KEYS)
    known = usable(call, CALL_KEYS)
    missing = CALL_KEYS.keys() - call.keys()
    if known.get("method", "GET") not in METHODS or "method" in missing:
        yield Found((*path, "method"), f"say one of {listed(METHODS)}")
    if "path" in known or "path" in missing:
        yield from _path_problems((*path, "path"), known.get("path", ""))
    yield from _query_problems((*path, "query"), known)
    yield from _body_problems(path, known)
    yield from _header_problems(path, known)
    yield from _filling_problems(path, name, known, extra)
    if len(known) == len(call.keys() & CALL_KEYS.keys()):
        yield from _purpose_problems(path, name, known)
    for at, row in enumerate(known.get("replies", ())):
        yield from row_problems((*path, "replies", at), row, name, names)


def _purpose_problems(path: Path, name: str, call: Mapping[str, Any]) -> Iterator[Found]:
    """What a call has to say to be of any use, and what is of no use to it."""
    said = _said_by(call) | {call.get("bearer", "")}
    for group in ASKED_ABOUT.get(name, ()):
        if not group & said:
            yield Found(path, f"asks about nobody; pass on {' or '.join(f'{{{gap}}}' for gap in sorted(group))}")
    for at, each in enumerate(call.get("needs", ())):
        if each not in said:
            yield Found((*path, "needs", at), "is nothing that this call passes on; take it out, or pass it on")
    if "bearer" in call and call["bearer"] not in BEARERS & SAID[name]:
        some = listed(BEARERS & SAID[name])
        cure = f"say {some}" if some else "take it out"
        yield Found((*path, "bearer"), f"is nothing that a client says to {name}; {cure}")
    if call.get("keyed") and name not in TAKES_A_KEY:
        yield Found((*path, "keyed"), f"only {listed(TAKES_A_KEY)} carry a key; take it out")
    if not any(isinstance(row, dict) and "accept" in row for row in call.get("replies", ())):
        yield Found((*path, "replies"), "no row has `accept`: nothing would ever be accepted")


def _path_problems(path: Path, text: str) -> Iterator[Found]:
    if not text.startswith("/"):
        yield Found(path, "must begin with /; host and port are the setting AUTH_SERVICE_URL")
    elif "{" in text:
        yield Found(path, "nothing is filled in here; say it in `query`, in the body or in a header")
    elif not _PATH.fullmatch(text) or _NOT_IN_A_PATH.search(text):
        yield Found(path, "would break the request: percent-encode all but plain ASCII, and end before any #")
    for found in literal_problems(path, {name: value for name, value in _pairs(text) if value}):
        yield Found(path, found.what)


def _pairs(target: str) -> Iterator[tuple[str, str]]:
    """The names and values of a path's own query."""
    for pair in target.partition("?")[2].split("&"):
        name, _, value = pair.partition("=")
        yield name, value


def _query_problems(path: Path, call: Mapping[str, Any]) -> Iterator[Found]:
    query = call.get("query", {})
    yield from _value_problems(path, query, texts_only=True)
    yield from literal_problems(path, query)
    twice = {unquote_plus(name) for name, _ in _pairs(call.get("path", ""))}
    for name in query:
        if name in twice:
            yield Found((*path, name), "stands in `path`, too; say it once")


def _body_problems(path: Path, call: Mapping[str, Any]) -> Iterator[Found]:
    said = [key for key in ("form", "json") if key in call]
    if len(said) > 1:
        yield Found(path, "say either `form` or `json`")
    for key in said:
        if call.get("method") == "GET":
            yield Found((*path, key), "a GET carries no body; say method POST, or take it out")
        yield from _value_problems((*path, key), call[key], texts_only=key == "form")
        yield from literal_problems((*path, key), call[key])


def _value_problems(path: Path, value: Any, *, texts_only: bool) -> Iterator[Found]:
    if isinstance(value, dict) and not (texts_only and len(path) > 3):
        for key, each in value.items():
            yield from _value_problems((*path, key), each, texts_only=texts_only)
    elif texts_only and not isinstance(value, str):
        yield Found(path, "a form carries texts; put it in quotes")
    elif isinstance(value, list):
        for at, each in enumerate(value):
            yield from _value_problems((*path, at), each, texts_only=False)
    elif not isinstance(value, str | bool | int | float) or (isinstance(value, float) and not isfinite(value)):
        yield Found(path, "is nothing that JSON has; put it in quotes")


def _header_problems(path: Path, call: Mapping[str, Any]) -> Iterator[Found]:
    headers = call.get("headers", {})
    yield from header_problems((*path, "headers"), headers)
    yield from literal_problems((*path, "headers"), headers)
    twice = {"authorization": "bearer"} if "bearer" in call else {}
    if call.get("tells_caller"):
        twice |= dict.fromkeys(_OF_THE_CALLER, "tells_caller")
    for name in headers:
        if name.lower() in twice:
            yield Found((*path, "headers", name), f"is written by `{twice[name.lower()]}` already; say it once")


def _filling_problems(path: Path, name: str, call: Mapping[str, Any], extra: frozenset[str]) -> Iterator[Found]:
    """Gaps that nothing fills: they would leave their member out for ever."""
    said = SAID[name] | extra
    for key in _FILLED:
        fillers = {"headers": (said - {"password"}) | CALLER, "query": said - NEVER_IN_AN_ADDRESS}.get(key, said)
        for leaf in leaves((*path, key), call.get(key, {})):
            for gap in gaps_in(leaf.value):
                if gap in SEALS:
                    yield Found(leaf.path, f"{{{gap}}} belongs in [seal] or [seal_fields] alone")
                elif key == "query" and gap in said & NEVER_IN_AN_ADDRESS:
                    yield Found(leaf.path, f"{{{gap}}} would end up in logs; say it in the body or in a header")
                elif gap not in fillers:
                    yield Found(leaf.path, f"{{{gap}}} is filled by nothing{likely(gap, fillers)}; say {gaps(fillers)}")


def _order_problems(known: Mapping[str, Any], names: CodeNames) -> Iterator[Found]:
    """Rows that nothing gets to; those that are wrong by themselves are told so, and take nothing."""
    shared = list(_good(("replies",), known.get("replies", ()), None, names))
    calls: dict[str, list[Placed]] = {}
    for name, call in known.get("calls", {}).items():
        if name in OPERATIONS and isinstance(call, dict):
            usual = usable(call, CALL_KEYS)
            own = _good(("calls", name, "replies"), usual.get("replies", ()), name, names)
            calls[name] = [*own, *(shared if usual.get("sealed", True) else ())]
    yield from unreachable(calls)
    reached = {path for rows in calls.values() for path, _ in rows}
    for path, _ in shared:
        if path not in reached:
            yield Found(path, "is never reached: it holds for sealed calls, and there is none")


def _good(path: Path, rows: Any, operation: str | None, names: CodeNames) -> Iterator[Placed]:
    for at, row in enumerate(rows):
        if next(row_problems((*path, at), row, operation, names), None) is None:
            yield (*path, at), reply_row(row)
