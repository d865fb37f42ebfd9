"""Who may use a listener that is not public: hosts by name, a token, and no other site's pages.

It must never trust a forwarded header, nor let a web page of another origin change anything.
"""

import re
from collections.abc import Callable, Iterable
from hmac import compare_digest
from ipaddress import ip_address
from math import ceil
from time import monotonic
from typing import Final

from netra.asgi.words import Headers, Refusal, Request
from netra.core.pace.rejections import Limit, Rejections, network_of
from netra.core.secret import Secret

OPEN_PATHS: Final = frozenset({"/livez", "/readyz", "/metrics"})
_OPEN_PREFIX: Final = "/problems/"
_LOOPBACK_NAMES: Final = frozenset({"localhost", "127.0.0.1", "[::1]"})
_AUTHORITY: Final = re.compile(r"(\[[0-9a-f:.]+\]|[^\s:@/\[\]]+)(?::[0-9]*)?")
"""A Host header in lower case: the host, and a port that does not matter. Source: RFC 3986, section 3.2."""
_READING: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_SAME_SITE: Final = frozenset({"same-origin", "none"})
WRONG_TOKENS: Final = Limit(10, 60)
"""So many wrong tokens may come from one address. What is long enough cannot be guessed; this is for the others."""
_ADDRESSES_COUNT: Final = 10_000


class AdminRules:
    """Admits requests to an admin listener bound to `host`: the right host, the right page, the right token."""

    def __init__(
        self,
        host: str,
        hosts: Iterable[str] = (),
        token: Secret | None = None,
        now_s: Callable[[], float] = monotonic,
    ) -> None:
        self._hosts = {*_LOOPBACK_NAMES, *map(_host_header, (host, *hosts))}
        self._token = token
        self._now_s = now_s
        self._wrong = Rejections(WRONG_TOKENS, _ADDRESSES_COUNT)

    def __call__(self, request: Request, headers: Headers) -> Refusal | None:
        """Why a request is not admitted; None when it is. Source: RFC 9110, section 15.5.20 (421)."""
        refusal = self.foreign(request)
        if refusal is not None or self.open_to_all(request):
            return refusal
        return self.unnamed(request)

    def foreign(self, request: Request) -> Refusal | None:
        """Why a request is refused for the host that it names or the page that it comes from."""
        authority = (request.header(b"host") or "").lower()
        named = _AUTHORITY.fullmatch(authority)
        if request.count(b"host") != 1 or named is None or named[1] not in self._hosts:
            return Refusal(
                421, "malformed_request", "This listener does not answer for that host; see NETRA_ADMIN_HOSTS."
            )
        if request.method not in _READING and not _same_origin(request, authority):
            return Refusal(403, "malformed_request", "Changes are taken from this listener's own pages only.")
        return None

    @property
    def guarded(self) -> bool:
        """Is there a token?"""
        return self._token is not None

    def open_to_all(self, request: Request) -> bool:
        """May this be asked without a token?"""
        return self._token is None or request.path in OPEN_PATHS or request.path.startswith(_OPEN_PREFIX)

    def unnamed(self, request: Request) -> Refusal | None:
        """Why a request is refused for the bearer token that it carries, or lacks."""
        scheme, _, given = (request.header(b"authorization") or "").partition(" ")
        if scheme.lower() != "bearer" or request.count(b"authorization") != 1:
            return Refusal(401, "token_missing", "Send NETRA_ADMIN_TOKEN as a bearer token.")
        return self.judge(given.strip().encode("latin-1"), request.client_address)

    def judge(self, given: bytes, peer: str | None) -> Refusal | None:
        """Why a token of this peer is not taken; None when it is the right one."""
        peer, now_s = peer or "", self._now_s()
        network = network_of(peer)
        wait_s = self._wrong.wait_s(network, now_s)
        # Everybody on this machine has the same address: somebody's old script must not lock the others out.
        if wait_s and not _is_loopback(peer):
            return _too_many(wait_s)
        wanted = self._token.reveal() if self._token else ""
        if compare_digest(given, wanted.encode()):
            return None
        if wait_s:
            return _too_many(wait_s)
        self._wrong.keep(network, now_s)
        return Refusal(401, "token_rejected", "This is not NETRA_ADMIN_TOKEN.")


def _too_many(wait_s: float) -> Refusal:
    detail = "Too many wrong tokens came from this address."
    return Refusal(429, "too_many_attempts", detail, retry_after_s=max(1, ceil(wait_s)))


def _is_loopback(peer: str) -> bool:
    try:
        return ip_address(peer).is_loopback
    except ValueError:
        return False


def _same_origin(request: Request, authority: str) -> bool:
    """A request with neither header comes from no browser. Source: Fetch Metadata; RFC 6454, section 7."""
    site, origin = request.header(b"sec-fetch-site"), request.header(b"origin")
    if (site is not None and site not in _SAME_SITE) or request.count(b"origin") > 1:
        return False
    return origin is None or origin.lower() in (f"http://{authority}", f"https://{authority}")


def _host_header(host: str) -> str:
    """A name or an address as a Host header writes it."""
    return f"[{host}]".lower() if ":" in host else host.lower()
