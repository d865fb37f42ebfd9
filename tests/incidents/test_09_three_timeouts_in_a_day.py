"""A timeout was set to 0.5, then 1.5, then 0.3 seconds within a day: each time by what a warm service took just then.

It must never take three guesses: one deadline holds for the whole, settings that cannot fit are refused at the start,
and what the number has to be is measured, said with where the time goes, and named.
"""

import asyncio
import re
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import pytest

from netra.core.findings import Severity
from netra.lab import scripts
from netra.lab.connection import Connection, Delivery, Script
from netra.lab.healthy import healthy_message
from netra.settings.read import read
from tests.incidents.operators import errors, refused_start, told
from tests.support.gateways import SECRET, SERVICE_ID
from tests.support.programs import attempt
from tests.web.consoles import BEARER, TOKEN, Operated, operated

GUESSES_S: Final = ("0.5", "1.5", "0.3")
"""The numbers of that day."""
BUDGET_S: Final = 0.6
SLACK_S: Final = 2.0
"""For a busy machine: without a deadline for the whole it would take far longer, or for ever."""
TIGHT_S: Final = 3.0
SLOW_S: Final = 2.65
"""Near that budget, with room for a busy machine."""
ENOUGH: Final = re.compile(r"NETRA_LOGIN_BUDGET_S=([0-9.]+)")
LOGINS_COUNT: Final = 25
STEPS: Final[dict[str, Script]] = {
    "it never answers": scripts.silence(),
    "it answers drop by drop": scripts.drip_head(),
    "its body never ends": scripts.drip_body(),
    "it is down for a while": scripts.json_reply(503, {"detail": "soon"}, [("Retry-After", "1")]),
    "its proxy gives up": scripts.html(502, "<h1>Bad Gateway</h1>"),
}


def slow(wait_s: float) -> Script:
    """A healthy answer that takes its time."""

    async def script(connection: Connection, delivery: Delivery) -> None:
        await asyncio.sleep(wait_s)
        answer = healthy_message(delivery, idempotency=True)
        assert answer is not None
        await connection.send(answer)

    return script


@asynccontextmanager
async def in_use(login_s: float, budget_s: float, **environ: str) -> AsyncIterator[Operated]:
    """A gateway with such a budget, after many logins that took so long."""
    limits = {"NETRA_LOGIN_BUDGET_S": f"{budget_s:g}", "NETRA_CONNECT_TIMEOUT_S": "0.5"}
    async with operated(TOKEN, **limits, **environ) as gateway:
        gateway.lab.answer("/auth/login", slow(login_s))
        answers = await asyncio.gather(*(gateway.log_in() for _ in range(LOGINS_COUNT)))
        assert {each.status for each in answers} == {200}
        yield gateway


@pytest.mark.parametrize("how", STEPS)
async def test_however_many_tries_and_waits_there_are_one_deadline_holds_for_all_of_them(how: str) -> None:
    limits = {"NETRA_LOGIN_BUDGET_S": f"{BUDGET_S}", "NETRA_CONNECT_TIMEOUT_S": "0.1", "NETRA_TRIES": "3"}
    async with operated(**limits) as gateway:
        gateway.lab.answer("/auth/login", STEPS[how])
        began_s = time.monotonic()
        answer = await gateway.log_in()
        took_s = time.monotonic() - began_s
    assert answer.status in {502, 503, 504}
    assert took_s < BUDGET_S + SLACK_S, "tries, waits and reading have deadlines of their own"


def test_a_try_to_connect_that_is_longer_than_the_whole_is_refused_at_the_start_with_both_numbers() -> None:
    (line,) = refused_start(told(NETRA_LOGIN_BUDGET_S="0.3", NETRA_TOKEN_BUDGET_S="2"))
    assert "NETRA_CONNECT_TIMEOUT_S" in line
    assert "is 1 s, not less than the 0.3 s of NETRA_LOGIN_BUDGET_S" in line
    assert "Set NETRA_CONNECT_TIMEOUT_S below 0.3, or raise NETRA_LOGIN_BUDGET_S" in line


@pytest.mark.parametrize("guess_s", GUESSES_S)
def test_each_of_the_days_guesses_is_checked_against_the_other_budgets(guess_s: str) -> None:
    found = errors(told(NETRA_LOGIN_BUDGET_S=guess_s, NETRA_CONNECT_TIMEOUT_S="1.5"))
    assert {each.code for each in found} == {"budget_connect"}
    assert not errors(told(NETRA_LOGIN_BUDGET_S=guess_s, NETRA_CONNECT_TIMEOUT_S="0.1"))


def test_tries_that_cannot_all_be_made_within_the_whole_are_told_at_the_start() -> None:
    environ = told(NETRA_LOGIN_BUDGET_S="1.5", NETRA_CONNECT_TIMEOUT_S="1", NETRA_TRIES="3")
    (found,) = (each for each in read(environ).findings if each.code == "budget_tries")
    assert found.severity is Severity.WARNING
    assert "3 tries of 1 s to connect are 3 s, more than the 1.5 s of NETRA_LOGIN_BUDGET_S" in found.what


def number_in(text: str) -> float:
    """The number of seconds that is named as enough."""
    found = ENOUGH.search(text)
    assert found is not None, text
    return float(found[1].rstrip("."))


async def test_before_logins_fail_the_console_names_the_number_and_where_the_time_goes() -> None:
    async with in_use(SLOW_S, TIGHT_S) as gateway:
        state = await gateway.state(BEARER)
    (latency,) = state["latency"]
    assert 0.8 <= latency["ratio"] <= 1
    assert latency["attempts"] == LOGINS_COUNT
    assert latency["budget_ms"] == 1e3 * TIGHT_S
    assert next(iter(latency["parts"])) == "wait"
    headline = state["headline"]
    assert (headline["state"], headline["code"], headline["hop"]) == ("warning", "budget_nearly_used", "auth_service")
    assert headline["text"].startswith("NETRA_LOGIN_BUDGET_S is 3 s and ")
    assert "budget_nearly_used" in {each["code"] for each in state["findings"]}
    # What was named is set: there is nothing left to say, and no third guess.
    enough_s = number_in(headline["first"])
    assert 2 * SLOW_S * 0.9 <= enough_s <= 2.5 * TIGHT_S
    async with in_use(SLOW_S, enough_s) as gateway:
        state = await gateway.state(BEARER)
    assert state["latency"][0]["advice"] is None
    assert state["headline"]["state"] == "ok"


async def test_the_doctor_says_the_same_of_a_gateway_in_use_and_of_itself_only_what_it_has_seen() -> None:
    async with in_use(SLOW_S, TIGHT_S) as gateway:
        environ = {
            "ENVIRONMENT": "test", "AUTH_SERVICE_URL": gateway.lab.url, "SERVICE_ID": SERVICE_ID,
            "SERVICE_SECRET": SECRET, "NETRA_ADMIN_TOKEN": TOKEN, "NETRA_LOGIN_BUDGET_S": f"{TIGHT_S}",
            "NETRA_CONNECT_TIMEOUT_S": "0.5",
        }  # fmt: skip
        asked = await asyncio.to_thread(attempt, "doctor", "--admin", gateway.admin, told=environ)
        alone = await asyncio.to_thread(attempt, "doctor", told=environ)
    assert (asked.returncode, asked.stderr) == (0, "")
    assert "! login" in asked.stdout
    last = asked.stdout.splitlines()[-1]
    assert "NETRA_LOGIN_BUDGET_S is 3 s and " in last
    assert f"({LOGINS_COUNT} logins in 15 minutes)" in last
    assert number_in(last) > 1.5 * TIGHT_S
    assert "! probes" in alone.stdout
    assert "questions of this diagnosis" in alone.stdout.splitlines()[-1]


async def test_what_is_quick_because_it_is_warm_lowers_no_budget_below_what_a_cold_start_takes() -> None:
    async with operated() as gateway:
        await asyncio.gather(*(gateway.log_in() for _ in range(LOGINS_COUNT)))
        state = await gateway.state()
    (latency,) = state["latency"]
    assert latency["advice"] is None, "a few warm logins are no reason for anything"
    assert "p99 is" in latency["text"]
    assert "% of the budget" in latency["text"]
