"""Which routes a host has, where they stand, and what is answered where all went well.

It must never ask for a route that the host has not chosen without seeing that it is the host's own 404.
"""

from collections.abc import Awaitable, Callable
from typing import Any, Final

import pytest
from fastapi import APIRouter, FastAPI, HTTPException
from pydantic import BaseModel
from starlette.applications import Starlette
from starlette.responses import JSONResponse

from netra.core.verdict.outcomes import Accepted
from netra.integrations import fastapi as for_fastapi
from netra.integrations import starlette as for_starlette
from netra.integrations.places import PREFIX as OWN_PREFIX
from netra.integrations.places import names, placed
from netra.integrations.starlette import Auth, Success
from netra.lab.faulty_auth_service import FaultyAuthService
from netra.testing.fakes import Recorded
from tests.integrations.support import FRAMEWORKS, PREFIX, Host, hosted, served, told
from tests.support.gateways import EMAIL, PASSWORD

LOGIN: Final = {"email": EMAIL, "password": PASSWORD}
EVERY: Final = {
    "login": ("POST", f"{PREFIX}/login"), "register": ("POST", f"{PREFIX}/register"),
    "refresh": ("POST", f"{PREFIX}/refresh"), "logout": ("POST", f"{PREFIX}/logout"), "me": ("GET", f"{PREFIX}/me"),
    "config": ("GET", f"{PREFIX}/config"), "problems": ("GET", "/problems/draining"),
}  # fmt: skip


async def there(host: Host) -> set[str]:
    """The routes that are there: those that answer anything but the host's own 404."""
    statuses = {name: (await host.ask(*target)).status for name, target in EVERY.items()}
    return {name for name, status in statuses.items() if status != 404}


@pytest.mark.parametrize("framework", FRAMEWORKS)
async def test_all_routes_are_there_by_themselves(lab: FaultyAuthService, framework: str) -> None:
    assert PREFIX == OWN_PREFIX
    assert names() == tuple(EVERY)
    async with hosted(framework, told(lab.url)) as host:
        assert await there(host) == set(EVERY)


@pytest.mark.parametrize("framework", FRAMEWORKS)
@pytest.mark.parametrize("only", [["login"], ["me", "problems"], []])
async def test_only_the_chosen_routes_are_there(lab: FaultyAuthService, framework: str, only: list[str]) -> None:
    async with hosted(framework, told(lab.url), only=only) as host:
        assert await there(host) == set(only)


@pytest.mark.parametrize("framework", FRAMEWORKS)
async def test_a_route_stands_where_the_host_wants_it(lab: FaultyAuthService, framework: str) -> None:
    paths = {"login": "/sign-in", "problems": "/help/errors"}
    async with hosted(framework, told(lab.url), prefix="/v2", paths=paths) as host:
        assert await there(host) == set()
        for path in ("/v2/sign-in", "/v2/sign-in/"):
            answer = await host.ask("POST", path, [("Content-Type", "application/json")], b"{}")
            assert answer.code == "invalid_fields"
        assert (await host.get("/v2/config")).status == 200
        assert (await host.get("/help/errors/draining")).json["code"] == "draining"


async def test_a_prefix_may_be_none_at_all(lab: FaultyAuthService) -> None:
    async with hosted("starlette", told(lab.url), prefix="") as host:
        assert (await host.get("/config")).status == 200


@pytest.mark.parametrize(
    ("places", "why"),
    [
        ({"only": ["sign-in"]}, "no route 'sign-in'. There are: login, register"),
        ({"only": ["livez"]}, "no route 'livez'"),
        ({"only": ["verify"]}, "no route 'verify'"),
        ({"paths": {"signin": "/x"}}, "no route 'signin'"),
        ({"paths": {"login": "sign-in"}}, "'sign-in' is no path"),
        ({"paths": {"login": "/sign-in/"}}, "'/sign-in/' is no path"),
        ({"paths": {"login": "/{user}"}}, "is no path"),
        ({"prefix": "auth"}, "'auth' is no path"),
    ],
    ids=range(8),
)
def test_a_route_that_cannot_be_is_said_at_once(places: dict[str, Any], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        Auth().routes(**places)
    with pytest.raises(ValueError, match=why):
        for_fastapi.Auth().router(**places)


def test_a_route_keeps_what_it_is_wherever_it_stands() -> None:
    (moved,) = placed("/v2", ["login"], {"login": "/sign-in"})
    assert (moved.name, moved.path, moved.endpoint.path) == ("login", "/v2/sign-in", "/login")


async def test_a_router_may_stand_below_another_and_twice(lab: FaultyAuthService) -> None:
    auth = for_fastapi.Auth(told(lab.url), tell=Recorded())
    app, inner = FastAPI(lifespan=auth.lifespan), APIRouter(prefix="/shop")
    inner.include_router(auth.router(prefix="/auth", only=["me", "config"]))
    app.include_router(inner)
    app.include_router(auth.router(prefix="/old", only=["config"]))
    auth.add_problems(app)
    async with served(app) as url:
        host = Host(url, Recorded())
        assert [(await host.get(path)).status for path in ("/shop/auth/config", "/old/config", "/old/me")] == [
            200, 200, 404
        ]  # fmt: skip
        described = (await host.get("/openapi.json")).json["paths"]
    assert set(described) == {"/shop/auth/config", "/shop/auth/me", "/old/config"}
    for path in ("/shop/auth/config", "/old/config"):
        reference = described[path]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
        assert reference == {"$ref": "#/components/schemas/NetraOfferBody"}


# --- what is answered where all went well ---------------------------------------------------------------------------


def enveloped(success: Success) -> dict[str, Any]:
    return {"route": success.route, "data": success.body, "agent": success.request.headers.get("user-agent")}


async def awaited(success: Success) -> dict[str, Any]:
    return enveloped(success)


class Envelope(BaseModel):
    route: str
    data: dict[str, Any]
    agent: str | None


def modelled(success: Success) -> Envelope:
    return Envelope(**enveloped(success))


def responded(success: Success) -> JSONResponse:
    response = JSONResponse(enveloped(success), 200, {"X-Own": "1"})
    response.set_cookie("refresh", success.body["refresh_token"], httponly=True, secure=True, samesite="strict")
    return response


@pytest.mark.parametrize(
    ("framework", "shape"),
    [("fastapi", enveloped), ("fastapi", awaited), ("fastapi", modelled), ("starlette", enveloped),
     ("starlette", awaited)],
    ids=range(5),
)  # fmt: skip
async def test_a_success_is_worded_by_the_host(
    lab: FaultyAuthService, framework: str, shape: Callable[[Success], Any | Awaitable[Any]]
) -> None:
    async with hosted(framework, told(lab.url), success=shape) as host:
        answer = await host.post("/login", LOGIN, [("User-Agent", "shop/1"), ("X-Request-ID", "mine")])
        assert (answer.status, answer.json["route"], answer.json["agent"]) == (200, "login", "shop/1")
        assert answer.json["data"]["user"]["email"] == EMAIL
        assert (answer.header("cache-control"), answer.header("x-request-id")) == ("no-store", "mine")
        assert answer.header("content-type") == "application/json"
        token = answer.json["data"]["access_token"]
        assert (await host.get(f"{PREFIX}/me", token)).json["data"]["email"] == EMAIL
        assert (await host.get(f"{PREFIX}/config")).json["route"] == "config"
        created = await host.post("/register", LOGIN)
        assert (created.status, created.json["route"]) == (201, "register")


@pytest.mark.parametrize("framework", FRAMEWORKS)
async def test_a_host_may_answer_with_a_response_of_its_own(lab: FaultyAuthService, framework: str) -> None:
    async with hosted(framework, told(lab.url), success=responded, only=["login"]) as host:
        answer = await host.post("/login", LOGIN, [("X-Request-ID", "mine")])
    assert (answer.header("x-own"), answer.header("x-request-id")) == ("1", "mine")
    assert answer.header("cache-control") == "no-store", "tokens are in it"
    assert "HttpOnly" in (answer.header("set-cookie") or "")


@pytest.mark.parametrize("framework", FRAMEWORKS)
async def test_only_a_success_is_worded_by_the_host(lab: FaultyAuthService, framework: str) -> None:
    shaped: list[str] = []

    def remember(success: Success) -> dict[str, Any]:
        shaped.append(success.route)
        return {}

    async with hosted(framework, told(lab.url), success=remember) as host:
        assert (await host.post("/login", {**LOGIN, "password": "wrong"})).code == "invalid_credentials"
        assert (await host.post("/login", {})).code == "invalid_fields"
        assert (await host.get(f"{PREFIX}/me")).code == "token_missing"
        assert (await host.get("/problems/draining")).json["code"] == "draining"
        lab.fault("reset-after-reading", path="/auth/login")
        assert (await host.post("/login", LOGIN)).status == 502
        head = await host.ask("HEAD", f"{PREFIX}/config")
        assert (head.status, head.body) == (200, b"")
    assert shaped == []


@pytest.mark.parametrize("framework", FRAMEWORKS)
async def test_what_the_host_raises_there_is_its_own_affair(lab: FaultyAuthService, framework: str) -> None:
    def banned(success: Success) -> dict[str, Any]:
        raise HTTPException(403, "Banned here.")

    async with hosted(framework, told(lab.url), success=banned) as host:
        answer = await host.post("/login", LOGIN)
    assert answer.status == 403
    assert b"Banned here." in answer.body


async def test_a_success_that_passes_through_unchanged_is_the_listeners(lab: FaultyAuthService) -> None:
    async with (
        hosted("starlette", told(lab.url)) as plain,
        hosted("starlette", told(lab.url), success=lambda success: success.body) as shaped,
    ):
        assert (await plain.post("/login", LOGIN)).json == (await shaped.post("/login", LOGIN)).json


async def test_the_gate_is_at_hand_for_what_the_routes_do_not_do(lab: FaultyAuthService) -> None:
    def extend(app: Starlette) -> None:
        async def knock(request: Any) -> JSONResponse:
            outcome = await for_starlette.gate_of(request).log_in(EMAIL, PASSWORD)
            return JSONResponse({"in": isinstance(outcome, Accepted)})

        app.add_route("/knock", knock)

    async with hosted("starlette", told(lab.url), extend, only=[]) as host:
        assert (await host.get("/knock")).json == {"in": True}
