"""All checks in their order, and how they are run: one by one, each over an exchange of its own.

It must never stop at the first failure: a team that mends its auth service wants the whole list.
"""

from collections.abc import Callable, Iterator
from typing import Final

from netra.testing.conformance import logins, manners, ours, sessions
from netra.testing.conformance.interview import WRONG_PASSWORDS, Interview, Memory
from netra.testing.conformance.results import CannotTell, Check, Result, Row, counted, skipped
from netra.testing.conformance.subject import AuthService

CHECKS: Final = (*ours.CHECKS[:5], *logins.CHECKS, *sessions.CHECKS, *ours.CHECKS[5:], *manners.CHECKS)


def announcement(service: AuthService) -> str:
    """What is about to be done to an auth service, in one line."""
    registering = ", and one account is registered" if service.new_identifier else ""
    return (
        f"Asking {service.url} as the wire {service.wire!r} says: the given user logs in about ten times, "
        f"and {WRONG_PASSWORDS} times at most with a wrong password{registering}."
    )


async def judged(check: Check, service: AuthService, memory: Memory) -> Result:
    """One check. `memory` holds what the checks before it have found out. Raises: WireProblem, Unusable."""
    exchange = service.exchange()
    try:
        return await check.judge(Interview(service, exchange, memory))
    except CannotTell as why:
        return skipped(str(why))
    finally:
        await exchange.close()


async def examine(service: AuthService, tell: Callable[[Row], None] = lambda _: None) -> tuple[Row, ...]:
    """Every check; `tell` hears of each as it ends. Raises: WireProblem, Unusable."""
    memory, rows = Memory(), []
    for check in CHECKS:
        rows.append(Row(check, await judged(check, service, memory)))
        tell(rows[-1])
    return tuple(rows)


def report(rows: tuple[Row, ...]) -> Iterator[str]:
    """Every row for people, and how many there are of each kind."""
    for row in rows:
        yield from row.lines()
        yield ""
    yield counted(rows)
