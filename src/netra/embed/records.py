"""Events as records of the standard library's logging, for programs whose log is not ours.

It must never add a handler, set a level, or change any logger: what becomes of a record is the program's business.
"""

import logging
from collections.abc import Mapping
from typing import Any, Final

from netra.core.events import Event
from netra.observe.log.lines import Lines

_REASONS: Final = (("variable", "what"), ("code", "why"))
"""The fields that a reader needs who sees nothing but messages: the first pair that is there."""


class Records:
    """Writes events to one logger: the message says what and why; event and fields are attributes of the record."""

    def __init__(self, lines: Lines, logger: logging.Logger) -> None:
        self._lines = lines
        self._logger = logger
        self._levels = logging.getLevelNamesMapping()

    def __call__(self, event: Event) -> None:
        """Write one event. Raises what a handler raises: `Tell` counts it."""
        line = self._lines(event)
        reason = _reason(line.fields)
        # One template for each event, so that what gathers records can tell alike ones by it.
        template = f"{line.event}: %s" if reason else line.event
        arguments = (reason,) if reason else ()
        self._logger.log(
            self._levels[line.level.upper()], template, *arguments, extra={"event": line.event, **line.fields}
        )


def _reason(fields: Mapping[str, Any]) -> str:
    names = next((names for names in _REASONS if names[0] in fields), ())
    return ": ".join(str(fields[name]) for name in names if fields.get(name))
