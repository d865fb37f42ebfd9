"""What is arranged for a recording: an auth service, what a gateway in front of it is told, and what then breaks.

It must never know which alert is expected of it.
"""

import json
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from netra.lab.certificates import Authority
from netra.lab.connection import Connection, Delivery, Script
from netra.lab.faulty_auth_service import FaultyAuthService
from netra.lab.scripts import after, json_message, json_reply, raw
from tests.support.gateways import OTHER_SECRET
from tests.support.hostile_tokens import Signer
from tests.support.issuers import KEYS, jwks, new_signer
from tests.support.places import UNRESOLVABLE

LOGIN_THERE: Final = "/auth/login"
BUDGET_S: Final = 12.0
"""For a login: long, because a moment of a busy machine is long in time that runs faster."""
SLOW_S: Final = 10.2
_AHEAD_S: Final = 90.0


def nothing() -> None:
    """What is done where there is nothing to do."""


@dataclass(slots=True)
class Scene:
    """One arrangement, from before the gateway starts until after its end."""

    url: str
    signer: Signer | None = None
    """Who signs the tokens that are checked; without one the auth service is asked what they are worth."""
    told: Mapping[str, str] = field(default_factory=dict)
    """Settings of the gateway, beside those of every recording."""
    begin: Callable[[], object] = nothing


SceneMaker = Callable[[Path], AbstractAsyncContextManager[Scene]]
"""`folder`: for what has to stand in files."""


def well(service: FaultyAuthService, signer: Signer) -> None:
    """It publishes its keys, and says that tokens signed by them are its own."""
    service.keys = jwks(signer)["keys"]
    service.says = {"issuer": signer.claims["iss"], "audience": signer.claims["aud"]}


def broken(*faults: str, path: str | None = None, **told: str) -> SceneMaker:
    """All is well, until the auth service plays these faults: everywhere, or on one path."""

    @asynccontextmanager
    async def scene(folder: Path) -> AsyncIterator[Scene]:
        signer = new_signer()
        async with FaultyAuthService(by_email=False) as service:
            well(service, signer)
            yield Scene(service.url, signer, told, lambda: [service.fault(each, path=path) for each in faults])

    return scene


def scripted(path: str, script: Script, *, from_the_start: bool = False, opaque: bool = False) -> SceneMaker:
    """All is well, until the auth service answers one path like this. `opaque`: tokens that only it understands."""

    @asynccontextmanager
    async def scene(folder: Path) -> AsyncIterator[Scene]:
        signer = new_signer()
        async with FaultyAuthService(by_email=False) as service:
            if not opaque:
                well(service, signer)
            if from_the_start:
                service.answer(path, script)
            yield Scene(service.url, None if opaque else signer, {}, lambda: service.answer(path, script))

    return scene


def over_tls(*faults: str, ending: bool = False) -> SceneMaker:
    """The same over TLS, by an authority that the gateway trusts. `ending`: its certificate has ten days left."""

    @asynccontextmanager
    async def scene(folder: Path) -> AsyncIterator[Scene]:
        authority, signer = Authority(folder / "authority"), new_signer()
        tls = authority.ending_soon() if ending else None
        async with FaultyAuthService(by_email=False, authority=authority, tls=tls) as service:
            well(service, signer)
            told = {"AUTH_SERVICE_CA_FILE": str(authority.file)}
            yield Scene(service.url, signer, told, lambda: [service.fault(each) for each in faults])

    return scene


def with_secret_of_another() -> SceneMaker:
    """The auth service knows another secret than the one that the gateway was given."""

    @asynccontextmanager
    async def scene(folder: Path) -> AsyncIterator[Scene]:
        signer = new_signer()
        async with FaultyAuthService(by_email=False, secret=OTHER_SECRET) as service:
            well(service, signer)
            yield Scene(service.url, signer)

    return scene


def of_no_name() -> SceneMaker:
    """The host of the auth service has no address."""

    @asynccontextmanager
    async def scene(folder: Path) -> AsyncIterator[Scene]:
        yield Scene(UNRESOLVABLE)

    return scene


def keys_from_nowhere() -> SceneMaker:
    """The auth service signs tokens, and its keys are not where they should be."""
    return scripted(KEYS, json_reply(404, {"message": "no such route"}), from_the_start=True)


def says(**differently: Any) -> SceneMaker:
    """All is well, until the auth service says of itself what the gateway was not told."""

    @asynccontextmanager
    async def scene(folder: Path) -> AsyncIterator[Scene]:
        signer = new_signer()
        async with FaultyAuthService(by_email=False) as service:
            well(service, signer)
            yield Scene(service.url, signer, {}, lambda: service.says.update(differently))

    return scene


async def by_a_clock_ahead(connection: Connection, delivery: Delivery) -> None:
    """A handshake whose clock is ahead of ours."""
    at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + _AHEAD_S))
    said = {"service_id": delivery.header("X-Service-ID"), "environment": "test", "server_time": at}
    await connection.send(json_message(200, said))


async def slow_login(connection: Connection, delivery: Delivery) -> None:
    """A login that is good, nearly too late."""
    email = json.loads(delivery.body)["email"]
    document = {"access_token": "access-x", "refresh_token": "refresh-x", "user": {"id": "user-1", "email": email}}
    await after(SLOW_S, raw(json_message(200, document)))(connection, delivery)
