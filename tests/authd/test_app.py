"""The service as a whole: what settings switch off, and what a failure inside looks like from outside."""

import logging
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from netra.authd.app import FIELDS, LOGGER, log_to
from tests.authd.support import EMAIL, PASSWORD, MovableClock, running, settings_in

if TYPE_CHECKING:
    from collections.abc import Mapping


class BrokenClock(MovableClock):
    """A clock that can fail, to stand for a bug."""

    broken = False

    def __call__(self) -> float:
        if self.broken:
            raise RuntimeError(f"never show this: {PASSWORD}")
        return super().__call__()


async def test_without_registration_the_route_is_not_there(tmp_path: Path) -> None:
    async with running(settings_in(tmp_path, registration=False)) as authd:
        reply = await authd.client.post("/auth/register", {"email": "grace@example.com", "password": PASSWORD})
        assert (reply.status, reply.code) == (404, "not_found")
        assert (await authd.client.get("/auth/config")).body["registration_enabled"] is False
        assert "POST /auth/register" not in (await authd.client.get("/auth/handshake")).body["endpoints"]


async def test_settings_reach_the_wire(tmp_path: Path) -> None:
    settings = settings_in(tmp_path, access_token_s=60, password_min_length=12, issuer="https://a.example.com")
    async with running(settings) as authd:
        config = (await authd.client.get("/auth/config")).body
        assert (config["access_token_ttl_s"], config["password_min_length"]) == (60, 12)
        assert (await authd.client.log_in()).body["expires_in"] == 60
        assert (await authd.client.get("/auth/handshake")).body["issuer"] == "https://a.example.com"
        weak = await authd.client.post("/auth/register", {"email": "grace@example.com", "password": "elevenchars"})
        assert weak.code == "password_rejected"


async def test_a_bug_is_500_with_its_place_in_the_log_and_its_words_nowhere(tmp_path: Path) -> None:
    lines: list[tuple[int, str, Mapping[str, object]]] = []
    clock = BrokenClock()
    async with running(settings_in(tmp_path), clock, lambda *line: lines.append(line)) as authd:
        clock.broken = True
        reply = await authd.client.log_in()
        clock.broken = False
        assert (reply.status, reply.code) == (500, "internal_error")
        assert (await authd.client.log_in()).status == 200
    level, event, fields = lines[0]
    assert (level, event) == (logging.ERROR, "Internal error")
    assert fields["request_id"] == reply.body["request_id"]
    assert fields["exception"] == "RuntimeError"
    assert "test_app.py" in str(fields["where"])
    assert PASSWORD not in reply.text + str(lines)


async def test_a_log_that_fails_harms_no_login(tmp_path: Path) -> None:
    def broken(*_: object) -> None:
        raise OSError("no space left on device")

    async with running(settings_in(tmp_path), tell=broken) as authd:
        assert (await authd.client.log_in()).status == 200
        assert (await authd.client.log_in(password="wrong")).status == 401


async def test_lines_name_nobody_but_tell_one_identifier_from_another(tmp_path: Path) -> None:
    lines: list[tuple[int, str, Mapping[str, object]]] = []
    async with running(settings_in(tmp_path), tell=lambda *line: lines.append(line)) as authd:
        reply = await authd.client.log_in(f" {EMAIL.upper()}")
        await authd.client.log_in(EMAIL, "wrong guess")
        await authd.client.log_in("nobody@example.com", "wrong guess")
        await authd.client.refresh(reply.body["refresh_token"])
        await authd.client.log_out(reply.body["access_token"])
        await authd.client.get("/auth/handshake", seal=False)
    assert [event for _, event, _ in lines] == [
        "Login succeeded", "Login rejected", "Login rejected", "Session refreshed", "Session ended",
        "Request not served",
    ]  # fmt: skip
    identifiers = [fields.get("identifier") for _, _, fields in lines]
    assert identifiers[0] == identifiers[1]
    assert identifiers[1] != identifiers[2]
    said = str(lines).casefold()
    for secret in (EMAIL, "nobody@example.com", PASSWORD, "wrong guess", reply.body["access_token"]):
        assert secret.casefold() not in said


def test_without_a_teller_events_are_records_of_the_standard_library(caplog: pytest.LogCaptureFixture) -> None:
    log_to(logging.getLogger(LOGGER))(logging.WARNING, "Something", {"code": "x"})
    assert [(r.levelno, r.getMessage(), getattr(r, FIELDS)) for r in caplog.records] == [
        (logging.WARNING, "Something", {"code": "x"})
    ]
