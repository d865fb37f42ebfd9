"""Cross-origin answers for an exact list of origins (the Fetch standard's CORS protocol).

It must never allow credentials or a wildcard: tokens travel in headers and bodies, never in cookies.
"""

from collections.abc import Iterable
from typing import Final

from netra.asgi.words import Answer, Headers

_ALLOWED_HEADERS: Final = b"authorization, content-type, traceparent, tracestate, x-request-id"
_EXPOSED_HEADERS: Final = b"x-request-id, retry-after"
_PREFLIGHT_AGE_S: Final = b"600"


class Cors:
    """The headers that let pages of the listed origins read our answers."""

    __slots__ = ("origins",)

    def __init__(self, origins: Iterable[str] = ()) -> None:
        self.origins = frozenset(origin.encode("ascii") for origin in origins)

    def headers(self, asked: Headers) -> tuple[tuple[bytes, bytes], ...]:
        """What every answer to this request carries, errors included; nothing when no origin is listed."""
        if not self.origins:
            return ()
        origin = _first(asked, b"origin")
        if origin not in self.origins:
            return ((b"vary", b"origin"),)
        return (
            (b"access-control-allow-origin", origin),
            (b"access-control-expose-headers", _EXPOSED_HEADERS),
            (b"vary", b"origin"),
        )

    def preflight(self, asked: Headers, methods: bytes) -> Answer | None:
        """The answer to a preflight from a listed origin; None when this is not one."""
        if _first(asked, b"origin") not in self.origins or not _first(asked, b"access-control-request-method"):
            return None
        allowed = (
            (b"access-control-allow-methods", methods),
            (b"access-control-allow-headers", _ALLOWED_HEADERS),
            (b"access-control-max-age", _PREFLIGHT_AGE_S),
        )
        return Answer(204, headers=allowed)


def _first(headers: Headers, name: bytes) -> bytes:
    return next((value for key, value in headers if key == name), b"")
