"""One attempt, told whole: how it ended, try by try, who can mend it and what to check first.

It must never hold more than its event did: no identifier, no token, no bytes of the auth service.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

from netra.core.events import AttemptEnded, Crashed
from netra.core.verdict.causes import TABLE, Cause
from netra.core.verdict.outcomes import NO_FACTS, Accepted, FieldFault, Rejected, Tried, Unknown, Verdict
from netra.pages.page import FACTS, Page, plain

_CREATED: Final = 201
_OK: Final = 200
_FOR_PROXIES: Final = "verify"
"""The journey whose answers go to a proxy, which understands 200, 401 and 503 alone."""
_PROXIES_STATUS: Final = {"rejected": 401, "unknown": 503}


class StoryOfTry(NamedTuple):
    """One try: how far it got, what came of it, and where its time went, in milliseconds (None: not needed)."""

    number: int
    phase: str
    code: str
    """`ok` when the reply could be used."""
    elapsed_ms: float
    dns_ms: float | None
    connect_ms: float | None
    tls_ms: float | None
    wait_ms: float | None
    read_ms: float | None

    def as_json(self) -> dict[str, Any]:
        """The try as JSON members."""
        members = self._asdict()
        return {"try": members.pop("number"), **members}


class Story(NamedTuple):
    """How one attempt ended, as operators may read it."""

    request_id: str
    at: datetime
    """When it was answered, in UTC."""
    journey: str | None
    """None for a bug outside of any journey."""
    verdict: Verdict
    code: str
    """`ok` for what was accepted."""
    public_code: str
    """What the public was told instead of `code`."""
    status: int
    title: str
    hop: str | None
    phase: str
    owner: str | None
    action: str | None
    elapsed_ms: float
    account: str | None
    """A keyed hash of the identifier."""
    trace_id: str | None
    tries: tuple[StoryOfTry, ...]
    why: str | None
    check_first: tuple[str, ...]
    still_works: tuple[str, ...]
    facts: Mapping[str, str]
    """What the page's sentences were told with."""
    retry_after_s: int | None = None
    errors: tuple[FieldFault, ...] = ()
    limited_by: str | None = None
    """Of `too_many_attempts`: `gateway` or `auth_service`."""
    error_type: str | None = None
    """Of a bug of ours."""
    places: tuple[str, ...] = ()
    """Of a bug of ours: where it happened, the very place last."""

    def as_json(self) -> dict[str, Any]:
        """The story as JSON members."""
        return self._asdict() | {
            "at": rfc3339(self.at),
            "tries": [each.as_json() for each in self.tries],
            "facts": dict(self.facts),
            "errors": [{"pointer": each.pointer, "code": each.code} for each in self.errors],
        }


class Ended(NamedTuple):
    """How an attempt ended, in what stories are made of."""

    journey: str
    request_id: str
    cause: Cause | None
    """None for what was accepted."""
    tried: tuple[Tried, ...]
    elapsed_s: float
    account: str | None
    trace_id: str | None
    facts: Mapping[str, str] = NO_FACTS


class Teller:
    """Makes stories of events, with the pages' words. `facts` name this installation in the sentences."""

    def __init__(self, book: Mapping[str, Page], facts: Mapping[str, str]) -> None:
        self._book = book
        self._facts = facts

    def __call__(self, event: AttemptEnded | Crashed, wall_s: float) -> Story:
        """The story of an event that was told at this instant, epoch seconds."""
        at = datetime.fromtimestamp(wall_s, UTC)
        if isinstance(event, Crashed):
            return self.crash(event, at)
        outcome = event.outcome
        cause, facts = (None if isinstance(outcome, Accepted) else outcome.cause), NO_FACTS
        if isinstance(outcome, Unknown):
            facts = outcome.facts
        ended = Ended(
            event.journey, event.request_id, cause, outcome.tried, event.elapsed_s, event.account, event.trace_id, facts
        )
        story = self.attempt(ended, at)
        if isinstance(outcome, Accepted):
            return story
        story = story._replace(retry_after_s=outcome.retry_after_s)
        return _rejected(story, outcome) if isinstance(outcome, Rejected) else story

    def attempt(self, ended: Ended, at: datetime) -> Story:
        """The story of an attempt that ended so."""
        story = Story(
            ended.request_id, at, ended.journey, "accepted", "ok", "ok",
            _CREATED if ended.journey == "register" else _OK, "Accepted", None,
            "answered", None, None, _ms(ended.elapsed_s), ended.account, ended.trace_id or None,
            tuple(map(_try, ended.tried)), None, (), (), {},
        )  # fmt: skip
        if ended.cause is None:
            return story
        story = self._with_cause(story, ended.cause, ended.facts)
        if ended.journey == _FOR_PROXIES:
            story = story._replace(status=_PROXIES_STATUS[story.verdict])
        return story

    def crash(self, event: Crashed, at: datetime) -> Story:
        """The story of a bug of ours."""
        story = Story(
            event.request_id, at, None, "unknown", "", "", 0, "", None, "", None, None, _ms(event.elapsed_s),
            None, None, (), None, (), (), {}, error_type=event.error_type, places=event.places,
        )  # fmt: skip
        return self._with_cause(story, TABLE["internal_error"], NO_FACTS)

    def _with_cause(self, story: Story, cause: Cause, facts: Mapping[str, str]) -> Story:
        """The story with what the table and the page say of its cause."""
        page, known = self._book[cause.code], {**self._facts, **facts}
        return story._replace(
            verdict=cause.verdict,
            code=cause.code,
            public_code=cause.public_code,
            status=cause.status,
            title=page.title,
            hop=cause.hop,
            phase=cause.phase.value,
            owner=cause.owner.value,
            action=cause.action.value,
            why=page.operator_sentence(known),
            check_first=page.suggestions(known),
            still_works=page.still_works,
            facts={name: plain(value) for name, value in facts.items() if name in FACTS},
        )


def rfc3339(at: datetime) -> str:
    """An instant in UTC, as RFC 3339 writes it."""
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _rejected(story: Story, outcome: Rejected) -> Story:
    limited_by = None
    if outcome.cause.code == "too_many_attempts":
        limited_by = "auth_service" if outcome.tried else "gateway"
    return story._replace(why=outcome.detail or story.why, errors=outcome.errors, limited_by=limited_by)


def _try(tried: Tried) -> StoryOfTry:
    return StoryOfTry(
        tried.number,
        tried.phase.value,
        tried.code,
        _ms(tried.elapsed_s),
        *(None if each_s is None else _ms(each_s) for each_s in tried.spent),
    )


def _ms(elapsed_s: float) -> float:
    return round(elapsed_s * 1e3, 1)
