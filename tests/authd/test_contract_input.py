"""What may not be sent to an auth service, and what may: the limits of the wire, asked from outside.

It must never look inside: no database, no clock, no settings, only requests and answers.
"""

import secrets

import pytest

from tests.authd.support import PASSWORD, Client, is_problem

CONTRACT_CODES = {"missing", "wrong_type", "too_short", "too_long", "invalid_format", "mismatch"}

E = "new@example.com"
BAD_FIELDS: list[tuple[str, object, list[tuple[str, str]]]] = [
    ("/auth/login", {}, [("/email", "missing"), ("/password", "missing")]),
    ("/auth/login", {"email": None, "password": None}, [("/email", "wrong_type"), ("/password", "wrong_type")]),
    ("/auth/login", {"email": 5, "password": ["x"]}, [("/email", "wrong_type"), ("/password", "wrong_type")]),
    ("/auth/login", {"email": {"a": 1}, "password": True}, [("/email", "wrong_type"), ("/password", "wrong_type")]),
    ("/auth/login", {"email": "", "password": ""}, [("/email", "too_short"), ("/password", "too_short")]),
    ("/auth/login", {"email": "a" * 321, "password": "x"}, [("/email", "too_long")]),
    ("/auth/login", {"email": "a\u0000b", "password": "x"}, [("/email", "invalid_format")]),
    ("/auth/login", {"email": "a\nb", "password": "x"}, [("/email", "invalid_format")]),
    ("/auth/login", {"email": "a\u009fb", "password": "x"}, [("/email", "invalid_format")]),
    ("/auth/login", {"email": E, "password": "x" * 1_025}, [("/password", "too_long")]),
    ("/auth/login", {"email": E, "password": "ä" * 513}, [("/password", "too_long")]),
    ("/auth/register", {"email": "no-at-sign", "password": PASSWORD}, [("/email", "invalid_format")]),
    ("/auth/register", {"email": "two@@example.com", "password": PASSWORD}, [("/email", "invalid_format")]),
    ("/auth/register", {"email": "a b@example.com", "password": PASSWORD}, [("/email", "invalid_format")]),
    ("/auth/register", {"email": "a@", "password": PASSWORD}, [("/email", "invalid_format")]),
    ("/auth/register", {"email": "a@-x.com", "password": PASSWORD}, [("/email", "invalid_format")]),
    ("/auth/register", {"email": E, "password": PASSWORD, "name": 7}, [("/name", "wrong_type")]),
    ("/auth/register", {"email": E, "password": PASSWORD, "name": "x" * 201}, [("/name", "too_long")]),
    ("/auth/register", {"email": E, "password": PASSWORD, "name": "a\u0007"}, [("/name", "invalid_format")]),
    ("/auth/refresh", {}, [("/refresh_token", "missing")]),
    ("/auth/refresh", {"refresh_token": ""}, [("/refresh_token", "too_short")]),
    ("/auth/refresh", {"refresh_token": "x" * 1_025}, [("/refresh_token", "too_long")]),
    ("/auth/refresh", {"refresh_token": 1}, [("/refresh_token", "wrong_type")]),
    ("/auth/logout", {"refresh_token": 1}, [("/refresh_token", "wrong_type")]),
    ("/auth/validate", {}, [("/token", "missing")]),
    ("/auth/validate", {"token": None}, [("/token", "wrong_type")]),
]


@pytest.mark.parametrize(("path", "body", "errors"), BAD_FIELDS, ids=map(str, range(len(BAD_FIELDS))))
async def test_bad_fields_are_all_named_and_never_echoed(
    client: Client, path: str, body: dict[str, object], errors: list[tuple[str, str]]
) -> None:
    reply = await client.post(path, {**body, "marker": "never-echo-this"})
    is_problem(reply, 422, "invalid_fields")
    assert [(each["pointer"], each["code"]) for each in reply.body["errors"]] == errors
    assert all(each["detail"] and each["code"] in CONTRACT_CODES for each in reply.body["errors"])
    assert "never-echo-this" not in reply.text
    for value in body.values():
        assert not isinstance(value, str) or len(value) < 9 or value not in reply.text


@pytest.mark.parametrize(
    "raw",
    [
        b"", b"   ", b"{", b"nothing", b'{"email": "a", "email": "b", "password": "c"}', b'{"email": NaN}',
        b'{"email": "\xff\xfe"}', b'{"email": "\\ud800", "password": "x"}', b'{"a":' * 3_000,
        b"[" * 2_000 + b"]" * 2_000, b'{"email": "a\x01"}',
    ],
    ids=lambda raw: ascii(raw[:28]),
)  # fmt: skip
async def test_what_is_no_strict_json_is_400(client: Client, raw: bytes) -> None:
    for path in ("/auth/login", "/auth/register", "/auth/refresh", "/auth/validate"):
        is_problem(await client.post(path, raw=raw), 400, "malformed_request")


@pytest.mark.parametrize("raw", [b"[]", b'"x"', b"1", b"null", b"true"], ids=str)
async def test_json_that_is_no_object_is_422(client: Client, raw: bytes) -> None:
    for path in ("/auth/login", "/auth/logout"):
        is_problem(await client.post(path, raw=raw), 422, "invalid_fields")


@pytest.mark.parametrize("content_type", ["", "text/plain", "application/json; charset=latin-1", "application/jsonp"])
async def test_any_other_content_type_is_415(client: Client, content_type: str) -> None:
    reply = await client.post("/auth/login", raw=b"{}", headers={"Content-Type": content_type})
    is_problem(reply, 415, "unsupported_media_type")


async def test_a_body_over_16_kib_is_413(client: Client) -> None:
    is_problem(await client.post("/auth/login", raw=b" " * 16_385), 413, "body_too_large")


async def test_the_longest_email_and_password_are_judged_not_refused(client: Client) -> None:
    reply = await client.log_in("é" * 320, "p" * 1_024)
    is_problem(reply, 401, "invalid_credentials")


async def test_control_characters_in_a_password_are_part_of_it(client: Client) -> None:
    email, password = f"{secrets.token_hex(6)}@example.com", "tab\tnul\u0000bell\u0007 end "
    assert (await client.post("/auth/register", {"email": email, "password": password})).status == 201
    assert (await client.log_in(email, password)).status == 200
    assert (await client.log_in(email, password.strip())).status == 401


@pytest.mark.parametrize(
    "email", ["a@localhost", "first.last+tag@sub.example.com", "jörg@müller.example", "o'neil@example.com"]
)
async def test_unusual_addresses_may_register(client: Client, email: str) -> None:
    reply = await client.post("/auth/register", {"email": email, "password": PASSWORD})
    assert (reply.status, reply.body["user"]["email"]) == (201, email)
