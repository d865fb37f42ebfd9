"""Readiness: red for what is wrong with this one instance, never for what all of them share, unless that is wanted.

It must never ask the auth service: it speaks of what is known.
"""

import asyncio
from time import monotonic
from typing import Any

import pytest

from netra.core.verdict.reply import Standing
from netra.lab.faulty_auth_service import FaultyAuthService
from netra.web.view import Readiness
from tests.support import wire
from tests.support.gateways import OTHER_SECRET, SECRET, Running, gateway
from tests.support.places import free_port, silent_port
from tests.web.support import Front, asked

WELL = Standing(handshake="accepted", ever_accepted=True, connectivity="success")
DOWN = WELL._replace(connectivity="failed", probe_code="connection_refused")
FORGOTTEN = WELL._replace(handshake="refused", handshake_code="service_credentials_rejected")
NEVER_KNOWN = FORGOTTEN._replace(ever_accepted=False)


@pytest.mark.parametrize(
    ("standing", "by_default", "with_auth"),
    [
        (WELL, "ready", "ready"),
        (DOWN, "ready", "auth_service_unavailable"),
        (Standing(), "ready", "auth_service_unavailable"),
        (FORGOTTEN, "ready", "ready"),
        (NEVER_KNOWN, "misconfigured", "misconfigured"),
        (NEVER_KNOWN._replace(connectivity="failed"), "misconfigured", "misconfigured"),
        (NEVER_KNOWN._replace(handshake="not_yet"), "ready", "ready"),
        (WELL._replace(handshake="absent", ever_accepted=False), "ready", "ready"),
    ],
    ids=range(8),
)
async def test_readiness_follows_from_what_is_known(standing: Standing, by_default: str, with_auth: str) -> None:
    for requires_auth, word in ((False, by_default), (True, with_auth)):
        front = Front(link={"standing": standing}, readiness=Readiness(requires_auth=requires_auth))
        for ask in (front.bare, front.operate):
            answer = await ask("GET", "/readyz")
            assert answer.status == (200 if word == "ready" else 503)
            assert answer.json == {"status": word}


@pytest.mark.parametrize("standing", [WELL, NEVER_KNOWN, DOWN])
async def test_whoever_stops_says_so_whatever_else_is_wrong(standing: Standing) -> None:
    front = Front(link={"standing": standing}, readiness=Readiness(requires_auth=True))
    front.view.readiness.draining = True
    answer = await front.bare("GET", "/readyz")
    assert (answer.status, answer.json) == (503, {"status": "draining"})
    assert (await front.bare("GET", "/livez")).status == 200


async def test_a_gateway_that_shall_ask_nobody_is_ready_unless_the_auth_service_is_required() -> None:
    for requires_auth, status in ((False, 200), (True, 503)):
        off = Front(link={"standing": WELL, "enabled": False}, readiness=Readiness(requires_auth=requires_auth))
        assert (await off.bare("GET", "/readyz")).status == status


async def test_health_says_what_readiness_says_and_why_we_are_refused() -> None:
    front = Front(link={"standing": NEVER_KNOWN}, operator=False)
    answer = await front.operate("GET", "/health")
    checks = answer.json["checks"]
    assert checks["gateway:readiness"] == [
        {"componentType": "system", "status": "fail", "observedValue": "misconfigured"}
    ]
    (handshake,) = checks["auth_service:handshake"]
    assert handshake["code"] == "service_credentials_rejected"
    assert "netra-under-test" in handshake["output"]
    assert "SERVICE_SECRET" in handshake["check_first"]


async def test_a_stopping_gateway_is_no_illness() -> None:
    front = Front(link={"standing": WELL})
    front.view.readiness.draining = True
    answer = await front.operate("GET", "/health")
    assert (answer.status, answer.json["status"]) == (200, "warn")


async def readiness_of(running: Running) -> tuple[int, str]:
    answer = await running.ask("GET", "/readyz")
    return answer.status, answer.json["status"]


async def becomes(running: Running, wanted: tuple[int, str]) -> None:
    """Wait until readiness says so; a gateway that never does is stopped by the time limit of a test's patience."""
    async with asyncio.timeout(wire.LONGEST_S):
        while await readiness_of(running) != wanted:
            await asyncio.sleep(0.02)


async def test_a_deploy_with_the_wrong_secret_does_not_become_ready_until_it_is_let_in() -> None:
    async with FaultyAuthService() as service:
        service.secret = SECRET
        async with gateway(service.url, SERVICE_SECRET=OTHER_SECRET, NETRA_PROBE_INTERVAL_S="0.5") as running:
            await becomes(running, (503, "misconfigured"))
            service.secret = OTHER_SECRET
            await becomes(running, (200, "ready"))


async def test_a_gateway_that_worked_stays_ready_when_the_auth_service_forgets_it() -> None:
    async with FaultyAuthService() as service:
        service.secret = SECRET
        async with gateway(service.url, NETRA_PROBE_INTERVAL_S="0.5") as running:
            await becomes(running, (200, "ready"))
            service.secret = OTHER_SECRET
            assert (await running.log_in()).code == "service_credentials_rejected"
            async with asyncio.timeout(wire.LONGEST_S):
                while running.assembled.gateway.standing.handshake != "refused":
                    await asyncio.sleep(0.02)
            assert await readiness_of(running) == (200, "ready")


@pytest.mark.parametrize(
    ("required", "expected"), [("false", (200, "ready")), ("true", (503, "auth_service_unavailable"))]
)
async def test_an_outage_makes_a_gateway_unready_only_where_that_is_wanted(
    required: str, expected: tuple[int, str]
) -> None:
    async with gateway(f"http://127.0.0.1:{free_port()}", NETRA_READY_REQUIRES_AUTH=required) as running:
        assert running.assembled.gateway.standing.connectivity == "failed"
        assert await readiness_of(running) == expected


async def test_readiness_does_not_wait_for_an_auth_service_that_hangs() -> None:
    with silent_port() as port:
        url = f"http://127.0.0.1:{port}"
        async with gateway(url, NETRA_TOKEN_BUDGET_S="10", NETRA_READY_REQUIRES_AUTH="true") as running:
            began_s = monotonic()
            assert await readiness_of(running) == (503, "auth_service_unavailable")
            assert monotonic() - began_s < 1.0  # it is a matter of microseconds; a probe would take ten seconds


async def test_health_counts_what_is_remembered_and_what_was_lost() -> None:
    async with gateway(f"http://127.0.0.1:{free_port()}", NETRA_RECORDED_REQUESTS="2") as running:
        for _ in range(3):
            await running.log_in()
        document: Any = await admin_answer(running, "/health")
        assert document.json["recorded_requests"] == {"kept": 2, "limit_of_each_sort": 2}
        assert document.json["observers"] == {"log_lines_lost": 0, "failures": 0}


async def admin_answer(running: Running, path: str) -> wire.Answer:
    """One question to the admin application of a gateway."""
    return await asked(running.assembled.admin, "GET", path, None, {"Host": "localhost"})
