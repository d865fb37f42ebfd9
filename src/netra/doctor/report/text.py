"""A diagnosis for people: a checklist by hops, what was found, and one last line that names the cause and its cure.

It must never leave out what is wrong: what does not fit into the checklist stands below it.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Final, NamedTuple

from netra.core.findings import Finding, Severity
from netra.core.verdict.causes import TABLE
from netra.doctor.diagnosis import WHOLE_HOP, Check, Diagnosis, Hop, State
from netra.doctor.sockets import Socket
from netra.settings.field import NOT_ACCEPTED, Effective

_GROUPS: Final = ((Severity.ERROR, "Errors"), (Severity.WARNING, "Warnings"), (Severity.NOTE, "Notes"))
_TITLES: Final = {Hop.DNS: "DNS", Hop.TCP: "TCP", Hop.TLS: "TLS", Hop.HTTP: "HTTP"}
_DRAWN: Final = {State.PASS: "✓", State.WARN: "!", State.FAIL: "✗", State.SKIP: "\u2013"}
_TYPED: Final = {State.PASS: "+", State.WARN: "!", State.FAIL: "x", State.SKIP: "-"}
_STATES: Final = {State.PASS: "passed", State.WARN: "in doubt", State.FAIL: "failed", State.SKIP: "not looked at"}
_HOPS: Final = frozenset(map(str, Hop))
_LABEL_WIDTH: Final = 7
_MARK_WIDTH: Final = 4
_NAME_WIDTH: Final = 23
_WORTH_TELLING_S: Final = 0.0005


class Line(NamedTuple):
    """One line of a report, with the meaning by which a terminal may colour it."""

    text: str
    style: str = ""
    indent: int = 0
    """Where its second line begins, should a terminal be too narrow for one."""


def draws(encoding: str | None) -> bool:
    """Has this encoding the marks that are drawn?"""
    try:
        "".join(_DRAWN.values()).encode(encoding or "ascii")
    except UnicodeError:
        return False
    return True


def as_lines(diagnosis: Diagnosis, *, drawn: bool = True) -> Iterator[Line]:
    """The whole report. `drawn`: may marks be used that ASCII does not have?"""
    yield from checklist(diagnosis, drawn=drawn)
    yield Line("")
    yield from _sockets(diagnosis.sockets)
    yield from conclusion(diagnosis)


def offline_lines(diagnosis: Diagnosis) -> Iterator[Line]:
    """The report of a configuration alone: findings by severity, every setting with its origin, the verdict."""
    yield from _findings(diagnosis.findings)
    yield from setting_lines(diagnosis.settings)
    yield Line("")
    yield from _sockets(diagnosis.sockets)
    counts = Counter(one.severity for one in diagnosis.findings)
    told = ", ".join(f"{counts[severity]} {severity}(s)" for severity, _ in _GROUPS)
    verdict = "The settings can be used" if diagnosis.ok else "The gateway would not start with these settings"
    yield Line(f"{verdict}: {told}.", "good" if diagnosis.ok else "error")


def checklist(diagnosis: Diagnosis, *, drawn: bool = True) -> Iterator[Line]:
    """Whom it was about, then each hop with its checks and the time that it took."""
    yield Line(f"The way to {target(diagnosis.settings) or 'an auth service without a usable address'}", "title")
    for (_, unseen), checks in groupby(
        diagnosis.checks, lambda each: (None if _unseen(each) else each.hop, _unseen(each))
    ):
        some = list(checks)
        yield Line("")
        if unseen:
            yield Line(", ".join(title(each.hop) for each in some), "title")
            yield check_line(some[0], drawn=drawn)
        else:
            yield Line(f"{title(some[0].hop)}{_took(diagnosis.hop_s.get(some[0].hop))}", "title")
            yield from (check_line(each, drawn=drawn, timed=len(some) > 1) for each in some)


def check_line(check: Check, *, drawn: bool = True, timed: bool = False) -> Line:
    """One check, e.g. `  ✓ certificate   trusted, …`."""
    mark = (_DRAWN if drawn else _TYPED)[check.state]
    took = _took(check.elapsed_s) if timed else ""
    name = "" if _unseen(check) else f"{check.name:{_NAME_WIDTH}} "
    return Line(f"  {mark} {name}{check.what}{took}", check.state, _MARK_WIDTH + len(name))


def _unseen(check: Check) -> str:
    """Why a whole hop was not looked at; empty for one that was."""
    return check.what if check.state is State.SKIP and check.name == WHOLE_HOP else ""


def title(hop: Hop) -> str:
    """A hop as a heading."""
    return _TITLES.get(hop) or hop.replace("_", " ").capitalize()


def target(settings: Iterable[Effective]) -> str | None:
    """Whom a diagnosis is about, as it may be shown; None while no usable address is set."""
    shown = {each.variable: each.value for each in settings}
    named = shown.get("AUTH_SERVICE_URL") or shown.get("OIDC_ISSUER")
    return None if named in (None, "", NOT_ACCEPTED) else str(named)


def conclusion(diagnosis: Diagnosis) -> Iterator[Line]:
    """What was found, how much was looked at, and in the last line what to do first."""
    yield from _findings(diagnosis.findings)
    counts = Counter(check.state for check in diagnosis.checks)
    told = ", ".join(f"{counts[state]} {word}" for state, word in _STATES.items() if counts[state])
    more = f" `netra explain {first.code}` tells more." if (first := diagnosis.first) and first.code in TABLE else ""
    asked = f" The auth service's log knows them as {diagnosis.request_id}." if diagnosis.request_id else ""
    yield Line(f"{len(diagnosis.checks)} checks in {diagnosis.elapsed_s:.2f} s: {told}.{asked}{more}")
    yield verdict(diagnosis)


def verdict(diagnosis: Diagnosis) -> Line:
    """The one line for those who have a minute."""
    first = diagnosis.first
    if first is None:
        return Line("Nothing stands in the way of logins.", "good")
    start = "First" if not diagnosis.ok else "Nothing stands in the way of logins. First of what is in doubt"
    cure = " ".join(first.fix.split())
    return Line(f"{start}: {_told(first)} Cure: {cure}", "error" if not diagnosis.ok else "warning")


def setting_lines(settings: tuple[Effective, ...]) -> Iterator[Line]:
    """Every setting as it may be shown, with the place that it came from."""
    yield Line("Settings", "title")
    shown = [(one.variable, _value(one), one.origin) for one in settings]
    widths = [max((len(row[column]) for row in shown), default=0) for column in range(2)]
    for variable, value, origin in shown:
        yield Line(f"  {variable:{widths[0]}}  {value:{widths[1]}}  {origin}", "" if origin == "default" else "set")


def _sockets(used: tuple[Socket, ...]) -> Iterator[Line]:
    if used:
        yield Line("Sockets", "title")
        yield from (Line(f"  {each.line()}") for each in used)
        yield Line("")


def _findings(findings: tuple[Finding, ...]) -> Iterator[Line]:
    for severity, heading in _GROUPS:
        group = [one for one in findings if one.severity is severity]
        if group:
            yield Line(f"{heading} ({len(group)})", severity)
            for one in group:
                yield from _finding_lines(one)
            yield Line("")


def _finding_lines(one: Finding) -> Iterator[Line]:
    yield Line(f"  {_told(one)}", "subject", 2)
    for label, text in (("why:", one.why), ("cure:", one.fix)):
        for number, line in enumerate(text.splitlines() or [""]):
            yield Line(f"    {'' if number else label:{_LABEL_WIDTH}}{line}", "", 4 + _LABEL_WIDTH)


def _told(one: Finding) -> str:
    """A hop is followed by a sentence, a variable begins one."""
    what = f"{one.subject}: {one.what}" if one.subject in _HOPS else f"{one.subject} {one.what}"
    return f"{what} [{one.code}]"


def _took(elapsed_s: float | None) -> str:
    if elapsed_s is None or elapsed_s < _WORTH_TELLING_S:
        return ""
    return f" ({elapsed_s * 1e3:.0f} ms)" if elapsed_s < 1 else f" ({elapsed_s:.1f} s)"


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
