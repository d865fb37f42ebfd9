"""How connections come about, are kept, and end; and that nothing stays behind when nobody waits any more.

It must never measure time: what hangs is ended by a bound, and the order of things is seen by the auth service.
"""

import asyncio
import contextlib
import json
import socket
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from netra.core.verdict.broken import NameTimeout
from netra.core.verdict.operations import CONFIG, LOGIN
from netra.core.verdict.reply import Broken, Reply
from netra.lab import scripts
from netra.lab.certificates import Authority
from netra.lab.connection import Connection, Delivery
from netra.lab.faulty_auth_service import FaultyAuthService
from netra.lab.scripts import JSON, message
from netra.link.clock import SystemClock
from netra.link.exchange import HttpExchange
from netra.link.resolver import LOOK_UPS_AT_ONCE, Address, Resolver, system_addresses
from tests.link.sockets import LONGEST_S, black_hole, closed_port, code_from, exchange_with, put, settled, untimed
from tests.link.support import call_of, until

LOGIN_PATH = "/auth/login"


class HangingNames:
    """A resolver of the operating system's kind that does not answer until it is told to."""

    def __init__(self) -> None:
        self.asked_count = 0
        self.go_on = threading.Event()

    def __call__(self, host: str, port: int, family: int) -> list[Address]:
        self.asked_count += 1
        self.go_on.wait(LONGEST_S)
        return [Address(socket.AF_INET, socket.IPPROTO_TCP, "127.0.0.1", port)]


def resolver_threads() -> int:
    """How many lookups are under way in this process."""
    return sum(thread.name == "netra-resolver" for thread in threading.enumerate())


# --- before anything is sent ----------------------------------------------------------------------------------------


async def test_a_closed_port_is_a_refused_connection() -> None:
    with closed_port() as port:
        async with exchange_with(f"http://127.0.0.1:{port}") as exchange:
            got = await put(exchange)
    assert untimed(got) == Broken("connection_refused", {"os_error": "Connection refused"})


async def test_where_connections_vanish_it_gives_up_after_the_connect_timeout() -> None:
    with black_hole() as port:
        async with exchange_with(f"http://127.0.0.1:{port}", connect_timeout_s=0.05) as exchange:
            assert await code_from(exchange) == "connection_timeout"


async def test_where_connections_vanish_a_shorter_deadline_ends_it_too() -> None:
    with black_hole() as port:
        async with exchange_with(f"http://127.0.0.1:{port}", connect_timeout_s=5.0) as exchange:
            assert await code_from(exchange, left_s=0.05) == "connection_timeout"


async def test_a_name_that_does_not_exist_is_a_dns_error() -> None:
    async with exchange_with("http://auth.x.invalid") as exchange:
        assert await code_from(exchange) == "dns_error"


@pytest.mark.parametrize(
    ("failure", "code"),
    [
        (socket.gaierror(socket.EAI_NONAME, "not known"), "dns_error"),
        (socket.gaierror(socket.EAI_AGAIN, "try again"), "dns_error"),
        (socket.gaierror(socket.EAI_MEMORY, "no memory"), "local_resource_exhausted"),
        (OSError(24, "too many open files"), "local_resource_exhausted"),
        (UnicodeError("label too long"), "proxy_configuration_error"),
    ],
    ids=["no such name", "no answer", "no memory", "no descriptor", "no name at all"],
)
async def test_a_lookup_that_fails_is_named_by_its_number(failure: Exception, code: str) -> None:
    def failing(host: str, port: int, family: int) -> list[Address]:
        raise failure

    async with exchange_with("http://auth.test", look_up=failing) as exchange:
        assert await code_from(exchange) == code


@pytest.mark.parametrize(("connect_timeout_s", "left_s"), [(0.1, LONGEST_S), (LONGEST_S, 0.1)])
async def test_forty_lookups_that_hang_are_timeouts_and_starve_no_good_name(
    connect_timeout_s: float, left_s: float
) -> None:
    names = HangingNames()
    async with (
        FaultyAuthService() as service,
        exchange_with("http://hangs.test", connect_timeout_s=connect_timeout_s, look_up=names) as hanging,
        exchange_with(f"http://localhost:{service.port}") as good,
    ):
        stuck = [asyncio.create_task(code_from(hanging, left_s)) for _ in range(40)]
        await asyncio.sleep(0)
        assert isinstance(await put(good), Reply)
        assert await asyncio.gather(*stuck) == ["dns_timeout"] * 40
        names.go_on.set()
    assert names.asked_count == 1, "one name is looked up once at a time"


async def test_a_name_that_hangs_on_and_on_takes_no_more_than_its_share_of_threads() -> None:
    names = HangingNames()
    async with FaultyAuthService() as service:
        url = f"http://hangs.test:{service.port}"
        async with exchange_with(url, connect_timeout_s=0.01, look_up=names) as exchange:
            codes = [await code_from(exchange) for _ in range(LOOK_UPS_AT_ONCE + 3)]
            assert set(codes) == {"dns_timeout"}
            assert names.asked_count == resolver_threads() == LOOK_UPS_AT_ONCE
            names.go_on.set()
            await until(lambda: not resolver_threads())
            await settled()
        async with exchange_with(url, look_up=names) as exchange:
            assert isinstance(await put(exchange), Reply), "a resolver that has come back is used again"


async def test_a_lookup_that_nobody_waits_for_any_more_gives_its_place_back() -> None:
    names = HangingNames()
    resolver = Resolver(0.01, names)
    with pytest.raises(NameTimeout):
        await resolver.addresses("hangs.test", 80, 0)
    names.go_on.set()
    await until(lambda: not resolver_threads())
    await settled()
    for _ in range(LOOK_UPS_AT_ONCE + 1):
        assert len(await resolver.addresses("answers.test", 80, 0)) == 1


async def test_without_a_thread_for_a_lookup_it_is_our_resource_that_is_exhausted() -> None:
    # No machine has room for such a stack: the next thread cannot be started.
    usual = threading.stack_size(1 << 46)
    try:
        async with exchange_with("http://auth.test") as exchange:
            got = await put(exchange)
    finally:
        threading.stack_size(usual)
    assert untimed(got) == Broken("local_resource_exhausted", {"os_error": "Resource temporarily unavailable"})


def test_the_system_s_resolver_finds_this_machine() -> None:
    found = system_addresses("127.0.0.1", 8081, socket.AF_UNSPEC)
    assert Address(socket.AF_INET, socket.IPPROTO_TCP, "127.0.0.1", 8081) in found


ENDS_WHILE_A_LOOKUP_HANGS = """
import asyncio, threading
from tests.link.sockets import exchange_with, code_from

def hangs(host, port, family):
    threading.Event().wait()

async def main():
    async with exchange_with("http://hangs.test", connect_timeout_s=0.05, look_up=hangs) as exchange:
        print(await code_from(exchange))

asyncio.run(main())
"""


def test_a_lookup_that_never_ends_does_not_hold_up_the_end_of_the_program() -> None:
    done = subprocess.run(
        [sys.executable, "-c", ENDS_WHILE_A_LOOKUP_HANGS],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "dns_timeout\n", "")


# --- TLS ------------------------------------------------------------------------------------------------------------


async def test_over_tls_a_trusted_certificate_is_good_and_any_other_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority = Authority(tmp_path)
    for context, trusted, code in [
        (authority.good(), True, "ok"),
        (authority.good(), False, "tls_certificate_error"),
        (authority.expired(), True, "tls_certificate_error"),
        (authority.of_another_name(), True, "tls_certificate_error"),
    ]:
        monkeypatch.setenv("SSL_CERT_FILE", str(authority.file if trusted else tmp_path / "nobody.pem"))
        async with FaultyAuthService(tls=context) as service, exchange_with(service.url) as exchange:
            got = await put(exchange)
            assert (got.code if isinstance(got, Broken) else "ok") == code
            assert len(service.journal) == (code == "ok")


async def test_plain_http_on_a_tls_port_is_a_tls_error() -> None:
    async with FaultyAuthService() as service, exchange_with(f"https://127.0.0.1:{service.port}") as exchange:
        assert await code_from(exchange) == "tls_protocol_error"


# --- connections that stay, and connections that end -----------------------------------------------------------------


async def test_a_connection_is_used_again() -> None:
    async with FaultyAuthService() as service, exchange_with(service.url) as exchange:
        for _ in range(3):
            await put(exchange)
    assert [sent.connection for sent in service.journal] == [1, 1, 1]


async def test_an_idle_connection_is_retired_by_us_before_the_auth_service_does_it() -> None:
    gone = asyncio.Event()

    async def answer_then_see(connection: Connection, delivery: Delivery) -> None:
        await scripts.json_reply(200, scripts.session("ada@example.com"))(connection, delivery)
        await connection.left()
        gone.set()

    async with FaultyAuthService() as service, exchange_with(service.url, idle_connection_s=0.05) as exchange:
        service.answer(LOGIN_PATH, answer_then_see)
        await put(exchange)
        async with asyncio.timeout(LONGEST_S):
            await gone.wait()
        service.heal()
        assert isinstance(await put(exchange), Reply)
        assert [sent.connection for sent in service.journal] == [1, 2]


@pytest.mark.parametrize("unasked", [b"a reply", b"rubbish", b""], ids=["a reply", "rubbish", "the end"])
@pytest.mark.parametrize("seen", [True, False], ids=["after a while", "that very moment"])
async def test_what_comes_over_an_idle_connection_is_never_taken_for_the_next_reply(unasked: bytes, seen: bool) -> None:
    held: list[asyncio.StreamWriter] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        held.append(writer)
        body = json.dumps({"connection": len(held)}).encode()
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                await reader.readexactly(int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0]))
                writer.write(message(200, [JSON], body))

    stray = message(200, [JSON], b'{"connection": "of somebody else"}') if unasked == b"a reply" else unasked
    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        async with exchange_with(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}") as exchange:
            await put(exchange)
            # Written at once, and not read by anybody until the event loop turns.
            held[0].write(stray) if stray else held[0].write_eof()
            if seen:
                await asyncio.sleep(0.05)
            got = await put(exchange)
            assert isinstance(got, Reply)
            assert json.loads(got.body) == {"connection": 2}
        for writer in held:
            writer.close()


async def test_cancelled_while_it_waits_it_drops_the_connection() -> None:
    arrived, gone = asyncio.Event(), asyncio.Event()

    async def see(connection: Connection, delivery: Delivery) -> None:
        arrived.set()
        await connection.left()
        gone.set()

    async with FaultyAuthService() as service, exchange_with(service.url) as exchange:
        service.answer(LOGIN_PATH, see)
        asking = asyncio.create_task(put(exchange))
        await arrived.wait()
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        async with asyncio.timeout(LONGEST_S):
            await gone.wait()
        service.heal()
        assert isinstance(await put(exchange), Reply)
        assert [sent.connection for sent in service.journal] == [1, 2]


async def test_cancelled_in_a_lookup_it_is_cancelled() -> None:
    names = HangingNames()
    async with exchange_with("http://hangs.test", look_up=names) as exchange:
        asking = asyncio.create_task(put(exchange))
        await until(lambda: names.asked_count == 1)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
    names.go_on.set()


async def test_closing_leaves_no_task_and_no_thread() -> None:
    before = asyncio.all_tasks()
    async with FaultyAuthService() as service:
        during = asyncio.all_tasks()
        async with exchange_with(f"http://localhost:{service.port}") as exchange:
            await asyncio.gather(*(put(exchange, CONFIG) for _ in range(8)))
            assert service.connections_count > 1
        await settled()
        accepted = {task for task in asyncio.all_tasks() - during if "FaultyAuthService" in repr(task.get_coro())}
        assert asyncio.all_tasks() - during - accepted == set()
    await settled()
    assert asyncio.all_tasks() == before
    assert resolver_threads() == 0


async def test_closing_ends_what_is_under_way_as_broken() -> None:
    arrived = asyncio.Event()

    async def see(connection: Connection, delivery: Delivery) -> None:
        arrived.set()
        await connection.left()

    names = HangingNames()
    async with FaultyAuthService() as service:
        service.answer(LOGIN_PATH, see)
        async with exchange_with(service.url) as waiting, exchange_with("http://hangs.test", look_up=names) as looking:
            sent = asyncio.create_task(code_from(waiting))
            unsent = [asyncio.create_task(code_from(looking)) for _ in range(2)]
            await arrived.wait()
            await until(lambda: names.asked_count == 1)
        assert await sent == "connection_terminated"
        assert await asyncio.gather(*unsent) == ["draining", "draining"]
        names.go_on.set()


async def test_closing_in_the_midst_of_a_connect_sends_nothing() -> None:
    async with FaultyAuthService() as service:
        async with exchange_with(service.url) as exchange:
            asking = asyncio.create_task(code_from(exchange))
            await asyncio.sleep(0)
        assert await asking == "draining"
        assert service.journal == []


async def test_what_cannot_be_written_connects_nowhere() -> None:
    async with FaultyAuthService() as service, exchange_with(service.url) as exchange:
        call = call_of(LOGIN)
        broken = call._replace(template=replace(call.template, path="/\r\n"))
        got = await exchange(broken, None, LONGEST_S)
        assert got == Broken("proxy_configuration_error")
        assert service.connections_count == 0


class Ticking(SystemClock):
    """A clock on which every look takes a second."""

    def __init__(self) -> None:
        self.looks = 0

    def now_s(self) -> float:
        self.looks += 1
        return float(self.looks)


async def test_a_connection_that_comes_too_late_is_kept_and_nothing_is_sent_over_it() -> None:
    async with FaultyAuthService() as service:
        exchange = HttpExchange(service.url, connect_timeout_s=5.0, idle_connection_s=60.0, clock=Ticking())
        assert await exchange(call_of(LOGIN), None, 2.5) == Broken("connection_timeout")
        assert isinstance(await exchange(call_of(LOGIN), None, 100.0), Reply)
        assert [sent.connection for sent in service.journal] == [1]
        await exchange.close()


async def test_idle_connections_are_retired_each_in_its_time() -> None:
    gone = asyncio.Semaphore(0)

    async def answer_then_see(connection: Connection, delivery: Delivery) -> None:
        await asyncio.sleep(0.06 * (connection.number - 1))
        await scripts.json_reply(200, {})(connection, delivery)
        await connection.left()
        gone.release()

    async with FaultyAuthService() as service, exchange_with(service.url, idle_connection_s=0.1) as exchange:
        service.answer(LOGIN_PATH, answer_then_see)
        await asyncio.gather(put(exchange), put(exchange))
        async with asyncio.timeout(LONGEST_S):
            await gone.acquire()
            await gone.acquire()
        assert service.connections_count == 2


async def test_a_closed_exchange_asks_nobody() -> None:
    async with FaultyAuthService() as service:
        async with exchange_with(service.url) as exchange:
            pass
        assert await code_from(exchange) == "draining"
        assert service.connections_count == 0
