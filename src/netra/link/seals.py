"""Our own credentials as they are stamped on a try.

They must never be printed, and never come from or go to a client.
"""

from base64 import b64encode
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote_plus

from netra.core.secret import Secret
from netra.core.verdict.wire import Wire

if TYPE_CHECKING:
    from netra.core.fill import Said


class Seal:
    """The headers, and the members of a body, that say who is asking. Prints as dots."""

    __slots__ = ("headers", "hidden", "members", "secret", "service_id")

    def __init__(self, wire: Wire, service_id: str | None, secret: Secret | None) -> None:
        self.service_id, self.secret = service_id, secret
        basic = _basic(service_id, secret) if service_id and secret else None
        ours: Said = {"service_id": service_id, "service_secret": secret, "service_basic": basic}
        self.hidden = tuple(each for each in (secret.reveal() if secret else "", basic) if each)
        """What of it must never be told, should the auth service repeat it."""
        self.headers = tuple((name, value) for name, text in wire.seal if (value := text.filled(ours)))
        self.members = tuple((name, value) for name, text in wire.seal_fields if (value := text.filled(ours)))

    def __repr__(self) -> str:
        return "Seal(••••••)"


def _basic(service_id: str, secret: Secret) -> str:
    """Source: RFC 6749, section 2.3.1."""
    return b64encode(f"{quote_plus(service_id)}:{quote_plus(secret.reveal())}".encode()).decode("ascii")


class Seals(NamedTuple):
    """The current credentials, then the previous ones during a rotation."""

    in_order: tuple[Seal, ...]

    @classmethod
    def none(cls) -> "Seals":
        """No credentials: for whoever is asked for what is public."""
        return cls(())

    @classmethod
    def of(cls, wire: Wire, service_id: str | None, secret: Secret | None, previous: Secret | None) -> "Seals":
        """The seals that a wire makes of an id, a secret and the secret before it."""
        current = Seal(wire, service_id, secret)
        return cls((current, Seal(wire, service_id, previous)) if previous else (current,))
