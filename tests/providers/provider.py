"""What tests need of an identity provider, whichever it is, and how such a program is started and ended.

It must never be asked for more than any provider gives to its clients.
"""

import contextlib
import socket
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple, Protocol

from tests.support.places import free_port

PATIENCE_S: Final = 30.0
"""For a start on a busy machine; a bound, not an expectation."""
CALLBACK: Final = "https://shop.example.com/callback"
CLIENT_ID: Final = "shop"
CLIENT: Final = f"{CLIENT_ID}:test-only-Hq4tLw9Zr2Xc7Vb5"
USER: Final = "ada"
PASSWORD: Final = "test-only correct horse"


class Tokens(NamedTuple):
    """What a client gets once a user has signed in."""

    access: str
    identity: str
    """The ID token: for the client to read, and for nobody else."""


class Provider(Protocol):
    """A real identity provider, as a process of its own."""

    @property
    def issuer(self) -> str:
        """As its tokens spell it."""
        ...

    def audience(self, algorithm: str) -> str:
        """Whom tokens are for that are signed in this way."""
        ...

    def for_a_service(self, algorithm: str = "ES256") -> str:
        """An access token of a client that acts for itself."""
        ...

    def for_a_user(self) -> Tokens:
        """What a client gets when a user signs in, by an authorization code; for the audience of ES256."""
        ...

    def change_keys(self) -> None:
        """Sign with other keys from now on, and publish no more than these."""
        ...

    def stop(self) -> None:
        """Nobody answers any more."""
        ...


class Process:
    """A server of others on a free loopback port, until it is stopped."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._folder = folder
        self._running: subprocess.Popen[bytes] | None = None

    def start(self, *command: str) -> None:
        """Run it, and wait until it listens."""
        with (self._folder / "printed.txt").open("ab") as printed:
            self._running = subprocess.Popen(
                command, cwd=self._folder, stdin=subprocess.DEVNULL, stdout=printed, stderr=subprocess.STDOUT
            )
        ends_at_s = time.monotonic() + PATIENCE_S
        while not self._listens():
            ended = self._running.poll() is not None or time.monotonic() > ends_at_s
            assert not ended, self.printed(command)
            time.sleep(0.02)

    def stop(self) -> None:
        """End it by its own process id."""
        process, self._running = self._running, None
        if process is None:
            return
        process.terminate()
        try:
            process.wait(PATIENCE_S / 3)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def printed(self, command: Sequence[str]) -> str:
        """What it has said, for whoever asks why it does not run."""
        return f"{command[0]} does not serve:\n" + (self._folder / "printed.txt").read_text("utf-8", "replace")

    def _listens(self) -> bool:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=1.0):
            return True
        return False
