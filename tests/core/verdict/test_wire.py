"""How a call is put: what is said and what is left out, and whatever a user writes stays inside its quotes."""

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from netra.core.fill import FormBody, Gap, JsonBody, Said, Text, text_of
from netra.core.secret import Secret
from netra.core.verdict.operations import (
    CONFIG,
    HANDSHAKE,
    HEALTH,
    LOGIN,
    LOGOUT,
    REFRESH,
    REGISTER,
    VALIDATE,
    Operation,
)
from netra.core.verdict.strict_json import parse
from netra.core.verdict.wire import Call, Label, forwarded_node
from tests.core.support import LABEL, call_of, quick, wire

FULL = Label("req-1", LABEL.traceparent, "vendor=1", "2001:db8::1", "curl/8", "key-1")
ALWAYS = {"X-Request-ID", "traceparent"}


def body_of(call: Call[Any]) -> Any:
    """What the auth service will read."""
    assert call.body is not None
    return json.loads(call.body.reveal())


PUT: list[tuple[Operation[Any], str, str, dict[str, str] | None, str | None, bool, bool]] = [
    (LOGIN, "POST", "/auth/login", {"email": "ada@example.com", "password": "pass"}, None, True, True),
    (REGISTER, "POST", "/auth/register", {"email": "ada@example.com", "password": "pass", "name": "Ada"}, None, True,
     True),
    (REFRESH, "POST", "/auth/refresh", {"refresh_token": "refresh"}, None, True, True),
    (LOGOUT, "POST", "/auth/logout", {"refresh_token": "refresh"}, "access", True, False),
    (VALIDATE, "POST", "/auth/validate", {"token": "access"}, None, True, False),
    (CONFIG, "GET", "/auth/config", None, None, True, False),
    (HEALTH, "GET", "/health", None, None, False, False),
    (HANDSHAKE, "GET", "/auth/handshake", None, None, True, False),
]  # fmt: skip
SAID: dict[str, Secret | str | None] = {
    "identifier": "ada@example.com",
    "password": Secret("pass"),
    "name": "Ada",
    "token": Secret("access"),
    "refresh_token": Secret("refresh"),
}


@pytest.mark.parametrize(
    ("operation", "method", "path", "body", "bearer", "sealed", "keyed"), PUT, ids=[row[0].name for row in PUT]
)
def test_a_call_is_put_as_the_wire_says(
    operation: Operation[Any], method: str, path: str, body: object, bearer: str | None, sealed: bool, keyed: bool
) -> None:
    call = wire().call(operation, SAID, FULL)
    template = call.template
    assert (call.operation, template.method, template.path, template.sealed) == (operation, method, path, sealed)
    assert (body_of(call) if call.body else None) == body
    assert call.bearer == (Secret(bearer) if bearer else None)
    assert (call.keyed, call.request_id) == (keyed, "req-1")
    assert template.names is wire().names
    assert template is wire().templates[operation.name]


@pytest.mark.parametrize("operation", [row[0] for row in PUT], ids=[row[0].name for row in PUT])
def test_a_call_says_what_its_label_says_where_the_wire_wants_to_hear_it(operation: Operation[Any]) -> None:
    headers = dict(wire().call(operation, SAID, FULL).headers)
    template = wire().templates[operation.name]
    tells = {"X-Forwarded-For", "Forwarded", "User-Agent"} if template.tells_caller else set()
    keyed = {"Idempotency-Key"} if template.keyed else set()
    assert set(headers) == ALWAYS | {"tracestate"} | tells | keyed
    assert (headers["X-Request-ID"], headers["traceparent"]) == ("req-1", LABEL.traceparent)
    assert headers["tracestate"] == "vendor=1"
    if tells:
        assert headers["X-Forwarded-For"] == "2001:db8::1"
        assert headers["Forwarded"] == 'for="[2001:db8::1]"'
        assert headers["User-Agent"] == "curl/8"
    if keyed:
        assert headers["Idempotency-Key"] == "key-1"


def test_login_like_calls_alone_tell_who_is_calling() -> None:
    assert {name for name, template in wire().templates.items() if template.tells_caller} == {
        "login", "register", "refresh",
    }  # fmt: skip


def test_what_is_not_known_is_not_said() -> None:
    call = wire().call(LOGIN, {"identifier": "ada@example.com", "password": None}, LABEL)
    assert set(dict(call.headers)) == ALWAYS
    assert body_of(call) == {"email": "ada@example.com"}
    assert not call.keyed


def test_a_logout_may_say_either_token_or_both_or_an_empty_object() -> None:
    for access in (Secret("access"), None):
        for refresh in (Secret("refresh"), None):
            call = wire().call(LOGOUT, {"token": access, "refresh_token": refresh}, LABEL)
            assert call.bearer == access
            assert body_of(call) == ({"refresh_token": "refresh"} if refresh else {})


def test_a_bearer_is_a_secret_or_it_is_not_said() -> None:
    assert wire().call(LOGOUT, {"token": "in clear"}, LABEL).bearer is None


@quick
@given(st.text(), st.text(), st.none() | st.text(max_size=5))
@example('"},"admin":"yes', '\\",\\u0022', "\x00\x1f\x7f\u2028\u2029\U0001f600")
def test_whatever_a_user_writes_arrives_as_he_wrote_it_and_nothing_else_does(
    identifier: str, password: str, name: str | None
) -> None:
    said: Said = {"identifier": identifier, "password": Secret(password), "name": name}
    call = wire().call(REGISTER, said, LABEL)
    wanted = {"email": identifier, "password": password} | ({} if name is None else {"name": name})
    assert body_of(call) == wanted
    assert call.body is not None
    assert parse(call.body.reveal().encode()) == wanted


@pytest.mark.parametrize("operation", sorted(wire().templates))
def test_a_call_prints_no_password_no_token_and_nobodys_e_mail(operation: str) -> None:
    call = call_of(operation)
    for printed in (repr(call), str(call), f"{call}"):
        assert "hunter2" not in printed
        assert "ada@example.com" not in printed


def test_a_wire_holds_where_our_credentials_stand_and_not_what_they_are() -> None:
    assert wire().seal == (("X-Service-ID", Gap("service_id")), ("X-Service-Secret", Gap("service_secret")))
    assert wire().seal_fields == ()


def login_with(**changes: Any) -> Call[Any]:
    """A login by a template that differs from the shipped one, with all that can be said and labelled."""
    template = replace(wire().templates["login"], **changes)
    return wire()._replace(templates={"login": template}).call(LOGIN, SAID, FULL)


def test_a_template_is_equal_to_itself_alone() -> None:
    template = wire().templates["login"]
    assert template != replace(template)
    assert len({template, template, replace(template)}) == 2


def test_a_wire_may_say_headers_of_its_own_filled_from_what_is_said_and_from_the_label() -> None:
    headers: tuple[tuple[str, Text], ...] = (
        ("X-Real-IP", text_of("{client_address}")),
        ("X-Agent", text_of("via netra, {user_agent}")),
        ("X-Trace", text_of("{request_id}")),
        ("X-Tenant", text_of("{tenant}")),
        ("X-Whom", text_of("{tenant}/{identifier}")),
        ("X-Who", text_of("{identifier}")),
        ("rid", text_of("emailpassword")),
    )
    call = login_with(headers=headers, tells_caller=False, keyed=False)
    assert call.headers == (
        ("X-Request-ID", "req-1"),
        ("traceparent", LABEL.traceparent),
        ("tracestate", "vendor=1"),
        ("X-Real-IP", "2001:db8::1"),
        ("X-Agent", "via netra, curl/8"),
        ("X-Trace", "req-1"),
        ("X-Who", "ada@example.com"),
        ("rid", "emailpassword"),
    )


def test_what_a_client_says_never_replaces_what_we_know_of_the_caller() -> None:
    template = replace(wire().templates["login"], headers=(("X-Real-IP", Gap("client_address")),))
    said: Said = {**SAID, "client_address": "198.51.100.1"}
    small = wire()._replace(templates={"login": template})
    assert dict(small.call(LOGIN, said, FULL).headers)["X-Real-IP"] == "2001:db8::1"
    assert "X-Real-IP" not in dict(small.call(LOGIN, said, LABEL).headers)


def test_a_body_is_a_form_or_json_or_not_there() -> None:
    members = {"grant_type": "password", "username": "{identifier}", "scope": "{scope}"}
    form, empty = login_with(body=FormBody(members)), login_with(body=None)
    assert form.body == Secret("grant_type=password&username=ada%40example.com")
    assert empty.body is None
    assert login_with(body=JsonBody(members)).body == Secret('{"grant_type":"password","username":"ada@example.com"}')


def test_a_bearer_is_whichever_token_the_template_names() -> None:
    assert login_with(bearer="refresh_token").bearer == Secret("refresh")
    assert login_with(bearer="token").bearer == Secret("access")
    assert login_with(bearer="captcha").bearer is None
    assert login_with(bearer=None).bearer is None


@pytest.mark.parametrize(
    ("address", "node"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8::1", '"[2001:db8::1]"'),
        ("::1", '"[::1]"'),
        ("::ffff:192.0.2.1", '"[::ffff:192.0.2.1]"'),
    ],
)
def test_an_ipv6_address_is_forwarded_in_brackets_and_quotes(address: str, node: str) -> None:
    assert forwarded_node(address) == node


@pytest.mark.parametrize(
    ("base_path", "target"),
    [("", "/auth/login"), ("/", "/auth/login"), ("/identity", "/identity/auth/login"), ("/a/b/", "/a/b/auth/login")],
)
def test_a_wire_can_stand_below_a_path(base_path: str, target: str) -> None:
    below = wire().below(base_path)
    assert below.call(LOGIN, SAID, LABEL).template.path == target
    assert set(below.templates) == set(wire().templates)
    assert wire().call(LOGIN, SAID, LABEL).template.path == "/auth/login"


def test_a_wire_offers_what_it_has_a_template_for() -> None:
    small = wire()._replace(templates={"login": wire().templates["login"]})
    assert small.offers(LOGIN)
    assert not small.offers(REFRESH)
    with pytest.raises(KeyError):
        small.call(REFRESH, SAID, LABEL)


def test_a_name_means_what_the_operation_says_before_what_users_and_we_say() -> None:
    names = wire().names
    assert names.refusal("invalid_grant", "login") == "invalid_credentials"
    assert names.refusal("invalid_grant", "refresh") == "refresh_rejected"
    assert names.refusal("AUTH003", "refresh") == "service_credentials_rejected"
    assert names.refusal("overloaded", "login") is None
    assert names.refusal("E_17", "login") is None
