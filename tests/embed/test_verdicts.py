"""The three verdicts, as a backend gets them from a real auth service over real sockets.

It must never stop an auth service that another test uses; one that was frozen is thawed again.
"""

import json
from pathlib import Path

import pytest

from netra.embed import Accepted, Gate, Rejected, Secret, Session, Unknown
from tests.embed.support import code_of, header, known_to, opened, told
from tests.incidents.operators import EMAIL, OTHER_SECRET, PASSWORD, AuthService
from tests.support.gateways import IMPATIENT
from tests.support.places import free_port
from tests.support.programs import Program

STRANGER = "grace@example.com"


async def session_of(gate: Gate) -> Session:
    outcome = await gate.log_in(EMAIL, PASSWORD)
    assert isinstance(outcome, Accepted), outcome
    session: Session = outcome.value
    return session


@pytest.mark.parametrize("password", [PASSWORD, Secret(PASSWORD)], ids=["text", "secret"])
async def test_the_right_password_is_accepted(auth_service: AuthService, password: str | Secret) -> None:
    async with opened(known_to(auth_service)) as one:
        outcome = await one.gate.log_in(EMAIL, password)
        match outcome:
            case Accepted(session):
                assert session.access_token.reveal().count(".") == 2
                assert session.user is not None
                assert session.user.email == EMAIL
            case _:
                pytest.fail(str(outcome))
        assert session.access_token.reveal() not in repr(outcome)
        assert [(each.journey, code_of(each.outcome)) for each in one.ended] == [("login", "accepted")]


async def test_a_wrong_password_is_rejected(auth_service: AuthService) -> None:
    async with opened(known_to(auth_service)) as one:
        outcome = await one.gate.log_in(EMAIL, "not it")
        assert isinstance(outcome, Rejected)
        response = one.gate.problem_response(outcome)
    assert code_of(outcome) == "rejected invalid_credentials"
    assert response.status == 401
    assert header(response, "www-authenticate") == 'Bearer realm="netra"'


async def test_a_session_lives_from_login_to_logout(auth_service: AuthService) -> None:
    async with opened(known_to(auth_service)) as one:
        session = await session_of(one.gate)
        who = await one.gate.who_is(session.access_token)
        assert isinstance(who, Accepted)
        assert who.value.user.email == EMAIL
        assert session.refresh_token is not None
        renewed = await one.gate.refresh(session.refresh_token)
        assert isinstance(renewed, Accepted)
        assert code_of(await one.gate.log_out(renewed.value.access_token.reveal())) == "accepted"
        assert code_of(await one.gate.log_out(renewed.value.access_token)) == "accepted"
        assert code_of(await one.gate.who_is(renewed.value.access_token)) == "rejected token_revoked"
        assert [each.journey for each in one.ended] == ["login", "me", "refresh", "logout", "logout", "me"]


async def test_a_refresh_token_alone_ends_a_session(auth_service: AuthService) -> None:
    async with opened(known_to(auth_service)) as one:
        session = await session_of(one.gate)
        assert code_of(await one.gate.log_out(refresh_token=session.refresh_token)) == "accepted"
        assert session.refresh_token is not None
        assert code_of(await one.gate.refresh(session.refresh_token)) == "rejected refresh_rejected"


async def test_an_account_is_opened_once(auth_service: AuthService) -> None:
    async with opened(known_to(auth_service)) as one:
        made = await one.gate.register(STRANGER, "a password of some length", name="Grace")
        assert isinstance(made, Accepted)
        assert (made.value.email, made.value.name) == (STRANGER, "Grace")
        assert code_of(await one.gate.register(STRANGER, "a password of some length")) == "rejected email_taken"


async def test_the_offer_names_what_people_may_do(auth_service: AuthService) -> None:
    async with opened(known_to(auth_service, NETRA_REGISTRATION="false")) as one:
        offer = await one.gate.offer()
    assert isinstance(offer, Accepted)
    assert offer.value.registration_enabled is False
    assert offer.value.password_min_length


async def test_a_stopped_auth_service_is_unknown_until_it_is_back(tmp_path: Path) -> None:
    with AuthService(tmp_path) as service:
        async with opened(known_to(service)) as one:
            assert code_of(await one.gate.log_in(EMAIL, PASSWORD)) == "accepted"
            service.stop()
            outcome = await one.gate.log_in(EMAIL, PASSWORD)
            assert isinstance(outcome, Unknown)
            assert code_of(outcome) == "unknown connection_refused"
            response = one.gate.problem_response(outcome)
            assert response.status == 503
            assert int(header(response, "retry-after")) >= 1
            Program.start(service)  # its one account is there already
            assert code_of(await one.gate.log_in(EMAIL, PASSWORD)) == "accepted"


async def test_a_frozen_auth_service_is_unknown_at_the_end_of_the_budget(auth_service: AuthService) -> None:
    async with opened(known_to(auth_service, **IMPATIENT)) as one:
        with auth_service.frozen():
            outcome = await one.gate.log_in(EMAIL, PASSWORD)
        assert isinstance(outcome, Unknown)
        assert code_of(outcome) == "unknown response_timeout"
        assert one.gate.problem_response(outcome).status == 504


async def test_a_wrong_service_secret_is_ours_and_never_the_users(auth_service: AuthService) -> None:
    async with opened(known_to(auth_service, SERVICE_SECRET=OTHER_SECRET)) as one:
        outcome = await one.gate.log_in(EMAIL, PASSWORD)
        assert isinstance(outcome, Unknown)
        assert code_of(outcome) == "unknown service_credentials_rejected"
        response = one.gate.problem_response(outcome)
    assert response.status == 502
    assert json.loads(response.body)["owner"] == "us"
    assert OTHER_SECRET not in str(response)


async def test_where_nobody_listens_a_gate_opens_all_the_same() -> None:
    async with opened(told(f"http://127.0.0.1:{free_port()}")) as one:
        assert code_of(await one.gate.log_in(EMAIL, PASSWORD)) == "unknown connection_refused"


async def test_a_gate_that_is_switched_off_says_so(auth_service: AuthService) -> None:
    async with opened(known_to(auth_service, AUTH_SERVICE_ENABLED="false")) as one:
        assert code_of(await one.gate.log_in(EMAIL, PASSWORD)) == "unknown auth_service_disabled"
