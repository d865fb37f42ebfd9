"""Events as records of the standard library's logging, for programs whose log is not ours.

It must never add a handler, set a level, or change any logger: what becomes of a record is the program's business.
"""

import logging
from collections.abc import Mapping
from typing import Any, Final

from netra.core.events import AttemptEnded, Event
from netra.observe.log.lines import Lines
from netra.observe.log.sampling import SUMMARISED, Sampling, Summary

_REASONS: Final = (("variable", "what"), ("summarised_event", "count"), ("code", "why"))
"""The fields that a reader needs who sees nothing but messages: the first pair that is there."""


class Records:
    """Writes events to one logger: the message says what and why; event and fields are attributes of the record."""

    def __init__(self, lines: Lines, logger: logging.Logger, lines_per_s: int = 0) -> None:
        """`lines_per_s`: alike lines in a second, 0 for all."""
        self._lines = lines
        self._logger = logger
        self._levels = logging.getLevelNamesMapping()
        self._sampling = Sampling(lines_per_s, self._summarised)

    def __call__(self, event: Event) -> None:
        """Write one event. Raises what a handler raises: `Tell` counts it."""
        lines = self._lines
        if isinstance(event, AttemptEnded):
            heading = lines.heading(event)
            level = self._levels[heading.level.upper()]
            if self._takes(level, heading.event, heading.code, event.request_id, heading.owasp):
                self._write(level, heading.event, lines.fields(event, heading))
            return
        name, text, fields = lines(event)
        level = self._levels[name.upper()]
        if self._takes(level, text, fields.get("code"), fields["request_id"], fields.get("owasp")):
            self._write(level, text, fields)

    def lines_lost_count(self) -> int:
        """None that we would know of: whoever takes records keeps them."""
        return 0

    def lines_summarised_count(self) -> int:
        """How many lines were counted in the line of others."""
        return self._sampling.summarised_count

    def close(self) -> None:
        """Tell what was left out."""
        self._sampling.tell_all()

    def _takes(self, level: int, event: str, code: str | None, request_id: str, owasp: str | None) -> bool:
        return self._logger.isEnabledFor(level) and self._sampling.takes(level, event, code, request_id, owasp)

    def _summarised(self, summary: Summary) -> None:
        self._write(summary.level, SUMMARISED, summary.fields(self._lines.run_id))

    def _write(self, level: int, event: str, fields: Mapping[str, Any]) -> None:
        reason = _reason(fields)
        # One template for each event, so that what gathers records can tell alike ones by it.
        template = f"{event}: %s" if reason else event
        arguments = (reason,) if reason else ()
        self._logger.log(level, template, *arguments, extra={"event": event, **fields})


def _reason(fields: Mapping[str, Any]) -> str:
    names = next((names for names in _REASONS if names[0] in fields), ())
    return ": ".join(str(fields[name]) for name in names if fields.get(name))
