"""What the incidents are shown with: starts that are refused, what operators read then, and a real auth service.

It must never judge anything itself: a test says what must be read.
"""

import asyncio
import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

from netra.core.findings import Finding, Severity
from netra.doctor.offline import examine
from netra.doctor.report.documents import as_json
from netra.settings.read import read
from tests.support.gateways import Running
from tests.support.places import free_port
from tests.support.programs import Program, attempt
from tests.support.wire import LONGEST_S, Answer, post_now

SECRET: Final = "Jt3vXq8RzL0mWc5YkUe2NsHbP7dGfAo9iTx4BwZ1Ku"
OTHER_SECRET: Final = "hV6pQeXsR2mTz9LkWc4YbNuJd8GfAo0iHx1BwZ3PqE"
EMAIL: Final = "ada@example.com"
PASSWORD: Final = "correct horse battery staple"
GOOD: Final[Mapping[str, str]] = {
    "ENVIRONMENT": "staging",
    "AUTH_SERVICE_URL": "https://auth.shop.test",
    "SERVICE_ID": "netra-backend",
    "SERVICE_SECRET": SECRET,
}
"""Settings with which a gateway starts without a word."""


def told(*unset: str, **changes: str) -> dict[str, str]:
    """The good settings, some of them unset or changed."""
    return {name: value for name, value in {**GOOD, **changes}.items() if name not in unset}


def errors(environ: Mapping[str, str]) -> list[Finding]:
    """What a gateway would refuse to start with."""
    return [each for each in read(environ).findings if each.severity is Severity.ERROR]


def refused_start(environ: Mapping[str, str], folder: Path | None = None) -> list[str]:
    """`netra serve` does not start with these settings: what it leaves on standard error, line by line."""
    done = attempt("serve", "--port", "0", "--admin-port", "0", told=environ, folder=folder)
    assert done.returncode == os.EX_CONFIG, done.stderr
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    return done.stderr.splitlines()


class Diagnosis(NamedTuple):
    """What `netra doctor --offline` reports."""

    ok: bool
    report: Any
    printed: str

    @property
    def error_lines(self) -> list[str]:
        """Its errors, worded as a refused start words them."""
        found = [each for each in self.report["findings"] if each["severity"] == "error"]
        return ["{severity}: {subject}: {what}. {fix}".format(**each) for each in found]

    def setting(self, variable: str) -> Any:
        """What it shows of one setting."""
        return next(each for each in self.report["settings"] if each["variable"] == variable)


def doctor(environ: Mapping[str, str], folder: Path | None = None) -> Diagnosis:
    """Run the check that comes before a deploy."""
    done = attempt("doctor", "--offline", "--format", "json", told=environ, folder=folder)
    assert done.stderr == ""
    assert done.returncode in {0, 1}
    return Diagnosis(not done.returncode, json.loads(done.stdout), done.stdout)


def examined(environ: Mapping[str, str]) -> Diagnosis:
    """The same check without the command around it."""
    report = examine(environ)
    printed = as_json(report)
    return Diagnosis(report.ok, json.loads(printed), printed)


def first_complaint(lines: Iterable[Any]) -> Any:
    """The first log line that an operator is alarmed by."""
    return next(line for line in lines if line["level"] in {"warning", "error", "critical"})


async def line_of(gateway: Running, answer: Answer) -> Any:
    """The log line of an answer's request; it may be written a moment later."""
    async with asyncio.timeout(LONGEST_S):
        while not (lines := gateway.lines_of(answer.header("x-request-id") or "")):
            await asyncio.sleep(0.01)
    (line,) = lines
    return line


class AuthService(Program):
    """`netra authd` with one user and one service that it knows."""

    started = "Auth service listening"

    def __init__(self, folder: Path) -> None:
        self.told = {
            "ENVIRONMENT": "test",
            "NETRA_AUTHD_DATABASE_URL": f"sqlite:///{folder}/authd.db",
            "NETRA_AUTHD_PORT": str(free_port()),
        }
        added = attempt("services", "add", "netra-backend", told=self.told)
        self.credentials: Mapping[str, str] = dict(line.split("=", 1) for line in added.stdout.split())
        self.said_of_the_secret = added.stderr
        super().__init__("authd", told=self.told, folder=folder)

    def start(self) -> None:
        """Run it, and open the account of its one user as a service would; he keeps it over a restart."""
        super().start()
        seal = [(f"X-{name.replace('_', '-')}", value) for name, value in self.credentials.items()]
        added = post_now(self.url, "/auth/register", {"email": EMAIL, "password": PASSWORD, "name": "Ada"}, seal)
        assert added.status in {201, 409}, added

    @property
    def url(self) -> str:
        """Its `AUTH_SERVICE_URL`."""
        return f"http://127.0.0.1:{self.told['NETRA_AUTHD_PORT']}"

    def known_to(self, environment: str = "staging", **changes: str) -> dict[str, str]:
        """The settings of a gateway that it knows, some of them changed."""
        return {"ENVIRONMENT": environment, **self.credentials, **changes}
