"""Files of settings after the start: which ones there are, what they hold now, and by what two starts are compared."""

from pathlib import Path

import pytest

from netra.core.findings import Severity
from netra.core.secret import Secret
from netra.settings.field import configuration_fingerprint
from netra.settings.read import load, read, read_again
from tests.settings.good import OTHER_SECRET, SECRET, good, without


def in_file(folder: Path, content: str) -> Path:
    path = folder / "service_secret"
    path.write_text(content, encoding="utf-8")
    return path


def test_the_settings_know_which_of_them_came_from_which_file(tmp_path: Path) -> None:
    path = in_file(tmp_path, SECRET)
    settings = load(without("SERVICE_SECRET", SERVICE_SECRET_FILE=f" {path}\n"))
    assert dict(settings.files) == {"SERVICE_SECRET": str(path)}
    assert dict(load(good()).files) == {}


def test_a_file_that_is_not_used_is_not_followed(tmp_path: Path) -> None:
    path = in_file(tmp_path, SECRET)
    loaded = read(good(SERVICE_SECRET_FILE=str(path)))
    assert dict(loaded.files) == {}, "the variable itself goes first"
    path.write_text("")
    assert dict(read(without("SERVICE_SECRET", SERVICE_SECRET_FILE=str(path))).files) == {}


def test_a_file_is_read_again_as_at_the_start(tmp_path: Path) -> None:
    path = in_file(tmp_path, SECRET)
    load(without("SERVICE_SECRET", SERVICE_SECRET_FILE=str(path)))
    path.write_text(f"{OTHER_SECRET}\n")
    assert read_again("service_secret", str(path)).value == Secret(OTHER_SECRET)


@pytest.mark.parametrize(
    ("content", "code"),
    [
        ("", "empty"),
        ("short", "short_secret"),
        ("SERVICE_SECRET", "name_as_value"),
        ("$(cat /run/secret)", "shell_text"),
    ],
)
def test_what_would_stop_a_start_is_no_value_later_either(content: str, code: str, tmp_path: Path) -> None:
    got = read_again("service_secret", str(in_file(tmp_path, content)))
    assert got.value is None
    assert code in [each.code for each in got.findings if each.severity is Severity.ERROR]


def test_two_starts_are_alike_if_and_only_if_their_settings_are(tmp_path: Path) -> None:
    settings = load(good())
    alike = load(without("SERVICE_SECRET", SERVICE_SECRET_FILE=str(in_file(tmp_path, SECRET))))
    assert configuration_fingerprint(settings) == configuration_fingerprint(alike), "wherever they come from"
    others = [good(SERVICE_SECRET=OTHER_SECRET), good(NETRA_TRIES="2"), good(NETRA_THROTTLE_ACCOUNT="6/15m")]
    seen = {configuration_fingerprint(load(each)) for each in (good(), *others)}
    assert len(seen) == 1 + len(others)
    assert all(len(each) == 12 and int(each, 16) >= 0 for each in seen)
