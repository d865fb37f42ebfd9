"""More than a hundred tests of a running system passed in no time at all: not one of them had connected to anything.

Beside them lay a suite that had not even been readable for weeks, so that it had never failed. It must never pass for a
test of a running system what made no connection, and no test may lie in the tree that is not collected.
"""

import ast
import os
import re
import subprocess
import sys
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Final

import pytest

from tests.conftest import LIVE, WITHOUT_CONNECTION
from tests.house.source import ROOT, Source, sample, sources
from tests.support.programs import PATIENCE_S

AN_ADDRESS: Final = """
import asyncio, socket
import pytest

@pytest.fixture
def address():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()

@pytest.fixture
def connected(address):
    socket.create_connection(address).close()
"""
TESTS: Final = {
    "test_staging_login_works(): assert {'status': 200}['status'] == 200": "failed",
    "test_it_looks_at_an_address(address): assert address": "failed",
    "test_its_fixture_connects(connected): pass": "failed",
    "test_it_talks_to_itself(): socket.socketpair()[0].close()": "failed",
    "test_it_only_opens_a_socket(): socket.socket().close()": "failed",
    "test_it_connects(address): socket.create_connection(address).close()": "passed",
    "test_it_is_refused(): assert socket.socket().connect_ex(('127.0.0.1', 1))": "passed",
    "test_it_connects_in_a_loop(address): asyncio.run(asyncio.open_connection(*address))": "passed",
}
"""Tests of a staging system, and what must become of them."""
LISTED: Final = sorted(name.partition("::")[2] for name in WITHOUT_CONNECTION)


def run_of(folder: Path, files: dict[str, list[str]]) -> dict[str, str]:
    """What becomes of these tests, by name, in a run with the project's own `conftest.py`."""
    (folder / "conftest.py").write_text((ROOT / "tests/conftest.py").read_text("utf-8"))
    (folder / "pytest.ini").write_text("[pytest]\naddopts = -p no:cacheprovider -p no:unraisableexception\n")
    for place, tests in files.items():
        (folder / place).parent.mkdir(exist_ok=True)
        (folder / place).write_text(AN_ADDRESS + "".join(f"def {test}\n" for test in tests))
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-vv", str(folder)],
        env={**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    found = {name: word.lower() for name, word in re.findall(r"::(\w+) (PASSED|FAILED|ERROR)", done.stdout)}
    assert done.returncode == ("failed" in found.values()), done.stdout + done.stderr
    return found


@pytest.mark.parametrize("folder", LIVE)
def test_a_test_of_a_running_system_that_connects_to_nothing_fails(tmp_path: Path, folder: str) -> None:
    found = run_of(tmp_path, {f"{folder}/test_staging.py": list(TESTS)})
    assert found == {test.partition("(")[0]: word for test, word in TESTS.items()}


def test_elsewhere_and_where_it_is_allowed_nobody_needs_a_connection(tmp_path: Path) -> None:
    place = next(iter(WITHOUT_CONNECTION)).partition("::")[0]
    idle = [f"{name}(): pass" for name in LISTED[1:]]
    busy = f"{LISTED[0]}(address): socket.create_connection(address).close()"
    found = run_of(tmp_path, {"core/test_pure.py": ["test_pure(): pass"], place: [*idle, busy]})
    assert found == {"test_pure": "passed", **dict.fromkeys(LISTED[1:], "passed"), LISTED[0]: "failed"}


def test_whoever_needs_no_connection_exists_and_says_why() -> None:
    there = {
        f"{source.path.removeprefix('tests/')}::{name}" for source in sources("tests") for name in tests_of(source)
    }
    assert WITHOUT_CONNECTION.keys() <= there, "take out of WITHOUT_CONNECTION what is no longer there"
    assert all(len(reason.split()) > 1 for reason in WITHOUT_CONNECTION.values())
    assert len(WITHOUT_CONNECTION) <= 5, "the exceptions become the rule"


def tests_of(source: Source) -> list[str]:
    """The tests that stand in a file, also those that a later one of the same name hides."""
    classes = [node for node in source.tree.body if isinstance(node, ast.ClassDef) and node.name.startswith("Test")]
    return [
        node.name
        for inside in (source.tree, *classes)
        for node in inside.body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_")
    ]


@cache
def collected() -> frozenset[str]:
    """Every test that pytest finds in the whole tree, by file and name; a file that cannot be read is an error."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "--collect-only", "-qq", "-p", "no:cacheprovider", "-o", "addopts=", "-p",
         "no:randomly", "--import-mode=importlib", "--co", "-q", "tests"],
        cwd=ROOT, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr
    return frozenset(done.stdout.splitlines())


def test_every_test_in_the_tree_is_collected() -> None:
    pass
