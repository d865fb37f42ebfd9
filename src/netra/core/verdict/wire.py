"""A wire, parsed: which calls an auth service takes, and the rows by which its replies are read.

It must never open a file or a socket, and holds no secret: calls are sealed only when they are sent.
"""

from collections.abc import Mapping
from json.encoder import encode_basestring
from typing import Any, Final, Generic, Literal, NamedTuple, TypeVar

from netra.core.secret import Secret
from netra.core.verdict.operations import Operation

T = TypeVar("T")
Pointer = tuple[str, ...]
Said = Mapping[str, Secret | str | None]
"""What the client said, by the names that a wire's fields are filled with; None is left out."""
BodyKind = Literal["object", "empty", "intermediary", "other"]
"""`object`: a JSON object that no intermediary is known to send; `other`: text, HTML, JSON of another type."""


class ReplyRow(NamedTuple):
    """One way to read a reply: when all conditions hold, it speaks."""

    statuses: frozenset[int]
    bodies: frozenset[BodyKind] | None = None
    coded: bool | None = None
    """True: only with a recognised code; False: only without one; None: either."""
    needs_standing: bool = False
    """Only while our own credentials are known to be good; else the reply speaks of them."""
    pointer: Pointer | None = None
    """With `value`: the place whose value decides."""
    value: Any = None
    accept: Mapping[str, tuple[Pointer, ...]] | None = None
    """Where each place of the answer may be found, first come; None for a row that refuses."""
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
    field_lists: tuple[Pointer, ...]
    """Where a list of field errors stands."""

    def refusal(self, name: str, operation: str) -> str | None:
        """The code that a name means for an operation; None for a name that is not ours to know."""
        own = self.by_operation.get(operation, {}).get(name)
        return own or self.of_users.get(name) or self.of_ours.get(name)


class Template(NamedTuple):
    """How one call is put."""

    operation: Operation[Any]
    method: str
    path: str
    fields: tuple[tuple[str, str], ...]
    """JSON member to what fills it, a name such as `identifier`; absent values are left out."""
    sealed: bool
    tells_caller: bool
    keyed: bool
    """Does the call carry an idempotency key?"""
    bearer: str | None
    """What fills `Authorization: Bearer`, e.g. `token`."""
    rows: tuple[ReplyRow, ...]


class Label(NamedTuple):
    """What identifies an attempt on its way: ids, and the caller's address and agent."""

    request_id: str
    traceparent: str
    tracestate: str | None = None
    client_address: str | None = None
    user_agent: str | None = None
    idempotency_key: str | None = None


class Call(NamedTuple, Generic[T]):
    """One question, with the rows to read its answer by. Holds no service secret; its body prints as dots."""

    operation: Operation[T]
    method: str
    target: str
    headers: tuple[tuple[str, str], ...]
    bearer: Secret | None
    body: Secret | None
    rows: tuple[ReplyRow, ...]
    names: CodeNames
    sealed: bool
    keyed: bool
    request_id: str


class Wire(NamedTuple):
    """One auth service, described as data."""

    name: str
    seal: tuple[tuple[str, str], ...]
    """Header to what fills it: `service_id` or `service_secret`."""
    templates: Mapping[str, Template]
    names: CodeNames

    def offers(self, operation: Operation[Any]) -> bool:
        """Does this auth service take this call?"""
        return operation.name in self.templates

    def below(self, base_path: str) -> "Wire":
        """The same wire for an auth service whose routes stand below a path, e.g. `/identity`."""
        templates = {
            name: template._replace(path=base_path.rstrip("/") + template.path)
            for name, template in self.templates.items()
        }
        return self._replace(templates=templates)

    def call(self, operation: Operation[T], said: Said, label: Label) -> Call[T]:
        """One question. `said` fills the template's fields; a field whose value is None is left out.

        Raises: KeyError when the wire does not offer the operation.
        """
        template = self.templates[operation.name]
        bearer = said.get(template.bearer) if template.bearer else None
        key = label.idempotency_key if template.keyed else None
        return Call(
            operation,
            template.method,
            template.path,
            _headers(template, label, key),
            bearer if isinstance(bearer, Secret) else None,
            _json_body(template.fields, said),
            template.rows,
            self.names,
            template.sealed,
            key is not None,
            label.request_id,
        )


_ACCEPT: Final = (("Accept", "application/json"), ("Accept-Encoding", "identity"))


def _headers(template: Template, label: Label, key: str | None) -> tuple[tuple[str, str], ...]:
    headers = [*_ACCEPT, ("X-Request-ID", label.request_id), ("traceparent", label.traceparent)]
    if label.tracestate:
        headers.append(("tracestate", label.tracestate))
    if key:
        headers.append(("Idempotency-Key", key))
    if template.fields:
        headers.append(("Content-Type", "application/json"))
    if template.tells_caller:
        if label.client_address:
            headers.append(("X-Forwarded-For", label.client_address))
            headers.append(("Forwarded", f"for={forwarded_node(label.client_address)}"))
        if label.user_agent:
            headers.append(("User-Agent", label.user_agent))
    return tuple(headers)


def forwarded_node(address: str) -> str:
    """An address as RFC 7239, section 6, writes it: IPv6 in brackets and quotes."""
    return f'"[{address}]"' if ":" in address else address


def _json_body(fields: tuple[tuple[str, str], ...], said: Said) -> Secret | None:
    if not fields:
        return None
    members = []
    for member, filler in fields:
        value = said.get(filler)
        if value is not None:
            text = value.reveal() if isinstance(value, Secret) else value
            members.append(f"{encode_basestring(member)}:{encode_basestring(text)}")
    return Secret("{" + ",".join(members) + "}")
