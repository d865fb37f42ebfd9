"""Commands as tests want them: without any variable that this machine happens to have, in a folder of their own.

It must never hold an expectation: those stand in tests.
"""

import os
from pathlib import Path

import pytest

from tests.cli.support import OURS, Command


@pytest.fixture
def netra(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Command:
    for name in os.environ:
        if name.startswith(OURS):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    return Command(monkeypatch, capsys)
