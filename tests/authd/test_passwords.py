"""Password hashing: strong, bounded, and as slow for nobody as for somebody."""

import asyncio
import threading
from pathlib import Path
from typing import Literal

import pytest
from argon2 import PasswordHasher, extract_parameters
from argon2.low_level import Type

from netra.authd import Overloaded
from netra.authd.passwords import Passwords, hasher
from netra.core.secret import Secret
from tests.authd.support import running, settings_in

PASSWORD = Secret("correct horse battery staple")


class GatedHasher(PasswordHasher):
    """Real Argon2id, small, that counts its checks and waits at a gate."""

    def __init__(self) -> None:
        super().__init__(time_cost=1, memory_cost=8, parallelism=1)
        self.gate = threading.Event()
        self.gate.set()
        self.checks = 0

    def verify(self, hash: str | bytes, password: str | bytes) -> Literal[True]:  # noqa: A002 - the library's name
        self.gate.wait()
        self.checks += 1
        return super().verify(hash, password)


@pytest.fixture
def gated() -> GatedHasher:
    return GatedHasher()


def test_the_parameters_are_owasps_minimum_or_stronger() -> None:
    parameters = extract_parameters(hasher().hash("x"))
    assert parameters.type is Type.ID
    assert parameters.memory_cost >= 19 * 1_024
    assert parameters.time_cost >= 2
    assert parameters.parallelism == 1


async def test_only_the_password_itself_matches(gated: GatedHasher) -> None:
    passwords = Passwords(1, 1, gated)
    stored = await passwords.hashed(PASSWORD)
    assert await passwords.matches(stored, PASSWORD)
    assert not await passwords.matches(stored, Secret("correct horse battery stapl"))
    assert not await passwords.matches("not a hash", PASSWORD)
    passwords.close()


async def test_nothing_stored_never_matches_and_costs_one_check_all_the_same(gated: GatedHasher) -> None:
    passwords = Passwords(1, 1, gated)
    assert not await passwords.matches(None, PASSWORD)
    assert gated.checks == 1
    passwords.close()


async def test_passwords_are_taken_whole_beyond_72_bytes_and_unchanged(gated: GatedHasher) -> None:
    passwords = Passwords(1, 1, gated)
    long = "ä" * 512
    stored = await passwords.hashed(Secret(long))
    assert await passwords.matches(stored, Secret(long))
    assert not await passwords.matches(stored, Secret(long[:-1] + "b"))
    assert not await passwords.matches(stored, Secret(f"{long} "))
    passwords.close()


async def test_beyond_the_queue_it_sheds_and_a_free_place_is_taken_again(gated: GatedHasher) -> None:
    passwords = Passwords(1, 2, gated)
    gated.gate.clear()
    inside = [asyncio.create_task(passwords.matches(None, PASSWORD)) for _ in range(3)]
    await asyncio.sleep(0)
    with pytest.raises(Overloaded):
        await passwords.matches(None, PASSWORD)
    gated.gate.set()
    assert await asyncio.gather(*inside) == [False, False, False]
    assert not await passwords.matches(None, PASSWORD)
    passwords.close()


async def test_a_caller_that_leaves_keeps_its_place_until_the_thread_is_done(gated: GatedHasher) -> None:
    passwords = Passwords(1, 0, gated)
    gated.gate.clear()
    gone = asyncio.create_task(passwords.matches(None, PASSWORD))
    await asyncio.sleep(0)
    gone.cancel()
    await asyncio.wait({gone})
    with pytest.raises(Overloaded):
        await passwords.matches(None, PASSWORD)
    gated.gate.set()
    await asyncio.get_running_loop().run_in_executor(passwords._pool, lambda: None)  # behind it, in the only thread
    assert not await passwords.matches(None, PASSWORD)
    passwords.close()


async def test_a_full_pool_is_answered_503_overloaded_with_retry_after_and_counts_nothing(tmp_path: Path) -> None:
    async with running(settings_in(tmp_path, hash_threads=1, hash_queue=1, lockout_rejections=20)) as authd:
        replies = await asyncio.gather(*(authd.client.log_in(password="wrong") for _ in range(19)))
        shed = [reply for reply in replies if reply.status == 503]
        assert shed
        for reply in shed:
            assert (reply.code, reply.headers["Retry-After"], reply.body["retry_after"]) == ("overloaded", "1", 1)
        assert (await authd.client.log_in()).status == 200
