"""Names that lead nowhere, hang, or lead to several addresses: told by a name server in a network of its own.

It must never touch the network that the tests run in.
"""

import os
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from tests.ourselves.test_names import ROOT, possible, prepared

INSIDE: Final = Path(__file__).with_name("names_inside.py")


def test_a_diagnosis_names_what_is_wrong_with_a_name(tmp_path: Path) -> None:
    if not possible(tmp_path):
        pytest.skip("the kernel does not allow a network of one's own here")
    run = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-o", "python_functions=inside_*"]
    done = subprocess.run(
        [*prepared(tmp_path), *run, str(INSIDE)], cwd=ROOT, env=dict(os.environ), capture_output=True, text=True,
        check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
