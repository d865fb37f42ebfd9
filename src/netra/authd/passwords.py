"""Password hashing by Argon2id, in a few threads, with a short queue before them.

It must never queue without end, and never take less time for a user who does not exist.
"""

import asyncio
import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

from argon2 import PasswordHasher, Type
from argon2.exceptions import InvalidHashError, VerificationError

from netra.authd import Overloaded
from netra.core.secret import Secret

MAX_PASSWORD_BYTES: Final = 1_024

_MEMORY_KIB: Final = 19 * 1_024
_PASSES: Final = 2
_LANES: Final = 1

T = TypeVar("T")


class Passwords:
    """Hashes and checks passwords. Safe for concurrent use in one event loop; `close` gives the threads back."""

    def __init__(self, threads: int, queue: int, argon2: PasswordHasher | None = None) -> None:
        """`threads` hash at once, at most `queue` more wait; each hash takes 19 MiB while it runs."""
        self._hasher = argon2 or hasher()
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="argon2")
        self._room = threads + queue
        self._inside = 0
        self._dummy = self._hasher.hash(secrets.token_urlsafe(24))

    async def hashed(self, password: Secret) -> str:
        """The hash to store.

        Raises: Overloaded.
        """
        return await self._run(lambda: self._hasher.hash(password.reveal()))

    async def matches(self, stored: str | None, password: Secret) -> bool:
        """Is it this password? With nothing stored the same work is done, and the answer is no.

        Raises: Overloaded.
        """
        known = stored or self._dummy
        matched = await self._run(lambda: verified(self._hasher, known, password))
        return matched and stored is not None

    async def renewed(self, stored: str, password: Secret) -> str | None:
        """A new hash of a password that was right, when the stored one is weaker than today's; else None.

        Under load the old one stays: a login is not refused for it.
        """
        if not self._hasher.check_needs_rehash(stored):
            return None
        try:
            return await self.hashed(password)
        except Overloaded:
            return None

    async def _run(self, work: Callable[[], T]) -> T:
        if self._inside >= self._room:
            raise Overloaded
        self._inside += 1
        future = asyncio.get_running_loop().run_in_executor(self._pool, work)
        # The place is given back when the thread is done, not when the caller has gone.
        future.add_done_callback(self._left)
        return await asyncio.shield(future)

    def _left(self, future: "asyncio.Future[T]") -> None:
        self._inside -= 1
        if not future.cancelled():
            future.exception()

    def close(self) -> None:
        """Let running hashes end and take no more."""
        self._pool.shutdown(wait=False, cancel_futures=True)


def hasher() -> PasswordHasher:
    """Argon2id at OWASP's minimum: 19 MiB, two passes, one lane. Source: OWASP Password Storage Cheat Sheet."""
    return PasswordHasher(time_cost=_PASSES, memory_cost=_MEMORY_KIB, parallelism=_LANES, type=Type.ID)


def verified(argon2: PasswordHasher, stored: str, password: Secret) -> bool:
    """Does the password match the stored hash? A hash that cannot be read matches nothing."""
    try:
        return argon2.verify(stored, password.reveal())
    except (VerificationError, InvalidHashError):
        return False
