"""`Retry-After`, made sane: nothing but whole seconds from one to an hour, whatever was sent."""

import time
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netra.core.verdict.retry_after import clamp, seconds
from tests.core.support import RECEIVED_AT, quick

IMF, RFC850, ASCTIME = "Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"


@pytest.fixture(params=["UTC", "Asia/Tokyo", "America/New_York"])
def zone(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    with monkeypatch.context() as environment:
        environment.setenv("TZ", request.param)
        time.tzset()
        yield request.param
    time.tzset()


SENT: list[tuple[str | None, int | None]] = [
    (None, None),
    ("", None),
    ("   ", None),
    ("0", 1),
    ("1", 1),
    ("120", 120),
    (" 120\t", 120),
    ("007", 7),
    ("3599", 3599),
    ("3600", 3600),
    ("3601", 3600),
    ("9" * 64, 3600),
    ("9" * 65, None),
    ("-5", None),
    ("+5", None),
    ("1.5", None),
    ("1e3", None),
    ("0x10", None),
    ("120, 130", None),
    ("120; 130", None),
    ("soon", None),
    ("\u0661\u0662", None),
    ("\u00b2", None),
    ("nan", None),
    ("inf", None),
    ("Sun, 06 Nov 1994", None),
    ("Sun, 99 Nov 1994 08:49:37 GMT", None),
    ("Sun, 06 Nov 1994 25:61:61 GMT", None),
    ("Sun, 06 Nov 99999 08:49:37 GMT", None),
    ("Sun, 06 Nov 1994 08:49:37 +9999", None),
    ("Sun, 06 Nov 1994 08:49:37 +99999999999999999999", None),
    ("1994-11-06T08:49:37Z", None),
]


def test_seconds_are_read_and_what_is_neither_seconds_nor_a_date_is_nothing() -> None:
    assert {value: seconds(value, RECEIVED_AT) for value, _ in SENT} == dict(SENT)


@pytest.mark.parametrize("date", [IMF, RFC850, ASCTIME], ids=["IMF-fixdate", "RFC 850", "asctime"])
def test_a_date_is_how_long_it_is_away_in_whichever_form_and_time_zone(zone: str, date: str) -> None:
    assert seconds(date, RECEIVED_AT - 90) == 90, zone
    assert seconds(date, RECEIVED_AT - 89.5) == 90
    assert seconds(date, RECEIVED_AT - 90.5) == 91
    assert seconds(date, RECEIVED_AT) == 1
    assert seconds(date, RECEIVED_AT + 1_000_000) == 1
    assert seconds(date, 0.0) == 3600


@pytest.mark.parametrize(
    ("wait_s", "clamped"), [(-1e9, 1), (0, 1), (0.2, 1), (1.0, 1), (1.01, 2), (3599.5, 3600), (1e300, 3600)]
)
def test_a_wait_is_rounded_up_and_kept_between_a_second_and_an_hour(wait_s: float, clamped: int) -> None:
    assert clamp(wait_s) == clamped


dates = st.tuples(
    st.sampled_from(["Sun, ", "Sunday, ", "Sun ", "", ","]),
    st.integers(-1, 40).map(str),
    st.sampled_from([" Nov ", "-Nov-", " Foo ", " "]),
    st.integers(0, 99999).map(str),
    st.sampled_from([" 08:49:37", " 8.49", " 99:99:99", ""]),
    st.sampled_from([" GMT", "", " -0000", " +9999", " EST", " (x)"]),
).map("".join)


@quick
@given(st.text(max_size=40) | dates | st.integers().map(str), st.floats(-1e12, 1e12))
def test_whatever_was_sent_it_is_nothing_or_one_second_to_an_hour(value: str, received_at: float) -> None:
    wait_s = seconds(value, received_at)
    assert wait_s is None or (type(wait_s) is int and 1 <= wait_s <= 3600)
