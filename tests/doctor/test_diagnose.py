"""The walk as a whole: its order, its end at the first broken hop, its bound in time, and that it harms nobody."""

import asyncio
import threading
import time
from pathlib import Path
from typing import Final

import pytest

from netra.core.findings import Severity
from netra.core.secret import Secret
from netra.doctor import AuthServiceDebugger
from netra.doctor.configuration import configuration
from netra.doctor.diagnosis import Check, Diagnosis, Hop, State
from netra.doctor.report.text import as_lines
from netra.embed import Accepted, open_gate
from netra.lab.faulty_auth_service import FaultyAuthService
from netra.lab.scripts import silence
from netra.link.resolver import Address
from netra.settings.field import fingerprint
from netra.testing.authds import AuthdBeside
from tests.doctor.visits import OTHER_SECRET, SECRET
from tests.support.places import silent_port

ALWAYS: Final[list[Hop]] = [each for each in Hop if each not in (Hop.ORIGIN, Hop.LOGIN)]
LONGEST_S: Final = 8.0
SLACK_S: Final = 3.0
"""For a busy machine."""


def told(url: str, **variables: str) -> dict[str, str]:
    """What an environment holds."""
    named = {"AUTH_SERVICE_URL": url, "SERVICE_ID": "backend-under-test", "SERVICE_SECRET": SECRET}
    return {"ENVIRONMENT": "test", **named, **variables}


def hops(diagnosis: Diagnosis) -> list[Hop]:
    """The hops that were spoken of, in order."""
    return list(dict.fromkeys(each.hop for each in diagnosis.checks))


def states(diagnosis: Diagnosis, *some: Hop) -> set[State]:
    """How the checks of some hops came out."""
    return {each.state for each in diagnosis.checks if each.hop in some}


async def test_a_healthy_auth_service_passes_at_every_hop_in_the_order_of_a_logins_way(
    netra_authd: AuthdBeside,
) -> None:
    diagnosis = await AuthServiceDebugger(told(netra_authd.url, **netra_authd.variables)).run()
    assert hops(diagnosis) == ALWAYS
    assert {each.name for each in diagnosis.checks if each.state is not State.PASS} == {"certificate"}
    assert diagnosis.ok
    assert diagnosis.first is None
    assert set(diagnosis.hop_s) == set(ALWAYS)


async def test_what_lies_behind_the_first_broken_hop_is_not_looked_at_and_no_problem() -> None:
    diagnosis = await AuthServiceDebugger(told("http://auth.invalid", NETRA_PLAINTEXT_HOSTS="auth.invalid")).run()
    assert hops(diagnosis) == ALWAYS
    assert states(diagnosis, Hop.CONFIGURATION) == {State.PASS}
    assert states(diagnosis, Hop.DNS) == {State.FAIL}
    behind = [each for each in diagnosis.checks if ALWAYS.index(each.hop) > ALWAYS.index(Hop.DNS)]
    assert {(each.state, each.what) for each in behind} == {(State.SKIP, "not looked at: dns is broken")}
    assert [each.code for each in diagnosis.findings if each.severity is not Severity.NOTE] == ["dns_error"]


async def test_a_diagnosis_whose_time_is_over_before_it_has_seen_all_never_says_that_all_is_well() -> None:
    async with FaultyAuthService(secret=SECRET) as lab:
        diagnosis = await AuthServiceDebugger(told(lab.url), timeout_s=1e-9).run()
        assert lab.journal == []
    assert not diagnosis.ok
    assert diagnosis.first is not None
    assert diagnosis.first.subject == Hop.DNS
    assert states(diagnosis, *ALWAYS[2:]) == {State.SKIP}


@pytest.mark.parametrize("timeout_s", [0.0, -1.0, float("nan")])
def test_a_time_that_is_none_is_refused(timeout_s: float) -> None:
    with pytest.raises(ValueError, match="timeout_s"):
        AuthServiceDebugger({}, timeout_s=timeout_s)


async def test_nobody_is_asked_when_the_configuration_is_broken() -> None:
    async with FaultyAuthService() as lab:
        diagnosis = await AuthServiceDebugger(told(lab.url, SERVICE_ID="$(whoami)")).run()
        assert lab.connections_count == 0
    assert diagnosis.first is not None
    assert (diagnosis.first.code, diagnosis.first.subject) == ("shell_text", "SERVICE_ID")
    assert states(diagnosis, *ALWAYS[1:]) == {State.SKIP}


async def test_nobody_is_asked_when_the_auth_service_is_switched_off() -> None:
    async with FaultyAuthService() as lab:
        diagnosis = await AuthServiceDebugger(told(lab.url, AUTH_SERVICE_ENABLED="false")).run()
        assert lab.connections_count == 0
    assert diagnosis.first is not None
    assert diagnosis.first.code == "auth_service_disabled"
    assert "AUTH_SERVICE_ENABLED" in diagnosis.first.fix


async def test_the_origin_is_looked_at_also_when_the_network_is_broken() -> None:
    environ = told("http://auth.invalid", NETRA_PLAINTEXT_HOSTS="auth.invalid", NETRA_CORS_ORIGINS="https://a.test")
    diagnosis = await AuthServiceDebugger(environ).run(origin="https://a.test")
    assert states(diagnosis, Hop.ORIGIN) == {State.PASS}


async def test_a_diagnosis_ends_in_its_time_however_slow_everything_is() -> None:
    started_s = time.monotonic()
    with silent_port() as port:
        debugger = AuthServiceDebugger(told(f"http://127.0.0.1:{port}", NETRA_TOKEN_BUDGET_S="60"), timeout_s=0.5)
        diagnosis = await debugger.run()
    assert time.monotonic() - started_s < 0.5 + SLACK_S
    assert diagnosis.first is not None
    assert (diagnosis.first.code, diagnosis.first.subject) == ("response_timeout", Hop.HTTP)


async def test_a_resolver_that_hangs_costs_no_more_than_the_time_there_is() -> None:
    def hangs(host: str, port: int, family: int) -> list[Address]:
        asked.wait(LONGEST_S)
        return []

    asked = threading.Event()
    budgets = dict.fromkeys(("NETRA_LOGIN_BUDGET_S", "NETRA_TOKEN_BUDGET_S"), "20")
    named = told("http://auth.test", NETRA_PLAINTEXT_HOSTS="auth.test")
    environ = {**named, **budgets, "NETRA_CONNECT_TIMEOUT_S": f"{LONGEST_S:g}"}
    started_s = time.monotonic()
    diagnosis = await AuthServiceDebugger(environ, timeout_s=0.5, look_up=hangs).run()
    assert time.monotonic() - started_s < 0.5 + SLACK_S
    asked.set()
    assert diagnosis.first is not None
    assert (diagnosis.first.code, diagnosis.first.subject) == ("dns_timeout", Hop.DNS)


async def test_hops_for_which_no_time_is_left_are_not_looked_at() -> None:
    async with FaultyAuthService(secret=SECRET) as lab:
        lab.answer("/auth/handshake", silence())
        diagnosis = await AuthServiceDebugger(told(lab.url, NETRA_TOKEN_BUDGET_S="60"), timeout_s=0.6).run()
    assert states(diagnosis, Hop.SERVICE_CREDENTIALS) == {State.FAIL}
    late = [each.what for each in diagnosis.checks if each.hop in (Hop.CONTRACT, Hop.KEYS)]
    assert set(late) == {"not looked at: the 0.6 s of this diagnosis were over"}


async def test_a_hop_that_asks_somebody_else_has_no_more_time_than_there_is() -> None:
    async with FaultyAuthService(secret=SECRET) as lab:
        with silent_port() as port:
            issuer = {"OIDC_ISSUER": f"http://127.0.0.1:{port}", "NETRA_PLAINTEXT_HOSTS": "127.0.0.1"}
            started_s = time.monotonic()
            diagnosis = await AuthServiceDebugger(
                told(lab.url, **issuer, NETRA_TOKEN_AUDIENCE="shop"), timeout_s=1
            ).run()
    assert time.monotonic() - started_s < 1 + SLACK_S
    assert diagnosis.first is not None
    assert (diagnosis.first.code, diagnosis.first.subject) == ("response_timeout", Hop.KEYS)


async def test_a_bug_in_a_hop_is_what_the_diagnosis_says_of_it() -> None:
    def breaks(host: str, port: int, family: int) -> list[Address]:
        raise LookupError("hunter2 must not be told")

    environ = told("http://auth.test", NETRA_PLAINTEXT_HOSTS="auth.test")
    diagnosis = await AuthServiceDebugger(environ, look_up=breaks).run()
    (check,) = [each for each in diagnosis.checks if each.hop is Hop.DNS]
    assert (check.state, check.findings[0].code) == (State.FAIL, "internal_error")
    assert "LookupError" in check.what
    assert "hunter2" not in repr(diagnosis)


async def test_each_check_is_told_as_it_ends_and_each_hop_as_it_begins() -> None:
    heard: list[Check] = []
    begun: list[Hop] = []
    async with FaultyAuthService(secret=SECRET) as lab:
        diagnosis = await AuthServiceDebugger(told(lab.url)).run(heard.append, began=begun.append)
    assert tuple(heard) == diagnosis.checks
    assert begun == ALWAYS[1:]


async def test_all_its_questions_have_one_id_by_which_they_are_found_on_the_other_side() -> None:
    async with FaultyAuthService(secret=SECRET) as lab:
        debugger = AuthServiceDebugger(told(lab.url))
        first, second = await debugger.run(), await debugger.run()
        assert {each.header("X-Request-ID") for each in lab.journal} == {first.request_id, second.request_id}
    assert (first.request_id or "").startswith("doctor-")
    assert first.request_id != second.request_id
    assert f" as {first.request_id}." in "\n".join(line.text for line in as_lines(first))
    nobody = await AuthServiceDebugger(told("http://auth.invalid", NETRA_PLAINTEXT_HOSTS="auth.invalid")).run()
    assert nobody.request_id is None


async def test_the_checks_can_be_taken_one_by_one_and_left_in_the_middle() -> None:
    async with FaultyAuthService(secret=SECRET) as lab:
        checks = AuthServiceDebugger(told(lab.url)).checks()
        async for check in checks:
            if check.hop is Hop.HTTP:
                break
        await checks.aclose()
        assert check.state is State.PASS
        assert {each.path for each in lab.journal} == {"/health"}
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_a_running_gateway_is_diagnosed_by_the_settings_that_it_has() -> None:
    async with FaultyAuthService(secret=SECRET) as lab:
        found = configuration(told(lab.url))
        assert found.settings is not None
        debugger = AuthServiceDebugger.of(found.settings, found.effective, found.findings)
        diagnosis = await debugger.run()
    assert diagnosis.ok
    assert diagnosis.settings == found.effective
    assert hops(diagnosis) == ALWAYS


async def test_a_running_gateway_is_diagnosed_with_the_secret_that_its_file_holds_by_now(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.write_text(SECRET, encoding="utf-8")
    async with FaultyAuthService(secret=OTHER_SECRET) as lab:
        environ = {**told(lab.url), "SERVICE_SECRET_FILE": str(path)}
        del environ["SERVICE_SECRET"]
        found = configuration(environ)
        assert found.settings is not None
        debugger = AuthServiceDebugger.of(found.settings, found.effective, found.findings)
        before = await debugger.run()
        path.write_text(OTHER_SECRET, encoding="utf-8")
        after = await debugger.run()
    assert before.first is not None
    assert (before.first.code, after.first) == ("service_credentials_rejected", None)
    told_of = [{each.variable: each.fingerprint for each in one.settings}["SERVICE_SECRET"] for one in (before, after)]
    assert told_of == [fingerprint(Secret(SECRET)), fingerprint(Secret(OTHER_SECRET))]


async def test_a_diagnosis_that_fails_harms_no_login_of_a_gateway_beside_it() -> None:
    async with FaultyAuthService(secret=SECRET) as lab:
        environ = told(lab.url, NETRA_TOKEN_BUDGET_S="1.5", NETRA_PROBE_INTERVAL_S="60", NETRA_BREAKER_OPEN_S="60")
        async with open_gate(environ) as gate:
            for route in ("/health", "/auth/handshake"):
                lab.answer(route, silence())
            debuggers = [AuthServiceDebugger(environ, timeout_s=2).run() for _ in range(8)]
            diagnoses = asyncio.gather(*debuggers)
            while not lab.delivered("/health")[8:]:
                await asyncio.sleep(0.01)
            outcomes = [await gate.log_in("ada@example.test", "open-sesame") for _ in range(20)]
            assert not diagnoses.done(), "logins wait for no diagnosis"
            await diagnoses
            outcomes.append(await gate.log_in("ada@example.test", "open-sesame"))
    assert all(isinstance(each, Accepted) for each in outcomes)
    assert {each.first.code for each in diagnoses.result() if each.first} == {"response_timeout"}


async def test_it_explains_itself_in_words_that_end_with_the_cause() -> None:
    async with FaultyAuthService(secret="another-secret-that-is-long-enough") as lab:
        words = await AuthServiceDebugger(told(lab.url)).explain()
    last = words.splitlines()[-1]
    assert last.startswith("First: service_credentials: ")
    assert "[service_credentials_rejected]" in last
    assert SECRET not in words
