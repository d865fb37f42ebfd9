"""Where all lines of a process go: ours, those of other libraries, and what is said of those that were not written.

It must never change a logger but the root one, which it leaves as it was, nor write a value of an exception.
"""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from os import urandom
from typing import Any, Final, NamedTuple, TextIO

from netra.asgi.callers import served_here
from netra.observe.log.outlet import Outlet
from netra.observe.log.sampling import SUMMARISED, Sampling, Summary
from netra.observe.log.unforeseen import unforeseen_logged, words_of
from netra.observe.log.writing import NAMES, Logger, logger_for
from netra.upkeep.crashes import places_of

_MOST_TEMPLATE_CHARS: Final = 200


class OthersLines(logging.Handler):
    """Lines of the standard library's loggers, in our form: message and exception type, never a value of a frame."""

    def __init__(self, logger: Logger, run_id: str) -> None:
        super().__init__(logging.WARNING)
        self._logger = logger
        self._run_id = run_id

    def emit(self, record: logging.LogRecord) -> None:
        """Write one record; a closed stream is nobody's fault here. The handler's lock makes it one at a time."""
        try:
            self._write(record)
        except Exception:  # noqa: BLE001 - a line of others can be as broken as the stream
            self.handleError(record)

    def _write(self, record: logging.LogRecord) -> None:
        kind, _, trace = record.exc_info or (None, None, None)
        served, level = served_here(), _level(record.levelno)
        fields: dict[str, Any] = {"request_id": self._run_id, "logger": record.name}
        if served is not None:
            fields["request_id"], fields["trace_id"] = served
        if kind is not None:
            fields["error_type"] = kind.__name__
            fields["places"] = places_of(trace)
        text = words_of(record)
        # Alike by their template: messages differ in what was put into it.
        template = record.msg if isinstance(record.msg, str) and record.args else text
        alike = f"{record.name}: {template}"[:_MOST_TEMPLATE_CHARS]
        if self._logger.takes(level, alike, None, fields["request_id"]):
            self._logger.put(level, text, fields)

    def handleError(self, record: logging.LogRecord) -> None:
        """Say nothing: there is nowhere to say it."""


def _level(number: int) -> int:
    """The nearest level with a name that is not above this one."""
    return max((each for each in NAMES if each <= number), default=min(NAMES))


class ProcessLog(NamedTuple):
    """Where the lines of a whole process go."""

    logger: Logger
    """For the lines of one thread."""
    run_id: str
    """Labels what belongs to no request."""
    lines_lost_count: Callable[[], int]
    lines_summarised_count: Callable[[], int]


@contextmanager
def process_log(stream: TextIO | None, log_format: str, level: str, lines_per_s: int = 0) -> Iterator[ProcessLog]:
    """A logger for a whole process, and what goes with it. `lines_per_s`: alike lines in a second, 0 for all.

    Lines of other libraries leave with ours, and what is lost is said once lines leave again.
    """
    run_id = f"run-{urandom(6).hex()}"
    outlet = Outlet(stream)
    writer = logger_for(outlet, log_format, level)

    def tell(summary: Summary) -> None:
        writer.write(summary.level, SUMMARISED, summary.fields(run_id))

    ours, theirs = (Sampling(lines_per_s, tell, has_room=outlet.has_room) for _ in range(2))
    outlet.on_dropped = lambda count: writer.write(
        logging.WARNING, "Log lines dropped", {"request_id": run_id, "count": count}
    )

    def tell_due() -> None:
        ours.tell_due()
        theirs.tell_due()

    outlet.on_pause = tell_due
    others = OthersLines(Logger(writer, theirs), run_id)
    logging.getLogger().addHandler(others)
    try:
        with unforeseen_logged():
            yield ProcessLog(
                Logger(writer, ours),
                run_id,
                lambda: outlet.dropped_count,
                lambda: ours.summarised_count + theirs.summarised_count,
            )
    finally:
        logging.getLogger().removeHandler(others)
        ours.tell_all()
        theirs.tell_all()
        outlet.close()
