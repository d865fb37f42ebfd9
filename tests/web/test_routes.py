"""Every public route from bytes to bytes: what is asked of the auth service, and what the client reads.

It must never assert an error's shape by itself: one assertion of the project does that.
"""

import base64
import json
from typing import Any

import pytest

from netra.core.verdict.operations import OPERATIONS
from netra.core.verdict.reply import Broken, Reply
from netra.testing.fakes import START_WALL_S, reply
from netra.web.endpoints import ENDPOINTS
from tests.gateway.support import GOOD_OFFER, KNOWN_TOKEN, LOGGED_OUT, NEW_USER, OFFER, body_of, refusal
from tests.link.support import EMAIL, GOOD_LOGIN, PASSWORD, TRACEPARENT, WIRE, WRONG_PASSWORD
from tests.support.problems import assert_problem
from tests.web.support import INSIDES, Front

LOGIN = {"email": EMAIL, "password": PASSWORD}
USER = {"id": "user-1", "email": EMAIL, "name": "Ada"}
SESSION = {
    "access_token": "access-token-2", "refresh_token": "refresh-token-2", "token_type": "Bearer", "expires_in": 900,
    "user": USER,
}  # fmt: skip
BEARER = {"Authorization": "Bearer access-token-1"}
REFUSED = Broken("connection_refused")


# --- success ---------------------------------------------------------------------------------------------------------


async def test_a_login_answers_a_session_and_no_word_that_we_do_not_know() -> None:
    talkative = reply(
        200, {**json.loads(GOOD_LOGIN.body), "session_id": "s1", "debug": "10.1.2.3"}, {"set-cookie": "a=1"}
    )
    answer = await Front(talkative).ask("POST", "/login", LOGIN)
    assert (answer.status, answer.json) == (200, SESSION)
    assert list(answer.json) == list(SESSION)
    assert answer.all("set-cookie") == []


async def test_a_registration_answers_the_new_user() -> None:
    front = Front(NEW_USER)
    answer = await front.ask("POST", "/register", {**LOGIN, "confirmPassword": PASSWORD, "name": "Ada"})
    assert (answer.status, answer.json) == (201, {"user": {"id": "user-2", "email": EMAIL, "name": None}})
    assert json.loads(body_of(front.stage))["name"] == "Ada"


async def test_a_refresh_answers_like_a_login_and_may_come_without_a_user() -> None:
    front = Front(GOOD_LOGIN, reply(200, {"access_token": "a2", "refresh_token": "r2"}))
    assert (await front.ask("POST", "/refresh", {"refresh_token": "r1"})).json == SESSION
    without = await front.ask("POST", "/refresh", {"refreshToken": "r1"})
    assert without.json == {
        "access_token": "a2", "refresh_token": "r2", "token_type": "Bearer", "expires_in": None, "user": None,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (None, BEARER),
        ({}, BEARER),
        (b"  ", BEARER),
        ({"refresh_token": "r1"}, {}),
        ({"refreshToken": "r1"}, BEARER),
        ({"refresh_token": "r1"}, {"Authorization": "Basic dXNlcjpwdw=="}),
    ],
    ids=["bearer", "empty object", "blanks", "refresh token", "both", "another scheme"],
)
async def test_a_logout_needs_either_token(body: Any, headers: dict[str, str]) -> None:
    answer = await Front(LOGGED_OUT).ask("POST", "/logout", body, **headers)
    assert (answer.status, answer.json) == (200, {"success": True, "message": "Logged out."})


async def test_a_logout_of_a_session_that_is_over_is_a_success_and_an_unknown_one_never() -> None:
    ends: list[tuple[Reply | Broken, int]] = [
        (refusal(401, "token_revoked"), 200),
        (REFUSED, 503),
        (Broken("response_timeout"), 504),
    ]
    for got, status in ends:
        assert (await Front(got).ask("POST", "/logout", None, **BEARER)).status == status


async def test_me_answers_the_user_alone() -> None:
    answer = await Front(KNOWN_TOKEN).ask("GET", "/me", **BEARER)
    assert (answer.status, answer.json) == (200, {"id": "user-1", "email": EMAIL, "name": None})


async def test_config_answers_what_people_may_do() -> None:
    answer = await Front(GOOD_OFFER).ask("GET", "/config")
    assert (answer.status, answer.json) == (200, OFFER)


async def test_config_that_was_never_read_is_an_error() -> None:
    assert_problem(await Front(REFUSED).ask("GET", "/config"), 503, "connection_refused")


# --- how long a token lives ------------------------------------------------------------------------------------------


def jwt(claims: object) -> str:
    """A token of this form, whoever may have signed it."""
    middle = base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=").decode()
    return f"e30.{middle}.c2ln"


@pytest.mark.parametrize(
    ("token", "expires_in", "shown"),
    [
        ("opaque", 900, 900),
        ("opaque", None, None),
        (jwt({"exp": START_WALL_S + 300.5}), None, 300),
        (jwt({"exp": int(START_WALL_S) + 300}), 900, 900),
        (jwt({"exp": START_WALL_S - 300}), None, 0),
        (jwt({"exp": START_WALL_S + 0.9}), None, 0),
        (jwt({"exp": -1}), None, 0),
        (jwt({"exp": -(10**400)}), None, 0),
        (jwt({"exp": 10**400}), None, 253_402_300_798 - int(START_WALL_S)),
        (jwt({"exp": "soon"}), None, None),
        (jwt({"exp": True}), None, None),
        (jwt({"exp": None}), None, None),
        (jwt({}), None, None),
        (jwt([]), None, None),
        ("a.b", None, None),
        ("a.b.c.d", None, None),
        ("a.!!!.c", None, None),
        ("a..c", None, None),
        ("a.A.c", None, None),
        ("a.bm8gSlNPTg.c", None, None),
    ],
    ids=range(20),
)
async def test_the_life_of_a_token_is_what_was_said_else_what_it_says_itself(
    token: str, expires_in: int | None, shown: int | None
) -> None:
    said = {**json.loads(GOOD_LOGIN.body), "access_token": token, "expires_in": expires_in}
    front = Front(reply(200, said))
    answer = await front.ask("POST", "/login", LOGIN)
    assert (answer.status, answer.json["expires_in"], front.crashes) == (200, shown, [])


# --- what is passed on -----------------------------------------------------------------------------------------------


async def test_the_auth_service_learns_who_is_calling_and_nothing_a_client_makes_up() -> None:
    front = Front(GOOD_LOGIN)
    await front.ask(
        "POST", "/login", LOGIN, X_Request_ID="request-7", traceparent=TRACEPARENT, User_Agent="curl/8.5.0",
        X_Service_ID="evil", X_Service_Secret="evil", Idempotency_Key="evil", Cookie="evil=1", baggage="evil=1",
        Authorization="Bearer evil", X_Forwarded_For="6.6.6.6", Forwarded="for=6.6.6.6",
    )  # fmt: skip
    call = front.stage.exchange.asked[0].call
    sent = dict(call.headers)
    assert (sent["X-Request-ID"], sent["traceparent"], sent["User-Agent"]) == ("request-7", TRACEPARENT, "curl/8.5.0")
    assert (sent["X-Forwarded-For"], sent["Forwarded"]) == ("10.1.2.3", "for=10.1.2.3")
    assert "evil" not in repr(call.headers)
    assert "6.6.6.6" not in repr(call.headers)
    assert call.bearer is None


async def test_the_caller_is_told_on_login_like_calls_alone() -> None:
    registering, refreshing = Front(NEW_USER), Front(GOOD_LOGIN)
    await registering.ask("POST", "/register", LOGIN)
    await refreshing.ask("POST", "/refresh", {"refresh_token": "r1"})
    assert "X-Forwarded-For" in registering.stage.sent()
    assert "X-Forwarded-For" in refreshing.stage.sent()
    for method, path, got in [
        ("GET", "/me", KNOWN_TOKEN),
        ("POST", "/logout", LOGGED_OUT),
        ("GET", "/config", GOOD_OFFER),
    ]:
        front = Front(got)
        await front.ask(method, path, **BEARER)
        assert "X-Forwarded-For" not in front.stage.sent()


# --- errors ----------------------------------------------------------------------------------------------------------

JOURNEYS = [
    ("POST", "/login", LOGIN), ("POST", "/register", LOGIN), ("POST", "/refresh", {"refresh_token": "r1"}),
    ("POST", "/logout", {"refresh_token": "r1"}), ("GET", "/me", None), ("GET", "/config", None),
]  # fmt: skip


@pytest.mark.parametrize("how", ["operator", "public"])
@pytest.mark.parametrize(("method", "path", "body"), JOURNEYS, ids=[path for _, path, _ in JOURNEYS])
@pytest.mark.parametrize(
    ("got", "status", "code"),
    [
        (REFUSED, 503, "connection_refused"),
        (Broken("response_timeout"), 504, "response_timeout"),
        (reply(500), 502, "auth_service_error"),
        (reply(302, None, {"location": "http://10.1.2.3/"}), 502, "redirected"),
        (refusal(403, "invalid_client"), 502, "service_credentials_rejected"),
        (Reply(200, {"server": "10.1.2.3"}, b"<html>10.1.2.3</html>", 0.0), 502, "invalid_response"),
    ],
    ids=["refused", "late", "500", "redirect", "our credentials", "HTML"],
)
async def test_a_failure_is_answered_by_how_far_the_request_got_on_every_route(
    how: Any, method: str, path: str, body: object, got: Any, status: int, code: str
) -> None:
    front = Front(got, operator=how == "operator")
    answer = await front.ask(method, path, body, **BEARER)
    assert_problem(answer, status, code if how == "operator" else "authentication_unavailable", how)
    if how == "public":
        assert [inside for inside in INSIDES if inside in answer.raw.decode()] == []
    assert front.crashes == []


async def test_a_wrong_password_is_a_401_after_one_exchange() -> None:
    front = Front(WRONG_PASSWORD, link={"tries": 3})
    assert_problem(await front.ask("POST", "/login", LOGIN), 401, "invalid_credentials")
    assert len(front.stage.exchange.asked) == 1


@pytest.mark.parametrize(
    ("path", "body", "faults"),
    [
        ("/login", {"email": 1}, [("/email", "wrong_type"), ("/password", "missing")]),
        ("/register", {**LOGIN, "confirm_password": "Pl4nted"}, [("/confirm_password", "mismatch")]),
        ("/register", {**LOGIN, "email": "Pl4nted"}, [("/email", "invalid_format")]),
        ("/refresh", {}, [("/refresh_token", "missing")]),
        ("/logout", {"refresh_token": "Pl4nted Pl4nted"}, [("/refresh_token", "invalid_format")]),
    ],
    ids=range(5),
)
async def test_fields_that_cannot_be_used_are_a_422_and_nobody_is_asked(
    path: str, body: object, faults: list[tuple[str, str]]
) -> None:
    front = Front()
    answer = await front.ask("POST", path, body)
    problem = assert_problem(answer, 422, "invalid_fields")
    assert [(each["pointer"], each["code"]) for each in problem["errors"]] == faults
    assert b"Pl4nted" not in answer.raw
    assert front.stage.exchange.asked == []
    assert front.stage.told.events == []


@pytest.mark.parametrize("path", ["/login", "/register", "/refresh", "/logout"])
@pytest.mark.parametrize(
    ("body", "content_type", "status", "code"),
    [
        (b"{", "application/json", 400, "malformed_request"),
        (b"[]", "application/json", 422, "invalid_fields"),
        (b'{"email": "a", "email": "b"}', "application/json", 400, "malformed_request"),
        (b"email=a&password=b", "application/x-www-form-urlencoded", 415, "unsupported_media_type"),
    ],
    ids=["half", "array", "twice", "form"],
)
async def test_a_body_that_cannot_be_read_is_refused_on_every_route(
    path: str, body: bytes, content_type: str, status: int, code: str
) -> None:
    front = Front()
    assert_problem(await front.ask("POST", path, body, content_type=content_type), status, code)
    assert front.crashes == []


@pytest.mark.parametrize("path", ["/login", "/register", "/refresh"])
async def test_an_empty_body_is_malformed_where_one_is_needed(path: str) -> None:
    assert_problem(await Front().ask("POST", path, b""), 400, "malformed_request")


@pytest.mark.parametrize(
    ("target", "headers", "code"),
    [
        ("/me", {}, "token_missing"),
        ("/me", {"Authorization": "Basic x"}, "token_missing"),
        ("/me?access_token=t1", {}, "token_malformed"),
        ("/me?a=1&access_token=t1", BEARER, "token_malformed"),
        ("/me", {"Authorization": "Bearer a b"}, "token_malformed"),
    ],
    ids=range(5),
)
async def test_a_token_is_shown_once_in_its_header_and_nowhere_else(
    target: str, headers: dict[str, str], code: str
) -> None:
    front = Front()
    assert_problem(await front.ask("GET", target, **headers), 401, code)
    assert front.stage.exchange.asked == []


async def test_a_logout_without_any_token_or_with_a_malformed_one_is_refused() -> None:
    assert_problem(await Front().ask("POST", "/logout", {}), 401, "token_missing")
    assert_problem(await Front().ask("POST", "/logout", {"refresh_token": "r1"}, Authorization="Bearer a b"), 401,
                   "token_malformed")  # fmt: skip
    assert_problem(await Front().ask("POST", "/logout?access_token=t1", {}), 401, "token_malformed")


async def test_the_public_is_told_of_any_bad_token_alike() -> None:
    for code in ("token_expired", "token_signature_invalid"):
        front = Front(reply(200, {"valid": False, "code": code}), operator=False)
        assert_problem(await front.ask("GET", "/me", **BEARER), 401, "invalid_token", "public")


# --- which routes there are ------------------------------------------------------------------------------------------


async def test_a_route_exists_where_the_wire_offers_its_call() -> None:
    for endpoint in ENDPOINTS:
        if endpoint.operation is None:
            continue
        templates = {name: each for name, each in WIRE.templates.items() if name != endpoint.operation.name}
        front = Front(parts={"wire": WIRE._replace(templates=templates)})
        assert_problem(await front.ask(endpoint.method, endpoint.path, {}, **BEARER), 404, "not_found")
        assert endpoint.operation.name in OPERATIONS


async def test_registration_can_be_hidden() -> None:
    front = Front(parts={"registration": False})
    assert_problem(await front.ask("POST", "/register", LOGIN), 404, "not_found")
    assert (await Front(NEW_USER).ask("POST", "/register", LOGIN)).status == 201


async def test_the_public_listener_knows_no_route_of_the_admin_listener() -> None:
    front = Front()
    for path in ("/health", "/openapi.json", "/metrics", "/demo"):
        assert (await front.bare("GET", path)).status == 404
        assert (await front.ask("GET", path)).status == 404


# --- life, readiness, pages ------------------------------------------------------------------------------------------


async def test_life_and_readiness_are_said_without_detail_and_draining_ends_readiness_alone() -> None:
    front = Front()
    assert (await front.bare("GET", "/livez")).body == b'{"status":"alive"}'
    ready = await front.bare("GET", "/readyz")
    assert (ready.status, ready.body, ready.header("content-type")) == (200, b'{"status":"ready"}', "application/json")
    front.view.readiness.draining = True
    draining = await front.bare("GET", "/readyz")
    assert (draining.status, draining.body) == (503, b'{"status":"draining"}')
    assert (await front.bare("GET", "/livez")).status == 200


async def test_an_outage_does_not_end_readiness() -> None:
    front = Front()
    front.stage.link.standing = front.stage.link.standing._replace(connectivity="failed")
    assert (await front.bare("GET", "/readyz")).status == 200


async def test_a_page_says_what_a_code_means() -> None:
    page = await Front().bare("GET", "/problems/dns_error")
    assert (page.status, page.header("content-type")) == (200, "application/json")
    assert {"code", "title", "public", "check_first", "status", "action", "owner"} <= page.json.keys()
    assert (page.json["code"], page.json["status"]) == ("dns_error", 503)


async def test_a_page_is_html_for_whoever_asks_for_it_and_may_load_nothing() -> None:
    page = await Front().bare("GET", "/problems/dns_error", Accept="text/html,application/xhtml+xml,*/*;q=0.8")
    assert (page.status, page.header("content-type")) == (200, "text/html; charset=utf-8")
    assert page.body.startswith(b"<!doctype html>") or page.body.startswith(b"<!DOCTYPE html>")
    assert (page.header("content-security-policy") or "").startswith("default-src 'none'")
    assert (page.header("x-content-type-options"), page.header("referrer-policy")) == ("nosniff", "no-referrer")


@pytest.mark.parametrize("accept", ["application/json", "text/html"])
async def test_the_public_may_read_the_public_pages_alone(accept: str) -> None:
    front = Front(operator=False)
    for code, status in [
        ("authentication_unavailable", 200), ("invalid_token", 200), ("invalid_credentials", 200), ("not_found", 200),
        ("dns_error", 404), ("token_expired", 404), ("internal_error", 404), ("no_such_code", 404), ("..", 404),
    ]:  # fmt: skip
        page = await front.bare("GET", f"/problems/{code}", Accept=accept)
        assert page.status == status, code
        if status == 200:
            assert b"check_first" not in page.body
            assert b"Check first" not in page.body
        else:
            assert_problem(page, 404, "not_found", "public")


async def test_operators_may_read_every_page() -> None:
    front = Front()
    for code in front.view.book:
        assert (await front.bare("GET", f"/problems/{code}")).status == 200
