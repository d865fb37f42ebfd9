"""An issuer of tokens with a real key in front of whom a lab stands: it publishes its keys and says who it is.

It must never sign a token by itself: a test says what each token says.
"""

import time
from typing import Any, Final

from joserfc.jwk import ECKey

from netra.lab.connection import Script
from netra.lab.faulty_auth_service import FaultyAuthService
from netra.lab.scripts import json_reply
from tests.support.hostile_tokens import Signer

ISSUER: Final = "https://auth.test"
AUDIENCE: Final = "shop"
KEYS: Final = "/.well-known/jwks.json"
HANDSHAKE: Final = "/auth/handshake"
VALIDATE: Final = "/auth/validate"
LIFETIME_S: Final = 4 * 3600
"""Longer than all tests take: some tokens are made when their file is read."""


def new_signer(kid: str = "key-1") -> Signer:
    """A new key, and what its good tokens say as of now."""
    now = int(time.time())
    claims = {
        "iss": ISSUER, "aud": AUDIENCE, "sub": "user-1", "email": "ada@example.com", "name": "Ada", "jti": "token-1",
        "sid": "session-1", "iat": now, "exp": now + LIFETIME_S,
    }  # fmt: skip
    return Signer(ECKey.generate_key("P-256"), "ES256", {"alg": "ES256", "typ": "at+jwt", "kid": kid}, claims)


def jwks(*signers: Signer) -> dict[str, Any]:
    """The public halves of their keys."""
    return {"keys": [{**each.key.as_dict(private=False), "kid": each.header["kid"]} for each in signers]}


def shakes_hands(**changes: Any) -> Script:
    """A handshake that says who signs tokens, and for whom."""
    said = {"service_id": "netra-under-test", "environment": "test", "issuer": ISSUER, "audience": AUDIENCE}
    return json_reply(200, {**said, **changes})


def publishes(service: FaultyAuthService, *signers: Signer, **handshake: Any) -> None:
    """From now on the auth service has these keys, and says that their tokens are its own."""
    service.answer(KEYS, json_reply(200, jwks(*signers)))
    service.answer(HANDSHAKE, shakes_hands(**handshake))
