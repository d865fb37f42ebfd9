"""What Python itself would print of a bug: told as a line of the log, without a value of it.

It must never repeat the text of an exception, nor how something looks that was at hand: both may hold what was sent.
"""

import logging
import re
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

IN_A_THREAD: Final = "Exception in a thread"
OF_NOBODY: Final = "Exception that nobody could be given"
_LOGGER: Final = "netra"
_EVENT_LOOP: Final = "asyncio"
_BEFORE_VALUES: Final = re.compile(r"[^\n(<\[{'\"]*")
"""An event loop shows tasks, callbacks and their arguments as they are, after its own words."""


def words_of(record: logging.LogRecord) -> str:
    """The message of a record; of an event loop's, what comes before any value."""
    message = record.getMessage()
    if record.name != _EVENT_LOOP:
        return message
    found = _BEFORE_VALUES.match(message)
    return found[0].rstrip(" :") if found else ""


@contextmanager
def unforeseen_logged() -> Iterator[None]:
    """Exceptions that leave a thread, or that nobody can be given, go to the log in place of standard error."""
    logger = logging.getLogger(_LOGGER)
    before = threading.excepthook, sys.unraisablehook

    def of_thread(told: threading.ExceptHookArgs) -> None:
        if told.exc_value is not None:
            logger.error(IN_A_THREAD, exc_info=told.exc_value)

    def of_nobody(told: "sys.UnraisableHookArgs") -> None:
        if told.exc_value is not None:
            logger.error(OF_NOBODY, exc_info=told.exc_value)

    threading.excepthook, sys.unraisablehook = of_thread, of_nobody
    try:
        yield
    finally:
        threading.excepthook, sys.unraisablehook = before
