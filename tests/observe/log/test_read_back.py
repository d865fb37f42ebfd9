"""Log lines read back: whatever a gateway wrote of an attempt is told again as it was recorded.

It must never take a line for true because it looks like ours: bad members are left out, not believed.
"""

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from netra.core.events import AttemptEnded, Crashed
from netra.core.verdict.causes import TABLE, Phase
from netra.core.verdict.outcomes import Accepted, Outcome, Rejected, Spent, Tried, unknown
from netra.observe.log.lines import JOURNEYS
from netra.observe.log.read_back import instant_of, story_of
from netra.observe.stories import Story, Teller
from tests.observe.support import ACCEPTED, BOOK, FACTS, REJECTED, REJECTIONS, UNKNOWNS, Paper, failed

RECORDED = Teller(BOOK, FACTS)
ELSEWHERE = Teller(BOOK, {})
"""Whoever reads a log knows nothing of the installation that wrote it."""


def read_again(event: AttemptEnded | Crashed) -> tuple[Story, dict[str, Any]]:
    """The story of what was written of an event, and the line itself."""
    paper = Paper()
    paper.logs(event)
    (line,) = paper.lines
    story = story_of(line, ELSEWHERE)
    assert story is not None, line
    return story, line


def attempt(outcome: Outcome[Any], journey: str = "login") -> AttemptEnded:
    return AttemptEnded(journey, "request-1", outcome, 0.5, "0123456789abcdef", "0af7651916cd43dd8448eb211c80319c")


@pytest.mark.parametrize("cause", [*UNKNOWNS, *REJECTIONS], ids=lambda cause: cause.code)
@pytest.mark.parametrize("journey", ["login", "register", "refresh", "logout", "verify", "me", "config"])
def test_a_line_tells_what_was_recorded(cause: Any, journey: str) -> None:
    tried = (Tried(1, cause.phase, cause.code, 0.25, Spent(dns_s=0.001, connect_s=0.0021, wait_s=0.2)),)
    outcome: Any = unknown(cause) if cause.verdict == "unknown" else Rejected(cause)
    event = attempt(outcome._replace(tried=tried if cause.verdict == "unknown" else ()), journey)
    story, line = read_again(event)
    recorded = RECORDED(event, story.at.timestamp())
    told_by_line = ("check_first", "facts", "why", "limited_by")
    assert {name: value for name, value in story._asdict().items() if name not in told_by_line} == {
        name: value for name, value in recorded._asdict().items() if name not in told_by_line
    }
    assert story.check_first
    if cause.verdict == "unknown":
        assert (story.why, story.check_first[0]) == (recorded.why, recorded.check_first[0])
    assert line["timestamp"].startswith(story.at.strftime("%Y-%m-%dT%H:%M:%S"))


def test_a_success_a_limit_and_a_bug_are_read_back_too() -> None:
    story, _ = read_again(attempt(ACCEPTED))
    assert (story.journey, story.verdict, story.status, story.account) == ("login", "accepted", 200, "0123456789abcdef")
    limited, _ = read_again(attempt(Rejected(TABLE["too_many_attempts"], tried=REJECTED.tried)))
    assert limited.limited_by == "auth_service"
    crashed, _ = read_again(Crashed("request-1", "KeyError", ("a.py:1 f",), 0.5))
    assert (crashed.code, crashed.error_type, crashed.places) == ("internal_error", "KeyError", ("a.py:1 f",))
    assert crashed.elapsed_ms == 500.0


def test_facts_that_stand_in_a_line_are_told_again() -> None:
    story, _ = read_again(attempt(failed("intermediary_error", answered_by="a proxy")))
    assert story.facts == {"answered_by": "a proxy"}


def test_every_journey_is_called_by_a_word_that_leads_back_to_it() -> None:
    for journey in JOURNEYS:
        story, _ = read_again(attempt(Accepted(None), journey))
        assert story.journey == journey


def _line(**changes: Any) -> dict[str, Any]:
    return {
        "timestamp": "2027-01-15T08:00:00.250+00:00", "event": "Login failed", "request_id": "request-1",
        "code": "dns_error", "elapsed_ms": 12.5, "tries": ["dns_error 12.0 ms (dns 11.9)"], **changes,
    }  # fmt: skip


@pytest.mark.parametrize(
    "changes",
    [
        {"event": "Login exploded"},
        {"event": 7},
        {"event": "Login failed badly"},
        {"code": "from_a_later_release"},
        {"code": ["dns_error"]},
        {"request_id": None},
        {"timestamp": "yesterday"},
        {"timestamp": None},
        {"event": "Internal error", "code": "dns_error"},
    ],
)
def test_a_line_that_ends_no_attempt_has_no_story(changes: dict[str, Any]) -> None:
    assert story_of(_line(), ELSEWHERE) is not None
    assert story_of(_line(**changes), ELSEWHERE) is None


@pytest.mark.parametrize("elapsed", [None, "long", float("inf"), float("nan"), [1], {"ms": 1}, 10**400])
def test_a_time_that_is_none_is_no_time(elapsed: Any) -> None:
    story = story_of(_line(elapsed_ms=elapsed), ELSEWHERE)
    assert story is not None
    assert story.elapsed_ms == 0.0


@pytest.mark.parametrize("tries", [None, "dns_error 1.0 ms", [7], ["?"], ["dns_error 1..2 ms"], [["dns_error"]]])
def test_tries_in_another_form_are_left_out(tries: Any) -> None:
    story = story_of(_line(tries=tries), ELSEWHERE)
    assert story is not None
    assert [each.code for each in story.tries] in ([], ["dns_error"])
    assert sum(each.elapsed_ms for each in story.tries) == 0.0


def test_the_tries_of_a_line_are_bounded_and_keep_where_their_time_went() -> None:
    story = story_of(_line(), ELSEWHERE)
    assert story is not None
    (first,) = story.tries
    assert (first.phase, first.elapsed_ms, first.dns_ms, first.connect_ms) == (Phase.NEVER_SENT, 12.0, 11.9, None)
    many = story_of(_line(tries=["dns_error 1.0 ms"] * 10_000), ELSEWHERE)
    assert many is not None
    assert len(many.tries) == 100


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("2027-01-15T08:00:00Z", "2027-01-15T08:00:00+00:00"),
        ("2027-01-15T09:00:00+01:00", "2027-01-15T08:00:00+00:00"),
        ("2027-01-15T08:00:00", "2027-01-15T08:00:00+00:00"),
    ],
)
def test_instants_are_read_in_any_zone(written: str, read: str) -> None:
    at = instant_of({"timestamp": written})
    assert at is not None
    assert at.isoformat() == read


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)
_NAMES = st.sampled_from(
    ["timestamp", "event", "request_id", "code", "elapsed_ms", "tries", "why", "check_first", "limited_by", "journey",
     "account", "trace_id", "error_type", "places", "os_error", "answered_by"]
)  # fmt: skip


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.dictionaries(_NAMES, _JSON, max_size=16))
def test_no_line_whatever_it_holds_is_the_end_of_the_reader(fields: dict[str, Any]) -> None:
    story = story_of(_line(**fields), ELSEWHERE)
    if story is not None:
        json.dumps(story.as_json())
