"""The API's description, from the same rows and types that answer.

It must never describe a route that does not exist on this gateway.
"""

from typing import Any, Final

import msgspec

from netra.core.verdict.causes import CALLERS_REQUEST, TABLE
from netra.gateway.gate import Gateway
from netra.web import bodies
from netra.web.endpoints import Endpoint, offered

_REF: Final = "#/components/schemas/{name}"
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


def description(gateway: Gateway, prefix: str, version: str) -> dict[str, Any]:
    """An OpenAPI 3.1 document of the public listener."""
    endpoints = offered(gateway)
    types = [
        bodies.SessionBody, bodies.RegisteredBody, bodies.UserBody, bodies.LoggedOutBody, bodies.OfferBody,
        bodies.StateBody, bodies.LoginRequest, bodies.RegisterRequest, bodies.RefreshRequest, bodies.LogoutRequest,
        Problem,
    ]  # fmt: skip
    _, schemas = msgspec.json.schema_components(types, ref_template=_REF)
    paths: dict[str, dict[str, Any]] = {}
    for endpoint in endpoints:
        path = (endpoint.path if endpoint.bare else prefix + endpoint.path).replace("/*", "/{code}")
        paths.setdefault(path, {})[endpoint.method.lower()] = _operation(endpoint)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Netra", "version": version, "summary": "A login gateway that always says why."},
        "paths": paths,
        "components": {"schemas": schemas, "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}}},
    }


def _operation(endpoint: Endpoint) -> dict[str, Any]:
    status, body = endpoint.success
    content = {"schema": {"type": "object"} if body is dict else _ref(body)}
    responses = {str(status): {"description": "Success", "content": {"application/json": content}}}
    operation: dict[str, Any] = {
        "operationId": endpoint.path.strip("/*").replace("/", "_"),
        "summary": endpoint.summary,
        "responses": responses | _problems(endpoint),
    }
    if endpoint.takes is not None:
        operation["requestBody"] = {
            "required": endpoint.body_required,
            "content": {"application/json": {"schema": _ref(endpoint.takes)}},
        }
    if endpoint.bearer:
        operation["security"] = [{"bearer": []}] if endpoint.takes is None else [{"bearer": []}, {}]
    if endpoint.path.endswith("*"):
        operation["parameters"] = [{"name": "code", "in": "path", "required": True, "schema": {"type": "string"}}]
    return operation


def _problems(endpoint: Endpoint) -> dict[str, Any]:
    codes: dict[str, list[str]] = {}
    for code in endpoint.rejections:
        codes.setdefault(str(TABLE[code].status), []).append(code)
    for cause in CALLERS_REQUEST:
        if endpoint.takes is not None and cause.status in _FORM_STATUSES:
            codes.setdefault(str(cause.status), []).append(cause.code)
    described = {status: "Codes: " + ", ".join(names) for status, names in sorted(codes.items())}
    if endpoint.operation is not None:
        described |= _UNKNOWN_STATUSES
    elif endpoint.path == "/readyz":
        return {"503": {"description": "Draining", "content": {"application/json": {"schema": _ref(bodies.StateBody)}}}}
    elif endpoint.path.endswith("*"):
        described["404"] = "Codes: not_found"
    content = {"application/problem+json": {"schema": _ref(Problem)}}
    return {status: {"description": text, "content": content} for status, text in described.items()}


def _ref(body: type) -> dict[str, str]:
    return {"$ref": _REF.format(name=body.__name__)}
