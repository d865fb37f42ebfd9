"""What tests over real sockets share: an auth service that fails on command, and gateways in front of it.

They are opened once a file, because opening and closing costs more than a test; each test finds them healthy, with an
empty journal.
"""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from netra.lab.faulty_auth_service import FaultyAuthService
from tests.support.gateways import Running, Views, both_views

_HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests of one file run in one event loop, in which their gateways live."""
    for item in items:
        if _HERE in item.path.parents and pytest_asyncio.is_async_test(item):
            item.add_marker(pytest.mark.asyncio(loop_scope="module"), append=False)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def service_of_file() -> AsyncIterator[FaultyAuthService]:
    async with FaultyAuthService() as one:
        yield one


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def views_of_file(service_of_file: FaultyAuthService) -> AsyncIterator[Views]:
    async with both_views(service_of_file.url) as both:
        yield both


@pytest.fixture
def service(service_of_file: FaultyAuthService) -> FaultyAuthService:
    """An auth service, healthy until a test says otherwise."""
    service_of_file.heal()
    service_of_file.journal.clear()
    return service_of_file


@pytest.fixture
def views(service: FaultyAuthService, views_of_file: Views) -> Views:
    """Two gateways in front of it, one try each: what operators see, and what the public sees."""
    return views_of_file


@pytest.fixture
def running(views: Views) -> Running:
    """The one of them that tells operators."""
    return views.operator
