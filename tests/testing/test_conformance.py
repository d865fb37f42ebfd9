"""Real auth services are held to what Netra needs of them, each with the wire that describes it.

It must never be told in Python how one of them is spoken to: that stands in its wire file.
"""

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import pytest

from netra.lab.certificates import Authority
from netra.lab.faulty_auth_service import FaultyAuthService
from netra.link.tls.trust import Unusable
from netra.testing.authds import authd_beside
from netra.testing.conformance import AuthService, Row, Verdict, announcement, examine, report
from netra.testing.labs import lab_beside
from netra.wires.load import presets
from netra.wires.problem import WireProblem
from tests.live.test_auth_services_of_others import TUTORIAL, Other, started
from tests.support import django_simplejwt
from tests.support.places import free_port

DJANGO: Final = Other(
    "django_simplejwt.py", "django-rest", django_simplejwt.USERNAME, django_simplejwt.PASSWORD, tells_who=False
)
NO_AROUND: Final = frozenset({
    "its_health_can_be_asked", "its_health_answers_head_as_it_answers_get", "the_handshake_accepts_our_credentials",
    "the_handshake_names_the_fingerprint_of_our_secret", "its_offer_can_be_read", "a_new_account_is_opened_once",
    "wrong_service_credentials_are_never_the_users_refusal", "a_login_that_is_delivered_twice_has_one_verdict",
    "an_idempotency_key_stands_for_one_body",
})  # fmt: skip
"""What services that know nothing of Netra cannot be asked."""
NO_REFRESH: Final = frozenset({
    "a_refresh_token_opens_the_next_session", "a_made_up_refresh_token_is_refused",
    "after_a_logout_the_refresh_token_is_refused", "a_second_logout_is_no_failure",
})  # fmt: skip
NO_VALIDATE: Final = frozenset({"a_good_token_names_the_user_of_the_login", "a_made_up_token_is_refused_and_no_error"})
CACHES: Final = "answers_with_tokens_are_not_kept_by_caches"
FORGETFUL: Final[Mapping[str, Verdict]] = {
    "its_health_answers_head_as_it_answers_get": Verdict.WARN,
    "the_handshake_names_the_fingerprint_of_our_secret": Verdict.WARN,
    "a_malformed_login_is_no_refusal_of_a_user": Verdict.WARN,
    "a_new_account_is_opened_once": Verdict.WARN,
    "after_a_logout_the_refresh_token_is_refused": Verdict.FAIL,
    "wrong_service_credentials_are_never_the_users_refusal": Verdict.WARN,
    "an_idempotency_key_stands_for_one_body": Verdict.FAIL,
    CACHES: Verdict.WARN,
}
"""What the lab's auth service lacks, because it has no memory: it is there to fail on command, not to be one."""


def but_passed(rows: Sequence[Row]) -> dict[str, Verdict]:
    """The rows that have not passed."""
    return {row.check.name: row.result.verdict for row in rows if row.result.verdict is not Verdict.PASS}


def test_the_auth_service_that_comes_along_has_all_that_netra_needs(tmp_path: Path) -> None:
    with authd_beside(tmp_path) as authd:
        service = AuthService(
            url=authd.url,
            identifier=authd.email,
            password=authd.password,
            service_id=authd.service_id,
            service_secret=authd.service_secret,
            new_identifier="grace.hopper@example.com",
            new_password="Swordfish-and-chips-42",
        )
        rows = asyncio.run(examine(service))
    assert but_passed(rows) == {}, "\n".join(report(rows))
    assert list(report(rows))[-1] == f"{len(rows)} pass"


@pytest.mark.parametrize(
    ("other", "skipped"),
    [(TUTORIAL, NO_AROUND | NO_REFRESH), (DJANGO, NO_AROUND | NO_VALIDATE)],
    ids=["FastAPI's tutorial", "Django with simplejwt"],
)
async def test_auth_services_that_know_nothing_of_netra_have_what_their_wire_lists(
    other: Other, skipped: frozenset[str]
) -> None:
    async with started(other.program) as running:
        service = AuthService(url=running.url, wire=other.wire, identifier=other.username, password=other.password)
        rows = await examine(service)
    expected = {**dict.fromkeys(skipped, Verdict.SKIPPED), CACHES: Verdict.WARN}
    assert but_passed(rows) == expected, "\n".join(report(rows))


def test_the_labs_auth_service_lacks_what_needs_a_memory_and_nothing_else() -> None:
    with lab_beside() as lab:
        service = AuthService(
            url=lab.url,
            identifier="ada.byron@example.com",
            password="Swordfish-and-chips-42",
            wrong_password="wrong",
            service_id="conformance",
            service_secret="s" * 40,
            new_identifier="grace.hopper@example.com",
            new_password="Swordfish-and-chips-42",
        )
        rows = asyncio.run(examine(service))
    assert but_passed(rows) == FORGETFUL, "\n".join(report(rows))


@pytest.mark.parametrize("wire", presets())
async def test_every_preset_can_be_asked_by(wire: str) -> None:
    async with FaultyAuthService() as lab:
        service = AuthService(
            url=f"{lab.url}/identity",
            wire=wire,
            identifier="ada.byron@example.com",
            password="Swordfish-and-chips-42",
            service_id="conformance",
            service_secret="s" * 40,
        )
        rows = await examine(service)
        paths = [each.path for each in lab.journal]
    codes = {row.result.code for row in rows if row.result.verdict is Verdict.FAIL}
    if wire == "oauth2-introspection":
        assert (paths, codes) == ([], set()), "without a login there is no token to ask about"
        return
    assert {path.startswith("/identity/") for path in paths} == {True}
    assert codes == {"endpoint_not_found"}, "nothing is there, and every row says so"


async def test_a_private_authority_is_trusted_where_its_file_is_named_and_nowhere_else(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    who: dict[str, Any] = {
        "identifier": "ada.byron@example.com",
        "password": "Swordfish-and-chips-42",
        "wrong_password": "wrong",
    }
    async with FaultyAuthService(tls=authority.good()) as lab:
        trusted = await examine(AuthService(url=lab.url, ca_file=str(authority.file), **who))
        strange = await examine(AuthService(url=lab.url, **who))
    assert {name for name, verdict in but_passed(trusted).items() if verdict is Verdict.FAIL} == {
        name for name, verdict in FORGETFUL.items() if verdict is Verdict.FAIL
    }
    assert "HEAD on its health is answered 404" in {row.result.reason for row in trusted}
    assert {row.result.code for row in strange if row.result.verdict is Verdict.FAIL} == {"tls_certificate_error"}
    with pytest.raises(Unusable, match="CA"):
        await examine(AuthService(url=lab.url, ca_file=str(tmp_path / "nothing.pem"), **who))


def test_where_nobody_listens_every_row_says_so_and_none_passes() -> None:
    service = AuthService(url=f"http://127.0.0.1:{free_port()}", identifier="a@example.com", password="x")
    heard: list[Row] = []
    rows = asyncio.run(examine(service, heard.append))
    assert heard == list(rows)
    of_codes = {row.result.code for row in rows if row.result.verdict is Verdict.FAIL}
    assert of_codes == {"connection_refused"}
    assert {row.result.verdict for row in rows} == {Verdict.FAIL, Verdict.SKIPPED, Verdict.WARN}


def test_a_wire_that_cannot_be_used_is_refused_before_anything_is_sent(tmp_path: Path) -> None:
    bad = tmp_path / "bad.toml"
    bad.write_text('name = "bad"\n[calls.login]\nmethod = "PUT"\n')
    with lab_beside() as lab:
        service = AuthService(url=lab.url, wire=str(bad), identifier="a@example.com", password="x")
        with pytest.raises(WireProblem, match="method"):
            asyncio.run(examine(service))
        assert not lab.journal


def test_neither_the_auth_service_nor_a_report_shows_who_logs_in_or_how(tmp_path: Path) -> None:
    with authd_beside(tmp_path) as authd:
        told: dict[str, Any] = {
            "identifier": authd.email, "password": authd.password, "service_id": authd.service_id,
            "service_secret": authd.service_secret,
        }  # fmt: skip
        service = AuthService(url=authd.url, **told)
        said = "\n".join([repr(service), announcement(service), *report(asyncio.run(examine(service)))])
    assert [name for name, value in told.items() if value in said] == []
    assert "eyJ" not in said, "a JWT"
