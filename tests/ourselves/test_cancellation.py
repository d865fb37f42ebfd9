"""Whoever asks is cancelled, at every place of the path where he waits: nothing is lost, and nobody gets his answer.

It must never choose the places: a run without cancellation says how many there are, and each has its turn.
"""

import asyncio
import os
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import uvloop

from netra.core.verdict.outcomes import Accepted
from netra.lab.certificates import Authority
from tests.link.support import until
from tests.ourselves.scenes import CANCELLED, PATH, SCENES, Prepare, Scene, scene
from tests.ourselves.stepping import Stepped
from tests.ourselves.support import open_count

pytestmark = pytest.mark.row("cancelled")

MOST_WAITS = 40


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


async def cancelled_run(scene: Scene, at: int, *, late: bool) -> bool:
    """One login that is cancelled at its n-th wait; False when it had its end before. Nothing may be left of it."""
    before = asyncio.all_tasks()
    stepped = Stepped(scene.log_in(CANCELLED), at, late=late)

    async def run() -> Any:
        return await stepped

    asking = asyncio.create_task(run())
    ended: object = (await asyncio.gather(asking, return_exceptions=True))[0]
    reached = stepped.waits_count >= at
    assert isinstance(ended, asyncio.CancelledError if reached else Accepted), ended
    for other in await asyncio.gather(*scene.others):
        assert other.value.access_token.reveal() == f"access-{b'other@example.com'.hex()}"
    assert scene.link.slots.taken_count == 0, "a slot was not given back"
    assert not scene.link.circuits["login"].refuses(scene.link.clock.now_s()), "a permit was not given back"
    assert scene.link.budget.allows(scene.link.clock.now_s())
    await until(lambda: asyncio.all_tasks() - before <= scene.tasks_of_service())
    return reached


async def open_now() -> int:
    """How many descriptors this program has open while its event loop runs."""
    return open_count(os.getpid())


async def story(scene_of: Callable[[], Any], prepare: Prepare, at: int, *, late: bool, open_before: int | None) -> bool:
    """A scene, a login that is cancelled in it, and what the auth service and the next ones see of it."""
    async with scene_of() as scene:
        await prepare(scene)
        reached = await cancelled_run(scene, at, late=late)
        sent = [each for each in scene.service.delivered(PATH) if each.email == CANCELLED]
        keys = {each.header("Idempotency-Key") for each in sent}
        assert len(sent) <= 3
        assert len(keys) <= 1, "one attempt has one key"
        scene.service.heal()
        for number in range(3):
            await scene.assert_right(f"next-{number}@example.com")
    if open_before is not None:
        await until(lambda: open_count(os.getpid()) <= open_before)
    return reached


@pytest.mark.parametrize("late", [False, True], ids=["while it waits", "when it need not wait any more"])
@pytest.mark.parametrize("name", SCENES)
@pytest.mark.parametrize("loop", [asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
def test_a_login_is_cancelled_at_every_wait_and_nothing_is_lost(
    authority: Authority, loop: Callable[[], asyncio.AbstractEventLoop], name: str, *, late: bool
) -> None:
    prepare, how = SCENES[name]
    with asyncio.Runner(loop_factory=loop) as runner:
        tell = partial(story, partial(scene, authority, **how), prepare, late=late)
        runner.run(tell(MOST_WAITS, open_before=None))  # from then on a loop has opened all that it opens for itself
        open_before, reached_count = runner.run(open_now()), 0
        while runner.run(tell(reached_count + 1, open_before=open_before)):
            reached_count += 1
    assert reached_count >= 1
