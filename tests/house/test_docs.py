"""Documents say what is so: links, commands, variables, codes, paths, routes, bodies and tests that they name exist.

It must never judge style: only what a reader would click, copy, set or look for.
"""

import ast
import json
import re
import subprocess
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any, Final, NamedTuple

import pytest

from netra.authd.answers import REFUSALS
from netra.cli.main import COMMANDS, _loaded
from netra.core.verdict.causes import PUBLIC_ROWS, TABLE
from netra.lab.faulty_auth_service import FaultyAuthService
from netra.lab.healthy import WRONG_PASSWORD
from netra.observe.metrics.definitions import METRICS
from netra.settings.reference import every_row
from netra.web.endpoints import ENDPOINTS
from tests.house.source import ROOT, sources
from tests.house.test_floors import BESIDE, FLOORS
from tests.support.gateways import Running, gateway
from tests.support.places import free_port

ROWS: Final = {**TABLE, **PUBLIC_ROWS}
INVENTED: Final = "terms_not_accepted"
"""The cause that CONTRIBUTING.md adds as an example."""
OF_TESTS: Final = frozenset({"NETRA_REQUIRE_OPTIONAL"})
"""Variables that tests read, and no setting."""
OF_OTHERS: Final = frozenset({INVENTED, "auth_request", "jwt_authn", "ext_authz"})
"""Words that the code does not know: the example's, and those of neighbours."""
PROGRAMS: Final = frozenset({"make", "netra", "curl", "pip", "pipx", "uvx", "export", ".venv/bin/python"})
"""What a line to be copied may begin with."""
DEFAULT_PORT: Final = 8081

_FENCE: Final = re.compile(r"^( *)```(\w*)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
_LINK: Final = re.compile(r"\]\(([^)\s]+)\)")
_INLINE: Final = re.compile(r"`([^`\n]+)`")
_HEADING: Final = re.compile(r"^#+ (.+)$", re.MULTILINE)
_VARIABLE: Final = re.compile(r"\b(?:NETRA|AUTH|SERVICE)_[A-Z0-9_]*[A-Z0-9]\b")
_TARGET: Final = re.compile(r"\bmake ([a-z][a-z-]*)")
_STATUS_AND_CODE: Final = re.compile(r"\b([45]\d\d) `([a-z_]+)`")
_SNAKE: Final = re.compile(r"[a-z]+(?:_[a-z]+)+")
_PATH: Final = re.compile(r"[A-Za-z_.][\w.-]*/(?:[\w.*-]+(?:/[\w.*-]+)*/?)?")
_TEST: Final = re.compile(r"tests/[\w/]+\.py::test_\w+")
_CELLS: Final = re.compile(r"(?<!\\)\|")


class Document(NamedTuple):
    """One Markdown file."""

    path: str
    """From the project's folder on."""
    text: str

    def at(self, position: int) -> str:
        """File and line of a place in the text."""
        return f"{self.path}:{self.text.count(chr(10), 0, position) + 1}"

    def blocks(self, *languages: str) -> Iterator[tuple[str, str]]:
        """Place and content of the fenced blocks in these languages, without their indentation."""
        for found in _FENCE.finditer(self.text):
            if found[2] in languages:
                yield self.at(found.start()), re.sub(rf"^{found[1]}", "", found[3], flags=re.MULTILINE)

    def prose(self) -> str:
        """The text with its blocks blanked out, so that places stay where they are."""
        return _FENCE.sub(lambda found: "\n" * found[0].count("\n"), self.text)

    def inline(self) -> Iterator[tuple[str, str]]:
        """Place and content of everything in backticks."""
        for found in _INLINE.finditer(self.prose()):
            yield self.at(found.start()), found[1]

    def rows(self, below: str = "") -> Iterator[tuple[str, list[str]]]:
        """Place and cells of the rows of its tables, or of the one table below a heading, without their heads."""
        prose = self.prose()
        start = prose.index(f"\n## {below}\n") if below else 0
        for found in re.compile(r"^\|(.*)\|$", re.MULTILINE).finditer(prose, start):
            if not prose.startswith("| ---", found.start()) and not prose.startswith("| ---", found.end() + 1):
                yield self.at(found.start()), [cell.strip() for cell in _CELLS.split(found[1])]


Guard = Callable[[Document], Iterable[str]]


@cache
def documents() -> tuple[Document, ...]:
    """Every document of the project."""
    paths = sorted((*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")))
    return tuple(Document(path.relative_to(ROOT).as_posix(), path.read_text("utf-8")) for path in paths)


def document(path: str) -> Document:
    """One of them."""
    return next(each for each in documents() if each.path == path)


def hold(guard: Guard, files: Iterable[Document] | None = None) -> None:
    """Fail with everything that the guard finds."""
    found = [each for one in (documents() if files is None else files) for each in guard(one)]
    if found:
        pytest.fail("\n".join(found), pytrace=False)


def broken_links(one: Document) -> Iterator[str]:
    """Relative links that lead nowhere, headings included."""
    for found in _LINK.finditer(one.prose()):
        target, _, anchor = found[1].partition("#")
        if target.startswith(("http://", "https://")):
            continue
        path = (ROOT / one.path).parent / target if target else ROOT / one.path
        if not path.exists():
            yield f"{one.at(found.start())}: {target} does not exist. Correct the link"
        elif anchor and anchor not in {_slug(each) for each in _HEADING.findall(path.read_text("utf-8"))}:
            yield f"{one.at(found.start())}: {target} has no heading #{anchor}. Correct the link"


def _slug(heading: str) -> str:
    return re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")


def unknown_targets(one: Document) -> Iterator[str]:
    """Targets of make that the Makefile does not have."""
    known = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    for place, text in (*one.inline(), *one.blocks("console", "text", "bash")):
        for target in _TARGET.findall(text):
            if target not in known:
                yield f"{place}: the Makefile has no target {target}. `make` lists what there is"


def unread_variables(one: Document) -> Iterator[str]:
    """Variables that no setting reads."""
    rows = every_row()
    known = {name for row in rows for name in (*row.names, *row.known_names)} | OF_TESTS
    for found in _VARIABLE.finditer(one.text):
        if one.text[: found.start()].endswith(">_CLIENT_") or found[0] in known:
            continue
        yield f"{one.at(found.start())}: no setting reads {found[0]}. docs/settings.md lists them all"


def wrong_codes(one: Document) -> Iterator[str]:
    """Codes beside a status, as in 503 `dns_error`, that are no row or have another status; words of no code at all."""
    for found in _STATUS_AND_CODE.finditer(one.prose()):
        status = _status_of(found[2])
        if found[2] != INVENTED and status != int(found[1]):
            said = f"its status is {status}" if status else "there is no such row"
            yield f"{one.at(found.start())}: {found[0]}: {said}. See src/netra/core/verdict/causes.py"
    for place, text in one.inline():
        if _SNAKE.fullmatch(text) and text not in _words_of_the_code():
            yield f"{place}: `{text}` is no code, field or name in src/netra, nor a test. Correct it"


def _status_of(code: str) -> int | None:
    """The status of a cause, or of a refusal by the embedded auth service."""
    return ROWS[code].status if code in ROWS else REFUSALS.get(code, (None, ""))[0]


@cache
def _words_of_the_code() -> frozenset[str]:
    texts = [each.text for each in sources("src/netra")]
    texts += [path.read_text("utf-8") for path in (ROOT / "src/netra/wires").glob("*.toml")]
    texts += [path.read_text("utf-8") for path in (ROOT / "deploy").rglob("*") if path.is_file()]
    tests = {name for each in sources("tests") for name in re.findall(r"def (test_\w+)", each.text)}
    metrics = {each.scraped for each in METRICS}
    return frozenset(word for text in texts for word in _SNAKE.findall(text)) | tests | metrics | OF_OTHERS


def lost_paths(one: Document) -> Iterator[str]:
    """Files and folders that are named, from the project's folder, from src/netra or from where the document is."""
    for place, text in one.inline():
        if not _PATH.fullmatch(text) or INVENTED in text or text.startswith(("application/", "text/")):
            continue
        homes = (ROOT, ROOT / "src/netra", (ROOT / one.path).parent)
        if not any((home / text).exists() for home in homes):
            yield f"{place}: {text} does not exist. Correct the path"


def unusable_blocks(one: Document) -> Iterator[str]:
    """Blocks to be copied that do not parse, and commands or options that do not exist."""
    for place, text in one.blocks("python"):
        try:
            ast.parse(text)
        except SyntaxError as error:
            yield f"{place}: not Python: {error.msg}"
    for place, text in one.blocks("json"):
        try:
            json.loads(text)
        except ValueError as error:
            yield f"{place}: not JSON: {error}"
    for place, text in one.blocks("console"):
        lines = _typed(text)
        done = subprocess.run(["bash", "-n"], input="\n".join(lines), text=True, capture_output=True, check=False)
        if done.returncode:
            yield f"{place}: not a shell's line: {done.stderr.strip()}"
        yield from (f"{place}: {why}" for line in lines for why in _unusable(line))


def _typed(console: str) -> list[str]:
    """The lines that a reader types, continued ones joined; every other line must belong to one of them."""
    return [line.removeprefix("$ ") for line in console.replace("\\\n", " ").splitlines() if line.strip()]


def _unusable(line: str) -> Iterator[str]:
    words = line.split()
    if words[0] not in PROGRAMS:
        yield f"{words[0]} is no program that a reader has by then"
    elif words[0] in ("netra", "uvx", "pipx"):
        arguments = words[1:] if words[0] == "netra" else words[words.index("netra-gateway") + 1 :]
        yield from _unusable_command(arguments)


def _unusable_command(words: list[str]) -> Iterator[str]:
    if words[0] not in COMMANDS:
        yield f"there is no command netra {words[0]}"
        return
    command: Any = _loaded(words[0])
    rest = words[1:]
    if rest and hasattr(command, "commands"):
        command = command.commands.get(rest.pop(0))
    known = {option for each in getattr(command, "params", ()) for option in each.opts}
    if command is None:
        yield f"there is no command netra {' '.join(words[:2])}"
    unknown = [each for each in rest if each.startswith("--") and each not in known]
    yield from (f"netra {words[0]} has no option {each}" for each in unknown)


def untested(one: Document) -> Iterator[str]:
    """Tests that are named and do not exist."""
    for found in _TEST.finditer(one.text):
        path, _, name = found[0].partition("::")
        file = ROOT / path
        if not file.exists() or f"def {name}(" not in file.read_text("utf-8"):
            yield f"{one.at(found.start())}: there is no {found[0]}. Name a test that exists, or say `no test yet`"


GUARDS: Final = (
    broken_links, unknown_targets, unread_variables, wrong_codes, lost_paths, unusable_blocks, untested
)  # fmt: skip


@pytest.mark.parametrize("guard", GUARDS, ids=lambda guard: str(guard.__name__))
def test_no_document_names_what_is_not_there(guard: Guard) -> None:
    hold(guard)


def test_the_straight_line_is_the_one_in_the_code() -> None:
    steps = [cells for _, cells in document("ARCHITECTURE.md").rows() if re.match(r"\d [↓↑]", cells[0])]
    assert [step[0] for step in steps] == ["1 ↓", "2 ↓", "3 ↓", "4 ↓", "5 ↑", "6 ↑"]
    for step in steps:
        path, name = step[1].strip("`"), step[2].strip("`")
        tree = ast.parse((ROOT / "src/netra" / path).read_text("utf-8"))
        assert name in {getattr(node, "name", "") for node in tree.body}, f"ARCHITECTURE.md: no {name} in {path}"


def test_the_floors_are_the_ones_of_the_house() -> None:
    told = {cells[1].strip("`/"): cells[0] for _, cells in document("ARCHITECTURE.md").rows() if len(cells) == 3}
    there = {path.name for path in (ROOT / "src/netra").iterdir() if path.suffix == ".py" or _is_room(path)}
    floors = {f"netra.{name.removesuffix('.py')}": name for name in there if not name.startswith("__")}
    expected = {name: "beside" if room in BESIDE else str(FLOORS[room]) for room, name in floors.items()}
    assert {room: told.get(room) for room in expected} == expected
    assert told.keys() <= expected.keys()


def _is_room(path: Path) -> bool:
    return (path / "__init__.py").exists()


def test_the_routes_are_the_ones_that_are_served() -> None:
    rows = [cells for _, cells in document("docs/api.md").rows() if cells[0] in ("GET", "POST", "any")]
    told = [(method.replace("any", "*"), path.strip("`"), int(success[:3])) for method, path, _, success in rows]
    assert told == [(each.method, each.path, each.success[0]) for each in ENDPOINTS]


def test_every_threat_names_a_test_or_says_that_there_is_none() -> None:
    threats = list(document("docs/threats.md").rows(below="Threats"))
    bare = [place for place, cells in threats if not _TEST.search(cells[2]) and cells[2] != "no test yet"]
    assert len(threats) > 20
    assert not bare, "name the test that holds it, or say `no test yet`"


async def test_the_bodies_in_the_readme_are_the_ones_that_are_answered() -> None:
    port = free_port()
    nobody = f"http://127.0.0.1:{port}"
    async with gateway(nobody, ENVIRONMENT="staging", NETRA_TRIES="3") as staging:
        operators = await body_of(staging, port)
    async with gateway(nobody, ENVIRONMENT="production", NETRA_PLAINTEXT_HOSTS="127.0.0.1") as production:
        strangers = await body_of(production, port)
    async with FaultyAuthService() as service, gateway(service.url, ENVIRONMENT="staging") as healthy:
        wrong = await body_of(healthy, service.port, WRONG_PASSWORD)
    told = [json.loads(text) for _, text in document("README.md").blocks("json")]
    for shown, answered in zip(told, (operators, strangers, wrong), strict=True):
        assert list(shown) == list(answered), "README.md: the members or their order"
        assert unlike_next_time(shown) == unlike_next_time(answered), "README.md: paste the body that is answered now"


async def body_of(running: Running, port: int, password: str = "correct horse") -> Any:
    """The body of one login, as if the auth service listened on its usual port."""
    answer = await running.log_in("ada@example.com", password)
    return json.loads(re.sub(rf"\b{port}\b", str(DEFAULT_PORT), answer.body.decode()))


def unlike_next_time(body: dict[str, Any]) -> dict[str, Any]:
    """A body without what differs from answer to answer."""
    same = {**body, "request_id": "", "retry_after": None if "retry_after" not in body else 1}
    if "debug_info" in same:
        tried = [{**each, "elapsed_ms": 0} for each in same["debug_info"]["attempts"]]
        same["debug_info"] = {**same["debug_info"], "attempts": tried}
    return same


def test_the_invented_cause_is_still_invented() -> None:
    assert INVENTED not in ROWS, "CONTRIBUTING.md needs another example"


@pytest.mark.parametrize(
    ("guard", "text"),
    [
        (broken_links, "[a](nowhere.md)"),
        (broken_links, "[a](README.md#no-such-heading)"),
        (unknown_targets, "run `make sandwich`"),
        (unknown_targets, "```console\n$ make sandwich\n```"),
        (unread_variables, "set NETRA_LOGIN_BUGDET_S"),
        (unread_variables, "```console\n$ export AUTH_SERVICE_ULR=x\n```"),
        (wrong_codes, "that is 502 `dns_error`"),
        (wrong_codes, "that is 503 `dns_eror`"),
        (wrong_codes, "see `service_credentials_refused`"),
        (lost_paths, "see `core/verdict/clasify.py`"),
        (lost_paths, "see `tests/unit/`"),
        (unusable_blocks, "```python\ndef f(:\n```"),
        (unusable_blocks, "```json\n{'a': 1}\n```"),
        (unusable_blocks, "```console\n$ curl 'http://a\n```"),
        (unusable_blocks, "```console\n$ docker run netra\n```"),
        (unusable_blocks, "```console\n$ netra srve\n```"),
        (unusable_blocks, "```console\n$ netra services adopt x\n```"),
        (unusable_blocks, "1. A step:\n\n   ```console\n   $ netra serve --prot 1\n   ```"),
        (untested, "`tests/house/test_docs.py::test_that_was_renamed`"),
    ],
)
def test_what_is_not_so_is_found(guard: Guard, text: str) -> None:
    assert list(guard(Document("sample.md", f"# Sample\n\n{text}\n")))


def test_what_is_so_is_left_alone() -> None:
    text = (
        "[a](README.md#try-it) [b](https://example.com/x) `make test` NETRA_TRIES 503 `dns_error` `core/verdict/`\n"
        "`/auth/login` `application/json` `tests/house/test_docs.py::test_what_is_so_is_left_alone`\n\n"
        "```console\n$ netra serve --port 1\n$ curl http://a \\\n    -d '{}'\n```\n"
    )
    assert [why for guard in GUARDS for why in guard(Document("sample.md", text))] == []
