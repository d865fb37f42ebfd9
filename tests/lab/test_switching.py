"""Switching faults on and off: by code, by path, by user, and by the e-mail address that somebody types in."""

from typing import Any

import pytest

from netra.lab import scripts
from netra.lab.certificates import Authority
from netra.lab.faults import UnknownFault
from netra.lab.faulty_auth_service import CannotPlay, FaultyAuthService
from tests.lab.talk import ask, heard, request
from tests.support.gateways import IMPATIENT, gateway
from tests.support.labs import lab
from tests.support.problems import assert_problem

CALLS = ["login", "register", "refresh", "logout", "validate"]


def token_of(email: str, kind: str = "refresh") -> str:
    return f"{kind}-{email.encode().hex()}"


async def statuses(service: FaultyAuthService, *emails: str, call: str = "login") -> list[int]:
    """How a call is answered for each of these users."""
    return [(await ask(service, call, email)).status for email in emails]


async def test_a_fault_for_everybody_holds_on_every_path_until_it_is_healed(plain: FaultyAuthService) -> None:
    assert plain.fault("status_500").name == "status-500"
    assert [(await ask(plain, call)).status for call in CALLS] == [500] * 5
    assert (await heard(plain, b"GET /health HTTP/1.1\r\n\r\n")).status == 500
    plain.heal()
    assert [(await ask(plain, call)).status for call in CALLS] == [200, 201, 200, 200, 200]


async def test_a_refusal_for_everybody_holds_where_it_makes_sense_and_nowhere_else(plain: FaultyAuthService) -> None:
    plain.fault("refresh-rejected")
    assert [(await ask(plain, call)).status for call in CALLS] == [200, 201, 401, 200, 200]
    plain.fault("email_taken")
    assert [(await ask(plain, call)).status for call in CALLS] == [200, 409, 200, 200, 200]
    plain.fault("token_expired")
    assert (await ask(plain, "validate")).json == {"valid": False, "code": "token_expired"}


async def test_the_narrower_switch_goes_first_and_the_wider_ones_stay(plain: FaultyAuthService) -> None:
    plain.fault("status-500")
    plain.fault("status-501", path="/auth/login")
    plain.fault("status-505", user="ada")
    plain.fault("status-507", path="/auth/login", user="ada")
    assert await statuses(plain, "ada@example.com", "bob@example.com") == [507, 501]
    assert await statuses(plain, "ada@example.com", "bob@example.com", call="register") == [505, 500]
    assert [(each.fault.name, each.path, each.user) for each in plain.faults] == [
        ("status-500", None, None),
        ("status-505", None, "ada"),
        ("status-501", "/auth/login", None),
        ("status-507", "/auth/login", "ada"),
    ]
    plain.heal()
    assert plain.faults == ()
    assert await statuses(plain, "ada@example.com", "bob@example.com") == [200, 200]


async def test_a_script_of_a_test_goes_before_every_fault(plain: FaultyAuthService) -> None:
    plain.answer("/auth/login", scripts.reply(418))
    plain.fault("status-500")
    assert await statuses(plain, "ada@example.com", "account_locked@lab.test") == [418, 418]
    assert plain.journal[-1].fault == ""


@pytest.mark.parametrize(
    ("email", "status"),
    [
        ("account_locked@lab.test", 423),
        ("account-locked@lab.test", 423),
        ("Account_Locked@Lab.Test", 423),
        ("status-500@lab.test", 500),
        ("auth_service_error@lab.test", 500),
        ("account_locked+login@lab.test", 423),
        ("account_locked+refresh@lab.test", 200),
        ("status_500+refresh@lab.test", 200),
        ("status_500+@lab.test", 500),
        ("ada@lab.test", 200),
        ("ada+login@lab.test", 200),
        ("account_locked@example.com", 200),
        ("account_locked@lab.test.example.com", 200),
        ("account_locked@notlab.test", 200),
        ("account_locked@sub.lab.test", 200),
        ("account_locked", 200),
        ("@lab.test", 200),
        ("", 200),
        ("none@lab.test", 200),
        ("a@b@lab.test", 200),
    ],
)
async def test_an_address_of_the_labs_own_domain_chooses_its_fault_and_no_other_does(
    plain: FaultyAuthService, email: str, status: int
) -> None:
    assert (await heard(plain, request("login", email=email or "x").replace(b'"x"', b'"" '))).status == status


async def test_a_user_who_could_log_in_meets_the_fault_on_the_call_that_the_address_names(
    plain: FaultyAuthService,
) -> None:
    email = "status_500+refresh@lab.test"
    session = (await ask(plain, "login", email)).json
    assert (await ask(plain, "refresh", refresh_token=session["refresh_token"])).status == 500
    assert (await ask(plain, "logout", refresh_token=session["refresh_token"])).status == 200
    assert (await ask(plain, "validate", token=session["access_token"])).status == 200


async def test_a_token_carries_the_wish_of_its_user(plain: FaultyAuthService) -> None:
    session = (await ask(plain, "login", "token_revoked@lab.test")).json
    checked = await ask(plain, "validate", token=session["access_token"])
    assert checked.json == {"valid": False, "code": "token_revoked"}
    for call, member in (("refresh", "refresh_token"), ("logout", "refresh_token"), ("validate", "token")):
        assert (await ask(plain, call, **{member: token_of("status-503@lab.test")})).status == 503
    bearer = f"Authorization: Bearer {token_of('status-503@lab.test', 'access')}\r\n".encode()
    asked = b"POST /auth/logout HTTP/1.1\r\n" + bearer + b"Content-Length: 2\r\n\r\n{}"
    assert (await heard(plain, asked)).status == 503


async def test_an_address_goes_before_what_everybody_meets_but_not_before_what_was_switched_for_the_user(
    plain: FaultyAuthService,
) -> None:
    plain.fault("status-500")
    assert await statuses(plain, "account_locked@lab.test", "ada@lab.test") == [423, 500]
    plain.fault("status-501", user="account_locked")
    assert await statuses(plain, "account_locked@lab.test") == [501]


async def test_what_only_a_whole_port_can_do_is_not_passed_over_in_silence(plain: FaultyAuthService) -> None:
    answer = await ask(plain, "login", "connection_refused@lab.test")
    assert (answer.status, answer.json["code"]) == (501, "not_for_one_user")


async def test_addresses_choose_nothing_where_that_is_switched_off() -> None:
    async with FaultyAuthService(by_email=False) as service:
        assert await statuses(service, "account_locked@lab.test") == [200]


@pytest.mark.parametrize("name", ["connection-refused", "connection-timeout"])
async def test_a_fault_of_the_port_cannot_be_narrowed(plain: FaultyAuthService, name: str) -> None:
    with pytest.raises(CannotPlay, match="whole port"):
        plain.fault(name, path="/auth/login")
    with pytest.raises(CannotPlay, match="whole port"):
        plain.fault(name, user="ada")
    assert plain.faults == ()


@pytest.mark.parametrize("how", [{}, {"tls": True}])
async def test_a_fault_of_tls_says_what_it_needs(authority: Authority, how: dict[str, Any]) -> None:
    service = FaultyAuthService(tls=authority.good() if how else None)
    with pytest.raises(CannotPlay, match="--tls good"):
        service.fault("certificate-expired")


async def test_an_unknown_fault_changes_nothing(plain: FaultyAuthService) -> None:
    plain.fault("status-500")
    with pytest.raises(UnknownFault):
        plain.fault("status-5000")
    assert await statuses(plain, "ada@example.com") == [500]


async def test_a_fault_can_be_chosen_before_it_serves() -> None:
    service = FaultyAuthService()
    service.fault("connection-refused")
    async with service:
        with pytest.raises(ConnectionRefusedError):
            await ask(service, "login")
        service.fault("status-500")
        assert await statuses(service, "ada@example.com") == [500]


async def test_faults_follow_one_another_without_a_healing_in_between(plain: FaultyAuthService) -> None:
    for name in ("connection-refused", "connection-timeout", "freeze", "connection-timeout", "connection-refused"):
        plain.fault(name)
    with pytest.raises(ConnectionRefusedError):
        await ask(plain, "login")
    plain.fault("status-500")
    assert await statuses(plain, "ada@example.com") == [500]


async def test_another_thread_may_switch_and_finds_it_done() -> None:
    with lab() as service:
        service.fault("connection-refused")
        with pytest.raises(ConnectionRefusedError):
            await ask(service, "login")
        service.heal()
        assert (await ask(service, "login")).status == 200


async def test_the_journal_keeps_the_last_deliveries_and_counts_them_all() -> None:
    async with FaultyAuthService(journal_limit=3) as service:
        for number in range(5):
            await ask(service, "login", f"user{number}@example.com")
        assert [each.email for each in service.journal] == [f"user{number}@example.com" for number in (2, 3, 4)]
        assert service.deliveries_count == 5


async def test_each_delivery_has_its_time_and_the_fault_that_it_met(plain: FaultyAuthService) -> None:
    plain.fault("status-500", path="/auth/refresh")
    for call in ("login", "refresh"):
        await ask(plain, call)
    first, second = plain.journal
    assert 0 < first.arrived_at_s <= second.arrived_at_s
    assert [first.fault, second.fault] == ["", "status-500"]


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'"x"', b'{"email": 7, "password": 8}', b"\xff", b"[" * 2_000])
@pytest.mark.parametrize("call", CALLS)
async def test_a_body_that_cannot_be_used_is_refused_and_the_next_request_is_served(
    plain: FaultyAuthService, call: str, body: bytes
) -> None:
    asked = f"POST /auth/{call} HTTP/1.1\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body
    answer = await heard(plain, asked + b"GET /health HTTP/1.1\r\n\r\n")
    assert answer.raw.count(b"HTTP/1.1 ") == 2
    assert answer.status in ({200} if call == "logout" else {422})


async def test_a_body_of_many_megabytes_is_not_taken(plain: FaultyAuthService) -> None:
    came = await heard(plain, b"POST /auth/login HTTP/1.1\r\nContent-Length: 5000000000\r\n\r\n", "closes")
    assert (came.raw, came.mode) == (b"", "closes")
    assert plain.journal == []


async def test_somebody_tries_every_error_from_a_form_of_his_own(plain: FaultyAuthService) -> None:
    async with gateway(plain.url, **IMPATIENT) as running:
        for local, status in [
            ("response_timeout", 504), ("account_locked", 423), ("second_factor_required", 403),
            ("auth_service_unavailable", 503), ("html_with_200", 502), ("too_many_attempts", 429),
        ]:  # fmt: skip
            answer = await running.log_in(f"{local}@lab.test")
            assert_problem(answer, status, {"html_with_200": "invalid_response"}.get(local, local), "operator")
        session = (await running.log_in("token_expired@lab.test")).json
        answer = await running.get("/me", [("Authorization", f"Bearer {session['access_token']}")])
        assert_problem(answer, 401, "token_expired", "operator")
