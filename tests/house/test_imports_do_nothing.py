"""Nothing happens at import: whoever imports a room of Netra gets names, and no side effect.

It must never look at other people's packages: they may read their environment, ours may not.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.house.source import ROOT, sources

# Runs in an interpreter of its own; everything that a named module does at import is printed, one line each.
WATCH = r'''
import os, sys

OURS, ASKED = sys.argv[1] + os.sep, sys.argv[2:]
LOUD = ("socket.__new__", "socket.bind", "socket.connect", "socket.getaddrinfo", "subprocess.Popen",
        "os.system", "os.fork", "os.exec", "os.putenv", "os.mkdir", "os.remove", "os.rename",
        "_thread.start_new_thread", "signal.signal", "sqlite3.connect")
said, current = [], ""

def say(what):
    if current and (line := f"{current}: {what}") not in said:
        said.append(line)

def hear(event, arguments):
    if event in LOUD:
        say(f"{event} at import")
    elif event == "open" and isinstance(arguments[1], str) and set(arguments[1]) & set("wax+"):
        say(f"opens {arguments[0]} for writing at import")

class Watched(type(os.environ)):
    """The environment; tells who reads it, when that is a file of ours."""
    def _heard(self):
        frame = sys._getframe(2)
        while frame and frame.f_code.co_filename.endswith(("os.py", "_collections_abc.py", "<frozen os>",
                                                           "<frozen _collections_abc>")):
            frame = frame.f_back
        if frame and frame.f_code.co_filename.startswith(OURS):
            say(f"reads the environment at import, in line {frame.f_lineno} of {frame.f_code.co_filename[len(OURS):]}")
    def __getitem__(self, key):
        self._heard()
        return super().__getitem__(key)
    def __contains__(self, key):
        self._heard()
        return super().__contains__(key)
    def __iter__(self):
        self._heard()
        return super().__iter__()

os.environ.__class__ = Watched
sys.dont_write_bytecode = True
sys.addaudithook(hear)
import importlib, threading
for name in ASKED:
    current = name
    before = threading.active_count()
    try:
        importlib.import_module(name)
    except Exception as error:
        say(f"cannot be imported: {type(error).__name__}: {error}")
    if threading.active_count() != before:
        say("leaves a thread behind")
current = ""
print(*said, sep="\n")
'''


def happenings(folder: Path, modules: list[str]) -> list[str]:
    """What the modules below `folder` do when they are imported."""
    done = subprocess.run(
        [sys.executable, "-c", WATCH, str(folder), *modules],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(folder), os.environ.get("PYTHONPATH", "")])},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.split("\n")[:-1] if done.stdout.strip() else []


def modules() -> list[str]:
    """Every module of ours but the migrations, which are scripts that Alembic runs."""
    return [each.module for each in sources("src/netra") if "/migrations/" not in each.path]


def test_importing_every_module_does_nothing() -> None:
    found = happenings(ROOT / "src", modules())
    if found:
        pytest.fail("\n".join((*found, "Move it into a function that somebody calls.")), pytrace=False)


def test_every_module_is_watched() -> None:
    assert {"netra", "netra.__main__", "netra.cli.main", "netra.core.verdict.classify"} <= set(modules())


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("import socket\ns = socket.socket()", "socket"),
        ("import threading\nthreading.Thread(target=threading.Event().wait, daemon=True).start()", "thread"),
        ("import os\nx = os.environ.get('HOME')", "environment"),
        ("import os\nx = os.getenv('HOME')", "environment"),
        ("import os\nx = 'HOME' in os.environ", "environment"),
        ("import os\nx = dict(os.environ)", "environment"),
        ("open('/dev/null', 'w').close()", "writing"),
        ("import subprocess\nsubprocess.run(['true'])", "subprocess"),
        ("import netra_that_does_not_exist", "cannot be imported"),
    ],
)
def test_a_module_that_does_something_at_import_is_found(tmp_path: Path, text: str, word: str) -> None:
    (tmp_path / "busy.py").write_text(text)
    found = happenings(tmp_path, ["busy"])
    assert any(word in line for line in found), found


def test_a_module_that_only_defines_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "idle.py").write_text(
        "import json, os\ndef f():\n    return os.environ.get('HOME')\nX = json.loads('1')"
    )
    assert not happenings(tmp_path, ["idle"])
