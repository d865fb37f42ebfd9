"""Who is calling: the address that trusted proxies vouch for, and no other.

It must never be possible to choose one's own address.
"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netra.asgi.callers import Callers
from netra.asgi.words import Headers

PROXIES = ("10.0.0.0/8", "fd00::/8", "192.0.2.1")


def said(*values: str) -> Headers:
    """`X-Forwarded-For` headers."""
    return [(b"x-forwarded-for", value.encode("latin-1")) for value in values]


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
    ],
    ids=range(29),
)
def test_the_right_most_address_that_is_no_trusted_proxy_s_counts(
    peer: str, forwarded: tuple[str, ...], address: str
) -> None:
    assert Callers(PROXIES).address(peer, said(*forwarded)) == address


def test_without_trusted_proxies_only_the_peer_counts() -> None:
    assert Callers().address("10.0.0.1", said("198.51.100.7")) == "10.0.0.1"
    assert Callers().address("::ffff:10.0.0.1", said("198.51.100.7")) == "10.0.0.1"


def test_a_peer_without_an_address_has_none() -> None:
    assert Callers(PROXIES).address(None, said("198.51.100.7")) is None


def test_a_long_way_is_followed_so_far_and_no_further() -> None:
    way = ", ".join(["198.51.100.7", *["10.0.0.2"] * 31])
    assert Callers(PROXIES).address("10.0.0.1", said(way)) == "198.51.100.7"
    assert Callers(PROXIES).address("10.0.0.1", said(way + ", 10.0.0.3" * 100_000)) == "10.0.0.3"


@given(st.lists(st.text(st.characters(max_codepoint=255)), max_size=4), st.sampled_from(["10.0.0.1", "203.0.113.9"]))
def test_no_header_makes_it_fail_or_believe_a_stranger(values: list[str], peer: str) -> None:
    address = Callers(PROXIES).address(peer, said(*values))
    assert address is not None
    assert peer != "203.0.113.9" or address == peer


def test_a_network_may_be_written_with_a_host_in_it() -> None:
    assert Callers(["10.1.2.3/8"]).address("10.9.9.9", said("198.51.100.7")) == "198.51.100.7"
