"""A real nginx stands in front of the auth service: what it passes on is believed, what it says itself is named."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from netra.lab.faulty_auth_service import FaultyAuthService
from netra.lab.scripts import problem, silence
from tests.live.rows import Failure, assert_failure, assert_next_is_good
from tests.support.gateways import both_views, gateway
from tests.support.nginx import FOUND, nginx
from tests.support.problems import assert_problem

pytestmark = pytest.mark.skipif(FOUND is None, reason="there is no nginx here")

ERROR = Failure("intermediary_error", 502, "maybe_sent", owner="between", answered_by="nginx")
WALL = ERROR._replace(code="intermediary_rejected")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def proxied(service_of_file: FaultyAuthService, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    async with nginx(tmp_path_factory.mktemp("nginx"), service_of_file.url) as url:
        yield url


async def test_what_passes_through_is_the_auth_services_own_word(service: FaultyAuthService, proxied: str) -> None:
    async with gateway(proxied) as running:
        assert (await running.log_in()).status == 200
        assert_problem(await running.log_in(password="wrong"), 401, "invalid_credentials")
        service.answer("/auth/login", problem(401, "service_credentials_rejected"))
        assert_problem(await running.log_in(), 502, "service_credentials_rejected")


async def test_nobody_behind_it_is_its_502_and_a_silent_one_its_504(service: FaultyAuthService, proxied: str) -> None:
    async with both_views(proxied) as views:
        service.answer("/auth/login", silence())
        await assert_failure(views, ERROR, service)
        await service.stop()
        await assert_failure(views, ERROR)
        await service.__aenter__()
        await assert_next_is_good(views, service)


@pytest.mark.parametrize(("path", "row"), [("walled", WALL), ("busy", ERROR)])
async def test_its_own_refusals_are_its_own(service: FaultyAuthService, proxied: str, path: str, row: Failure) -> None:
    async with both_views(f"{proxied}/{path}") as views:
        await assert_failure(views, row._replace(deliveries=0), service)
