"""Where everything is installed, a skipped test is a failed test.

It must never trust the hooks of this very run: a run of its own shows what they do.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.house.source import ROOT

TESTS = {
    "test_skipped.py": "import pytest\ndef test_a():\n    pytest.skip('no browser')\ndef test_b(): pass\n",
    "test_marked.py": "import pytest\n@pytest.mark.skipif(True, reason='no proxy')\ndef test_a(): pass\n",
    "test_whole.py": "import pytest\npytest.importorskip('netra_has_no_such_thing')\ndef test_a(): pass\n",
}


def outcome(folder: Path, required: str) -> dict[str, int]:
    """What pytest counts at its end, e.g. `{"passed": 1, "failed": 2}`."""
    (folder / "conftest.py").write_text((ROOT / "tests/conftest.py").read_text("utf-8"))
    (folder / "pytest.ini").write_text("[pytest]\naddopts = -p no:cacheprovider\n")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "--continue-on-collection-errors", str(folder)],
        env={**os.environ, "NETRA_REQUIRE_OPTIONAL": required, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    return {word.rstrip("s"): int(number) for number, word in re.findall(r"(\d+) (\w+)", done.stdout.splitlines()[-1])}


def test_what_nobody_can_install_may_be_skipped_everywhere(tmp_path: Path) -> None:
    skipping = "import pytest\ndef test_a():\n    pytest.skip('the kernel does not allow it')\n"
    (tmp_path / "test_kernel.py").write_text(skipping)
    assert outcome(tmp_path, "1") == {"skipped": 1}


def test_a_skip_is_a_skip_where_things_may_be_missing(tmp_path: Path) -> None:
    for name, text in TESTS.items():
        (tmp_path / name).write_text(text)
    found = outcome(tmp_path, "")
    assert (found["passed"], found["skipped"]) == (1, 3)
    assert "failed" not in found


@pytest.mark.parametrize(
    ("name", "word"), [("test_skipped.py", "failed"), ("test_marked.py", "error"), ("test_whole.py", "error")]
)
def test_a_skip_fails_where_nothing_may_be_missing(tmp_path: Path, name: str, word: str) -> None:
    (tmp_path / name).write_text(TESTS[name])
    found = outcome(tmp_path, "1")
    assert found[word] == 1
    assert "skipped" not in found
