"""TOML to a wire: everything that is wrong with a file, at once.

It must never run anything that stands in a file, nor accept a key that it does not know.
"""

import tomllib
from collections.abc import Iterator, Mapping
from importlib.resources import files
from typing import Any, Final, get_args

from netra.core.verdict.causes import TABLE
from netra.core.verdict.operations import OPERATIONS
from netra.core.verdict.wire import BodyKind, CodeNames, Pointer, ReplyRow, Template, Wire

FILLERS: Final = frozenset({"identifier", "password", "name", "refresh_token", "token"})
SEALS: Final = frozenset({"service_id", "service_secret"})
_METHODS: Final = frozenset({"GET", "POST"})
_BODIES: Final = frozenset(get_args(BodyKind))
_WIRE_KEYS: Final = frozenset({"name", "seal", "replies", "calls"})
_CALL_KEYS: Final = frozenset({"method", "path", "fields", "sealed", "tells_caller", "keyed", "bearer", "replies"})
_ROW_KEYS: Final = frozenset(
    {"status", "body", "coded", "needs_standing", "pointer", "value", "accept", "require", "code", "named"}
)


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
    return CodeNames(
        pointers=tuple(_pointer(each) for each in document["pointers"]),
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
    yield from _unknown_keys("the file", document, _WIRE_KEYS)
    if not isinstance(document.get("name"), str):
        yield "`name` is missing"
    for header, filler in document.get("seal", {}).items():
        if filler not in SEALS:
            yield f"[seal] {header}: say one of {_listed(SEALS)}, never a value"
    for number, row in enumerate(document.get("replies", ()), 1):
        yield from _row_problems(f"[[replies]] row {number}", row, frozenset())
    if not document.get("calls"):
        yield "no [calls.…]: a wire offers at least one call"
    for name, call in document.get("calls", {}).items():
        yield from _call_problems(name, call)


def _call_problems(name: str, call: Mapping[str, Any]) -> Iterator[str]:
    where = f"[calls.{name}]"
    operation = OPERATIONS.get(name)
    if operation is None:
        yield f"{where}: no such call; say one of {_listed(OPERATIONS)}"
        return
    yield from _unknown_keys(where, call, _CALL_KEYS)
    if call.get("method") not in _METHODS:
        yield f"{where} method: say one of {_listed(_METHODS)}"
    if not str(call.get("path", "")).startswith("/"):
        yield f"{where} path: must begin with /"
    for filler in (*call.get("fields", {}).values(), *([call["bearer"]] if "bearer" in call else ())):
        if filler not in FILLERS:
            yield f"{where}: {filler!r} fills nothing; say one of {_listed(FILLERS)}"
    if not call.get("replies"):
        yield f"{where}: no replies: without a row nothing is ever accepted"
    for number, row in enumerate(call.get("replies", ()), 1):
        yield from _row_problems(f"[[calls.{name}.replies]] row {number}", row, operation.places)


def _row_problems(where: str, row: Mapping[str, Any], places: frozenset[str]) -> Iterator[str]:
    yield from _unknown_keys(where, row, _ROW_KEYS)
    statuses = row.get("status")
    if not isinstance(statuses, list) or not all(isinstance(each, int) and 100 <= each <= 599 for each in statuses):
        yield f"{where} status: a list of numbers from 100 to 599"
    if ("accept" in row) == ("code" in row):
        yield f"{where}: say either `accept` or `code`"
    if row.get("code", "internal_error") not in TABLE:
        yield f"{where} code: {row['code']!r} is not in the table of causes"
    if ("pointer" in row) != ("value" in row):
        yield f"{where}: `pointer` and `value` go together"
    for kind in row.get("body", ()):
        if kind not in _BODIES:
            yield f"{where} body: {kind!r}; say some of {_listed(_BODIES)}"
    yield from _place_problems(where, row, places)


def _place_problems(where: str, row: Mapping[str, Any], places: frozenset[str]) -> Iterator[str]:
    for place in {*row.get("accept", {}), *row.get("require", ())} - places:
        yield f"{where}: no place {place!r} here; say some of {_listed(places)}"
    for each in (row.get("pointer", "/"), *row.get("accept", {}).values()):
        for pointer in [each] if isinstance(each, str) else each:
            if not pointer.startswith("/"):
                yield f"{where}: {pointer!r} is not a JSON pointer; it begins with /"


def _unknown_keys(where: str, table: Mapping[str, Any], known: frozenset[str]) -> Iterator[str]:
    for key in table.keys() - known:
        yield f"{where}: unknown key {key!r}; known are {_listed(known)}"


def _listed(words: Any) -> str:
    return ", ".join(sorted(words))
