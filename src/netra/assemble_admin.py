"""The admin listener of a gateway, put together: its application, its console, the diagnosis that it can begin.

It must never decide anything about a login.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from prometheus_client import CollectorRegistry

from netra import __version__
from netra.asgi.adapter import App, Limits, OnCrash
from netra.asgi.admission import AdminRules
from netra.asgi.words import Route
from netra.core.events import Event
from netra.core.findings import Finding
from netra.doctor.debugger import AuthServiceDebugger
from netra.doctor.diagnosis import Diagnosis, Measured, Progress
from netra.gateway.gate import Gateway
from netra.link.clock import Clock
from netra.observe.board import Board
from netra.observe.latency import Budgets, advice, latencies
from netra.observe.metrics.counting import Counting
from netra.observe.metrics.lag import Lag
from netra.observe.recorder import Recorder
from netra.observe.stories import Teller
from netra.observe.tell import Tell
from netra.pages.book import read_book
from netra.settings.field import Effective, configuration_fingerprint
from netra.settings.variables import Settings
from netra.upkeep.agreement import Ours
from netra.web.admin.app import admin_app
from netra.web.admin.health import Ourselves
from netra.web.admin.metrics import Gauges, Numbers, Seen, metrics_route
from netra.web.admin.traces import trace_routes
from netra.web.console.diagnosing import Diagnose, Diagnosing
from netra.web.console.routes import Console
from netra.web.console.state import Failures, Sources
from netra.web.view import READY, View


class Shown(NamedTuple):
    """What a console shows that the gateway itself does not need to know."""

    effective: tuple[Effective, ...] = ()
    """Every setting, with where it came from."""
    panels: tuple[str, ...] = ()
    """What else stands on the page, e.g. `demo`."""


NOTHING_MORE: Final = Shown()


class Observers(NamedTuple):
    """Who remembers what became of attempts, and who tells them."""

    board: Board
    recorder: Recorder
    counting: Counting
    lag: Lag
    tell: Tell
    """Tells all of them, and whoever else is to hear of it."""
    tell_try: Tell
    """Tells those who count exchanges: a login has several, and one line."""


def observing(settings: Settings, clock: Clock, tell: Callable[[Event], None], facts: Mapping[str, str]) -> Observers:
    """The observers of one gateway. `tell` is whoever else hears of every event; `facts` name this installation."""
    board, counting = Board(clock.now_s, clock.wall_s), Counting(settings.login_budget_s, settings.token_budget_s)
    recorder = Recorder(Teller(read_book(), facts), settings.recorded_requests_count)
    return Observers(
        board, recorder, counting, Lag(clock), Tell((board, recorder, counting, tell)), Tell((board, counting))
    )


class InUse(NamedTuple):
    """What a gateway shows of itself to the auth service, and is shown by it, now."""

    ours: Callable[[], Ours]
    """What we hold of our own credentials."""
    certificate_ends_at: Callable[[], float | None]
    """When the auth service's certificate ends, epoch seconds; None when nobody has seen one."""


class Operated(NamedTuple):
    """What operators see of a gateway."""

    app: App
    console: Console
    """To be closed at the end."""
    numbers: Numbers
    """To be closed at the end."""


def operated(  # noqa: PLR0913 - what a gateway has to show
    settings: Settings,
    gateway: Gateway,
    view: View,
    findings: Sequence[Finding],
    *,
    observers: Observers,
    in_use: InUse,
    shown: Shown,
    limits: Limits,
    on_crash: OnCrash,
    extra: Iterable[Route],
    registry: CollectorRegistry | None,
) -> Operated:
    """The admin application of this gateway; `findings` may grow while it is open.

    Raises: ValueError, when `registry` has metrics of another gateway.
    """
    recorder, tell = observers.recorder, observers.tell
    numbers = Numbers(
        registry, (observers.counting, Gauges(_seen(settings, gateway, view, findings, observers, in_use)))
    )
    console = _console(settings, gateway, view, findings, observers, shown, in_use=in_use)
    app = admin_app(
        gateway,
        view,
        settings.prefix,
        __version__,
        findings,
        rules=AdminRules(settings.admin_host, settings.admin_hosts, settings.admin_token),
        limits=limits,
        on_crash=on_crash,
        extra=(*console.routes(), *trace_routes(recorder, view), metrics_route(numbers.registry), *extra),
        ourselves=Ourselves(recorder, tell.lines_lost_count, lambda: tell.all_failures_count),
        on_sign_out=console.hub.let_all_go,
    )
    return Operated(app, console, numbers)


def _seen(
    settings: Settings,
    gateway: Gateway,
    view: View,
    findings: Sequence[Finding],
    observers: Observers,
    in_use: InUse,
) -> Seen:
    link = gateway.parts.link
    return Seen(
        gateway=gateway,
        version=__version__,
        now_s=view.now_s,
        wall_s=view.wall_s,
        findings=findings,
        ready=lambda: view.readiness_word(enabled=link.enabled) == READY,
        budgets_s={
            "login": settings.login_budget_s, "token": settings.token_budget_s, "connect": settings.connect_timeout_s,
        },
        ours=in_use.ours,
        configuration=configuration_fingerprint(settings),
        started_at=view.wall_s(),
        certificate_ends_at=in_use.certificate_ends_at,
        lag_s=lambda: observers.lag.worst_s,
        lines_dropped_count=observers.tell.lines_lost_count,
        lines_summarised_count=observers.tell.lines_summarised_count,
        spans_dropped_count=view.tracing.dropped_count if view.tracing else lambda: 0,
        listener_failures_count=lambda: (
            observers.tell.all_failures_count + (view.tracing.failures_count() if view.tracing else 0)
        ),
    )  # fmt: skip


def _console(  # noqa: PLR0913 - what a console is drawn from
    settings: Settings,
    gateway: Gateway,
    view: View,
    findings: Sequence[Finding],
    observers: Observers,
    shown: Shown,
    *,
    in_use: InUse,
) -> Console:
    sources = Sources(
        gateway=gateway,
        view=view,
        board=observers.board,
        failures=Failures(observers.recorder, observers.board),
        version=__version__,
        prefix=settings.prefix,
        findings=findings,
        settings=lambda: [_as_of_now(each, in_use.ours()) for each in shown.effective],
        panels=shown.panels,
        sealed=bool(gateway.parts.wire.credentials),
        budgets=budgets_of(settings),
    )
    return Console(sources, Diagnosing(_diagnose(settings, shown.effective, findings, observers.board), observers.tell))


def budgets_of(settings: Settings) -> Budgets:
    """How long attempts may take by these settings."""
    return Budgets(settings.login_budget_s, settings.token_budget_s, settings.connect_timeout_s, settings.tries)


def _as_of_now(shown: Effective, ours: Ours) -> Effective:
    """A setting with the credentials that are in use now, where these were read again from files since the start."""
    if shown.variable == "SERVICE_ID":
        return shown._replace(value=ours.service_id)
    now = {"SERVICE_SECRET": ours.secret, "SERVICE_SECRET_PREVIOUS": ours.previous}
    return shown._replace(fingerprint=now[shown.variable]) if shown.variable in now else shown


def _diagnose(
    settings: Settings, effective: tuple[Effective, ...], findings: Sequence[Finding], board: Board
) -> Diagnose:
    budgets = budgets_of(settings)

    def measured() -> list[Measured]:
        return [Measured(each.name, each.text, advice(each, budgets)) for each in latencies(board, budgets)]

    def diagnose(progress: Progress) -> Awaitable[Diagnosis]:
        return AuthServiceDebugger.of(settings, effective, tuple(findings), measured=measured).run(progress)

    return diagnose
