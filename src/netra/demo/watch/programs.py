"""Prometheus and Alertmanager as the watch holds them: looked up, started, listened to and ended.

It must never leave one behind, nor wait for one that has ended.
"""

import asyncio
import json
import shutil
import sys
from asyncio.subprocess import DEVNULL, PIPE, STDOUT, Process
from collections import deque
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import asynccontextmanager, suppress
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeVar

from netra.demo.auth_service import DemoFailed

_TIED: Final = (sys.executable, "-P", "-m", "netra.demo.watch.tied")
_START_S: Final = 20.0
_ASK_S: Final = 5.0
_LAST_LINES: Final = 8
_LONGEST_LINE_BYTES: Final = 256 * 1024
_LONGEST_SHOWN: Final = 400

T = TypeVar("T")


class NotInstalled(Exception):
    """A program is not here; the message says in one line which package has it."""


class Tool(NamedTuple):
    """A program of others, and where it is to be had."""

    name: str
    commands: tuple[str, ...]
    """What it is called, by Debian first."""
    package: str
    """Debian's package."""


PROMETHEUS: Final = Tool("Prometheus", ("prometheus",), "prometheus")
ALERTMANAGER: Final = Tool("Alertmanager", ("prometheus-alertmanager", "alertmanager"), "prometheus-alertmanager")


def found(tools: Sequence[Tool] = (PROMETHEUS, ALERTMANAGER)) -> list[str]:
    """The path of each, in their order.

    Raises: NotInstalled.
    """
    paths = [next(filter(None, map(shutil.which, each.commands)), None) for each in tools]
    missing = [each for each, path in zip(tools, paths, strict=True) if path is None]
    if missing:
        names = " and no ".join(each.commands[0] for each in missing)
        packages = " ".join(each.package for each in missing)
        raise NotInstalled(f"No {names} here. On Debian and Ubuntu: apt install {packages}")
    return [path for path in paths if path is not None]


class Program:
    """A program that has been started. It is asked for any free port and says in its log which one it got."""

    def __init__(self, name: str, process: Process) -> None:
        self.name = name
        self._process = process
        self._lines: deque[str] = deque(maxlen=_LAST_LINES)
        self._address: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._reading = asyncio.create_task(self._read())

    async def address(self) -> str:
        """Host and port, as soon as it listens.

        Raises: DemoFailed, with its last words when it ends before, or does not listen in time.
        """
        try:
            async with asyncio.timeout(_START_S):
                return await asyncio.shield(self._address)
        except TimeoutError:
            raise DemoFailed(f"{self.name} did not listen within {_START_S:g} s. {self._last_words()}") from None

    async def has_ended(self) -> DemoFailed:
        """What to say of its end, once it has come."""
        await asyncio.wait({self._reading})
        return DemoFailed(f"{self.name} has ended by itself. {self._last_words()}")

    async def end(self) -> None:
        """End it by force: it holds nothing that anybody would miss."""
        with suppress(ProcessLookupError):
            self._process.kill()
        await asyncio.wait({self._reading})
        if self._address.done() and not self._address.cancelled():
            self._address.exception()  # a failure to start was told, or the watch had ended before

    async def _read(self) -> None:
        words = self._process.stdout
        while words is not None:
            try:
                line = await words.readline()
            except ValueError:
                continue  # longer than anything it would say to us; the rest of it follows
            if not line:
                break
            self._hear(line.decode("utf-8", "replace").strip())
        code = await self._process.wait()
        self._lines.append(f"(exit code {code})")
        if not self._address.done():
            self._address.set_exception(DemoFailed(f"{self.name} cannot start. {self._last_words()}"))

    def _hear(self, line: str) -> None:
        said: Any = None
        with suppress(ValueError):
            said = json.loads(line)
        if isinstance(said, dict):
            if said.get("msg") == "Listening on" and not self._address.done():
                self._address.set_result(str(said.get("address")))
            line = " ".join(str(said[name]) for name in ("level", "msg", "err") if name in said)
        self._lines.append(line[:_LONGEST_SHOWN])

    def _last_words(self) -> str:
        return "\n".join(("Its last lines:", *(f"  {line}" for line in self._lines)))


@asynccontextmanager
async def running(name: str, command: Sequence[str], folder: Path) -> AsyncIterator[Program]:
    """A program that is starting, ended with the block."""
    process = await asyncio.create_subprocess_exec(
        *_TIED,
        *command,
        stdin=DEVNULL,
        stdout=PIPE,
        stderr=STDOUT,
        limit=_LONGEST_LINE_BYTES,
        cwd=folder,
        # A session of its own: Ctrl-C in the terminal is the watch's to hear, which ends it in good order.
        start_new_session=True,
    )
    program = Program(name, process)
    try:
        yield program
    finally:
        await program.end()


async def unless_one_ends(work: Coroutine[Any, Any, T], programs: Sequence[Program]) -> T:
    """The result of some work during which all programs have to live.

    Raises: DemoFailed, as soon as one has ended.
    """
    working = asyncio.ensure_future(work)
    ends = [asyncio.ensure_future(each.has_ended()) for each in programs]
    try:
        await asyncio.wait({working, *ends}, return_when=asyncio.FIRST_COMPLETED)
        for end in ends:
            if end.done() and not working.done():
                raise end.result()
        return await working
    finally:
        for task in (working, *ends):
            task.cancel()
        await asyncio.gather(working, *ends, return_exceptions=True)


async def asked(address: str, path: str) -> Any:
    """What a program answers to a GET, as JSON; None when it does not answer, or not yet."""

    def ask() -> Any:
        connection = HTTPConnection(address, timeout=_ASK_S)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return json.loads(answer.read()) if answer.status == 200 else None
        except (OSError, HTTPException, ValueError):
            return None
        finally:
            connection.close()

    return await asyncio.to_thread(ask)
