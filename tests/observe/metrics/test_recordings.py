"""What was recorded while a real gateway failed brings somebody the one alert that it is about, and no other.

It must never judge by a rule of its own: Prometheus evaluates, and Alertmanager decides what is sent.
"""

import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final
from uuid import uuid4

import pytest

from netra.observe.metrics.alerting.of_upkeep import NOT_SCRAPED
from netra.observe.metrics.alerting.of_users import LOGINS_FAILING, REFUSED, WAVE
from netra.observe.metrics.definitions import NEAR_BUDGET
from tests.house.source import ROOT
from tests.observe.metrics import alertmanager as real
from tests.observe.metrics.alertmanager import Alertmanager
from tests.observe.metrics.prometheus_beside import PROMTOOL
from tests.observe.metrics.runs.catalogue import BY_NAME, HEALTHY, RUNS
from tests.observe.metrics.runs.expected import EXPECTED
from tests.observe.metrics.runs.page import PAGE, with_table
from tests.observe.metrics.runs.record import FAKETIME, made_all
from tests.observe.metrics.runs.recording import FOLDER, STEP_S, Recording, as_text, load, path_of, read
from tests.observe.metrics.runs.replaying import (
    A_MINUTE,
    AN_HOUR,
    JOB,
    Fired,
    Stretch,
    alerts_of,
    gone,
    replayed,
)

PATIENCE_S: Final = 20.0
MOST_BYTES: Final = 1_500_000
_WELL: Final = AN_HOUR + A_MINUTE
_FAULTY: Final = 20 * A_MINUTE
AGAIN: Final = ("port-closed", "checks-fail")
"""Recorded anew by each run of the tests."""
_OF_THE_MACHINE: Final = NEAR_BUDGET.scraped
"""It moves when the machine is busy: a second of ours is a quarter of a minute in a recording."""

needs_promtool = pytest.mark.skipif(PROMTOOL is None, reason="promtool is not installed (Debian: prometheus)")
needs_alertmanager = pytest.mark.skipif(
    real.PROGRAM is None or real.AMTOOL is None,
    reason="Alertmanager is not installed (Debian: prometheus-alertmanager)",
)
needs_faketime = pytest.mark.skipif(FAKETIME is None, reason="faketime is not installed (Debian: faketime)")


@pytest.fixture(scope="module")
def alertmanager(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Alertmanager]:
    with real.alertmanager(tmp_path_factory.mktemp("alertmanager")) as running:
        yield running


def during_the_fault(recording: Recording, folder: Path) -> list[Fired]:
    """Every alert that stands at every other minute of the fault, which comes after an hour in which all was well."""
    stretch = Stretch(_WELL, max(_FAULTY, recording.steps_count - recording.faulty_from))
    begins = _WELL if recording.faulty_from else 2 * A_MINUTE
    ends = begins + stretch.faulty - (0 if recording.faulty_from else 2 * A_MINUTE)
    at_s = [step * STEP_S for step in range(begins, ends, 2 * A_MINUTE)]
    return alerts_of(replayed(recording, stretch), at_s, folder)


def sent_of(fired: Sequence[Fired], alertmanager: Alertmanager) -> set[tuple[str, str]]:
    """Minute and name of the alerts that Alertmanager would send; each minute of each call is a job of its own."""
    call = uuid4()
    wanted = {f"{call} {each.at_s}" for each in fired}
    alertmanager.give([{**each.labels, "job": f"{call} {each.at_s}"} for each in fired])
    ends_at_s = time.monotonic() + PATIENCE_S
    before: set[tuple[str, str]] | None = None
    while True:
        sent = {
            (each["labels"]["job"], each["labels"]["alertname"])
            for each in alertmanager.sent()
            if each["labels"]["job"] in wanted
        }
        if sent == before and {job for job, _ in sent} == wanted:
            return sent
        assert time.monotonic() < ends_at_s, "Alertmanager did not come to rest"
        before = sent
        time.sleep(0.3)


@needs_promtool
@needs_alertmanager
@pytest.mark.parametrize("run", [each.name for each in RUNS if each.name != HEALTHY])
def test_a_fault_brings_the_alert_that_it_is_about_and_no_other(
    run: str, alertmanager: Alertmanager, tmp_path: Path
) -> None:
    expected = EXPECTED[run]
    fired = during_the_fault(load(run), tmp_path)
    assert {each.name for each in fired} == {expected.sent} | expected.hidden
    sent = sent_of(fired, alertmanager)
    assert {name for _, name in sent} == {expected.sent}
    last_s = max(each.at_s for each in fired)
    assert {name for job, name in sent if job.endswith(f" {last_s}")} == {expected.sent}, "it does not stand to the end"


@needs_promtool
@needs_alertmanager
@pytest.mark.parametrize(("lasted_minutes", "used"), [(4, True), (20, False)], ids=["soon", "late and nobody comes"])
@pytest.mark.parametrize("run", [each.name for each in RUNS if not each.from_the_start and each.name != HEALTHY])
def test_a_fault_that_is_mended_brings_no_second_alert(
    run: str, lasted_minutes: int, used: bool, alertmanager: Alertmanager, tmp_path: Path
) -> None:
    stretch = Stretch(_WELL, lasted_minutes * A_MINUTE, 40 * A_MINUTE, used)
    begins, ends = _WELL + stretch.faulty, _WELL + stretch.faulty + stretch.mended
    at_s = [step * STEP_S for step in range(begins, ends, 2 * A_MINUTE)]
    fired = alerts_of(replayed(load(run), stretch), at_s, tmp_path)
    sent = sent_of(fired, alertmanager) if fired else set()
    assert {name for _, name in sent} <= {EXPECTED[run].sent}
    assert max((each.at_s for each in fired), default=0) < at_s[-1], "it does not end"


@needs_promtool
def test_an_hour_in_which_all_is_well_raises_nothing(tmp_path: Path) -> None:
    series = replayed(load(HEALTHY), Stretch(_WELL, AN_HOUR))
    assert alerts_of(series, range(120, 2 * AN_HOUR * STEP_S, 120), tmp_path) == []


@needs_promtool
@pytest.mark.parametrize("run", ["password-flood", "distributed-guessing"])
def test_a_flood_of_wrong_passwords_is_no_outage(run: str, tmp_path: Path) -> None:
    recording = load(run)
    assert recording.ended_with == set(), "nothing in it is unknown"
    fired = during_the_fault(recording, tmp_path)
    assert {(each.name, each.labels["severity"], each.labels["owner"]) for each in fired} == {
        (WAVE, "medium", "client")
    }


@needs_promtool
def test_an_alert_says_how_many_of_how_many_gateways_see_it(tmp_path: Path) -> None:
    ill, well = load("endpoint-missing"), load(HEALTHY)
    stretch = Stretch(_WELL, _FAULTY)
    series = [*replayed(ill, stretch), *replayed(well, stretch, "gateway-2"), *replayed(well, stretch, "gateway-3")]
    fired = alerts_of(series, [(_WELL + 5 * A_MINUTE) * STEP_S], tmp_path)
    (alert,) = (each for each in fired if each.name == LOGINS_FAILING)
    assert alert.labels["code"] == "endpoint_not_found"
    assert alert.labels["owner"] == "us"
    assert alert.annotations["gateways"] == "1 of 3 gateways see it"
    assert alert.annotations["replicas"] == "3 of 3 gateways are ready"
    assert "`netra explain endpoint_not_found`" in alert.annotations["first_action"]


@needs_promtool
def test_one_gateway_of_two_that_is_refused_is_no_matter_of_the_night(tmp_path: Path) -> None:
    stretch = Stretch(_WELL, _FAULTY)
    series = [*replayed(load("wrong-secret"), Stretch(0, _FAULTY)), *replayed(load(HEALTHY), stretch, "gateway-2")]
    fired = [each for each in alerts_of(series, [10 * A_MINUTE * STEP_S], tmp_path) if each.name == REFUSED]
    assert {each.labels["severity"] for each in fired} == {"medium"}
    assert {each.annotations["gateways"] for each in fired} == {"1 of 2 gateways see it"}


@needs_promtool
@pytest.mark.parametrize("run", ["credentials-refused", "wrong-secret"])
def test_a_refusal_of_all_gateways_is_never_told_as_the_lesser_one_first(run: str, tmp_path: Path) -> None:
    recording = load(run)
    series = replayed(recording, Stretch(_WELL, _FAULTY))
    begins = _WELL if recording.faulty_from else 0
    at_s = [step * STEP_S for step in range(begins, begins + 10 * A_MINUTE)]
    fired = [each for each in alerts_of(series, at_s, tmp_path, STEP_S) if each.name == REFUSED]
    first_s = min(each.at_s for each in fired)
    assert {each.labels["severity"] for each in fired if each.at_s == first_s} == {"high"}
    assert {each.at_s for each in fired if each.labels["severity"] == "high"} == {each.at_s for each in fired}


@needs_promtool
def test_gateways_that_are_gone_are_missed(tmp_path: Path) -> None:
    well, stretch = load(HEALTHY), Stretch(_WELL, 10 * A_MINUTE)
    one, other = replayed(well, stretch), replayed(well, stretch, "gateway-2")
    at_s = [(_WELL + 20 * A_MINUTE) * STEP_S]
    before = {
        "series": f'netra_build_info{{job="{JOB}",instance="gateway-1",version="0.0.1"}}',
        "values": "1x200 stale",
    }
    series = [*gone(one, _WELL), before, *replayed(well, Stretch(_WELL, AN_HOUR), "gateway-2")]
    (alert,) = alerts_of(series, at_s, tmp_path)
    assert (alert.name, alert.labels["severity"]) == (NOT_SCRAPED, "medium")
    assert alert.annotations["gateways"] == "1 of 2 gateways see it"
    fired = alerts_of([*gone(one, _WELL), *gone(other, _WELL)], at_s, tmp_path)
    assert {(each.name, each.labels["severity"]) for each in fired} == {(NOT_SCRAPED, "high"), (NOT_SCRAPED, "medium")}


@needs_faketime
@needs_promtool
def test_what_is_recorded_anew_says_the_same(tmp_path: Path) -> None:
    for run, text in made_all([BY_NAME[name] for name in AGAIN], at_once=len(AGAIN)):
        assert isinstance(text, str), text
        kept, now = load(run.name), read(text)
        assert (now.status, now.code) == (kept.status, kept.code)
        assert (now.check_status, now.check_code) == (kept.check_status, kept.check_code)
        assert now.first_line_code == kept.first_line_code
        assert now.metric == kept.metric
        assert _metrics(now) == _metrics(kept)
        names = [{each.name for each in during_the_fault(recording, tmp_path)} for recording in (now, kept)]
        assert names[0] == names[1]


def _metrics(recording: Recording) -> set[str]:
    return {name.partition("{")[0] for name in recording.series} - {_OF_THE_MACHINE}


def test_every_run_is_recorded_and_expected_and_nothing_else_is() -> None:
    runs = {each.name for each in RUNS}
    assert {each.stem for each in FOLDER.iterdir()} == runs
    assert set(EXPECTED) == runs
    assert sum(each.stat().st_size for each in FOLDER.iterdir()) < MOST_BYTES


@pytest.mark.parametrize("run", [each.name for each in RUNS])
def test_a_recording_is_written_as_it_was_read(run: str) -> None:
    assert as_text(load(run)) == path_of(run).read_text("utf-8")


def test_the_page_for_operators_says_what_was_recorded() -> None:
    page = (ROOT / PAGE).read_text("utf-8")
    assert page == with_table(page)
