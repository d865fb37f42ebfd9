"""The demo's panel on the console: break something, log in beside it, and the console names that very cause.

It must never log in another way than users do.
"""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from netra.demo.faults import FAULTS, Fault
from tests.demo.support import Demo, Reply, ask, started

BROKEN = [fault for fault in FAULTS if fault.code]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    with started(tmp_path_factory.mktemp("demo"), "--format", "json", "--login-budget", "3") as demo:
        yield demo


@pytest.fixture
def demo(running: Demo) -> Iterator[Demo]:
    yield running
    assert running.break_with("none").status == 200


def admin(demo: Demo) -> str:
    """Where the admin listener answers."""
    return str(demo.up["fault"]).removesuffix("/demo/fault")


def log_in(demo: Demo, **changes: object) -> Reply:
    """Send the form beside the buttons, with what it suggests unless `changes` say otherwise."""
    suggested = ask("GET", demo.up["fault"]).body["login"]
    body = json.dumps({**suggested, **changes}).encode()
    return ask("POST", f"{admin(demo)}/demo/login", body, {"Content-Type": "application/json"})


def state(demo: Demo) -> Any:
    """What the console shows."""
    return ask("GET", f"{admin(demo)}/console/state").body


def test_the_console_has_the_panel_and_the_form_its_suggestion(demo: Demo) -> None:
    assert state(demo)["panels"] == ["demo"]
    suggested = ask("GET", demo.up["fault"]).body["login"]
    assert suggested == {"email": demo.up["email"], "password": demo.up["password"]}


def test_the_form_gets_what_a_user_gets(demo: Demo) -> None:
    answer = log_in(demo).body
    assert answer["status"] == 200
    assert answer["body"]["user"]["email"] == demo.up["email"]
    assert answer["elapsed_ms"] > 0
    assert demo.lines_of(answer["headers"]["X-Request-ID"])[0]["event"] == "Login succeeded"
    refused = log_in(demo, password="not-the-password").body
    assert (refused["status"], refused["body"]["code"]) == (401, "invalid_credentials")
    assert refused["headers"]["WWW-Authenticate"].startswith("Bearer")


def test_what_is_wrong_with_the_form_is_told_by_the_public_listener(demo: Demo) -> None:
    answer = log_in(demo, email=7, something="else").body
    assert (answer["status"], answer["body"]["code"]) == (422, "invalid_fields")
    headers = {"Content-Type": "application/json"}
    assert ask("POST", f"{admin(demo)}/demo/login", b"{", headers).status == 400
    assert ask("POST", f"{admin(demo)}/demo/login", b"{}").status == 415


@pytest.mark.parametrize("fault", BROKEN, ids=lambda fault: fault.name)
def test_each_fault_is_named_on_the_console_after_one_login_and_is_gone_when_mended(demo: Demo, fault: Fault) -> None:
    demo.break_with(fault.name)
    answer = log_in(demo).body
    headline = state(demo)["headline"]
    assert (answer["status"], answer["body"]["code"]) == (fault.status, fault.code)
    assert (headline["state"], headline["code"]) == ("failing", fault.code)
    assert headline["text"] == answer["body"]["detail"]
    broken = [each["code"] for each in state(demo)["stations"] if each["state"] == "failing"]
    assert broken == [fault.code]
    demo.break_with("none")
    mended = state(demo)["headline"]
    # Of twenty logins on, those that took all their time while it was frozen bring an advice on the budget.
    assert mended["state"] == "ok" or mended["code"] == "budget_nearly_used", mended
    assert log_in(demo).body["status"] == 200
