"""Who guesses has to wait, and nobody else: over sockets, from several addresses of this machine, through proxies."""

import asyncio
from typing import Any, Final
from urllib.parse import urlsplit

import pytest

from netra.lab.faulty_auth_service import FaultyAuthService
from netra.lab.healthy import WRONG_PASSWORD
from netra.lab.scripts import json_reply, problem, session, when
from tests.support.gateways import EMAIL, LOGIN, PASSWORD, Running, gateway
from tests.support.places import free_port
from tests.support.problems import assert_problem
from tests.support.wire import LONGEST_S, Answer, Headers, as_json, message, parse

ON: Final[dict[str, str | None]] = {"NETRA_THROTTLE_ACCOUNT": None, "NETRA_THROTTLE_ADDRESS": None}
"""Both limits as they are by default: five in a quarter of an hour, sixty in a minute."""
HOME: Final = "127.0.0.1"
OFFICE: Final = "127.0.0.2"


async def log_in(
    running: Running, password: str = PASSWORD, *, email: str = EMAIL, address: str = HOME, headers: Headers = ()
) -> Answer:
    """One login over a connection that comes from this address of the machine."""
    said = [("Content-Type", "application/json"), *headers]
    place = urlsplit(running.url)
    async with asyncio.timeout(LONGEST_S):
        reader, writer = await asyncio.open_connection(place.hostname, place.port, local_addr=(address, 0))
        try:
            writer.write(message("POST", LOGIN, said, as_json({"email": email, "password": password})))
            return parse(await reader.read())
        finally:
            writer.close()


def forwarded(*addresses: str) -> list[tuple[str, str]]:
    """What a proxy says of whom it speaks for."""
    return [("X-Forwarded-For", ", ".join(addresses))]


async def guessed(running: Running, count: int, **said: Any) -> list[int]:
    """The statuses of so many wrong passwords, one after the other."""
    return [(await log_in(running, WRONG_PASSWORD, **said)).status for _ in range(count)]


def assert_has_to_wait(answer: Answer, most_s: int) -> Any:
    """Too many attempts, with a time in header and body that is not longer than the limit's own."""
    body = assert_problem(answer, 429, "too_many_attempts")
    assert body["action"] == "wait"
    assert 1 <= body["retry_after"] <= most_s
    return body


# --- one account ------------------------------------------------------------------------------------------------------


async def test_the_sixth_wrong_password_reaches_nobody_and_the_right_one_from_elsewhere_still_opens(
    service: FaultyAuthService,
) -> None:
    async with gateway(service.url, **ON) as running:
        assert await guessed(running, 5) == [401] * 5
        for password in (WRONG_PASSWORD, PASSWORD):
            body = assert_has_to_wait(await log_in(running, password), 900)
            assert body["retry_after"] > 800
            (line,) = running.lines_of(body["request_id"])
            assert (line["event"], line["code"]) == ("Login rejected", "too_many_attempts")
        assert len(service.delivered("/auth/login")) == 5
        assert (await log_in(running, address=OFFICE)).status == 200
        assert (await log_in(running, email="grace@example.com")).status == 200, "nor is the address closed to others"


async def test_whoever_comes_back_when_he_was_told_to_is_let_in(service: FaultyAuthService) -> None:
    async with gateway(service.url, NETRA_THROTTLE_ACCOUNT="2/4s") as running:
        assert await guessed(running, 2) == [401, 401]
        refused = assert_has_to_wait(await log_in(running), 4)
        await asyncio.sleep(refused["retry_after"])
        assert (await log_in(running)).status == 200


async def test_a_success_forgives_the_typing_errors_before_it(service: FaultyAuthService) -> None:
    async with gateway(service.url, **ON) as running:
        for _ in range(4):
            assert await guessed(running, 4) == [401] * 4
            assert (await log_in(running)).status == 200


async def test_of_a_hundred_guesses_at_once_five_are_delivered(service: FaultyAuthService) -> None:
    enough = asyncio.Event()
    service.answer("/auth/login", when(enough, problem(401, "invalid_credentials")))
    async with gateway(service.url, NETRA_LOGIN_BUDGET_S="15", **ON) as running:
        guesses = [asyncio.create_task(log_in(running, f"guess-{number}")) for number in range(100)]
        refused: list[Answer] = []
        for first in asyncio.as_completed(guesses):
            refused.append(await first)
            if len(refused) == 95:
                break
        assert {answer.status for answer in refused} == {429}
        assert {answer.header("retry-after") for answer in refused} == {"1"}, "those under way may all end well"
        enough.set()
        answers = await asyncio.gather(*guesses)
        assert sorted(answer.status for answer in answers) == [401] * 5 + [429] * 95
        assert len(service.delivered("/auth/login")) == 5
        assert assert_has_to_wait(await log_in(running), 900)["retry_after"] > 800


# --- one address ------------------------------------------------------------------------------------------------------


async def test_an_address_that_tries_one_password_on_every_account_is_stopped_and_no_other(
    service: FaultyAuthService,
) -> None:
    async with gateway(service.url, **ON) as running:
        statuses = [
            (await log_in(running, WRONG_PASSWORD, email=f"user-{number}@example.com")).status for number in range(61)
        ]
        assert statuses == [401] * 60 + [429]
        assert_has_to_wait(await log_in(running, email="grace@example.com"), 60)
        assert len(service.delivered("/auth/login")) == 60
        assert (await log_in(running, address=OFFICE)).status == 200


async def test_a_company_behind_one_address_gets_in_at_nine(service: FaultyAuthService) -> None:
    async with gateway(service.url, **ON) as running:

        async def department(first: int) -> list[int]:
            staff = [f"user-{number}@example.com" for number in range(first, first + 50)]
            typing_errors = [log_in(running, WRONG_PASSWORD, email=who) for who in staff[:5]]
            logins = [log_in(running, email=who) for who in staff]
            return [answer.status for answer in await asyncio.gather(*typing_errors, *logins)]

        for first in range(0, 500, 50):
            assert await department(first) == [401] * 5 + [200] * 50


async def test_colleagues_who_are_all_under_way_at_once_keep_nobody_out(service: FaultyAuthService) -> None:
    enough = asyncio.Event()
    service.answer("/auth/login", when(enough, json_reply(200, session(EMAIL))))
    async with gateway(service.url, NETRA_LOGIN_BUDGET_S="15", **ON) as running:
        logins = [asyncio.create_task(log_in(running, email=f"user-{number}@example.com")) for number in range(75)]
        async with asyncio.timeout(LONGEST_S):
            while len(service.delivered("/auth/login")) < 75:
                await asyncio.sleep(0.01)
        enough.set()
        assert {answer.status for answer in await asyncio.gather(*logins)} == {200}


# --- nobody's guesses -------------------------------------------------------------------------------------------------


async def test_an_auth_service_that_is_down_makes_nobody_wait() -> None:
    async with gateway(f"http://127.0.0.1:{free_port()}", **ON) as running:
        assert {(await log_in(running)).status for _ in range(50)} == {503}
        several = [log_in(running, email=f"user-{number}@example.com") for number in range(50)]
        assert {answer.code for answer in await asyncio.gather(*several)} == {"connection_refused"}


@pytest.mark.parametrize(
    ("status", "code"), [(403, "second_factor_required"), (403, "email_unverified"), (423, "account_locked")]
)
async def test_what_is_no_wrong_guess_is_never_counted(service: FaultyAuthService, status: int, code: str) -> None:
    service.answer("/auth/login", problem(status, code))
    async with gateway(service.url, NETRA_THROTTLE_ACCOUNT="1/15m", NETRA_THROTTLE_ADDRESS="1/1m") as running:
        assert {(await log_in(running)).code for _ in range(5)} == {code}
        assert len(service.delivered("/auth/login")) == 5


async def test_a_form_that_cannot_be_read_is_never_counted(service: FaultyAuthService) -> None:
    async with gateway(service.url, NETRA_THROTTLE_ACCOUNT="1/15m", NETRA_THROTTLE_ADDRESS="1/1m") as running:
        assert [(await running.post("/login", {"email": EMAIL})).status for _ in range(5)] == [422] * 5
        assert (await log_in(running)).status == 200


# --- proxies ----------------------------------------------------------------------------------------------------------


async def test_through_a_trusted_proxy_the_right_most_address_that_is_none_counts(service: FaultyAuthService) -> None:
    trusted = {"NETRA_TRUSTED_PROXIES": "127.0.0.1, 10.0.0.0/8"}
    async with gateway(service.url, NETRA_THROTTLE_ADDRESS="2/1m", **trusted) as running:
        for forged in ("6.6.6.6", "7.7.7.7"):
            # What stands to the left was written by the client itself.
            said = forwarded(forged, "8.8.8.8", "10.1.2.3")
            assert await guessed(running, 1, headers=said, email=f"{forged}@example.com") == [401]
        assert_has_to_wait(await log_in(running, headers=forwarded("9.9.9.9", "8.8.8.8", "10.1.2.3")), 60)
        assert (await log_in(running, headers=forwarded("8.8.8.8", "8.8.4.4"))).status == 200


async def test_a_client_without_a_proxy_gains_nothing_by_naming_other_addresses(service: FaultyAuthService) -> None:
    async with gateway(service.url, NETRA_TRUSTED_PROXIES="10.0.0.0/8", **ON) as running:
        for number in range(5):
            assert await guessed(running, 1, headers=forwarded(f"8.8.8.{number}")) == [401]
        assert_has_to_wait(await log_in(running, headers=forwarded("8.8.4.4")), 900)
        assert_has_to_wait(await log_in(running), 900)


@pytest.mark.parametrize("neighbour", ["2a00:1450:1:2::8", "2a00:1450:1:2:a:b:c:d"])
async def test_an_ipv6_network_is_one_caller(service: FaultyAuthService, neighbour: str) -> None:
    async with gateway(service.url, NETRA_TRUSTED_PROXIES=HOME, NETRA_THROTTLE_ADDRESS="2/1m") as running:
        assert await guessed(running, 2, headers=forwarded("2a00:1450:1:2::7")) == [401, 401]
        assert_has_to_wait(await log_in(running, headers=forwarded(neighbour)), 60)
        assert (await log_in(running, headers=forwarded("2a00:1450:1:3::7"))).status == 200


async def test_a_forgotten_proxy_locks_no_company_out_and_an_account_still_has_its_limit(
    service: FaultyAuthService,
) -> None:
    async with gateway(service.url, **ON) as running:
        for number in range(70):
            said = {"email": f"user-{number}@example.com", "headers": forwarded(f"8.8.8.{number}")}
            assert await guessed(running, 1, **said) == [401]
        assert (await log_in(running, headers=forwarded("8.8.4.4"))).status == 200
        assert [line["code"] for line in running.lines if line["event"] == "Configuration problem"] == [
            "untrusted_proxy"
        ]
        assert await guessed(running, 6, headers=forwarded("8.8.4.4")) == [401] * 5 + [429]


async def test_a_trusted_proxy_that_names_nobody_locks_nobody_out(service: FaultyAuthService) -> None:
    async with gateway(service.url, NETRA_TRUSTED_PROXIES=HOME, NETRA_THROTTLE_ADDRESS="2/1m") as running:
        for number in range(5):
            assert await guessed(running, 1, email=f"user-{number}@example.com") == [401]
        assert (await log_in(running)).status == 200


# --- other journeys ---------------------------------------------------------------------------------------------------


async def test_each_journey_counts_for_itself(service: FaultyAuthService) -> None:
    service.answer("/auth/register", problem(409, "email_taken"))
    async with gateway(service.url, NETRA_THROTTLE_ACCOUNT="2/15m") as running:
        new, dead = {"email": EMAIL, "password": PASSWORD}, {"refresh_token": "dead"}
        assert [(await running.post("/register", new)).status for _ in range(3)] == [409, 409, 429]
        assert [(await running.post("/refresh", dead)).status for _ in range(3)] == [401, 401, 429]
        assert (await running.post("/refresh", {"refresh_token": f"refresh-{EMAIL.encode().hex()}"})).status == 200
        assert (await log_in(running)).status == 200
        paths = [each.path for each in service.journal if each.method == "POST"]
        assert [paths.count(f"/auth/{name}") for name in ("register", "refresh", "login")] == [2, 3, 1]
        events = [line["event"] for line in running.lines if line.get("code") == "too_many_attempts"]
        assert events == ["Registration rejected", "Refresh rejected"]


async def test_off_is_off(service: FaultyAuthService) -> None:
    async with gateway(service.url, NETRA_THROTTLE_ACCOUNT="off", NETRA_THROTTLE_ADDRESS="OFF") as running:
        assert set(await guessed(running, 70)) == {401}
