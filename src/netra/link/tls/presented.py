"""Which certificate the other side presents to new connections, told when it is another one.

It must never judge a certificate: what is presented here was believed already.
"""

import ssl
from collections.abc import Callable, Mapping
from hashlib import sha256
from typing import Any, Final

from netra.core.events import Changed
from netra.link.clock import Clock

FINGERPRINT_CHARS: Final = 16
FORGOTTEN_AFTER_S: Final = 600.0
"""A certificate that nobody presented for so long is told again."""
MOST_COUNT: Final = 16
"""Machines behind one name may each have a certificate of their own: so many are known at a time."""


class Presented:
    """The certificates of one destination, by their fingerprints. One event loop owns it."""

    def __init__(self, clock: Clock, tell: Callable[[Changed], None]) -> None:
        self._clock = clock
        self._tell = tell
        self.ends_at: float | None = None
        """When the one that was seen last ends, epoch seconds; None before any was."""
        self._seen_at_s: dict[str, float] = {}
        """By fingerprint, the one that was seen last at the end."""

    def __call__(self, certificate: bytes, described: Mapping[str, Any]) -> None:
        """A connection stands; its peer has shown this certificate: as it came (DER), and described."""
        ends = described.get("notAfter")
        self.ends_at = float(ssl.cert_time_to_seconds(ends)) if ends else None
        now, now_s = sha256(certificate).hexdigest()[:FINGERPRINT_CHARS], self._clock.now_s()
        before = next(reversed(self._seen_at_s), None)
        seen_at_s = self._seen_at_s.pop(now, None)
        self._seen_at_s[now] = now_s
        if len(self._seen_at_s) > MOST_COUNT:
            del self._seen_at_s[next(iter(self._seen_at_s))]
        if now != before and (seen_at_s is None or now_s - seen_at_s > FORGOTTEN_AFTER_S):
            self._tell(Changed("peer_certificate", now, before))
