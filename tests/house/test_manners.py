"""How files are written: finished, said in words, and tested without pretending.

It must never be met by an empty docstring, nor by a test that replaces what it tests.
"""

import ast
import io
import re
import sys
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.house.source import (
    ROOT,
    FunctionNode,
    Source,
    calls,
    dotted,
    hold,
    imports,
    meaning,
    problem,
    sample,
    sources,
)

LEFT_UNDONE = re.compile("|".join(rf"\b{word}\b" for word in ("TODO", "FIXME")))
TEXTS = ("*.py", "*.md", "*.toml", "*.txt", "*.j2", "*.css", "*.in", "Makefile", "run", "lock")
FOLDERS = ("src", "tests", "docs", "examples", "requirements", ".ci", "benchmarks")

PRETENDERS = frozenset({"Mock", "MagicMock", "AsyncMock", "NonCallableMock", "PropertyMock", "create_autospec"})


def undone(path: str, text: str) -> list[str]:
    """Where somebody left a note instead of finishing; in Python only comments and docstrings can be notes."""
    lines = _notes(text) if path.endswith(".py") else enumerate(text.splitlines(), 1)
    return [
        f"{path}:{number}: unfinished: {line.strip()[:80]}. Finish it, or say in the docs what is not there yet"
        for number, line in lines
        if LEFT_UNDONE.search(line)
    ]


def _notes(text: str) -> Iterator[tuple[int, str]]:
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            yield token.start[0], token.string
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            yield from enumerate(node.value.value.splitlines(), node.lineno)


def undocumented(source: Source) -> Iterator[str]:
    """A file, a class or a public function that says nothing of itself."""
    if len((ast.get_docstring(source.tree) or "").split()) < 3:
        what = "the file does not say what it is for"
        yield problem(source, 1, what, "Begin it with one sentence of purpose and one of what it must never do")
    if source.path.startswith("src/"):
        for node, name in _public(source.tree, ""):
            if len((ast.get_docstring(node) or "").split()) < 2:
                yield problem(
                    source, node, f"{name} has no docstring", "Say what it does, in a sentence a newcomer understands"
                )


def _public(inside: ast.Module | ast.ClassDef, prefix: str) -> Iterator[tuple[FunctionNode | ast.ClassDef, str]]:
    for node in inside.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) and not _is_private(node):
            name = f"{prefix}{node.name}"
            yield node, name
            if isinstance(node, ast.ClassDef):
                yield from _public(node, f"{name}.")


def _is_private(node: FunctionNode | ast.ClassDef) -> bool:
    """What begins with an underscore, what Python itself calls, and the typing of another function."""
    typing_only = any(ast.unparse(each).endswith("overload") for each in node.decorator_list)
    return node.name.startswith("_") or typing_only


def pretends(source: Source) -> Iterator[str]:
    """A test that replaces parts of what it tests."""
    cure = "Hand the part in, use a fake of netra.testing, or start the real thing"
    for each in imports(source):
        if each.full.startswith(("unittest.mock", "mock.")) or each.module == "mock" or each.full == "pytest_mock":
            yield problem(source, each.line, f"imports {each.full}", cure)
    for node, name in calls(source):
        patched = name.endswith("monkeypatch.setattr") and not _of_python(source, node)
        if patched or name.rpartition(".")[2] in PRETENDERS or name.startswith(("mocker.", "patch.")):
            yield problem(source, node, f"calls {name}", cure)
    for function in ast.walk(source.tree):
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            yield from (
                problem(source, each, f"asks for the fixture {each.arg}", cure)
                for each in function.args.args
                if each.arg == "mocker"
            )


def _of_python(source: Source, call: ast.Call) -> bool:
    """Is it a part of the standard library that is replaced? A system cannot always be made to fail by itself."""
    target = dotted(call.args[0]) if call.args else ""
    first = target.partition(".")[0]
    top = meaning(source).get(first, first).partition(".")[0]
    return bool(target) and top in sys.stdlib_module_names


def test_nothing_is_left_undone() -> None:
    files = {path for folder in FOLDERS for kind in TEXTS for path in (ROOT / folder).rglob(kind)} | {*_top_files()}
    found = [
        each
        for path in sorted(files)
        if path.is_file()
        and not any(part.startswith(".") and part != ".ci" for part in path.relative_to(ROOT).parts[:-1])
        for each in undone(path.relative_to(ROOT).as_posix(), path.read_text("utf-8"))
    ]
    if found:
        pytest.fail("\n".join(found), pytrace=False)


def _top_files() -> Iterator[Path]:
    for kind in TEXTS:
        yield from ROOT.glob(kind)


def test_everything_public_says_what_it_is() -> None:
    hold(undocumented, (*sources("src"), *sources("tests")))


def test_no_test_pretends() -> None:
    hold(pretends, sources("tests"))


@pytest.mark.parametrize("word", ["TODO", "FIXME"])
def test_a_note_to_self_is_found(word: str) -> None:
    assert undone("a.py", f"x = 1  # {word}: later")
    assert undone("a.py", f'def f():\n    """Works.\n\n    {word} better.\n    """')
    assert undone("a.md", f"# {word}")
    assert not undone("a.py", f"placeholder = '{word}'")


@pytest.mark.parametrize(
    "text",
    [
        "",
        '"""Purpose."""',
        '"""Says enough of itself."""\ndef f(): pass',
        '"""Says enough of itself."""\nasync def f(): """ """',
        '"""Says enough of itself."""\nclass C: pass',
        '"""Says enough of itself."""\nclass C:\n    """A thing."""\n    def m(self): pass',
    ],
)
def test_what_says_nothing_of_itself_is_found(text: str) -> None:
    assert list(undocumented(sample("src/netra/a.py", text)))


def test_private_things_may_be_silent() -> None:
    text = '''
        """Says enough of itself."""
        def _f(): pass
        class _C:
            def m(self): pass
        class D:
            """A thing."""
            def __len__(self): return 0
    '''
    assert not list(undocumented(sample("src/netra/a.py", text)))


def test_a_test_says_what_it_tests_by_its_name_alone() -> None:
    assert not list(undocumented(sample("tests/a.py", '"""Says enough of itself."""\ndef test_a(): pass')))


@pytest.mark.parametrize(
    "text",
    [
        "import unittest.mock",
        "from unittest import mock",
        "from unittest.mock import MagicMock",
        "import mock",
        "def test_a(monkeypatch):\n    monkeypatch.setattr('netra.x', 1)",
        "def test_a(monkeypatch):\n    monkeypatch.setattr('socket.getaddrinfo', 1)",
        "from netra.link import calls\ndef test_a(monkeypatch):\n    monkeypatch.setattr(calls, 'ask', 1)",
        "from netra import asgi as socket\ndef test_a(monkeypatch):\n    monkeypatch.setattr(socket.server, 'bind', 1)",
        "def test_a(mocker): pass",
        "x = MagicMock()",
        "x = helpers.AsyncMock()",
    ],
)
def test_a_test_that_pretends_is_found(text: str) -> None:
    assert list(pretends(sample("tests/a.py", text)))


@pytest.mark.parametrize(
    "text",
    [
        "def test_a(monkeypatch):\n    monkeypatch.setenv('A', '1')",
        "import socket\ndef test_a(monkeypatch):\n    monkeypatch.setattr(socket, 'getaddrinfo', hang)",
        "from unittest import TestCase",
    ],
)
def test_a_replaced_part_of_the_system_is_left_alone(text: str) -> None:
    assert not list(pretends(sample("tests/a.py", text)))
