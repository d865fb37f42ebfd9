"""The settings page and the example environment file say what the fields say, and the example can be used."""

import os
import re
import subprocess
import sys
from pathlib import Path

from netra.settings.read import known_names, load, read, read_authd
from netra.settings.reference import COMMAND, every_row, example, page
from tests.settings.good import found

ROOT = Path(__file__).parents[2]
LINE = re.compile(r"(?:# )?([A-Z][A-Z0-9_]+)=(.*)")


def _assignments(text: str) -> dict[str, str]:
    return {match[1]: match[2] for line in text.splitlines() if (match := LINE.fullmatch(line))}


def test_the_settings_page_is_up_to_date() -> None:
    assert (ROOT / "docs/settings.md").read_text(encoding="utf-8") == page(), f"run: {COMMAND}"


def test_the_example_file_is_up_to_date() -> None:
    assert (ROOT / ".env.example").read_text(encoding="utf-8") == example(), f"run: {COMMAND}"


def test_page_and_example_name_every_variable() -> None:
    for name in known_names():
        assert name in page()
    for row in every_row():
        assert f"{row.name}=" in example()


def test_every_setting_says_what_it_means_and_what_breaks() -> None:
    for row in every_row():
        for words in (row.meaning, row.breaks):
            assert len(words) > 10
            assert words.endswith((".", "?", "`"))


def test_a_copy_of_the_example_starts_a_gateway() -> None:
    environ = dict(line.split("=", 1) for line in example().splitlines() if re.match(r"[A-Z]", line))
    loaded = read(environ)
    assert {severity for _, _, severity in found(loaded.findings)} <= {"note", "warning"}
    assert load(environ).environment == "development"


def test_every_default_in_the_example_is_one_that_is_accepted() -> None:
    written = {name: value for name, value in _assignments(example()).items() if value}
    assert len(written) > 30
    for loaded in (read(written), read_authd(written)):
        assert loaded.settings is not None
        assert "unknown_variable" not in {one.code for one in loaded.findings}


def test_the_defaults_in_the_example_are_the_ones_of_the_program() -> None:
    filled_in = {"ENVIRONMENT": "development", "AUTH_SERVICE_URL": "http://127.0.0.1:8081"}
    written = {name: value for name, value in _assignments(example()).items() if value}
    assert load(written) == load(filled_in)


def test_the_command_tells_when_a_file_is_out_of_date(tmp_path: Path) -> None:
    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "netra.settings.reference", *arguments]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, env=_absolute_path())

    assert run().returncode == 2
    (tmp_path / "docs").mkdir()
    assert run("--check").returncode == 1
    assert run().returncode == 0
    assert run("--check").returncode == 0
    assert (tmp_path / "docs/settings.md").read_text(encoding="utf-8") == page()
    with (tmp_path / ".env.example").open("a", encoding="utf-8") as file:
        file.write("# by hand\n")
    stale = run("--check")
    assert (stale.returncode, stale.stdout) == (1, f".env.example is out of date: run {COMMAND}\n")


def _absolute_path() -> dict[str, str]:
    """The environment of this process, with folders of modules that are still found from another directory."""
    folders = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    return {**os.environ, "PYTHONPATH": os.pathsep.join(str(Path(one).resolve()) for one in folders if one)}
