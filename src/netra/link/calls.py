"""Ask: slot, permit, exchange, classify, settle, wait; the only loop on the path of a request.

It must never send a call again that may have arrived, unless the call is repeatable; `retry.again` alone decides.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from math import inf
from typing import Any, TypeVar, get_args

from netra.core.events import TryEnded
from netra.core.pace.breaker import REFUSED, Breaker
from netra.core.pace.budget import RetryBudget
from netra.core.pace.deadline import Deadline
from netra.core.pace.retry import After, Attempted, No, WithOtherSeal, again
from netra.core.trace import Span, TrySpan
from netra.core.verdict.causes import TABLE, Phase
from netra.core.verdict.classify import classify
from netra.core.verdict.operations import Kind
from netra.core.verdict.outcomes import (
    Accepted,
    Outcome,
    Rejected,
    Spent,
    Tried,
    Unknown,
    code_of,
    in_short,
    unknown,
)
from netra.core.verdict.reply import Reply, Standing
from netra.core.verdict.wire import Call
from netra.link.clock import Clock
from netra.link.exchange import Exchange
from netra.link.seals import Seal, Seals
from netra.link.slots import Slots

T = TypeVar("T")
Circuits = Mapping[Kind, Breaker]


def nobody(tried: TryEnded) -> None:
    """For links that nobody counts: there is nothing to hear."""


def nothing() -> None:
    """For links whose credentials never change."""


def never_open() -> Circuits:
    """Circuits that stay closed whatever happens."""
    return {kind: Breaker(inf, min_calls_count=inf) for kind in get_args(Kind)}


@dataclass(slots=True)
class Link:
    """One destination: how it is reached, and what we know of it. One event loop owns it."""

    exchange: Exchange
    seals: Seals
    slots: Slots
    budget: RetryBudget
    clock: Clock
    tries: int
    circuits: Circuits = field(default_factory=never_open)
    """One breaker for each kind of call."""
    enabled: bool = True
    standing: Standing = field(default_factory=Standing)
    """Replaced whole by upkeep; read for free."""
    good_seal: int = 0
    """Which of the seals was last accepted."""
    accepted: Seal | None = None
    """The seal with which a question last came to a verdict; None before one did."""
    doubted: bool = False
    """Was a seal of ours refused since a handshake last ended?"""
    look_again: Callable[[], None] = nothing
    """Called at once when a seal is refused: there may be new ones. Must not raise, nor take long."""
    tell: Callable[[TryEnded], None] = nobody
    """Hears of every exchange, and must not raise."""

    def reseal(self, seals: Seals) -> None:
        """Show other credentials from now on; whoever is asking already goes on with the ones that it began with."""
        self.seals, self.good_seal = seals, 0


async def ask(call: Call[T], link: Link, deadline: Deadline, tries: int | None = None) -> Outcome[T]:
    """Put one question until there is a verdict, or no reason to ask again.

    `tries` overrides the link's own number, for questions that upkeep repeats anyway.
    """
    if not link.enabled:
        return unknown(TABLE["auth_service_disabled"])
    asking = _Asking(call, link, deadline, tries or link.tries)
    while True:
        outcome = await asking.once()
        if not isinstance(outcome, Unknown):
            return asking.verdict(outcome)
        step = asking.next_step(outcome)
        if isinstance(step, After):
            link.budget.spend()
            await link.clock.sleep(step.wait_s)
        elif not isinstance(step, WithOtherSeal):
            return asking.failure(outcome)


class _Asking:
    """What one run of the loop remembers from try to try."""

    __slots__ = (
        "allowed_tries", "breaker", "call", "deadline", "exchanged", "link", "seal_number", "seals", "switched",
        "tried", "tries",
    )  # fmt: skip

    def __init__(self, call: Call[Any], link: Link, deadline: Deadline, allowed_tries: int) -> None:
        self.call = call
        self.link = link
        self.breaker = link.circuits[call.operation.kind]
        self.deadline = deadline
        self.allowed_tries = allowed_tries
        self.tried: tuple[Tried, ...] = ()
        self.exchanged: Unknown | None = None
        """What came of the asking so far: of the latest exchange, but of one that was sent before one that was not."""
        self.tries = 1
        self.seals = link.seals
        self.seal_number = link.good_seal
        self.switched = False

    async def once(self) -> Outcome[Any]:
        """One try: a slot, a permit, an exchange, and what it means."""
        link, breaker, slots = self.link, self.breaker, self.link.slots
        urgency = self.call.operation.urgency
        started_s = now_s = link.clock.now_s()
        if breaker.refuses(started_s):
            return self.kept_out(started_s)
        slots.regrow(started_s)
        if not slots.take_free(urgency):
            if not await slots.take(urgency):
                return unknown(TABLE["connection_limit_reached"])
            now_s = link.clock.now_s()
        permit = REFUSED
        try:
            left_s = self.deadline.left_s(now_s)
            if left_s <= 0:
                return unknown(TABLE["connection_timeout"])
            permit = breaker.admit(now_s)
            if permit == REFUSED:
                return self.kept_out(now_s)
            if not self.tried:
                link.budget.called(now_s)
            seal = self.seals.in_order[self.seal_number] if self.call.template.sealed else None
            span = None if self.call.span is None else self.tried_within(self.call.span)
            call = self.call if span is None else self.call.within(span.traceparent)
            got = await link.exchange(call, seal, left_s)
            outcome = classify(self.call, got, link.standing)
            ended_s = link.clock.now_s()
            slots.took(urgency, (ended_s - now_s) / self.deadline.budget_s, ended_s)
            if isinstance(outcome, Unknown) and outcome.sheds:
                slots.overloaded(ended_s)
        except BaseException:
            breaker.give_back(permit)
            raise
        finally:
            slots.give_back(urgency)
        breaker.settle(permit, outcome, ended_s, link.clock.rand())
        self.learn(outcome, ended_s - started_s, got.spent)
        if span is not None:
            status = got.status if isinstance(got, Reply) else None
            answered = not isinstance(outcome, Unknown)
            span.ended(code_of(outcome), answered=answered, status=status, spent_s=got.spent)
        return outcome

    def tried_within(self, span: Span) -> TrySpan | None:
        """The span of this try; None when nobody records it."""
        return span.a_try(self.call.template.method, self.call.template.path, len(self.tried))

    def kept_out(self, now_s: float) -> Unknown:
        """The circuit is open: nothing was sent, and it is known when to come back."""
        circuit = self.breaker.seen(now_s)
        facts = {"retry_after_s": str(circuit.retry_after_s)}
        if circuit.code is not None:
            facts["last_code"] = circuit.code
        return unknown(TABLE["destination_unavailable"], facts)._replace(retry_after_s=circuit.retry_after_s)

    def learn(self, outcome: Outcome[Any], elapsed_s: float, spent: Spent) -> None:
        """An exchange has ended: it is written down, and told."""
        verdict, phase, code = in_short(outcome)
        tried = Tried(len(self.tried) + 1, phase, code, elapsed_s, spent)
        self.tried = (*self.tried, tried)
        self.link.tell(TryEnded(self.call.operation.name, verdict, tried))
        if not isinstance(outcome, Unknown):
            return
        if self.exchanged is None or phase is not Phase.NEVER_SENT:
            self.exchanged = outcome
        if outcome.cause.refuses_us:
            self.link.doubted = True
            self.link.look_again()

    def next_step(self, outcome: Unknown) -> After | WithOtherSeal | No:
        """Whether to ask again, and when."""
        link, now_s = self.link, self.link.clock.now_s()
        asked = Attempted(
            tries=self.tries,
            allowed_tries=self.allowed_tries,
            repeatable=self.call.operation.repeatable or (self.call.keyed and link.standing.idempotency),
            left_s=self.deadline.left_s(now_s),
            other_seal=self.call.template.sealed and self.has_other_seal and not self.switched,
        )
        step = again(outcome, asked, budget_allows=link.budget.allows(now_s), rand=link.clock.rand())
        if isinstance(step, After):
            self.tries += 1
        elif isinstance(step, WithOtherSeal):
            self.switched = True
            self.switch()
        return step

    @property
    def has_other_seal(self) -> bool:
        """Is there another seal than the one that was shown?"""
        return len(self.seals.in_order) > 1 or self.seals is not self.link.seals

    def switch(self) -> None:
        """Show another seal from now on: the next one, or the new ones if they have come meanwhile."""
        if self.seals is not self.link.seals:
            self.seals, self.seal_number = self.link.seals, self.link.good_seal
        else:
            self.seal_number = (self.seal_number + 1) % len(self.seals.in_order)

    def verdict(self, outcome: Accepted[T] | Rejected) -> Accepted[T] | Rejected:
        """A verdict, with all that was tried: whoever gave it takes the seal that it was asked with."""
        if self.call.template.sealed:
            self.link.accepted = self.seals.in_order[self.seal_number]
        if self.switched and self.seals is self.link.seals:
            self.link.good_seal = self.seal_number
        if isinstance(outcome, Accepted):
            return Accepted(outcome.value, self.tried)
        return outcome._replace(tried=self.tried)

    def failure(self, outcome: Unknown) -> Unknown:
        """How the asking ended, with all that was tried and, for the sentences, how long it was allowed to take.

        Whoever has asked once tells what came of it, also when a later try was not let through, or never left.
        """
        told = self.exchanged or outcome
        facts = {**told.facts, "budget_s": f"{self.deadline.budget_s:g}", "circuit": self.breaker.state}
        standing = self.link.standing
        if standing.probe_facts and told.cause.code == standing.probe_code:
            # More precise words for the same failure, never words for another one.
            facts |= {name: said for name, said in standing.probe_facts.items() if name in facts}
        wait_s, now_s = told.retry_after_s, self.link.clock.now_s()
        if self.breaker.refuses(now_s):
            wait_s = max(wait_s or 0, self.breaker.seen(now_s).retry_after_s)
        return told._replace(facts=facts, tried=self.tried, retry_after_s=wait_s)
