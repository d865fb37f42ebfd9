"""What was revoked before its time: tokens and whole sessions, each until its tokens have expired anyway.

It must never forget a revocation earlier than that, unless there are more of them than it has room for.
"""

from heapq import heappop, heappush, heapreplace
from typing import Final, Protocol

from netra.core.verdict.operations import Revoked

CAPACITY_COUNT: Final = 100_000
"""Of tokens, and as many sessions: with access tokens of 15 minutes, a hundred logouts a second for as long."""
KEPT_S: Final = 3660
"""How long after `expires_at` a revocation is still known: the leeway of a minute by which expired tokens are accepted,
and an hour for a calendar that was set wrong and is set right again, since nobody tells us a second time."""
_SWEPT_COUNT: Final = 2


class RevocationStore(Protocol):
    """Where revocations are kept, here alone or shared with other gateways.

    Both questions are answered from memory and at once, as one of them is asked at every check of a token. A store that
    is shared passes on what it is told in the background, and adds what it hears from others.
    """

    def add(self, revoked: Revoked, wall_s: float) -> None:
        """Know from now on that something was revoked; `wall_s` is now, in epoch seconds.

        Known until at least a minute after its `expires_at`, and the longest that was said of it counts. A revocation
        that names a token and a session is about both.
        """
        ...

    def holds(self, token_id: str | None, session_id: str | None) -> bool:
        """Was this token revoked, or its whole session? None: it has no such id."""
        ...


class Revocations:
    """The revocations that one process knows of: those it made, and those it was told. One event loop owns it."""

    __slots__ = ("_sessions", "_tokens")

    def __init__(self, capacity_count: int = CAPACITY_COUNT) -> None:
        """`capacity_count`: of tokens, and as many sessions. What ends first is forgotten first when there are more."""
        self._tokens = _Ends(capacity_count)
        self._sessions = _Ends(capacity_count)

    def __len__(self) -> int:
        """How many are known, of which some may be over."""
        return len(self._tokens.by_id) + len(self._sessions.by_id)

    @property
    def lost_count(self) -> int:
        """How many had to be forgotten before their time, for want of room, since the start."""
        return self._tokens.lost_count + self._sessions.lost_count

    def add(self, revoked: Revoked, wall_s: float) -> None:
        """Know from now on that something was revoked; forgets a little of what is over, more than comes in."""
        if revoked.token_id is not None:
            self._tokens.keep(revoked.token_id, revoked.expires_at, wall_s)
        if revoked.session_id is not None:
            self._sessions.keep(revoked.session_id, revoked.expires_at, wall_s)

    def holds(self, token_id: str | None, session_id: str | None) -> bool:
        """Was this token revoked, or its whole session? None: it has no such id."""
        return token_id in self._tokens.by_id or session_id in self._sessions.by_id


class _Ends:
    """Ids and the epoch seconds at which their tokens expire."""

    __slots__ = ("_capacity_count", "_soonest", "by_id", "lost_count")

    def __init__(self, capacity_count: int) -> None:
        self.by_id: dict[str | None, int] = {}
        """None is never among them."""
        self.lost_count = 0
        self._capacity_count = capacity_count
        self._soonest: list[tuple[int, str]] = []
        """A heap with each id once, by the first end that was said of it; a later one is read when its turn comes."""

    def keep(self, each_id: str, expires_at: int, wall_s: float) -> None:
        """Know an id until `expires_at`, or as long as it is known already, if that is longer."""
        known_until = self.by_id.get(each_id)
        if known_until is None:
            self.by_id[each_id] = expires_at
            heappush(self._soonest, (expires_at, each_id))
        else:
            self.by_id[each_id] = max(known_until, expires_at)
        for _ in range(_SWEPT_COUNT):
            self._forget_soonest(wall_s)

    def _forget_soonest(self, wall_s: float) -> None:
        """Drop whoever ends first, if that is over or there are too many."""
        while self._soonest:
            ends, each_id = self._soonest[0]
            over = ends + KEPT_S <= wall_s
            if not over and len(self.by_id) <= self._capacity_count:
                return
            if self.by_id[each_id] > ends:
                heapreplace(self._soonest, (self.by_id[each_id], each_id))
                continue
            heappop(self._soonest)
            del self.by_id[each_id]
            self.lost_count += not over
            return
