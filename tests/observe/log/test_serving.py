"""Lines of other libraries belong to the attempt that is served where they are written, and to no other.

It must never use a library that happens to log: whoever logs here is a listener of the test's own.
"""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from io import BytesIO, TextIOWrapper
from typing import Any, Final

from netra.asgi.callers import served_here
from netra.assemble import open_gateway
from netra.core.events import AttemptEnded, Event
from netra.embed import open_gate
from netra.lab.faulty_auth_service import FaultyAuthService
from netra.observe.log.whole_process import process_log
from tests.embed.support import told
from tests.support.gateways import EMAIL, LOGIN, PASSWORD, PREFIX, served, settings_for
from tests.support.wire import Answer, post

LOGGER: Final = logging.getLogger("somebody.else")
TRACE: Final = "0af7651916cd43dd8448eb211c80319c"


def says(event: Event) -> None:
    """A listener that uses a library that logs."""
    if isinstance(event, AttemptEnded):
        LOGGER.warning("an attempt has ended: %s", event.request_id)


class Written:
    """A process's log as it is written."""

    def __init__(self) -> None:
        self._bytes = BytesIO()
        self._stream = TextIOWrapper(self._bytes)
        self.run_id = ""

    @contextmanager
    def kept(self) -> Iterator[None]:
        """While this lasts, lines of others come here."""
        with process_log(self._stream, "json", "info") as log:
            self.run_id = log.run_id
            yield

    @property
    def lines(self) -> list[Any]:
        """Those of others, by what they say."""
        lines = [json.loads(line) for line in self._bytes.getvalue().splitlines()]
        return [line for line in lines if line.get("logger") == LOGGER.name]


@asynccontextmanager
async def listening() -> AsyncIterator[tuple[FaultyAuthService, str]]:
    """A lab, and the URL of a gateway in front of it whose listener logs."""
    stop = asyncio.Event()
    async with FaultyAuthService() as service:
        settings = settings_for(service.url, {"NETRA_TRIES": "2"})
        async with open_gateway(settings, says) as assembled, served(assembled.public, stop) as url:
            yield service, url


async def log_in(url: str, request_id: str, *headers: tuple[str, str]) -> Answer:
    """One login with an id of the client's."""
    body = {"email": EMAIL, "password": PASSWORD}
    return await post(url, LOGIN, body, [("X-Request-ID", request_id), *headers])


async def test_a_line_that_is_written_for_a_login_has_its_ids() -> None:
    written = Written()
    with written.kept():
        async with listening() as (_, url):
            assert (await log_in(url, "one", ("traceparent", f"00-{TRACE}-b7ad6b7169203331-01"))).status == 200
            LOGGER.warning("nobody is served")
    for_one, for_nobody = written.lines
    assert (for_one["event"], for_one["request_id"], for_one["trace_id"]) == ("an attempt has ended: one", "one", TRACE)
    assert (for_nobody["request_id"], "trace_id" in for_nobody) == (written.run_id, False)


async def test_of_many_logins_at_once_each_has_its_own() -> None:
    written = Written()
    with written.kept():
        async with listening() as (_, url):
            await asyncio.gather(*(log_in(url, f"login-{number}") for number in range(20)))
    assert len(written.lines) == 20
    for line in written.lines:
        assert line["event"] == f"an attempt has ended: {line['request_id']}"


async def test_a_line_that_is_written_later_for_nobody_has_the_id_of_the_run() -> None:
    """What a library has begun while somebody was served goes on in a copy of the context, and serves nobody."""
    written, later = Written(), []

    def remembers(event: Event) -> None:
        if isinstance(event, AttemptEnded):
            loop = asyncio.get_running_loop()
            later.append(loop.create_task(_says_later()))

    with written.kept():
        async with FaultyAuthService() as service:
            stop = asyncio.Event()
            async with (
                open_gateway(settings_for(service.url, {}), remembers) as assembled,
                served(assembled.public, stop) as url,
            ):
                await log_in(url, "one")
                await asyncio.gather(*later)
    (line,) = written.lines
    assert line["request_id"] == written.run_id


async def _says_later() -> None:
    await asyncio.sleep(0.05)
    LOGGER.warning("later")


async def test_a_line_of_a_token_check_and_of_an_embedded_gate_has_its_ids_too() -> None:
    written = Written()
    with written.kept():
        async with listening() as (service, url):
            await post(url, f"{PREFIX}/refresh", {"refresh_token": "x" * 20}, [("X-Request-ID", "two")])
            async with open_gate(told(service.url), tell=says) as gate:
                await gate.log_in(EMAIL, PASSWORD, request_id="three")
    assert [line["request_id"] for line in written.lines] == ["two", "three"]
    assert all(len(line["trace_id"]) == 32 for line in written.lines)


async def test_where_nobody_is_served_there_is_nobody() -> None:
    assert served_here() is None
