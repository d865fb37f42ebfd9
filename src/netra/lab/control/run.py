"""A lab that runs by itself: the auth service and its control, until a signal.

It must never begin to serve before every problem with its addresses is known.
"""

import errno
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from netra.asgi.server import CannotListen, Listener, bind, serve
from netra.core.secret import Secret
from netra.lab.control.app import Crashed, control_app
from netra.lab.faulty_auth_service import FaultyAuthService

if TYPE_CHECKING:
    from asyncio import Event

    from netra.lab.certificates import Authority


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What a lab is to be."""

    host: str = "127.0.0.1"
    port: int = 0
    control_host: str = "127.0.0.1"
    control_port: int = 0
    control_hosts: Iterable[str] = ()
    """Further names by which the control may be addressed."""
    control_token: Secret | None = None
    fault: str | None = None
    secret: Secret | None = None
    """The one service secret that is accepted; None accepts any."""
    authority: "Authority | None" = None
    """Who signs its certificate; None speaks plain HTTP."""
    certificate: str = "good"
    handshake: bool = True
    idempotency: bool = True
    by_email: bool = True
    journal_limit: int = 1_000


Started = Callable[[FaultyAuthService, str], None]
"""Called when everything is served: (auth service, URL of its control)."""


async def run_lab(wanted: Wanted, started: Started, crashed: Crashed, stop: "Event | None" = None) -> int:
    """Serve until SIGINT, SIGTERM or `stop`; returns the exit code.

    Raises: CannotListen; UnknownFault; CannotPlay.
    """
    service = FaultyAuthService(
        host=wanted.host,
        port=wanted.port,
        authority=wanted.authority,
        tls=wanted.authority.of_quality(wanted.certificate) if wanted.authority else None,
        secret=wanted.secret.reveal() if wanted.secret else None,
        handshake=wanted.handshake,
        idempotency=wanted.idempotency,
        by_email=wanted.by_email,
        journal_limit=wanted.journal_limit,
    )
    if wanted.fault is not None:
        service.fault(wanted.fault)
    app = control_app(
        service, host=wanted.control_host, hosts=wanted.control_hosts, token=wanted.control_token, crashed=crashed
    )
    bound = bind([Listener("the control", app, wanted.control_host, wanted.control_port, "--control-port")])
    try:
        await service.__aenter__()
    except OSError as error:
        bound[0].socket.close()
        taken = error.errno == errno.EADDRINUSE
        reason = "the port is taken" if taken else error.strerror or "the address is not usable"
        option = "--port" if error.errno in (errno.EADDRINUSE, errno.EACCES) else "--host"
        at = f"{wanted.host}:{wanted.port}"
        raise CannotListen(
            f"the auth service cannot listen on {at}: {reason}. Choose another one with {option}."
        ) from None
    try:
        return await serve(bound, on_started=lambda: started(service, bound[0].url), stop=stop)
    finally:
        await service.stop()
