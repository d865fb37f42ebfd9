"""What is asked again, and what never: counted at the auth service, which alone knows how often it was asked."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from netra.core.pace.budget import RetryBudget
from netra.lab.connection import Connection, Delivery, Script
from netra.lab.faulty_auth_service import FaultyAuthService
from netra.lab.scripts import (
    after,
    in_turn,
    json_reply,
    problem,
    raw_then_close,
    raw_then_reset,
    session,
    silence,
)
from tests.live.rows import Ask, log_in, log_out, refresh, register, who_am_i
from tests.support.gateways import EMAIL, LOGIN, OTHER_SECRET, SECRET, Running, gateway
from tests.support.places import free_port, full_port
from tests.support.problems import assert_problem
from tests.support.wire import KeptLine, as_json, credentials

GOOD = json_reply(200, session(EMAIL))
SENT = {"closed": raw_then_close(), "reset": raw_then_reset(), "cut off in the head": raw_then_close(b"HTTP/1.1 20")}
BUSY = problem(503, "under_maintenance")
KEY = "Idempotency-Key"
ONCE = [(log_in, "/auth/login"), (register, "/auth/register"), (refresh, "/auth/refresh")]
"""Journeys that must not be delivered twice."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def patient_of_file(service_of_file: FaultyAuthService) -> AsyncIterator[Running]:
    async with gateway(service_of_file.url, NETRA_TRIES="3") as running:
        yield running


@pytest.fixture
def patient(service: FaultyAuthService, patient_of_file: Running) -> Running:
    """A gateway with three tries, in front of an auth service that honours idempotency keys."""
    return rested(patient_of_file)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def careful_of_file() -> AsyncIterator[tuple[Running, FaultyAuthService]]:
    async with FaultyAuthService(idempotency=False) as service, gateway(service.url, NETRA_TRIES="3") as running:
        yield running, service


@pytest.fixture
def careful(careful_of_file: tuple[Running, FaultyAuthService]) -> tuple[Running, FaultyAuthService]:
    """A gateway with three tries, in front of an auth service that promises nothing."""
    running, service = careful_of_file
    service.heal()
    service.journal.clear()
    return rested(running), service


def rested(running: Running) -> Running:
    """The gateway as after a quiet minute: what earlier tests have retried is forgotten."""
    link = running.assembled.gateway.parts.link
    link.budget = RetryBudget(link.clock.now_s())
    return running


def tried(body: object) -> list[str]:
    """The codes of the tries, as operators see them."""
    assert isinstance(body, dict)
    return [attempt["code"] for attempt in body["debug_info"]["attempts"]]


async def test_what_was_never_sent_is_tried_three_times() -> None:
    async with gateway(f"http://127.0.0.1:{free_port()}", NETRA_TRIES="3") as running:
        body = assert_problem(await running.log_in(), 503, "connection_refused")
        assert tried(body) == ["connection_refused"] * 3
        (line,) = running.lines_of(body["request_id"])
        assert line["event"] == "All 3 login attempts failed"


async def test_what_was_never_sent_is_tried_within_the_deadline_only() -> None:
    with full_port() as port:
        how = {"NETRA_TRIES": "5", "NETRA_LOGIN_BUDGET_S": "0.25", "NETRA_CONNECT_TIMEOUT_S": "0.1"}
        async with gateway(f"http://127.0.0.1:{port}", **how) as running:
            body = assert_problem(await running.log_in(), 503, "connection_timeout")
            assert 1 <= len(tried(body)) <= 3


async def test_one_try_is_one_try() -> None:
    async with gateway(f"http://127.0.0.1:{free_port()}", NETRA_TRIES="1") as running:
        body = assert_problem(await running.log_in(), 503, "connection_refused")
        assert tried(body) == ["connection_refused"]


@pytest.mark.parametrize("script", SENT.values(), ids=SENT)
@pytest.mark.parametrize(("ask", "path"), ONCE)
async def test_what_may_have_arrived_is_never_sent_again_without_a_promise(
    careful: tuple[Running, FaultyAuthService], ask: Ask, path: str, script: Script
) -> None:
    running, service = careful
    service.answer(path, in_turn(script, GOOD))
    assert_problem(await ask(running, []), 502, "connection_terminated")
    assert len(service.delivered(path)) == 1


async def test_a_503_that_may_have_acted_is_not_sent_again_without_a_promise(
    careful: tuple[Running, FaultyAuthService],
) -> None:
    running, service = careful
    service.answer("/auth/login", in_turn(BUSY, GOOD))
    assert_problem(await running.log_in(), 503, "auth_service_unavailable")
    assert len(service.delivered("/auth/login")) == 1


async def test_no_handshake_is_no_promise() -> None:
    async with FaultyAuthService(handshake=False) as service, gateway(service.url, NETRA_TRIES="3") as running:
        service.answer("/auth/login", in_turn(raw_then_close(), GOOD))
        assert_problem(await running.log_in(), 502, "connection_terminated")
        assert len(service.delivered("/auth/login")) == 1


@pytest.mark.parametrize("script", [*SENT.values(), BUSY, problem(502, "oops")], ids=[*SENT, "503", "502"])
@pytest.mark.parametrize(("ask", "path"), ONCE)
async def test_with_the_promise_the_same_call_goes_out_again_with_the_same_key(
    patient: Running, service: FaultyAuthService, ask: Ask, path: str, script: Script
) -> None:
    good = json_reply(200, session(EMAIL) if ask is not register else session(EMAIL)["user"])
    service.answer(path, in_turn(script, script, good))
    assert (await ask(patient, [(KEY, "the-clients-own")])).status in {200, 201}
    deliveries = service.delivered(path)
    assert len(deliveries) == 3
    keys = {delivery.header(KEY) for delivery in deliveries}
    assert len(keys) == 1, "another key makes another attempt of it"
    assert keys.isdisjoint({None, "", "the-clients-own"})
    assert len({delivery.body for delivery in deliveries}) == 1
    assert len({delivery.header("X-Request-ID") for delivery in deliveries}) == 1


async def test_every_attempt_has_a_key_of_its_own(patient: Running, service: FaultyAuthService) -> None:
    same = [("X-Request-ID", "one-id-for-all"), (KEY, "one-key-for-all")]
    for _ in range(3):
        assert (await patient.log_in(headers=same)).status == 200
    keys = [delivery.header(KEY) for delivery in service.delivered("/auth/login")]
    assert len(set(keys)) == 3
    assert all(key and len(key) >= 32 for key in keys)


async def test_with_one_try_there_is_no_key(running: Running, service: FaultyAuthService) -> None:
    await running.log_in(headers=[(KEY, "the-clients-own")])
    assert service.delivered("/auth/login")[0].header(KEY) is None


@pytest.mark.parametrize(
    "script",
    [problem(401, "invalid_credentials"), json_reply(401, {"message": "no"}), problem(423, "account_locked")],
    ids=["coded", "uncoded", "locked"],
)
async def test_a_refused_password_is_delivered_once_whatever_the_number_of_tries(
    patient: Running, service: FaultyAuthService, script: Script
) -> None:
    service.answer("/auth/login", in_turn(script, GOOD))
    assert (await patient.log_in()).status in {401, 423}
    assert len(service.delivered("/auth/login")) == 1


@pytest.mark.parametrize("status", [400, 403, 404, 429, 500, 501])
async def test_what_will_not_change_soon_is_not_asked_again(
    patient: Running, service: FaultyAuthService, status: int
) -> None:
    service.answer("/auth/login", in_turn(problem(status, "oops"), GOOD))
    assert (await patient.log_in()).status in {502, 503}
    assert len(service.delivered("/auth/login")) == 1


@pytest.mark.parametrize(("ask", "path"), [(log_out, "/auth/logout"), (who_am_i, "/auth/validate")])
async def test_a_logout_and_a_token_check_may_be_repeated_without_any_promise(
    careful: tuple[Running, FaultyAuthService], ask: Ask, path: str
) -> None:
    running, service = careful
    good = json_reply(200, {"valid": True, "user_id": "1", "email": EMAIL})
    service.answer(path, in_turn(raw_then_close(), raw_then_reset(), good))
    assert (await ask(running, [])).status == 200
    assert len(service.delivered(path)) == 3


async def test_an_auth_service_that_asks_for_a_second_is_left_alone_for_a_second(
    patient: Running, service: FaultyAuthService
) -> None:
    loop, asked_at_s = asyncio.get_running_loop(), []
    answers = in_turn(problem(503, "under_maintenance", [("Retry-After", "1")]), GOOD)

    async def noted(connection: Connection, delivery: Delivery) -> None:
        asked_at_s.append(loop.time())
        await answers(connection, delivery)

    service.answer("/auth/login", noted)
    assert (await patient.log_in()).status == 200
    assert len(asked_at_s) == 2
    assert asked_at_s[1] - asked_at_s[0] >= 0.99


async def test_a_wait_that_does_not_fit_the_deadline_is_not_begun(patient: Running, service: FaultyAuthService) -> None:
    service.answer("/auth/login", in_turn(problem(503, "under_maintenance", [("Retry-After", "30")]), GOOD))
    body = assert_problem(await patient.log_in(), 503, "auth_service_unavailable")
    assert body["retry_after"] == 30
    assert len(service.delivered("/auth/login")) == 1


async def test_one_deadline_holds_for_all_tries_together(service: FaultyAuthService) -> None:
    async with gateway(service.url, NETRA_TRIES="3", NETRA_LOGIN_BUDGET_S="1.2") as it:
        service.answer("/auth/login", in_turn(after(0.05, raw_then_close()), silence()))
        body = assert_problem(await it.log_in(), 504, "response_timeout")
        assert tried(body)[0] == "connection_terminated"
        assert tried(body)[-1] == "response_timeout"


async def test_the_other_secret_is_asked_with_once_and_then_first() -> None:
    how = {"SERVICE_SECRET_PREVIOUS": OTHER_SECRET, "NETRA_TRIES": "1"}
    async with FaultyAuthService() as rotated, gateway(rotated.url, **how) as running:
        rotated.secret = OTHER_SECRET
        assert (await running.log_in()).status == 200
        assert seals(rotated) == [SECRET, OTHER_SECRET]
        assert (await running.log_in(password="wrong")).status == 401
        assert seals(rotated) == [SECRET, OTHER_SECRET, OTHER_SECRET]


async def test_when_both_secrets_are_refused_the_auth_service_was_asked_twice() -> None:
    how = {"SERVICE_SECRET_PREVIOUS": OTHER_SECRET, "NETRA_TRIES": "3"}
    async with FaultyAuthService() as service, gateway(service.url, **how) as running:
        service.secret = "neither of them"
        body = assert_problem(await running.log_in(), 502, "service_credentials_rejected")
        assert seals(service) == [SECRET, OTHER_SECRET]
        assert len({each.header(KEY) for each in service.delivered("/auth/login")}) == 1
        assert running.lines_of(body["request_id"])[0]["event"] == "Login failed: Access forbidden"


@pytest.mark.parametrize("status", [401, 403])
async def test_a_refusal_that_may_have_been_a_wrong_passwords_is_not_provoked_again(status: int) -> None:
    how = {"SERVICE_SECRET_PREVIOUS": OTHER_SECRET, "NETRA_TRIES": "3"}
    async with FaultyAuthService() as service:
        service.answer("/auth/handshake", json_reply(500, {}))
        async with gateway(service.url, **how) as running:
            service.answer("/auth/login", json_reply(status, {"detail": "No."}))
            assert_problem(await running.log_in(), 502, "service_credentials_rejected")
            assert seals(service) == [SECRET]


async def test_with_one_secret_a_refusal_of_it_is_final(patient: Running, service: FaultyAuthService) -> None:
    service.answer("/auth/login", in_turn(problem(401, "service_credentials_rejected"), GOOD))
    assert_problem(await patient.log_in(), 502, "service_credentials_rejected")
    assert seals(service) == [SECRET]


def seals(service: FaultyAuthService) -> list[str | None]:
    return [delivery.header("X-Service-Secret") for delivery in service.delivered("/auth/login")]


async def test_a_storm_of_failures_does_not_become_a_storm_of_retries(
    patient: Running, service: FaultyAuthService
) -> None:
    service.answer("/auth/login", BUSY)
    loop = asyncio.get_running_loop()
    clients, began_at_s = 60, loop.time()
    answers = await asyncio.gather(*(patient.log_in(f"user{number}@example.com") for number in range(clients)))
    assert {answer.status for answer in answers} == {503}
    lasted_s = loop.time() - began_at_s
    retries = len(service.delivered("/auth/login")) - clients
    assert 0 < retries <= 3 + 0.1 * clients + 3 * lasted_s + 1


async def test_a_client_that_leaves_does_not_call_back_a_login_that_was_sent(
    running: Running, service: FaultyAuthService
) -> None:
    service.answer("/auth/login", after(0.2, GOOD))
    line = await KeptLine.to(running.url)
    line.writer.write(
        b"POST " + LOGIN.encode() + b" HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        b"X-Request-ID: hung-up\r\nContent-Length: %d\r\n\r\n" % len(as_json(credentials())) + as_json(credentials())
    )
    async with asyncio.timeout(10):
        while not service.delivered("/auth/login"):
            await asyncio.sleep(0.01)
        line.close()
        while not running.lines_of("hung-up"):
            await asyncio.sleep(0.01)
    assert [each["event"] for each in running.lines_of("hung-up")] == ["Login succeeded"]
    assert (await running.log_in()).status == 200
