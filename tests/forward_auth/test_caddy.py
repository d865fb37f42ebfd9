"""What only Caddy needs: an order of its own, and a closer look at what is a yes.

It must never be tried with a file of its own, but for the one that shows what Caddy does when it is left alone.
"""

from collections.abc import Mapping
from pathlib import Path

import pytest

from netra.lab.scripts import json_reply
from tests.forward_auth.conftest import Behind
from tests.forward_auth.proxies import KINDS, proxy
from tests.forward_auth.tokens import VALIDATE, bearing, new_token, vouched
from tests.support import wire
from tests.support.gateways import PREFIX

pytestmark = pytest.mark.skipif(KINDS["caddy"].found is None, reason="there is no caddy here")

SORTED = {"\troute {\n": "\thandle {\n"}
"""Directives in Caddy's own order."""
EVERY_200 = {"\t\t\t\tstatus 200\n\t\t\t\theader X-Auth-Subject *\n": "\t\t\t\tstatus 2xx\n"}
"""What `forward_auth` takes for a yes."""
WITHOUT_CLEARING = {
    "\t\trequest_header @no_email -X-Auth-Email\n": "",
    "\t\trequest_header @no_expires -X-Auth-Expires\n": "",
}


@pytest.mark.parametrize("change", [SORTED, WITHOUT_CLEARING], ids=["in its own order", "not cleared"])
async def test_left_alone_caddy_passes_on_the_name_of_a_placeholder(
    behind: Behind, tmp_path: Path, change: Mapping[str, str]
) -> None:
    behind.service.answer(VALIDATE, json_reply(200, vouched()))
    async with proxy("caddy", tmp_path, behind.running.url, behind.backend.url, change) as url:
        assert (await wire.ask(url, "GET", "/orders", bearing(new_token()[0]))).status == 200
    (seen,) = behind.backend.seen
    assert seen.all("x-auth-email") in (["{http.reverse_proxy.header.X-Auth-Email}"], [""])


async def test_a_200_of_somebody_else_is_no_yes(behind: Behind, tmp_path: Path) -> None:
    page = behind.backend.url  # says 200 to everything, and knows nobody
    async with proxy("caddy", tmp_path, page, behind.backend.url) as url:
        await wire.ask(url, "GET", "/orders", bearing(new_token()[0]))
    assert [seen.target for seen in behind.backend.seen] == [f"{PREFIX}/verify"]


async def test_to_forward_auth_it_would_be_one(behind: Behind, tmp_path: Path) -> None:
    page = behind.backend.url
    async with proxy("caddy", tmp_path, page, behind.backend.url, EVERY_200) as url:
        await wire.ask(url, "GET", "/orders", bearing(new_token()[0]))
    assert [seen.target for seen in behind.backend.seen] == [f"{PREFIX}/verify", "/orders"]
