"""The chaos proxy's port and its limits: how connections are met, how many, how much, and what is left at the end.

It must never take a connection for one that was served: the server's own count is looked at.
"""

import asyncio
import os
import resource
import socket
import time
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from netra.lab.chaos_proxy import ChaosProxy
from netra.lab.chaos_ways import Ending, Faults, Way
from tests.lab.raw_ends import PATIENCE_S, SILENCE_S, Bench, End, bench


@pytest_asyncio.fixture(loop_scope="module")
async def one() -> AsyncIterator[Bench]:
    async with bench(seed=7) as made:
        yield made


async def passes(one: Bench) -> bool:
    """Does a new connection carry something to the server?"""
    client = await one.connect()
    server = await one.server.next()
    await client.send(b"hello")
    return await server.receive(5) == b"hello"


async def refused(one: Bench) -> bool:
    try:
        client = await one.connect()
    except ConnectionError:
        # A port that closes while we stand in its queue resets us.
        return True
    client.writer.transport.abort()
    return False


async def test_reset_at_connect_leaves_the_server_alone(one: Bench) -> None:
    one.proxy.switch(Faults(welcome="reset"))
    client = await one.connect()
    assert await client.rest() == (b"", "reset")
    assert (one.proxy.tally.connections_count, one.server.accepted_count) == (1, 0)
    one.proxy.switch()
    assert await passes(one)


async def test_a_black_hole_takes_connections_and_says_nothing_and_the_server_hears_nothing(one: Bench) -> None:
    one.proxy.switch(Faults(welcome="black-hole"))
    client = await one.connect()
    await client.send(b"x" * 300_000)
    assert await client.rest(SILENCE_S) == (b"", "open")
    assert one.server.accepted_count == 0
    client.writer.close()
    await one.settled()


async def test_with_a_full_queue_connecting_hangs_until_it_is_mended(one: Bench) -> None:
    one.proxy.switch(Faults(welcome="stop-accepting"))
    connecting = asyncio.ensure_future(one.connect())
    done, _ = await asyncio.wait({connecting}, timeout=0.5)
    assert not done
    one.proxy.switch()
    # TCP asks again a second after the first time.
    client, server = await connecting, await one.server.next()
    await client.send(b"at last")
    assert await server.receive(7) == b"at last"


async def test_a_refused_port_keeps_open_connections_and_comes_back_with_the_same_number(one: Bench) -> None:
    sender, receiver = await one.pair("to_server")
    port = one.proxy.port
    one.proxy.switch(Faults(welcome="refuse"))
    assert await refused(one)
    await sender.send(b"still")
    assert await receiver.receive(5) == b"still"
    one.proxy.switch()
    assert one.proxy.port == port
    assert await passes(one)


async def test_nobody_else_gets_the_port_while_it_is_refused(one: Bench) -> None:
    one.proxy.switch(Faults(welcome="refuse"))
    with socket.socket() as somebody, pytest.raises(OSError, match="in use"):
        somebody.bind(("127.0.0.1", one.proxy.port))


async def test_a_flapping_port_is_up_and_down_in_turns_and_going_down_resets_what_is_open(one: Bench) -> None:
    sender, receiver = await one.pair("to_server")
    one.proxy.switch(Faults(flap_s=0.1))
    assert [await sender.rest(), await receiver.rest()] == [(b"", "reset")] * 2
    seen, end_s = list[bool](), time.monotonic() + PATIENCE_S
    while str(seen).count("False, True") < 2 and time.monotonic() < end_s:
        seen.append(not await refused(one))
        await asyncio.sleep(0.02)
    assert str(seen).count("False, True") >= 2, seen
    one.proxy.switch()
    await asyncio.sleep(0.25)
    assert not await refused(one)


async def test_open_connections_can_be_reset_at_once(one: Bench) -> None:
    pairs = [await one.pair("to_server") for _ in range(3)]
    one.proxy.reset_open()
    ended = await asyncio.gather(*(end.rest() for pair in pairs for end in pair))
    assert ended == [(b"", "reset")] * 6
    assert await passes(one)


@pytest.mark.parametrize(("share", "least", "most"), [(0.0, 0, 0), (0.5, 1, 19), (1.0, 20, 20)])
async def test_only_its_share_of_the_connections_meets_a_fault(one: Bench, share: float, least: int, most: int) -> None:
    one.proxy.switch(Faults(welcome="reset", share=share))
    clients = [await one.connect() for _ in range(20)]
    ended = await asyncio.gather(*(client.rest(SILENCE_S) for client in clients))
    assert least <= ended.count((b"", "reset")) <= most
    assert ended.count((b"", "reset")) + ended.count((b"", "open")) == 20


async def shared(seed: int) -> list[str]:
    async with bench(seed=seed) as one:
        one.proxy.switch(Faults(welcome="reset", share=0.5))
        return [(await (await one.connect()).rest(0.05))[1] for _ in range(12)]


async def test_a_seed_repeats_which_connections_meet_a_fault() -> None:
    assert await shared(3) == await shared(3) != await shared(4)


async def test_with_as_many_connections_as_it_may_have_a_further_one_waits_for_one_to_end() -> None:
    async with bench(most_connections=2) as one:
        pairs = [await one.pair("to_server") for _ in range(2)]
        third = await one.connect()
        await third.send(b"me too")
        await asyncio.sleep(SILENCE_S)
        assert (one.server.accepted_count, one.proxy.open_count) == (2, 2)
        pairs[0][0].writer.close()
        pairs[0][1].writer.close()
        assert await (await one.server.next()).receive(6) == b"me too"


async def test_a_receiver_that_does_not_read_holds_up_its_sender(one: Bench) -> None:
    sender, _ = await one.pair("to_server")
    sent_bytes = 0
    while sent_bytes < 256 * 1024**2:
        try:
            async with asyncio.timeout(0.5):
                await sender.send(b"x" * 64 * 1024)
        except TimeoutError:
            break
        sent_bytes += 64 * 1024
    # Two pairs of socket buffers, of some megabytes each where the system lets them grow, and our own.
    assert sent_bytes < 64 * 1024**2


STATES = {
    "idle": Faults(),
    "late": Faults(to_client=Way(latency_s=60.0)),
    "dripping": Faults(to_client=Way(drip_s=5.0)),
    "swallowing": Faults(to_client=Way(ending=Ending("swallow", 0, 0))),
    "black hole": Faults(welcome="black-hole"),
    "flapping": Faults(flap_s=60.0),
    "hanging": Faults(welcome="stop-accepting"),
    "refusing": Faults(welcome="refuse"),
}


@pytest.mark.parametrize("state", STATES)
async def test_its_end_is_swift_and_leaves_neither_task_nor_connection_nor_port(state: str) -> None:
    async with bench() as one:
        before = await one.pair("to_server")
        one.proxy.switch(STATES[state])
        clients = [before[0]]
        if STATES[state].welcome in {"pass-on", "black-hole"}:
            clients.append(await one.connect())
        await before[1].send(b"x" * 1_000)
        await before[0].send(b"y" * 1_000)
        await asyncio.sleep(0.05)
        begun_s = time.monotonic()
        await one.proxy.__aexit__(None, None, None)
        assert time.monotonic() - begun_s < 5.0
        ended = await asyncio.gather(*(client.rest() for client in clients))
        assert {how for _, how in ended} <= {"closed", "reset"}
        assert await refused(one)


async def test_its_end_does_not_wait_for_a_receiver_that_does_not_read(one: Bench) -> None:
    sender, _ = await one.pair("to_server")
    sending = asyncio.ensure_future(sender.send(b"x" * 64 * 1024**2))
    await asyncio.sleep(0.3)
    begun_s = time.monotonic()
    await one.proxy.__aexit__(None, None, None)
    assert time.monotonic() - begun_s < 5.0
    with pytest.raises(ConnectionError):
        await sending


async def test_a_connection_that_comes_with_the_end_is_closed() -> None:
    async with bench() as one:
        with socket.socket() as raw:
            # At once, so that the proxy ends between the accepting and the first step of the carrying.
            raw.connect(("127.0.0.1", one.proxy.port))
            while not one.proxy.open_count:
                await asyncio.sleep(0)
            await one.proxy.__aexit__(None, None, None)
            assert one.proxy.open_count == 0


async def test_a_port_that_is_taken_is_an_error_and_nothing_is_left() -> None:
    with socket.socket() as somebody:
        somebody.bind(("127.0.0.1", 0))
        somebody.listen()
        proxy = ChaosProxy("127.0.0.1", 1, port=somebody.getsockname()[1])
        with pytest.raises(OSError, match="in use"):
            await proxy.__aenter__()
    assert proxy.open_count == 0


async def test_out_of_descriptors_it_waits_and_goes_on(one: Bench) -> None:
    loop, (soft, hard) = asyncio.get_running_loop(), resource.getrlimit(resource.RLIMIT_NOFILE)
    with socket.socket() as raw:
        raw.setblocking(False)
        lowest_free = os.dup(raw.fileno())
        os.close(lowest_free)
        resource.setrlimit(resource.RLIMIT_NOFILE, (lowest_free, hard))
        try:
            await loop.sock_connect(raw, ("127.0.0.1", one.proxy.port))
            await asyncio.sleep(0.05)
            count = one.proxy.tally.connections_count
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        await loop.sock_sendall(raw, b"patient")
        server = await one.server.next()
        assert (count, await server.receive(7)) == (0, b"patient")


async def test_it_listens_on_ipv6_and_passes_on_to_ipv4(one: Bench) -> None:
    async with ChaosProxy("127.0.0.1", one.server.port, "::1") as proxy:
        client = End(*await asyncio.open_connection("::1", proxy.port))
        one.clients.append(client)
        await client.send(b"six")
        assert await (await one.server.next()).receive(3) == b"six"
