"""Every listener is told on its own, and none can be the end of a login.

It must never raise: that is all there is to it.
"""

import logging

import pytest

from netra.core.events import Event, Stage
from netra.observe.tell import Tell
from netra.testing.fakes import Recorded

EVENT = Stage("started")


class Raises:
    """A listener with a bug."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    def __call__(self, event: Event) -> None:
        raise self.error


class Broken(logging.Handler):
    """A handler of logs that fails as well."""

    def emit(self, record: logging.LogRecord) -> None:
        raise RuntimeError


def test_every_listener_is_told_every_event_in_order() -> None:
    first, second = Recorded(), Recorded()
    tell = Tell([first, second])
    tell(EVENT)
    tell(Stage("stopped"))
    assert first.events == second.events == [EVENT, Stage("stopped")]
    assert tell.failures_count == 0


@pytest.mark.parametrize("error", [RuntimeError(), OSError(), KeyError("x"), AssertionError(), RecursionError()])
def test_a_listener_that_raises_is_counted_and_the_others_are_told(error: Exception) -> None:
    before, after = Recorded(), Recorded()
    tell = Tell([before, Raises(error), after])
    for number in range(1, 4):
        tell(EVENT)
        assert tell.failures_count == number
    assert before.events == after.events == [EVENT] * 3


def test_a_failure_is_named_once_by_type_and_never_by_its_words(caplog: pytest.LogCaptureFixture) -> None:
    tell = Tell([Raises(ValueError("a password"))])
    for _ in range(3):
        tell(EVENT)
    assert [record.getMessage() for record in caplog.records] == [
        "A listener failed; logins go on without it: Raises, ValueError"
    ]


def test_where_even_that_cannot_be_said_nothing_is_raised() -> None:
    logger, handler = logging.getLogger("netra.observe"), Broken()
    logger.addHandler(handler)
    recorded = Recorded()
    try:
        tell = Tell([Raises(ValueError()), recorded])
        tell(EVENT)
    finally:
        logger.removeHandler(handler)
    assert (tell.failures_count, recorded.events) == (1, [EVENT])
