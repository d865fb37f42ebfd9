"""The embedded auth service: users, sessions and tokens on SQLite, behind the wire that the gateway speaks.

It must never import a room of the gateway: the two meet on the wire alone.
"""

from netra.core.findings import Finding


class CannotStart(Exception):
    """The service cannot begin; the finding says why and what to do. Raised before a socket is bound."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(finding.line())
        self.finding = finding


class Overloaded(Exception):
    """There is more to do than the service will queue. Nobody was judged: ask again in a second."""


class StoreUnavailable(Exception):
    """The database did not answer. What was to be written is not: its transaction was rolled back."""
