"""Two kinds of words stay where they belong: names of environments in settings, words of a wire in its file.

It must never judge documentation: only what the program compares, looks up or sends.
"""

import ast
import re
import tomllib
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest

from netra.core.verdict.causes import PUBLIC_ROWS, TABLE
from tests.house.source import ROOT, Source, docstrings, dotted, hold, problem, sample, sources

ENVIRONMENTS = frozenset({"development", "staging", "production", "dev", "stage", "prod"})
CHOOSES_DEFAULTS = "src/netra/settings/"

SPEAKS_THE_WIRE = tuple(f"src/netra/{room}" for room in ("authd/", "lab/", "demo/", "testing/", "wires/"))
OURS_TOO = frozenset(
    {
        "/", "/email", "/password", "/name", "/refresh_token", "/health", "/login", "/refresh", "authorization",
        "content-type", "access_token", "refresh_token", "token_type", "token_use", "Bearer", "bearer", "ID", "Refresh",
    }
)  # fmt: skip
"""Words of the wire that are also words of our own answers, routes and requests, of JWTs, or of HTTP."""
TELLING = re.compile(r"[A-Z_ -]")
"""What makes a word one of somebody's: `error` may be anybody's, `error_code` and `formFields` are not."""
CREDENTIAL_HEADERS = ("x-service-",)


def compares_environments(source: Source) -> Iterator[str]:
    """Where behaviour depends on what an environment is called."""
    if source.path.startswith(CHOOSES_DEFAULTS):
        return
    cure = "Make it a setting whose default the environment chooses, and ask the setting"
    for node in ast.walk(source.tree):
        asked = [each for each in _decided_by(node) if _is_environment(each)]
        if asked:
            yield problem(source, asked[0], "a decision by the environment's name", cure)


def _decided_by(node: ast.AST) -> list[ast.expr]:
    if isinstance(node, ast.Compare):
        sides = [node.left, *node.comparators]
        absent = any(isinstance(each, ast.Constant) and each.value is None for each in sides)
        return [] if absent else [part for each in sides for part in _parts(each)]
    if isinstance(node, ast.Dict):
        return [part for key in node.keys if key is not None for part in _parts(key) if isinstance(part, ast.Constant)]
    if isinstance(node, ast.Subscript):
        return [node.slice]
    if isinstance(node, ast.MatchValue):
        return [node.value]
    if isinstance(node, ast.Match):
        return [node.subject]
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        return [*node.args[:1]] if node.func.attr == "get" else [node.func.value] * (node.func.attr in TEXT_QUESTIONS)
    return []


TEXT_QUESTIONS = ("startswith", "endswith", "lower", "casefold", "strip")


def _parts(node: ast.expr) -> list[ast.expr]:
    return list(node.elts) if isinstance(node, ast.Tuple | ast.List | ast.Set) else [node]


def _is_environment(node: ast.expr) -> bool:
    if isinstance(node, ast.Constant):
        return isinstance(node.value, str) and node.value.lower() in ENVIRONMENTS
    return dotted(node).rpartition(".")[2] == "environment"


@cache
def wire_words() -> frozenset[str]:
    """Paths, pointers, headers, fields and codes of every wire that comes with the package."""
    found: set[str] = set()
    for file in sorted((ROOT / "src/netra/wires").glob("*.toml")):
        document = tomllib.loads(file.read_text("utf-8"))
        found |= {text for text in _texts(document) if text.startswith("/")}
        found |= {header.lower() for header in document.get("seal", {})}
        found |= {word for word in _names(document) if TELLING.search(word)}
    return frozenset(found - OURS_TOO - {*TABLE, *PUBLIC_ROWS})


def _names(document: dict[str, Any]) -> Iterator[str]:
    """Fields that are sent, headers, the members on the way to a value, the values of refusals, and shared codes."""
    for table in ("users", "ours"):
        yield from document.get(table, ())
    yield from document.get("speaking", ())
    for call in document.get("calls", {}).values():
        yield from (header.lower() for header in call.get("headers", ()))
        yield from (name for key in ("form", "json") for name in _keys(call.get(key, {})))
        for row in call["replies"]:
            yield from row.get("pointer", "").split("/")[1:]
            value = row.get("value")
            yield from (each for each in (value if isinstance(value, list) else [value]) if isinstance(each, str))


def _keys(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        yield from value
    for each in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _keys(each)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        yield from (text for each in value.values() for text in _texts(each))
    elif isinstance(value, list):
        yield from (text for each in value for text in _texts(each))


def speaks_the_wire(source: Source) -> Iterator[str]:
    """Where the gateway itself knows a path, a field or a header of an auth service."""
    if source.path.startswith(SPEAKS_THE_WIRE):
        return
    told = docstrings(source)
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Constant) and id(node) not in told and (word := _wire_word(node.value)):
            cure = "Make it a line of src/netra/wires/*.toml, and ask the wire"
            yield problem(source, node, f"{word!r} belongs to an auth service", cure)


def _wire_word(value: object) -> str:
    word = value.decode("latin-1") if isinstance(value, bytes) else value
    if not isinstance(word, str):
        return ""
    known = word in wire_words() or word.lower() in wire_words()
    return word if known or word.startswith("/auth/") or word.lower().startswith(CREDENTIAL_HEADERS) else ""


def test_nothing_depends_on_the_name_of_an_environment() -> None:
    hold(compares_environments, sources("src/netra"))


def test_no_file_of_the_gateway_knows_a_word_of_an_auth_service() -> None:
    hold(speaks_the_wire, sources("src/netra"))


def test_the_words_are_read_from_the_wires() -> None:
    assert {"/auth/login", "/user/id", "x-service-secret"} <= wire_words()
    assert {"invalid_grant", "AUTH001", "formFields", "AuthParameters", "WRONG_CREDENTIALS_ERROR"} <= wire_words()
    assert {"Bad credentials", "error_code", "x-amz-target", "grant_type"} <= wire_words()
    assert not {"email", "error", "invalid_credentials", "authentication_unavailable"} & wire_words()


@pytest.mark.parametrize(
    "text",
    [
        "tries = 3 if settings.environment == other else 1",
        "if name == 'staging': pass",
        "if name.lower() in ('prod', 'production'): pass",
        "if name != 'Production': pass",
        "match name:\n    case 'staging': x = 1",
        "match settings.environment:\n    case x: pass",
        "tries = {'staging': 3, 'production': 1}",
        "tries = table[settings.environment]",
        "tries = table.get(view.environment, 2)",
        "if settings.environment.startswith(x): pass",
    ],
)
def test_a_decision_by_environment_is_found(text: str) -> None:
    assert list(compares_environments(sample("src/netra/gateway/login.py", text)))
    assert not list(compares_environments(sample("src/netra/settings/variables.py", text)))


@pytest.mark.parametrize(
    "text",
    [
        "shown = {'environment': view.environment}",
        "if said.environment is None: pass",
        "x = Facts(environment=settings.environment)",
        '"""In production this is 1."""',
        "words = ('staging', 'production')",
    ],
)
def test_telling_the_environment_is_left_alone(text: str) -> None:
    assert not list(compares_environments(sample("src/netra/gateway/login.py", text)))


@pytest.mark.parametrize(
    "text",
    [
        "path = '/auth/login'",
        "path = f'/auth/{name}'",
        "path = b'/auth/anything/new'",
        "pointer = '/user/id'",
        "header = 'X-Service-Secret'",
        "header = b'x-service-id'",
        "if body.get('error') == 'invalid_grant': pass",
        "code = 'UserNotFoundException'",
        "said = {'formFields': []}",
        "text = body['error_description']",
        "wrong = 'Bad credentials'",
        "sent = {'X-Amz-Target': 'x'}",
    ],
)
def test_a_word_of_the_wire_is_found(text: str) -> None:
    assert list(speaks_the_wire(sample("src/netra/link/exchange.py", text)))
    assert not list(speaks_the_wire(sample("src/netra/authd/routes.py", text)))


@pytest.mark.parametrize(
    "text",
    [
        "'''/auth/login'''",
        "prefix = '/api/v1/auth'",
        "pointer = '/email'",
        "route = '/login'",
        "route = '/'",
        "name = b'authorization'",
        "code = 'invalid_credentials'",
        "field = 'refresh_token'",
        "said = 'sent as X-Service-ID'",
    ],
)
def test_our_own_words_are_left_alone(text: str) -> None:
    assert not list(speaks_the_wire(sample("src/netra/web/endpoints.py", text)))
