"""The checks as a team uses them: a class that is subclassed, a fixture that names the auth service, plain pytest.

It must never need an option, nor show what it was told.
"""

from pathlib import Path
from typing import Final

from netra.testing.authds import authd_beside
from netra.testing.conformance import CHECKS, AuthServiceConformance
from netra.testing.labs import lab_beside
from tests.testing.model import PASSWORD, SECRET, Model
from tests.testing.support import ran

THEIRS: Final = """
import pytest
from netra.testing.conformance import AuthService, AuthServiceConformance

OURS = AuthService(
    url="{url}", wire="netra", identifier="{identifier}", password="{password}",
    service_id="{service_id}", service_secret="{secret}",
)

class TestOurAuthService(AuthServiceConformance):
    @pytest.fixture
    def auth_service(self):
        return OURS
"""
OF_THE_FILE: Final = """
@pytest.fixture(scope="session")
def auth_service():
    return OURS
"""


def theirs(url: str, **told: str) -> str:
    named = {"identifier": "ada.byron@example.com", "password": PASSWORD, "service_id": "x", "secret": SECRET, **told}
    return THEIRS.format(url=url, **named)


def test_every_check_is_a_test_of_its_name() -> None:
    tests = [name for name in dir(AuthServiceConformance) if name.startswith("test_")]
    assert sorted(tests) == sorted(f"test_{check.name}" for check in CHECKS)
    assert all(getattr(AuthServiceConformance, name).__doc__ for name in tests)


def test_a_good_auth_service_is_green_and_what_is_done_to_it_is_said_first(tmp_path: Path) -> None:
    with authd_beside(tmp_path) as authd:
        told = {"identifier": authd.email, "service_id": authd.service_id}
        suite = ran(
            tmp_path, theirs(authd.url, password=authd.password, secret=authd.service_secret, **told), "--showlocals"
        )
    assert suite.exit_code == 0, suite.text
    assert suite.counts == {"passed": len(CHECKS) - 1, "skipped": 1}, "nothing is registered, unless one says who"
    assert suite.text.count("and 2 times at most with a wrong password") == 1
    assert suite.text.index("2 times at most") < suite.text.index("PASSED")
    assert [each for each in (authd.email, authd.password, authd.service_secret, "eyJ") if each in suite.text] == []


def test_each_defect_is_a_red_test_that_says_how_to_mend_it_and_shows_no_secret(tmp_path: Path) -> None:
    model = Model()
    model.routes["/auth/login"] = lambda delivery: model.opened(delivery.json["email"])
    with lab_beside() as lab:
        model.play_on(lab)
        text = theirs(lab.url).partition("    @pytest")[0] + "    pass\n" + OF_THE_FILE
        suite = ran(tmp_path, text, "--showlocals", "-W", "error")
        journal = [each for each in lab.deliveries() if each.json and each.json.get("password") not in (None, PASSWORD)]
    assert suite.exit_code == 1
    assert "FAILED test_theirs.py::TestOurAuthService::test_a_wrong_password_is_refused_as" in suite.text
    assert "fail: A wrong password is refused as the users and not as ours" in suite.text
    assert "mend    Nobody may use this auth service until it checks passwords." in suite.text
    assert "AuthServiceWarning" in suite.text
    of_user = [each for each in journal if each.email == "ada.byron@example.com"]
    assert 0 < len(of_user) <= 2
    sent = {str(each.json["password"]) for each in journal} | {PASSWORD, SECRET}
    assert [each for each in sent if each in suite.text] == []


def test_warnings_are_warnings_and_one_check_alone_can_be_run(tmp_path: Path) -> None:
    model = Model()
    model.routes["/health"] = model.routes["/auth/config"]
    with lab_beside() as lab:
        model.play_on(lab)
        suite = ran(tmp_path, theirs(lab.url), "-k", "caches or health or fingerprint")
    assert suite.counts == {"passed": 3, "failed": 1, "deselected": len(CHECKS) - 4}, suite.text
    assert "read as unknown, invalid_response (of no use: status)" in suite.text


def test_without_a_fixture_it_says_what_is_missing(tmp_path: Path) -> None:
    suite = ran(
        tmp_path,
        """
        from netra.testing.conformance import AuthServiceConformance

        class TestOurs(AuthServiceConformance):
            pass
        """,
        "-k",
        "offer",
    )
    assert suite.counts["error"] == 1
    assert "fixture 'auth_service' not found" in suite.text
