"""What came back: never printed whole; and when our own credentials are known to be good."""

import pytest

from netra.core.verdict.reply import Broken, Reply, Shake, Standing


def test_a_reply_prints_its_status_and_length_and_nothing_of_its_body_or_headers() -> None:
    told = f"{Reply(200, {'set-cookie': 'sid=1'}, b'access-token', 0.0)!r}"
    assert told == "Reply(200, 12 bytes)"
    assert str(Reply(200, {}, b"access-token", 0.0)) == "Reply(200, 12 bytes)"


def test_a_broken_exchange_has_no_facts_unless_it_was_given_some() -> None:
    assert dict(Broken("dns_error").facts) == {}


@pytest.mark.parametrize(
    ("handshake", "trusted", "accepted"),
    [
        ("not_yet", True, False),
        ("not_yet", False, False),
        ("refused", True, False),
        ("refused", False, False),
        ("accepted", True, True),
        ("accepted", False, True),
        ("absent", True, True),
        ("absent", False, False),
    ],
)
def test_our_credentials_are_good_after_a_handshake_or_by_trust_where_there_is_none(
    handshake: Shake, trusted: bool, accepted: bool
) -> None:
    standing = Standing()._replace(handshake=handshake, trust_uncoded_401=trusted)
    assert standing.credentials_accepted is accepted


def test_at_the_start_nothing_is_known_and_nothing_promised() -> None:
    start = Standing()
    assert (start.handshake, start.connectivity) == ("not_yet", "not_run")
    promised = (start.credentials_configured, start.credentials_accepted, start.idempotency)
    assert promised == (False, False, False)
    assert start.trust_uncoded_401
    learnt = (start.probe_code, start.probed_at_s, start.next_probe_at_s, start.environment)
    assert learnt == (None, None, None, None)
