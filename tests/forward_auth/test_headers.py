"""What the backend may believe: identity headers come from the gateway alone, and the token goes no further than told.

It must never look at one spelling of a header only: backends that make variables of names see no difference.
"""

from collections.abc import Mapping
from pathlib import Path

import pytest

from netra.lab.scripts import json_reply
from tests.forward_auth.backend import GREETING
from tests.forward_auth.conftest import Behind, Site
from tests.forward_auth.proxies import TRIED, proxy
from tests.forward_auth.tokens import VALIDATE, bearing, new_token, vouched
from tests.support import wire
from tests.support.wire import Headers

FORGED = "mallory"
SPELLINGS = (
    "X-Auth-Subject", "x-auth-subject", "X-AUTH-EMAIL", "X-Auth-Expires", "X-Auth-Source", "X_Auth_Subject",
    "X-Auth_Subject", "x_auth-email", "X_AUTH_EXPIRES",
)  # fmt: skip
FORGERIES: Headers = [(name, FORGED) for name in (*SPELLINGS, *SPELLINGS)]

PASSES_THE_TOKEN_ON: Mapping[str, Mapping[str, str]] = {
    "nginx": {'        proxy_set_header Authorization "";\n': ""},
    "caddy": {"\t\t\theader_up -Authorization\n": ""},
    "envoy": {"                          request_headers_to_remove: [authorization]\n": ""},
}
"""The line that each file says to take out."""


async def test_what_a_client_says_of_itself_never_reaches_the_backend(site: Site) -> None:
    token, email = new_token()
    # nginx removes what it is told by name; the others, whatever begins so.
    roles = [] if site.kind == "nginx" else [("X-Auth-Roles", FORGED)]
    answer = await site.ask(headers=[*FORGERIES, *bearing(token), *FORGERIES, *roles])
    assert answer.status == 200
    (seen,) = site.backend.seen
    assert FORGED not in str(seen), "under no name"
    said = seen.identities()
    assert set(said) == {"x-auth-subject", "x-auth-email", "x-auth-expires", "x-auth-source"}
    assert all(len(values) == 1 for values in said.values()), said
    assert said["x-auth-email"] == [email.replace("%", "%25")]


async def test_what_the_gateway_does_not_know_is_said_by_nobody(site: Site) -> None:
    reply = {name: value for name, value in vouched().items() if name != "expires_at"}
    site.service.answer(VALIDATE, json_reply(200, reply))
    answer = await site.ask(headers=[*FORGERIES, *bearing(new_token()[0])])
    assert answer.status == 200
    (seen,) = site.backend.seen
    assert seen.identities() == {"x-auth-subject": ["u-1"], "x-auth-source": ["auth_service"]}


@pytest.mark.parametrize("name", ["ada lovelace", "Ä\r\nX-Auth-Email: root", "{http.request.host}", "$host", "%00"])
async def test_a_strange_name_is_one_header_in_visible_characters(site: Site, name: str) -> None:
    site.service.answer(VALIDATE, json_reply(200, vouched(user_id=name, email=f"{name}@example.com")))
    answer = await site.ask(headers=bearing(new_token()[0]))
    assert answer.status == 200
    (seen,) = site.backend.seen
    own = await wire.ask(site.running.url, "GET", "/api/v1/auth/verify", bearing(new_token()[0]))
    for header in ("x-auth-subject", "x-auth-email"):
        assert seen.all(header) == own.all(header), "exactly as the gateway writes it"
        assert all(0x21 <= ord(character) <= 0x7E for character in seen.all(header)[0])


async def test_the_token_itself_stays_at_the_proxy(site: Site) -> None:
    token, _ = new_token()
    assert (await site.ask(headers=[*bearing(token), ("Cookie", "theme=dark")])).status == 200
    (seen,) = site.backend.seen
    assert seen.all("authorization") == []
    assert token not in str(seen)
    assert seen.all("cookie") == ["theme=dark"], "everything else goes through"


@pytest.mark.parametrize("kind", TRIED)
async def test_without_the_line_that_the_file_names_the_backend_has_the_token(
    kind: str, behind: Behind, tmp_path: Path
) -> None:
    token, _ = new_token()
    more = PASSES_THE_TOKEN_ON[kind]
    async with proxy(kind, tmp_path, behind.running.url, behind.backend.url, more) as url:
        assert (await wire.ask(url, "GET", "/orders", bearing(token))).status == 200
    (seen,) = behind.backend.seen
    assert seen.all("authorization") == [f"Bearer {token}"]


@pytest.mark.parametrize("status", [201, 400, 401, 403, 404, 500, 502, 503, 504])
async def test_what_the_backend_says_is_the_backends_word(site: Site, status: int) -> None:
    answer = await site.ask("GET", f"/says/{status}", bearing(new_token()[0]))
    assert (answer.status, answer.body) == (status, GREETING)
    assert answer.header("retry-after") is None
    assert answer.header("www-authenticate") is None


@pytest.mark.parametrize("kind", TRIED)
async def test_a_backend_that_is_gone_is_not_called_an_outage_of_the_auth_service(
    kind: str, behind: Behind, tmp_path: Path
) -> None:
    nobody = "http://127.0.0.1:1"
    async with proxy(kind, tmp_path, behind.running.url, nobody) as url:
        answer = await wire.ask(url, "GET", "/orders", bearing(new_token()[0]))
        refused = await wire.ask(url, "GET", "/orders")
    assert answer.status in {502, 503}
    assert b"authentication_unavailable" not in answer.body
    assert refused.status == 401


async def test_one_id_names_a_request_at_the_gateway_and_at_the_backend(site: Site) -> None:
    assert (await site.ask(headers=bearing(new_token()[0]))).status == 200
    (seen,) = site.backend.seen
    (request_id,) = seen.all("x-request-id")
    (delivery,) = site.service.delivered(VALIDATE)
    assert delivery.header("X-Request-ID") == request_id
