"""What a named fault is: how it is played, and what a gateway in front must make of it.

It must never promise what has not been tried: a test compares every promise with a gateway's answer.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final, Literal

from netra.lab.connection import Connection, Script

Stage = Literal["connect", "tls", "before", "head", "body", "framing", "content", "shape", "status", "between", "user"]
"""Where it goes wrong: before a byte is read, inside the answer's head or body, or in what the answer says."""
CallName = Literal["login", "register", "refresh", "validate"]
Port = Literal["open", "closed", "full"]
"""Is the port served, closed, or open with a queue that takes nobody more?"""
Certificate = Literal[
    "good", "expired", "not-yet-valid", "other-name", "other-authority", "client-certificate", "no-tls"
]
"""How TLS is spoken, where it is spoken at all."""
Instead = Callable[[bytes], Script]
"""The answer that a healthy auth service would give, as bytes -> what is done in its place."""
Meeting = Callable[[Connection], Awaitable[None]]
"""What is done with a new connection before anything is read."""

LOGIN: Final = "/auth/login"
REGISTER: Final = "/auth/register"
REFRESH: Final = "/auth/refresh"
LOGOUT: Final = "/auth/logout"
VALIDATE: Final = "/auth/validate"
OF_USERS: Final = frozenset({LOGIN, REGISTER, REFRESH, LOGOUT, VALIDATE})
"""The routes that speak of a user."""
EVERYWHERE: Final[frozenset[str]] = frozenset()


@dataclass(frozen=True, slots=True)
class Fault:
    """One way in which an auth service misbehaves."""

    name: str
    """Lower case, with dashes."""
    what: str
    """One line for people."""
    stage: Stage
    status: int
    """What a gateway answers to `call` while it lasts, everything else being right."""
    code: str = ""
    """The exact cause, as operators see it; empty where the call succeeds."""
    script: Instead | None = None
    """How it is played on one delivery; None where it can only be played on the whole port."""
    meeting: Meeting | None = None
    """How it is played on new connections; then nothing is delivered."""
    port: Port = "open"
    certificate: Certificate | None = None
    """What it needs of TLS; None where TLS does not matter."""
    call: CallName = "login"
    """The call whose answer `status` and `code` tell."""
    paths: frozenset[str] = EVERYWHERE
    """Where it is played; empty for every path."""

    @property
    def promised(self) -> str:
        """A gateway's answer in one line, e.g. `504 response_timeout`."""
        return f"{self.status} {self.code}".rstrip()

    @property
    def for_one(self) -> bool:
        """Can it be played for one user or one path alone?"""
        return self.script is not None

    def concerns(self, path: str) -> bool:
        """Is it played on this path?"""
        return not self.paths or path in self.paths
