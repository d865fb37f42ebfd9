"""A real Alertmanager with the routes that are deployed: it is given alerts, and says which of them it would send.

It must never outlive the tests, nor reach beyond this machine.
"""

import json
import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, Final

from tests.house.source import ROOT

_PATH: Final = f"{os.environ.get('PATH', '')}:/usr/local/bin"
PROGRAM: Final = shutil.which("prometheus-alertmanager", path=_PATH) or shutil.which("alertmanager", path=_PATH)
AMTOOL: Final = shutil.which("amtool", path=_PATH)
FILE: Final = ROOT / "deploy/alertmanager/alertmanager.yaml"
PATIENCE_S: Final = 20.0
_ALERTS: Final = "/api/v2/alerts"
_LISTENS: Final = re.compile(r'msg="?Listening on"? .*?address="?(127\.0\.0\.1:\d+)')

Labels = Mapping[str, str]


class Alertmanager:
    """Where it answers."""

    def __init__(self, address: str) -> None:
        self._address = address

    def give(self, alerts: Iterable[Labels]) -> None:
        """Alerts that stand now."""
        document = json.dumps([{"labels": each} for each in alerts]).encode()
        self._asked("POST", _ALERTS, document)

    def sent(self) -> list[Any]:
        """Those that nothing hides, each with its labels and its receivers."""
        found: list[Any] = json.loads(self._asked("GET", f"{_ALERTS}?inhibited=false"))
        return found

    def _asked(self, method: str, target: str, document: bytes | None = None) -> bytes:
        line = HTTPConnection(self._address, timeout=PATIENCE_S)
        with closing(line):
            line.request(method, target, document, {"Content-Type": "application/json"})
            answer = line.getresponse()
            assert answer.status == 200, answer.read()
            return answer.read()


@contextmanager
def alertmanager(folder: Path) -> Iterator[Alertmanager]:
    """One that runs, on any free port."""
    assert PROGRAM is not None
    log = folder / "alertmanager.log"
    command = [
        PROGRAM,
        f"--config.file={FILE}",
        f"--storage.path={folder / 'storage'}",
        "--web.listen-address=127.0.0.1:0",
        "--cluster.listen-address=",
    ]
    with log.open("wb") as stream:
        process = subprocess.Popen(command, stdout=stream, stderr=stream, cwd=folder)
    try:
        yield Alertmanager(_address(log, process))
    finally:
        process.kill()
        process.wait()


def _address(log: Path, process: "subprocess.Popen[bytes]") -> str:
    ends_at_s = time.monotonic() + PATIENCE_S
    while time.monotonic() < ends_at_s and process.poll() is None:
        found = _LISTENS.search(log.read_text("utf-8", "replace"))
        if found:
            return found[1]
        time.sleep(0.05)
    raise AssertionError(f"Alertmanager did not listen: {log.read_text('utf-8', 'replace')[-2000:]}")
