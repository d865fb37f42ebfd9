"""A wire from a document: what a file says, in the form in which calls are put and replies are read.

It must never be given a document that was not checked.
"""

import tomllib
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import Any, Final

from netra.core.fill import Body, FormBody, JsonBody, Text, gaps_in, text_of
from netra.core.verdict.causes import TABLE
from netra.core.verdict.operations import OPERATIONS
from netra.core.verdict.wire import Accepting, BodyKind, CodeNames, Extra, Place, Pointer, ReplyRow, Template, Wire
from netra.wires.schema import USUAL_EXTRA_CHARS

_TOKENS: Final = frozenset({"token", "refresh_token"})
_OF_NO_INTERMEDIARY: Final[frozenset[BodyKind]] = frozenset({"object", "empty", "other"})


def build(document: Mapping[str, Any]) -> Wire:
    """The wire that a checked document describes."""
    names = shared_names()
    shared = tuple(reply_row(row) for row in document.get("replies", ()))
    return Wire(
        document["name"],
        _texts(document.get("seal", {})),
        _texts(document.get("seal_fields", {})),
        tuple(_extra(name, given) for name, given in document.get("extra", {}).items()),
        {name: _template(name, call, shared, names) for name, call in document["calls"].items()},
        names,
        document.get("tried", ""),
        document.get("advice", ""),
    )


@cache
def shared_names() -> CodeNames:
    """The code names that all wires share."""
    document = tomllib.loads(files(__package__).joinpath("codes.toml").read_text("utf-8"))
    pointers = tuple(pointer_of(each) for each in document["pointers"])
    return CodeNames(
        pointers=pointers,
        heads=frozenset(pointer[0] for pointer in pointers),
        of_users=document["users"],
        of_ours=document["ours"],
        by_operation=document["operations"],
        overload=frozenset(document["overload"]),
        speaking=tuple(document["speaking"]),
        field_lists=tuple(pointer_of(each) for each in document["field_lists"]),
    )


def _texts(table: Mapping[str, str]) -> tuple[tuple[str, Text], ...]:
    return tuple((name, text_of(text)) for name, text in table.items())


def _extra(name: str, given: Mapping[str, Any]) -> Extra:
    return Extra(name, given.get("max_chars", USUAL_EXTRA_CHARS), given.get("required", False))


def _template(name: str, call: Mapping[str, Any], shared: tuple[ReplyRow, ...], names: CodeNames) -> Template:
    sealed = call.get("sealed", True)
    own = tuple(reply_row(row) for row in call["replies"])
    return Template(
        operation=OPERATIONS[name],
        method=call["method"],
        path=call["path"],
        query=FormBody(call["query"]) if "query" in call else None,
        body=_body(call),
        headers=_texts(call.get("headers", {})),
        sealed=sealed,
        tells_caller=call.get("tells_caller", False),
        keyed=call.get("keyed", False),
        bearer=call.get("bearer"),
        needs=frozenset(call.get("needs", _only_token(call))),
        rows=own + (shared if sealed else ()),
        names=names,
    )


def _only_token(call: Mapping[str, Any]) -> frozenset[str]:
    """The token without which a call asks about nobody; none where either of both will do."""
    said = {*gaps_in({key: call.get(key) for key in ("form", "json", "headers")}), call.get("bearer")}
    tokens = _TOKENS & said
    return tokens if len(tokens) == 1 else frozenset()


def _body(call: Mapping[str, Any]) -> Body | None:
    if "form" in call:
        return FormBody(call["form"])
    return JsonBody(call["json"]) if "json" in call else None


def reply_row(row: Mapping[str, Any]) -> ReplyRow:
    """A row of replies, from its checked table."""
    accept = row.get("accept")
    return ReplyRow(
        statuses=frozenset(row["status"]),
        bodies=_bodies(row),
        coded=row.get("coded"),
        needs_standing=row.get("needs_standing", False),
        pointer=pointer_of(row["pointer"]) if "pointer" in row else None,
        values=tuple(_each(row["value"])) if "value" in row else None,
        accept=None if accept is None else _accepting(accept),
        require=frozenset(row.get("require", ())),
        code=row.get("code"),
        named=row.get("named", False),
    )


def _bodies(row: Mapping[str, Any]) -> frozenset[BodyKind] | None:
    """A row that refuses a user never speaks of what an intermediary says, whatever stands in it."""
    if "body" in row:
        return frozenset(row["body"])
    refuses = "code" in row and TABLE[row["code"]].verdict == "rejected"
    return _OF_NO_INTERMEDIARY if refuses else None


def _each(value: Any) -> Iterable[Any]:
    return value if isinstance(value, list) else (value,)


def _accepting(accept: Mapping[str, str | list[str]]) -> Accepting:
    tokens = tuple(_place(each) for each in _each(accept.get("access_token", [])))
    return Accepting.of(
        {
            name: tuple(place for text in _each(texts) for place in _places(text, tokens))
            for name, texts in accept.items()
        }
    )


def _places(text: str, tokens: tuple[Place, ...]) -> Iterator[Place]:
    """The places that one text names: a claim without a place is one of the access token's."""
    kind, _, rest = text.partition(":")
    if kind != "jwt":
        yield _place(text)
    elif not rest.startswith("/"):
        yield from (token._replace(claim=rest) for token in tokens)
    else:
        pointer, _, claim = rest.partition(":")
        yield Place(pointer_of(pointer), claim=claim)


def _place(text: str) -> Place:
    if text.startswith("header:"):
        return Place(header=text.removeprefix("header:").lower())
    return Place(pointer_of(text))


def pointer_of(text: str) -> Pointer:
    """Source: RFC 6901, section 4."""
    return tuple(segment.replace("~1", "/").replace("~0", "~") for segment in text.split("/")[1:])
