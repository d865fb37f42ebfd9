"""Failures of the gateway's own making: 503 at once, nothing sent, and none of them is anybody's 401 or 500."""

import asyncio
from dataclasses import replace
from io import BytesIO
from typing import Any

import pytest

from netra.assemble import open_gateway
from netra.core.events import Crashed, Event
from netra.core.verdict.reply import Reply
from netra.core.verdict.wire import Call
from netra.lab.faulty_auth_service import FaultyAuthService
from netra.lab.scripts import json_reply, session, when
from netra.link.seals import Seal
from tests.live.rows import UNAVAILABLE, Failure, assert_failure, assert_next_is_good, assert_nothing_told
from tests.support.gateways import LOGIN, Running, both_opened, both_views, served, settings_for
from tests.support.places import free_port
from tests.support.problems import View, assert_problem
from tests.support.programs import Gateway
from tests.support.wire import KeptLine, as_json, credentials

JSON = ("Content-Type", "application/json")


def own(code: str, event: str = "Login failed") -> Failure:
    return Failure(code, 503, "never_sent", 0, event, "us")


async def test_row_connection_limit_reached__one_too_many_is_turned_away_at_once(service: FaultyAuthService) -> None:
    enough = asyncio.Event()
    async with both_views(service.url, NETRA_MAX_IN_FLIGHT="1", NETRA_LOGIN_BUDGET_S="15") as views:
        service.answer("/auth/login", when(enough, json_reply(200, session("eve@example.com"))), user="eve")
        slow = [asyncio.create_task(running.log_in("eve@example.com")) for running in views]
        while len(service.delivered("/auth/login")) < 2:
            await asyncio.sleep(0.01)
        body = await assert_failure(views, own("connection_limit_reached"), service)
        assert body["retry_after"] == 1
        enough.set()
        assert [answer.status for answer in await asyncio.gather(*slow)] == [200, 200]
        await assert_next_is_good(views, service)


async def test_row_local_resource_exhausted__no_descriptor_left(service: FaultyAuthService) -> None:
    with Gateway(service.url, NETRA_IDLE_CONNECTION_S="0.1") as program:
        line = await KeptLine.to(program.url)
        assert (await line.ask("GET", "/livez")).status == 200
        await asyncio.sleep(0.15)  # until the connection of the first probe is too old to be used
        with program.without_descriptors():
            answer = await line.ask("POST", LOGIN, [JSON], as_json(credentials()))
            body = assert_problem(answer, 503, "local_resource_exhausted")
            assert body["original_error"] == "Too many open files"
            assert (await line.ask("GET", "/livez")).status == 200
        assert (await line.ask("POST", LOGIN, [JSON], as_json(credentials()))).status == 200
        line.close()
    assert len(service.delivered("/auth/login")) == 1


async def test_row_auth_service_disabled__nobody_is_asked(service: FaultyAuthService) -> None:
    async with both_views(service.url, AUTH_SERVICE_ENABLED="false") as views:
        await assert_failure(views, own("auth_service_disabled"), service)
        assert service.journal == [], "an auth service that is switched off was asked"


async def test_row_auth_service_disabled__without_an_address_it_starts_all_the_same() -> None:
    async with both_views("", AUTH_SERVICE_URL=None, AUTH_SERVICE_ENABLED="false") as views:
        await assert_failure(views, own("auth_service_disabled"))


@pytest.mark.parametrize("url", ["http://a..b", f"http://{'x' * 70}.test"])
async def test_row_proxy_configuration_error__an_address_that_no_setting_would_let_through(url: str) -> None:
    settings = replace(settings_for("http://auth.invalid", {}), auth_service_url=url)
    async with both_opened(settings) as views:
        await assert_failure(views, own("proxy_configuration_error", "All 1 login attempts failed"))


@pytest.mark.parametrize("view", ["operator", "public"])
async def test_row_draining__a_gateway_that_was_closed_says_so(view: View) -> None:
    settings = settings_for(f"http://127.0.0.1:{free_port()}", {"NETRA_DISCLOSE": view})
    told: list[Event] = []
    async with open_gateway(settings, told.append) as assembled:
        pass
    stop = asyncio.Event()
    async with served(assembled.public, stop) as url:
        answer = await Running(url, assembled, BytesIO(), stop).log_in()
    assert_problem(answer, 503, "draining" if view == "operator" else UNAVAILABLE, view)


@pytest.mark.parametrize("view", ["operator", "public"])
async def test_row_internal_error__a_bug_is_told_by_place_and_type_alone(
    service: FaultyAuthService, view: View
) -> None:
    told: list[Event] = []

    async def broken(call: Call[Any], seal: Seal | None, left_s: float) -> Reply:
        raise AssertionError("Swordfish")

    settings = settings_for(service.url, {"NETRA_DISCLOSE": view})
    stop = asyncio.Event()
    async with open_gateway(settings, told.append) as assembled, served(assembled.public, stop) as url:
        assembled.gateway.parts.link.exchange = broken
        running = Running(url, assembled, BytesIO(), stop)
        answer = await running.log_in()
        body = assert_problem(answer, 500, "internal_error" if view == "operator" else UNAVAILABLE, view)
        if view == "public":
            await assert_nothing_told(running, answer, body, "internal_error")
        assert (await running.ask("GET", "/livez")).status == 200
    crashes = [event for event in told if isinstance(event, Crashed)]
    assert [(crash.error_type, crash.request_id) for crash in crashes] == [("AssertionError", body["request_id"])]
    assert crashes[0].places
    assert "Swordfish" not in answer.raw.decode() + repr(crashes)
