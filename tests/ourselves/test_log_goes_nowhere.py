"""The log's stream is closed, full, or read by nobody: logins are served, and what is lost is counted.

It must never be read by the test where the row says that nobody reads.
"""

import contextlib
import json
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from netra.lab.faulty_auth_service import FaultyAuthService
from netra.observe.log.outlet import PAUSE_S
from tests.ourselves.support import Kept, kept_line, login_bytes, until
from tests.support import wire
from tests.support.gateways import ENVIRONMENT
from tests.support.labs import lab
from tests.support.places import free_port
from tests.support.programs import PATIENCE_S, ROOT, environment

pytestmark = pytest.mark.row("nowhere-to-log")

LOGINS_COUNT = 300


@pytest.fixture(scope="module")
def service() -> Iterator[FaultyAuthService]:
    with lab() as one:
        yield one


@contextlib.contextmanager
def serving(url: str, shell: str = 'exec "$@"', **how: Any) -> Iterator[tuple["subprocess.Popen[str]", Kept]]:
    """A gateway whose output goes where the test says, and a client of it. Its end is a good one."""
    port = free_port()
    told = {**ENVIRONMENT, "AUTH_SERVICE_URL": url, "NETRA_DRAIN_DELAY_S": "0"}
    process = subprocess.Popen(
        [
            "/bin/sh",
            "-c",
            shell,
            "sh",
            sys.executable,
            "-m",
            "netra",
            "serve",
            "--port",
            str(port),
            "--admin-port",
            "0",
        ],
        env=environment(told),
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        **how,
    )
    try:
        until(lambda: answers(port), "the start of a gateway")
        with kept_line(f"http://127.0.0.1:{port}") as line:
            yield process, line
        process.send_signal(signal.SIGTERM)
        _, complained = process.communicate(timeout=PATIENCE_S)
        assert process.returncode == 0, complained
        assert "Traceback" not in complained
    finally:
        process.kill()
        process.communicate()


def answers(port: int) -> bool:
    """Does a gateway answer there?"""
    try:
        return wire.ask_now(f"http://127.0.0.1:{port}", "GET", "/livez").status == 200
    except OSError:
        return False


def log_in(line: Kept, count: int) -> None:
    """So many logins, all of them good."""
    for _ in range(count):
        assert line.ask(login_bytes(keep=True)).status == 200


@pytest.mark.parametrize("shell", ['exec "$@" >&-', 'exec "$@" >/dev/full'], ids=["closed", "full"])
def test_a_gateway_whose_output_is_closed_or_full_serves_on_and_ends_well(
    service: FaultyAuthService, shell: str
) -> None:
    with serving(service.url, shell, stdout=subprocess.DEVNULL) as (_, line):
        log_in(line, LOGINS_COUNT)


@pytest.mark.parametrize("reader", ["has gone", "does not read"])
def test_a_gateway_whose_reader_has_gone_or_stopped_serves_on_and_ends_well(
    service: FaultyAuthService, reader: str
) -> None:
    reading, writing = os.pipe()
    try:
        with serving(service.url, stdout=writing) as (_, line):
            log_in(line, 1)
            if reader == "has gone":
                os.close(reading)
            log_in(line, LOGINS_COUNT)
    finally:
        os.close(writing)
        if reader != "has gone":
            os.close(reading)


def test_what_a_full_disk_loses_is_counted_and_told_when_there_is_room_again(
    service: FaultyAuthService, tmp_path: Path
) -> None:
    log = tmp_path / "log"

    def events(name: str) -> list[Any]:
        lines = [json.loads(each) for each in log.read_text().splitlines()]
        return [each for each in lines if each["event"] == name]

    with log.open("wb") as written, serving(service.url, stdout=written) as (process, line):
        log_in(line, 5)
        until(lambda: len(events("Login succeeded")) == 5, "the writing of five lines")
        limits = resource.prlimit(process.pid, resource.RLIMIT_FSIZE)
        # Not one more byte goes into any file.
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (0, limits[1]))
        log_in(line, LOGINS_COUNT)
        time.sleep(10 * PAUSE_S)  # until the last of them have been tried and lost
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, limits)
        log_in(line, 1)
        until(lambda: bool(events("Log lines dropped")), "the word about it")
    (dropped,) = events("Log lines dropped")
    assert dropped["count"] == LOGINS_COUNT
    assert len(events("Login succeeded")) == 6
