"""A gateway with routes of its own that break in every way in which Python tells of it, each with a secret at hand.

It must never be served but by the test that started it.
"""

import asyncio
import json
import logging
import os
import resource
import signal
import sys
import threading
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any, Final

from netra.asgi.server import run
from netra.asgi.words import Answer, Request, Route, Stream
from netra.cli.main import safely
from netra.doctor.configuration import configuration
from netra.listen import serve_gateway, telling
from tests.leaks.planted import ACCESS, ADMIN_TOKEN, EMAIL, PASSWORD, SERVICE_SECRET

PATH: Final = "/break/"
_FINE: Final = Answer(200, b"{}")
_KEPT: Final[list[object]] = []


class Broken(Exception):
    """A bug of ours that says too much."""


class Holder:
    """Something that shows what it holds, as most things do."""

    def __init__(self, held: object) -> None:
        self.held = held

    def __repr__(self) -> str:
        return f"Holder({self.held!r})"

    def fail(self, *held: object) -> None:
        """Raise with everything that is at hand."""
        raise Broken(f"{EMAIL} {PASSWORD} {SERVICE_SECRET} {self.held!r} {held!r}")


def _sleep(*_: object) -> None:
    time.sleep(0.15)


class _Dying(Holder):
    def __del__(self) -> None:
        self.fail(ACCESS)


async def _raise(request: Request) -> Answer:
    try:
        json.loads("{}")[PASSWORD]
    except KeyError as missing:
        raise Broken(f"{request.body!r} {request.headers!r}") from missing
    return _FINE


async def _raise_group(request: Request) -> Answer:
    raise ExceptionGroup(f"{EMAIL} {PASSWORD}", [Broken(ACCESS), ValueError(SERVICE_SECRET)])


async def _go_on(request: Request) -> Stream:
    async def pieces() -> AsyncGenerator[bytes, None]:
        yield b"data: 1\n\n"
        Holder(request.body).fail()

    return Stream(pieces(), b"text/event-stream")


async def _forget_a_task(request: Request) -> Answer:
    async def fail(password: str) -> None:
        Holder(request.body).fail(password)

    asyncio.get_running_loop().create_task(fail(PASSWORD), name=f"login of {EMAIL}")
    await asyncio.sleep(0)
    return _FINE


async def _forget_a_result(request: Request) -> Answer:
    future = asyncio.get_running_loop().create_future()
    future.set_exception(Broken(f"{EMAIL} {ACCESS} {request.body!r}"))
    return _FINE


async def _call_back(request: Request) -> Answer:
    asyncio.get_running_loop().call_soon(Holder(PASSWORD).fail, request.body, ACCESS, EMAIL)
    return _FINE


async def _complain(request: Request) -> Answer:
    context = {"message": "something broke", "exception": Broken(PASSWORD), "request": request.body, "token": ACCESS}
    asyncio.get_running_loop().call_exception_handler(context)
    return _FINE


async def _hold_the_loop_up(request: Request) -> Answer:
    asyncio.get_running_loop().call_soon(_sleep, request.body, PASSWORD, ACCESS)
    return _FINE


async def _in_a_thread(request: Request) -> Answer:
    thread = threading.Thread(target=Holder(request.body).fail, args=(PASSWORD, ACCESS), name="worker")
    thread.start()
    thread.join()
    return _FINE


async def _for_nobody(request: Request) -> Answer:
    _Dying(request.body)
    return _FINE


async def _by_a_library(request: Request) -> Answer:
    try:
        Holder(request.body).fail(ACCESS)
    except Broken:
        logging.getLogger("library").exception("a request of ours failed", stack_info=True)
    return _FINE


async def _end(request: Request) -> Answer:
    """As a crash of the interpreter: its fault handler prints where every thread is."""
    _KEPT.append((request.body, PASSWORD))
    os.kill(os.getpid(), signal.SIGABRT)
    return _FINE


WAYS: Final[Mapping[str, Callable[[Request], Awaitable[Answer | Stream]]]] = {
    "raise": _raise,
    "raise-a-group": _raise_group,
    "go-on": _go_on,
    "forget-a-task": _forget_a_task,
    "forget-a-result": _forget_a_result,
    "call-back": _call_back,
    "complain": _complain,
    "hold-the-loop-up": _hold_the_loop_up,
    "in-a-thread": _in_a_thread,
    "for-nobody": _for_nobody,
    "by-a-library": _by_a_library,
    "end": _end,
}
"""The last one ends the program."""


def serve() -> int:
    """The gateway of this environment, with all of them on its admin listener."""
    loaded = configuration(os.environ, {"NETRA_PORT": 0, "NETRA_ADMIN_PORT": 0})
    assert loaded.settings is not None, [finding.line() for finding in loaded.findings]
    settings, routes = loaded.settings, [Route("POST", PATH + name, way, reads_json=True) for name, way in WAYS.items()]
    with telling(settings, sys.stdout) as tell:
        return run(lambda: serve_gateway(settings, loaded.findings, tell, extra_admin_routes=routes))


def fail() -> int:
    """A command that ends unforeseen."""
    try:
        Path(f"/nowhere/{PASSWORD.replace('/', '')}/{ACCESS}").read_bytes()
    except OSError as error:
        held: Any = Holder(ADMIN_TOKEN)
        raise Broken(f"{PASSWORD} {held}") from error
    return 0


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    sys.exit(safely(fail if "fail" in sys.argv else serve))
