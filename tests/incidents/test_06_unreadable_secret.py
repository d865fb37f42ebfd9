"""The deploy was green and every login failed: the secret was there, but the service was not allowed to read it.

Elsewhere key files were there and had no byte in them. It must never be left to guessing which of these it is: each is
told apart at the start, with the place that was looked at.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

import pytest

from netra.authd import CannotStart
from netra.authd.store.keys import MAC_FILE, SIGNING_FILE, load_or_create
from netra.settings.read import read
from tests.incidents.operators import OTHER_SECRET, SECRET, errors, examined, refused_start, told
from tests.support.programs import PATIENCE_S, environment


class Kept(NamedTuple):
    """A way in which a secret's file is not what it should be."""

    make: Callable[[Path], object]
    subject: str
    code: str
    words: str


BY_FILE: Final = "SERVICE_SECRET_FILE"
WAYS: Final = {
    "missing": Kept(str, BY_FILE, "unreadable", "cannot be read (No such file or directory)"),
    "directory": Kept(Path.mkdir, BY_FILE, "unreadable", "is a directory"),
    "zero bytes": Kept(Path.touch, "SERVICE_SECRET", "empty", "is set but empty"),
    "only a line end": Kept(lambda path: path.write_text("\n"), "SERVICE_SECRET", "empty", "holds only white space"),
    "not text": Kept(lambda path: path.write_bytes(b"\xff\xfe\x00s"), BY_FILE, "unreadable", "is not UTF-8 text"),
    "a pipe": Kept(os.mkfifo, BY_FILE, "unreadable", "is not a regular file"),
    "too short": Kept(lambda path: path.write_text("s3cret"), "SERVICE_SECRET", "short_secret", "is shorter than 32"),
}
NOBODY: Final = 65534
AS_SOMEBODY_ELSE: Final = f"""
import os
from netra.doctor.offline import examine
from netra.doctor.report.documents import as_json

# Once, so that nothing is left to import for a user who may not read the program.
examine({{}})
"".encode("utf-8-sig")
if os.geteuid() == 0:
    os.setgroups([])
    os.setgid({NOBODY})
    os.setuid({NOBODY})
print(as_json(examine(os.environ)))
"""


@pytest.mark.parametrize("way", WAYS)
def test_each_way_of_not_having_a_secret_is_told_with_the_place_that_was_looked_at(tmp_path: Path, way: str) -> None:
    kept, path = WAYS[way], tmp_path / "service-secret"
    kept.make(path)
    (found,) = errors(told("SERVICE_SECRET", SERVICE_SECRET_FILE=str(path)))
    assert (found.subject, found.code) == (kept.subject, kept.code)
    assert kept.words in found.what
    assert f"file {path}" in found.what
    assert found.fix


def test_no_two_of_them_are_worded_alike() -> None:
    assert len({kept.words for kept in WAYS.values()}) == len(WAYS)


def test_unset_and_empty_are_told_apart_without_a_file_too() -> None:
    (unset,) = errors(told("SERVICE_SECRET"))
    (empty,) = errors(told(SERVICE_SECRET=""))
    (nameless,) = errors(told("SERVICE_SECRET", SERVICE_SECRET_FILE=""))
    assert (unset.code, unset.what) == ("missing", "is not set (looked for SERVICE_SECRET and SERVICE_SECRET_FILE)")
    assert (empty.code, empty.what) == ("empty", "is set but empty")
    assert (nameless.subject, nameless.what) == ("SERVICE_SECRET_FILE", "is set but names no file")


def examined_as_somebody_else(environ: Mapping[str, str]) -> Any:
    """What the check finds when it may not read more than any user may."""
    done = subprocess.run(
        [sys.executable, "-c", AS_SOMEBODY_ELSE],
        env=environment(environ),
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_a_secret_that_is_there_and_may_not_be_read_says_so() -> None:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        closed, open_to_all = Path(folder) / "service-secret", Path(folder) / "admin-token"
        for path, text, mode in ((closed, SECRET, 0o000), (open_to_all, OTHER_SECRET, 0o444)):
            path.write_text(text)
            path.chmod(mode)
        files = {"SERVICE_SECRET_FILE": str(closed), "NETRA_ADMIN_TOKEN_FILE": str(open_to_all)}
        report = examined_as_somebody_else(told("SERVICE_SECRET", **files))
    (found,) = [each for each in report["findings"] if each["severity"] == "error"]
    assert found["subject"] == "SERVICE_SECRET_FILE"
    assert found["what"] == f"names a file that cannot be read (Permission denied): the file {closed}"
    assert "this user may read it" in found["fix"]


def test_a_start_with_an_empty_file_is_refused_and_the_last_line_names_the_file(tmp_path: Path) -> None:
    path = tmp_path / "service-secret"
    path.touch()
    environ = told("SERVICE_SECRET", SERVICE_SECRET_FILE=str(path))
    (last,) = refused_start(environ)
    assert last == (f"error: SERVICE_SECRET: is set but empty (read from the file {path}). Write the value there.")
    assert examined(environ).error_lines == [last]


def test_where_a_good_secret_came_from_is_shown(tmp_path: Path) -> None:
    path = tmp_path / "service-secret"
    path.write_text(f"{SECRET}\n")
    loaded = read(told("SERVICE_SECRET", SERVICE_SECRET_FILE=str(path)))
    assert loaded.settings is not None
    assert loaded.origins["SERVICE_SECRET"] == f"file {path}"


@pytest.mark.parametrize("name", [SIGNING_FILE, MAC_FILE])
def test_a_key_file_of_zero_bytes_is_named_and_never_replaced(tmp_path: Path, name: str) -> None:
    database, keys = tmp_path / "authd.db", tmp_path / "authd.db.keys"
    load_or_create(database)
    (keys / name).write_bytes(b"")
    with pytest.raises(CannotStart) as raised:
        load_or_create(database)
    assert raised.value.finding.line().startswith(f"error: {keys}: the server keys cannot be used ({name} ")
    assert (keys / name).read_bytes() == b""
