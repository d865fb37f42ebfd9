"""Who is calling: the address that the trusted proxies vouch for, and the request id.

It must never believe a header of a peer that is not a trusted proxy.
"""

import re
from collections.abc import Callable, Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from os import urandom
from typing import Final, NamedTuple

from netra.asgi.words import Headers

_REQUEST_ID: Final = re.compile(rb"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
_MAX_HOPS: Final = 32
_MAX_DOUBTS: Final = 16
"""How many untrusted proxies are told of."""
_MAPPED: Final = "::ffff:"
"""How a listener for both kinds of addresses writes one of the fourth version."""

Network = IPv4Network | IPv6Network
Address = IPv4Address | IPv6Address


class Caller(NamedTuple):
    """Whose request it is, as far as anybody knows who is to be believed."""

    address: str | None
    """None when the peer has none."""
    shared: bool = False
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

    def caller(self, peer: str | None, headers: Headers) -> Caller:
        """By the right-most address that is not a trusted proxy's; by the peer's own when it is not trusted.

        A garbled `X-Forwarded-For` ends the walk at the last address that could be read.
        """
        if peer is not None:
            peer = peer.removeprefix(_MAPPED)
        if not self._trusted or peer is None or not self._trusts(peer):
            if peer is None or b"x-forwarded-for" not in dict(headers):
                return Caller(peer)
            return Caller(peer, shared=self._speaks_for_others(peer))
        hops = b",".join(value for name, value in headers if name == b"x-forwarded-for").split(b",")
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


def request_id(headers: Headers) -> str:
    """The caller's own id when it is well formed, else a new one of 32 hexadecimal digits."""
    for name, value in headers:
        if name == b"x-request-id" and _REQUEST_ID.fullmatch(value):
            return value.decode("ascii")
    return urandom(16).hex()
