"""Who is asking, on a host's own routes: let in, refused with 401, or kept waiting with 503, and nothing between.

It must never let an outage pass for a refusal: a client that reads 401 logs its user out.
"""

import json
from collections.abc import Callable
from typing import Any, Final

import pytest
from fastapi import FastAPI, WebSocket
from joserfc import jwt
from joserfc.jwk import ECKey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.types import Message

from netra.integrations import fastapi as for_fastapi
from netra.integrations import starlette as for_starlette
from netra.integrations.fastapi import AuthProblem, CurrentIdentity, CurrentUser, current_identity, current_user
from netra.lab.faults import FAULTS
from netra.lab.faulty_auth_service import FaultyAuthService
from netra.lab.scripts import json_reply
from netra.testing.authds import authd_beside
from netra.testing.fakes import Recorded
from tests.integrations.support import FRAMEWORKS, Host, hosted, served, told
from tests.support.gateways import EMAIL, IMPATIENT, PASSWORD
from tests.support.places import free_port
from tests.support.problems import assert_problem

TOKEN: Final = f"access-{EMAIL.encode().hex()}"


def with_notes(app: Any) -> None:
    """A route of the host that wants to know who is asking."""
    if isinstance(app, FastAPI):

        @app.get("/notes")
        async def of_fastapi(user: CurrentUser, identity: CurrentIdentity) -> dict[str, Any]:
            assert user == identity.user
            return {"id": user.id, "email": user.email, "expires_at": identity.expires_at}

        return

    async def of_starlette(request: Request) -> Response:
        identity = await for_starlette.current_identity(request)
        assert await for_starlette.current_user(request) == identity.user
        user = identity.user
        return JSONResponse({"id": user.id, "email": user.email, "expires_at": identity.expires_at})

    app.add_route("/notes", of_starlette)


@pytest.mark.parametrize("framework", FRAMEWORKS)
async def test_a_good_token_says_who_is_asking(lab: FaultyAuthService, framework: str) -> None:
    async with hosted(framework, told(lab.url), with_notes) as host:
        answer = await host.get("/notes", TOKEN)
    assert answer.status == 200
    assert answer.json["email"] == EMAIL
    assert answer.json["expires_at"] > 0


@pytest.mark.parametrize("framework", FRAMEWORKS)
async def test_a_real_session_is_let_in_until_it_is_logged_out(tmp_path: Any, framework: str) -> None:
    with authd_beside(tmp_path) as authd:
        async with hosted(framework, told(authd.url, **authd.variables), with_notes) as host:
            session = (await host.post("/login", {"email": authd.email, "password": authd.password})).json
            token = session["access_token"]
            assert (await host.get("/notes", token)).json["email"] == authd.email
            tampered = token[:-8] + ("A" if token[-8] != "A" else "B") + token[-7:]
            assert_problem(await host.get("/notes", tampered), 401, "token_signature_invalid")
            assert (await host.post("/logout", {}, [("Authorization", f"Bearer {token}")])).status == 200
            assert_problem(await host.get("/notes", token), 401, "token_revoked")


REFUSED: Final[dict[str, tuple[list[tuple[str, str]], str, str]]] = {
    "nothing": ([], "token_missing", 'Bearer realm="netra"'),
    "basic": ([("Authorization", "Basic YTpi")], "token_missing", 'Bearer realm="netra"'),
    "unknown": ([("Authorization", "Bearer abc")], "token_rejected", 'Bearer realm="netra", error="invalid_token"'),
    "two": (
        [("Authorization", "Bearer a"), ("Authorization", "Bearer b")], "token_malformed",
        'Bearer realm="netra", error="invalid_token"',
    ),
    "spaces": ([("Authorization", "Bearer a b")], "token_malformed", 'Bearer realm="netra", error="invalid_token"'),
}  # fmt: skip


@pytest.mark.parametrize("framework", FRAMEWORKS)
async def test_a_refusal_is_401_and_says_why(lab: FaultyAuthService, framework: str) -> None:
    async with hosted(framework, told(lab.url), with_notes) as host:
        for headers, code, challenge in REFUSED.values():
            answer = await host.get("/notes", None, [*headers, ("X-Request-ID", "mine")])
            assert_problem(answer, 401, code, request_id="mine")
            assert answer.header("www-authenticate") == challenge


@pytest.mark.parametrize("framework", FRAMEWORKS)
async def test_the_auth_services_refusal_is_401_whatever_its_cause(lab: FaultyAuthService, framework: str) -> None:
    async with hosted(framework, told(lab.url), with_notes) as host:
        for at, code in enumerate(("token_expired", "token_revoked", "account_disabled", "account_locked")):
            lab.answer("/auth/validate", json_reply(200, {"valid": False, "code": code}))
            answer = await host.get("/notes", f"access-{at}")
            assert answer.status == 401
            assert answer.header("www-authenticate")
            assert answer.header("retry-after") is None


OUTAGES: Final = [
    each
    for each in FAULTS
    if each.call == "login"
    and each.certificate is None
    and each.status >= 500
    and not any(word in each.name for word in ("token", "user", "expires"))
]
"""What can go wrong with any call; the others are about the body of a login's answer."""


@pytest.mark.parametrize("framework", FRAMEWORKS)
async def test_no_outage_is_a_refusal(lab: FaultyAuthService, framework: str) -> None:
    codes = set()
    environ = told(lab.url, **IMPATIENT, NETRA_STALE_WHILE_DOWN_S="0")
    async with hosted(framework, environ, with_notes) as host:
        for fault in OUTAGES:
            lab.fault(fault.name, path="/auth/validate" if fault.for_one else None)
            answer = await host.get("/notes", TOKEN)
            assert answer.status == 503, (fault.name, answer)
            assert int(answer.header("retry-after") or 0) >= 1, fault.name
            assert answer.header("www-authenticate") is None, fault.name
            codes.add(answer.code)
            lab.heal()
    assert len(codes) > 8


@pytest.mark.parametrize("framework", FRAMEWORKS)
async def test_nobody_there_is_503_and_the_public_learns_nothing_more(framework: str) -> None:
    port = free_port()
    environ = told(f"http://127.0.0.1:{port}", NETRA_DISCLOSE="public")
    async with hosted(framework, environ, with_notes) as host:
        answer = await host.get("/notes", TOKEN)
    assert_problem(answer, 503, "authentication_unavailable", "public")
    assert str(port).encode() not in answer.raw


async def test_the_token_is_checked_once_for_all_that_a_route_asks(lab: FaultyAuthService) -> None:
    async with hosted("fastapi", told(lab.url, NETRA_TOKEN_CACHE_S="0"), with_notes) as host:
        assert (await host.get("/notes", TOKEN)).status == 200
    assert len(lab.delivered("/auth/validate")) == 1


async def test_a_remembered_token_costs_no_call(lab: FaultyAuthService) -> None:
    async with hosted("fastapi", told(lab.url, NETRA_TOKEN_CACHE_S="30"), with_notes) as host:
        for _ in range(5):
            assert (await host.get("/notes", TOKEN)).status == 200
    assert len(lab.delivered("/auth/validate")) == 1


async def test_an_application_that_words_its_own_errors_keeps_status_and_headers(lab: FaultyAuthService) -> None:
    """Without the handlers of the integration the body is the framework's; what clients act on is the same."""
    auth = for_fastapi.Auth(told(lab.url), tell=Recorded())
    app = FastAPI(lifespan=auth.lifespan)
    with_notes(app)
    async with served(app) as url:
        host = Host(url, Recorded())
        refused = await host.get("/notes")
        lab.fault("reset-after-reading", path="/auth/validate")
        outage = await host.get("/notes", TOKEN)
    assert (refused.status, list(refused.json)) == (401, ["detail"])
    assert refused.header("www-authenticate") == 'Bearer realm="netra"'
    assert (outage.status, list(outage.json)) == (503, ["detail"])
    assert outage.header("retry-after")
    assert (refused.header("content-type"), refused.header("cache-control")) == ("application/json", "no-store")


async def test_a_host_may_word_it_by_what_the_listener_answers(lab: FaultyAuthService) -> None:
    async def worded(request: Request, problem: Exception) -> Response:
        assert isinstance(problem, AuthProblem)
        return PlainTextResponse(json.loads(problem.response.body)["code"], problem.response.status)

    def extend(app: Any) -> None:
        with_notes(app)
        app.add_exception_handler(AuthProblem, worded)

    async with hosted("fastapi", told(lab.url), extend) as host:
        answer = await host.get("/notes")
    assert (answer.status, answer.body) == (401, b"token_missing")


async def test_a_hosts_tests_put_in_a_user_of_their_own(lab: FaultyAuthService) -> None:
    def extend(app: FastAPI) -> None:
        with_notes(app)
        somebody = for_fastapi.User("u1", "eve@example.com", None)
        app.dependency_overrides[current_user] = lambda: somebody
        app.dependency_overrides[current_identity] = lambda: for_fastapi.Identity(somebody, 1)

    async with hosted("fastapi", told(lab.url), extend) as host:
        assert (await host.get("/notes")).json == {"id": "u1", "email": "eve@example.com", "expires_at": 1}


@pytest.mark.parametrize("framework", FRAMEWORKS)
async def test_without_an_open_gateway_the_cure_is_said(framework: str) -> None:
    app: Any = FastAPI() if framework == "fastapi" else Starlette()
    with_notes(app)
    with pytest.raises(RuntimeError, match=r"No gateway is open here.*lifespan=Auth\(\)\.lifespan"):
        await asked(app, {"type": "http", "method": "GET"})


async def test_a_websocket_is_let_in_or_refused_before_it_begins(lab: FaultyAuthService) -> None:
    auth = for_fastapi.Auth(told(lab.url), tell=Recorded())
    app = FastAPI()
    auth.add_problems(app)

    @app.websocket("/live")
    async def live(websocket: WebSocket, user: CurrentUser) -> None:
        await websocket.accept()
        await websocket.send_text(user.id)
        await websocket.close()

    async with auth.lifespan(app) as state:
        knock = {"type": "websocket", "state": state, "extensions": {"websocket.http.response": {}}}
        inside = await asked(app, {**knock, "headers": [(b"authorization", f"Bearer {TOKEN}".encode())]})
        outside = await asked(app, knock)
    assert [each["type"] for each in inside] == ["websocket.accept", "websocket.send", "websocket.close"]
    assert [each["type"] for each in outside] == ["websocket.http.response.start", "websocket.http.response.body"]
    assert (outside[0]["status"], json.loads(outside[1]["body"])["code"]) == (401, "token_missing")


async def asked(app: Callable[..., Any], scope: dict[str, Any]) -> list[Any]:
    """What an application says to a connection that a server without WebSockets cannot make."""
    sent: list[Any] = []

    async def receive() -> Message:
        return {"type": "websocket.connect"} if scope["type"] == "websocket" else {"type": "http.request"}

    async def send(message: Message) -> None:
        sent.append(message)

    path = "/live" if scope["type"] == "websocket" else "/notes"
    usual = {"path": path, "raw_path": path.encode(), "query_string": b"", "headers": [], "root_path": ""}
    more = {"client": ("127.0.0.1", 5000), "server": ("127.0.0.1", 80), "scheme": "http", "subprotocols": []}
    await app({**usual, **more, **scope}, receive, send)
    return sent


async def test_users_who_log_in_elsewhere_are_known_by_their_issuers_keys(lab: FaultyAuthService) -> None:
    key = ECKey.generate_key("P-256", parameters={"kid": "k1", "use": "sig"})
    found = {"issuer": lab.url, "jwks_uri": f"{lab.url}/jwks"}
    lab.answer("/.well-known/openid-configuration", json_reply(200, found))
    lab.answer("/jwks", json_reply(200, {"keys": [key.as_dict(private=False)]}))

    def token(**changes: object) -> str:
        claims = {"iss": lab.url, "aud": "shop", "sub": "u-1", "exp": 2**32, "iat": 1, "client_id": "c", "jti": "1"}
        return jwt.encode({"alg": "ES256", "typ": "at+jwt", "kid": "k1"}, {**claims, **changes}, key)

    changes = {"NETRA_ONLY": "verify", "OIDC_ISSUER": lab.url, "NETRA_PLAINTEXT_HOSTS": "127.0.0.1"}
    environ = told(lab.url, **changes, NETRA_TOKEN_AUDIENCE="shop")
    del environ["AUTH_SERVICE_URL"], environ["SERVICE_ID"], environ["SERVICE_SECRET"]
    async with hosted("fastapi", environ, with_notes) as host:
        answer = await host.get("/notes", token())
        assert (answer.status, answer.json["id"]) == (200, "u-1")
        assert_problem(await host.get("/notes", token(aud="bank")), 401, "token_wrong_audience")
        assert_problem(await host.get("/notes", token(exp=2)), 401, "token_expired")
        assert_problem(await host.post("/login", {"email": EMAIL, "password": PASSWORD}), 404, "not_found")
        paths = (await host.get("/openapi.json")).json["paths"]
    assert "/api/v1/auth/login" not in paths
    assert "/api/v1/auth/me" in paths


async def test_the_password_of_a_login_is_in_no_event(lab: FaultyAuthService) -> None:
    async with hosted("fastapi", told(lab.url), with_notes) as host:
        await host.post("/login", {"email": EMAIL, "password": PASSWORD})
        await host.get("/notes", TOKEN)
        assert host.ended
        assert PASSWORD not in repr(host.recorded.events)
        assert TOKEN not in repr(host.recorded.events)
