"""Who was rejected how often of late: a bounded table that forgets by itself.

It must never hold anybody who was not rejected, and never turn anybody away because it is full: then it forgets whoever
was rejected longest ago. Not safe for threads; one event loop owns it.
"""

from array import array
from bisect import bisect_right
from collections import OrderedDict
from dataclasses import dataclass
from ipaddress import IPv6Address
from typing import Final

CAPACITY_COUNT: Final = 100_000
"""How many keys are remembered at once."""
_ROUNDING_S: Final = 1e-6
"""Whoever was told to come back after so many seconds is not sent away for what floating point makes of them."""
_SWEPT_COUNT: Final = 2
_UNITS_S: Final = {"h": 3600, "m": 60, "s": 1}


@dataclass(frozen=True, slots=True)
class Limit:
    """So many within so many seconds; a count of 0 stands for no limit."""

    count: int
    window_s: int

    def __bool__(self) -> bool:
        return self.count > 0

    def __str__(self) -> str:
        """The way settings write it, e.g. `5/15m`."""
        if not self:
            return "off"
        unit = next(unit for unit, unit_s in _UNITS_S.items() if self.window_s % unit_s == 0)
        return f"{self.count}/{self.window_s // _UNITS_S[unit]}{unit}"


OFF: Final = Limit(0, 0)


def network_of(address: str) -> str:
    """By what limits know an address: itself, or the first 64 bits of an IPv6 address, as one customer has them all.

    Two spellings of an IPv6 address are one only if both are canonical. What is no address stands for itself.
    Source: RFC 6177; RFC 5952.
    """
    if ":" not in address:
        return address
    groups = address.partition("::")[0].split(":", 4)
    if len(groups) >= 4:
        return ":".join(groups[:4])  # Most addresses in use: a tenth of what reading one takes.
    try:
        read = IPv6Address(address)
    except ValueError:
        return address
    return str(read.ipv4_mapped or ":".join(f"{int(read) >> shift & 0xFFFF:x}" for shift in (112, 96, 80, 64)))


class Rejections:
    """Rejections by key, each until its window is over.

    One that comes over the limit, because it was under way when the limit was reached, takes the place of the next that
    would be allowed: over a long time there are never more than the limit says.
    """

    __slots__ = ("_capacity_count", "_count", "_ends", "_window_s")

    def __init__(self, limit: Limit, capacity_count: int = CAPACITY_COUNT) -> None:
        """`limit` is not `OFF`."""
        self._count = limit.count
        self._window_s = limit.window_s
        self._capacity_count = capacity_count
        # A plain dict takes longer to name its first key the more were deleted before it.
        self._ends: OrderedDict[str, array[float]] = OrderedDict()
        """By key, whoever was rejected last at the end: the instants at which its rejections are forgotten."""

    def __len__(self) -> int:
        return len(self._ends)

    def count(self, key: str, now_s: float) -> int:
        """How many are not forgotten yet."""
        ends = self._ends.get(key)
        return 0 if ends is None else len(ends) - bisect_right(ends, now_s + _ROUNDING_S)

    def wait_s(self, key: str, now_s: float) -> float:
        """Seconds until there is room for one more; 0 when there is room now."""
        ends = self._ends.get(key)
        if ends is None or len(ends) < self._count:
            return 0.0
        wait_s = ends[-self._count] - now_s
        return wait_s if wait_s > _ROUNDING_S else 0.0

    def keep(self, key: str, now_s: float) -> None:
        """Somebody was rejected."""
        ends = self._ends.pop(key, None)
        if ends is None:
            ends = array("d")
        else:
            del ends[: bisect_right(ends, now_s)]
        begins_s = ends[-self._count] if len(ends) >= self._count else now_s
        ends.append(begins_s + self._window_s)
        self._ends[key] = ends
        self._forget(now_s)

    def clear(self, key: str) -> None:
        """Somebody has shown that he is no guesser."""
        self._ends.pop(key, None)

    def _forget(self, now_s: float) -> None:
        """Drop what is over, a little more of it than comes in, and whoever is too much."""
        for _ in range(_SWEPT_COUNT):
            oldest = next(iter(self._ends))
            if self._ends[oldest][-1] > now_s and len(self._ends) <= self._capacity_count:
                return
            del self._ends[oldest]
