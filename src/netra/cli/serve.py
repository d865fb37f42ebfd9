"""`netra serve`: the gateway on its two listeners.

It must never start with settings that are known to be wrong.
"""

import sys
from typing import Annotated

import typer

EX_CONFIG = 78


def serve(
    host: Annotated[str | None, typer.Option(help="Address of the public listener (NETRA_HOST).")] = None,
    port: Annotated[int | None, typer.Option(help="Port of the public listener (NETRA_PORT).")] = None,
    admin_host: Annotated[str | None, typer.Option(help="Address of the admin listener (NETRA_ADMIN_HOST).")] = None,
    admin_port: Annotated[int | None, typer.Option(help="Port of the admin listener (NETRA_ADMIN_PORT).")] = None,
    only: Annotated[
        str | None, typer.Option(help="verify: check tokens, and serve no logins (NETRA_ONLY).", metavar="verify")
    ] = None,
) -> None:
    """Run the gateway: the public listener and the admin listener.

    Settings come from the environment; options go first. `netra doctor --offline` checks them without starting.
    Exit codes: 0 after a clean stop, 1 when an address is taken, 78 when a setting is wrong.
    """
    import os

    from netra.asgi.server import CannotListen, run
    from netra.assemble_admin import Shown
    from netra.core.findings import Severity
    from netra.doctor.configuration import configuration
    from netra.listen import serve_gateway, telling
    from netra.settings.read import SettingsProblem

    options = {
        "NETRA_HOST": host,
        "NETRA_PORT": port,
        "NETRA_ADMIN_HOST": admin_host,
        "NETRA_ADMIN_PORT": admin_port,
        "NETRA_ONLY": only,
    }
    loaded = configuration(os.environ, options)
    settings = loaded.settings
    if settings is None:
        for finding in loaded.findings:
            if finding.severity is Severity.ERROR:
                print(finding.line(), file=sys.stderr)
        raise typer.Exit(EX_CONFIG)
    try:
        with telling(settings, sys.stdout) as tell:
            code = run(lambda: serve_gateway(settings, loaded.findings, tell, shown=Shown(loaded.effective)))
    except SettingsProblem as problem:
        print(problem, file=sys.stderr)
        raise typer.Exit(EX_CONFIG) from None
    except CannotListen as error:
        print(error, file=sys.stderr)
        raise typer.Exit(1) from None
    raise typer.Exit(code)
