"""Where spans leave the process: a bounded queue, and a thread of its own that hands them to a collector.

It must never make a login wait: a collector that is slow or gone costs spans, which are counted, and nothing else.
"""

import logging
import threading
from collections import deque
from collections.abc import Callable, Sequence
from time import monotonic
from typing import Final, Generic, NamedTuple, TypeVar

FAREWELL_S: Final = 1.0
"""How long the end waits for what is left."""
QUIET_S: Final = 60.0
"""Between two lines about a collector that takes nothing."""

_TOO_FAST: Final = "they came faster than the collector takes them"

T = TypeVar("T")
Hand = Callable[[Sequence[T]], str | None]
"""Hands spans on; says in our words why nobody took them, None when somebody did."""


class Pace(NamedTuple):
    """How much is kept, how much is handed on at once, and when."""

    kept_count: int = 2_048
    batch_count: int = 128
    """Of each batch the interpreter is busy for as long as it is written down: logins then have to share it."""
    pause_s: float = 5.0


USUAL: Final = Pace()


class SpanOutlet(Generic[T]):
    """Takes spans from one thread and hands them on by another, the oldest first."""

    def __init__(self, hand: Hand[T], pace: Pace = USUAL) -> None:
        self._hand = hand
        self._pace = pace
        self._spans: deque[T] = deque()
        self._wake = threading.Event()
        self._ended = False
        self._given_up = threading.Event()
        self._thread: threading.Thread | None = None
        self._under_way_count = 0
        self._full_count = 0
        """Those that there was no room for; counted by the one thread, as the next ones are by the other."""
        self._lost_count = 0
        self._told_count = 0
        self._told_at_s = -QUIET_S
        self._why = _TOO_FAST
        """The newest reason for a loss that was not told yet."""

    @property
    def dropped_count(self) -> int:
        """How many spans nobody took."""
        return self._full_count + self._lost_count

    def take(self, span: T) -> None:
        """Take one span. Never waits; what there is no room for is dropped and counted."""
        kept_count = len(self._spans)
        if kept_count >= self._pace.kept_count or self._ended:
            self._full_count += 1
            return
        self._spans.append(span)
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="netra-traces", daemon=True)
            self._thread.start()
        if kept_count + 1 == self._pace.batch_count:
            self._wake.set()

    def close(self) -> None:
        """Hand on what is left, and wait for it a moment; what is left then is lost, and told."""
        self._ended = True
        self._wake.set()
        if self._thread is not None:
            self._thread.join(FAREWELL_S)
        self._given_up.set()
        left_count = len(self._spans) + self._under_way_count
        self._spans.clear()
        if left_count:
            self._lost_count += left_count
            self._tell("the end came first")

    def _run(self) -> None:
        while not self._ended:
            self._wake.wait(self._pace.pause_s)
            self._wake.clear()
            self._hand_all()
        self._hand_all()

    def _hand_all(self) -> None:
        """Hand on all that is there, batch by batch."""
        while self._spans and not self._given_up.is_set():
            batch = [self._spans.popleft() for _ in range(min(len(self._spans), self._pace.batch_count))]
            self._under_way_count = len(batch)
            try:
                why = self._hand(batch)
            except Exception as error:  # noqa: BLE001 - whatever hands them on may be broken; this thread goes on
                why = type(error).__name__
            if self._given_up.is_set():
                return
            self._under_way_count = 0
            if why is not None:
                self._lost_count += len(batch)
                self._why = why
            if self.dropped_count > self._told_count and monotonic() - self._told_at_s >= QUIET_S:
                self._tell(self._why)
                self._why = _TOO_FAST

    def _tell(self, why: str) -> None:
        """Say how many spans were lost since that was last said."""
        count = self.dropped_count - self._told_count
        self._told_at_s, self._told_count = monotonic(), self._told_count + count
        logging.getLogger("netra.observe.traces").warning(
            "%d spans were lost: %s. Logins go on; check OTEL_EXPORTER_OTLP_ENDPOINT and the collector there.",
            count,
            why,
        )
