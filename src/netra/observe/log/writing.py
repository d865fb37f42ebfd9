"""Log lines on their way out: JSON for machines, colour for people; one writer for ours and others' lines.

It must never write a traceback with values, nor fail a login when nobody reads.
"""

import logging
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from os import urandom
from typing import Any, BinaryIO, Final, NamedTuple, TextIO, cast

import msgspec
import structlog

from netra.core.events import Event
from netra.observe.log.lines import Lines
from netra.observe.log.outlet import Outlet

_LEVELS: Final = {"debug": 10, "info": 20, "warning": 30, "error": 40, "critical": 50}
_SENTENCES: Final = (("why", "why"), ("check_first", "check first"))
_NAMES: Final = {number: name for name, number in _LEVELS.items()}


class Logs:
    """Writes events as lines to one stream. Raises what the stream raises: `Tell` counts it."""

    def __init__(self, lines: Lines, logger: Any, lines_lost_count: Callable[[], int] = lambda: 0) -> None:
        self._lines = lines
        self._write = logger.write if isinstance(logger, JsonLines) else _writes_with(logger)
        self.lines_lost_count = lines_lost_count
        """How many lines nobody took."""

    def __call__(self, event: Event) -> None:
        """Write one event."""
        level, text, fields = self._lines(event)
        self._write(_LEVELS[level], text, fields)


def _writes_with(logger: Any) -> Callable[[int, str, dict[str, Any]], None]:
    return lambda level, event, fields: logger.log(level, event, **fields)


def logger_for(stream: TextIO | Outlet, log_format: str, level: str) -> Any:
    """A logger that writes to `stream`: `json`, `text`, or `auto` for text on a terminal and JSON elsewhere.

    The logger raises what the stream raises; an outlet raises nothing.
    """
    wrapper = structlog.make_filtering_bound_logger(_LEVELS[level.lower()])
    stamp = structlog.processors.TimeStamper(fmt="iso", utc=True, key="timestamp")
    if log_format == "text" or (log_format == "auto" and stream.isatty()):
        console = structlog.dev.ConsoleRenderer(
            colors=stream.isatty(),
            exception_formatter=structlog.dev.plain_traceback,
            pad_event_to=0,
            sort_keys=False,
        )
        return structlog.wrap_logger(
            structlog.WriteLogger(cast("TextIO", stream)),
            processors=[structlog.processors.add_log_level, stamp, _for_people(console)],
            wrapper_class=wrapper,
        )
    return JsonLines(cast("BinaryIO", stream.buffer), _LEVELS[level.lower()])


def _for_people(console: Callable[..., str]) -> Callable[[Any, str, Any], str]:
    """The two sentences that a reader needs first, each on a line of its own."""

    def render(logger: Any, method: str, fields: Any) -> str:
        told = [f"\n    {label}: {text}" for key, label in _SENTENCES if (text := fields.pop(key, None))]
        return console(logger, method, fields) + "".join(told)

    return render


class JsonLines:
    """One JSON object a line, written at once. A logger's one method, without a logger's cost on every login."""

    def __init__(self, stream: BinaryIO, least_level: int) -> None:
        self._out = stream.write
        self._least_level = least_level
        self._encode = msgspec.json.Encoder().encode
        self._second = 0
        self._written = ""

    def log(self, level: int, event: str, **fields: Any) -> None:
        """Write one line."""
        self.write(level, event, fields)

    def write(self, level: int, event: str, fields: Mapping[str, Any]) -> None:
        """The same, for whoever holds the fields already."""
        if level < self._least_level:
            return
        line = {"timestamp": self._stamp(), "level": _NAMES.get(level, "info"), "event": event, **fields}
        self._out(self._encode(line) + b"\n")

    def _stamp(self) -> str:
        """Now, as RFC 3339 writes it; what changes once a second is written once a second."""
        now = time.time()
        second = int(now)
        if second != self._second:
            self._second = second
            self._written = datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%S.")
        return f"{self._written}{int((now - second) * 1000):03d}+00:00"


class OthersLines(logging.Handler):
    """Lines of the standard library's loggers, in our form: message and exception type, never a value of a frame."""

    def __init__(self, logger: Any, run_id: str) -> None:
        super().__init__(logging.WARNING)
        self._logger = logger
        self._run_id = run_id

    def emit(self, record: logging.LogRecord) -> None:
        """Write one record; a closed stream is nobody's fault here."""
        error = record.exc_info[0].__name__ if record.exc_info and record.exc_info[0] else None
        fields = {"request_id": self._run_id, "logger": record.name, **({"error_type": error} if error else {})}
        try:
            self._logger.log(_level(record.levelno), record.getMessage(), **fields)
        except Exception:  # noqa: BLE001 - a line of others can be as broken as the stream
            self.handleError(record)

    def handleError(self, record: logging.LogRecord) -> None:
        """Say nothing: there is nowhere to say it."""


def _level(number: int) -> int:
    """The nearest level with a name that is not above this one."""
    return max((each for each in _NAMES if each <= number), default=min(_NAMES))


class ProcessLog(NamedTuple):
    """Where the lines of a whole process go."""

    logger: Any
    run_id: str
    """Labels what belongs to no request."""
    lines_lost_count: Callable[[], int]


@contextmanager
def process_log(stream: TextIO | None, log_format: str, level: str) -> Iterator["ProcessLog"]:
    """A logger for a whole process, and what goes with it.

    Lines of other libraries leave with ours, and what is lost is said once lines leave again.
    """
    run_id = f"run-{urandom(6).hex()}"
    outlet = Outlet(stream)
    logger = logger_for(outlet, log_format, level)
    outlet.on_dropped = lambda count: logger.log(logging.WARNING, "Log lines dropped", request_id=run_id, count=count)
    others = OthersLines(logger, run_id)
    logging.getLogger().addHandler(others)
    try:
        yield ProcessLog(logger, run_id, lambda: outlet.dropped_count)
    finally:
        logging.getLogger().removeHandler(others)
        outlet.close()
