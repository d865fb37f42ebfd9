"""The one background loop: a light probe in every round, a handshake whenever it may have changed.

It must never delay or fail a request: it only replaces the link's standing.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from typing import Any, Final, Protocol

from netra.core.events import Changed, ConfigurationProblem, ConnectivityChecked, Event, HandshakeEnded
from netra.core.findings import Severity
from netra.core.verdict.operations import HANDSHAKE, HEALTH, Handshake
from netra.core.verdict.outcomes import NO_FACTS, Accepted, Outcome, Unknown, phase_of
from netra.core.verdict.reply import Standing
from netra.core.verdict.wire import Wire
from netra.link.calls import Link
from netra.link.tls.peer_certificate import PeerCertificate
from netra.upkeep.agreement import Ours, broken_promises, clock_difference, differences, promise_broken, unspoken
from netra.upkeep.asking import ask_once, label
from netra.upkeep.crashes import crashed
from netra.upkeep.standing import after_handshake, after_probe, shake_of, unclear

JITTER_RATIO: Final = 0.2
_ROUNDS_PER_HANDSHAKE: Final = 12
_REMINDER_S: Final = 60.0

Peer = Callable[[float], Awaitable[PeerCertificate | None]]
"""Finds out, within that many seconds, which certificate the auth service presents."""


class Rounds:
    """Keeps one link's standing fresh. Made and run inside one event loop."""

    def __init__(  # noqa: PLR0913 - what a round looks at, and what it is compared with
        self,
        wire: Wire,
        link: Link,
        tell: Callable[[Event], None],
        *,
        interval_s: float,
        budget_s: float,
        peer: Peer | None = None,
        ours: Callable[[], Ours] = Ours,
    ) -> None:
        """`peer` is asked after a probe to which an unknown issuer's certificate was presented.

        `ours` says what this gateway holds now, for handshakes to be compared with; without it there is nothing to.
        """
        self._wire = wire
        self._link = link
        self._tell = tell
        self._interval_s = interval_s
        self._budget_s = budget_s
        self._peer = peer
        self._rounds_count = 0
        self._told_at_s: float | None = None
        self._shaken: str | None = None
        self._ours = ours
        self.first_ended = asyncio.Event()
        """Set once the first round has ended, well or not."""

    async def run(self) -> None:
        """Go round until cancelled. A bug in a round is told, and the next round comes all the same."""
        while True:
            began_s = self._link.clock.now_s()
            try:
                await self.once()
            except Exception as crash:  # noqa: BLE001 - a loop that ends unnoticed leaves a standing that grows old
                self._tell(crashed(label("round").request_id, crash, self._link.clock.now_s() - began_s))
            self.first_ended.set()
            wait_s = self._interval_s * (1 - JITTER_RATIO + 2 * JITTER_RATIO * self._link.clock.rand())
            self._replace(next_probe_at_s=self._link.clock.now_s() + wait_s)
            await self._link.clock.sleep(wait_s)

    async def once(self) -> None:
        """One probe, and a handshake when it is due: now and then, and where there is doubt about our credentials."""
        before = self._link.standing
        if self._wire.offers(HEALTH):
            await self._probe()
        recovered = before.connectivity == "failed" and self._link.standing.connectivity == "success"
        doubted = self._link.doubted or before.handshake in ("not_yet", "refused")
        due = self._rounds_count % _ROUNDS_PER_HANDSHAKE == 0 or recovered or doubted
        if due and self._wire.offers(HANDSHAKE) and self._link.standing.connectivity != "failed":
            await self._shake()
        self._rounds_count += 1

    async def _probe(self) -> None:
        named, started_s = label("probe"), self._link.clock.now_s()
        outcome = await ask_once(self._wire.call(HEALTH, {}, named), self._link, self._budget_s)
        now_s = self._link.clock.now_s()
        if _says_nothing_of_it(outcome):
            return
        code = None if isinstance(outcome, Accepted) else outcome.cause.code
        self._tell_circuits(outcome, now_s)
        changed = self._link.standing.connectivity == "not_run" or code != self._link.standing.probe_code
        self._link.standing = after_probe(self._link.standing, code, now_s)
        reminded = self._told_at_s is not None and now_s - self._told_at_s < _REMINDER_S
        if changed or (code and not reminded):
            self._told_at_s = now_s
            facts = await self._found_out(outcome.facts) if isinstance(outcome, Unknown) else NO_FACTS
            self._tell(ConnectivityChecked(named.request_id, code, _phase(outcome), now_s - started_s, changed, facts))

    def _tell_circuits(self, outcome: Outcome[Any], now_s: float) -> None:
        """A probe may end the time of an open circuit, or prolong it. One that never failed says nothing of logins."""
        for breaker in self._link.circuits.values():
            if isinstance(outcome, Unknown) and outcome.counts:
                breaker.still_down(now_s, self._link.clock.rand())
            elif isinstance(outcome, Accepted) and self._link.standing.connectivity == "failed":
                breaker.recovered(now_s)

    async def _found_out(self, facts: Mapping[str, str]) -> Mapping[str, str]:
        """The facts of a failed probe, with the name of an issuer that nobody here trusts, if it can be had."""
        if self._peer is None or "issuer" not in facts:
            return facts
        presented = await self._peer(self._budget_s)
        if presented is None or not presented.issuer:
            return facts
        self._replace(probe_facts={"issuer": presented.issuer})
        return {**facts, "issuer": presented.issuer}

    async def _shake(self) -> None:
        named, started_s, shown = label("probe"), self._link.clock.now_s(), self._link.seals
        outcome = await ask_once(self._wire.call(HANDSHAKE, {}, named), self._link, self._budget_s)
        if isinstance(outcome, Accepted):
            seals = (*shown.in_order, *self._link.seals.in_order)
            told = unspoken(outcome.value, {each for seal in seals for each in seal.hidden})
            outcome = Accepted(told, outcome.tried)
        asked_at_s = (started_s + self._link.clock.now_s()) / 2
        before = self._link.standing
        self._link.standing = after_handshake(before, outcome, asked_at_s)
        # Credentials that have come meanwhile are still to be asked about.
        self._link.doubted = self._link.seals is not shown
        if isinstance(outcome, Accepted):
            self._compare(before, outcome.value)
        state = "unclear" if unclear(outcome) else shake_of(outcome)
        if state not in (self._shaken, "not_yet"):
            self._shaken = state
            code = None if isinstance(outcome, Accepted) else outcome.cause.code
            elapsed_s = self._link.clock.now_s() - started_s
            self._tell(HandshakeEnded(named.request_id, state, code, _phase(outcome), elapsed_s))

    def _compare(self, before: Standing, said: Handshake) -> None:
        """Find out in what we differ, and tell what has come up since the last time."""
        ours, clock = self._ours(), self._link.clock
        found = [*differences(said, ours), *(map(promise_broken, broken_promises(before, said, ours)))]
        apart = clock_difference(self._link.standing.skew_s(clock.now_s(), clock.wall_s()))
        found += [apart] if apart is not None else []
        self._replace(differences=tuple(found))
        for finding in found:
            if finding not in before.differences and finding.severity is not Severity.NOTE:
                self._tell(ConfigurationProblem(finding))
        if said.version and before.version and said.version != before.version:
            self._tell(Changed("auth_service_version", said.version, before.version))
        if ours.secret is not None and ours.secret in said.secret_fingerprints:
            # It was refused before, and is known there now: the one before it may be retired at any time.
            self._link.good_seal = 0

    def _replace(self, **changes: Any) -> None:
        self._link.standing = self._link.standing._replace(**changes)


def _says_nothing_of_it(outcome: Outcome[Any]) -> bool:
    """Did we fail before asking, for a reason that passes? A wrong address of ours does not."""
    if not isinstance(outcome, Unknown) or outcome.cause.code == "proxy_configuration_error":
        return False
    return outcome.cause.hop == "gateway"


def _phase(outcome: Outcome[Any]) -> str | None:
    return None if isinstance(outcome, Accepted) else str(phase_of(outcome))


class Loop(Protocol):
    """What is kept fresh in the background for as long as a gateway is open."""

    first_ended: asyncio.Event
    """Set once it was seen to for the first time, well or not."""

    def run(self) -> Coroutine[Any, Any, None]:
        """Keep it fresh until cancelled."""
        ...


async def begin(loops: Sequence[Loop], at_most_s: float) -> "list[asyncio.Task[None]]":
    """Begin all loops, and wait a moment for what they find first: most starts then know how they stand."""
    tasks = [asyncio.get_running_loop().create_task(each.run()) for each in loops]
    try:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(at_most_s):
                for each in loops:
                    await each.first_ended.wait()
    except asyncio.CancelledError:
        for task in tasks:
            task.cancel()
        raise
    return tasks
