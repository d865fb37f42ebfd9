"""One diagnosis under way: what its hops may use, what they have found out for each other, and one question put.

It must never share anything with the link of production: no slot, breaker, budget, connection or standing.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from urllib.parse import urlsplit

from msgspec.structs import replace

from netra.core.fill import NOTHING_SAID, Said
from netra.core.findings import Finding, Severity
from netra.core.pace.budget import RetryBudget
from netra.core.secret import Secret
from netra.core.verdict.causes import TABLE
from netra.core.verdict.classify import classify
from netra.core.verdict.operations import DISCOVERY, Handshake, Operation
from netra.core.verdict.outcomes import Outcome, Rejected, Unknown, unknown
from netra.core.verdict.reply import Broken, Reply, Standing
from netra.core.verdict.wire import Label, Wire
from netra.doctor.diagnosis import Check, Hop, Measured, State
from netra.link.calls import Link
from netra.link.clock import Clock, SystemClock
from netra.link.exchange import HttpExchange
from netra.link.resolver import Address, LookUp, system_addresses
from netra.link.seals import Seals
from netra.link.slots import Slots
from netra.link.tls.trust import Trust, TrustFiles
from netra.pages.book import read_book
from netra.settings.field import Effective
from netra.settings.variables import Settings
from netra.upkeep.asking import label
from netra.upkeep.discovery import oidc_wire
from netra.upkeep.standing import first_standing

if TYPE_CHECKING:
    from netra.upkeep.keyset import KeySet

_PORTS: Final = {"http": 80, "https": 443}
_ADDRESS: Final = "AUTH_SERVICE_URL"
_ISSUER: Final = "OIDC_ISSUER"
"""Where the address stands that is asked, in a gateway that only verifies tokens."""
_NO_ROUTE: Final = "endpoint_not_found"
_KEY_CALLS_COUNT: Final = 4
"""At once, to an issuer of keys."""


class Wanted(NamedTuple):
    """What a diagnosis is to look at besides what it always does, and for how long."""

    timeout_s: float = 10.0
    """For the whole."""
    rejection_check: bool = False
    """Is one login for an identifier that nobody has to be refused? It counts as an attempt."""
    canary: tuple[str, Secret] | None = None
    """The identifier and password of a login that has to succeed."""
    request_id: str = ""
    """By which its questions are found in the auth service's log; one is made where none is given."""
    origin: str | None = None
    """The page that is to ask from within a browser, e.g. `https://shop.example.com`."""
    measured: tuple[Measured, ...] = ()
    """How long attempts take, by a gateway that is in use."""


AS_USUAL: Final = Wanted()


class Answered(NamedTuple):
    """What came of one question."""

    outcome: Outcome[Any]
    got: Reply | Broken
    elapsed_s: float


class Timed(NamedTuple):
    """How long one question took that was answered."""

    route: str
    elapsed_s: float
    budget_s: float
    """How long production would have waited."""
    variable: str
    """The setting that says so."""


class Visit:
    """What the hops of one diagnosis share. Belongs to the event loop that made it; `close` it at the end."""

    def __init__(  # noqa: PLR0913 - what a diagnosis needs of a configuration, and of the world
        self,
        settings: Settings,
        wire: Wire,
        environ: Mapping[str, str],
        effective: tuple[Effective, ...],
        wanted: Wanted = AS_USUAL,
        *,
        clock: Clock | None = None,
        look_up: LookUp = system_addresses,
    ) -> None:
        """`wire` is the one that NETRA_WIRE names. Raises: Unusable, for a file of trust that broke just now."""
        self.settings, self.environ, self.effective, self.wanted = settings, environ, effective, wanted
        self.clock = clock or SystemClock()
        self.look_up = look_up
        self.verifies_only = not settings.auth_service_url
        """Is there no auth service, but an issuer of tokens whose keys are fetched?"""
        self.base_url = settings.auth_service_url or settings.oidc_issuer
        address = urlsplit(self.base_url)
        self.host, self.tls = address.hostname or "", address.scheme == "https"
        self.port = address.port or _PORTS.get(address.scheme, 0)
        self.wire = _issuer_wire(address.path) if self.verifies_only else wire.below(address.path)
        self.trust = self._trusting(shows_us=not self.verifies_only) if self.tls else None
        """Whom to believe over TLS; None where nobody encrypts."""
        self._trust_of_issuers = self._trusting(shows_us=False) if settings.oidc_issuer else None
        self.seals = Seals.none() if self.verifies_only else _seals(settings, wire)
        """Our credentials: the current ones, then the previous."""
        self.standing = first_standing(settings, self.wire)
        """How we stand, as far as this diagnosis knows: replaced by the hop that asks about our credentials."""
        self.handshake: Handshake | None = None
        """What the auth service says of us; None before it was asked, and where it does not say."""
        self.heard: dict[str, Answered] = {}
        """The latest answer to each question that was put as usual, with nothing said, by its operation."""
        self.key_set: KeySet | None = None
        """The keys that tokens are checked by; None before they were fetched, and where there are none of use."""
        self.addresses: tuple[Address, ...] = ()
        """Where the name leads; none before that was looked up."""
        self.book = read_book()
        self.facts = facts_of(self.base_url, settings.service_id)
        """What sentences may name of this installation."""
        self._request_id = wanted.request_id or label("doctor").request_id
        self.timed: list[Timed] = []
        """Every question that was answered."""
        self._until_s = self.clock.now_s() + wanted.timeout_s
        self._exchanges: list[HttpExchange] = []
        self._links: dict[str, Link] = {}
        self._exchange = self._exchange_with(self.base_url, self.trust)

    def left_s(self) -> float:
        """How much time there is for all that is still to be looked at; at least 0."""
        return max(0.0, self._until_s - self.clock.now_s())

    async def put(
        self, operation: Operation[Any], said: Said = NOTHING_SAID, *, seal_number: int | None = 0, bare: bool = False
    ) -> Answered:
        """Put one question, once, and read the answer as production does.

        It takes at most as long as production would wait. `seal_number`: which of our credentials go with a question
        that carries any; None for none. `bare`: without any body. Raises: KeyError when the wire does not offer the
        operation.
        """
        call, started_s = self.wire.call(operation, said, self._label()), self.clock.now_s()
        if bare:
            call = call._replace(body=None)
        seal = self._seal(seal_number) if call.template.sealed else None
        of_login = operation.kind == "login"
        budget_s = self.settings.login_budget_s if of_login else self.settings.token_budget_s
        allowed_s = min(budget_s, self.left_s())
        got = await self._exchange(call, seal, allowed_s)
        outcome = classify(call, got, self.standing)
        if isinstance(outcome, Unknown):
            outcome = outcome._replace(facts={**outcome.facts, "budget_s": f"{round(allowed_s, 1):g}"})
        answered = Answered(outcome, got, self.clock.now_s() - started_s)
        if isinstance(got, Reply):
            route = f"{call.template.method} {call.template.path.partition('?')[0]}"
            variable = "NETRA_LOGIN_BUDGET_S" if of_login else "NETRA_TOKEN_BUDGET_S"
            self.timed.append(Timed(route, answered.elapsed_s, budget_s, variable))
        if not said and seal_number == 0 and not bare:
            self.heard[operation.name] = answered
        return answered

    def _label(self) -> Label:
        """All questions of one diagnosis have one id."""
        return replace(label("doctor"), request_id=self._request_id)

    def _seal(self, number: int | None) -> Any:
        return None if number is None or number >= len(self.seals.in_order) else self.seals.in_order[number]

    def finding(
        self, outcome: Rejected | Unknown, hop: Hop, severity: Severity = Severity.ERROR, whose: str = "Users"
    ) -> Finding:
        """A failure in the words of its page, the same as in answers and logs. `whose` begins the sentence on why."""
        code, facts = outcome.cause.code, {**self.facts}
        if isinstance(outcome, Unknown):
            facts |= outcome.facts
        page = self.book[code]
        suggestions = page.suggestions(facts)
        fix = suggestions[0] if suggestions else f"Run `netra explain {code}`."
        if self.verifies_only:
            fix = fix.replace(_ADDRESS, _ISSUER).replace("auth service", "issuer")
        elif code == _NO_ROUTE:
            fix += f"; if that is right, NETRA_WIRE ({self.wire.name}) is not its wire: `netra wire list` names others"
        return Finding(severity, code, hop, page.operator_sentence(facts), self._why(outcome, whose), fix)

    def failure(
        self, hop: Hop, name: str, failed: Rejected | Unknown | Broken, elapsed_s: float | None, *, where: str = ""
    ) -> Check:
        """A failed check with the finding that says why. `where` begins its line, e.g. an address or a route."""
        outcome = unknown(TABLE[failed.code], failed.facts) if isinstance(failed, Broken) else failed
        title = self.book[outcome.cause.code].title
        what = f"{where}: {title if title[1:2].isupper() else title[:1].lower() + title[1:]}" if where else title
        return Check(hop, name, State.FAIL, what, elapsed_s, (self.finding(outcome, hop),))

    def _why(self, outcome: Rejected | Unknown, whose: str) -> str:
        cause = outcome.cause
        if cause.public_code == cause.code or self.settings.disclose == "operator":
            return f"{whose} get {cause.status} `{cause.code}`."
        return f"{whose} get {cause.status} `{cause.public_code}`; logs say `{cause.code}`."

    def link_of(self, origin: str) -> Link:
        """The link of this diagnosis to an issuer, or to wherever it publishes keys: told nothing of who we are."""
        if origin not in self._links:
            trust = self._trust_of_issuers if urlsplit(origin).scheme == "https" else None
            self._links[origin] = Link(
                exchange=self._exchange_with(origin, trust),
                seals=Seals.none(),
                slots=Slots(_KEY_CALLS_COUNT),
                budget=RetryBudget(self.clock.now_s()),
                clock=self.clock,
                tries=1,
                standing=Standing(handshake="absent"),
            )
        return self._links[origin]

    def _exchange_with(self, base_url: str, trust: Trust | None) -> HttpExchange:
        address = urlsplit(base_url)
        exchange = HttpExchange(
            f"{address.scheme}://{address.netloc}",
            connect_timeout_s=self.settings.connect_timeout_s,
            idle_connection_s=self.settings.idle_connection_s,
            clock=self.clock,
            look_up=self.look_up,
            trust=trust,
        )
        self._exchanges.append(exchange)
        return exchange

    def _trusting(self, *, shows_us: bool) -> Trust:
        """Raises: Unusable."""
        settings = self.settings
        pair = (settings.auth_service_client_cert_file, settings.auth_service_client_key_file) if shows_us else ()
        return Trust(self.clock, TrustFiles(settings.auth_service_ca_file, *pair))

    async def close(self) -> None:
        """Close all connections of this diagnosis."""
        for exchange in self._exchanges:
            await exchange.close()


def facts_of(base_url: str, service_id: str | None) -> Mapping[str, str]:
    """What sentences may name of an installation; what is not known is left out."""
    address = urlsplit(base_url)
    port = address.port or _PORTS.get(address.scheme)
    facts = {"url": base_url, "host": address.hostname, "port": port, "service_id": service_id}
    return MappingProxyType({name: str(value) for name, value in facts.items() if value})


def _issuer_wire(path: str) -> Wire:
    """An issuer of tokens as a wire: where its keys are is found out from the one document that it publishes."""
    return oidc_wire().only((DISCOVERY.name,)).below(path)


def _seals(settings: Settings, wire: Wire) -> Seals:
    return Seals.of(wire, settings.service_id, settings.service_secret, settings.service_secret_previous)
