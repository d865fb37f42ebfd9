"""The two gateways that are compared, each a program of its own in front of the same auth service.

It must never hand the settings of this shell on: what is measured is the product's defaults and what a scene says.
"""

import asyncio
import contextlib
import importlib.util
import json
import os
import secrets
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Final, Literal, NamedTuple

Kind = Literal["netra", "naive"]
State = Literal["closed", "open", "half_open"]

NAIVE_TIMEOUT_S: Final = 5.0
NEEDED_BY: Final[Mapping[Kind, tuple[str, ...]]] = {"netra": ("netra",), "naive": ("fastapi", "httpx", "uvicorn")}
_HERE: Final = Path(__file__).parent
_STATES: Final[Mapping[str, State]] = {
    "Circuit opened": "open",
    "Circuit half-open": "half_open",
    "Circuit closed": "closed",
}
_OURS: Final = ("NETRA_", "AUTH_SERVICE_", "SERVICE_", "OAUTH_", "ENVIRONMENT")
_DEFAULTS: Final = {
    "ENVIRONMENT": "production",
    "SERVICE_ID": "resilience",
    "NETRA_PLAINTEXT_HOSTS": "127.0.0.1",
    # Every user has an address of his own.
    "NETRA_TRUSTED_PROXIES": "127.0.0.1",
    "NETRA_LOG_FORMAT": "json",
    "NETRA_DRAIN_DELAY_S": "0",
}
_START_S: Final = 20.0


class Running(NamedTuple):
    """A gateway that answers."""

    port: int
    login_path: str
    pid: int


class Changed(NamedTuple):
    """The circuit of logins changed its state."""

    at_s: float
    """Of the wall clock."""
    state: State


def missing_for(kind: Kind) -> list[str]:
    """The packages that a gateway needs and that are not installed."""
    return [name for name in NEEDED_BY[kind] if importlib.util.find_spec(name) is None]


@contextlib.asynccontextmanager
async def running(
    kind: Kind, auth_service_port: int, variables: Mapping[str, str], log: Path, scale: float
) -> AsyncIterator[Running]:
    """A gateway in front of an auth service, stopped at the end. Raises: SystemExit, when it does not start."""
    port, url = _free_port(), f"http://127.0.0.1:{auth_service_port}"
    if kind == "netra":
        command = [sys.executable, "-m", "netra", "serve"]
        ours = {
            **_DEFAULTS,
            "AUTH_SERVICE_URL": url,
            "SERVICE_SECRET": secrets.token_hex(32),
            "NETRA_PORT": str(port),
            "NETRA_ADMIN_PORT": "0",
        }
        path = "/api/v1/auth/login"
    else:
        command = [sys.executable, str(_HERE / "naive_gateway.py"), str(port), url, str(NAIVE_TIMEOUT_S * scale)]
        ours, path = {}, "/login"
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(_OURS)}
    with log.open("wb") as stream:
        started = subprocess.Popen(  # noqa: ASYNC220 - at the start of a run nothing else goes on
            command, env={**inherited, **ours, **variables}, stdout=stream, stderr=subprocess.STDOUT
        )
    try:
        await _answering(port, started, log)
        yield Running(port, path, started.pid)
    finally:
        started.terminate()
        try:
            await asyncio.to_thread(started.wait, _START_S)
        except subprocess.TimeoutExpired:
            started.kill()
            await asyncio.to_thread(started.wait)


async def _answering(port: int, started: "subprocess.Popen[bytes]", log: Path) -> None:
    for _ in range(int(_START_S / 0.05)):
        if started.poll() is not None:
            break
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            await asyncio.sleep(0.05)
            continue
        writer.close()
        return
    raise SystemExit(f"The gateway did not start. Its last lines:\n{_last_lines(log)}")


def _last_lines(log: Path) -> str:
    return log.read_text(errors="replace")[-2000:]


def changes(log: Path) -> Iterator[Changed]:
    """What the log says of the circuit of logins, in order."""
    for line in log.read_text(errors="replace").splitlines():
        try:
            told = json.loads(line)
        except ValueError:
            continue
        if isinstance(told, dict) and told.get("event") in _STATES and told.get("calls") == "login":
            yield Changed(datetime.fromisoformat(told["timestamp"]).timestamp(), _STATES[told["event"]])


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
