"""Whether the two clocks agree, by the handshake or else by the date of an answer."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from netra.core.verdict.operations import CONFIG, HEALTH
from netra.doctor.diagnosis import Check
from netra.doctor.hops import clocks
from netra.lab.faulty_auth_service import FaultyAuthService
from netra.lab.scripts import json_reply
from netra.testing.authds import AuthdBeside
from tests.doctor.visits import after_handshake, only, seen, states, visit


def off_by(seconds: float) -> datetime:
    """The time over there."""
    return datetime.now(UTC) + timedelta(seconds=seconds)


async def by_handshake(server_time: object) -> Check:
    """What is said of an auth service whose handshake says this."""
    async with FaultyAuthService(says={"server_time": server_time}) as lab, visit(lab.url) as one:
        await after_handshake(one)
        return (await seen(clocks.checks, one))["clock"]


async def by_date(*headers: tuple[str, str]) -> Check:
    """What is said of one that has no handshake, and answers with these headers."""
    async with FaultyAuthService(handshake=False) as lab, visit(lab.url) as one:
        lab.answer("/health", json_reply(200, {"status": "ok"}, headers))
        await one.put(HEALTH)
        return (await seen(clocks.checks, one))["clock"]


def date(seconds: float) -> tuple[str, str]:
    """The header of an answer that was sent then."""
    return "Date", format_datetime(off_by(seconds), usegmt=True)


async def test_two_clocks_of_one_machine_agree(netra_authd: AuthdBeside) -> None:
    async with visit(netra_authd.url, **netra_authd.variables) as one:
        await after_handshake(one)
        assert states(await seen(clocks.checks, one)) == {"clock": "pass"}


@pytest.mark.parametrize(
    ("seconds", "state", "side"),
    [(3, "pass", "ahead"), (-3, "pass", "behind"), (30, "warn", "ahead"), (-30, "warn", "behind"),
     (3600, "fail", "ahead"), (-3600, "fail", "behind")],
)  # fmt: skip
@pytest.mark.parametrize("source", ["handshake", "date"])
async def test_it_is_said_which_clock_is_ahead_and_by_how_much(
    seconds: float, state: str, side: str, source: str
) -> None:
    if source == "handshake":
        found = await by_handshake(off_by(seconds).isoformat(timespec="seconds"))
    else:
        found = await by_date(date(seconds))
    assert found.state == state
    assert side in found.what
    assert source in found.what
    if state != "pass":
        finding = only(found)
        assert finding.code == "clock_differs"
        assert finding.severity == ("error" if state == "fail" else "warning")
        told_s = int(next(word for word in finding.what.split() if word.isdigit()))
        assert abs(told_s - abs(seconds)) <= 2
        assert side in finding.what


async def test_an_answer_that_was_kept_on_the_way_is_older_by_its_age() -> None:
    assert (await by_date(date(-600), ("Age", "600"))).state == "pass"
    assert (await by_date(date(0), ("Age", "600"))).state == "fail"


@pytest.mark.parametrize(
    "headers",
    [(), (("Date", "yesterday"),), (("Date", "Sun, 32 Feb 2026 25:00:00 GMT"),), (date(0), ("Age", "-1")),
     (date(0), ("Age", "x" * 100))],
)  # fmt: skip
async def test_without_a_date_that_can_be_read_nothing_is_said_of_the_clock(headers: tuple[tuple[str, str]]) -> None:
    assert (await by_date(*headers)).state == "skip"


async def test_the_newest_answer_says_what_time_it_is() -> None:
    async with FaultyAuthService(handshake=False) as lab, visit(lab.url) as one:
        lab.answer("/auth/config", json_reply(200, {}, [date(-3600)]))
        lab.answer("/health", json_reply(200, {"status": "ok"}, [date(0)]))
        await one.put(CONFIG)
        await one.put(HEALTH)
        assert states(await seen(clocks.checks, one)) == {"clock": "pass"}
        await one.put(CONFIG)
        assert states(await seen(clocks.checks, one)) == {"clock": "fail"}


async def test_a_handshake_goes_before_a_date() -> None:
    said = off_by(3600).isoformat(timespec="seconds")
    async with FaultyAuthService(says={"server_time": said}) as lab, visit(lab.url) as one:
        lab.answer("/health", json_reply(200, {"status": "ok"}, [date(0)]))
        await one.put(HEALTH)
        await after_handshake(one)
        found = (await seen(clocks.checks, one))["clock"]
    assert found.state == "fail"
    assert "handshake" in found.what
