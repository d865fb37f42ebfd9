"""Secrets that are rotated while people log in: nobody notices, whichever side begins.

It must never wait by the clock for what can be seen: each step is taken once the one before it has come about.
"""

import asyncio
import secrets
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Final

from netra.authd.app import Authd
from netra.authd.app import opened as opened_authd
from netra.authd.store import registry
from netra.core.secret import Secret
from netra.lab.connection import Connection, Delivery
from netra.lab.faulty_auth_service import FaultyAuthService
from netra.lab.scripts import after, json_reply, problem, session
from netra.settings.field import fingerprint
from netra.settings.read import load_authd
from tests.link.support import secret_on
from tests.support.gateways import EMAIL, PASSWORD, SERVICE_ID, Running, gateway, served
from tests.support.programs import run

CALLERS_COUNT: Final = 4
BETWEEN_LOGINS_S: Final = 0.01
PATIENCE_S: Final = 20.0
"""For a step to come about on a busy machine; a bound, not an expectation."""
LOGINS_BETWEEN_STEPS: Final = 2 * CALLERS_COUNT


class Mounted:
    """A secret as Kubernetes mounts one: `secret` is a link through `..data` to a folder, and `..data` is swapped."""

    def __init__(self, folder: Path, content: str) -> None:
        self._folder = folder
        self._count = 0
        self.path = folder / "secret"
        self.path.symlink_to(Path("..data", "secret"))
        self.swap(content)

    def swap(self, content: str) -> None:
        """Let the path lead to another content, from one moment to the next."""
        self._count += 1
        version, fresh = self._folder / f"..version-{self._count}", self._folder / "..data_tmp"
        version.mkdir()
        (version / "secret").write_text(content)
        fresh.symlink_to(version.name)
        fresh.replace(self._folder / "..data")


async def until(happened: Callable[[], bool]) -> None:
    """Wait until this is so."""
    async with asyncio.timeout(PATIENCE_S):
        while not happened():
            await asyncio.sleep(0.01)


class Load:
    """People who log in, one after the other, for as long as the block lasts."""

    def __init__(self, running: Running) -> None:
        self.link = running.assembled.gateway.parts.link
        self.running = running
        self.statuses: list[int] = []
        self.ending = False

    async def log_in(self) -> None:
        """One of them, until the end."""
        while not self.ending:
            self.statuses.append((await self.running.log_in()).status)
            await asyncio.sleep(BETWEEN_LOGINS_S)

    async def more(self) -> None:
        """Wait until some people have begun to log in, and have been answered, since now."""
        wanted = len(self.statuses) + LOGINS_BETWEEN_STEPS
        await until(lambda: len(self.statuses) >= wanted)

    async def holds(self, secret: str) -> None:
        """Wait until the gateway shows this secret first, and people have logged in since."""
        await until(lambda: secret_on(self.link.seals.in_order[0]) == secret)
        await self.more()

    @property
    def used(self) -> str | None:
        """The secret that was accepted last."""
        return secret_on(self.link.seals.in_order[self.link.good_seal])


@asynccontextmanager
async def people_at(running: Running) -> AsyncIterator[Load]:
    """People who log in at a gateway; at the end of the block all of them have been let in."""
    load = Load(running)
    async with asyncio.TaskGroup() as group:
        for _ in range(CALLERS_COUNT):
            group.create_task(load.log_in())
        try:
            await load.more()
            yield load
            await load.more()
        finally:
            load.ending = True
    assert Counter(load.statuses) == {200: len(load.statuses)}, running.lines


@asynccontextmanager
async def authd(folder: Path, secret: str) -> AsyncIterator[tuple[str, Authd]]:
    """The embedded auth service with one user, which knows this secret."""
    async with AsyncExitStack() as stack:
        service = await stack.enter_async_context(opened_authd(load_authd(registered_in(folder))))
        await service.add_service(SERVICE_ID, Secret(secret))
        await service.add_user(EMAIL, Secret(PASSWORD), "Ada Byron")
        yield await stack.enter_async_context(served(service.app, asyncio.Event())), service


def registered_in(folder: Path) -> dict[str, str]:
    """What the commands that look after a database are told."""
    return {"ENVIRONMENT": "test", "NETRA_AUTHD_DATABASE_URL": f"sqlite:///{folder}/authd.db"}


def told(mounted: Mounted) -> dict[str, str | None]:
    """What a gateway is told whose secret comes from a file."""
    return {"SERVICE_SECRET": None, "SERVICE_SECRET_FILE": str(mounted.path), "NETRA_PROBE_INTERVAL_S": "0.2"}


def mounted_in(folder: Path, secret: str) -> Mounted:
    """A folder of its own for the secret."""
    place = folder / "mounted"
    place.mkdir()
    return Mounted(place, secret)


async def test_the_auth_service_begins_and_nobody_notices(tmp_path: Path) -> None:
    old, commands = secrets.token_urlsafe(32), registered_in(tmp_path)
    mounted = mounted_in(tmp_path, old)
    async with AsyncExitStack() as stack:
        url, _ = await stack.enter_async_context(authd(tmp_path, old))
        running = await stack.enter_async_context(gateway(url, **told(mounted)))
        load = await stack.enter_async_context(people_at(running))
        made = await asyncio.to_thread(run, "services", "rotate", SERVICE_ID, told=commands)
        new = made.partition("SERVICE_SECRET=")[2].strip()
        await load.more()
        assert load.used == old
        mounted.swap(new)
        await load.holds(new)
        assert load.used == new
        retired = await asyncio.to_thread(run, "services", "retire", SERVICE_ID, "--oldest", told=commands)
        assert named(old) in retired
        await load.more()
        changes = [line for line in running.lines if line["event"] == "Changed"]
        assert [(each["what"], each["before"], each["now"]) for each in changes] == [
            ("service_secret", named(old), named(new))
        ]


async def test_the_gateway_begins_and_nobody_notices(tmp_path: Path) -> None:
    old, new = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
    mounted = mounted_in(tmp_path, old)
    async with AsyncExitStack() as stack:
        url, service = await stack.enter_async_context(authd(tmp_path, old))
        running = await stack.enter_async_context(gateway(url, **told(mounted)))
        load = await stack.enter_async_context(people_at(running))
        mounted.swap(new)
        await load.holds(new)
        assert load.used == old, "the new one is not known there yet"
        await until(lambda: "secret_unknown_there" in [each.code for each in load.link.standing.differences])
        async with service.store.write() as db:  # from one moment to the next, without a time in which both are good
            await registry.remove(db, SERVICE_ID)
            await registry.add(db, SERVICE_ID, 0, Secret(new))
        await load.more()
        assert load.used == new
        await until(lambda: load.link.standing.differences == ())


async def test_who_is_refused_looks_at_once_whether_there_is_a_new_secret(tmp_path: Path) -> None:
    old, new = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
    mounted = mounted_in(tmp_path, old)
    knows, good = [old], json_reply(200, session(EMAIL))

    async def of_one_secret(connection: Connection, delivery: Delivery) -> None:
        known = delivery.header("X-Service-Secret") in knows
        await (good if known else problem(401, "service_credentials_rejected"))(connection, delivery)

    async with FaultyAuthService() as service, gateway(service.url, **told(mounted)) as running:
        service.answer("/auth/login", after(0.02, of_one_secret))
        async with people_at(running) as load:
            for _ in range(3):
                knows[:] = [new]
                mounted.swap(new)  # and not a moment to look for the gateway
                await load.more()
                assert load.used == new
                old, new = new, secrets.token_urlsafe(32)


async def test_a_rotation_may_follow_another_at_once(tmp_path: Path) -> None:
    old, new = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
    mounted = mounted_in(tmp_path, old)
    knows, good = [old], json_reply(200, session(EMAIL))

    async def of_one_secret(connection: Connection, delivery: Delivery) -> None:
        known = delivery.header("X-Service-Secret") in knows
        await (good if known else problem(401, "service_credentials_rejected"))(connection, delivery)

    async with FaultyAuthService() as service, gateway(service.url, **told(mounted)) as running:
        service.answer("/auth/login", of_one_secret)
        async with people_at(running) as load:
            for _ in range(3):
                mounted.swap(new)
                await load.holds(new)
                assert load.used == old
                knows[:] = [new]
                await load.more()
                assert load.used == new
                old, new = new, secrets.token_urlsafe(32)


def named(secret: str) -> str:
    """By what operators know a secret."""
    return str(fingerprint(Secret(secret)))
