"""A value that must never be printed: its representation is dots, whoever formats it.

It must never offer a way to see its content except the one named `reveal`, so that every use can be searched for.
"""

from hmac import compare_digest
from typing import Final, NoReturn

_DOTS: Final = "••••••"


class Secret:
    """A password, token or service secret on its way through the program."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """The text itself, for the one place that has to send or hash it."""
        return self._value

    def __repr__(self) -> str:
        return f"Secret({_DOTS})"

    def __str__(self) -> str:
        return _DOTS

    def __format__(self, spec: str) -> str:
        return _DOTS

    def __bool__(self) -> bool:
        return bool(self._value)

    def __eq__(self, other: object) -> bool:
        """Equal content, compared in constant time."""
        if not isinstance(other, Secret):
            return NotImplemented
        return compare_digest(self._bytes(), other._bytes())

    def _bytes(self) -> bytes:
        return self._value.encode("utf-8", "surrogatepass")

    def __hash__(self) -> int:
        return hash(self._value)

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Secret is not serialised: reveal it where it is needed")
