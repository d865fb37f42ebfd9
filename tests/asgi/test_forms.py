"""A body as a form: what is read, what is refused, and that every reading is the one of the standard.

It must never quote what was sent.
"""

from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netra.asgi.body import form_object, is_form
from netra.asgi.words import Headers, Refusal, Request

FORM = (b"content-type", b"application/x-www-form-urlencoded")


def request_of(body: bytes, *headers: tuple[bytes, bytes]) -> Request:
    """A request with a body."""
    found: Headers = list(headers or (FORM,))
    return Request(method="POST", path="/", headers=found, request_id="request-1", received_at_s=0.0, body=body)


def read(body: bytes, identifier: str = "email", *headers: tuple[bytes, bytes]) -> dict[str, Any] | tuple[int, str]:
    """The members of a form, or status and code of its refusal."""
    got = form_object(request_of(body, *headers), identifier)
    return (got.status, got.code) if isinstance(got, Refusal) else got


@pytest.mark.parametrize(
    ("content_type", "form"),
    [
        ("application/x-www-form-urlencoded", True),
        ("Application/X-WWW-Form-URLencoded", True),
        ("application/x-www-form-urlencoded; charset=utf-8", True),
        ('application/x-www-form-urlencoded;charset="UTF-8"', True),
        ("application/x-www-form-urlencoded;", True),
        ("application/x-www-form-urlencoded; charset=latin-1", False),
        ("application/x-www-form-urlencoded, application/json", False),
        ("application/x-www-form-urlencodedx", False),
        ("multipart/form-data; boundary=x", False),
        ("application/json", False),
        ("text/plain", False),
        ("", False),
    ],
)
def test_a_form_is_known_by_its_content_type(content_type: str, form: bool) -> None:
    assert is_form(request_of(b"", (b"content-type", content_type.encode()))) is form


def test_what_has_no_content_type_is_no_form() -> None:
    assert not is_form(request_of(b"", (b"accept", b"*/*")))


@pytest.mark.parametrize(
    ("body", "members"),
    [
        (b"", {}),
        (b"a=1&b=2", {"a": "1", "b": "2"}),
        (b"a=", {"a": ""}),
        (b"a", {"a": ""}),
        (b"=1", {"": "1"}),
        (b"&&a=1&&", {"a": "1"}),
        (b"a=x+y%20z%2B", {"a": "x y z+"}),
        (b"a=b=c", {"a": "b=c"}),
        (b"a=1;b=2", {"a": "1;b=2"}),
        (b"a%26b=1", {"a&b": "1"}),
        (b"a=%C3%A4%F0%9F%94%91", {"a": "\u00e4\U0001f511"}),
        (b"a=50%", {"a": "50%"}),
        (b"a=%zz%2", {"a": "%zz%2"}),
        (b"a=%00%0D%0A", {"a": "\x00\r\n"}),
        (b"grant_type=password&scope=a+b&client_id=c", {"grant_type": "password", "scope": "a b", "client_id": "c"}),
    ],
    ids=range(15),
)
def test_a_form_is_read_as_browsers_write_it(body: bytes, members: dict[str, str]) -> None:
    assert read(body) == members


@pytest.mark.parametrize(
    "body",
    [
        b"a=1&a=2", b"a=1&a=1", b"a&a=1", b"a=1&%61=2", b"username=a&username=b", b"a=\xc3\xa4", b"a=%ff", b"%ff=1",
        b"a=%C3", b"a=%ED%A0%80", b"a=%C0%80", "a=1".encode("utf-16"), b"&".join(b"a%d=1" % n for n in range(33)),
        b"a=1" + b"&" * 32,
    ],
    ids=range(14),
)  # fmt: skip
def test_what_cannot_be_read_in_one_way_alone_is_a_400(body: bytes) -> None:
    assert read(body) == (400, "malformed_request")


def test_as_many_fields_as_anybody_needs_are_read() -> None:
    body = b"&".join(b"a%d=1" % number for number in range(32))
    assert read(body) == {f"a{number}": "1" for number in range(32)}


def test_two_content_types_are_none() -> None:
    assert read(b"a=1", "email", FORM, FORM) == (415, "unsupported_media_type")


@pytest.mark.parametrize("identifier", ["email", "username", "phone", "identifier"])
def test_a_username_stands_for_whatever_people_log_in_with_unless_that_is_there(identifier: str) -> None:
    got = read(b"username=ada&password=pw", identifier)
    assert got == {"username": "ada", "password": "pw", identifier: "ada"}
    if identifier != "username":
        both = read(f"username=ada&{identifier}=eve".encode(), identifier)
        assert both == {"username": "ada", identifier: "eve"}


@given(st.dictionaries(st.text(st.characters(exclude_categories=["Cs"]), max_size=9),
                       st.text(st.characters(exclude_categories=["Cs"]), max_size=9), max_size=9))  # fmt: skip
def test_whatever_is_written_as_a_form_is_read_back(members: dict[str, str]) -> None:
    members.pop("username", None)
    assert read(urlencode(members).encode()) == members


@given(st.binary(max_size=60))
def test_no_body_makes_it_fail_or_is_quoted(body: bytes) -> None:
    got = form_object(request_of(b"password=Pl4nted&" + body), "email")
    if isinstance(got, Refusal):
        assert got.status == 400
        assert "Pl4nted" not in repr(got)
    else:
        assert all(isinstance(value, str) for value in got.values())
