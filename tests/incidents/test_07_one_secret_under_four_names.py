"""Valid tokens failed, again and again: "signature verification failed", for one secret stood under four names.

Nobody could say which of them a service had read. Now there is none: tokens are signed with a private key that the auth
service alone has, and checked with the public one that it publishes under its name. It must never look the same whether
a signature is wrong, or the issuer, the audience or the time.
"""

import hmac
import json
import re
from base64 import urlsafe_b64decode
from typing import Any, Final

import pytest

from netra.lab.faulty_auth_service import FaultyAuthService
from netra.lab.scripts import json_reply
from netra.settings.read import known_names
from tests.incidents.operators import EMAIL, PASSWORD, AuthService, line_of
from tests.support import wire
from tests.support.gateways import OTHER_SECRET, SECRET, Running, gateway
from tests.support.hostile_tokens import Signer, encoded
from tests.support.issuers import KEYS, jwks, new_signer, publishes
from tests.support.problems import assert_problem
from tests.support.wire import Answer

SIGNER: Final = new_signer()
FOUR_NAMES: Final = ("JWT_SECRET", "JWT_SECRET_KEY", "AUTH_JWT_SECRET", "SECRET_KEY")
CAUSES: Final = {
    "token_signature_invalid": new_signer().with_claims(),
    "token_expired": SIGNER.with_claims(exp=SIGNER.claims["iat"] - 3_600),
    "token_wrong_audience": SIGNER.with_claims(aud="another-shop"),
    "token_wrong_issuer": SIGNER.with_claims(iss="https://staging.auth.test"),
    "token_wrong_type": SIGNER.with_header(typ="JWT"),
}


async def check(running: Running, token: str) -> Answer:
    return await running.get("/verify", [("Authorization", f"Bearer {token}")])


def signed_by_secret(signer: Signer, secret: str) -> str:
    """What a service would make that shares a secret with others."""
    head = encoded(json.dumps({**signer.header, "alg": "HS256"}).encode())
    signed = f"{head}.{encoded(json.dumps(dict(signer.claims)).encode())}"
    return f"{signed}.{encoded(hmac.digest(secret.encode(), signed.encode(), 'sha256'))}"


@pytest.mark.parametrize("code", CAUSES)
async def test_every_reason_why_a_token_is_refused_has_its_own_name(code: str) -> None:
    async with FaultyAuthService() as service:
        publishes(service, SIGNER)
        async with gateway(service.url) as running:
            assert (await check(running, SIGNER.with_claims())).status == 200
            answer = await check(running, CAUSES[code])
            assert_problem(answer, 401, code)
            line = await line_of(running, answer)
            assert (line["event"], line["code"]) == ("Token check rejected", code)


@pytest.mark.parametrize("secret", [SECRET, OTHER_SECRET])
async def test_no_secret_signs_a_token_whatever_its_name(secret: str) -> None:
    told = dict.fromkeys(FOUR_NAMES, secret)
    async with FaultyAuthService() as service:
        publishes(service, SIGNER)
        async with gateway(service.url, **told) as running:
            assert_problem(await check(running, signed_by_secret(SIGNER, secret)), 401, "token_signature_invalid")
            assert (await check(running, SIGNER.with_claims())).status == 200


def test_there_is_no_setting_for_a_secret_that_signs_tokens() -> None:
    names = known_names()
    assert names.isdisjoint(FOUR_NAMES)
    assert not [name for name in names if re.search(r"JWT|SIGNING", name)]


async def test_a_secret_that_is_published_as_a_key_is_refused_in_one_line() -> None:
    async with FaultyAuthService() as service:
        publishes(service, SIGNER)
        shared = {"kty": "oct", "k": encoded(SECRET.encode()), "kid": "shared"}
        service.answer(KEYS, json_reply(200, {"keys": [*jwks(SIGNER)["keys"], shared]}))
        async with gateway(service.url) as running:
            (line,) = [each for each in running.lines if each["event"] == "Key set not renewed"]
            assert line["code"] == "keys_refused"
            assert "symmetric key" in line["reason"]
            assert_problem(await check(running, SIGNER.with_claims()), 503, "keys_unavailable")


async def test_both_sides_name_the_key_and_agree(auth_service: AuthService) -> None:
    published = (await wire.ask(auth_service.url, "GET", KEYS)).json["keys"]
    seal = [(f"X-{name.replace('_', '-')}", value) for name, value in auth_service.credentials.items()]
    shaken = (await wire.ask(auth_service.url, "GET", "/auth/handshake", seal)).json
    for _ in range(2):  # and after a restart
        async with gateway(auth_service.url, **auth_service.known_to("test")) as running:
            (line,) = [each for each in running.lines if each["event"] == "Key set changed"]
            assert line["key_ids"] == [each["kid"] for each in published] == shaken["key_ids"]
            token = (await running.log_in(EMAIL, PASSWORD)).json["access_token"]
            header: Any = json.loads(decoded(token.partition(".")[0]))
            assert [header["kid"]] == line["key_ids"]
            answer = await check(running, token)
            assert (answer.status, answer.json["source"]) == (200, "jwt")


async def test_a_new_key_ends_no_session_that_the_old_one_signed() -> None:
    new = new_signer("key-2")
    async with FaultyAuthService() as service:
        publishes(service, SIGNER, new)
        async with gateway(service.url) as running:
            for signer in (SIGNER, new):
                assert (await check(running, signer.with_claims())).status == 200


def decoded(segment: str) -> bytes:
    """Base64url, padded again."""
    return urlsafe_b64decode(segment + "=" * (-len(segment) % 4))
