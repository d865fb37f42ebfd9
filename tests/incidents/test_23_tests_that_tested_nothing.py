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
from collections.abc import Iterable
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
    "staging_login_works(): assert {'status': 200}['status'] == 200": "failed",
    "it_looks_at_an_address(address): assert address": "failed",
    "its_fixture_connects(connected): pass": "failed",
    "it_talks_to_itself(): socket.socketpair()[0].close()": "failed",
    "it_only_opens_a_socket(): socket.socket().close()": "failed",
    "it_connects(address): socket.create_connection(address).close()": "passed",
    "it_is_refused(): assert socket.socket().connect_ex(('127.0.0.1', 1))": "passed",
    "it_connects_in_a_loop(address): asyncio.run(asyncio.open_connection(*address))": "passed",
}
"""Tests of a staging system, and what must become of them."""
PLAIN: Final = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
"""Runs inside this run need no more than pytest itself."""
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
        env=PLAIN,
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    found = {name: word.lower() for name, word in re.findall(r"::(\w+) (PASSED|FAILED|ERROR)", done.stdout)}
    assert done.returncode == ("failed" in found.values()), done.stdout + done.stderr
    return found


def test_a_test_of_a_running_system_that_connects_to_nothing_fails_and_only_there(tmp_path: Path) -> None:
    excepted = next(iter(WITHOUT_CONNECTION)).partition("::")[0]
    idle = [f"{name}(): pass" for name in LISTED[1:]]
    files = {f"{folder}/test_staging_of_{folder}.py": [f"test_{folder}_{test}" for test in TESTS] for folder in LIVE}
    files["core/test_pure.py"] = ["test_pure(): pass"]
    files[excepted] = [*idle, f"{LISTED[0]}(address): socket.create_connection(address).close()"]
    found = run_of(tmp_path, files)
    words = {test.partition("(")[0]: word for test, word in TESTS.items()}
    for folder in LIVE:
        assert {name: found.pop(f"test_{folder}_{name}") for name in words} == words
    assert found.pop("test_pure") == "passed"
    assert found.pop(LISTED[0]) == "failed", "who connects needs no exception"
    assert found == dict.fromkeys(LISTED[1:], "passed")


def test_whoever_needs_no_connection_exists_and_says_why() -> None:
    there = {name.removeprefix("tests/") for source in sources("tests") for name in written(source)}
    assert WITHOUT_CONNECTION.keys() <= there, "take out of WITHOUT_CONNECTION what is no longer there"
    assert all(len(reason.split()) > 1 for reason in WITHOUT_CONNECTION.values())
    assert len(WITHOUT_CONNECTION) <= 5, "the exceptions become the rule"


def written(source: Source) -> list[str]:
    """The tests that stand in a file, also those that a later one of the same name hides."""
    classes = [node for node in source.tree.body if isinstance(node, ast.ClassDef) and node.name.startswith("Test")]
    blocks = [source.tree.body, *(each.body for each in classes)]
    functions = [node for block in blocks for node in block if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    return [f"{source.path}::{function.name}" for function in functions if function.name.startswith("test_")]


def machines(source: Source) -> list[str]:
    """The state machines of a file, which a library turns into tests of its own."""
    return [
        ast.unparse(node.targets[0])
        for node in source.tree.body
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Attribute) and node.value.attr == "TestCase"
    ]


def not_run(files: Iterable[Source], collected: set[str]) -> list[str]:
    """What stands in the tree and never runs: tests nobody collects, tests behind another one, files without any."""
    found = []
    for source in files:
        tests = written(source)
        found += [f"{each} is not collected" for each in tests if each not in collected]
        found += [f"{each} is there {count} times" for each, count in Counter(tests).items() if count > 1]
        if Path(source.path).name.startswith("test_") and not tests and not machines(source):
            found.append(f"{source.path} holds no test")
    return found


def collected_by(session: pytest.Session) -> set[str]:
    """Every test of the tree by file and name, as this run has collected it, or, where it saw a part, another run.

    A file that cannot be read ends either of them.
    """
    names = [item.nodeid for item in session.items]
    everywhere = {source.path for source in sources("tests") if Path(source.path).name.startswith("test_")}
    if everywhere - {name.partition("::")[0] for name in names}:
        done = subprocess.run(
            [
                sys.executable,
                "-m",
                "pytest",
                "--collect-only",
                "-q",
                "--assert=plain",
                "-p",
                "no:cacheprovider",
                "tests",
            ],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=4 * PATIENCE_S,
            check=False,
        )
        assert done.returncode == 0, done.stdout[-4000:] + done.stderr
        names = [line for line in done.stdout.splitlines() if "::" in line]
    assert [name for name in names if "NOTSET" in name] == [], "a test has a table of parameters without a row"
    return {re.sub(r"::Test\w+::", "::", name.partition("[")[0]) for name in names}


def test_the_whole_tree_can_be_read_and_every_test_in_it_runs(request: pytest.FixtureRequest) -> None:
    collected = collected_by(request.session)
    assert not_run(sources("tests"), collected) == []
    assert len(collected) > 1000, "hardly a test has been collected"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("test_a.py", '"""Nothing at all."""'),
        ("test_a.py", "def check_a(): pass"),
        ("test_a.py", "def test_b(): pass"),
        ("support.py", "def test_a(): pass"),
        ("test_a.py", "async def test_a(): pass\n\nasync def test_a(): pass"),
        ("test_a.py", "class TestIt:\n    def test_b(self): pass"),
    ],
    ids=range(6),
)
def test_a_test_that_never_runs_is_found(name: str, text: str) -> None:
    assert not_run([sample(f"tests/x/{name}", text)], {"tests/x/test_a.py::test_a"})


def test_a_test_that_runs_is_left_alone() -> None:
    text = "def test_a(): pass\nclass TestIt:\n    def test_b(self): pass"
    assert not_run([sample("tests/x/test_a.py", text)], {f"tests/x/test_a.py::test_{each}" for each in "ab"}) == []
