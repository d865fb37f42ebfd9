"""What tests of token checks share: an issuer with a real key, the tokens that it signs, and a gateway that knows it.

It must never hide what a test asserts: everything that matters is said by the test.
"""

import json
from collections.abc import Callable
from typing import Any, Final

from joserfc.jwk import ECKey

from netra.core.secret import Secret
from netra.core.token.jwt import Header
from netra.core.verdict.causes import TABLE
from netra.core.verdict.operations import Identity, Jwks, User
from netra.core.verdict.outcomes import Accepted, Outcome, Rejected, Unknown, code_of, unknown
from netra.core.verdict.reply import Reply, Standing
from netra.gateway.tokens import Keys, Tokens
from netra.testing.fakes import START_S, START_WALL_S, Asked, Scripted, reply
from netra.upkeep.keyset import KeySet, read_keys
from tests.gateway.support import Stage, tokens
from tests.link.support import EMAIL, STANDING
from tests.support.hostile_tokens import Signer

ISSUER: Final = "https://auth.example.com"
AUDIENCE: Final = "shop"
WALL_S: Final = int(START_WALL_S)
KNOWN: Final = STANDING._replace(issuer=ISSUER, audience=AUDIENCE)
"""How we stand once a handshake has said who signs tokens, and for whom."""
ADA: Final = User("user-1", EMAIL, "Ada")


def signer_of(kid: str = "key-1") -> Signer:
    """An issuer's key, and what its good tokens say: ten minutes to live."""
    claims = {
        "iss": ISSUER, "aud": AUDIENCE, "sub": ADA.id, "email": EMAIL, "name": "Ada", "jti": "token-1",
        "sid": "session-1", "iat": WALL_S, "exp": WALL_S + 600,
    }  # fmt: skip
    header = {"alg": "ES256", "typ": "at+jwt", "kid": kid}
    return Signer(ECKey.generate_key("P-256"), "ES256", header, claims)


def skewed(skew_s: float) -> Standing:
    """How we stand with an auth service whose clock is so far ahead of ours, as of the last handshake."""
    return KNOWN._replace(their_clock_s=START_WALL_S - START_S + skew_s)


def published(*signers: Signer) -> Jwks:
    """The public halves of their keys, as an issuer publishes them."""
    return Jwks(tuple({**each.key.as_dict(private=False), "kid": each.header["kid"]} for each in signers))


def key_set(*signers: Signer) -> KeySet:
    """The same, read."""
    keys = read_keys(published(*signers))
    assert isinstance(keys, KeySet)
    return keys


class OneSet:
    """A set of keys that is there, or is not, and was never asked for anywhere."""

    def __init__(self, current: KeySet | None) -> None:
        self.current = current
        self.next: KeySet | None = None
        """What is published by now."""
        self.last_code: str | None = None
        self.waits_until_s: list[float] = []
        """How long each of those who asked could wait."""

    def age_s(self, now_s: float) -> float | None:
        """It never grows old."""
        return 0.0

    async def for_token(self, header: Header, began_at_s: float, wait_until_s: float) -> KeySet | Unknown:
        """The set, whatever the token; unknown where there is none."""
        self.waits_until_s.append(wait_until_s)
        return self.current or unknown_keys()

    async def newer(self, began_at_s: float, wait_until_s: float) -> KeySet | Unknown:
        """The set that has come since, if one has."""
        self.waits_until_s.append(wait_until_s)
        return self.next or self.current or unknown_keys()


class Telling:
    """Whoever tells which sessions have ended elsewhere, up until a test says otherwise."""

    def __init__(self) -> None:
        self.up = True
        self.wanted_count = 0

    def soon(self) -> None:
        """Count how often a round is wanted at once."""
        self.wanted_count += 1


def unknown_keys() -> Unknown:
    """What becomes of a token whose keys are not to be had."""
    return unknown(TABLE["keys_unavailable"])


def by_keys(*script: Scripted, keys: Keys, standing: Standing = KNOWN, **how: Any) -> Stage:
    """A gateway that checks tokens by published keys; `how` says what else is special about it."""
    return stage_with(*script, standing=standing, keys=keys, **how)


def stage_with(*script: Scripted, standing: Standing = STANDING, **how: Any) -> Stage:
    """A gateway with half a minute of memory and five of staleness, unless `how` says otherwise."""
    judging = Tokens(**{"cache_s": 30.0, "stale_s": 300.0, **how})
    return Stage(*script, parts={"tokens": judging}, standing=standing)


async def check(stage: Stage, token: str) -> Outcome[Identity]:
    """One check of a token, as a proxy asks for it."""
    known = stage.gateway.remembered(Secret(token))
    return await stage.gateway.judge(tokens(stage.now_s, token=token)) if known is None else known


async def verdict(stage: Stage, token: str) -> str:
    """How such a check ends: the source of an identity, else a code."""
    outcome = await check(stage, token)
    return outcome.value.source if isinstance(outcome, Accepted) else code_of(outcome)


async def log_out(stage: Stage, token: str | None = None, refresh_token: str | None = None) -> str:
    """A logout, and how it ends."""
    return code_of(await stage.gateway.log_out(tokens(stage.now_s, token=token, refresh_token=refresh_token)))


def vouched(**changes: Any) -> Reply:
    """The auth service vouches for a token: one of Ada's, with ten minutes to live. `...` leaves a member out."""
    said = {
        "valid": True, "user_id": ADA.id, "email": EMAIL, "name": "Ada", "expires_at": WALL_S + 600, **changes,
    }  # fmt: skip
    return reply(200, {name: value for name, value in said.items() if value is not ...})


def denied(code: str | None = None) -> Reply:
    """The auth service says no, and perhaps why."""
    return reply(200, {"valid": False, **({"code": code} if code else {})})


def whose(named: Callable[[str], str]) -> Callable[[Asked], Reply]:
    """An auth service that vouches for every token as somebody's: `named` says whose."""

    def answer(asked: Asked) -> Reply:
        body = asked.call.body
        assert isinstance(body, Secret)
        return vouched(user_id=named(json.loads(body.reveal())["token"]))

    return answer


def refused_for(outcome: Outcome[Any]) -> str:
    """The code of a refusal."""
    assert isinstance(outcome, Rejected), outcome
    return outcome.cause.code
