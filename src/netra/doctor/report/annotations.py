"""A diagnosis for a workflow that runs before a deploy: each finding as an annotation of the run.

It must never let a text end its own line: what follows would be taken for a command.
"""

from collections.abc import Iterator
from typing import Final

from netra.core.findings import Finding, Severity
from netra.doctor.diagnosis import Diagnosis
from netra.doctor.report.text import verdict

_COMMANDS: Final = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "notice"}
_OF_TEXTS: Final = (("%", "%25"), ("\r", "%0D"), ("\n", "%0A"))
_OF_PROPERTIES: Final = ((":", "%3A"), (",", "%2C"))


def as_annotations(diagnosis: Diagnosis) -> Iterator[str]:
    """One line for each finding, the worst first, then the verdict as people read it."""
    for severity in Severity:
        yield from (_annotation(each) for each in diagnosis.findings if each.severity is severity)
    yield verdict(diagnosis).text


def _annotation(one: Finding) -> str:
    """Source: the workflow commands of GitHub Actions, `::error title=…::…`, and how they are escaped."""
    told = f"{one.subject}: {one.what}\nWhy: {one.why}\nCure: {one.fix}"
    return f"::{_COMMANDS[one.severity]} title={_property(f'{one.subject}: {one.code}')}::{_text(told)}"


def _text(text: str) -> str:
    for what, escaped in _OF_TEXTS:
        text = text.replace(what, escaped)
    return text


def _property(text: str) -> str:
    text = _text(text)
    for what, escaped in _OF_PROPERTIES:
        text = text.replace(what, escaped)
    return text
