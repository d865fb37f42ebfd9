"""A server that several tests of one file share: starting and stopping one takes longer than asking it.

It must never be shared by tests that change it.
"""

from collections.abc import AsyncIterator

import pytest_asyncio

from tests.asgi.support import Site, quick, site


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared() -> AsyncIterator[Site]:
    """A site with the usual limits."""
    async with site() as made:
        yield made


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def impatient() -> AsyncIterator[Site]:
    """A site that waits a tenth of a second for a request."""
    async with site(limits=quick()) as made:
        yield made
