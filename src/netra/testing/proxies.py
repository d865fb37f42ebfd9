"""A chaos proxy beside a test: in front of any address, and told at any time how to misbehave.

It must never be put between real users and a real auth service.
"""

import contextlib
from collections.abc import Iterator
from typing import Final
from urllib.parse import urlsplit

from netra.lab.chaos_proxy import ChaosProxy
from netra.lab.chaos_ways import Faults, Tally
from netra.testing.beside import Beside

_PORTS: Final = {"http": 80, "https": 443}


class ProxyBeside:
    """Passes everything on until it is told otherwise."""

    def __init__(self, proxy: ChaosProxy, scheme: str, beside: Beside) -> None:
        self.proxy = proxy
        self._scheme = scheme
        self._beside = beside

    @property
    def port(self) -> int:
        """The port of the loopback that it listens on."""
        return self.proxy.port

    @property
    def url(self) -> str:
        """What your backend is told instead of the address behind it."""
        return f"{self._scheme}://127.0.0.1:{self.proxy.port}"

    @property
    def tally(self) -> Tally:
        """What went through so far: connections, and bytes in both directions."""
        return self.proxy.tally

    def switch(self, faults: Faults) -> None:
        """Misbehave like this from now on, e.g. `Faults(to_client=Way(latency_s=0.5))`; open connections follow."""
        self._beside.call(lambda: self.proxy.switch(faults))

    def reset_open(self) -> None:
        """Reset every connection that is open now."""
        self._beside.call(self.proxy.reset_open)

    def heal(self) -> None:
        """Pass everything on again."""
        self.switch(Faults())


@contextlib.contextmanager
def proxy_beside(to: str) -> Iterator[ProxyBeside]:
    """A proxy in front of a URL, or of `HOST:PORT`. Raises: ValueError, for an address without a host or port."""
    address = urlsplit(to if "://" in to else f"http://{to}")
    scheme, port = address.scheme, address.port or _PORTS.get(address.scheme)
    if not address.hostname or port is None:
        raise ValueError("a proxy needs a URL or HOST:PORT to pass on to")
    with Beside("netra chaos proxy of a test") as beside, beside.held(ChaosProxy(address.hostname, port)) as proxy:
        yield ProxyBeside(proxy, scheme, beside)
