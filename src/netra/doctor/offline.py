"""The check before a deploy: are the settings in this environment ones that the gateway would start with?

It must never open a connection: all it reads are variables and the files that they name.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from netra.core.findings import Finding, Severity
from netra.doctor.configuration import configuration
from netra.settings.field import Effective
from netra.settings.read import read_authd

FORMAT_VERSION: Final = 1
_GROUPS: Final = ((Severity.ERROR, "Errors"), (Severity.WARNING, "Warnings"), (Severity.NOTE, "Notes"))
_LABEL_WIDTH: Final = 7


class Report(NamedTuple):
    """What the check found, and the settings as they may be shown."""

    findings: tuple[Finding, ...]
    settings: tuple[Effective, ...]

    @property
    def ok(self) -> bool:
        """Would the gateway start?"""
        return all(one.severity is not Severity.ERROR for one in self.findings)


class Line(NamedTuple):
    """One line of the report, with the meaning by which a terminal may colour it."""

    text: str
    style: str = ""


def examine(environ: Mapping[str, str]) -> Report:
    """Checks the settings of the gateway, and those of the embedded auth service where any of them is set."""
    gateway = configuration(environ)
    findings, settings = list(gateway.findings), list(gateway.effective)
    if any(name.startswith("NETRA_AUTHD_") for name in environ):
        authd = read_authd(environ)
        findings += [one for one in authd.findings if one not in findings]
        shared = {one.variable for one in settings}
        settings += [one for one in authd.effective if one.variable not in shared]
    return Report(tuple(findings), tuple(settings))


def as_json(report: Report) -> str:
    """The report for programs, in ASCII."""
    document = {
        "version": FORMAT_VERSION,
        "ok": report.ok,
        "findings": [one._asdict() for one in report.findings],
        "settings": [one._asdict() for one in report.settings],
    }
    return json.dumps(document, indent=2)


def as_lines(report: Report) -> Iterator[Line]:
    """The report for people: findings by severity, then every setting with its origin, then the verdict."""
    for severity, title in _GROUPS:
        group = [one for one in report.findings if one.severity is severity]
        if group:
            yield Line(f"{title} ({len(group)})", severity)
            for one in group:
                yield from _finding_lines(one)
            yield Line("")
    yield Line("Settings", "title")
    yield from _setting_lines(report.settings)
    yield Line("")
    counts = [f"{sum(one.severity is severity for one in report.findings)} {severity}(s)" for severity, _ in _GROUPS]
    verdict = "The settings can be used" if report.ok else "The gateway would not start with these settings"
    yield Line(f"{verdict}: {', '.join(counts)}.", "good" if report.ok else "error")


def _finding_lines(one: Finding) -> Iterator[Line]:
    yield Line(f"  {one.subject} {one.what} [{one.code}]", "subject")
    yield Line(f"    {'why:':{_LABEL_WIDTH}}{one.why}")
    yield Line(f"    {'cure:':{_LABEL_WIDTH}}{one.fix}")


def _setting_lines(settings: tuple[Effective, ...]) -> Iterator[Line]:
    shown = [(one.variable, _value(one), one.origin) for one in settings]
    widths = [max((len(row[column]) for row in shown), default=0) for column in range(2)]
    for variable, value, origin in shown:
        yield Line(f"  {variable:{widths[0]}}  {value:{widths[1]}}  {origin}", "" if origin == "default" else "set")


def _value(one: Effective) -> str:
    if one.fingerprint:
        return f"{one.value} (fingerprint {one.fingerprint})"
    if isinstance(one.value, bool):
        return str(one.value).lower()
    if isinstance(one.value, float):
        return f"{one.value:g}"
    if one.value is None or one.value in ("", []):
        return "-"
    return ", ".join(one.value) if isinstance(one.value, list) else str(one.value)
