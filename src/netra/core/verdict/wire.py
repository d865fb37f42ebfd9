"""A wire, parsed: which calls an auth service takes, and the rows by which its replies are read.

It must never open a file or a socket, and holds no secret: calls are sealed only when they are sent.
"""

from collections.abc import Container, Mapping
from dataclasses import dataclass, replace
from typing import Any, Generic, Literal, NamedTuple, TypeVar

from msgspec.structs import asdict

from netra.core.fill import NOTHING_SAID, Body, FormBody, Said, Text
from netra.core.secret import Secret
from netra.core.trace import Span
from netra.core.value import Value
from netra.core.verdict.operations import Operation

T = TypeVar("T")
Pointer = tuple[str, ...]
BodyKind = Literal["object", "empty", "intermediary", "other"]
"""`object`: a JSON object that no intermediary is known to send; `other`: text, HTML, JSON of another type."""


class Place(NamedTuple):
    """Where in a reply something stands: in its JSON body or in a header, or in a JWT that stands there."""

    pointer: Pointer = ()
    """Below the body, or below the header."""
    header: str | None = None
    """In lower case; None for what stands in the body."""
    claim: str | None = None
    """Of the JWT at that place; None for the value itself."""


class Accepting(NamedTuple):
    """Where in a reply each part of an answer stands."""

    members: tuple[tuple[Pointer, tuple[tuple[str, str], ...]], ...]
    """Parts with one place in the body: tables of the body, with the parts that are their members, by name and key."""
    others: tuple[tuple[str, tuple[Place, ...]], ...]
    """All other parts, with their places, first come."""

    @classmethod
    def of(cls, places: Mapping[str, tuple[Place, ...]]) -> "Accepting":
        """The parts of an answer, sorted by how they are found."""
        tables: dict[Pointer, list[tuple[str, str]]] = {}
        others = {}
        for name, found_at in places.items():
            pointer, header, claim = found_at[0]
            if len(found_at) == 1 and pointer and header is None and claim is None:
                tables.setdefault(pointer[:-1], []).append((name, pointer[-1]))
            else:
                others[name] = found_at
        return cls(tuple((table, tuple(keys)) for table, keys in tables.items()), tuple(others.items()))

    @property
    def in_body(self) -> bool:
        """Is anything looked for in the body?"""
        return bool(self.members) or any(not place.header for _, places in self.others for place in places)


class ReplyRow(NamedTuple):
    """One way to read a reply: when all conditions hold, it speaks."""

    statuses: frozenset[int]
    bodies: frozenset[BodyKind] | None = None
    coded: bool | None = None
    """True: only with a recognised code; False: only without one; None: either."""
    needs_standing: bool = False
    """Only while our own credentials are known to be good; else the reply speaks of them."""
    pointer: Pointer | None = None
    """The place whose value decides."""
    values: tuple[Any, ...] | None = None
    """With `pointer`: what may stand there; None for anything but null."""
    accept: Accepting | None = None
    """Where the answer is found; None for a row that refuses."""
    require: frozenset[str] = frozenset()
    code: str | None = None
    """The code of the closed table that this reply means, or None with `accept`."""
    named: bool = False
    """Does a shared code name in the body speak more precisely than `code`?"""


class CodeNames(NamedTuple):
    """The code names that all wires share, and where in a reply a code stands."""

    pointers: tuple[Pointer, ...]
    heads: frozenset[str]
    """The first members on the way to a code: a reply without any of them has none."""
    of_users: Mapping[str, str]
    """Name to code: refusals of this user's request."""
    of_ours: Mapping[str, str]
    """Name to code: refusals of us, the calling service."""
    by_operation: Mapping[str, Mapping[str, str]]
    """Where an operation reads a user's name differently."""
    overload: frozenset[str]
    """Names by which an auth service says that it sheds load, not that it is unwell."""
    speaking: tuple[str, ...]
    """The members in which a reply says why, the most telling first."""
    field_lists: tuple[Pointer, ...]
    """Where a list of field errors stands."""

    def refusal(self, name: str, operation: str) -> str | None:
        """The code that a name means for an operation; None for a name that is not ours to know."""
        own = self.by_operation.get(operation, {}).get(name)
        return own or self.of_users.get(name) or self.of_ours.get(name)


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Template:
    """How one call is put, and how its answer is read. Two templates are equal when they are the same one."""

    operation: Operation[Any]
    method: str
    path: str
    """With what of its query is always the same, if there is any."""
    body: Body | None
    headers: tuple[tuple[str, Text], ...]
    """Besides those that every call carries."""
    sealed: bool
    tells_caller: bool
    """Does the call name the caller's address and agent in the usual headers?"""
    keyed: bool
    """Does the call carry an idempotency key?"""
    bearer: str | None
    """What fills `Authorization: Bearer`, e.g. `token`."""
    needs: frozenset[str]
    """What a client must have said for this call to be of any use, e.g. `token`."""
    rows: tuple[ReplyRow, ...]
    names: CodeNames
    query: FormBody | None = None
    """What of its query is filled anew for each call, written as forms are."""

    def target(self, said: Said) -> str:
        """The path with its whole query. Raises: UnicodeEncodeError for what cannot be encoded."""
        filled = self.query.filled(said) if self.query else ""
        return f"{self.path}{'&' if '?' in self.path else '?'}{filled}" if filled else self.path


class Label(Value, frozen=True):
    """What identifies an attempt on its way: ids, and the caller's address and agent."""

    request_id: str
    traceparent: str
    tracestate: str | None = None
    client_address: str | None = None
    user_agent: str | None = None
    idempotency_key: str | None = None
    address_shared: bool = False
    """Are strangers behind that address, too, so that it stands for none of them?"""
    span: Span | None = None
    """Where the attempt is recorded; None when it is not."""


class Call(NamedTuple, Generic[T]):
    """One question, with the rows to read its answer by. Holds no service secret; its body prints as dots."""

    operation: Operation[T]
    template: Template
    headers: tuple[tuple[str, str], ...]
    """Those of this call; what all calls of a template carry is not among them."""
    bearer: Secret | None
    body: Secret | None
    keyed: bool
    request_id: str
    said: Said = NOTHING_SAID
    """What the client said: never to be shown."""
    span: Span | None = None
    """Where the attempt is recorded that asks; None when it is not."""

    def within(self, traceparent: str) -> "Call[T]":
        """The same question, asked from within another span than the attempt's own, which it names so far."""
        own = "" if self.span is None else self.span.traceparent
        headers = tuple((name, value.replace(own, traceparent) if own else value) for name, value in self.headers)
        return self._replace(headers=headers)

    def __repr__(self) -> str:
        return f"Call({self.operation.name} {self.request_id})"


class Extra(NamedTuple):
    """A member that clients may send beside identifier and password, and that a wire passes on."""

    name: str
    max_chars: int
    required: bool


class Wire(NamedTuple):
    """One auth service, described as data."""

    name: str
    seal: tuple[tuple[str, Text], ...]
    """Headers that say who we are, filled with `service_id`, `service_secret` or `service_basic`."""
    seal_fields: tuple[tuple[str, Text], ...]
    """The same as members of bodies."""
    extra: tuple[Extra, ...]
    templates: Mapping[str, Template]
    names: CodeNames
    tried: str = ""
    """How far it was tried, in the words of whoever described it."""
    advice: str = ""
    """What whoever uses it should know before."""

    def offers(self, operation: Operation[Any]) -> bool:
        """Does this auth service take this call?"""
        return operation.name in self.templates

    def needs(self, operation: Operation[Any]) -> frozenset[str]:
        """What a client must have said for a call to be of any use, e.g. `token`."""
        template = self.templates.get(operation.name)
        return template.needs if template else frozenset()

    @property
    def credentials(self) -> frozenset[str]:
        """What of our own credentials this auth service wants: some of `service_id` and `service_secret`."""
        gaps = frozenset[str]().union(*(text.gaps for _, text in (*self.seal, *self.seal_fields)))
        return gaps - {"service_basic"} | ({"service_id", "service_secret"} if "service_basic" in gaps else set())

    @property
    def in_headers(self) -> frozenset[str]:
        """The gaps that headers of its calls have."""
        return frozenset[str]().union(
            *(text.gaps for template in self.templates.values() for _, text in template.headers)
        )

    def only(self, operations: Container[str]) -> "Wire":
        """The same wire without any other calls."""
        kept = {name: template for name, template in self.templates.items() if name in operations}
        return self._replace(templates=kept)

    def below(self, base_path: str) -> "Wire":
        """The same wire for an auth service whose routes stand below a path, e.g. `/identity`."""
        templates = {
            name: replace(template, path=base_path.rstrip("/") + template.path)
            for name, template in self.templates.items()
        }
        return self._replace(templates=templates)

    def call(self, operation: Operation[T], said: Said, label: Label) -> Call[T]:
        """One question. `said` fills the template's gaps; a member whose value is None is left out.

        Raises: KeyError when the wire does not offer the operation.
        """
        template = self.templates[operation.name]
        bearer = said.get(template.bearer) if template.bearer else None
        key = label.idempotency_key if template.keyed else None
        return Call(
            operation,
            template,
            _headers(template, said, label, key),
            bearer if isinstance(bearer, Secret) else None,
            Secret(template.body.filled(said)) if template.body else None,
            key is not None,
            label.request_id,
            said,
            label.span,
        )


def _headers(template: Template, said: Said, label: Label, key: str | None) -> tuple[tuple[str, str], ...]:
    headers = [("X-Request-ID", label.request_id), ("traceparent", label.traceparent)]
    if label.tracestate:
        headers.append(("tracestate", label.tracestate))
    if key:
        headers.append(("Idempotency-Key", key))
    if template.tells_caller:
        address = label.client_address
        if address:
            headers.append(("X-Forwarded-For", address))
            headers.append(("Forwarded", f"for={forwarded_node(address)}"))
        if label.user_agent:
            headers.append(("User-Agent", label.user_agent))
    if template.headers:
        known = {**said, **asdict(label)}
        headers.extend((name, value) for name, text in template.headers if (value := text.filled(known)) is not None)
    return tuple(headers)


def forwarded_node(address: str) -> str:
    """An address as RFC 7239, section 6, writes it: IPv6 in brackets and quotes."""
    return f'"[{address}]"' if ":" in address else address
