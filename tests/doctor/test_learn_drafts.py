"""What options become: constants, gaps in the place of secrets, and the document of a login."""

from typing import Any

import pytest

from netra.core.secret import Secret
from netra.doctor.learn.drafts import Constants, Guess, Ours, Problem, constants, document
from netra.doctor.learn.logins import Target, nobody_like, target

SECRET = "k7Qz-3v9-" + "x" * 30
OURS = Ours("acme-app", Secret(SECRET))
JSON = Guess("json", "email", "password")
FORM = Guess("form", "username", "password")


def given(*members: str, headers: tuple[str, ...] = (), ours: Ours = OURS) -> Constants:
    """Options that can be used."""
    found = constants(headers, members, ours)
    assert isinstance(found, Constants), found
    return found


def texts(found: Constants) -> dict[str, str]:
    """What stands in the document, by name."""
    return {each.name: each.text for each in (*found.headers, *found.members)}


@pytest.mark.parametrize(
    ("option", "text"),
    [
        (f"client_secret={SECRET}", "{service_secret}"),
        ("apikey=s3cr3t", "{service_secret}"),
        ("client_id=acme-app", "{service_id}"),
        ("clientId=acme-app", "{service_id}"),
        ("client_secret={service_secret}", "{service_secret}"),
        ("auth={service_basic}", "{service_basic}"),
        ("token=", ""),
        ("grant_type=password", "password"),
        ("scope=openid profile", "openid profile"),
        ("expr=a=b", "a=b"),
    ],
)
def test_what_looks_like_a_secret_or_says_who_asks_becomes_a_gap(option: str, text: str) -> None:
    found = given(option)
    assert list(texts(found).values()) == [text]
    assert found.sealed == ("{" in text)
    assert SECRET not in repr(found)


@pytest.mark.parametrize(
    ("option", "text"),
    [
        (f"X-Api-Key={SECRET}", "{service_secret}"),
        (f"Authorization=Bearer {SECRET}", "Bearer {service_secret}"),
        ("Authorization=basic YTpi", "basic {service_secret}"),
        ("Authorization=Basic {service_basic}", "Basic {service_basic}"),
        ("X-Client-ID=acme-app", "{service_id}"),
        ("X-Tenant=blue", "blue"),
    ],
)
def test_headers_are_read_alike_and_keep_their_scheme(option: str, text: str) -> None:
    found = given(headers=(option,))
    assert list(texts(found).values()) == [text]
    assert found.service_secret in (None, Secret(SECRET), Secret("YTpi"))


def test_an_id_and_a_secret_are_kept_for_sending() -> None:
    found = given("client_id=acme-app", f"client_secret={SECRET}", "again={service_secret}")
    assert (found.service_id, found.service_secret) == ("acme-app", Secret(SECRET))


def test_a_second_id_that_is_another_one_is_a_constant() -> None:
    assert texts(given("client_id=acme-app", "app_id=other")) == {"client_id": "{service_id}", "app_id": "other"}


@pytest.mark.parametrize(
    ("members", "ours", "says"),
    [
        (("novalue",), OURS, "write NAME=VALUE"),
        (("=x",), OURS, "write NAME=VALUE"),
        (("a b=x",), OURS, "write NAME=VALUE"),
        (("apikey=s3cr3t", "client_secret=s3cr3t-2"), OURS, "client_secret is a second secret"),
        (("apikey=s3cr3t", "x={service_secret}"), OURS, "x is a second secret"),
        (("x={service_secret}",), Ours(), "x is filled from SERVICE_SECRET; set it"),
        (("x={service_basic}",), Ours("a"), "x is filled from SERVICE_SECRET; set it"),
        (("x={service_basic}",), Ours(), "x is filled from SERVICE_ID and SERVICE_SECRET; set it"),
        (("/deep/apikey=s3cr3t",), OURS, "/deep/apikey: an id or a secret can only be a member at the top"),
    ],
)
def test_options_that_cannot_be_used_are_told_without_their_value(
    members: tuple[str, ...], ours: Ours, says: str
) -> None:
    found = constants((), members, ours)
    assert isinstance(found, Problem)
    assert found.what.startswith(says)
    assert "s3cr3t" not in found.what


def test_the_document_of_a_form() -> None:
    found = given("grant_type=password", "client_id=acme-app", headers=("X-Tenant=blue",))
    assert document("acme", "/token?x=1", FORM, found) == {
        "name": "acme",
        "seal_fields": {"client_id": "{service_id}"},
        "calls": {
            "login": {
                "method": "POST",
                "path": "/token?x=1",
                "form": {"grant_type": "password", "username": "{identifier}", "password": "{password}"},
                "headers": {"X-Tenant": "blue"},
                "tells_caller": True,
            }
        },
    }


def test_members_inside_json_are_named_by_their_way() -> None:
    made: Any = document("acme", "/", Guess("json", "/user/email", "/user/password"), given("/user/kind=a", "x=y"))
    body = {"user": {"kind": "a", "email": "{identifier}", "password": "{password}"}, "x": "y"}
    assert made["calls"]["login"]["json"] == body
    made = document("acme", "/", Guess("form", "/user/email", "b"), given())
    assert made["calls"]["login"]["form"] == {"/user/email": "{identifier}", "b": "{password}"}


@pytest.mark.parametrize("member", ["email=x", "/email=x", "/email/deeper=x"])
def test_a_member_that_is_said_twice_is_refused(member: str) -> None:
    made = document("acme", "/", JSON, given(member))
    assert isinstance(made, Problem)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("https://auth.example/login", ("https://auth.example", "/login")),
        ("http://127.0.0.1:8000", ("http://127.0.0.1:8000", "/")),
        ("http://[::1]:8000/a/b/?c=d&e=/f", ("http://[::1]:8000", "/a/b/?c=d&e=/f")),
        ("HTTPS://Auth.Example?x=1", ("https://auth.example", "/?x=1")),
    ],
)
def test_a_url_is_an_address_and_a_path(text: str, expected: tuple[str, str]) -> None:
    assert target(text) == Target(*expected)


@pytest.mark.parametrize(
    "text",
    ["", "auth.example/login", "ftp://auth.example/", "http://", "http:///login", "http://a:b@auth.example/",
     "http://[::1/login", "http://auth.example:0/", "http://auth.example:x/", "http://auth example/",
     "https://auth.example/login#top"],
)  # fmt: skip
def test_what_is_no_url_is_refused(text: str) -> None:
    assert isinstance(target(text), Problem)


@pytest.mark.parametrize("identifier", ["ada@example.com", "+49 151 2345678", "0151-2345678", "ada", "12345"])
def test_nobody_is_of_the_same_kind_and_somebody_else(identifier: str) -> None:
    others = {nobody_like(identifier) for _ in range(8)}
    assert identifier not in others
    assert len(others) > 1
    for other in others:
        assert other.rpartition("@")[2] == "example.com" if "@" in identifier else "@" not in other
        if identifier.startswith("+49"):
            assert other.startswith("+49 15")
            assert len(other) == len(identifier)
