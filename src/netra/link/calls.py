"""Ask: slot, exchange, classify, wait; the only loop on the path of a request.

It must never send a call again that may have arrived, unless the call is repeatable; `retry.again` alone decides.
"""

from dataclasses import dataclass, field
from typing import Any, TypeVar

from netra.core.pace.budget import RetryBudget
from netra.core.pace.deadline import Deadline
from netra.core.pace.retry import After, Attempted, No, WithOtherSeal, again
from netra.core.verdict.causes import TABLE, Phase
from netra.core.verdict.classify import classify
from netra.core.verdict.outcomes import Accepted, Outcome, Rejected, Tried, Unknown, unknown
from netra.core.verdict.reply import Standing
from netra.core.verdict.wire import Call
from netra.link.clock import Clock
from netra.link.exchange import Exchange
from netra.link.seals import Seal, Seals
from netra.link.slots import Slots

T = TypeVar("T")


@dataclass(slots=True)
class Link:
    """One destination: how it is reached, and what we know of it. One event loop owns it."""

    exchange: Exchange
    seals: Seals
    slots: Slots
    budget: RetryBudget
    clock: Clock
    tries: int
    enabled: bool = True
    standing: Standing = field(default_factory=Standing)
    """Replaced whole by upkeep; read for free."""
    good_seal: int = 0
    """Which of the seals was last accepted."""


async def ask(call: Call[T], link: Link, deadline: Deadline, tries: int | None = None) -> Outcome[T]:
    """Put one question until there is a verdict, or no reason to ask again.

    `tries` overrides the link's own number, for questions that upkeep repeats anyway.
    """
    if not link.enabled:
        return unknown(TABLE["auth_service_disabled"])
    asking = _Asking(call, link, tries or link.tries)
    while True:
        outcome = await asking.once(deadline)
        step = asking.next_step(outcome, deadline) if isinstance(outcome, Unknown) else None
        if isinstance(step, After):
            link.budget.spend()
            await link.clock.sleep(step.wait_s)
        elif not isinstance(step, WithOtherSeal):
            return asking.story(outcome, deadline)


class _Asking:
    """What one run of the loop remembers from try to try."""

    __slots__ = ("allowed_tries", "call", "link", "repeatable", "seal_number", "switched", "tried", "tries")

    def __init__(self, call: Call[Any], link: Link, allowed_tries: int) -> None:
        self.call = call
        self.link = link
        self.allowed_tries = allowed_tries
        self.repeatable = call.operation.repeatable or (call.keyed and link.standing.idempotency)
        self.tried: list[Tried] = []
        self.tries = 1
        self.seal_number = link.good_seal
        self.switched = False

    async def once(self, deadline: Deadline) -> Outcome[Any]:
        link, started_s = self.link, self.link.clock.now_s()
        if not self.tried:
            link.budget.called(started_s)
        async with link.slots.admit() as slot:
            if not slot.granted:
                return unknown(TABLE["connection_limit_reached"])
            got = await link.exchange(self.call, self._seal(), deadline.left_s(link.clock.now_s()))
        outcome = classify(self.call, got, link.standing)
        self.tried.append(_tried(len(self.tried) + 1, outcome, link.clock.now_s() - started_s))
        if self.switched and not isinstance(outcome, Unknown):
            link.good_seal = self.seal_number
        return outcome

    def next_step(self, outcome: Unknown, deadline: Deadline) -> After | WithOtherSeal | No:
        link, now_s = self.link, self.link.clock.now_s()
        asked = Attempted(
            tries=self.tries,
            allowed_tries=self.allowed_tries,
            repeatable=self.repeatable,
            left_s=deadline.left_s(now_s),
            other_seal=self.call.sealed and len(link.seals.in_order) > 1 and not self.switched,
        )
        step = again(outcome, asked, budget_allows=link.budget.allows(now_s), rand=link.clock.rand())
        if isinstance(step, After):
            self.tries += 1
        elif isinstance(step, WithOtherSeal):
            self.switched = True
            self.seal_number = (self.seal_number + 1) % len(link.seals.in_order)
        return step

    def story(self, outcome: Outcome[T], deadline: Deadline) -> Outcome[T]:
        """The last outcome, with all that was tried and, for the sentences, how long it was allowed to take."""
        if isinstance(outcome, Unknown):
            outcome = outcome._replace(facts={**outcome.facts, "budget_s": f"{deadline.budget_s:g}"})
        return outcome._replace(tried=tuple(self.tried))

    def _seal(self) -> Seal | None:
        return self.link.seals.in_order[self.seal_number] if self.call.sealed else None


def _tried(number: int, outcome: Outcome[Any], elapsed_s: float) -> Tried:
    if isinstance(outcome, Accepted):
        return Tried(number, Phase.ANSWERED, "ok", elapsed_s)
    phase = Phase.ANSWERED if isinstance(outcome, Rejected) else outcome.phase
    return Tried(number, phase, outcome.cause.code, elapsed_s)
