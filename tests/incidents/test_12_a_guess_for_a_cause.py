"""For a day people compared two secrets that were said to be out of step, and found them equal.

The sentence had been a guess: whoever wrote it had seen a header and not the failure. It must never be guessed: a cause
is made where a failure happens, and every surface carries that one.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final, NamedTuple

from netra.lab.connection import Script
from netra.lab.faulty_auth_service import FaultyAuthService
from netra.lab.scripts import html, json_reply, problem, raw_then_close, redirect, silence
from tests.incidents.operators import line_of
from tests.live.rows import log_in, who_am_i
from tests.support import wire
from tests.support.gateways import IMPATIENT, OTHER_SECRET, Running, gateway, served
from tests.support.places import UNRESOLVABLE, free_port
from tests.support.problems import assert_problem
from tests.support.wire import Headers

WALL: Final = "<html><body><center><h1>403 Forbidden</h1></center><hr><center>nginx</center></body></html>"
FAILURES: Final[Mapping[str, Script | str]] = {
    "connection_refused": "http://127.0.0.1:{port}",
    "dns_error": UNRESOLVABLE,
    "response_timeout": silence(),
    "connection_terminated": raw_then_close(),
    "auth_service_error": json_reply(500, {"detail": "oops"}),
    "intermediary_rejected": html(403, WALL),
    "redirected": redirect(307, "https://elsewhere.test/"),
}
"""What happens to every call, by the code that it must have everywhere: an address, or how the auth service answers."""
PRESENT: Final[Mapping[str, Headers]] = {
    "none": [],
    "a token": [("Authorization", "Bearer a.b.c")],
    "two tokens": [("Authorization", "Bearer a"), ("Authorization", "Bearer b")],
    "somebody's service credentials": [("X-Service-ID", "netra-backend"), ("X-Service-Secret", "x")],
    "a cookie": [("Cookie", "session=1")],
    "an origin": [("Origin", "https://shop.test"), ("X-Forwarded-For", "203.0.113.7")],
}
ANSWERED_WITH: Final[tuple[Headers, ...]] = (
    [("WWW-Authenticate", 'Bearer error="invalid_token"')],
    [("Server", "cloudflare"), ("CF-RAY", "8f1c2d3e4a5b6c7d-FRA")],
    [("Via", "1.1 proxy"), ("X-Service-Secret", "mismatch")],
    [("X-Error-Code", "service_credentials_rejected")],
)
OF_ONE_REQUEST: Final = {"request_id", "retry_after", "debug_info"}


class Surfaces(NamedTuple):
    """A gateway and its admin listener."""

    running: Running
    admin: str

    async def checks(self) -> Any:
        """The health document's checks."""
        return (await wire.ask(self.admin, "GET", "/health")).json["checks"]


@asynccontextmanager
async def failing(failure: Script | str, **environ: str) -> AsyncIterator[Surfaces]:
    """A gateway whose every call, the probe's included, fails in this way from the first second on."""
    async with FaultyAuthService() as service:
        url = failure.format(port=free_port()) if isinstance(failure, str) else service.url
        if not isinstance(failure, str):
            for path in ("/health", "/auth/handshake", "/auth/login", "/auth/validate"):
                service.answer(path, failure)
        async with gateway(url, **environ) as running, served(running.assembled.admin, running.stop) as admin:
            yield Surfaces(running, admin)


async def assert_one_code(code: str) -> None:
    """Answer, log, health and page say this one, and the same sentence."""
    patience = {} if code == "dns_error" else IMPATIENT  # a resolver takes its own time to say no
    async with failing(FAILURES[code], **patience) as surfaces:
        answer = await surfaces.running.log_in()
        body = answer.json
        line = await line_of(surfaces.running, answer)
        failed = "Auth service connectivity test failed"
        (probe,) = [line for line in surfaces.running.lines if line["event"] == failed]
        (health,) = (await surfaces.checks())["auth_service:connectivity"]
        page = (await surfaces.running.ask("GET", body["type"])).json
        tried = [each["code"] for each in body["debug_info"]["attempts"]]
    assert {body["code"], line["code"], probe["code"], health["code"], page["code"], *tried} == {code}
    assert line["why"] == body["detail"]
    assert line["check_first"] == body["suggestions"][0]
    assert line["phase"] == probe["phase"] == body["debug_info"]["attempts"][0]["phase"]


async def test_answer_log_health_and_page_carry_the_same_code() -> None:
    async with asyncio.TaskGroup() as together:
        for code in FAILURES:
            together.create_task(assert_one_code(code))


async def assert_one_code_for_our_credentials(code: str, **environ: str | None) -> None:
    """Answer, log, handshake and health say this one."""
    async with (
        FaultyAuthService(secret="the-one-that-is-registered") as service,
        gateway(service.url, **environ) as running,
        served(running.assembled.admin, running.stop) as admin,
    ):
        answer = await running.log_in()
        line = await line_of(running, answer)
        (shake,) = [line for line in running.lines if line["event"] == "Handshake refused"]
        (health,) = (await Surfaces(running, admin).checks())["auth_service:handshake"]
    assert {answer.code, line["code"], shake["code"], health["code"]} == {code}


async def test_a_secret_is_only_said_to_be_wrong_by_whoever_has_compared_it() -> None:
    wrong, none = {"SERVICE_SECRET": OTHER_SECRET}, {"SERVICE_ID": None, "SERVICE_SECRET": None}
    async with asyncio.TaskGroup() as together:
        together.create_task(assert_one_code_for_our_credentials("service_credentials_rejected", **wrong))
        together.create_task(assert_one_code_for_our_credentials("service_credentials_missing", **none))


async def assert_said_alike(code: str, status: int) -> None:
    """Whatever headers a request has, the answer to it says this and the same of it."""
    said = []
    async with failing(FAILURES[code]) as surfaces:
        for headers in PRESENT.values():
            body = assert_problem(await log_in(surfaces.running, headers), status, code)
            said.append({name: value for name, value in body.items() if name not in OF_ONE_REQUEST})
    assert all(each == said[0] for each in said)


async def test_no_header_of_a_request_changes_what_is_said_of_a_failure() -> None:
    async with asyncio.TaskGroup() as together:
        for code in ("connection_refused", "auth_service_error", "intermediary_rejected"):
            together.create_task(assert_said_alike(code, 503 if code == "connection_refused" else 502))


async def test_a_token_that_is_shown_is_not_blamed_for_an_auth_service_that_is_not_there() -> None:
    async with failing(FAILURES["connection_refused"]) as surfaces:
        assert_problem(await who_am_i(surfaces.running, []), 503, "connection_refused")
        assert_problem(await surfaces.running.get("/me"), 401, "token_missing")


async def test_no_header_of_an_answer_changes_what_its_body_says() -> None:
    async with FaultyAuthService() as service, gateway(service.url) as running:
        for headers in ANSWERED_WITH:
            service.answer("/auth/login", problem(401, "invalid_credentials", headers))
            assert_problem(await running.log_in(), 401, "invalid_credentials")
            service.answer("/auth/login", problem(401, "service_credentials_rejected", headers))
            assert_problem(await running.log_in(), 502, "service_credentials_rejected")
