"""A body as a strict JSON object: what is taken, what is refused with which status, and no word of it comes back.

It must never be kinder than the auth service behind it: two readings of one body are one too many.
"""

import json
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netra.asgi.body import json_object, read_body
from netra.asgi.cors import Cors
from netra.asgi.problem import error_list, problem
from netra.asgi.words import FieldError, Headers, Refusal, Request

JSON = (b"content-type", b"application/json")


def read(body: bytes, *headers: tuple[bytes, bytes]) -> dict[str, Any] | tuple[int, str]:
    """The object in a body, or status and code of its refusal."""
    found: Headers = list(headers)
    got = json_object(
        Request(method="POST", path="/", headers=found, request_id="request-1", received_at_s=0.0, body=body)
    )
    return (got.status, got.code) if isinstance(got, Refusal) else got


@pytest.mark.parametrize(
    "content_type",
    [
        "application/json", "Application/JSON", "application/json; charset=utf-8", "application/json;charset=UTF-8",
        'application/json; charset="utf-8"', "application/json ; charset=utf-8", "application/json;",
    ],
)  # fmt: skip
def test_json_in_utf_8_is_taken(content_type: str) -> None:
    assert read(b'{"a": "\xc3\xa4"}', (b"content-type", content_type.encode())) == {"a": "ä"}


@pytest.mark.parametrize(
    "content_type",
    [
        None, "", "text/plain", "application/x-www-form-urlencoded", "application/problem+json", "application/jsonp",
        "application/json; charset=latin-1", "application/json; charset=utf-16", "application/json, text/plain",
        "application/json; boundary=x", "text/json", "*/*", "application/json\x00",
    ],
)  # fmt: skip
def test_every_other_kind_of_body_is_a_415(content_type: str | None) -> None:
    headers = [] if content_type is None else [(b"content-type", content_type.encode())]
    assert read(b"{}", *headers) == (415, "unsupported_media_type")


def test_two_content_types_are_none() -> None:
    assert read(b"{}", (b"content-type", b"application/json; charset=utf-8"), JSON) == (415, "unsupported_media_type")


@pytest.mark.parametrize(
    "body",
    [
        b"", b"   ", b"{", b'{"a": 1,}', b"{'a': 1}", b'{"a": NaN}', b'{"a": Infinity}', b'{"a": -Infinity}',
        b'{"a": 1e999}', b'{"a": 1, "a": 2}', b'{"a": {"b": 1, "b": 1}}', b'{"a": "\xff"}', b'{"a": "\\ud800"}',
        b'{"\\udc00": 1}', b"[" * 100_000, b'{"a":' * 40 + b"1" + b"}" * 40, b'\xef\xbb\xbf{"a": 1}', b'{"a": 1} {}',
        b'{"a": "\n"}', "{}".encode("utf-16"), b"// {}",
    ],
    ids=range(21),
)  # fmt: skip
def test_what_is_not_strict_json_is_a_400(body: bytes) -> None:
    assert read(body, JSON) == (400, "malformed_request")


@pytest.mark.parametrize("body", [b"[]", b"1", b'"text"', b"null", b"true", b"[{}]"])
def test_json_that_is_no_object_is_a_422(body: bytes) -> None:
    assert read(body, JSON) == (422, "invalid_fields")


@given(st.binary(max_size=60))
def test_no_body_makes_it_fail_or_is_quoted(body: bytes) -> None:
    planted = b'{"password": "Pl4nted"' + body
    found: Headers = [JSON]
    request = Request(method="POST", path="/", headers=found, request_id="r", received_at_s=0.0, body=planted)
    got = json_object(request)
    if isinstance(got, Refusal):
        assert got.status in (400, 422)
        assert "Pl4nted" not in got.detail


# --- receiving -------------------------------------------------------------------------------------------------------


async def received(*pieces: Mapping[str, Any], limit: int = 10) -> bytes | Refusal | None:
    """What comes of these messages."""
    left = list(pieces)

    async def receive() -> Mapping[str, Any]:
        return left.pop(0)

    return await read_body(receive, limit)


def piece(body: bytes, *, more: bool) -> Mapping[str, Any]:
    """A part of a body."""
    return {"type": "http.request", "body": body, "more_body": more}


async def test_a_body_is_put_together_from_its_pieces() -> None:
    assert await received(piece(b"ab", more=True), piece(b"", more=True), piece(b"cd", more=False)) == b"abcd"
    assert await received({"type": "http.request"}) == b""


async def test_a_body_is_refused_at_the_piece_that_is_too_much() -> None:
    refusal = await received(piece(b"x" * 6, more=True), piece(b"x" * 5, more=True))
    assert isinstance(refusal, Refusal)
    assert (refusal.status, refusal.code) == (413, "body_too_large")
    assert refusal.headers == ((b"connection", b"close"),)
    assert await received(piece(b"x" * 10, more=False)) == b"x" * 10


async def test_a_client_that_leaves_has_no_body() -> None:
    assert await received(piece(b"ab", more=True), {"type": "http.disconnect"}) is None


# --- problems --------------------------------------------------------------------------------------------------------


def test_a_problem_says_its_members_in_order_and_leaves_out_what_is_absent() -> None:
    answer = problem(404, {"type": "/problems/not_found", "detail": None, "status": 404}, ((b"allow", b"GET"),))
    assert answer.body == b'{"type":"/problems/not_found","status":404}'
    assert (answer.status, answer.content_type, answer.headers) == (
        404, b"application/problem+json", ((b"allow", b"GET"),),
    )  # fmt: skip


def test_field_errors_are_listed_and_an_empty_list_is_none() -> None:
    assert error_list(()) is None
    assert error_list([FieldError("/email", "missing", "Required.")]) == [
        {"pointer": "/email", "code": "missing", "detail": "Required."}
    ]
    assert json.loads(problem(422, {"errors": error_list([FieldError("/a", "b", "c")])}).body)["errors"]


# --- other origins ---------------------------------------------------------------------------------------------------

ORIGIN = b"https://app.example.com"


@pytest.mark.parametrize(
    "origin",
    [None, b"", b"https://app.example.com.evil.test", b"http://app.example.com", b"https://APP.example.com", b"null",
     b"https://app.example.com:8443", b"https://app.example.com/", b"*"],
)  # fmt: skip
def test_an_origin_is_listed_exactly_or_not_at_all(origin: bytes | None) -> None:
    cors = Cors([ORIGIN.decode()])
    asked: Headers = [] if origin is None else [(b"origin", origin)]
    assert cors.headers(asked) == ((b"vary", b"origin"),)
    assert cors.preflight([*asked, (b"access-control-request-method", b"POST")], b"POST") is None


def test_without_a_list_nothing_is_said_of_origins() -> None:
    assert Cors().headers([(b"origin", ORIGIN)]) == ()
    assert Cors().preflight([(b"origin", b""), (b"access-control-request-method", b"POST")], b"POST") is None


def test_no_answer_allows_credentials_or_everybody() -> None:
    cors = Cors([ORIGIN.decode()])
    asked: Headers = [(b"origin", ORIGIN), (b"access-control-request-method", b"POST")]
    preflight = cors.preflight(asked, b"POST")
    assert preflight is not None
    said = dict([*cors.headers(asked), *preflight.headers])
    assert said[b"access-control-allow-origin"] == ORIGIN
    assert b"access-control-allow-credentials" not in said
    assert b"*" not in b"".join(said.values())
    assert b"x-service" not in b"".join(said.values())
