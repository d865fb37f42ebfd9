"""Holds a real auth service to what Netra needs of it: as a class of pytest tests, or as a function with a report.

It must never be pointed at the account of a person: the given user logs in, and is refused a few times.
"""

from netra.testing.conformance.interview import WRONG_PASSWORDS
from netra.testing.conformance.results import Check, Result, Row, Verdict
from netra.testing.conformance.rows import CHECKS, announcement, examine, report
from netra.testing.conformance.subject import AuthService
from netra.testing.conformance.suite import AuthServiceConformance, AuthServiceWarning

__all__ = [
    "CHECKS",
    "WRONG_PASSWORDS",
    "AuthService",
    "AuthServiceConformance",
    "AuthServiceWarning",
    "Check",
    "Result",
    "Row",
    "Verdict",
    "announcement",
    "examine",
    "report",
]
