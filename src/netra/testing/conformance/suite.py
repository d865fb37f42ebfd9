"""The checks as a class of pytest tests: subclass it, name your auth service in a fixture, run pytest.

It must never show a local variable of a check, nor need an option in anybody's pytest.ini.
"""

import asyncio
import warnings
from collections.abc import Callable
from typing import NamedTuple

import pytest

from netra.testing.conformance.interview import Memory
from netra.testing.conformance.results import Check, Row, Verdict
from netra.testing.conformance.rows import CHECKS, announcement, judged
from netra.testing.conformance.subject import AuthService


class AuthServiceWarning(UserWarning):
    """Something of an auth service that works, and that somebody will be sorry for."""


class Examined(NamedTuple):
    """One auth service, with what the tests of one class have found out of it."""

    service: AuthService
    memory: Memory


class AuthServiceConformance:
    """What Netra needs of an auth service, a test each.

    Subclass it as `TestOurAuthService`; a fixture `auth_service`, in the class, its file or a conftest.py, returns an
    `AuthService`.
    A warning is a Python warning, `AuthServiceWarning`; a call that the wire does not list is a skipped test.
    """

    _examined: Examined | None = None
    """Of the subclass: what its tests share."""

    @pytest.fixture
    def examined(self, auth_service: AuthService, pytestconfig: pytest.Config) -> Examined:
        """The auth service and what is known of it. What is about to be done to it is said before the first test."""
        return self._examining(auth_service, pytestconfig)

    @classmethod
    def _examining(cls, service: AuthService, config: pytest.Config) -> Examined:
        if cls._examined is None or cls._examined.service != service:
            cls._examined = Examined(service, Memory())
            _say(config, announcement(service))
        return cls._examined


def _say(config: pytest.Config, line: str) -> None:
    """A line on the terminal, whatever is captured; nothing where there is none, as in a worker of xdist."""
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    capture = config.pluginmanager.get_plugin("capturemanager")
    if reporter is not None and capture is not None:
        with capture.global_and_fixture_disabled():
            reporter.ensure_newline()
            reporter.write_line(line)


def _test_of(check: Check) -> "Callable[[AuthServiceConformance, Examined, Callable[[str, object], None]], None]":
    def test(self: AuthServiceConformance, examined: Examined, record_property: Callable[[str, object], None]) -> None:
        result = asyncio.run(judged(check, *examined))
        record_property("conformance", f"{result.verdict}: {result.reason}")
        told = "\n".join(Row(check, result).lines())
        if result.verdict is Verdict.FAIL:
            pytest.fail(told, pytrace=False)
        elif result.verdict is Verdict.SKIPPED:
            pytest.skip(f"{result.reason}. {result.fix}".rstrip())
        elif result.verdict is Verdict.WARN:
            warnings.warn(AuthServiceWarning(f"\n{told}"), stacklevel=1)

    test.__name__ = f"test_{check.name}"
    test.__qualname__ = f"{AuthServiceConformance.__qualname__}.{test.__name__}"
    test.__doc__ = check.asks
    return test


for _check in CHECKS:
    setattr(AuthServiceConformance, f"test_{_check.name}", _test_of(_check))
