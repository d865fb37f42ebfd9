"""Rooms, files and functions stay small enough to be read at one sitting.

It must never count what is not read: packages' `__init__.py`, Markdown pages, data.
"""

import ast
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import PurePosixPath

import pytest

from tests.house.source import ROOT, Source, hold, problem, sample, sources

MODULES_A_ROOM = 10
LINES_A_FILE = 400
LINES_A_FUNCTION = 60
DOORS = ("__init__.py", "__main__.py")


def crowded(files: Iterable[Source]) -> list[str]:
    """The rooms that hold more modules than a newcomer can keep in mind."""
    rooms: dict[str, list[str]] = defaultdict(list)
    for source in files:
        path = PurePosixPath(source.path)
        if path.name not in DOORS:
            rooms[str(path.parent)].append(path.name)
    return [
        f"{room}: {len(names)} modules: {', '.join(sorted(names))}. The eleventh says that it is two rooms: part them"
        for room, names in sorted(rooms.items())
        if len(names) > MODULES_A_ROOM
    ]


def long_file(source: Source) -> Iterator[str]:
    """A file that does more than one thing, by its length."""
    lines = source.text.count("\n")
    if lines > LINES_A_FILE:
        yield problem(
            source, lines, f"{lines} lines, {LINES_A_FILE} at most", "Name the second thing that it does, and move it"
        )


def long_functions(source: Source) -> Iterator[str]:
    """Functions that cannot be seen at a glance."""
    for node in ast.walk(source.tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            if lines > LINES_A_FUNCTION:
                what = f"{node.name} has {lines} lines, {LINES_A_FUNCTION} at most"
                yield problem(source, node, what, "Give a name to one of its steps")


def test_no_room_holds_more_than_ten_modules() -> None:
    if found := crowded(sources("src/netra")):
        pytest.fail("\n".join(found), pytrace=False)


def test_no_file_is_longer_than_can_be_read_at_once() -> None:
    hold(long_file, (*sources("src"), *sources("tests")))


def test_no_function_is_longer_than_a_screen() -> None:
    hold(long_functions, (*sources("src"), *sources("tests")))


def test_an_eleventh_module_is_found() -> None:
    room = [sample(f"src/netra/room/m{number}.py", "") for number in range(MODULES_A_ROOM)]
    assert not crowded([*room, sample("src/netra/room/__init__.py", "")])
    assert crowded([*room, sample("src/netra/room/one_more.py", "")])


def test_a_file_of_one_line_too_many_is_found() -> None:
    assert not list(long_file(sample("src/netra/a.py", "x = 1\n" * LINES_A_FILE)))
    assert list(long_file(sample("src/netra/a.py", "x = 1\n" * (LINES_A_FILE + 1))))


def test_a_function_of_one_line_too_many_is_found() -> None:
    text = "async def f():\n" + "    x = 1\n" * (LINES_A_FUNCTION - 1)
    assert not list(long_functions(sample("src/netra/a.py", text)))
    assert list(long_functions(sample("src/netra/a.py", text + "    x = 1\n")))
    assert list(
        long_functions(
            sample(
                "src/netra/a.py", "class C:\n" + "".join(f"  {line}\n" for line in (text + "    x = 1").splitlines())
            )
        )
    )


def test_the_guards_read_the_whole_project() -> None:
    assert {"src/netra/__main__.py", "src/netra/core/verdict/causes.py"} <= {each.path for each in sources("src/netra")}
    assert (ROOT / "pyproject.toml").is_file()
