"""The report's `AuthServiceDebugger`, as operators and programs use it: real programs, real sockets.

What it asks for: whether the auth service can be reached, whether our credentials are known, what the environment says,
and a cause instead of a guess; and that none of it is ever in the way of a login.
"""

import asyncio
import json
import socket
import time
from collections.abc import Iterator, Mapping
from typing import Any, Final
from urllib.parse import urlsplit

import pytest

from netra.core.secret import Secret
from netra.embed import AuthServiceDebugger, Check
from netra.lab.faulty_auth_service import FaultyAuthService
from tests.incidents.operators import EMAIL, PASSWORD, AuthService
from tests.support.gateways import OTHER_SECRET, gateway
from tests.support.programs import PATIENCE_S, Gateway, attempt
from tests.support.wire import ask_now, message

HEALTHY_MS: Final = 2_000
"""For the whole diagnosis of what is well, by its own clock."""
DIAGNOSES_COUNT: Final = 5
LOGIN_S: Final = 2.0
"""For a login beside them on a busy machine; one that waited for a diagnosis would take all of its budget."""


@pytest.fixture(scope="module")
def service_of_file(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AuthService]:
    with AuthService(tmp_path_factory.mktemp("authd")) as service:
        yield service


@pytest.fixture
def service(service_of_file: AuthService) -> Iterator[AuthService]:
    """A real auth service; a test that stops it finds it running again afterwards."""
    yield service_of_file
    if not service_of_file.runs:
        service_of_file.start()


def answers(service: AuthService) -> bool:
    """What is true before anybody is asked about it: does it answer?"""
    place = urlsplit(service.url)
    try:
        with socket.create_connection((place.hostname or "", place.port or 0), timeout=1) as line:
            line.sendall(message("GET", "/health"))
            return bool(line.recv(1))
    except OSError:
        return False


def told(service: AuthService, **changes: str) -> dict[str, str]:
    """What operators set in front of it."""
    return {**service.known_to("test"), "AUTH_SERVICE_URL": service.url, **changes}


def doctor(environ: Mapping[str, str], *options: str, stdin: str = "") -> tuple[int, Any]:
    """`netra doctor` as a program: its exit code and its document. No word of a secret is in it."""
    done = attempt("doctor", "--format", "json", *options, told=environ, stdin=stdin)
    assert done.stderr == ""
    for secret in (environ.get("SERVICE_SECRET"), PASSWORD):
        assert secret is None or secret not in done.stdout
    return done.returncode, json.loads(done.stdout)


def test_what_is_well_is_found_well_in_under_two_seconds(service: AuthService) -> None:
    assert answers(service)
    code, document = doctor(told(service))
    assert (code, document["ok"], document["first"]) == (0, True, None)
    assert document["elapsed_ms"] < HEALTHY_MS
    hops = [each["hop"] for each in document["hops"]]
    assert hops == [
        "configuration", "dns", "tcp", "tls", "http", "service_credentials", "contract", "clock", "keys", "budget",
    ]  # fmt: skip


def test_a_login_can_be_tried_from_end_to_end_and_a_strangers_too(service: AuthService) -> None:
    assert answers(service)
    code, document = doctor(told(service), "--rejection-check", "--canary", EMAIL, stdin=f"{PASSWORD}\n")
    logins = {each["name"]: each["state"] for each in document["checks"] if each["hop"] == "login"}
    assert (code, document["first"]) == (0, None)
    assert logins["rejection"] == logins["canary"] == "pass"


def test_an_auth_service_that_is_down_is_named_with_what_to_do(service: AuthService) -> None:
    service.stop()
    assert not answers(service)
    code, document = doctor(told(service))
    first = document["first"]
    assert (code, first["code"]) == (1, "connection_refused")
    assert "running" in first["fix"]
    later = {each["hop"]: each["state"] for each in document["hops"]}
    assert later["tcp"] == "fail"
    assert {later[hop] for hop in ("http", "service_credentials", "contract")} == {"skip"}


def test_credentials_that_are_missing_or_wrong_are_named_and_nobody_is_blamed_for_them(service: AuthService) -> None:
    assert answers(service)
    without = {"ENVIRONMENT": "staging", "AUTH_SERVICE_URL": service.url}
    code, document = doctor(without)
    missing = [each["subject"] for each in document["findings"] if each["code"] == "missing"]
    assert (code, missing) == (1, ["SERVICE_ID", "SERVICE_SECRET"])
    code, document = doctor(told(service, SERVICE_SECRET=OTHER_SECRET))
    assert (code, document["first"]["code"]) == (1, "service_credentials_rejected")
    assert "SERVICE_SECRET" in document["first"]["fix"]


def test_a_process_that_is_stopped_takes_no_longer_than_there_is(service: AuthService) -> None:
    began_s = time.monotonic()
    with service.frozen():
        assert not answers(service)
        code, document = doctor(told(service), "--timeout", "3")
    assert (code, document["first"]["code"]) == (1, "response_timeout")
    assert document["elapsed_ms"] < 3_500
    assert time.monotonic() - began_s < 20


def test_the_settings_are_shown_with_where_they_come_from(service: AuthService) -> None:
    assert answers(service)
    _, document = doctor(told(service, NETRA_LOGIN_BUDGET_S="4"))
    shown = {each["variable"]: each for each in document["settings"]}
    assert (shown["NETRA_LOGIN_BUDGET_S"]["value"], shown["NETRA_LOGIN_BUDGET_S"]["origin"]) == (4, "environment")
    assert shown["NETRA_TRIES"]["origin"] == "default"
    assert len(shown["SERVICE_SECRET"]["fingerprint"]) == 8


async def test_a_program_asks_the_same_and_hears_of_each_check_as_it_ends(service: AuthService) -> None:
    heard: list[Check] = []
    debugger = AuthServiceDebugger(told(service))
    diagnosis = await debugger.run(heard.append, canary=(EMAIL, Secret(PASSWORD)))
    assert tuple(heard) == diagnosis.checks
    assert diagnosis.ok, diagnosis.first
    assert diagnosis.first is None
    assert PASSWORD not in str(diagnosis)
    assert [check async for check in debugger.checks()]


async def test_it_says_what_users_are_told_at_the_same_moment(service: AuthService) -> None:
    for changes in ({"SERVICE_SECRET": OTHER_SECRET}, {"AUTH_SERVICE_URL": f"{service.url}/aut"}):
        environ = told(service, **changes)
        async with gateway(**{"url": environ["AUTH_SERVICE_URL"], **environ}) as running:
            answer = await running.log_in(EMAIL, PASSWORD)
        first = (await AuthServiceDebugger(environ).run()).first
        assert first is not None
        assert first.code == answer.code
        assert first.what.rstrip(".")[:30] == answer.json["detail"][:30]


async def test_however_many_are_under_way_no_login_waits_or_fails_and_no_circuit_hears_of_them() -> None:
    async with FaultyAuthService() as service, gateway(service.url, NETRA_BREAKER="true") as running:
        for path in ("/auth/config", "/auth/revocations", "/auth/refresh", "/auth/register"):
            service.fault("response-timeout", path=path)
        environ = {
            "ENVIRONMENT": "test", "SERVICE_ID": "netra", "SERVICE_SECRET": OTHER_SECRET,
            "AUTH_SERVICE_URL": service.url, "NETRA_TOKEN_BUDGET_S": "2",
        }  # fmt: skip
        diagnoses = [asyncio.create_task(AuthServiceDebugger(environ).run()) for _ in range(DIAGNOSES_COUNT)]
        await asyncio.sleep(0.1)
        took_s = []
        while not all(task.done() for task in diagnoses):
            began_s = time.monotonic()
            assert (await running.log_in()).status == 200
            took_s.append(time.monotonic() - began_s)
        named = [diagnosis.first.code for diagnosis in await asyncio.gather(*diagnoses) if diagnosis.first]
        events = running.events()
    assert named == ["response_timeout"] * DIAGNOSES_COUNT
    assert len(took_s) > 1
    assert max(took_s) < LOGIN_S
    assert "Circuit opened" not in events


def test_a_running_gateway_is_asked_on_its_admin_listener_and_finds_what_it_suffers_from(service: AuthService) -> None:
    with Gateway(None, told=told(service)) as running:
        assert diagnosed_by(running)["first"] is None
        service.stop()
        assert diagnosed_by(running)["first"]["code"] == "connection_refused"
        assert ask_now(running.url, "GET", "/livez").status == 200


def diagnosed_by(running: Gateway) -> Any:
    """The document of a diagnosis that a gateway makes of itself, once it is there."""
    before = doctor_of(running)["last"]
    ends_at_s = time.monotonic() + PATIENCE_S
    while (begun := ask_now(running.admin_url, "POST", "/console/doctor")).status != 202:
        assert begun.status in {409, 429, 503}, begun
        assert time.monotonic() < ends_at_s, begun
        time.sleep(0.2)
    while (last := doctor_of(running)["last"]) == before:
        assert time.monotonic() < ends_at_s, "the diagnosis does not end"
        time.sleep(0.1)
    return last


def doctor_of(running: Gateway) -> Any:
    """What the console shows of diagnoses."""
    return ask_now(running.admin_url, "GET", "/console/state").json["doctor"]
