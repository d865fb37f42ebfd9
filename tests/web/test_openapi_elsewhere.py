"""The API's description before other auth services: as true to the answers there as before our own.

It must never describe a field, a form or a status that this gateway does not take or give.
"""

import json
from typing import Any, get_args
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netra.core.identifier import Kind
from netra.core.verdict.causes import TABLE
from netra.core.verdict.wire import Extra
from netra.gateway.attempts import Forms
from netra.testing.fakes import reply
from netra.web.openapi import description
from netra.wires.load import preset, presets
from netra.wires.rows import CODES
from tests.core.support import quick
from tests.core.verdict.refusal_names import OF_FIELDS, OF_OURS, OF_USERS
from tests.gateway.support import LOGGED_OUT
from tests.link.support import GOOD_LOGIN, WIRE
from tests.web.support import PREFIX, VERSION, Front
from tests.web.test_openapi import conforms, described, validator

BEARER = {"Authorization": "Bearer access-token-1"}
KINDS: tuple[Kind, ...] = get_args(Kind)
NAMES: dict[Kind, str] = {"email": "email", "username": "username", "phone": "phone", "any": "identifier"}
TENANT, CAPTCHA = Extra("tenant", 9, required=False), Extra("captcha", 9, required=True)
URLENCODED = "application/x-www-form-urlencoded"


def judge_of(document: Any, path: str, kind: str = "application/json") -> Any:
    """What judges a body by the description of a route."""
    return validator(document, document["paths"][PREFIX + path]["post"]["requestBody"]["content"][kind]["schema"])


def kind_of(kind: Kind, *extra: Extra) -> dict[str, Any]:
    """The parts of a gateway where people log in with this."""
    return {"identifier_kind": kind, "forms": Forms(kind, extra)}


VALUES = (
    st.none() | st.just("") | st.text("ab1@.", min_size=1, max_size=12) | st.sampled_from(["a@b.co", 1, True, [], {}])
)
MEMBERS = [*NAMES.values(), "password", "confirm_password", "name", "tenant", "captcha", "other"]


@quick
@given(st.sampled_from(KINDS), st.booleans(), st.dictionaries(st.sampled_from(MEMBERS), VALUES))
async def test_a_login_is_described_as_it_is_read_whatever_people_log_in_with(
    kind: Kind, extra: bool, body: dict[str, Any]
) -> None:
    front = Front(GOOD_LOGIN, parts=kind_of(kind, *((TENANT, CAPTCHA) if extra else ())))
    document = description(front.stage.gateway, PREFIX, VERSION)
    taken = (await front.ask("POST", "/login", body)).status == 200
    # An alias is looked at only where the name itself says nothing: then it may be anything.
    shadowed = kind == "any" and len([name for name in NAMES.values() if name in body]) > 1
    assert shadowed or judge_of(document, "/login").is_valid(body) == taken


@pytest.mark.parametrize("kind", KINDS)
async def test_a_registration_names_the_same_fields(kind: Kind) -> None:
    judge = judge_of(await described(parts=kind_of(kind, CAPTCHA)), "/register")
    good = {NAMES[kind]: "a@b.co", "password": "pw", "captcha": "x", "name": None, "confirm_password": "pw"}
    assert judge.is_valid(good)
    for missing in (NAMES[kind], "password", "captcha"):
        assert not judge.is_valid({name: value for name, value in good.items() if name != missing})
    assert not judge.is_valid({**good, "name": 1})


async def test_the_names_that_stand_for_any_identifier_are_described_and_no_others() -> None:
    document = await described(parts=kind_of("any"))
    judge = judge_of(document, "/login")
    for name in NAMES.values():
        assert judge.is_valid({name: "ada", "password": "pw"})
    for kind in ("email", "username", "phone"):
        schema = (await described(parts=kind_of(kind)))["components"]["schemas"]["LoginRequest"]
        assert schema["properties"].keys() == {NAMES[kind], "password"}


@pytest.mark.parametrize("kind", KINDS)
async def test_a_form_is_described_where_it_is_taken_alone(kind: Kind) -> None:
    plain = await described(parts=kind_of(kind))
    assert URLENCODED not in json.dumps(plain)
    document = await described(parts=kind_of(kind, CAPTCHA), form_login=True)
    forms = {path for path, item in document["paths"].items() if URLENCODED in json.dumps(item)}
    assert forms == {f"{PREFIX}/login"}
    judge = judge_of(document, "/login", URLENCODED)
    for body, taken in (
        ({"username": "ada", "password": "pw", "captcha": "x", "grant_type": "password"}, True),
        ({NAMES[kind]: "ada", "password": "pw", "captcha": "x"}, True),
        ({"username": "ada", "password": "pw"}, False),
        ({"password": "pw", "captcha": "x"}, False),
        ({"username": "", "password": "pw", "captcha": "x"}, False),
    ):
        front = Front(GOOD_LOGIN, form_login=True, parts=kind_of(kind, CAPTCHA))
        answer = await front.ask("POST", "/login", urlencode(body).encode(), content_type=URLENCODED)
        assert judge.is_valid(body) == taken == (answer.status == 200), body
        conforms(document, f"{PREFIX}/login", "POST", answer)


@pytest.mark.parametrize("name", presets())
async def test_the_description_before_every_preset_is_of_its_routes(name: str) -> None:
    wire = preset(name)
    document = await described(parts={"wire": wire, "forms": Forms("email", wire.extra)})
    below = {path.removeprefix(PREFIX) for path in document["paths"] if path.startswith(PREFIX)}
    offered = {*wire.templates, *(("me", "verify") if "validate" in wire.templates else ())} - {"validate"}
    offered -= {"health", "handshake", "config", "keys", "revocations"}
    assert below == {f"/{each}" for each in offered} | {"/config"}
    assert {each.name for each in wire.extra} <= document["components"]["schemas"]["LoginRequest"]["properties"].keys()


@pytest.mark.parametrize(
    ("name", "alone", "body_required"),
    [("netra", False, False), ("supertokens", True, False), ("auth0", False, True)],
)
async def test_a_logout_is_described_by_what_its_auth_service_needs(
    name: str, alone: bool, body_required: bool
) -> None:
    document = await described(parts={"wire": preset(name)})
    logout = document["paths"][f"{PREFIX}/logout"]["post"]
    assert logout["requestBody"]["required"] == body_required
    assert logout["security"] == ([{"bearer": []}] if alone else [{"bearer": []}, {}])
    assert judge_of(document, "/logout").is_valid({}) == (not body_required)
    for body, headers in (({}, BEARER), ({"refresh_token": "r1"}, {}), ({}, {})):
        front = Front(LOGGED_OUT, parts={"wire": preset(name)})
        answer = await front.ask("POST", "/logout", body, **headers)
        conforms(document, f"{PREFIX}/logout", "POST", answer)


async def test_config_fails_in_no_way_where_nobody_is_asked() -> None:
    templates = {name: each for name, each in WIRE.templates.items() if name != "config"}
    parts = {"wire": WIRE._replace(templates=templates)}
    responses = (await described(parts=parts))["paths"][f"{PREFIX}/config"]["get"]["responses"]
    assert responses.keys() == {"200"}
    assert (await described())["paths"][f"{PREFIX}/config"]["get"]["responses"].keys() > {"200", "502", "503", "504"}


ROUTES: list[tuple[str, str, Any]] = [
    ("POST", "/login", {"email": "ada@example.com", "password": "pw"}),
    ("POST", "/register", {"email": "ada@example.com", "password": "pw"}),
    ("POST", "/refresh", {"refresh_token": "r1"}),
    ("POST", "/logout", {"refresh_token": "r1"}),
    ("GET", "/me", None),
    ("GET", "/config", None),
]
SAID = [*OF_USERS, *OF_FIELDS, *OF_OURS, "E_17", "overloaded"]


@quick
@given(
    st.sampled_from(presets()),
    st.sampled_from(ROUTES),
    st.sampled_from([200, 201, 204, 302, 400, 401, 403, 404, 409, 422, 423, 429, 500, 503]),
    st.sampled_from(["code", "error", "detail", "error_code", "status", "message"]),
    st.sampled_from(SAID),
)
async def test_whatever_an_auth_service_says_the_answer_is_described(
    name: str, route: tuple[str, str, Any], status: int, key: str, said: str
) -> None:
    method, path, body = route
    wire = preset(name)
    front = Front(reply(status, {key: said}), parts={"wire": wire, "forms": Forms("email", wire.extra)})
    answer = await front.ask(method, path, body, **BEARER)
    document = description(front.stage.gateway, PREFIX, VERSION)
    if answer.status == 404 and PREFIX + path not in document["paths"]:
        return
    conforms(document, PREFIX + path, method, answer)
    if answer.status < 500 and answer.status != 200:
        described_codes = document["paths"][PREFIX + path][method.lower()]["responses"][str(answer.status)]
        assert answer.json["code"] in described_codes["description"]


def test_all_that_can_be_refused_has_a_shared_name() -> None:
    """What the description relies on: a row of a wire can mean nothing that no shared name means."""
    assert {code for code in CODES if TABLE[code].verdict == "rejected"} == {*WIRE.names.of_users.values()}


@pytest.mark.parametrize(
    ("name", "path", "got"),
    [
        ("supabase", "/me", reply(403, {"error_code": "user_banned"})),
        ("supabase", "/logout", reply(403, {"error_code": "session_not_found"})),
        ("spring", "/login", reply(401)),
        ("cognito", "/login", reply(400, {"__type": "UserNotConfirmedException"})),
        ("netra", "/me", reply(423, {})),
        ("netra", "/config", reply(403, {"code": "account_disabled"})),
    ],
    ids=range(6),
)
async def test_what_only_a_row_of_a_wire_says_is_described(name: str, path: str, got: Any) -> None:
    wire = preset(name)
    front = Front(got, parts={"wire": wire, "forms": Forms("email", wire.extra)})
    method, _, body = next(route for route in ROUTES if route[1] == path)
    answer = await front.ask(method, path, body, **BEARER)
    assert answer.status < 500
    conforms(description(front.stage.gateway, PREFIX, VERSION), PREFIX + path, method, answer)
