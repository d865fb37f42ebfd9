"""One host in front of one auth service that fails on command.

It must never be shared between tests: each has a journal of its own.
"""

from collections.abc import AsyncIterator

import pytest

from netra.lab.faulty_auth_service import FaultyAuthService


@pytest.fixture
async def lab() -> AsyncIterator[FaultyAuthService]:
    """An auth service that is healthy until it is told how to fail."""
    async with FaultyAuthService() as service:
        yield service
