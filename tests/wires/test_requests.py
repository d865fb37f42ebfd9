"""Every call of every preset as the bytes that are sent: whole, and with our credentials where they belong."""

import json
from base64 import b64decode
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl, quote_plus

import pytest

from netra.core.secret import Secret
from netra.core.verdict.operations import REVOCATIONS
from netra.core.verdict.wire import Call, Label, Wire
from netra.link.requests import Requests
from netra.link.seals import Seal
from netra.wires.load import preset, presets

ID, SECRET = "netra-under-test", "test-only: +&=%\u00e9"
SAID: dict[str, Secret | str | None] = {
    "identifier": 'ada"}+&=@example.com',
    "password": Secret('p\u00e4ss"\\\r\nX-Evil: 1'),
    "name": "Ada",
    "token": Secret("access.token.1"),
    "refresh_token": Secret("refresh-token-1"),
    "cursor": "7 &a=\r\nX-Evil: \u00e9",
}
QUERIES = {"revocations": "?after=7+%26a%3D%0D%0AX-Evil%3A+%C3%A9"}
LABEL = Label("req-1", "00-trace-span-01", "vendor=1", "2001:db8::1", "curl/8", "key-1")
ALWAYS = {"host", "accept", "accept-encoding", "x-request-id", "traceparent", "tracestate"}
EVERY = pytest.mark.parametrize("name", presets())


class Written:
    """A request, taken apart again."""

    def __init__(self, sent: bytes) -> None:
        head, _, self.body = sent.partition(b"\r\n\r\n")
        self.line, *lines = head.decode("latin-1").split("\r\n")
        pairs = [line.partition(": ") for line in lines]
        self.names = [name.lower() for name, _, _ in pairs]
        self.headers = {name.lower(): value for name, _, value in pairs}

    def members(self) -> dict[str, Any]:
        """What the body says at its top."""
        if "form" in self.headers.get("content-type", ""):
            return dict(parse_qsl(self.body.decode(), keep_blank_values=True, strict_parsing=True))
        return dict(json.loads(self.body)) if self.body else {}


def extras(wire: Wire) -> dict[str, str]:
    """Something for each extra field."""
    return {extra.name: f"said-{extra.name}" for extra in wire.extra}


def calls(name: str) -> Iterator[tuple[Wire, Call[Any], Seal | None, Written]]:
    """Each question of a preset, as it is sent."""
    wire = preset(name)
    for template in wire.templates.values():
        call = wire.call(template.operation, {**SAID, **extras(wire)}, LABEL)
        seal = Seal(wire, ID, Secret(SECRET)) if template.sealed else None
        sent = Requests("auth.example")(call, seal)
        assert isinstance(sent, bytes), template.operation.name
        yield wire, call, seal, Written(sent)


@EVERY
def test_every_call_is_one_whole_request(name: str) -> None:
    for _, call, _, sent in calls(name):
        template = call.template
        assert sent.line == f"{template.method} {template.path}{QUERIES.get(call.operation.name, '')} HTTP/1.1"
        assert len(sent.names) == len(set(sent.names)), "a header twice"
        assert set(sent.names) >= ALWAYS
        assert sent.headers["accept"] == "application/json"
        assert sent.headers["accept-encoding"] == "identity"
        assert (sent.headers["host"], sent.headers["x-request-id"]) == ("auth.example", "req-1")
        assert sent.headers.get("content-length", "0") == str(len(sent.body))
        assert ("content-length" in sent.headers) == (template.method == "POST")
        assert ("content-type" in sent.headers) == (template.body is not None)
        assert "x-evil" not in sent.names


@EVERY
def test_a_body_is_what_its_content_type_says_and_holds_what_was_said_unchanged(name: str) -> None:
    for wire, call, _, sent in calls(name):
        if call.template.body is not None:
            told = json.dumps(sent.members(), ensure_ascii=False)
            assert ("json" in sent.headers["content-type"]) == sent.body.startswith(b"{")
            if call.operation.name in {"login", "register"}:
                for said in (SAID["identifier"], SAID["password"]):
                    text = said.reveal() if isinstance(said, Secret) else said
                    assert json.dumps(text, ensure_ascii=False) in told
                assert all(value in told for value in extras(wire).values())


@EVERY
def test_our_credentials_are_on_every_sealed_call_and_on_no_other(name: str) -> None:
    for wire, call, seal, sent in calls(name):
        ours = {header.lower() for header, _ in wire.seal}
        if seal is None:
            assert call.template.sealed is False
            assert not ours & set(sent.names) - ({"authorization"} if call.bearer else set())
            assert not {member for member, _ in wire.seal_fields} & sent.members().keys()
        else:
            assert ours <= set(sent.names)
            assert not call.template.body or {member for member, _ in wire.seal_fields} <= sent.members().keys()
        whole = f"{sent.headers} {sent.body.decode()}"
        assert ("test-only" in whole) <= (seal is not None)


@EVERY
def test_the_callers_address_is_told_with_every_login(name: str) -> None:
    told = {call.operation.name: sent for _, call, _, sent in calls(name)}
    if "login" not in told:
        assert set(told) == {"validate"}
        return
    addresses = {value for header, value in told["login"].headers.items() if "for" in header or "ip" in header}
    if name != "cognito":  # Cognito takes an address from servers with credentials of AWS alone.
        assert "2001:db8::1" in addresses
    assert "req-1" not in told["login"].body.decode()


@EVERY
def test_what_is_absent_is_left_out_and_the_rest_is_still_whole(name: str) -> None:
    wire = preset(name)
    bare = Label("req-1", "00-trace-span-01")
    for template in wire.templates.values():
        said = {**SAID, "name": None, "token": None, "refresh_token": SAID["refresh_token"]}
        sent = Requests("auth.example")(wire.call(template.operation, said, bare), None)
        assert isinstance(sent, bytes)
        written = Written(sent)
        assert b"{" not in sent.partition(b"\r\n\r\n")[0]
        assert "None" not in f"{written.headers} {written.members()}"
        assert not {"tracestate", "idempotency-key", "x-forwarded-for", "forwarded", "user-agent"} & set(written.names)


def test_the_default_wire_says_a_login_like_this() -> None:
    sent = {call.operation.name: sent for _, call, _, sent in calls("netra")}["login"]
    assert sent.line == "POST /auth/login HTTP/1.1"
    assert sent.members() == {"email": 'ada"}+&=@example.com', "password": 'p\u00e4ss"\\\r\nX-Evil: 1'}
    assert sent.headers["content-type"] == "application/json"
    assert sent.headers["x-service-id"] == ID
    assert sent.headers["idempotency-key"] == "key-1"


def test_an_introspection_is_a_form_with_the_token_and_our_credentials_in_the_head_alone() -> None:
    ((_, _, _, sent),) = calls("oauth2-introspection")
    assert sent.line == "POST /oauth2/introspect HTTP/1.1"
    assert sent.members() == {"token": "access.token.1", "token_type_hint": "access_token"}
    scheme, _, ours = sent.headers["authorization"].partition(" ")
    assert (scheme, b64decode(ours)) == ("Basic", f"{ID}:{quote_plus(SECRET)}".encode())


def test_the_feed_is_asked_for_what_comes_after_a_cursor_and_from_the_beginning_without_one() -> None:
    wire = preset("netra")
    for cursor, target in (("7", "/auth/revocations?after=7"), (None, "/auth/revocations")):
        sent = Requests("auth.example")(wire.call(REVOCATIONS, {"cursor": cursor}, LABEL), None)
        assert isinstance(sent, bytes)
        assert Written(sent).line == f"GET {target} HTTP/1.1"
