"""Every login was a 503 while the platform said that all instances were ready: being alive had been taken for working.

Three questions, three answers: is it alive, does it want requests, and does what it depends on work? It must never
answer one of them for another.
"""

import asyncio
from typing import Any, Final

from netra.lab import scripts
from netra.lab.faulty_auth_service import FaultyAuthService
from tests.incidents.operators import first_complaint
from tests.support import wire
from tests.support.gateways import Running, gateway, served
from tests.support.places import free_port
from tests.support.wire import LONGEST_S

PLANES: Final = ("/livez", "/readyz")


async def planes(running: Running, admin: str) -> tuple[list[int], int, Any]:
    """The status of liveness and readiness, that of health, and what health says."""
    health = await wire.ask(admin, "GET", "/health")
    return [(await running.ask("GET", path)).status for path in PLANES], health.status, health.json


async def test_with_the_auth_service_gone_it_is_alive_and_ready_and_its_health_is_red_and_names_the_cause() -> None:
    async with (
        gateway(f"http://127.0.0.1:{free_port()}") as running,
        served(running.assembled.admin, running.stop) as admin,
    ):
        live_and_ready, status, health = await planes(running, admin)
        complaint = first_complaint(running.lines)
    assert (live_and_ready, status, health["status"]) == ([200, 200], 503, "fail")
    (connectivity,) = health["checks"]["auth_service:connectivity"]
    assert connectivity["code"] == complaint["code"] == "connection_refused"
    assert complaint["event"] == "Auth service connectivity test failed"


async def test_logins_that_fail_behind_a_probe_that_succeeds_turn_health_red_too() -> None:
    async with (
        FaultyAuthService() as service,
        gateway(service.url, NETRA_BREAKER="true", NETRA_BREAKER_OPEN_S="30") as running,
        served(running.assembled.admin, running.stop) as admin,
    ):
        service.answer("/auth/login", scripts.json_reply(500, {"detail": "oops"}))
        for _ in range(20):
            await running.log_in()
        live_and_ready, status, health = await planes(running, admin)
    assert (live_and_ready, status, health["status"]) == ([200, 200], 503, "fail")
    assert health["checks"]["auth_service:connectivity"][0]["status"] == "pass"
    assert health["checks"]["auth_service:circuit"][0]["code"] == "auth_service_error"


async def test_a_gateway_whose_secret_was_never_known_does_not_become_ready_and_its_health_says_who_must_act() -> None:
    async with (
        FaultyAuthService(secret="the-one-that-is-registered") as service,
        gateway(service.url) as running,
        served(running.assembled.admin, running.stop) as admin,
    ):
        live_and_ready, status, health = await planes(running, admin)
        said = (await running.ask("GET", "/readyz")).json
    assert (live_and_ready, status) == ([200, 503], 503)
    assert said == {"status": "misconfigured"}
    assert health["checks"]["auth_service:handshake"][0]["code"] == "service_credentials_rejected"


async def test_a_gateway_that_was_known_stays_ready_when_the_auth_service_forgets_it() -> None:
    async with (
        FaultyAuthService() as service,
        gateway(service.url, NETRA_PROBE_INTERVAL_S="0.2") as running,
        served(running.assembled.admin, running.stop) as admin,
    ):
        assert (await planes(running, admin))[:2] == ([200, 200], 200)
        service.secret = "another-one-than-before"
        async with asyncio.timeout(LONGEST_S):
            while (found := await planes(running, admin))[1] == 200:
                await running.log_in()
                await asyncio.sleep(0.05)
        service.heal()
    live_and_ready, status, health = found
    assert (live_and_ready, status) == ([200, 200], 503)
    assert health["checks"]["auth_service:handshake"][0]["code"] == "service_credentials_rejected"
