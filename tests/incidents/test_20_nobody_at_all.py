"""People logged in and were told at their next step that there was no such user: the id in their session was empty.

The auth service had begun to leave it out, and its answer was passed on unread. It must never become a session what
names nobody: it is an answer that cannot be used, and operators are told which part of it.
"""

from typing import Any, Final

from netra.lab.faulty_auth_service import FaultyAuthService
from netra.lab.scripts import json_reply, session
from tests.incidents.operators import line_of
from tests.live.rows import UNAVAILABLE, Ask, assert_nothing_told, log_in, refresh, register, who_am_i
from tests.support.gateways import EMAIL, Views, both_views
from tests.support.problems import assert_problem

ADA: Final[dict[str, Any]] = {"id": "user-1", "email": EMAIL, "name": "Ada"}
NOBODY: Final[dict[str, tuple[Any, str]]] = {
    "an empty id": ({**ADA, "id": ""}, "user_id"),
    "a blank id": ({**ADA, "id": " \t"}, "user_id"),
    "no id": ({"email": EMAIL}, "user_id"),
    "a null id": ({**ADA, "id": None}, "user_id"),
    "a truth value for an id": ({**ADA, "id": True}, "user_id"),
    "a fraction for an id": ({**ADA, "id": 1.5}, "user_id"),
    "a list for an id": ({**ADA, "id": ["user-1"]}, "user_id"),
    "an id without end": ({**ADA, "id": "x" * 2000}, "user_id"),
    "an empty e-mail": ({**ADA, "email": ""}, "user_email"),
    "a number for an e-mail": ({**ADA, "email": 7}, "user_email"),
    "a number for a name": ({**ADA, "name": 7}, "user_name"),
    "neither id nor e-mail": ({"name": "Ada"}, "user_email, user_id"),
    "an empty object": ({}, "user_email, user_id"),
    "no user": (None, "user_email, user_id"),
    "a user in a list": ([ADA], "user_email, user_id"),
    "a name alone": ("Ada", "user_email, user_id"),
}
"""What came for a user, and which parts of it operators must be told of."""


TOKENS_OF_NOBODY: Final[tuple[tuple[dict[str, Any], str], ...]] = (
    ({"user_id": ""}, "user_id"),
    ({"user_id": None}, "user_id"),
    ({"user_id": {}}, "user_id"),
    ({"valid": "yes"}, "valid"),
    ({"valid": None}, "valid"),
    ({"expires_at": "tomorrow"}, "expires_at"),
    ({"user_id": "", "expires_at": -1}, "expires_at, user_id"),
)
SESSIONS_OF_NOTHING: Final[tuple[tuple[dict[str, Any], str], ...]] = (
    ({"access_token": ""}, "access_token"),
    ({"access_token": None, "refresh_token": None}, "access_token, refresh_token"),
    ({"refresh_token": 7}, "refresh_token"),
    ({"expires_in": "900"}, "expires_in"),
    ({"token_type": "mac"}, "token_type"),
)


async def assert_no_session(views: Views, ask: Ask, lacking: str) -> None:
    """Nobody gets a token, operators get the part that is at fault, the public gets nothing of it."""
    told = await ask(views.operator, [])
    body = assert_problem(told, 502, "invalid_response")
    assert body["detail"].endswith(f"JSON in which this is missing or of no use: {lacking}.")
    assert (await line_of(views.operator, told))["why"] == body["detail"]
    assert any("renamed or left empty" in each for each in body["suggestions"])
    shown = await ask(views.public, [])
    public = assert_problem(shown, 502, UNAVAILABLE, "public")
    await assert_nothing_told(views.public, shown, public, "invalid_response")
    for answer in (told, shown):
        assert EMAIL.encode() not in answer.raw
        assert EMAIL.encode().hex().encode() not in answer.raw, "a token was passed on"


async def test_a_login_that_names_nobody_is_no_session_and_a_registration_no_account() -> None:
    async with FaultyAuthService() as service, both_views(service.url) as views:
        for sent, lacking in NOBODY.values():
            service.answer("/auth/login", json_reply(200, session(EMAIL, user=sent)))
            await assert_no_session(views, log_in, lacking)
            service.answer("/auth/register", json_reply(201, {"user": sent}))
            await assert_no_session(views, register, lacking)
        service.heal()
        assert (await views.operator.log_in()).json["user"]["id"].strip()


async def test_a_refresh_that_names_nobody_is_no_session_either() -> None:
    async with FaultyAuthService() as service, both_views(service.url) as views:
        for name in ("an empty id", "a blank id", "a list for an id", "a number for an e-mail"):
            sent, lacking = NOBODY[name]
            service.answer("/auth/refresh", json_reply(200, session(EMAIL, user=sent)))
            await assert_no_session(views, refresh, lacking)


async def test_a_token_of_nobody_is_not_vouched_for() -> None:
    known = {"valid": True, "user_id": "user-1", "email": EMAIL, "expires_at": "2099-01-01T00:00:00Z"}
    async with FaultyAuthService() as service, both_views(service.url) as views:
        for changes, lacking in TOKENS_OF_NOBODY:
            service.answer("/auth/validate", json_reply(200, {**known, **changes}))
            await assert_no_session(views, who_am_i, lacking)


async def test_a_session_without_its_tokens_is_none() -> None:
    async with FaultyAuthService() as service, both_views(service.url) as views:
        for changes, lacking in SESSIONS_OF_NOTHING:
            service.answer("/auth/login", json_reply(200, session(EMAIL, **changes)))
            await assert_no_session(views, log_in, lacking)
