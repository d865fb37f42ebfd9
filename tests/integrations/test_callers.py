"""Whose request it is: as the host's server vouches, or as the trusted proxies do, and never twice.

It must never take the word of a stranger: an address is what limits are counted by.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

import pytest

from netra.core.events import ConfigurationProblem
from netra.lab.faulty_auth_service import FaultyAuthService
from netra.testing.fakes import Recorded
from tests.integrations.support import FRAMEWORKS, PREFIX, Host, application, served, told
from tests.support.gateways import EMAIL, PASSWORD

FORWARDED: Final = ("X-Forwarded-For", "203.0.113.9")


@asynccontextmanager
async def behind(framework: str, environ: dict[str, str], **server: Any) -> AsyncIterator[Host]:
    """A host whose server is told whom to trust."""
    recorded = Recorded()
    async with served(application(framework, environ, recorded), **server) as url:
        yield Host(url, recorded)


async def told_on(host: Host, lab: FaultyAuthService, *headers: tuple[str, str]) -> str | None:
    """The address that the auth service learns of a login."""
    answer = await host.post("/login", {"email": EMAIL, "password": PASSWORD}, headers)
    assert answer.status == 200
    return lab.delivered("/auth/login")[-1].header("X-Forwarded-For")


def doubts(host: Host) -> list[str]:
    return [each.finding.code for each in host.recorded.of(ConfigurationProblem)]


@pytest.mark.parametrize("framework", FRAMEWORKS)
async def test_what_the_server_has_read_itself_is_believed(lab: FaultyAuthService, framework: str) -> None:
    async with behind(framework, told(lab.url), forwarded_allow_ips="127.0.0.1") as host:
        assert await told_on(host, lab, FORWARDED) == "203.0.113.9"
        assert await told_on(host, lab, ("X-Forwarded-For", "10.1.2.3")) == "10.1.2.3"
        assert doubts(host) == [], "an address of an intranet is no forgotten proxy"


@pytest.mark.parametrize("framework", FRAMEWORKS)
async def test_trusted_proxies_are_believed_where_the_server_reads_nothing(
    lab: FaultyAuthService, framework: str
) -> None:
    environ = told(lab.url, NETRA_TRUSTED_PROXIES="127.0.0.1")
    async with behind(framework, environ, proxy_headers=False) as host:
        assert await told_on(host, lab, FORWARDED) == "203.0.113.9"
        assert await told_on(host, lab, ("X-Forwarded-For", "6.6.6.6, 203.0.113.9")) == "203.0.113.9"


@pytest.mark.parametrize("framework", FRAMEWORKS)
async def test_a_proxy_that_nobody_trusts_is_told_once_and_not_believed(lab: FaultyAuthService, framework: str) -> None:
    async with behind(framework, told(lab.url), proxy_headers=False) as host:
        for _ in range(2):
            assert await told_on(host, lab, FORWARDED) == "127.0.0.1"
        assert doubts(host) == ["untrusted_proxy"]
        (told_of,) = host.recorded.of(ConfigurationProblem)
        assert "NETRA_TRUSTED_PROXIES" in told_of.finding.fix


@pytest.mark.parametrize("framework", FRAMEWORKS)
async def test_without_a_proxy_it_is_the_peer(lab: FaultyAuthService, framework: str) -> None:
    async with behind(framework, told(lab.url)) as host:
        assert await told_on(host, lab) == "127.0.0.1"


@pytest.mark.parametrize("framework", FRAMEWORKS)
async def test_rejections_are_counted_by_that_address(lab: FaultyAuthService, framework: str) -> None:
    environ = told(lab.url, NETRA_THROTTLE_ADDRESS="2/1m")
    wrong = {"email": EMAIL, "password": "wrong"}
    async with behind(framework, environ) as host:
        here = [(await host.post("/login", wrong, [FORWARDED])).status for _ in range(4)]
        elsewhere = await host.post("/login", wrong, [("X-Forwarded-For", "198.51.100.7")])
    assert here == [401, 401, 429, 429]
    assert elsewhere.status == 401


@pytest.mark.parametrize("framework", FRAMEWORKS)
async def test_other_origins_are_left_to_the_host(lab: FaultyAuthService, framework: str) -> None:
    origin = ("Origin", "https://shop.test")
    async with behind(framework, told(lab.url, NETRA_CORS_ORIGINS="https://shop.test")) as host:
        answer = await host.ask("GET", f"{PREFIX}/config", [origin])
    assert [name for name, _ in answer.headers if name.startswith("access-control") or name == "vary"] == []
