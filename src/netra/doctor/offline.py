"""The configuration, looked at: are the settings in this environment ones that the gateway would start with?

It must never open a connection: all it reads are variables and the files that they name.
"""

import time
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Final, NamedTuple

from netra.core.findings import Finding, Severity
from netra.core.verdict.causes import TABLE
from netra.core.verdict.wire import Wire
from netra.doctor import oauth
from netra.doctor.configuration import configuration
from netra.doctor.diagnosis import Check, Diagnosis, Hop, State
from netra.doctor.sockets import sockets
from netra.pages.book import read_book
from netra.settings.field import Effective, effective, rows
from netra.settings.read import read_again, read_authd
from netra.settings.variables import Settings
from netra.upkeep.credentials import FOLLOWED

_WORST_FIRST: Final = tuple(Severity)
_DISABLED: Final = "auth_service_disabled"


class Start(NamedTuple):
    """What a diagnosis begins with: a configuration, and what was found in it."""

    settings: Settings | None
    """None when there is an error in the configuration."""
    wire: Wire | None
    environ: Mapping[str, str]
    effective: tuple[Effective, ...]
    checks: tuple[Check, ...]
    """Of the configuration."""


def examine(environ: Mapping[str, str], *, with_sockets: bool = False) -> Diagnosis:
    """Checks the settings of the gateway, and those of the embedded auth service where any of them is set."""
    started_s = time.monotonic()
    start = begin(environ)
    elapsed_s = time.monotonic() - started_s
    used = sockets(start.settings) if with_sockets and start.settings else ()
    return Diagnosis(start.checks, start.effective, elapsed_s, {Hop.CONFIGURATION: elapsed_s}, used)


def begin(environ: Mapping[str, str]) -> Start:
    """Reads the configuration anew, as a start of the gateway would."""
    started_s = time.monotonic()
    found = configuration(environ)
    shown = list(found.effective)
    told = oauth.without_misspelt(found.findings, environ)
    checks = [settings_check("settings", told, found.effective, time.monotonic() - started_s)]
    if any(name.startswith("NETRA_AUTHD_") for name in environ):
        authd = read_authd(environ)
        shared = {one.variable for one in shown}
        own = tuple(one for one in authd.effective if one.variable not in shared)
        findings = [one for one in authd.findings if one not in found.findings]
        checks.append(settings_check("authd_settings", findings, own, None))
        shown += own
    checks += oauth.checks(environ)
    return Start(found.settings, found.wire, environ, tuple(shown), tuple(checks))


def followed(start: Start) -> Start:
    """The same with our credentials as their files have them by now: a gateway that runs follows these."""
    settings, shown = start.settings, {each.variable: each for each in start.effective}
    for variable, attribute in FOLLOWED.items():
        if settings is None or variable not in settings.files:
            continue
        value = read_again(attribute, settings.files[variable]).value
        if value is None:
            continue
        settings = replace(settings, **{attribute: value})
        if variable in shown:
            row = dict(rows(Settings))[attribute]
            shown[variable] = effective(row, value, shown[variable].origin, frozenset())
    return start._replace(settings=settings, effective=tuple(shown.values()))


def settings_check(
    name: str, findings: Iterable[Finding], shown: tuple[Effective, ...], elapsed_s: float | None
) -> Check:
    """What was found in some settings, the worst first."""
    found = tuple(sorted(findings, key=lambda each: _WORST_FIRST.index(each.severity)))
    counts = {severity: sum(each.severity is severity for each in found) for severity in Severity}
    state = State.FAIL if counts[Severity.ERROR] else State.WARN if counts[Severity.WARNING] else State.PASS
    set_count = sum(each.origin != "default" for each in shown)
    told = ", ".join(f"{count} {severity}{'s' * (count != 1)}" for severity, count in counts.items() if count)
    what = f"{set_count} of {len(shown)} set, {told or 'nothing doubtful'}"
    if state is not State.PASS:
        worst = Severity.ERROR if state is State.FAIL else Severity.WARNING
        what += f": {', '.join(dict.fromkeys(each.subject for each in found if each.severity is worst))}"
    return Check(Hop.CONFIGURATION, name, state, what, elapsed_s, found)


def switched_off() -> Check:
    """What a diagnosis says where the auth service is not to be asked at all."""
    page, cause = read_book()[_DISABLED], TABLE[_DISABLED]
    why = f"Users get {cause.status} `{_DISABLED}`."
    finding = Finding(
        Severity.ERROR, _DISABLED, Hop.CONFIGURATION, page.operator_sentence({}), why, page.suggestions({})[0]
    )
    return Check(Hop.CONFIGURATION, "switched_on", State.FAIL, "AUTH_SERVICE_ENABLED is false", None, (finding,))
