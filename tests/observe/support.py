"""What tests of the observers share: outcomes of every kind, and lines as they are written.

It must never write to the real standard output.
"""

import json
import re
from io import BytesIO, TextIOWrapper
from typing import Any, Final

from netra.core.events import AttemptEnded
from netra.core.verdict.causes import TABLE, Phase
from netra.core.verdict.outcomes import Accepted, Outcome, Rejected, Tried, unknown
from netra.observe.log.lines import Line, Lines
from netra.observe.log.writing import Logs, logger_for
from netra.pages.book import read_book

FACTS: Final = {
    "url": "https://auth.test", "host": "auth.test", "port": "443", "service_id": "netra-under-test", "budget_s": "5",
}  # fmt: skip
RUN_ID: Final = "run-0123456789ab"
BOOK: Final = read_book()
LINES: Final = Lines(BOOK, FACTS, RUN_ID)
UNKNOWNS: Final = tuple(cause for cause in TABLE.values() if cause.verdict == "unknown")
REJECTIONS: Final = tuple(cause for cause in TABLE.values() if cause.verdict == "rejected")


def tried(*codes: str) -> tuple[Tried, ...]:
    """The story of some tries, a quarter of a second each."""
    return tuple(Tried(number, Phase.MAYBE_SENT, code, 0.25) for number, code in enumerate(codes, 1))


def failed(code: str, tries: int = 1, **facts: str) -> Outcome[Any]:
    """An unknown outcome after so many tries."""
    return unknown(TABLE[code], facts)._replace(tried=tried(*[code] * tries))


def line_of(outcome: Outcome[Any], journey: str = "login", account: str | None = "0123456789abcdef") -> Line:
    """The line that tells how an attempt ended."""
    return LINES(AttemptEnded(journey, "request-1", outcome, 0.01234, account, "0af7651916cd43dd8448eb211c80319c"))


ACCEPTED: Final[Outcome[Any]] = Accepted(None, tried("ok"))
REJECTED: Final[Outcome[Any]] = Rejected(TABLE["invalid_credentials"], tried=tried("invalid_credentials"))


class Paper:
    """A stream that keeps what is written, and the logs that write to it."""

    def __init__(self, log_format: str = "json", level: str = "debug") -> None:
        self.written = BytesIO()
        self.stream = TextIOWrapper(self.written, encoding="utf-8", write_through=True)
        self.logger = logger_for(self.stream, log_format, level)
        self.logs = Logs(LINES, self.logger)

    @property
    def text(self) -> str:
        """Everything so far."""
        return self.written.getvalue().decode()

    @property
    def lines_count(self) -> int:
        """How many events were written, whatever the form: sentences that stand below one are not counted."""
        return len(re.findall(r'^(?:\{"timestamp"|\d{4}-)', self.text, re.MULTILINE))

    @property
    def lines(self) -> list[Any]:
        """Every line so far, as JSON."""
        return [json.loads(line) for line in self.text.splitlines()]
