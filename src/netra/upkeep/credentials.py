"""Our own credentials while we run: followed where they come from files, so that a rotation needs no restart.

It must never give up credentials that work for ones that cannot be used, nor show a secret.
"""

import asyncio
from collections.abc import Callable, Mapping
from math import inf
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from netra.core.events import Changed, ConfigurationProblem, Event
from netra.core.findings import Finding, Severity
from netra.core.secret import Secret
from netra.core.verdict.wire import Wire
from netra.link.calls import Link
from netra.link.seals import Seal, Seals
from netra.link.tls.trust import Mark, mark_of
from netra.settings.read import read_again
from netra.settings.variables import Settings
from netra.upkeep.agreement import Ours, fingerprint_of, ours
from netra.upkeep.asking import label
from netra.upkeep.crashes import crashed

LOOK_EVERY_S: Final = 1.0
"""How often the files are looked at: a call of the system for each."""
SETTLED_S: Final = 10.0
"""A secret that was replaced sooner was in use nowhere yet: the one before it stays the other that is tried.

Of use only until the auth service has accepted one: then it is that one that is kept."""

FOLLOWED: Final[Mapping[str, str]] = MappingProxyType(
    {
        "SERVICE_ID": "service_id",
        "SERVICE_SECRET": "service_secret",
        "SERVICE_SECRET_PREVIOUS": "service_secret_previous",
    }
)
_KEPT: Final = "What was read before is used until that is mended; a restart would not come up."


class Held(NamedTuple):
    """What we show of ourselves, as it was set."""

    service_id: str | None
    service_secret: Secret | None
    service_secret_previous: Secret | None


class Credentials:
    """What a link shows of us, kept as its files have it. One event loop owns it."""

    def __init__(
        self, settings: Settings, wire: Wire, link: Link, tell: Callable[[Event], None], findings: list[Finding]
    ) -> None:
        """`link` shows what `settings` hold; a file that has changed since they were read is seen at the first look.

        What is wrong with a file stands in `findings` for as long as it lasts.
        """
        self.held = Held(settings.service_id, settings.service_secret, settings.service_secret_previous)
        self.first_ended = asyncio.Event()
        """Set once the files were looked at for the first time."""
        self._ours = ours(settings, wire)
        self._wire = wire
        self._link = link
        self._tell = tell
        self._files = {each: settings.files[name] for name, each in FOLLOWED.items() if name in settings.files}
        self._marks: dict[str, Mark] = {}
        self._fresh: set[str] = set()
        """What had changed at the last look: it is read once more, because it may have been read half written."""
        self._findings = findings
        self._problems: dict[str, Finding] = {}
        self._kept: tuple[str | None, Secret] | None = None
        """The id and secret that were good before, while nothing else was set to be tried in their place."""
        self._since_s = -inf

    @property
    def followed(self) -> bool:
        """Does anything of it come from a file?"""
        return bool(self._files)

    def ours(self) -> Ours:
        """What we hold, in the words of a handshake."""
        kept = self._kept[1] if self._kept is not None and self._kept[1] != self.held.service_secret else None
        return self._ours._replace(
            service_id=self.held.service_id,
            secret=fingerprint_of(self.held.service_secret),
            previous=fingerprint_of(self.held.service_secret_previous),
            kept=fingerprint_of(kept),
        )

    def tell_held(self) -> None:
        """Tell what is held at the start."""
        for name, now in _named(self.held).items():
            if now:
                self._tell(Changed(name, now))

    async def run(self) -> None:
        """Look now and then, until cancelled."""
        while True:
            self.look()
            self.first_ended.set()
            await self._link.clock.sleep(LOOK_EVERY_S)

    def look(self) -> None:
        """See whether the files have changed, and show what they hold now. Raises nothing."""
        began_s = self._link.clock.now_s()
        try:
            self._look()
        except Exception as crash:  # noqa: BLE001 - a bug of ours must neither end the loop nor reach a login
            self._tell(crashed(label("credentials").request_id, crash, self._link.clock.now_s() - began_s))

    def _look(self) -> None:
        marks = {each: mark_of(path) for each, path in self._files.items()}
        changed = {each for each, mark in marks.items() if mark != self._marks.get(each)}
        # Remembered before anything is read: what changes while we read is seen at the next look.
        self._marks, due, self._fresh = marks, changed | self._fresh, changed
        values = {each: value for each in sorted(due) if (value := self._read(each, last=each not in changed))}
        now = self.held._replace(**values)
        if now != self.held:
            self._show(now)

    def _read(self, attribute: str, *, last: bool) -> Any:
        """What a file holds; None where that cannot be used. `last`: it has not changed since it was read before."""
        got = read_again(attribute, self._files[attribute])
        if got.value is not None:
            self._mended(attribute)
        elif last:
            errors = [each for each in got.findings if each.severity is Severity.ERROR]
            finding = errors[0]._replace(severity=Severity.WARNING, why=_KEPT)
            if self._problems.get(attribute) != finding:
                self._mended(attribute)
                self._problems[attribute] = finding
                self._findings.append(finding)
                self._tell(ConfigurationProblem(finding))
        return got.value

    def _mended(self, attribute: str) -> None:
        problem = self._problems.pop(attribute, None)
        if problem is not None:
            self._findings.remove(problem)

    def _show(self, now: Held) -> None:
        """Put other seals on the link, and tell what has changed."""
        before, self.held = self.held, now
        if now.service_secret_previous != before.service_secret_previous:
            self._kept = None
        elif before.service_secret is not None:
            now_s, accepted = self._link.clock.now_s(), self._link.accepted
            if accepted is not None and accepted.secret is not None:
                self._kept = accepted.service_id, accepted.secret
            elif now_s - self._since_s >= SETTLED_S or self._kept is None:
                self._kept = before.service_id, before.service_secret
            self._since_s = now_s
        self._link.reseal(self._seals())
        # The next round asks whether they are known there.
        self._link.doubted = True
        earlier = _named(before)
        for name, fingerprint in _named(now).items():
            if fingerprint != earlier[name]:
                self._tell(Changed(name, fingerprint, earlier[name]))

    def _seals(self) -> Seals:
        service_id, secret, previous = self.held
        other = self._kept or (service_id, previous)
        if other[1] is None or other == (service_id, secret):
            return Seals((Seal(self._wire, service_id, secret),))
        return Seals((Seal(self._wire, service_id, secret), Seal(self._wire, *other)))


def _named(held: Held) -> dict[Any, str]:
    """What may be told of it: the id, and fingerprints; "" for what is not there."""
    return {
        "service_id": held.service_id or "",
        "service_secret": fingerprint_of(held.service_secret) or "",
        "service_secret_previous": fingerprint_of(held.service_secret_previous) or "",
    }
