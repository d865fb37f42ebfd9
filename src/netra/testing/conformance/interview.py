"""Asks an auth service as the gateway would, remembers what it answered, and counts every wrong password.

It must never send more wrong passwords for the given user than it has announced, nor show what was sent or answered.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from os import urandom
from secrets import token_hex
from typing import Any, Final, NamedTuple

from netra.core.secret import Secret
from netra.core.verdict.classify import classify
from netra.core.verdict.operations import HANDSHAKE, LOGIN, Handshake, Operation, Session
from netra.core.verdict.outcomes import Accepted, Outcome, Rejected
from netra.core.verdict.reply import Broken, Reply, Standing
from netra.core.verdict.wire import Call, Label
from netra.doctor.learn.logins import nobody_like, wrong_password
from netra.link.exchange import Exchange
from netra.link.seals import Seal
from netra.testing.conformance.results import CannotTell, read_as
from netra.testing.conformance.subject import AuthService, secret
from netra.upkeep.standing import after_handshake

WRONG_PASSWORDS: Final = 2
"""How many logins of the given user are sent with a wrong password, at most."""
_AGENT: Final = "netra-conformance"
_MADE_UP_CHARS: Final = 24

Said = Mapping[str, str | Secret | None]


class Answered(NamedTuple):
    """One question, what came back, and how the gateway reads it."""

    what: str
    """In words of ours, e.g. `wrong password`."""
    call: Call[Any]
    got: Reply | Broken
    outcome: Outcome[Any]
    elapsed_s: float

    @property
    def reply(self) -> Reply | None:
        """The reply, if a whole one came."""
        return self.got if isinstance(self.got, Reply) else None

    @property
    def status(self) -> int | None:
        """The status of the reply, if one came."""
        return self.got.status if isinstance(self.got, Reply) else None


@dataclass(slots=True)
class Memory:
    """What is known of one auth service, from check to check. Prints as nothing."""

    once: dict[str, Answered] = field(default_factory=dict, repr=False)
    """Answers that several checks look at."""
    asked: list[Answered] = field(default_factory=list, repr=False)
    """All of them, in order."""
    wrong: Secret = field(default_factory=wrong_password, repr=False)
    """A password that nobody has, made up once."""
    wrong_passwords_count: int = 0


class Interview:
    """Questions to one auth service over one exchange. Belongs to the event loop that made the exchange."""

    def __init__(self, service: AuthService, exchange: Exchange, memory: Memory) -> None:
        """Raises: WireProblem."""
        self.service = service
        self.wire = service.spoken()
        self.memory = memory
        self.identifier = Secret(service.identifier)
        self.wrong = memory.wrong if service.wrong_password is None else secret(service.wrong_password)
        self._exchange = exchange
        held = None if service.service_secret is None else secret(service.service_secret)
        self.seal = Seal(self.wire, service.service_id, held)

    def offers(self, operation: Operation[Any]) -> None:
        """Raises: CannotTell, when the wire does not list this call."""
        if not self.wire.offers(operation):
            raise CannotTell(f"the wire {self.wire.name} lists no {operation.name}")

    def label(self, key: str | None = None) -> Label:
        """A new label, under which the auth service's log has the call."""
        request_id = f"conformance-{token_hex(8)}"
        return Label(
            request_id, f"00-{urandom(16).hex()}-{urandom(8).hex()}-00", user_agent=_AGENT, idempotency_key=key
        )

    async def ask(
        self,
        what: str,
        operation: Operation[Any],
        said: Said,
        *,
        key: str | None = None,
        seal: Seal | None = None,
        standing: Standing | None = None,
    ) -> Answered:
        """One call in one try. `seal` and `standing` are ours, and as they are, unless others are given.

        Raises: CannotTell, when the wire does not list this call.
        """
        self.offers(operation)
        return await self.put(what, self.wire.call(operation, said, self.label(key)), seal=seal, standing=standing)

    async def put(
        self, what: str, call: Call[Any], *, seal: Seal | None = None, standing: Standing | None = None
    ) -> Answered:
        """The same for a call that is made already, perhaps to be no good."""
        stand = standing or (self.unshaken() if call.operation is HANDSHAKE else await self.standing())
        sealed = (seal or self.seal) if call.template.sealed else None
        began_s = time.monotonic()
        got = await self._exchange(call, sealed, self.service.timeout_s)
        elapsed_s = time.monotonic() - began_s
        answered = Answered(what, call, got, classify(call, got, stand), elapsed_s)
        self.memory.asked.append(answered)
        return answered

    def unshaken(self) -> Standing:
        """How the gateway stands before its first handshake."""
        service = self.service
        held = {"service_id": service.service_id, "service_secret": service.service_secret}
        configured = bool(self.wire.credentials) and all(held[name] for name in self.wire.credentials)
        return Standing(
            credentials_configured=configured, handshake="not_yet" if self.wire.offers(HANDSHAKE) else "absent"
        )

    async def standing(self) -> Standing:
        """How the gateway stands after it."""
        if not self.wire.offers(HANDSHAKE):
            return self.unshaken()
        return after_handshake(self.unshaken(), (await self.handshake()).outcome, time.monotonic())

    async def handshake(self) -> Answered:
        """The handshake. Raises: CannotTell, where there is none."""
        self.offers(HANDSHAKE)
        if "handshake" not in self.memory.once:
            self.memory.once["handshake"] = await self.ask("handshake", HANDSHAKE, {})
        return self.memory.once["handshake"]

    async def promises(self) -> Handshake:
        """What the handshake says. Raises: CannotTell, where nothing can be known."""
        outcome = (await self.handshake()).outcome
        if not isinstance(outcome, Accepted):
            raise CannotTell(f"the handshake is read as {read_as(outcome)}")
        said: Handshake = outcome.value
        return said

    def credentials(self, password: str | Secret, identifier: Secret | None = None) -> Said:
        """What a login says."""
        return {**self.service.extra, "identifier": identifier or self.identifier, "password": secret(password)}

    async def log_in(self, what: str = "good login", *, key: str | None = None, seal: Seal | None = None) -> Answered:
        """The given user with the given password. Raises: CannotTell, once it was refused: it is not tried again."""
        first = self.memory.once.get("good")
        if first is not None and isinstance(first.outcome, Rejected):
            raise CannotTell("the given password was refused, and is not tried again")
        return await self.ask(what, LOGIN, self.credentials(self.service.password), key=key, seal=seal)

    async def log_in_wrongly(self, what: str = "wrong password", *, key: str | None = None) -> Answered:
        """The given user with a wrong password. Raises: CannotTell, before there is one too many."""
        if self.memory.wrong_passwords_count >= WRONG_PASSWORDS:
            raise CannotTell(f"{WRONG_PASSWORDS} wrong passwords were sent already, and no more are")
        self.memory.wrong_passwords_count += 1
        return await self.ask(what, LOGIN, self.credentials(self.wrong), key=key)

    async def good(self) -> Answered:
        """The good login that several checks look at."""
        if "good" not in self.memory.once:
            self.memory.once["good"] = await self.log_in()
        return self.memory.once["good"]

    async def refused(self) -> Answered:
        """The wrong password that several checks look at."""
        if "wrong" not in self.memory.once:
            self.memory.once["wrong"] = await self.log_in_wrongly()
        return self.memory.once["wrong"]

    async def nobody(self) -> Answered:
        """A login of somebody who has no account."""
        name = Secret(nobody_like(self.service.identifier))
        return await self.ask("unknown user", LOGIN, self.credentials(self.wrong, name))

    async def session(self) -> Session:
        """The session of the good login. Raises: CannotTell, when there is none."""
        return session_of(await self.good())

    async def new_session(self) -> Session:
        """Another one, for whoever ends it. Raises: CannotTell, when there is none."""
        await self.session()
        return session_of(await self.log_in("another good login"))

    def replies(self) -> list[Reply]:
        """All replies so far. Raises: CannotTell, when there is none."""
        replies = [each.reply for each in self.memory.asked if each.reply is not None]
        if not replies:
            raise CannotTell("nothing was answered")
        return replies

    def sent(self) -> tuple[str, ...]:
        """All passwords and secrets that go out: no answer should repeat them."""
        return (*self.service.known(), self.wrong.reveal())


def session_of(answered: Answered) -> Session:
    """The session that a login opened. Raises: CannotTell, when it opened none."""
    if not isinstance(answered.outcome, Accepted):
        raise CannotTell(f"it needs a session, and the {answered.what} is read as {read_as(answered.outcome)}")
    session: Session = answered.outcome.value
    return session


def made_up_token() -> Secret:
    """What no auth service has ever given out."""
    return Secret(f"made-up-{token_hex(_MADE_UP_CHARS)}")
