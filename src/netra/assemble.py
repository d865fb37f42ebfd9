"""Settings to a running gateway: the only module that knows everybody.

It must never decide anything about a login.
"""

import asyncio
import contextlib
import functools
import hashlib
import hmac
import os
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from prometheus_client import CollectorRegistry

from netra import __version__
from netra.asgi.adapter import App, Limits
from netra.asgi.callers import Callers
from netra.asgi.cors import Cors
from netra.asgi.words import Request, Route
from netra.assemble_admin import NOTHING_MORE, InUse, Observers, Shown, observing, operated
from netra.assemble_tokens import ONLY_VERIFY, judging
from netra.core.events import Changed, CircuitChanged, ConfigurationProblem, Event
from netra.core.findings import Finding, Severity
from netra.core.pace.breaker import Breaker, Circuit
from netra.core.pace.budget import RetryBudget
from netra.core.pace.throttle import Throttles
from netra.core.secret import Secret
from netra.core.trace import Tracing
from netra.core.verdict.operations import Kind
from netra.core.verdict.reply import Standing
from netra.core.verdict.wire import Wire
from netra.doctor.configuration import wire_findings
from netra.doctor.visit import facts_of as facts_at
from netra.gateway.attempts import Forms
from netra.gateway.gate import Gateway
from netra.gateway.parts import Parts
from netra.gateway.tokens import Tokens
from netra.link.calls import Circuits, Link, never_open
from netra.link.clock import Clock, SystemClock
from netra.link.exchange import HttpExchange
from netra.link.seals import Seals
from netra.link.slots import Slots
from netra.link.tls.peer_certificate import peer_certificate
from netra.link.tls.presented import Presented
from netra.link.tls.trust import Trust, TrustFiles, Unusable, nobody_asks
from netra.observe.board import Board
from netra.observe.recorder import Recorder
from netra.observe.traces.opening import TracesUnusable, own_tracing
from netra.pages.book import read_book
from netra.settings.field import configuration_fingerprint
from netra.settings.read import SettingsProblem
from netra.settings.variables import Settings
from netra.upkeep.crashes import crashed
from netra.upkeep.credentials import Credentials
from netra.upkeep.discovery import oidc_wire
from netra.upkeep.rounds import Loop, Peer, Rounds, begin
from netra.upkeep.standing import first_standing
from netra.web.endpoints import public_app
from netra.web.view import Readiness, View
from netra.wires.load import resolve
from netra.wires.problem import WireProblem

if TYPE_CHECKING:
    from netra.observe.traces.own import OwnTracing

Tell = Callable[[Event], None]
_KEY_CALLS_COUNT: Final = 4
"""At once, to an issuer: one at a time is asked, and the one before may not have ended."""
_HTTPS_PORT: Final = 443


@dataclass(frozen=True, slots=True)
class Assembled:
    """A gateway with its two applications, while it is open."""

    gateway: Gateway
    view: View
    public: App
    admin: App
    recorder: Recorder
    """What became of the latest attempts."""
    board: Board
    """How the attempts of the last fifteen minutes ended, all together."""
    tell: Tell
    """Tells whoever was given to `open_gateway`, and all that this gateway remembers with."""

    def forget_failures(self) -> None:
        """Begin anew: the auth service is known to be another one than the one that failed."""
        self.gateway.forget_failures()
        self.board.forget_failures()


@asynccontextmanager
async def open_gateway(  # noqa: PLR0913 - what a gateway may be given by whoever opens it
    settings: Settings,
    tell: Tell,
    *,
    findings: tuple[Finding, ...] = (),
    extra_admin_routes: Iterable[Route] = (),
    shown: Shown = NOTHING_MORE,
    registry: CollectorRegistry | None = None,
    tracing: Tracing | None = None,
) -> AsyncIterator[Assembled]:
    """A gateway whose upkeep runs for as long as the context is open; connections are closed at its end.

    `registry` of Prometheus's has our metrics for so long; without it they have one of their own. `tracing` records
    attempts; without it they are sent to a collector where the settings say so. Raises: ValueError, when `registry` has
    our metrics already, from another gateway; SettingsProblem.
    """
    clock = SystemClock()
    observers = observing(settings, clock, tell, facts_of(settings))
    tell = observers.tell
    wire, base_url = _wire(settings), settings.auth_service_url or settings.oidc_issuer
    exchanges = Exchanges(settings, clock, tell)
    link = _link(settings, wire, exchanges.to(base_url), clock, observers)
    told_of = list(findings)
    credentials = Credentials(settings, wire, link, tell, told_of)
    rounds = _rounds(settings, wire, link, tell, credentials)
    tokens, loops = judging(settings, wire, link, tell, link_of=exchanges.link_of, shaken=rounds.first_ended)
    gateway = Gateway(_parts(settings, wire, link, tell, tokens))
    own = None if tracing is not None else _own_tracing(settings)
    tracing = tracing or own
    view = _view(settings, gateway, clock, tracing)
    on_crash = _on_crash(tell, clock)
    limits = Limits(receipt_s=settings.receipt_timeout_s)
    callers = _callers(settings, told_of, tell)
    cors = Cors(settings.cors_origins)
    public = public_app(gateway, view, settings.prefix, limits=limits, callers=callers, cors=cors, on_crash=on_crash)
    admin, console, numbers = operated(
        settings,
        gateway,
        view,
        told_of,
        observers=observers,
        in_use=InUse(credentials.ours, lambda: exchanges.presented.ends_at),
        shown=shown,
        limits=limits,
        on_crash=on_crash,
        extra=extra_admin_routes,
        registry=registry,
    )
    loops = (*_loops(settings, link, rounds, credentials), *loops)
    async with contextlib.AsyncExitStack() as stack:
        if own is not None:
            stack.push_async_callback(own.close)
        stack.push_async_callback(exchanges.close)
        stack.push_async_callback(tokens.close)
        stack.push_async_callback(console.close)
        stack.callback(numbers.close)
        _tell_in_use(settings, credentials, tell)
        for task in await begin((observers.lag, *loops), settings.connect_timeout_s):
            stack.push_async_callback(_cancelled, task)
        yield Assembled(gateway, view, public, admin, observers.recorder, observers.board, tell)


def _rounds(settings: Settings, wire: Wire, link: Link, tell: Tell, credentials: Credentials) -> Rounds:
    return Rounds(
        wire,
        link,
        tell,
        interval_s=settings.probe_interval_s,
        budget_s=settings.token_budget_s,
        peer=_peer(settings),
        ours=credentials.ours,
    )


def _loops(settings: Settings, link: Link, rounds: Rounds, credentials: Credentials) -> Iterable[Loop]:
    """What keeps our standing and our credentials fresh, the credentials first."""
    if credentials.followed:
        link.look_again = credentials.look
        yield credentials
    if settings.auth_service_enabled:
        yield rounds


def _tell_in_use(settings: Settings, credentials: Credentials, tell: Tell) -> None:
    tell(Changed("version", __version__))
    tell(Changed("configuration", configuration_fingerprint(settings)))
    credentials.tell_held()


class Exchanges:
    """The ways out: one to each origin that is asked, closed together."""

    def __init__(self, settings: Settings, clock: Clock, tell: Tell) -> None:
        self._settings = settings
        self._clock = clock
        self._tell = tell
        self.presented = Presented(clock, tell)
        """Which certificates the auth service presents."""
        self._links: dict[str, Link] = {}
        self._open: list[HttpExchange] = []

    def to(self, base_url: str, *, shows_us: bool = True) -> HttpExchange:
        """A way to one origin; with TLS, whom to believe is what the settings say of the auth service.

        `shows_us`: is our client certificate for this origin to see?
        """
        address, settings = urlsplit(base_url), self._settings
        tls = address.scheme == "https"
        exchange = HttpExchange(
            f"{address.scheme}://{address.netloc}",
            connect_timeout_s=settings.connect_timeout_s,
            idle_connection_s=settings.idle_connection_s,
            clock=self._clock,
            trust=self._trust(shows_us=shows_us) if tls else None,
        )
        self._open.append(exchange)
        return exchange

    def link_of(self, origin: str) -> Link:
        """The link to an issuer, or to wherever it publishes its keys: it is told nothing of who we are."""
        if origin not in self._links:
            self._links[origin] = Link(
                exchange=self.to(origin, shows_us=False),
                seals=Seals.none(),
                slots=Slots(_KEY_CALLS_COUNT),
                budget=RetryBudget(self._clock.now_s()),
                clock=self._clock,
                tries=1,
                standing=Standing(handshake="absent"),
            )
        return self._links[origin]

    def _trust(self, *, shows_us: bool) -> Trust:
        """Whom to believe over TLS. Raises: SettingsProblem for a file that broke after the settings were read."""
        settings, tell = self._settings, self._tell
        pair = (settings.auth_service_client_cert_file, settings.auth_service_client_key_file) if shows_us else ()
        files = TrustFiles(settings.auth_service_ca_file, *pair)
        on_peer = self.presented if shows_us else nobody_asks
        try:
            return Trust(self._clock, files, lambda finding: tell(ConfigurationProblem(finding)), on_peer)
        except Unusable as problem:
            raise SettingsProblem((problem.finding,)) from None

    async def close(self) -> None:
        """Close all connections."""
        for exchange in self._open:
            await exchange.close()


def _callers(settings: Settings, told_of: list[Finding], tell: Tell) -> Callers:
    """Who is calling; a proxy that nobody trusts is told of, and stays among the findings."""

    def doubt(address: str) -> None:
        told_of.append(untrusted_proxy(address, "if it is yours; else let nobody reach Netra past your proxy"))
        tell(ConfigurationProblem(told_of[-1]))

    return Callers(settings.trusted_proxies, doubt)


def untrusted_proxy(address: str, else_what: str) -> Finding:
    """A private address that speaks for others, and was not named; `else_what` ends the sentence on what to do."""
    return Finding(
        Severity.WARNING,
        "untrusted_proxy",
        "NETRA_TRUSTED_PROXIES",
        f"does not list {address}, which says in X-Forwarded-For for whom it speaks",
        "If it is your proxy, everybody behind it counts as one caller, in limits and at the auth service.",
        f"Add {address} to NETRA_TRUSTED_PROXIES {else_what}.",
    )


def _wire(settings: Settings) -> Wire:
    """The auth service, described. Raises: SettingsProblem for a file that cannot be used."""
    if not settings.auth_service_url and settings.oidc_issuer:
        return oidc_wire().only(())
    try:
        wire = resolve(settings.wire).below(urlsplit(settings.auth_service_url).path)
    except WireProblem as problem:
        raise SettingsProblem(wire_findings(problem)) from None
    return wire.only(ONLY_VERIFY) if settings.only == "verify" else wire


def _peer(settings: Settings) -> Peer | None:
    """Who presents a certificate at AUTH_SERVICE_URL; None where nobody does."""
    address = urlsplit(settings.auth_service_url)
    if address.scheme != "https":
        return None
    return functools.partial(peer_certificate, address.hostname or "", address.port or _HTTPS_PORT)


def _link(settings: Settings, wire: Wire, exchange: HttpExchange, clock: Clock, observers: Observers) -> Link:
    return Link(
        exchange=exchange,
        seals=Seals.of(wire, settings.service_id, settings.service_secret, settings.service_secret_previous),
        slots=Slots(settings.max_in_flight),
        budget=RetryBudget(clock.now_s()),
        clock=clock,
        tries=settings.tries,
        circuits=_circuits(settings, observers.tell) if settings.breaker else never_open(),
        enabled=settings.auth_service_enabled,
        standing=first_standing(settings, wire),
        tell=observers.tell_try,
    )


def _circuits(settings: Settings, tell: Tell) -> Circuits:
    def told_of(kind: Kind) -> Callable[[Circuit], None]:
        return lambda circuit: tell(CircuitChanged(kind, circuit))

    kinds: tuple[Kind, ...] = ("login", "token")
    return {**never_open(), **{kind: Breaker(settings.breaker_open_s, told_of(kind)) for kind in kinds}}


def _parts(settings: Settings, wire: Wire, link: Link, tell: Tell, tokens: Tokens) -> Parts:
    return Parts(
        wire=wire,
        link=link,
        tell=tell,
        login_budget_s=settings.login_budget_s,
        token_budget_s=settings.token_budget_s,
        log_key=log_key(settings),
        registration=settings.registration,
        oauth_providers=settings.oauth_providers,
        identifier_kind=settings.identifier,
        forms=Forms(settings.identifier, wire.extra, wire.in_headers),
        throttles=Throttles.of(settings.throttle_account, settings.throttle_address),
        tokens=tokens,
    )


def _view(settings: Settings, gateway: Gateway, clock: Clock, tracing: Tracing | None) -> View:
    return View(
        operator=settings.disclose == "operator",
        form_login=settings.form_login,
        book=read_book(),
        problem_base=settings.problem_base.rstrip("/"),
        environment=settings.environment,
        auth_service_url=settings.auth_service_url,
        facts=facts_of(settings),
        service_id=settings.service_id,
        service_secret_configured=settings.service_secret is not None,
        standing=lambda: gateway.standing,
        now_s=clock.now_s,
        wall_s=clock.wall_s,
        readiness=Readiness(requires_auth=settings.ready_requires_auth),
        tracing=tracing,
    )


def _own_tracing(settings: Settings) -> "OwnTracing | None":
    """Who sends attempts to a collector; None where nobody is to. Raises: SettingsProblem."""
    base_url = settings.auth_service_url or settings.oidc_issuer
    try:
        return own_tracing(settings.traces, base_url, version=__version__, environment=settings.environment)
    except TracesUnusable as problem:
        raise SettingsProblem((problem.finding,)) from None


def facts_of(settings: Settings) -> Mapping[str, str]:
    """What sentences may name of this installation; what is not known is left out."""
    return facts_at(settings.auth_service_url, settings.service_id)


def log_key(settings: Settings) -> Secret:
    """The key that turns identifiers into hashes: set, else derived from the service secret, else new at each start.

    Source: RFC 5869 (HKDF with SHA-256, one block).
    """
    if settings.log_key is not None:
        return settings.log_key
    if settings.service_secret is None:
        return Secret(os.urandom(32).hex())
    extracted = hmac.digest(b"netra", settings.service_secret.reveal().encode(), hashlib.sha256)
    return Secret(hmac.digest(extracted, b"netra log key\x01", hashlib.sha256).hex())


def _on_crash(tell: Tell, clock: Clock) -> Callable[[Request, BaseException], None]:
    def on_crash(request: Request, crash: BaseException) -> None:
        elapsed_s = clock.now_s() - request.received_at_s if request.received_at_s else 0.0
        tell(crashed(request.request_id, crash, elapsed_s))

    return on_crash


async def _cancelled(task: "asyncio.Task[None]") -> None:
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
