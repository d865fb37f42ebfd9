"""The exchange over TLS: whom it believes, what it says when it does not, and files that change under it.

It must never be asked about its insides: what counts is what the auth service is sent, and what comes back.
"""

import asyncio
from asyncio.subprocess import PIPE
from pathlib import Path

from netra.core.verdict.broken import SOMEBODY
from netra.core.verdict.reply import Broken, Reply
from netra.lab.certificates import Authority
from netra.lab.faulty_auth_service import FaultyAuthService
from netra.link.tls.trust import LOOK_AGAIN_AFTER_S, Trust, TrustFiles
from netra.testing.fakes import FakeClock
from tests.link.sockets import LONGEST_S, exchange_with, put, untimed
from tests.support.places import free_port


async def test_why_a_certificate_is_not_accepted_is_a_fact_and_an_unknown_issuer_one_more(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    trusting = Trust(FakeClock(), TrustFiles(str(authority.file)))
    for context, trust, facts in [
        (authority.good(), None, {"certificate_fault": "nothing here trusts its issuer", "issuer": SOMEBODY}),
        (authority.expired(), trusting, {"certificate_fault": "it or one of its authorities has expired"}),
        (authority.of_another_name(), trusting, {"certificate_fault": "it is for another address"}),
    ]:
        async with FaultyAuthService(tls=context) as service, exchange_with(service.url, trust=trust) as exchange:
            assert untimed(await put(exchange)) == Broken("tls_certificate_error", facts)
            assert service.journal == []


async def test_a_new_connection_uses_what_the_files_hold_by_then(tmp_path: Path) -> None:
    ours, others = Authority(tmp_path / "ours"), Authority(tmp_path / "others")
    pair, clock = ours.pair(), FakeClock()
    trust = Trust(clock, TrustFiles(str(ours.file), str(pair.certificate), str(pair.key)))
    async with FaultyAuthService(tls=ours.demanding()) as service, exchange_with(service.url, trust=trust) as exchange:
        assert isinstance(await put(exchange), Reply)
        ours.file.write_bytes(ours.file.read_bytes() + others.file.read_bytes())
        for old, new in zip(pair, others.pair(), strict=True):
            new.replace(old)
        clock.advance(LOOK_AGAIN_AFTER_S)
        assert isinstance(await put(exchange), Reply)
        assert service.connections_count == 1, "a connection that stands is used on"
        await service.stop()
        async with FaultyAuthService(port=service.port, tls=others.demanding()) as renewed:
            assert isinstance(await put(exchange), Reply)
            assert len(renewed.delivered("/auth/login")) == 1


async def test_a_client_certificate_that_is_missed_is_a_fact_of_the_connections_end(tmp_path: Path) -> None:
    authority, port = Authority(tmp_path), free_port()
    server, trust = authority.pair("127.0.0.1"), Trust(FakeClock(), TrustFiles(str(authority.file)))
    trust.context().check_hostname = False  # the pair of a client names no host
    how = ("s_server", "-accept", str(port), "-cert", server.certificate, "-key", server.key, "-tls1_3")
    process = await asyncio.create_subprocess_exec(
        "openssl",
        *how,
        "-CAfile",
        authority.file,
        "-Verify",
        "1",
        "-verify_return_error",
        stdin=PIPE,
        stdout=PIPE,
        stderr=PIPE,
    )
    try:
        assert process.stdout is not None
        async with asyncio.timeout(LONGEST_S), exchange_with(f"https://127.0.0.1:{port}", trust=trust) as exchange:
            while b"ACCEPT" not in await process.stdout.readline():
                pass
            asks = {"tls_fault": "it asks for a client certificate"}
            assert untimed(await put(exchange)) == Broken("connection_terminated", asks)
    finally:
        process.terminate()
        await process.communicate()
