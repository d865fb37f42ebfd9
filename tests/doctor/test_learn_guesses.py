"""In which form a login is tried next: led by what a reply complains of, and never for long."""

from typing import Any

import pytest

from netra.core.verdict.reply import Reply
from netra.doctor.learn.drafts import BodyForm
from netra.doctor.learn.guesses import MOST_GUESSES, Guesses, kind_of
from tests.doctor.learning import IDENTIFIER, NOW, PASSWORD, SENT, answered

MISSING = {"detail": [{"type": "missing", "loc": ["body", name], "input": None} for name in ("username", "password")]}


def guesses(identifier: str = IDENTIFIER, form: BodyForm | None = None, field: str = "", secret: str = "") -> Guesses:
    return Guesses(identifier, SENT, form, field, secret)


def made(start: Guesses, *replies: Reply) -> list[tuple[str, ...]]:
    """All guesses, when these are the replies."""
    start.first()
    for reply in replies:
        start.next(reply)
    return [tuple(each) for each in start.made]


def test_a_form_is_tried_when_json_was_not_read() -> None:
    assert made(guesses(), answered(422, MISSING)) == [
        ("json", "email", "password"),
        ("form", "username", "password"),
    ]


def test_the_member_that_is_missed_is_tried() -> None:
    missed = answered(400, {"userName": ["This field is required."]})
    assert made(guesses(), missed) == [("json", "email", "password"), ("json", "userName", "password")]
    missed = answered(422, {"errors": [{"pointer": "/passwd"}, {"pointer": "/login"}]})
    assert made(guesses(), missed) == [("json", "email", "password"), ("json", "login", "passwd")]


def test_what_a_reply_only_repeats_is_not_missed() -> None:
    echo = {"loc": ["username"], "input": {"email": IDENTIFIER, "password": PASSWORD}, "said": f"password={PASSWORD}"}
    assert made(guesses(), answered(422, echo))[1] == ("json", "username", "password")


def test_json_that_is_not_taken_at_all_is_not_tried_again() -> None:
    refused = Reply(415, {}, b"", NOW)
    assert made(guesses(), refused, refused, refused, refused) == [
        ("json", "email", "password"),
        ("form", "email", "password"),
    ]


@pytest.mark.parametrize(
    ("identifier", "fields"),
    [(IDENTIFIER, ["email", "username"]), ("+49 151 2345678", ["phone", "username"]), ("ada", ["username", "login"])],
)
def test_usual_names_depend_on_the_kind_of_identifier(identifier: str, fields: list[str]) -> None:
    tried = made(guesses(identifier), *[answered(400, {})] * 9)
    assert tried == [(form, field, "password") for form in ("json", "form") for field in fields]
    assert len(tried) == MOST_GUESSES


@pytest.mark.parametrize("status", [200, 201, 302, 401, 403, 404, 405, 409, 429, 500, 503])
def test_a_reply_that_may_be_a_verdict_ends_all_guessing(status: int) -> None:
    assert len(made(guesses(), answered(status, MISSING))) == 1


def test_there_is_an_end_whatever_is_missed() -> None:
    missed: list[Any] = [answered(400, {f"{name}": 1}) for name in ("user", "login", "username", "account", "phone")]
    assert len(made(guesses(), *missed, *missed)) == MOST_GUESSES


def test_what_was_given_is_not_guessed() -> None:
    start = guesses(form="form", field="kennung", secret="geheim")
    assert start.only
    assert made(start, answered(422, MISSING)) == [("form", "kennung", "geheim")]
    assert not guesses(form="form").only
    assert not guesses(field="kennung").only
    assert made(guesses(field="kennung"), answered(415, {})) == [
        ("json", "kennung", "password"),
        ("form", "kennung", "password"),
    ]


def test_a_way_into_json_is_never_tried_as_a_form() -> None:
    assert guesses(field="/user/email").only
    assert made(guesses(field="/user/email"), answered(415, {})) == [("json", "/user/email", "password")]


@pytest.mark.parametrize(
    ("identifier", "kind"),
    [("a@b", "email"), ("+1 (555) 010-0000", "phone"), ("0151/2345678", "phone"), ("ada", "username"),
     ("12345", "username"), ("u1234567", "username"), ("", "username")],
)  # fmt: skip
def test_the_kind_of_an_identifier(identifier: str, kind: str) -> None:
    assert kind_of(identifier) == kind
