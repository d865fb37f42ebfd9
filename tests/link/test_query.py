"""Queries that are filled anew for each call: as they are written, and as a real server receives them.

It must never be enough that a query looks right: what breaks lines is tried in every place.
"""

from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netra.core.secret import Secret
from netra.core.verdict.classify import classify
from netra.core.verdict.operations import REVOCATIONS
from netra.core.verdict.outcomes import Unknown
from netra.core.verdict.reply import Broken, Reply
from netra.core.verdict.wire import Call, Wire
from netra.lab import scripts
from netra.lab.faulty_auth_service import FaultyAuthService
from netra.link.requests import Requests
from netra.link.seals import Seal
from netra.testing.fakes import reply
from netra.wires.load import load
from tests.link.sockets import LONGEST_S, SEAL, exchange_with
from tests.link.support import LABEL, SECRET, SERVICE_ID, STANDING, WIRE
from tests.wires.support import call

FEED = 'method = "GET"\npath = "{path}"\nquery = {query}\n'
ROW = 'status = [200]\naccept = { cursor = "/cursor", items = "/items" }'


def wire(query: str, path: str = "/revoked") -> Wire:
    """A wire that offers a feed with such a query."""
    return load('name = "acme"\n' + call("revocations", FEED.format(query=query, path=path), ROW), "acme.toml")


def asked(query: str, cursor: str | Secret | None, path: str = "/revoked") -> Call[Any]:
    """One question of such a wire."""
    return wire(query, path).call(REVOCATIONS, {"cursor": cursor}, LABEL)


def target(call: Call[Any]) -> str:
    """What stands between method and version in the request of a call."""
    sent = Requests("auth.test")(call, None)
    assert isinstance(sent, bytes)
    method, text, version = sent.partition(b"\r\n")[0].decode("ascii").split(" ")
    assert (method, version) == ("GET", "HTTP/1.1")
    return text


@pytest.mark.parametrize(
    ("query", "cursor", "path", "expected"),
    [
        ('{ after = "{cursor}" }', "42", "/revoked", "/revoked?after=42"),
        ('{ after = "{cursor}" }', None, "/revoked", "/revoked"),
        ('{ after = "{cursor}" }', "", "/revoked", "/revoked?after="),
        ('{ after = "{cursor}", size = "500" }', None, "/revoked", "/revoked?size=500"),
        ('{ after = "c-{cursor}", size = "500" }', "1", "/revoked", "/revoked?after=c-1&size=500"),
        ('{ after = "{cursor}" }', "42", "/revoked?kind=all", "/revoked?kind=all&after=42"),
        ('{ after = "{cursor}" }', None, "/revoked?kind=all", "/revoked?kind=all"),
        ('{ "a b&c" = "{cursor}" }', "x/y?z=1#2+3%34", "/revoked", "/revoked?a+b%26c=x%2Fy%3Fz%3D1%232%2B3%2534"),
        ("{}", "42", "/revoked", "/revoked"),
    ],
)
def test_a_query_is_written_as_forms_are_and_what_is_absent_is_left_out(
    query: str, cursor: str | None, path: str, expected: str
) -> None:
    assert target(asked(query, cursor, path)) == expected


def test_a_path_below_another_one_keeps_its_query() -> None:
    below = wire('{ after = "{cursor}" }').below("/identity/")
    assert target(below.call(REVOCATIONS, {"cursor": "42"}, LABEL)) == "/identity/revoked?after=42"


@given(st.text())
def test_whatever_a_cursor_is_it_arrives_unchanged_and_breaks_no_line(cursor: str) -> None:
    sent = Requests("auth.test")(asked('{ after = "{cursor}" }', cursor), None)
    if any("\ud800" <= char <= "\udfff" for char in cursor):
        assert sent == Broken("proxy_configuration_error")
        return
    assert isinstance(sent, bytes)
    assert sent.count(b"\n") == sent.count(b"\r\n") == sent.count(b"\r")
    assert parse_qsl(urlsplit(target(asked('{ after = "{cursor}" }', cursor))).query, keep_blank_values=True) == [
        ("after", cursor)
    ]


def test_a_cursor_that_is_no_text_is_never_sent() -> None:
    broken = asked('{ after = "{cursor}" }', "\ud800")
    assert Requests("auth.test")(broken, SEAL) == Broken("proxy_configuration_error")


def test_each_call_has_its_own_query_and_seal_whatever_was_written_before() -> None:
    requests, feed = Requests("auth.test"), wire('{ after = "{cursor}" }')
    other = Seal(WIRE, SERVICE_ID, Secret("another-" + SECRET))
    for cursor, seal in (("1", SEAL), ("2", SEAL), (None, SEAL), ("2", other), ("1", None)):
        sent = requests(feed.call(REVOCATIONS, {"cursor": cursor}, LABEL), seal)
        assert isinstance(sent, bytes)
        assert sent.startswith(f"GET /revoked{f'?after={cursor}' if cursor else ''} HTTP/1.1\r\n".encode())
        secret = dict(seal.headers)["X-Service-Secret"] if seal else None
        assert (f"X-Service-Secret: {secret}\r\n".encode() in sent) == (secret is not None)


def test_a_path_that_would_break_its_line_is_not_sent_for_its_query() -> None:
    call = asked('{ after = "{cursor}" }', "1")
    for path in ("/a\r\nX-Evil: 1", "/a\nb", "/a\x00", "/\u20ac"):
        broken = call._replace(template=replace(call.template, path=path))
        assert Requests("auth.test")(broken, SEAL) == Broken("proxy_configuration_error")


async def test_a_real_server_receives_the_query_and_the_seal() -> None:
    async with FaultyAuthService() as service, exchange_with(service.url) as exchange:
        service.answer("/auth/revocations", scripts.json_reply(200, {"cursor": "8", "items": []}))
        got = await exchange(WIRE.call(REVOCATIONS, {"cursor": "7 &\u00e9"}, LABEL), SEAL, LONGEST_S)
    assert isinstance(got, Reply)
    assert got.status == 200
    (sent,) = service.journal
    assert (sent.path, sent.query) == ("/auth/revocations", "after=7+%26%C3%A9")
    assert dict(sent.headers)["X-Service-Secret"] == SECRET


def test_where_a_call_failed_is_told_without_its_query() -> None:
    call = WIRE.call(REVOCATIONS, {"cursor": "42"}, LABEL)
    outcome = classify(call, reply(500), STANDING)
    assert isinstance(outcome, Unknown)
    assert outcome.facts["path"] == "/auth/revocations"
