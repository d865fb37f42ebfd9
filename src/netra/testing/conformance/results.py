"""What a check came to: passed, failed, passed with a warning, or skipped; with its reason and its cure.

It must never hold a word of a reply: statuses, codes and sentences of ours are all there is.
"""

from collections.abc import Awaitable, Callable, Iterable, Iterator
from enum import StrEnum
from typing import TYPE_CHECKING, Any, NamedTuple

from netra.core.verdict.outcomes import Accepted, Outcome, Unknown, code_of
from netra.pages.book import read_book

if TYPE_CHECKING:
    from netra.testing.conformance.interview import Answered, Interview


class Verdict(StrEnum):
    """How a check ended."""

    PASS = "pass"  # noqa: S105 - a verdict
    FAIL = "fail"
    WARN = "warn"
    SKIPPED = "skipped"


class Result(NamedTuple):
    """How a check ended, and why."""

    verdict: Verdict
    reason: str
    code: str | None = None
    """The code of the closed table by which an answer was read; None where no answer is the reason."""
    fix: str = ""
    """What to do next; empty where there is nothing to mend."""


class Check(NamedTuple):
    """One row: something that Netra needs of an auth service."""

    name: str
    """A sentence in snake case: also the name of its test."""
    asks: str
    """What is sent."""
    judge: "Callable[[Interview], Awaitable[Result]]"

    @property
    def sentence(self) -> str:
        """Its name, to be read."""
        return f"{self.name[0].upper()}{self.name[1:].replace('_', ' ')}"


class Row(NamedTuple):
    """A check with its result."""

    check: Check
    result: Result

    def lines(self) -> Iterator[str]:
        """The row for people."""
        check, result = self
        yield f"{result.verdict}: {check.sentence}"
        yield f"  asked   {check.asks}"
        yield f"  found   {result.reason}"
        if result.code:
            yield f"  code    {result.code}: {read_book()[result.code].title}"
        if result.fix:
            yield f"  mend    {result.fix}"


class CannotTell(Exception):
    """A check has nothing to look at; the message says why. Ends as skipped."""


def passed(reason: str) -> Result:
    """It is as it should be."""
    return Result(Verdict.PASS, reason)


def failed(reason: str, fix: str, code: str | None = None) -> Result:
    """It is not, and logins will go wrong for it."""
    return Result(Verdict.FAIL, reason, code, fix)


def warned(reason: str, fix: str, code: str | None = None) -> Result:
    """Logins work, but somebody will be sorry."""
    return Result(Verdict.WARN, reason, code, fix)


def skipped(reason: str, fix: str = "") -> Result:
    """It could not be looked at."""
    return Result(Verdict.SKIPPED, reason, None, fix)


def misread(what: str, answered: "Answered", fix: str) -> Result:
    """A failure by the wrong outcome: what was expected, and how the answer was read instead."""
    return failed(f"{what}, but it {told(answered)}", fix, code_of(answered.outcome))


def told(answered: "Answered") -> str:
    """How an answer was read, in words of ours."""
    status = f"was answered {answered.status} and " if answered.status else ""
    return f"{status}is read as {read_as(answered.outcome)}"


def read_as(outcome: Outcome[Any]) -> str:
    """An outcome in a few words."""
    if isinstance(outcome, Accepted):
        return "accepted"
    lacking = outcome.facts.get("lacking") if isinstance(outcome, Unknown) else None
    kind = "unknown" if isinstance(outcome, Unknown) else "rejected"
    return f"{kind}, {outcome.cause.code}{f' (of no use: {lacking})' if lacking else ''}"


def counted(rows: Iterable[Row]) -> str:
    """How many of which kind, in one line."""
    verdicts = [row.result.verdict for row in rows]
    return ", ".join(f"{verdicts.count(each)} {each}" for each in Verdict if each in verdicts)
