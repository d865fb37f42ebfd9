"""The auth routes in the OpenAPI description of a host, as the open gateway has them.

It must never describe a route that the gateway does not offer, nor take the name of a schema that is the host's own.
"""

from collections.abc import Iterator, Mapping
from copy import deepcopy
from typing import Any, Final, NamedTuple

from netra import __version__
from netra.integrations.front import Front
from netra.integrations.places import Placed
from netra.web.openapi import description

BEARER: Final = "bearer"
_SCHEMAS: Final = "#/components/schemas/"
_OURS: Final = "Netra"
_METHODS: Final = frozenset({"get", "put", "post", "delete", "options", "head", "patch", "trace"})
_VOUCHED: Final = {
    "401": "Nobody vouches for the token",
    "503": "Nobody knows whether the token is good",
}


class Operation(NamedTuple):
    """A route of ours in a host's description."""

    placed: Placed
    shaped: bool
    """Does the host word its success?"""


def described(document: Mapping[str, Any], front: Front, operations: Mapping[str, Operation]) -> dict[str, Any]:
    """A host's description with our routes, by their operation ids, and the problems of the host's own routes."""
    told = deepcopy(dict(document))
    ours = _renamed(description(front.gateway, "", __version__, form_login=front.view.form_login))
    for path, item in list(told["paths"].items()):
        for method in [each for each in item if each in _METHODS]:
            found = operations.get(item[method].get("operationId", ""))
            if found is None:
                _name_problems(item[method])
            elif (real := _real(ours, found)) is not None:
                item[method] |= real
            else:
                del item[method]
        if not item:
            del told["paths"][path]
    _add_schemas(told, ours["components"]["schemas"])
    return told


def _real(ours: Mapping[str, Any], found: Operation) -> dict[str, Any] | None:
    """What an operation takes and answers; None where it is not offered."""
    endpoint = found.placed.endpoint
    operation = ours["paths"].get(endpoint.path.replace("/*", "/{code}"), {}).get(endpoint.method.lower())
    if operation is None:
        return None
    real = {name: value for name, value in deepcopy(operation).items() if name not in {"operationId", "summary"}}
    if found.shaped:
        real["responses"][str(endpoint.success[0])]["content"] = {"application/json": {"schema": {}}}
    return real


def _name_problems(operation: dict[str, Any]) -> None:
    """What a route of the host answers to whoever is not let through."""
    if any(BEARER in wish for wish in operation.get("security", ())):
        content = {"application/problem+json": {"schema": {"$ref": f"{_SCHEMAS}{_OURS}Problem"}}}
        for status, text in _VOUCHED.items():
            operation["responses"].setdefault(status, {"description": text, "content": content})


def _add_schemas(told: dict[str, Any], schemas: Mapping[str, Any]) -> None:
    """The schemas that are spoken of, and those that they speak of."""
    known = told.setdefault("components", {}).setdefault("schemas", {})
    told["components"].setdefault("securitySchemes", {}).setdefault(BEARER, {"type": "http", "scheme": "bearer"})
    wanted = list(_named(told["paths"]))
    while wanted:
        name = wanted.pop()
        if name in schemas and name not in known:
            known[name] = schemas[name]
            wanted += _named(schemas[name])


def _named(value: object) -> Iterator[str]:
    """The names of all schemas that are referred to."""
    if isinstance(value, dict):
        if isinstance(reference := value.get("$ref"), str):
            yield reference.removeprefix(_SCHEMAS)
        for each in value.values():
            yield from _named(each)
    elif isinstance(value, list):
        for each in value:
            yield from _named(each)


def _renamed(document: dict[str, Any]) -> dict[str, Any]:
    """Our own description, its schemas under names that no host has."""
    schemas = document["components"]["schemas"]
    components = document["components"] | {"schemas": {_OURS + name: schemas[name] for name in schemas}}
    renamed: dict[str, Any] = _with_new_references(document | {"components": components})
    return renamed


def _with_new_references(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            key: each.replace(_SCHEMAS, _SCHEMAS + _OURS) if key == "$ref" else _with_new_references(each)
            for key, each in value.items()
        }
    return [_with_new_references(each) for each in value] if isinstance(value, list) else value
