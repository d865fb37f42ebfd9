"""The table of rejections: exact about time, bounded in size, and never cheaper to empty than to do without."""

from ipaddress import IPv6Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netra.core.pace.rejections import OFF, Limit, Rejections, network_of
from tests.core.support import quick

FIVE = Limit(5, 900)


def kept(limit: Limit, *at_s: float, key: str = "eve") -> Rejections:
    """A table in which somebody was rejected at these instants."""
    table = Rejections(limit)
    for instant_s in at_s:
        table.keep(key, instant_s)
    return table


def test_there_is_room_until_the_limit_is_reached_and_again_when_the_first_is_over() -> None:
    table = kept(FIVE, 0, 100, 200, 300)
    assert table.wait_s("eve", 300) == 0
    table.keep("eve", 400)
    assert table.wait_s("eve", 400) == 500
    assert table.wait_s("eve", 899.5) == 0.5
    assert table.wait_s("eve", 900) == 0
    assert table.count("eve", 899) == 5
    assert table.count("eve", 900) == 4
    assert table.wait_s("ada", 400) == 0


def test_who_is_let_in_again_and_fails_again_waits_for_the_next_one_to_be_over() -> None:
    table = kept(FIVE, 0, 100, 200, 300, 400, 900)
    assert table.wait_s("eve", 900) == 100


def test_what_was_under_way_and_came_over_the_limit_takes_the_place_of_the_next() -> None:
    table = kept(Limit(2, 60), 0, 0, 0, 0, 0)
    assert table.wait_s("eve", 0) == 120, "two of them count now, two in a minute, one in two"
    assert table.wait_s("eve", 119) == 1
    assert table.wait_s("eve", 120) == 0
    assert table.count("eve", 120) == 1


def test_who_has_been_cleared_has_nothing_against_him() -> None:
    table = kept(FIVE, 0, 0, 0, 0, 0)
    table.clear("eve")
    table.clear("nobody")
    assert table.wait_s("eve", 0) == 0
    assert len(table) == 0


def test_what_is_over_is_forgotten_a_little_faster_than_new_ones_come() -> None:
    table = Rejections(Limit(5, 60))
    for number in range(100):
        table.keep(f"old-{number}", 0)
    for number in range(60):
        table.keep(f"new-{number}", 60)
    assert len(table) == 60


def test_a_full_table_forgets_who_was_rejected_longest_ago_and_refuses_nobody_for_that() -> None:
    table = Rejections(Limit(1, 60), capacity_count=3)
    for key in ("a", "b", "c", "a", "d"):
        table.keep(key, 0)
    assert len(table) == 3
    assert [key for key in "abcd" if table.wait_s(key, 0)] == ["a", "c", "d"]
    assert table.wait_s("somebody new", 0) == 0


def test_a_table_of_one_keeps_the_last() -> None:
    table = Rejections(Limit(1, 60), capacity_count=1)
    for key in "abc":
        table.keep(key, 0)
    assert [key for key in "abc" if table.wait_s(key, 0)] == ["c"]


@quick
@given(st.lists(st.integers(0, 4_000).map(lambda tenths: tenths / 10), min_size=1, max_size=60), st.integers(1, 4))
def test_who_asks_first_is_never_rejected_more_often_than_the_limit_in_any_window(
    pauses_s: list[float], count: int
) -> None:
    table, now_s, at_s = Rejections(Limit(count, 60)), 0.0, list[float]()
    for pause_s in pauses_s:
        now_s += pause_s
        if table.wait_s("eve", now_s) == 0:
            table.keep("eve", now_s)
            at_s.append(now_s)
        assert sum(now_s - each < 59.999 for each in at_s) <= count


@pytest.mark.parametrize(
    ("limit", "text"),
    [(FIVE, "5/15m"), (Limit(60, 60), "60/1m"), (Limit(3, 90), "3/90s"), (Limit(1, 7200), "1/2h"), (OFF, "off")],
)
def test_a_limit_is_written_as_settings_write_it(limit: Limit, text: str) -> None:
    assert str(limit) == text
    assert bool(limit) is (text != "off")


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2"),
        ("2001:db8:1:2::", "2001:db8:1:2"),
        ("2001:db8:1:2::1", "2001:db8:1:2"),
        ("2001:db8::1", "2001:db8:0:0"),
        ("::1", "0:0:0:0"),
        ("fe80::1%eth0", "fe80:0:0:0"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        ("unix:", "unix:"),
    ],
    ids=range(9),
)
def test_a_limit_knows_an_address_by_its_network(address: str, network: str) -> None:
    assert network_of(address) == network


@quick
@given(st.lists(st.sampled_from([0, 0, 1, 0xFFFF, 0x20]), min_size=8, max_size=8), st.integers(0, 2**64 - 1))
def test_all_addresses_of_one_network_are_one_and_those_of_another_are_not(groups: list[int], host: int) -> None:
    network = sum(group << 16 * (7 - place) for place, group in enumerate(groups[:4])) << 0
    one, other = IPv6Address(network), IPv6Address(network ^ (1 << 64))
    neighbour = IPv6Address((network >> 64 << 64) | host)
    if one.ipv4_mapped or neighbour.ipv4_mapped or other.ipv4_mapped:
        return
    assert network_of(str(one)) == network_of(str(neighbour))
    assert network_of(str(one)) != network_of(str(other))
