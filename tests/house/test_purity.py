"""Decisions are pure, and nobody but four places says no.

It must never be satisfied by a decision that reads a clock, a file or an environment: what `core` needs is handed in.
"""

import ast
import sys
from collections.abc import Iterator

import pytest

from tests.house.source import Source, calls, dotted, hold, imports, meaning, problem, sample, sources

IMPURE_MODULES = frozenset(
    {
        "asyncio",
        "concurrent",
        "contextvars",
        "fcntl",
        "fileinput",
        "getpass",
        "glob",
        "http",
        "io",
        "locale",
        "logging",
        "multiprocessing",
        "pathlib",
        "queue",
        "random",
        "resource",
        "sched",
        "secrets",
        "select",
        "selectors",
        "shelve",
        "shutil",
        "signal",
        "sqlite3",
        "subprocess",
        "sys",
        "tempfile",
        "threading",
        "time",
        "tracemalloc",
        "uuid",
        "warnings",
        "weakref",
        "webbrowser",
    }
)
IMPURE_CALLS = frozenset({"open", "print", "input", "breakpoint", "exec", "eval"})
CLOCKS = frozenset({"now", "utcnow", "today"})
NAMES_OF_THE_SYSTEM = ("os", "socket", "ssl")
"""Core may know the types and numbers of these, and call none of them, but for:"""
PURE_CALLS = frozenset({"os.strerror"})

MAY_REJECT = frozenset(
    {
        "src/netra/core/verdict/classify.py",
        "src/netra/core/token/checks.py",
        "src/netra/core/pace/throttle.py",
        "src/netra/gateway/attempts.py",
    }
)
PURE_LIBRARIES = frozenset({"msgspec"})
"""What core may use besides the standard library: reads and writes bytes, and does nothing else."""
REJECTED = "netra.core.verdict.outcomes.Rejected"


def impure(source: Source) -> Iterator[str]:
    """What a file of the core does that only a shell may do."""
    for each in imports(source):
        top = each.module.partition(".")[0]
        if top == "netra":
            continue  # the floors have their own guard
        if top not in sys.stdlib_module_names and top not in PURE_LIBRARIES:
            yield problem(source, each.line, f"core imports {each.full}", "It stands on the standard library alone")
        elif top in IMPURE_MODULES or each.full.startswith(("os.environ", "os.getenv")):
            yield problem(source, each.line, f"core imports {each.full}", "Take the value as an argument")
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Await | ast.AsyncFunctionDef | ast.AsyncFor | ast.AsyncWith):
            yield problem(source, node, "core waits", "Decide here, and wait in link, upkeep or gateway")
        if isinstance(node, ast.Global | ast.Nonlocal):
            yield problem(source, node, "core rebinds a name outside the function", "Return the new value")
    yield from _impure_calls(source)


def _impure_calls(source: Source) -> Iterator[str]:
    for node, name in calls(source):
        top, _, rest = name.partition(".")
        if name in IMPURE_CALLS:
            yield problem(source, node, f"core calls {name}()", "Return a value; a shell around it does the rest")
        elif rest.rpartition(".")[2] in CLOCKS and top in ("datetime", "date"):
            yield problem(source, node, f"core reads a clock: {name}()", "Take the instant as an argument")
        elif top in NAMES_OF_THE_SYSTEM and rest and name not in PURE_CALLS:
            yield problem(source, node, f"core calls {name}()", "Take what it would return as an argument")
    named = meaning(source)
    for attribute in ast.walk(source.tree):
        if isinstance(attribute, ast.Attribute) and (chain := dotted(attribute)):
            first, dot, rest = chain.partition(".")
            if f"{named.get(first, first)}{dot}{rest}" == "os.environ":
                yield problem(source, attribute, "core reads the environment", "Take the value as an argument")


def says_no(source: Source) -> Iterator[str]:
    """Where a rejection is built by somebody who is not entitled to."""
    if source.path in MAY_REJECT:
        return
    for node, name in calls(source):
        if name in ("Rejected", REJECTED) or name.endswith((".Rejected", "Rejected._make")):
            yield problem(
                source,
                node,
                "a rejection is built here",
                f"Only {', '.join(sorted(MAY_REJECT))} may say no. Pass the outcome on, or return Unknown",
            )


def test_core_is_pure() -> None:
    hold(impure, sources("src/netra/core"))


def test_a_rejection_is_built_in_four_places_only() -> None:
    hold(says_no, sources("src/netra"))


def test_a_refusal_of_the_auth_service_is_built_at_all() -> None:
    text = next(each for each in sources("src/netra/core/verdict") if each.path in MAY_REJECT)
    assert list(says_no(text._replace(path="src/netra/elsewhere.py")))


@pytest.mark.parametrize(
    "text",
    [
        "import time",
        "from time import monotonic",
        "import random",
        "import logging",
        "import httptools",
        "from os import environ",
        "import os\nx = os.environ['A']",
        "import os\nx = os.getenv('A')",
        "import os as system\nx = system.environ",
        "import os\nx = os.stat('a')",
        "import socket\ndef f():\n    return socket.getaddrinfo('a', 1)",
        "def f(path):\n    return open(path)",
        "def f(x):\n    print(x)",
        "async def f():\n    return 1",
        "async def f(x):\n    await x",
        "from datetime import datetime\nx = datetime.now()",
        "import datetime as d\nx = d.datetime.now()",
        "from datetime import date\nx = date.today()",
        "seen = 0\ndef f():\n    global seen\n    seen = 1",
    ],
)
def test_what_the_core_must_not_do_is_found(text: str) -> None:
    assert list(impure(sample("src/netra/core/a.py", text)))


@pytest.mark.parametrize(
    "text",
    [
        "import msgspec",
        "import os\nx = os.strerror(111)",
        "import socket\ndef f(e):\n    return isinstance(e, socket.gaierror)",
        "from datetime import datetime\ndef f(now: datetime):\n    return now.isoformat()",
        "from email.utils import parsedate_to_datetime",
        "def f(queue):\n    return queue.now()",
    ],
)
def test_what_the_core_may_do_is_left_alone(text: str) -> None:
    assert not list(impure(sample("src/netra/core/a.py", text)))


@pytest.mark.parametrize(
    "text",
    [
        "from netra.core.verdict.outcomes import Rejected\nx = Rejected(cause)",
        "from netra.core.verdict.outcomes import Rejected as No\nx = No(cause)",
        "from netra.core.verdict import outcomes\nx = outcomes.Rejected(cause)",
        "import netra.core.verdict.outcomes\nx = netra.core.verdict.outcomes.Rejected(cause)",
        "from netra.core.verdict.outcomes import Rejected\nx = Rejected._make([cause])",
    ],
)
def test_a_rejection_from_elsewhere_is_found(text: str) -> None:
    assert list(says_no(sample("src/netra/web/render.py", text)))
    assert not list(says_no(sample("src/netra/core/token/checks.py", text)))


def test_asking_whether_an_outcome_is_a_rejection_is_left_alone() -> None:
    text = "from netra.core.verdict.outcomes import Rejected\ndef f(x):\n    return isinstance(x, Rejected)"
    assert not list(says_no(sample("src/netra/web/render.py", text)))
