"""Telling observers, each on its own: one that fails is counted, and nobody else notices.

It must never raise: it is called on the path of a login.
"""

import contextlib
import logging
from collections.abc import Callable, Sequence

from netra.core.events import Event

Listener = Callable[[Event], None]


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
        return self._sum("lines_lost_count")

    def lines_summarised_count(self) -> int:
        """How many lines of its listeners were counted in the line of others, and not written."""
        return self._sum("lines_summarised_count")

    def _sum(self, counted: str) -> int:
        """Only who writes lines has lines to count."""
        return sum(getattr(each, counted, int)() for each in self._listeners)

    @staticmethod
    def _say_so(listener: Listener, error: Exception) -> None:
        with contextlib.suppress(Exception):  # a handler of others may be as broken as the listener
            logging.getLogger("netra.observe").warning(
                "A listener failed; logins go on without it: %s, %s", type(listener).__name__, type(error).__name__
            )
