"""The control of a running lab over real HTTP: who may use it, what it switches, and what it never tells."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from netra.asgi.words import Request
from netra.core.secret import Secret
from netra.lab.control.app import control_app
from netra.lab.faults import FAULTS
from netra.lab.faulty_auth_service import FaultyAuthService
from tests.lab.talk import ask, heard, request
from tests.support import wire
from tests.support.gateways import served
from tests.support.wire import Answer, Headers

TOKEN = "lab-only-2hV6pQeXsR2mTz9LkWc4YbNuJd8GfAo0"
SECRETS = ("swordfish", "hush", b"ada@example.com".hex(), "ada@example.com", "of-the-key", "of-the-query")


class Control:
    """The control and what it controls."""

    def __init__(self, service: FaultyAuthService, url: str) -> None:
        self.service = service
        self.url = url
        self.crashes: list[BaseException] = []

    async def get(self, target: str, headers: Headers = ()) -> Answer:
        return await wire.ask(self.url, "GET", target, headers)

    async def post(self, target: str, headers: Headers = ()) -> Answer:
        return await wire.ask(self.url, "POST", target, headers, b"")


@asynccontextmanager
async def controlled(**how: Any) -> AsyncIterator[Control]:
    """A lab and its control, to the end."""
    stop = asyncio.Event()
    async with FaultyAuthService(journal_limit=5) as service:
        control = Control(service, "")

        def crashed(request: Request, crash: BaseException) -> None:
            control.crashes.append(crash)

        app = control_app(service, crashed=crashed, **{"host": "127.0.0.1", **how})
        async with served(app, stop) as control.url:
            yield control
            stop.set()
        assert control.crashes == []


def assert_refused(answer: Answer, status: int, code: str) -> Any:
    """A problem with this status and code."""
    assert (answer.status, answer.code) == (status, code), answer
    assert answer.header("content-type") == "application/problem+json"
    document = answer.json
    assert document["status"] == status
    assert document["request_id"] == answer.header("x-request-id")
    return document


async def test_a_fault_is_switched_on_shown_played_and_healed() -> None:
    async with controlled() as control:
        assert (await control.get("/fault")).json == {"active": None, "on": []}
        switched = (await control.post("/fault/status_500")).json
        assert switched["active"] == "status-500"
        assert switched["on"][0]["a_gateway_answers"] == "502 auth_service_error (login)"
        assert (await ask(control.service, "login")).status == 500
        assert (await control.get("/fault")).json["active"] == "status-500"
        assert (await control.get("/")).json["active"] == "status-500"
        assert (await control.post("/heal")).json == {"active": None, "on": []}
        assert (await ask(control.service, "login")).status == 200


async def test_a_fault_can_be_narrowed_to_a_path_and_a_user() -> None:
    async with controlled() as control:
        await control.post("/fault/status-501?path=/auth/refresh")
        shown = (await control.post("/fault/status-505?path=%2Fauth%2Flogin&user=ada")).json
        assert shown["active"] is None
        assert [(each["fault"], each["path"], each.get("user")) for each in shown["on"]] == [
            ("status-505", "/auth/login", "ada"),
            ("status-501", "/auth/refresh", None),
        ]
        emails = ("ada@example.com", "bob@example.com")
        assert [(await ask(control.service, "login", each)).status for each in emails] == [505, 200]
        assert (await ask(control.service, "refresh")).status == 501


async def test_a_fault_of_the_port_is_switched_while_the_control_stays() -> None:
    async with controlled() as control:
        await control.post("/fault/connection-refused")
        with pytest.raises(ConnectionRefusedError):
            await ask(control.service, "login")
        await control.post("/heal")
        assert (await ask(control.service, "login")).status == 200


async def test_a_port_that_somebody_else_has_taken_meanwhile_is_said() -> None:
    async with controlled() as control:
        await control.post("/fault/connection-refused")
        with socket.socket() as other:
            other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            other.bind(("127.0.0.1", control.service.port))
            other.listen()
            refused = assert_refused(await control.post("/heal"), 503, "port_lost")
            assert "Address already in use" in refused["detail"]
        assert (await control.post("/heal")).status == 200
        assert (await ask(control.service, "login")).status == 200


async def test_all_faults_are_listed_with_what_a_gateway_must_answer() -> None:
    async with controlled() as control:
        listed = (await control.get("/faults")).json["faults"]
        assert [each["name"] for each in listed] == [fault.name for fault in FAULTS]
        (drip,) = [each for each in listed if each["name"] == "drip-body"]
        assert drip == {
            "name": "drip-body",
            "what": "The body comes drop by drop, for ever.",
            "where": "body",
            "call": "login",
            "status": 504,
            "code": "response_timeout",
            "email": "drip-body@lab.test",
            "needs_tls": False,
        }


async def test_an_unknown_fault_is_404_with_the_near_names_and_changes_nothing() -> None:
    async with controlled() as control:
        await control.post("/fault/status-500")
        refused = assert_refused(await control.post("/fault/drip_bdy"), 404, "not_found")
        assert refused["near"][0] == "drip-body"
        assert "Did you mean drip-body" in refused["detail"]
        lost = assert_refused(await control.post("/fault/xyzzy"), 404, "not_found")
        assert "GET /faults" in lost["detail"]
        assert (await control.get("/fault")).json["active"] == "status-500"


@pytest.mark.parametrize(
    ("target", "status", "code"),
    [
        ("/fault/certificate-expired", 409, "cannot_be_played"),
        ("/fault/connection-refused?path=/auth/login", 409, "cannot_be_played"),
        ("/fault/status-500?path=login", 422, "invalid_fields"),
        ("/fault/status-500?pth=/auth/login", 422, "invalid_fields"),
        ("/fault/status-500?" + "&".join(f"x{number}=1" for number in range(20)), 422, "invalid_fields"),
        ("/fault/", 405, "method_not_allowed"),
        ("/fault/a/b", 404, "not_found"),
        ("/faults", 405, "method_not_allowed"),
    ],
)
async def test_what_cannot_be_switched_is_refused_and_changes_nothing(target: str, status: int, code: str) -> None:
    async with controlled() as control:
        assert_refused(await control.post(target), status, code)
        assert (await control.get("/fault")).json["on"] == []


@pytest.mark.parametrize("target", ["/fault/status-500", "/heal", "/journal/clear"])
async def test_a_get_changes_nothing(target: str) -> None:
    async with controlled() as control:
        assert_refused(await control.get(target), 405, "method_not_allowed")


async def test_the_journal_tells_what_arrived_and_no_value_of_it() -> None:
    async with controlled() as control:
        control.service.fault("refresh-rejected")
        key = request("login").replace(b"Host: lab", b"Host: lab\r\nIdempotency-Key: of-the-key")
        for sent in (key, request("refresh"), b"GET /health?q=of-the-query HTTP/1.1\r\nX-Odd: swordfish\r\n\r\n"):
            await heard(control.service, sent)
        answer = await control.get("/journal")
        told = answer.raw.decode()
        assert [each for each in SECRETS if each in told] == []
        document = answer.json
        assert (document["total"], document["kept"]) == (3, 3)
        rows = document["deliveries"]
        assert [each.pop("at")[-1] for each in rows] == ["Z"] * 3
        assert rows[0] == {
            "number": 1,
            "connection": 1,
            "method": "POST",
            "path": "/auth/login",
            "headers": ["Host", "Idempotency-Key", "Content-Length", "X-Service-ID", "X-Service-Secret"],
            "service_credentials": True,
            "idempotency_key": True,
            "fault": None,
        }
        assert [(each["path"], each["fault"]) for each in rows[1:]] == [
            ("/auth/refresh", "refresh-rejected"),
            ("/health", None),
        ]
        assert (rows[2]["service_credentials"], rows[2]["idempotency_key"]) == (False, False)


async def test_a_segment_of_a_path_that_may_be_a_token_is_not_told() -> None:
    async with controlled() as control:
        token = "x" * 40
        await heard(control.service, f"GET /auth/reset/{token}/now HTTP/1.1\r\n\r\n".encode())
        answer = await control.get("/journal")
        assert token not in answer.raw.decode()
        assert answer.json["deliveries"][0]["path"] == "/auth/reset/…/now"


async def test_the_journal_is_a_ring_that_counts_on() -> None:
    async with controlled() as control:
        for _ in range(8):
            await ask(control.service, "login")
        document = (await control.get("/journal")).json
        assert (document["total"], document["kept"]) == (8, 5)
        assert [each["number"] for each in document["deliveries"]] == [4, 5, 6, 7, 8]
        last = (await control.get("/journal?limit=2")).json
        assert [each["number"] for each in last["deliveries"]] == [7, 8]
        assert (await control.get("/journal?limit=0")).json["deliveries"] == []
        for wrong in ("-1", "two", "", "9" * 5_000):
            assert_refused(await control.get(f"/journal?limit={wrong}"), 422, "invalid_fields")
        assert (await control.post("/journal/clear")).json == {"total": 0, "kept": 0}
        assert (await control.get("/journal")).json == {"total": 0, "kept": 0, "deliveries": []}


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "", "localhost@evil.example"])
async def test_another_hosts_name_is_421(host: str) -> None:
    async with controlled() as control:
        assert_refused(await control.get("/journal", [("Host", host)]), 421, "malformed_request")


@pytest.mark.parametrize(
    "headers",
    [
        [("Origin", "https://evil.example")],
        [("Origin", "null")],
        [("Sec-Fetch-Site", "cross-site")],
        [("Sec-Fetch-Site", "same-site")],
    ],
)
async def test_a_page_of_another_site_changes_nothing(headers: Headers) -> None:
    async with controlled() as control:
        for target in ("/fault/status-500", "/heal", "/journal/clear"):
            assert_refused(await control.post(target, headers), 403, "malformed_request")
        assert (await control.get("/fault")).json["on"] == []


async def test_no_page_of_another_origin_may_read_answers() -> None:
    async with controlled() as control:
        answer = await control.get("/journal", [("Origin", "https://evil.example")])
        assert answer.all("access-control-allow-origin") == []


async def test_with_a_token_everything_needs_it() -> None:
    async with controlled(token=Secret(TOKEN)) as control:
        for headers, code in (
            ([], "token_missing"),
            ([("Authorization", "Basic x")], "token_missing"),
            ([("Authorization", f"Bearer {TOKEN}x")], "token_rejected"),
        ):
            for answer in (await control.get("/", headers), await control.post("/heal", headers)):
                assert_refused(answer, 401, code)
                assert answer.header("www-authenticate") == 'Bearer realm="netra-lab"'
                assert TOKEN not in answer.raw.decode()
        assert (await control.post("/fault/status-500", [("Authorization", f"Bearer {TOKEN}")])).status == 200


async def test_names_that_were_told_are_answered() -> None:
    async with controlled(hosts=["lab.internal"]) as control:
        assert (await control.get("/", [("Host", "lab.internal:8082")])).status == 200


async def test_answers_are_json_for_people_and_are_kept_by_nobody() -> None:
    async with controlled() as control:
        answer = await control.get("/")
        assert answer.header("cache-control") == "no-store"
        assert answer.body.endswith(b"}\n")
        assert json.loads(answer.body)["auth_service_url"] == control.service.url
