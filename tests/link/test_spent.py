"""Where the time of an exchange went: what it did not come to or did not need is not counted as nothing.

It must never ask how fast this machine is: only what was measured, and that the parts are not more than the whole.
"""

import asyncio
import socket
import ssl
from pathlib import Path
from time import monotonic
from typing import Any

from netra.core.verdict.outcomes import Spent, Tried
from netra.core.verdict.reply import Broken, Reply
from netra.lab import scripts
from netra.lab.certificates import Authority
from netra.lab.faulty_auth_service import FaultyAuthService
from netra.link.calls import ask
from netra.link.resolver import Address
from netra.link.tls.trust import Trust, TrustFiles
from netra.testing.fakes import FakeClock
from tests.link.sockets import LONGEST_S, closed_port, exchange_with, put
from tests.link.support import call_of, link_to, within

LOGIN_PATH = "/auth/login"
PAUSE_S = 0.05


def known(spent: Spent) -> set[str]:
    """Which parts were measured; each of them is an amount of time."""
    parts = {name: value for name, value in spent._asdict().items() if value is not None}
    assert all(value >= 0.0 for value in parts.values()), spent
    return set(parts)


def found(host: str, port: int, family: int) -> list[Address]:
    """Any name leads to this machine."""
    return [Address(socket.AF_INET, socket.IPPROTO_TCP, "127.0.0.1", port)]


async def test_a_number_needs_no_lookup_and_a_second_exchange_no_connection() -> None:
    async with FaultyAuthService() as service, exchange_with(service.url) as exchange:
        first, second = await put(exchange), await put(exchange)
        assert service.connections_count == 1
    assert known(first.spent) == {"connect_s", "wait_s", "read_s"}
    assert known(second.spent) == {"wait_s", "read_s"}


async def test_a_name_is_looked_up_and_that_takes_time_of_its_own() -> None:
    async with FaultyAuthService() as service:
        url = f"http://auth.test:{service.port}"
        async with exchange_with(url, look_up=found) as exchange:
            got = await put(exchange)
    assert known(got.spent) == {"dns_s", "connect_s", "wait_s", "read_s"}


async def test_tls_takes_time_of_its_own(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    trust = Trust(FakeClock(), TrustFiles(str(authority.file)))
    async with FaultyAuthService(tls=authority.good()) as service, exchange_with(service.url, trust=trust) as exchange:
        first, second = await put(exchange), await put(exchange)
    assert known(first.spent) == {"connect_s", "tls_s", "wait_s", "read_s"}
    assert known(second.spent) == {"wait_s", "read_s"}


async def test_the_parts_are_no_more_than_the_whole_and_the_slow_one_is_seen() -> None:
    async with FaultyAuthService() as service, exchange_with(service.url) as exchange:
        service.answer(LOGIN_PATH, scripts.after(PAUSE_S, scripts.json_reply(401, {"code": "invalid_credentials"})))
        began_s = monotonic()
        got = await put(exchange)
        whole_s = monotonic() - began_s
    assert isinstance(got, Reply)
    parts = [each for each in got.spent if each is not None]
    assert sum(parts) <= whole_s
    assert got.spent.wait_s is not None
    assert got.spent.wait_s >= PAUSE_S * 0.9


async def test_what_never_came_to_a_question_was_not_waited_for() -> None:
    with closed_port() as port:
        async with exchange_with(f"http://127.0.0.1:{port}") as exchange:
            refused = await put(exchange)
    assert isinstance(refused, Broken)
    assert known(refused.spent) == {"connect_s"}

    def nowhere(host: str, port: int, family: int) -> Any:
        raise socket.gaierror(socket.EAI_NONAME, "no such name")

    async with exchange_with("http://auth.test", look_up=nowhere) as exchange:
        unnamed = await put(exchange)
    assert (known(unnamed.spent), isinstance(unnamed, Broken) and unnamed.code) == ({"dns_s"}, "dns_error")


async def test_a_reply_that_never_begins_was_waited_for_and_not_read() -> None:
    async with FaultyAuthService() as service, exchange_with(service.url) as exchange:
        service.answer(LOGIN_PATH, scripts.silence())
        late = await put(exchange, left_s=PAUSE_S)
        service.answer(LOGIN_PATH, scripts.drip_body())
        dripping = await put(exchange, left_s=4 * PAUSE_S)
    assert known(late.spent) == {"connect_s", "wait_s"}
    assert known(dripping.spent) == {"connect_s", "wait_s", "read_s"}


async def test_each_try_of_a_call_tells_where_its_time_went() -> None:
    clock = FakeClock()
    async with FaultyAuthService() as service, exchange_with(service.url) as exchange:
        link = link_to(exchange, clock)
        outcome = await ask(call_of(), link, within(clock))
        again = await ask(call_of(), link, within(clock))
    tried: list[Tried] = [*outcome.tried, *again.tried]
    assert [known(each.spent) for each in tried] == [{"connect_s", "wait_s", "read_s"}, {"wait_s", "read_s"}]


async def test_who_presented_himself_is_told_once_for_each_connection(tmp_path: Path) -> None:
    authority, seen = Authority(tmp_path), list[bytes]()
    trust = Trust(FakeClock(), TrustFiles(str(authority.file)), on_peer=lambda certificate, _: seen.append(certificate))
    async with FaultyAuthService(tls=authority.good()) as service, exchange_with(service.url, trust=trust) as exchange:
        await put(exchange)
        await put(exchange)
        assert len(seen) == 1
        presented = await asyncio.to_thread(ssl.get_server_certificate, ("127.0.0.1", service.port), timeout=LONGEST_S)
        assert ssl.PEM_cert_to_DER_cert(presented) == seen[0]
        for connection in exchange._idle:
            connection.abort()
        await put(exchange)
    assert len(seen) == 2


async def test_nobody_presents_himself_who_is_not_believed_or_speaks_without_tls(tmp_path: Path) -> None:
    seen = list[bytes]()
    trust = Trust(FakeClock(), on_peer=lambda certificate, _: seen.append(certificate))
    async with FaultyAuthService() as service, exchange_with(service.url, trust=trust) as exchange:
        await put(exchange)
    tls = Authority(tmp_path).good()
    async with FaultyAuthService(tls=tls) as service, exchange_with(service.url, trust=trust) as exchange:
        assert isinstance(await put(exchange), Broken)
    assert seen == []
