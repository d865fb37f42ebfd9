"""The tour: real answers held to what is promised, and told to people and to programs.

It must never pass because nothing was looked at: a promise that is not kept has to be seen.
"""

import asyncio
import json
import re
import signal
from pathlib import Path
from typing import Any

import pytest

from netra.demo.faults import BY_NAME
from netra.demo.tour import STEPS, Step, Told, broken_promises, run_tour
from tests.demo.support import PATIENCE_S, on_terminal, started

OPERATORS_BODY = {"code": "connection_refused", "original_error": "Connection refused", "suggestions": ["Start it."]}


def test_the_tour_shows_everything_once_as_json_and_exits_0(tmp_path: Path) -> None:
    with started(tmp_path, "--tour", "--format", "json", ports=()) as tour:
        assert tour.program.wait(PATIENCE_S) == 0, tour.out
        document = json.loads(tour.out)
        assert tour.err == ""
        assert not list(tour.folder.iterdir())
    assert document["as_promised"] is True
    rows = document["rows"]
    assert [(row["fault"], row["user"]["status"], row["user"]["code"], row["operator"]["code"]) for row in rows] == [
        ("none", 200, None, None),
        ("none", 401, "invalid_credentials", "invalid_credentials"),
        ("stopped", 503, "authentication_unavailable", "connection_refused"),
        ("frozen", 504, "authentication_unavailable", "response_timeout"),
        ("wrong-service-secret", 502, "authentication_unavailable", "service_credentials_rejected"),
        ("none", 200, None, None),
    ]
    assert [row["operator"]["log"]["event"] for row in rows] == [
        "Login succeeded",
        "Login rejected",
        "All 3 login attempts failed",
        "All 1 login attempts failed",
        "Login failed: Access forbidden",
        "Login succeeded",
    ]
    assert [row["user"]["deliveries"] for row in rows[:3]] == [1, 1, 0]
    assert not any(row["broken_promises"] for row in rows)
    assert all(row["operator"]["suggestions"] for row in rows[2:5])


def test_piped_the_tour_is_plain_text(tmp_path: Path) -> None:
    with started(tmp_path, "--tour", ports=()) as tour:
        assert tour.program.wait(PATIENCE_S) == 0, tour.out
        said = tour.out
    assert "\x1b" not in said
    assert re.search(r"Auth service stopped\n  user      503 authentication_unavailable\n", said)
    assert re.search(r"  operator  503 connection_refused\n", said)
    assert "log: Login failed: Access forbidden" in said
    assert "Every answer was as promised." in said
    assert "a login may take 2 s" in said


def test_on_a_terminal_the_tour_ends_in_a_table(tmp_path: Path) -> None:
    with on_terminal(tmp_path, "--tour", columns=120) as terminal:
        text = terminal.read()
        assert terminal.program.wait(PATIENCE_S) == 0
    assert "✓ Auth service frozen  504 response_timeout" in text
    assert "│ 503 authentication_unavailable" in text
    assert "│ 502 service_credentials_rejected" in text
    assert "Every answer was as promised." in text


def test_a_tour_that_is_broken_off_leaves_nothing_behind_and_does_not_claim_success(tmp_path: Path) -> None:
    with started(tmp_path, "--tour", ports=()) as tour:
        tour.said("Wrong password")
        assert tour.ended(signal.SIGINT) == 130
        assert tour.err == ""
        assert "Every answer" not in tour.out
        assert not list(tour.folder.iterdir())


def test_a_tour_that_sees_something_else_than_promised_exits_1(capfd: pytest.CaptureFixture[str]) -> None:
    wrong = STEPS[0]._replace(status=401, code="invalid_credentials", event="Login rejected")
    assert asyncio.run(run_tour(2.0, as_json=True, steps=[wrong])) == 1
    document = json.loads(capfd.readouterr().out)
    assert document["as_promised"] is False
    assert document["rows"][0]["broken_promises"][0] == "the user got 200, not 401"


def told(status: int, body: dict[str, Any], *, retry_after: str | None = "1", event: str = "", count: int = 0) -> Told:
    return Told(status, retry_after, json.dumps(body), 0.1, {"event": event}, count)


STOPPED = Step("Stopped", BY_NAME["stopped"], True, 503, "connection_refused", r"All \d login attempts failed", 0)
GOOD_USER = told(503, {"code": "authentication_unavailable"})
GOOD_OPERATOR = told(503, OPERATORS_BODY, event="All 3 login attempts failed")
INSIDES = ("127.0.0.1:8081", "connection_refused")


def test_a_promise_that_is_kept_is_not_reported() -> None:
    assert broken_promises(STOPPED, GOOD_USER, GOOD_OPERATOR, INSIDES) == []


@pytest.mark.parametrize(
    ("user", "operator", "what"),
    [
        (GOOD_USER._replace(status=500), GOOD_OPERATOR, "the user got 500, not 503"),
        (GOOD_USER, GOOD_OPERATOR._replace(status=502), "the operator got 502, not 503"),
        (told(503, {"code": "x"}), GOOD_OPERATOR, "the user's code is not authentication_unavailable"),
        (told(503, {}), GOOD_OPERATOR, "the user's code is not authentication_unavailable"),
        (GOOD_USER._replace(text="no JSON"), GOOD_OPERATOR, "the user's code is not authentication_unavailable"),
        (GOOD_USER, told(503, {**OPERATORS_BODY, "code": "x"}, event="All 3 login attempts failed"), "operator's code"),
        (GOOD_USER, GOOD_OPERATOR._replace(line={}), "the log says None"),
        (GOOD_USER, GOOD_OPERATOR._replace(line={"event": "Login failed"}), "the log says 'Login failed'"),
        (GOOD_USER._replace(deliveries=1), GOOD_OPERATOR, "was not asked 0 time(s) each"),
        (GOOD_USER._replace(retry_after=None), GOOD_OPERATOR, "Retry-After"),
        (told(503, {"code": "authentication_unavailable", "owner": "us"}), GOOD_OPERATOR, "the user was told owner"),
        (
            told(503, {"code": "authentication_unavailable", "detail": "127.0.0.1:8081"}),
            GOOD_OPERATOR,
            "the user was told where",
        ),
        (
            GOOD_USER,
            told(503, {**OPERATORS_BODY, "suggestions": []}, event="All 3 login attempts failed"),
            "the operator got no suggestion",
        ),
        (
            GOOD_USER,
            told(503, {**OPERATORS_BODY, "original_error": ""}, event="All 3 login attempts failed"),
            "the operator was not told what failed",
        ),
    ],
    ids=str,
)
def test_a_promise_that_is_not_kept_is_reported(user: Told, operator: Told, what: str) -> None:
    found = broken_promises(STOPPED, user, operator, INSIDES)
    assert len(found) >= 1
    assert any(what in each for each in found), found


def test_a_login_without_a_user_id_is_no_success() -> None:
    empty = told(200, {"user": {"id": ""}}, retry_after=None, event="Login succeeded", count=1)
    assert broken_promises(STEPS[0], empty, empty, ()) == ["a user's id is empty"]
