"""What is declared is what is used, and what is installed is what was tried: dependencies, extras and locks.

It must never ask the network: the files must agree with each other as they are.
"""

import re
import sys
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.house.source import ROOT, Source, hold, imports, problem, sample, sources

MODULES_OF = {
    "argon2-cffi": "argon2",
    "opentelemetry-sdk": "opentelemetry",
    "opentelemetry-exporter-otlp-proto-http": "opentelemetry",
}
"""Distributions that are imported under another name."""
ROOMS_OF_EXTRAS = {
    "src/netra/authd/": "authd",
    "src/netra/lab/": "lab",
    "src/netra/testing/": "testing",
    "src/netra/observe/traces/": "traces",
    "src/netra/integrations/fastapi.py": "fastapi",
    "src/netra/integrations/": "starlette",
}
"""The rooms that may use more than the gateway's own dependencies, and the extra that brings it."""
LOCKS = ("gateway.txt", "run.txt", "bench.txt", "build.txt", "dev.txt", "mutants.txt", "tool.txt")

PIN = re.compile(r"(?P<name>[a-z0-9-]+)==(?P<version>[^ ;\\]+)(?: ; (?P<marker>[^\\]+?))? \\")
HASH = re.compile(r"    --hash=sha256:[0-9a-f]{64}(?: \\)?")


@cache
def project() -> dict[str, Any]:
    """The `[project]` table."""
    return dict(tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"])


def required(extra: str = "") -> list[Requirement]:
    """What the distribution, or one of its extras, needs; extras of ours within extras are opened."""
    named = project()["optional-dependencies"][extra] if extra else project()["dependencies"]
    found: list[Requirement] = []
    for each in map(Requirement, named):
        if each.name == project()["name"]:
            found += [inner for inside in sorted(each.extras) for inner in required(inside)]
        else:
            found.append(each)
    return found


def modules(extra: str = "") -> set[str]:
    """The names under which those are imported."""
    return {
        MODULES_OF.get(canonicalize_name(each.name), each.name.lower().replace("-", "_")) for each in required(extra)
    }


def undeclared(source: Source) -> Iterator[str]:
    """Imports that an installation without extras, or with the room's own extra, would not have."""
    extra = next((name for room, name in ROOMS_OF_EXTRAS.items() if source.path.startswith(room)), "")
    known = {"netra", *sys.stdlib_module_names, *modules(), *(modules(extra) if extra else ())}
    for each in imports(source):
        if not each.for_types and each.module.partition(".")[0] not in known:
            where = f"extra {extra}" if extra else "dependencies"
            yield problem(source, each.line, f"imports {each.full}", f"Declare it in pyproject.toml under {where}")


def badly_locked(text: str) -> list[str]:
    """Lines of a lock that pin nothing, hash nothing, or say where files come from."""
    lines = text.splitlines()
    found = [
        f"line {number}: {line!r} is neither a pin nor its hash"
        for number, line in enumerate(lines, 1)
        if not (line.startswith("#") or PIN.fullmatch(line) or HASH.fullmatch(line))
    ]
    found += [
        f"line {number}: {line!r} has no hash"
        for number, line in enumerate(lines, 1)
        if PIN.fullmatch(line) and not (number < len(lines) and HASH.fullmatch(lines[number]))
    ]
    return found + [
        f"line {n}: {line!r} names a place" for n, line in enumerate(lines, 1) if "//" in line or "index" in line
    ]


@cache
def pins(lock: str) -> dict[str, str]:
    """The versions that a lock pins, by canonical name."""
    lines = (ROOT / "requirements" / lock).read_text("utf-8").splitlines()
    return {match["name"]: match["version"] for line in lines if (match := PIN.fullmatch(line))}


def unmet(wanted: list[Requirement], pinned: dict[str, str]) -> list[str]:
    """Requirements that the pins do not satisfy."""
    return [
        str(each) for each in wanted if not each.specifier.contains(pinned.get(canonicalize_name(each.name), "0.dev0"))
    ]


def test_every_import_is_declared() -> None:
    hold(undeclared, sources("src/netra"))


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_pins_and_hashes_everything_and_names_no_place(lock: str) -> None:
    assert not badly_locked((ROOT / "requirements" / lock).read_text("utf-8"))
    assert pins(lock)


@pytest.mark.parametrize(
    ("lock", "extra"), [("gateway.txt", ""), ("run.txt", ""), ("run.txt", "all"), ("dev.txt", ""), ("dev.txt", "dev")]
)
def test_a_lock_meets_what_is_declared(lock: str, extra: str) -> None:
    assert not unmet(required(extra), pins(lock)), "The lock is behind pyproject.toml: make lock"


def test_the_lock_can_build_the_package() -> None:
    wanted = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["build-system"]["requires"]
    assert not unmet([Requirement(each) for each in wanted], pins("build.txt")), "make lock"


@pytest.mark.parametrize("lock", ["gateway.txt", "run.txt", "build.txt"])
def test_a_smaller_lock_is_part_of_the_one_that_is_tested(lock: str) -> None:
    assert pins(lock).items() <= pins("dev.txt").items(), "make lock"


def test_the_embedding_backend_gets_no_auth_service() -> None:
    brought = {"cryptography"}  # by what checks signatures, in the gateway, too
    assert not {canonicalize_name(each.name) for each in required("authd")} - brought & pins("gateway.txt").keys()


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("src/netra/link/exchange.py", "import requests"),
        ("src/netra/web/render.py", "from sqlalchemy import select"),
        ("src/netra/authd/app.py", "import hypothesis"),
    ],
)
def test_an_undeclared_import_is_found(path: str, line: str) -> None:
    assert list(undeclared(sample(path, line)))


def test_an_import_for_types_alone_needs_no_installation() -> None:
    text = "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from sqlalchemy import Table\n"
    assert not list(undeclared(sample("src/netra/cli/authd.py", text)))
    assert list(undeclared(sample("src/netra/cli/authd.py", f"{text}import sqlalchemy")))


def test_an_extra_serves_its_own_room() -> None:
    assert not list(
        undeclared(sample("src/netra/authd/store/database.py", "from sqlalchemy import select\nimport argon2"))
    )


GOOD_LOCK = f"# made\na-b==1.0 \\\n    --hash=sha256:{'0' * 64} \\\n    --hash=sha256:{'1' * 64}\n"


@pytest.mark.parametrize(
    "text",
    [
        "a==1.0\n",
        "a>=1.0 \\\n",
        f"{GOOD_LOCK}c==1 \\\n",
        f"--index-url https://packages.example.test/simple\n{GOOD_LOCK}",
        f"# --find-links //packages\n{GOOD_LOCK}",
        "a==1.0 \\\n    --hash=sha256:0000\n",
    ],
)
def test_a_bad_lock_is_found(text: str) -> None:
    assert badly_locked(text)


def test_a_good_lock_is_left_alone() -> None:
    assert not badly_locked(GOOD_LOCK)


def test_a_lock_that_is_behind_is_found() -> None:
    assert unmet([Requirement("a-b>=2")], {"a-b": "1.0"})
    assert unmet([Requirement("missing>=1")], {"a-b": "1.0"})
    assert not unmet([Requirement("A_b>=1")], {"a-b": "1.0"})


def hook() -> tuple[dict[Path, str], list[str]]:
    """What is compiled, by its text; and what is named in vain."""
    build = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["hatch"]["build"]
    table, source = build["targets"]["wheel"]["hooks"]["custom"], ROOT / "src"
    chosen = {pattern: set(source.glob(pattern)) for pattern in table["modules"]}
    every, left = set().union(*chosen.values()), {source / each for each in table["interpreted"]}
    in_vain = [pattern for pattern, found in chosen.items() if not found] + sorted(map(str, left - every))
    return {path: path.read_text("utf-8") for path in every - left}, in_vain


def test_what_is_compiled_and_what_is_left_out_of_it_is_there() -> None:
    compiled, in_vain = hook()
    assert (len(compiled) > 50, in_vain) == (True, [])


def test_nothing_that_is_compiled_reads_json_by_annotations() -> None:
    """Compiled classes say of `dict[str, int]` that it is a dict: what comes in would be checked less."""
    by_annotations = re.compile(r"msgspec\.\w+\.Decoder\([^)]|msgspec\.convert|json\.schema|decode\([^)]*type=")
    assert by_annotations.search("msgspec.json.Decoder(Session)")
    assert [path for path, text in hook()[0].items() if by_annotations.search(text)] == []
