"""TOML to a wire: everything that is wrong with a file, at once.

It must never run anything that stands in a file, nor accept a key that it does not know.
"""

import tomllib
from collections.abc import Collection, Iterable, Iterator, Mapping
from importlib.resources import files
from typing import Any, Final, get_args

from netra.core.verdict.causes import TABLE
from netra.core.verdict.operations import OPERATIONS
from netra.core.verdict.wire import BodyKind, CodeNames, Pointer, ReplyRow, Template, Wire

FILLERS: Final = frozenset({"identifier", "password", "name", "refresh_token", "token"})
SEALS: Final = frozenset({"service_id", "service_secret"})
_METHODS: Final = frozenset({"GET", "POST"})
_BODIES: Final = frozenset(get_args(BodyKind))
_REFUSING_BODIES: Final = frozenset({"object", "empty"})
_WIRE_KEYS: Final[Mapping[str, type]] = {"name": str, "seal": dict, "replies": list, "calls": dict}
_CALL_KEYS: Final[Mapping[str, type]] = {
    "method": str,
    "path": str,
    "fields": dict,
    "sealed": bool,
    "tells_caller": bool,
    "keyed": bool,
    "bearer": str,
    "replies": list,
}
_ROW_KEYS: Final[Mapping[str, type]] = {
    "status": list,
    "body": list,
    "coded": bool,
    "needs_standing": bool,
    "pointer": str,
    "value": object,
    "accept": dict,
    "require": list,
    "code": str,
    "named": bool,
}
_KINDS: Final[Mapping[type, str]] = {str: "a text", bool: "true or false", list: "a list", dict: "a table"}


class WireProblem(Exception):
    """A wire file cannot be used; `problems` holds one sentence for each thing that is wrong."""

    def __init__(self, source: str, problems: list[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(f"{source}: {problem}" for problem in problems))


def preset(name: str) -> Wire:
    """A wire that comes with the package, e.g. `netra`.

    Raises: WireProblem.
    """
    return load(files(__package__).joinpath(f"{name}.toml").read_text("utf-8"), source=f"{name}.toml")


def load(text: str, source: str) -> Wire:
    """A wire from the text of a TOML file; `source` names the file in problems.

    Raises: WireProblem, with everything that is wrong.
    """
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise WireProblem(source, [f"not TOML: {error}"]) from None
    problems = list(_problems(document))
    if problems:
        raise WireProblem(source, problems)
    shared = tuple(_row(row) for row in document.get("replies", ()))
    return Wire(
        document["name"],
        tuple(document.get("seal", {}).items()),
        {name: _template(name, call, shared) for name, call in document["calls"].items()},
        shared_names(),
    )


def shared_names() -> CodeNames:
    """The code names that all wires share."""
    document = tomllib.loads(files(__package__).joinpath("codes.toml").read_text("utf-8"))
    pointers = tuple(_pointer(each) for each in document["pointers"])
    return CodeNames(
        pointers=pointers,
        heads=frozenset(pointer[0] for pointer in pointers),
        of_users=document["users"],
        of_ours=document["ours"],
        by_operation=document["operations"],
        overload=frozenset(document["overload"]),
        field_lists=tuple(_pointer(each) for each in document["field_lists"]),
    )


def _template(name: str, call: Mapping[str, Any], shared: tuple[ReplyRow, ...]) -> Template:
    sealed = call.get("sealed", True)
    own = tuple(_row(row) for row in call["replies"])
    return Template(
        OPERATIONS[name],
        call["method"],
        call["path"],
        tuple(call.get("fields", {}).items()),
        sealed,
        call.get("tells_caller", False),
        call.get("keyed", False),
        call.get("bearer"),
        own + (shared if sealed else ()),
    )


def _row(row: Mapping[str, Any]) -> ReplyRow:
    accept = row.get("accept")
    return ReplyRow(
        statuses=frozenset(row["status"]),
        bodies=frozenset(row["body"]) if "body" in row else None,
        coded=row.get("coded"),
        needs_standing=row.get("needs_standing", False),
        pointer=_pointer(row["pointer"]) if "pointer" in row else None,
        value=row.get("value"),
        accept=None if accept is None else {place: _pointers(where) for place, where in accept.items()},
        require=frozenset(row.get("require", ())),
        code=row.get("code"),
        named=row.get("named", False),
    )


def _pointers(where: str | list[str]) -> tuple[Pointer, ...]:
    return tuple(_pointer(each) for each in ([where] if isinstance(where, str) else where))


def _pointer(text: str) -> Pointer:
    """Source: RFC 6901, section 4."""
    return tuple(segment.replace("~1", "/").replace("~0", "~") for segment in text.split("/")[1:])


def _problems(document: Mapping[str, Any]) -> Iterator[str]:
    yield from _key_problems("the file", document, _WIRE_KEYS)
    known = _usable(document, _WIRE_KEYS)
    if "name" not in document:
        yield "`name` is missing"
    for header, filler in known.get("seal", {}).items():
        if not _is_one_of(filler, SEALS):
            yield f"[seal] {header}: say one of {_listed(SEALS)}, never a value"
    for number, row in enumerate(known.get("replies", ()), 1):
        yield from _row_problems(f"[[replies]] row {number}", row, frozenset())
    if not document.get("calls"):
        yield "no [calls.…]: a wire offers at least one call"
    for name, call in known.get("calls", {}).items():
        yield from _call_problems(f"[calls.{name}]", name, call)


def _call_problems(where: str, name: str, call: Any) -> Iterator[str]:
    operation = OPERATIONS.get(name)
    if operation is None or not isinstance(call, dict):
        yield f"{where}: no such call; say one of {_listed(OPERATIONS)}, each a table"
        return
    yield from _key_problems(where, call, _CALL_KEYS)
    known = _usable(call, _CALL_KEYS)
    if known.get("method") not in _METHODS:
        yield f"{where} method: say one of {_listed(_METHODS)}"
    if not known.get("path", "").startswith("/"):
        yield f"{where} path: must begin with /"
    for filler in (*known.get("fields", {}).values(), known.get("bearer", "token")):
        if not _is_one_of(filler, FILLERS):
            yield f"{where}: {filler!r} fills nothing; say one of {_listed(FILLERS)}"
    if not known.get("replies"):
        yield f"{where}: no replies: without a row nothing is ever accepted"
    for number, row in enumerate(known.get("replies", ()), 1):
        yield from _row_problems(f"[[calls.{name}.replies]] row {number}", row, operation.places)


def _row_problems(where: str, row: Any, places: frozenset[str]) -> Iterator[str]:
    if not isinstance(row, dict):
        yield f"{where}: must be a table"
        return
    yield from _key_problems(where, row, _ROW_KEYS)
    known = _usable(row, _ROW_KEYS)
    statuses = known.get("status")
    if not statuses or not all(type(each) is int and 100 <= each <= 599 for each in statuses):
        yield f"{where} status: a list of numbers from 100 to 599"
    if ("accept" in known) == ("code" in known):
        yield f"{where}: say either `accept` or `code`"
    if ("pointer" in known) != ("value" in known):
        yield f"{where}: `pointer` and `value` go together"
    for kind in known.get("body", ()):
        if not _is_one_of(kind, _BODIES):
            yield f"{where} body: {kind!r}; say some of {_listed(_BODIES)}"
    yield from _refusal_problems(where, known)
    yield from _place_problems(where, known, places)


def _refusal_problems(where: str, row: Mapping[str, Any]) -> Iterator[str]:
    """Nobody is refused by a page, a redirect or a broken server: only a row that cannot read these may refuse."""
    cause = TABLE.get(row.get("code", "internal_error"))
    if cause is None:
        yield f"{where} code: {row['code']!r} is not in the table of causes"
    elif cause.verdict == "rejected":
        if any(type(each) is int and each // 100 not in (2, 4) for each in row.get("status", ())):
            yield f"{where} status: only 2xx and 4xx can mean {cause.code!r}"
        if not (row.get("coded") or "pointer" in row or _REFUSING_BODIES.issuperset(map(str, row.get("body", "?")))):
            yield f"{where} body: only {_listed(_REFUSING_BODIES)} can mean {cause.code!r}"


def _place_problems(where: str, row: Mapping[str, Any], places: frozenset[str]) -> Iterator[str]:
    accept, require = row.get("accept", {}), row.get("require", ())
    for place in (*accept, *require):
        if not _is_one_of(place, places):
            yield f"{where}: no place {place!r} here; say some of {_listed(places)}"
        elif place not in accept:
            yield f"{where}: {place!r} is required, and `accept` does not say where it is"
    for each in (row.get("pointer", "/"), *accept.values()):
        for pointer in each if isinstance(each, list) and each else [each]:
            if not (isinstance(pointer, str) and pointer.startswith("/")):
                yield f"{where}: {pointer!r} is not a JSON pointer; it begins with /"


def _key_problems(where: str, table: Mapping[str, Any], known: Mapping[str, type]) -> Iterator[str]:
    for key, value in table.items():
        if key not in known:
            yield f"{where}: unknown key {key!r}; known are {_listed(known)}"
        elif not isinstance(value, known[key]):
            yield f"{where}: `{key}` must be {_KINDS[known[key]]}"


def _usable(table: Mapping[str, Any], known: Mapping[str, type]) -> dict[str, Any]:
    """What can be looked into: members that are known, and of their kind."""
    return {key: value for key, value in table.items() if key in known and isinstance(value, known[key])}


def _is_one_of(value: Any, words: Collection[str]) -> bool:
    return isinstance(value, str) and value in words


def _listed(words: Iterable[str]) -> str:
    return ", ".join(sorted(words))
