"""The project's own files, read once, for the guards of the house.

It must never import what it reads: a guard judges text, so that a broken room is still judged.
"""

import ast
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from pathlib import Path
from textwrap import dedent
from typing import NamedTuple

import pytest

ROOT = Path(__file__).resolve().parents[2]

FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef


class Source(NamedTuple):
    """One Python file."""

    path: str
    """From the project's folder on, e.g. `src/netra/core/secret.py`."""
    text: str
    tree: ast.Module

    @property
    def module(self) -> str:
        """Its dotted name, e.g. `netra.core.secret`; a package is named without `__init__`."""
        parts = Path(self.path).with_suffix("").parts
        parts = parts[1:] if parts[0] == "src" else parts
        return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)

    @property
    def is_package(self) -> bool:
        """Is it the `__init__.py` of a room?"""
        return self.path.endswith("/__init__.py")


class Import(NamedTuple):
    """One imported name: `from a.b import c` gives the module `a.b` and the name `c`."""

    module: str
    name: str
    line: int
    for_types: bool = False
    """Is it there for type checkers alone?"""

    @property
    def full(self) -> str:
        """The dotted name of what is imported."""
        return f"{self.module}.{self.name}" if self.name else self.module


Guard = Callable[[Source], Iterable[str]]
"""Looks at one file and says what is wrong, one sentence for each place."""


def sample(path: str, text: str) -> Source:
    """A file that does not exist: what a guard is tried on."""
    text = dedent(text)
    return Source(path, text, ast.parse(text))


@cache
def sources(folder: str) -> tuple[Source, ...]:
    """All Python files below a folder of the project, by path."""
    return tuple(
        Source(path.relative_to(ROOT).as_posix(), text, ast.parse(text, str(path)))
        for path in sorted((ROOT / folder).rglob("*.py"))
        for text in [path.read_text("utf-8")]
    )


def problem(source: Source, node: ast.AST | int, what: str, cure: str) -> str:
    """One finding as people want to read it: file, line, what is wrong, what to do."""
    line = node if isinstance(node, int) else getattr(node, "lineno", 1)
    return f"{source.path}:{line}: {what}. {cure}"


def hold(guard: Guard, files: Iterable[Source]) -> None:
    """Fail with everything that the guard finds in the files."""
    found = [each for source in files for each in guard(source)]
    if found:
        pytest.fail("\n".join(found), pytrace=False)


def imports(source: Source) -> Iterator[Import]:
    """Everything a file imports, wherever it stands in the file."""
    unreal = {
        id(node)
        for block in ast.walk(source.tree)
        if isinstance(block, ast.If) and dotted(block.test).rpartition(".")[2] == "TYPE_CHECKING"
        for statement in block.body
        for node in ast.walk(statement)
    }
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Import):
            yield from (Import(alias.name, "", node.lineno, id(node) in unreal) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = _absolute(source, node)
            yield from (Import(module, alias.name, node.lineno, id(node) in unreal) for alias in node.names)


def _absolute(source: Source, node: ast.ImportFrom) -> str:
    if not node.level:
        return node.module or ""
    parts = source.module.split(".")
    anchor = parts[: len(parts) - node.level + source.is_package]
    return ".".join((*anchor, node.module) if node.module else anchor)


def dotted(node: ast.AST) -> str:
    """The text of `a.b.c`, or nothing when the expression is not a chain of names."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        left = dotted(node.value)
        return f"{left}.{node.attr}" if left else ""
    return ""


def meaning(source: Source) -> dict[str, str]:
    """What a name of the file stands for: `{"Rejected": "netra.core.verdict.outcomes.Rejected"}`."""
    named: dict[str, str] = {}
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Import):
            named.update({alias.asname: alias.name for alias in node.names if alias.asname})
        elif isinstance(node, ast.ImportFrom):
            module = _absolute(source, node)
            named.update({alias.asname or alias.name: f"{module}.{alias.name}" for alias in node.names})
    return named


def calls(source: Source) -> Iterator[tuple[ast.Call, str]]:
    """Every call whose function has a name, with that name resolved through the imports."""
    named = meaning(source)
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Call) and (name := dotted(node.func)):
            first, dot, rest = name.partition(".")
            yield node, named.get(first, first) + dot + rest


def docstrings(source: Source) -> frozenset[int]:
    """The identities of the constants that are documentation: strings that stand alone."""
    return frozenset(
        id(node.value)
        for node in ast.walk(source.tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    )
