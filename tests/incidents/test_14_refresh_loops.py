"""Clients refreshed for ever: a 401 did not say whether a new token would help, and a field had two spellings.

Every refusal now names what its caller should do next, and both spellings are read. It must never cost more than one
refresh, however many requests of a page found their token expired, nor any where a refresh cannot help.
"""

import asyncio
from typing import Final, NamedTuple

import pytest

from netra.lab.connection import Connection, Delivery
from netra.lab.faulty_auth_service import FaultyAuthService
from netra.lab.scripts import json_reply, problem
from tests.support.gateways import Running, gateway
from tests.support.issuers import new_signer, publishes
from tests.support.problems import assert_problem

REFRESH_THERE: Final = "/auth/refresh"
PAGE: Final = 10
SIGNER: Final = new_signer()
OLD: Final = SIGNER.with_claims(exp=SIGNER.claims["iat"] - 3_600)
NEW: Final = SIGNER.with_claims(jti="token-2")
RENEWED: Final = json_reply(200, {"access_token": NEW, "refresh_token": "r2", "expires_in": 900})


class Ended(NamedTuple):
    """How one request of a page ended, for a client that does what it is told."""

    status: int
    action: str | None
    requests_count: int
    signed_in: bool
    """Has it kept its tokens?"""


async def follow(running: Running, access: str, refresh: dict[str, str]) -> Ended:
    """One request as a client makes it: told to refresh it does, told to log in it forgets its tokens."""
    for requests_count in range(1, 20):
        answer = await running.get("/me", [("Authorization", f"Bearer {access}")])
        action = None if answer.status == 200 else str(answer.json["action"])
        if action != "refresh":
            return Ended(answer.status, action, requests_count, action != "log_in")
        renewed = await running.post("/refresh", refresh)
        if renewed.status != 200:
            action = renewed.json["action"]
            return Ended(renewed.status, action, requests_count, action != "log_in")
        access = renewed.json["access_token"]
    raise AssertionError("it goes round and round")


@pytest.mark.parametrize("spelling", ["refresh_token", "refreshToken"])
async def test_a_page_load_with_an_expired_token_is_one_refresh_in_either_spelling(spelling: str) -> None:
    async def slowly(connection: Connection, delivery: Delivery) -> None:
        await asyncio.sleep(0.3)
        await RENEWED(connection, delivery)

    async with FaultyAuthService() as service:
        publishes(service, SIGNER)
        service.answer(REFRESH_THERE, slowly)
        async with gateway(service.url, NETRA_TOKEN_CACHE_S="30") as running:
            ended = await asyncio.gather(*(follow(running, OLD, {spelling: "r1"}) for _ in range(PAGE)))
        assert set(ended) == {Ended(200, None, 2, signed_in=True)}
        (arrived,) = service.delivered(REFRESH_THERE)
        assert arrived.json == {"refresh_token": "r1"}


async def test_where_a_new_token_would_be_refused_as_well_nobody_refreshes() -> None:
    refused = {
        "token_signature_invalid": new_signer().with_claims(),
        "token_wrong_audience": SIGNER.with_claims(aud="another"),
        "token_wrong_issuer": SIGNER.with_claims(iss="https://staging.test"),
        "token_wrong_type": SIGNER.with_header(typ="JWT"),
        "token_malformed": "opaque",
    }
    async with FaultyAuthService() as service:
        publishes(service, SIGNER)
        async with gateway(service.url) as running:
            for code, token in refused.items():
                answer = await running.get("/me", [("Authorization", f"Bearer {token}")])
                assert_problem(answer, 401, code)
                assert await follow(running, token, {"refresh_token": "r1"}) == Ended(401, "log_in", 1, signed_in=False)
        assert service.delivered(REFRESH_THERE) == []


async def test_a_refresh_token_that_is_over_ends_in_one_login() -> None:
    async with FaultyAuthService() as service:
        publishes(service, SIGNER)
        service.answer(REFRESH_THERE, problem(401, "refresh_rejected"))
        async with gateway(service.url) as running:
            assert await follow(running, OLD, {"refresh_token": "r1"}) == Ended(401, "log_in", 1, signed_in=False)
        assert len(service.delivered(REFRESH_THERE)) == 1


async def test_an_auth_service_that_is_down_costs_nobody_the_tokens() -> None:
    async with FaultyAuthService() as service:
        publishes(service, SIGNER)
        async with gateway(service.url) as running:
            service.answer(REFRESH_THERE, json_reply(503, {}))
            assert await follow(running, OLD, {"refresh_token": "r1"}) == Ended(503, "wait", 1, signed_in=True)
            service.answer(REFRESH_THERE, RENEWED)
            assert (await follow(running, OLD, {"refresh_token": "r1"})).status == 200, "the session has gone on"
