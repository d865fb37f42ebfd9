"""The host's own description shows the auth routes as they are: what they take, and all that they answer.

It must never be believed without an answer: what is described is compared with what comes.
"""

import re
from collections.abc import Iterator
from typing import Any, Final

import pytest
from fastapi import Depends, FastAPI
from fastapi.security import HTTPBasic
from jsonschema import Draft202012Validator
from pydantic import BaseModel

from netra.integrations.fastapi import Auth, CurrentUser
from netra.lab.faulty_auth_service import FaultyAuthService
from netra.testing.fakes import Recorded
from tests.integrations.support import PREFIX, Host, hosted, told
from tests.integrations.test_answers import WISHES
from tests.web.test_openapi import conforms, schemas_in

LOGIN: Final = f"{PREFIX}/login"


class Problem(BaseModel):
    """The host has a model of this name itself."""

    oops: int


def with_routes(app: FastAPI) -> None:
    """Routes of the host: open, for users, and for somebody else's users."""

    @app.get("/open")
    async def for_everybody() -> Problem:
        return Problem(oops=1)

    @app.get("/notes")
    async def for_users(user: CurrentUser) -> list[str]:
        return [user.id]

    @app.get("/worded", responses={401: {"description": "In words of the host."}})
    async def worded(user: CurrentUser) -> list[str]:
        return [user.id]

    @app.get("/others", dependencies=[Depends(HTTPBasic())])
    async def for_others() -> list[str]:
        return []


async def described(lab: FaultyAuthService, **changes: Any) -> Any:
    """The description of a host with all routes."""
    async with hosted("fastapi", told(lab.url, **changes), with_routes) as host:
        return (await host.get("/openapi.json")).json


def references(value: Any) -> set[str]:
    return set(re.findall(r"'#/components/schemas/([\w.-]+)'", repr(value)))


async def test_every_schema_is_one_and_every_reference_leads_somewhere(lab: FaultyAuthService) -> None:
    document = await described(lab)
    known = document["components"]["schemas"]
    for schema in (*schemas_in(document), *known.values()):
        Draft202012Validator.check_schema(schema)
    assert references(document) <= known.keys()
    ours = {name for name in known if name.startswith("Netra")}
    assert ours <= references(document), "a schema that nothing speaks of"
    assert "NetraLoginRequest" in ours
    assert document["components"]["securitySchemes"]["bearer"]["scheme"] == "bearer"


async def test_what_is_the_hosts_stays_the_hosts(lab: FaultyAuthService) -> None:
    document = await described(lab)
    assert list(document["components"]["schemas"]["Problem"]["properties"]) == ["oops"]
    plain = document["paths"]["/open"]["get"]
    assert list(plain["responses"]) == ["200"]
    assert list(document["paths"]["/others"]["get"]["responses"]) == ["200"]
    assert document["info"]["title"] == "FastAPI"


async def test_a_route_for_users_says_how_they_are_refused(lab: FaultyAuthService) -> None:
    paths = (await described(lab))["paths"]
    notes = paths["/notes"]["get"]
    assert notes["security"] == [{"bearer": []}]
    assert {"200", "401", "503"} <= notes["responses"].keys()
    content = notes["responses"]["503"]["content"]
    assert content == {"application/problem+json": {"schema": {"$ref": "#/components/schemas/NetraProblem"}}}
    assert paths["/worded"]["get"]["responses"]["401"]["description"] == "In words of the host."


async def test_every_answer_is_described(lab: FaultyAuthService) -> None:
    async with hosted("fastapi", told(lab.url), with_routes) as host:
        document = (await host.get("/openapi.json")).json
        for wish in WISHES.values():
            path = re.sub(r"^/problems/.*", "/problems/{code}", wish.path.partition("?")[0].removesuffix("/"))
            if wish.method != "HEAD" and ("Accept", "text/html") not in wish.headers:
                answer = await host.ask(wish.method, wish.path, wish.headers, wish.body)
                conforms(document, path, wish.method, answer)
        conforms(document, "/notes", "GET", await host.get("/notes"))
        lab.fault("reset-after-reading")
        for path, answer in [(path, answer) async for path, answer in outages(host)]:
            conforms(document, path, "POST" if path == LOGIN else "GET", answer)


async def outages(host: Host) -> Any:
    yield LOGIN, await host.post("/login", {"email": "ada@example.com", "password": "p"})
    yield "/notes", await host.get("/notes", "abc")


async def test_bodies_are_described_as_this_gateway_reads_them(lab: FaultyAuthService) -> None:
    document = await described(lab, NETRA_IDENTIFIER="username", NETRA_FORM_LOGIN="true", NETRA_REGISTRATION="false")
    content = document["paths"][LOGIN]["post"]["requestBody"]["content"]
    assert set(content) == {"application/json", "application/x-www-form-urlencoded"}
    assert set(document["components"]["schemas"]["NetraLoginRequest"]["properties"]) == {"username", "password"}
    assert f"{PREFIX}/register" not in document["paths"], "it is not offered"
    assert "NetraRegisterRequest" not in document["components"]["schemas"]


async def test_what_the_host_words_itself_is_described_as_anything(lab: FaultyAuthService) -> None:
    async with hosted("fastapi", told(lab.url), success=lambda success: [success.body]) as host:
        paths = (await host.get("/openapi.json")).json["paths"]
        assert isinstance((await host.get(f"{PREFIX}/config")).json, list)
    assert paths[LOGIN]["post"]["responses"]["200"]["content"] == {"application/json": {"schema": {}}}
    assert paths[LOGIN]["post"]["responses"]["401"]["content"].keys() == {"application/problem+json"}
    page = paths["/problems/{code}"]["get"]["responses"]["200"]["content"]["application/json"]
    assert page == {"schema": {"type": "object"}}


async def test_routes_are_described_where_they_stand_under_names_of_their_own(lab: FaultyAuthService) -> None:
    document = await described(lab)
    found = list(operations(document))
    names = [operation["operationId"] for _, _, operation in found]
    assert len(set(names)) == len(names)
    ours = {path for path, _, operation in found if operation.get("tags") == ["auth"]}
    expected = {f"{PREFIX}/{name}" for name in ("login", "register", "refresh", "logout", "me", "config")}
    assert ours == {*expected, "/problems/{code}"}
    assert all(operation["summary"] for _, _, operation in found)
    moved = Auth(told(lab.url), tell=Recorded())
    app = FastAPI()
    moved.add_to(app, prefix="/v2", paths={"login": "/sign-in"}, only=["login"])
    async with moved.lifespan(app):
        (path,) = app.openapi()["paths"]
        assert path == "/v2/sign-in"
        assert app.openapi()["paths"][path]["post"]["requestBody"]["required"] is True
    assert "Netra" not in repr(app.openapi_schema), "what the framework keeps is its own"


def operations(document: Any) -> Iterator[tuple[str, str, Any]]:
    for path, item in document["paths"].items():
        for method, operation in item.items():
            yield path, method, operation


async def test_before_a_gateway_is_open_the_routes_are_listed_and_nothing_is_claimed_of_them() -> None:
    auth = Auth({})
    app = FastAPI()
    auth.add_to(app)
    plain = app.openapi()
    assert plain["paths"][LOGIN]["post"]["summary"] == "Log in"
    assert references(plain["paths"][LOGIN]) == set()


async def test_a_host_may_be_described_without_an_auth_service() -> None:
    auth = Auth(told("http://127.0.0.1:9"), tell=Recorded())
    app = FastAPI(lifespan=auth.lifespan)
    auth.add_to(app)
    async with app.router.lifespan_context(app):
        assert "NetraLoginRequest" in app.openapi()["components"]["schemas"]


async def test_the_description_is_the_same_however_often_it_is_asked_for(lab: FaultyAuthService) -> None:
    async with hosted("fastapi", told(lab.url), with_routes) as host:
        first, second = [(await host.get("/openapi.json")).body for _ in range(2)]
    assert first == second


@pytest.mark.parametrize("path", ["/docs", "/redoc"])
async def test_the_frameworks_own_pages_are_there(lab: FaultyAuthService, path: str) -> None:
    async with hosted("fastapi", told(lab.url)) as host:
        answer = await host.get(path)
    assert answer.status == 200
