"""One gateway through one scene: starts auth service and gateway, makes the load, changes the faults, writes it down.

It must never let one run begin before everything of the one before has ended.
"""

import asyncio
import gc
import os
import resource
import time
from pathlib import Path
from typing import Final, NamedTuple

from auth_service import AuthService
from figures import Seen, Span
from gateways import Changed, changes, running
from load import PATIENCE_S, Load, Phase, attempts
from scenes import TIMES_S, Contender, Scene

_STAT: Final = Path("/proc/stat")
_TICKS_PER_S: Final = os.sysconf("SC_CLK_TCK")
_SETTLE_S: Final = 0.5
"""Between the gateway's first answer and the first attempt."""


async def play(scene: Scene, contender: Contender, folder: Path, scale: float) -> Seen:
    """Run it, in real time. `scale` shortens all times alike."""
    auth_service = AuthService(scene.capacity)
    await auth_service.start()
    times = {name: f"{seconds * scale:g}" for name, seconds in TIMES_S.items()} if scale != 1 else {}
    log = folder / f"{scene.name}-{contender.label.replace(' ', '-').replace(',', '')}.log"
    phases = [_scaled(phase, scale) for phase in scene.phases]
    before = _spent()
    try:
        async with running(contender.kind, auth_service.port, {**times, **contender.variables}, log, scale) as gateway:
            await asyncio.sleep(_SETTLE_S)
            load = Load(gateway.port, gateway.login_path, PATIENCE_S * scale)
            gc.collect()
            gc.disable()
            begin_s, begin_wall_s = time.monotonic(), time.time()
            _, spans = await asyncio.gather(
                load.run(attempts(phases), begin_s), _conduct(auth_service, phases, begin_s, gateway.pid)
            )
    finally:
        gc.enable()
        await auth_service.stop()
    return Seen(
        contender.label,
        contender.kind,
        tuple(spans),
        tuple(sorted(load.ended)),
        tuple(call._replace(at_s=call.at_s - begin_s) for call in auth_service.calls if call.at_s >= begin_s),
        tuple(Changed(each.at_s - begin_wall_s, each.state) for each in changes(log)),
        _others_ratio(before),
    )


def _scaled(phase: Phase, scale: float) -> Phase:
    return Phase(phase.name, phase.seconds * scale, phase.users_per_s, phase.guesses_per_s, phase.fault, phase.shaded)


async def _conduct(auth_service: AuthService, phases: list[Phase], begin_s: float, pid: int) -> list[Span]:
    """Change the faults on time; returns the phases as they were."""
    spans, at_s = [], 0.0
    for phase in phases:
        await auth_service.turn(phase.fault)
        before_s, end_s = _cpu_s(pid), at_s + phase.seconds
        await asyncio.sleep(max(0.0, begin_s + end_s - time.monotonic()))
        spans.append(Span(phase.name, at_s, end_s, phase.shaded, (_cpu_s(pid) - before_s) / phase.seconds))
        at_s = end_s
    return spans


def _cpu_s(pid: int) -> float:
    """Time that a program has taken so far; 0 where /proc does not tell."""
    stat = Path(f"/proc/{pid}/stat")
    if not stat.exists():
        return 0.0
    fields = stat.read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS_PER_S


class _Spent(NamedTuple):
    """Time up to now."""

    at_s: float
    busy_s: float
    """Of all processors."""
    ours_s: float
    """Of this program, and of those that it has started and that have ended."""


def _spent() -> _Spent:
    """Read the clocks."""
    usages = [resource.getrusage(whose) for whose in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return _Spent(time.monotonic(), _busy_s(), sum(each.ru_utime + each.ru_stime for each in usages))


def _busy_s() -> float:
    if not _STAT.exists():
        return 0.0
    user, nice, system, _, _, *rest = map(int, _STAT.read_text().split("\n", 1)[0].split()[1:8])
    return (user + nice + system + sum(rest)) / _TICKS_PER_S


def _others_ratio(since: _Spent) -> float:
    """The share of all processors that others have taken since then; 0 where /proc does not tell."""
    now = _spent()
    others_s = (now.busy_s - since.busy_s) - (now.ours_s - since.ours_s)
    return max(0.0, others_s / (now.at_s - since.at_s) / (os.cpu_count() or 1))
