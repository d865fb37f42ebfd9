"""The files that come with the package: the shared names are the contract's, and every row reads as it should."""

from importlib.resources import files

import pytest

from netra.core.verdict.causes import TABLE
from netra.core.verdict.operations import OPERATIONS
from netra.core.verdict.wire import Accepting, Wire
from netra.wires.build import shared_names
from netra.wires.load import preset, presets
from tests.core.verdict.refusal_names import OF_FIELDS, OF_OURS, OF_USERS, ON_REFRESH, OVERLOAD, PLACES

CALLS = [
    ("login", "POST", "/auth/login", True),
    ("register", "POST", "/auth/register", True),
    ("refresh", "POST", "/auth/refresh", True),
    ("logout", "POST", "/auth/logout", True),
    ("validate", "POST", "/auth/validate", True),
    ("config", "GET", "/auth/config", True),
    ("handshake", "GET", "/auth/handshake", True),
    ("health", "GET", "/health", False),
    ("keys", "GET", "/.well-known/jwks.json", False),
    ("revocations", "GET", "/auth/revocations", True),
]


ON_VALIDATE = {
    **dict.fromkeys(
        ("invalid_credentials", "invalid_grant", "bad_credentials", "AUTH001"), "service_credentials_rejected"
    ),
    "user_not_found": "token_rejected",
    "too_many_attempts": "auth_service_rate_limited",
    **dict.fromkeys(
        ("email_taken", "email_exists", "password_rejected", "weak_password", "refresh_rejected"),
        "request_not_understood",
    ),
}
"""Asked about a token, whoever speaks of credentials speaks of ours, and whoever speaks of a form of our question."""


@pytest.fixture(scope="module")
def wire() -> Wire:
    return preset("netra")


def test_the_shared_names_are_those_of_the_contract_and_no_others() -> None:
    names = shared_names()
    assert names.of_users == {**OF_USERS, **dict.fromkeys(OF_FIELDS, "invalid_fields")}
    assert names.of_ours == OF_OURS
    assert names.by_operation == {"refresh": ON_REFRESH, "validate": ON_VALIDATE}
    assert names.overload == set(OVERLOAD)


def test_a_code_is_looked_for_in_the_places_of_the_contract_in_their_order() -> None:
    names = shared_names()
    assert ["/" + "/".join(pointer) for pointer in names.pointers] == list(PLACES)
    assert names.heads == {"code", "error", "error_code", "detail"}
    assert names.field_lists == (("errors",), ("detail",))


def test_every_name_means_a_row_of_the_table_on_its_own_side() -> None:
    names = shared_names()
    said_of_users = {*names.of_users.values(), *names.by_operation["refresh"].values()}
    assert {TABLE[code].verdict for code in said_of_users} == {"rejected"}
    assert {TABLE[code].verdict for code in names.of_ours.values()} == {"unknown"}
    assert names.by_operation.keys() <= OPERATIONS.keys()
    assert not names.overload & {*names.of_users, *names.of_ours}
    assert not names.of_users.keys() & names.of_ours.keys()


def test_the_default_wire_has_the_calls_of_the_contract(wire: Wire) -> None:
    assert wire.name == "netra"
    templates = wire.templates.values()
    assert sorted((each.operation.name, each.method, each.path, each.sealed) for each in templates) == sorted(CALLS)
    assert {each.operation.name for each in templates if each.keyed} == {"login", "register", "refresh"}
    assert set(OPERATIONS) - set(wire.templates) == {"discovery"}, "its issuer is known from the handshake"


def test_shared_rows_follow_a_calls_own_and_only_where_it_is_sealed(wire: Wire) -> None:
    shared = {(frozenset({401, 403}), "service_credentials_rejected"), (frozenset({423}), "account_locked")}
    for name, template in wire.templates.items():
        last = {(row.statuses, row.code) for row in template.rows[-2:]}
        assert (last == shared) == template.sealed, name


def test_no_row_of_the_default_wire_refuses_anybody_for_a_page_or_a_broken_server(wire: Wire) -> None:
    for template in wire.templates.values():
        for row in template.rows:
            if row.code and TABLE[row.code].verdict == "rejected":
                assert row.bodies in {frozenset({"object"}), frozenset({"object", "empty"})} or row.pointer
                assert all(status // 100 in {2, 4} for status in row.statuses)


def test_every_call_accepts_something_and_looks_for_its_places_alone(wire: Wire) -> None:
    for template in wire.templates.values():
        accepting = [row for row in template.rows if row.accept is not None]
        assert len(accepting) == 1
        accept = accepting[0].accept or Accepting.of({})
        named = [name for _, members in accept.members for name, _ in members] + [name for name, _ in accept.others]
        unsaid = {"issuer", "audience"} if template.operation is OPERATIONS["validate"] else set()
        assert sorted(named) == sorted(template.operation.places - unsaid)
        assert accepting[0].require <= template.operation.places
        assert all(200 <= status < 300 for status in accepting[0].statuses)


def test_only_wires_and_the_shared_names_lie_beside_their_reader() -> None:
    found = {each.name.removesuffix(".toml") for each in files("netra.wires").iterdir() if each.name.endswith(".toml")}
    assert found == {"codes", *presets()}
