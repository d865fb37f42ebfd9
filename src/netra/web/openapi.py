"""The API's description, from the same rows and types that answer.

It must never describe a route that does not exist on this gateway.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Final

import msgspec

from netra.asgi.words import ANY_METHOD
from netra.core.verdict.causes import CALLERS_REQUEST, TABLE
from netra.core.verdict.operations import CONFIG, LOGOUT, Operation
from netra.core.verdict.wire import Wire
from netra.gateway.attempts import LOGOUT_FIELDS, REFRESH_FIELDS, Forms
from netra.gateway.gate import Gateway
from netra.gateway.logout import ALREADY_OVER
from netra.gateway.parts import Parts
from netra.web import bodies
from netra.web.endpoints import Endpoint, offered

_REF: Final = "#/components/schemas/{name}"
_METHODS: Final = {ANY_METHOD: "get"}
"""What stands for every method, which no description can."""
_AUTH_HEADERS: Final = ("X-Auth-Subject", "X-Auth-Email", "X-Auth-Expires", "X-Auth-Source")
_FORM_STATUSES: Final = (400, 408, 413, 415, 422)
_UNKNOWN_STATUSES: Final = {
    "502": "The auth service's answer could not be used",
    "503": "The auth service was not asked",
    "504": "The auth service did not answer in time",
}


class FieldProblem(msgspec.Struct, frozen=True):
    """A field that cannot be used."""

    pointer: str
    code: str
    detail: str


class Problem(msgspec.Struct, frozen=True, omit_defaults=True):
    """Problem details (RFC 9457). Members after `action` come only where they apply or may be disclosed."""

    type: str
    title: str
    status: int
    detail: str
    error: str
    code: str
    request_id: str
    action: str
    retry_after: int | None = None
    errors: list[FieldProblem] | None = None
    owner: str | None = None
    original_error: str | None = None
    debug_info: dict[str, Any] | None = None
    suggestions: list[str] | None = None


def description(gateway: Gateway, prefix: str, version: str, *, form_login: bool = False) -> dict[str, Any]:
    """An OpenAPI 3.1 document of the public listener."""
    types = [
        bodies.SessionBody, bodies.RegisteredBody, bodies.VerifiedBody, bodies.UserBody, bodies.LoggedOutBody,
        bodies.OfferBody, bodies.StateBody, Problem,
    ]  # fmt: skip
    _, schemas = msgspec.json.schema_components(types, ref_template=_REF)
    paths: dict[str, dict[str, Any]] = {}
    for endpoint in offered(gateway):
        if endpoint.path.endswith("/**"):
            continue  # no template matches more than one segment; the summary of the route above it says so
        path = (endpoint.path if endpoint.bare else prefix + endpoint.path).replace("/*", "/{code}")
        paths.setdefault(path, {})[_METHODS.get(endpoint.method, endpoint.method.lower())] = _operation(
            endpoint, gateway.parts
        )
    requests = _request_schemas(gateway.parts)
    login = paths.get(f"{prefix}/login")
    if form_login and login:
        login["post"]["requestBody"]["content"]["application/x-www-form-urlencoded"] = {"schema": _ref("LoginForm")}
        requests["LoginForm"] = _form_schema(gateway.parts.forms)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Netra", "version": version, "summary": "A login gateway that always says why."},
        "paths": paths,
        "components": {
            "schemas": schemas | requests,
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}},
        },
    }


def _request_schemas(parts: Parts) -> dict[str, Any]:
    """The bodies that are taken here: they follow from what people log in with, and from the wire."""
    refresh_token = REFRESH_FIELDS if "refresh_token" in _needs(parts) else LOGOUT_FIELDS
    fields = {
        "LoginRequest": parts.forms.login,
        "RegisterRequest": parts.forms.register,
        "RefreshRequest": REFRESH_FIELDS,
        "LogoutRequest": refresh_token,
    }
    return {name: bodies.object_schema(name, each) for name, each in fields.items()}


def _form_schema(forms: Forms) -> dict[str, Any]:
    """A login as a form: `username` is a name for whatever people log in with."""
    names = dict.fromkeys(("username", forms.identifier.name, *forms.identifier.aliases))
    identifier = replace(forms.identifier, name="username", aliases=tuple(names)[1:])
    return bodies.object_schema("LoginForm", (identifier, *forms.login[1:]))


def _needs(parts: Parts) -> frozenset[str]:
    template = parts.wire.templates.get(LOGOUT.name)
    return template.needs if template else frozenset()


def _operation(endpoint: Endpoint, parts: Parts) -> dict[str, Any]:
    status, body = endpoint.success
    content = {"schema": {"type": "object"} if body is dict else _ref(body.__name__)}
    success: dict[str, Any] = {"description": "Success", "content": {"application/json": content}}
    if endpoint.for_proxies:
        success["headers"] = {name: {"schema": {"type": "string"}} for name in _AUTH_HEADERS}
    responses = {str(status): success}
    operation: dict[str, Any] = {
        "operationId": endpoint.path.strip("/*").replace("/", "_"),
        "summary": endpoint.summary,
        "responses": responses | _problems(endpoint, parts),
    }
    needs = _needs(parts)
    if endpoint.takes is not None:
        operation["requestBody"] = {
            "required": not endpoint.bearer or "refresh_token" in needs,
            "content": {"application/json": {"schema": _ref(endpoint.takes)}},
        }
    if endpoint.bearer:
        alone = endpoint.takes is None or "token" in needs
        operation["security"] = [{"bearer": []}] if alone else [{"bearer": []}, {}]
    if endpoint.path.endswith("*"):
        operation["parameters"] = [{"name": "code", "in": "path", "required": True, "schema": {"type": "string"}}]
    return operation


def _problems(endpoint: Endpoint, parts: Parts) -> dict[str, Any]:
    asked = CONFIG if endpoint.path == "/config" and parts.wire.offers(CONFIG) else endpoint.operation
    codes = dict.fromkeys((*endpoint.rejections, *(_refusals(parts.wire, asked) if asked else ())))
    if endpoint.takes is not None:
        codes |= dict.fromkeys(cause.code for cause in CALLERS_REQUEST if cause.status in _FORM_STATUSES)
    by_status: dict[str, list[str]] = {}
    for code in codes:
        by_status.setdefault("401" if endpoint.for_proxies else str(TABLE[code].status), []).append(code)
    described = {status: "Codes: " + ", ".join(names) for status, names in sorted(by_status.items())}
    if endpoint.for_proxies:
        described["503"] = "Nobody knows whether the token is good"
    elif asked is not None:
        described |= _UNKNOWN_STATUSES
    elif endpoint.path == "/readyz":
        content = {"application/json": {"schema": _ref(bodies.StateBody.__name__)}}
        return {"503": {"description": "Draining", "content": content}}
    elif endpoint.path.endswith("*"):
        described["404"] = "Codes: not_found"
    content = {"application/problem+json": {"schema": _ref(Problem.__name__)}}
    return {status: {"description": text, "content": content} for status, text in described.items()}


def _refusals(wire: Wire, operation: Operation[Any]) -> Iterator[str]:
    """The codes that can refuse a user here: the shared names mean all that a row can mean."""
    for code in (wire.names.refusal(name, operation.name) for name in wire.names.of_users):
        refuses = code is not None and TABLE[code].verdict == "rejected"
        if code is not None and refuses and not (operation is LOGOUT and code in ALREADY_OVER):
            yield code


def _ref(name: str) -> dict[str, str]:
    return {"$ref": _REF.format(name=name)}
