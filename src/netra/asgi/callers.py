"""Who is calling: the address that the trusted proxies vouch for, the request id, and who is being served.

It must never believe a header of a peer that is not a trusted proxy.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from contextvars import ContextVar
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from os import urandom
from typing import Final

_REQUEST_ID: Final = re.compile(rb"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
_MAX_HOPS: Final = 32
_MAX_DOUBTS: Final = 16
"""How many untrusted proxies are told of."""
_MAPPED: Final = "::ffff:"
"""How a listener for both kinds of addresses writes one of the fourth version."""

Network = IPv4Network | IPv6Network
Address = IPv4Address | IPv6Address


class Caller:
    """Whose request it is, as far as anybody knows who is to be believed."""

    __slots__ = ("address", "shared")

    def __init__(self, address: str | None, *, shared: bool = False) -> None:
        self.address: Final = address
        """None when the peer has none."""
        self.shared: Final = shared
        """Is it a proxy's, with many callers behind it: a trusted one's that names nobody, or a forgotten one's?"""


class Callers:
    """Reads the caller's address through a fixed set of trusted proxies."""

    __slots__ = ("_on_untrusted", "_told", "_trusted")

    def __init__(
        self, trusted_proxies: Iterable[str] = (), on_untrusted: Callable[[str], None] = lambda _: None
    ) -> None:
        self._trusted: tuple[Network, ...] = tuple(ip_network(each, strict=False) for each in trusted_proxies)
        self._on_untrusted = on_untrusted
        self._told: set[str] = set()

    def caller(self, peer: str | None, forwarded: Sequence[bytes]) -> Caller:
        """By the right-most address that is not a trusted proxy's; by the peer's own when it is not trusted.

        `forwarded` are the values of `X-Forwarded-For`; what is garbled there ends the walk at the last address that
        could be read.
        """
        if peer is not None:
            peer = peer.removeprefix(_MAPPED)
        if not self._trusted or peer is None or not self._trusts(peer):
            if peer is None or not forwarded:
                return Caller(peer)
            return Caller(peer, shared=self._speaks_for_others(peer))
        hops = b",".join(forwarded).split(b",")
        address = peer
        for hop in reversed(hops[-_MAX_HOPS:]):
            read = _read_address(hop)
            if read is None:
                break
            address = str(read)
            if not self._contains(read):
                return Caller(address)
        return Caller(address, shared=True)

    def _speaks_for_others(self, peer: str) -> bool:
        """Is a peer that forwards without being trusted private? It is a forgotten proxy, most likely: tell it once."""
        if peer in self._told:
            return True
        read = _read_address(peer.encode("ascii", "replace"))
        if read is None or read.is_global:
            return False
        if len(self._told) < _MAX_DOUBTS:
            self._told.add(peer)
            self._on_untrusted(peer)
        return True

    def _trusts(self, peer: str) -> bool:
        read = _read_address(peer.encode("ascii", "replace"))
        return read is not None and self._contains(read)

    def _contains(self, address: Address) -> bool:
        return any(address in network for network in self._trusted)


def _read_address(text: bytes) -> Address | None:
    try:
        address = ip_address(text.strip().strip(b"[]").decode("ascii"))
    except ValueError:
        return None
    if isinstance(address, IPv6Address):
        # A zone may hold any character, and means nothing on another machine. Source: RFC 4007, section 6.
        return address.ipv4_mapped or IPv6Address(int(address))
    return address


def request_id(given: list[bytes]) -> str:
    """The first that is well formed of the ids that a caller gave, else a new one of 32 hexadecimal digits."""
    for each in given:
        if _REQUEST_ID.fullmatch(each):
            return each.decode("ascii")
    return urandom(16).hex()


class _Served:
    """Whose attempt is under way; shared by all copies of a context, for it must not outlive the attempt in any."""

    def __init__(self, request_id: str, trace_id: str) -> None:
        self.ids: tuple[str, str] | None = (request_id, trace_id)


_SERVED: Final[ContextVar[_Served | None]] = ContextVar("netra_served", default=None)


def serve(request_id: str, trace_id: str) -> None:
    """From here on, this context serves an attempt: lines of others, in whatever library, are written for it."""
    _SERVED.set(_Served(request_id, trace_id))


def served() -> None:
    """The attempt is over, here and in whatever it has left behind."""
    here = _SERVED.get()
    if here is not None:
        here.ids = None


def served_here() -> tuple[str, str] | None:
    """Request id and trace id of the attempt that is being served in this context; None where nobody is."""
    here = _SERVED.get()
    return None if here is None else here.ids
