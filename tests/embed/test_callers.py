"""Who is asking, as it reaches the auth service: by the rules that a listener has for headers.

It must never trust what a header of a stranger may hold: backends pass on what they were sent.
"""

import re
from typing import Any

import pytest

from netra.lab.connection import Delivery
from netra.lab.faulty_auth_service import FaultyAuthService
from tests.embed.support import code_of, opened, told
from tests.incidents.operators import EMAIL, PASSWORD

TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


async def delivered(**caller: Any) -> Delivery:
    """A login as it reached the auth service."""
    async with FaultyAuthService() as service, opened(told(service.url)) as one:
        assert code_of(await one.gate.log_in(EMAIL, PASSWORD, **caller)) == "accepted"
        (delivery,) = service.delivered("/auth/login")
        (ended,) = one.ended
    assert delivery.header("X-Request-ID") == ended.request_id
    assert (delivery.header("traceparent") or "")[3:35] == ended.trace_id
    return delivery


async def test_what_is_well_formed_reaches_the_auth_service() -> None:
    delivery = await delivered(
        client_address="203.0.113.9",
        user_agent="Browser/1.0",
        request_id="mine-1",
        traceparent=TRACEPARENT,
        tracestate="a=1,b=2",
    )
    assert delivery.header("X-Forwarded-For") == "203.0.113.9"
    assert delivery.header("Forwarded") == "for=203.0.113.9"
    assert delivery.header("User-Agent") == "Browser/1.0"
    assert delivery.header("X-Request-ID") == "mine-1"
    assert delivery.header("traceparent") == TRACEPARENT
    assert delivery.header("tracestate") == "a=1,b=2"


async def test_what_nobody_said_is_made_or_left_out() -> None:
    delivery = await delivered()
    assert re.fullmatch(r"[0-9a-f]{32}", delivery.header("X-Request-ID") or "")
    assert re.fullmatch(r"00-[0-9a-f]{32}-[0-9a-f]{16}-00", delivery.header("traceparent") or "")
    for name in ("X-Forwarded-For", "Forwarded", "tracestate"):
        assert delivery.header(name) is None


@pytest.mark.parametrize(
    "text",
    ["", "two words", "a\r\nX-Service-ID: evil", "a\nb", "\x00", "é", "\ud800", "€" * 40, "x" * 600, 7, b"bytes"],
)
async def test_what_is_not_well_formed_never_reaches_it(text: Any) -> None:
    delivery = await delivered(
        client_address=text, request_id=text, traceparent=text, tracestate=f"{text}\r\n", user_agent=None
    )
    assert re.fullmatch(r"[0-9a-f]{32}", delivery.header("X-Request-ID") or "")
    assert re.fullmatch(r"00-[0-9a-f]{32}-[0-9a-f]{16}-00", delivery.header("traceparent") or "")
    for name in ("X-Forwarded-For", "Forwarded", "tracestate"):
        assert delivery.header(name) is None
    assert delivery.header("X-Service-ID") == "netra-under-test"


@pytest.mark.parametrize(
    ("agent", "told_as"),
    [
        ("a" * 300, "a" * 256),
        ("Browser\r\nX-Service-ID: evil", "BrowserX-Service-ID: evil"),
        ("Bröwser\ud800", "Brwser?"),
        ("", None),
    ],
)
async def test_an_agent_is_cut_and_cleaned(agent: str, told_as: str | None) -> None:
    assert (await delivered(user_agent=agent)).header("User-Agent") == told_as


@pytest.mark.parametrize(
    ("address", "told_as"),
    [
        ("203.0.113.9", "203.0.113.9"),
        (" 203.0.113.9 ", "203.0.113.9"),
        ("2001:DB8::1", "2001:db8::1"),
        ("[2001:db8::1]", "2001:db8::1"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        ("fe80::1%eth0", "fe80::1"),
        ('fe80::1%";by=evil', "fe80::1"),
        ("fe80::1%\r\nX-Service-ID: evil", "fe80::1"),
        ("203.0.113.9:4711", None),
        ("testclient", None),
        ("unix:", None),
        ("203.0.113.9, 198.51.100.1", None),
    ],
)
async def test_an_address_is_told_on_only_as_an_address(address: str, told_as: str | None) -> None:
    delivery = await delivered(client_address=address)
    assert delivery.header("X-Forwarded-For") == told_as
    assert delivery.header("X-Service-ID") == "netra-under-test"


async def test_one_id_serves_two_attempts_that_run_at_once() -> None:
    async with FaultyAuthService() as service, opened(told(service.url, NETRA_TRIES="2")) as one:
        for _ in range(2):
            await one.gate.log_in(EMAIL, PASSWORD, request_id="same")
        keys = [each.header("Idempotency-Key") for each in service.delivered("/auth/login")]
    assert None not in keys
    assert len(set(keys)) == 2, "the id is a label, never a key"


@pytest.mark.parametrize("journey", ["register", "refresh", "log_out", "who_is", "offer"])
async def test_every_journey_takes_the_same_words_about_the_caller(journey: str) -> None:
    arguments = {"register": (EMAIL, PASSWORD), "offer": ()}.get(journey, ("access-" + EMAIL.encode().hex(),))
    async with FaultyAuthService() as service, opened(told(service.url)) as one:
        await getattr(one.gate, journey)(
            *arguments, request_id="mine-1", traceparent=TRACEPARENT, client_address="203.0.113.9", user_agent="B/1"
        )
        (delivery,) = [each for each in service.journal if each.header("X-Request-ID") == "mine-1"]
        assert delivery.header("traceparent") == TRACEPARENT


async def test_a_word_about_the_caller_that_is_misspelt_is_an_error_at_once() -> None:
    async with FaultyAuthService() as service, opened(told(service.url)) as one:
        log_in: Any = one.gate.log_in  # as code without type checks sees it
        with pytest.raises(TypeError, match="client_adress"):
            await log_in(EMAIL, PASSWORD, client_adress="203.0.113.9")
        assert one.ended == []
