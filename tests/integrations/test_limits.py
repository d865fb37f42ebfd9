"""What strangers may send to a host's auth routes is as little as to the listener, and takes no longer.

It must never trust a Content-Length: what counts is what comes.
"""

import asyncio
import logging
from typing import Final
from urllib.parse import urlsplit

import pytest

from netra.core.events import AttemptEnded, Crashed
from netra.lab.faulty_auth_service import FaultyAuthService
from tests.embed.support import heard
from tests.integrations.support import FRAMEWORKS, PREFIX, hosted, told
from tests.support import wire
from tests.support.gateways import EMAIL, PASSWORD
from tests.support.problems import assert_problem
from tests.support.wire import LONGEST_S, Answer

HEAD: Final = (
    f"POST {PREFIX}/login HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nConnection: close\r\n"
)


async def said(url: str, *pieces: bytes) -> Answer:
    """The answer to a request that is sent in pieces; the last of them need not be the end of it."""
    place = urlsplit(url)
    async with asyncio.timeout(LONGEST_S):
        reader, writer = await asyncio.open_connection(place.hostname, place.port)
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
        raw = await reader.readuntil(b"\r\n\r\n")
        length = wire.parse(raw + b"", to_head=True).header("content-length")
        raw += await reader.readexactly(int(length or 0))
        writer.close()
        return wire.parse(raw)


@pytest.mark.parametrize("framework", FRAMEWORKS)
async def test_a_body_without_end_is_refused_as_soon_as_it_is_too_large(lab: FaultyAuthService, framework: str) -> None:
    chunks = [b"1000\r\n" + b"x" * 4096 + b"\r\n"] * 5
    async with hosted(framework, told(lab.url)) as host:
        answer = await said(host.url, f"{HEAD}Transfer-Encoding: chunked\r\n\r\n".encode(), *chunks)
        assert_problem(answer, 413, "body_too_large")
        assert host.recorded.of(AttemptEnded) == []


@pytest.mark.parametrize("framework", FRAMEWORKS)
async def test_a_body_that_never_comes_is_not_waited_for(lab: FaultyAuthService, framework: str) -> None:
    async with hosted(framework, told(lab.url, NETRA_RECEIPT_TIMEOUT_S="1")) as host:
        async with asyncio.timeout(8):  # ten seconds when nobody says one
            answer = await said(host.url, f"{HEAD}Content-Length: 100\r\n\r\n".encode(), b'{"email":')
        assert_problem(answer, 408, "request_timeout")


@pytest.mark.parametrize("framework", FRAMEWORKS)
async def test_a_client_that_leaves_halfway_is_no_crash(lab: FaultyAuthService, framework: str) -> None:
    with heard("uvicorn.error", logging.ERROR) as complaints:
        await left_halfway(lab, framework)
    assert complaints == []


async def left_halfway(lab: FaultyAuthService, framework: str) -> None:
    async with hosted(framework, told(lab.url)) as host:
        place = urlsplit(host.url)
        for _ in range(3):
            _, writer = await asyncio.open_connection(place.hostname, place.port)
            writer.write(f"{HEAD}Content-Length: 100\r\n\r\n".encode() + b'{"email":')
            await writer.drain()
            writer.close()
            await writer.wait_closed()
        assert (await host.post("/login", {"email": EMAIL, "password": PASSWORD})).status == 200
    assert host.recorded.of(Crashed) == []
    assert len(host.ended) == 1


@pytest.mark.parametrize("framework", FRAMEWORKS)
async def test_no_route_redirects(lab: FaultyAuthService, framework: str) -> None:
    async with hosted(framework, told(lab.url)) as host:
        for path in ("/login", "/login/"):
            assert (await host.post(path, {"email": EMAIL, "password": PASSWORD})).status == 200
        for path in (f"{PREFIX}/config", f"{PREFIX}/config/", "/problems/draining", "/problems/draining/"):
            for method in ("GET", "HEAD"):
                assert (await host.ask(method, path)).status == 200
