"""Routes before auth services that are not ours: other identifiers, fields beside, forms, calls that do not exist.

It must never need a socket: what is asked and answered here are values.
"""

import json
from typing import Any, get_args
from urllib.parse import urlencode

import pytest

from netra.core.identifier import Kind
from netra.core.verdict.wire import Extra, Wire
from netra.gateway.attempts import Forms
from netra.testing.fakes import reply
from netra.web.endpoints import ENDPOINTS
from netra.wires.load import load, preset, presets
from tests.gateway.support import GOOD_OFFER, LOGGED_OUT, body_of
from tests.link.support import GOOD_LOGIN, PASSWORD, WIRE
from tests.support.problems import assert_problem
from tests.web.support import Front

BEARER = {"Authorization": "Bearer access-token-1"}
FORM = {"content_type": "application/x-www-form-urlencoded"}
KINDS: tuple[Kind, ...] = get_args(Kind)
NAMES: dict[Kind, str] = {"email": "email", "username": "username", "phone": "phone", "any": "identifier"}
BARE = """
name = "bare"
[calls.login]
method = "POST"
path = "/signin"
json = { who = "{identifier}", word = "{password}" }
[[calls.login.replies]]
status = [200]
require = ["access_token"]
accept = { access_token = "/access_token" }
"""


def kind_of(kind: Kind, *extra: Extra) -> dict[str, Any]:
    """The parts of a gateway where people log in with this."""
    return {"identifier_kind": kind, "forms": Forms(kind, extra)}


def wire_parts(wire: Wire) -> dict[str, Any]:
    """The parts of a gateway before such an auth service."""
    return {"wire": wire, "forms": Forms("email", wire.extra)}


def without(*names: str) -> Wire:
    """The default wire without some calls."""
    return WIRE._replace(templates={name: each for name, each in WIRE.templates.items() if name not in names})


# --- identifiers and fields beside -----------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
async def test_people_log_in_with_what_they_have_and_faults_point_to_it(kind: Kind) -> None:
    front = Front(GOOD_LOGIN, parts=kind_of(kind))
    assert (await front.ask("POST", "/login", {NAMES[kind]: "0123456", "password": PASSWORD})).status == 200
    assert json.loads(body_of(front.stage))["email"] == "0123456"
    problem = assert_problem(await front.ask("POST", "/login", {"password": "Pl4nted"}), 422, "invalid_fields")
    assert [(each["pointer"], each["code"]) for each in problem["errors"]] == [(f"/{NAMES[kind]}", "missing")]


async def test_what_the_wire_wants_beside_is_taken_and_told_when_it_is_wrong() -> None:
    front = Front(GOOD_LOGIN, parts=kind_of("email", Extra("tenant", 5, required=True)))
    login = {"email": "ada@example.com", "password": PASSWORD}
    for body, code in ((login, "missing"), ({**login, "tenant": "Pl4nted"}, "too_long")):
        answer = await front.ask("POST", "/login", body)
        problem = assert_problem(answer, 422, "invalid_fields")
        assert [(each["pointer"], each["code"]) for each in problem["errors"]] == [("/tenant", code)]
        assert b"Pl4nted" not in answer.raw
    assert front.stage.exchange.asked == []
    assert (await front.ask("POST", "/login", {**login, "tenant": "acme"})).status == 200


# --- forms -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
async def test_a_form_logs_in_where_it_is_asked_for_whatever_people_log_in_with(kind: Kind) -> None:
    front = Front(GOOD_LOGIN, form_login=True, parts=kind_of(kind))
    sent = {"grant_type": "password", "username": "ada & eve", "password": "p+w %41", "scope": "", "client_id": "x"}
    answer = await front.ask("POST", "/login", urlencode(sent).encode(), **FORM)
    assert answer.status == 200
    assert json.loads(body_of(front.stage)) == {"email": "ada & eve", "password": "p+w %41"}


async def test_a_form_and_json_are_answered_alike() -> None:
    said = {"username": "ada", "password": PASSWORD}
    for got in (GOOD_LOGIN, reply(401, {"code": "invalid_credentials"}), reply(500)):
        by_form = Front(got, form_login=True, parts=kind_of("username"))
        by_json = Front(got, form_login=True, parts=kind_of("username"))
        one = await by_form.ask("POST", "/login", urlencode(said).encode(), X_Request_ID="request-1", **FORM)
        other = await by_json.ask("POST", "/login", said, X_Request_ID="request-1")
        assert (one.status, one.json.get("code")) == (other.status, other.json.get("code"))
        assert body_of(by_form.stage) == body_of(by_json.stage)


async def test_a_form_may_carry_what_the_wire_wants_beside() -> None:
    wire = load(
        BARE.replace('"{password}" }', '"{password}", realm = "{tenant}" }') + "[extra]\ntenant = {}\n", "a.toml"
    )
    front = Front(GOOD_LOGIN, form_login=True, parts=wire_parts(wire))
    assert (await front.ask("POST", "/login", b"username=ada&password=pw&tenant=acme", **FORM)).status == 200
    assert json.loads(body_of(front.stage)) == {"who": "ada", "word": "pw", "realm": "acme"}


@pytest.mark.parametrize(
    ("form_login", "path", "content_type"),
    [
        (False, "/login", "application/x-www-form-urlencoded"),
        (True, "/register", "application/x-www-form-urlencoded"),
        (True, "/refresh", "application/x-www-form-urlencoded"),
        (True, "/logout", "application/x-www-form-urlencoded"),
        (True, "/login", "multipart/form-data; boundary=x"),
        (True, "/login", "text/plain"),
        (True, "/login", "application/x-www-form-urlencoded; charset=latin-1"),
    ],
    ids=range(7),
)
async def test_a_form_is_a_415_where_none_is_taken(form_login: bool, path: str, content_type: str) -> None:
    front = Front(form_login=form_login)
    body = b"username=ada&password=pw&refresh_token=r1"
    assert_problem(await front.ask("POST", path, body, content_type=content_type), 415, "unsupported_media_type")
    assert front.stage.exchange.asked == []


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"username=Pl4nted&username=b&password=pw", 400, "malformed_request"),
        (b"username=Pl4nted%ff&password=pw", 400, "malformed_request"),
        (b"username=Pl4nted\xff&password=pw", 400, "malformed_request"),
        (b"username=Pl4nted&password=pw" + b"&a=" * 40, 400, "malformed_request"),
        (b'{"email": "Pl4nted", "password": "pw"}', 422, "invalid_fields"),
        (b"username=Pl4nted", 422, "invalid_fields"),
        (b"password=Pl4nted", 422, "invalid_fields"),
        (b"username=Pl4nted%0A&password=pw", 422, "invalid_fields"),
        (b"", 422, "invalid_fields"),
    ],
    ids=range(9),
)
async def test_a_form_that_cannot_be_used_is_refused_and_never_quoted(body: bytes, status: int, code: str) -> None:
    front = Front(form_login=True)
    answer = await front.ask("POST", "/login", body, **FORM)
    assert_problem(answer, status, code)
    assert b"Pl4nted" not in answer.raw
    assert (front.stage.exchange.asked, front.crashes) == ([], [])


async def test_json_is_taken_as_before_where_forms_are_taken_too() -> None:
    front = Front(GOOD_LOGIN, form_login=True)
    assert (await front.ask("POST", "/login", {"email": "ada@example.com", "password": PASSWORD})).status == 200
    assert_problem(await front.ask("POST", "/login", b"{"), 400, "malformed_request")


# --- what there is ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", presets())
async def test_before_every_preset_there_are_the_routes_that_its_auth_service_offers(name: str) -> None:
    wire = preset(name)
    for endpoint in ENDPOINTS:
        if endpoint.operation is None:
            continue
        front = Front(reply(500), parts=wire_parts(wire))
        answer = await front.ask(endpoint.method, endpoint.path, {}, **BEARER)
        assert (answer.status == 404) == (not wire.offers(endpoint.operation)), endpoint.path
    assert (await Front(GOOD_OFFER, parts=wire_parts(wire)).ask("GET", "/config")).status == 200


@pytest.mark.parametrize(
    ("lacking", "registration", "offered"),
    [(("config",), True, True), (("config",), False, False), (("config", "register"), True, False)],
    ids=range(3),
)
async def test_config_is_answered_from_what_is_known_here_where_nobody_can_be_asked(
    lacking: tuple[str, ...], registration: bool, offered: bool
) -> None:
    parts = {"wire": without(*lacking), "registration": registration, "oauth_providers": ("github",)}
    front = Front(parts=parts)
    answer = await front.ask("GET", "/config")
    assert (answer.status, front.stage.exchange.asked, front.stage.told.events) == (200, [], [])
    assert answer.json == {
        "registration_enabled": offered, "password_min_length": None, "password_max_length": None,
        "access_token_ttl_s": None, "oauth_providers": ["github"],
    }  # fmt: skip


async def test_config_never_offers_a_registration_that_has_no_route() -> None:
    front = Front(GOOD_OFFER, parts={"wire": without("register")})
    assert (await front.ask("GET", "/config")).json["registration_enabled"] is False
    assert_problem(await front.ask("POST", "/register", {}), 404, "not_found")


async def test_a_logout_that_needs_the_access_token_is_not_tried_without_it() -> None:
    front = Front(LOGGED_OUT, parts=wire_parts(preset("supertokens")))
    assert_problem(await front.ask("POST", "/logout", {"refresh_token": "r1"}), 401, "token_missing")
    assert front.stage.exchange.asked == []
    done = Front(reply(200, {"status": "OK"}), parts=wire_parts(preset("supertokens")))
    assert (await done.ask("POST", "/logout", None, **BEARER)).status == 200


@pytest.mark.parametrize("name", ["auth0", "cognito", "django-rest", "oauth2-password"])
async def test_a_logout_that_needs_the_refresh_token_says_which_field_is_missing(name: str) -> None:
    front = Front(parts=wire_parts(preset(name)))
    problem = assert_problem(await front.ask("POST", "/logout", {}, **BEARER), 422, "invalid_fields")
    assert [(each["pointer"], each["code"]) for each in problem["errors"]] == [("/refresh_token", "missing")]
    assert front.stage.exchange.asked == []


# --- replies that no row reads ---------------------------------------------------------------------------------------

UNREAD = reply(400, {"error": "bad_login", "hint": "for ada.byron"})


async def test_the_first_suggestion_names_what_came_and_the_row_that_would_read_it() -> None:
    answer = await Front(UNREAD).ask("POST", "/login", {"email": "ada.byron@example.com", "password": PASSWORD})
    problem = assert_problem(answer, 502, "request_not_understood", "operator")
    first = problem["suggestions"][0]
    assert "status 400 with the members error, hint" in first
    assert (
        '[[calls.login.replies]]\nstatus = [400]\npointer = "/error"\nvalue = "bad_login"\ncode = "invalid_creden'
        in first
    )
    assert b"byron" not in answer.raw
    assert PASSWORD not in answer.raw.decode()


async def test_the_public_is_told_nothing_of_it() -> None:
    login = {"email": "ada.byron@example.com", "password": PASSWORD}
    for got in (UNREAD, reply(200, {"error": "bad_login", "hint": "x"}), reply(401, {"bad_login": "bad_login"})):
        answer = await Front(got, operator=False).ask("POST", "/login", login)
        for word in (b"bad_login", b"hint", b"byron", b"calls.login", b"wire", b"members"):
            assert word not in answer.raw
    assert_problem(await Front(UNREAD, operator=False).ask("POST", "/login", login), 502,
                   "authentication_unavailable", "public")  # fmt: skip


async def test_what_the_client_said_is_told_to_nobody_when_the_auth_service_repeats_it() -> None:
    said = {"email": "ada.byron@example.com", "password": "Sw0rdfish"}
    for word in ("ada.byron@example.com", "byron", "Byron", "Sw0rdfish", "sw0rdfish"):
        got = reply(400, {"error": word, "message": f"No {word} here", word: 1})
        answer = await Front(got).ask("POST", "/login", said)
        assert_problem(answer, 502, "request_not_understood", "operator")
        assert word.lower() not in answer.raw.decode().lower()
