"""What a check found, in the form that every surface prints: settings, doctor, start-up and admin health.

It must never carry the value of a setting that may be a secret.
"""

from enum import StrEnum
from typing import NamedTuple


class Severity(StrEnum):
    """How much a finding matters: an error stops a start, a warning is logged, a note is only shown."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


class Finding(NamedTuple):
    """One problem and its cure."""

    severity: Severity
    code: str
    """A stable machine word, e.g. `placeholder`."""
    subject: str
    """The variable or hop it speaks of, e.g. `SERVICE_SECRET`."""
    what: str
    """What is wrong, without the value."""
    why: str
    """What breaks because of it."""
    fix: str
    """What to do next: a command, or a variable to change."""

    def line(self) -> str:
        """The finding in one line, for logs and for the end of a failed start."""
        return f"{self.severity}: {self.subject}: {self.what.rstrip('.')}. {self.fix}"
