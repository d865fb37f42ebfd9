"""What these tests share: each of the proxies, in front of a real gateway and of a backend that keeps what it sees.

They are opened once a file, because starting a proxy costs more than a test; each test finds them healthy and empty.
"""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import NamedTuple

import pytest
import pytest_asyncio

from netra.lab.faulty_auth_service import FaultyAuthService
from tests.forward_auth.backend import Backend
from tests.forward_auth.proxies import TRIED, proxy
from tests.support.gateways import Running, gateway
from tests.support.wire import Answer, Headers, ask

_HERE = Path(__file__).parent


class Behind(NamedTuple):
    """Everybody behind a proxy."""

    running: Running
    service: FaultyAuthService
    backend: Backend


class Site(NamedTuple):
    """A proxy, and everybody behind it."""

    kind: str
    url: str
    running: Running
    service: FaultyAuthService
    backend: Backend

    async def ask(
        self, method: str = "GET", target: str = "/orders", headers: Headers = (), body: bytes | None = None
    ) -> Answer:
        """One request through the proxy."""
        return await ask(self.url, method, target, headers, body)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests of one file run in one event loop, in which their gateways live."""
    for item in items:
        if _HERE in item.path.parents and pytest_asyncio.is_async_test(item):
            item.add_marker(pytest.mark.asyncio(loop_scope="module"), append=False)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def service_of_file() -> AsyncIterator[FaultyAuthService]:
    async with FaultyAuthService(handshake=False) as one:
        yield one


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def running_of_file(service_of_file: FaultyAuthService) -> AsyncIterator[Running]:
    told = {
        "NETRA_DISCLOSE": "public", "NETRA_TOKEN_BUDGET_S": "1", "NETRA_CONNECT_TIMEOUT_S": "0.5",
        "NETRA_TOKEN_CACHE_S": "30",
    }  # fmt: skip
    async with gateway(service_of_file.url, **told) as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def backend_of_file() -> AsyncIterator[Backend]:
    async with Backend().serving() as one:
        yield one


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=TRIED)
async def site_of_file(
    request: pytest.FixtureRequest,
    running_of_file: Running,
    service_of_file: FaultyAuthService,
    backend_of_file: Backend,
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[Site]:
    folder = tmp_path_factory.mktemp(request.param)
    async with proxy(request.param, folder, running_of_file.url, backend_of_file.url) as url:
        yield Site(request.param, url, running_of_file, service_of_file, backend_of_file)


@pytest.fixture
def behind(running_of_file: Running, service_of_file: FaultyAuthService, backend_of_file: Backend) -> Behind:
    """Everybody but the proxy, healthy and empty. Tokens are opaque, so that every check is a question."""
    service_of_file.heal()
    service_of_file.journal.clear()
    backend_of_file.seen.clear()
    return Behind(running_of_file, service_of_file, backend_of_file)


@pytest.fixture
def site(behind: Behind, site_of_file: Site) -> Site:
    """Everybody, with one of the proxies in front."""
    return site_of_file
