"""Somebody in between has answered: named by what he sent, never taken for the auth service, nor it for him."""

import pytest

from netra.lab.connection import Script
from netra.lab.faulty_auth_service import FaultyAuthService
from netra.lab.scripts import HTML, html, json_reply, problem, reply
from tests.live.answers_of_others import ERRORS, REJECTIONS, Sent
from tests.live.rows import (
    Ask,
    Failure,
    Refusal,
    assert_failure,
    assert_next_is_good,
    assert_refusal,
    log_out,
    refresh,
    who_am_i,
)
from tests.support.gateways import Views

PROXIES = [("Server", "nginx/1.26.3"), ("Via", "1.1 proxy.example"), ("CF-RAY", "8f1c2d3e4a5b6c7d-FRA")]


def between(code: str, sent: Sent) -> Failure:
    return Failure(code, 502, "maybe_sent", owner="between", answered_by=sent.by)


def as_reply(sent: Sent) -> Script:
    return reply(sent.status, sent.body.encode(), sent.headers)


@pytest.mark.parametrize("name", REJECTIONS)
async def test_row_intermediary_rejected__a_wall_said_no(views: Views, service: FaultyAuthService, name: str) -> None:
    sent = REJECTIONS[name]
    service.answer("/auth/login", as_reply(sent))
    await assert_failure(views, between("intermediary_rejected", sent), service)
    await assert_next_is_good(views, service)


@pytest.mark.parametrize("name", ERRORS)
async def test_row_intermediary_error__a_proxy_found_nobody(
    views: Views, service: FaultyAuthService, name: str
) -> None:
    sent = ERRORS[name]
    service.answer("/auth/login", as_reply(sent))
    await assert_failure(views, between("intermediary_error", sent), service)
    await assert_next_is_good(views, service)


@pytest.mark.parametrize(
    ("headers", "named"),
    [
        ([], "an unnamed intermediary"),
        ([("Server", "BigWall")], "an unnamed intermediary"),
        ([("Via", "1.1 wall")], "a proxy that names itself in Via"),
        ([("Server", "Caddy")], "Caddy"),
        ([("Server", "awselb/2.0")], "AWS Application Load Balancer"),
        ([("Server", "cloudflare")], "Cloudflare"),
    ],
)
@pytest.mark.parametrize("status", [401, 403])
async def test_a_401_or_403_in_html_is_a_wall_and_headers_only_name_it(
    views: Views, service: FaultyAuthService, headers: list[tuple[str, str]], named: str, status: int
) -> None:
    service.answer("/auth/login", html(status, "<h1>Blocked by policy</h1>", headers))
    row = Failure("intermediary_rejected", 502, "maybe_sent", owner="between", answered_by=named)
    await assert_failure(views, row, service)
    await assert_next_is_good(views, service)


@pytest.mark.parametrize(
    ("status", "code", "action"),
    [
        (401, "invalid_credentials", "correct_input"),
        (423, "account_locked", "wait"),
        (403, "account_disabled", "contact_support"),
        (429, "too_many_attempts", "wait"),
    ],
)
async def test_a_known_code_is_the_auth_services_whatever_stands_in_front_of_it(
    views: Views, service: FaultyAuthService, status: int, code: str, action: str
) -> None:
    service.answer("/auth/login", problem(status, code, PROXIES))
    await assert_refusal(views, Refusal(code, status, action), service)


async def test_a_known_code_about_us_is_believed_through_a_proxy(views: Views, service: FaultyAuthService) -> None:
    service.answer("/auth/login", problem(401, "invalid_client", PROXIES))
    event = "Login failed: Access forbidden"
    await assert_failure(views, Failure("service_credentials_rejected", 502, "answered", event=event), service)


@pytest.mark.parametrize("status", [500, 502, 503, 504])
async def test_json_of_its_own_is_the_auth_services_failure_even_through_a_proxy(
    views: Views, service: FaultyAuthService, status: int
) -> None:
    service.answer("/auth/login", json_reply(status, {"message": "database is down"}, PROXIES))
    code = "auth_service_unavailable" if status == 503 else "auth_service_error"
    await assert_failure(views, Failure(code, 503 if status == 503 else 502, "answered"), service)


async def test_a_page_that_only_speaks_of_proxies_is_no_proxys(views: Views, service: FaultyAuthService) -> None:
    service.answer("/auth/login", reply(500, b"<h1>Our nginx is fine, our code is not</h1>", [HTML, *PROXIES]))
    await assert_failure(views, Failure("auth_service_error", 502, "answered"), service)


@pytest.mark.parametrize(
    ("ask", "path", "event"),
    [
        (refresh, "/auth/refresh", "Refresh failed"),
        (log_out, "/auth/logout", "Logout failed"),
        (who_am_i, "/auth/validate", "Token check failed"),
    ],
)
async def test_no_journey_takes_a_wall_for_a_verdict(
    views: Views, service: FaultyAuthService, ask: Ask, path: str, event: str
) -> None:
    sent = REJECTIONS["nginx 401"]
    service.answer(path, as_reply(sent))
    await assert_failure(views, between("intermediary_rejected", sent)._replace(event=event), service, ask, path)
