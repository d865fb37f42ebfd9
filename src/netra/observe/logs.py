"""Log lines on their way out: JSON for machines, colour for people; one writer for ours and others' lines.

It must never write a traceback with values, nor fail a login when nobody reads.
"""

import logging
from typing import Any, BinaryIO, Final, TextIO

import msgspec
import structlog

from netra.core.events import Event
from netra.observe.lines import Lines

_LEVELS: Final = {"debug": 10, "info": 20, "warning": 30, "error": 40, "critical": 50}


class Logs:
    """Writes events as lines to one stream. Raises what the stream raises: `Tell` counts it."""

    def __init__(self, lines: Lines, logger: Any) -> None:
        self._lines = lines
        self._logger = logger

    def __call__(self, event: Event) -> None:
        """Write one event."""
        line = self._lines(event)
        self._logger.log(_LEVELS[line.level], line.event, **line.fields)


def logger_for(stream: TextIO, log_format: str, level: str) -> Any:
    """A logger that writes to `stream`: `json`, `text`, or `auto` for text on a terminal and JSON elsewhere."""
    wrapper = structlog.make_filtering_bound_logger(_LEVELS[level.lower()])
    stamp = structlog.processors.TimeStamper(fmt="iso", utc=True, key="timestamp")
    if log_format == "text" or (log_format == "auto" and stream.isatty()):
        console = structlog.dev.ConsoleRenderer(
            colors=stream.isatty(), exception_formatter=structlog.dev.plain_traceback, pad_event_to=0
        )
        return structlog.wrap_logger(
            structlog.PrintLogger(stream),
            processors=[structlog.processors.add_log_level, stamp, console],
            wrapper_class=wrapper,
        )
    return structlog.wrap_logger(
        structlog.BytesLogger(_binary(stream)),
        processors=[structlog.processors.add_log_level, stamp, _as_json],
        wrapper_class=wrapper,
    )


def _binary(stream: TextIO) -> BinaryIO:
    return stream.buffer


_ENCODER: Final = msgspec.json.Encoder()


def _as_json(logger: Any, method: str, fields: Any) -> bytes:
    head = {"timestamp": fields.pop("timestamp"), "level": fields.pop("level"), "event": fields.pop("event")}
    return _ENCODER.encode(head | fields)


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
            self._logger.log(record.levelno, record.msg if not record.args else record.getMessage(), **fields)
        except (OSError, ValueError):
            self.handleError(record)

    def handleError(self, record: logging.LogRecord) -> None:
        """Say nothing: there is nowhere to say it."""
