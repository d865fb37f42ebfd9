"""Whether logins end as they should: a stranger's in a refusal, a canary's in a session that is ended again."""

from typing import get_args

import pytest

from netra.core.identifier import Kind
from netra.core.secret import Secret
from netra.core.verdict.operations import REVOCATIONS
from netra.core.verdict.outcomes import Accepted
from netra.doctor.diagnosis import Check
from netra.doctor.hops import credentials, keysets, logins
from netra.doctor.visit import AS_USUAL, Visit, Wanted
from netra.gateway.attempts import Forms
from netra.lab.connection import Script
from netra.lab.faulty_auth_service import FaultyAuthService
from netra.lab.scripts import html, json_reply, problem, session, silence
from netra.testing.authds import AuthdBeside
from tests.doctor.visits import OTHER_SECRET, SECRET, codes, only, seen, states, visit

STRANGER = Wanted(rejection_check=True)
CANARY = Wanted(canary=("canary@lab.test", Secret("Canary-in-a-coal-mine-1!")))
LOGIN, LOGOUT = "/auth/login", "/auth/logout"


async def looked(lab: FaultyAuthService, wanted: Wanted, **variables: str) -> dict[str, Check]:
    """What the hop says of this lab."""
    async with visit(lab.url, wanted, **variables) as one:
        return await found_by(one)


async def found_by(one: Visit) -> dict[str, Check]:
    """What the hop says, after the hops that it builds on."""
    await seen(credentials.checks, one)
    await seen(keysets.checks, one)
    return await seen(logins.checks, one)


async def test_nobody_is_logged_in_unasked() -> None:
    async with FaultyAuthService() as lab:
        assert not await looked(lab, AS_USUAL)
        assert not lab.delivered(LOGIN)


async def test_a_login_for_nobody_is_refused_by_a_real_auth_service_and_counts_once(netra_authd: AuthdBeside) -> None:
    async with visit(netra_authd.url, STRANGER, **netra_authd.variables) as one:
        found = await found_by(one)
    assert states(found) == {"rejection": "pass"}
    assert "counts as one attempt" in found["rejection"].what


async def test_nobody_is_somebody_else_each_time_and_is_asked_for_once() -> None:
    async with FaultyAuthService() as lab:
        lab.answer(LOGIN, problem(401, "invalid_credentials"))
        for _ in range(2):
            assert states(await looked(lab, STRANGER)) == {"rejection": "pass"}
        first, second = (each.json for each in lab.delivered(LOGIN))
    assert first["email"] != second["email"]
    assert first["email"].endswith("@invalid.example")
    assert first["password"] != second["password"]


@pytest.mark.parametrize("kind", get_args(Kind))
def test_nobody_fits_what_people_log_in_with(kind: Kind) -> None:
    for _ in range(50):
        identifier = logins.nobody(kind).reveal()
        new = Forms(kind).register[0]
        assert new.form is None or new.form.fullmatch(identifier)


@pytest.mark.parametrize(
    ("script", "state", "code"),
    [
        (json_reply(200, session("x@lab.test")), "fail", "stranger_accepted"),
        (problem(403, "account_disabled"), "fail", "account_disabled"),
        (problem(422, "invalid_fields"), "fail", "invalid_fields"),
        (problem(429, "too_many_attempts", [("Retry-After", "60")]), "warn", "too_many_attempts"),
        (json_reply(429, {}), "warn", "auth_service_rate_limited"),
        (problem(401, "invalid_client"), "fail", "service_credentials_rejected"),
        (html(403, "<html>no</html>"), "fail", "intermediary_rejected"),
        (json_reply(500, {}), "fail", "auth_service_error"),
        (silence(), "fail", "response_timeout"),
    ],
    ids=["in", "disabled", "fields", "user_limit", "our_limit", "us", "firewall", "crash", "silence"],
)
async def test_a_login_for_nobody_that_ends_otherwise_is_told_by_its_code(
    script: Script, state: str, code: str
) -> None:
    async with FaultyAuthService() as lab:
        lab.answer(LOGIN, script)
        found = await looked(lab, STRANGER, NETRA_LOGIN_BUDGET_S="1.1")
        assert len(lab.delivered(LOGIN)) == 1
        assert len(lab.delivered(LOGOUT)) == (code == "stranger_accepted")
    assert states(found) == {"rejection": state}
    assert codes(found.values()) == [code]


async def test_a_canary_gets_in_has_a_good_token_and_leaves_no_session(netra_authd: AuthdBeside) -> None:
    wanted = Wanted(canary=(netra_authd.email, Secret(netra_authd.password)))
    async with visit(netra_authd.url, wanted, **netra_authd.variables) as one:
        found = await found_by(one)
        assert states(found) == {"canary": "pass", "canary_token": "pass", "canary_logout": "pass"}
        assert "checked here" in found["canary_token"].what
        assert netra_authd.email not in str(found)
        assert netra_authd.password not in str(found)


async def test_the_session_of_a_canary_is_over_at_the_auth_service(netra_authd: AuthdBeside) -> None:
    wanted = Wanted(canary=(netra_authd.email, Secret(netra_authd.password)))
    async with visit(netra_authd.url, wanted, **netra_authd.variables) as one:
        before = (await one.put(REVOCATIONS)).outcome
        await found_by(one)
        after = (await one.put(REVOCATIONS)).outcome
    assert isinstance(before, Accepted)
    assert isinstance(after, Accepted)
    assert len(after.value.items) > len(before.value.items)


async def test_a_canary_with_a_wrong_password_is_told_and_is_not_shown(netra_authd: AuthdBeside) -> None:
    wanted = Wanted(canary=(netra_authd.email, Secret("Not-this-one-42!")))
    async with visit(netra_authd.url, wanted, **netra_authd.variables) as one:
        found = await found_by(one)
    assert states(found) == {"canary": "fail"}
    assert only(found["canary"]).code == "invalid_credentials"
    assert netra_authd.email not in str(found)
    assert "Not-this-one" not in str(found)


async def test_a_login_whose_token_is_for_others_is_told_before_users_find_out(netra_authd: AuthdBeside) -> None:
    wanted = Wanted(canary=(netra_authd.email, Secret(netra_authd.password)))
    told = {**netra_authd.variables, "NETRA_TOKEN_AUDIENCE": "another-shop"}
    async with visit(netra_authd.url, wanted, **told) as one:
        found = await found_by(one)
    assert states(found) == {"canary": "pass", "canary_token": "fail", "canary_logout": "pass"}
    assert only(found["canary_token"]).code == "token_wrong_audience"


async def test_without_keys_the_auth_service_is_asked_about_the_canarys_token() -> None:
    async with FaultyAuthService(secret=SECRET) as lab:
        found = await looked(lab, CANARY)
        assert states(found) == {"canary": "pass", "canary_token": "pass", "canary_logout": "pass"}
        assert "asked of the auth service" in found["canary_token"].what
        lab.answer("/auth/validate", json_reply(200, {"valid": False, "code": "token_expired"}))
        found = await looked(lab, CANARY)
        assert only(found["canary_token"]).code == "token_expired"
        assert len(lab.delivered(LOGOUT)) == 2


async def test_a_canary_that_cannot_be_logged_out_is_a_warning_and_an_ended_session_is_none() -> None:
    async with FaultyAuthService() as lab:
        lab.answer(LOGOUT, json_reply(500, {}))
        found = await looked(lab, CANARY)
        assert states(found) == {"canary": "pass", "canary_token": "pass", "canary_logout": "warn"}
        assert only(found["canary_logout"]).severity == "warning"
        lab.answer(LOGOUT, problem(401, "token_revoked"))
        assert (await looked(lab, CANARY))["canary_logout"].state == "pass"


@pytest.mark.parametrize("code", ["account_locked", "second_factor_required", "email_unverified"])
async def test_a_canary_that_is_not_let_in_is_told_by_its_code(code: str) -> None:
    async with FaultyAuthService() as lab:
        lab.answer(LOGIN, problem(403, code))
        found = await looked(lab, CANARY)
    assert codes(found.values()) == [code]


async def test_where_nobody_logs_in_it_is_said_so() -> None:
    both = STRANGER._replace(canary=CANARY.canary)
    async with FaultyAuthService() as lab:
        found = await looked(lab, both, NETRA_ONLY="verify")
        assert states(found) == {"logins": "skip"}
        assert not lab.delivered(LOGIN)


async def test_nobody_is_sent_to_an_auth_service_that_refuses_us() -> None:
    async with FaultyAuthService(secret=OTHER_SECRET) as lab:
        assert states(await looked(lab, STRANGER._replace(canary=CANARY.canary))) == {"logins": "skip"}
        assert not lab.delivered(LOGIN)


async def test_whatever_was_asked_for_is_tried_in_one_go() -> None:
    async with FaultyAuthService() as lab:
        lab.answer(LOGIN, problem(401, "invalid_credentials"))
        found = await looked(lab, STRANGER._replace(canary=CANARY.canary))
    assert states(found) == {"rejection": "pass", "canary": "fail"}
