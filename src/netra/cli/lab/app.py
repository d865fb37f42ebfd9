"""`netra lab`: its commands, a line each.

It must never import what only running one of them needs.
"""

import typer

from netra.cli.lab.auth_service import auth_service
from netra.cli.lab.faults import faults
from netra.cli.lab.proxy import proxy

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    help="An auth service and a proxy that misbehave as they are told: to try gateways and front ends with, never "
    "for real users.",
)
app.command("auth-service")(auth_service)
app.command()(proxy)
app.command()(faults)
