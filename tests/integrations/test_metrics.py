"""A host's own registry has our metrics, for as long as its gateway is open."""

import pytest
from fastapi import FastAPI
from prometheus_client import CollectorRegistry
from starlette.applications import Starlette

from netra.integrations import fastapi as for_fastapi
from netra.integrations import starlette as for_starlette
from netra.lab.faulty_auth_service import FaultyAuthService
from netra.testing.fakes import Recorded
from tests.integrations.support import FRAMEWORKS, Host, served, told
from tests.support.gateways import EMAIL, PASSWORD


@pytest.mark.parametrize("framework", FRAMEWORKS)
async def test_a_login_through_a_host_is_counted_in_the_hosts_registry(framework: str) -> None:
    registry, recorded = CollectorRegistry(), Recorded()
    async with FaultyAuthService() as service:
        app = application(framework, told(service.url), recorded, registry)
        async with served(app) as url:
            answer = await Host(url, recorded).post("/login", {"email": EMAIL, "password": PASSWORD})
            assert answer.status == 200
            labels = {"journey": "login", "verdict": "accepted", "code": "ok", "owner": "none"}
            assert registry.get_sample_value("netra_attempts_total", labels) == 1
    assert registry.get_sample_value("netra_ready") is None


def application(framework: str, environ: dict[str, str], recorded: Recorded, registry: CollectorRegistry) -> object:
    """A host with all routes, whose metrics are its own."""
    if framework == "starlette":
        plain = for_starlette.Auth(environ, tell=recorded, registry=registry)
        return Starlette(routes=plain.routes(), lifespan=plain.lifespan)
    auth = for_fastapi.Auth(environ, tell=recorded, registry=registry)
    app = FastAPI(lifespan=auth.lifespan)
    auth.add_to(app)
    return app
