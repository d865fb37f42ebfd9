"""The API's description: well formed, and true to the answers of every route.

It must never describe what is not there, nor leave out what is.
"""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from netra.core.verdict.reply import Broken, Reply
from netra.testing.fakes import reply
from netra.web.endpoints import ENDPOINTS, Endpoint
from tests.gateway.support import GOOD_OFFER, KNOWN_TOKEN, LOGGED_OUT, NEW_USER, refusal
from tests.link.support import EMAIL, GOOD_LOGIN, PASSWORD, WIRE, WRONG_PASSWORD
from tests.support.wire import Answer
from tests.web.support import PREFIX, VERSION, Front

LOGIN = {"email": EMAIL, "password": PASSWORD}
BEARER = {"Authorization": "Bearer access-token-1"}
METHODS = {"get", "post", "put", "delete", "patch", "head", "options", "trace"}


async def described(**options: Any) -> Any:
    """The description as the admin listener answers it."""
    answer = await Front(**options).operate("GET", "/openapi.json")
    assert (answer.status, answer.header("content-type")) == (200, "application/json")
    return answer.json


def operations(document: Any) -> Iterator[tuple[str, str, Any]]:
    """Every path, method and operation."""
    for path, item in document["paths"].items():
        for method, operation in item.items():
            yield path, method, operation


def schemas_in(value: Any) -> Iterator[Any]:
    """Every schema below a value, wherever it stands."""
    if isinstance(value, dict):
        if "schema" in value:
            yield value["schema"]
        for each in value.values():
            yield from schemas_in(each)
    elif isinstance(value, list):
        for each in value:
            yield from schemas_in(each)


def validator(document: Any, schema: Any) -> Draft202012Validator:
    """What judges a value by a schema of the document."""
    whole = Resource.from_contents(document, default_specification=DRAFT202012)
    registry: Registry[Any] = Registry().with_resource("urn:api", whole)
    return Draft202012Validator(_absolute(schema), registry=registry)


def _absolute(schema: Any) -> Any:
    if isinstance(schema, dict):
        return {key: f"urn:api{value}" if key == "$ref" else _absolute(value) for key, value in schema.items()}
    return [_absolute(each) for each in schema] if isinstance(schema, list) else schema


# --- well formed -----------------------------------------------------------------------------------------------------


async def test_it_is_an_openapi_document_of_this_version() -> None:
    document = await described()
    assert re.fullmatch(r"3\.1\.\d+", document["openapi"])
    assert (document["info"]["title"], document["info"]["version"]) == ("Netra", VERSION)
    assert document.keys() <= {"openapi", "info", "servers", "paths", "components", "security", "tags"}
    assert document["components"].keys() <= {"schemas", "securitySchemes"}


async def test_every_schema_is_one_and_every_reference_leads_somewhere() -> None:
    document = await described()
    for name, schema in document["components"]["schemas"].items():
        assert re.fullmatch(r"[A-Za-z0-9._-]+", name)
        Draft202012Validator.check_schema(schema)
    for schema in (*schemas_in(document), *document["components"]["schemas"].values()):
        Draft202012Validator.check_schema(schema)
        for reference in re.findall(r"#/components/schemas/(\w+)", repr(schema)):
            assert reference in document["components"]["schemas"]


async def test_every_operation_has_a_name_of_its_own_and_says_what_it_answers() -> None:
    document = await described()
    found = list(operations(document))
    assert len({operation["operationId"] for _, _, operation in found}) == len(found)
    for path, method, operation in found:
        assert method in METHODS
        assert path.startswith("/")
        assert operation["summary"]
        assert any(status.startswith("2") for status in operation["responses"])
        for status, response in operation["responses"].items():
            assert re.fullmatch(r"[1-5]\d\d", status)
            assert response["description"]
            assert response["content"]
        named = {each["name"] for each in operation.get("parameters", ()) if each["in"] == "path" and each["required"]}
        assert named == set(re.findall(r"\{(\w+)\}", path))
        assert ("requestBody" in operation) == (method == "post")
        for wish in operation.get("security", ()):
            assert wish.keys() <= document["components"]["securitySchemes"].keys()


# --- nothing more, nothing less --------------------------------------------------------------------------------------


def place_of(endpoint: Endpoint) -> tuple[str, str]:
    """Path and method under which an endpoint is described; no description can say "any method"."""
    path = endpoint.path if endpoint.bare else PREFIX + endpoint.path
    return path.replace("*", "{code}"), endpoint.method.lower().replace("*", "get")


async def test_it_describes_exactly_the_routes_that_exist() -> None:
    document = await described()
    expected = {place_of(each) for each in ENDPOINTS if not each.path.endswith("/**")}
    assert {(path, method) for path, method, _ in operations(document)} == expected


@pytest.mark.parametrize(
    "parts",
    [{"registration": False}, {"wire": WIRE._replace(templates={"login": WIRE.templates["login"]})}],
    ids=range(2),
)
async def test_what_is_not_offered_is_not_described(parts: dict[str, Any]) -> None:
    document = await described(parts=parts)
    assert f"{PREFIX}/register" not in document["paths"]
    for path, method, _ in operations(document):
        answer = await Front(*[Broken("dns_error")], parts=parts).bare(
            method.upper(), path.replace("{code}", "dns_error")
        )
        assert answer.status != 404, path


# --- true ------------------------------------------------------------------------------------------------------------

REFUSED = Broken("connection_refused")
ANSWERS: list[tuple[str, str, Any, dict[str, str], Reply | Broken | None]] = [
    ("POST", "/login", LOGIN, {}, GOOD_LOGIN),
    ("POST", "/login", LOGIN, {}, WRONG_PASSWORD),
    ("POST", "/login", LOGIN, {}, refusal(423, "account_locked")),
    ("POST", "/login", LOGIN, {}, refusal(403, "account_disabled")),
    ("POST", "/login", LOGIN, {}, refusal(429, "too_many_attempts")),
    ("POST", "/login", LOGIN, {}, REFUSED),
    ("POST", "/login", LOGIN, {}, Broken("response_timeout")),
    ("POST", "/login", LOGIN, {}, reply(500)),
    ("POST", "/login", {"email": 1}, {}, None),
    ("POST", "/login", b"{", {}, None),
    ("POST", "/login", b"x" * 20_000, {}, None),
    ("POST", "/login", b"a=b", {"content_type": "text/plain"}, None),
    ("POST", "/register", LOGIN, {}, NEW_USER),
    ("POST", "/register", LOGIN, {}, refusal(409, "email_taken")),
    ("POST", "/register", LOGIN, {}, refusal(422, "password_rejected")),
    ("POST", "/register", LOGIN, {}, REFUSED),
    ("POST", "/refresh", {"refresh_token": "r1"}, {}, GOOD_LOGIN),
    ("POST", "/refresh", {"refresh_token": "r1"}, {}, reply(200, {"access_token": "a", "refresh_token": "r"})),
    ("POST", "/refresh", {"refresh_token": "r1"}, {}, refusal(401, "refresh_rejected")),
    ("POST", "/logout", {"refresh_token": "r1"}, BEARER, LOGGED_OUT),
    ("POST", "/logout", {}, {}, None),
    ("POST", "/logout", None, BEARER, REFUSED),
    ("GET", "/me", None, BEARER, KNOWN_TOKEN),
    ("GET", "/me", None, {}, None),
    ("GET", "/me", None, BEARER, reply(200, {"valid": False, "code": "token_expired"})),
    ("GET", "/me", None, BEARER, REFUSED),
    ("GET", "/config", None, {}, GOOD_OFFER),
    ("GET", "/config", None, {}, reply(200, {})),
    ("GET", "/config", None, {}, REFUSED),
]


def conforms(document: Any, path: str, method: str, answer: Answer) -> None:
    """Check that an answer is one of those that the document describes."""
    responses = document["paths"][path][method.lower()]["responses"]
    assert str(answer.status) in responses, f"{method} {path} answers {answer.status}, which is not described"
    kind = (answer.header("content-type") or "").partition(";")[0]
    content = responses[str(answer.status)]["content"]
    assert kind in content, f"{method} {path} answers {kind}"
    validator(document, content[kind]["schema"]).validate(answer.json)
    _assert_nothing_else(document, content[kind]["schema"], answer.json)


def _assert_nothing_else(document: Any, schema: Any, body: Any) -> None:
    reference = schema.get("$ref")
    if reference is not None:
        known = document["components"]["schemas"][reference.rpartition("/")[2]]["properties"]
        assert body.keys() <= known.keys(), "a member is not described"


@pytest.mark.parametrize("operator", [True, False], ids=["operator", "public"])
@pytest.mark.parametrize(("method", "path", "body", "headers", "got"), ANSWERS, ids=range(len(ANSWERS)))
async def test_every_answer_is_described(
    operator: bool, method: str, path: str, body: Any, headers: dict[str, str], got: Reply | Broken | None
) -> None:
    document = await described()
    front = Front(*([got] if got is not None else []), operator=operator)
    conforms(document, PREFIX + path, method, await front.ask(method, path, body, **headers))


async def test_the_answers_outside_of_the_prefix_are_described_as_well() -> None:
    document, front = await described(), Front()
    for path in ("/livez", "/readyz"):
        conforms(document, path, "GET", await front.bare("GET", path))
    front.view.readiness.draining = True
    conforms(document, "/readyz", "GET", await front.bare("GET", "/readyz"))
    for code in ("dns_error", "no_such_code"):
        conforms(document, "/problems/{code}", "GET", await front.bare("GET", f"/problems/{code}"))


@pytest.mark.parametrize(
    ("path", "good", "bad"),
    [
        ("/login", LOGIN, {"email": EMAIL}),
        ("/register", {**LOGIN, "name": None, "confirm_password": PASSWORD}, {**LOGIN, "name": 1}),
        ("/refresh", {"refresh_token": "r1"}, {}),
        ("/logout", {}, {"refresh_token": 1}),
    ],
    ids=["login", "register", "refresh", "logout"],
)
async def test_a_body_is_described_as_it_is_read(path: str, good: Any, bad: Any) -> None:
    document = await described()
    content = document["paths"][PREFIX + path]["post"]["requestBody"]["content"]["application/json"]
    judge = validator(document, content["schema"])
    assert judge.is_valid(good)
    assert not judge.is_valid(bad)
    assert (await Front().ask("POST", path, bad, **BEARER)).status == 422
    assert document["paths"][PREFIX + path]["post"]["requestBody"]["required"] == (path != "/logout")


async def test_a_rejection_is_described_where_it_can_happen() -> None:
    document = await described()
    for endpoint in (each for each in ENDPOINTS if not each.path.endswith("/**")):
        path, method = place_of(endpoint)
        responses = document["paths"][path][method]["responses"]
        told = " ".join(response["description"] for response in responses.values())
        assert [code for code in endpoint.rejections if code not in told] == []
