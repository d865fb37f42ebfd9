"""After a release of the auth service login, logout and configuration were 404, and no test had seen it coming.

They had talked to stand-ins that knew no paths. It must never be a user's mistake that a route is gone: operators are
told which one, a diagnosis asks each of them, and what is put in a contract is asked of real sockets.
"""

import asyncio
from collections.abc import Mapping
from typing import Final

from netra.doctor.debugger import AuthServiceDebugger
from netra.doctor.diagnosis import Check, Diagnosis, Hop, State
from netra.lab.connection import Delivery
from netra.lab.faulty_auth_service import FaultyAuthService
from netra.lab.healthy import WRONG_PASSWORD
from netra.testing.conformance import AuthService as UnderContract
from netra.testing.conformance import Verdict, examine
from tests.incidents.operators import EMAIL, PASSWORD, AuthService, first_complaint, line_of
from tests.live.rows import Failure, assert_failure, assert_next_is_good, log_in, log_out, refresh, register, who_am_i
from tests.support.gateways import ENVIRONMENT, SECRET, SERVICE_ID, Running, both_views, gateway
from tests.support.programs import attempt, run
from tests.support.wire import post_now

JOURNEYS: Final = {
    "All 1 login attempts failed": (log_in, "POST", "/auth/login"),
    "Registration failed": (register, "POST", "/auth/register"),
    "Refresh failed": (refresh, "POST", "/auth/refresh"),
    "Logout failed": (log_out, "POST", "/auth/logout"),
    "Token check failed": (who_am_i, "POST", "/auth/validate"),
}
MOVED: Final = ("/auth/login", "/auth/logout", "/auth/config")
"""What the release had taken away."""
ASKED: Final = (
    "/auth/login", "/auth/register", "/auth/refresh", "/auth/logout", "/auth/validate", "/auth/config",
    "/auth/revocations", "/.well-known/jwks.json",
)  # fmt: skip
"""Every route of the contract but those by which it is known whether anybody is there at all."""


def released(service: FaultyAuthService) -> None:
    """The release that did it."""
    for path in MOVED:
        service.fault("status-404", path=path)


def told(url: str, **changes: str) -> Mapping[str, str]:
    """The settings of a gateway in front of it."""
    return {**ENVIRONMENT, "AUTH_SERVICE_URL": url, **changes}


def of_contract(diagnosis: Diagnosis) -> tuple[Check, ...]:
    """What came of the routes."""
    return tuple(check for check in diagnosis.checks if check.hop is Hop.CONTRACT)


def missing(diagnosis: Diagnosis) -> list[str]:
    """The routes that it says are gone."""
    failed = [check for check in of_contract(diagnosis) if check.state is State.FAIL]
    assert {check.findings[0].code for check in failed} <= {"endpoint_not_found"}, failed
    texts = [f"{check.what} {check.findings[0].what}" for check in failed]
    return [path for text in texts for path in ASKED if path in text]


async def test_a_route_that_is_gone_is_the_gateways_502_and_the_first_line_names_it() -> None:
    async with FaultyAuthService() as service, both_views(service.url) as views:
        for event, (ask, method, path) in JOURNEYS.items():
            service.fault("status-404", path=path)
            row = Failure("endpoint_not_found", 502, "answered", 1, event, "us")
            body = await assert_failure(views, row, service, ask, path)
            assert f"{method} {path}" in body["detail"]
            assert "AUTH_SERVICE_URL" in body["suggestions"][0]
            await assert_next_is_good(views, service)


async def first_line(running: Running) -> str:
    """What an operator reads first after one login."""
    await line_of(running, await running.log_in())
    return str(first_complaint(running.lines)["why"])


async def test_the_first_line_after_the_release_says_which_route_it_took() -> None:
    async with FaultyAuthService() as service:
        released(service)
        async with gateway(service.url) as running:
            assert "POST /auth/login" in await first_line(running)


async def test_a_diagnosis_asks_every_route_and_names_each_that_is_gone() -> None:
    async with FaultyAuthService() as service:
        before = await AuthServiceDebugger(told(service.url)).run()
        assert {each.path for each in service.journal} >= set(ASKED)
        assert missing(before) == []
        released(service)
        after = await AuthServiceDebugger(told(service.url)).run()
    assert before.ok
    assert not after.ok
    assert sorted(missing(after)) == sorted(MOVED)
    assert after.first is not None
    assert (after.first.code, after.first.severity) == ("endpoint_not_found", "error")
    assert MOVED[0] in after.first.what
    good = [check for check in of_contract(after) if check.state is State.PASS]
    assert len(good) == len(of_contract(before)) - len(MOVED), "a route that is there is said to be gone"


def says_nothing(delivery: Delivery) -> bool:
    """Does it name nobody, and show nothing that a user has?"""
    return delivery.header("Authorization") is None and delivery.json in (None, {})


async def test_whoever_asks_routes_names_nobody_and_leaves_nothing_behind() -> None:
    async with FaultyAuthService() as service:
        await AuthServiceDebugger(told(service.url)).run()
        asked = [each for each in service.journal if each.path in ASKED]
    assert asked
    assert [each for each in asked if not says_nothing(each)] == []
    assert len([each for each in asked if each.path == "/auth/login"]) == 1


async def test_asking_the_routes_of_a_real_auth_service_opens_no_account_and_ends_nobodys_session(
    auth_service: AuthService,
) -> None:
    seal = [(f"X-{name.replace('_', '-')}", value) for name, value in auth_service.credentials.items()]
    session = post_now(auth_service.url, "/auth/login", {"email": EMAIL, "password": PASSWORD}, seal).json
    users = run("users", "list", told=auth_service.told)
    diagnosis = await AuthServiceDebugger(auth_service.known_to("test", AUTH_SERVICE_URL=auth_service.url)).run()
    assert diagnosis.ok, diagnosis.first
    assert run("users", "list", told=auth_service.told) == users
    refreshed = post_now(auth_service.url, "/auth/refresh", {"refresh_token": session["refresh_token"]}, seal)
    assert refreshed.status == 200


async def test_the_command_tells_it_before_the_first_user_does() -> None:
    async with FaultyAuthService() as service:
        released(service)
        done = await asyncio.to_thread(attempt, "doctor", told=told(service.url))
    assert done.returncode == 1
    assert "endpoint_not_found" in done.stdout
    for path in MOVED:
        assert path in done.stdout


async def test_the_contract_is_asked_of_real_sockets_and_fails_where_a_stand_in_was_content() -> None:
    async with FaultyAuthService() as service:
        subject = UnderContract(
            url=service.url, identifier=EMAIL, password=PASSWORD, wrong_password=WRONG_PASSWORD,
            service_id=SERVICE_ID, service_secret=SECRET,
        )  # fmt: skip
        before = await failing(subject)
        released(service)
        after = await failing(subject)
    for check in ("the_right_password_opens_a_session_that_can_be_used", "its_offer_can_be_read"):
        assert check not in before
        assert after[check] == "endpoint_not_found"


async def failing(subject: UnderContract) -> dict[str, str | None]:
    """The checks of the contract that fail, each with the code by which its answer was read."""
    rows = await examine(subject)
    return {row.check.name: row.result.code for row in rows if row.result.verdict is Verdict.FAIL}
