"""DNS: where the name of the auth service leads, and how long it takes to find out.

It must never look up a name elsewhere than where logins do: on the resolver of the link.
"""

import socket
from collections import Counter
from collections.abc import AsyncIterator
from ipaddress import ip_address
from typing import Final

from netra.core.verdict.broken import broken
from netra.core.verdict.reply import Broken
from netra.doctor.diagnosis import Check, Hop, State
from netra.doctor.visit import Visit
from netra.link.resolver import Address, Resolver

_FAMILIES: Final = {socket.AF_INET: "IPv4", socket.AF_INET6: "IPv6"}


async def checks(visit: Visit) -> AsyncIterator[Check]:
    """The addresses that the name stands for; they are left with the visit for the next hop."""
    if (numeric := _numeric(visit)) is not None:
        visit.addresses = (numeric,)
        yield Check(Hop.DNS, "address", State.PASS, f"{visit.host} is an address: no name to look up")
        return
    started_s = visit.clock.now_s()
    found = await _looked_up(visit)
    elapsed_s = visit.clock.now_s() - started_s
    if isinstance(found, Broken):
        yield visit.failure(Hop.DNS, "address", found, elapsed_s, where=visit.host)
        return
    visit.addresses = tuple(dict.fromkeys(found))
    yield Check(Hop.DNS, "address", State.PASS, f"{visit.host} is {_told(visit.addresses)}", elapsed_s)


def _numeric(visit: Visit) -> Address | None:
    try:
        version = ip_address(visit.host).version
    except ValueError:
        return None
    family = socket.AF_INET if version == 4 else socket.AF_INET6
    return Address(family, socket.IPPROTO_TCP, visit.host, visit.port)


async def _looked_up(visit: Visit) -> list[Address] | Broken:
    resolver = Resolver(min(visit.settings.connect_timeout_s, visit.left_s()), visit.look_up)
    try:
        return await resolver.addresses(visit.host, visit.port, socket.AF_UNSPEC)
    except UnicodeError:
        return Broken("proxy_configuration_error")
    except OSError as error:
        return broken(error, sent=False)


def _told(addresses: tuple[Address, ...]) -> str:
    if len(addresses) == 1:
        return addresses[0].host
    families = Counter(_FAMILIES.get(socket.AddressFamily(each.family), "other") for each in addresses)
    counts = ", ".join(f"{count} {family}" for family, count in sorted(families.items()))
    return f"{len(addresses)} addresses ({counts}), first {addresses[0].host}"
