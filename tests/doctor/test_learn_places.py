"""Where tokens and users stand in answers as auth services give them, and what is not believed."""

from typing import Any

import pytest

from netra.core.verdict.reply import Reply
from netra.doctor.learn.places import is_jwt, places
from tests.doctor.learning import NOW, answered, jwt

OPAQUE = "opaque-0123456789abcdef"
TOKEN = jwt(sub="u-1", exp=NOW + 900, email="ada@example.com", name="Ada")

SHAPES: list[tuple[str, dict[str, Any], dict[str, str]]] = [
    ("oauth", {"access_token": OPAQUE, "token_type": "bearer", "expires_in": 300},
     {"access_token": "/access_token", "token_type": "/token_type", "expires_in": "/expires_in"}),
    ("camel case", {"accessToken": OPAQUE, "refreshToken": f"r-{OPAQUE}", "expiresIn": 300, "tokenType": "Bearer"},
     {"access_token": "/accessToken", "refresh_token": "/refreshToken", "token_type": "/tokenType",
      "expires_in": "/expiresIn"}),
    ("simplejwt", {"refresh": f"r-{OPAQUE}", "access": jwt(user_id="7")},
     {"access_token": "/access", "refresh_token": "/refresh", "user_id": "jwt:user_id"}),
    ("one word", {"token": OPAQUE}, {"access_token": "/token"}),
    ("nested", {"data": {"jwt": TOKEN, "user": {"id": 7, "email": "ada@example.com"}}},
     {"access_token": "/data/jwt", "user_id": "/data/user/id", "user_email": "/data/user/email",
      "user_name": "jwt:name"}),
    ("pairs", {"tokens": {"refresh": {"token": f"r-{OPAQUE}"}, "access": {"token": OPAQUE}}},
     {"access_token": "/tokens/access/token", "refresh_token": "/tokens/refresh/token"}),
    ("cognito", {"AuthenticationResult": {"AccessToken": OPAQUE, "IdToken": jwt(sub="x"), "ExpiresIn": 3600}},
     {"access_token": "/AuthenticationResult/AccessToken", "expires_in": "/AuthenticationResult/ExpiresIn"}),
    ("access before id", {"id_token": TOKEN, "access_token": OPAQUE}, {"access_token": "/access_token"}),
    ("a jwt of any name", {"bearerThing": TOKEN, "hello": "you"},
     {"access_token": "/bearerThing", "user_id": "jwt:sub", "user_email": "jwt:email", "user_name": "jwt:name"}),
    ("flat user", {"id": 1, "username": "ada", "email": "ada@example.com", "accessToken": OPAQUE},
     {"access_token": "/accessToken", "user_id": "/id", "user_email": "/email"}),
    ("user id alone", {"token": OPAQUE, "userId": "u-7"}, {"access_token": "/token", "user_id": "/userId"}),
    ("an odd name", {"data": {"to~ken/": OPAQUE}}, {"access_token": "/data/to~0ken~1"}),
]  # fmt: skip


@pytest.mark.parametrize(("document", "accept"), [row[1:] for row in SHAPES], ids=[row[0] for row in SHAPES])
def test_the_parts_of_an_answer_are_found(document: dict[str, Any], accept: dict[str, str]) -> None:
    found = places(answered(200, document))
    assert found is not None
    assert found.accept == accept
    assert not found.notes


NOT_BELIEVED: list[tuple[str, dict[str, Any]]] = [
    ("an id of nobody knows what", {"id": 5}),
    ("a name without an id", {"user": {"name": "Ada"}}),
    ("an e-mail without an id", {"email": "ada@example.com"}),
    ("another type", {"token_type": "mac"}),
    ("a lifetime as text", {"expires_in": "300"}),
    ("an instant for a lifetime", {"expires": 1_900_000_000}),
    ("a negative lifetime", {"expires_in": -1}),
    ("a user's own fields", {"user_metadata": {"id": 6, "email": "eve@example.com"}}),
    ("an empty id", {"user": {"id": " "}}),
    ("a list", {"users": [{"id": 6}], "refresh_token": ["r" * 20]}),
]


@pytest.mark.parametrize("more", [row[1] for row in NOT_BELIEVED], ids=[row[0] for row in NOT_BELIEVED])
def test_what_would_spoil_an_answer_or_may_be_a_users_own_words_is_left_out(more: dict[str, Any]) -> None:
    found = places(answered(200, {"access_token": OPAQUE, **more}))
    assert found is not None
    assert found.accept == {"access_token": "/access_token"}


@pytest.mark.parametrize("lifetime", [900, 1000])
@pytest.mark.parametrize("claims", [{"exp": NOW + 900}, {"iat": 5, "exp": 905}, {"sub": "u-1"}, {"exp": "later"}])
def test_a_lifetime_is_believed_when_the_token_says_about_the_same(claims: dict[str, Any], lifetime: int) -> None:
    found = places(answered(200, {"access_token": jwt(**claims), "expires_in": lifetime}))
    assert found is not None
    assert found.accept["expires_in"] == "/expires_in"


@pytest.mark.parametrize("claims", [{"exp": NOW + 900}, {"iat": NOW, "exp": NOW + 900}])
def test_a_lifetime_that_the_token_contradicts_is_left_out_and_told(claims: dict[str, Any]) -> None:
    found = places(answered(200, {"access_token": jwt(**claims), "expires_in": 900_000}))
    assert found is not None
    assert "expires_in" not in found.accept
    assert [note.partition(" ")[0] for note in found.notes] == ["/expires_in"]


def test_a_name_that_would_break_a_line_is_told_on_one() -> None:
    found = places(answered(200, {"access_token": jwt(exp=NOW + 900), "expires\n_in": 900_000}))
    assert found is not None
    assert found.notes[0].startswith("/expires\\n_in is left out")


def test_tokens_in_headers_are_found() -> None:
    headers = {"st-access-token": TOKEN, "st-refresh-token": OPAQUE, "x-other": OPAQUE}
    found = places(answered(200, {"status": "OK", "user": {"id": "u-1"}}, headers))
    assert found is not None
    assert found.accept == {
        "access_token": "header:st-access-token",
        "refresh_token": "header:st-refresh-token",
        "user_id": "/user/id",
        "user_email": "jwt:email",
        "user_name": "jwt:name",
    }


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"[]",
        b'"token"',
        b"{}",
        b'{"token": "short"}',
        b'{"token": "with a blank inside"}',
        b'{"token": 12345678901}',
        b'{"csrf": "0123456789abcdef"}',
        b'{"access_token": null}',
        b'{"a": {"token": "0123456789abcdef"}}',
    ],
)
def test_an_answer_without_a_token_has_no_places(body: bytes) -> None:
    assert places(Reply(200, {}, body, NOW)) is None


def test_of_two_strange_tokens_none_is_taken() -> None:
    assert places(answered(200, {"first": TOKEN, "second": jwt(sub="x")})) is None


def test_a_jwt_is_known_by_its_claims() -> None:
    assert is_jwt(TOKEN)
    assert not any(map(is_jwt, (OPAQUE, "a.b.c", "www.example.com", "1.2.3", 5, None, f"{TOKEN} ")))
