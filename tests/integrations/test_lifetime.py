"""A host's gateway lives as long as the host: settings, state, logins under way, and what is left behind.

It must never wait for an instant: what has to come first is awaited.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from netra.core.events import Stage
from netra.embed import SettingsProblem
from netra.integrations import fastapi as for_fastapi
from netra.integrations.fastapi import Auth, CurrentUser
from netra.lab.faulty_auth_service import FaultyAuthService
from netra.testing.fakes import Recorded
from tests.embed.support import code_of, heard
from tests.embed.test_lifetime import HeldBack, others
from tests.integrations.support import FRAMEWORKS, PREFIX, Host, application, hosted, served, told
from tests.support.gateways import EMAIL, PASSWORD
from tests.support.wire import LONGEST_S, as_json

LOGIN = {"email": EMAIL, "password": PASSWORD}


@pytest.mark.parametrize("framework", FRAMEWORKS)
async def test_settings_that_cannot_be_used_stop_the_start_and_are_all_named(framework: str) -> None:
    app = application(framework, {"AUTH_SERVICE_URL": "nonsense", "NETRA_TRIES": "many"}, Recorded())
    with pytest.raises(SettingsProblem) as problem:
        async with app.router.lifespan_context(app):
            pytest.fail("it has started")
    assert "AUTH_SERVICE_URL" in str(problem.value)
    assert "NETRA_TRIES" in str(problem.value)


@pytest.mark.parametrize("framework", FRAMEWORKS)
async def test_nothing_is_read_before_the_start(framework: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AUTH_SERVICE_URL", "SERVICE_ID", "SERVICE_SECRET"):
        monkeypatch.delenv(name, raising=False)
    app: Any = FastAPI() if framework == "fastapi" else Starlette()
    auth = Auth(tell=Recorded())
    if framework == "fastapi":
        auth.add_to(app)
    else:
        app.router.routes += auth.routes()
    for name, value in told("http://127.0.0.1:9").items():
        monkeypatch.setenv(name, value)
    async with auth.lifespan(app) as state:
        assert list(state) == ["netra"]


@pytest.mark.parametrize("framework", FRAMEWORKS)
async def test_nothing_is_left_behind(lab: FaultyAuthService, framework: str) -> None:
    before = others()
    async with hosted(framework, told(lab.url)) as host:
        for _ in range(3):
            assert (await host.post("/login", LOGIN)).status == 200
        assert others() > before
    async with asyncio.timeout(LONGEST_S):
        while others() - before:  # the lab's own end once it has seen the connections end
            await asyncio.sleep(0.01)
    assert [each.name for each in host.recorded.of(Stage)] == ["started", "stopped"]


class Impatient:
    """A middleware of the host that gives up waiting, as its timeouts do."""

    def __init__(self, app: ASGIApp, given_up: asyncio.Event) -> None:
        self._app = app
        self._given_up = given_up

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer 504 instead, once it is told to give up."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        answering = asyncio.ensure_future(self._app(scope, receive, send))
        giving_up = asyncio.ensure_future(self._given_up.wait())
        await asyncio.wait({answering, giving_up}, return_when=asyncio.FIRST_COMPLETED)
        giving_up.cancel()
        if not answering.done():
            answering.cancel()
            await asyncio.gather(answering, return_exceptions=True)
            await Response("too slow", 504)(scope, receive, send)


@pytest.mark.parametrize("framework", FRAMEWORKS)
async def test_a_host_that_gives_up_leaves_a_login_that_goes_on_and_is_told(
    lab: FaultyAuthService, framework: str
) -> None:
    held_back, given_up, recorded = HeldBack(), asyncio.Event(), Recorded()
    lab.answer("/auth/login", held_back)
    app = application(framework, told(lab.url), recorded)
    app.add_middleware(Impatient, given_up=given_up)
    async with served(app) as url:
        host = Host(url, recorded)
        waiting = asyncio.create_task(host.post("/login", LOGIN, [("X-Request-ID", "left")]))
        await held_back.arrived.wait()
        given_up.set()
        assert (await waiting).status == 504
        assert host.ended == []
        held_back.released.set()
        async with asyncio.timeout(LONGEST_S):
            while not host.ended:
                await asyncio.sleep(0.01)
    (ended,) = host.ended
    assert (ended.request_id, code_of(ended.outcome)) == ("left", "accepted")
    assert len(lab.delivered("/auth/login")) == 1


async def test_the_end_of_a_host_waits_for_a_login_that_nobody_waits_for(lab: FaultyAuthService) -> None:
    held_back, recorded = HeldBack(), Recorded()
    lab.answer("/auth/login", held_back)
    auth = Auth(told(lab.url), tell=recorded)
    app = FastAPI()
    auth.add_to(app)
    async with auth.lifespan(app) as state:
        waiting = asyncio.create_task(knock(app, state, []))
        await held_back.arrived.wait()
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        held_back.released.set()
    assert [code_of(each.outcome) for each in Host("", recorded).ended] == ["accepted"]


async def test_who_comes_while_it_ends_begins_nothing_any_more(lab: FaultyAuthService) -> None:
    held_back = HeldBack()
    lab.answer("/auth/login", held_back)
    auth = Auth(told(lab.url), tell=Recorded())
    app = FastAPI()
    auth.add_to(app)
    early: list[Any] = []
    late: list[Any] = []
    async with auth.lifespan(app) as state:
        waiting = asyncio.create_task(knock(app, state, early))
        await held_back.arrived.wait()
        ending = asyncio.create_task(state["netra"].close())
        await asyncio.sleep(0)
        await knock(app, state, late)
        held_back.released.set()
        await waiting
        await ending
    assert (early[0]["status"], late[0]["status"]) == (200, 503)
    assert len(lab.delivered("/auth/login")) == 1


async def test_who_comes_after_the_end_is_answered_that_it_is_over(lab: FaultyAuthService) -> None:
    sent = await knocked_after_the_end(lab)
    assert sent[0]["status"] == 503
    assert json.loads(sent[1]["body"])["code"] == "draining"
    assert lab.delivered("/auth/login") == []


async def knocked_after_the_end(lab: FaultyAuthService) -> list[Any]:
    """What is sent to a login that comes when the gateway is closed."""
    auth = Auth(told(lab.url), tell=Recorded())
    app = FastAPI()
    auth.add_to(app)
    async with auth.lifespan(app) as state:
        pass
    sent: list[Any] = []
    await knock(app, state, sent)
    return sent


async def knock(app: ASGIApp, state: dict[str, Any], sent: list[Any]) -> None:
    """A login without a server, whose waiting can be cancelled."""

    async def receive() -> Message:
        return {"type": "http.request", "body": as_json(LOGIN)}

    async def send(message: Message) -> None:
        sent.append(message)

    path = f"{PREFIX}/login"
    scope = {
        "type": "http", "method": "POST", "path": path, "raw_path": path.encode(), "query_string": b"", "root_path": "",
        "headers": [(b"content-type", b"application/json")], "client": ("127.0.0.1", 5000), "state": state,
        "server": ("127.0.0.1", 80), "scheme": "http", "http_version": "2",
    }  # fmt: skip
    await app(scope, receive, send)


async def test_no_header_of_a_connection_is_sent_where_connections_are_shared(lab: FaultyAuthService) -> None:
    sent = await knocked_after_the_end(lab)
    assert b"connection" not in dict(sent[0]["headers"])


async def test_a_hosts_own_lifespan_takes_the_gateways_in(lab: FaultyAuthService) -> None:
    auth = Auth(told(lab.url), tell=Recorded())

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[dict[str, Any]]:
        async with auth.lifespan(app) as state:
            yield {**state, "shop": "open"}

    app = FastAPI(lifespan=lifespan)
    auth.add_to(app)

    @app.get("/shop")
    async def shop(request: Request, user: CurrentUser) -> list[str]:
        return [request.state.shop, user.id]

    async with served(app) as url:
        host = Host(url, Recorded())
        token = (await host.post("/login", LOGIN)).json["access_token"]
        assert (await host.get("/shop", token)).json[0] == "open"


async def test_an_application_below_another_finds_the_gateway_of_the_one_above(lab: FaultyAuthService) -> None:
    auth = Auth(told(lab.url), tell=Recorded())
    outer, inner = FastAPI(lifespan=auth.lifespan), FastAPI()
    auth.add_to(inner)
    outer.mount("/shop", inner)

    @inner.get("/who")
    async def who(user: CurrentUser) -> str | None:
        return user.email

    async with served(outer) as url:
        host = Host(url, Recorded())
        answer = await host.ask("POST", f"/shop{PREFIX}/login", [("Content-Type", "application/json")], as_json(LOGIN))
        assert answer.status == 200
        assert (await host.get("/shop/who", answer.json["access_token"])).json == EMAIL


async def test_several_hosts_in_one_process_know_nothing_of_each_other(lab: FaultyAuthService) -> None:
    async with FaultyAuthService() as other:
        async with hosted("fastapi", told(lab.url)) as first, hosted("starlette", told(other.url)) as second:
            await other.stop()
            assert (await first.post("/login", LOGIN)).status == 200
            assert (await second.post("/login", LOGIN)).code == "connection_refused"
        assert [len(each.ended) for each in (first, second)] == [1, 1]


async def test_events_are_records_of_the_standard_library(lab: FaultyAuthService) -> None:
    auth = for_fastapi.Auth(told(lab.url))
    app = FastAPI(lifespan=auth.lifespan)
    auth.add_to(app)
    with heard() as records:
        async with served(app) as url:
            await Host(url, Recorded()).post("/login", LOGIN, [("X-Request-ID", "mine")])
    (login,) = [each for each in records if getattr(each, "event", "") == "Login succeeded"]
    assert vars(login)["request_id"] == "mine"


async def test_a_bug_of_ours_is_answered_and_told(lab: FaultyAuthService) -> None:
    recorded = Recorded()
    auth = Auth(told(lab.url), tell=recorded)
    app = Starlette(routes=auth.routes(), lifespan=auth.lifespan)
    async with served(app) as url:
        host = Host(url, recorded)
        front = auth._front
        assert front is not None
        front.gateway.parts.wire.templates.clear()  # type: ignore[attr-defined]
        answer = await host.post("/login", LOGIN)
    assert answer.status == 500
    assert any(type(each).__name__ == "Crashed" for each in recorded.events)


async def test_a_response_of_the_host_is_left_alone(lab: FaultyAuthService) -> None:
    def extend(app: Any) -> None:
        async def plain(request: Request) -> Response:
            return JSONResponse({"plain": True})

        app.add_route("/plain", plain)

    async with hosted("starlette", told(lab.url), extend) as host:
        answer = await host.get("/plain")
    assert answer.header("x-request-id") is None
    assert answer.header("cache-control") is None
