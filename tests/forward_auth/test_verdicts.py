"""What a client gets through each proxy is what the gateway has decided: 401 stays 401, and 503 stays 503.

It must never be satisfied with a status alone: a request that is not let through has not reached the backend either.
"""

import asyncio
from pathlib import Path

import pytest

from netra.lab.connection import Script
from netra.lab.scripts import json_reply, problem, session, silence
from tests.forward_auth.backend import GREETING
from tests.forward_auth.conftest import Behind, Site
from tests.forward_auth.proxies import TRIED, proxy
from tests.forward_auth.tokens import VALIDATE, bearing, new_token
from tests.support import wire
from tests.support.gateways import PREFIX
from tests.support.places import free_port, silent_port
from tests.support.wire import Answer, KeptLine

VERIFY = f"{PREFIX}/verify"


def assert_unknown(answer: Answer) -> None:
    """Nobody knows whether the token is good: come back later, and keep it."""
    assert answer.status == 503, answer
    assert answer.header("content-type") == "application/problem+json", answer
    assert answer.header("cache-control") == "no-store"
    assert answer.header("www-authenticate") is None
    body = answer.json
    assert (body["status"], body["code"], body["action"]) == (503, "authentication_unavailable", "wait"), answer
    assert int(answer.header("retry-after") or "") == body["retry_after"] >= 1
    assert body["request_id"] == answer.header("x-request-id")


def unlike(body: dict[str, object]) -> dict[str, object]:
    """A problem without what differs from answer to answer."""
    return {**body, "request_id": "", "retry_after": 0 if "retry_after" in body else None}


async def test_a_good_token_reaches_the_backend_with_the_identity_that_the_gateway_vouches_for(site: Site) -> None:
    token, email = new_token()
    answer = await site.ask(headers=bearing(token))
    assert (answer.status, answer.body) == (200, GREETING)
    (seen,) = site.backend.seen
    assert (seen.method, seen.target) == ("GET", "/orders")
    assert seen.all("x-auth-subject") == [session(email)["user"]["id"]]
    assert seen.all("x-auth-email") == [email.replace("%", "%25")]
    assert seen.all("x-auth-expires") == ["4070908800"]
    assert seen.all("x-auth-source") == ["auth_service"]


async def test_without_a_token_it_is_the_gateways_401_and_its_words(site: Site) -> None:
    answer = await site.ask()
    own = await wire.ask(site.running.url, "GET", VERIFY)
    assert answer.status == own.status == 401
    assert answer.header("www-authenticate") == own.header("www-authenticate") == 'Bearer realm="netra"'
    assert answer.header("content-type") == "application/problem+json"
    assert unlike(answer.json) == unlike(own.json)
    assert answer.json["request_id"] == answer.header("x-request-id")
    assert site.backend.seen == []


@pytest.mark.parametrize("code", ["token_expired", "token_revoked", "token_rejected"])
async def test_a_refused_token_is_401_whatever_is_wrong_with_it(site: Site, code: str) -> None:
    site.service.answer(VALIDATE, json_reply(200, {"valid": False, "code": code}))
    answer = await site.ask(headers=bearing(new_token()[0]))
    assert answer.status == 401
    assert answer.header("www-authenticate") == 'Bearer realm="netra", error="invalid_token"'
    assert answer.header("retry-after") is None
    assert (answer.json["code"], answer.json["status"]) == ("invalid_token", 401)
    assert site.backend.seen == []


@pytest.mark.parametrize(("code", "action"), [("token_expired", "refresh"), ("token_revoked", "log_in")])
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
async def test_what_to_do_now_is_said_as_the_gateway_says_it(site: Site, method: str, code: str, action: str) -> None:
    site.service.answer(VALIDATE, json_reply(200, {"valid": False, "code": code}))
    bearer, body = bearing(new_token()[0]), b"x" * 20_000 if method == "POST" else None
    line = await KeptLine.to(site.url)
    answer = await line.ask(method, "/orders?access_token=1", bearer, body)
    line.close()
    own = await wire.ask(site.running.url, "GET", VERIFY, bearer)
    assert unlike(answer.json) == unlike(own.json)
    assert answer.json["action"] == action, "a client that refreshed where it should log in would do so for ever"
    assert answer.json["request_id"] == answer.header("x-request-id")


async def test_while_the_auth_service_is_down_it_is_503_and_says_when_to_come_back(site: Site) -> None:
    await site.service.stop()
    try:
        bearer = bearing(new_token()[0])
        answer, own = await site.ask(headers=bearer), await wire.ask(site.running.url, "GET", VERIFY, bearer)
    finally:
        await site.service.__aenter__()
    assert_unknown(answer)
    assert unlike(answer.json) == unlike(own.json)
    assert site.backend.seen == []
    assert (await site.ask(headers=bearing(new_token()[0]))).status == 200, "and is over when it is over"


@pytest.mark.parametrize(
    ("script", "why"),
    [
        (silence(), "response_timeout"),
        (problem(500, "oops"), "auth_service_error"),
        (json_reply(200, {"valid": "perhaps"}), "invalid_response"),
        (problem(401, "service_credentials_rejected"), "service_credentials_rejected"),
    ],
    ids=["silent", "broken", "unreadable", "refuses us"],
)
async def test_whatever_else_nobody_knows_is_503_and_the_log_says_why(site: Site, script: Script, why: str) -> None:
    site.service.answer(VALIDATE, script)
    answer = await site.ask(headers=bearing(new_token()[0]))
    assert_unknown(answer)
    assert site.backend.seen == []
    told = site.running.lines_of(str(answer.header("x-request-id")))
    assert why in {line.get("code") for line in told}, "the id that the client was told leads to the cause"


async def test_how_long_to_wait_is_what_the_gateway_says(site: Site) -> None:
    site.service.answer(VALIDATE, problem(503, "maintenance", [("Retry-After", "97")]))
    answer = await site.ask(headers=bearing(new_token()[0]))
    assert_unknown(answer)
    expected = "5" if site.kind == "envoy" else "97"
    assert answer.header("retry-after") == expected, "Envoy keeps nothing of an answer that it takes for an error"


async def test_two_tokens_are_none(site: Site) -> None:
    answer = await site.ask(headers=[*bearing(new_token()[0]), *bearing(new_token()[0])])
    assert answer.status in {400, 401}
    assert site.backend.seen == []


@pytest.mark.parametrize("kind", TRIED)
async def test_a_gateway_that_nobody_reaches_is_503(kind: str, behind: Behind, tmp_path: Path) -> None:
    nobody = f"http://127.0.0.1:{free_port()}"
    async with proxy(kind, tmp_path, nobody, behind.backend.url) as url:
        assert_unknown(await wire.ask(url, "GET", "/orders", bearing(new_token()[0])))
        assert_unknown(await wire.ask(url, "POST", "/orders", bearing(new_token()[0]), b"{}"))
    assert behind.backend.seen == []


@pytest.mark.parametrize("kind", TRIED)
async def test_a_gateway_that_says_nothing_is_503_in_the_end(kind: str, behind: Behind, tmp_path: Path) -> None:
    with silent_port() as port:
        async with proxy(kind, tmp_path, f"http://127.0.0.1:{port}", behind.backend.url) as url:
            assert_unknown(await wire.ask(url, "GET", "/orders", bearing(new_token()[0])))
    assert behind.backend.seen == []


async def test_ten_checks_at_once_are_ten_answers_and_each_its_own(site: Site) -> None:
    tokens = [new_token() for _ in range(10)]
    answers = await asyncio.gather(*(site.ask(headers=bearing(token)) for token, _ in tokens))
    assert [answer.status for answer in answers] == [200] * 10
    told = sorted(seen.all("x-auth-email")[0] for seen in site.backend.seen)
    assert told == sorted(email.replace("%", "%25") for _, email in tokens)
