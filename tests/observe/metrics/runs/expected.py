"""Which alerts each recorded run is to bring to somebody, and which it may raise that another one hides.

It must never be read from what was seen: each set is what an operator should be told.
"""

from types import MappingProxyType
from typing import Final, NamedTuple

from netra.observe.metrics.alerting.of_upkeep import CERTIFICATE_ENDS, CLOCKS_DIFFER, SETTINGS_DIFFER
from netra.observe.metrics.alerting.of_users import (
    BURNS,
    CHECKS_FAILING,
    CIRCUIT_OPEN,
    FEED_DOWN,
    KEYS_STALE,
    LOGINS_FAILING,
    NEAR_BUDGET,
    REFUSED,
    UNREACHABLE,
    WAVE,
)

_NOTHING: Final[frozenset[str]] = frozenset()


class Expected(NamedTuple):
    """What becomes of one run."""

    sent: str = ""
    """The one alert that somebody is told; empty for none."""
    hidden: frozenset[str] = _NOTHING
    """Consequences of the same cause: raised by Prometheus, and not sent."""


_UNHEARD: Final = frozenset({UNREACHABLE, FEED_DOWN, BURNS})
"""The probe and the feed go the same way as logins."""
_OUTAGE: Final = Expected(LOGINS_FAILING, _UNHEARD)
_ONLY_LOGINS: Final = Expected(LOGINS_FAILING, frozenset({BURNS}))
_GUESSED: Final = Expected(WAVE)

EXPECTED: Final = MappingProxyType(
    {
        "healthy": Expected(),
        "port-closed": _OUTAGE,
        "port-closed-at-noon": Expected(LOGINS_FAILING, _UNHEARD | {CIRCUIT_OPEN}),
        # Nothing was ever known of it: tokens can't be checked either, for the same reason.
        "no-such-name": Expected(LOGINS_FAILING, _UNHEARD | {CHECKS_FAILING}),
        "accepts-and-is-silent": _OUTAGE,
        "nobody-let-in": _OUTAGE,
        "status-500": _OUTAGE,
        "status-503": _OUTAGE,
        "not-json": _ONLY_LOGINS,
        "logins-500": _ONLY_LOGINS,
        "slow-logins": Expected(NEAR_BUDGET),
        "credentials-refused": Expected(REFUSED, _UNHEARD),
        # Its keys were never fetched, because the handshake was refused: tokens are asked about, and that is refused.
        "wrong-secret": Expected(REFUSED, frozenset({BURNS, FEED_DOWN})),
        "redirected": _ONLY_LOGINS,
        "endpoint-missing": _ONLY_LOGINS,
        "certificate-expired": _OUTAGE,
        "certificate-of-a-stranger": _OUTAGE,
        "certificate-ends": Expected(CERTIFICATE_ENDS),
        "clocks-apart": Expected(CLOCKS_DIFFER, frozenset({SETTINGS_DIFFER})),
        "keys-missing": Expected(CHECKS_FAILING, frozenset({BURNS})),
        "keys-stale": Expected(KEYS_STALE),
        "checks-fail": Expected(CHECKS_FAILING, frozenset({BURNS})),
        "settings-differ": Expected(SETTINGS_DIFFER),
        "password-flood": _GUESSED,
        "distributed-guessing": _GUESSED,
    }
)
"""By run."""
