"""Where a fault happens: an auth service, how the gateway reaches it, how the fault begins, and how it is healed.

It must never judge: what a gateway makes of a scene is asserted by the runner.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Final, NamedTuple

from netra.lab.certificates import Authority
from netra.lab.connection import Script
from netra.lab.faulty_auth_service import FaultyAuthService
from netra.lab.scripts import redirect
from tests.faults.names import HOST, Names

LOGIN_THERE: Final = "/auth/login"
UNROUTABLE: Final = "224.0.0.1"
"""A multicast group: TCP knows no way to one, whatever the network is like."""


class Tools(NamedTuple):
    """What a scene is built with."""

    names: Names
    authority: Authority
    """Whom the gateway trusts where TLS is spoken."""
    idempotency: bool = False
    """Does the auth service promise to honour idempotency keys?"""


def nothing() -> None:
    """What is done where there is nothing to do."""


@dataclass(slots=True)
class Scene:
    """One arrangement, from before the gateway starts until after the next good login."""

    url: str
    """`AUTH_SERVICE_URL`."""
    service: FaultyAuthService
    """Whose journal counts; once healed it is well."""
    begin: Callable[[], object] = nothing
    """Bring the fault about, once the gateway is up."""
    heal: Callable[[], object] = nothing
    check: Callable[[], object] = nothing
    """Object to what must not have happened."""


SceneMaker = Callable[[Tools], AbstractAsyncContextManager[Scene]]


def played(name: str, *, tls: bool = False) -> SceneMaker:
    """A well auth service, until it plays this fault of the lab on logins, or on its whole port."""

    @asynccontextmanager
    async def scene(tools: Tools) -> AsyncIterator[Scene]:
        authority = tools.authority if tls else None
        async with FaultyAuthService(idempotency=tools.idempotency, authority=authority) as service:

            def begin() -> None:
                on_the_port = service.fault(name)
                if on_the_port.meeting is None and on_the_port.for_one:
                    service.heal()
                    service.fault(name, path=LOGIN_THERE)

            yield Scene(service.url, service, begin, service.heal)

    return scene


def scripted(script: Script) -> SceneMaker:
    """A well auth service, until it answers logins like this."""

    @asynccontextmanager
    async def scene(tools: Tools) -> AsyncIterator[Scene]:
        async with FaultyAuthService(idempotency=tools.idempotency) as service:
            yield Scene(service.url, service, lambda: service.answer(LOGIN_THERE, script), service.heal)

    return scene


def redirected(status: int, *, tls: bool = False) -> SceneMaker:
    """Logins are sent on to another host that would take them; with `tls`, from https to http."""

    @asynccontextmanager
    async def scene(tools: Tools) -> AsyncIterator[Scene]:
        authority = tools.authority if tls else None
        async with (
            FaultyAuthService(idempotency=tools.idempotency, authority=authority) as service,
            FaultyAuthService() as elsewhere,
        ):

            def begin() -> None:
                service.answer(LOGIN_THERE, redirect(status, f"{elsewhere.url}{LOGIN_THERE}"))

            def check() -> None:
                assert elsewhere.connections_count == 0, "a redirect was followed, password and secret with it"

            yield Scene(service.url, service, begin, service.heal, check)

    return scene


def unnamed(begin: Callable[[Names], None]) -> SceneMaker:
    """The resolver does not say, from the start on, where the auth service is; or it says so wrongly."""

    @asynccontextmanager
    async def scene(tools: Tools) -> AsyncIterator[Scene]:
        async with FaultyAuthService(idempotency=tools.idempotency) as service:
            begin(tools.names)
            try:
                yield Scene(f"http://{HOST}:{service.port}", service, heal=lambda: tools.names.lead_to("127.0.0.1"))
            finally:
                tools.names.answer()

    return scene
