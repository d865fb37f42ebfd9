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
from netra.core.verdict.outcomes import Unknown, Verdict, verdict_of
from netra.observe.stories import Story, Teller

DEFAULT_COUNT: Final = 1_000
_TOKEN_CHECKS: Final = frozenset({"me", "verify", "config"})
"""Journeys of which there are many for each login."""

_Kept = tuple[float, AttemptEnded | Crashed]
"""When it was told (epoch seconds), and what: a story is made of it when somebody asks."""
_AT: Final = itemgetter(0)
_WORDED_COUNT: Final = 256
LOOKED_AT_COUNT: Final = 5_000
"""Among so many of the latest are those of one verdict looked for: a console asks every second."""
STORIES_COUNT: Final = 100
"""So many stories of one id are told at once: ids are chosen by callers, and logins wait while stories are worded."""


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
        """The stories of a request id, or of a trace id, the oldest first; of very many the newest."""
        return [self._told(kept) for kept in self._of(an_id)[-STORIES_COUNT:]]

    def left_out_count(self, an_id: str) -> int:
        """How many stories of this id are kept, but not told."""
        return max(0, len(self._of(an_id)) - STORIES_COUNT)

    def _of(self, an_id: str) -> list[_Kept]:
        return list(merge(*([kept for kept in ring if _has_id(kept[1], an_id)] for ring in self._rings), key=_AT))

    def latest(self, count: int, verdict: Verdict | None = None) -> list[Story]:
        """The latest stories, the newest first; of one verdict only, if it is given: then what is old is passed by."""
        rings = (self._failures,) if verdict == "unknown" else self._rings
        newest = islice(merge(*map(reversed, rings), key=_AT, reverse=True), max(count, LOOKED_AT_COUNT))
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


def _verdict(event: AttemptEnded | Crashed) -> Verdict:
    return verdict_of(event.outcome) if isinstance(event, AttemptEnded) else "unknown"
