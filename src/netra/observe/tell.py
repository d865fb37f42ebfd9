"""Telling observers, each on its own: one that fails is counted, and nobody else notices.

It must never raise: it is called on the path of a login.
"""

import contextlib
import logging
from collections.abc import Callable, Sequence
from typing import Protocol, runtime_checkable

from netra.core.events import Event

Listener = Callable[[Event], None]


@runtime_checkable
class WritesLines(Protocol):
    """A listener that writes lines, and knows how many nobody took."""

    def __call__(self, event: Event, /) -> None:
        """Be told."""
        ...

    def lines_lost_count(self) -> int:
        """How many were lost."""
        ...

    def lines_summarised_count(self) -> int:
        """How many were not written, but counted in a line that was."""
        ...


class Tell:
    """Hands every event to every listener. Safe to call anywhere in the event loop."""

    def __init__(self, listeners: Sequence[Listener]) -> None:
        self._listeners = tuple(listeners)
        self.failures_count = 0

    def __call__(self, event: Event) -> None:
        """Tell all; a listener that raises is counted, and named once by type on the standard library's logger."""
        for listener in self._listeners:
            try:
                listener(event)
            except Exception as error:  # noqa: BLE001 - whatever an observer raises stays with it
                self.failures_count += 1
                if self.failures_count == 1:
                    self._say_so(listener, error)

    @property
    def all_failures_count(self) -> int:
        """How often any listener failed, those of a listener that tells others included."""
        return self.failures_count + sum(each.all_failures_count for each in self._listeners if isinstance(each, Tell))

    def lines_lost_count(self) -> int:
        """How many lines its listeners wrote that nobody took."""
        return sum(each.lines_lost_count() for each in self._listeners if isinstance(each, WritesLines))

    def lines_summarised_count(self) -> int:
        """How many lines of its listeners were counted in the line of others, and not written."""
        return sum(each.lines_summarised_count() for each in self._listeners if isinstance(each, WritesLines))

    @staticmethod
    def _say_so(listener: Listener, error: Exception) -> None:
        with contextlib.suppress(Exception):  # a handler of others may be as broken as the listener
            logging.getLogger("netra.observe").warning(
                "A listener failed; logins go on without it: %s, %s", type(listener).__name__, type(error).__name__
            )
