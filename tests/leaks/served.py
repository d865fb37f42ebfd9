"""A gateway as people run it, in whatever form it logs; and everything that it tells, gathered to be looked through.

It must never read a log line by its form: what leaked may be in one that has none.
"""

import asyncio
import contextlib
import os
import re
import signal
import sys
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path
from typing import Final, NamedTuple

from tests.leaks.asking import OPERATOR, Ask, labelled
from tests.leaks.needles import NOTHING, Hit, Needles
from tests.support import wire
from tests.support.programs import PATIENCE_S, environment
from tests.support.wire import Answer

_URL: Final = re.compile(rb"http://127\.0\.0\.1:\d+")
BETWEEN_WORDS: Final = re.compile(rb'[\s",]+')
"""What parts words. No form of anything planted has one of these inside, once it is cut at its ends."""
_MANY: Final = 8
"""So many requests at once."""
_MOST_HITS: Final = 40
_NUMBERS: Final = count(1)


class Pile:
    """What was told so far, word by word: a word that was told again and again is looked at once."""

    def __init__(self, *, apart: bool = False) -> None:
        """`apart`: a word is looked at again in each place where it stood."""
        self.pieces_count = 0
        self.size_bytes = 0
        self._apart = apart
        self._words: dict[tuple[frozenset[str], str], dict[bytes, str]] = {}
        """By what is allowed there: each word in lower case, and the place where it stood first."""

    def put(self, place: str, content: bytes, allowed: frozenset[str] = NOTHING) -> None:
        """One more piece, and what may stand in it."""
        self.pieces_count += 1
        self.size_bytes += len(content)
        words = self._words.setdefault((allowed, place if self._apart else ""), {})
        for word in set(BETWEEN_WORDS.split(content.lower())):
            words.setdefault(word, place)

    def hits(self, needles: Needles, *, forbid_all: bool = False) -> list[Hit]:
        """Everything in it that nobody should have been told. `forbid_all`: nor what was allowed."""
        across = needles.across(BETWEEN_WORDS)
        assert not across, f"cannot be found in parts: {across}"
        return [
            hit
            for (allowed, _), words in self._words.items()
            for hit in needles.hits_among(words, NOTHING if forbid_all else allowed)
        ]

    def assert_clean(self, needles: Needles) -> None:
        """Nobody was told anything; of what was told, the first finds are named."""
        hits = sorted(set(self.hits(needles)))
        assert not hits, f"{len(hits)} leaks:\n" + "\n".join(
            f"{hit.place}: {hit.secret}, {hit.form}" for hit in hits[:_MOST_HITS]
        )


class Served(NamedTuple):
    """A running gateway."""

    name: str
    public: str
    admin: str
    pid: int
    stdout: Path
    stderr: Path

    async def ask_all(
        self, asks: Iterable[Ask], pile: Pile, during: str, *, admin: bool = False, stories: bool = True
    ) -> list[Answer]:
        """Ask them at once, a few at a time, and keep all answers, and the story of each."""
        asks, turns = tuple(asks), asyncio.Semaphore(_MANY)

        async def one(ask: Ask) -> Answer:
            async with turns:
                return await self.ask(ask, pile, during, admin=admin, stories=stories and not admin)

        return list(await asyncio.gather(*map(one, asks)))

    async def ask(self, ask: Ask, pile: Pile, during: str, *, admin: bool = False, stories: bool = False) -> Answer:
        """One request; its answer is kept, and so is the story that operators are told of it."""
        request_id = f"leak-{next(_NUMBERS)}"
        answer = await wire.ask(
            self.admin if admin else self.public, ask.method, ask.target, labelled(ask, request_id), ask.body
        )
        allowed = ask.allowed if answer.status < 300 else NOTHING
        pile.put(f"{self.name}: answer to {ask.method} {ask.path} while {during}", answer.raw, allowed)
        if stories:
            story = await wire.ask(self.admin, "GET", f"/trace/{request_id}", [OPERATOR])
            pile.put(f"{self.name}: story of {ask.method} {ask.path} while {during}", story.body)
        return answer

    def told(self, pile: Pile) -> None:
        """Everything that it has written."""
        pile.put(f"{self.name}: log", self.stdout.read_bytes())
        pile.put(f"{self.name}: standard error", self.stderr.read_bytes())

    def shown_by_the_system(self, pile: Pile) -> None:
        """What every user of the machine may see of it: its command line, and how its threads are called."""
        for path in (Path(f"/proc/{self.pid}/cmdline"), *Path(f"/proc/{self.pid}/task").glob("*/comm")):
            pile.put(f"{self.name}: {path.name}", path.read_bytes())


@asynccontextmanager
async def serving(name: str, folder: Path, told: Mapping[str, str], *program: str) -> AsyncIterator[Served]:
    """`netra serve`, or another program that listens twice, until the end of the block."""
    stdout, stderr = folder / f"{name}.out", folder / f"{name}.err"
    command = program or ("-m", "netra", "serve", "--port", "0", "--admin-port", "0")
    with stdout.open("wb") as out, stderr.open("wb") as err:
        process = await asyncio.create_subprocess_exec(
            sys.executable, *command, stdin=asyncio.subprocess.DEVNULL, stdout=out, stderr=err,
            env=environment(told), cwd=folder,
        )  # fmt: skip
    try:
        public, admin = await _addresses(process, stdout, stderr)
        yield Served(name, public, admin, process.pid, stdout, stderr)
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(PATIENCE_S):
                await process.wait()
        finally:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()


async def _addresses(process: asyncio.subprocess.Process, stdout: Path, stderr: Path) -> tuple[str, str]:
    """Where it listens, once it says so: the public address first."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            started = _said_to_listen(stdout)
            if started is not None:
                return started
            assert process.returncode is None, f"it has ended; see {stderr}"
            await asyncio.sleep(0.05)


def _said_to_listen(stdout: Path) -> tuple[str, str] | None:
    for line in stdout.read_bytes().splitlines():
        found = _URL.findall(line)
        if b"Netra started" in line and len(found) == 2:
            return found[0].decode(), found[1].decode()
    return None


def left_in(folder: Path, pile: Pile, *, but: Iterable[Path]) -> None:
    """Every file that is in a folder now, but for those that the test itself has put there; and its name."""
    known = {path.resolve() for path in but}
    for path in sorted(folder.rglob("*")):
        if path.resolve() not in known:
            pile.put(f"the name of a file in {folder.name}", os.fsencode(path.relative_to(folder)))
            if path.is_file():
                pile.put(f"file {path.name}", path.read_bytes())
