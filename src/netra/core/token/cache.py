"""What was found out about tokens, for a short while: whom the good ones stand for, and which were refused.

It must never hold a token, nor grow with what strangers send: all that is left of it is a fingerprint, in bounded
tables.
"""

from collections import OrderedDict
from hashlib import sha256
from typing import Final

import msgspec

from netra.core.verdict.causes import PUBLIC_INVALID_TOKEN, TABLE
from netra.core.verdict.operations import Identity, Source, User
from netra.core.verdict.outcomes import Rejected

CAPACITY_COUNT: Final = 100_000
REFUSED_COUNT: Final = 10_000
REFUSED_S: Final = 5.0
"""For how long a refusal is not asked for again."""
PACKED_BYTES: Final = 320
"""What there is room for, on average, of what a token says; about twice of what tokens usually say."""
IN_USE_COUNT: Final = 1_024
"""How many identities are kept as they are returned: who asks for one thing often asks for several at once."""
_SWEPT_COUNT: Final = 2

_REFUSALS: Final = frozenset(code for code, cause in TABLE.items() if cause.public_code == PUBLIC_INVALID_TOKEN)
LASTING_REFUSALS: Final = _REFUSALS - {"token_not_yet_valid"}
"""The refusals that no waiting mends, and so are remembered."""

_PACK: Final = msgspec.msgpack.Encoder().encode
_UNPACK: Final = msgspec.msgpack.Decoder().decode
_NEW: Final = tuple.__new__
"""How a NamedTuple makes itself of its values in order, in a third of the time that its own call takes."""


class Fingerprint:
    """What a token is known by: a digest of itself and of everything by which it is judged.

    With other keys, another issuer or another configuration, every token has another fingerprint, so nothing that was
    found out by the old ones is found again.
    """

    __slots__ = ("_begun",)

    def __init__(self, *judged_by: str) -> None:
        """`judged_by`: issuer, audience, versions of keys and configuration; each with its length, so none runs on."""
        texts = [text.encode("utf-8", "surrogatepass") for text in judged_by]
        lengths = b"".join(len(text).to_bytes(8, "big") for text in (texts, *texts))
        self._begun = sha256(lengths + b"".join(texts))

    def key(self, token: str) -> bytes:
        """The 32 bytes that stand for a token."""
        digest = self._begun.copy()
        digest.update(token.encode("utf-8", "surrogatepass"))
        return digest.digest()


class TokenCache:
    """Verdicts by fingerprint. Instants are monotonic seconds; one event loop owns it.

    Refusals have a table of their own, so that no number of bad tokens pushes a good one out. Of the good ones, the one
    that was found good longest ago goes first. They are kept packed: objects would take twice the memory, and the
    garbage collector would look at every one of them again and again.
    """

    __slots__ = (
        "_capacity_count", "_in_use", "_kept", "_once", "_packed_bytes", "_refused", "_refused_capacity_count",
        "hits_count", "misses_count", "stale_count",
    )  # fmt: skip

    def __init__(self, capacity_count: int = CAPACITY_COUNT, negative_count: int = REFUSED_COUNT) -> None:
        """How many good tokens, and how many refusals; at least one of each."""
        self.hits_count = 0
        """Questions answered, refusals included, since the start; likewise the next two."""
        self.misses_count = 0
        self.stale_count = 0
        self._capacity_count = capacity_count
        self._refused_capacity_count = negative_count
        self._kept: OrderedDict[bytes, tuple[float, float, bytes]] = OrderedDict()
        """Fresh until, of use until, and the identity, packed; whoever was found good last is at the end."""
        self._packed_bytes = 0
        self._in_use: dict[bytes, tuple[float, Identity]] = {}
        """Some of those that are fresh, unpacked, with the end of that."""
        self._once: set[bytes] = set()
        """Some that were asked for, and are not unpacked."""
        self._refused: OrderedDict[bytes, tuple[float, Rejected]] = OrderedDict()
        """Until when, and why."""

    @property
    def kept_count(self) -> int:
        """How many good tokens are kept, of which some may be over."""
        return len(self._kept)

    @property
    def refused_count(self) -> int:
        """How many refusals are kept, of which some may be over."""
        return len(self._refused)

    def knows(self, key: bytes) -> bool:
        """Is a verdict kept, of whatever kind, fresh or not? Not counted."""
        return key in self._kept or key in self._refused

    def get(self, key: bytes, now_s: float) -> Identity | Rejected | None:
        """The verdict, if it is known and fresh; an identity has the source `cache`."""
        in_use = self._in_use.get(key)
        if in_use is not None and now_s < in_use[0]:
            self.hits_count += 1
            return in_use[1]
        kept = self._kept.get(key)
        if kept is not None and now_s < kept[0]:
            self.hits_count += 1
            identity = _identity(kept[2], "cache")
            self._use(key, kept[0], identity)
            return identity
        refused = self._refused.get(key)
        if refused is not None and now_s < refused[0]:
            self.hits_count += 1
            return refused[1]
        self.misses_count += 1
        return None

    def stale(self, key: bytes, now_s: float) -> Identity | None:
        """Whom a token stood for, if that is no longer fresh and may still be said while nobody can be asked."""
        kept = self._kept.get(key)
        if kept is None or now_s >= kept[1]:
            return None
        self.stale_count += 1
        return _identity(kept[2], "stale")

    def put(self, key: bytes, identity: Identity, now_s: float, until_s: float, stale_until_s: float) -> None:
        """A token was found good: fresh until `until_s`, and of use until `stale_until_s` while nobody can be asked.

        Neither instant is later than the token's own end. A `stale_until_s` that is not later than `until_s` says that
        what is no longer fresh is of no use. A token that was refused a moment ago stays refused: whoever vouches for
        it now was asked before that.
        """
        refused = self._refused.get(key)
        if refused is not None and now_s < refused[0]:
            return
        self.forget(key)
        last_s = max(until_s, stale_until_s)
        if now_s < last_s:
            packed = _packed(identity)
            self._kept[key] = (until_s, last_s, packed)
            self._packed_bytes += len(packed)
        self._forget_oldest(now_s)

    def refuse(self, key: bytes, rejected: Rejected, now_s: float) -> None:
        """A token was refused: it is good no longer, and if that is for good, nobody is asked again for a while."""
        self.forget(key)
        if rejected.cause.code not in LASTING_REFUSALS:
            return
        refused = self._refused
        refused[key] = (now_s + REFUSED_S, rejected._replace(tried=()) if rejected.tried else rejected)
        refused.move_to_end(key)
        for _ in range(_SWEPT_COUNT):
            oldest = next(iter(refused))
            if now_s < refused[oldest][0] and len(refused) <= self._refused_capacity_count:
                return
            del refused[oldest]

    def forget(self, key: bytes) -> None:
        """Know no more that a token is good; that it was refused is still known."""
        self._in_use.pop(key, None)
        kept = self._kept.pop(key, None)
        if kept is not None:
            self._packed_bytes -= len(kept[2])

    def _use(self, key: bytes, until_s: float, identity: Identity) -> None:
        """Keep an identity as it is when it is asked for the second time; of many that are not, none is kept so."""
        if key in self._once:
            if len(self._in_use) >= IN_USE_COUNT:
                self._in_use.clear()
            self._in_use[key] = (until_s, identity)
            return
        if len(self._once) >= IN_USE_COUNT:
            self._once.clear()
        self._once.add(key)

    def _forget_oldest(self, now_s: float) -> None:
        """Drop a little of what is over, more than comes in, and all that is too much."""
        kept, room_bytes, looked_count = self._kept, PACKED_BYTES * self._capacity_count, 0
        while kept:
            oldest = next(iter(kept))
            too_much = len(kept) > self._capacity_count or self._packed_bytes > room_bytes
            if not too_much and (looked_count == _SWEPT_COUNT or kept[oldest][1] > now_s):
                return
            self.forget(oldest)
            looked_count += 1


def _packed(identity: Identity) -> bytes:
    (user_id, email, name), expires_at, _, token_id, session_id = identity
    return _PACK((user_id, email, name, expires_at, token_id, session_id))


def _identity(packed: bytes, source: Source) -> Identity:
    """What `put` has packed."""
    user_id, email, name, expires_at, token_id, session_id = _UNPACK(packed)
    return _NEW(Identity, (_NEW(User, (user_id, email, name)), expires_at, source, token_id, session_id))
