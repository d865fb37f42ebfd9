"""What only nginx needs: the lines that keep its 503 a 503, its door shut and its connections open.

It must never be tried with a file of its own, but for the one that shows what nginx does when it is left alone.
"""

import re
import shutil
from pathlib import Path

import pytest

from netra.lab.scripts import problem
from netra.testing.proxies import proxy_beside
from tests.forward_auth.backend import GREETING
from tests.forward_auth.conftest import Behind
from tests.forward_auth.proxies import DEPLOY, KINDS, proxy
from tests.forward_auth.tokens import VALIDATE, bearing, new_token
from tests.support import wire
from tests.support.places import free_port

pytestmark = pytest.mark.skipif(KINDS["nginx"].found is None, reason="there is no nginx here")

SHIPPED = DEPLOY / "nginx/netra.conf"
HANDLING = {
    "    error_page 401 /_netra/refused;\n": "",
    "    error_page 500 = @netra_unknown;\n": "",
}
"""What keeps 401 and 503 what they are."""
MAINTENANCE = {"    # The backend.\n": "    error_page 502 503 504 =200 /sorry.html;\n    # The backend.\n"}
"""What many a server has: a friendly page for when the backend is away."""
GUARD = {"        error_page 502 504 = @netra_unreachable;\n": ""}


async def test_left_alone_nginx_makes_500_of_an_outage(behind: Behind, tmp_path: Path) -> None:
    behind.service.answer(VALIDATE, problem(503, "maintenance", [("Retry-After", "97")]))
    async with proxy("nginx", tmp_path, behind.running.url, behind.backend.url, HANDLING) as url:
        answer = await wire.ask(url, "GET", "/orders", bearing(new_token()[0]))
    assert (answer.status, answer.header("retry-after")) == (500, None)


async def test_a_page_that_the_server_shows_for_errors_lets_nobody_in(behind: Behind, tmp_path: Path) -> None:
    nobody = f"http://127.0.0.1:{free_port()}"
    async with proxy("nginx", tmp_path, nobody, behind.backend.url, MAINTENANCE) as url:
        answer = await wire.ask(url, "GET", "/orders")
    assert answer.status == 503
    assert behind.backend.seen == []


async def test_without_the_shipped_guard_such_a_page_lets_everybody_in(behind: Behind, tmp_path: Path) -> None:
    nobody = f"http://127.0.0.1:{free_port()}"
    async with proxy("nginx", tmp_path, nobody, behind.backend.url, {**MAINTENANCE, **GUARD}) as url:
        answer = await wire.ask(url, "GET", "/orders")
    assert (answer.status, answer.body) == (200, GREETING), "nginx has closed the hole by itself: the guard may go"


async def test_a_location_that_somebody_adds_is_verified_too(behind: Behind, tmp_path: Path) -> None:
    added = "    location /reports/ {\n        proxy_pass http://backend;\n    }\n\n    # The backend.\n"
    async with proxy("nginx", tmp_path, behind.running.url, behind.backend.url, {"    # The backend.\n": added}) as url:
        assert (await wire.ask(url, "GET", "/reports/1")).status == 401
        assert behind.backend.seen == []
        assert (await wire.ask(url, "GET", "/reports/1", bearing(new_token()[0]))).status == 200


async def test_the_locations_that_ask_are_nobody_elses(behind: Behind, tmp_path: Path) -> None:
    async with proxy("nginx", tmp_path, behind.running.url, behind.backend.url) as url:
        for target in ("/_netra/verify", "/_netra/refused"):
            assert (await wire.ask(url, "GET", target, bearing(new_token()[0]))).status == 404


async def test_all_questions_go_over_one_connection_and_carry_nothing_but_the_token(
    behind: Behind, tmp_path: Path
) -> None:
    cookies = [("Cookie", "a=" + "x" * 6_000)] * 3
    with proxy_beside(behind.running.url) as between:
        async with proxy("nginx", tmp_path, between.url, behind.backend.url) as url:
            for _ in range(20):
                body = b"x" * 20_000
                answer = await wire.ask(url, "POST", "/orders", [*bearing(new_token()[0]), *cookies], body)
                assert answer.status == 200
            tally = between.tally
    assert tally.connections_count == 1
    assert len(behind.backend.seen) == 20
    assert sum(len(seen.body) for seen in behind.backend.seen) == 400_000


async def test_a_failure_of_nginx_itself_is_not_called_an_outage_of_the_auth_service(
    behind: Behind, tmp_path: Path
) -> None:
    async with proxy("nginx", tmp_path, behind.running.url, behind.backend.url) as url:
        shutil.rmtree(tmp_path / "body")  # where it puts what is too long for its memory
        answer = await wire.ask(url, "POST", "/orders", bearing(new_token()[0]), b"x" * 100_000)
        refused = await wire.ask(url, "GET", "/orders")
    assert (answer.status, answer.header("retry-after")) == (500, None)
    assert b"authentication_unavailable" not in answer.body
    assert refused.status == 401
    assert behind.backend.seen == []


def test_every_location_with_headers_of_its_own_sets_all_that_name_somebody() -> None:
    text = SHIPPED.read_text("utf-8")
    (backend,) = re.findall(r"location / \{(.*?)\n    \}", text, re.DOTALL)
    set_here = set(re.findall(r"proxy_set_header (X-Auth-\w+) \$netra_\w+;", backend))
    assert set_here == {"X-Auth-Subject", "X-Auth-Email", "X-Auth-Expires", "X-Auth-Source"}
    assert set(re.findall(r"upstream_http_(x_auth_\w+);", text)) == {
        each.lower().replace("-", "_") for each in set_here
    }
