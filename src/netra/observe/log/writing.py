"""Log lines as they are written: JSON for machines, colour for people.

It must never write a traceback with values, nor fail a login when nobody reads.
"""

import json
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, BinaryIO, Final, Protocol, TextIO, cast

import msgspec
import structlog

from netra.core.events import AttemptEnded, Event
from netra.observe.log.lines import Lines
from netra.observe.log.outlet import Outlet
from netra.observe.log.sampling import Sampling

LEVELS: Final = {"debug": 10, "info": 20, "warning": 30, "error": 40, "critical": 50}
NAMES: Final = {number: name for name, number in LEVELS.items()}
_SENTENCES: Final = (("why", "why"), ("check_first", "check first"))
_BEGUN: Final = '{"timestamp":"%Y-%m-%dT%H:%M:%S.'
_MILLISECONDS: Final = tuple(b'%03d+00:00","level":"' % number for number in range(1000))
_LEVELS: Final = {number: f'{name}","event":'.encode() for number, name in NAMES.items()}


class Writer(Protocol):
    """Writes every line that it is given and that matters enough."""

    @property
    def least_level(self) -> int:
        """Below it, nothing is written."""
        ...

    def write(self, level: int, event: str, fields: Mapping[str, Any]) -> None:
        """Write one line."""
        ...


class Logger:
    """A writer for lines of one thread, with how many alike ones it takes in a second."""

    def __init__(self, writer: Writer, sampling: Sampling | None = None) -> None:
        """Without `sampling`, all are written."""
        self.least_level = writer.least_level
        self.put = writer.write
        """Writes a line of which it was decided that it is written."""
        self._sampling = sampling

    def takes(self, level: int, event: str, code: str | None, request_id: str, owasp: str | None = None) -> bool:
        """Is a line to be written that would begin so? `event` is what alike lines have in common."""
        if level < self.least_level:
            return False
        return self._sampling is None or self._sampling.takes(level, event, code, request_id, owasp)

    def write(self, level: int, event: str, fields: Mapping[str, Any]) -> None:
        """Write one line, unless enough like it were."""
        if self.takes(level, event, fields.get("code"), fields.get("request_id", ""), fields.get("owasp")):
            self.put(level, event, fields)


class Logs:
    """Writes events as lines to one stream. Raises what the stream raises: `Tell` counts it."""

    def __init__(
        self,
        lines: Lines,
        logger: Writer | Logger,
        lines_lost_count: Callable[[], int] = lambda: 0,
        lines_summarised_count: Callable[[], int] = lambda: 0,
    ) -> None:
        self._lines = lines
        self._logger = logger if isinstance(logger, Logger) else Logger(logger)
        self.lines_lost_count = lines_lost_count
        """How many lines nobody took."""
        self.lines_summarised_count = lines_summarised_count
        """How many lines were counted in the line of others."""

    def __call__(self, event: Event) -> None:
        """Write one event."""
        logger = self._logger
        if isinstance(event, AttemptEnded):
            heading = self._lines.heading(event)
            text, level = heading.event, LEVELS[heading.level]
            if logger.takes(level, text, heading.code, event.request_id, heading.owasp):
                logger.put(level, text, self._lines.fields(event, heading))
        else:
            word, text, fields = self._lines(event)
            logger.write(LEVELS[word], text, fields)


def logger_for(stream: TextIO | Outlet, log_format: str, level: str) -> "JsonLines | TextLines":
    """A writer to `stream`: `json`, `text`, or `auto` for text on a terminal and JSON elsewhere.

    It raises what the stream raises; an outlet raises nothing.
    """
    least_level = LEVELS[level.lower()]
    if log_format == "text" or (log_format == "auto" and stream.isatty()):
        return TextLines(cast("TextIO", stream), least_level)
    return JsonLines(cast("BinaryIO", stream.buffer), least_level)


class JsonLines:
    """One JSON object a line, written at once, without a logger's cost on every login."""

    def __init__(self, stream: BinaryIO, least_level: int) -> None:
        self.least_level = least_level
        self._out = stream.write
        self._encode = msgspec.json.Encoder().encode
        self._second = 0, b""
        """The latest one and how its lines begin, in one value: lines may come from several threads."""

    def write(self, level: int, event: str, fields: Mapping[str, Any]) -> None:
        """Write one line. No field is called like one of the three with which every line begins."""
        if level < self.least_level:
            return
        now = time.time()
        second, begun = self._second
        if not second <= now < second + 1:
            second = int(now)
            begun = datetime.fromtimestamp(second, UTC).strftime(_BEGUN).encode()
            self._second = second, begun
        head = begun + _MILLISECONDS[int((now - second) * 1000)] + _LEVELS.get(level, _LEVELS[LEVELS["info"]])
        try:
            told, rest = self._encode(event), self._encode(fields)
        except (UnicodeEncodeError, TypeError):  # half a character, as of a file's name that is no text
            told, rest = _by_any_means(event), _by_any_means({**fields})
        self._out(head + told + (b"," if fields else b"") + rest[1:] + b"\n")


class TextLines:
    """One line for people, and below it the two sentences that they need first."""

    def __init__(self, stream: TextIO, least_level: int) -> None:
        self.least_level = least_level
        console = structlog.dev.ConsoleRenderer(
            colors=stream.isatty(),
            exception_formatter=structlog.dev.plain_traceback,
            pad_event_to=0,
            sort_keys=False,
        )
        self._logger = structlog.wrap_logger(
            structlog.WriteLogger(stream),
            processors=[
                structlog.processors.add_log_level,
                structlog.processors.TimeStamper(fmt="iso", utc=True, key="timestamp"),
                _for_people(console),
            ],
            wrapper_class=structlog.make_filtering_bound_logger(least_level),
        )

    def write(self, level: int, event: str, fields: Mapping[str, Any]) -> None:
        """Write one line."""
        self._logger.log(level, event, **fields)


def _for_people(console: Callable[..., str]) -> Callable[[Any, str, Any], str]:
    """The two sentences that a reader needs first, each on a line of its own."""

    def render(logger: Any, method: str, fields: Any) -> str:
        fields = {key: _visible(value) if isinstance(value, str) else value for key, value in fields.items()}
        told = [f"\n    {label}: {text}" for key, label in _SENTENCES if (text := fields.pop(key, None))]
        return console(logger, method, fields) + "".join(told)

    return render


def _visible(text: str) -> str:
    """A text whose control characters only look like ones: no line is forged in it, no terminal is steered."""
    return text if text.isprintable() else "".join(each if each.isprintable() else repr(each)[1:-1] for each in text)


def _by_any_means(value: object) -> bytes:
    """JSON of what has none, too: half a character is escaped, and any other value is its type."""
    return json.dumps(value, default=_type_of, separators=(",", ":")).encode()


def _type_of(value: object) -> str:
    return type(value).__name__
