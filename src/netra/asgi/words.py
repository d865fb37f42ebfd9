"""The words that every listener speaks: a request, an answer, a route, a refusal.

They must never know what a login is: the embedded auth service is built from the same four.
"""

from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from netra.core.trace import Span

JSON_TYPE: Final = b"application/json"
PROBLEM_TYPE: Final = b"application/problem+json"

Headers = list[tuple[bytes, bytes]]

CLOSE: Final = (b"connection", b"close")
"""The header with which an answer ends its connection."""
NOT_STORED: Final = (b"cache-control", b"no-store")
"""Every answer says so."""
BODILESS: Final = frozenset({204, 304})
"""The statuses of answers that are nothing but their heads."""


class Request:
    """One request, its body complete."""

    __slots__ = (
        "_first", "_repeats", "address_shared", "body", "client_address", "headers", "method", "path", "query",
        "received_at_s", "request_id", "span",
    )  # fmt: skip

    def __init__(  # noqa: PLR0913 - a request has these parts
        self,
        *,
        method: str,
        path: str,
        headers: Headers,
        request_id: str,
        received_at_s: float,
        query: bytes = b"",
        body: bytes = b"",
        client_address: str | None = None,
        address_shared: bool = False,
    ) -> None:
        self.method = method
        self.path = path
        """Decoded, without a trailing slash."""
        self.headers = headers
        """Names in lower case, in the order of arrival."""
        self.request_id = request_id
        """A label for people, never a key."""
        self.received_at_s = received_at_s
        """When the body was complete, monotonic."""
        self.query = query
        self.body = body
        self.client_address = client_address
        """Vouched for by the trusted proxies; absent when the peer has no address."""
        self.address_shared = address_shared
        """Is it a proxy's that names nobody, or that nobody trusts, with many callers behind it?"""
        self.span: Span | None = None
        """Where the attempt that this request makes is recorded; None when it is not."""
        first = dict(headers)
        self._repeats = len(first) != len(headers)
        """Does any header come twice?"""
        self._first = dict(reversed(headers)) if self._repeats else first

    def header(self, name: bytes) -> str | None:
        """The first value of a header, or None. `name` is in lower case."""
        value = self._first.get(name)
        return None if value is None else value.decode("latin-1")

    def values(self, name: bytes) -> list[bytes]:
        """All values of a header, in the order of arrival."""
        if name not in self._first:
            return []
        return [value for key, value in self.headers if key == name] if self._repeats else [self._first[name]]

    def count(self, name: bytes) -> int:
        """How often a header was sent."""
        if name not in self._first:
            return 0
        return sum(key == name for key, _ in self.headers) if self._repeats else 1

    def __repr__(self) -> str:
        # Not the path: a stranger has written it, and people put tokens there.
        return f"Request({self.method} {self.request_id})"


class Answer:
    """What goes back, before the listener adds what every answer carries."""

    __slots__ = ("body", "content_type", "headers", "once", "status", "worded")

    def __init__(
        self,
        status: int,
        body: bytes = b"",
        content_type: bytes = JSON_TYPE,
        headers: tuple[tuple[bytes, bytes], ...] = (),
        once: tuple[tuple[bytes, bytes], ...] = (),
    ) -> None:
        self.status: Final = status
        self.body: Final = body
        self.content_type: Final = content_type
        self.headers: Final = headers
        """What many answers have: it is kept worded."""
        self.once: Final = once
        """What no other answer has, such as a cookie, which is a secret."""
        self.worded: tuple[bytes, bool] | None = None
        """The headers as they are written, type and length among them, and whether they end the connection.

        None before this is first sent: whoever keeps an answer keeps it worded.
        """

    def changed(
        self,
        *,
        status: int | None = None,
        content_type: bytes | None = None,
        headers: tuple[tuple[bytes, bytes], ...] | None = None,
        once: tuple[tuple[bytes, bytes], ...] | None = None,
    ) -> "Answer":
        """Another answer that is like this one but for what is given."""
        return Answer(
            self.status if status is None else status,
            self.body,
            self.content_type if content_type is None else content_type,
            self.headers if headers is None else headers,
            self.once if once is None else once,
        )

    def __repr__(self) -> str:
        # It may be a session, or a cookie.
        return f"Answer({self.status}, {len(self.body)} bytes)"


class Stream(NamedTuple):
    """An answer that goes on: its pieces leave as they come, until they end, the client leaves or the listener stops.

    It ends with its connection. Whoever makes the pieces is closed at the end, however it comes.
    """

    pieces: AsyncGenerator[bytes, None]
    content_type: bytes
    headers: tuple[tuple[bytes, bytes], ...] = ()


Handler = Callable[[Request], Awaitable[Answer | Stream]]
AtOnce = Callable[[Request], Answer | None]
"""Answers what needs neither a body nor a wait; None leaves a request to its handler."""


ANY_METHOD: Final = "*"


class Route(NamedTuple):
    """One method and path, and who answers it.

    A path ending in `/*` takes one free last segment, in `/**` one or more. `ANY_METHOD` stands for every method.
    """

    method: str
    path: str
    handler: Handler
    reads_json: bool = False
    at_once: AtOnce | None = None
    """Asked first."""


class FieldError(NamedTuple):
    """One field of a request that cannot be used; never its value."""

    pointer: str
    code: str
    detail: str


class Refusal(NamedTuple):
    """A request that is refused before any handler sees it, as a value."""

    status: int
    code: str
    detail: str = ""
    errors: tuple[FieldError, ...] = ()
    headers: tuple[tuple[bytes, bytes], ...] = ()
    retry_after_s: int | None = None
    """Whole seconds, at least 1, when the refusal says how long it lasts."""


Refuse = Callable[[Refusal, str], Answer]
"""How the owner of a listener words a refusal: (refusal, request id) -> answer."""
