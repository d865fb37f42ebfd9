"""Auth services that do not speak our wire, over real sockets: what is sent, what is told, and to whom.

It must never be kinder to a wire than to our own: a reply that no row reads stays without a verdict.
"""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
import pytest_asyncio

from netra.lab.connection import Delivery
from netra.lab.faulty_auth_service import FaultyAuthService
from netra.lab.scripts import json_reply, reply
from tests.support import wire
from tests.support.gateways import EMAIL, LOGIN, PASSWORD, Running, gateway, served
from tests.support.problems import assert_problem

WIRE = """
name = "acme"
[extra]
tenant = { max_chars = 12, required = false }
[calls.login]
method = "POST"
path = "/token"
form = { grant_type = "password", username = "{identifier}", password = "{password}" }
headers = { X-Tenant = "{tenant}", X-Real-IP = "{client_address}" }
sealed = false
[[calls.login.replies]]
status = [200]
require = ["access_token"]
accept = { access_token = "/jwt" }
[[calls.login.replies]]
status = [400]
pointer = "/error"
value = "invalid_grant"
code = "invalid_credentials"
"""
FORM = ("Content-Type", "application/x-www-form-urlencoded")
BAD_LOGIN = {"error": "bad_login", "who": EMAIL, EMAIL: PASSWORD, "echo": PASSWORD}


@pytest.fixture
def path(tmp_path: Path) -> str:
    """A wire file."""
    file = tmp_path / "acme.toml"
    file.write_text(WIRE, "utf-8")
    return str(file)


@pytest_asyncio.fixture(loop_scope="module")
async def acme(service: FaultyAuthService) -> FaultyAuthService:
    """An auth service of its own kind, that takes every login."""
    service.answer("/token", json_reply(200, {"jwt": "t-1"}))
    return service


@pytest_asyncio.fixture(loop_scope="module")
async def front(acme: FaultyAuthService, path: str) -> AsyncIterator[Running]:
    """A gateway before it: people log in with names, also by form."""
    told = {"NETRA_WIRE": path, "NETRA_IDENTIFIER": "username", "NETRA_FORM_LOGIN": "true", "ENVIRONMENT": "staging"}
    async with gateway(acme.url, **told) as running:
        yield running


def delivered(service: FaultyAuthService) -> Delivery:
    """The one login that came."""
    (one,) = [each for each in service.journal if each.path == "/token"]
    return one


def secrets_told(running: Running) -> list[str]:
    """What no line and no answer may hold."""
    return [word for word in (EMAIL, PASSWORD, "ada.byron") if word in running.log.getvalue().decode()]


# --- what is sent ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("by_form", [False, True], ids=["json", "form"])
async def test_a_login_goes_out_as_the_wire_says(front: Running, acme: FaultyAuthService, by_form: bool) -> None:
    said = {"username": EMAIL, "password": PASSWORD, "tenant": "acme & co"}
    if by_form:
        answer = await front.ask("POST", LOGIN, [FORM], urlencode({**said, "grant_type": "x", "scope": ""}).encode())
    else:
        answer = await front.post("/login", said)
    assert (answer.status, answer.json["access_token"]) == (200, "t-1")
    sent = delivered(acme)
    assert sent.body == urlencode({"grant_type": "password", "username": EMAIL, "password": PASSWORD}).encode()
    assert sent.header("x-tenant") == "acme & co"
    assert sent.header("x-real-ip") == "127.0.0.1"
    assert sent.header("x-service-secret") is None


@pytest.mark.parametrize("value", ["a\r\nX-Evil: 1", "a\nb", "a\rb", "a\x00b", "a\tb", "a\x85b"], ids=ascii)
async def test_no_field_gets_a_line_of_its_own_into_what_is_sent(
    front: Running, acme: FaultyAuthService, value: str
) -> None:
    for field in ("tenant", "username"):
        said = {"username": EMAIL, "password": PASSWORD, field: value}
        problem = assert_problem(await front.post("/login", said), 422, "invalid_fields")
        assert [(each["pointer"], each["code"]) for each in problem["errors"]] == [(f"/{field}", "invalid_format")]
        assert_problem(await front.ask("POST", LOGIN, [FORM], urlencode(said).encode()), 422, "invalid_fields")
    assert [each for each in acme.journal if each.path == "/token"] == []


async def test_what_no_header_can_carry_is_the_clients_fault_and_not_ours(
    front: Running, acme: FaultyAuthService
) -> None:
    said = {"username": "\u65e5\u672c", "password": "\u65e5\u672c"}
    problem = assert_problem(await front.post("/login", {**said, "tenant": "\u65e5\u672c"}), 422, "invalid_fields")
    assert [each["pointer"] for each in problem["errors"]] == ["/tenant"]
    assert (await front.post("/login", said)).status == 200
    assert delivered(acme).body == urlencode({"grant_type": "password", **said}).encode()


async def test_a_password_may_hold_line_breaks_and_stays_in_its_field(front: Running, acme: FaultyAuthService) -> None:
    password = "a\r\nX-Evil: 1&username=eve\x00"
    assert (await front.post("/login", {"username": EMAIL, "password": password})).status == 200
    assert delivered(acme).body.endswith(urlencode({"password": password}).encode())
    assert delivered(acme).header("x-evil") is None


async def test_a_wrong_password_is_a_refusal_by_the_row_of_the_wire(front: Running, acme: FaultyAuthService) -> None:
    acme.answer("/token", json_reply(400, {"error": "invalid_grant"}))
    answer = await front.post("/login", {"username": EMAIL, "password": PASSWORD})
    assert_problem(answer, 401, "invalid_credentials")


# --- what there is ---------------------------------------------------------------------------------------------------


async def test_what_the_wire_does_not_list_is_not_there_and_config_says_so(front: Running) -> None:
    for target in ("/register", "/refresh", "/logout"):
        assert_problem(await front.post(target, {"refresh_token": "r1"}), 404, "not_found")
    assert_problem(await front.get("/me", [("Authorization", "Bearer t-1")]), 404, "not_found")
    answer = await front.get("/config")
    assert (answer.status, answer.json["registration_enabled"]) == (200, False)


async def test_a_handshake_that_no_wire_offers_is_absent_and_never_asked_for(
    front: Running, acme: FaultyAuthService
) -> None:
    assert front.assembled.gateway.standing.handshake == "absent"
    assert front.assembled.gateway.standing.connectivity == "not_run"
    assert (await front.post("/login", {"username": EMAIL, "password": PASSWORD})).status == 200
    assert [each.path for each in acme.journal] == ["/token"]


# --- replies that no row reads ---------------------------------------------------------------------------------------


async def test_an_unread_reply_is_told_with_a_row_that_can_be_pasted_and_nothing_that_anybody_said(
    front: Running, acme: FaultyAuthService, tmp_path: Path
) -> None:
    acme.answer("/token", json_reply(400, BAD_LOGIN))
    answer = await front.post("/login", {"username": EMAIL, "password": PASSWORD})
    problem = assert_problem(answer, 502, "request_not_understood", "operator")
    assert EMAIL not in answer.raw.decode()
    assert PASSWORD not in answer.raw.decode()
    first = problem["suggestions"][0]
    assert "status 400 with the members error, who, echo; " in first
    (line,) = [each for each in front.lines_of(problem["request_id"]) if each.get("check_first")]
    assert line["check_first"] == first
    assert secrets_told(front) == []
    pasted = tmp_path / "pasted.toml"
    pasted.write_text(WIRE + first[first.index("[[calls.login.replies]]") :], "utf-8")
    async with gateway(acme.url, NETRA_WIRE=str(pasted), NETRA_IDENTIFIER="username") as mended:
        answer = await mended.post("/login", {"username": EMAIL, "password": PASSWORD})
        assert_problem(answer, 401, "invalid_credentials")


async def test_the_public_is_told_nothing_of_an_unread_reply(acme: FaultyAuthService, path: str) -> None:
    acme.answer("/token", json_reply(400, BAD_LOGIN))
    async with gateway(acme.url, NETRA_WIRE=path, NETRA_DISCLOSE="public") as closed:
        answer = await closed.post("/login", {"email": EMAIL, "password": PASSWORD})
    assert_problem(answer, 502, "authentication_unavailable", "public")
    for word in ("bad_login", "who", "echo", EMAIL, PASSWORD, "wire", "/token"):
        assert f'"{word}' not in answer.raw.decode()
        assert word == "who" or word not in answer.raw.decode()


@pytest.mark.parametrize("status", [500, 503, 302, 200])
async def test_an_outage_is_told_without_any_row(front: Running, acme: FaultyAuthService, status: int) -> None:
    acme.answer("/token", reply(status, b"<html>down</html>", [("Content-Type", "text/html")]))
    answer = await front.post("/login", {"username": EMAIL, "password": PASSWORD})
    assert answer.status in (502, 503)
    assert "[[calls" not in answer.raw.decode()


# --- a proxy that nobody trusts --------------------------------------------------------------------------------------

FORWARDED = "198.51.100.7"


async def health(running: Running) -> Any:
    """What operators read at the admin listener."""
    stop = running.stop.__class__()
    async with served(running.assembled.admin, stop) as url:
        return (await wire.ask(url, "GET", "/health", [], None)).json


async def test_a_proxy_that_nobody_trusts_is_told_once_in_the_log_and_in_health_by_its_own_address(
    front: Running, acme: FaultyAuthService
) -> None:
    for number in range(3):
        headers = [("X-Forwarded-For", f"{FORWARDED}, 203.0.113.{number}")]
        assert (await front.post("/login", {"username": EMAIL, "password": PASSWORD}, headers)).status == 200
    told = [line for line in front.lines if line.get("code") == "untrusted_proxy"]
    assert [(line["level"], line["variable"]) for line in told] == [("warning", "NETRA_TRUSTED_PROXIES")]
    assert "127.0.0.1" in told[0]["what"]
    findings = [each for each in (await health(front))["findings"] if each["code"] == "untrusted_proxy"]
    assert len(findings) == 1
    assert FORWARDED not in front.log.getvalue().decode()
    assert FORWARDED not in json.dumps(findings)
    assert {each.header("x-real-ip") for each in acme.journal} == {"127.0.0.1"}, "nobody chooses his own address"


async def test_a_proxy_that_is_trusted_is_believed_and_not_told(acme: FaultyAuthService, path: str) -> None:
    async with gateway(acme.url, NETRA_WIRE=path, NETRA_TRUSTED_PROXIES="127.0.0.1") as trusting:
        headers = [("X-Forwarded-For", FORWARDED)]
        assert (await trusting.post("/login", {"email": EMAIL, "password": PASSWORD}, headers)).status == 200
        assert [line for line in trusting.lines if line.get("code") == "untrusted_proxy"] == []
    assert delivered(acme).header("x-real-ip") == FORWARDED
