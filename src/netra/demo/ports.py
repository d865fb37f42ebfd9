"""The ports of the demo: which of them are taken, said all at once and with the option to set.

It must never hold a port: whoever listens takes it, and says so again if somebody was faster.
"""

import errno
import os
import socket
from collections.abc import Iterable
from typing import Final

PORT_OPTIONS: Final = "--port or NETRA_PORT"
ADMIN_OPTIONS: Final = "--admin-port or NETRA_ADMIN_PORT"
AUTHD_OPTIONS: Final = "--authd-port or NETRA_AUTHD_PORT"


def port_message(listener: str, port: int, options: str, error_number: int | None) -> str:
    """Why a listener cannot have a port, and what to set instead."""
    reason = "the port is taken" if error_number == errno.EADDRINUSE else os.strerror(error_number or errno.EINVAL)
    return f"{listener} cannot listen on 127.0.0.1:{port}: {reason}. Choose another one with {options}."


def taken(wanted: Iterable[tuple[str, int, str]]) -> list[str]:
    """What stands in the way of each (listener, port, options); nothing ever of port 0, which takes a free one."""
    messages = []
    for listener, port, options in wanted:
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as trial:
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                trial.bind(("127.0.0.1", port))
            except OSError as error:
                messages.append(port_message(listener, port, options, error.errno))
    return messages
