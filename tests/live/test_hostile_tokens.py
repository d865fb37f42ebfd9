"""Tokens as attackers send them, and key sets as nobody should publish them, over real sockets.

Each token is refused with its cause, and nobody is asked for it; whatever becomes of the published keys, the last good
ones stay.
"""

import asyncio
import gc
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final
from urllib.parse import quote

import pytest
import pytest_asyncio

from netra.core.verdict.operations import MAX_KEYS_COUNT
from netra.lab.connection import Script
from netra.lab.faulty_auth_service import FaultyAuthService
from netra.lab.scripts import drip_body, json_reply, message, raw, reply, silence
from netra.upkeep.keys import ON_DEMAND_S
from tests.live.rows import UNAVAILABLE, Failure, assert_failure
from tests.support.gateways import PREFIX, Running, Views, both_views, gateway
from tests.support.hostile_tokens import Signer, hostile_tokens
from tests.support.issuers import KEYS, jwks, new_signer, publishes
from tests.support.problems import assert_problem
from tests.support.wire import Answer, Headers, KeptLine

SIGNER: Final = new_signer()
GOOD: Final = SIGNER.with_claims()
CORPUS: Final = {name: each for name, each in hostile_tokens(SIGNER).items() if each.fits_a_header}
ROUTES: Final = ("/verify", "/verify/a/b", "/me")


class Issuing:
    """An auth service that publishes keys, and two gateways that have them."""

    def __init__(self, service: FaultyAuthService, views: Views) -> None:
        self.service = service
        self.views = views

    async def show(self, token: str, route: str = "/verify", headers: Headers = ()) -> Answer:
        """Show a token to the gateway that tells operators."""
        return await shown(self.views.operator, token, route, headers)


async def shown(running: Running, token: str, route: str = "/verify", headers: Headers = ()) -> Answer:
    return await running.ask("GET", PREFIX + route, [("Authorization", f"Bearer {token}"), *headers])


@asynccontextmanager
async def issuer(*signers: Signer, **told: str) -> AsyncIterator[Issuing]:
    async with FaultyAuthService() as service:
        publishes(service, *signers)
        async with both_views(service.url, NETRA_TOKEN_CACHE_S="30", **told) as views:
            yield Issuing(service, views)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def issuing_of_file() -> AsyncIterator[Issuing]:
    async with issuer(SIGNER) as one:
        yield one


@pytest.fixture
def issuing(issuing_of_file: Issuing) -> Issuing:
    """The one of this file, its journal empty."""
    issuing_of_file.service.journal.clear()
    return issuing_of_file


# --- The corpus -----------------------------------------------------------------------------------------------------


async def test_the_token_that_the_corpus_differs_from_is_good(issuing: Issuing) -> None:
    assert [(await issuing.show(GOOD, route)).status for route in ROUTES] == [200, 200, 200]
    assert issuing.service.journal == []


@pytest.mark.parametrize("name", CORPUS)
async def test_a_hostile_token_is_401_with_its_cause_and_nobody_is_asked(issuing: Issuing, name: str) -> None:
    hostile = CORPUS[name]
    # What surrounds a token in a header is no part of it, so that two of the corpus are others on the wire.
    blank, spaced = hostile.token.strip(" ") == "", hostile.token != hostile.token.strip(" ")
    for route in ROUTES:
        answer = await issuing.show(hostile.token, route)
        if blank:
            assert_problem(answer, 401, "token_missing")
        elif spaced:
            assert answer.status == 200
        else:
            assert_problem(answer, 401, hostile.code)
    public = await shown(issuing.views.public, hostile.token)
    if not blank and not spaced:
        assert_problem(public, 401, "invalid_token", "public")
    asked = {each.path for each in issuing.service.journal}
    # A key that is not known, or not named, may have been published since.
    assert asked <= ({KEYS} if hostile.unknown_key or "without an id" in name else set()), (
        "a stranger's token has made the gateway ask"
    )


async def invented(script: Script | None) -> tuple[set[tuple[int, str | None]], int]:
    """What becomes of a hundred tokens with keys that nobody published, and how often the keys were asked for."""
    async with issuer(SIGNER) as issuing:
        await asyncio.sleep(ON_DEMAND_S + 0.5)
        issuing.service.journal.clear()
        if script is not None:
            issuing.service.answer(KEYS, script)
        began_at_s = time.monotonic()
        answers = await asyncio.gather(
            *(issuing.show(SIGNER.with_header(kid=f"invented-{number}")) for number in range(50))
        )
        for number in range(50, 100):
            answers.append(await issuing.show(SIGNER.with_header(kid=f"invented-{number}")))
        assert time.monotonic() - began_at_s < ON_DEMAND_S
        return {(each.status, each.code) for each in answers}, len(issuing.service.delivered(KEYS))


async def test_keys_of_tokens_that_nobody_published_are_asked_for_once_in_ten_seconds_at_most() -> None:
    well, failing = await asyncio.gather(invented(None), invented(raw(message(500))))
    assert well == ({(401, "token_signature_invalid")}, 1)
    assert failing == ({(503, "keys_unavailable")}, 1)


async def test_a_token_in_the_query_is_never_believed(issuing: Issuing) -> None:
    for route in ROUTES:
        target = f"{PREFIX}{route}?access_token={quote(GOOD)}"
        assert_problem(await issuing.views.operator.ask("GET", target), 401, "token_malformed")


# --- A flood ------------------------------------------------------------------------------------------------------


async def test_a_flood_of_random_tokens_moves_no_good_one_and_fills_nothing() -> None:
    told = {"NETRA_TOKEN_CACHE_ENTRIES": "50"}
    async with issuer(SIGNER, **told) as issuing:
        good = [SIGNER.with_claims(jti=f"good-{number}") for number in range(50)]
        assert {(await issuing.show(each)).json["source"] for each in good} == {"jwt"}
        issuing.service.journal.clear()
        running = issuing.views.operator
        cache = running.assembled.gateway.parts.tokens.cache
        forged = SIGNER._replace(key=new_signer().key)
        line = await KeptLine.to(running.url)
        objects_count = 0
        for number in range(3_000):
            token = forged.with_claims(jti=f"x{number}") if number % 3 else f"random.{number}.{number:x}"
            answer = await line.ask("GET", f"{PREFIX}/verify", [("Authorization", f"Bearer {token}")])
            assert answer.status == 401
            if number == 1_000:
                gc.collect()
                objects_count = len(gc.get_objects())
        line.close()
        assert {(await issuing.show(each)).json["source"] for each in good} == {"cache"}
        assert cache.kept_count == 50
        assert issuing.service.journal == []
        gc.collect()
        # Refusals that are still remembered, and log lines of the test's own; two thousand tokens would be more.
        assert len(gc.get_objects()) - objects_count < 60 * 2_000


# --- Key sets ------------------------------------------------------------------------------------------------------

USELESS: Final[dict[str, tuple[Script, str]]] = {
    "empty": (json_reply(200, {"keys": []}), "keys_refused"),
    "garbage": (reply(200, b"\x00\xff{", [("Content-Type", "application/json")]), "invalid_response"),
    "a page": (reply(200, b"<h1>hello</h1>", [("Content-Type", "text/html")]), "invalid_response"),
    "not a set": (json_reply(200, {"keys": "none"}), "invalid_response"),
    "ten thousand keys": (json_reply(200, {"keys": [{}] * 10_000}), "invalid_response"),
    "too many keys": (json_reply(200, {"keys": [{}] * (MAX_KEYS_COUNT + 1)}), "invalid_response"),
    "huge": (json_reply(200, {"keys": [{"x": "y" * 100_000}]}), "response_too_large"),
    "a private key": (json_reply(200, {"keys": [{**SIGNER.key.as_dict(private=True), "kid": "k"}]}), "keys_refused"),
    "a shared key": (json_reply(200, {"keys": [{"kty": "oct", "k": "c2VjcmV0", "kid": "k"}]}), "keys_refused"),
    "slow": (drip_body(), "response_timeout"),
    "silent": (silence(), "response_timeout"),
    "gone": (raw(message(404)), "endpoint_not_found"),
    "failing": (raw(message(500)), "auth_service_error"),
}
"""What becomes of the published keys, and what is told of it."""


def complaints(running: Running) -> list[Any]:
    return [line for line in running.lines if line["event"] == "Key set not renewed"]


async def assert_last_good_stays(name: str) -> None:
    """Ten seconds after a good set came, a token of another key asks for a newer one, and meets this."""
    script, code = USELESS[name]
    async with issuer(SIGNER, NETRA_TOKEN_BUDGET_S="1", NETRA_CONNECT_TIMEOUT_S="0.5") as issuing:
        service, running = issuing.service, issuing.views.operator
        assert (await issuing.show(GOOD)).status == 200
        service.answer(KEYS, script)
        await asyncio.sleep(ON_DEMAND_S + 0.5)
        unheard_of = SIGNER.with_header(kid="unheard-of")
        assert_problem(await issuing.show(unheard_of), 503, "keys_unavailable")
        for route in ROUTES:
            assert (await issuing.show(SIGNER.with_claims(jti=f"after {name}"), route)).status == 200, name
        assert_problem(await issuing.show(SIGNER.with_claims(aud="another")), 401, "token_wrong_audience")
        async with asyncio.timeout(10):
            while not complaints(running):
                await asyncio.sleep(0.02)
        (line,) = complaints(running)
        assert (line["code"], line["key_ids"]) == (code, ["key-1"]), name
        service.answer(KEYS, json_reply(200, jwks(SIGNER)))


async def test_whatever_becomes_of_the_published_keys_the_last_good_ones_stay_and_it_is_told() -> None:
    await asyncio.gather(*map(assert_last_good_stays, USELESS))


async def test_a_new_key_is_used_as_soon_as_a_token_names_it() -> None:
    new = new_signer("key-2")
    async with issuer(SIGNER) as issuing:
        assert (await issuing.show(GOOD)).status == 200
        issuing.service.answer(KEYS, json_reply(200, jwks(SIGNER, new)))
        await asyncio.sleep(ON_DEMAND_S + 0.5)
        assert (await issuing.show(new.with_claims())).status == 200
        assert (await issuing.show(GOOD)).status == 200


# --- No keys at all -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", USELESS)
async def test_row_keys_unavailable__there_was_never_a_good_set(name: str) -> None:
    async def ask(running: Running, headers: Headers) -> Answer:
        return await shown(running, GOOD, "/me", headers)

    async with FaultyAuthService() as service:
        publishes(service, SIGNER)
        service.answer(KEYS, USELESS[name][0])
        async with both_views(service.url, NETRA_TOKEN_BUDGET_S="0.5", NETRA_CONNECT_TIMEOUT_S="0.2") as views:
            failure = Failure("keys_unavailable", 503, "never_sent", 0, "Token check failed", "auth_service")
            await assert_failure(views, failure, service, ask, "/auth/validate")
            assert_problem(await shown(views.operator, GOOD), 503, "keys_unavailable")
            assert_problem(await shown(views.public, GOOD), 503, UNAVAILABLE, "public")
            assert_problem(await shown(views.operator, "no token at all"), 401, "token_malformed")


async def test_keys_that_come_late_are_found_without_a_restart() -> None:
    async with FaultyAuthService() as service:
        publishes(service, SIGNER)
        service.answer(KEYS, raw(message(503)))
        async with gateway(service.url) as running:
            assert_problem(await shown(running, GOOD), 503, "keys_unavailable")
            publishes(service, SIGNER)
            async with asyncio.timeout(30):
                while (await shown(running, GOOD)).status != 200:
                    await asyncio.sleep(0.2)
            assert "Key set changed" in running.events()
