"""The logins as they are sent, what ends them, and the two files that come of them."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netra.core.secret import Secret
from netra.core.verdict.reply import Broken, Reply
from netra.core.verdict.wire import Call
from netra.doctor.learn.drafts import Constants, Ours, constants
from netra.doctor.learn.learnt import Learnt, learnt
from netra.doctor.learn.logins import Asked, Plan, Target, Three, most_requests, objections, three_logins
from netra.doctor.learn.stops import Stopped
from netra.testing.fakes import ScriptedExchange
from netra.wires.load import load
from netra.wires.replay import replay, saved_replies
from tests.core.support import quick
from tests.doctor.learning import GUESSED, IDENTIFIER, NOBODY, NOW, PASSWORD, SENT, answered, jwt, plan

GOOD = answered(200, {"access_token": jwt(sub="u-1"), "token_type": "bearer", "hello": "Ada Byron"})
WRONG = answered(401, {"detail": "Incorrect username or password"})
DAY = "2027-01-15"
GIVEN = plan(form="json", identifier_field="email")


async def asked(made: Plan, *replies: Reply | Broken) -> tuple[Three | Stopped, list[Call[Any]]]:
    """What comes of these replies, and the calls that were sent; one too many is a failure."""
    exchange, told = ScriptedExchange(*replies), list[Asked]()
    result = await three_logins(made, exchange, told.append)
    assert [each.got for each in told] == list(replies[: len(told)])
    assert len(told) == len(exchange.asked) == len(replies)
    return result, [each.call for each in exchange.asked]


def _unheard(asked: Asked) -> None:
    """For those who need not hear of each request."""


async def files(made: Plan, *replies: Reply) -> Learnt:
    """The two files that come of these replies."""
    three, _ = await asked(made, *replies)
    assert isinstance(three, Three), three
    result = learnt(made, three, DAY)
    assert isinstance(result, Learnt), result
    return result


def stopped(result: object) -> str:
    """Why nothing was learnt; nothing that was sent is in it."""
    assert isinstance(result, Stopped)
    text = "\n".join(result.lines)
    assert not any(each in text for each in SENT)
    return text


def body(call: Call[Any]) -> Any:
    """What a call carries."""
    assert call.body is not None
    return json.loads(call.body.reveal())


async def test_three_logins_are_sent_and_no_more() -> None:
    result, calls = await asked(GIVEN, GOOD, WRONG, WRONG)
    assert isinstance(result, Three)
    assert most_requests(GIVEN) == 3
    assert [body(call) for call in calls] == [
        {"email": IDENTIFIER, "password": PASSWORD},
        {"email": IDENTIFIER, "password": GUESSED},
        {"email": NOBODY, "password": GUESSED},
    ]
    assert {call.template.path for call in calls} == {"/sessions"}


async def test_what_is_not_understood_is_put_otherwise_and_stays_so() -> None:
    missing = answered(422, {"detail": [{"loc": ["body", "username"]}, {"loc": ["body", "password"]}]})
    result, calls = await asked(plan(), missing, GOOD, WRONG, WRONG)
    assert isinstance(result, Three)
    assert [call.template.body.content_type for call in calls if call.template.body] == [
        "application/json",
        *["application/x-www-form-urlencoded"] * 3,
    ]
    assert most_requests(plan()) == 6


async def test_guesses_come_to_an_end() -> None:
    lost = answered(400, {"message": "no"})
    result, calls = await asked(plan(), lost, lost, lost, lost)
    assert "json with email and password; json with username" in stopped(result)
    assert len(calls) == most_requests(plan()) - 2


async def test_the_files_of_a_good_service() -> None:
    result = await files(GIVEN, GOOD, WRONG, WRONG)
    lines = [line for line in result.wire.splitlines() if line and not line.startswith("#")]
    assert lines == [
        'name = "acme"',
        "[calls.login]",
        'method = "POST"',
        'path = "/sessions"',
        'json = { email = "{identifier}", password = "{password}" }',
        "tells_caller = true",
        "[[calls.login.replies]]",
        "status = [200]",
        'require = ["access_token"]',
        'accept = { access_token = "/access_token", token_type = "/token_type", user_id = "jwt:sub" }',
        "[[calls.login.replies]]",
        "status = [401]",
        'pointer = "/detail"',
        'value = "Incorrect username or password"',
        'code = "invalid_credentials"',
    ]
    assert not result.notes
    assert [each.fits for each in replay(load(result.wire, "w"), saved_replies(result.replies, "r"))] == [True] * 3
    for text in (*SENT, "Ada Byron"):
        assert text not in result.wire
        assert text not in result.replies


async def test_a_refusal_with_200_goes_before_the_row_that_accepts() -> None:
    wrong = answered(200, {"status": "WRONG_CREDENTIALS"})
    good = answered(200, {"status": "OK"}, {"x-auth-token": jwt(sub="u-1")})
    result = await files(GIVEN, good, wrong, wrong)
    assert result.wire.index("WRONG_CREDENTIALS") < result.wire.index("header:x-auth-token")


async def test_a_service_that_tells_who_has_an_account_is_told_of() -> None:
    result = await files(GIVEN, GOOD, WRONG, answered(404, {"detail": "No such user"}))
    assert len(result.notes) == 1
    assert "who has an account" in result.notes[0]
    assert f"# {result.notes[0]}" in result.wire.splitlines()
    assert result.wire.count("[[calls.login.replies]]") == 3


async def test_secrets_are_sent_and_are_gaps_in_the_file() -> None:
    secret = "k7Qz-" + "x" * 40
    found = constants([f"X-Api-Key={secret}"], ["client_id=acme-app", "grant_type=password"], Ours())
    assert isinstance(found, Constants)
    made = GIVEN._replace(constants=found)
    exchange = ScriptedExchange(GOOD, WRONG, WRONG)
    three = await three_logins(made, exchange, _unheard)
    seals = [each.seal for each in exchange.asked]
    assert [seal and (seal.headers, seal.members) for seal in seals] == [
        ((("X-Api-Key", secret),), (("client_id", "acme-app"),))
    ] * 3
    assert isinstance(three, Three)
    result = learnt(made, three, DAY)
    assert isinstance(result, Learnt)
    assert '[seal]\nX-Api-Key = "{service_secret}"\n\n[seal_fields]\nclient_id = "{service_id}"\n' in result.wire
    assert secret not in result.wire + result.replies
    assert "acme-app" not in result.wire + result.replies
    assert load(result.wire, "w").credentials == {"service_id", "service_secret"}


NO_LOGIN: list[tuple[str, Reply | Broken, str]] = [
    ("refused", answered(400, {"error": "invalid_grant"}), "is this the right password?"),
    ("refused without a code", answered(401, {"detail": "no"}), "Either the password is wrong"),
    ("refuses us", answered(401, {"error": "invalid_client"}), "--header or --member"),
    ("locked", answered(423, {"code": "account_locked"}), "account_locked"),
    ("limited", answered(429, {}), "auth_service_rate_limited"),
    ("redirected", Reply(302, {"location": "https://sso.example/"}, b"", NOW), "redirected"),
    ("another path", answered(404, {"detail": "Not Found"}), "Check the path of --login"),
    ("a page", Reply(200, {"content-type": "text/html"}, b"<html>", NOW), "A token in the body"),
    ("a session in a cookie", answered(200, {"ok": True}, {"set-cookie": "sid=1"}), "sets a cookie"),
    ("no token", answered(200, {"errors": [{"message": "x"}]}), "A token in the body"),
    ("down", answered(500, {"access_token": "0123456789abcdef"}), "auth_service_error"),
    ("no answer", Broken("connection_refused"), "connection_refused"),
    ("a certificate", Broken("tls_certificate_error"), "--ca-file"),
]


@pytest.mark.parametrize(("reply", "says"), [row[1:] for row in NO_LOGIN], ids=[row[0] for row in NO_LOGIN])
async def test_nothing_is_learnt_from_a_good_login_that_is_none(reply: Reply | Broken, says: str) -> None:
    result, calls = await asked(plan(), reply)
    assert says in stopped(result)
    assert len(calls) == 1


NO_REFUSAL: list[tuple[str, Reply | Broken, str]] = [
    ("let in", GOOD, "LET IN"),
    ("locked", answered(423, {"code": "account_locked"}), "account_locked"),
    ("too many", answered(429, {"code": "too_many_attempts"}), "too_many_attempts"),
    ("limited", answered(429, {"message": "slow down"}), "auth_service_rate_limited"),
    ("refuses us", answered(403, {"error": "invalid_client"}), "service_credentials_rejected"),
    ("empty", Reply(401, {}, b"", NOW), "with nothing"),
    ("text", Reply(400, {}, b"wrong password", NOW), "with no JSON object"),
    ("a wall", Reply(403, {"content-type": "text/html"}, b"<html>", NOW), "intermediary_rejected"),
    ("a proxy's JSON", answered(401, {"message": "Unauthorized"}), "intermediary_rejected"),
    ("a list", answered(401, ["no"]), "with no JSON object"),
    ("fields", answered(422, {"errors": [{"pointer": "/password", "code": "too_short"}]}), "invalid_fields"),
    ("redirected", Reply(302, {}, b"", NOW), "redirected"),
    ("down", answered(503, {"code": "invalid_credentials"}), "auth_service_unavailable"),
    ("another path", Reply(404, {}, b"", NOW), "with nothing"),
    ("gone", answered(410, {"code": "gone"}), "endpoint_not_found"),
    ("no answer", Broken("response_timeout"), "response_timeout"),
]  # fmt: skip


@pytest.mark.parametrize(("reply", "says"), [row[1:] for row in NO_REFUSAL], ids=[row[0] for row in NO_REFUSAL])
async def test_nothing_more_is_sent_after_a_refusal_that_is_none(reply: Reply | Broken, says: str) -> None:
    result, calls = await asked(GIVEN, GOOD, reply)
    assert says in stopped(result)
    assert len(calls) == 2
    result, calls = await asked(GIVEN, GOOD, WRONG, reply)
    assert says in stopped(result)
    assert len(calls) == 3


async def test_nothing_is_learnt_from_refusals_that_say_nothing() -> None:
    mute = answered(400, {"error": "Bad Request"})
    three, _ = await asked(GIVEN, GOOD, mute, mute)
    assert isinstance(three, Three)
    assert "say nothing that only a refusal of a user would say" in stopped(learnt(GIVEN, three, DAY))


async def test_a_401_that_says_nothing_is_read_only_while_we_are_known() -> None:
    result = await files(GIVEN, GOOD, answered(401, {}), answered(401, {}))
    assert "needs_standing = true" in result.wire
    (_, wrong, _) = replay(load(result.wire, "w"), saved_replies(result.replies, "r"))
    assert wrong.fits
    assert wrong.in_doubt != wrong.outcome


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"constants": Constants()}, None),
        ({"target": Target("http://127.0.0.1:9", "/a b")}, "[calls.login] path: would break the request"),
        ({"target": Target("http://127.0.0.1:9", "/a?apikey=s3cr3t")}, "[calls.login] path: looks like a secret"),
        ({"password_field": "email"}, "--member: email is said twice."),
    ],
)
def test_options_that_do_not_go_together_are_told_before_anything_is_sent(changes: Any, says: str | None) -> None:
    stop = objections(GIVEN._replace(**changes))
    assert (stop is None) == (says is None)
    assert says is None or stopped(stop).startswith(says)


def test_a_plan_prints_nothing_of_anybody() -> None:
    shown = repr(plan(constants=Constants(service_secret=Secret("k7Qz-secret"))))
    assert not any(each in shown for each in (*SENT, "k7Qz-secret"))


WORDS = st.sampled_from(
    ["no", "Wrong password", "bad_login", "Unauthorized", IDENTIFIER, PASSWORD, "x" * 300, "4711-0815"]
)
KEYS = st.sampled_from(["code", "error", "message", "detail", "status", "errors", "id", "a b"])
DOCUMENTS = st.dictionaries(
    KEYS, st.recursive(WORDS | st.integers() | st.none() | st.booleans(),
                       lambda inner: st.lists(inner, max_size=2) | st.dictionaries(KEYS, inner, max_size=3)), max_size=4
)  # fmt: skip
REFUSALS = st.builds(answered, st.sampled_from([200, 400, 401, 403, 404, 409, 422]), DOCUMENTS)


@quick
@given(REFUSALS, REFUSALS)
async def test_whatever_is_answered_what_is_written_is_checked_and_holds_nothing_that_was_sent(
    wrong: Reply, nobody: Reply
) -> None:
    three = await three_logins(GIVEN, ScriptedExchange(GOOD, wrong, nobody), _unheard)
    result = three if isinstance(three, Stopped) else learnt(GIVEN, three, DAY)
    if isinstance(result, Stopped):
        stopped(result)
        return
    assert all(each.fits for each in replay(load(result.wire, "w"), saved_replies(result.replies, "r")))
    assert not any(each in result.wire + result.replies for each in SENT)
