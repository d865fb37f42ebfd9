"""The wire of an auth service, asked from outside: everything here holds for any address that the fixture names.

It must never look inside: no database, no clock, no settings, only requests and answers.
"""

import asyncio
import json
import re
import secrets
from datetime import UTC, datetime, timedelta

import pytest

from tests.authd.support import PASSWORD, Client, Target, User, is_problem, keyed, new_key


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
        is_problem(await client.log_in(email, "wrong"), 401, "invalid_credentials")


async def test_registration_refuses_a_taken_email_in_any_spelling(client: Client, user: User) -> None:
    body = {"email": f" {user.email.upper()} ", "password": PASSWORD}
    is_problem(await client.post("/auth/register", body), 409, "email_taken")


@pytest.mark.parametrize(
    "password", ["1234567", "NEW@example.com", " new@example.com "], ids=["short", "email", "spaced"]
)
async def test_registration_turns_weak_passwords_down(client: Client, password: str) -> None:
    reply = await client.post("/auth/register", {"email": "new@example.com", "password": password})
    is_problem(reply, 422, "password_rejected")
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
    is_problem(await client.refresh(refreshed.body["refresh_token"]), 401, "refresh_rejected")


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
    is_problem(await client.post("/auth/logout", headers=headers), 401, "token_missing")
    is_problem(await client.post("/auth/logout", {}, headers=headers), 401, "token_missing")


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
        "GET /auth/revocations",
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
    ("POST", "/auth/refresh"), ("POST", "/auth/logout"), ("POST", "/auth/validate"), ("GET", "/auth/revocations"),
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
        is_problem(reply, 401, code)
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
    is_problem(await client.get("/auth/nothing"), 404, "not_found")
    reply = await client.get("/auth/login")
    is_problem(reply, 405, "method_not_allowed")
    assert reply.headers["Allow"] == "POST"
    assert (await client.get("/auth/config/")).status == 200


async def test_the_callers_request_id_comes_back_and_a_bad_one_is_replaced(client: Client) -> None:
    assert (await client.get("/auth/config", headers={"X-Request-ID": "abc-1"})).headers["X-Request-ID"] == "abc-1"
    assert (await client.get("/auth/config", headers={"X-Request-ID": "a b"})).headers["X-Request-ID"] != "a b"


async def test_a_delivery_that_comes_again_has_the_same_verdict_and_fresh_tokens(client: Client, user: User) -> None:
    key = new_key()
    first, second = await asyncio.gather(*(client.log_in(user.email, PASSWORD, key) for _ in range(2)))
    assert (first.status, second.status) == (200, 200)
    assert first.body["refresh_token"] != second.body["refresh_token"]
    for reply in (first, second):
        assert (await client.validate(reply.body["access_token"]))["valid"]
    is_problem(await client.log_in(user.email, "another", key), 422, "idempotency_key_reused")


async def test_a_rejection_that_comes_again_counts_once(client: Client, user: User) -> None:
    key = new_key()
    for _ in range(25):
        is_problem(await client.log_in(user.email, "wrong", key), 401, "invalid_credentials")
    assert (await client.log_in(user.email, PASSWORD)).status == 200


async def test_twenty_rejections_lock_and_say_for_how_long(client: Client, user: User) -> None:
    replies = await asyncio.gather(*(client.log_in(user.email, f"wrong {n}") for n in range(30)))
    assert sorted(reply.status for reply in replies) == [401] * 20 + [423] * 10
    locked = await client.log_in(user.email, PASSWORD)
    is_problem(locked, 423, "account_locked")
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
