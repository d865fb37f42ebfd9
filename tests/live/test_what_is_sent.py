"""What the auth service hears of a request, header by header; and what it must never hear."""

import json
from typing import Final

import pytest

from netra.lab.connection import Delivery
from netra.lab.faulty_auth_service import FaultyAuthService
from tests.live.rows import ACCESS, LEAVING, Ask, log_in, log_out, refresh, register, who_am_i
from tests.support.gateways import EMAIL, PASSWORD, SECRET, SERVICE_ID, Running, gateway

TRACE: Final = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
FOREIGN: Final = [
    ("X-Service-ID", "somebody-else"),
    ("X-Service-Secret", "guessed"),
    ("x-service-anything", "x"),
    ("Cookie", "session=1"),
    ("Baggage", "user=ada"),
    ("Idempotency-Key", "the-clients-own"),
    ("Authorization", "Basic YWRhOnB3"),
    ("X-Api-Key", "x"),
    ("X-Forwarded-Host", "evil.example"),
    ("X-Original-URL", "/admin"),
    ("Accept-Encoding", "gzip, br"),
    ("Accept-Language", "en"),
    ("Referer", "https://shop.example/login"),
]
SENT: Final = {
    "host", "accept", "accept-encoding", "x-request-id", "traceparent", "content-type", "content-length",
    "x-forwarded-for", "forwarded", "x-service-id", "x-service-secret",
}  # fmt: skip
"""All that a login sends, when the client says nothing that is passed on."""


def only(service: FaultyAuthService, path: str = "/auth/login") -> Delivery:
    (delivery,) = service.delivered(path)
    return delivery


def names(delivery: Delivery) -> set[str]:
    assert len({name.lower() for name, _ in delivery.headers}) == len(delivery.headers), "a header was sent twice"
    return {name.lower() for name, _ in delivery.headers}


@pytest.mark.parametrize(
    ("ask", "path"),
    [
        (log_in, "/auth/login"),
        (register, "/auth/register"),
        (refresh, "/auth/refresh"),
        (log_out, "/auth/logout"),
        (who_am_i, "/auth/validate"),
    ],
)
async def test_every_call_says_who_we_are_and_carries_its_labels(
    running: Running, service: FaultyAuthService, ask: Ask, path: str
) -> None:
    assert (await ask(running, [("X-Request-ID", "r-1"), ("traceparent", TRACE)])).status in {200, 201}
    delivery = only(service, path)
    said = {name: delivery.header(name) for name in ("X-Service-ID", "X-Service-Secret", "X-Request-ID", "traceparent")}
    assert said == {
        "X-Service-ID": SERVICE_ID, "X-Service-Secret": SECRET, "X-Request-ID": "r-1", "traceparent": TRACE,
    }  # fmt: skip
    assert delivery.header("Accept") == "application/json"
    assert delivery.header("Accept-Encoding") == "identity"
    assert delivery.header("Content-Type") == "application/json"
    assert delivery.header("Host") == service.url.removeprefix("http://")


async def test_health_is_asked_without_our_credentials(service: FaultyAuthService) -> None:
    async with gateway(service.url):
        pass
    assert only(service, "/health").header("X-Service-Secret") is None
    assert only(service, "/health").header("X-Service-ID") is None
    assert only(service, "/auth/handshake").header("X-Service-Secret") == SECRET


async def test_nothing_else_of_the_client_is_passed_on(running: Running, service: FaultyAuthService) -> None:
    assert (await running.log_in(headers=FOREIGN)).status == 200
    delivery = only(service)
    assert names(delivery) == SENT
    assert delivery.header("X-Service-ID") == SERVICE_ID
    assert delivery.json == {"email": EMAIL, "password": PASSWORD}


async def test_a_bearer_token_is_passed_on_where_the_route_needs_it_and_nowhere_else(
    running: Running, service: FaultyAuthService
) -> None:
    bearer = [("Authorization", f"Bearer {ACCESS}")]
    for ask in (log_in, register, refresh):
        await ask(running, bearer)
    await log_out(running, [])
    await who_am_i(running, [])
    heard = {delivery.path: delivery.header("Authorization") for delivery in service.journal}
    assert heard.pop("/auth/revocations", None) is None, "the feed is asked at once after a logout, by us alone"
    assert heard == {
        "/auth/login": None,
        "/auth/register": None,
        "/auth/refresh": None,
        "/auth/logout": f"Bearer {LEAVING}",
        "/auth/validate": None,
    }
    assert only(service, "/auth/validate").json == {"token": ACCESS}


async def test_the_query_of_a_client_goes_nowhere(running: Running, service: FaultyAuthService) -> None:
    body = json.dumps({"email": EMAIL, "password": PASSWORD}).encode()
    target = "/api/v1/auth/login?next=https://evil.example&email=mallory"
    assert (await running.ask("POST", target, [("Content-Type", "application/json")], body)).status == 200
    assert only(service).query == ""


@pytest.mark.parametrize(
    "said",
    [
        [],
        ["00-" + "0" * 32 + "-00f067aa0ba902b7-01"],
        ["00-4bf92f3577b34da6a3ce929d0e0e4736-" + "0" * 16 + "-01"],
        ["ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"],
        [TRACE.upper()],
        [TRACE + "-more"],
        ["garbage"],
        [TRACE, TRACE],
    ],
    ids=["none", "zero trace", "zero parent", "version ff", "upper case", "longer", "garbage", "twice"],
)
async def test_a_trace_that_is_none_is_made_anew(running: Running, service: FaultyAuthService, said: list[str]) -> None:
    await running.log_in(headers=[*(("traceparent", each) for each in said), ("tracestate", "a=b")])
    made = only(service).header("traceparent")
    assert made is not None
    assert made not in said
    assert [len(part) for part in made.split("-")] == [2, 32, 16, 2]
    assert only(service).header("tracestate") is None


async def test_the_state_of_a_valid_trace_goes_with_it(running: Running, service: FaultyAuthService) -> None:
    await running.log_in(headers=[("traceparent", TRACE), ("tracestate", "vendor=1,other=2")])
    assert only(service).header("tracestate") == "vendor=1,other=2"


ADDRESSES: Final = {
    None: [(["203.0.113.9"], "127.0.0.1", "127.0.0.1")],
    "127.0.0.1": [
        ([], "127.0.0.1", "127.0.0.1"),
        (["203.0.113.9"], "203.0.113.9", "203.0.113.9"),
        (["198.51.100.1, 203.0.113.9"], "203.0.113.9", "203.0.113.9"),
        (["198.51.100.1", "203.0.113.9"], "203.0.113.9", "203.0.113.9"),
        (["2001:db8::7"], "2001:db8::7", '"[2001:db8::7]"'),
        (["::ffff:203.0.113.9"], "203.0.113.9", "203.0.113.9"),
        (["203.0.113.9, unknown"], "127.0.0.1", "127.0.0.1"),
        (["'; DROP TABLE"], "127.0.0.1", "127.0.0.1"),
    ],
    "127.0.0.1, 10.0.0.0/8": [(["203.0.113.9, 10.1.2.3"], "203.0.113.9", "203.0.113.9")],
}
"""By the proxies that are trusted: what X-Forwarded-For says, whose address that is, and how Forwarded writes it."""


@pytest.mark.parametrize("trusted", ADDRESSES)
async def test_the_one_client_address_is_the_one_that_trusted_proxies_vouch_for(
    service: FaultyAuthService, trusted: str | None
) -> None:
    async with gateway(service.url, NETRA_TRUSTED_PROXIES=trusted) as running:
        for said, address, node in ADDRESSES[trusted]:
            await running.log_in(headers=[("X-Forwarded-For", each) for each in said])
            delivery = service.delivered("/auth/login")[-1]
            assert delivery.header("X-Forwarded-For") == address, said
            assert delivery.header("Forwarded") == f"for={node}", said


@pytest.mark.parametrize(
    ("said", "heard"),
    [("Mozilla/5.0 (X11)", "Mozilla/5.0 (X11)"), ("a" * 300, "a" * 256), ("caf\xe9 \x80 browser", "caf  browser")],
)
@pytest.mark.parametrize(
    ("ask", "path"), [(log_in, "/auth/login"), (register, "/auth/register"), (refresh, "/auth/refresh")]
)
async def test_the_auth_service_learns_with_what_somebody_logs_in(
    running: Running, service: FaultyAuthService, ask: Ask, path: str, said: str, heard: str
) -> None:
    await ask(running, [("User-Agent", said)])
    assert only(service, path).header("User-Agent") == heard


async def test_a_token_check_tells_nothing_of_the_caller(running: Running, service: FaultyAuthService) -> None:
    await who_am_i(running, [("User-Agent", "Mozilla/5.0")])
    assert names(only(service, "/auth/validate")).isdisjoint({"user-agent", "x-forwarded-for", "forwarded"})


async def test_an_auth_service_below_a_path_is_asked_below_it(service: FaultyAuthService) -> None:
    async with gateway(f"{service.url}/identity/v2/") as running:
        await running.log_in()
    assert [delivery.path for delivery in service.journal][-1] == "/identity/v2/auth/login"
