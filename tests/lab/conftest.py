"""What tests of the lab share: one lab a file, in the event loop of that file, found healthy and empty by each test.

It must never hold an expectation: those stand in tests.
"""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from netra.lab.certificates import Authority
from netra.lab.faulty_auth_service import FaultyAuthService

_HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests of one file run in one event loop, in which what they share lives."""
    for item in items:
        if _HERE in item.path.parents and pytest_asyncio.is_async_test(item):
            item.add_marker(pytest.mark.asyncio(loop_scope="module"), append=False)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def plain_of_file() -> AsyncIterator[FaultyAuthService]:
    async with FaultyAuthService() as one:
        yield one


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def sealed_of_file(authority: Authority) -> AsyncIterator[FaultyAuthService]:
    async with FaultyAuthService(authority=authority) as one:
        yield one


@pytest.fixture
def plain(plain_of_file: FaultyAuthService) -> FaultyAuthService:
    """An auth service that speaks plain HTTP."""
    return _fresh(plain_of_file)


@pytest.fixture
def sealed(sealed_of_file: FaultyAuthService) -> FaultyAuthService:
    """An auth service that speaks TLS."""
    return _fresh(sealed_of_file)


def _fresh(service: FaultyAuthService) -> FaultyAuthService:
    service.heal()
    service.journal.clear()
    return service
