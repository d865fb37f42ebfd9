"""What the tests of pure decisions share: the shipped wire, replies made by hand, and JSON by chance.

It must never decide what is right: every expectation stands in a test.
"""

import json
from collections.abc import Mapping
from functools import cache
from typing import Any, Final

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from netra.core.secret import Secret
from netra.core.verdict.classify import classify
from netra.core.verdict.operations import OPERATIONS
from netra.core.verdict.outcomes import Accepted, Outcome, Rejected, Unknown
from netra.core.verdict.reply import Broken, Reply, Standing
from netra.core.verdict.wire import Call, Label, Wire
from netra.wires.load import preset

quick: Final = settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
"""Enough examples to find what a table forgot, few enough to be run at every save."""

RECEIVED_AT: Final = 784_111_777.0
"""Sun, 06 Nov 1994 08:49:37 GMT: the instant of the standard's own examples."""
GOOD: Final = Standing(handshake="accepted", credentials_configured=True)
LABEL: Final = Label(request_id="req-1", traceparent="00-" + "a" * 32 + "-" + "b" * 16 + "-01")

TOKENS: Final = {"access_token": "header.payload.signature", "refresh_token": "r" * 40}
SESSION: Final = {**TOKENS, "user": {"id": "u-1", "email": "ada@example.com", "name": "Ada"}}

NGINX_502: Final = (
    b"<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n<center><h1>502 Bad Gateway</h1></center>\r\n"
    b"<hr><center>nginx/1.26.2</center>\r\n</body>\r\n</html>\r\n"
)
API_GATEWAY: Final = b'{"message":"Forbidden"}'
HTML: Final = b"<!doctype html><title>Sign in</title><p>Please sign in to continue.</p>"


@cache
def wire() -> Wire:
    """The wire that comes with the package."""
    return preset("netra")


@cache
def call_of(operation: str) -> Call[Any]:
    """One question of a kind, filled with whatever it takes."""
    said: dict[str, Secret | str | None] = {
        "identifier": "ada@example.com",
        "password": Secret("hunter2 pass"),
        "name": None,
        "token": Secret("hunter2-access"),
        "refresh_token": Secret("hunter2-refresh"),
    }
    return wire().call(OPERATIONS[operation], said, LABEL)


def reply(status: int, body: object = b"", headers: Mapping[str, str] | None = None) -> Reply:
    """An answer; a body that is not bytes is sent as JSON."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Reply(status, headers or {}, content, RECEIVED_AT)


def understood(
    status: int,
    body: object = b"",
    operation: str = "login",
    standing: Standing = GOOD,
    headers: Mapping[str, str] | None = None,
) -> Outcome[Any]:
    """What an answer means."""
    return classify(call_of(operation), reply(status, body, headers), standing)


def rejected(outcome: Outcome[Any]) -> Rejected:
    """The outcome, which has to be a refusal."""
    assert isinstance(outcome, Rejected), outcome
    return outcome


def unknown(outcome: Outcome[Any]) -> Unknown:
    """The outcome, which has to be no verdict."""
    assert isinstance(outcome, Unknown), outcome
    return outcome


def code(outcome: Outcome[Any]) -> str:
    """The verdict and its row, e.g. `rejected: invalid_credentials`; `accepted` has no row."""
    if isinstance(outcome, Accepted):
        return "accepted"
    return f"{'rejected' if isinstance(outcome, Rejected) else 'unknown'}: {outcome.cause.code}"


def broken(code_of_row: str, operation: str = "login") -> Unknown:
    """What an exchange without an answer means."""
    return unknown(classify(call_of(operation), Broken(code_of_row), GOOD))


json_leaves: Final = (
    st.none()
    | st.booleans()
    | st.integers(-(10**30), 10**30)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=12)
)
json_values: Final = st.recursive(
    json_leaves,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)
standings: Final = st.builds(
    Standing,
    handshake=st.sampled_from(["not_yet", "absent", "accepted", "refused"]),
    credentials_configured=st.booleans(),
    trust_uncoded_401=st.booleans(),
)
