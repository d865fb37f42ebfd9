"""What holds for every test: where nothing may be skipped, a skipped test is a failed one.

It must never hold fixtures of a single room: those stand beside the tests that use them.
"""

import os
from collections.abc import Generator

import pytest

REQUIRE = "NETRA_REQUIRE_OPTIONAL"
"""Set it to 1 where everything that a test may need is installed."""


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A test that skips itself."""
    report = yield
    if not hasattr(report, "wasxfail"):
        _refuse_skip(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """A file that skips itself."""
    report = yield
    _refuse_skip(report)
    return report


def _refuse_skip(report: pytest.TestReport | pytest.CollectReport) -> None:
    if report.outcome == "skipped" and os.environ.get(REQUIRE) == "1":
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        report.outcome = "failed"
        report.longrepr = f"{reason}\n{REQUIRE}=1 allows no skipped test: install what is missing."
