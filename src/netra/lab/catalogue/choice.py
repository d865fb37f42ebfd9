"""Which fault meets a delivery: what was switched on for it, or what its user's address asks for.

It must never take an address for a wish that is not of the lab's own domain: other users' names are their own.
"""

from typing import Final, NamedTuple

from netra.lab.catalogue.fault import LOGIN, LOGOUT, OF_USERS, REFRESH, REGISTER, VALIDATE, Fault
from netra.lab.connection import Delivery
from netra.lab.faults import lookup
from netra.lab.healthy import owner_of

DOMAIN: Final = "lab.test"
"""Reserved for tests. Source: RFC 6761, section 6.2."""
CALLS: Final = {"login": LOGIN, "register": REGISTER, "refresh": REFRESH, "logout": LOGOUT, "validate": VALIDATE}
"""What may follow a plus sign in an address, and the path it stands for."""


class Switched(NamedTuple):
    """A fault, and where it is on."""

    fault: Fault
    path: str | None = None
    """None: on every path that the fault concerns."""
    user: str | None = None
    """The local part of an e-mail address; None: for everybody."""


class Choice:
    """The faults that are on. The last one switched on for a place goes before the earlier ones."""

    def __init__(self) -> None:
        self._on: dict[tuple[str | None, str | None], Switched] = {}

    @property
    def on(self) -> tuple[Switched, ...]:
        """What is on, the whole service first."""
        return tuple(sorted(self._on.values(), key=lambda each: (each.path or "", each.user or "")))

    @property
    def of_all(self) -> Fault | None:
        """What is on for every path and every user."""
        switched = self._on.get((None, None))
        return switched.fault if switched else None

    def switch(self, switched: Switched) -> None:
        """Switch a fault on, in place of what was on there."""
        self._on[switched.path, switched.user] = switched

    def clear(self) -> None:
        """Switch everything off."""
        self._on.clear()

    def of(self, delivery: Delivery, *, by_email: bool) -> Fault | None:
        """The fault that meets a delivery, the one switched on most narrowly first; None when all is well."""
        address = address_of(delivery)
        user = (address or "").partition("@")[0]
        for place in ((delivery.path, user), (None, user)):
            if switched := self._on.get(place):
                return switched.fault
        if by_email and address and (wished := wished_by(address, delivery.path)):
            return wished
        if narrow := self._on.get((delivery.path, None)):
            return narrow.fault
        fault = self.of_all
        # Whoever gets past a fault of the whole port is answered well.
        return fault if fault and fault.for_one and fault.concerns(delivery.path) else None


def address_of(delivery: Delivery) -> str | None:
    """The e-mail address that a delivery speaks of, in its body or by one of the lab's tokens."""
    if delivery.email is not None:
        return delivery.email
    document = delivery.json if isinstance(delivery.json, dict) else {}
    scheme, _, bearer = (delivery.header("Authorization") or "").partition(" ")
    tokens = (document.get("token"), document.get("refresh_token"), bearer if scheme.lower() == "bearer" else None)
    return next((email for email in map(owner_of, tokens) if email is not None), None)


def wished_by(address: str, path: str) -> Fault | None:
    """The fault that an address of the lab's domain names, where it is played on this path.

    `FAULT@lab.test` asks for it wherever it makes sense, `FAULT+refresh@lab.test` on that one call.
    """
    local, _, domain = address.strip().lower().rpartition("@")
    name, _, call = local.partition("+")
    fault = lookup(name) if domain == DOMAIN else None
    if fault is None or path not in OF_USERS or (call and CALLS.get(call) != path):
        return None
    return fault if fault.concerns(path) else None
