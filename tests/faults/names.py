"""One host name whose address a test decides: found, lost, dead or slow, through the resolver that everything uses.

It must never touch another name, nor outlive the test that asked for it.
"""

import socket
import threading
from collections.abc import Callable
from typing import Any, Final

import pytest

HOST: Final = "auth.invalid"
"""Reserved never to resolve, so that nobody but a test gives it an address. Source: RFC 6761, section 6.4."""
LONGEST_HANG_S: Final = 15.0


class Names:
    """What the system's resolver says of `HOST`; everything else is asked as ever."""

    def __init__(self, resolve: Callable[..., Any]) -> None:
        self.asked_count = 0
        self._resolve = resolve
        self._addresses: tuple[str, ...] = ()
        self._error_number: int | None = None
        self._answering = threading.Event()
        self._answering.set()

    def lead_to(self, *addresses: str) -> None:
        """From now on the name has these addresses, the first preferred; with none it does not exist."""
        self._addresses, self._error_number = addresses, None
        self._answering.set()

    def fail(self, number: int) -> None:
        """From now on the resolver fails with one of `socket.EAI_*`."""
        self._error_number = number

    def hang(self) -> None:
        """From now on the resolver does not answer, until the name leads somewhere or the test is over."""
        self._answering.clear()

    def answer(self) -> None:
        """Let go whoever waits."""
        self._answering.set()

    def __call__(self, host: Any, port: Any, *more: Any, **how: Any) -> Any:
        """Answer as `socket.getaddrinfo` does."""
        if host != HOST:
            return self._resolve(host, port, *more, **how)
        self.asked_count += 1
        self._answering.wait(LONGEST_HANG_S)
        if self._error_number is not None:
            raise socket.gaierror(self._error_number, "scripted")
        if not self._addresses:
            return self._resolve(host, port, *more, **how)
        return [_address(each, int(port)) for each in self._addresses]


def _address(address: str, port: int) -> Any:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    to = (address, port, 0, 0) if family == socket.AF_INET6 else (address, port)
    return family, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", to


def scripted_names(monkeypatch: pytest.MonkeyPatch) -> Names:
    """Names of a test, in place until its end."""
    names = Names(socket.getaddrinfo)
    # The system's own resolver cannot be made to fail in these ways without a network of its own.
    monkeypatch.setattr(socket, "getaddrinfo", names)
    return names
