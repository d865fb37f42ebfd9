"""A gate from its opening to its end: loops, cancellation, many at once, and what is left behind.

It must never wait for an instant: what has to come first is awaited.
"""

import asyncio
import gc
import threading
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from typing import Any, Final, TypeVar

import pytest

from netra.core.events import AttemptEnded, Stage
from netra.embed import Accepted, Gate, Outcome, open_gate
from netra.lab.connection import Connection, Delivery, Script
from netra.lab.faulty_auth_service import FaultyAuthService
from netra.lab.healthy import WRONG_PASSWORD
from netra.lab.scripts import json_reply, session
from netra.testing.fakes import Recorded
from tests.embed.support import code_of, known_to, opened, told
from tests.incidents.operators import EMAIL, PASSWORD, AuthService
from tests.support.gateways import IMPATIENT
from tests.support.labs import lab
from tests.support.wire import LONGEST_S

T = TypeVar("T")


class HeldBack:
    """A login's reply that comes when a test lets it."""

    def __init__(self, script: Script | None = None) -> None:
        self.arrived = asyncio.Event()
        self.released = asyncio.Event()
        self._script = script or json_reply(200, session(EMAIL))

    async def __call__(self, connection: Connection, delivery: Delivery) -> None:
        """Hold it back."""
        self.arrived.set()
        await self.released.wait()
        await self._script(connection, delivery)


def others() -> set["asyncio.Task[object]"]:
    """Every task of this event loop but the test's own."""
    return {each for each in asyncio.all_tasks() if each is not asyncio.current_task()}


async def held(service: FaultyAuthService) -> HeldBack:
    held_back = HeldBack()
    service.answer("/auth/login", held_back)
    return held_back


async def test_whoever_is_cancelled_leaves_a_login_that_goes_on_and_is_told() -> None:
    async with FaultyAuthService() as service, opened(told(service.url)) as one:
        held_back = await held(service)
        waiting = asyncio.create_task(one.gate.log_in(EMAIL, PASSWORD, request_id="left"))
        await held_back.arrived.wait()
        connections_count = service.connections_count
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert one.ended == []
        held_back.released.set()
        async with asyncio.timeout(LONGEST_S):
            while not one.ended:
                await asyncio.sleep(0.01)
        (ended,) = one.ended
        assert (ended.request_id, code_of(ended.outcome)) == ("left", "accepted")
        assert service.connections_count == connections_count, "the connection was given up"
        assert len(service.delivered("/auth/login")) == 1


async def test_a_hosts_own_timeout_ends_its_waiting_alone() -> None:
    async with FaultyAuthService() as service:
        held_back = await held(service)
        async with opened(told(service.url, **IMPATIENT)) as one:
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.1):
                    await one.gate.log_in(EMAIL, PASSWORD)
            assert held_back.arrived.is_set()
        assert [code_of(each.outcome) for each in one.ended] == ["unknown response_timeout"]
        held_back.released.set()


async def test_the_end_of_a_gate_waits_for_what_is_under_way() -> None:
    async with FaultyAuthService() as service:
        held_back = await held(service)
        async with open_gate(told(service.url), tell=Recorded()) as gate:
            waiting = asyncio.create_task(gate.log_in(EMAIL, PASSWORD))
            await held_back.arrived.wait()
            ending = asyncio.create_task(gate.close())
            await asyncio.sleep(0)
            assert code_of(await gate.log_in(EMAIL, PASSWORD)) == "unknown draining"
            assert not ending.done()
            held_back.released.set()
            assert code_of(await waiting) == "accepted"
            await ending


async def test_whoever_cannot_wait_for_the_end_cancels_what_is_under_way() -> None:
    async with FaultyAuthService() as service:
        held_back = await held(service)

        async def whole_life() -> None:
            async with open_gate(told(service.url), tell=Recorded()) as gate:
                waiting.append(asyncio.create_task(gate.log_in(EMAIL, PASSWORD)))
                await held_back.arrived.wait()

        waiting: list[asyncio.Task[object]] = []
        life = asyncio.create_task(whole_life())
        await held_back.arrived.wait()
        for _ in range(5):
            await asyncio.sleep(0)  # until it waits for the login
        life.cancel()
        with pytest.raises(asyncio.CancelledError):
            await life
        with pytest.raises(asyncio.CancelledError):
            await waiting[0]


ASKED: Final[Mapping[str, Callable[[Gate], Awaitable[Outcome[Any]]]]] = {
    "login": lambda gate: gate.log_in(EMAIL, PASSWORD),
    "register": lambda gate: gate.register(EMAIL, PASSWORD),
    "refresh": lambda gate: gate.refresh("token"),
    "logout": lambda gate: gate.log_out("token"),
    "me": lambda gate: gate.who_is("token"),
    "config": lambda gate: gate.offer(),
}


async def test_a_closed_gate_drains_whatever_it_is_asked_and_tells_it() -> None:
    async with FaultyAuthService() as service:
        async with opened(told(service.url)) as one:
            assert code_of(await one.gate.offer()) == "accepted"
        asked_count = len(service.journal)
        one.recorded.events.clear()
        for ask in ASKED.values():
            outcome = await ask(one.gate)
            assert code_of(outcome) == "unknown draining"
            assert not isinstance(outcome, Accepted)
            assert one.gate.problem_response(outcome).status == 503
        assert len(service.journal) == asked_count
    assert [(each.journey, code_of(each.outcome)) for each in one.ended] == [
        (journey, "unknown draining") for journey in ASKED
    ]
    assert [bool(each.account) for each in one.ended] == [True, True, False, False, False, False]


async def test_closing_twice_is_no_fault(auth_service: AuthService) -> None:
    async with opened(known_to(auth_service)) as one:
        await one.gate.close()
        await one.gate.close()


async def test_nothing_is_left_behind() -> None:
    before, threads = others(), threading.active_count()
    async with FaultyAuthService() as service:
        serving = others()
        async with opened(told(service.url, NETRA_PROBE_INTERVAL_S="0.5")) as one:
            outcomes = await asyncio.gather(*(one.gate.log_in(EMAIL, PASSWORD) for _ in range(20)))
            assert {code_of(each) for each in outcomes} == {"accepted"}
            assert others() > serving, "no upkeep was running: this test would see nothing"
            assert not one.gate._flights
        async with asyncio.timeout(LONGEST_S):
            while others() - serving:  # the lab's own ends, once it has seen the connections end
                await asyncio.sleep(0.01)
    assert others() == before
    assert threading.active_count() == threads
    stages = [each.name for each in one.recorded.of(Stage)]
    assert stages == ["started", "stopped"]
    gc.collect()  # a socket that nobody closed would warn now, and a warning is a failure here


async def test_many_at_once_get_each_their_own_verdict(auth_service: AuthService) -> None:
    passwords = [PASSWORD, "wrong", "", PASSWORD, "also wrong", PASSWORD]
    async with opened(known_to(auth_service)) as one:
        attempts = (one.gate.log_in(EMAIL, each, request_id=f"r{at}") for at, each in enumerate(passwords))
        outcomes = [code_of(each) for each in await asyncio.gather(*attempts)]
    wrong, unusable = "rejected invalid_credentials", "rejected invalid_fields"
    assert outcomes == ["accepted", wrong, unusable, "accepted", wrong, "accepted"]
    assert {each.request_id: code_of(each.outcome) for each in one.ended} == {
        f"r{at}": outcome for at, outcome in enumerate(outcomes) if outcome != unusable
    }


async def test_more_than_may_be_under_way_are_told_so() -> None:
    async with FaultyAuthService() as service, opened(told(service.url, NETRA_MAX_IN_FLIGHT="1")) as one:
        held_back = await held(service)
        first = asyncio.create_task(one.gate.log_in(EMAIL, PASSWORD))
        await held_back.arrived.wait()
        assert code_of(await one.gate.log_in(EMAIL, PASSWORD)) == "unknown connection_limit_reached"
        held_back.released.set()
        assert code_of(await first) == "accepted"


async def test_several_gates_in_one_process_know_nothing_of_each_other() -> None:
    async with AsyncExitStack() as stack:
        services = [await stack.enter_async_context(FaultyAuthService()) for _ in range(2)]
        first, second = [
            await stack.enter_async_context(opened(told(each.url, NETRA_DISCLOSE=disclose)))
            for each, disclose in zip(services, ("operator", "public"), strict=True)
        ]
        await services[0].stop()
        broken, good = await first.gate.log_in(EMAIL, PASSWORD), await second.gate.log_in(EMAIL, PASSWORD)
        assert (code_of(broken), code_of(good)) == ("unknown connection_refused", "accepted")
        assert not isinstance(broken, Accepted)
        assert b"connection_refused" in first.gate.problem_response(broken).body
        assert b"connection_refused" not in second.gate.problem_response(broken).body
        await first.gate.close()
        assert code_of(await second.gate.log_in(EMAIL, WRONG_PASSWORD)) == "rejected invalid_credentials"
        assert [len(each.ended) for each in (first, second)] == [1, 2]


def test_one_after_the_other_in_event_loops_of_their_own() -> None:
    async def once(environ: Mapping[str, str]) -> tuple[str, list[AttemptEnded]]:
        async with opened(environ) as one:
            return code_of(await one.gate.log_in(EMAIL, PASSWORD)), one.ended

    with lab() as service:
        for _ in range(3):
            code, ended = asyncio.run(once(told(service.url)))
            assert (code, len(ended)) == ("accepted", 1)


def test_threads_share_a_gate_through_its_event_loop() -> None:
    async def entered(stack: AsyncExitStack, url: str) -> Gate:
        return await stack.enter_async_context(open_gate(told(url), tell=Recorded()))

    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()

    def answer(asked: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(asked, loop).result(LONGEST_S)

    with lab() as service:
        stack = AsyncExitStack()
        gate = answer(entered(stack, service.url))
        with ThreadPoolExecutor(4) as pool:
            outcomes = pool.map(lambda _: answer(gate.log_in(EMAIL, PASSWORD)), range(8))
            assert [code_of(each) for each in outcomes] == ["accepted"] * 8
        answer(stack.aclose())
    loop.call_soon_threadsafe(loop.stop)
    thread.join(LONGEST_S)
    loop.close()


def test_a_gate_in_another_event_loop_says_where_it_belongs() -> None:
    async def opened_and_used_elsewhere(url: str) -> None:
        async with opened(told(url)) as one:
            assert code_of(await one.gate.log_in(EMAIL, PASSWORD)) == "accepted"
            for ask in ASKED.values():
                with pytest.raises(RuntimeError, match=r"opened in another event loop.*open_gate"):
                    await asyncio.to_thread(asyncio.run, asked(ask, one.gate))
            outcome = await one.gate.log_in(EMAIL, WRONG_PASSWORD)
            assert not isinstance(outcome, Accepted)
            response = await asyncio.to_thread(one.gate.problem_response, outcome)
            assert response.status == 401, "words need no loop"
        assert len(one.ended) == 2

    async def asked(ask: Callable[[Gate], Awaitable[Outcome[Any]]], gate: Gate) -> None:
        await ask(gate)

    with lab() as service:
        asyncio.run(opened_and_used_elsewhere(service.url))
