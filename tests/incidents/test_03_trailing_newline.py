"""A line feed at the end of the service's id made a header that no client would send, and nobody could log in.

Three such failures, all of them the caller's own, were then counted against the auth service and shut it off.
It must never reach a header, and what we cannot send must never count as the auth service's failure.
"""

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Final

from netra.assemble import open_gateway
from netra.core.events import AttemptEnded, HandshakeEnded
from netra.core.secret import Secret
from netra.core.verdict.causes import Phase
from netra.core.verdict.outcomes import Unknown
from netra.lab.faulty_auth_service import FaultyAuthService
from netra.testing.fakes import Recorded
from tests.incidents.operators import EMAIL, PASSWORD, SECRET, examined, line_of, told
from tests.support.gateways import ENVIRONMENT, gateway, opened, served, settings_for
from tests.support.labs import lab
from tests.support.problems import assert_problem
from tests.support.programs import Gateway
from tests.support.wire import post

WHITE_SPACE: Final = "surrounding_white_space"
SPOILT: Final = {"SERVICE_ID": "netra-backend\n", "SERVICE_SECRET": f"{SECRET}\r\n"}


def test_a_line_end_is_taken_off_said_once_and_never_sent() -> None:
    with lab(secret=SECRET) as service, Gateway(service.url, told={**ENVIRONMENT, **SPOILT}) as running:
        assert running.log_in(EMAIL, PASSWORD).status == 200
        found = [line for line in running.lines if line.get("code") == WHITE_SPACE]
        assert [(line["event"], line["variable"]) for line in found] == [
            ("Configuration problem", "SERVICE_ID"),
            ("Configuration problem", "SERVICE_SECRET"),
        ]
        assert r"ends with a line feed (\n)" in found[0]["what"]
        assert r"a carriage return (\r)" in found[1]["what"]
        (delivery,) = service.delivered("/auth/login")
    assert (delivery.header("X-Service-ID"), delivery.header("X-Service-Secret")) == ("netra-backend", SECRET)
    assert "\n" not in "".join(name + value for name, value in delivery.headers)


async def test_a_line_end_in_a_file_is_taken_off_like_any_other(tmp_path: Path) -> None:
    files = {}
    for name, text in SPOILT.items():
        (tmp_path / name).write_bytes(text.encode())
        files[f"{name}_FILE"] = str(tmp_path / name)
    async with (
        FaultyAuthService(secret=SECRET) as service,
        gateway(service.url, SERVICE_ID=None, SERVICE_SECRET=None, **files) as running,
    ):
        assert (await running.log_in()).status == 200
        assert [each.header("X-Service-ID") for each in service.delivered("/auth/login")] == ["netra-backend"]
    found = [each for each in examined(told(*SPOILT, **files)).report["findings"] if each["code"] == WHITE_SPACE]
    assert [each["subject"] for each in found] == ["SERVICE_ID", "SERVICE_SECRET"]


async def test_a_header_that_we_cannot_write_is_our_own_failure_and_counts_against_nobody() -> None:
    """As an embedding program could bring it about, which hands its settings over without having them read."""
    told_of = Recorded()
    async with FaultyAuthService() as service:
        settings = replace(settings_for(service.url, {"NETRA_TRIES": "3"}), service_id="netra\nbackend")
        async with open_gateway(settings, told_of) as assembled, served(assembled.public, asyncio.Event()) as url:
            for _ in range(3):
                answer = await post(url, "/api/v1/auth/login", {"email": EMAIL, "password": PASSWORD})
                assert_problem(answer, 503, "proxy_configuration_error")
        assert {delivery.path for delivery in service.journal} == {"/health"}, "something was sent under an illegal id"
    outcomes = [event.outcome for event in told_of.of(AttemptEnded)]
    assert len(outcomes) == 3
    for outcome in outcomes:
        assert isinstance(outcome, Unknown)
        assert (outcome.phase, outcome.counts, outcome.transient) == (Phase.NEVER_SENT, False, False)
        assert len(outcome.tried) == 1, "what cannot be sent was tried again"
    assert told_of.of(HandshakeEnded) == [], "not even the handshake could be sent"


async def test_nor_does_a_secret_that_no_header_can_carry() -> None:
    async with FaultyAuthService() as service:
        settings = replace(settings_for(service.url, {}), service_secret=Secret("\u20ac" * 32))
        async with opened(settings) as running:
            answer = await running.log_in()
            assert_problem(answer, 503, "proxy_configuration_error")
            line = await line_of(running, answer)
            assert (line["code"], line["phase"], line["owner"]) == ("proxy_configuration_error", "never_sent", "us")
        assert service.delivered("/auth/login") == []
