"""What tests of wire files share: a small good file, and all that is wrong with a bad one.

It must never decide what is right: every expectation stands in a test.
"""

from typing import Final

import pytest

from netra.wires.load import load
from netra.wires.problem import WireProblem

NAMED: Final = 'name = "acme"'
HEAD: Final = 'method = "POST"\npath = "/login"\n'
BODY: Final = 'json = { user = "{identifier}", pass = "{password}" }\n'
OK: Final = 'status = [200]\nrequire = ["access_token"]\naccept = { access_token = "/t" }'

GOOD: Final = f"[calls.login]\n{HEAD}{BODY}[[calls.login.replies]]\n{OK}"
"""A login in which nothing is wrong."""


def wire(row: str = OK, head: str = HEAD + BODY, top: str = NAMED, rest: str = "") -> str:
    """A file with one call and one row, in which one thing may be wrong."""
    return f"{top}\n[calls.login]\n{head}\n[[calls.login.replies]]\n{row}\n{rest}"


def call(name: str, head: str, row: str = "status = [200]\naccept = {}") -> str:
    """One more call, with one row."""
    return f"[calls.{name}]\n{head}\n[[calls.{name}.replies]]\n{row}\n"


def problems(text: str) -> list[str]:
    """Everything that is wrong with a file, without its lines."""
    with pytest.raises(WireProblem) as refused:
        load(text, "bad.toml")
    return [": ".join(filter(None, (each.where, each.what))) for each in refused.value.problems]


def lines(text: str) -> list[int]:
    """The lines of everything that is wrong with a file."""
    with pytest.raises(WireProblem) as refused:
        load(text, "bad.toml")
    return [each.line for each in refused.value.problems]
