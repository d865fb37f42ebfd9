"""What broken set-ups are made of: a folder, a private authority, a real auth service, and good settings to begin with.

It must never be broken itself: a set-up breaks what it has made for itself alone.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, Final

from netra.lab.certificates import Authority
from netra.lab.faulty_auth_service import FaultyAuthService
from tests.incidents.operators import AuthService
from tests.support.issuers import jwks, new_signer

SERVICE_ID: Final = "netra-backend"
SECRET: Final = "Jt3vXq8RzL0mWc5YkUe2NsHbP7dGfAo9iTx4BwZ1Ku"
OTHER_SECRET: Final = "hV6pQeXsR2mTz9LkWc4YbNuJd8GfAo0iHx1BwZ3PqE"
PATIENT: Final[Mapping[str, str]] = {
    "NETRA_CONNECT_TIMEOUT_S": "3", "NETRA_LOGIN_BUDGET_S": "8", "NETRA_TOKEN_BUDGET_S": "6", "NETRA_TRIES": "1",
}  # fmt: skip
"""Budgets with which a busy machine is no finding."""
GOOD: Final[Mapping[str, str]] = {
    "ENVIRONMENT": "test", "SERVICE_ID": SERVICE_ID, "SERVICE_SECRET": SECRET, **PATIENT,
}  # fmt: skip
"""A gateway's settings but for the address of its auth service."""
IMPATIENT: Final[Mapping[str, str]] = {
    "NETRA_CONNECT_TIMEOUT_S": "0.5", "NETRA_LOGIN_BUDGET_S": "1", "NETRA_TOKEN_BUDGET_S": "0.8", "NETRA_TRIES": "1",
}  # fmt: skip
"""Budgets for set-ups in which something is waited for in vain."""


def told(*unset: str, **changes: str) -> dict[str, str]:
    """The good settings, some of them changed or not set."""
    return {name: value for name, value in {**GOOD, **changes}.items() if name not in unset}


class Means:
    """Opened once for all set-ups of a run, and closed by whoever opened it."""

    def __init__(self, folder: Path) -> None:
        self.authority = Authority(folder / "authority")
        self.signer = new_signer()
        self._folder = folder
        self._files_count = 0
        self._service: AuthService | None = None
        self._starting = asyncio.Lock()

    def file(self, content: str | bytes) -> Path:
        """A new file with this content."""
        self._files_count += 1
        path = self._folder / f"file-{self._files_count}"
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    async def real(self) -> AuthService:
        """`netra authd` as a program of its own, which knows this gateway and one user."""
        async with self._starting:
            if self._service is None:
                folder = self._folder / "authd"
                folder.mkdir()
                service = await asyncio.to_thread(AuthService, folder)
                await asyncio.to_thread(service.start)
                self._service = service
        return self._service

    def close(self) -> None:
        """Stop what was started."""
        if self._service is not None:
            self._service.stop()

    @asynccontextmanager
    async def lab(self, *faults: str, path: str | None = None, **how: Any) -> AsyncIterator[FaultyAuthService]:
        """An auth service that publishes a key and is well, but for these faults."""
        async with AsyncExitStack() as stack:
            service = await stack.enter_async_context(FaultyAuthService(**{"keys": jwks(self.signer)["keys"], **how}))
            for name in faults:
                service.fault(name, path=path)
            yield service
