"""Every named fault as raw bytes: it does what its line says, on a real socket."""

import asyncio
import socket
import ssl
from pathlib import Path

import pytest

from netra.lab.certificates import Authority
from netra.lab.faults import BY_NAME
from netra.lab.faulty_auth_service import FaultyAuthService
from tests.lab.talk import EMAIL, PATIENCE_S, QUIET_S, Heard, ask, heard, request
from tests.lab.wire_table import OF_TLS, ROWS

VERIFY_CODES = {
    "certificate-expired": 10,
    "certificate-not-yet-valid": 9,
    "certificate-other-name": 64,
    "certificate-other-authority": 20,
}
"""OpenSSL's number for each. Source: openssl/x509_vfy.h."""


def is_good(answer: Heard) -> bool:
    """Is it a whole session of this user?"""
    return answer.whole and answer.status == 200 and answer.json["user"]["email"] == EMAIL


@pytest.mark.parametrize("name", ROWS)
async def test_a_fault_does_on_the_wire_what_its_line_says(plain: FaultyAuthService, name: str) -> None:
    plain.fault(name)
    came = await heard(plain, request(BY_NAME[name].call), ROWS[name].mode)
    assert came.mode == ROWS[name].mode, came
    assert ROWS[name].holds(came), (came.raw[:300], came.pieces_count)
    plain.heal()
    assert is_good(await ask(plain, "login"))


async def test_a_closed_port_refuses_and_opens_again(plain: FaultyAuthService) -> None:
    plain.fault("connection-refused")
    with pytest.raises(ConnectionRefusedError):
        await ask(plain, "login")
    plain.heal()
    assert is_good(await ask(plain, "login"))


async def test_a_full_port_leaves_whoever_connects_waiting_and_takes_them_in_again(plain: FaultyAuthService) -> None:
    plain.fault("connection-timeout")
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(QUIET_S):
            await asyncio.open_connection("127.0.0.1", plain.port)
    plain.heal()
    assert is_good(await ask(plain, "login"))


@pytest.mark.parametrize("name", OF_TLS)
async def test_a_fault_of_tls_ends_the_handshake_as_its_line_says(
    sealed: FaultyAuthService, authority: Authority, name: str
) -> None:
    sealed.fault(name)
    trusting = ssl.create_default_context(cafile=authority.file)
    with pytest.raises(OF_TLS[name]) as ended:
        async with asyncio.timeout(QUIET_S if name == "tls-stall" else PATIENCE_S):
            await asyncio.open_connection("127.0.0.1", sealed.port, ssl=trusting)
    assert name not in VERIFY_CODES or getattr(ended.value, "verify_code", None) == VERIFY_CODES[name]
    assert sealed.journal == []
    sealed.heal()
    _, writer = await asyncio.open_connection("127.0.0.1", sealed.port, ssl=trusting)
    writer.close()


async def test_a_certificate_that_is_demanded_lets_in_who_shows_one(
    sealed: FaultyAuthService, authority: Authority, tmp_path: Path
) -> None:
    sealed.fault("certificate-demanded")
    trusting = ssl.create_default_context(cafile=authority.file)
    for shows in (False, True):
        if shows:
            trusting.load_cert_chain(*authority.pair())
        reader, writer = await asyncio.open_connection("127.0.0.1", sealed.port, ssl=trusting)
        try:
            writer.write(b"GET /health HTTP/1.1\r\n\r\n")
            assert shows == (await reader.readline()).startswith(b"HTTP/1.1 200")
        except (ssl.SSLError, ConnectionError):
            assert not shows
        writer.transport.abort()


async def test_a_fault_of_connecting_ends_the_connections_that_stand(plain: FaultyAuthService) -> None:
    for name in ("connection-refused", "freeze", "reset-before-reading"):
        reader, writer = await asyncio.open_connection("127.0.0.1", plain.port)
        writer.write(b"GET /health HTTP/1.1\r\n\r\n")
        await reader.readuntil(b"}")
        plain.fault(name)
        async with asyncio.timeout(PATIENCE_S):
            assert await reader.read() == b""
        writer.close()
        plain.heal()


@pytest.mark.parametrize("turns", range(5))
async def test_a_connection_that_comes_in_the_moment_of_a_switch_is_closed(
    plain: FaultyAuthService, turns: int
) -> None:
    with socket.create_connection(("127.0.0.1", plain.port), timeout=PATIENCE_S) as line:
        for _ in range(turns):
            await asyncio.sleep(0)
        plain.fault("connection-refused")
        try:
            assert await asyncio.to_thread(line.recv, 1) == b""
        except ConnectionResetError:
            assert turns < 2, "it was let in, and then reset"


async def test_no_connection_is_left_behind_when_it_stops() -> None:
    before = asyncio.all_tasks()
    async with FaultyAuthService() as service:
        held = [await asyncio.open_connection("127.0.0.1", service.port) for _ in range(5)]
        service.fault("freeze")
        held += [await asyncio.open_connection("127.0.0.1", service.port) for _ in range(5)]
    assert asyncio.all_tasks() == before
    for reader, writer in held:
        assert await reader.read() == b""
        writer.close()
    with socket.socket() as again:
        again.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        again.bind(("127.0.0.1", service.port))
