"""What just happened? The one reading of a reply: (call, what came back, standing) to an outcome.

It must never call anything a refusal that no row or shared code name has matched: what nothing matches stays unknown.
The order of reading: broken, the wire's rows, the shared code names, intermediaries, the status.
"""

import re
from collections.abc import Mapping
from typing import Any, Final, TypeVar

from netra.core.token.claims import unchecked_claims
from netra.core.unmatched import Unread, facts_of_unread
from netra.core.verdict import intermediaries, retry_after, strict_json
from netra.core.verdict.causes import TABLE
from netra.core.verdict.operations import VALIDATE, of_no_use
from netra.core.verdict.outcomes import Accepted, FieldFault, Outcome, Rejected, Unknown, unknown
from netra.core.verdict.reply import Broken, Reply, Standing
from netra.core.verdict.wire import Accepting, BodyKind, Call, CodeNames, Place, Pointer, ReplyRow

T = TypeVar("T")

_ROUTE_STATUSES: Final = frozenset({404, 405, 410})
_WALLED_STATUSES: Final = frozenset({401, 403, 407, 451})
_PROXY_STATUSES: Final = frozenset({502, 504})
_FIELD_STATUSES: Final = frozenset({400, 422})
_FIELD_CODES: Final = frozenset({"missing", "wrong_type", "too_short", "too_long", "invalid_format", "mismatch"})
_KNOWN_FIELDS: Final = frozenset({"email", "password", "confirm_password", "name", "refresh_token"})
_KNOWN_TYPES: Final = frozenset({"application/json", "application/problem+json", "text/html", "text/plain", "text/xml"})
_HOST: Final = re.compile(r"(?:https?:)?//([A-Za-z0-9.:\[\]-]{1,255})(?:[/?#]|$)")
_INDEX: Final = re.compile(r"0|[1-9][0-9]{0,8}")
_UNMATCHED: Final = frozenset({"request_not_understood", "invalid_response"})
_MAX_ERRORS: Final = 20


class _Reading:
    """A reply, looked at once."""

    __slots__ = ("document", "intermediary", "kind", "name", "overloaded", "reply")

    def __init__(
        self,
        reply: Reply,
        kind: BodyKind,
        document: Any,
        intermediary: str | None,
        name: str | None,
        *,
        overloaded: bool = False,
    ) -> None:
        self.reply: Final = reply
        self.kind: Final[BodyKind] = kind
        self.document: Final[Any] = document
        self.intermediary: Final = intermediary
        self.name: Final = name
        """The code name in the body that the shared names know."""
        self.overloaded: Final = overloaded
        """Does the name say that the auth service sheds load?"""


def classify(call: Call[T], got: Reply | Broken, standing: Standing) -> Outcome[T]:
    """The outcome of one exchange. Pure: the same arguments give the same outcome."""
    if isinstance(got, Broken):
        return _located(unknown(TABLE[got.code], got.facts), call)
    reading = _read(call, got)
    outcome = _understood(call, reading, standing)
    if not isinstance(outcome, Unknown):
        return outcome
    if outcome.cause.code in _UNMATCHED and reading.kind == "object":
        names, unread = call.template.names, Unread(call.operation.name, got.status, reading.document)
        told = facts_of_unread(unread, call.said, names.speaking, names.of_ours)
        outcome = outcome._replace(facts={**outcome.facts, **told})
    return _located(outcome, call)


def _located(outcome: Unknown, call: Call[Any]) -> Unknown:
    return outcome._replace(facts={**outcome.facts, "method": call.template.method, "path": call.template.path})


def _understood(call: Call[T], reading: _Reading, standing: Standing) -> Outcome[T]:
    status = reading.reply.status
    for row in call.template.rows:
        if status in row.statuses and _matches(row, reading):
            return _spoken(row, reading, call, standing)
    return _by_name(reading, call, standing) or _by_status(reading)


def _read(call: Call[Any], reply: Reply) -> _Reading:
    if not reply.body or reply.body.isspace():
        return _Reading(reply, "empty", None, None, None)
    document = strict_json.parse(reply.body)
    if not isinstance(document, dict):
        sender = intermediaries.of_text(reply.body)
        read = None if isinstance(document, strict_json.Malformed) else document
        return _Reading(reply, "intermediary" if sender else "other", read, sender, None)
    names = call.template.names
    name = _code_name(document, names)
    sender = None if name else intermediaries.of_object(document)
    kind: BodyKind = "intermediary" if sender else "object"
    return _Reading(reply, kind, document, sender, name, overloaded=name in names.overload)


def _code_name(document: Mapping[str, Any], names: CodeNames) -> str | None:
    if names.heads.isdisjoint(document):
        return None
    for pointer in names.pointers:
        value = at(document, pointer)
        if isinstance(value, str) and (value in names.of_users or value in names.of_ours or value in names.overload):
            return value
    return None


def at(document: Any, pointer: Pointer) -> Any:
    """The value at a JSON pointer, or None where there is none. Source: RFC 6901."""
    for segment in pointer:
        if type(document) is dict:
            document = document.get(segment)
        elif type(document) is list and _INDEX.fullmatch(segment) and int(segment) < len(document):
            document = document[int(segment)]
        else:
            return None
    return document


def _matches(row: ReplyRow, reading: _Reading) -> bool:
    """Do all conditions of a row hold? Its status does."""
    if row.bodies is not None and reading.kind not in row.bodies:
        return False
    if row.coded is not None and row.coded != (reading.name is not None):
        return False
    return row.pointer is None or _stands(at(reading.document, row.pointer), row.values)


def _stands(found: Any, wanted: tuple[Any, ...] | None) -> bool:
    if wanted is None:
        return found is not None
    return any(type(found) is type(each) and found == each for each in wanted)


def _spoken(row: ReplyRow, reading: _Reading, call: Call[T], standing: Standing) -> Outcome[T]:
    if row.accept is not None:
        return _accepted(row.accept, row.require, reading, call)
    if row.needs_standing and not standing.credentials_accepted:
        return _ours(reading, "service_credentials_rejected", standing)
    if reading.overloaded:
        return _by_status(reading)
    named = call.template.names.refusal(reading.name, call.operation.name) if row.named and reading.name else None
    in_words = named is not None or row.pointer is not None
    return _outcome(named or row.code or "invalid_response", reading, standing, in_words=in_words)


def _accepted(accept: Accepting, require: frozenset[str], reading: _Reading, call: Call[T]) -> Outcome[T]:
    if reading.kind != "object":
        if reading.kind == "intermediary":
            return _by_status(reading)
        if reading.kind == "other" or accept.in_body:
            return _unknown("invalid_response", reading)
    present = _present(accept, reading)
    value = call.operation.shape(present) if all(name in present for name in require) else None
    return _lacking(require, present, reading, call) if value is None else Accepted(value)


def _lacking(require: frozenset[str], present: dict[str, Any], reading: _Reading, call: Call[Any]) -> Unknown:
    """An object that is no answer, with the places, in our own words, that are missing or of no use.

    What is said of a token depends on the token: whoever shows one that stands for nobody must open no circuit with it.
    """
    lacking = sorted(require.difference(present)) or of_no_use(call.operation.shape, present)
    outcome = _unknown("invalid_response", reading)
    counts = outcome.counts and call.operation is not VALIDATE
    return outcome._replace(counts=counts, facts={**outcome.facts, "lacking": ", ".join(lacking)})


def _present(accept: Accepting, reading: _Reading) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for pointer, members in accept.members:
        table = at(reading.document, pointer)
        if type(table) is not dict:
            found.update((name, each) for name, key in members if (each := at(table, (key,))) is not None)
            continue
        for name, key in members:
            value = table.get(key)
            if value is not None:
                found[name] = value
    for name, places in accept.others:
        value = next((each for place in places if (each := _standing_at(place, reading)) is not None), None)
        if value is not None:
            found[name] = value
    return found


def _standing_at(place: Place, reading: _Reading) -> Any:
    pointer, header, claim = place
    value = at(reading.reply.headers.get(header) if header else reading.document, pointer)
    if claim is None:
        return value
    return unchecked_claims(value).get(claim) if isinstance(value, str) else None


def _by_name(reading: _Reading, call: Call[Any], standing: Standing) -> Rejected | Unknown | None:
    status = reading.reply.status
    if not 400 <= status < 500:
        return None
    code = call.template.names.refusal(reading.name, call.operation.name) if reading.name else None
    if code is not None and code != "invalid_fields":
        return _outcome(code, reading, standing, in_words=True)
    if call.operation is VALIDATE:
        return None  # a complaint about the form of our question is none about the token
    listed = _field_list(reading, call.template.names) if reading.kind == "object" else []
    if status in _FIELD_STATUSES and (code or listed):
        return Rejected(TABLE["invalid_fields"], errors=_field_faults(listed))
    return None


def _outcome(code: str, reading: _Reading, standing: Standing, *, in_words: bool) -> Rejected | Unknown:
    """What a code means. `in_words`: the reply names it, and it does not follow from a status alone."""
    cause = TABLE[code]
    if cause.verdict == "rejected":
        return Rejected(cause, retry_after_s=_wait_s(reading.reply))
    if cause.refuses_us:
        return _ours(reading, code, standing)._replace(nobody_judged=in_words)
    return _unknown(code, reading)


def _ours(reading: _Reading, code: str, standing: Standing) -> Unknown:
    return _unknown(code if standing.credentials_configured else "service_credentials_missing", reading)


def _by_status(reading: _Reading) -> Unknown:
    status = reading.reply.status
    if status < 200 or status > 599:
        return _unknown("unexpected_status", reading)
    if status < 300:
        return _unusable_success(reading)
    if status < 400:
        return _unknown("redirected", reading)
    if status < 500:
        return _client_error(reading)
    return _server_error(reading)


def _unusable_success(reading: _Reading) -> Unknown:
    if reading.intermediary:
        return _unknown("intermediary_error", reading)
    return _unknown("invalid_response" if reading.reply.status in (200, 204) else "unexpected_status", reading)


def _client_error(reading: _Reading) -> Unknown:
    status = reading.reply.status
    if status in _ROUTE_STATUSES:
        return _unknown("endpoint_not_found", reading)
    if status == 429:
        return _unknown("auth_service_rate_limited", reading)
    if reading.intermediary or (reading.kind == "other" and reading.document is None and status in _WALLED_STATUSES):
        return _unknown("intermediary_rejected", reading)
    return _unknown("request_not_understood", reading)


def _server_error(reading: _Reading) -> Unknown:
    status = reading.reply.status
    if reading.intermediary:
        return _unknown("intermediary_error", reading)
    if status == 503:
        shed = _unknown("auth_service_unavailable", reading)
        return shed._replace(counts=False) if reading.overloaded else shed
    return _unknown("auth_service_error", reading)._replace(transient=status in _PROXY_STATUSES)


def _unknown(code: str, reading: _Reading) -> Unknown:
    reply = reading.reply
    facts = {"status": str(reply.status)}
    if content_type := reply.headers.get("content-type", "").partition(";")[0].strip().lower():
        facts["content_type"] = content_type if content_type in _KNOWN_TYPES else "another type"
    if reading.intermediary or code == "intermediary_rejected":
        facts["answered_by"] = reading.intermediary or intermediaries.named(reply.headers) or "an unnamed intermediary"
    if code == "redirected" and (host := _HOST.match(reply.headers.get("location", ""))):
        facts["location_host"] = host.group(1)
    wait_s = _wait_s(reply)
    if wait_s is not None:
        facts["retry_after_s"] = str(wait_s)
    return unknown(TABLE[code], facts)._replace(retry_after_s=wait_s)


def _wait_s(reply: Reply) -> int | None:
    return retry_after.seconds(reply.headers.get("retry-after"), reply.received_at)


def _field_list(reading: _Reading, names: CodeNames) -> list[Any]:
    for pointer in names.field_lists:
        found = at(reading.document, pointer)
        if isinstance(found, list) and found and all(isinstance(each, dict) for each in found):
            return found
    return []


def _field_faults(found: list[Any]) -> tuple[FieldFault, ...]:
    """Only our own words pass: known fields, closed codes."""
    faults = []
    for each in found[:_MAX_ERRORS]:
        pointer, place = each.get("pointer"), each.get("loc")
        ends = (pointer.rpartition("/")[2],) if isinstance(pointer, str) else place if isinstance(place, list) else ()
        field = ends[-1] if ends else None
        code = each.get("code")
        closed = isinstance(code, str) and code in _FIELD_CODES
        if isinstance(field, str) and field in _KNOWN_FIELDS:
            faults.append(FieldFault(f"/{field}", code if closed else "invalid_format"))
    return tuple(dict.fromkeys(faults))
