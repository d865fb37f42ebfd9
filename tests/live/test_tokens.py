"""Sessions and the auth service behind them: what outlives its end, what does not, and what is never asked twice.

The auth service is the embedded one as a program of its own where it is killed, and the lab where it is told to fail.
"""

import asyncio
import logging
import signal
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from statistics import quantiles
from typing import Any, Final, NamedTuple

import pytest

from netra.lab.connection import Connection, Delivery
from netra.lab.faulty_auth_service import FaultyAuthService
from netra.lab.scripts import json_reply
from tests.incidents.operators import EMAIL, PASSWORD, AuthService
from tests.support.gateways import PREFIX, Running, gateway
from tests.support.issuers import VALIDATE, new_signer, publishes
from tests.support.problems import assert_problem
from tests.support.programs import Program
from tests.support.wire import LONGEST_S, Answer, KeptLine

ELSEWHERE_S: Final = 5.0
"""A logout takes effect on other gateways within this."""
LOADED_MACHINE_S: Final = 2.0
MOST_S: Final = 0.5
"""For 99 of 100 checks on a busy machine; a session that waited for the auth service would take longer."""
REFUSED: Final = (401, "token_revoked")


class Session(NamedTuple):
    """Somebody who has logged in."""

    access_token: str
    refresh_token: str


class Check(NamedTuple):
    """One token check of a load."""

    at_s: float
    took_s: float
    status: int
    word: str
    """How it is known, or the code of the problem."""


@pytest.fixture(scope="module")
def authd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AuthService]:
    with AuthService(tmp_path_factory.mktemp("authd")) as service:
        yield service


@asynccontextmanager
async def in_front(authd: AuthService, **told: str) -> AsyncIterator[Running]:
    how = {"NETRA_TOKEN_CACHE_S": "30", "NETRA_REVOCATIONS_INTERVAL_S": "2", "NETRA_CONNECT_TIMEOUT_S": "0.5", **told}
    async with gateway(authd.url, **authd.known_to("test", **how)) as running:
        yield running


async def log_in(running: Running) -> Session:
    answer = await running.log_in(EMAIL, PASSWORD)
    assert answer.status == 200, answer
    return Session(answer.json["access_token"], answer.json["refresh_token"])


async def check(running: Running, token: str, route: str = "/verify") -> Answer:
    return await running.get(route, [("Authorization", f"Bearer {token}")])


async def log_out(running: Running, session: Session, body: dict[str, str] | None = None) -> None:
    answer = await running.post("/logout", body or {}, [("Authorization", f"Bearer {session.access_token}")])
    assert (answer.status, answer.json["success"]) == (200, True), answer


def word_of(answer: Answer) -> str:
    """How an identity is known, or why there is none."""
    return str(answer.json["source"] if answer.status == 200 else answer.code)


async def until(running: Running, token: str, wanted: Callable[[Answer], bool], within_s: float = LONGEST_S) -> Answer:
    """Check a token again and again until the answer is the one that is wanted."""
    ends_at_s = time.monotonic() + within_s
    while not wanted(answer := await check(running, token)):
        assert time.monotonic() < ends_at_s, f"not within {within_s:g} s: {answer}"
        await asyncio.sleep(0.05)
    return answer


async def client(running: Running, token: str, enough: asyncio.Event) -> list[Check]:
    """Somebody who shows a token again and again over one connection."""
    line, seen = await KeptLine.to(running.url), []
    while not enough.is_set():
        began_at_s = time.monotonic()
        answer = await line.ask("GET", f"{PREFIX}/verify", [("Authorization", f"Bearer {token}")])
        seen.append(Check(began_at_s, time.monotonic() - began_at_s, answer.status, word_of(answer)))
        await asyncio.sleep(0.01)
    line.close()
    return seen


# --- The auth service is killed ------------------------------------------------------------------------------------


async def test_sessions_outlive_an_auth_service_that_is_killed_under_load(tmp_path: Path) -> None:
    with AuthService(tmp_path) as authd:
        async with in_front(authd, NETRA_TOKEN_CACHE_S="1", NETRA_REVOCATIONS_INTERVAL_S="0.5") as running:
            sessions = [await log_in(running) for _ in range(5)]
            gone, *alive = sessions
            await log_out(running, gone)
            enough = asyncio.Event()
            load = {each: asyncio.create_task(client(running, each.access_token, enough)) for each in sessions}
            await asyncio.sleep(0.5)
            authd.stop(signal.SIGKILL)
            killed_at_s = time.monotonic()
            stale = await until(running, alive[0].access_token, lambda each: word_of(each) == "stale")
            assert stale.header("X-Auth-Source") == "stale"
            assert_problem(await running.log_in(EMAIL, PASSWORD), 503, "connection_refused")
            assert_problem(await running.post("/refresh", {"refresh_token": alive[0].refresh_token}), 503,
                           "connection_refused")  # fmt: skip
            unheard = await running.post("/logout", {}, [("Authorization", f"Bearer {alive[0].access_token}")])
            assert_problem(unheard, 503, "connection_refused")
            assert (await check(running, alive[0].access_token, "/me")).status == 200, "it was never logged out"
            async with asyncio.timeout(LONGEST_S):
                while "Revocation feed down" not in running.events():
                    await asyncio.sleep(0.1)
            enough.set()
            seen = {each: await task for each, task in load.items()}
            for each in alive:
                assert {check.status for check in seen[each]} == {200}
                assert {"jwt", "cache", "stale"} >= {check.word for check in seen[each]}
                assert Counter(check.at_s > killed_at_s for check in seen[each])[True] > 50
            assert {(check.status, check.word) for check in seen[gone]} == {REFUSED}
            took = [check.took_s for each in alive for check in seen[each] if check.at_s > killed_at_s]
            p99_s = quantiles(took, n=100)[98]
            logging.getLogger(__name__).info("p99 of %d checks while it was down: %.1f ms", len(took), 1e3 * p99_s)
            assert p99_s < MOST_S
            Program.start(authd)
            await until(running, alive[0].access_token, lambda each: word_of(each) in {"jwt", "cache"}, 60)
            assert (await check(running, gone.access_token)).code == "token_revoked"
            renewed = await running.post("/refresh", {"refresh_token": alive[0].refresh_token})
            assert renewed.status == 200, "the outage has cost somebody a session"


async def test_a_jwt_is_good_until_its_end_and_not_a_moment_longer_while_nobody_can_be_asked() -> None:
    signer = new_signer()
    async with FaultyAuthService() as service:
        publishes(service, signer)
        async with gateway(service.url, NETRA_TOKEN_CACHE_S="30") as running:
            now = int(time.time())
            # Accepted for a minute of leeway after its end.
            ends = now + 4
            token = signer.with_claims(exp=ends - 60)
            assert (await check(running, token)).status == 200
            service.journal.clear()
            await service.stop()
            answers = []
            while time.time() < ends + 2:
                sent_at = time.time()
                answers.append((sent_at, await check(running, token), time.time()))
                await asyncio.sleep(0.05)
            assert {each.status for _, each, ended_at in answers if ended_at < ends} == {200}
            late = [each for sent_at, each, _ in answers if sent_at >= ends]
            assert {(each.status, each.code) for each in late} == {(401, "token_expired")}
            assert late[0].json["action"] == "refresh"
            assert service.journal == []


def vouches(**changes: Any) -> Any:
    said = {"valid": True, "user_id": "user-1", "email": EMAIL, **changes}
    return json_reply(200, said)


@pytest.mark.parametrize(("life_s", "stale_s", "lasts_s"), [(3, 60, 3), (3_600, 2, 3)], ids=["its end", "the budget"])
async def test_an_opaque_token_is_stale_for_a_while_and_then_nobody_knows(
    life_s: int, stale_s: int, lasts_s: int
) -> None:
    told = {"NETRA_TOKEN_CACHE_S": "1", "NETRA_STALE_WHILE_DOWN_S": str(stale_s)}
    async with FaultyAuthService() as service, gateway(service.url, **told) as running:
        service.answer(VALIDATE, vouches(expires_at=int(time.time()) + life_s))
        began_at_s = time.monotonic()
        assert word_of(await check(running, "opaque")) == "auth_service"
        vouched_at_s = time.monotonic()
        await service.stop()
        answers = []
        while time.monotonic() < vouched_at_s + lasts_s + 1.5:
            sent_at_s = time.monotonic()
            answers.append((sent_at_s, await check(running, "opaque"), time.monotonic()))
            await asyncio.sleep(0.05)
        # The end that was told is a whole second, so that up to one of its seconds was over when it was told.
        early = [each for _, each, ended_at_s in answers if ended_at_s < began_at_s + lasts_s - 1.1]
        assert {each.status for each in early} == {200}
        words = [word_of(each) for _, each, _ in answers]
        assert set(words) <= {"cache", "stale", "connection_refused"}
        assert "stale" in words
        late = [each for sent_at_s, each, _ in answers if sent_at_s > vouched_at_s + lasts_s + 0.1]
        for each in late:
            assert_problem(each, 503, "connection_refused")
        assert late


# --- Logged out ------------------------------------------------------------------------------------------------------


async def test_a_logout_holds_here_at_once_elsewhere_soon_and_after_a_restart(authd: AuthService) -> None:
    async with in_front(authd) as here, in_front(authd) as there:
        gone, other = await log_in(here), await log_in(here)
        for running in (here, there):
            assert [(await check(running, each.access_token)).status for each in (gone, other)] == [200, 200]
        renewed = await here.post("/refresh", {"refresh_token": gone.refresh_token})
        assert renewed.status == 200
        sibling = renewed.json["access_token"]
        assert (await check(there, sibling)).status == 200
        await log_out(here, gone)
        for token in (gone.access_token, sibling):
            assert_problem(await check(here, token), *REFUSED)
        told_at_s = time.monotonic()
        for token in (gone.access_token, sibling):
            await until(there, token, lambda each: each.status == 401, ELSEWHERE_S + LOADED_MACHINE_S)
        assert time.monotonic() - told_at_s < ELSEWHERE_S + LOADED_MACHINE_S
        assert (await check(there, other.access_token)).status == 200
    async with in_front(authd) as again:
        assert_problem(await check(again, gone.access_token), *REFUSED)
        assert_problem(await check(again, gone.access_token, "/me"), *REFUSED)
        assert_problem(await check(again, sibling), *REFUSED)
        assert (await check(again, other.access_token)).json["source"] == "jwt"


async def test_a_logout_by_refresh_token_alone_ends_the_access_token_soon(authd: AuthService) -> None:
    async with in_front(authd) as running:
        session = await log_in(running)
        assert (await check(running, session.access_token)).status == 200
        answer = await running.post("/logout", {"refresh_token": session.refresh_token})
        assert answer.status == 200
        await until(running, session.access_token, lambda each: each.status == 401, ELSEWHERE_S + LOADED_MACHINE_S)


async def test_who_was_logged_out_elsewhere_stays_out_when_the_auth_service_dies(tmp_path: Path) -> None:
    with AuthService(tmp_path) as authd:
        async with in_front(authd) as here, in_front(authd) as there:
            gone, other = await log_in(here), await log_in(here)
            await log_out(here, gone)
            await until(there, gone.access_token, lambda each: each.status == 401, ELSEWHERE_S + LOADED_MACHINE_S)
            authd.stop(signal.SIGKILL)
            for running in (here, there):
                assert_problem(await check(running, gone.access_token), *REFUSED)
                assert (await check(running, other.access_token)).status == 200
                await until(running, other.access_token, lambda each: word_of(each) == "stale")
                assert_problem(await check(running, gone.access_token), *REFUSED)


async def test_a_forged_token_beside_a_good_refresh_token_ends_no_strangers_session(authd: AuthService) -> None:
    async with in_front(authd) as running:
        victim, mine = await log_in(running), await log_in(running)
        head, payload, signature = victim.access_token.split(".")
        forged = Session(f"{head}.{payload}.{signature[:-4]}AAAA", mine.refresh_token)
        answer = await running.post(
            "/logout", {"refresh_token": mine.refresh_token}, [("Authorization", f"Bearer {forged.access_token}")]
        )
        assert answer.status in {200, 401}
        await asyncio.sleep(0.5)
        assert (await check(running, victim.access_token)).status == 200


# --- Asked once ------------------------------------------------------------------------------------------------------


async def test_a_thousand_checks_of_one_fresh_opaque_token_make_one_call() -> None:
    async with (
        FaultyAuthService() as service,
        gateway(service.url, NETRA_TOKEN_CACHE_S="30", NETRA_TOKEN_BUDGET_S="15") as running,
    ):
        enough = asyncio.Event()

        async def wait(connection: Connection, delivery: Delivery) -> None:
            await enough.wait()
            await vouches()(connection, delivery)

        service.answer(VALIDATE, wait)
        lines = [await KeptLine.to(running.url) for _ in range(1_000)]
        bearer = ("Authorization", "Bearer opaque")
        asking = [asyncio.create_task(line.ask("GET", f"{PREFIX}/verify", [bearer])) for line in lines]
        leaving = asking[:5]
        async with asyncio.timeout(LONGEST_S):
            while not service.delivered(VALIDATE):
                await asyncio.sleep(0.01)
        await asyncio.sleep(0.5)
        for task, line in zip(leaving, lines, strict=False):
            task.cancel()
            line.close()
        enough.set()
        answers = await asyncio.gather(*asking[5:])
        for line in lines:
            line.close()
        assert {(each.status, each.json["source"]) for each in answers} <= {(200, "auth_service"), (200, "cache")}
        assert len(service.delivered(VALIDATE)) == 1
        assert word_of(await check(running, "opaque")) == "cache"


async def test_a_page_load_with_an_expired_token_is_one_refresh(authd: AuthService) -> None:
    async with in_front(authd) as running:
        session = await log_in(running)
        answers = await asyncio.gather(
            *(running.post("/refresh", {"refresh_token": session.refresh_token}) for _ in range(10))
        )
        assert {each.status for each in answers} == {200}
        assert len({each.json["refresh_token"] for each in answers}) == 1
        late = await running.post("/refresh", {"refreshToken": session.refresh_token})
        assert late.json["refresh_token"] == answers[0].json["refresh_token"], "a late one is no thief"
        successor = await running.post("/refresh", {"refresh_token": answers[0].json["refresh_token"]})
        assert successor.status == 200
