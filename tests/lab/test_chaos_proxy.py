"""The chaos proxy on real sockets: what each fault of one direction does to raw bytes.

It must never pass because a fault did nothing: what gets through is compared to the byte.
"""

import asyncio
import os
import time
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
import pytest_asyncio

from netra.lab.chaos_proxy import NO_FAULTS
from netra.lab.chaos_ways import Ending, Faults, How, Way
from tests.lab.raw_ends import SILENCE_S, Bench, bench

BOTH = pytest.mark.parametrize("direction", ["to_server", "to_client"])


@pytest_asyncio.fixture(loop_scope="module")
async def one() -> AsyncIterator[Bench]:
    async with bench(seed=7) as made:
        yield made


def on(direction: str, way: Way) -> Faults:
    return replace(NO_FAULTS, to_server=way) if direction == "to_server" else replace(NO_FAULTS, to_client=way)


def other(direction: str) -> str:
    return "to_client" if direction == "to_server" else "to_server"


def after(how: How, count: int) -> Way:
    return Way(ending=Ending(how, count, count))


async def test_without_a_fault_a_megabyte_passes_unchanged_both_ways_at_once(one: Bench) -> None:
    client, server = await one.pair("to_server")
    sent, came = os.urandom(1_000_000), os.urandom(1_000_000)
    got = await asyncio.gather(
        client.send(sent), server.send(came), server.receive(len(sent)), client.receive(len(came))
    )
    assert (got[2] == sent, got[3] == came) == (True, True)
    tally = one.proxy.tally
    assert (tally.connections_count, tally.to_server_bytes, tally.to_client_bytes) == (1, 1_000_000, 1_000_000)


@BOTH
async def test_the_end_of_a_direction_passes_and_the_other_direction_goes_on(one: Bench, direction: str) -> None:
    sender, receiver = await one.pair(direction)
    await sender.send(b"last words")
    sender.writer.write_eof()
    assert await receiver.rest() == (b"last words", "closed")
    await receiver.send(b"an answer")
    assert await sender.receive(9) == b"an answer"


@BOTH
async def test_a_reset_of_one_end_is_a_reset_of_the_other(one: Bench, direction: str) -> None:
    sender, receiver = await one.pair(direction)
    sender.reset()
    assert await receiver.rest() == (b"", "reset")
    await one.settled()


async def test_a_client_of_a_server_that_is_not_there_is_reset_and_counted(one: Bench) -> None:
    await one.server.__aexit__(None, None, None)
    client = await one.connect()
    assert await client.rest() == (b"", "reset")
    assert one.proxy.tally.unreachable_count == 1


@BOTH
async def test_latency_delays_all_that_is_sent_by_the_same_time_and_not_one_piece_after_another(
    one: Bench, direction: str
) -> None:
    sender, receiver = await one.pair(direction)
    one.proxy.switch(on(direction, Way(latency_s=0.3)))
    begun_s = time.monotonic()
    for _ in range(10):
        await sender.send(b"piece")
        await asyncio.sleep(0.01)
    assert await receiver.receive(50) == b"piece" * 10
    assert 0.3 <= time.monotonic() - begun_s < 2.0, "ten latencies would be three seconds"


@BOTH
async def test_latency_delays_the_end_as_well(one: Bench, direction: str) -> None:
    sender, receiver = await one.pair(direction)
    one.proxy.switch(on(direction, Way(latency_s=0.2)))
    begun_s = time.monotonic()
    sender.writer.write_eof()
    assert await receiver.rest() == (b"", "closed")
    assert time.monotonic() - begun_s >= 0.2


@BOTH
async def test_the_other_direction_is_not_delayed(one: Bench, direction: str) -> None:
    sender, receiver = await one.pair(direction)
    one.proxy.switch(on(other(direction), Way(latency_s=30.0)))
    await sender.send(b"at once")
    assert await receiver.receive(7) == b"at once"


@BOTH
async def test_jitter_keeps_the_order(one: Bench, direction: str) -> None:
    sender, receiver = await one.pair(direction)
    one.proxy.switch(on(direction, Way(jitter_s=0.05)))
    pieces = [f"{number:03},".encode() for number in range(60)]
    for piece in pieces:
        await sender.send(piece)
        await asyncio.sleep(0.001)
    assert await receiver.receive(240) == b"".join(pieces)


@BOTH
async def test_no_more_than_the_bandwidth_gets_through(one: Bench, direction: str) -> None:
    sender, receiver = await one.pair(direction)
    one.proxy.switch(on(direction, Way(bandwidth_bytes_per_s=10_000)))
    begun_s = time.monotonic()
    await sender.send(b"x" * 4_000)
    await receiver.receive(1)
    first_s = time.monotonic() - begun_s
    await receiver.receive(3_999)
    all_s = time.monotonic() - begun_s
    # The first piece goes at once, the last one is not waited for: 200 bytes each.
    assert all_s >= 0.37
    assert first_s < all_s / 2, "it comes bit by bit, not at the end"


@BOTH
async def test_dripping_sends_every_byte_alone(one: Bench, direction: str) -> None:
    sender, receiver = await one.pair(direction)
    one.proxy.switch(on(direction, Way(drip_s=0.01)))
    begun_s, pieces = time.monotonic(), list[bytes]()
    await sender.send(b"byte by byte, drop by drop")
    while sum(map(len, pieces)) < 26:
        pieces.append(await receiver.reader.read(100))
    assert b"".join(pieces) == b"byte by byte, drop by drop"
    assert time.monotonic() - begun_s >= 0.25
    assert len(pieces) > 5, "a busy machine may join a few"


@BOTH
async def test_cut_closes_both_ends_after_exactly_so_many_bytes(one: Bench, direction: str) -> None:
    sender, receiver = await one.pair(direction)
    one.proxy.switch(on(direction, after("cut", 100)))
    await sender.send(b"x" * 60)
    await sender.send(b"y" * 60)
    assert await receiver.rest() == (b"x" * 60 + b"y" * 40, "closed")
    assert (await sender.rest())[1] in {"closed", "reset"}
    await one.settled()


@BOTH
async def test_a_cut_does_not_wait_for_the_byte_after(one: Bench, direction: str) -> None:
    sender, receiver = await one.pair(direction)
    one.proxy.switch(on(direction, after("cut", 100)))
    await sender.send(b"x" * 100)
    assert await receiver.rest() == (b"x" * 100, "closed")


@BOTH
async def test_reset_ends_both_sides_with_rst_after_exactly_so_many_bytes(one: Bench, direction: str) -> None:
    sender, receiver = await one.pair(direction)
    one.proxy.switch(on(direction, after("reset", 100)))
    await sender.send(b"x" * 120)
    assert await receiver.rest() == (b"x" * 100, "reset")
    assert await sender.rest() == (b"", "reset")


@pytest.mark.parametrize(("how", "ended"), [("cut", "closed"), ("reset", "reset")])
async def test_after_no_bytes_at_all_means_before_anything_is_said(one: Bench, how: How, ended: str) -> None:
    one.proxy.switch(on("to_client", after(how, 0)))
    client = await one.connect()
    assert await client.rest() == (b"", ended)
    assert one.proxy.tally.to_client_bytes == 0


@BOTH
async def test_half_close_ends_one_direction_and_the_other_goes_on(one: Bench, direction: str) -> None:
    sender, receiver = await one.pair(direction)
    one.proxy.switch(on(direction, after("half-close", 100)))
    await sender.send(b"x" * 120)
    assert await receiver.rest() == (b"x" * 100, "closed")
    await receiver.send(b"still here")
    assert await sender.receive(10) == b"still here"
    await sender.send(b"nobody hears this")
    assert one.proxy.open_count == 1


@BOTH
async def test_what_is_swallowed_is_missed_by_one_side_and_noticed_by_none(one: Bench, direction: str) -> None:
    sender, receiver = await one.pair(direction)
    one.proxy.switch(on(direction, after("swallow", 100)))
    await sender.send(b"x" * 120)
    assert await receiver.rest(SILENCE_S) == (b"x" * 100, "open")
    await receiver.send(b"are you there?")
    assert await sender.receive(14) == b"are you there?"
    await sender.send(b"yes")
    assert await receiver.rest(SILENCE_S) == (b"", "open")


async def test_the_end_of_a_server_is_swallowed_as_well_until_the_client_leaves(one: Bench) -> None:
    one.proxy.switch(on("to_client", after("swallow", 0)))
    client, server = await one.pair("to_server")
    server.writer.close()
    assert await client.rest(SILENCE_S) == (b"", "open")
    client.writer.close()
    await one.settled()


async def test_a_client_that_leaves_a_swallowed_connection_ends_it(one: Bench) -> None:
    one.proxy.switch(on("to_server", after("swallow", 0)))
    client, server = await one.pair("to_server")
    await client.send(b"lost")
    client.writer.close()
    assert await server.rest() == (b"", "closed")
    await one.settled()


async def places(seed: int) -> list[int]:
    """Where the first five connections are cut, of those that go on for 1,000 bytes."""
    async with bench(seed=seed) as one:
        one.proxy.switch(on("to_client", Way(ending=Ending("cut", 1, 900))))
        found = []
        for _ in range(5):
            server, client = await one.pair("to_client")
            await server.send(b"x" * 1_000)
            found.append(len((await client.rest())[0]))
        return found


async def test_a_seed_repeats_where_connections_are_cut_and_another_one_does_not() -> None:
    first, again, different = await places(11), await places(11), await places(12)
    assert first == again != different
    assert len(set(first)) > 1
    assert all(1 <= each <= 900 for each in first)


async def test_a_fault_may_be_combined_with_others(one: Bench) -> None:
    way = Way(latency_s=0.1, jitter_s=0.05, drip_s=0.002, bandwidth_bytes_per_s=5_000, ending=Ending("reset", 50, 50))
    one.proxy.switch(Faults(to_server=way, to_client=way))
    sender, receiver = await one.pair("to_server")
    begun_s = time.monotonic()
    await sender.send(b"x" * 80)
    assert await receiver.rest() == (b"x" * 50, "reset")
    assert time.monotonic() - begun_s >= 0.1 + 49 * 0.002


@BOTH
async def test_an_open_connection_follows_a_switch_and_its_bytes_count_from_there(one: Bench, direction: str) -> None:
    sender, receiver = await one.pair(direction)
    await sender.send(b"a" * 500)
    assert await receiver.receive(500) == b"a" * 500
    one.proxy.switch(on(direction, Way(latency_s=0.2, ending=Ending("cut", 9_000, 9_000))))
    begun_s = time.monotonic()
    await sender.send(b"slow")
    assert await receiver.receive(4) == b"slow"
    assert time.monotonic() - begun_s >= 0.2
    one.proxy.switch(on(direction, after("cut", 100)))
    await sender.send(b"b" * 400)
    assert await receiver.rest() == (b"b" * 100, "closed")


async def test_a_change_of_one_direction_leaves_the_count_of_the_other_alone(one: Bench) -> None:
    faults = on("to_server", after("cut", 100))
    one.proxy.switch(faults)
    sender, receiver = await one.pair("to_server")
    await sender.send(b"x" * 60)
    assert await receiver.receive(60) == b"x" * 60
    one.proxy.switch(replace(faults, to_client=Way(latency_s=0.01)))
    await sender.send(b"x" * 60)
    assert await receiver.rest() == (b"x" * 40, "closed")


async def test_a_mended_proxy_carries_on_with_open_connections(one: Bench) -> None:
    sender, receiver = await one.pair("to_server")
    one.proxy.switch(on("to_server", Way(drip_s=0.05)))
    await sender.send(b"x" * 1_000)
    await receiver.receive(2)
    one.proxy.switch()
    assert await receiver.receive(998) == b"x" * 998
