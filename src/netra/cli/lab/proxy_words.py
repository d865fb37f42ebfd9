"""Faults of the chaos proxy as one writes them in the shell: `latency=200ms`, `to-server:cut-after=1B..2KiB`.

It must never take a word for something that it does not say.
"""

from re import compile as pattern
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

    from netra.lab.chaos_proxy import ProxyFault, Quantity, Unit
    from netra.lab.chaos_ways import Faults

TO_SERVER: Final = "to-server:"
TO_CLIENT: Final = "to-client:"

_NUMBER: Final = pattern(r"(\d{1,10}(?:\.\d{1,6})?)(ms|s|B|KiB|MiB)")
_FACTORS: Final = {"ms": 0.001, "s": 1.0, "B": 1.0, "KiB": 1024.0, "MiB": 1024.0**2}
_GIB: Final = 1024.0**3


class _Scale(NamedTuple):
    """How the values of one kind are written."""

    units: tuple[str, ...]
    suffix: str
    least: float
    most: float
    told: str
    """What to write, in words."""


_SCALES: Final[dict["Unit", _Scale]] = {
    "duration": _Scale(("ms", "s"), "", 0.001, 3600, "a number and ms or s, from 1ms to 3600s"),
    "size": _Scale(
        ("B", "KiB", "MiB"), "", 0, _GIB,
        "a number and B, KiB or MiB, up to 1024MiB, or a range to draw from, such as 1B..2KiB",
    ),
    "rate": _Scale(("B", "KiB", "MiB"), "/s", 1, _GIB, "a number and B/s, KiB/s or MiB/s, from 1B/s to 1024MiB/s"),
}  # fmt: skip


class _Meant(NamedTuple):
    """One word, understood."""

    fault: "ProxyFault"
    direction: str
    quantity: "Quantity"

    @property
    def place(self) -> str:
        """What only one word can say."""
        if self.fault.whole is not None:
            return "the whole connection"
        return self.direction + ("ending" if self.fault.unit == "size" else self.fault.name)

    def put_in(self, faults: "Faults") -> "Faults":
        """The faults with this one among them."""
        from dataclasses import replace

        if self.fault.whole is not None:
            return self.fault.whole(faults, self.quantity)
        if self.fault.one_way is None:
            return faults
        if self.direction == TO_SERVER:
            return replace(faults, to_server=self.fault.one_way(faults.to_server, self.quantity))
        return replace(faults, to_client=self.fault.one_way(faults.to_client, self.quantity))


def read_faults(words: "Iterable[str]") -> "tuple[Faults, tuple[str, ...]]":
    """The faults that are meant by words such as `latency=200ms` or `to-server:cut-after=1B..2KiB`.

    With them comes what is wrong with the words, a sentence each; where anything is, the faults are not to be used.
    """
    from netra.lab.chaos_proxy import NO_FAULTS

    faults, problems, taken = NO_FAULTS, list[str](), dict[str, str]()
    for word in words:
        meant = _meant(word) if word.isprintable() else f"{word!a}: it holds characters that cannot be seen."
        if isinstance(meant, str):
            problems.append(meant)
        elif meant.place in taken:
            problems.append(f"{word} cannot be together with {taken[meant.place]}: keep one.")
        else:
            taken[meant.place] = word
            faults = meant.put_in(faults)
    return faults, tuple(problems)


def _meant(word: str) -> "_Meant | str":
    from netra.lab.chaos_proxy import PROXY_FAULTS, Quantity

    named, equals, value = word.partition("=")
    direction = next((each for each in (TO_SERVER, TO_CLIENT) if named.startswith(each)), "")
    name = named.removeprefix(direction)
    fault = next((fault for fault in PROXY_FAULTS if fault.name == name), None)
    if fault is None:
        return _unknown(word, name, [fault.name for fault in PROXY_FAULTS])
    if direction and fault.whole is not None:
        return f"{word}: it has no direction. Write {named.removeprefix(direction)}."
    if not fault.unit:
        return f"{word}: it takes no value. Write {name}." if equals else _Meant(fault, "", Quantity(0, 0))
    quantity = _quantity(value if equals else fault.default, fault.unit)
    if quantity is None:
        return f"{word}: write {_SCALES[fault.unit].told}. For example {direction}{name}={fault.default}."
    return _Meant(fault, direction or TO_CLIENT, quantity)


def _unknown(word: str, name: str, names: list[str]) -> str:
    from difflib import get_close_matches

    near = get_close_matches(name.lower().replace("_", "-"), names, n=3, cutoff=0.5)
    if near:
        return f"{word}: there is no such fault. Did you mean {' or '.join(near)}? `netra lab faults` lists all."
    return f"{word}: there is no such fault. There are: {', '.join(names)}."


def _quantity(text: str, unit: "Unit") -> "Quantity | None":
    """A value in seconds, bytes or bytes per second; None when it is not one, or out of bounds."""
    from netra.lab.chaos_proxy import Quantity

    scale = _SCALES[unit]
    least, dots, most = text.partition("..") if unit == "size" else (text, "", "")
    first, last = _number(least, scale), _number(most if dots else least, scale)
    if first is None or last is None or not scale.least <= first <= last <= scale.most:
        return None
    return Quantity(first, last)


def _number(text: str, scale: _Scale) -> float | None:
    found = _NUMBER.fullmatch(text.removesuffix(scale.suffix)) if text.endswith(scale.suffix) else None
    return float(found[1]) * _FACTORS[found[2]] if found is not None and found[2] in scale.units else None
