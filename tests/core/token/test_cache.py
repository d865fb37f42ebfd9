"""What is remembered of tokens: never longer than it is so, never of somebody else, never more than there is room for.

It must never depend on a clock: every instant here is told.
"""

import tracemalloc
from hashlib import sha256
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netra.core.token.cache import (
    IN_USE_COUNT,
    LASTING_REFUSALS,
    PACKED_BYTES,
    REFUSED_S,
    TokenCache,
)
from netra.core.verdict.causes import PUBLIC_INVALID_TOKEN, REJECTIONS, TABLE, Phase
from netra.core.verdict.operations import MAX_EPOCH_S, Identity, User
from netra.core.verdict.outcomes import Rejected, Tried
from tests.core.support import quick

NOW_S: Final = 1000.0
FRESH_S: Final = 30.0
STALE_S: Final = 300.0
REVOKED: Final = Rejected(TABLE["token_revoked"])
ADA: Final = Identity(User("u-1", "ada@example.com", "Ada"), 1_800_000_900, "jwt", "t-1", "s-1")
BOB: Final = Identity(User("u-2", None, None), None, "auth_service", None, None)


def key_of(name: object) -> bytes:
    """A fingerprint for a name."""
    return sha256(str(name).encode()).digest()


A: Final = key_of("a")


def put(cache: TokenCache, name: object, identity: Identity = ADA, now_s: float = NOW_S) -> bytes:
    """Have a token found good, for the usual time; its fingerprint."""
    key = key_of(name)
    cache.put(key, identity, now_s, now_s + FRESH_S, now_s + FRESH_S + STALE_S)
    return key


def known(cache: TokenCache, *names: object, now_s: float = NOW_S) -> list[object]:
    """Which of these the cache says are good."""
    return [name for name in names if isinstance(cache.get(key_of(name), now_s), Identity)]


# --- good tokens ----------------------------------------------------------------------------------------------------


def test_an_empty_cache_knows_nothing() -> None:
    cache = TokenCache()
    assert cache.get(A, NOW_S) is None
    assert cache.stale(A, NOW_S) is None
    assert (cache.kept_count, cache.refused_count) == (0, 0)


@pytest.mark.parametrize("identity", [ADA, BOB], ids=["of a JWT", "of an opaque token"])
def test_whom_a_token_stands_for_is_said_again_and_that_it_was_remembered(identity: Identity) -> None:
    cache = TokenCache()
    put(cache, "a", identity)
    for _ in range(4):
        found = cache.get(A, NOW_S)
        assert found == identity._replace(source="cache")
        assert isinstance(found, Identity)
        assert isinstance(found.user, User)


texts = st.text(st.characters(codec="utf-8"), max_size=30)
identities = st.builds(
    Identity,
    st.builds(User, texts, st.none() | texts, st.none() | texts),
    st.none() | st.integers(0, MAX_EPOCH_S),
    st.sampled_from(["jwt", "auth_service"]),
    st.none() | texts,
    st.none() | texts,
)


@quick
@given(identities)
def test_whatever_is_said_of_somebody_is_said_again_unchanged(identity: Identity) -> None:
    cache = TokenCache()
    cache.put(A, identity, NOW_S, NOW_S + FRESH_S, NOW_S + STALE_S)
    assert [cache.get(A, NOW_S) for _ in range(3)] == [identity._replace(source="cache")] * 3
    assert cache.stale(A, NOW_S + FRESH_S) == identity._replace(source="stale")


@pytest.mark.parametrize("asked_before", [0, 1, 2], ids=["never", "once", "twice"])
def test_it_is_fresh_until_the_very_instant_and_then_of_use_until_another(asked_before: int) -> None:
    cache = TokenCache()
    put(cache, "a")
    for _ in range(asked_before):
        cache.get(A, NOW_S)
    assert cache.get(A, NOW_S + FRESH_S - 0.001) == ADA._replace(source="cache")
    assert cache.get(A, NOW_S + FRESH_S) is None
    assert cache.stale(A, NOW_S + FRESH_S) == ADA._replace(source="stale")
    assert cache.stale(A, NOW_S + FRESH_S + STALE_S - 0.001) == ADA._replace(source="stale")
    assert cache.stale(A, NOW_S + FRESH_S + STALE_S) is None
    assert cache.get(A, NOW_S + FRESH_S + STALE_S) is None


@pytest.mark.parametrize("stale_until_s", [NOW_S + FRESH_S, NOW_S, 0.0])
def test_without_a_budget_for_it_nothing_is_ever_stale(stale_until_s: float) -> None:
    cache = TokenCache()
    cache.put(A, ADA, NOW_S, NOW_S + FRESH_S, stale_until_s)
    assert cache.get(A, NOW_S + FRESH_S - 0.001) is not None
    assert cache.stale(A, NOW_S + FRESH_S) is None


def test_a_token_at_its_end_is_not_remembered_and_what_was_known_of_it_is_forgotten() -> None:
    cache = TokenCache()
    put(cache, "b")
    put(cache, "a")
    cache.put(A, ADA, NOW_S, NOW_S, NOW_S)
    assert cache.get(A, NOW_S) is None
    assert cache.stale(A, NOW_S) is None
    assert cache.kept_count == 1


def test_what_is_not_fresh_but_of_use_at_once_is_only_stale() -> None:
    cache = TokenCache()
    cache.put(A, ADA, NOW_S, NOW_S, NOW_S + STALE_S)
    assert cache.get(A, NOW_S) is None
    assert cache.stale(A, NOW_S) == ADA._replace(source="stale")


@pytest.mark.parametrize("asked_before", [0, 1, 2], ids=["never", "once", "twice"])
def test_what_is_found_out_later_counts_at_once(asked_before: int) -> None:
    cache = TokenCache()
    put(cache, "a")
    for _ in range(asked_before):
        cache.get(A, NOW_S)
    put(cache, "a", BOB, NOW_S + 10)
    assert cache.get(A, NOW_S + 10) == BOB._replace(source="cache")
    assert cache.get(A, NOW_S + FRESH_S + 5) == BOB._replace(source="cache")
    assert cache.kept_count == 1


@pytest.mark.parametrize("asked_before", [0, 1, 2], ids=["never", "once", "twice"])
def test_what_is_forgotten_is_neither_fresh_nor_stale(asked_before: int) -> None:
    cache = TokenCache()
    put(cache, "a")
    put(cache, "b", BOB)
    for _ in range(asked_before):
        cache.get(A, NOW_S)
    cache.forget(A)
    cache.forget(A)
    assert cache.get(A, NOW_S) is None
    assert cache.stale(A, NOW_S) is None
    assert known(cache, "a", "b") == ["b"]


# --- refusals -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", sorted(LASTING_REFUSALS))
def test_a_lasting_refusal_is_said_again_for_five_seconds(code: str) -> None:
    cache, rejected = TokenCache(), Rejected(TABLE[code])
    cache.refuse(A, rejected, NOW_S)
    assert cache.get(A, NOW_S + REFUSED_S - 0.001) == rejected
    assert cache.get(A, NOW_S + REFUSED_S) is None
    assert cache.stale(A, NOW_S) is None


def test_what_time_or_another_request_mends_is_not_remembered_as_refused() -> None:
    others = {cause.code for cause in REJECTIONS} - LASTING_REFUSALS
    assert {"token_not_yet_valid", "token_missing", "too_many_attempts"} <= others
    cache = TokenCache()
    for code in sorted(others):
        cache.refuse(A, Rejected(TABLE[code]), NOW_S)
        assert cache.get(A, NOW_S) is None, code
    assert cache.refused_count == 0
    assert all(TABLE[code].public_code == PUBLIC_INVALID_TOKEN for code in LASTING_REFUSALS)


@pytest.mark.parametrize("code", ["token_revoked", "token_not_yet_valid"])
@pytest.mark.parametrize("asked_before", [0, 1, 2], ids=["never", "once", "twice"])
def test_who_was_good_and_is_refused_is_good_no_longer(asked_before: int, code: str) -> None:
    cache = TokenCache()
    put(cache, "a")
    for _ in range(asked_before):
        cache.get(A, NOW_S)
    cache.refuse(A, Rejected(TABLE[code]), NOW_S)
    assert not isinstance(cache.get(A, NOW_S), Identity)
    assert cache.get(A, NOW_S + REFUSED_S) is None
    assert cache.stale(A, NOW_S) is None


def test_an_answer_that_was_asked_for_before_a_refusal_does_not_undo_it() -> None:
    cache = TokenCache()
    cache.refuse(A, REVOKED, NOW_S)
    put(cache, "a", now_s=NOW_S + 1)
    assert cache.get(A, NOW_S + 1) == REVOKED
    assert cache.kept_count == 0
    assert cache.get(A, NOW_S + REFUSED_S) is None
    put(cache, "a", now_s=NOW_S + REFUSED_S)
    assert known(cache, "a", now_s=NOW_S + REFUSED_S) == ["a"]


def test_a_refusal_that_is_said_again_holds_five_seconds_more() -> None:
    cache = TokenCache(negative_count=2)
    cache.refuse(A, REVOKED, NOW_S)
    cache.refuse(key_of("b"), REVOKED, NOW_S)
    cache.refuse(A, REVOKED, NOW_S + 3)
    assert cache.get(A, NOW_S + 3 + REFUSED_S - 0.001) == REVOKED
    cache.refuse(key_of("c"), REVOKED, NOW_S + 4)
    assert [cache.get(key_of(name), NOW_S + 4) for name in "abc"] == [REVOKED, None, REVOKED]


def test_a_remembered_refusal_does_not_tell_of_tries_that_were_another_requests() -> None:
    cache = TokenCache()
    tried = Tried(1, Phase.ANSWERED, "token_rejected", 0.01)
    cache.refuse(A, Rejected(TABLE["token_rejected"], detail="why", tried=(tried,)), NOW_S)
    assert cache.get(A, NOW_S) == Rejected(TABLE["token_rejected"], detail="why")


def test_a_flood_of_bad_tokens_moves_no_good_one_and_takes_no_more_room() -> None:
    cache = TokenCache(50, negative_count=20)
    names = list(range(50))
    for name in names:
        put(cache, name)
    for number in range(5000):
        cache.refuse(key_of(f"bad {number}"), REVOKED, NOW_S)
        assert cache.refused_count <= 20
    assert known(cache, *names) == names
    assert cache.get(key_of("bad 4999"), NOW_S) == REVOKED
    assert cache.get(key_of("bad 4979"), NOW_S) is None, "the oldest refusal goes first"


def test_refusals_that_are_over_make_room() -> None:
    cache = TokenCache()
    for number in range(100):
        cache.refuse(key_of(number), REVOKED, NOW_S)
    for number in range(100, 160):
        cache.refuse(key_of(number), REVOKED, NOW_S + REFUSED_S)
    assert cache.refused_count == 60


# --- room -----------------------------------------------------------------------------------------------------------


def test_who_was_found_good_longest_ago_goes_first() -> None:
    cache = TokenCache(3)
    for name in ("a", "b", "c", "a", "d"):
        put(cache, name)
    assert known(cache, "a", "b", "c", "d") == ["a", "c", "d"]
    assert cache.kept_count == 3


def test_who_was_pushed_out_is_gone_also_if_he_was_in_use() -> None:
    cache = TokenCache(3)
    put(cache, "a")
    assert known(cache, *["a"] * 3)
    for name in ("b", "c", "d"):
        put(cache, name)
    assert known(cache, "a", "b", "c", "d") == ["b", "c", "d"]
    assert len(cache._in_use) <= 3


def test_what_is_over_is_dropped_as_more_comes_in() -> None:
    cache = TokenCache()
    for number in range(100):
        put(cache, number)
    later_s = NOW_S + FRESH_S + STALE_S
    put(cache, "later", now_s=later_s - 0.001)
    assert cache.kept_count == 101, "all of them may still be of use"
    for number in range(60):
        put(cache, f"later {number}", now_s=later_s)
        assert cache.kept_count >= 100 - number, "two for one that comes in, so that nobody waits for the rest"
    assert cache.kept_count == 61


def test_long_names_take_the_room_of_several() -> None:
    cache = TokenCache(100)
    long = Identity(User("u" * 1024, "e" * 1024, "n" * 1024), 1, "jwt", "t" * 1024, "s" * 1024)
    for number in range(100):
        put(cache, number)
    for number in range(1000):
        put(cache, f"long {number}", long)
        assert cache._packed_bytes <= 100 * PACKED_BYTES
        assert cache._packed_bytes == sum(len(packed) for _, _, packed in cache._kept.values())
    assert known(cache, "long 999") == ["long 999"]
    assert 1 <= cache.kept_count <= 6


def test_one_that_is_longer_than_all_the_room_is_not_remembered() -> None:
    cache = TokenCache(1)
    put(cache, "a", Identity(User("u" * 1024, None, None), 1))
    assert (known(cache, "a"), cache.kept_count, cache._packed_bytes) == ([], 0, 0)


def test_who_is_asked_for_again_and_again_is_unpacked_no_more() -> None:
    cache = TokenCache()
    put(cache, "a")
    first, second, third, fourth = (cache.get(A, NOW_S) for _ in range(4))
    assert first is not second, "who is asked for once takes no room unpacked"
    assert second is third is fourth


def test_however_many_are_in_use_each_is_told_his_own_and_few_are_unpacked() -> None:
    cache = TokenCache()
    names = [f"u-{number}" for number in range(IN_USE_COUNT + 300)]
    for name in names:
        put(cache, name, Identity(User(name, None, None), None))
    for _ in range(2):
        for name in names:
            for _ in range(2):
                found = cache.get(key_of(name), NOW_S)
                assert isinstance(found, Identity)
                assert found.user.id == name
    assert len(cache._in_use) <= IN_USE_COUNT
    assert len(cache._once) <= IN_USE_COUNT


def test_a_hundred_thousand_tokens_fit_into_sixty_mebibytes() -> None:
    """A part of them: as tables double, the same for each token, in less time."""
    count = 100_000 // 32
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        cache = TokenCache(count)
        for number in range(count):
            user_id, session_id = f"{number:08x}-7b1a-4a43-9a51-0a9f5b7f6a10", f"{number:08x}-1c2d-4e3f-8a9b-5d6e7f8"
            user = User(user_id, f"user.{number:07d}@example.com", f"User Number {number}")
            now_s = NOW_S + number / 1e6
            identity = Identity(user, 1_800_000_000 + number, "jwt", f"{number:022x}", session_id)
            cache.put(key_of(number), identity, now_s, now_s + FRESH_S, now_s + FRESH_S + STALE_S)
        taken_bytes = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    assert cache.kept_count == count
    assert taken_bytes * 32 < 60 * 2**20, f"{taken_bytes / count:.0f} bytes a token"


# --- counting -------------------------------------------------------------------------------------------------------


def test_questions_are_counted_by_how_they_were_answered() -> None:
    cache = TokenCache()
    put(cache, "a")
    cache.refuse(key_of("b"), REVOKED, NOW_S)
    for name in ("a", "a", "a", "b", "c"):
        cache.get(key_of(name), NOW_S)
    cache.get(A, NOW_S + FRESH_S)
    cache.stale(A, NOW_S + FRESH_S)
    cache.stale(key_of("c"), NOW_S)
    assert (cache.hits_count, cache.misses_count, cache.stale_count) == (4, 2, 1)
