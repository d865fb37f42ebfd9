"""What is written for backends to copy runs as it stands: the example, its tests, and every block of the page.

It must never import the example: it is started as its readers start it.
"""

import asyncio
import contextlib
import importlib.util
import json
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from starlette.requests import HTTPConnection

from netra.embed import Accepted
from netra.integrations import fastapi as for_fastapi
from netra.integrations.places import PREFIX as OWN_PREFIX
from netra.integrations.places import names
from netra.integrations.starlette import Places, gate_of
from netra.lab.faulty_auth_service import FaultyAuthService
from netra.testing.authds import AuthdBeside, authd_beside
from netra.testing.fakes import Recorded
from tests.integrations.support import PREFIX, Host, served, told
from tests.support import wire
from tests.support.gateways import EMAIL, PASSWORD
from tests.support.programs import PATIENCE_S, ROOT, environment, python
from tests.support.wire import LONGEST_S, Answer
from tests.testing.support import loading

EXAMPLE: Final = ROOT / "examples/fastapi_backend.py"
PAGE: Final = (ROOT / "docs/embedding.md").read_text("utf-8")
LOGIN: Final = {"email": EMAIL, "password": PASSWORD}
_PORT: Final = re.compile(r"http://127\.0\.0\.1:(\d+)")


def test_the_tests_of_the_example_are_green() -> None:
    command = ("-m", "pytest", "-q", "-p", "no:cacheprovider", *loading(), "examples/test_fastapi_backend.py")
    done = python(*command, told={}, folder=ROOT)
    assert done.returncode == 0, done.stdout
    assert "4 passed" in done.stdout


@contextlib.contextmanager
def run(*arguments: str, environ: dict[str, str]) -> Iterator[str]:
    """A program that serves with uvicorn; yields its URL, as it has printed it."""
    with subprocess.Popen(
        [sys.executable, *arguments], env=environment(environ), cwd=ROOT, stderr=subprocess.PIPE, text=True
    ) as program:
        assert program.stderr is not None
        try:
            printed = ""
            while not (found := _PORT.search(printed)):
                line = program.stderr.readline()
                assert line, f"it has ended: {printed}"
                printed += line
            yield found[0]
        finally:
            program.send_signal(signal.SIGTERM)
            program.stderr.read()
            program.wait(PATIENCE_S)


@pytest.fixture(scope="module")
def authd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AuthdBeside]:
    """A real auth service with one user."""
    with authd_beside(tmp_path_factory.mktemp("authd")) as service:
        yield service


def test_the_example_serves(authd: AuthdBeside) -> None:
    server = ("-m", "uvicorn", "--app-dir", "examples", "fastapi_backend:app", "--port", "0")
    with run(*server, environ=told(authd.url, **authd.variables)) as url:
        assert wire.ask_now(url, "GET", "/notes").code == "token_missing"
        logged_in = wire.post_now(url, f"{PREFIX}/login", {"email": authd.email, "password": authd.password})
        bearer = [("Authorization", f"Bearer {logged_in.json['access_token']}")]
        written = wire.post_now(url, "/notes", {"text": "Note G"}, bearer)
        assert (written.status, written.json) == (201, {"text": "Note G"})
        assert wire.ask_now(url, "GET", "/notes", bearer).json == [{"text": "Note G"}]
        paths = wire.ask_now(url, "GET", "/openapi.json").json["paths"]
    assert {"/notes", f"{PREFIX}/login"} <= paths.keys()


def test_the_example_runs_by_itself(authd: AuthdBeside) -> None:
    with run(str(EXAMPLE), environ=told(authd.url, PORT="0", **authd.variables)) as url:
        assert wire.ask_now(url, "GET", "/notes").status == 401


# --- the page --------------------------------------------------------------------------------------------------------


def blocks(below: str) -> list[str]:
    """The Python blocks of one chapter."""
    chapter = PAGE.partition(f"\n## {below}\n")[2].partition("\n## ")[0]
    return re.findall(r"```python\n(.*?)```", chapter, re.DOTALL)


def written(block: str, folder: Path) -> Any:
    """A block as a module of its own."""
    file = folder / "backend.py"
    file.write_text(block, "utf-8")
    spec = importlib.util.spec_from_file_location("backend", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def environ(monkeypatch: pytest.MonkeyPatch, lab: FaultyAuthService) -> None:
    """The environment of a backend in front of the lab."""
    for name, value in told(lab.url).items():
        monkeypatch.setenv(name, value)


def test_every_block_is_tried() -> None:
    assert (len(blocks("FastAPI")), len(blocks("Starlette"))) == (4, 1)
    assert PAGE.count("```python") == 6, "the first one is tried where gates are"


@pytest.mark.usefixtures("environ")
@pytest.mark.parametrize(("chapter", "at"), [("FastAPI", 0), ("Starlette", 0)])
async def test_the_first_block_of_a_framework_serves(tmp_path: Path, chapter: str, at: int) -> None:
    async with served(written(blocks(chapter)[at], tmp_path).app) as url:
        host = Host(url, Recorded())
        assert (await host.get("/hello")).code == "token_missing"
        token = (await host.post("/login", LOGIN)).json["access_token"]
        answer: Answer = await host.get("/hello", token)
        assert (answer.status, answer.body.strip(b'"')) == (200, f"Hello {EMAIL}".encode())


def test_the_block_that_describes_prints_the_description(tmp_path: Path) -> None:
    file = tmp_path / "described.py"
    file.write_text(blocks("FastAPI")[1], "utf-8")
    done = python("-W", "error", str(file), told=told("http://127.0.0.1:9"))
    assert done.returncode == 0, done.stderr
    assert "NetraLoginRequest" in json.loads(done.stdout)["components"]["schemas"]


async def test_the_block_for_tests_puts_in_a_user(tmp_path: Path) -> None:
    async with served(written(blocks("FastAPI")[2], tmp_path).app) as url:
        assert (await Host(url, Recorded()).get("/hello")).json == "Hello ada.byron@example.com"


@pytest.mark.usefixtures("environ")
async def test_the_block_that_chooses_routes_has_those_and_no_others(tmp_path: Path) -> None:
    block = blocks("FastAPI")[3]
    async with served(written(block, tmp_path).app) as url:
        said = await wire.post(url, "/shop/auth/sign-in", LOGIN)
        assert (said.json["ok"], said.json["route"], said.json["data"]["token_type"]) == (True, "login", "Bearer")
        paths = (await Host(url, Recorded()).get("/openapi.json")).json["paths"]
    promised = re.findall(r"(/shop/auth/[\w-]+)", block)
    assert sorted(paths) == sorted(promised)


def test_the_page_names_every_route_every_keyword_and_every_name() -> None:
    told_of = PAGE.partition("### Which routes")[2]
    keywords = re.findall(r"^\| `(\w+)` \|", told_of, re.MULTILINE)
    assert keywords == list(Places.__annotations__)
    row = next(line for line in told_of.splitlines() if line.startswith("| `only`"))
    assert re.findall(r"`(\w+)`", row)[1:] == list(names())
    assert f"`{OWN_PREFIX}`" in told_of
    public = set(for_fastapi.__all__) - {"names", "Places"}
    assert [name for name in public if not re.search(rf"\b{name}\b", PAGE)] == []


async def test_a_lifespan_yields_a_gate_that_logs_in(lab: FaultyAuthService) -> None:
    auth = for_fastapi.Auth(told(lab.url), tell=Recorded())
    async with auth.lifespan(None) as state:
        connection = HTTPConnection({"type": "http", "state": state, "headers": []})
        async with asyncio.timeout(LONGEST_S):
            assert isinstance(await gate_of(connection).log_in(EMAIL, PASSWORD), Accepted)
