"""Users were told that they were forbidden, by a firewall; others were logged out where a proxy had dropped a header.

Redirects took requests elsewhere without their headers, and checks by HEAD were told that there was no such method. It
must never be mistaken for the auth service's word what somebody in between has said.
"""

import asyncio
from collections.abc import Callable
from itertools import product
from typing import Final

from netra.asgi.words import ANY_METHOD
from netra.lab.connection import Connection, Delivery, Script
from netra.lab.faulty_auth_service import FaultyAuthService
from netra.lab.scripts import redirect, reply
from netra.web.endpoints import ENDPOINTS
from tests.incidents.operators import EMAIL, PASSWORD, AuthService
from tests.live.answers_of_others import REJECTIONS
from tests.live.rows import ACCESS, Failure, assert_failure, log_in, log_out, refresh, register, who_am_i
from tests.support import wire
from tests.support.gateways import PREFIX, Running, both_views, gateway, served
from tests.support.problems import assert_problem

Pairs = list[tuple[str, str]]

JOURNEYS: Final = {
    "Login": (log_in, "/auth/login"),
    "Registration": (register, "/auth/register"),
    "Refresh": (refresh, "/auth/refresh"),
    "Logout": (log_out, "/auth/logout"),
    "Token check": (who_am_i, "/auth/validate"),
}
CALLS: Final = ("/health", "/auth/handshake", *(path for _, path in JOURNEYS.values()))
BEARER: Final = ("Authorization", f"Bearer {ACCESS}")


async def test_a_firewall_is_named_and_is_not_the_users_403() -> None:
    async with FaultyAuthService() as service, both_views(service.url) as views:
        for wall in ("nginx 403", "cloudflare 403", "load balancer 403", "api gateway 403"):
            sent = REJECTIONS[wall]
            for journey, (ask, path) in JOURNEYS.items():
                service.answer(path, reply(sent.status, sent.body.encode(), sent.headers))
                event = "All 1 login attempts failed" if journey == "Login" else f"{journey} failed"
                row = Failure("intermediary_rejected", 502, "maybe_sent", 1, event, "between", sent.by)
                body = await assert_failure(views, row, service, ask, path)
                assert sent.by in body["detail"]


def proxy(upstream: str, change: Callable[[Pairs], Pairs]) -> Script:
    """Passes every request on to `upstream` with changed headers, and the answer back as it comes."""

    async def script(connection: Connection, delivery: Delivery) -> None:
        kept = [pair for pair in delivery.headers if pair[0].lower() != "connection"]
        answer = await wire.ask(upstream, delivery.method, delivery.path, change(kept), delivery.body or None)
        await connection.send(answer.raw)
        connection.close()

    return script


def without(*names: str) -> Callable[[Pairs], Pairs]:
    """Drops these headers."""
    return lambda pairs: [pair for pair in pairs if pair[0].lower() not in names]


def with_another_secret(pairs: Pairs) -> Pairs:
    """Puts a secret of its own in place of ours."""
    return [*without("x-service-secret")(pairs), ("X-Service-Secret", "the-one-of-the-proxy")]


async def assert_blamed_on_us(upstream: AuthService, change: Callable[[Pairs], Pairs], code: str | None) -> None:
    """With headers changed on the way, right and wrong passwords alike get this code; without one, their verdict."""
    async with FaultyAuthService() as between:
        for path in CALLS:
            between.answer(path, proxy(upstream.url, change))
        async with gateway(between.url, **upstream.credentials) as running:
            right, wrong = [await running.log_in(EMAIL, password) for password in (PASSWORD, "wrong")]
            (shaken,) = [line["event"] for line in running.lines if line["event"].startswith("Handshake")]
    if code is None:
        assert (right.status, wrong.status, shaken) == (200, 401, "Handshake accepted")
        return
    assert shaken == "Handshake refused"
    for answer in (right, wrong):
        assert assert_problem(answer, 502, code)["owner"] == "us"


async def test_what_a_proxy_does_to_our_headers_is_never_the_users_fault(auth_service: AuthService) -> None:
    async with asyncio.TaskGroup() as together:
        for change, code in (
            (without(), None),
            (without("x-service-id", "x-service-secret"), "service_credentials_missing"),
            (without("x-service-secret"), "service_credentials_missing"),
            (without("x-service-id"), "service_credentials_missing"),
            (with_another_secret, "service_credentials_rejected"),
        ):
            together.create_task(assert_blamed_on_us(auth_service, change, code))


async def test_a_token_that_was_dropped_on_the_way_to_us_is_missing_and_the_page_says_where_to_look() -> None:
    async with FaultyAuthService() as service, gateway(service.url) as running:
        service.journal.clear()
        assert_problem(await running.get("/me"), 401, "token_missing")
        assert service.journal == []
        page = (await running.ask("GET", "/problems/token_missing")).json
        assert "proxy in front" in " ".join(page["check_first"])


async def test_a_redirect_is_never_followed_and_no_header_reaches_where_it_points() -> None:
    async with FaultyAuthService() as target, FaultyAuthService() as service, gateway(service.url) as running:
        locations = (f"{target.url}/auth/login", "/auth/login/", f"//127.0.0.1:{target.port}/")
        for status, location in product((301, 302, 303, 307, 308), locations):
            service.answer("/auth/login", redirect(status, location))
            body = assert_problem(await running.log_in(), 502, "redirected")
            assert body["action"] == "wait"
        assert (target.connections_count, target.journal) == (0, [])
        assert len(service.delivered("/auth/login")) == 5 * len(locations)
        assert service.delivered("/auth/login/") == []
        line = await wire.KeptLine.to(target.url)
        assert (await line.ask("GET", "/health")).status == 200, "nobody could have reached the target"
        line.close()


async def test_head_works_wherever_get_does() -> None:
    public = [path.replace("*", "dns_error") for method, path in routes() if method == "GET"]
    assert f"{PREFIX}/me" in public
    private = ["/health", "/openapi.json", "/livez", "/readyz", "/problems/dns_error"]
    async with (
        FaultyAuthService() as service,
        gateway(service.url) as running,
        served(running.assembled.admin, running.stop) as admin,
    ):
        for url, path in [*((running.url, path) for path in public), *((admin, path) for path in private)]:
            got, head = [await wire.ask(url, method, path, [BEARER]) for method in ("GET", "HEAD")]
            assert (got.status, head.status) == (200, 200), path
            assert head.body == b""
            for name in ("content-type", "cache-control"):
                assert head.header(name) == got.header(name), path


def routes() -> list[tuple[str, str]]:
    """Every public route, by GET where any method will do."""
    methods = ("GET" if each.method == ANY_METHOD else each.method for each in ENDPOINTS)
    paths = (each.path if each.bare else PREFIX + each.path for each in ENDPOINTS)
    return list(zip(methods, paths, strict=True))


async def answered(running: Running, method: str, path: str) -> tuple[int, str | None, bytes]:
    """What one asks for, with everything that any of the routes needs."""
    body = b'{"email": "ada@example.com", "password": "correct horse", "refresh_token": "r"}'
    headers = [BEARER, ("X-Request-ID", "r-1"), *([("Content-Type", "application/json")] if method == "POST" else [])]
    answer = await running.ask(method, path, headers, body if method == "POST" else None)
    assert answer.header("location") is None
    return answer.status, answer.header("content-type"), answer.body


async def test_a_slash_at_the_end_makes_no_difference_and_leads_nowhere_else() -> None:
    async with FaultyAuthService() as service, gateway(service.url) as running:
        for method, path in routes():
            target = path.replace("*", "dns_error")
            plain, slashed = [await answered(running, method, each) for each in (target, f"{target}/")]
            assert plain == slashed, path
            assert not 300 <= plain[0] < 400
