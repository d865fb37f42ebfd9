"""Whether every route of the wire answers as promised, asked with nothing said."""

import asyncio

import pytest

from netra.doctor.diagnosis import Check
from netra.doctor.hops import contract, credentials
from netra.lab.connection import Connection, Delivery, Script
from netra.lab.faulty_auth_service import FaultyAuthService
from netra.lab.scripts import html, json_reply, problem, redirect, reply, session, silence
from netra.testing.authds import AuthdBeside
from tests.doctor.visits import OTHER_SECRET, SECRET, after_handshake, codes, only, seen, states, visit
from tests.live.test_auth_services_of_others import TUTORIAL, started

ROUTES = {
    "route_login": "POST /auth/login",
    "route_register": "POST /auth/register",
    "route_refresh": "POST /auth/refresh",
    "route_logout": "POST /auth/logout",
    "route_validate": "POST /auth/validate",
    "route_config": "GET /auth/config",
    "route_keys": "GET /.well-known/jwks.json",
    "route_revocations": "GET /auth/revocations",
}


async def looked(lab: FaultyAuthService, **variables: str) -> dict[str, Check]:
    """What the hop says of this lab, behind a handshake."""
    async with visit(lab.url, **variables) as one:
        await after_handshake(one)
        return await seen(contract.checks, one)


def others(found: dict[str, Check], name: str) -> set[str]:
    """How all checks but one came out."""
    return {str(each.state) for other, each in found.items() if other != name}


async def test_every_route_of_a_real_auth_service_answers_as_promised(netra_authd: AuthdBeside) -> None:
    async with visit(netra_authd.url, **netra_authd.variables) as one:
        await after_handshake(one)
        found = await seen(contract.checks, one)
    assert list(found) == list(ROUTES)
    assert set(states(found).values()) == {"pass"}
    assert all(check.what.startswith(ROUTES[name]) for name, check in found.items())
    assert all(check.elapsed_s is not None for check in found.values())


async def test_nothing_is_said_nobody_is_named_and_each_route_is_asked_once() -> None:
    async with FaultyAuthService(secret=SECRET) as lab:
        await looked(lab)
        asked = [each for each in lab.journal if each.path != "/auth/handshake"]
    assert sorted(f"{each.method} {each.path}" for each in asked) == sorted(ROUTES.values())
    bodies = {each.path: each.body for each in asked if each.method == "POST"}
    assert bodies.pop("/auth/register") == b""
    assert set(bodies.values()) == {b"{}"}
    assert not any(each.header("Authorization") or each.query for each in asked)
    assert all((each.header("X-Request-ID") or "").startswith("doctor-") for each in asked)


@pytest.mark.parametrize("name", ROUTES)
@pytest.mark.parametrize("status", [404, 405, 410])
async def test_a_route_that_a_release_has_lost_is_named(name: str, status: int) -> None:
    route = ROUTES[name]
    async with FaultyAuthService() as lab:
        lab.answer(route.partition(" ")[2], reply(status))
        found = await looked(lab)
    assert found[name].state == "fail"
    finding = only(found[name])
    assert finding.code == "endpoint_not_found"
    assert route in finding.what
    assert found[name].what.startswith(route)
    assert others(found, name) == {"pass"}


@pytest.mark.parametrize(
    ("script", "state", "code"),
    [
        (json_reply(400, {"message": "no"}), "pass", ""),
        (json_reply(401, {"message": "no"}), "pass", ""),
        (json_reply(403, {"message": "no"}), "fail", "service_credentials_rejected"),
        (problem(401, "service_credentials_rejected"), "fail", "service_credentials_rejected"),
        (problem(422, "invalid_fields"), "pass", ""),
        (problem(401, "invalid_credentials"), "pass", ""),
        (json_reply(415, {"message": "no"}), "fail", "request_not_understood"),
        (json_reply(429, {"message": "no"}), "warn", "auth_service_rate_limited"),
        (redirect(307, "https://login.test/"), "fail", "redirected"),
        (html(403, "<html>Request blocked</html>"), "fail", "intermediary_rejected"),
        (html(200, "<html>Welcome</html>"), "fail", "invalid_response"),
        (json_reply(200, {"ok": True}), "fail", "invalid_response"),
        (json_reply(500, {"message": "no"}), "fail", "auth_service_error"),
        (json_reply(503, {"message": "no"}), "fail", "auth_service_unavailable"),
        (json_reply(200, session("nobody@lab.test")), "fail", "nothing_said_accepted"),
        (silence(), "fail", "response_timeout"),
    ],
    ids=[
        "bad_request",
        "wordless_401",
        "wordless_403",
        "our_credentials",
        "fields",
        "user",
        "media_type",
        "too_often",
        "redirect",
        "firewall",
        "page",
        "something_else",
        "crash",
        "maintenance",
        "session",
        "silence",
    ],
)
async def test_what_a_login_that_names_nobody_is_answered_proves_the_route_or_does_not(
    script: Script, state: str, code: str
) -> None:
    async with FaultyAuthService() as lab:
        lab.answer("/auth/login", script)
        found = await looked(lab, NETRA_LOGIN_BUDGET_S="1.1", NETRA_TRIES="1")
    assert found["route_login"].state == state
    assert codes([found["route_login"]]) == ([code] if code else [])
    assert others(found, "route_login") == {"pass"}
    if code:
        assert "POST /auth/login" in only(found["route_login"]).what


async def test_a_form_that_is_refused_without_words_where_a_token_belongs_proves_the_route() -> None:
    async with FaultyAuthService() as lab:
        for path in ("/auth/validate", "/auth/logout"):
            lab.answer(path, json_reply(403, {"detail": "no"}))
        found = await looked(lab)
    assert set(states(found).values()) == {"pass"}


@pytest.mark.parametrize(
    "script",
    [problem(422, "invalid_fields"), json_reply(200, {"items": []}), reply(204)],
    ids=["refused", "half", "empty"],
)
async def test_what_needs_nobody_has_to_be_answered(script: Script) -> None:
    async with FaultyAuthService() as lab:
        lab.answer("/auth/revocations", script)
        found = await looked(lab)
    assert found["route_revocations"].state == "fail"
    assert "live on here" in only(found["route_revocations"]).why
    assert others(found, "route_revocations") == {"pass"}


async def test_behind_a_refusal_of_our_credentials_nothing_is_told_twice_but_a_lost_route_still_is() -> None:
    async with FaultyAuthService(secret=OTHER_SECRET) as lab:
        lab.answer("/auth/refresh", reply(404))
        found = await looked(lab)
    assert states(found) == {
        **dict.fromkeys(ROUTES, "skip"),
        "route_refresh": "fail",
        "route_keys": "pass",
    }
    assert codes(found.values()) == ["endpoint_not_found"]


async def test_an_auth_service_that_registers_nobody_may_lack_that_route_and_the_settings_should_say_so() -> None:
    async with FaultyAuthService() as lab:
        lab.answer("/auth/register", reply(404))
        lab.answer("/auth/config", json_reply(200, {"registration_enabled": False}))
        found = await looked(lab)
        assert others(found, "route_register") == {"pass"}
        assert found["route_register"].state == "warn"
        assert only(found["route_register"]).code == "registration_differs"
        assert "NETRA_REGISTRATION=false" in only(found["route_register"]).fix
        assert "route_register" not in await looked(lab, NETRA_REGISTRATION="false")


async def test_a_registration_that_makes_an_account_of_nothing_is_told() -> None:
    async with FaultyAuthService() as lab:
        lab.answer("/auth/register", json_reply(201, {"user": session("nobody@lab.test")["user"]}))
        found = await looked(lab)
    assert only(found["route_register"]).code == "nothing_said_accepted"


async def test_a_gateway_that_only_verifies_asks_for_no_route_of_logins() -> None:
    async with FaultyAuthService() as lab:
        found = await looked(lab, NETRA_ONLY="verify")
        assert list(found) == ["route_validate", "route_config", "route_keys", "route_revocations"]
        assert not lab.delivered("/auth/login")


async def test_where_only_tokens_of_a_provider_are_checked_there_is_no_route_and_no_credential_to_ask_about() -> None:
    told = {"NETRA_ONLY": "verify", "OIDC_ISSUER": "https://id.shop.test", "NETRA_TOKEN_AUDIENCE": "shop"}
    async with visit("", AUTH_SERVICE_URL=None, SERVICE_SECRET=None, SERVICE_ID=None, **told) as one:
        assert states(await seen(contract.checks, one)) == {"routes": "skip"}
        assert states(await seen(credentials.checks, one)) == {"service_secret": "skip"}


async def test_keys_of_a_provider_are_not_asked_of_the_auth_service() -> None:
    async with FaultyAuthService() as lab:
        found = await looked(lab, OIDC_ISSUER="https://id.shop.test", NETRA_TOKEN_AUDIENCE="shop")
        assert "route_keys" not in found
        assert not lab.delivered("/.well-known/jwks.json")


async def test_an_auth_service_that_knows_nothing_of_us_refuses_empty_forms_in_its_own_words() -> None:
    async with started(TUTORIAL.program) as service:
        told = {"NETRA_WIRE": TUTORIAL.wire, "SERVICE_ID": None, "SERVICE_SECRET": None}
        async with visit(service.url, **told) as one:
            found = await seen(contract.checks, one)
    assert states(found) == {"route_login": "pass", "route_validate": "pass"}


async def test_routes_below_a_path_are_named_with_it() -> None:
    async with FaultyAuthService() as lab, visit(f"{lab.url}/identity") as one:
        found = await seen(contract.checks, one)
    assert set(codes(found.values())) == {"endpoint_not_found"}
    assert "POST /identity/auth/login" in only(found["route_login"]).what


async def test_no_more_than_four_routes_are_asked_at_once() -> None:
    under_way = [0]
    most = [0]

    async def slow(connection: Connection, delivery: Delivery) -> None:
        under_way[0] += 1
        most[0] = max(most[0], under_way[0])
        await asyncio.sleep(0.05)
        under_way[0] -= 1
        await json_reply(404, {})(connection, delivery)

    async with FaultyAuthService() as lab:
        for route in ROUTES.values():
            lab.answer(route.partition(" ")[2], slow)
        await looked(lab)
    assert most == [4]


async def test_when_the_diagnosis_ends_early_no_question_goes_on() -> None:
    async with FaultyAuthService() as lab, visit(lab.url, NETRA_LOGIN_BUDGET_S="9", NETRA_TOKEN_BUDGET_S="9") as one:
        for route in ROUTES.values():
            if route != "GET /auth/config":
                lab.answer(route.partition(" ")[2], silence())
        waiting = asyncio.ensure_future(anext(contract.checks(one)))
        while len(lab.journal) < 5:
            await asyncio.sleep(0.01)
        waiting.cancel()
        async with asyncio.timeout(5):
            await asyncio.gather(waiting, return_exceptions=True)
        assert not [each for each in asyncio.all_tasks() if "_looked_at" in str(each.get_coro())]


async def test_whoever_takes_an_empty_form_for_anything_is_not_made_a_refusal_of_the_wire() -> None:
    async with FaultyAuthService() as lab:
        lab.answer("/auth/login", json_reply(200, {"status": "captive", "login": "http://portal.test/"}))
        async with visit(lab.url) as one:
            finding = only((await seen(contract.checks, one))["route_login"])
    assert finding.code == "invalid_response"
    assert "invalid_credentials" not in finding.fix
    assert "check AUTH_SERVICE_URL and NETRA_WIRE" in finding.fix
