"""Set-ups in which gateway and auth service reach each other, and are not agreed on who asks, or about what.

They must never speak of users: nobody tries to log in here.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any, Final

from netra.core.findings import Severity
from netra.doctor.diagnosis import Hop
from netra.lab.connection import Connection, Delivery, Script
from netra.lab.faulty_auth_service import FaultyAuthService
from netra.lab.scripts import html, json_reply, redirect
from tests.diagnosis.bringing import answers, lab, real, variables
from tests.diagnosis.means import IMPATIENT, OTHER_SECRET, Means
from tests.diagnosis.setup import Brought, Environ, Setup
from tests.support import wire

Pairs = list[tuple[str, str]]
ROUTES: Final = (
    "/health", "/auth/handshake", "/auth/login", "/auth/register", "/auth/refresh", "/auth/logout", "/auth/validate",
    "/auth/config", "/auth/revocations", "/.well-known/jwks.json",
)  # fmt: skip
_AN_HOUR: Final = timedelta(hours=1)


def behind_a_proxy(change: Callable[[Pairs], Pairs]) -> Brought:
    """A real auth service, and between it and the gateway a proxy that changes headers."""

    @asynccontextmanager
    async def bring(means: Means) -> AsyncIterator[Environ]:
        service = await means.real()
        async with FaultyAuthService() as between:
            for path in ROUTES:
                between.answer(path, _passed_on(service.url, change))
            yield variables(means, **{"AUTH_SERVICE_URL": between.url, **service.credentials})

    return bring


def _passed_on(upstream: str, change: Callable[[Pairs], Pairs]) -> Script:
    async def script(connection: Connection, delivery: Delivery) -> None:
        kept = [pair for pair in delivery.headers if pair[0].lower() != "connection"]
        target = f"{delivery.path}?{delivery.query}" if delivery.query else delivery.path
        answer = await wire.ask(upstream, delivery.method, target, change(kept), delivery.body or None)
        await connection.send(answer.raw)
        connection.close()

    return script


def _without_seal(pairs: Pairs) -> Pairs:
    return [pair for pair in pairs if not pair[0].lower().startswith("x-service-")]


def _with_another_secret(pairs: Pairs) -> Pairs:
    return [(name, OTHER_SECRET if name.lower() == "x-service-secret" else value) for name, value in pairs]


def _clock(difference: timedelta) -> Brought:
    """An auth service whose clock is wrong by this."""

    @asynccontextmanager
    async def bring(means: Means) -> AsyncIterator[Environ]:
        async with means.lab() as service:
            service.says["server_time"] = (datetime.now(UTC) + difference).isoformat(timespec="seconds")
            yield variables(means, AUTH_SERVICE_URL=service.url)

    return bring


def _dated(difference: timedelta) -> Brought:
    """The same of one without a handshake, whose answers have a date."""

    @asynccontextmanager
    async def bring(means: Means) -> AsyncIterator[Environ]:
        async with means.lab(handshake=False) as service:
            date = format_datetime(datetime.now(UTC) + difference, usegmt=True)
            service.answer("/health", json_reply(200, {"status": "ok"}, [("Date", date)]))
            yield variables(means, AUTH_SERVICE_URL=service.url)

    return bring


def _rotated_halfway() -> Brought:
    """The gateway has a new secret of which the auth service has not been told."""

    @asynccontextmanager
    async def bring(means: Means) -> AsyncIterator[Environ]:
        service = await means.real()
        known = service.credentials
        secrets = {"SERVICE_SECRET": OTHER_SECRET, "SERVICE_SECRET_PREVIOUS": known["SERVICE_SECRET"]}
        yield variables(means, **{"AUTH_SERVICE_URL": service.url, **known, **secrets})

    return bring


def _of_issuer_and_audience(**changes: str) -> Brought:
    """Tokens are expected to be signed by somebody, or made for somebody, else."""

    @asynccontextmanager
    async def bring(means: Means) -> AsyncIterator[Environ]:
        service = await means.real()
        said = (await wire.ask(service.url, "GET", "/auth/handshake", _seal(service.credentials))).json
        expected = {"NETRA_TOKEN_ISSUER": said["issuer"], "NETRA_TOKEN_AUDIENCE": said["audience"], **changes}
        yield variables(means, **{"AUTH_SERVICE_URL": service.url, **service.credentials, **expected})

    return bring


def _seal(credentials: Any) -> Pairs:
    return [(f"X-{name.replace('_', '-')}", value) for name, value in credentials.items()]


def _sealed(name: str, cause: str, code: str, bring: Brought, *says: str, mild: bool = False) -> Setup:
    severity = Severity.WARNING if mild else Severity.ERROR
    return Setup(name, cause, Hop.SERVICE_CREDENTIALS, code, bring, says, severity)


CREDENTIALS: Final = (
    _sealed("wrong-secret", "The secret is another one than the registered.", "service_credentials_rejected",
            real(SERVICE_SECRET=OTHER_SECRET), "SERVICE_SECRET"),
    _sealed("wrong-id", "The id is not registered.", "service_credentials_rejected", real(SERVICE_ID="netra-frontend"),
            "netra-frontend"),
    _sealed("no-credentials", "Id and secret were never set.", "service_credentials_missing",
            real("SERVICE_ID", "SERVICE_SECRET"), "SERVICE_ID", "SERVICE_SECRET"),
    _sealed("proxy-drops-headers", "A proxy drops the headers that it does not know.", "service_credentials_missing",
            behind_a_proxy(_without_seal)),
    _sealed("proxy-replaces-secret", "A proxy puts a secret of its own in place of ours.",
            "service_credentials_rejected", behind_a_proxy(_with_another_secret), "SERVICE_SECRET"),
    _sealed("rotated-here-only", "A new secret is set here and was not registered there.",
            "service_credentials_rejected", _rotated_halfway(), "SERVICE_SECRET", mild=True),
    _sealed("other-service", "The auth service takes the gateway for another service.", "service_id_differs",
            lab(how={"says": {"service_id": "netra-frontend"}}), "SERVICE_ID", "netra-frontend", mild=True),
    _sealed("other-environment", "Staging asks the auth service of tests.", "environment_differs",
            real(ENVIRONMENT="staging"), "staging", "test", mild=True),
    _sealed("other-issuer", "Tokens are expected from another issuer.", "issuer_differs",
            _of_issuer_and_audience(NETRA_TOKEN_ISSUER="https://auth.shop.test"), "NETRA_TOKEN_ISSUER", mild=True),
    _sealed("other-audience", "Tokens are expected for another audience.", "audience_differs",
            _of_issuer_and_audience(NETRA_TOKEN_AUDIENCE="shop-frontend"), "NETRA_TOKEN_AUDIENCE", mild=True),
    _sealed("wrong-secret-no-handshake", "The secret is wrong, and there is no handshake to tell.",
            "service_credentials_rejected", lab(how={"handshake": False, "secret": OTHER_SECRET}), "SERVICE_SECRET"),
    _sealed("refused-without-a-code", "The handshake is 403, and its body does not say why.",
            "service_credentials_rejected", answers("/auth/handshake", json_reply(403, {"message": "no"}))),
    _sealed("handshake-crashes", "The handshake's route crashes.", "auth_service_error",
            lab("status-500", on="/auth/handshake")),
    _sealed("handshake-never-answers", "The handshake's route waits for ever.", "response_timeout",
            lab("response-timeout", on="/auth/handshake", **IMPATIENT)),
    _sealed("handshake-in-html", "The handshake's route shows a page.", "invalid_response",
            answers("/auth/handshake", html(200, "<h1>Welcome</h1>"))),
)  # fmt: skip


def _route(name: str, cause: str, code: str, bring: Brought, *says: str, mild: bool = False) -> Setup:
    return Setup(name, cause, Hop.CONTRACT, code, bring, says, Severity.WARNING if mild else Severity.ERROR)


CONTRACT: Final = (
    _route("login-gone", "A release has moved the login.", "endpoint_not_found", lab("status-404", on="/auth/login"),
           "/auth/login"),
    _route("refresh-gone", "A release has dropped the refresh.", "endpoint_not_found",
           lab("status-404", on="/auth/refresh"), "/auth/refresh"),
    _route("logout-other-method", "A release takes logouts with another method.", "endpoint_not_found",
           lab("status-405", on="/auth/logout"), "/auth/logout"),
    _route("config-gone", "A release has dropped its configuration.", "endpoint_not_found",
           lab("status-410", on="/auth/config"), "/auth/config"),
    _route("validate-redirects", "Token checks are answered with a redirect.", "redirected",
           answers("/auth/validate", redirect(308, "/v2/auth/validate")), "/auth/validate"),
    _route("login-fails", "Its login crashes.", "auth_service_error", lab("status-500", on="/auth/login"),
           "/auth/login"),
    _route("database-gone", "It is up, and its database is not.", "auth_service_unavailable",
           lab("status-503", on="/auth/login"), "/auth/login"),
    _route("revocations-gone", "A release has dropped its list of what has ended.", "endpoint_not_found",
           lab("status-404", on="/auth/revocations"), "/auth/revocations"),
    _route("firewall-before-login", "A firewall turns away what is sent to the login.", "intermediary_rejected",
           lab("waf-403", on="/auth/login"), "/auth/login"),
    _route("login-never-answers", "Its login waits for a database for ever.", "response_timeout",
           lab("response-timeout", on="/auth/login", **IMPATIENT), "/auth/login"),
    _route("config-of-another-shape", "Its configuration has other fields than promised.", "invalid_response",
           answers("/auth/config", json_reply(200, {"registration_enabled": "maybe", "oauth_providers": 7})),
           "/auth/config"),
    _route("revocations-of-another-shape", "Its list of what has ended is no list.", "invalid_response",
           answers("/auth/revocations", json_reply(200, {"cursor": "0", "items": "none"})), "/auth/revocations"),
)  # fmt: skip

CLOCK: Final = (
    Setup("clock-ahead-by-its-date", "Its clock is an hour ahead, and only the date of its answers tells.", Hop.CLOCK,
          "clock_differs", _dated(_AN_HOUR), ("ahead",)),
    Setup("clock-ahead", "The auth service's clock is an hour ahead.", Hop.CLOCK, "clock_differs", _clock(_AN_HOUR),
          ("ahead",)),
    Setup("clock-behind", "The auth service's clock is an hour behind.", Hop.CLOCK, "clock_differs", _clock(-_AN_HOUR),
          ("behind",)),
    Setup("clock-drifts", "The auth service's clock is half a minute ahead.", Hop.CLOCK, "clock_differs",
          _clock(timedelta(seconds=30)), ("ahead",), Severity.WARNING),
)  # fmt: skip
