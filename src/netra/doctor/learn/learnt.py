"""From three replies to two texts: a wire file, and the replies with which it can be checked. Pure.

It must never give out rows that read one of the three, or an outage, otherwise than it should.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, NamedTuple

from netra.core.verdict.classify import classify
from netra.core.verdict.operations import LOGIN
from netra.core.verdict.outcomes import Accepted, Outcome, Unknown
from netra.core.verdict.reply import Reply
from netra.core.verdict.wire import Label, Pointer, Wire
from netra.doctor.learn import stops
from netra.doctor.learn.drafts import with_rows
from netra.doctor.learn.logins import GOOD, NOBODY, STANDING, WRONG, Plan, Three
from netra.doctor.learn.masks import made_up
from netra.doctor.learn.places import document_of, every_leaf, text_of_pointer
from netra.doctor.learn.refusals import Refusals, refusals, steady
from netra.doctor.learn.stops import Stopped
from netra.doctor.learn.toml_text import Kept, replies_text, wire_text
from netra.wires.load import load
from netra.wires.problem import WireProblem

_EXPECTED: Final = {GOOD: "accepted", WRONG: "invalid_credentials", NOBODY: "invalid_credentials"}
_OUTAGES: Final = (b"", b"<html><body>error</body></html>", b"Unauthorized", b"[]", b'{"error', b"null")
_STATUSES: Final = (200, 204, 302, 400, 401, 403, 404, 407, 409, 422, 423, 429, 500, 502, 503, 504)
_HEADER: Final = "header:"
REVEALS: Final = (
    "This service tells a wrong password from an unknown user: whoever asks finds out who has an account. "
    "The gateway answers both alike."
)


class Learnt(NamedTuple):
    """What was learnt, to be written."""

    wire: str
    replies: str
    notes: tuple[str, ...]
    """What a person should know of it."""


def learnt(plan: Plan, three: Three, day: str) -> Learnt | Stopped:
    """The two texts; `day` is when it was, for the saved replies."""
    sent = plan.sent
    rows = refusals(three.good, three.wrong, three.nobody, sent)
    if rows is None:
        return stops.of_nothing_said(three.wrong.status)
    made = with_rows(three.document, _ordered(three, rows))
    notes = (*three.found.notes, *([REVEALS] if rows.differ else []))
    text = wire_text(made, (*_remarks(plan), *notes))
    kept = _kept(three, rows, sent, f"a real server, as netra wire learn saw it on {day}")
    try:
        wire = load(text, plan.name)
    except WireProblem as problem:
        return stops.of_no_proof("; ".join(f"{each.where}: {each.what}" for each in problem.problems))
    if wrong := next(_misread(wire, three, kept), None):
        return stops.of_no_proof(wrong)
    return Learnt(text, replies_text(kept, ["What the three logins were answered, with made-up values."]), notes)


def _ordered(three: Three, found: Refusals) -> Iterator[Mapping[str, Any]]:
    """A refusal with the status of a good answer goes first: the row that accepts would take it for a broken one."""
    accept = {"status": [three.good.status], "require": ["access_token"], "accept": three.found.accept}
    early = [row for row in found.rows if three.good.status in row["status"]]
    yield from early
    yield accept
    yield from (row for row in found.rows if row not in early)


def _remarks(plan: Plan) -> Iterator[str]:
    yield "Learnt by `netra wire learn` from three logins: a good one, a wrong password, an unknown user."
    yield ""
    if plan.constants.sealed:
        yield "SERVICE_ID, SERVICE_SECRET: what was given as --header or --member and is a {gap} here."
    else:
        yield "SERVICE_ID, SERVICE_SECRET: not used."
    yield "A login is all that is here. Locked accounts, second factors, refresh and logout are rows and calls to add."


def _kept(three: Three, rows: Refusals, sent: tuple[str, ...], source: str) -> list[Kept]:
    texts = list(three.found.accept.values())
    headers = [text.removeprefix(_HEADER) for text in texts if text.startswith(_HEADER)]
    shown = {three.found.accept.get(place) for place in ("token_type", "expires_in")}
    known = [leaf for leaf in every_leaf(document_of(three.good)) if text_of_pointer(leaf[0]) in shown]
    said = set(_leaves(three.wrong, sent)) & set(_leaves(three.nobody, sent))
    replies = [Kept(GOOD, made_up(three.good, known, sent, headers), _EXPECTED[GOOD], source)]
    for name, reply in ((WRONG, three.wrong), (NOBODY, three.nobody)):
        own = {leaf for leaf in _numbers(reply) if leaf[1] == reply.status}
        replies.append(Kept(name, made_up(reply, said | rows.kept | own, sent), _EXPECTED[name], source))
    return replies


def _leaves(reply: Reply, sent: tuple[str, ...]) -> Iterator[tuple[Pointer, Any]]:
    return ((pointer, value) for pointer, value in every_leaf(document_of(reply)) if steady(value, sent))


def _numbers(reply: Reply) -> Iterator[tuple[Pointer, Any]]:
    return ((pointer, value) for pointer, value in every_leaf(document_of(reply)) if type(value) is int)


def _misread(wire: Wire, three: Three, kept: Iterable[Kept]) -> Iterator[str]:
    """What the wire reads otherwise than it should, in words."""
    real = ((GOOD, three.good), (WRONG, three.wrong), (NOBODY, three.nobody))
    for name, reply in (*real, *((each.name, each.reply) for each in kept)):
        outcome = _outcome(wire, reply)
        code = "accepted" if isinstance(outcome, Accepted) else outcome.cause.code
        if code != _EXPECTED[name]:
            yield f"the {name} is read as {code}"
    for status in _STATUSES:
        for body in _OUTAGES:
            if not isinstance(_outcome(wire, Reply(status, {}, body, three.good.received_at)), Unknown):
                yield f"a {status} without a JSON object would be a verdict"


def _outcome(wire: Wire, reply: Reply) -> Outcome[Any]:
    return classify(wire.call(LOGIN, {}, Label("learn", "")), reply, STANDING)
