"""Families of refresh tokens, played with at random: never two that go on, never an honest client shut out."""

import asyncio
import tempfile
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Final

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, rule
from sqlalchemy import select

from netra.authd import accounts
from netra.authd.app import opened
from netra.authd.idempotency import KEPT_S, Delivery, KeyReused, Refused
from netra.authd.sessions import GRACE_S, Issued, TokenReused
from netra.authd.store.refresh_tokens import refresh_digest
from netra.authd.store.revocations import page
from netra.authd.store.tables import REFRESH_TOKENS
from netra.core.secret import Secret
from tests.authd.support import EMAIL, SERVICE_ID, MovableClock, settings_in

Outcome = Issued | Refused | TokenReused | KeyReused
WAITS_S: Final = st.sampled_from([0.0, 1.0, GRACE_S - 0.001, GRACE_S, 60.0, 599.0])


class Service:
    """Sessions on a real database, driven from code that does not await."""

    def __init__(self) -> None:
        self.clock = MovableClock()
        self._runner = asyncio.Runner()
        self._open = AsyncExitStack()
        self._folder = tempfile.TemporaryDirectory()
        self._runner.run(self._start())

    async def _start(self) -> None:
        told = settings_in(Path(self._folder.name))
        service = await self._open.enter_async_context(
            opened(told, clock=self.clock, tell=lambda *_: None),
        )
        self.sessions = service.sessions
        self.store = service.store
        async with self.store.write() as db:
            user = await accounts.add(db, EMAIL, None, "no hash: nobody logs in here", 0)
        assert user is not None
        self.user = user

    def begin(self) -> str:
        """A session's first refresh token."""

        async def work() -> str:
            async with self.store.write() as db:
                return (await self.sessions.open(db, self.user, SERVICE_ID)).refresh_token.reveal()

        return self._runner.run(work())

    def refresh(self, token: str, delivery: Delivery | None = None) -> Outcome:
        """What a refresh comes to."""
        return self._runner.run(self.sessions.refresh(Secret(token), SERVICE_ID, delivery))

    def log_out(self, token: str) -> None:
        """The end of a token's session."""
        self._runner.run(self.sessions.log_out(None, Secret(token)))

    def kept(self) -> dict[bytes, tuple[bool, bool]]:
        """Of each token, by digest: was it used, and does it keep a successor?"""

        async def work() -> dict[bytes, tuple[bool, bool]]:
            shown = (REFRESH_TOKENS.c.token_hash, REFRESH_TOKENS.c.used_at_ms, REFRESH_TOKENS.c.sealed_successor)
            async with self.store.read() as db:
                rows = (await db.execute(select(*shown))).all()
            return {row[0]: (row[1] is not None, row[2] is not None) for row in rows}

        return self._runner.run(work())

    def listed_count(self) -> int:
        """How many ends are told."""

        async def work() -> int:
            async with self.store.read() as db:
                return len((await page(db, None, self.sessions.now_ms())).items)

        return self._runner.run(work())

    def close(self) -> None:
        """Stop, and forget everything."""
        self._runner.run(self._open.aclose())
        self._runner.close()
        self._folder.cleanup()


class Families(RuleBasedStateMachine):
    """One session; whoever holds any token of it may show it at any time, with a key, a key used before, or none."""

    tokens = Bundle("tokens")
    keys = Bundle("keys")

    def __init__(self) -> None:
        super().__init__()
        self.service = Service()
        self.good: set[str] = set()
        """Nobody has used them: one, and those of deliveries that were answered again."""
        self.before: str | None = None
        """The one that was exchanged last, while its successor is good."""
        self.successor = ""
        self.exchanged_at_s = 0.0
        self.over = False
        self.verdicts: dict[int, tuple[str, bool, float]] = {}
        """By key: the token that came with it, whether it was accepted, and when."""

    @initialize(target=tokens)
    def log_in(self) -> str:
        first = self.service.begin()
        self.good = {first}
        return first

    @rule(target=tokens, token=tokens)
    def show(self, token: str) -> str:
        return self._judged(token, self.service.refresh(token))

    @rule(target=keys, token=tokens)
    def show_with_a_key(self, token: str) -> int:
        key = len(self.verdicts)
        self._judged_with(key, token)
        return key

    @rule(target=tokens, key=keys)
    def deliver_again(self, key: int) -> str:
        token, accepted, at_s = self.verdicts[key]
        if self.service.clock.now_s - at_s >= KEPT_S:
            return self._judged_with(key, token)
        outcome = self.service.refresh(token, _delivery(key))
        if self.over or not accepted:
            assert outcome == Refused("refresh_rejected")
            return token
        if token == self.before:
            return self._judged(token, outcome)
        assert isinstance(outcome, Issued), "others have gone on, which is no reason to refuse what was accepted"
        beside = outcome.refresh_token.reveal()
        self.good.add(beside)
        return beside

    @rule(wait_s=WAITS_S)
    def wait(self, wait_s: float) -> None:
        self.service.clock.move(wait_s)

    @rule(token=tokens)
    def log_out(self, token: str) -> None:
        self.service.log_out(token)
        self.over = True

    def _judged_with(self, key: int, token: str) -> str:
        outcome = self.service.refresh(token, _delivery(key))
        self.verdicts[key] = (token, isinstance(outcome, Issued), self.service.clock.now_s)
        return self._judged(token, outcome)

    def _judged(self, token: str, outcome: Outcome) -> str:
        """Hold an outcome against what the rules say of the token; returns what the client goes on with."""
        if self.over:
            assert outcome == Refused("refresh_rejected")
            return token
        if token not in self.good and token != self.before:
            assert isinstance(outcome, TokenReused)
            self.over = True
            return token
        assert isinstance(outcome, Issued)
        got = outcome.refresh_token.reveal()
        crossing = token == self.before and self.service.clock.now_s - self.exchanged_at_s < GRACE_S
        assert (got == self.successor) is crossing
        if not crossing:
            self.good, self.before, self.successor = {got}, token, got
            self.exchanged_at_s = self.service.clock.now_s
        return got

    @invariant()
    def of_all_tokens_those_are_good_that_should_be_and_one_keeps_its_successor(self) -> None:
        kept = self.service.kept()
        assert {digest for digest, (used, _) in kept.items() if not used} == set(map(refresh_digest, self.good))
        sealing = [digest for digest, (_, sealed) in kept.items() if sealed]
        assert sealing == ([] if self.before is None else [refresh_digest(self.before)])

    @invariant()
    def an_end_is_told_once(self) -> None:
        assert self.service.listed_count() <= int(self.over)

    def teardown(self) -> None:
        self.service.close()


def _delivery(key: int) -> Delivery:
    return Delivery(SERVICE_ID, "/auth/refresh", key.to_bytes(32, "big"), bytes(32))


class ThiefAndOwner(RuleBasedStateMachine):
    """Two hold the same token, and neither knows of the other; each goes on with what he gets, at his own pace."""

    def __init__(self) -> None:
        super().__init__()
        self.service = Service()
        first = self.service.begin()
        self.held = {"owner": first, "thief": first}
        self.went_on: list[str] = []
        self.over = False

    @rule(who=st.sampled_from(["owner", "thief"]), after_s=st.sampled_from([float(GRACE_S), 60.0, 900.0]))
    def go_on(self, who: str, after_s: float) -> None:
        self.service.clock.move(after_s)
        outcome = self.service.refresh(self.held[who])
        if isinstance(outcome, Issued):
            assert not self.over, "nobody goes on after the end"
            self.held[who] = outcome.refresh_token.reveal()
            self.went_on.append(who)
        else:
            self.over = True

    @invariant()
    def whoever_was_overtaken_ends_it(self) -> None:
        overtakings = [each for each, before in zip(self.went_on[1:], self.went_on, strict=False) if each != before]
        assert len(overtakings) <= 1

    def teardown(self) -> None:
        self.service.close()


_FEW: Final = settings(
    max_examples=15, stateful_step_count=25, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
TestFamilies = Families.TestCase
TestFamilies.settings = _FEW
TestThiefAndOwner = ThiefAndOwner.TestCase
TestThiefAndOwner.settings = settings(_FEW, stateful_step_count=8)
