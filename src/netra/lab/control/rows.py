"""A fault as programs read it, the same over HTTP and on the command line.

It must never need a listener: listing faults serves nothing.
"""

from typing import Any

from netra.lab.catalogue.choice import DOMAIN
from netra.lab.faults import Fault


def row(fault: Fault) -> dict[str, Any]:
    """A fault as programs read it."""
    return {
        "name": fault.name,
        "what": fault.what,
        "where": fault.stage,
        "call": fault.call,
        "status": fault.status,
        "code": fault.code or None,
        "email": f"{fault.name}@{DOMAIN}" if fault.for_one else None,
        "needs_tls": fault.certificate is not None,
    }
