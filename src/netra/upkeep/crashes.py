"""A bug of ours as an event, or as lines for people: the types of its exceptions and where they came from.

It must never carry a value: neither an exception's text nor a frame's variables.
"""

import os
import traceback
from collections.abc import Iterator
from pathlib import PurePath
from types import TracebackType
from typing import Final

from netra.core.events import Crashed

PLACES_COUNT: Final = 5
_ALL_PLACES_COUNT: Final = 100
_MOST_CAUSES: Final = 10


def crashed(request_id: str, crash: BaseException, elapsed_s: float) -> Crashed:
    """What observers are told of a bug; `elapsed_s` is how long the work had taken."""
    return Crashed(request_id, type(crash).__name__, places_of(crash.__traceback__), elapsed_s)


def places_of(trace: TracebackType | None, most_count: int = PLACES_COUNT) -> tuple[str, ...]:
    """The innermost frames of a traceback as `file:line function`, the very place last."""
    frames = [(frame.f_code, line_number) for frame, line_number in traceback.walk_tb(trace)]
    return tuple(
        f"{PurePath(code.co_filename).name}:{line_number} {code.co_name}" for code, line_number in frames[-most_count:]
    )


def crash_lines(crash: BaseException) -> Iterator[str]:
    """All that may be printed of a bug, the exception that was raised last first, then what it came from."""
    came_from: BaseException | None = crash
    for _ in range(_MOST_CAUSES):
        if came_from is None:
            return
        yield f"{_named(came_from)}, raised at"
        yield from (f"  {place}" for place in reversed(places_of(came_from.__traceback__, _ALL_PLACES_COUNT)))
        came_from = came_from.__cause__ or (None if came_from.__suppress_context__ else came_from.__context__)


def _named(crash: BaseException) -> str:
    """Its type; of the system's errors also the system's word for them, of a missing module its name."""
    name = type(crash).__name__
    if isinstance(crash, OSError) and isinstance(crash.errno, int):
        return f"{name} ({os.strerror(crash.errno)})"
    return f"{name} ({crash.name})" if isinstance(crash, ImportError) and crash.name else name
