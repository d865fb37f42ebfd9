"""What every journey is made with.

It must never be global: the composition root makes one and hands it on.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import blake2b
from os import urandom
from typing import Any

from msgspec.structs import replace

from netra.core.events import AttemptEnded, Event
from netra.core.identifier import Kind, normalised
from netra.core.pace.deadline import Deadline
from netra.core.pace.rejections import OFF, network_of
from netra.core.pace.throttle import Place, Throttle, Throttles
from netra.core.secret import Secret
from netra.core.verdict.outcomes import Accepted, Outcome, code_of, verdict_of
from netra.core.verdict.wire import Label, Wire
from netra.gateway.attempts import Forms
from netra.gateway.tokens import Tokens
from netra.link.calls import Link


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """The parts of one gateway."""

    wire: Wire
    link: Link
    tell: Callable[[Event], None]
    login_budget_s: float
    token_budget_s: float
    log_key: Secret
    registration: bool
    oauth_providers: tuple[str, ...]
    identifier_kind: Kind = "email"
    forms: Forms = field(default_factory=Forms)
    """What people fill in here."""
    throttles: Throttles = field(default_factory=lambda: Throttles.of(OFF, OFF))
    tokens: Tokens = field(default_factory=Tokens)
    """How tokens are judged here."""
    _hash: blake2b = field(init=False, repr=False)
    """Has read `log_key`, and nothing else yet: copies of it read on."""

    def __post_init__(self) -> None:
        key = self.log_key.reveal().encode()[:64]
        object.__setattr__(self, "_hash", blake2b(key=key, digest_size=8))

    def login_deadline(self, received_at_s: float) -> Deadline:
        """The deadline of a login-like request whose body was complete at this instant."""
        return Deadline(received_at_s + self.login_budget_s, self.login_budget_s)

    def token_deadline(self, received_at_s: float) -> Deadline:
        """The deadline of every other request."""
        return Deadline(received_at_s + self.token_budget_s, self.token_budget_s)

    def account(self, identifier: str) -> str:
        """A keyed hash that stands for an identifier in logs and limits; the same for every spelling of it."""
        return self._hashed(normalised(identifier, self.identifier_kind))

    def token(self, token: Secret) -> str:
        """A keyed hash that stands for a token in limits."""
        return self._hashed(token.reveal())

    def _hashed(self, text: str) -> str:
        keyed = self._hash.copy()
        keyed.update(text.encode("utf-8", "surrogatepass"))
        return keyed.hexdigest()

    def place(self, throttle: Throttle, who: str, label: Label) -> Place:
        """A place for an attempt of `who`, a keyed hash, by the address that its label names."""
        network = network_of(label.client_address) if label.client_address else None
        return throttle.reserve(who, network, self.link.clock.now_s(), shared=label.address_shared)

    def keyed(self, label: Label) -> Label:
        """The label with an idempotency key of its own, when this attempt may be sent more than once."""
        return replace(label, idempotency_key=urandom(16).hex()) if self.link.tries > 1 else label

    def ended(
        self, journey: str, label: Label, received_at_s: float, outcome: Outcome[Any], account: str | None = None
    ) -> None:
        """Tell observers how an attempt ended; what was accepted, tokens and all, is none of their business."""
        elapsed_s = self.link.clock.now_s() - received_at_s
        told = Accepted(None, outcome.tried) if isinstance(outcome, Accepted) else outcome
        trace_id, span_id, span = label.traceparent[3:35], None, label.span
        if span is not None:
            span_id = label.traceparent[36:52]
            span.told(journey, verdict_of(outcome), code_of(outcome))
        self.tell(AttemptEnded(journey, label.request_id, told, elapsed_s, account, trace_id, span_id))
