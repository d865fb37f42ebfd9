"""What a server's certificate says, whoever signed it: found out over real sockets, without a word to the server.

It must never be taken for verification: every certificate here is one that nobody trusts.
"""

import asyncio
import socket
import ssl
import subprocess
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import uvloop

from netra.lab.certificates import Authority
from netra.link.resolver import Address
from netra.link.tls.peer_certificate import LONGEST_TEXT, MOST_NAMES, PeerCertificate, peer_certificate
from tests.link.sockets import LONGEST_S, black_hole, closed_port

HERE = "127.0.0.1"
ISSUER = "Lab authority (Lab Ltd)"


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


class Server:
    """A TLS server that writes down what it is sent after the handshake."""

    def __init__(self) -> None:
        self.port = 0
        self.heard: list[bytes] = []
        self.connections_count = 0

    async def accepted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections_count += 1
        try:
            self.heard.append(await reader.read())
        except OSError:
            self.heard.append(b"")
        finally:
            writer.close()


@asynccontextmanager
async def serving(context: ssl.SSLContext | None) -> AsyncIterator[Server]:
    """A server with this context, plain without one."""
    server = Server()
    listening = await asyncio.start_server(server.accepted, HERE, 0, ssl=context)
    server.port = listening.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listening.close()
        await listening.wait_closed()


async def presented(context: ssl.SSLContext | None) -> PeerCertificate | None:
    """What is found out of a server with this context."""
    async with serving(context) as server:
        return await peer_certificate(HERE, server.port, LONGEST_S)


async def test_the_issuer_that_nobody_here_trusts_is_named(authority: Authority) -> None:
    got = await presented(authority.good(HERE, "auth.shop.test"))
    assert got is not None
    assert got.issuer == ISSUER
    assert got.names == (HERE, "auth.shop.test")
    assert got.not_after is not None
    assert got.not_after > datetime.now(UTC)


async def test_uvloop_finds_the_same(authority: Authority) -> None:
    def all_of_it() -> PeerCertificate | None:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return runner.run(presented(authority.good()))

    got = await asyncio.to_thread(all_of_it)
    assert got is not None
    assert got.issuer == ISSUER


async def test_an_expired_certificate_says_when_it_ended(authority: Authority) -> None:
    got = await presented(authority.expired())
    assert got is not None
    assert got.issuer == ISSUER
    assert got.not_after is not None
    assert datetime.now(UTC) - timedelta(days=2) < got.not_after < datetime.now(UTC)


async def test_a_certificate_for_somebody_else_says_for_whom(authority: Authority) -> None:
    got = await presented(authority.of_another_name())
    assert got is not None
    assert got.names == ("auth.elsewhere.test",)


async def test_a_certificate_that_signed_itself_is_its_own_issuer(tmp_path: Path) -> None:
    got = await presented(self_signed(tmp_path, "/O=Shop Ltd/CN=auth.shop.test"))
    assert got is not None
    assert got.issuer == got.subject == "auth.shop.test (Shop Ltd)"
    assert got.names == ()


def self_signed(folder: Path, subject: str) -> ssl.SSLContext:
    """A server's context with a certificate that `openssl` made of this subject."""
    cert, key = folder / "self.pem", folder / "self.key"
    how = ("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2")
    subprocess.run([*how, "-subj", subject, "-out", cert, "-keyout", key], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    return context


async def test_nothing_is_said_after_the_handshakes(authority: Authority) -> None:
    async with serving(authority.good()) as server:
        assert await peer_certificate(HERE, server.port, LONGEST_S) is not None
        async with asyncio.timeout(LONGEST_S):
            while len(server.heard) < 2:
                await asyncio.sleep(0.01)
    assert server.connections_count == 2
    assert server.heard == [b"", b""]


async def test_a_server_that_demands_a_certificate_of_ours_still_shows_its_own(authority: Authority) -> None:
    got = await presented(authority.demanding())
    assert got is not None
    assert got.issuer == ISSUER


async def test_a_stranger_cannot_bring_control_characters_or_endless_text(tmp_path: Path) -> None:
    spoilt = await presented(self_signed(tmp_path, "/CN=a\x1b[2Jb\u202ec"))
    assert spoilt is not None
    assert spoilt.issuer.isprintable()
    assert "[2Jb" in spoilt.issuer
    long = Authority(tmp_path / "long", name="n" * 64, organisation="o" * 64)
    endless = await presented(long.good(*(f"host-{number}.shop.test" for number in range(2 * MOST_NAMES))))
    assert endless is not None
    assert len(endless.issuer) == LONGEST_TEXT
    assert len(endless.names) == MOST_NAMES


# --- nothing to be had ----------------------------------------------------------------------------------------------


async def _old_and_demanding(authority: Authority) -> PeerCertificate | None:
    context = authority.demanding()
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    return await presented(context)


async def _plain(authority: Authority) -> PeerCertificate | None:
    async def greets(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(greets, HERE, 0) as server:
        return await peer_certificate(HERE, server.sockets[0].getsockname()[1], LONGEST_S)


async def _silent(authority: Authority) -> PeerCertificate | None:
    with socket.create_server((HERE, 0)) as server:
        return await peer_certificate(HERE, server.getsockname()[1], 0.1)


async def _refused(authority: Authority) -> PeerCertificate | None:
    with closed_port() as port:
        return await peer_certificate(HERE, port, LONGEST_S)


async def _unreachable(authority: Authority) -> PeerCertificate | None:
    with black_hole() as port:
        return await peer_certificate(HERE, port, 0.1)


async def _unknown_name(authority: Authority) -> PeerCertificate | None:
    def unknown(host: str, port: int, family: int) -> list[Address]:
        raise socket.gaierror(socket.EAI_NONAME, "x")

    return await peer_certificate("auth.invalid", 443, LONGEST_S, unknown)


async def _no_name(authority: Authority) -> PeerCertificate | None:
    return await peer_certificate("auth..test", 443, LONGEST_S)


async def _hanging_lookup(authority: Authority) -> PeerCertificate | None:
    answered = threading.Event()

    def hang(host: str, port: int, family: int) -> list[Address]:
        answered.wait(LONGEST_S)
        return []

    try:
        return await peer_certificate("auth.shop.test", 443, 0.1, hang)
    finally:
        answered.set()


@pytest.mark.parametrize(
    "found",
    [_old_and_demanding, _plain, _silent, _refused, _unreachable, _unknown_name, _no_name, _hanging_lookup],
    ids=lambda each: each.__name__.strip("_"),
)
async def test_where_no_certificate_is_to_be_had_there_is_none_and_nothing_is_raised(
    found: Callable[[Authority], Awaitable[PeerCertificate | None]], authority: Authority
) -> None:
    async with asyncio.timeout(LONGEST_S):
        assert await found(authority) is None
