"""A refusal is the user's only when somebody who may say so has said so; every other one is ours, or nobody's."""

from typing import Any, Final

import pytest

from netra.lab.connection import Script
from netra.lab.faulty_auth_service import FaultyAuthService
from netra.lab.scripts import html, json_reply, problem, reply
from tests.live.rows import (
    LEAVING,
    REFRESH,
    Ask,
    Failure,
    Refusal,
    assert_failure,
    assert_next_is_good,
    assert_refusal,
    log_in,
    log_out,
    refresh,
    register,
    who_am_i,
)
from tests.support.gateways import EMAIL, SECRET, Running, Views, gateway
from tests.support.problems import assert_problem
from tests.support.wire import Answer, Headers

FORBIDDEN: Final = "failed: Access forbidden"
OURS: Final = Failure("service_credentials_rejected", 502, "answered", event=f"Login {FORBIDDEN}", owner="us")
BODIES: Final = {
    "object": json_reply(401, {"message": "Unauthorised"}),
    "empty": reply(401),
    "HTML": html(401, "<h1>401 Unauthorised</h1>"),
    "text": reply(401, b"Unauthorised", [("Content-Type", "text/plain")]),
    "array": json_reply(401, ["Unauthorised"]),
}
HANDSHAKES: Final = {
    "refused": problem(401, "service_credentials_rejected"),
    "absent": problem(404, "no_such_route"),
    "failing": problem(500, "oops"),
}


@pytest.mark.parametrize("trust", ["true", "false"])
@pytest.mark.parametrize(
    ("handshake", "believed"),
    [("accepted", {"true", "false"}), ("absent", {"true"}), ("refused", set()), ("failing", set())],
)
async def test_a_401_without_a_code_is_the_users_only_while_our_own_credentials_are_known_to_be_good(
    service: FaultyAuthService, handshake: str, believed: set[str], trust: str
) -> None:
    if handshake in HANDSHAKES:
        service.answer("/auth/handshake", HANDSHAKES[handshake])
    users = {"/login": "invalid_credentials", "/refresh": "refresh_rejected"}
    async with gateway(service.url, NETRA_TRUST_UNCODED_401=trust) as running:
        for path, ask in (("/login", log_in), ("/refresh", refresh)):
            said = users[path] if trust in believed else "service_credentials_rejected"
            expected = {
                "object": said,
                "empty": "service_credentials_rejected",
                "HTML": "intermediary_rejected",
                "text": "intermediary_rejected",
                "array": "request_not_understood",
            }
            for kind, script in BODIES.items():
                service.answer(f"/auth{path}", script)
                answer = await ask(running, [])
                assert_problem(answer, 401 if expected[kind] == users[path] else 502, expected[kind])


@pytest.mark.parametrize(
    "script", [BODIES["object"], problem(401, "invalid_credentials")], ids=["uncoded", "a code of passwords"]
)
async def test_a_401_on_a_token_check_is_ours_unless_it_speaks_of_the_token(
    views: Views, service: FaultyAuthService, script: Script
) -> None:
    service.answer("/auth/validate", script)
    await assert_failure(views, OURS._replace(event=f"Token check {FORBIDDEN}"), service, who_am_i, "/auth/validate")


@pytest.mark.parametrize("script", [json_reply(403, {"message": "Forbidden!"}), reply(403)], ids=["object", "empty"])
@pytest.mark.parametrize(
    ("ask", "path", "journey"),
    [
        (log_in, "/auth/login", "Login"),
        (register, "/auth/register", "Registration"),
        (refresh, "/auth/refresh", "Refresh"),
        (log_out, "/auth/logout", "Logout"),
        (who_am_i, "/auth/validate", "Token check"),
    ],
)
async def test_a_403_without_a_code_is_ours_on_every_journey(
    views: Views, service: FaultyAuthService, ask: Ask, path: str, journey: str, script: Script
) -> None:
    service.answer(path, script)
    await assert_failure(views, OURS._replace(event=f"{journey} {FORBIDDEN}"), service, ask, path)
    await assert_next_is_good(views, service)


async def test_refused_while_none_is_configured_means_missing() -> None:
    async with (
        FaultyAuthService(secret=SECRET) as service,
        gateway(service.url, SERVICE_ID=None, SERVICE_SECRET=None) as running,
    ):
        body = assert_problem(await running.log_in(), 502, "service_credentials_missing")
        assert body["debug_info"]["service_id_configured"] is False
        assert body["debug_info"]["service_secret_configured"] is False
        assert body["suggestions"][0] == "Verify SERVICE_ID and SERVICE_SECRET are set"
        assert "Login failed: Access forbidden" in running.events()


USERS: Final = [
    *((name, "invalid_credentials", 401, "correct_input") for name in (
        "invalid_credentials", "invalid_grant", "bad_credentials", "user_not_found", "AUTH001",
    )),
    ("account_locked", "account_locked", 423, "wait"),
    ("AUTH002", "account_locked", 423, "wait"),
    ("account_disabled", "account_disabled", 403, "contact_support"),
    ("user_inactive", "account_disabled", 403, "contact_support"),
    ("too_many_attempts", "too_many_attempts", 429, "wait"),
    ("second_factor_required", "second_factor_required", 403, "next_step"),
    ("mfa_required", "second_factor_required", 403, "next_step"),
    ("password_change_required", "password_change_required", 403, "next_step"),
    ("email_unverified", "email_unverified", 403, "next_step"),
    ("email_taken", "email_taken", 409, "correct_input"),
    ("email_exists", "email_taken", 409, "correct_input"),
    ("password_rejected", "password_rejected", 422, "correct_input"),
    ("weak_password", "password_rejected", 422, "correct_input"),
]  # fmt: skip
OF_US: Final = [
    ("service_credentials_rejected", "service_credentials_rejected"),
    ("service_credentials_missing", "service_credentials_missing"),
    ("invalid_client", "service_credentials_rejected"),
    ("AUTH003", "service_credentials_rejected"),
    ("invalid_service_id", "service_credentials_rejected"),
    ("invalid_service_secret", "service_credentials_rejected"),
    ("service_not_configured", "service_credentials_missing"),
]


def documents(name: str) -> list[dict[str, Any]]:
    """Every place where a code may stand."""
    return [
        {"code": name},
        {"error": name},
        {"error_code": name},
        {"detail": {"code": name}},
        {"detail": {"error": name, "message": "…"}},
        {"code": 42, "error": name},
    ]


@pytest.mark.parametrize(("name", "code", "status", "action"), USERS)
async def test_a_known_name_is_the_users_with_any_4xx_and_in_any_place(
    views: Views, service: FaultyAuthService, name: str, code: str, status: int, action: str
) -> None:
    for document, sent in zip(documents(name), (400, 401, 403, 404, 422, 499), strict=True):
        service.answer("/auth/login", json_reply(sent, document))
        await assert_refusal(views, Refusal(code, status, action), service)


@pytest.mark.parametrize(("name", "code"), OF_US)
async def test_a_known_name_about_us_is_never_the_users(
    views: Views, service: FaultyAuthService, name: str, code: str
) -> None:
    for document, sent in zip(documents(name), (400, 401, 403, 404, 422, 499), strict=True):
        service.answer("/auth/login", json_reply(sent, document))
        await assert_failure(views, OURS._replace(code=code), service)


@pytest.mark.parametrize(
    ("status", "kind", "code"),
    [(409, "object", "email_taken"), (409, "empty", "email_taken"), (409, "HTML", "request_not_understood")],
)
async def test_a_409_without_a_code_on_register_is_a_taken_address(
    running: Running, service: FaultyAuthService, status: int, kind: str, code: str
) -> None:
    scripts = {"object": json_reply(status, {}), "empty": reply(status), "HTML": html(status, "<h1>Conflict</h1>")}
    service.answer("/auth/register", scripts[kind])
    assert_problem(await register(running, []), 409 if code == "email_taken" else 502, code)


@pytest.mark.parametrize(
    ("kind", "status", "code"),
    [("object", 423, "account_locked"), ("empty", 423, "account_locked"), ("HTML", 502, "request_not_understood")],
)
async def test_a_423_without_a_code_is_a_locked_account(
    running: Running, service: FaultyAuthService, kind: str, status: int, code: str
) -> None:
    scripts = {"object": json_reply(423, {}), "empty": reply(423), "HTML": html(423, "<h1>Locked</h1>")}
    service.answer("/auth/login", scripts[kind])
    assert_problem(await running.log_in(), status, code)


@pytest.mark.parametrize(
    ("document", "status", "code"),
    [({"code": "too_many_attempts"}, 429, "too_many_attempts"), ({"title": "slow"}, 503, "auth_service_rate_limited")],
)
async def test_a_429_is_the_users_only_with_a_users_code(
    running: Running, service: FaultyAuthService, document: object, status: int, code: str
) -> None:
    service.answer("/auth/login", json_reply(429, document, [("Retry-After", "12")]))
    assert assert_problem(await running.log_in(), status, code)["retry_after"] == 12


@pytest.mark.parametrize("code", ["token_expired", "token_revoked", "refresh_rejected"])
@pytest.mark.parametrize("status", [400, 401, 403])
async def test_a_logout_of_a_session_that_is_over_is_a_success(
    running: Running, service: FaultyAuthService, status: int, code: str
) -> None:
    service.answer("/auth/logout", problem(status, code))
    answer = await log_out(running, [])
    assert (answer.status, answer.json["success"]) == (200, True)


async def by_refresh_token(running: Running, headers: Headers) -> Answer:
    return await running.post("/logout", {"refresh_token": REFRESH}, headers)


async def by_both(running: Running, headers: Headers) -> Answer:
    bearer = ("Authorization", f"Bearer {LEAVING}")
    return await running.post("/logout", {"refreshToken": REFRESH}, [bearer, *headers])


@pytest.mark.parametrize(
    ("ask", "authorization", "body"),
    [
        (log_out, f"Bearer {LEAVING}", {}),
        (by_refresh_token, None, {"refresh_token": REFRESH}),
        (by_both, f"Bearer {LEAVING}", {"refresh_token": REFRESH}),
    ],
)
async def test_either_token_suffices_for_a_logout(
    running: Running, service: FaultyAuthService, ask: Ask, authorization: str | None, body: object
) -> None:
    assert (await ask(running, [])).status == 200
    (delivery,) = service.delivered("/auth/logout")
    assert (delivery.header("Authorization"), delivery.json) == (authorization, body)


async def test_a_logout_without_any_token_asks_nobody(running: Running, service: FaultyAuthService) -> None:
    assert_problem(await running.post("/logout", {}), 401, "token_missing")
    assert service.delivered("/auth/logout") == []


@pytest.mark.parametrize("code", ["token_malformed", "token_signature_invalid"])
async def test_a_logout_with_a_token_that_never_was_one_is_refused(
    running: Running, service: FaultyAuthService, code: str
) -> None:
    service.answer("/auth/logout", problem(401, code))
    assert_problem(await log_out(running, []), 401, code)


@pytest.mark.parametrize(
    "document",
    [{"valid": "false"}, {"valid": None}, {"valid": 0}, {}, {"valid": True}, {"valid": True, "user_id": ""}, []],
    ids=str,
)
async def test_a_token_check_that_says_neither_yes_nor_no_is_no_verdict(
    running: Running, service: FaultyAuthService, document: object
) -> None:
    service.answer("/auth/validate", json_reply(200, document))
    assert_problem(await who_am_i(running, []), 502, "invalid_response")


async def test_a_good_token_names_its_bearer(running: Running) -> None:
    answer = await who_am_i(running, [])
    assert answer.json == {"id": f"user-{EMAIL.encode().hex()}", "email": EMAIL, "name": "Ada Lovelace"}
