"""Every way of every row, over real sockets, with the gateway as it is shipped: its answer, its end, and what is after.

It must never skip a way, nor show one of another row.
"""

from collections.abc import Callable

import pytest

from tests.faults.catalogue import ROWS
from tests.faults.row import Way
from tests.faults.runner import assert_holds, assert_keyed, staged
from tests.faults.scenes import Tools


def ways(wanted: Callable[[Way], bool] = lambda _: True) -> pytest.MarkDecorator:
    """Each way as a parameter named after its row, with its row's mark."""
    return pytest.mark.parametrize(
        "way",
        [
            pytest.param(way, marks=pytest.mark.row(row.slug), id=f"{row.slug}: {way.name}")
            for row in ROWS
            for way in row.ways
            if wanted(way)
        ],
    )


@pytest.mark.parametrize("tries", [1, 3], ids=["one try", "three tries"])
@ways()
async def test_a_fault_gets_its_answer_in_time_and_the_next_login_is_good(way: Way, tools: Tools, tries: int) -> None:
    async with staged(way, tools, tries) as (scene, views):
        await assert_holds(way, scene, views, tries)


@ways(lambda way: way.keyed is not None)
async def test_with_idempotency_keys_one_login_is_sent_as_often_as_may_help(way: Way, tools: Tools) -> None:
    async with staged(way, tools._replace(idempotency=True), 3) as (scene, views):
        await assert_keyed(way, scene, views.operator)
