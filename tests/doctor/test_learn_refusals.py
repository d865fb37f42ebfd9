"""Which rows are made of two refusals: what says why, and nothing that is said of anything."""

from typing import Any

import pytest

from netra.doctor.learn.refusals import refusals
from tests.doctor.learning import IDENTIFIER, NOBODY, SENT, answered

GOOD = answered(200, {"access_token": "0123456789abcdef", "status": "OK", "message": "Welcome", "ok": True})
SENTENCE = "Incorrect username or password"
KIND = {"body": ["object"], "coded": False, "needs_standing": True}


def rows(wrong: Any, nobody: Any = None, status: int = 401, other: int | None = None) -> list[Any] | None:
    """The rows for these two documents, without what all of them say."""
    found = refusals(
        GOOD, answered(status, wrong), answered(other or status, wrong if nobody is None else nobody), SENT
    )
    if found is None:
        return None
    assert all(row["code"] == "invalid_credentials" for row in found.rows)
    return [{key: value for key, value in row.items() if key != "code"} for row in found.rows]


def differ(wrong: Any, nobody: Any, status: int = 401, other: int = 401) -> bool:
    """Is it told that the two can be told apart?"""
    found = refusals(GOOD, answered(status, wrong), answered(other, nobody), SENT)
    assert found is not None
    return found.differ


SAYING: list[tuple[str, dict[str, Any], str, Any]] = [
    ("a sentence", {"detail": SENTENCE}, "/detail", SENTENCE),
    ("a code", {"code": "bad_login", "message": SENTENCE}, "/code", "bad_login"),
    ("a code in an error", {"error": {"code": "E-17", "message": SENTENCE}}, "/error/code", "E-17"),
    ("a number", {"code": 1004, "message": SENTENCE}, "/code", 1004),
    ("oauth", {"error": "invalid_grant", "error_description": SENTENCE}, "/error", "invalid_grant"),
    ("firebase", {"error": {"code": 400, "message": "INVALID_LOGIN_CREDENTIALS"}}, "/error/message",
     "INVALID_LOGIN_CREDENTIALS"),
    ("a class beside a sentence", {"__type": "NotAuthorizedException", "message": SENTENCE}, "/message", SENTENCE),
    ("a class alone", {"type": "BadPasswordError"}, "/type", "BadPasswordError"),
    ("spring", {"status": 401, "error": "Unauthorized", "message": "Bad credentials", "path": "/login"}, "/message",
     "Bad credentials"),
    ("problem+json", {"type": "https://acme.test/bad-login", "title": "Unauthorized", "status": 401},
     "/type", "https://acme.test/bad-login"),
    ("about:blank", {"type": "about:blank", "title": "Unauthorized", "detail": SENTENCE}, "/detail", SENTENCE),
    ("json:api", {"errors": [{"status": "401", "code": "wrong_password"}]}, "/errors/0/code", "wrong_password"),
    ("a list of sentences", {"non_field_errors": ["Unable to log in with provided credentials."]},
     "/non_field_errors/0", "Unable to log in with provided credentials."),
    ("another language", {"message": "密码错误"}, "/message", "密码错误"),
    ("a request id beside it", {"message": SENTENCE, "request_id": "req-1"}, "/message", SENTENCE),
]  # fmt: skip


@pytest.mark.parametrize(("document", "pointer", "value"), [row[1:] for row in SAYING], ids=[row[0] for row in SAYING])
def test_what_says_why_becomes_the_row(document: dict[str, Any], pointer: str, value: Any) -> None:
    for status in (400, 401, 403, 422, 200):
        assert rows(document, status=status) == [{"status": [status], "pointer": pointer, "value": value}]


SAYING_NOTHING: list[tuple[str, dict[str, Any]]] = [
    ("nothing", {}),
    ("a phrase of HTTP", {"error": "Unauthorized", "message": "UNAUTHORIZED", "title": "Bad Request"}),
    ("a failure", {"success": False, "error": True, "code": "error", "status": "fail"}),
    ("its own status", {"status": 401, "code": 403, "error": "401"}),
    ("what a good answer says, too", {"status": "OK", "message": "Welcome"}),
    ("an instant", {"timestamp": "2026-11-22T10:00:00Z", "message": "refused at 2026-11-22 10:00"}),
    ("a trace", {"code": "6f9619ff-8b86-d011-b42d-00cf4fc964ff", "reason": "4bf92f3577b34da6a3ce929d0e0e4736"}),
    ("the identifier", {"message": f"No account for {IDENTIFIER} and {NOBODY}"}),
    ("a count", {"message": "Wrong password, 4 attempts left"}),
    ("a page", {"message": "x" * 201}),
    ("lines", {"message": "no\nno no"}),
]


@pytest.mark.parametrize("document", [row[1] for row in SAYING_NOTHING], ids=[row[0] for row in SAYING_NOTHING])
def test_what_anything_may_say_becomes_a_row_of_its_kind_with_401_alone(document: dict[str, Any]) -> None:
    assert rows(document) == [{"status": [401], **KIND}]
    for status in (400, 403, 404, 409, 422, 200):
        assert rows(document, status=status) is None


def test_two_statuses_that_say_the_same_are_one_row() -> None:
    told = {"message": SENTENCE}
    assert rows(told, told, 400, 404) == [{"status": [400, 404], "pointer": "/message", "value": SENTENCE}]
    assert differ(told, told, 400, 404)


def test_a_service_that_tells_who_has_an_account_gets_two_rows() -> None:
    wrong, nobody = {"message": "Wrong password"}, {"message": "No such user"}
    assert [row["value"] for row in rows(wrong, nobody) or []] == ["Wrong password", "No such user"]
    assert differ(wrong, nobody)


def test_a_row_of_a_kind_comes_after_the_one_that_looks_closer() -> None:
    assert rows({}, {"code": "no_such_user"}) == [
        {"status": [401], "pointer": "/code", "value": "no_such_user"},
        {"status": [401], **KIND},
    ]
    assert rows({"code": "wrong_password"}, {}, 401, 400) is None


def test_one_code_beside_two_sentences_is_one_row_and_is_told() -> None:
    wrong, nobody = {"code": "bad_login", "message": "Wrong password"}, {"code": "bad_login", "message": "No such user"}
    assert rows(wrong, nobody) == [{"status": [401], "pointer": "/code", "value": "bad_login"}]
    assert differ(wrong, nobody)


def test_one_more_member_is_enough_to_tell_them_apart() -> None:
    assert differ({"code": "bad_login", "attempts_left": 4}, {"code": "bad_login"})


@pytest.mark.parametrize("member", ["request_id", "timestamp", "trace", "message"])
def test_what_changes_from_reply_to_reply_tells_nobody_apart(member: str) -> None:
    values = {
        "request_id": ("req_8fjK29dkLm31", "req_9aaB11xxYz77"),
        "timestamp": ("2026-11-22T10:00:00Z", "2026-11-22T10:00:01Z"),
        "trace": ("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b700f067aa0ba902b7"),
        "message": (f"{IDENTIFIER}: no", f"{NOBODY}: no"),
    }[member]
    first, second = ({"code": "bad_login", member: value} for value in values)
    assert not differ(first, second)
    assert rows(first, second) == [{"status": [401], "pointer": "/code", "value": "bad_login"}]
