"""Who is calling: the address that trusted proxies vouch for, and no other.

It must never be possible to choose one's own address.
"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netra.asgi.callers import Callers

PROXIES = ("10.0.0.0/8", "fd00::/8", "192.0.2.1")


def said(*values: str) -> list[bytes]:
    """Values of `X-Forwarded-For`."""
    return [value.encode("latin-1") for value in values]


@pytest.mark.parametrize(
    ("peer", "forwarded", "address"),
    [
        ("203.0.113.9", (), "203.0.113.9"),
        ("203.0.113.9", ("198.51.100.7",), "203.0.113.9"),
        ("10.0.0.1", (), "10.0.0.1"),
        ("10.0.0.1", ("198.51.100.7",), "198.51.100.7"),
        ("10.0.0.1", ("6.6.6.6, 198.51.100.7",), "198.51.100.7"),
        ("10.0.0.1", ("198.51.100.7, 10.0.0.2",), "198.51.100.7"),
        ("10.0.0.1", ("198.51.100.7, 192.0.2.1, 10.0.0.2",), "198.51.100.7"),
        ("10.0.0.1", ("6.6.6.6", "198.51.100.7", "10.0.0.2"), "198.51.100.7"),
        ("10.0.0.1", ("10.0.0.3, 10.0.0.2",), "10.0.0.3"),
        ("10.0.0.1", (" 198.51.100.7 ",), "198.51.100.7"),
        ("10.0.0.1", ("2001:db8::7",), "2001:db8::7"),
        ("10.0.0.1", ("[2001:db8::7]",), "2001:db8::7"),
        ("10.0.0.1", ("2001:DB8:0::7",), "2001:db8::7"),
        ("fd00::1", ("2001:db8::7, fd00::2",), "2001:db8::7"),
        ("::1", ("198.51.100.7",), "::1"),
        ("10.0.0.1", ("::ffff:198.51.100.7",), "198.51.100.7"),
        ("10.0.0.1", ("198.51.100.7, ::ffff:10.0.0.2",), "198.51.100.7"),
        ("::ffff:10.0.0.1", ("198.51.100.7",), "198.51.100.7"),
        ("::ffff:203.0.113.9", ("198.51.100.7",), "203.0.113.9"),
        ("10.0.0.1", ("198.51.100.7, rubbish",), "10.0.0.1"),
        ("10.0.0.1", ("198.51.100.7, rubbish, 10.0.0.2",), "10.0.0.2"),
        ("10.0.0.1", ("198.51.100.7:1234",), "10.0.0.1"),
        ("10.0.0.1", ("unknown",), "10.0.0.1"),
        ("10.0.0.1", ("_hidden",), "10.0.0.1"),
        ("10.0.0.1", ("",), "10.0.0.1"),
        ("10.0.0.1", (",",), "10.0.0.1"),
        ("10.0.0.1", ("ä",), "10.0.0.1"),
        ("10.0.0.1", ("198.51.100.7,",), "10.0.0.1"),
        ("unix", ("198.51.100.7",), "unix"),
        ("10.0.0.1", ("fe80::1%eth0",), "fe80::1"),
    ],
    ids=range(30),
)
def test_the_right_most_address_that_is_no_trusted_proxy_s_counts(
    peer: str, forwarded: tuple[str, ...], address: str
) -> None:
    assert Callers(PROXIES).caller(peer, said(*forwarded)).address == address


def test_without_trusted_proxies_only_the_peer_counts() -> None:
    assert Callers().caller("10.0.0.1", said("198.51.100.7")).address == "10.0.0.1"
    assert Callers().caller("::ffff:10.0.0.1", said("198.51.100.7")).address == "10.0.0.1"


def test_a_peer_without_an_address_has_none() -> None:
    assert Callers(PROXIES).caller(None, said("198.51.100.7")).address is None


def test_a_long_way_is_followed_so_far_and_no_further() -> None:
    way = ", ".join(["198.51.100.7", *["10.0.0.2"] * 31])
    assert Callers(PROXIES).caller("10.0.0.1", said(way)).address == "198.51.100.7"
    assert Callers(PROXIES).caller("10.0.0.1", said(way + ", 10.0.0.3" * 100_000)).address == "10.0.0.3"


@given(st.lists(st.text(st.characters(max_codepoint=255)), max_size=4), st.sampled_from(["10.0.0.1", "203.0.113.9"]))
def test_no_header_makes_it_fail_or_believe_a_stranger(values: list[str], peer: str) -> None:
    address = Callers(PROXIES).caller(peer, said(*values)).address
    assert address is not None
    assert peer != "203.0.113.9" or address == peer


def test_a_network_may_be_written_with_a_host_in_it() -> None:
    assert Callers(["10.1.2.3/8"]).caller("10.9.9.9", said("198.51.100.7")).address == "198.51.100.7"


@pytest.mark.parametrize(
    ("forwarded", "shared"),
    [
        (("198.51.100.7",), False),
        (("10.0.0.3, 198.51.100.7, 10.0.0.2",), False),
        ((), True),
        (("",), True),
        (("198.51.100.7:1234",), True),
        (("198.51.100.7, unknown, 10.0.0.2",), True),
        (("10.0.0.3, 10.0.0.2",), True),
    ],
    ids=range(7),
)
def test_a_trusted_proxy_that_names_nobody_stands_for_nobody(forwarded: tuple[str, ...], shared: bool) -> None:
    assert Callers(PROXIES).caller("10.0.0.1", said(*forwarded)).shared is shared


# --- proxies that nobody trusts --------------------------------------------------------------------------------------


def doubting(*trusted: str) -> tuple[Callers, list[str]]:
    """A reader of addresses, and the peers that it has told of."""
    told: list[str] = []
    return Callers(trusted, told.append), told


def seen(callers: Callers, peer: str | None, *values: str) -> tuple[str | None, bool]:
    """Whose request of this peer it is, and whether it is shared."""
    caller = callers.caller(peer, said(*values))
    return caller.address, caller.shared


@pytest.mark.parametrize("peer", ["10.0.0.1", "172.17.0.1", "192.168.1.1", "127.0.0.1", "::1", "fd00::1", "fe80::1"])
def test_a_private_peer_that_speaks_for_others_untrusted_is_told_once_and_not_believed(peer: str) -> None:
    callers, told = doubting("198.51.100.1")
    for value in ("198.51.100.7", "203.0.113.9", "rubbish", ""):
        assert seen(callers, peer, value) == (peer, True)
    assert told == [peer]
    assert seen(callers, peer) == (peer, False)


@pytest.mark.parametrize("trusted", [(), ("198.51.100.1",)])
def test_without_any_trusted_proxy_it_is_told_too(trusted: tuple[str, ...]) -> None:
    callers, told = doubting(*trusted)
    callers.caller("10.0.0.1", said("198.51.100.7"))
    callers.caller("::ffff:10.0.0.1", said("198.51.100.7"))
    callers.caller("::ffff:10.0.0.2", said("198.51.100.7"))
    assert told == ["10.0.0.1", "10.0.0.2"]


@pytest.mark.parametrize("peer", ["8.8.8.8", "2606:4700::1111", "unix", "testclient", "", "10.0.0.1x", None])
def test_a_stranger_that_makes_up_a_header_is_nobodys_proxy(peer: str | None) -> None:
    callers, told = doubting()
    assert seen(callers, peer, "198.51.100.7") == (peer, False)
    assert told == []


def test_a_peer_that_speaks_for_itself_or_is_trusted_is_not_told() -> None:
    callers, told = doubting("10.0.0.1")
    callers.caller("10.0.0.1", said("198.51.100.7"))
    callers.caller("10.0.0.2", [])
    assert told == []


def test_a_forgotten_proxy_of_a_carriers_or_a_clusters_network_is_told_too() -> None:
    callers, told = doubting()
    assert callers.caller("100.64.3.7", said("198.51.100.7")).shared
    assert not callers.caller("8.8.8.8", said("198.51.100.7")).shared
    assert told == ["100.64.3.7"]


def test_only_so_many_are_told_whoever_comes() -> None:
    callers, told = doubting()
    for number in range(200):
        assert callers.caller(f"10.0.{number}.1", said("198.51.100.7")).shared
    assert told == [f"10.0.{number}.1" for number in range(16)]


@given(st.lists(st.text(st.characters(max_codepoint=255)), min_size=1, max_size=3))
def test_nothing_of_the_header_is_told(values: list[str]) -> None:
    callers, told = doubting()
    callers.caller("10.0.0.1", said(*values))
    assert told == ["10.0.0.1"]
