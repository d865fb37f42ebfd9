"""What identifies a request on its way: ids that are passed on, made anew, or cut.

It must never pass on what a client could use to speak for somebody else.
"""

import re

import pytest

from netra.asgi.words import Headers, Request
from netra.core.verdict.wire import Label
from netra.web.labels import label_of

TRACE = "0af7651916cd43dd8448eb211c80319c"
SPAN = "b7ad6b7169203331"
GOOD = f"00-{TRACE}-{SPAN}-01"
MADE = re.compile(r"00-[0-9a-f]{32}-[0-9a-f]{16}-00")


def label(*headers: tuple[str, str], client_address: str | None = "203.0.113.9") -> Label:
    """The label of a request with these headers."""
    found: Headers = [(name.encode(), value.encode("latin-1")) for name, value in headers]
    request = Request(method="POST", path="/", headers=found, request_id="request-1", received_at_s=0.0)
    request.client_address = client_address
    return label_of(request)


@pytest.mark.parametrize(
    "traceparent", [GOOD, f"00-{TRACE}-{SPAN}-00", f"00-{TRACE}-{SPAN}-ff", f"cc-{TRACE}-{SPAN}-01"]
)
def test_a_valid_trace_is_continued(traceparent: str) -> None:
    assert label(("traceparent", traceparent)).traceparent == traceparent


@pytest.mark.parametrize(
    "traceparent",
    [
        None, "", "00", GOOD.upper(), f"ff-{TRACE}-{SPAN}-01", f"00-{'0' * 32}-{SPAN}-01", f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE[:-1]}-{SPAN}-01", f"00-{TRACE}-{SPAN[:-1]}-01", f"00-{TRACE}-{SPAN}-1", f"00-{TRACE}-{SPAN}-001",
        f"00-{TRACE}-{SPAN}-0g", f"0-{TRACE}-{SPAN}-01", f"00_{TRACE}_{SPAN}_01", f" {GOOD}", f"{GOOD} ", f"{GOOD}\n",
        f"{GOOD}-what-the-future-was-supposed-to-be", f"00-{TRACE.replace('0', 'g')}-{SPAN}-01", f"{GOOD}\r\nX-Evil: 1",
    ],
    ids=range(20),
)  # fmt: skip
def test_any_other_trace_is_begun_anew_and_its_state_forgotten(traceparent: str | None) -> None:
    headers = [("tracestate", "vendor=1")] + ([("traceparent", traceparent)] if traceparent is not None else [])
    one, two = label(*headers), label(*headers)
    assert MADE.fullmatch(one.traceparent)
    assert one.traceparent != two.traceparent
    assert one.traceparent != traceparent
    assert one.tracestate is None


def test_of_two_traces_none_is_continued() -> None:
    assert MADE.fullmatch(label(("traceparent", GOOD), ("traceparent", GOOD)).traceparent)


def label_of_id(request_id: str, *headers: tuple[str, str]) -> Label:
    """The label of a request with this id."""
    found: Headers = [(name.encode(), value.encode("latin-1")) for name, value in headers]
    return label_of(Request(method="POST", path="/", headers=found, request_id=request_id, received_at_s=0.0))


def test_a_new_trace_has_the_id_of_its_request_so_that_either_finds_the_other() -> None:
    made = label_of_id(TRACE)
    assert made.traceparent == f"00-{TRACE}-{TRACE[:16]}-00"
    assert label_of_id(TRACE).traceparent == made.traceparent
    assert label_of_id(TRACE, ("traceparent", GOOD.replace("0af7", "ffff"))).traceparent.startswith("00-ffff")


@pytest.mark.parametrize(
    "request_id",
    ["request-1", "0" * 32, "0" * 16 + "a" * 16, TRACE.upper(), TRACE[:-1], TRACE + "0", "g" * 32, f"{TRACE}\n"],
    ids=range(8),
)
def test_a_request_id_of_another_form_lends_a_trace_nothing(request_id: str) -> None:
    one, two = label_of_id(request_id).traceparent, label_of_id(request_id).traceparent
    assert MADE.fullmatch(one)
    assert one != two
    assert request_id.lower()[:31] not in one


@pytest.mark.parametrize("request_id", [TRACE, "request-1", "a" * 32])
def test_a_new_trace_is_a_valid_one(request_id: str) -> None:
    made = label_of_id(request_id).traceparent
    assert label(("traceparent", made)).traceparent == made


@pytest.mark.parametrize(
    ("states", "kept"),
    [
        ((), None),
        (("vendor=1",), "vendor=1"),
        (("a=1,b=2", "c=3"), "a=1,b=2,c=3"),
        (("a=" + "x" * 510,), "a=" + "x" * 510),
        (("a=" + "x" * 511,), None),
        (("",), None),
        (("a=ä",), None),
        (("a=1\tb",), None),
    ],
    ids=range(8),
)
def test_the_state_of_a_trace_goes_along_when_it_is_short_and_plain(states: tuple[str, ...], kept: str | None) -> None:
    headers = [("tracestate", state) for state in states]
    assert label(("traceparent", GOOD), *headers).tracestate == kept


@pytest.mark.parametrize(
    ("agent", "kept"),
    [
        (None, None),
        ("", None),
        ("curl/8.5.0", "curl/8.5.0"),
        ("x" * 256, "x" * 256),
        ("x" * 300, "x" * 256),
        ("a\tb\x7fcä", "abc"),
        ("ä" * 10 + "x" * 300, "x" * 256),
    ],
    ids=range(7),
)
def test_a_user_agent_is_cut_and_made_plain(agent: str | None, kept: str | None) -> None:
    headers = [] if agent is None else [("user-agent", agent)]
    assert (label(*headers).user_agent or None) == kept


def test_nothing_else_of_a_client_is_in_a_label() -> None:
    made = label(
        ("x-service-id", "evil"), ("x-service-secret", "evil"), ("idempotency-key", "evil"), ("cookie", "evil=1"),
        ("baggage", "evil=1"), ("authorization", "Bearer evil"), ("x-forwarded-for", "evil"), ("forwarded", "for=evil"),
    )  # fmt: skip
    assert "evil" not in repr(made)
    assert (made.request_id, made.client_address, made.idempotency_key) == ("request-1", "203.0.113.9", None)
