"""How many alike lines of one second are written, and what is told of the others.

It must never lose a line silently: each is written, or counted in one that is.
"""

from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock
from time import monotonic
from typing import Any, Final

MAX_KINDS_COUNT: Final = 1_000
"""How many kinds of lines are told apart in a second; ours are a few dozen, those of other libraries anything."""
OTHERS: Final = "lines of yet other kinds"
SUMMARISED: Final = "Log lines summarised"


@dataclass(slots=True)
class Summary:
    """Lines of one kind that were not written."""

    level: int
    event: str
    code: str | None
    owasp: str | None
    first_request_id: str
    last_request_id: str
    count: int = 1

    def fields(self, run_id: str) -> dict[str, Any]:
        """What the line says that stands for them."""
        fields: dict[str, Any] = {"request_id": run_id, "summarised_event": self.event, "count": self.count}
        if self.code is not None:
            fields["code"] = self.code
        if self.owasp is not None:
            fields["owasp"] = self.owasp
        return {**fields, "first_request_id": self.first_request_id, "last_request_id": self.last_request_id}


class Sampling:
    """Takes the first lines of a kind in each second and counts the rest. `takes` belongs to one thread at a time.

    What was not taken is told when the next second has begun: by whoever asks for the next line, or calls `tell_due`.
    """

    def __init__(
        self,
        lines_per_s: int,
        tell: Callable[[Summary], None],
        *,
        has_room: Callable[[], bool] = lambda: True,
        now_s: Callable[[], float] = monotonic,
    ) -> None:
        """`lines_per_s` of each kind, 0 for all; while there is no room for lines, nothing is told and all is kept."""
        self._most = lines_per_s
        self._tell = tell
        self._has_room = has_room
        self._now_s = now_s
        self._second = -1
        self._counts: dict[tuple[str, str | None], int] = {}
        self._lock = Lock()
        self._left_out: dict[tuple[int, str, str | None], Summary] = {}
        self._left_out_in = -1
        """In which second a line was left out last."""
        self.summarised_count = 0

    def takes(self, level: int, event: str, code: str | None, request_id: str, owasp: str | None = None) -> bool:
        """Is this line to be written? If not, it has been counted."""
        if not self._most:
            return True
        second = int(self._now_s())
        if second != self._second:
            self._second = second
            self._counts.clear()
            self.tell_due()
        counts = self._counts
        kind = event, code
        count = counts.get(kind, 0)
        if not count and len(counts) >= MAX_KINDS_COUNT:
            event, code, owasp = OTHERS, None, None
            kind = event, code
            count = counts.get(kind, 0)
        counts[kind] = count + 1
        if count < self._most:
            return True
        self._leave_out(second, Summary(level, event, code, owasp, request_id, request_id))
        return False

    def _leave_out(self, second: int, line: Summary) -> None:
        key = line.level, line.event, line.code
        with self._lock:
            summary = self._left_out.setdefault(key, line)
            if summary is not line:
                summary.count += 1
                summary.last_request_id = line.last_request_id
            self._left_out_in = second
            self.summarised_count += 1

    def tell_due(self) -> None:
        """Tell what was left out in a second that is over; safe on any thread."""
        if self._left_out and int(self._now_s()) != self._left_out_in:
            while self._has_room() and (summary := self._oldest()) is not None:
                self._tell(summary)

    def tell_all(self) -> None:
        """Tell what was left out, without waiting for the end of the second."""
        while (summary := self._oldest()) is not None:
            self._tell(summary)

    def _oldest(self) -> Summary | None:
        with self._lock:
            key = next(iter(self._left_out), None)
            return None if key is None else self._left_out.pop(key)
