"""What tests of the gateway's own troubles share: raw lines to a program, and a look at what it has open.

It must never look inside the gateway: what a program holds is asked of the operating system.
"""

import asyncio
import contextlib
import os
import select
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from netra.lab.connection import Connection, Delivery
from netra.lab.faulty_auth_service import FaultyAuthService
from netra.lab.scripts import json_reply, session
from tests.support import wire
from tests.support.gateways import EMAIL, LOGIN, PASSWORD
from tests.support.programs import Gateway
from tests.support.wire import LONGEST_S, Answer

JSON: Final = ("Content-Type", "application/json")
NEVER_S: Final = 30.0
"""How long a test waits for what it says will happen: a bound for what hangs, never a measurement."""


def login_bytes(email: str = EMAIL, *, keep: bool = False) -> bytes:
    """One login as a client sends it. `keep`: the connection is for more."""
    headers = [JSON, ("Connection", "keep-alive")] if keep else [JSON]
    return wire.message("POST", LOGIN, headers, wire.as_json({"email": email, "password": PASSWORD}))


def line_to(url: str, *, takes_bytes: int | None = None) -> socket.socket:
    """A raw connection. `takes_bytes`: how much its system takes in for a client that does not read."""
    place = urlsplit(url)
    line = socket.socket()
    try:
        line.settimeout(LONGEST_S)
        if takes_bytes is not None:
            line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, takes_bytes)
        line.connect((place.hostname, place.port))
    except BaseException:
        line.close()
        raise
    return line


@contextlib.contextmanager
def lines_to(url: str, count: int) -> Iterator[list[socket.socket]]:
    """So many raw connections, which are all closed at the end."""
    with contextlib.ExitStack() as stack:
        yield [stack.enter_context(line_to(url)) for _ in range(count)]


def to_the_end(line: socket.socket) -> bytes:
    """Everything that still comes; a reset is an end as well."""
    taken = b""
    with contextlib.suppress(ConnectionError):
        while piece := line.recv(65536):
            taken += piece
    return taken


def ended(line: socket.socket) -> bool:
    """Has the other side ended this connection, as far as can be seen now?"""
    seen = select.poll()
    seen.register(line, select.POLLIN)
    try:
        return bool(seen.poll(0)) and line.recv(65536) == b""
    except ConnectionError:
        return True


class Kept:
    """A connection for one request after the other."""

    def __init__(self, line: socket.socket) -> None:
        self._line = line
        self._stream = line.makefile("rb")

    def ask(self, request: bytes) -> Answer:
        """One request and its answer."""
        self._line.sendall(request)
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            more = self._stream.readline()
            assert more, f"the connection ended: {head!r}"
            head += more
        length = wire.parse(head, to_head=True).header("content-length") or "0"
        return wire.parse(head + self._stream.read(int(length)))

    def close(self) -> None:
        """End it."""
        self._stream.close()
        self._line.close()


@contextlib.contextmanager
def kept_line(url: str) -> Iterator[Kept]:
    """A connection that is kept open over several requests."""
    line = Kept(line_to(url))
    try:
        yield line
    finally:
        line.close()


@contextlib.contextmanager
def asleep(service: FaultyAuthService) -> Iterator[Callable[[], None]]:
    """An auth service that takes logins and answers none of them before it is woken, or the block ends."""
    awake = threading.Event()

    async def think(connection: Connection, delivery: Delivery) -> None:
        while not awake.is_set():
            await asyncio.sleep(0.01)
        await json_reply(200, session(delivery.email or ""))(connection, delivery)

    service.answer("/auth/login", think)
    try:
        yield awake.set
    finally:
        awake.set()
        service.heal()


def until(happened: Callable[[], bool], what: str = "it") -> None:
    """Wait until this is so."""
    ends_at_s = time.monotonic() + NEVER_S
    while not happened():
        assert time.monotonic() < ends_at_s, f"{what} did not happen"
        time.sleep(0.02)


def open_count(pid: int) -> int:
    """How many descriptors a program has open."""
    return sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir())


def memory_bytes(pid: int) -> int:
    """How much memory a program holds."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def assert_good(program: Gateway) -> None:
    """Somebody else's login, over a connection of his own."""
    answer = program.log_in(EMAIL, PASSWORD)
    assert answer.status == 200, answer
    assert answer.json["user"]["email"] == EMAIL
