"""Whether the auth service knows us: each secret is shown to it, and the stale one is named."""

from pathlib import Path
from typing import Any

import pytest

from netra.core.secret import Secret
from netra.core.verdict.operations import LOGIN
from netra.core.verdict.outcomes import code_of
from netra.doctor.diagnosis import Check
from netra.doctor.hops import contract, credentials
from netra.lab.faulty_auth_service import FaultyAuthService
from netra.lab.healthy import HANDSHAKE
from netra.lab.scripts import json_reply, problem, silence
from netra.settings.field import fingerprint
from netra.testing.authds import AuthdBeside
from tests.doctor.visits import OTHER_SECRET, SECRET, codes, only, seen, states, visit

PRINT, OTHER_PRINT = fingerprint(Secret(SECRET)), fingerprint(Secret(OTHER_SECRET))


async def looked(lab: FaultyAuthService, **variables: Any) -> dict[str, Check]:
    """What the hop says of this lab."""
    async with visit(lab.url, **variables) as one:
        return await seen(credentials.checks, one)


async def test_a_real_auth_service_that_knows_us_is_told_with_what_it_says_of_itself(netra_authd: AuthdBeside) -> None:
    async with visit(netra_authd.url, **netra_authd.variables) as one:
        found = await seen(credentials.checks, one)
        assert states(found) == {"service_secret": "pass", "agreement": "pass"}
        assert not codes(found.values())
        assert "service id backend-under-test, environment test" in found["agreement"].what
        assert one.handshake is not None
        assert one.standing.handshake == "accepted"


async def test_a_real_auth_service_that_knows_another_secret_is_the_cause(netra_authd: AuthdBeside) -> None:
    async with visit(netra_authd.url) as one:
        found = await seen(credentials.checks, one)
        assert states(found) == {"service_secret": "fail"}
        finding = only(found["service_secret"])
        assert (finding.code, finding.subject) == ("service_credentials_rejected", "service_credentials")
        assert "502" in finding.why
        assert "SERVICE_SECRET" in finding.fix
        assert one.standing.handshake == "refused"


async def test_of_each_secret_it_is_told_whether_a_change_is_followed_or_needs_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.write_text(SECRET)
    async with FaultyAuthService(secret=SECRET) as lab:
        told = {"SERVICE_SECRET": None, "SERVICE_SECRET_FILE": str(path), "SERVICE_SECRET_PREVIOUS": OTHER_SECRET}
        found = await looked(lab, **told)
    assert f"fingerprint {PRINT}) from the file {path}: followed when it changes" in found["service_secret"].what
    assert f"fingerprint {OTHER_PRINT}) from the environment" in found["service_secret_previous"].what
    assert "a change needs a restart" in found["service_secret_previous"].what


async def test_with_the_current_secret_refused_and_the_previous_accepted_logins_get_through_and_it_is_said() -> None:
    lab = FaultyAuthService(secret=OTHER_SECRET, says={"secret_fingerprints": [OTHER_PRINT]})
    async with lab, visit(lab.url, SERVICE_SECRET_PREVIOUS=OTHER_SECRET) as one:
        found = await seen(credentials.checks, one)
        assert states(found) == {"service_secret": "warn", "service_secret_previous": "pass", "agreement": "pass"}
        assert codes(found.values()) == ["service_credentials_rejected"]
        finding = only(found["service_secret"])
        assert (finding.severity, finding.code) == ("warning", "service_credentials_rejected")
        assert finding.subject == "SERVICE_SECRET"
        assert f"{PRINT}" in finding.what
        assert f"accepts SERVICE_SECRET_PREVIOUS (fingerprint {OTHER_PRINT})" in finding.what
        # What is asked behind carries the secret that is accepted, as production does.
        assert set(states(await seen(contract.checks, one)).values()) == {"pass"}
        assert lab.delivered("/auth/login")[0].header("X-Service-Secret") == OTHER_SECRET


async def test_a_previous_secret_that_is_refused_is_stale_and_no_problem() -> None:
    async with FaultyAuthService(secret=SECRET, says={"secret_fingerprints": [PRINT]}) as lab:
        found = await looked(lab, SERVICE_SECRET_PREVIOUS=OTHER_SECRET)
    assert states(found) == {"service_secret": "pass", "service_secret_previous": "pass", "agreement": "pass"}
    assert codes(found.values()) == ["secret_stale"]
    finding = only(found["service_secret_previous"])
    assert (finding.severity, finding.code, finding.subject) == ("note", "secret_stale", "SERVICE_SECRET_PREVIOUS")
    assert "stale" in found["service_secret_previous"].what


async def test_two_secrets_that_are_refused_are_both_told() -> None:
    async with FaultyAuthService(secret=SECRET[::-1]) as lab:
        found = await looked(lab, SERVICE_SECRET_PREVIOUS=OTHER_SECRET)
    assert states(found) == {"service_secret": "fail", "service_secret_previous": "fail"}
    assert codes(found.values()) == ["service_credentials_rejected"] * 2


async def test_credentials_that_were_never_set_are_missing_and_not_wrong(netra_authd: AuthdBeside) -> None:
    async with visit(netra_authd.url, SERVICE_ID=None, SERVICE_SECRET=None) as one:
        found = await seen(credentials.checks, one)
    assert states(found) == {"service_secret": "fail"}
    assert codes(found.values()) == ["service_credentials_missing"]
    assert "SERVICE_SECRET is not set" in found["service_secret"].what


@pytest.mark.parametrize(("theirs", "state"), [(SECRET, "pass"), (OTHER_SECRET, "fail")], ids=["known", "strange"])
async def test_without_a_handshake_another_question_that_needs_credentials_shows_it(theirs: str, state: str) -> None:
    async with FaultyAuthService(secret=theirs) as lab, visit(lab.url) as one:
        lab.answer(HANDSHAKE, problem(404, "no_such_route"))
        found = await seen(credentials.checks, one)
        assert states(found) == {"service_secret": state}
        assert codes(found.values()) == ([] if state == "pass" else ["service_credentials_rejected"])
        assert one.handshake is None
        assert one.standing.handshake == ("absent" if state == "pass" else "refused")


async def test_without_a_handshake_who_answers_everybody_proves_nothing_and_that_is_no_warning() -> None:
    async with FaultyAuthService(handshake=False) as lab:
        found = await looked(lab)
    assert states(found) == {"service_secret": "skip"}
    assert "no handshake" in found["service_secret"].what
    assert "shows at the first login" in found["service_secret"].what
    assert not codes(found.values())


async def test_an_auth_service_that_wants_no_credentials_is_not_asked_about_them() -> None:
    async with FaultyAuthService() as lab:
        found = await looked(lab, NETRA_WIRE="fastapi-tutorial")
        assert not lab.journal
    assert states(found) == {"service_secret": "skip"}


async def test_what_both_sides_say_otherwise_is_told_with_both_values() -> None:
    async with FaultyAuthService(says={"environment": "staging", "service_id": "somebody-else"}) as lab:
        found = await looked(lab)
    assert found["agreement"].state == "warn"
    assert codes(found.values()) == ["service_id_differs", "environment_differs"]
    whole = " ".join(each.what for each in found["agreement"].findings)
    assert all(word in whole for word in ("backend-under-test", "somebody-else", "staging", "test"))


async def test_what_the_auth_service_says_of_itself_is_shown_without_its_control_characters() -> None:
    async with FaultyAuthService(says={"version": "2\x1b[31m\n"}) as lab:
        found = await looked(lab)
    assert "version 2?[31m?" in found["agreement"].what


async def test_an_auth_service_that_repeats_our_secret_does_not_have_it_printed() -> None:
    said = {"version": f"debug {SECRET}", "environment": SECRET, "service_id": f"as {OTHER_SECRET}"}
    async with FaultyAuthService(secret=SECRET, says=said) as lab:
        found = await looked(lab, SERVICE_SECRET_PREVIOUS=OTHER_SECRET)
    assert found["agreement"].findings
    assert "debug ••••••" in found["agreement"].what


async def test_a_handshake_that_never_answers_is_the_cause_and_the_other_secret_is_not_shown() -> None:
    async with FaultyAuthService() as lab:
        lab.answer(HANDSHAKE, silence())
        found = await looked(lab, SERVICE_SECRET_PREVIOUS=OTHER_SECRET, NETRA_TOKEN_BUDGET_S="1.1")
        assert len(lab.delivered(HANDSHAKE)) == 1
    assert states(found) == {"service_secret": "fail", "service_secret_previous": "skip"}
    assert codes(found.values()) == ["response_timeout"]


async def test_a_handshake_that_cannot_be_read_says_nothing_of_our_credentials() -> None:
    async with FaultyAuthService() as lab:
        lab.answer(HANDSHAKE, json_reply(200, {"key_ids": "none"}))
        found = await looked(lab)
    assert codes(found.values()) == ["invalid_response"]
    assert "no word on our credentials" in found["service_secret"].what


async def test_a_refusal_of_us_is_never_read_as_one_of_a_user_in_what_follows() -> None:
    async with FaultyAuthService() as lab, visit(lab.url) as one:
        lab.answer(HANDSHAKE, problem(401, "service_credentials_rejected"))
        lab.answer("/auth/login", json_reply(401, {"message": "no"}))
        await seen(credentials.checks, one)
        outcome = (await one.put(LOGIN)).outcome
    assert code_of(outcome) == "service_credentials_rejected"
