"""The flight recorder: the latest attempts are kept, failures longest, and each is told whole.

It must never be asked for more than it was told: what it does not know was never in an event.
"""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from netra.core.events import AttemptEnded, CircuitChanged, Crashed, Stage
from netra.core.pace.breaker import Circuit
from netra.core.verdict.causes import TABLE, Phase
from netra.core.verdict.outcomes import Accepted, FieldFault, Outcome, Rejected, Spent, Tried, unknown
from netra.observe.recorder import LOOKED_AT_COUNT, STORIES_COUNT, Recorder
from netra.observe.stories import Story, Teller
from tests.observe.support import ACCEPTED, BOOK, FACTS, REJECTED, REJECTIONS, UNKNOWNS, failed

TELLER = Teller(BOOK, FACTS)
WALL_S = 1_800_000_000.25
TRACE_ID = "0af7651916cd43dd8448eb211c80319c"


class Desk:
    """A recorder, and a calendar that goes on by a second for each event."""

    def __init__(self, size_count: int = 4) -> None:
        self.wall_s = WALL_S
        self.recorder = Recorder(TELLER, size_count, lambda: self.wall_s)

    def tell(self, request_id: str, outcome: Outcome[Any], journey: str = "login") -> None:
        """An attempt has ended."""
        self.recorder(AttemptEnded(journey, request_id, outcome, 0.01234, "0123456789abcdef", TRACE_ID))
        self.wall_s += 1

    def latest(self, count: int = 100, verdict: Any = None) -> list[str]:
        """The ids of the latest, the newest first."""
        return [story.request_id for story in self.recorder.latest(count, verdict)]


def story_of(outcome: Outcome[Any], journey: str = "login") -> Story:
    """The one story of a recorder that was told this."""
    desk = Desk()
    desk.tell("request-1", outcome, journey)
    (story,) = desk.recorder.stories("request-1")
    return story


def test_a_failure_is_told_try_by_try_with_its_cause_and_its_cure() -> None:
    spent = Spent(dns_s=0.0011, connect_s=0.002, tls_s=None, wait_s=0.2, read_s=None)
    tried = (
        Tried(1, Phase.NEVER_SENT, "connection_refused", 0.0031),
        Tried(2, Phase.MAYBE_SENT, "response_timeout", 0.25, spent),
    )
    story = story_of(unknown(TABLE["response_timeout"])._replace(tried=tried))
    assert (story.verdict, story.code, story.public_code, story.status) == (
        "unknown", "response_timeout", "authentication_unavailable", 504,
    )  # fmt: skip
    assert (story.phase, story.hop, story.owner, story.action) == ("maybe_sent", "http", "auth_service", "wait")
    assert [(each.number, each.code, each.phase, each.elapsed_ms) for each in story.tries] == [
        (1, "connection_refused", "never_sent", 3.1), (2, "response_timeout", "maybe_sent", 250.0),
    ]  # fmt: skip
    assert story.tries[1][4:] == (1.1, 2.0, None, 200.0, None)
    page = BOOK["response_timeout"]
    assert story.why == page.operator_sentence(FACTS)
    assert story.check_first == page.suggestions(FACTS)
    assert story.still_works == page.still_works


def test_a_story_says_when_who_and_how_long() -> None:
    story = story_of(ACCEPTED)
    assert story.at == datetime(2027, 1, 15, 8, 0, 0, 250_000, UTC)
    assert (story.account, story.trace_id, story.elapsed_ms) == ("0123456789abcdef", TRACE_ID, 12.3)
    assert (story.verdict, story.code, story.status, story.why) == ("accepted", "ok", 200, None)


@pytest.mark.parametrize("cause", [*UNKNOWNS, *REJECTIONS], ids=lambda cause: cause.code)
def test_every_cause_has_a_story_that_can_be_written_as_json(cause: Any) -> None:
    outcome = unknown(cause) if cause.verdict == "unknown" else Rejected(cause)
    told = json.loads(json.dumps(story_of(outcome).as_json()))
    assert (told["code"], told["status"], told["title"]) == (cause.code, cause.status, BOOK[cause.code].title)
    assert told["check_first"]
    assert told["at"] == "2027-01-15T08:00:00.250Z"


@pytest.mark.parametrize(
    ("journey", "outcome", "status"),
    [
        ("register", Accepted(None), 201),
        ("verify", unknown(TABLE["response_timeout"]), 503),
        ("verify", Rejected(TABLE["account_disabled"]), 401),
        ("me", unknown(TABLE["response_timeout"]), 504),
    ],
)
def test_a_story_names_the_status_that_was_answered(journey: str, outcome: Outcome[Any], status: int) -> None:
    assert story_of(outcome, journey).status == status


def test_facts_of_a_failure_are_told_in_harmless_characters_and_only_those_that_pages_know() -> None:
    story = story_of(unknown(TABLE["intermediary_error"], {"answered_by": "ngi\x1b[31mnx", "circuit": "closed"}))
    assert story.facts == {"answered_by": "ngi?[31mnx"}
    assert "\x1b" not in (story.why or "")


def test_what_was_wrong_with_a_field_and_who_set_a_limit_is_told() -> None:
    faulty = story_of(Rejected(TABLE["invalid_fields"], errors=(FieldFault("/password", "too_short"),)))
    assert faulty.as_json()["errors"] == [{"pointer": "/password", "code": "too_short"}]
    by_us = story_of(Rejected(TABLE["too_many_attempts"], retry_after_s=42))
    assert (by_us.limited_by, by_us.retry_after_s) == ("gateway", 42)
    assert story_of(Rejected(TABLE["too_many_attempts"], tried=REJECTED.tried)).limited_by == "auth_service"


def test_a_bug_is_a_failure_with_the_place_where_it_happened() -> None:
    desk = Desk()
    desk.recorder(Crashed("request-1", "KeyError", ("a.py:1 f", "b.py:2 g"), 0.5))
    (story,) = desk.recorder.latest(10, "unknown")
    assert (story.code, story.status, story.journey, story.elapsed_ms) == ("internal_error", 500, None, 500.0)
    assert (story.error_type, story.places) == ("KeyError", ("a.py:1 f", "b.py:2 g"))


def test_all_stories_of_an_id_are_told_in_their_order_and_a_trace_id_finds_them_too() -> None:
    desk = Desk()
    desk.tell("same", failed("dns_error"))
    desk.tell("other", ACCEPTED)
    desk.tell("same", ACCEPTED)
    desk.tell("same", ACCEPTED, "verify")
    assert [story.code for story in desk.recorder.stories("same")] == ["dns_error", "ok", "ok"]
    assert [story.request_id for story in desk.recorder.stories(TRACE_ID)] == ["same", "other", "same", "same"]
    assert desk.recorder.stories("sam") == []


def test_an_id_that_somebody_sends_with_everything_is_told_in_its_newest_stories_only() -> None:
    desk = Desk(size_count=1_000)
    for number in range(STORIES_COUNT + 20):
        desk.tell("same", failed("dns_error") if number % 2 else ACCEPTED)
    desk.tell("other", ACCEPTED)
    desk.tell("same", REJECTED)
    stories = desk.recorder.stories("same")
    assert (len(stories), stories[-1].verdict) == (STORIES_COUNT, "rejected")
    assert (desk.recorder.left_out_count("same"), desk.recorder.left_out_count("other")) == (21, 0)


def test_successes_and_token_checks_push_no_failure_out() -> None:
    desk = Desk(size_count=4)
    desk.tell("failed", failed("dns_error"))
    for number in range(50):
        desk.tell(f"in-{number}", ACCEPTED if number % 2 else REJECTED)
        desk.tell(f"check-{number}", ACCEPTED, "verify")
    assert desk.recorder.kept_count == 9
    assert desk.latest(2) == ["check-49", "in-49"]
    assert desk.latest(verdict="unknown") == ["failed"]
    assert desk.latest(verdict="rejected") == ["in-48", "in-46"]
    assert [story.code for story in desk.recorder.stories("failed")] == ["dns_error"]


def test_of_each_sort_as_many_are_kept_as_were_asked_for_and_the_oldest_go() -> None:
    desk = Desk(size_count=3)
    for number in range(5):
        desk.tell(f"down-{number}", failed("dns_error"))
    assert desk.latest() == ["down-4", "down-3", "down-2"]
    assert (desk.recorder.kept_count, desk.recorder.size_count) == (3, 3)


def test_a_rejection_is_not_looked_for_among_all_that_a_large_recorder_keeps() -> None:
    desk = Desk(size_count=10_000)
    desk.tell("old", REJECTED)
    for number in range(LOOKED_AT_COUNT - 1):
        desk.tell(f"down-{number}", failed("dns_error"))
    assert desk.latest(20, "rejected") == ["old"]
    desk.tell("one-more", failed("dns_error"))
    assert desk.latest(20, "rejected") == []
    assert len(desk.recorder.stories("old")) == 1


def test_a_story_is_worded_once_however_often_it_is_asked_for() -> None:
    desk = Desk(size_count=1_000)
    for number in range(600):
        desk.tell(f"down-{number}", failed("dns_error"))
    assert desk.recorder.latest(50)[0] is desk.recorder.latest(50)[0]
    assert desk.latest(600) == [f"down-{number}" for number in reversed(range(600))]
    assert desk.latest(600) == [f"down-{number}" for number in reversed(range(600))]


def test_a_recorder_of_no_size_keeps_nothing() -> None:
    desk = Desk(size_count=0)
    desk.tell("request-1", failed("dns_error"))
    desk.tell("request-1", ACCEPTED)
    assert (desk.recorder.kept_count, desk.latest()) == (0, [])


def test_what_ends_no_attempt_is_not_kept() -> None:
    desk = Desk()
    desk.recorder(Stage("started"))
    desk.recorder(CircuitChanged("login", Circuit("open", "dns_error", 5.0, 20, 20)))
    assert desk.recorder.kept_count == 0
