"""The demo's auth service as a program of its own: the embedded auth service behind a door, told what to do on stdin.

It must never outlive the demo that started it, and never print a password or a secret.
"""

import asyncio
import json
import logging
import socket
import sys
from asyncio import StreamReader
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import quote

from netra.asgi.server import Listener, bind, run, serve
from netra.authd import CannotStart
from netra.authd.app import Authd, opened
from netra.authd.store import registry
from netra.core.secret import Secret
from netra.demo.door import Door
from netra.demo.watch.tied import die_with_parent
from netra.settings.read import load_authd

_HOST: Final = "127.0.0.1"


def main() -> int:
    """Serve until standard input ends. The first line on it is the order of what to be, each further one a change."""
    die_with_parent()
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr)
    return run(_serve)


async def _serve() -> int:
    orders = await _orders()
    wanted = json.loads(await orders.readline())
    try:
        door_socket = _bound_socket(wanted["port"])
    except OSError as error:
        _say(cannot=error.strerror or "the address is not usable", errno=error.errno)
        return 1
    url = f"http://{_HOST}:{door_socket.getsockname()[1]}"
    settings = load_authd(
        {
            "ENVIRONMENT": "staging",
            "NETRA_AUTHD_DATABASE_URL": f"sqlite:///{quote(wanted['database'])}",
            "NETRA_AUTHD_ISSUER": url,
            "NETRA_AUTHD_PORT": "0",
            "NETRA_DRAIN_DELAY_S": "0",
        }
    )
    try:
        async with opened(settings, tell=_tell) as service:
            await service.add_user(wanted["email"], Secret(wanted["password"]), wanted["name"])
            await _register(service, wanted["service_id"], Secret(wanted["service_secret"]))
            return await _behind_door(service, door_socket, orders)
    except CannotStart as cannot:
        _say(cannot=cannot.finding.line())
        return 1


async def _behind_door(service: Authd, door_socket: socket.socket, orders: StreamReader) -> int:
    inner = bind([Listener("auth service", service.app, _HOST, 0, "")])
    stop, started = asyncio.Event(), asyncio.Event()
    serving = asyncio.create_task(serve(inner, on_started=started.set, stop=stop))
    await started.wait()
    async with Door(door_socket, inner[0].socket.getsockname()[1]) as door:
        _say(port=door_socket.getsockname()[1])
        obeying = asyncio.create_task(_obey(orders, service, door))
        await asyncio.wait({serving, obeying}, return_when=asyncio.FIRST_COMPLETED)
        obeying.cancel()
    stop.set()
    return await serving


async def _obey(orders: StreamReader, service: Authd, door: Door) -> None:
    while line := await orders.readline():
        order = json.loads(line)
        if "door" in order:
            await door.turn(order["door"])
        if "service_secret" in order:
            await _register(service, order["service_id"], Secret(order["service_secret"]))
        _say(done=True)


async def _register(service: Authd, service_id: str, secret: Secret) -> None:
    """Make this the one secret of the service, in one transaction."""
    async with service.store.write() as db:
        await registry.remove(db, service_id)
        await registry.add(db, service_id, service.sessions.now_ms(), secret)


async def _orders() -> StreamReader:
    reader = StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    return reader


def _bound_socket(port: int) -> socket.socket:
    """The door's own address, taken before anything else: when it is in use, nothing has begun yet."""
    door_socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        door_socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        door_socket.bind((_HOST, port))
        door_socket.listen()
    except OSError:
        door_socket.close()
        raise
    return door_socket


def _say(**words: Any) -> None:
    print(json.dumps(words), flush=True)


def _tell(level: int, event: str, fields: Mapping[str, object]) -> None:
    stamp = datetime.now(UTC).isoformat(timespec="milliseconds")
    line = {"timestamp": stamp, "level": logging.getLevelName(level).lower(), "event": event, **fields}
    print(json.dumps(line), file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
