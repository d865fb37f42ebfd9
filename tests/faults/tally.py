"""A plugin for runs of all rows: an order by a seed, and at the end which rows hold, e.g. `48/48 rows hold`.

It must never call a row good of which a test failed, was skipped, or did not run.
"""

import random
from collections.abc import Callable, Generator, Hashable, Iterator, Sequence
from typing import TYPE_CHECKING, Final, NamedTuple, TypeVar

import pytest

# The catalogue is loaded when it is needed: plugins come before coverage is measured, and it loads most of Netra.
if TYPE_CHECKING:
    from tests.faults.row import Row

T = TypeVar("T")

SEED: Final = "--row-seed"
_ROW: Final = "row"
_WIDTH: Final = 24
_LONGEST: Final = 240


class Ran(NamedTuple):
    """One test of a row, as it ended."""

    test: str
    outcome: str
    """passed, failed or skipped."""
    took_s: float
    why: str = ""


class Tally:
    """What became of the tests of each row."""

    def __init__(self) -> None:
        self._ran: dict[str, dict[str, Ran]] = {}

    def add(self, report: pytest.TestReport) -> None:
        """Count one phase of a test; the worst of its phases is what it came to."""
        for name, slug in report.user_properties:
            if name != _ROW:
                continue
            of_row = self._ran.setdefault(str(slug), {})
            before = of_row.get(report.nodeid, Ran(report.nodeid, "passed", 0.0))
            outcome = before.outcome if report.outcome == "passed" else report.outcome
            why = _reason(report) if report.outcome != "passed" else before.why
            of_row[report.nodeid] = Ran(report.nodeid, outcome, before.took_s + report.duration, why)

    def of(self, row: "Row") -> list[Ran]:
        """The tests of a row that ran."""
        return list(self._ran.get(row.slug, {}).values())

    def holds(self, row: "Row") -> bool:
        """Did everything pass that shows this row, and was there something?"""
        ran = self.of(row)
        return bool(ran) and all(each.outcome == "passed" for each in ran)

    def lines(self, rows: Sequence["Row"]) -> Iterator[tuple[str, bool | None]]:
        """The table of these rows, then what does not hold; each line with whether it is good, None for neither."""
        from tests.faults.row import SECTIONS

        for section in SECTIONS:
            listed = [row for row in rows if row.section == section]
            if listed:
                yield f"\n{section}", None
            yield from (self._line(row) for row in listed)
        for row in rows:
            if not self.holds(row):
                yield f"\n{row.slug}: {row.fault}\n  promised: {row.answer}", None
                yield from ((f"  {each.outcome}: {each.test}: {each.why}", None) for each in self.of(row) if each.why)

    def _line(self, row: "Row") -> tuple[str, bool]:
        ran, holds = self.of(row), self.holds(row)
        verdict = "holds" if holds else "does not hold" if ran else "was not shown"
        shown = f"{len(ran)} test{'' if len(ran) == 1 else 's'}, {sum(each.took_s for each in ran):.1f} s"
        return f"  {row.slug:<{_WIDTH}}{verdict:<15}{shown}", holds

    def last_line(self, rows: Sequence["Row"]) -> tuple[str, bool]:
        """What it comes to, and whether that is all of them."""
        held = sum(map(self.holds, rows))
        return f"{held}/{len(rows)} rows hold", held == len(rows)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Make the seed an option."""
    parser.addoption(SEED, type=int, default=None, help="run the rows in another order: the same for the same number")


def pytest_configure(config: pytest.Config) -> None:
    """Make the mark known, and begin to count."""
    config.addinivalue_line("markers", "row(slug): shows this row of the fault catalogue")
    config.pluginmanager.register(Counting(config), "rows")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Note the rows of each test where every process and `-k` find them; change the order if a seed is given."""
    from tests.faults.catalogue import BY_SLUG

    for item in items:
        for mark in item.iter_markers(_ROW):
            assert mark.args[0] in BY_SLUG, f"{item.nodeid} names the row {mark.args[0]}, which there is not"
            item.user_properties.append((_ROW, mark.args[0]))
            item.extra_keyword_matches.add(mark.args[0])
    seed = config.getoption(SEED)
    if seed is not None:
        items[:] = shuffled(items, seed, file_of=lambda item: item.path)


def shuffled(items: Sequence[T], seed: int, *, file_of: Callable[[T], Hashable]) -> list[T]:
    """Another order, the same for the same seed. What is of one file stays together: it shares what it has opened."""
    chance = random.Random(seed)  # noqa: S311 - to be repeated, not to be secret
    files = list(dict.fromkeys(map(file_of, items)))
    chance.shuffle(files)
    mixed = list(items)
    chance.shuffle(mixed)
    return sorted(mixed, key=lambda item: files.index(file_of(item)))


class Counting:
    """Hears of every test, wherever it ran, and says at the very end what holds."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._tally = Tally()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """One phase of a test has ended."""
        self._tally.add(report)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> Generator[None]:
        """Everything has ended, and been reported. A row that was not shown is a failure, unless few were chosen."""
        if hasattr(self._config, "workerinput") or self._config.option.collectonly:
            return (yield)
        from tests.faults.catalogue import COUNTED

        rows = [row for row in COUNTED if not self._config.option.keyword or self._tally.of(row)]
        last, good = self._tally.last_line(rows)
        if not good and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED
        result = yield
        reporter = self._config.pluginmanager.get_plugin("terminalreporter")
        if reporter is not None:
            for line, holds in (*self._tally.lines(rows), ("", None), (last, good)):
                reporter.write_line(line, green=holds is True, red=holds is False)
        return result


def _reason(report: pytest.TestReport) -> str:
    if isinstance(report.longrepr, tuple):
        return str(report.longrepr[2])
    lines = report.longreprtext.splitlines() or [""]
    said = next((line.removeprefix("E").strip() for line in lines if line.startswith("E  ")), lines[-1])
    return said if len(said) <= _LONGEST else f"{said[:_LONGEST]} ..."
