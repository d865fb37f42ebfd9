"""Listeners from the first port to the last answer: taken together, and given up in order.

It must never stop a program by anything but the signals that operators send.
"""

import asyncio
import contextlib
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from netra.asgi.server import CannotListen, Listener, bind, serve
from tests.asgi.support import LONGEST_S, Site, get, line_to, post, serving
from tests.support import wire

PROGRAM = """
import asyncio, sys
from netra.asgi.server import Listener, bind, run, serve
from tests.asgi.support import Site

async def main():
    site = Site()
    bound = bind([Listener("public listener", site.app, "127.0.0.1", 0, "--port")])
    print(bound[0].url, flush=True)
    code = await serve(bound, drain_delay_s=float(sys.argv[1]), on_draining=lambda: print("draining", flush=True))
    print("stopped", flush=True)
    return code

sys.exit(run(main))
"""


@contextmanager
def program(drain_delay_s: float = 0.0) -> Iterator[tuple["subprocess.Popen[str]", str]]:
    """A program that serves one site on the loop that programs of ours run on; yields it and its URL."""
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(drain_delay_s)],
        cwd=Path(__file__).parents[2],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        yield process, process.stdout.readline().strip()
    finally:
        process.kill()
        process.communicate()


async def refused(url: str) -> bool:
    """Does nobody listen there any more?"""
    place = urlsplit(url)
    try:
        _, writer = await asyncio.open_connection(place.hostname, place.port)
    except ConnectionError:
        return True
    writer.close()
    return False


async def until_refused(url: str) -> None:
    """Wait until nobody listens there any more."""
    async with asyncio.timeout(LONGEST_S):
        while not await refused(url):
            await asyncio.sleep(0.01)


# --- binding ---------------------------------------------------------------------------------------------------------


def listener(name: str, host: str, port: int, option: str) -> Listener:
    """A listener that is not served."""
    return Listener(name, Site.__new__(Site), host, port, option)  # type: ignore[arg-type] # nobody asks it


def test_a_taken_port_is_said_with_the_option_to_set_and_nothing_stays_bound() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, socket.create_server(("127.0.0.1", 0)) as other:
        port, free = taken.getsockname()[1], other.getsockname()[1]
        other.close()
        with pytest.raises(CannotListen) as raised:
            bind(
                [
                    listener("public listener", "127.0.0.1", free, "--port or NETRA_PORT"),
                    listener("admin listener", "127.0.0.1", port, "--admin-port or NETRA_ADMIN_PORT"),
                ]
            )
        assert str(raised.value) == (
            f"admin listener cannot listen on 127.0.0.1:{port}: the port is taken. "
            "Choose another one with --admin-port or NETRA_ADMIN_PORT."
        )
        assert raised.value.__suppress_context__, "no traceback of sockets for operators"
        (bound,) = bind([listener("public listener", "127.0.0.1", free, "--port")])
        bound.socket.close()


@pytest.mark.parametrize("host", ["192.0.2.1", "no-such-host.invalid"])
def test_an_address_that_is_not_ours_is_said_with_its_reason(host: str) -> None:
    with pytest.raises(CannotListen, match=rf"^public listener cannot listen on {host}:8000: .+\. Choose another"):
        bind([listener("public listener", host, 8000, "--port")])


def test_port_0_takes_any_free_one() -> None:
    (bound,) = bind([listener("public listener", "127.0.0.1", 0, "--port")])
    with bound.socket:
        assert bound.url == f"http://127.0.0.1:{bound.socket.getsockname()[1]}"
        assert not bound.url.endswith(":0")


async def test_a_listener_that_cannot_start_ends_the_start() -> None:
    bound = bind([Listener("public listener", Site().app, "127.0.0.1", 0, "--port")])
    bound[0].socket.close()
    with pytest.raises((OSError, ValueError)):
        async with asyncio.timeout(LONGEST_S):
            await serve(bound)


# --- draining --------------------------------------------------------------------------------------------------------


async def test_while_it_drains_everything_is_served_and_asked_to_close_then_nobody_listens() -> None:
    made = Site()
    async with serving(made, drain_delay_s=0.5) as stop, line_to(made.url) as kept, line_to(made.url) as waiting:
        await kept.send(get())
        assert "connection" not in (await kept.answer())[1]
        await waiting.send(post(b"{}", "/wait"))
        await made.begun.wait()
        stop.set()
        await asyncio.sleep(0)
        await kept.send(get())
        status, headers, _ = await kept.answer()
        assert (status, headers["connection"], await kept.rest()) == (200, "close", b"")
        assert (await wire.ask(made.url, "GET", "/seen")).status == 200
        await until_refused(made.url)
        made.go_on.set()
        status, headers, body = await waiting.answer()
        assert (status, headers["connection"], body) == (200, "close", b'"waited"')


async def test_listeners_close_one_after_the_other_each_when_its_requests_have_ended() -> None:
    public, admin = Site(), Site()
    async with serving(public, admin) as stop, line_to(public.url) as waiting:
        await waiting.send(post(b"{}", "/wait"))
        await public.begun.wait()
        stop.set()
        await until_refused(public.url)
        answer = await wire.ask(admin.url, "GET", "/seen")
        assert (answer.status, answer.header("connection")) == (200, "close")
        public.go_on.set()
        assert (await waiting.answer())[2] == b'"waited"'
        await until_refused(admin.url)


async def test_an_idle_connection_does_not_hold_up_the_end() -> None:
    made = Site()
    async with serving(made) as stop, line_to(made.url) as silent, line_to(made.url) as idle:
        await idle.send(get())
        await idle.answer()
        stop.set()
        assert (await silent.rest(), await idle.rest()) == (b"", b"")


# --- signals ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["TERM", "INT"])
def test_a_signal_ends_the_program_well_once_its_requests_have_ended(number: int) -> None:
    with program(0.2) as (process, url):
        assert wire.ask_now(url, "GET", "/seen").status == 200
        process.send_signal(number)
        said, complained = process.communicate(timeout=LONGEST_S)
    assert (process.returncode, said.split(), complained) == (0, ["draining", "stopped"], "")


@pytest.mark.parametrize(
    ("first", "second", "code"),
    [(signal.SIGTERM, signal.SIGTERM, 143), (signal.SIGTERM, signal.SIGINT, 130)],
    ids=["TERM TERM", "TERM INT"],
)
def test_a_second_signal_ends_it_at_once_whatever_is_under_way(first: int, second: int, code: int) -> None:
    with program() as (process, url):
        place = urlsplit(url)
        with socket.create_connection((place.hostname, place.port), timeout=LONGEST_S) as waiting:
            waiting.sendall(post(b"{}", "/wait"))
            assert wire.ask_now(url, "GET", "/seen").status == 200
            process.send_signal(first)
            assert process.stdout is not None
            assert process.stdout.readline() == "draining\n"
            process.send_signal(second)
            said, _ = process.communicate(timeout=LONGEST_S)
            with contextlib.suppress(ConnectionResetError):
                assert waiting.recv(65536) == b"", "the end of the program is no answer"
    assert (process.returncode, said) == (code, "stopped\n")


def test_on_that_loop_too_refusals_arrive_whole_and_in_one_piece() -> None:
    with program() as (_, url):
        for request, status in [
            (wire.message("POST", "/seen", body=b"x" * 1_000_000), 413),
            (wire.message("GET", "/" + "x" * 9000), 414),
            (wire.message("GET", "/seen", [("Upgrade", "h2c"), ("Connection", "Upgrade, close")]), 200),
            (b"rubbish\r\n\r\n", 400),
        ]:
            place = urlsplit(url)
            with socket.create_connection((place.hostname, place.port), timeout=LONGEST_S) as line:
                line.sendall(request)
                first, rest = line.recv(65536), line.recv(65536)
            assert wire.parse(first).status == status, first
            assert rest == b""
