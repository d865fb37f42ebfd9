"""Every route under every fault of the lab, with everything secret planted: nothing of it is told to anybody.

It must never look at some surfaces only: what is looked through stands in one list, at the end of the one run.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Final, NamedTuple

from netra.lab.certificates import Authority
from netra.lab.faults import FAULTS, Fault
from netra.lab.faulty_auth_service import FaultyAuthService
from tests.leaks import echoing
from tests.leaks.asking import ADMIN, FOREIGN, OPERATOR, PUBLIC, UNREADABLE
from tests.leaks.collector import Collector, collecting
from tests.leaks.needles import Needles
from tests.leaks.planted import environment, needles
from tests.leaks.served import Pile, Served, left_in, serving
from tests.support.wire import message

LONGEST_S: Final = 280.0
"""A bound for a machine with much else to do; alone on one it takes a tenth of this."""
SURFACES: Final = {
    "operator: answer to POST /api/v1/auth/login", "operator: answer to GET /api/v1/auth/verify",
    "operator: answer to GET /console/settings", "operator: answer to GET /console/state",
    "operator: story of POST /api/v1/auth/login", "operator: events of the console", "operator: log", "public: log",
    "spans",
}  # fmt: skip
"""Where a part of the auth service's address is told to operators."""
WELL: Final = "all is well"
FORMS: Final = {"operator": "json", "public": "text"}
"""What each of the two gateways discloses, and in which form it logs."""


class Stage(NamedTuple):
    """Two gateways in front of one auth service, which differ in what they disclose and how they log."""

    service: FaultyAuthService
    gateways: tuple[Served, ...]
    collector: Collector
    folder: Path
    """Where they run, and where their temporary files are."""
    needles: Needles
    pile: Pile


@asynccontextmanager
async def staged(folder: Path, path: str = "", *, apart: bool = False) -> AsyncIterator[Stage]:
    """The gateways, up; `path` is where the auth service's routes begin. `apart`: each place is looked at alone."""
    authority, temporary = Authority(folder / "authority"), folder / "temporary"
    temporary.mkdir()
    async with (
        FaultyAuthService(authority=authority) as service,
        collecting() as collector,
        AsyncExitStack() as stack,
    ):
        environ = environment(service.url + path, authority, temporary, collector.url)
        looked_for = needles(folder / "authority" / "gateway.key")
        gateways = [
            await stack.enter_async_context(
                serving(view, temporary, {**environ, "NETRA_DISCLOSE": view, "NETRA_LOG_FORMAT": form})
            )
            for view, form in FORMS.items()
        ]
        yield Stage(service, tuple(gateways), collector, temporary, looked_for, Pile(apart=apart))


async def test_nothing_secret_is_told_on_any_route_under_any_fault(tmp_path: Path) -> None:
    async with asyncio.timeout(LONGEST_S), staged(tmp_path) as stage, _watching(stage):
        await _ask_everything(stage, WELL, thorough=True)
        for gateway in stage.gateways:
            gateway.shown_by_the_system(stage.pile)
        for fault in _faults():
            stage.service.fault(fault.name)
            await _ask_everything(stage, fault.name, thorough=fault in _ONE_OF_EACH_STAGE)
            stage.service.heal()
        for name, script in echoing.scripts():
            for path in (*echoing.PATHS, *echoing.UPKEEP):
                stage.service.answer(path, script)
            await _ask_everything(stage, name)
            stage.service.heal()
    _gather(stage)
    stage.pile.assert_clean(stage.needles)
    assert stage.collector.bodies, "no span has arrived"
    assert stage.pile.pieces_count > 40 * len(FAULTS), "hardly anything was looked through"
    hits = stage.pile.hits(stage.needles, forbid_all=True)
    found = {(hit.place.partition(": ")[2].partition(" while ")[0], hit.secret) for hit in hits}
    login, verify = "answer to POST /api/v1/auth/login", "answer to GET /api/v1/auth/verify"
    allowed = {(login, "access token"), (login, "refresh token"), (login, "e-mail"), (verify, "e-mail")}
    assert allowed <= found, "what stands in the user's own answers was not found there either"


async def test_what_is_told_on_purpose_is_found_on_every_surface_of_operators(tmp_path: Path) -> None:
    """The scan itself is tried: an address with a password in its path is told to operators, wherever they look."""
    async with asyncio.timeout(LONGEST_S), staged(tmp_path, "/Ocelot9Sorrel2Numbat", apart=True) as stage:
        stage.needles.add("planted on purpose", "Ocelot9Sorrel2Numbat")
        async with _watching(stage):
            stage.service.fault("status-500")
            await _ask_everything(stage, "status-500", thorough=True)
            await asyncio.sleep(0.6)
    _gather(stage)
    found = {hit.place.partition(" while ")[0] for hit in stage.pile.hits(stage.needles)}
    assert found >= SURFACES, sorted(SURFACES - found)
    assert not {place for place in found if place.startswith("public: answer to POST /api")}


def _faults() -> Iterator[Fault]:
    """All of them. Those of TLS follow one another, because each closes the connections of the one before."""
    yield from sorted(FAULTS, key=lambda fault: fault.certificate or "")


_ONE_OF_EACH_STAGE: Final = tuple({fault.stage: fault for fault in reversed(FAULTS)}.values())


async def _ask_everything(stage: Stage, during: str, *, thorough: bool = False) -> None:
    """Every route, at once; the public ones of both gateways, as they disclose differently.

    The admin listener tells everybody the same: the second gateway's is asked, and requests that cannot be read are,
    when it is to be `thorough`.
    """

    async def one(gateway: Served, *, operated: bool) -> None:
        asks = (*PUBLIC, *(UNREADABLE if thorough else ()))
        await gateway.ask_all(asks, stage.pile, during, stories=operated)
        if operated:
            await gateway.ask_all(ADMIN, stage.pile, during, admin=True)
        if during == WELL:
            await gateway.ask_all(FOREIGN, stage.pile, during, admin=True)

    first, *others = stage.gateways
    await asyncio.gather(one(first, operated=True), *(one(each, operated=thorough) for each in others))


@asynccontextmanager
async def _watching(stage: Stage) -> AsyncIterator[None]:
    """A page of each console is open all the time, and everything that it is sent is kept."""
    lines = [await _opened(gateway) for gateway in stage.gateways]
    heard = [bytearray() for _ in lines]

    async def listen(reader: asyncio.StreamReader, into: bytearray) -> None:
        while piece := await reader.read(65536):
            into.extend(piece)

    tasks = [asyncio.create_task(listen(reader, into)) for (reader, _), into in zip(lines, heard, strict=True)]
    try:
        yield
    finally:
        for task, (_, writer) in zip(tasks, lines, strict=True):
            task.cancel()
            writer.close()
        await asyncio.gather(*tasks, return_exceptions=True)
    for gateway, into in zip(stage.gateways, heard, strict=True):
        assert b"event:" in into, "an open console was sent nothing"
        stage.pile.put(f"{gateway.name}: events of the console", bytes(into))


async def _opened(gateway: Served) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    host, _, port = gateway.admin.removeprefix("http://").partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(message("GET", "/console/events", [OPERATOR]))
    return reader, writer


def _gather(stage: Stage) -> None:
    """What is left behind when all have ended: logs, spans, files."""
    for gateway in stage.gateways:
        gateway.told(stage.pile)
    for body in stage.collector.bodies:
        stage.pile.put("spans", body)
    written = [path for gateway in stage.gateways for path in (gateway.stdout, gateway.stderr)]
    left_in(stage.folder, stage.pile, but=written)
