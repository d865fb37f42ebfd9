"""A page that asked for ten things at once was logged out: two uses of a token within a second counted as theft.

Parallel use is what browsers do. It must never be a reason for a refusal: the same token is good for whoever shows it
at once, and whoever renews it at once gets the same successor.
"""

import asyncio
from typing import Final

from tests.incidents.operators import EMAIL, PASSWORD, AuthService
from tests.support.gateways import Running, gateway
from tests.support.wire import Answer

PARALLEL: Final = 10
ROUTES: Final = ("/verify", "/me", "/verify/api/orders")


async def show(running: Running, route: str, token: str) -> Answer:
    return await running.get(route, [("Authorization", f"Bearer {token}")])


async def log_in(running: Running) -> tuple[str, str]:
    session = (await running.log_in(EMAIL, PASSWORD)).json
    return session["access_token"], session["refresh_token"]


async def test_a_page_that_asks_for_ten_things_at_once_gets_all_of_them(auth_service: AuthService) -> None:
    for cache_s in ("0", "30"):
        told = auth_service.known_to("test", NETRA_TOKEN_CACHE_S=cache_s)
        async with gateway(auth_service.url, **told) as running:
            access, _ = await log_in(running)
            for _ in range(5):
                answers = await asyncio.gather(
                    *(show(running, ROUTES[number % 3], access) for number in range(PARALLEL))
                )
                assert {each.status for each in answers} == {200}


async def test_the_same_token_at_two_gateways_at_once_is_good_at_both(auth_service: AuthService) -> None:
    told = auth_service.known_to("test", NETRA_TOKEN_CACHE_S="0")
    async with gateway(auth_service.url, **told) as one, gateway(auth_service.url, **told) as two:
        access, _ = await log_in(one)
        answers = await asyncio.gather(*(show(each, "/me", access) for each in [one, two] * (PARALLEL // 2)))
        assert {each.status for each in answers} == {200}


async def test_ten_renewals_at_once_are_one_and_nobody_is_taken_for_a_thief(auth_service: AuthService) -> None:
    async with gateway(auth_service.url, **auth_service.known_to("test")) as running:
        _, refresh = await log_in(running)
        answers = await asyncio.gather(*(running.post("/refresh", {"refresh_token": refresh}) for _ in range(PARALLEL)))
        assert {each.status for each in answers} == {200}
        (successor,) = {each.json["refresh_token"] for each in answers}
        for each in answers:
            assert (await show(running, "/me", each.json["access_token"])).status == 200
        assert (await running.post("/refresh", {"refresh_token": successor})).status == 200


async def test_renewals_at_once_through_several_gateways_are_one_session_too(auth_service: AuthService) -> None:
    told = auth_service.known_to("test")
    async with gateway(auth_service.url, **told) as one, gateway(auth_service.url, **told) as two:
        _, refresh = await log_in(one)
        answers = await asyncio.gather(
            *(running.post("/refresh", {"refresh_token": refresh}) for running in [one, two] * (PARALLEL // 2))
        )
        assert {each.status for each in answers} == {200}
        (successor,) = {each.json["refresh_token"] for each in answers}
        assert (await two.post("/refresh", {"refresh_token": successor})).status == 200
