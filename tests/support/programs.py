"""Programs as users run them: `python -m netra …`, told by environment variables, heard by what they print.

It must never leave one running: each is ended by its own process id, whatever a test did to it.
"""

import contextlib
import json
import os
import resource
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from tests.support import wire
from tests.support.gateways import ENVIRONMENT, LOGIN
from tests.support.wire import Answer, Headers

ROOT: Final = Path(__file__).resolve().parents[2]
PATIENCE_S: Final = 30.0
"""For a start or a stop on a busy machine; a bound, not an expectation."""
_PASSED_ON: Final = ("PATH", "HOME", "LANG", "TMPDIR", "SSL_CERT_FILE")


def environment(told: Mapping[str, str]) -> dict[str, str]:
    """The variables of a program: what a test says, and what finding Python and measuring coverage need."""
    passed = {name: value for name, value in os.environ.items() if name in _PASSED_ON or name.startswith("COVERAGE_")}
    return {**passed, "PYTHONPATH": str(ROOT / "src"), "PYTHONUNBUFFERED": "1", **told}


def run(*arguments: str, told: Mapping[str, str], stdin: str = "", folder: Path | None = None) -> str:
    """One command to its good end; returns what it printed."""
    done = attempt(*arguments, told=told, stdin=stdin, folder=folder)
    assert done.returncode == 0, done.stderr
    return done.stdout


def attempt(
    *arguments: str, told: Mapping[str, str], stdin: str = "", folder: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """One command to its end, good or bad."""
    return python("-m", "netra", *arguments, told=told, stdin=stdin, folder=folder)


def python(
    *arguments: str, told: Mapping[str, str], stdin: str = "", folder: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """One Python program to its end, good or bad."""
    return subprocess.run(
        [sys.executable, *arguments],
        env=environment(told),
        input=stdin,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
        cwd=folder,
    )


class Program:
    """A server of ours as a process of its own, from `with` until its end."""

    started: str
    """The event by which it says that it serves."""

    before: Sequence[str] = ()
    """A command that runs it, such as `prlimit --nofile=64`."""

    def __init__(self, *arguments: str, told: Mapping[str, str], folder: Path | None = None) -> None:
        self._arguments = arguments
        self._told = {"NETRA_LOG_FORMAT": "json", "NETRA_DRAIN_DELAY_S": "0", **told}
        self._folder = folder
        self._process: subprocess.Popen[str] | None = None
        self._readers: list[threading.Thread] = []
        self._printed: list[str] = []
        self._complaints: list[str] = []
        self._heard = threading.Condition()
        self._began_at_line = 0

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Run it, and wait until it says that it serves."""
        self._began_at_line = self.heard_count
        self._process = subprocess.Popen(
            [*self.before, sys.executable, "-m", "netra", *self._arguments],
            env=environment(self._told),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=self._folder,
        )
        pairs = ((self._process.stdout, self._printed), (self._process.stderr, self._complaints))
        self._readers = [threading.Thread(target=self._read, args=pair, daemon=True) for pair in pairs]
        for reader in self._readers:
            reader.start()
        self.wait_for(lambda line: line["event"] == self.started)

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Ask it to end, and take its exit code; one that does not end is killed, and that is a failure."""
        process = self._process
        if process is None:
            return 0
        self._process = None
        for each in (signal.SIGCONT, number):
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(each)
        try:
            code = process.wait(PATIENCE_S)
        finally:
            process.kill()
            process.wait()
            for reader in self._readers:
                reader.join(PATIENCE_S)
            for stream in (process.stdout, process.stderr):
                if stream is not None:
                    stream.close()
        return code

    @property
    def runs(self) -> bool:
        """Has it been started, and not stopped since?"""
        return self._process is not None

    @property
    def pid(self) -> int:
        """Its process id."""
        assert self._process is not None
        return self._process.pid

    @property
    def lines(self) -> list[Any]:
        """Every log line so far."""
        with self._heard:
            return [json.loads(line) for line in self._printed]

    @property
    def heard_count(self) -> int:
        """How many log lines there are so far: a place to wait from."""
        return len(self._printed)

    @property
    def complaints(self) -> str:
        """What it has printed on standard error."""
        return "".join(self._complaints)

    @contextlib.contextmanager
    def frozen(self) -> Iterator[None]:
        """Stopped in its tracks: it keeps its connections and does nothing."""
        os.kill(self.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(self.pid, signal.SIGCONT)

    def wait_for(self, wanted: Callable[[Any], bool], since: int | None = None) -> Any:
        """The first log line that is wanted, since its last start or since as many lines were heard."""
        ends_at_s = time.monotonic() + PATIENCE_S
        at = self._began_at_line if since is None else since
        with self._heard:
            while True:
                while at < len(self._printed):
                    document = json.loads(self._printed[at])
                    if wanted(document):
                        return document
                    at += 1
                left_s = ends_at_s - time.monotonic()
                assert left_s > 0, f"not heard in time:\n{self._said()}"
                assert self._heard.wait(min(left_s, 1.0)) or self._lives(), f"it has ended:\n{self._said()}"

    def _lives(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def _said(self) -> str:
        return self.complaints + "".join(self._printed)

    def _read(self, stream: Any, into: list[str]) -> None:
        for line in stream:
            with self._heard:
                into.append(line)
                self._heard.notify_all()


class Gateway(Program):
    """`netra serve` on free ports, in front of the auth service at `url`."""

    started = "Netra started"

    def __init__(self, url: str | None, *, told: Mapping[str, str] = ENVIRONMENT, **more: str) -> None:
        address = {} if url is None else {"AUTH_SERVICE_URL": url}
        super().__init__("serve", "--port", "0", "--admin-port", "0", told={**told, **address, **more})

    @property
    def url(self) -> str:
        """The public listener."""
        return str(self._listeners["public"])

    @property
    def admin_url(self) -> str:
        """The admin listener."""
        return str(self._listeners["admin"])

    @property
    def _listeners(self) -> Any:
        return self.wait_for(lambda line: line["event"] == self.started)

    def log_in(self, email: str, password: str, headers: Headers = ()) -> Answer:
        """One login."""
        return wire.post_now(self.url, LOGIN, {"email": email, "password": password}, headers)

    def line_of(self, answer: Answer) -> Any:
        """The log line of an answer's request; it may be written a moment later."""
        return self.wait_for(lambda line: line["request_id"] == answer.header("x-request-id"))

    @contextlib.contextmanager
    def without_descriptors(self) -> Iterator[None]:
        """Not one more socket or file may be opened by it."""
        limits = resource.prlimit(self.pid, resource.RLIMIT_NOFILE)
        resource.prlimit(self.pid, resource.RLIMIT_NOFILE, (0, limits[1]))
        try:
            yield
        finally:
            resource.prlimit(self.pid, resource.RLIMIT_NOFILE, limits)
