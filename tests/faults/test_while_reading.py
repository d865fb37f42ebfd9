"""Rows of answers that succeed, or refuse a user, although something is wrong with them; and a thousand failures.

It must never take what somebody slips in for an answer.
"""

import asyncio
import json

import pytest

from netra.lab.faulty_auth_service import FaultyAuthService
from netra.lab.scripts import JSON, message, reply, session, twice
from tests.faults.runner import AS_PRODUCT
from tests.faults.scenes import LOGIN_THERE
from tests.live.rows import Refusal, assert_refusal
from tests.support.gateways import EMAIL, both_views, gateway

GOOD = json.dumps(session(EMAIL)).encode()
MALLORYS = message(200, [JSON], json.dumps(session("mallory@example.com")).encode())


@pytest.mark.row("second-answer")
@pytest.mark.parametrize("after_s", [0.0, 0.02], ids=["at once", "while nobody waits"])
@pytest.mark.parametrize("unasked", [MALLORYS, MALLORYS[:40], b"\r\n" + MALLORYS], ids=["whole", "begun", "blank line"])
async def test_a_second_answer_reaches_nobody_and_ends_its_connection(unasked: bytes, after_s: float) -> None:
    async with FaultyAuthService(idempotency=False) as service, gateway(service.url, **AS_PRODUCT) as running:
        for number in range(3):
            service.answer(LOGIN_THERE, twice(reply(200, GOOD, [JSON]), unasked, after_s))
            assert (await running.log_in()).json["user"]["email"] == EMAIL
            await asyncio.sleep(2 * after_s)
            service.heal()
            mine = f"user{number}@example.com"
            assert (await running.log_in(mine)).json["user"]["email"] == mine
            faulty, good = service.delivered(LOGIN_THERE)[-2:]
            assert good.connection != faulty.connection, "a connection was used again on which more had come"


@pytest.mark.row("set-cookie")
async def test_a_cookie_is_neither_kept_nor_passed_on() -> None:
    async with (
        FaultyAuthService(idempotency=False) as service,
        # A name, because cookies are kept by name where they are kept.
        gateway(service.url.replace("127.0.0.1", "localhost"), **AS_PRODUCT) as running,
    ):
        service.fault("set-cookie")
        answer = await running.log_in()
        assert answer.status == 200
        assert answer.all("set-cookie") == []
        assert b"of-the-lab" not in answer.raw
        service.heal()
        assert (await running.log_in()).status == 200
        assert service.delivered(LOGIN_THERE)[-1].header("cookie") is None


@pytest.mark.row("too-many-requests")
async def test_a_429_for_the_user_is_told_to_the_user_and_asked_once() -> None:
    told = {**AS_PRODUCT, "NETRA_TRIES": "3"}
    async with FaultyAuthService() as service, both_views(service.url, **told) as views:
        service.fault("too-many-attempts", path=LOGIN_THERE)
        row = Refusal("too_many_attempts", 429, "wait", retry_after=60)
        await assert_refusal(views, row, service)


@pytest.mark.row("not-understood")
async def test_a_thousand_requests_that_are_not_understood_open_nothing() -> None:
    async with FaultyAuthService() as service, gateway(service.url, **AS_PRODUCT, NETRA_TRIES="3") as running:
        for status in (400, 413, 415, 422):
            service.fault(f"status-{status}", path=LOGIN_THERE)
            for _ in range(5):
                answers = await asyncio.gather(*(running.log_in() for _ in range(50)))
                assert {(each.status, each.code) for each in answers} == {(502, "request_not_understood")}
        assert len(service.delivered(LOGIN_THERE)) == 1_000
        assert running.assembled.gateway.parts.link.circuits["login"].state == "closed"
        service.heal()
        assert (await running.log_in()).status == 200
