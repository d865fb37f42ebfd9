"""`netra lab proxy`: a TCP proxy that misbehaves as it is told.

It must never start with a fault that it did not understand, nor print anything of what it passes on.
"""

import sys
from re import compile as pattern
from typing import TYPE_CHECKING, Annotated, Final

import typer

from netra.cli.authd import give_up
from netra.cli.lab.faults import WRONG_USAGE, needs_extra
from netra.cli.lab.proxy_words import TO_CLIENT, TO_SERVER, read_faults

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from netra.lab.chaos_ways import Faults

_ADDRESS: Final = pattern(r"\[?([0-9A-Za-z._:-]{1,253}?)\]?:(\d{1,5})")


def proxy(
    to: Annotated[str, typer.Option(metavar="HOST:PORT", help="Where everything is passed on to.")],
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="The port, 0 for any free one.", min=0, max=65_535)] = 0,
    fault: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME[=VALUE]", help="Such as latency=200ms; several add up. `netra lab faults` lists all."
        ),
    ] = None,
    share: Annotated[int, typer.Option(metavar="PERCENT", help="Of the connections.", min=0, max=100)] = 100,
    seed: Annotated[int | None, typer.Option(help="Repeat a run: the same draws for each connection.")] = None,
) -> None:
    """Run a TCP proxy that misbehaves as it is told, until Ctrl-C or SIGTERM.

    A fault works on what goes to the client; on what goes to the server as to-server:NAME, such as
    to-server:cut-after=100B. Sizes may be ranges, from which each connection draws: reset-after=1B..2KiB.

    Exit code 0: ended; 1: the address cannot be used; 2: wrong usage.
    """
    import asyncio
    from dataclasses import replace

    needs_extra()
    address = _address(to)
    faults, problems = read_faults(fault or [])
    if problems:
        for problem in problems:
            print(f"error: --fault {problem}", file=sys.stderr)
        raise typer.Exit(WRONG_USAGE)
    if address == (host, port):
        raise typer.BadParameter("that is the proxy itself. Choose another --port, or 0.", param_hint="--to")
    _warn_of_strangers(host)
    asyncio.run(_serve(address, (host, port), replace(faults, share=share / 100), seed, fault or []))


async def _serve(
    to: tuple[str, int], at: tuple[str, int], faults: "Faults", seed: int | None, words: "Sequence[str]"
) -> None:
    import asyncio
    import signal
    from contextlib import AsyncExitStack

    from netra.lab.chaos_proxy import ChaosProxy

    ended = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    running = ChaosProxy(*to, *at, seed=seed)
    running.switch(faults)
    async with AsyncExitStack() as stack:
        try:
            await stack.enter_async_context(running)
        except OSError as error:
            why = error.strerror or "it is not usable"
            give_up(f"error: {at[0]} port {at[1]}: {why}. Choose another one with --host and --port.")
        _say(f"{_told(at[0], running.port)} passes on to {_told(*to)}", bold=True)
        for line in _lines(words):
            _say(f"  {line}")
        if faults.share < 1:
            _say(f"  Only {faults.share:.0%} of the connections meet this.")
        _say(f"--seed {running.seed} repeats this run. Ctrl-C ends it.")
        await ended.wait()
    tally = running.tally
    _say(
        f"{tally.connections_count} connections, {tally.to_server_bytes} bytes to the server, "
        f"{tally.to_client_bytes} bytes to the client."
    )
    if tally.unreachable_count:
        _say(f"{tally.unreachable_count} times {_told(*to)} could not be reached: is it running?")


def _lines(words: "Sequence[str]") -> "Iterator[str]":
    """What it does, a line for each fault."""
    from netra.lab.chaos_proxy import PROXY_FAULTS

    if not words:
        yield "Everything is passed on as it is."
    for word in words:
        name = word.partition("=")[0].removeprefix(TO_SERVER).removeprefix(TO_CLIENT)
        fault = next(fault for fault in PROXY_FAULTS if fault.name == name)
        value = "" if "=" in word or not fault.unit else f"={fault.default}"
        yield f"{word}{value}: {fault.what}"


def _address(text: str) -> tuple[str, int]:
    found = _ADDRESS.fullmatch(text)
    if found is None or not 0 < int(found[2]) < 65_536:
        told = "write HOST:PORT, such as 127.0.0.1:8081 or [::1]:8081"
        raise typer.BadParameter(told, param_hint="--to")
    return found[1], int(found[2])


def _told(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _warn_of_strangers(host: str) -> None:
    from netra.settings.values import is_loopback, is_unspecified

    if is_unspecified(host) or not is_loopback(host):
        print(f"warning: whoever reaches {host} reaches what is behind the proxy. Prefer 127.0.0.1.", file=sys.stderr)


def _say(line: str, *, bold: bool = False) -> None:
    """On a terminal in bold where it matters; at once, for whoever reads the first line to know the port."""
    typer.secho(line, bold=bold)
    sys.stdout.flush()
