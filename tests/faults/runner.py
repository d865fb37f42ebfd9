"""The one way to show that a way to fail gets its promised answer, and that all is well after it.

It must never be kinder to one row than to another: what differs stands in the row.
"""

import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Final

from netra.lab.connection import Delivery
from tests.faults.row import Way
from tests.faults.scenes import LOGIN_THERE, Scene, Tools
from tests.live.rows import Ask, Failure, assert_failure, assert_next_is_good
from tests.support.gateways import EMAIL, Running, Views, both_views
from tests.support.problems import assert_problem
from tests.support.wire import Answer, Headers

AS_PRODUCT: Final[Mapping[str, str]] = {"NETRA_BREAKER": "true"}
"""What tests of single parts switch off, and the product does not."""
LOADED_MACHINE_S: Final = 0.75
"""What a busy machine may add to every bound; a fault that is not bounded goes on for ever."""
FORBIDDEN: Final = "Login failed: Access forbidden"
_MAYBE_SENT: Final = frozenset(
    {"response_timeout", "connection_terminated", "intermediary_rejected", "intermediary_error"}
)


@asynccontextmanager
async def staged(way: Way, tools: Tools, tries: int) -> AsyncIterator[tuple[Scene, Views]]:
    """The scene of a way, two gateways in front of it, and the fault begun."""
    told = {**AS_PRODUCT, **way.told, "AUTH_SERVICE_CA_FILE": str(tools.authority.file), "NETRA_TRIES": str(tries)}
    async with way.scene(tools) as scene, both_views(scene.url, **told) as views:
        scene.begin()
        yield scene, views


async def assert_holds(way: Way, scene: Scene, views: Views, tries: int) -> None:
    """The fault gets its answer in time, as often as it comes; then all is healed, and the next login is good."""
    failure = failure_of(way, tries)
    body = await assert_failure(views, failure, scene.service, ask=within(way.within_s))
    assert way.waits is None or body["retry_after"] in way.waits, body
    faults = logins(scene)
    assert len(faults) == len(views) * way.deliveries, "a login was delivered more often than it was sent"
    scene.heal()
    for running in views:
        assert (await running.ask("GET", "/livez")).status == 200
    await assert_next_is_good(views, scene.service)
    goods = logins(scene)[len(faults) :]
    assert len(goods) == len(views)
    if way.kept is not None:
        assert_connections(way, faults, goods)
    scene.check()


async def assert_keyed(way: Way, scene: Scene, running: Running) -> None:
    """With three tries and a promise to honour keys, one login is delivered as often as may help, under one key."""
    answer = await within(way.within_s)(running, ())
    body = assert_problem(answer, way.status, way.code)
    arrived = logins(scene)
    assert len(arrived) == len(body["debug_info"]["attempts"]) == way.keyed
    assert len({each.header("Idempotency-Key") for each in arrived}) == 1, "another key makes another attempt of it"
    assert arrived[0].header("Idempotency-Key")
    assert {each.email for each in arrived} == {EMAIL}
    scene.heal()
    assert (await running.log_in()).status == 200


def failure_of(way: Way, tries: int) -> Failure:
    """What must be told and logged of a way: `tries` are made where a login may be sent again, else one."""
    made = tries if way.tried_again else 1
    event = FORBIDDEN if way.code == "service_credentials_rejected" else f"All {made} login attempts failed"
    return Failure(way.code, way.status, _phase(way), way.deliveries, event, way.owner, way.answered_by)


def _phase(way: Way) -> str:
    if way.code in _MAYBE_SENT:
        return "maybe_sent"
    return "answered" if way.deliveries else "never_sent"


def within(bound_s: float) -> Ask:
    """A login that must be answered within this time, whatever the answer."""

    async def ask(gateway: Running, headers: Headers) -> Answer:
        began_at_s = time.monotonic()
        answer = await gateway.log_in(headers=headers)
        took_s = time.monotonic() - began_at_s
        assert took_s <= bound_s + LOADED_MACHINE_S, f"answered after {took_s:.3f} s, promised within {bound_s:g} s"
        return answer

    return ask


def logged_s(gateway: Running, answer: Answer) -> float:
    """How long an answer has taken by the gateway's own log."""
    (line,) = gateway.lines_of(answer.json["request_id"])
    return float(line["elapsed_ms"]) / 1000


def logins(scene: Scene) -> list[Delivery]:
    """Every login that has arrived so far."""
    return scene.service.delivered(LOGIN_THERE)


def assert_connections(way: Way, faults: Sequence[Delivery], goods: Sequence[Delivery]) -> None:
    """A connection serves on after a whole answer, and never after one that was broken."""
    for fault, good in zip(faults, goods, strict=True):
        if way.kept:
            assert good.connection == fault.connection, "a connection was given up without need"
        else:
            assert good.connection != fault.connection, "a connection that had broken was used again"
