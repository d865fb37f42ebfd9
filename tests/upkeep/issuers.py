"""An issuer whose keys, answers and silences belong to the test, and a key ring that asks it.

It must never publish a key that could not be used, unless a test says so.
"""

import asyncio
from collections.abc import Callable
from typing import Any, Final

import pytest
from joserfc.jwk import OKPKey

from netra.core.events import KeysChanged
from netra.core.token.jwt import Header
from netra.core.verdict.causes import TABLE
from netra.core.verdict.operations import Jwks
from netra.core.verdict.outcomes import Accepted, Outcome, Unknown, unknown
from netra.testing.fakes import FakeClock, Recorded
from netra.upkeep.keys import KeyRing
from netra.upkeep.keyset import KeySet
from tests.link.support import until

LATER_S: Final = 60.0
"""A deadline that no test comes to."""
_KEY: Final[dict[str, Any]] = dict(OKPKey.generate_key("Ed25519").as_dict(private=False))


def published(*key_ids: str) -> Accepted[Jwks]:
    """A set with keys of these names."""
    return Accepted(Jwks(tuple({**_KEY, "kid": key_id, "alg": "EdDSA", "use": "sig"} for key_id in key_ids)))


def failed(code: str = "connection_refused") -> Outcome[Jwks]:
    """No set, for this reason."""
    return unknown(TABLE[code])


def naming(key_id: str | None) -> Header:
    """What a token says of its signature."""
    return Header("EdDSA", key_id, "at+jwt")


class Issuer:
    """Answers at once with `says`, or when it is released from `silent`; keeps when it was asked."""

    def __init__(self, now_s: Callable[[], float], says: Outcome[Jwks] | Exception) -> None:
        self.says = says
        self.asked_at_s: list[float] = []
        self.under_way_count = 0
        self.ended_count = 0
        self._now_s = now_s
        self._released: asyncio.Event | None = None

    async def fetch(self) -> Outcome[Jwks]:
        """What it says by the time that it answers."""
        self.asked_at_s.append(self._now_s())
        self.under_way_count += 1
        assert self.under_way_count == 1, "two fetches at once"
        try:
            if self._released is not None:
                await self._released.wait()
        finally:
            self.under_way_count -= 1
        self.ended_count += 1
        if isinstance(self.says, Exception):
            raise self.says
        return self.says

    def fall_silent(self) -> None:
        """Who asks from now on waits."""
        self._released = asyncio.Event()

    def speak(self) -> None:
        """Whoever waits gets his answer, and whoever asks later gets it at once."""
        if self._released is not None:
            self._released.set()
        self._released = None


class Ring:
    """A key ring with everything that it touches; `go` runs it, and time passes as the test says."""

    def __init__(self, says: Outcome[Jwks] | Exception | None = None) -> None:
        self.clock = FakeClock(held=True)
        self.issuer = Issuer(self.clock.now_s, says or published("a"))
        self.told = Recorded()
        self.ring = KeyRing(self.issuer.fetch, self.clock, self.told)
        self.running: asyncio.Task[None] | None = None

    async def go(self) -> None:
        """Begin to run, until the first fetch has ended."""
        self.running = asyncio.create_task(self.ring.run())
        await self.ring.first_ended.wait()
        await self.asleep()

    async def asleep(self) -> None:
        await until(lambda: self.clock.sleeping_count == 1)

    async def pass_by(self, seconds: float) -> None:
        """Let time pass, and whatever it brings about happen."""
        self.clock.advance(seconds)
        for _ in range(10):
            await asyncio.sleep(0)

    async def stop(self) -> None:
        assert self.running is not None
        self.running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await self.running

    async def for_token(self, key_id: str | None, came_s_ago: float = 0.0, patience_s: float = LATER_S) -> Any:
        now_s = self.clock.now_s()
        return await self.ring.for_token(naming(key_id), now_s - came_s_ago, now_s + patience_s)

    async def key_ids_for(self, key_id: str | None, came_s_ago: float = 0.0) -> tuple[str, ...]:
        """The keys of the set that may judge such a token."""
        keys = await self.for_token(key_id, came_s_ago)
        assert isinstance(keys, KeySet), keys
        return keys.key_ids

    async def refusal(self, key_id: str | None, patience_s: float = LATER_S) -> Unknown:
        """Why such a token cannot be judged."""
        outcome = await self.for_token(key_id, patience_s=patience_s)
        assert isinstance(outcome, Unknown), outcome
        return outcome

    @property
    def asked_s(self) -> list[float]:
        """When the issuer was asked, from the beginning on."""
        return [each - 1000.0 for each in self.issuer.asked_at_s]

    @property
    def events(self) -> list[KeysChanged]:
        return self.told.of(KeysChanged)
