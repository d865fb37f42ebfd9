"""The lab's auth service as a process of its own, so that it can be stopped in its tracks.

It must never outlive the test that started it, nor promise to honour idempotency keys.
"""

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import Iterator
from types import TracebackType
from typing import Any, Final, Self

from netra.lab.faulty_auth_service import FaultyAuthService
from tests.faults.scenes import LOGIN_THERE
from tests.support.programs import PATIENCE_S, ROOT, environment

_SAY: Final = b"\n"


class LabProcess:
    """A well auth service in a process, from `async with` until its end."""

    url: str

    def __init__(self) -> None:
        self._process: asyncio.subprocess.Process | None = None

    async def __aenter__(self) -> Self:
        self._process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.faults.processes",
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, cwd=ROOT, env=environment({}),
        )  # fmt: skip
        self.url = (await self._said())["url"]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        process = self._process
        if process is not None:
            process.kill()
            await process.communicate()

    async def logins_count(self) -> int:
        """How many logins have arrived."""
        assert self._process is not None
        assert self._process.stdin is not None
        self._process.stdin.write(_SAY)
        return int((await self._said())["logins"])

    async def _said(self) -> Any:
        assert self._process is not None
        assert self._process.stdout is not None
        async with asyncio.timeout(PATIENCE_S):
            return json.loads(await self._process.stdout.readline())

    @contextlib.contextmanager
    def frozen(self) -> Iterator[None]:
        """It keeps its port and its connections, and does nothing."""
        assert self._process is not None
        os.kill(self._process.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(self._process.pid, signal.SIGCONT)


async def _serve() -> None:
    """Say where it is; then, for each line that comes in, how many logins have arrived."""
    loop = asyncio.get_running_loop()
    async with FaultyAuthService(idempotency=False) as service:
        _tell({"url": service.url})
        asking = asyncio.StreamReader()
        await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(asking), sys.stdin)
        while await asking.readline():
            _tell({"logins": len(service.delivered(LOGIN_THERE))})


def _tell(document: object) -> None:
    sys.stdout.write(json.dumps(document) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(_serve())
