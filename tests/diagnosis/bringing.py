"""How set-ups are brought about: settings in front of something good, or good settings in front of something.

They must never know what a diagnosis is expected to say of it.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, Final

from netra.lab.connection import Script
from tests.diagnosis.means import Means, told
from tests.diagnosis.setup import Brought, Environ

Value = str | Callable[[Means], str]
"""Of a variable: a text, or what is made for the occasion."""
TRUSTED: Final = "AUTH_SERVICE_CA_FILE"


def variables(means: Means, *unset: str, **changes: Value) -> Environ:
    """The good settings with these changes."""
    return told(*unset, **{name: value(means) if callable(value) else value for name, value in changes.items()})


def set_up(*unset: str, **changes: Value) -> Brought:
    """A good auth service, and a gateway that is told this."""

    @asynccontextmanager
    async def bring(means: Means) -> AsyncIterator[Environ]:
        async with means.lab() as service:
            yield variables(means, *unset, **{"AUTH_SERVICE_URL": service.url, **changes})

    return bring


def at(address: str | Callable[[], AbstractAsyncContextManager[str]], **changes: Value) -> Brought:
    """A good gateway whose auth service is to be at an address where something else is, or nothing."""

    @asynccontextmanager
    async def bring(means: Means) -> AsyncIterator[Environ]:
        if isinstance(address, str):
            yield variables(means, AUTH_SERVICE_URL=address, **changes)
            return
        async with address() as url:
            yield variables(means, AUTH_SERVICE_URL=url, **changes)

    return bring


def lab(*faults: str, on: str | None = None, below: str = "", how: Any = None, **changes: Value) -> Brought:
    """A good gateway in front of the lab's auth service, which misbehaves: everywhere, or on one path.

    `below` is appended to its address, `how` are arguments of the lab.
    """

    @asynccontextmanager
    async def bring(means: Means) -> AsyncIterator[Environ]:
        async with means.lab(*faults, path=on, **(how or {})) as service:
            yield variables(means, **{"AUTH_SERVICE_URL": service.url + below, **changes})

    return bring


def over_tls(*faults: str, **changes: Value) -> Brought:
    """The same over TLS, with an authority that the gateway is told to trust."""

    @asynccontextmanager
    async def bring(means: Means) -> AsyncIterator[Environ]:
        async with means.lab(*faults, authority=means.authority) as service:
            trust = {TRUSTED: str(means.authority.file)}
            yield variables(means, **{"AUTH_SERVICE_URL": service.url, **trust, **changes})

    return bring


def answers(path: str, script: Script, **changes: Value) -> Brought:
    """A good gateway in front of an auth service that answers one path in its own way."""

    @asynccontextmanager
    async def bring(means: Means) -> AsyncIterator[Environ]:
        async with means.lab() as service:
            service.answer(path, script)
            yield variables(means, **{"AUTH_SERVICE_URL": service.url, **changes})

    return bring


def real(*unset: str, below: str = "", **changes: Value) -> Brought:
    """A gateway in front of a real auth service that knows its id and its secret, some of its settings changed."""

    @asynccontextmanager
    async def bring(means: Means) -> AsyncIterator[Environ]:
        service = await means.real()
        known = {"AUTH_SERVICE_URL": service.url + below, **service.credentials}
        yield variables(means, *unset, **{**known, **changes})

    return bring
