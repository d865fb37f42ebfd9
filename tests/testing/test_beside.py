"""An event loop beside a test: what is held there is entered and left by one task, and its failures reach the test.

It must never leave a thread behind, whatever went wrong.
"""

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from netra.testing.beside import Beside

NAME = "beside of a test"


def threads() -> list[str]:
    return [each.name for each in threading.enumerate() if each.name == NAME]


def test_what_is_held_is_entered_and_left_by_one_task_of_another_thread() -> None:
    tasks: list[asyncio.Task[None] | None] = []

    @asynccontextmanager
    async def context() -> AsyncIterator[str]:
        tasks.append(asyncio.current_task())
        yield threading.current_thread().name
        tasks.append(asyncio.current_task())

    with Beside(NAME) as beside, beside.held(context()) as name:
        assert name == NAME
        assert beside.call(lambda: threading.current_thread().name) == NAME
        assert len(tasks) == 1
    assert len(tasks) == 2
    assert tasks[0] is tasks[1]
    assert threads() == []


def test_what_cannot_be_entered_fails_in_the_test() -> None:
    @asynccontextmanager
    async def context() -> AsyncIterator[None]:
        if NAME:
            raise LookupError("no room")
        yield

    with pytest.raises(LookupError, match="no room"), Beside(NAME) as beside, beside.held(context()):
        pytest.fail("it was entered")
    assert threads() == []


def test_what_cannot_be_left_fails_in_the_test() -> None:
    @asynccontextmanager
    async def context() -> AsyncIterator[None]:
        yield
        raise LookupError("no way out")

    with pytest.raises(LookupError, match="no way out"), Beside(NAME) as beside, beside.held(context()):
        pass
    assert threads() == []


def test_what_is_called_there_raises_here() -> None:
    with Beside(NAME) as beside, pytest.raises(ZeroDivisionError):
        beside.call(lambda: 1 // 0)


def test_what_the_test_raises_passes_and_everything_is_left_all_the_same() -> None:
    left: list[str] = []

    @asynccontextmanager
    async def context() -> AsyncIterator[None]:
        yield
        left.append("left")

    with pytest.raises(ValueError, match="theirs"), Beside(NAME) as beside, beside.held(context()):
        raise ValueError("theirs")
    assert left == ["left"]
    assert threads() == []
