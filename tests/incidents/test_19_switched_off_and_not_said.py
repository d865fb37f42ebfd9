"""The auth service was switched off, and users were told of a fault of the network; or variables had not come in.

Each of several classes had read the environment in its own way, and nobody could see which value held. It must never
take a second place to read a setting: there is one, and it says where each value comes from.
"""

import asyncio
import json
from collections import Counter
from pathlib import Path
from typing import Any, Final

import pytest

from netra.doctor.debugger import AuthServiceDebugger
from netra.doctor.diagnosis import Hop, State
from netra.lab.faulty_auth_service import FaultyAuthService
from netra.settings.authd_variables import AuthdSettings
from netra.settings.field import rows
from netra.settings.read import read
from netra.settings.variables import Settings
from tests.incidents.operators import GOOD, SECRET, doctor, line_of, refused_start, told
from tests.support.gateways import ENVIRONMENT, gateway
from tests.support.labs import lab
from tests.support.problems import assert_problem
from tests.support.programs import Gateway, attempt
from tests.support.wire import ask_now

OFF: Final = "AUTH_SERVICE_ENABLED"
OF_THE_NETWORK: Final = ("refused", "timeout", "unreachable", "connect", "DNS", "network")
WORDS_FOR_OFF: Final = ("false", "0", "no", "off", "False", "OFF")


async def test_switched_off_is_said_in_so_many_words_and_nobody_is_asked() -> None:
    async with FaultyAuthService() as service, gateway(service.url, AUTH_SERVICE_ENABLED="false") as running:
        answer = await running.log_in()
        body = assert_problem(answer, 503, "auth_service_disabled")
        assert OFF in body["detail"]
        assert OFF in body["suggestions"][0]
        assert (body["owner"], body["debug_info"]["attempts"]) == ("us", [])
        said = " ".join((body["title"], body["detail"], body["original_error"]))
        assert [word for word in OF_THE_NETWORK if word in said] == []
        line = await line_of(running, answer)
        assert (line["event"], line["code"], line["check_first"]) == (
            "Login failed", "auth_service_disabled", body["suggestions"][0],
        )  # fmt: skip
        assert service.connections_count == 0


@pytest.mark.parametrize("word", WORDS_FOR_OFF)
async def test_a_diagnosis_names_the_switch_first_however_off_is_spelt(word: str) -> None:
    async with FaultyAuthService() as service:
        environ = {**ENVIRONMENT, "AUTH_SERVICE_URL": service.url, OFF: word}
        diagnosis = await AuthServiceDebugger(environ).run()
        assert service.connections_count == 0
    assert diagnosis.first is not None
    assert diagnosis.first.code == "auth_service_disabled"
    assert OFF in diagnosis.first.what
    assert OFF in diagnosis.first.fix
    assert not diagnosis.ok
    behind = {check.state for check in diagnosis.checks if check.hop is not Hop.CONFIGURATION}
    assert behind == {State.SKIP}


def test_every_surface_shows_the_same_value_and_where_it_comes_from(tmp_path: Path) -> None:
    secret_file = tmp_path / "secret"
    secret_file.write_text(SECRET)
    with lab() as service:
        environ = {
            "ENVIRONMENT": "staging", "SERVICE_ID": "netra-backend", "SERVICE_SECRET_FILE": str(secret_file),
            "NETRA_LOGIN_BUDGET_S": "7", "AUTH_SERVICE_URL": service.url,
        }  # fmt: skip
        with Gateway(None, told=environ) as running:
            console = of_console(ask_now(running.admin_url, "GET", "/console/settings").json)
        live = json.loads(attempt("doctor", "--format", "json", told=environ).stdout)["settings"]
    origins = {
        "SERVICE_ID": "environment", "SERVICE_SECRET": f"file {secret_file}", "NETRA_TRIES": "default",
        "NETRA_LOGIN_BUDGET_S": "environment", "AUTH_SERVICE_URL": "environment", OFF: "default",
    }  # fmt: skip
    shown = {each["variable"]: each for each in live}
    assert {name: shown[name]["origin"] for name in origins} == origins
    assert {name: console[name] for name in origins} == {name: shown[name] for name in origins}
    assert console["NETRA_PORT"]["origin"] == "option"
    assert console["NETRA_LOGIN_BUDGET_S"]["value"] == 7
    assert SECRET not in json.dumps([console, shown])
    assert console["SERVICE_SECRET"]["fingerprint"]


def of_console(document: Any) -> dict[str, Any]:
    """The settings that the console shows, by variable."""
    return {each["variable"]: each for each in document["settings"]}


def test_variables_that_have_not_come_in_are_named_with_where_they_were_looked_for(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("".join(f"{name}={value}\n" for name, value in GOOD.items()))
    lines = refused_start({"ENVIRONMENT": "staging"}, folder=tmp_path)
    missing = {line.split(":")[1].strip(): line for line in lines if line.startswith("error: ")}
    assert missing.keys() == {"AUTH_SERVICE_URL", "SERVICE_ID", "SERVICE_SECRET"}
    assert "looked in the environment" in missing["AUTH_SERVICE_URL"]
    assert "looked for SERVICE_SECRET and SERVICE_SECRET_FILE" in missing["SERVICE_SECRET"]
    assert doctor({"ENVIRONMENT": "staging"}, folder=tmp_path).setting("SERVICE_ID")["origin"] == "default"


@pytest.mark.parametrize(
    ("name", "meant"), [("AUTH_SERVICE_URI", "AUTH_SERVICE_URL"), ("SERVICE_SECERT", "SERVICE_SECRET")]
)
def test_a_variable_under_a_name_that_nobody_reads_is_asked_for(name: str, meant: str) -> None:
    environ = told(meant, **{name: GOOD[meant]})
    (error,) = [each for each in read(environ).findings if each.subject == meant]
    assert f"{name} is set: was it meant?" in error.fix


def test_every_variable_is_defined_once_and_two_tables_share_their_rows() -> None:
    for table in (Settings, AuthdSettings):
        counts = Counter(name for _, row in rows(table) for name in row.names)
        assert [name for name, count in counts.items() if count > 1] == []
    ours = {row.name: row for _, row in rows(Settings)}
    shared = [row for _, row in rows(AuthdSettings) if row.name in ours]
    assert shared, "the search finds nothing"
    assert [row.name for row in shared if row != ours[row.name]] == []


async def test_whoever_switches_it_off_for_a_while_is_reminded_by_the_command() -> None:
    async with FaultyAuthService() as service:
        environ = {**ENVIRONMENT, "AUTH_SERVICE_URL": service.url, OFF: "false"}
        done = await asyncio.to_thread(attempt, "doctor", told=environ)
    assert done.returncode == 1
    last = done.stdout.splitlines()[-1]
    assert last.startswith("First:")
    assert OFF in last
