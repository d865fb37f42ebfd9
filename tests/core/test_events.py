"""Events carry ids, codes and timings, and nothing that was said by anyone."""

from typing import Any, get_args, get_type_hints

import pytest

from netra.core import events
from netra.core.events import AttemptEnded, Event
from netra.core.secret import Secret
from netra.core.verdict.operations import Session
from netra.core.verdict.outcomes import Accepted

PLAIN: tuple[Any, ...] = (str, float, bool, type(None))
MORE = {
    ("AttemptEnded", "outcome"): "Accepted, Rejected, Unknown",
    ("ConfigurationProblem", "finding"): "Finding",
    ("Stage", "addresses"): "tuple",
    ("Crashed", "places"): "tuple",
}


def test_every_event_of_the_room_can_be_told() -> None:
    here = {each for each in vars(events).values() if getattr(each, "__module__", "") == events.__name__}
    assert here - {Event} == set(get_args(Event))


@pytest.mark.parametrize("event", get_args(Event), ids=lambda event: event.__name__)
def test_an_event_holds_plain_words_and_numbers_and_no_call_reply_or_body(event: Any) -> None:
    for field, kind in get_type_hints(event).items():
        if (event.__name__, field) in MORE:
            continue
        assert set(get_args(kind) or (kind,)) <= set(PLAIN), f"{event.__name__}.{field} holds {kind}"


def test_the_event_of_a_login_prints_without_its_tokens() -> None:
    session = Session(Secret("access-token"), Secret("refresh-token"), 900, None)
    told = repr(AttemptEnded("login", "req-1", Accepted(session), 0.1))
    assert "req-1" in told
    assert "access-token" not in told
    assert "refresh-token" not in told
