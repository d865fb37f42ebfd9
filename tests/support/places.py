"""Addresses at which nothing good happens: closed, full, and without a way to them.

It must never reach beyond this machine.
"""

import asyncio
import contextlib
import socket
from collections.abc import Iterator
from typing import Final

UNROUTABLE: Final = "http://224.0.0.1:9"
"""A multicast group: TCP knows no way to one, whatever the network is like."""
UNRESOLVABLE: Final = "http://auth.invalid"
"""Reserved never to resolve. Source: RFC 6761, section 6.4."""


def free_port() -> int:
    """A loopback port where nothing listens now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def listening(port: int) -> None:
    """Wait until somebody listens at a loopback port: a program of others that was just started."""
    async with asyncio.timeout(15):
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(0.02)
            else:
                writer.close()
                return


@contextlib.contextmanager
def full_port() -> Iterator[int]:
    """A loopback port whose queue is full: connecting to it waits without an answer."""
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(8):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                waiting.connect(listener.getsockname())
        yield int(listener.getsockname()[1])


@contextlib.contextmanager
def silent_port() -> Iterator[int]:
    """A loopback port that takes connections and then says nothing, like a process that is stopped."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(64)
        yield int(listener.getsockname()[1])
