"""Settings to a running gateway: the only module that knows everybody.

It must never decide anything about a login.
"""

import asyncio
import contextlib
import functools
import hashlib
import hmac
import os
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from netra import __version__
from netra.asgi.adapter import App, Limits
from netra.asgi.admission import AdminRules
from netra.asgi.callers import Callers
from netra.asgi.cors import Cors
from netra.asgi.words import Request, Route
from netra.core.events import CircuitChanged, ConfigurationProblem, Event
from netra.core.findings import Finding, Severity
from netra.core.pace.breaker import Breaker, Circuit
from netra.core.pace.budget import RetryBudget
from netra.core.pace.throttle import Throttles
from netra.core.secret import Secret
from netra.core.verdict.operations import HANDSHAKE, Kind
from netra.core.verdict.reply import Standing
from netra.core.verdict.wire import Wire
from netra.doctor.configuration import wire_findings
from netra.gateway.attempts import Forms
from netra.gateway.gate import Gateway
from netra.gateway.parts import Parts
from netra.link.calls import Circuits, Link, never_open
from netra.link.clock import Clock, SystemClock
from netra.link.exchange import HttpExchange
from netra.link.peer_certificate import peer_certificate
from netra.link.seals import Seals
from netra.link.slots import Slots
from netra.link.trust import Trust, TrustFiles, Unusable
from netra.pages.book import read_book
from netra.settings.read import SettingsProblem
from netra.settings.variables import Settings
from netra.upkeep.crashes import crashed
from netra.upkeep.rounds import Peer, Rounds, first_round
from netra.web.admin_app import admin_app
from netra.web.endpoints import public_app
from netra.web.view import Readiness, View
from netra.wires.load import resolve
from netra.wires.problem import WireProblem

Tell = Callable[[Event], None]
_DEFAULT_PORTS: Final = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Assembled:
    """A gateway with its two applications, while it is open."""

    gateway: Gateway
    view: View
    public: App
    admin: App


@asynccontextmanager
async def open_gateway(
    settings: Settings,
    tell: Tell,
    *,
    findings: tuple[Finding, ...] = (),
    extra_admin_routes: Iterable[Route] = (),
) -> AsyncIterator[Assembled]:
    """A gateway whose upkeep runs for as long as the context is open; connections are closed at its end."""
    clock = SystemClock()
    address = urlsplit(settings.auth_service_url)
    wire = _wire(settings).below(address.path)
    exchange = HttpExchange(
        f"{address.scheme}://{address.netloc}",
        connect_timeout_s=settings.connect_timeout_s,
        idle_connection_s=settings.idle_connection_s,
        clock=clock,
        trust=_trust(settings, clock, tell) if address.scheme == "https" else None,
    )
    link = _link(settings, wire, exchange, clock, tell)
    gateway = Gateway(_parts(settings, wire, link, tell))
    view = _view(settings, gateway, clock)
    told_of = list(findings)
    on_crash = _on_crash(tell, clock)
    limits = Limits(receipt_s=settings.receipt_timeout_s)
    public = public_app(
        gateway,
        view,
        settings.prefix,
        limits=limits,
        callers=_callers(settings, told_of, tell),
        cors=Cors(settings.cors_origins),
        on_crash=on_crash,
    )
    admin = admin_app(
        gateway,
        view,
        settings.prefix,
        __version__,
        told_of,
        rules=AdminRules(settings.admin_host, settings.admin_hosts, settings.admin_token),
        limits=limits,
        on_crash=on_crash,
        extra=extra_admin_routes,
    )
    async with contextlib.AsyncExitStack() as stack:
        stack.push_async_callback(exchange.close)
        if settings.auth_service_enabled:
            rounds = Rounds(
                wire,
                link,
                tell,
                interval_s=settings.probe_interval_s,
                budget_s=settings.token_budget_s,
                peer=_peer(settings),
            )
            upkeep = await first_round(rounds, settings.connect_timeout_s)
            stack.push_async_callback(_cancelled, upkeep)
        yield Assembled(gateway, view, public, admin)


def _callers(settings: Settings, told_of: list[Finding], tell: Tell) -> Callers:
    """Who is calling; a proxy that nobody trusts is told of, and stays among the findings."""

    def doubt(address: str) -> None:
        told_of.append(_untrusted(address))
        tell(ConfigurationProblem(told_of[-1]))

    return Callers(settings.trusted_proxies, doubt)


def _untrusted(address: str) -> Finding:
    return Finding(
        Severity.WARNING,
        "untrusted_proxy",
        "NETRA_TRUSTED_PROXIES",
        f"does not list {address}, which says in X-Forwarded-For for whom it speaks",
        "If it is your proxy, everybody behind it counts as one caller, in limits and at the auth service.",
        f"Add {address} to NETRA_TRUSTED_PROXIES if it is yours; else let nobody reach Netra past your proxy.",
    )


def _wire(settings: Settings) -> Wire:
    """The auth service, described. Raises: SettingsProblem for a file that cannot be used."""
    try:
        return resolve(settings.wire)
    except WireProblem as problem:
        raise SettingsProblem(wire_findings(problem)) from None


def _holds(settings: Settings, wanted: frozenset[str]) -> bool:
    """Do we have what the auth service wants of our own credentials? Not where it wants none."""
    held = {"service_id": settings.service_id, "service_secret": settings.service_secret}
    return bool(wanted) and all(held[name] is not None for name in wanted)


def _trust(settings: Settings, clock: Clock, tell: Tell) -> Trust:
    """Whom to believe over TLS. Raises: SettingsProblem for a file that broke after the settings were read."""
    files = TrustFiles(
        settings.auth_service_ca_file, settings.auth_service_client_cert_file, settings.auth_service_client_key_file
    )
    try:
        return Trust(clock, files, lambda finding: tell(ConfigurationProblem(finding)))
    except Unusable as problem:
        raise SettingsProblem((problem.finding,)) from None


def _peer(settings: Settings) -> Peer | None:
    """Who presents a certificate at AUTH_SERVICE_URL; None where nobody does."""
    address = urlsplit(settings.auth_service_url)
    if address.scheme != "https":
        return None
    return functools.partial(peer_certificate, address.hostname or "", address.port or _DEFAULT_PORTS["https"])


def _link(settings: Settings, wire: Wire, exchange: HttpExchange, clock: Clock, tell: Tell) -> Link:
    return Link(
        exchange=exchange,
        seals=Seals.of(wire, settings.service_id, settings.service_secret, settings.service_secret_previous),
        slots=Slots(settings.max_in_flight),
        budget=RetryBudget(clock.now_s()),
        clock=clock,
        tries=settings.tries,
        circuits=_circuits(settings, tell) if settings.breaker else never_open(),
        enabled=settings.auth_service_enabled,
        standing=Standing(
            credentials_configured=_holds(settings, wire.credentials),
            trust_uncoded_401=settings.trust_uncoded_401,
            handshake="not_yet" if wire.offers(HANDSHAKE) else "absent",
        ),
    )


def _circuits(settings: Settings, tell: Tell) -> Circuits:
    def told_of(kind: Kind) -> Callable[[Circuit], None]:
        return lambda circuit: tell(CircuitChanged(kind, circuit))

    kinds: tuple[Kind, ...] = ("login", "token")
    return {**never_open(), **{kind: Breaker(settings.breaker_open_s, told_of(kind)) for kind in kinds}}


def _parts(settings: Settings, wire: Wire, link: Link, tell: Tell) -> Parts:
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
    )


def _view(settings: Settings, gateway: Gateway, clock: Clock) -> View:
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
        readiness=Readiness(),
    )


def facts_of(settings: Settings) -> dict[str, str]:
    """What sentences may name of this installation; what is not known is left out."""
    address = urlsplit(settings.auth_service_url)
    port = address.port or _DEFAULT_PORTS.get(address.scheme)
    facts = {
        "url": settings.auth_service_url,
        "host": address.hostname,
        "port": port,
        "service_id": settings.service_id,
    }
    return {name: str(value) for name, value in facts.items() if value}


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
