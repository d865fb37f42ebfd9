"""The table of faults by itself: complete, told in words, and found by names that people type."""

import re

import pytest

from netra.lab.connection import Delivery
from netra.lab.faults import BY_NAME, FAULTS, UnknownFault, find, lookup
from tests.lab.wire_table import OF_PORT, OF_TLS, ROWS


def test_there_is_an_expectation_of_every_fault_and_of_nothing_else() -> None:
    assert {*ROWS, *OF_PORT, *OF_TLS, "certificate-demanded"} == BY_NAME.keys()


def test_every_fault_has_a_line_of_its_own_and_a_promise_that_its_code_agrees_with() -> None:
    assert len({fault.what for fault in FAULTS}) == len(FAULTS)
    for fault in FAULTS:
        assert fault.what[0].isupper() or fault.what[0].isdigit() or fault.what.startswith("nginx"), fault
        assert fault.what.endswith("."), fault
        assert len(fault.what) < 100, fault
        assert fault.name == fault.name.lower().replace("_", "-"), fault
        assert bool(fault.code) == (fault.status >= 400), fault


@pytest.mark.parametrize("name", ["drip-body", "drip_body", " Drip_Body "])
def test_a_fault_is_found_however_it_is_spelled(name: str) -> None:
    assert find(name) is BY_NAME["drip-body"]


@pytest.mark.parametrize(
    ("code", "name"),
    [
        ("account_locked", "account-locked"),
        ("response_timeout", "response-timeout"),
        ("auth_service_error", "status-500"),
        ("connection_terminated", "close-without-a-byte"),
        ("http_protocol_error", "length-twice"),
        ("intermediary-rejected", "waf-403"),
        ("connection_refused", "connection-refused"),
    ],
)
def test_a_code_stands_for_the_plainest_fault_that_brings_it_about(code: str, name: str) -> None:
    assert find(code).name == name


@pytest.mark.parametrize("code", sorted({fault.code for fault in FAULTS if fault.code}))
def test_every_code_that_is_promised_can_be_asked_for(code: str) -> None:
    assert find(code).code == code


@pytest.mark.parametrize(
    ("typed", "near"),
    [("drip-bdy", "drip-body"), ("retry-after", "retry-after-seconds"), ("Acount_Locked", "account-locked")],
)
def test_an_unknown_fault_names_the_near_ones(typed: str, near: str) -> None:
    assert lookup(typed) is None
    with pytest.raises(UnknownFault) as unknown:
        find(typed)
    assert near in unknown.value.near
    assert near in str(unknown.value)


@pytest.mark.parametrize("typed", ["xyzzy", "", "e" * 100_000])
def test_a_fault_like_no_other_says_where_all_are_listed(typed: str) -> None:
    with pytest.raises(UnknownFault, match="netra lab faults") as unknown:
        find(typed)
    assert unknown.value.near == []
    assert len(str(unknown.value)) < 200


def test_a_delivery_that_is_printed_shows_nothing_that_was_sent() -> None:
    headers = (("X-Service-Secret", "s3cret-of-a-service"), ("Content-Type", "application/json"))
    delivery = Delivery(1, "POST", "/auth/login", "token=t0ken", headers, b'{"password": "hunter2"}')
    for shown in (repr(delivery), str(delivery), f"{[delivery]}"):
        assert "X-Service-Secret" in shown
        assert not {"s3cret-of-a-service", "hunter2", "t0ken"} & set(re.findall(r"[\w-]+", shown))
