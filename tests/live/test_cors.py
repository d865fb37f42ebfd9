"""Pages of listed origins may read every answer, errors included; pages of any other read none."""

from collections.abc import AsyncIterator
from typing import Final

import pytest
import pytest_asyncio

from netra.lab.faulty_auth_service import FaultyAuthService
from tests.support.gateways import LOGIN, PREFIX, Running, gateway
from tests.support.problems import assert_problem
from tests.support.wire import Answer

SHOP: Final = "https://shop.example"
PREFLIGHT: Final = [
    ("Access-Control-Request-Method", "POST"),
    ("Access-Control-Request-Headers", "content-type,x-request-id"),
]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def listed(service_of_file: FaultyAuthService) -> AsyncIterator[Running]:
    async with gateway(service_of_file.url, NETRA_CORS_ORIGINS=f"{SHOP},http://localhost:3000") as running:
        yield running


def allowed(answer: Answer) -> str | None:
    assert answer.all("access-control-allow-credentials") == []
    return answer.header("access-control-allow-origin")


@pytest.mark.parametrize("origin", [SHOP, "http://localhost:3000"])
async def test_a_listed_origin_reads_success_and_errors_alike(
    listed: Running, service: FaultyAuthService, origin: str
) -> None:
    said = [("Origin", origin)]
    answers = [
        await listed.log_in(headers=said),
        await listed.log_in(password="wrong", headers=said),
        await listed.get("/me", said),
        await listed.get("/nowhere", said),
        await listed.ask("PUT", LOGIN, said),
        await listed.ask("POST", LOGIN, said, b"x" * 20_000),
        await listed.ask("POST", LOGIN, said, b"not json"),
        await listed.ask("GET", "/x" * 6_000, said),
        await listed.ask("GET", "/livez", [*said, ("X-Padding", "x" * 20_000)]),
    ]
    assert [answer.status for answer in answers] == [200, 401, 401, 404, 405, 413, 415, 414, 431]
    for answer in answers:
        assert allowed(answer) == origin
        assert answer.header("vary") == "origin"
        exposed = {name.strip().lower() for name in (answer.header("access-control-expose-headers") or "").split(",")}
        assert exposed == {"x-request-id", "retry-after"}


async def test_a_failure_of_the_auth_service_is_readable_too(listed: Running, service: FaultyAuthService) -> None:
    await service.stop()
    try:
        answer = await listed.log_in(headers=[("Origin", SHOP)])
        assert_problem(answer, 503, "connection_refused")
        assert allowed(answer) == SHOP
    finally:
        await service.__aenter__()


@pytest.mark.parametrize(
    "origin",
    ["https://evil.example", "https://shop.example.evil.example", "http://shop.example", "null", "*", f"{SHOP}/"],
)
async def test_a_foreign_origin_is_allowed_nothing(listed: Running, service: FaultyAuthService, origin: str) -> None:
    for answer in (
        await listed.log_in(headers=[("Origin", origin)]),
        await listed.get("/me", [("Origin", origin)]),
        await listed.ask("OPTIONS", LOGIN, [("Origin", origin), *PREFLIGHT]),
    ):
        assert [name for name, _ in answer.headers if name.startswith("access-control-")] == []
        assert answer.header("vary") == "origin"


async def test_a_preflight_of_a_listed_origin_says_what_may_be_sent(
    listed: Running, service: FaultyAuthService
) -> None:
    answer = await listed.ask("OPTIONS", LOGIN, [("Origin", SHOP), *PREFLIGHT])
    assert (answer.status, answer.body) == (204, b"")
    assert allowed(answer) == SHOP
    assert answer.header("access-control-allow-methods") == "POST"
    names = {name.strip() for name in (answer.header("access-control-allow-headers") or "").split(",")}
    assert {"authorization", "content-type", "x-request-id"} <= names
    assert service.delivered("/auth/login") == []


async def test_a_preflight_of_a_route_that_takes_every_method_is_answered_too(listed: Running) -> None:
    answer = await listed.ask("OPTIONS", "/api/v1/auth/verify", [("Origin", SHOP), *PREFLIGHT])
    assert (answer.status, answer.header("access-control-allow-origin")) == (204, SHOP)
    answer = await listed.ask("OPTIONS", "/api/v1/auth/verify", [("Origin", SHOP)])
    assert_problem(answer, 401, "token_missing")


async def test_a_preflight_of_a_route_that_does_not_exist_is_404(listed: Running) -> None:
    assert_problem(await listed.ask("OPTIONS", f"{PREFIX}/nowhere", [("Origin", SHOP), *PREFLIGHT]), 404, "not_found")


async def test_options_that_are_no_preflight_are_405(listed: Running) -> None:
    assert_problem(await listed.ask("OPTIONS", LOGIN, [("Origin", SHOP)]), 405, "method_not_allowed")


async def test_without_any_listed_origin_there_is_no_cors_at_all(running: Running) -> None:
    preflight = await running.ask("OPTIONS", LOGIN, [("Origin", SHOP), *PREFLIGHT])
    assert_problem(preflight, 405, "method_not_allowed")
    assert preflight.header("allow") == "POST"
    for answer in (preflight, await running.log_in(headers=[("Origin", SHOP)])):
        assert [name for name, _ in answer.headers if name.startswith("access-control-")] == []
        assert answer.header("vary") is None
