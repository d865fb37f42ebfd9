"""TCP: which of the addresses accept a connection.

It must never send a byte over one.
"""

import asyncio
import socket
from collections.abc import AsyncIterator, Sequence
from ipaddress import ip_address
from typing import Final, NamedTuple

from aiohappyeyeballs import start_connection

from netra.core.findings import Finding, Severity
from netra.core.verdict.broken import broken
from netra.core.verdict.outcomes import NO_FACTS
from netra.core.verdict.reply import Broken
from netra.doctor.diagnosis import Check, Hop, State
from netra.doctor.visit import Visit
from netra.link.resolver import Address

MOST_ADDRESSES: Final = 8
_TIMED_OUT: Final = "connection_timeout"


class _Dialled(NamedTuple):
    """An address, and why it did not accept; None when it did."""

    address: Address
    broken: Broken | None

    @property
    def where(self) -> str:
        host = self.address.host
        return f"[{host}]:{self.address.port}" if ":" in host else f"{host}:{self.address.port}"

    @property
    def harmless(self) -> bool:
        """Did this very machine say no at once, as for a server that listens on 127.0.0.1 and not on [::1]?"""
        refused = self.broken is not None and self.broken.code == "connection_refused"
        return refused and ip_address(self.address.host.partition("%")[0]).is_loopback


async def checks(visit: Visit) -> AsyncIterator[Check]:
    """Addresses are tried eight at once; one that does not accept costs every new connection time."""
    started_s = visit.clock.now_s()
    dialled = await _until_one_accepts(visit)
    elapsed_s = visit.clock.now_s() - started_s
    dead = [each for each in dialled if each.broken is not None]
    if dead and len(dead) == len(dialled):
        where = ", ".join(each.where for each in dead[:MOST_ADDRESSES])
        where += f" and {len(dead) - MOST_ADDRESSES} more" if len(dead) > MOST_ADDRESSES else ""
        yield visit.failure(Hop.TCP, "connection", _together(dead), elapsed_s, where=where)
        return
    told = [each for each in dead if not each.harmless]
    what = _what(dialled, visit.addresses)
    findings = (_some_dead(visit, told),) if told else ()
    yield Check(Hop.TCP, "connection", State.WARN if told else State.PASS, what, elapsed_s, findings)


async def _until_one_accepts(visit: Visit) -> list[_Dialled]:
    """The first addresses; those behind them only while none accepts, because logins would get that far, too."""
    dialled: list[_Dialled] = []
    for first in range(0, len(visit.addresses), MOST_ADDRESSES):
        some = visit.addresses[first : first + MOST_ADDRESSES]
        dialled += await asyncio.gather(*(_dialled(visit, each) for each in some))
        if any(each.broken is None for each in dialled):
            break
    return dialled


async def _dialled(visit: Visit, address: Address) -> _Dialled:
    target = (address.family, socket.SOCK_STREAM, address.proto, "", (address.host, address.port))
    try:
        async with asyncio.timeout(min(visit.settings.connect_timeout_s, visit.left_s())):
            opened = await start_connection([target])
    except OSError as error:
        return _Dialled(address, broken(error, sent=False))
    opened.close()
    return _Dialled(address, None)


def _together(dead: Sequence[_Dialled]) -> Broken:
    """What a login is told when nobody accepts: one reason for all, else that of the slowest."""
    causes = [each.broken for each in dead if each.broken is not None]
    codes = {each.code for each in causes}
    if len(codes) == 1:
        same = all(each.facts == causes[0].facts for each in causes)
        return causes[0] if same else Broken(causes[0].code, NO_FACTS)
    return Broken(_TIMED_OUT if _TIMED_OUT in codes else "connection_refused")


def _what(dialled: Sequence[_Dialled], known: Sequence[Address]) -> str:
    good = [each.where for each in dialled if each.broken is None]
    if len(known) == 1:
        return f"{good[0]} accepts"
    looked_at = f" (the first {len(dialled)} of {len(known)})" if len(known) > len(dialled) else ""
    return f"{len(good)} of {len(dialled)} addresses accept{looked_at}, first {good[0]}"


def _some_dead(visit: Visit, dead: Sequence[_Dialled]) -> Finding:
    """Some accept: no login fails, and none is as fast as it could be."""
    reasons = (f"{each.where} ({visit.book[each.broken.code].title.lower()})" for each in dead if each.broken)
    code = dead[0].broken.code if dead[0].broken else ""
    return Finding(
        Severity.WARNING,
        code,
        Hop.TCP,
        f"Of the addresses of {visit.host}, some do not accept: {', '.join(reasons)}.",
        "Logins get through by the others, and each new connection may have to wait for the dead one first.",
        f"Take the address out of the DNS, or let the auth service listen there: `getent ahosts {visit.host}`",
    )
