"""Which certificate is presented: told at the change, and not at every connection to another machine.

It must never wait for real time.
"""

from hashlib import sha256

from netra.core.events import Changed
from netra.link.tls.presented import FORGOTTEN_AFTER_S, MOST_COUNT, Presented
from netra.testing.fakes import FakeClock, Recorded


def named(certificate: bytes) -> str:
    return sha256(certificate).hexdigest()[:16]


def test_the_first_certificate_and_each_other_one_is_told_once() -> None:
    clock, told = FakeClock(), Recorded()
    presented = Presented(clock, told)
    for certificate in (b"one", b"one", b"two", b"two"):
        presented(certificate, {})
        clock.advance(60.0)
    assert told.events == [
        Changed("peer_certificate", named(b"one")),
        Changed("peer_certificate", named(b"two"), named(b"one")),
    ]


def test_machines_with_certificates_of_their_own_are_not_changes_again_and_again() -> None:
    clock, told = FakeClock(), Recorded()
    presented = Presented(clock, told)
    for _ in range(100):
        for certificate in (b"one", b"two", b"three"):
            presented(certificate, {})
            clock.advance(1.0)
    assert len(told.events) == 3


def test_a_certificate_that_comes_back_after_a_while_is_a_change() -> None:
    clock, told = FakeClock(), Recorded()
    presented = Presented(clock, told)
    presented(b"one", {})
    for _ in range(3):
        presented(b"two", {})
        clock.advance(FORGOTTEN_AFTER_S)
    presented(b"one", {})
    assert [each.now for each in told.of(Changed)] == [named(b"one"), named(b"two"), named(b"one")]


def test_a_certificate_that_was_not_seen_for_long_is_no_other_one_for_that() -> None:
    clock, told = FakeClock(), Recorded()
    presented = Presented(clock, told)
    presented(b"one", {})
    clock.advance(2 * FORGOTTEN_AFTER_S)
    presented(b"one", {})
    assert len(told.events) == 1


def test_no_more_are_known_than_may_be() -> None:
    presented = Presented(FakeClock(), Recorded())
    for number in range(MOST_COUNT * 10):
        presented(str(number).encode(), {})
    assert len(presented._seen_at_s) == MOST_COUNT


def test_it_is_known_when_the_certificate_that_was_seen_last_ends() -> None:
    presented = Presented(FakeClock(), Recorded())
    assert presented.ends_at is None
    presented(b"one", {"notAfter": "Jan  5 09:34:43 2018 GMT"})
    assert presented.ends_at == 1515144883.0
