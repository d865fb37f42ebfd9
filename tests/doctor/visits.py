"""What tests of single hops share: a visit to an auth service on real sockets, told as one sets variables.

It must never stand between a hop and the network.
"""

import secrets
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from typing import Final

from netra.core.findings import Finding
from netra.doctor.configuration import configuration
from netra.doctor.diagnosis import Check, State
from netra.doctor.hops import credentials
from netra.doctor.visit import AS_USUAL, Visit, Wanted

SECRET: Final = secrets.token_hex(32)
OTHER_SECRET: Final = secrets.token_hex(32)

Hops = Callable[[Visit], AsyncIterator[Check]]


@asynccontextmanager
async def visit(url: str, wanted: Wanted = AS_USUAL, /, **variables: str | None) -> AsyncIterator[Visit]:
    """A visit to an auth service; a variable that is None is not set."""
    told = {
        "ENVIRONMENT": "test",
        "AUTH_SERVICE_URL": url,
        "SERVICE_ID": "backend-under-test",
        "SERVICE_SECRET": SECRET,
        "NETRA_TOKEN_BUDGET_S": "2",
        **variables,
    }
    environ = {name: value for name, value in told.items() if value is not None}
    loaded = configuration(environ)
    assert loaded.settings is not None, loaded.findings
    assert loaded.wire is not None
    one = Visit(loaded.settings, loaded.wire, environ, loaded.effective, wanted)
    try:
        yield one
    finally:
        await one.close()


async def seen(hop: Hops, one: Visit) -> dict[str, Check]:
    """The checks of one hop by their names, in order."""
    found = [each async for each in hop(one)]
    assert len({each.name for each in found}) == len(found)
    for each in found:
        if each.state is State.FAIL:
            assert each.findings
            assert each.findings[0].severity == "error"
        for text in (each.what, *(word for finding in each.findings for word in finding)):
            assert text.isprintable()
            assert all(one_secret not in text for one_secret in (SECRET, OTHER_SECRET))
    return {each.name: each for each in found}


async def after_handshake(one: Visit) -> None:
    """Let the visit know how we stand, as the hops behind expect it."""
    await seen(credentials.checks, one)


def codes(found: Iterable[Check]) -> list[str]:
    """The codes of all findings, in order."""
    return [finding.code for each in found for finding in each.findings]


def only(check: Check) -> Finding:
    """The one finding of a check."""
    (finding,) = check.findings
    return finding


def states(found: dict[str, Check]) -> dict[str, str]:
    """How each check came out."""
    return {name: str(each.state) for name, each in found.items()}
