"""A wire as people read it: what it offers, how each call is put, and what each answer means.

It must never show anything that does not stand in the file.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

from netra.core.verdict.operations import OPERATIONS
from netra.wires.build import shared_names
from netra.wires.calls import wire_problems
from netra.wires.load import Source, checked, presets, source_of

NOT_OFFERED: Final = "not offered"
_BODIES: Final = {
    "object": "a JSON object",
    "empty": "no body",
    "other": "text, HTML or other JSON",
    "intermediary": "a proxy's page",
}


class CallView(NamedTuple):
    """One call."""

    name: str
    request: str
    """Method and path, or `not offered`."""
    body: str
    also: str
    """What else goes along: our own credentials, the caller, a token."""


class RowView(NamedTuple):
    """One row of replies."""

    call: str
    number: int
    when: str
    then: str


class WireView(NamedTuple):
    """A wire, in words."""

    name: str
    source: str
    tried: str
    advice: str
    credentials: tuple[str, ...]
    """Where our own credentials stand; nothing where none are sent."""
    extra: tuple[str, ...]
    calls: tuple[CallView, ...]
    rows: tuple[RowView, ...]
    """In the order in which they are asked."""

    @property
    def offered(self) -> tuple[str, ...]:
        """The calls that this auth service takes."""
        return tuple(each.name for each in self.calls if each.request != NOT_OFFERED)

    @property
    def not_offered(self) -> tuple[str, ...]:
        """The calls whose routes are 404."""
        return tuple(each.name for each in self.calls if each.request == NOT_OFFERED)


def found(value: str, setting: str) -> tuple[Source, Mapping[str, Any]]:
    """The text of a preset or file and its document, when nothing is wrong with it.

    Raises: WireProblem, with everything that is wrong.
    """
    source = source_of(value, setting)
    return source, checked(source, lambda document: wire_problems(document, shared_names()))


def summaries() -> list[tuple[str, str, str]]:
    """Of each preset: its name, what it is for, and how far it was tried."""
    rows = []
    for name in presets():
        source, document = found(name, name)
        first = source.text.partition("\n")[0]
        purpose = first.removeprefix("#").strip() if first.startswith("#") else ""
        rows.append((name, purpose, str(document.get("tried", "-"))))
    return rows


def view(source: Source, document: Mapping[str, Any]) -> WireView:
    """A checked document in words."""
    calls, sealed = document["calls"], tuple(_credentials(document))
    return WireView(
        name=document["name"],
        source=source.name,
        tried=document.get("tried", "not said"),
        advice=document.get("advice", ""),
        credentials=sealed,
        extra=tuple(_extra(document.get("extra", {}))),
        calls=tuple(_call(name, calls.get(name), has_seal=bool(sealed)) for name in OPERATIONS),
        rows=tuple(_rows(document)),
    )


def _credentials(document: Mapping[str, Any]) -> Iterator[str]:
    for name, text in document.get("seal", {}).items():
        yield f"header {name}: {text}"
    for name, text in document.get("seal_fields", {}).items():
        yield f"member {name} = {text}"


def _extra(extra: Mapping[str, Any]) -> Iterator[str]:
    for name, given in extra.items():
        yield f"{name} ({'required' if given.get('required') else 'optional'})"


def _call(name: str, call: Mapping[str, Any] | None, *, has_seal: bool) -> CallView:
    if call is None:
        return CallView(name, NOT_OFFERED, "", "")
    body = ""
    if "form" in call:
        body = f"form: {', '.join(f'{member}={text}' for member, text in call['form'].items())}"
    elif "json" in call:
        body = f"json: {json.dumps(call['json'], ensure_ascii=False)}"
    return CallView(name, f"{call['method']} {call['path']}", body, ", ".join(_also(call, has_seal=has_seal)))


def _also(call: Mapping[str, Any], *, has_seal: bool) -> Iterator[str]:
    if has_seal and call.get("sealed", True):
        yield "our credentials"
    if "needs" in call:
        yield f"only with {', '.join(f'{{{name}}}' for name in call['needs'])}"
    if "bearer" in call:
        yield f"Bearer {{{call['bearer']}}}"
    if call.get("tells_caller"):
        yield "the caller"
    if call.get("keyed"):
        yield "an idempotency key"
    for name, text in call.get("headers", {}).items():
        yield f"{name}: {text}"
    for name, text in call.get("query", {}).items():
        yield f"in the query {name}={text}"


def _rows(document: Mapping[str, Any]) -> Iterator[RowView]:
    for name in OPERATIONS:
        call = document["calls"].get(name)
        if call is not None:
            shared = document.get("replies", ()) if call.get("sealed", True) else ()
            for number, row in enumerate((*call["replies"], *shared), 1):
                yield RowView(name, number, _when(row), _then(row))


def _when(row: Mapping[str, Any]) -> str:
    said = [" or ".join(map(str, row["status"]))]
    if "body" in row:
        said.append(" or ".join(_BODIES[each] for each in row["body"]))
    if "value" in row:
        values = row["value"] if isinstance(row["value"], list) else [row["value"]]
        said.append(f"{row['pointer']} is {' or '.join(json.dumps(each, ensure_ascii=False) for each in values)}")
    elif "pointer" in row:
        said.append(f"{row['pointer']} is there")
    if "coded" in row:
        said.append("a known code" if row["coded"] else "no known code")
    return ", ".join(said)


def _then(row: Mapping[str, Any]) -> str:
    if "accept" in row:
        places = (f"{name} {_places(texts)}" for name, texts in row["accept"].items())
        needed = ", ".join(row.get("require", ()))
        told = "; ".join((*places, *([f"none without {needed}"] if needed else [])))
        return f"accepted: {told}" if told else "accepted"
    more = " (or the code that is named)" if row.get("named") else ""
    doubt = ", while our credentials are good" if row.get("needs_standing") else ""
    return f"{row['code']}{more}{doubt}"


def _places(texts: Any) -> str:
    return " or ".join(texts) if isinstance(texts, list) else str(texts)
