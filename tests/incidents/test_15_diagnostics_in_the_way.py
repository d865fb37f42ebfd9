"""The code that was to show why logins failed crashed them: it stood on their path and met a value of another type.

Tests had put something else in its place, so nobody saw it before users did. It must never be possible for whoever
watches logins to fail one: watchers are told, one by one, and what they make of it stays with them.
"""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from io import BytesIO, TextIOWrapper
from pathlib import Path
from typing import Any, Final

import pytest

from netra.asgi.adapter import App, Limits
from netra.asgi.callers import Callers
from netra.asgi.cors import Cors
from netra.asgi.words import Request
from netra.assemble import Assembled, open_gateway
from netra.core.events import Event
from netra.core.verdict.reply import Broken, Reply
from netra.core.verdict.wire import Call
from netra.lab.connection import Script
from netra.lab.faulty_auth_service import FaultyAuthService
from netra.lab.scripts import html, json_reply, raw, raw_then_close, raw_then_reset, redirect, reply
from netra.link.exchange import Exchange
from netra.link.seals import Seal
from netra.observe.log.lines import Lines
from netra.observe.log.writing import Logs, logger_for
from netra.observe.tell import Tell
from netra.testing.fakes import Recorded
from netra.web.endpoints import public_app
from tests.live.rows import log_in, log_out, refresh, register, who_am_i
from tests.support.gateways import EMAIL, ENVIRONMENT, LOGIN, PASSWORD, PREFIX, gateway, served, settings_for
from tests.support.labs import lab
from tests.support.places import free_port
from tests.support.problems import assert_problem
from tests.support.programs import PATIENCE_S, environment
from tests.support.wire import LONGEST_S, Answer, ask_now, post, post_now

ODD: Final = {
    "url": "{host}{}{0.__class__}%s%(x)d",
    "host": "\x00\x1b[31m\u202e\ud800" * 100,
    "port": "{port}{port}",
    "service_id": "<script>",
    "budget_s": "",
}
"""Facts of an installation as no settings would let them through."""


ODD_ANSWERS: Final = (
    reply(200),
    reply(204),
    json_reply(200, []),
    json_reply(200, {"status": {"deep": [None]}}),
    json_reply(200, {"status": "ok", "service_id": 7, "idempotency": "yes", "secret_fingerprints": {}}),
    html(503, "<h1>Down</h1>"),
    raw(b"\x16\x03\x01 what is this\r\n\r\n"),
    raw_then_close(),
    raw_then_reset(b"HTTP/1.1 200 OK\r\nContent-Le"),
    reply(200, b"[" * 60_000),
)


class Crash(Exception):
    """What a broken watcher raises."""


def crashes(event: Event) -> None:
    """A watcher that never once works."""
    raise Crash(type(event).__name__)


async def log_in_at(url: str) -> Answer:
    """One good login."""
    return await post(url, LOGIN, {"email": EMAIL, "password": PASSWORD})


@pytest.mark.row("listener-raises")
async def test_a_watcher_that_raises_fails_no_login_and_silences_no_other_watcher() -> None:
    heard = Recorded()
    tell = Tell([crashes, heard, crashes])
    async with FaultyAuthService() as service:
        settings = settings_for(service.url, {})
        async with open_gateway(settings, tell) as assembled, served(assembled.public, asyncio.Event()) as url:
            for _ in range(3):
                assert (await log_in_at(url)).status == 200
            await service.stop()
            assert_problem(await log_in_at(url), 503, "connection_refused")
    assert tell.failures_count == 2 * len(heard.events) > 0


async def test_facts_that_no_page_expects_fail_no_login_and_change_no_status() -> None:
    scripts = (html(500, "<h1>{url}</h1>"), redirect(307, "//{url}\r\nX: y"), json_reply(200, {"user": "{0}"}))
    async with FaultyAuthService() as service, open_gateway(settings_for(service.url, {}), Recorded()) as assembled:
        for facts in (ODD, {}, dict.fromkeys(ODD, "{why}")):
            async with served(telling_with(facts, assembled), asyncio.Event()) as url:
                service.heal()
                assert (await log_in_at(url)).status == 200
                for script in scripts:
                    service.answer("/auth/login", script)
                    answer = await log_in_at(url)
                    assert answer.status == 502, answer
                    told = answer.json["detail"] + "".join(answer.json["suggestions"])
                    assert told.isprintable(), told


def telling_with(facts: dict[str, str], assembled: Assembled) -> App:
    """The public listener of a gateway, with the facts of another installation in its sentences."""
    view = replace(assembled.view, facts=facts)
    limits, callers = Limits(), Callers()
    return public_app(assembled.gateway, view, PREFIX, limits=limits, callers=callers, cors=Cors(), on_crash=crashed)


def crashed(request: Request, crash: BaseException) -> None:
    """No request may end here."""
    raise AssertionError from crash


async def test_a_log_without_pages_on_a_stream_that_is_closed_fails_no_login_and_changes_no_status() -> None:
    stream = TextIOWrapper(BytesIO())
    tell = Tell([Logs(Lines({}, ODD, "run-1"), logger_for(stream, "json", "debug"))])
    stream.close()
    async with FaultyAuthService() as service, open_gateway(settings_for(service.url, {}), tell) as assembled:
        before = tell.failures_count
        async with served(assembled.public, asyncio.Event()) as url:
            assert (await log_in_at(url)).status == 200
            await service.stop()
            assert_problem(await log_in_at(url), 503, "connection_refused")
    assert tell.failures_count - before == 2, "a line without a page, or without a stream, was written"


class CrashingProbe:
    """The exchange of a gateway, with a bug in whatever is not asked for a user."""

    def __init__(self, exchange: Exchange) -> None:
        self.exchange = exchange
        self.crashed = asyncio.Event()

    async def __call__(self, call: Call[Any], seal: Seal | None, left_s: float) -> Reply | Broken:
        """Ask, or crash."""
        if call.operation.kind == "upkeep":
            self.crashed.set()
            raise Crash(call.operation.name)
        return await self.exchange(call, seal, left_s)


async def test_a_probe_that_crashes_every_time_fails_no_login() -> None:
    heard = Recorded()
    async with FaultyAuthService() as service:
        settings = settings_for(service.url, {"NETRA_PROBE_INTERVAL_S": "0.1", "NETRA_CONNECT_TIMEOUT_S": "0.05"})
        async with open_gateway(settings, heard) as assembled, served(assembled.public, asyncio.Event()) as url:
            link = assembled.gateway.parts.link
            probe = link.exchange = CrashingProbe(link.exchange)
            for _ in range(2):
                probe.crashed.clear()
                async with asyncio.timeout(LONGEST_S):
                    await probe.crashed.wait()
                assert (await log_in_at(url)).status == 200
    assert [event for event in heard.events if "Crash" in repr(event)], "nobody was told of the crash"


async def assert_every_journey_goes_on(script: Script) -> None:
    """Though this is what the probe and the handshake are answered."""
    async with FaultyAuthService() as service:
        for path in ("/health", "/auth/handshake"):
            service.answer(path, script)
        async with gateway(service.url) as running:
            answers = [await ask(running, []) for ask in (log_in, register, refresh, log_out, who_am_i)]
    assert [answer.status for answer in answers] == [200, 201, 200, 200, 200]


async def test_whatever_the_probe_and_the_handshake_are_answered_every_journey_goes_on() -> None:
    async with asyncio.TaskGroup() as together:
        for script in ODD_ANSWERS:
            together.create_task(assert_every_journey_goes_on(script))


@contextmanager
def serving(url: str, stdout: Any) -> Iterator[str]:
    """`netra serve` with this standard output, from its first answer on; at its end it stops as always."""
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "netra", "serve", "--port", str(port), "--admin-port", "0"],
        env=environment({**ENVIRONMENT, "AUTH_SERVICE_URL": url, "NETRA_DRAIN_DELAY_S": "0"}),
        stdin=subprocess.DEVNULL,
        stdout=stdout,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        address = f"http://127.0.0.1:{port}"
        wait_until_it_lives(address, process)
        yield address
        process.send_signal(signal.SIGTERM)
        _, complaints = process.communicate(timeout=PATIENCE_S)
        assert process.returncode == 0, complaints
        assert "Traceback" not in complaints
    finally:
        process.kill()
        process.wait()


def wait_until_it_lives(address: str, process: "subprocess.Popen[str]") -> None:
    """Until the first answer."""
    for _ in range(int(PATIENCE_S / 0.05)):
        assert process.poll() is None, process.communicate()
        try:
            assert ask_now(address, "GET", "/livez").status == 200
        except ConnectionError:
            signal.sigtimedwait([], 0.05)
        else:
            return
    pytest.fail("it never answered")


def test_a_full_disk_under_the_log_fails_no_login() -> None:
    with lab() as service, Path("/dev/full").open("wb") as full, serving(service.url, full) as address:
        assert_logins_are_judged(address)


def test_a_reader_of_the_log_that_has_gone_fails_no_login() -> None:
    reading, writing = os.pipe()
    with (
        os.fdopen(reading, "rb") as reader,
        os.fdopen(writing, "wb") as writer,
        lab() as service,
        serving(service.url, writer) as address,
    ):
        assert_logins_are_judged(address)
        reader.close()
        assert_logins_are_judged(address)


def assert_logins_are_judged(address: str) -> None:
    """The right password is right, the wrong one is wrong, several times."""
    for _ in range(3):
        assert post_now(address, LOGIN, {"email": EMAIL, "password": PASSWORD}).status == 200
        assert post_now(address, LOGIN, {"email": EMAIL, "password": "wrong"}).status == 401
