"""Every kind of request is verified, and none is changed by it: bodies, methods, strange paths.

It must never ask for less than nothing: what is not verified must not be seen by the backend at all.
"""

import secrets

import pytest

from tests.forward_auth.backend import GREETING
from tests.forward_auth.conftest import Site
from tests.forward_auth.tokens import VALIDATE, bearing, new_token
from tests.support import wire
from tests.support.gateways import EMAIL, PASSWORD, PREFIX
from tests.support.wire import as_json

CHUNK = b"5\r\nhello\r\n"
AROUND = (
    "/api/v1/auth/../../../orders",
    "/api/v1/auth/../orders",
    "/api/v1/auth/%2e%2e/%2e%2e/%2e%2e/orders",
    "/api/v1/auth/..%2f..%2f..%2forders",
    "/api/v1/auth/verify/../../../../orders",
    "/api/v1/auth/./../../../orders",
    "/api/v1/auth/..;/..;/..;/orders",
    "/api/v1/auth/\\..\\..\\..\\orders",
    "/problems/../orders",
    "/problems/..%5corders",
    "//orders",
    "/orders//",
    "/./orders",
    "/_netra/verify",
    "/_netra/verify/../../orders",
    "/%5fnetra/verify",
    "/api/v1/auth",
    "/api/v1/authorders",
    "/problemsorders",
    "http://localhost/orders",
    "/orders?x=/api/v1/auth/",
    "/orders#/api/v1/auth/",
    "/orders;/api/v1/auth/verify",
)
"""Paths with which people have walked around checks elsewhere."""


@pytest.mark.parametrize("size_bytes", [1, 20_000, 300_000])
async def test_a_body_goes_to_the_backend_whole_and_to_nobody_else(site: Site, size_bytes: int) -> None:
    body = secrets.token_hex(size_bytes).encode()[:size_bytes]
    kind = ("Content-Type", "application/octet-stream")
    answer = await site.ask("POST", "/orders", [kind, *bearing(new_token()[0])], body)
    assert (answer.status, answer.body) == (200, GREETING)
    (seen,) = site.backend.seen
    assert (seen.method, seen.body, seen.all("content-type")) == ("POST", body, [kind[1]])


async def test_a_body_in_chunks_arrives_whole(site: Site) -> None:
    headers = [("Transfer-Encoding", "chunked"), *bearing(new_token()[0])]
    raw = wire.message("PUT", "/orders", headers) + CHUNK * 1_000 + b"0\r\n\r\n"
    answer = await wire.sent(site.url, raw)
    assert answer.status == 200
    (seen,) = site.backend.seen
    assert (seen.method, seen.body) == ("PUT", b"hello" * 1_000)


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
async def test_every_method_is_verified_and_keeps_its_name(site: Site, method: str) -> None:
    body = b"{}" if method.startswith("P") else None
    assert (await site.ask(method, "/orders", (), body)).status == 401
    assert site.backend.seen == []
    assert (await site.ask(method, "/orders", bearing(new_token()[0]), body)).status == 200
    assert [seen.method for seen in site.backend.seen] == [method]


async def test_head_is_answered_without_a_body_let_in_or_not(site: Site) -> None:
    assert (await site.ask("HEAD", "/orders")).status == 401
    assert site.backend.seen == []
    assert (await site.ask("HEAD", "/orders", bearing(new_token()[0]))).status == 200
    assert [seen.method for seen in site.backend.seen] == ["HEAD"]


@pytest.mark.parametrize("target", AROUND)
async def test_no_path_leads_around_the_check(site: Site, target: str) -> None:
    for method in ("GET", "POST"):
        answer = await site.ask(method, target, (), b"" if method == "POST" else None)
        assert answer.status >= 300, answer
        assert GREETING not in answer.raw
    assert site.backend.seen == []


@pytest.mark.parametrize("target", ["/verify/../login", "/verify/..%2flogin", "/verify/%2e%2e/login", "/verify/login"])
async def test_below_verify_nothing_is_done_but_verifying(site: Site, target: str) -> None:
    typed_in = as_json({"email": EMAIL, "password": PASSWORD})
    headers = [("Content-Type", "application/json")]
    raw = wire.message("POST", PREFIX + target, headers, typed_in)
    assert (await wire.sent(site.running.url, raw)).status in {401, 404}
    assert site.service.delivered("/auth/login") == []
    if site.kind != "envoy":  # which resolves the dots itself, and then means the route to log in
        assert (await wire.sent(site.url, raw)).status in {400, 401, 404}
        assert site.service.delivered("/auth/login") == []
    assert site.backend.seen == []


async def test_the_gateways_own_routes_need_no_token(site: Site) -> None:
    headers = [("Content-Type", "application/json")]
    typed_in = as_json({"email": EMAIL, "password": PASSWORD})
    answer = await site.ask("POST", f"{PREFIX}/login", headers, typed_in)
    assert (answer.status, answer.json["token_type"]) == (200, "Bearer")
    page = await site.ask("GET", "/problems/token_missing", [("Accept", "application/json")])
    assert (page.status, page.json["code"]) == (200, "token_missing")
    me = await site.ask("GET", f"{PREFIX}/me", bearing(answer.json["access_token"]))
    assert (me.status, me.json["email"]) == (200, EMAIL)
    assert site.backend.seen == []


async def test_a_head_that_is_too_long_for_the_gateway_still_gets_its_verdict(site: Site) -> None:
    cookies = [("Cookie", f"{name}={'x' * 6_000}") for name in "abc"]
    assert (await site.ask(headers=[*cookies, *bearing(new_token()[0])])).status == 200
    notes = [(f"X-Note-{name}", "x" * 6_000) for name in "abc"]
    answer = await site.ask(headers=[*notes, *bearing(new_token()[0])])
    assert answer.status == (431 if site.kind == "caddy" else 200), "Caddy asks with every header but cookies"


async def test_a_token_is_asked_about_once_however_many_requests_carry_it(site: Site) -> None:
    token, _ = new_token()
    for _ in range(3):
        assert (await site.ask(headers=bearing(token))).status == 200
    assert len(site.service.delivered(VALIDATE)) == 1
