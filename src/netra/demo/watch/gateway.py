"""The watched gateway on listeners of its own, and beside them the one to which notices are brought.

It must never listen anywhere but on this machine.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final, NamedTuple

from netra.asgi.adapter import App
from netra.asgi.server import Listener, bind, serve
from netra.assemble import open_gateway
from netra.demo import screen
from netra.demo.assembly import budget, gateway_settings
from netra.demo.auth_service import AuthService, Credentials
from netra.demo.control import FrontDoor
from netra.listen import telling

_HOST: Final = "127.0.0.1"
_VARIABLES: Final = {
    "ENVIRONMENT": "staging",
    "NETRA_LOG_FORMAT": "json",
    "NETRA_PROBE_INTERVAL_S": "0.33",
    "NETRA_BREAKER_OPEN_S": "0.33",
    "NETRA_THROTTLE_ACCOUNT": "off",
}
"""Staging's own defaults, but for a quicker time, and for one user who stands for many."""


class Windows(NamedTuple):
    """Where the gateway is asked and looked at."""

    front: FrontDoor
    public_url: str
    admin_url: str
    receiver_url: str

    @property
    def admin_address(self) -> str:
        """Host and port, as Prometheus writes it."""
        return self.admin_url.partition("//")[2]

    @property
    def shown(self) -> dict[str, str]:
        """What people may want to open."""
        return {"gateway": self.public_url, "admin": self.admin_url}


@asynccontextmanager
async def open_windows(
    folder: Path, service: AuthService, known: Credentials, login_budget_s: float, receiver: App
) -> AsyncIterator[Windows]:
    """A gateway and the receiver, listening on free ports; stopped with the block."""
    variables = {**_VARIABLES, **budget(login_budget_s)}
    settings, findings, _ = gateway_settings(service, known, variables)
    with (
        screen.gateway_log(folder).open("w", encoding="utf-8") as log,
        telling(settings, log) as tell,
    ):
        async with open_gateway(settings, tell, findings=findings) as assembled:
            apps = (("public", assembled.public), ("admin", assembled.admin), ("receiver", receiver))
            bound = bind([Listener(name, app, _HOST, 0, "") for name, app in apps])
            stop, begun = asyncio.Event(), asyncio.Event()
            serving = asyncio.create_task(serve(bound, on_started=begun.set, stop=stop, take_signals=False))
            await begun.wait()
            front = FrontDoor(settings.prefix)
            front.url = bound[0].url
            try:
                yield Windows(front, *(each.url for each in bound))
            finally:
                stop.set()
                await serving
