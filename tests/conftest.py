"""What holds for every test: none is skipped where nothing may be, and a live one that made no connection has failed.

It must never hold fixtures of a single room: those stand beside the tests that use them.
"""

import gc
import os
import sys
from collections.abc import Generator, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import pytest

REQUIRE: Final = "NETRA_REQUIRE_OPTIONAL"
"""Set it to 1 where everything that a test may need is installed."""
NOT_ALLOWED: Final = "the kernel does not allow"
"""So begins the reason of a skip that no installation can mend."""

LIVE: Final = ("live", "mission_critical")
"""Folders whose tests prove nothing unless something goes over a socket."""
_REPORTED: Final = "mission_critical/test_backend_login_endpoint_fix.py"
WITHOUT_CONNECTION: Final[Mapping[str, str]] = {
    f"{_REPORTED}::test_the_reports_own_curl_line_gets_a_meaningful_401_or_503_and_never_a_500": "curl connects",
    f"{_REPORTED}::test_in_staging_a_gateway_without_service_credentials_refuses_to_start_and_says_how_to_mend_it": (
        "the program ends before there is anything to connect to"
    ),
    f"{_REPORTED}::test_no_log_of_all_this_names_a_password_an_address_or_a_secret": "it reads what others have caused",
}
"""The tests of those folders that may do without, by file and name, each with its reason."""


class Connections:
    """How many connections over a network this process has begun. An audit hook: it cannot be taken out again."""

    def __init__(self) -> None:
        self.count = 0
        sys.addaudithook(self._hear)

    def _hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        # An address that is a text is a file of this machine.
        if event == "socket.connect" and isinstance(arguments[1], tuple):
            self.count += 1


_CONNECTIONS: Final = pytest.StashKey[Connections]()
_MADE: Final = pytest.StashKey[int]()


def pytest_configure(config: pytest.Config) -> None:
    """Begin to count."""
    config.stash[_CONNECTIONS] = Connections()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None]:
    """Count what the test itself begins; fixtures that were there before it prove nothing of it."""
    connections = item.config.stash[_CONNECTIONS]
    before = connections.count
    try:
        return (yield)
    finally:
        item.stash[_MADE] = connections.count - before


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A test that skips itself, or passes without having done what it is for."""
    report = yield
    if not hasattr(report, "wasxfail"):
        _refuse_skip(report)
    if report.when == "call" and report.outcome == "passed":
        _refuse_idleness(report, item)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """A file that skips itself."""
    report = yield
    _refuse_skip(report)
    return report


def _refuse_skip(report: pytest.TestReport | pytest.CollectReport) -> None:
    if report.outcome == "skipped" and os.environ.get(REQUIRE) == "1":
        reason = str(report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr)
        if reason.removeprefix("Skipped: ").startswith(NOT_ALLOWED):
            return
        report.outcome = "failed"
        report.longrepr = f"{reason}\n{REQUIRE}=1 allows no skipped test: install what is missing."


def _refuse_idleness(report: pytest.TestReport, item: pytest.Item) -> None:
    place = item.path.relative_to(Path(__file__).parent).as_posix()
    if not place.startswith(tuple(f"{folder}/" for folder in LIVE)):
        return
    name, made = f"{place}::{getattr(item, 'originalname', item.name)}", item.stash[_MADE]
    if not made and name not in WITHOUT_CONNECTION:
        report.outcome = "failed"
        report.longrepr = f"{name} passed without a single connection: it has tested nothing that is live."
    elif made and name in WITHOUT_CONNECTION:
        report.outcome = "failed"
        report.longrepr = f"{name} made {made} connections: take it out of WITHOUT_CONNECTION."


@pytest.fixture
def only_what_is_new() -> Iterator[None]:
    """The garbage collector knows no more of the objects that other tests have left: there are very many of them."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()
