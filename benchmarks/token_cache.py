"""What the token cache costs in time and in memory: `python benchmarks/token_cache.py [--tokens N] [--at-most-mib M]`.

Every token, user, session and id is another one, and all texts are as long as they are in access tokens of authd.
Memory is what the operating system has given the process: the difference of its resident size around filling the cache,
measured in a process of its own. Times are CPU, medians of rounds over shuffled tokens; quote them beside the digest of
the same tokens alone, as machines differ. Opens nothing, talks to nobody, bounded by the number of tokens.
"""

import argparse
import gc
import hashlib
import os
import random
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple

from netra.core.token.cache import Fingerprint, TokenCache
from netra.core.verdict.causes import TABLE
from netra.core.verdict.operations import Identity, User
from netra.core.verdict.outcomes import Rejected

ROUNDS = 5
MEASURED_COUNT = 20_000
"""How many tokens one round of timing goes through."""
IN_USE_COUNT = 500
"""How many of them are asked for again and again."""
FRESH_S, STALE_S = 30.0, 300.0
REJECTED = Rejected(TABLE["token_revoked"])


class Row(NamedTuple):
    """One line of the table."""

    what: str
    figure: str


def tokens(count: int) -> list[str]:
    """Texts as long as an ES256 access token; what is in them makes no difference to a digest."""
    return [f"eyJhbGciOiJFUzI1NiIsInR5cCI6ImF0K2p3dCJ9.{number:0480d}.{number:086d}" for number in range(count)]


def identity(number: int) -> Identity:
    """Somebody whom no other token stands for."""
    user = User(f"{number:08x}-7b1a-4a43-9a51-0a9f5b7f6a10", f"user.{number:07d}@example.com", f"User Number {number}")
    return Identity(user, 1_800_000_000 + number, "jwt", f"{number:022x}", f"{number:08x}-1c2d-4e3f-8a9b-5d6e7f809a1b")


def resident_bytes() -> int:
    """What the process takes of the machine's memory."""
    return int(Path("/proc/self/statm").read_text("ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")


def filled(keys: Iterable[bytes], capacity_count: int) -> TokenCache:
    """A cache in which all of these are good."""
    cache = TokenCache(capacity_count)
    for number, key in enumerate(keys):
        now_s = 1000.0 + number / 1e6
        cache.put(key, identity(number), now_s, now_s + FRESH_S, now_s + FRESH_S + STALE_S)
    return cache


def memory(count: int) -> int:
    """Bytes of a cache of so many tokens, keys included; once in a process, as it keeps what it gives back."""
    fingerprint = Fingerprint("https://auth.example.com", "netra")
    gc.collect()
    before = resident_bytes()
    cache = filled((fingerprint.key(f"{number:0600d}") for number in range(count)), count)
    gc.collect()
    taken = resident_bytes() - before
    if cache.kept_count != count:
        raise SystemExit(f"{cache.kept_count} of {count} tokens are kept: the figure would mean nothing")
    return taken


def median_ns(ask: Callable[[str], object], asked: list[str]) -> float:
    """Nanoseconds of CPU for one of these, the call of a function included."""
    costs = []
    for _ in range(ROUNDS):
        began_ns = time.process_time_ns()
        for token in asked:
            ask(token)
        costs.append((time.process_time_ns() - began_ns) / len(asked))
    return statistics.median(costs)


def times(count: int) -> list[Row]:
    """What each question to a full cache costs."""
    fingerprint, texts = Fingerprint("https://auth.example.com", "netra", "keys", "configuration"), tokens(count)
    key, now_s, until_s = fingerprint.key, 1010.0, 1040.0
    cache = filled(map(key, texts), count)
    chance = random.Random(5)  # noqa: S311 - an order, not a secret
    spread = chance.sample(texts, min(count, MEASURED_COUNT))
    often = chance.choices(texts[:IN_USE_COUNT], k=MEASURED_COUNT)
    strangers = [f"x{text}" for text in spread]
    someone, get, put, refuse = identity(1), cache.get, cache.put, cache.refuse
    asked: list[tuple[str, Callable[[str], object], list[str]]] = [
        ("sha256 of the token alone", lambda token: hashlib.sha256(token.encode()).digest(), spread),
        ("fingerprint", key, spread),
        ("fingerprint + hit, one of 500 tokens in use", lambda token: get(key(token), now_s), often),
        ("fingerprint + hit, any token", lambda token: get(key(token), now_s), spread),
        ("fingerprint + miss", lambda token: get(key(token), now_s), strangers),
        ("fingerprint + stale", lambda token: cache.stale(key(token), until_s), spread),
        ("fingerprint + put again", lambda token: put(key(token), someone, now_s, until_s, until_s), spread),
        (
            "fingerprint + put into a full cache",
            lambda token: put(key(token), someone, now_s, until_s, until_s),
            strangers,
        ),
        ("fingerprint + refuse", lambda token: refuse(key(token), REJECTED, now_s), [f"y{text}" for text in spread]),
    ]
    return [Row(what, f"{median_ns(ask, those):8.0f} ns") for what, ask, those in asked]


def collection_ms(count: int) -> float:
    """Milliseconds of a full garbage collection more, because the cache is full."""
    fingerprint = Fingerprint()

    def full_s() -> float:
        gc.collect()
        began_s = time.process_time()
        gc.collect()
        return time.process_time() - began_s

    before_s = statistics.median(full_s() for _ in range(ROUNDS))
    cache = filled((fingerprint.key(str(number)) for number in range(count)), count)
    after_s = statistics.median(full_s() for _ in range(ROUNDS))
    return (after_s - before_s) * 1000 if cache.kept_count else 0.0


def main() -> None:
    options = argparse.ArgumentParser(description="What the token cache costs in time and in memory.")
    options.add_argument("--tokens", type=int, default=100_000)
    options.add_argument("--at-most-mib", type=float, help="fail when a full cache takes more memory than this")
    options.add_argument("--memory", action="store_true", help="print nothing but the bytes that a full cache takes")
    chosen = options.parse_args()
    if chosen.memory:
        print(memory(chosen.tokens))
        return
    command = [sys.executable, __file__, "--memory", "--tokens", str(chosen.tokens)]
    taken_mib = int(subprocess.run(command, capture_output=True, text=True, check=True).stdout) / 2**20
    rows = [
        Row(f"{chosen.tokens:,} good tokens", f"{taken_mib:8.1f} MiB"),
        Row("one of them", f"{taken_mib * 2**20 / chosen.tokens:8.0f} bytes"),
        *times(chosen.tokens),
        Row("full garbage collection, because of a full cache", f"{collection_ms(chosen.tokens):8.2f} ms"),
    ]
    for row in rows:
        print(f"{row.what:50} {row.figure}")
    if chosen.at_most_mib and taken_mib > chosen.at_most_mib:
        raise SystemExit(f"more than {chosen.at_most_mib:g} MiB")


if __name__ == "__main__":
    main()
