"""Each login ends in one line, whatever became of it on the way: one to count, and no second one to count twice.

It must never look at the lines of a fake: gateway, auth service and the sockets between them are real.
"""

import asyncio
import socket
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any, Final
from urllib.parse import urlsplit

import pytest

from netra.embed import open_gate
from netra.lab.connection import Script
from netra.lab.faulty_auth_service import FaultyAuthService
from netra.lab.scripts import after, html, in_turn, json_reply, problem, raw_then_reset, reply, session
from tests.embed.support import heard, told
from tests.support.gateways import EMAIL, IMPATIENT, LOGIN, OTHER_SECRET, PASSWORD, SECRET, Running, gateway
from tests.support.places import free_port
from tests.support.wire import as_json, message

PATH: Final = "/auth/login"
GOOD: Final = json_reply(200, session(EMAIL))
BUSY: Final = problem(503, "busy")
ENDS: Final = (
    "Login succeeded", "Login rejected", "Login failed: Access forbidden", "Login failed",
    *(f"All {count} login attempts failed" for count in range(1, 6)),
)  # fmt: skip

WAYS: Final[dict[str, tuple[Script, dict[str, str], str]]] = {
    "accepted": (GOOD, {}, "Login succeeded"),
    "rejected": (problem(401, "invalid_credentials"), {}, "Login rejected"),
    "locked": (problem(423, "account_locked"), {}, "Login rejected"),
    "one more step": (problem(403, "second_factor_required"), {}, "Login rejected"),
    "failed once": (BUSY, {}, "All 1 login attempts failed"),
    "failed thrice": (BUSY, {"NETRA_TRIES": "3"}, "All 3 login attempts failed"),
    "accepted at the third": (in_turn(BUSY, BUSY, GOOD), {"NETRA_TRIES": "3"}, "Login succeeded"),
    "rejected at the second": (
        in_turn(BUSY, problem(401, "invalid_credentials")), {"NETRA_TRIES": "3"}, "Login rejected",
    ),
    "connection broken": (raw_then_reset(), {"NETRA_TRIES": "2"}, "All 2 login attempts failed"),
    "late": (after(30, GOOD), dict(IMPATIENT), "All 1 login attempts failed"),
    "a page": (html(502, "<h1>Bad gateway</h1>"), {}, "All 1 login attempts failed"),
    "nothing in it": (reply(200), {}, "All 1 login attempts failed"),
    "we are refused": (problem(401, "invalid_client"), {}, "Login failed: Access forbidden"),
    "switched off": (GOOD, {"AUTH_SERVICE_ENABLED": "false"}, "Login failed"),
}  # fmt: skip


def ends(running: Running, request_id: str) -> list[str]:
    """The ends of logins among the lines of a request; whatever else there is would be one too many, too."""
    lines = [line["event"] for line in running.lines_of(request_id)]
    assert [event for event in lines if event not in ENDS] == []
    return lines


@pytest.mark.parametrize("way", WAYS)
async def test_a_login_ends_in_one_line(way: str) -> None:
    script, variables, event = WAYS[way]
    async with FaultyAuthService() as service:
        service.answer(PATH, script)
        async with gateway(service.url, **variables) as running:
            await running.log_in(headers=[("X-Request-ID", "one")])
            assert ends(running, "one") == [event]
            assert running.events().count(event) == 1


async def test_a_login_that_is_asked_again_with_the_other_secret_ends_in_one_line() -> None:
    secrets = {"SERVICE_SECRET": SECRET, "SERVICE_SECRET_PREVIOUS": OTHER_SECRET}
    async with FaultyAuthService(secret=SECRET) as service, gateway(service.url, **secrets) as running:
        service.secret = OTHER_SECRET
        await running.log_in(headers=[("X-Request-ID", "one")])
        assert len(service.delivered(PATH)) == 2
        assert ends(running, "one") == ["Login succeeded"]


async def test_a_login_that_the_circuit_or_the_throttle_keeps_out_ends_in_one_line() -> None:
    async with gateway(f"http://127.0.0.1:{free_port()}", NETRA_BREAKER="true") as running:
        for number in range(30):
            await running.log_in(headers=[("X-Request-ID", f"r{number}")])
        assert {len(ends(running, f"r{number}")) for number in range(30)} == {1}
        assert ends(running, "r29") == ["Login failed"]
    async with FaultyAuthService() as service:
        service.answer(PATH, problem(401, "invalid_credentials"))
        async with gateway(service.url, NETRA_THROTTLE_ACCOUNT="2/60s") as running:
            for number in range(4):
                await running.log_in(headers=[("X-Request-ID", f"r{number}")])
            assert [ends(running, f"r{number}") for number in range(4)] == [["Login rejected"]] * 4


async def test_a_login_whose_client_leaves_ends_in_one_line() -> None:
    async with FaultyAuthService() as service:
        service.answer(PATH, after(0.3, GOOD))
        async with gateway(service.url) as running:
            with left_soon(running.url):
                await asyncio.sleep(0.1)
            async with asyncio.timeout(10):
                while not running.lines_of("gone"):
                    await asyncio.sleep(0.05)
            await asyncio.sleep(0.1)
            assert ends(running, "gone") == ["Login succeeded"]


@contextmanager
def left_soon(url: str) -> Iterator[None]:
    """A login whose client is gone when this ends."""
    address = urlsplit(url)
    body = as_json({"email": EMAIL, "password": PASSWORD})
    headers = [("X-Request-ID", "gone"), ("Content-Type", "application/json")]
    with closing(socket.create_connection((address.hostname or "", address.port or 0))) as connection:
        connection.sendall(message("POST", LOGIN, headers, body))
        yield


async def test_what_was_no_login_has_no_line_of_one() -> None:
    async with FaultyAuthService() as service, gateway(service.url) as running:
        for body in (b"{", b"[]", b'{"email": 1}'):
            headers = [("X-Request-ID", "none"), ("Content-Type", "application/json")]
            assert (await running.ask("POST", LOGIN, headers, body)).status >= 400
        assert not running.lines_of("none")


@pytest.mark.parametrize("way", [way for way in WAYS if way != "late"])
async def test_a_login_of_an_embedded_gate_ends_in_one_record_with_the_fields_of_the_line(way: str) -> None:
    script, variables, event = WAYS[way]
    async with FaultyAuthService() as service:
        service.answer(PATH, script)
        async with gateway(service.url, **variables) as running:
            await running.log_in(headers=[("X-Request-ID", "one")])
            (line,) = running.lines_of("one")
        service.answer(PATH, script)
        with heard() as records:
            async with open_gate(told(service.url, **variables)) as gate:
                await gate.log_in(EMAIL, PASSWORD, request_id="one")
    of_it: list[dict[str, Any]] = [each.__dict__ for each in records if each.__dict__.get("request_id") == "one"]
    (record,) = of_it
    assert record["event"] == event == line["event"]
    assert record["levelname"].lower() == line["level"]
    assert set(line) - {"timestamp", "level"} <= set(record)
    for name in ("code", "phase", "owner", "owasp", "account", "why", "check_first"):
        assert record.get(name) == line.get(name), name
