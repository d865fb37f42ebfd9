"""The wire of an auth service, asked from outside: everything here holds for any address that the fixture names.

It must never look inside: no database, no clock, no settings, only requests and answers.
"""

import asyncio
import json
import os
import re
import secrets
import signal
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.authd.support import Client, Reply, client_of, keyed, new_key

PASSWORD = "correct horse battery staple"
CONTRACT_CODES = {"missing", "wrong_type", "too_short", "too_long", "invalid_format", "mismatch"}


class Target(NamedTuple):
    """An auth service to be held to the contract."""

    url: str
    service_id: str
    service_secret: str


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    """Ours, as a process of its own, made by the commands that an operator uses."""
    folder = tmp_path_factory.mktemp("authd")
    environ = {
        **{name: value for name, value in os.environ.items() if not name.startswith(("NETRA_", "SERVICE_"))},
        "NETRA_AUTHD_DATABASE_URL": f"sqlite:///{folder}/authd.db",
        "NETRA_DRAIN_DELAY_S": "0",
        "ENVIRONMENT": "staging",
        "PYTHONPATH": ":".join(sys.path),
    }
    netra = [sys.executable, "-m", "netra"]
    added = subprocess.run([*netra, "services", "add", "netra-backend"], env=environ, check=True, capture_output=True)
    credentials = dict(line.split("=", 1) for line in added.stdout.decode().splitlines())
    with (
        (Path(folder) / "log").open("wb") as log,
        subprocess.Popen([*netra, "authd", "--port", "0"], env=environ, stdout=subprocess.PIPE, stderr=log) as process,
    ):
        assert process.stdout is not None
        said: dict[str, Any] = {}
        while said.get("event") != "Auth service listening":
            said = json.loads(process.stdout.readline())
        # Nobody may stop reading: a full pipe would hold up the service.
        draining = threading.Thread(target=process.stdout.read, daemon=True)
        draining.start()
        yield Target(said["url"], credentials["SERVICE_ID"], credentials["SERVICE_SECRET"])
        process.send_signal(signal.SIGTERM)
        process.wait()
        draining.join()
    assert process.returncode == 0


@pytest.fixture
async def client(target: Target) -> AsyncIterator[Client]:
    async with client_of(*target) as one:
        yield one


class User(NamedTuple):
    """A user that was registered for one test."""

    email: str
    user_id: str


@pytest.fixture
async def user(client: Client) -> User:
    email = f"ada-{secrets.token_hex(6)}@example.com"
    reply = await client.post("/auth/register", {"email": email, "password": PASSWORD, "name": "Ada"})
    assert reply.status == 201
    assert reply.body["user"] == {"id": reply.body["user"]["id"], "email": email, "name": "Ada"}
    return User(email, reply.body["user"]["id"])


def _is_problem(reply: Reply, status: int, code: str) -> None:
    assert (reply.status, reply.code) == (status, code)
    assert reply.headers["Content-Type"] == "application/problem+json"
    assert reply.body["status"] == status
    assert reply.body["title"]
    assert reply.body["request_id"] == reply.headers["X-Request-ID"]
    assert ("WWW-Authenticate" in reply.headers) == (status == 401)
    assert ("Retry-After" in reply.headers) == (status in {423, 429, 503})


async def test_login_answers_with_everything_that_the_contract_names(client: Client, user: User) -> None:
    reply = await client.log_in(user.email, PASSWORD)
    assert reply.status == 200
    assert reply.headers["Content-Type"] == "application/json"
    assert reply.headers["Cache-Control"] == "no-store"
    body = reply.body
    assert body["user"] == {"id": user.user_id, "email": user.email, "name": "Ada"}
    assert (body["token_type"], body["expires_in"]) == ("Bearer", 900)
    assert body["access_token"].count(".") == 2
    assert body["refresh_token"]


async def test_a_wrong_password_and_an_unknown_user_are_the_same_401(client: Client, user: User) -> None:
    for email in (user.email, "nobody@example.com"):
        _is_problem(await client.log_in(email, "wrong"), 401, "invalid_credentials")


async def test_registration_refuses_a_taken_email_in_any_spelling(client: Client, user: User) -> None:
    body = {"email": f" {user.email.upper()} ", "password": PASSWORD}
    _is_problem(await client.post("/auth/register", body), 409, "email_taken")


@pytest.mark.parametrize(
    "password", ["1234567", "NEW@example.com", " new@example.com "], ids=["short", "email", "spaced"]
)
async def test_registration_turns_weak_passwords_down(client: Client, password: str) -> None:
    reply = await client.post("/auth/register", {"email": "new@example.com", "password": password})
    _is_problem(reply, 422, "password_rejected")
    assert password.strip() not in reply.text


async def test_a_name_is_optional_and_null_when_unknown(client: Client) -> None:
    for extra in ({}, {"name": None}, {"name": "  "}):
        email = f"{secrets.token_hex(6)}@example.com"
        reply = await client.post("/auth/register", {"email": email, "password": PASSWORD, **extra})
        assert (reply.status, reply.body["user"]["name"]) == (201, None)


async def test_refresh_validate_and_logout_follow_one_session(client: Client, user: User) -> None:
    login = (await client.log_in(user.email, PASSWORD)).body
    refreshed = await client.refresh(login["refresh_token"])
    assert refreshed.status == 200
    assert set(refreshed.body) == set(login)
    access = refreshed.body["access_token"]
    said = await client.validate(access)
    assert (said["valid"], said["user_id"], said["email"], said["name"]) == (True, user.user_id, user.email, "Ada")
    expires_at = datetime.fromisoformat(said["expires_at"])
    assert timedelta(seconds=890) < expires_at - datetime.now(UTC) <= timedelta(seconds=900)
    assert (await client.log_out(access)).body["success"] is True
    assert await client.validate(access) == {"valid": False, "code": "token_revoked"}
    _is_problem(await client.refresh(refreshed.body["refresh_token"]), 401, "refresh_rejected")


@pytest.mark.parametrize("token", ["", "garbage", "a.b.c", "x" * 9_000], ids=["empty", "text", "dots", "long"])
async def test_validate_says_no_to_garbage_with_200_and_a_code(client: Client, token: str) -> None:
    assert await client.validate(token) == {"valid": False, "code": "token_malformed"}


@pytest.mark.parametrize(
    "authorization",
    [None, "", "Basic YTpi", "Bearer", "Bearer ", "token"],
    ids=["none", "empty", "basic", "bare", "blank", "word"],
)
async def test_logout_without_any_token_is_told_so(client: Client, authorization: str | None) -> None:
    headers = {} if authorization is None else {"Authorization": authorization}
    _is_problem(await client.post("/auth/logout", headers=headers), 401, "token_missing")
    _is_problem(await client.post("/auth/logout", {}, headers=headers), 401, "token_missing")


async def test_two_authorization_headers_are_malformed_and_end_nothing(client: Client, user: User) -> None:
    access = (await client.log_in(user.email, PASSWORD)).body["access_token"]
    sealed = [("X-Service-ID", client.service_id), ("X-Service-Secret", client.service_secret)]
    async with client.session.post(
        f"{client.url}/auth/logout", headers=[*sealed, *[("Authorization", f"Bearer {access}")] * 2]
    ) as answer:
        assert (answer.status, (await answer.json(content_type=None))["code"]) == (401, "token_malformed")
    assert (await client.validate(access))["valid"]


async def test_config_tells_what_a_form_needs(client: Client) -> None:
    assert (await client.get("/auth/config")).body == {
        "registration_enabled": True,
        "password_min_length": 8,
        "password_max_length": 1_024,
        "access_token_ttl_s": 900,
        "oauth_providers": [],
    }


async def test_the_handshake_says_who_speaks_with_whom(client: Client, target: Target) -> None:
    said = (await client.get("/auth/handshake")).body
    assert said["service_id"] == target.service_id
    assert said["environment"] == "staging"
    assert said["version"]
    assert said["idempotency"] is True
    assert said["issuer"]
    assert said["audience"]
    assert len(said["key_ids"]) == 1
    assert [re.fullmatch("[0-9a-f]{8}", each) is not None for each in said["secret_fingerprints"]] == [True]
    assert abs(datetime.now(UTC) - datetime.fromisoformat(said["server_time"])) < timedelta(seconds=60)
    assert said["server_time"].endswith("Z")
    assert set(said["endpoints"]) == {
        "GET /health", "GET /.well-known/jwks.json", "GET /auth/config", "GET /auth/handshake", "POST /auth/login",
        "POST /auth/register", "POST /auth/refresh", "POST /auth/logout", "POST /auth/validate",
    }  # fmt: skip
    assert target.service_secret not in json.dumps(said)


@pytest.mark.parametrize("path", ["/health", "/.well-known/jwks.json"])
async def test_health_and_keys_need_no_credentials_and_work_with_head(client: Client, path: str) -> None:
    got, head = await client.get(path, seal=False), await client.ask("HEAD", path, seal=False)
    assert (got.status, head.status, head.text) == (200, 200, "")
    assert got.headers["Content-Length"] == head.headers["Content-Length"]
    assert got.body


SEALED = [
    ("GET", "/auth/config"), ("GET", "/auth/handshake"), ("POST", "/auth/login"), ("POST", "/auth/register"),
    ("POST", "/auth/refresh"), ("POST", "/auth/logout"), ("POST", "/auth/validate"),
]  # fmt: skip


@pytest.mark.parametrize(("method", "path"), SEALED, ids=str)
async def test_every_other_route_asks_for_service_credentials_before_it_reads_anything(
    client: Client, method: str, path: str
) -> None:
    full = {"X-Service-ID": client.service_id, "X-Service-Secret": client.service_secret}
    wrong_secret = {**full, "X-Service-Secret": client.service_secret[:-1] + "~"}
    unknown_id = {**full, "X-Service-ID": "nobody"}
    for headers, code in [
        ({}, "service_credentials_missing"),
        ({"X-Service-ID": client.service_id}, "service_credentials_missing"),
        ({"X-Service-Secret": client.service_secret}, "service_credentials_missing"),
        ({**full, "X-Service-ID": ""}, "service_credentials_missing"),
        (wrong_secret, "service_credentials_rejected"),
        (unknown_id, "service_credentials_rejected"),
        ({**full, "X-Service-ID": client.service_id + "x" * 200}, "service_credentials_rejected"),
    ]:
        reply = await client.ask(
            method, path, raw=b"not json" if method == "POST" else None, headers=headers, seal=False
        )
        _is_problem(reply, 401, code)
        assert client.service_secret not in reply.text


async def test_an_unknown_service_and_a_wrong_secret_get_the_same_answer(client: Client) -> None:
    answers = []
    for service_id, secret in [("nobody", client.service_secret), (client.service_id, "x" * 43)]:
        reply = await client.get(
            "/auth/handshake", headers={"X-Service-ID": service_id, "X-Service-Secret": secret}, seal=False
        )
        answers.append((reply.status, {**reply.body, "request_id": ""}))
    assert answers[0] == answers[1]


async def test_credentials_that_are_sent_twice_are_rejected(client: Client) -> None:
    sealed = [("X-Service-ID", client.service_id), ("X-Service-Secret", client.service_secret)]
    for twice in sealed:
        async with client.session.get(f"{client.url}/auth/handshake", headers=[*sealed, twice]) as answer:
            assert (await answer.json(content_type=None))["code"] == "service_credentials_rejected"


async def test_unknown_paths_and_methods_are_told_apart(client: Client) -> None:
    _is_problem(await client.get("/auth/nothing"), 404, "not_found")
    reply = await client.get("/auth/login")
    _is_problem(reply, 405, "method_not_allowed")
    assert reply.headers["Allow"] == "POST"
    assert (await client.get("/auth/config/")).status == 200


async def test_the_callers_request_id_comes_back_and_a_bad_one_is_replaced(client: Client) -> None:
    assert (await client.get("/auth/config", headers={"X-Request-ID": "abc-1"})).headers["X-Request-ID"] == "abc-1"
    assert (await client.get("/auth/config", headers={"X-Request-ID": "a b"})).headers["X-Request-ID"] != "a b"


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
    _is_problem(reply, 422, "invalid_fields")
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
        _is_problem(await client.post(path, raw=raw), 400, "malformed_request")


@pytest.mark.parametrize("raw", [b"[]", b'"x"', b"1", b"null", b"true"], ids=str)
async def test_json_that_is_no_object_is_422(client: Client, raw: bytes) -> None:
    for path in ("/auth/login", "/auth/logout"):
        _is_problem(await client.post(path, raw=raw), 422, "invalid_fields")


@pytest.mark.parametrize("content_type", ["", "text/plain", "application/json; charset=latin-1", "application/jsonp"])
async def test_any_other_content_type_is_415(client: Client, content_type: str) -> None:
    reply = await client.post("/auth/login", raw=b"{}", headers={"Content-Type": content_type})
    _is_problem(reply, 415, "unsupported_media_type")


async def test_a_body_over_16_kib_is_413(client: Client) -> None:
    _is_problem(await client.post("/auth/login", raw=b" " * 16_385), 413, "body_too_large")


async def test_the_longest_email_and_password_are_judged_not_refused(client: Client) -> None:
    reply = await client.log_in("é" * 320, "p" * 1_024)
    _is_problem(reply, 401, "invalid_credentials")


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


async def test_a_delivery_that_comes_again_has_the_same_verdict_and_fresh_tokens(client: Client, user: User) -> None:
    key = new_key()
    first, second = await asyncio.gather(*(client.log_in(user.email, PASSWORD, key) for _ in range(2)))
    assert (first.status, second.status) == (200, 200)
    assert first.body["refresh_token"] != second.body["refresh_token"]
    for reply in (first, second):
        assert (await client.validate(reply.body["access_token"]))["valid"]
    _is_problem(await client.log_in(user.email, "another", key), 422, "idempotency_key_reused")


async def test_a_rejection_that_comes_again_counts_once(client: Client, user: User) -> None:
    key = new_key()
    for _ in range(25):
        _is_problem(await client.log_in(user.email, "wrong", key), 401, "invalid_credentials")
    assert (await client.log_in(user.email, PASSWORD)).status == 200


async def test_twenty_rejections_lock_and_say_for_how_long(client: Client, user: User) -> None:
    replies = await asyncio.gather(*(client.log_in(user.email, f"wrong {n}") for n in range(30)))
    assert sorted(reply.status for reply in replies) == [401] * 20 + [423] * 10
    locked = await client.log_in(user.email, PASSWORD)
    _is_problem(locked, 423, "account_locked")
    assert 890 <= int(locked.headers["Retry-After"]) <= 900
    assert locked.body["retry_after"] == int(locked.headers["Retry-After"])


async def test_no_route_redirects_or_sets_a_cookie(client: Client) -> None:
    for method, path in SEALED:
        for url in (path, f"{path}/", f"/{path}"):
            reply = await client.ask(method, url)
            assert not 300 <= reply.status < 400
            assert "Set-Cookie" not in reply.headers


async def test_a_refused_registration_leaves_the_key_to_other_routes(client: Client) -> None:
    key = new_key()
    body = {"email": f"{secrets.token_hex(6)}@example.com", "password": PASSWORD}
    assert (await client.post("/auth/register", body, headers=keyed(key))).status == 201
    assert (await client.post("/auth/login", body, headers=keyed(key))).status == 200


async def test_garbage_that_is_no_http_ends_the_connection_and_nothing_else(client: Client, target: Target) -> None:
    host, _, port = target.url.removeprefix("http://").rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(b"\x16\x03\x01 not http\r\n\r\n")
    answer = await reader.read()
    writer.close()
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert (await client.get("/health", seal=False)).status == 200


async def test_it_never_answers_500(client: Client, user: User) -> None:
    bodies: list[object] = [{}, [], {"email": user.email}, {"email": [], "password": {}}, {"refresh_token": "\u0000"}]
    for method, path in SEALED:
        for body in bodies:
            reply = await client.ask(method, path, body if method == "POST" else None)
            assert reply.status < 500
