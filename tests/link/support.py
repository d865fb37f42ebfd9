"""What tests of the path below the journeys share: a link made of fakes, and calls of the default wire.

It must never hide what a test asserts: everything that matters is said by the test.
"""

import asyncio
from collections.abc import Callable
from typing import Any, Final

from msgspec.structs import replace

from netra.core.pace.budget import RetryBudget
from netra.core.pace.deadline import Deadline
from netra.core.secret import Secret
from netra.core.verdict.operations import LOGIN, Operation
from netra.core.verdict.reply import Standing
from netra.core.verdict.wire import Call, Label
from netra.link.calls import Link
from netra.link.exchange import Exchange
from netra.link.seals import Seals
from netra.link.slots import Slots
from netra.testing.fakes import FakeClock, reply
from netra.wires.load import preset

WIRE: Final = preset("netra")
SERVICE_ID: Final = "netra-under-test"
SECRET: Final = "test-only-current-Wq7tYb2Kd9Rm4Xv6"
PREVIOUS: Final = "test-only-previous-Zc3hNf8Pg5Lj1Ts0"
EMAIL: Final = "ada@example.com"
PASSWORD: Final = "correct horse battery staple"
TRACEPARENT: Final = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
LABEL: Final = Label("request-1", TRACEPARENT)
SAID: Final[dict[str, Any]] = {
    "identifier": EMAIL,
    "password": Secret(PASSWORD),
    "refresh_token": Secret("refresh-token-1"),
    "token": Secret("access-token-1"),
    "name": None,
}
GOOD_LOGIN: Final = reply(
    200,
    {
        "access_token": "access-token-2",
        "refresh_token": "refresh-token-2",
        "token_type": "Bearer",
        "expires_in": 900,
        "user": {"id": "user-1", "email": EMAIL, "name": "Ada"},
    },
)
WRONG_PASSWORD: Final = reply(401, {"code": "invalid_credentials"})
WRONG_SECRET: Final = reply(401, {"code": "service_credentials_rejected"})
STANDING: Final = Standing(handshake="accepted", credentials_configured=True, idempotency=False)


def link_to(exchange: Exchange, clock: FakeClock, **changes: Any) -> Link:
    """A link with one seal, one try, four slots and a full retry budget, unless `changes` say otherwise."""
    parts: dict[str, Any] = {
        "seals": Seals.of(WIRE, SERVICE_ID, Secret(SECRET), None),
        "slots": Slots(4),
        "budget": RetryBudget(clock.now_s() - 3600.0),
        "tries": 1,
        "standing": STANDING,
        **changes,
    }
    return Link(exchange=exchange, clock=clock, **parts)


def two_seals() -> Seals:
    """The current secret and the one before it."""
    return Seals.of(WIRE, SERVICE_ID, Secret(SECRET), Secret(PREVIOUS))


def call_of(operation: Operation[Any] = LOGIN, *, key: str | None = None) -> Call[Any]:
    """One question of the default wire; `key` is its idempotency key."""
    return WIRE.call(operation, SAID, replace(LABEL, idempotency_key=key))


def within(clock: FakeClock, budget_s: float = 5.0) -> Deadline:
    """A deadline that begins now."""
    return Deadline(clock.now_s() + budget_s, budget_s)


def secret_on(seal: Any) -> str | None:
    """The service secret that a seal carries."""
    return None if seal is None else dict(seal.headers)["X-Service-Secret"]


async def until(happened: Callable[[], bool]) -> None:
    """Let others run until this is so; what does not happen in ten seconds never does."""
    for turn in range(10_000):
        if happened():
            return
        await asyncio.sleep(0.001 if turn > 100 else 0)
    raise AssertionError("it did not happen")
