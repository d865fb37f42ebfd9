"""The demo's fault control: every fault gives the answer that it promises, and mending heals at once.

It must never be satisfied by a promise alone: each row is tried with a real login.
"""

import os
import signal
import socket
import sys
from collections.abc import Iterator

import pytest

from netra.demo.faults import FAULTS, Fault, near
from tests.demo.support import Demo, ask, is_running, started, until

linux_only = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
BROKEN = [fault for fault in FAULTS if fault.name != "none"]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    with started(tmp_path_factory.mktemp("demo"), "--format", "json", "--login-budget", "3") as demo:
        yield demo


@pytest.fixture
def demo(running: Demo) -> Iterator[Demo]:
    yield running
    assert running.break_with("none").status == 200


@pytest.mark.parametrize("fault", BROKEN, ids=lambda fault: fault.name)
def test_a_fault_gives_the_promised_answer_and_mending_heals_at_once(demo: Demo, fault: Fault) -> None:
    assert demo.log_in().status == 200
    switched = demo.break_with(fault.name)
    broken = demo.log_in()
    demo.break_with("none")
    mended = demo.log_in()
    assert (switched.status, switched.body["a_right_login_gets"]) == (200, fault.promised)
    assert (broken.status, broken.body.get("code", "")) == (fault.status, fault.code)
    assert mended.status == 200


def test_a_circuit_that_a_fault_has_opened_is_closed_by_the_next_change(demo: Demo) -> None:
    demo.break_with("empty-reply")
    codes = [demo.log_in().body["code"] for _ in range(21)]
    assert codes[0] == "connection_terminated"
    assert codes[-1] == "destination_unavailable"
    demo.break_with("garbage")
    assert demo.log_in().body["code"] == "http_protocol_error"


def test_one_fault_after_another_needs_no_mending_between(demo: Demo) -> None:
    got = []
    for name in ("stopped", "frozen", "html-error", "wrong-service-secret", "stopped", "garbage"):
        assert demo.break_with(name).status == 200
        got.append(demo.log_in().body["code"])
    assert got == [
        "connection_refused",
        "response_timeout",
        "intermediary_error",
        "service_credentials_rejected",
        "connection_refused",
        "http_protocol_error",
    ]


def test_our_own_wrong_secret_is_logged_as_a_refusal_of_us_and_never_told_as_the_users(demo: Demo) -> None:
    demo.break_with("wrong-service-secret")
    answer = demo.log_in(request_id="with-the-wrong-secret")
    logged = demo.lines_of("with-the-wrong-secret")
    assert (answer.status, answer.body["owner"]) == (502, "us")
    assert [line["event"] for line in logged] == ["Login failed: Access forbidden"]


def test_a_stopped_auth_service_is_tried_three_times_and_the_log_says_so(demo: Demo) -> None:
    demo.break_with("stopped")
    answer = demo.log_in(request_id="while-stopped")
    logged = demo.lines_of("while-stopped")
    assert [each["code"] for each in answer.body["debug_info"]["attempts"]] == ["connection_refused"] * 3
    assert [line["event"] for line in logged] == ["All 3 login attempts failed"]


def test_an_error_page_of_a_proxy_is_known_for_what_it_is(demo: Demo) -> None:
    demo.break_with("html-error")
    assert demo.log_in().body["debug_info"]["answered_by"] == "nginx"


def test_the_faults_are_listed_with_the_active_one(demo: Demo) -> None:
    demo.break_with("frozen")
    listed = ask("GET", demo.up["fault"])
    assert listed.status == 200
    assert listed.body["active"] == "frozen"
    assert [row["name"] for row in listed.body["faults"]] == [fault.name for fault in FAULTS]
    assert all(row["what"] and row["a_right_login_gets"] for row in listed.body["faults"])


def test_an_unknown_fault_is_a_problem_that_names_the_near_ones(demo: Demo) -> None:
    answer = demo.break_with("stoped")
    assert (answer.status, answer.headers["content-type"]) == (404, "application/problem+json")
    assert answer.body["near"] == ["stopped"]
    assert answer.body["names"] == [fault.name for fault in FAULTS]
    assert "stoped" not in answer.text.replace("stopped", "")
    assert demo.log_in().status == 200


@pytest.mark.parametrize(
    ("meant", "name"),
    [("frozen", "freeze"), ("wrong-service-secret", "wrong_service_secret"), ("garbage", "GARBAGE")],
)
def test_a_fault_that_is_nearly_named_is_found(meant: str, name: str) -> None:
    assert near(name)[0] == meant


def test_nothing_is_near_to_nonsense() -> None:
    assert near("qqqqqqqq") == []


def test_a_page_of_another_site_cannot_break_anything(demo: Demo) -> None:
    refused = ask("POST", f"{demo.up['fault']}/stopped", headers={"Origin": "http://other.test"})
    assert refused.status == 403
    assert ask("GET", demo.up["fault"]).body["active"] == "none"
    assert demo.log_in().status == 200


def test_the_public_listener_knows_no_fault_control(demo: Demo) -> None:
    assert ask("POST", f"{demo.up['public']}/demo/fault/stopped").status == 404
    assert demo.log_in().status == 200


@linux_only
def test_an_auth_service_that_somebody_else_killed_is_shown_as_stopped_and_mended(demo: Demo) -> None:
    (child,) = demo.children()
    os.kill(child, signal.SIGKILL)
    until(lambda: not is_running(child))
    until(lambda: ask("GET", demo.up["fault"]).body["active"] == "stopped")
    assert ask("GET", demo.up["fault"]).body["active"] == "stopped"
    assert demo.break_with("none").status == 200
    assert demo.log_in().status == 200


@linux_only
def test_an_auth_service_that_somebody_else_froze_is_mended(demo: Demo) -> None:
    (child,) = demo.children()
    os.kill(child, signal.SIGSTOP)
    assert demo.break_with("none").status == 200
    assert demo.log_in().status == 200
    assert demo.children() == [child]


@linux_only
def test_a_stopped_auth_service_whose_port_somebody_took_is_told_as_a_problem(demo: Demo) -> None:
    port = int(demo.up["auth_service"].rpartition(":")[2])
    demo.break_with("stopped")
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind(("127.0.0.1", port))
        other.listen()
        answer = demo.break_with("none")
    assert (answer.status, answer.body["code"]) == (503, "auth_service_unavailable")
    assert "the port is taken" in answer.body["detail"]
    assert answer.headers["retry-after"] == "1"
    assert demo.break_with("none").status == 200
    assert demo.log_in().status == 200
