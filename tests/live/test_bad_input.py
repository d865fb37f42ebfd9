"""Whatever a stranger sends to a login is answered as a problem, never with 500, never with a word of what he sent."""

import json
from typing import Any, Final

import pytest

from netra.lab.faulty_auth_service import FaultyAuthService
from tests.support.gateways import EMAIL, LOGIN, PASSWORD, Running
from tests.support.problems import assert_problem
from tests.support.wire import Answer

ECHO: Final = "Swordfish"
"""Stands in everything that is sent and in nothing that is answered."""
JSON: Final = ("Content-Type", "application/json")


async def assert_refused(
    running: Running, service: FaultyAuthService, status: int, code: str, body: bytes, *, target: str = LOGIN
) -> Any:
    """A body that is refused before anybody is asked, without an echo; a good login comes right after it."""
    answer = await running.ask("POST", target, [JSON], body)
    problem = assert_problem(answer, status, code)
    assert_no_echo(running, answer)
    assert service.journal == [], "somebody was asked"
    assert (await running.log_in()).status == 200
    return problem


def assert_no_echo(running: Running, answer: Answer) -> None:
    assert ECHO.encode() not in answer.raw
    assert ECHO not in running.log.getvalue().decode()


def login_body(**changes: Any) -> bytes:
    """A login with some members changed; what can only be written escaped is escaped."""
    return json.dumps({"email": EMAIL, "password": ECHO, **changes}).encode()


NOT_JSON: Final = {
    "empty": b"",
    "blank": b" \r\n\t ",
    "half a document": b'{"email": "Swordfish',
    "no quotes": b"{email: Swordfish}",
    "single quotes": b"{'email': 'Swordfish'}",
    "a trailing comma": b'{"email": "Swordfish", "password": "x",}',
    "a comment": b'{"email": "Swordfish", "password": "x"} // hello',
    "two documents": login_body() * 2,
    "a form": b"email=ada&password=Swordfish",
    "a byte order mark": b"\xef\xbb\xbf" + login_body(),
    "UTF-16": login_body().decode().encode("utf-16"),
    "invalid UTF-8": b'{"email": "a@b.c", "password": "Swordfish\xff"}',
    "an overlong encoding": b'{"email": "a@b.c", "password": "Swordfish\xc0\xaf"}',
    "a surrogate in UTF-8": b'{"email": "a@b.c", "password": "Swordfish\xed\xa0\x80"}',
    "a lone high surrogate": b'{"email": "a@b.c", "password": "Swordfish\\ud83d"}',
    "a lone low surrogate": b'{"email": "\\ude00", "password": "Swordfish"}',
    "a lone surrogate in a key": b'{"\\ud83d": 1, "email": "a@b.c", "password": "Swordfish"}',
    "a raw NUL in a text": b'{"email": "a@b.c", "password": "Sword\x00fish Swordfish"}',
    "a raw line end in a text": b'{"email": "a@b.c", "password": "Swordfish\n"}',
    "the password twice": b'{"email": "a@b.c", "password": "Swordfish", "password": "other"}',
    "a key twice in depth": b'{"email": "a@b.c", "password": "Swordfish", "x": {"y": 1, "y": 2}}',
    "NaN": b'{"email": "a@b.c", "password": "Swordfish", "x": NaN}',
    "Infinity": b'{"email": "a@b.c", "password": "Swordfish", "x": -Infinity}',
    "an overflow": b'{"email": "a@b.c", "password": "Swordfish", "x": 1e999}',
    "a number of 5,000 digits": b'{"email": "a@b.c", "password": "Swordfish", "x": ' + b"9" * 5_000 + b"}",
    "depth 10,000": b"[" * 10_000,
    "depth 5,000 in an object": b'{"email": "Swordfish", "password": "x", "x": ' + b"[" * 5_000 + b"]" * 5_000 + b"}",
    "objects in objects": b'{"a":' * 2_500 + b"1" + b"}" * 2_500,
}  # fmt: skip


@pytest.mark.parametrize("kind", NOT_JSON)
async def test_a_body_that_is_not_strict_json_is_400(running: Running, service: FaultyAuthService, kind: str) -> None:
    await assert_refused(running, service, 400, "malformed_request", NOT_JSON[kind])


async def test_a_depth_of_100_000_is_too_large_before_it_is_too_deep(
    running: Running, service: FaultyAuthService
) -> None:
    await assert_refused(running, service, 413, "body_too_large", b"[" * 100_000)


@pytest.mark.parametrize("document", ["[]", '"Swordfish"', "7", "true", "null", '[{"email": "Swordfish"}]', "-0.5"])
async def test_json_that_is_no_object_is_422(running: Running, service: FaultyAuthService, document: str) -> None:
    await assert_refused(running, service, 422, "invalid_fields", document.encode())


BAD_FIELDS: Final[dict[str, tuple[dict[str, Any], dict[str, str]]]] = {
    "no members": ({"email": None, "password": None}, {"/email": "missing", "/password": "missing"}),
    "no e-mail": ({"email": None}, {"/email": "missing"}),
    "no password": ({"password": None}, {"/password": "missing"}),
    "e-mail is a number": ({"email": 7}, {"/email": "wrong_type"}),
    "e-mail is true": ({"email": True}, {"/email": "wrong_type"}),
    "e-mail is an array": ({"email": [ECHO]}, {"/email": "wrong_type"}),
    "e-mail is an object": ({"email": {"$ne": ""}}, {"/email": "wrong_type"}),
    "password is a number": ({"password": 12345678}, {"/password": "wrong_type"}),
    "password is an object": ({"password": {"$gt": ""}}, {"/password": "wrong_type"}),
    "password is an array": ({"password": [ECHO]}, {"/password": "wrong_type"}),
    "empty e-mail": ({"email": ""}, {"/email": "too_short"}),
    "empty password": ({"password": ""}, {"/password": "too_short"}),
    "321 characters of e-mail": ({"email": ECHO + "x" * 312}, {"/email": "too_long"}),
    "1,025 bytes of password": ({"password": ECHO + "x" * 1016}, {"/password": "too_long"}),
    "1,026 bytes in 513 characters": ({"password": "é" * 513}, {"/password": "too_long"}),
    "a control character": ({"email": f"{ECHO}\x1b[31m@b.c"}, {"/email": "invalid_format"}),
    "a NUL": ({"email": f"{ECHO}\x00@b.c"}, {"/email": "invalid_format"}),
    "a line end": ({"email": f"{ECHO}@b.c\r\nX-Service-ID: me"}, {"/email": "invalid_format"}),
    "DEL": ({"email": f"{ECHO}\x7f@b.c"}, {"/email": "invalid_format"}),
    "a C1 control": ({"email": f"{ECHO}\x85@b.c"}, {"/email": "invalid_format"}),
    "both wrong": ({"email": 7, "password": ""}, {"/email": "wrong_type", "/password": "too_short"}),
}


@pytest.mark.parametrize("kind", BAD_FIELDS)
async def test_a_field_that_cannot_be_used_is_named_without_its_value(
    running: Running, service: FaultyAuthService, kind: str
) -> None:
    changes, faults = BAD_FIELDS[kind]
    body = await assert_refused(running, service, 422, "invalid_fields", login_body(**changes))
    assert {each["pointer"]: each["code"] for each in body["errors"]} == faults


GOOD_FIELDS: Final = {
    "no syntax of e-mail is asked for": ("root", PASSWORD),
    "320 characters": ("x" * 308 + "@example.com", PASSWORD),
    "one character": ("a", "b"),
    "1,024 bytes of password": (EMAIL, "x" * 1024),
    "1,024 bytes in 512 characters": (EMAIL, "é" * 512),
    "white space around stays": (" ada@example.com ", "  two spaces  "),
    "control characters of a password": (EMAIL, "tab\tNUL\x00 line\n end\x1b"),
    "a whole surrogate pair": (EMAIL, "\U0001f600 pass"),
    "characters that look alike stay apart": (EMAIL, "Ame\u0301lie Am\xe9lie \ufb01"),
    "quotes and backslashes": ('"ada"@x', 'a"b\\c/d\u2028'),
    "script and format strings": ("<script>%s{0}${x}@x", "'; DROP TABLE users; -- ${jndi:ldap://x}"),
    "right to left": ("\u202eada@x", "\u05d0\u202e"),
}


@pytest.mark.parametrize("kind", GOOD_FIELDS)
async def test_what_may_be_a_credential_arrives_unchanged(
    running: Running, service: FaultyAuthService, kind: str
) -> None:
    email, password = GOOD_FIELDS[kind]
    assert (await running.log_in(email, password)).status == 200
    (delivery,) = service.delivered("/auth/login")
    assert delivery.json == {"email": email, "password": password}


async def test_unknown_members_are_neither_refused_nor_passed_on(running: Running, service: FaultyAuthService) -> None:
    document = {"email": EMAIL, "password": PASSWORD, "admin": True, "name": "x", "__proto__": {}}
    assert (await running.post("/login", document)).status == 200
    assert service.delivered("/auth/login")[0].json == {"email": EMAIL, "password": PASSWORD}


@pytest.mark.parametrize(
    ("document", "faults"),
    [
        ({"email": "no at sign", "password": PASSWORD}, {"/email": "invalid_format"}),
        ({"email": "two@at@signs.com", "password": PASSWORD}, {"/email": "invalid_format"}),
        ({"email": "ada@nodot", "password": PASSWORD}, {"/email": "invalid_format"}),
        ({"email": EMAIL, "password": PASSWORD, "confirm_password": ECHO}, {"/confirm_password": "mismatch"}),
        ({"email": EMAIL, "password": PASSWORD, "confirm_password": 7}, {"/confirm_password": "wrong_type"}),
        ({"email": EMAIL, "password": PASSWORD, "name": [ECHO]}, {"/name": "wrong_type"}),
        ({"email": EMAIL, "password": PASSWORD, "name": ECHO * 100}, {"/name": "too_long"}),
        ({"email": EMAIL, "password": PASSWORD, "name": "a\x00b"}, {"/name": "invalid_format"}),
        ({}, {"/email": "missing", "/password": "missing"}),
    ],
    ids=str,
)
async def test_a_registration_is_checked_for_its_syntax(
    running: Running, service: FaultyAuthService, document: object, faults: dict[str, str]
) -> None:
    target = "/api/v1/auth/register"
    body = await assert_refused(running, service, 422, "invalid_fields", json.dumps(document).encode(), target=target)
    assert {each["pointer"]: each["code"] for each in body["errors"]} == faults


@pytest.mark.parametrize(
    ("document", "code"),
    [
        ({}, "missing"),
        ({"refresh_token": 7}, "wrong_type"),
        ({"refresh_token": ""}, "too_short"),
        ({"refresh_token": f"{ECHO} {ECHO}"}, "invalid_format"),
        ({"refresh_token": f"{ECHO}\r\nX-Service-ID: me"}, "invalid_format"),
        ({"refresh_token": "töken"}, "invalid_format"),
    ],
    ids=str,
)
async def test_a_refresh_token_has_a_form(
    running: Running, service: FaultyAuthService, document: object, code: str
) -> None:
    target = "/api/v1/auth/refresh"
    body = await assert_refused(running, service, 422, "invalid_fields", json.dumps(document).encode(), target=target)
    assert [(each["pointer"], each["code"]) for each in body["errors"]] == [("/refresh_token", code)]


@pytest.mark.parametrize(
    "said",
    [
        [],
        ["text/plain"],
        ["text/json"],
        ["application/problem+json"],
        ["application/x-www-form-urlencoded"],
        ["multipart/form-data; boundary=x"],
        ["application/json; charset=latin-1"],
        ["application/json; charset=utf-16"],
        ["application/json", "application/json"],
        ["application/json", "text/plain"],
        ["application/json, text/plain"],
        ["*/*"],
        [""],
    ],
    ids=str,
)
async def test_another_content_type_is_415(running: Running, service: FaultyAuthService, said: list[str]) -> None:
    answer = await running.ask("POST", LOGIN, [("Content-Type", each) for each in said], login_body())
    assert_problem(answer, 415, "unsupported_media_type")
    assert_no_echo(running, answer)
    assert service.journal == []


@pytest.mark.parametrize(
    "said",
    ["application/json; charset=utf-8", 'application/json;charset="UTF-8"', "Application/JSON", "application/json "],
)
async def test_json_is_json_however_it_is_spelt(running: Running, said: str) -> None:
    body = json.dumps({"email": EMAIL, "password": PASSWORD}).encode()
    assert (await running.ask("POST", LOGIN, [("Content-Type", said)], body)).status == 200
