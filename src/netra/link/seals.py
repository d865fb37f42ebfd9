"""Our own credentials as they are stamped on a try.

They must never be printed, and never come from or go to a client.
"""

from collections.abc import Sequence
from typing import NamedTuple

from netra.core.secret import Secret


class Seal:
    """The headers that say who is asking. Prints as dots."""

    __slots__ = ("headers",)

    def __init__(self, places: Sequence[tuple[str, str]], service_id: str | None, secret: Secret | None) -> None:
        values = {"service_id": service_id, "service_secret": secret.reveal() if secret else None}
        self.headers: tuple[tuple[str, str], ...] = tuple(
            (header, value) for header, filler in places if (value := values[filler])
        )

    def __repr__(self) -> str:
        return "Seal(••••••)"


class Seals(NamedTuple):
    """The current credentials, then the previous ones during a rotation."""

    in_order: tuple[Seal, ...]

    @classmethod
    def of(
        cls,
        places: Sequence[tuple[str, str]],
        service_id: str | None,
        secret: Secret | None,
        previous: Secret | None,
    ) -> "Seals":
        """The seals that a wire's places make of an id, a secret and the secret before it."""
        current = Seal(places, service_id, secret)
        return cls((current, Seal(places, service_id, previous)) if previous else (current,))
