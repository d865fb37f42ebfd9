"""The faulty auth service beside a test that has no event loop of its own.

It must never be shared by two tests: each starts and stops its own.
"""

import asyncio
import contextlib
import threading
from collections.abc import Iterator
from typing import Any

from netra.lab.faulty_auth_service import FaultyAuthService


@contextlib.contextmanager
def lab(**how: Any) -> Iterator[FaultyAuthService]:
    """A faulty auth service on a thread of its own. Scripts may be set from the test: a dictionary is all they are."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    service = FaultyAuthService(**how)
    asyncio.run_coroutine_threadsafe(service.__aenter__(), loop).result(10)
    try:
        yield service
    finally:
        asyncio.run_coroutine_threadsafe(service.stop(), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()
