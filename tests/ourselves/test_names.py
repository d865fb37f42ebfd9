"""A real resolver, with a name server that fails on command: in a network of its own, where there is no other.

It must never touch the network that the tests run in.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).resolve().parents[2]
INSIDE: Final = Path(__file__).with_name("names_inside.py")
APART: Final = ("unshare", "--map-root-user", "--net", "--mount")
PREPARE: Final = """
import fcntl, socket, struct, subprocess, sys
with socket.socket() as any_socket:  # SIOCSIFFLAGS: the loopback interface is up and running
    fcntl.ioctl(any_socket, 0x8914, struct.pack("16sh", b"lo", 0x41))
subprocess.run(["mount", "--bind", sys.argv[1], "/etc/resolv.conf"], check=True)
"""


def prepared(folder: Path) -> list[str]:
    """A command that runs another one in a network of its own, where the name server is on this machine."""
    (folder / "resolv.conf").write_text("nameserver 127.0.0.1\noptions timeout:1 attempts:1\n")
    (folder / "prepare.py").write_text(PREPARE)
    prepare = f'"{sys.executable}" "{folder}/prepare.py" "{folder}/resolv.conf" && exec "$@"'
    return [*APART, "sh", "-c", prepare, "sh"]


def possible(folder: Path) -> bool:
    """May this process have a network of its own?"""
    if shutil.which(APART[0]) is None:
        return False
    return subprocess.run([*prepared(folder), "true"], capture_output=True, check=False).returncode == 0


def test_whatever_a_name_server_does_logins_have_their_end_in_time(tmp_path: Path) -> None:
    if not possible(tmp_path):
        pytest.skip("the kernel does not allow a network of one's own here")
    run = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "-o",
        "python_functions=inside_*",
        str(INSIDE),
    ]
    done = subprocess.run(
        [*prepared(tmp_path), *run], cwd=ROOT, env=dict(os.environ), capture_output=True, text=True, check=False,
        timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"\b7 passed\b", done.stdout), done.stdout
