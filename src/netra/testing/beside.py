"""What is served beside a test: an event loop on a thread of its own, for as long as a block lasts.

It must never outlive its block, nor share its loop with the test.
"""

import asyncio
import concurrent.futures
import contextlib
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from typing import TYPE_CHECKING, Any, Final, Self, TypeVar

from netra.asgi.server import Listener, bind, serve

if TYPE_CHECKING:
    from types import TracebackType

    from netra.asgi.adapter import App

T = TypeVar("T")

_PATIENCE_S: Final = 30.0
"""How long something beside a test may take to begin, to end, or to answer it."""


class Beside:
    """An event loop on a thread of its own, from `with` to its end."""

    def __init__(self, name: str) -> None:
        self._begun: concurrent.futures.Future[asyncio.AbstractEventLoop] = concurrent.futures.Future()
        self._stop = asyncio.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        self._loop = self._begun.result(_PATIENCE_S)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: "TracebackType | None"
    ) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(_PATIENCE_S)

    def call(self, function: Callable[..., T], *arguments: Any) -> T:
        """Call a function in that loop, and wait for what it returns."""

        async def called() -> T:
            return function(*arguments)

        return asyncio.run_coroutine_threadsafe(called(), self._loop).result(_PATIENCE_S)

    @contextlib.contextmanager
    def held(self, context: contextlib.AbstractAsyncContextManager[T]) -> Iterator[T]:
        """An asynchronous context, entered and left by one task of that loop; held open in between."""
        entered: concurrent.futures.Future[T] = concurrent.futures.Future()
        stop = asyncio.Event()
        holding = asyncio.run_coroutine_threadsafe(_hold(context, entered, stop), self._loop)
        value = entered.result(_PATIENCE_S)
        try:
            yield value
        finally:
            self._loop.call_soon_threadsafe(stop.set)
            holding.result(_PATIENCE_S)

    def _run(self) -> None:
        async def until_stopped() -> None:
            self._begun.set_result(asyncio.get_running_loop())
            await self._stop.wait()

        asyncio.run(until_stopped())


async def _hold(
    context: contextlib.AbstractAsyncContextManager[T], entered: "concurrent.futures.Future[T]", stop: asyncio.Event
) -> None:
    try:
        async with context as value:
            entered.set_result(value)
            await stop.wait()
    except BaseException as error:
        if entered.done():
            raise
        entered.set_exception(error)


@contextlib.asynccontextmanager
async def listening(app: "App") -> AsyncIterator[str]:
    """An application of ours on a free port of the loopback; yields its URL."""
    bound = bind([Listener("listener of a test", app, "127.0.0.1", 0, "nothing: it takes any free port")])
    started, stop = asyncio.Event(), asyncio.Event()
    serving = asyncio.create_task(serve(bound, on_started=started.set, stop=stop, take_signals=False))
    waiting = asyncio.create_task(started.wait())
    await asyncio.wait({serving, waiting}, return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    try:
        yield bound[0].url
    finally:
        stop.set()
        await serving
