"""Tokens that an auth service vouches for, and that were made by or for somebody else: good there, and not here.

It must never take silence for an answer: what is not named cannot be compared.
"""

from typing import Any

import pytest

from netra.gateway.tokens import Tokens
from netra.testing.fakes import reply
from netra.wires.load import preset
from tests.gateway.checks import AUDIENCE, ISSUER, WALL_S, verdict
from tests.gateway.support import Stage

WIRE = preset("oauth2-introspection")
OURS = {"issuer": ISSUER, "audience": frozenset({AUDIENCE})}


def stage_for(told: dict[str, Any], **said: object) -> Stage:
    """A gateway that was told who signs tokens and for whom, before an auth service that says this of every token."""
    answer = reply(200, {"active": True, "token_type": "Bearer", "sub": "user-1", "exp": WALL_S + 600, **said})
    return Stage(answer, parts={"wire": WIRE, "tokens": Tokens(**told)})


@pytest.mark.parametrize(
    ("said", "ends"),
    [
        ({"iss": ISSUER, "aud": AUDIENCE}, "auth_service"),
        ({"iss": ISSUER, "aud": ["another", AUDIENCE]}, "auth_service"),
        ({}, "auth_service"),
        ({"iss": "https://other.example.com", "aud": AUDIENCE}, "token_wrong_issuer"),
        ({"iss": ISSUER, "aud": "another"}, "token_wrong_audience"),
        ({"aud": ["another", "a third"]}, "token_wrong_audience"),
    ],
    ids=["ours", "ours among others", "nothing said", "another issuer", "another audience", "others"],
)
async def test_a_token_is_compared_with_what_was_set(said: dict[str, object], ends: str) -> None:
    assert await verdict(stage_for(OURS, **said), "opaque") == ends


async def test_where_nothing_was_set_nothing_is_compared() -> None:
    assert await verdict(stage_for({}, iss="https://other.example.com", aud="another"), "opaque") == "auth_service"
