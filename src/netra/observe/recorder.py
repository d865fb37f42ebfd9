"""The flight recorder: what became of the latest attempts, kept in memory for whoever asks by a request's id.

It must never grow without bound, nor let successes push failures out.
"""

import time
from collections import deque
from collections.abc import Callable
from heapq import merge
from itertools import islice
from operator import itemgetter
from typing import Final

from netra.core.events import AttemptEnded, Crashed, Event
from netra.core.verdict.outcomes import Unknown
from netra.observe.stories import Story, Teller, Told, verdict_of

DEFAULT_COUNT: Final = 1_000
_TOKEN_CHECKS: Final = frozenset({"me", "verify", "config"})
"""Journeys of which there are many for each login."""

_Kept = tuple[float, AttemptEnded | Crashed]
"""When it was told (epoch seconds), and what: a story is made of it when somebody asks."""
_AT: Final = itemgetter(0)
_WORDED_COUNT: Final = 256


class Recorder:
    """Keeps the latest attempts. Belongs to one event loop.

    Failures, attempts about sessions (to log in, or out), and token checks are kept apart: none pushes out another.
    """

    def __init__(
        self, teller: Teller, size_count: int = DEFAULT_COUNT, wall_s: Callable[[], float] = time.time
    ) -> None:
        """`size_count`: how many attempts of each sort are kept; 0 keeps none."""
        self._teller = teller
        self._wall_s = wall_s
        self._failures: deque[_Kept] = deque(maxlen=size_count)
        self._sessions: deque[_Kept] = deque(maxlen=size_count)
        self._token_checks: deque[_Kept] = deque(maxlen=size_count)
        self._rings = (self._failures, self._sessions, self._token_checks)
        self._worded: dict[int, tuple[AttemptEnded | Crashed, Story]] = {}
        self.size_count = size_count

    def __call__(self, event: Event) -> None:
        """Keep an event, if it ends an attempt."""
        if isinstance(event, AttemptEnded):
            if isinstance(event.outcome, Unknown):
                ring = self._failures
            else:
                ring = self._token_checks if event.journey in _TOKEN_CHECKS else self._sessions
            ring.append((self._wall_s(), event))
        elif isinstance(event, Crashed):
            self._failures.append((self._wall_s(), event))

    @property
    def kept_count(self) -> int:
        """How many attempts are kept now."""
        return sum(map(len, self._rings))

    def stories(self, an_id: str) -> list[Story]:
        """Every story of a request id, or of a trace id, the oldest first."""
        return [self._told(kept) for kept in merge(*self._rings, key=_AT) if _has_id(kept[1], an_id)]

    def latest(self, count: int, verdict: Told | None = None) -> list[Story]:
        """The latest stories, the newest first; of one verdict only, if it is given."""
        rings = (self._failures,) if verdict == "unknown" else self._rings
        newest = merge(*map(reversed, rings), key=_AT, reverse=True)
        wanted = (kept for kept in newest if verdict in (None, _verdict(kept[1])))
        return [self._told(kept) for kept in islice(wanted, count)]

    def _told(self, kept: _Kept) -> Story:
        """The story, worded once as long as it is asked for again and again."""
        wall_s, event = kept
        known = self._worded.get(id(event))
        if known is not None:
            return known[1]
        if len(self._worded) >= _WORDED_COUNT:
            self._worded.clear()
        story = self._teller(event, wall_s)
        self._worded[id(event)] = (event, story)  # held, so that no other event can come to the same id
        return story


def _has_id(event: AttemptEnded | Crashed, an_id: str) -> bool:
    return event.request_id == an_id or (isinstance(event, AttemptEnded) and event.trace_id == an_id)


def _verdict(event: AttemptEnded | Crashed) -> Told:
    return verdict_of(event.outcome) if isinstance(event, AttemptEnded) else "unknown"
