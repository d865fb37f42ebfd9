"""TOML as people write it: a wire file with its rows, and a file of saved replies.

It must never write a text that another reader of TOML would understand differently.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, NamedTuple

from netra.core.verdict.reply import Reply

_BARE: Final = re.compile(r"[A-Za-z0-9_-]+")
_PLAIN: Final = re.compile(r"[^\x00-\x1f\x7f]*")
_MOST_INLINE_CHARS: Final = 160


class Kept(NamedTuple):
    """A reply to be saved."""

    name: str
    reply: Reply
    expect: str
    source: str


def wire_text(document: Mapping[str, Any], remarks: Iterable[str] = ()) -> str:
    """A wire file; the remarks stand at its top as comments."""
    lines = [*_comment(remarks), *_pairs(document, {"seal", "seal_fields", "calls"})]
    for name in ("seal", "seal_fields"):
        if name in document:
            lines += ["", f"[{name}]", *_pairs(document[name])]
    for name, call in document["calls"].items():
        lines += ["", f"[calls.{name}]", *_pairs(call, {"replies"})]
        for row in call["replies"]:
            lines += ["", *row_lines(name, row)]
    return "\n".join(lines) + "\n"


def row_lines(call: str, row: Mapping[str, Any]) -> list[str]:
    """A row of replies, as it is pasted into a wire file."""
    tables = [key for key, each in row.items() if isinstance(each, Mapping)]
    wide = [key for key in tables if len(value_text(row[key])) > _MOST_INLINE_CHARS]
    lines = [f"[[calls.{call}.replies]]", *_pairs(row, wide)]
    for key in wide:
        lines += [f"[calls.{call}.replies.{key}]", *_pairs(row[key])]
    return lines


def replies_text(replies: Iterable[Kept], remarks: Iterable[str] = ()) -> str:
    """A file of saved replies to a login."""
    lines = _comment(remarks)[:1]
    for each in replies:
        table: dict[str, Any] = {"name": each.name, "call": "login", "status": each.reply.status}
        table |= {"headers": dict(each.reply.headers)} if each.reply.headers else {}
        lines += ["", "[[reply]]", *_pairs(table), f"body = {_long(each.reply.body.decode())}"]
        lines += _pairs({"expect": each.expect, "source": each.source})
    return "\n".join(lines).lstrip("\n") + "\n"


def _comment(remarks: Iterable[str]) -> list[str]:
    lines = [f"# {remark}".rstrip() for remark in remarks]
    return [*lines, ""] if lines else []


def _pairs(table: Mapping[str, Any], without: Iterable[str] = ()) -> Iterator[str]:
    left_out = set(without)
    for key, value in table.items():
        if key not in left_out:
            yield f"{_key(key)} = {value_text(value)}"


def _key(key: str) -> str:
    return key if _BARE.fullmatch(key) else value_text(key)


def value_text(value: Any) -> str:
    """A value in one line. Source: TOML 1.0.0; its basic strings have the escapes of JSON's, but for DEL."""
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, Mapping):
        return "{ " + ", ".join(_pairs(value)) + " }" if value else "{}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(value_text(each) for each in value)}]"
    return json.dumps(value)


def _long(text: str) -> str:
    """A text of many quotes, literally where that is possible."""
    literal = _PLAIN.fullmatch(text) and "'''" not in text and not text.endswith("'")
    return f"'''{text}'''" if literal else value_text(text)
