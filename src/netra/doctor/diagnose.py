"""The walk: hop by hop along the way of a login, until the first that is broken, within the time there is.

It must never take longer than it may, nor fail itself: what goes wrong in a hop is what the diagnosis says of it.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing
from typing import Final, NamedTuple

from netra.core.findings import Finding, Severity
from netra.core.verdict.causes import TABLE
from netra.core.verdict.outcomes import Unknown, unknown
from netra.doctor.diagnosis import WHOLE_HOP, Check, Hop, State
from netra.doctor.hops import (
    answers,
    certificates,
    clocks,
    connections,
    contract,
    credentials,
    keysets,
    logins,
    names,
    origins,
)
from netra.doctor.offline import Start, switched_off
from netra.doctor.visit import AS_USUAL, Visit, Wanted
from netra.link.clock import Clock
from netra.link.resolver import LookUp, system_addresses
from netra.link.tls.trust import Unusable
from netra.upkeep.crashes import crashed

Checks = Callable[[Visit], AsyncIterator[Check]]
Began = Callable[[Hop], None]
"""Is told each hop as it begins."""


def _always(wanted: Wanted) -> bool:
    return True


def _has_origin(wanted: Wanted) -> bool:
    return wanted.origin is not None


def _has_logins(wanted: Wanted) -> bool:
    return wanted.rejection_check or wanted.canary is not None


class _Row(NamedTuple):
    """A hop of the way."""

    hop: Hop
    checks: Checks
    late_code: str
    """What it means when the time is up here."""
    gate: bool = False
    """Is everything behind it out of reach while it is broken?"""
    asks: bool = True
    """Does it need the network?"""
    behind: bool = True
    """Does it mean nothing while a gate before it is broken?"""
    wanted: Callable[[Wanted], bool] = _always


_WAY: Final = (
    _Row(Hop.DNS, names.checks, "dns_timeout", gate=True),
    _Row(Hop.TCP, connections.checks, "connection_timeout", gate=True),
    _Row(Hop.TLS, certificates.checks, "connection_timeout", gate=True),
    _Row(Hop.HTTP, answers.checks, "response_timeout", gate=True),
    _Row(Hop.SERVICE_CREDENTIALS, credentials.checks, "response_timeout"),
    _Row(Hop.CONTRACT, contract.checks, "response_timeout"),
    _Row(Hop.CLOCK, clocks.checks, "response_timeout"),
    _Row(Hop.KEYS, keysets.checks, "response_timeout"),
    _Row(Hop.ORIGIN, origins.checks, "response_timeout", asks=False, behind=False, wanted=_has_origin),
    _Row(Hop.LOGIN, logins.checks, "response_timeout", wanted=_has_logins),
    _Row(Hop.BUDGET, answers.in_time, "response_timeout", asks=False),
)


def nobody(hop: Hop) -> None:
    """For those who need not know where the diagnosis is."""


async def diagnose(
    start: Start,
    wanted: Wanted = AS_USUAL,
    *,
    began: Began = nobody,
    clock: Clock | None = None,
    look_up: LookUp = system_addresses,
) -> AsyncGenerator[Check, None]:
    """All checks in the order of the way, each as it ends."""
    for check in start.checks:
        yield check
    if start.settings is None or start.wire is None:
        for skipped in _skipped(wanted, f"not looked at: {Hop.CONFIGURATION} is broken"):
            yield skipped
        return
    if not start.settings.auth_service_enabled:
        yield switched_off()
        for skipped in _skipped(wanted, "not looked at: AUTH_SERVICE_ENABLED is false, nobody is asked"):
            yield skipped
        return
    parts = (start.settings, start.wire, start.environ, start.effective, wanted)
    try:
        # Pages and authorities are read on a thread: logins may be under way in this very event loop.
        visit = await asyncio.to_thread(Visit, *parts, clock=clock, look_up=look_up)
    except Unusable as problem:
        yield Check(Hop.CONFIGURATION, "trust_files", State.FAIL, "a file cannot be used", None, (problem.finding,))
        for skipped in _skipped(wanted, f"not looked at: {Hop.CONFIGURATION} is broken"):
            yield skipped
        return
    try:
        async with aclosing(_walk(visit, began)) as checks:
            async for check in checks:
                yield check
    finally:
        await visit.close()


def _skipped(wanted: Wanted, why: str) -> list[Check]:
    return [_skip(row, why) for row in _WAY if row.wanted(wanted)]


def _skip(row: _Row, why: str) -> Check:
    return Check(row.hop, WHOLE_HOP, State.SKIP, why)


async def _walk(visit: Visit, began: Began) -> AsyncGenerator[Check, None]:
    broken: Hop | None = None
    failed = False
    for row in _WAY:
        if not row.wanted(visit.wanted):
            continue
        if row.behind and broken is not None:
            yield _skip(row, f"not looked at: {broken} is broken")
        elif row.asks and not visit.left_s():
            late = _skip(row, f"not looked at: the {visit.wanted.timeout_s:g} s of this diagnosis were over")
            # Who has seen nothing that is broken, and not all, must not say that all is well.
            yield late if failed else visit.failure(row.hop, "time", _late(row, visit), None)
            failed = True
        else:
            began(row.hop)
            async with aclosing(_bounded(row, visit)) as checks:
                async for check in checks:
                    if check.state is State.FAIL:
                        failed, broken = True, row.hop if row.gate else broken
                    yield check


async def _bounded(row: _Row, visit: Visit) -> AsyncGenerator[Check, None]:
    """The checks of one hop; the last one says so when the time is up, or when we have a bug."""
    checks, started_s = row.checks(visit), visit.clock.now_s()
    while True:
        try:
            async with asyncio.timeout(visit.left_s()):
                check = await anext(checks)
        except StopAsyncIteration:
            return
        except TimeoutError:
            failed = visit.failure(row.hop, "time", _late(row, visit), visit.clock.now_s() - started_s)
            yield certificates.as_seen(visit, failed) if row.hop is Hop.TLS else failed
            return
        except Exception as crash:  # noqa: BLE001 - a bug of one hop is told, and the others are looked at
            yield _crash(row, visit, crash)
            return
        yield check


def _late(row: _Row, visit: Visit) -> Unknown:
    return unknown(TABLE[row.late_code], {"budget_s": f"{visit.wanted.timeout_s:g}"})


def _crash(row: _Row, visit: Visit, crash: Exception) -> Check:
    seen = crashed("doctor", crash, 0.0)
    what = f"a bug of this diagnosis: {seen.error_type} at {seen.places[-1] if seen.places else 'an unknown place'}"
    page = visit.book["internal_error"]
    finding = Finding(Severity.ERROR, page.code, row.hop, what, "Nothing is known of this hop.", page.check_first[2])
    return Check(row.hop, "crash", State.FAIL, what, None, (finding,))
