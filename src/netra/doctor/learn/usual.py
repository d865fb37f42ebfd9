"""What auth services usually call things, read from `usual.toml`, and how such names are compared.

It must never be asked on the path of a request: a wire says where things are, this only helps to write one.
"""

import re
import tomllib
from collections.abc import Mapping
from functools import cache
from http import HTTPStatus
from importlib.resources import files
from typing import Final, NamedTuple

Names = tuple[str, ...]

_BETWEEN: Final = re.compile(r"[^a-z0-9]+")


class Usual(NamedTuple):
    """The usual names, each as `plain` writes it unless it says otherwise."""

    identifiers: Mapping[str, Names]
    """By kind of identifier: members to try, as they are spelt."""
    missing_identifier: frozenset[str]
    missing_password: frozenset[str]
    client_ids: frozenset[str]
    places: Mapping[str, Names]
    around_tokens: frozenset[str]
    around_users: frozenset[str]
    values: frozenset[str]
    beside_an_id: frozenset[str]
    of_users: frozenset[str]
    headers: Mapping[str, Names]
    """Headers of replies, in lower case."""
    claims: Mapping[str, Names]
    codes: Names
    sentences: Names
    of_anything: frozenset[str]
    """What is said of any refusal."""


def plain(name: str) -> str:
    """A name without capitals, hyphens and underlines: `access_token` and `accessToken` are one."""
    return _BETWEEN.sub("", name.lower())


@cache
def usual() -> Usual:
    """The usual names."""
    document = tomllib.loads(files(__package__).joinpath("usual.toml").read_text("utf-8"))
    within, reasons, missing = document["within"], document["reasons"], document["missing"]
    phrases = {plain(status.phrase) for status in HTTPStatus}
    return Usual(
        identifiers=_by_name(document["identifiers"]),
        missing_identifier=frozenset(missing["identifier"]),
        missing_password=frozenset(missing["password"]),
        client_ids=frozenset(document["client"]["ids"]),
        places=_by_name(document["places"]),
        around_tokens=frozenset(within["tokens"]),
        around_users=frozenset(within["users"]),
        values=frozenset(within["values"]),
        beside_an_id=frozenset(within["beside_an_id"]),
        of_users=frozenset(within["of_users"]),
        headers=_by_name(document["headers"]),
        claims=_by_name(document["claims"]),
        codes=tuple(reasons["codes"]),
        sentences=tuple(reasons["sentences"]),
        of_anything=frozenset(reasons["of_anything"]) | phrases,
    )


def _by_name(table: Mapping[str, list[str]]) -> Mapping[str, Names]:
    return {name: tuple(names) for name, names in table.items()}
