"""The listener to which Alertmanager brings its notices, asked over sockets.

It must never believe a notice twice, or one from somebody who was not told where to bring it.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest

from netra.demo.watch.receiver import Notice, Receiver
from netra.testing.beside import listening
from tests.demo.support import Reply, ask

FAILING = {"alertname": "NetraLoginsFailing", "code": "dns_error"}
BURNS = {"alertname": "NetraErrorBudgetBurns"}


class Post:
    """A receiver that listens, and somebody who knows its path."""

    def __init__(self, receiver: Receiver, url: str) -> None:
        self.receiver = receiver
        self.url = url

    async def bring(self, *alerts: tuple[str, Mapping[str, str]]) -> Reply:
        """A notification of a whole group, each alert with its status."""
        told = [{"status": status, "labels": labels, "annotations": {}, "more": 1} for status, labels in alerts]
        return await self.raw(json.dumps({"version": "4", "receiver": "us-at-once", "alerts": told}).encode())

    async def raw(self, body: bytes, path: str | None = None, kind: str = "application/json") -> Reply:
        """Any body at all."""
        url = self.url + (path or self.receiver.path)
        return await asyncio.to_thread(ask, "POST", url, body, {"Content-Type": kind})

    async def news(self) -> list[Notice]:
        """Everything that nobody has taken yet."""
        found = []
        while True:
            try:
                found.append(await asyncio.wait_for(self.receiver.news(), 0.05))
            except TimeoutError:
                return found


@pytest.fixture
async def post() -> AsyncIterator[Post]:
    receiver = Receiver()
    async with listening(receiver.app) as url:
        yield Post(receiver, url)


async def test_only_what_is_new_in_a_group_is_news(post: Post) -> None:
    assert (await post.bring(("firing", FAILING))).status == 200
    assert (await post.bring(("firing", FAILING), ("firing", BURNS))).status == 200
    first = await post.news()
    assert [(each.name, each.is_firing, each.receiver) for each in first] == [
        ("NetraLoginsFailing", True, "us-at-once"),
        ("NetraErrorBudgetBurns", True, "us-at-once"),
    ]
    await post.bring(("resolved", FAILING), ("firing", BURNS))
    assert [each.name for each in post.receiver.firing()] == ["NetraErrorBudgetBurns"]
    await post.bring(("resolved", FAILING), ("resolved", BURNS))
    assert [(each.name, each.is_firing) for each in await post.news()] == [
        ("NetraLoginsFailing", False),
        ("NetraErrorBudgetBurns", False),
    ]
    assert post.receiver.firing() == ()


async def test_two_alerts_of_one_name_are_two(post: Post) -> None:
    await post.bring(("firing", FAILING), ("firing", {**FAILING, "code": "dns_timeout"}))
    assert [each.labels["code"] for each in await post.news()] == ["dns_error", "dns_timeout"]


async def test_that_something_is_over_which_nobody_heard_of_is_no_news(post: Post) -> None:
    await post.bring(("resolved", FAILING))
    assert await post.news() == []


@pytest.mark.parametrize(
    ("body", "path", "kind", "status"),
    [
        (b"{", None, "application/json", 400),
        (b"[]", None, "application/json", 422),
        (b'{"receiver": "x", "alerts": [{"status": 1}]}', None, "application/json", 400),
        (b'{"receiver": "x"}', None, "application/json", 400),
        (b'{"receiver": "x", "alerts": []}', "/notices/guessed", "application/json", 404),
        (b'{"receiver": "x", "alerts": []}', None, "text/plain", 415),
        (b" " * (1024 * 1024 + 1), None, "application/json", 413),
    ],
)
async def test_what_is_no_notice_is_refused_and_is_no_news(
    post: Post, body: bytes, path: str | None, kind: str, status: int
) -> None:
    answer = await post.raw(body, path, kind)
    members: Any = answer.body
    assert (answer.status, members["status"]) == (status, status)
    assert await post.news() == []
