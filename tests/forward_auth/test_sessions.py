"""Sessions of the embedded auth service through each proxy: begun, ended, forged, and its outage survived.

It must never make up a token where a login gives one.
"""

import time
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import pytest_asyncio
from joserfc.jwk import ECKey

from netra.lab.faulty_auth_service import FaultyAuthService
from netra.lab.healthy import HANDSHAKE
from netra.lab.scripts import json_reply
from netra.testing.authds import AuthdBeside, authd_beside
from tests.forward_auth.backend import Backend
from tests.forward_auth.proxies import TRIED, proxy
from tests.forward_auth.tokens import bearing
from tests.support import wire
from tests.support.gateways import PREFIX, SERVICE_ID, gateway
from tests.support.hostile_tokens import Signer, good_token, hostile_tokens
from tests.support.wire import Answer

ISSUER, AUDIENCE, KEY_ID = "https://auth.test", "netra", "key-1"


class Shop(NamedTuple):
    """A proxy in front of a backend, and an auth service that can be ended."""

    url: str
    authd: AuthdBeside
    end: ExitStack
    backend: Backend

    async def log_in(self) -> Any:
        """A new session, through the proxy."""
        typed_in = {"email": self.authd.email, "password": self.authd.password}
        answer = await wire.post(self.url, f"{PREFIX}/login", typed_in)
        assert answer.status == 200, answer
        return answer.json

    async def order(self, token: str) -> Answer:
        """What the token is for."""
        return await wire.ask(self.url, "GET", "/orders", bearing(token))


@pytest_asyncio.fixture(loop_scope="module", params=TRIED)
async def shop(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Shop]:
    with ExitStack() as end:
        authd = end.enter_context(authd_beside(tmp_path))
        async with (
            gateway(authd.url, **authd.variables, NETRA_DISCLOSE="public") as running,
            Backend().serving() as backend,
            proxy(request.param, tmp_path, running.url, backend.url) as url,
        ):
            yield Shop(url, authd, end, backend)


async def test_a_session_lets_in_until_it_is_ended(shop: Shop) -> None:
    session = await shop.log_in()
    token = session["access_token"]
    assert (await shop.order(token)).status == 200
    (seen,) = shop.backend.seen
    assert seen.all("x-auth-subject") == [session["user"]["id"]]
    assert seen.all("x-auth-email") == [shop.authd.email]
    left_s = int(seen.all("x-auth-expires")[0]) - time.time()
    assert 0 < left_s <= session["expires_in"] + 1
    ended = await wire.ask(shop.url, "POST", f"{PREFIX}/logout", bearing(token))
    assert (ended.status, ended.json["success"]) == (200, True)
    answer = await shop.order(token)
    assert (answer.status, answer.json["code"]) == (401, "invalid_token")
    assert len(shop.backend.seen) == 1


async def test_a_session_outlives_the_auth_service_and_one_that_was_ended_does_not(shop: Shop) -> None:
    good, ended = (await shop.log_in())["access_token"], (await shop.log_in())["access_token"]
    assert (await wire.ask(shop.url, "POST", f"{PREFIX}/logout", bearing(ended))).status == 200
    assert (await shop.order(good)).status == 200
    shop.end.close()
    for _ in range(3):
        assert (await shop.order(good)).status == 200
    assert (await shop.order(ended)).status == 401
    typed_in = {"email": shop.authd.email, "password": shop.authd.password}
    assert (await wire.post(shop.url, f"{PREFIX}/login", typed_in)).status == 503
    assert len(shop.backend.seen) == 4


@pytest.mark.parametrize("kind", TRIED)
async def test_no_forged_or_broken_token_reaches_the_backend(kind: str, tmp_path: Path) -> None:
    signer = new_signer()
    async with (
        issuer(signer) as service,
        gateway(service.url, NETRA_DISCLOSE="public") as running,
        Backend().serving() as backend,
        proxy(kind, tmp_path, running.url, backend.url) as url,
    ):
        assert (await wire.ask(url, "GET", "/orders", bearing(good_token(signer)))).status == 200
        fitting = {name: each for name, each in hostile_tokens(signer).items() if each.fits_a_header}
        assert len(fitting) > 50
        for name, hostile in fitting.items():
            if hostile.token != hostile.token.strip():
                continue  # white space around a header's value is no part of it
            answer = await wire.ask(url, "GET", "/orders", bearing(hostile.token))
            assert answer.status in {400, 401}, name
        assert len(backend.seen) == 1


@asynccontextmanager
async def issuer(signer: Signer) -> AsyncIterator[FaultyAuthService]:
    """An auth service that publishes this key and says whose tokens it signs."""
    key = {**signer.key.as_dict(private=False), "kid": KEY_ID, "use": "sig", "alg": signer.alg}
    known = {
        "service_id": SERVICE_ID, "environment": "test", "version": "1", "idempotency": True, "issuer": ISSUER,
        "audience": AUDIENCE, "key_ids": [KEY_ID], "secret_fingerprints": [], "endpoints": [],
        "server_time": datetime.now(UTC).isoformat(),
    }  # fmt: skip
    async with FaultyAuthService() as service:
        service.answer("/.well-known/jwks.json", json_reply(200, {"keys": [key]}))
        service.answer(HANDSHAKE, json_reply(200, known))
        yield service


def new_signer() -> Signer:
    """A key, and what a good token of it says."""
    now = int(time.time())
    claims = {
        "iss": ISSUER, "aud": AUDIENCE, "sub": "u-1", "client_id": "c-1", "jti": "j-1", "iat": now, "exp": now + 600,
    }  # fmt: skip
    return Signer(ECKey.generate_key("P-256"), "ES256", {"alg": "ES256", "kid": KEY_ID, "typ": "at+jwt"}, claims)
