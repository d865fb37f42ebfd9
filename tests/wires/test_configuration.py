"""Settings and wire together: what is wrong is told before a start, and what a wire makes no use of is not missed.

It must never need an auth service: all this is known before anything listens.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from netra.core.findings import Severity
from netra.doctor.configuration import Configuration, configuration
from netra.doctor.offline import examine
from netra.settings.read import SettingsProblem, read
from netra.wires.load import presets
from tests.settings.good import SECRET, found, good, without
from tests.support.gateways import gateway
from tests.support.programs import attempt
from tests.wires.support import GOOD, NAMED

SEALED = f'{NAMED}\n[seal]\nX-Key = "{{service_secret}}"\n{GOOD}\n'
UNSEALED = f"{NAMED}\n{GOOD}\n"
BROKEN = f"{NAMED}\ntypo = 1\n{GOOD.replace('method', 'methid')}\n"
REQUIRE = "NETRA_REQUIRE_SERVICE_CREDENTIALS"


@pytest.fixture
def file(tmp_path: Path) -> Any:
    """Writes a wire file; returns its path."""

    def write(text: str) -> str:
        path = tmp_path / "acme.toml"
        path.write_text(text, "utf-8")
        return str(path)

    return write


def codes(told: Configuration) -> dict[str, str]:
    """The findings by code, with their severity."""
    return {each.code: each.severity.value for each in told.findings if each.code != "uncoded_401_trusted"}


# --- a wire that cannot be used --------------------------------------------------------------------------------------


def test_everything_that_is_wrong_with_a_wire_is_a_finding_with_its_line_and_a_cure(file: Any) -> None:
    path = file(BROKEN)
    told = configuration(good(NETRA_WIRE=path, SERVICE_ID="netra-backend-1757000000"))
    assert told.settings is None
    assert told.wire is None
    wrong = [each for each in told.findings if each.code == "wire_unusable"]
    assert [each.what.partition(": ")[0] for each in wrong] == [f"{path}:2", f"{path}:3", f"{path}:4"]
    assert {(each.subject, each.severity) for each in wrong} == {("NETRA_WIRE", Severity.ERROR)}
    assert all("netra wire check" in each.fix for each in wrong)
    assert "time_stamp_in_id" in codes(told), "what is wrong with the settings is told beside"


@pytest.mark.parametrize("value", ["nowhere.toml", "netrra", "/", "a" * 300])
def test_a_wire_that_is_not_there_is_an_error_that_names_the_presets(value: str) -> None:
    told = configuration(good(NETRA_WIRE=value))
    (wrong,) = [each for each in told.findings if each.code == "wire_unusable"]
    assert "supertokens" in wrong.what
    assert told.settings is None


def test_doctor_tells_it_and_ends_with_1(file: Any) -> None:
    path = file(BROKEN)
    done = attempt("doctor", "--offline", told=good(NETRA_WIRE=path))
    assert done.returncode == 1
    assert f"NETRA_WIRE {path}:2: typo: unknown key" in done.stdout
    assert f"NETRA_WIRE {path}:3: [calls.login]" in done.stdout
    document = json.loads(attempt("doctor", "--offline", "--format", "json", told=good(NETRA_WIRE=path)).stdout)
    assert [each["code"] for each in document["findings"] if each["severity"] == "error"] == ["wire_unusable"] * 3
    assert {each["variable"] for each in document["settings"]} >= {"NETRA_WIRE", "SERVICE_ID"}


def test_serve_does_not_start_and_says_file_and_line_to_whoever_started_it(file: Any) -> None:
    path = file(BROKEN)
    done = attempt("serve", "--port", "0", "--admin-port", "0", told=good(NETRA_WIRE=path))
    assert (done.returncode, done.stdout) == (78, "")
    assert len(done.stderr.splitlines()) == 3
    assert done.stderr.startswith(f"error: NETRA_WIRE: {path}:2: typo: unknown key")


def test_a_secret_that_stands_in_a_wire_is_told_by_its_place_alone(file: Any) -> None:
    path = file(UNSEALED.replace("{password}", SECRET))
    for arguments in (("doctor", "--offline"), ("serve", "--port", "0", "--admin-port", "0")):
        done = attempt(*arguments, told=good(NETRA_WIRE=path))
        assert done.returncode in (1, 78)
        assert f"{path}:" in done.stdout + done.stderr
        assert SECRET not in done.stdout + done.stderr


async def test_whoever_opens_a_gateway_by_hand_is_told_by_one_exception(file: Any) -> None:
    with pytest.raises(SettingsProblem, match=r"acme\.toml:2: typo"):
        async with gateway("http://127.0.0.1:1", NETRA_WIRE=file(BROKEN)):
            pass


# --- what a wire makes no use of -------------------------------------------------------------------------------------


@pytest.mark.parametrize("environment", ["development", "test", "staging", "production"])
def test_credentials_that_a_wire_makes_no_use_of_are_not_missed(file: Any, environment: str) -> None:
    told = configuration(without("SERVICE_ID", "SERVICE_SECRET", ENVIRONMENT=environment, NETRA_WIRE=file(UNSEALED)))
    assert told.settings is not None, codes(told)
    assert not {"half_credentials", "credentials_absent", "oauth_credential_missing"} & codes(told).keys()
    assert "error" not in codes(told).values()


def test_half_of_them_are_not_missed_where_a_wire_makes_use_of_the_other_half(file: Any) -> None:
    path = file(SEALED)
    assert configuration(without("SERVICE_ID", NETRA_WIRE=path)).settings is not None
    assert not {"half_credentials", "missing"} & codes(configuration(without("SERVICE_ID", NETRA_WIRE=path))).keys()
    for changes, severity in (({"ENVIRONMENT": "development"}, "warning"), ({"ENVIRONMENT": "production"}, "error"),
                              ({"ENVIRONMENT": "production", REQUIRE: "false"}, "warning")):  # fmt: skip
        lacking = configuration(without("SERVICE_SECRET", NETRA_WIRE=path, **changes))
        missed = [each for each in lacking.findings if each.code == "missing"]
        assert [(each.subject, each.severity.value) for each in missed] == [("SERVICE_SECRET", severity)]
        assert (lacking.settings is None) == (severity == "error")


def test_they_are_missed_as_before_where_the_wire_sends_them() -> None:
    absent = without("SERVICE_ID", "SERVICE_SECRET", ENVIRONMENT="production")
    plain = read(absent)
    told = configuration(absent)
    assert told.settings is None
    assert found(told.findings) == found(plain.findings)
    assert configuration(good()).settings == read(good()).settings


# --- what a wire has to say ------------------------------------------------------------------------------------------


def test_advice_of_a_wire_is_a_warning_and_stops_nobody(file: Any) -> None:
    told = configuration(good(NETRA_WIRE=file(f'advice = "Keep this to your own pages."\n{SEALED}')))
    (advice,) = [each for each in told.findings if each.code == "wire_advice"]
    assert (advice.severity, advice.subject, advice.why) == (
        Severity.WARNING, "NETRA_WIRE", "Keep this to your own pages.",
    )  # fmt: skip
    assert told.settings is not None
    assert "wire_advice" not in codes(configuration(good()))


def test_the_password_grant_comes_with_the_warning_of_its_standard() -> None:
    told = configuration(good(NETRA_WIRE="oauth2-password"))
    (advice,) = [each for each in told.findings if each.code == "wire_advice"]
    assert "9700" in advice.why
    done = attempt("doctor", "--offline", told=good(NETRA_WIRE="oauth2-password"))
    assert done.returncode == 0
    assert "[wire_advice]" in done.stdout


def test_an_auth_service_that_offers_no_health_call_is_noted(file: Any) -> None:
    told = configuration(good(NETRA_WIRE=file(SEALED)))
    assert codes(told)["probe_not_offered"] == "note"
    assert "probe_not_offered" not in codes(configuration(good()))


@pytest.mark.parametrize("name", presets())
def test_every_preset_can_be_used_with_usual_settings(name: str) -> None:
    told = configuration(good(NETRA_WIRE=name))
    assert told.wire is not None
    assert told.wire.name == name
    assert "error" not in codes(told).values()
    report = examine(good(NETRA_WIRE=name))
    assert report.ok
