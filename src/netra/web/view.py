"""How answers look here: what may be disclosed, and what an answer can say of this installation.

It must never hold a secret: everything in it may be shown to operators.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from math import ceil
from typing import Final

from netra.core.trace import Tracing
from netra.core.verdict.causes import PUBLIC_ROWS, TABLE, Cause
from netra.core.verdict.reply import Standing
from netra.pages.page import Page

READY: Final = "ready"


class Readiness:
    """Whether this process wants requests, by what is known already: asking costs nothing, and asks nobody."""

    __slots__ = ("draining", "requires_auth")

    def __init__(self, *, requires_auth: bool = False) -> None:
        """`requires_auth`: is a gateway without its auth service of no use to whoever asks?"""
        self.draining = False
        """From the first signal to stop."""
        self.requires_auth = requires_auth

    def word(self, standing: Standing, *, enabled: bool) -> str:
        """`ready`, or in one word why not; `enabled`: is there an auth service to ask?

        An outage that all instances share takes none of them away unless that is wanted. A refusal of our credentials
        does only where they were never accepted: it is this instance's deploy that is wrong, not the fleet's luck.
        """
        if self.draining:
            return "draining"
        if standing.handshake == "refused" and not standing.ever_accepted:
            return "misconfigured"
        if self.requires_auth and (not enabled or standing.connectivity != "success"):
            return "auth_service_unavailable"
        return READY


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """What rendering needs besides the outcome."""

    operator: bool
    book: Mapping[str, Page]
    problem_base: str
    environment: str
    auth_service_url: str
    facts: Mapping[str, str]
    """What the pages' sentences may name of this installation: url, host, port, service_id."""
    service_id: str | None
    service_secret_configured: bool
    standing: Callable[[], Standing]
    now_s: Callable[[], float]
    wall_s: Callable[[], float]
    readiness: Readiness
    form_login: bool = False
    """Are forms taken for logins?"""
    tracing: Tracing | None = None
    """Who records attempts; None when nobody does."""

    def told_in_full(self) -> "View":
        """The same view for operators: the admin listener's."""
        return replace(self, operator=True)

    def readiness_word(self, *, enabled: bool) -> str:
        """`ready`, or in one word why this instance wants no requests."""
        return self.readiness.word(self.standing(), enabled=enabled)

    def shown(self, cause: Cause) -> Cause:
        """The row that may be named here: the cause itself, or what the public is told instead."""
        if self.operator or cause.public_code == cause.code:
            return cause
        return PUBLIC_ROWS[cause.public_code]

    def page_of(self, code: str) -> tuple[Page, Cause] | None:
        """A page that may be shown here, with its row; None for an unknown code or one of our insides."""
        cause = TABLE.get(code) or PUBLIC_ROWS.get(code)
        if cause is None or (not self.operator and cause.public_code != code):
            return None
        return self.book[code], cause

    def wait_s(self, cause: Cause) -> int:
        """Whole seconds, at least 1, after which it is worth coming back when nobody has said so."""
        if cause.code in _WAITS_S:
            return _WAITS_S[cause.code]
        next_probe_at_s = self.standing().next_probe_at_s
        return 1 if next_probe_at_s is None else max(1, ceil(next_probe_at_s - self.now_s()))


_WAITS_S: Final = {
    "account_locked": 60,
    "too_many_attempts": 60,
    "auth_service_disabled": 60,
    "connection_limit_reached": 1,
    "local_resource_exhausted": 1,
    "draining": 1,
}
