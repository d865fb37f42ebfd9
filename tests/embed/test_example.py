"""What is written for backends to copy runs as it stands, against a real auth service.

It must never import the example: it is started as its readers start it.
"""

import json
import os
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

import pytest

from netra.embed import Caller, Gate
from tests.embed.support import known_to, told
from tests.incidents.operators import EMAIL, OTHER_SECRET, PASSWORD, AuthService
from tests.support.places import free_port
from tests.support.programs import ROOT, python

if TYPE_CHECKING:
    import subprocess

EXAMPLE: Final = ROOT / "examples/embedded_login.py"
PAGE: Final = ROOT / "docs/embedding.md"


def ran(*arguments: str, environ: Mapping[str, str], stdin: str = "") -> "subprocess.CompletedProcess[str]":
    """A Python program to its end; a warning is its failure."""
    return python("-W", "error", *arguments, told=environ, stdin=stdin)


def test_the_example_lets_the_right_password_in(auth_service: AuthService) -> None:
    done = ran(str(EXAMPLE), EMAIL, environ=known_to(auth_service), stdin=f"{PASSWORD}\n")
    assert done.returncode == 0, done.stderr
    assert f"accepted: {EMAIL}" in done.stdout
    assert "••••••" in done.stdout
    assert [line for line in done.stderr.splitlines() if "netra: Log" in line] == [
        "INFO netra: Login succeeded", "INFO netra: Logout succeeded"
    ]  # fmt: skip
    assert PASSWORD not in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("password", "changes", "code", "exit_code"),
    [
        ("wrong", {}, "invalid_credentials", 1),
        ("", {}, "invalid_fields", 1),
        (PASSWORD, {"SERVICE_SECRET": OTHER_SECRET}, "service_credentials_rejected", 2),
    ],
)
def test_the_example_shows_what_a_route_would_answer(
    auth_service: AuthService, password: str, changes: dict[str, str | None], code: str, exit_code: int
) -> None:
    done = ran(str(EXAMPLE), EMAIL, environ=known_to(auth_service, **changes), stdin=f"{password}\n")
    assert done.returncode == exit_code, done.stderr
    head, _, body = done.stdout.partition("\n\n")
    problem = json.loads(body)
    assert problem["code"] == code
    assert f"x-request-id: {problem['request_id']}" in head.splitlines()
    assert head.splitlines()[0] == str(problem["status"])


def test_the_example_takes_an_address_and_says_that_nobody_is_there(auth_service: AuthService) -> None:
    nobody = f"http://127.0.0.1:{free_port()}"
    done = ran(str(EXAMPLE), EMAIL, "--url", nobody, environ=known_to(auth_service), stdin=PASSWORD)
    assert done.returncode == 2
    assert "connection_refused" in done.stdout
    assert "All 1 login attempts failed: connection_refused" in done.stderr


def test_the_example_names_every_setting_that_is_wrong_and_ends_as_serve_does() -> None:
    done = ran(str(EXAMPLE), EMAIL, environ=told("nonsense", NETRA_TRIES="many"), stdin=PASSWORD)
    assert done.returncode == os.EX_CONFIG
    assert [line.split(": ")[1] for line in done.stderr.splitlines()] == ["AUTH_SERVICE_URL", "NETRA_TRIES"]
    assert done.stdout == ""


@pytest.mark.parametrize(("password", "said"), [(PASSWORD, "accepted User(id="), ("wrong", "401 {"), ("", "422 {")])
def test_the_snippet_of_the_page_runs(auth_service: AuthService, password: str, said: str) -> None:
    snippet, *_ = re.findall(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    done = ran("-c", snippet, EMAIL, password, environ=known_to(auth_service))
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(said)


def test_the_page_lists_every_method_there_is() -> None:
    listed = set(re.findall(r"^\| `([a-z_]+)\(", PAGE.read_text("utf-8"), re.MULTILINE))
    assert listed == {name for name in vars(Gate) if not name.startswith("_")} - {"close"}
    words = set(re.findall(r"`(\w+)`", PAGE.read_text("utf-8")))
    assert Caller.__annotations__.keys() <= words
