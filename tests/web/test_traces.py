"""The admin listener's answers about one request: a story for an id, and nothing for the public.

It must never be asked on the public listener: there is no such route.
"""

import asyncio
import json
from typing import Any, Final

import pytest

from netra.lab.faults import FAULTS
from netra.lab.faulty_auth_service import FaultyAuthService
from netra.observe.recorder import STORIES_COUNT
from tests.support.gateways import EMAIL, NEVER_LOGGED, PASSWORD, SECRET, SERVICE_ID, Running, gateway
from tests.support.places import free_port
from tests.support.problems import assert_problem
from tests.web.support import asked

TOKEN: Final = "test-only-admin-token-Hj4Kq9Zs2Wn7Vb1"


async def trace(running: Running, an_id: str, **headers: str) -> Any:
    """What the admin listener says of an id."""
    return await asked(running.assembled.admin, "GET", f"/trace/{an_id}", None, {"Host": "localhost", **headers})


async def test_the_id_of_an_answer_for_the_public_leads_to_its_story() -> None:
    async with gateway(f"http://127.0.0.1:{free_port()}", NETRA_DISCLOSE="public") as running:
        answer = await running.log_in()
        assert answer.code == "authentication_unavailable"
        (story,) = (await trace(running, answer.json["request_id"])).json["stories"]
    assert (story["code"], story["public_code"]) == ("connection_refused", "authentication_unavailable")
    assert (story["journey"], story["verdict"], story["status"]) == ("login", "unknown", 503)
    assert story["why"].startswith("127.0.0.1 port ")
    assert "ss -ltn" in story["check_first"][0]
    (tried,) = story["tries"]
    assert (tried["try"], tried["code"], tried["phase"]) == (1, "connection_refused", "never_sent")


async def test_the_trace_id_of_a_caller_finds_the_story_too() -> None:
    trace_id = "0af7651916cd43dd8448eb211c80319c"
    async with gateway(f"http://127.0.0.1:{free_port()}") as running:
        await running.log_in(headers=[("traceparent", f"00-{trace_id}-b7ad6b7169203331-01")])
        found = (await trace(running, trace_id)).json
    assert found["request_id"] == trace_id
    assert [each["trace_id"] for each in found["stories"]] == [trace_id]


@pytest.mark.parametrize(("size", "words"), [("1000", "--from-logs"), ("0", "NETRA_RECORDED_REQUESTS")])
async def test_what_is_not_remembered_is_told_with_what_to_do(size: str, words: str) -> None:
    async with gateway(f"http://127.0.0.1:{free_port()}", NETRA_RECORDED_REQUESTS=size) as running:
        if size == "0":
            await running.log_in(headers=[("X-Request-ID", "nobody-knows")])
        answer = await trace(running, "nobody-knows")
    assert_problem(answer, 404, "not_found", "operator")
    assert words in answer.json["detail"]


async def test_stories_are_for_those_with_the_token_and_never_for_the_public() -> None:
    async with gateway(f"http://127.0.0.1:{free_port()}", NETRA_ADMIN_TOKEN=TOKEN) as running:
        await running.log_in(headers=[("X-Request-ID", "secret-story")])
        assert (await trace(running, "secret-story")).status == 401
        assert (await trace(running, "secret-story", Host="evil.test")).status == 421
        assert (await trace(running, "secret-story", Authorization=f"Bearer {TOKEN}")).status == 200
        public = await running.ask("GET", "/trace/secret-story")
    assert (public.status, b"connection_refused" in public.body) == (404, False)


async def test_no_story_tells_a_secret_or_an_identifier() -> None:
    async with FaultyAuthService() as service:
        service.secret = SECRET
        async with gateway(service.url, NETRA_LOGIN_BUDGET_S="0.3", NETRA_CONNECT_TIMEOUT_S="0.2") as running:
            stories = []
            for fault in (each for each in FAULTS if each.call == "login" and each.certificate is None):
                service.fault(fault.name)
                await running.log_in(headers=[("X-Request-ID", fault.name)])
                service.heal()
                stories += (await trace(running, fault.name)).json["stories"]
    assert len({each["code"] for each in stories}) > 20
    told = json.dumps(stories)
    assert [secret for secret in (*NEVER_LOGGED, EMAIL.partition("@")[0], PASSWORD) if secret in told] == []
    assert SERVICE_ID in told  # it is no secret, and sentences name it


async def test_an_id_that_a_caller_sends_with_everything_is_told_in_part_and_how_much_is_left_out() -> None:
    async with gateway(f"http://127.0.0.1:{free_port()}") as running:
        await asyncio.gather(*(running.log_in(headers=[("X-Request-ID", "same")]) for _ in range(STORIES_COUNT + 3)))
        found = (await trace(running, "same")).json
    assert (len(found["stories"]), found["stories_left_out"]) == (STORIES_COUNT, 3)


async def test_a_login_and_a_token_check_under_one_id_are_two_stories() -> None:
    async with FaultyAuthService() as service:
        service.secret = SECRET
        async with gateway(service.url) as running:
            named = [("X-Request-ID", "one-page")]
            session = (await running.log_in(headers=named)).json
            bearer = ("Authorization", f"Bearer {session['access_token']}")
            await running.get("/me", [*named, bearer])
            stories = (await trace(running, "one-page")).json["stories"]
    assert [(each["journey"], each["verdict"]) for each in stories] == [("login", "accepted"), ("me", "accepted")]
