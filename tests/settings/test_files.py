"""Secrets in files: found, told apart from each other when they cannot be used, and never read without bound."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from netra.settings.read import Loaded, load, read
from netra.settings.variables import Settings
from tests.settings.good import OTHER_SECRET, SECRET, found, good, without


def _read_file(path: Path | str, **changes: str) -> Loaded[Settings]:
    return read(without("SERVICE_SECRET", SERVICE_SECRET_FILE=str(path), **changes))


def _errors(loaded: Loaded[Settings]) -> list[tuple[str, str, str]]:
    return [(one.subject, one.code, one.what) for one in loaded.findings if one.severity == "error"]


def test_a_secret_is_read_from_its_file_and_the_file_is_its_origin(tmp_path: Path) -> None:
    path = tmp_path / "service_secret"
    path.write_text(SECRET, encoding="utf-8")
    loaded = _read_file(path)
    assert not found(loaded.findings)
    assert loaded.settings is not None
    assert loaded.settings.service_secret is not None
    assert loaded.settings.service_secret.reveal() == SECRET
    assert loaded.origins["SERVICE_SECRET"] == f"file {path}"


@pytest.mark.parametrize("variable", ["SERVICE_ID", "SERVICE_SECRET_PREVIOUS", "NETRA_ADMIN_TOKEN", "NETRA_LOG_KEY"])
def test_every_secret_and_the_id_may_stand_in_a_file(variable: str, tmp_path: Path) -> None:
    path = tmp_path / "value"
    path.write_text(OTHER_SECRET, encoding="utf-8")
    environ = without(variable, **{f"{variable}_FILE": str(path)})
    assert not found(read(environ).findings)
    assert getattr(load(environ), variable.removeprefix("NETRA_").lower()) is not None


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_the_last_line_end_of_a_file_is_usual_and_only_noted(end: str, tmp_path: Path) -> None:
    path = tmp_path / "service_secret"
    path.write_bytes(f"{SECRET}{end}".encode())
    loaded = _read_file(path)
    assert found(loaded.findings) == {("SERVICE_SECRET", "surrounding_white_space", "note")}
    assert loaded.settings is not None
    assert loaded.settings.service_secret is not None
    assert loaded.settings.service_secret.reveal() == SECRET


def test_more_white_space_than_that_is_a_warning(tmp_path: Path) -> None:
    path = tmp_path / "service_secret"
    path.write_text(f" {SECRET}\n\n", encoding="utf-8")
    assert found(_read_file(path).findings) == {("SERVICE_SECRET", "surrounding_white_space", "warning")}


def test_an_empty_file_is_an_error_that_names_the_file(tmp_path: Path) -> None:
    path = tmp_path / "service_secret"
    path.touch()
    assert _errors(_read_file(path)) == [("SERVICE_SECRET", "empty", f"is set but empty (read from the file {path})")]


def test_an_empty_file_is_an_error_even_for_a_setting_that_may_be_left_out(tmp_path: Path) -> None:
    path = tmp_path / "previous"
    path.write_text("\n", encoding="utf-8")
    loaded = read(good(SERVICE_SECRET_PREVIOUS_FILE=str(path)))
    what = f"holds only white space (read from the file {path})"
    assert _errors(loaded) == [("SERVICE_SECRET_PREVIOUS", "empty", what)]


def test_a_missing_file_is_unreadable_and_says_why(tmp_path: Path) -> None:
    path = tmp_path / "not_there"
    what = f"names a file that cannot be read (No such file or directory): the file {path}"
    assert _errors(_read_file(path)) == [("SERVICE_SECRET_FILE", "unreadable", what)]


def test_a_file_of_somebody_else_is_unreadable_and_says_why(tmp_path: Path) -> None:
    path = tmp_path / "service_secret"
    path.write_text(SECRET, encoding="utf-8")
    path.chmod(0)
    with _as_nobody():
        loaded = _read_file(path)
    what = f"names a file that cannot be read (Permission denied): the file {path}"
    assert _errors(loaded) == [("SERVICE_SECRET_FILE", "unreadable", what)]


@contextmanager
def _as_nobody() -> Iterator[None]:
    """Gives up the right of root to read everything, if this is root."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65_534)
    try:
        yield
    finally:
        os.seteuid(0)


def test_a_directory_is_told_to_be_one(tmp_path: Path) -> None:
    loaded = _read_file(tmp_path)
    assert _errors(loaded)[0][2].startswith("names a file that is a directory")
    assert any("bind mount" in one.fix for one in loaded.findings)


def test_a_pipe_that_nobody_writes_to_does_not_stop_the_start(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    got: list[Loaded[Settings]] = []
    reader = threading.Thread(target=lambda: got.append(_read_file(pipe)), daemon=True)
    reader.start()
    reader.join(10)
    assert _errors(got[0])[0][2].startswith("names a file that is not a regular file")


def test_a_device_without_end_is_not_read() -> None:
    assert _errors(_read_file("/dev/zero"))[0][1] == "unreadable"


def test_a_file_that_fails_while_it_is_read_says_why() -> None:
    what = "names a file that cannot be read (Input/output error): the file /proc/self/mem"
    assert _errors(_read_file("/proc/self/mem")) == [("SERVICE_SECRET_FILE", "unreadable", what)]


def test_a_huge_file_is_not_read_to_its_end(tmp_path: Path) -> None:
    path = tmp_path / "dump"
    path.write_bytes(b"x" * 70_000)
    assert "is larger than 65536 bytes" in _errors(_read_file(path))[0][2]


def test_a_file_in_utf_16_is_told_apart_from_a_bad_secret(tmp_path: Path) -> None:
    path = tmp_path / "service_secret"
    path.write_bytes(SECRET.encode("utf-16"))
    loaded = _read_file(path)
    assert _errors(loaded)[0][2] == f"names a file that is not UTF-8 text: the file {path}"
    assert any("UTF-16" in one.fix for one in loaded.findings)


def test_a_byte_order_mark_is_no_part_of_the_secret(tmp_path: Path) -> None:
    path = tmp_path / "service_secret"
    path.write_text(SECRET, encoding="utf-8-sig")
    assert not found(_read_file(path).findings)


def test_an_unacceptable_secret_names_the_file_it_was_read_from(tmp_path: Path) -> None:
    path = tmp_path / "service_secret"
    path.write_text("changeme", encoding="utf-8")
    what = f"is a placeholder that nobody has filled in (read from the file {path})"
    assert _errors(_read_file(path)) == [("SERVICE_SECRET", "placeholder", what)]


def test_a_short_secret_names_the_file_it_was_read_from(tmp_path: Path) -> None:
    path = tmp_path / "service_secret"
    path.write_text("hT6-qX", encoding="utf-8")
    what = f"is shorter than 32 characters (read from the file {path})"
    assert _errors(_read_file(path)) == [("SERVICE_SECRET", "short_secret", what)]


def test_a_variable_and_its_file_are_not_both_set(tmp_path: Path) -> None:
    path = tmp_path / "service_secret"
    path.write_text(OTHER_SECRET, encoding="utf-8")
    loaded = read(good(SERVICE_SECRET_FILE=str(path)))
    assert found(loaded.findings) == {("SERVICE_SECRET", "set_twice", "error")}


def test_an_empty_variable_gives_way_to_its_file(tmp_path: Path) -> None:
    path = tmp_path / "previous"
    path.write_text(OTHER_SECRET, encoding="utf-8")
    loaded = read(good(SERVICE_SECRET_PREVIOUS="", SERVICE_SECRET_PREVIOUS_FILE=str(path)))
    assert found(loaded.findings) == {("SERVICE_SECRET_PREVIOUS", "empty", "warning")}
    assert loaded.settings is not None
    assert loaded.settings.service_secret_previous is not None


def test_an_empty_name_of_a_file_is_an_error() -> None:
    assert _errors(_read_file(" ")) == [("SERVICE_SECRET_FILE", "empty", "is set but names no file")]


SECRETS_IN_THE_WRONG_VARIABLE = (
    SECRET,
    f"/{SECRET}",
    f"/xQ9+a/{SECRET}",
    f"a/b/{SECRET}",
    f"{SECRET}\x00{SECRET}",
    SECRET * 8,
    SECRET * 20,
)


@pytest.mark.parametrize("path", SECRETS_IN_THE_WRONG_VARIABLE, ids=range(len(SECRETS_IN_THE_WRONG_VARIABLE)))
def test_a_secret_in_place_of_a_path_is_not_shown(path: str) -> None:
    loaded = _read_file(path)
    assert _errors(loaded)[0][:2] == ("SERVICE_SECRET_FILE", "unreadable")
    assert SECRET not in repr((loaded.findings, loaded.origins, loaded.effective))


def test_the_secret_of_an_oauth_pair_may_stand_in_a_file(tmp_path: Path) -> None:
    path = tmp_path / "google"
    path.write_text(OTHER_SECRET, encoding="utf-8")
    settings = load(good(OAUTH_GOOGLE_CLIENT_ID="shop", OAUTH_GOOGLE_CLIENT_SECRET_FILE=str(path)))
    assert settings.oauth_providers == ("google",)


def test_an_unreadable_half_of_an_oauth_pair_warns_and_stops_nothing(tmp_path: Path) -> None:
    loaded = read(good(OAUTH_GOOGLE_CLIENT_ID="shop", OAUTH_GOOGLE_CLIENT_SECRET_FILE=str(tmp_path / "lost")))
    assert found(loaded.findings) == {
        ("OAUTH_GOOGLE_CLIENT_SECRET_FILE", "unreadable", "warning"),
        ("OAUTH_GOOGLE_CLIENT_SECRET", "oauth_credential_missing", "warning"),
    }
    assert loaded.settings is not None
