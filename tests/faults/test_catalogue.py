"""The catalogue is whole: every row is shown, every mark names a row, the lab plays what it names, the page is current.

It must never run a row: whether it holds is for its tests to say.
"""

import re
import subprocess
import sys
from itertools import groupby
from pathlib import Path

import pytest

from netra.lab.faults import BY_NAME
from tests.faults.catalogue import BY_SLUG, COUNTED, ROWS
from tests.faults.marks import marks
from tests.faults.reference import COMMAND, PAGE, main, page
from tests.faults.row import SECTIONS
from tests.faults.tally import shuffled
from tests.support.programs import PATIENCE_S, ROOT, environment

TESTS = ROOT / "tests"
SLUG = re.compile(r"[a-z]+(?:-[a-z]+)*")
SAMPLE = """
import pytest
row = pytest.mark.row

@row("port-closed")
@pytest.mark.parametrize("way", [1, 2])
def test_it_passes(way): pass

@row("no-route")
def test_a_part_of_it_passes(): pass

@row("no-route")
def test_another_part_fails(): raise ValueError("there is a way")

@row("framing")
def test_it_is_skipped(): pytest.skip("no proxy here")

@row("recovery")
@row("drips")
def test_it_shows_two_rows(): pass
"""


def test_every_row_is_shown_by_something() -> None:
    marked = {slug for _, slug in marks(TESTS)}
    missing = [row.slug for row in COUNTED if not row.ways and row.slug not in marked]
    assert not missing, "write tests for these, each with the mark `row` and the row's name"


def test_every_mark_names_a_row_that_is_counted() -> None:
    counted = {row.slug for row in COUNTED}
    assert not [f"{path.relative_to(ROOT)}: {slug}" for path, slug in marks(TESTS) if slug not in counted]


def test_rows_have_names_of_their_own_and_whole_sentences() -> None:
    assert len(BY_SLUG) == len(ROWS)
    for row in ROWS:
        assert SLUG.fullmatch(row.slug), row.slug
        assert row.section in SECTIONS
        assert re.fullmatch(r"[A-Z`].+\.", row.fault), row.fault
        assert not row.answer.endswith("."), row.answer
        names = [way.name for way in row.ways]
        assert len(set(names)) == len(names), row.slug


def test_a_row_that_is_not_yet_shown_says_why_in_a_sentence() -> None:
    for row in ROWS:
        if row.not_yet:
            assert re.fullmatch(r"[A-Z].+\.", row.not_yet)
            assert not row.ways
    assert len(ROWS) - len(COUNTED) == 0


def test_a_row_promises_what_its_ways_come_to() -> None:
    for row in ROWS:
        promised = set(re.findall(r"(\d{3}) `([a-z_]+)`", row.answer))
        for way in row.ways:
            assert (str(way.status), way.code) in promised, f"{row.slug}: {way.name}"
        assert row.again != "yes" or any(way.tried_again for way in row.ways) or not row.ways


def test_what_is_sent_again_without_a_promise_cannot_have_arrived() -> None:
    for row in ROWS:
        for way in row.ways:
            assert not way.tried_again or (way.deliveries == 0 and way.status == 503), way
            assert way.deliveries <= 1


def test_the_lab_plays_what_the_catalogue_names_and_promises_the_same() -> None:
    for row in ROWS:
        assert set(row.try_it) <= set(BY_NAME), row.slug
        for way in row.ways:
            if way.lab:
                fault = BY_NAME[way.lab]
                assert (fault.status, fault.code) == (way.status, way.code), way.lab


def test_the_page_is_up_to_date() -> None:
    assert (ROOT / PAGE).read_text("utf-8") == page(), f"run: {COMMAND}"


def test_the_command_tells_when_the_page_is_out_of_date(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert main([]) == 2
    (tmp_path / "docs").mkdir()
    assert main(["--check"]) == 1
    assert main([]) == 0
    assert main(["--check"]) == 0
    assert (tmp_path / PAGE).read_text("utf-8") == page()


def ran(folder: Path, *options: str, without: str = "") -> tuple[int, list[str]]:
    """The exit code and the lines of a run of the sample, or of what is left of it without these rows."""
    left = [part for part in SAMPLE.split("\n\n") if not any(f'"{slug}"' in part for slug in without.split())]
    (folder / "test_sample.py").write_text("\n\n".join(left))
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "tests.faults.tally", "-c", "/dev/null", *options, str(folder)],
        cwd=ROOT, env=environment({}), capture_output=True, text=True, timeout=PATIENCE_S, check=False,
    )  # fmt: skip
    return done.returncode, done.stdout.splitlines()


def test_a_row_holds_when_all_its_tests_passed_and_only_then(tmp_path: Path) -> None:
    code, lines = ran(tmp_path)
    verdicts = dict(re.findall(r"^  ([a-z-]+) +(holds|does not hold|was not shown)\b", "\n".join(lines), re.MULTILINE))
    assert [slug for slug, verdict in verdicts.items() if verdict == "holds"] == ["port-closed", "drips", "recovery"]
    assert [slug for slug, verdict in verdicts.items() if verdict == "does not hold"] == ["no-route", "framing"]
    assert len(verdicts) == len(COUNTED)
    assert any("there is a way" in line for line in lines)
    assert any("no proxy here" in line for line in lines)
    assert lines[-1] == f"3/{len(COUNTED)} rows hold"
    assert code == 1


def test_a_few_rows_can_be_run_alone(tmp_path: Path) -> None:
    code, lines = ran(tmp_path, "-k", "port-closed")
    assert (code, lines[-1]) == (0, "1/1 rows hold")


def test_rows_that_were_not_shown_are_a_failure_though_every_test_passed(tmp_path: Path) -> None:
    code, lines = ran(tmp_path, without="framing no-route")
    assert (code, lines[-1]) == (1, f"3/{len(COUNTED)} rows hold")


def test_a_seed_gives_another_order_and_always_the_same() -> None:
    plain = [(file, number) for file in "abcd" for number in range(10)]
    orders = {seed: shuffled(plain, seed, file_of=lambda each: each[0]) for seed in (7, 8)}
    assert plain != orders[7] != orders[8] != plain
    assert sorted(orders[7]) == plain
    assert shuffled(plain, 7, file_of=lambda each: each[0]) == orders[7]
    files = [file for file, _ in orders[7]]
    assert len(list(groupby(files))) == 4, "tests of one file stay together"
