"""What a setting means: the name of a preset, or the path of a file; and a clear word when it is neither."""

import os
import socket
from pathlib import Path

import pytest

from netra.wires.load import MAX_BYTES, preset, presets, resolve, source_of
from netra.wires.problem import WireProblem
from tests.wires.support import wire

ALL = ("auth0", "cognito", "django-rest", "fastapi-tutorial", "laravel-sanctum", "netra", "oauth2-introspection",
       "oauth2-password", "spring", "supabase", "supertokens")  # fmt: skip
NEITHER = f"neither a preset ({', '.join(ALL)}) nor the path of a file that is there"


def refused(value: str, setting: str = "NETRA_WIRE") -> str:
    """The one problem of a value."""
    with pytest.raises(WireProblem) as problem:
        resolve(value, setting)
    assert len(problem.value.problems) == 1
    return str(problem.value)


def test_the_presets_are_those_of_the_documents_and_the_shared_names_are_none_of_them() -> None:
    assert presets() == ALL


@pytest.mark.parametrize("name", ALL)
def test_a_presets_name_means_the_preset(name: str) -> None:
    assert resolve(name).name == preset(name).name == name
    assert source_of(name).name == f"{name}.toml"
    assert f'name = "{name}"' in source_of(name).text


def test_a_path_means_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "my wire.toml"
    file.write_text(wire(), "utf-8")
    assert resolve(str(file)).name == "acme"
    monkeypatch.chdir(tmp_path)
    assert resolve("my wire.toml").name == "acme"
    assert source_of("my wire.toml") == ("my wire.toml", wire())


def test_a_file_needs_no_ending_and_never_hides_a_preset(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("mine", "netra"):
        (tmp_path / name).write_text(wire(), "utf-8")
    assert resolve("mine").name == "acme"
    assert resolve("netra").name == "netra"
    assert resolve("./netra").name == "acme"


@pytest.mark.parametrize("ends", ["\r\n", "\n"])
@pytest.mark.parametrize("mark", ["\ufeff", ""])
def test_a_file_may_be_of_any_editor(tmp_path: Path, ends: str, mark: str) -> None:
    file = tmp_path / "wire.toml"
    file.write_bytes((mark + wire().replace("\n", ends)).encode())
    assert resolve(str(file)).name == "acme"


@pytest.mark.parametrize(
    "value", ["", "nope", "codes", "./codes", "no/such/file.toml", "a\x00b", "x" * 5000, "../netra"]
)
def test_what_is_neither_is_told_what_there_is_and_never_shown(value: str) -> None:
    assert refused(value) == f"NETRA_WIRE: {NEITHER}"
    assert refused(value, "FILE") == f"FILE: {NEITHER}"


def test_what_is_no_plain_file_is_not_opened(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "socket"))
        for path in (tmp_path, pipe, tmp_path / "socket", Path("/dev/zero")):
            assert refused(str(path)) == f"NETRA_WIRE: {NEITHER}"


def test_a_file_of_any_length_is_read_to_a_bound(tmp_path: Path) -> None:
    file = tmp_path / "long.toml"
    file.write_bytes(wire().encode() + b"#" * (MAX_BYTES - len(wire())))
    assert resolve(str(file)).name == "acme"
    file.write_bytes(wire().encode() + b"#" * (MAX_BYTES - len(wire()) + 1))
    assert refused(str(file)) == f"{file}: larger than 256 KiB: this is no wire file"


def test_a_file_that_is_not_utf_8_says_so(tmp_path: Path) -> None:
    file = tmp_path / "latin.toml"
    file.write_bytes(b'name = "acm\xe9"')
    assert refused(str(file)) == f"{file}: is not UTF-8; save it as UTF-8"


def test_a_file_that_may_not_be_read_says_why() -> None:
    # Nobody may read it, whoever runs the tests.
    path = "/proc/self/mem"
    assert refused(path) == f"{path}: cannot be read: Input/output error"


def test_a_files_problems_name_the_file_as_it_was_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("my.toml", "two\nlines"):
        (tmp_path / name).write_text("typo = 1\n", "utf-8")
    with pytest.raises(WireProblem) as problem:
        resolve("my.toml")
    assert problem.value.source == "my.toml"
    assert problem.value.lines() == (
        "my.toml:1: typo: unknown key; known are advice, calls, extra, name, replies, seal, seal_fields, tried",
        "my.toml:1: name: is missing; say what this auth service is called",
        "my.toml:1: [calls]: none is here; a wire offers at least one call, e.g. [calls.login]",
    )
    with pytest.raises(WireProblem) as problem:
        resolve("two\nlines")
    assert all(line.startswith("'two\\nlines':1: ") for line in str(problem.value).splitlines())


def test_a_preset_that_is_none_is_told_what_there_is() -> None:
    for name in ("nope", "codes", "", "../wires/netra"):
        with pytest.raises(WireProblem) as problem:
            preset(name)
        assert str(problem.value).endswith(f"is no preset; there are {', '.join(ALL)}")
