"""The hop of time budgets: by what a gateway in use has measured, else by the questions of the diagnosis itself.

It must never be stopped by a gateway that cannot be asked, nor believe whatever answers in its place.
"""

import asyncio
import json
import subprocess
from typing import Any, Final

import pytest

from netra.core.findings import Finding, Severity
from netra.doctor import AuthServiceDebugger
from netra.doctor.diagnosis import Diagnosis, Hop, Measured, State
from netra.doctor.report.documents import measured_of
from netra.lab.connection import Connection, Delivery
from netra.lab.faulty_auth_service import FaultyAuthService
from netra.lab.healthy import healthy_message
from netra.lab.scripts import html, json_reply, problem
from tests.doctor.visits import SECRET
from tests.support.places import free_port
from tests.support.programs import attempt

ADVICE: Final = Finding(Severity.WARNING, "budget_nearly_used", "NETRA_LOGIN_BUDGET_S", "is used up", "why", "fix")
TOLD: Final = {
    "what": "token check", "text": "p99 is 90 % of the budget", "advice": {
        "severity": "warning", "code": "budget_nearly_used", "subject": "NETRA_TOKEN_BUDGET_S", "what": "is used up",
        "why": "why", "fix": "fix",
    },
}  # fmt: skip


def told(url: str, **variables: str) -> dict[str, str]:
    """What an environment holds."""
    named = {"AUTH_SERVICE_URL": url, "SERVICE_ID": "backend-under-test", "SERVICE_SECRET": SECRET}
    return {"ENVIRONMENT": "test", **named, **variables}


async def diagnosed(*measured: Measured, **variables: str) -> Diagnosis:
    """The diagnosis of a healthy auth service, with what a gateway has measured."""
    async with FaultyAuthService(secret=SECRET) as lab:
        return await AuthServiceDebugger(told(lab.url, **variables), measured=lambda: measured).run()


def budgets(diagnosis: Diagnosis) -> list[tuple[str, State]]:
    """The checks of the hop."""
    return [(each.name, each.state) for each in diagnosis.checks if each.hop is Hop.BUDGET]


async def test_without_a_gateway_in_use_it_says_how_many_questions_it_speaks_of() -> None:
    diagnosis = await diagnosed()
    assert budgets(diagnosis) == [("probes", State.PASS)]
    (check,) = (each for each in diagnosis.checks if each.hop is Hop.BUDGET)
    assert check.what.startswith("the slowest of 10 questions of this diagnosis took ")
    assert "netra doctor --admin" in check.what


async def test_what_a_gateway_has_measured_takes_the_place_of_that() -> None:
    diagnosis = await diagnosed(Measured("login", "p99 is 90 %", ADVICE), Measured("token_check", "p99 is 3 %"))
    assert budgets(diagnosis) == [("login", State.WARN), ("token_check", State.PASS)]
    assert diagnosis.ok
    assert diagnosis.first == ADVICE


async def test_a_shorter_budget_that_would_do_is_no_doubt() -> None:
    diagnosis = await diagnosed(Measured("login", "p99 is 1 %", ADVICE._replace(severity=Severity.NOTE)))
    assert budgets(diagnosis) == [("login", State.PASS)]
    assert "budget_nearly_used" in {each.code for each in diagnosis.findings}


async def test_a_question_that_takes_nearly_all_of_its_time_is_a_doubt() -> None:
    async def slow(connection: Connection, delivery: Delivery) -> None:
        await asyncio.sleep(1.75)
        await connection.send(healthy_message(delivery, idempotency=True) or b"")

    async with FaultyAuthService(secret=SECRET) as lab:
        lab.answer("/auth/logout", slow)
        diagnosis = await AuthServiceDebugger(told(lab.url)).run()
    assert budgets(diagnosis) == [("probes", State.WARN)]
    assert diagnosis.first is not None
    assert diagnosis.first.what.startswith("POST /auth/logout took 1.")
    assert "of the 2 s of NETRA_TOKEN_BUDGET_S" in diagnosis.first.what


async def test_behind_a_broken_door_nothing_is_said_of_budgets() -> None:
    diagnosis = await AuthServiceDebugger(
        told(f"http://127.0.0.1:{free_port()}"), measured=lambda: [Measured("login", "p99 is 90 %", ADVICE)]
    ).run()
    assert budgets(diagnosis) == [("hop", State.SKIP)]
    assert diagnosis.first is not None
    assert diagnosis.first.code == "connection_refused"


def test_a_state_of_a_gateway_is_read_back() -> None:
    (measured,) = measured_of(json.dumps({"latency": [TOLD]}).encode()) or ()
    assert (measured.name, measured.text) == ("token_check", TOLD["text"])
    assert measured.finding == ADVICE._replace(subject="NETRA_TOKEN_BUDGET_S")


@pytest.mark.parametrize(
    "document",
    [
        [], {}, {"latency": None}, {"latency": {}}, {"latency": [None]}, {"latency": [{}]},
        {"latency": [TOLD | {"text": "two\nlines"}]}, {"latency": [TOLD | {"text": "\x1b[31mred"}]},
        {"latency": [TOLD | {"text": "x" * 10_000}]}, {"latency": [TOLD | {"text": 7}]},
        {"latency": [TOLD | {"advice": {"severity": "fatal"}}]}, {"latency": [TOLD | {"what": ["login"]}]},
    ],
)  # fmt: skip
def test_what_is_no_state_of_a_gateway_is_not_believed(document: Any) -> None:
    assert measured_of(json.dumps(document).encode()) is None


def test_nor_is_what_is_no_json() -> None:
    assert measured_of(b"<h1>hello</h1>") is None
    assert measured_of(b"[" * 100_000) is None


ANSWERS: Final = {
    "it wants a token": (problem(401, "token_missing"), "answers 401"),
    "it is something else": (html(200, "<h1>hello</h1>"), "tells no state of a gateway"),
    "it is an older one": (json_reply(200, {"version": 1}), "tells no state of a gateway"),
    "it has no console": (problem(404, "not_found"), "tells no state of a gateway"),
}


@pytest.mark.parametrize("how", ANSWERS)
async def test_a_gateway_that_cannot_be_asked_is_told_and_the_diagnosis_goes_on(how: str) -> None:
    script, words = ANSWERS[how]
    async with FaultyAuthService(secret=SECRET) as lab, FaultyAuthService() as admin:
        admin.answer("/console/state", script)
        done = await doctor("--admin", admin.url, url=lab.url)
    assert done.returncode == 0, done.stderr
    assert "[gateway_not_asked]" in done.stdout.splitlines()[-1]
    assert words in done.stdout


async def test_so_is_one_that_nobody_serves() -> None:
    async with FaultyAuthService(secret=SECRET) as lab:
        done = await doctor("--admin", f"http://127.0.0.1:{free_port()}", url=lab.url)
    assert done.returncode == 0
    assert "(Connection refused)" in done.stdout


@pytest.mark.parametrize("arguments", [("--admin", "not an address"), ("--admin", "http://x.test", "--offline")])
async def test_nonsense_is_refused(arguments: tuple[str, ...]) -> None:
    done = await doctor(*arguments, url="http://127.0.0.1:1")
    assert done.returncode == 2
    assert "--admin" in done.stderr


async def doctor(*arguments: str, url: str) -> subprocess.CompletedProcess[str]:
    """`netra doctor` as a program, while this one plays the others."""
    return await asyncio.to_thread(attempt, "doctor", *arguments, told=told(url))
