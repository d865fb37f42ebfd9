"""What embedding costs a backend: the libraries that are loaded, and nothing done by loading them.

It must never be asked in this very interpreter: what is loaded here already would hide what it loads.
"""

import subprocess
import sys
from typing import Final

from netra import embed
from tests.embed.support import known_to
from tests.incidents.operators import EMAIL, PASSWORD, AuthService
from tests.support.programs import PATIENCE_S, environment

ABSENT: Final = (
    "typer", "click", "rich", "uvicorn", "uvloop", "structlog", "aiohttp", "sqlalchemy", "alembic", "aiosqlite",
    "argon2", "netra.authd", "netra.lab", "netra.cli", "netra.demo", "netra.testing", "netra.listen",
)  # fmt: skip
"""What commands, listeners, the auth service, tests and the gateway's own log need, and a gate does not."""

PROGRAM: Final = f"""
import sys
for name in {ABSENT!r}:
    sys.modules[name] = None  # Python takes it for one that is not installed
import asyncio, threading
from netra.embed import Accepted, open_gate

async def main():
    async with open_gate() as gate:
        outcome = await gate.log_in(sys.argv[1], sys.argv[2])
        assert isinstance(outcome, Accepted), outcome
        response = gate.problem_response(await gate.log_in(sys.argv[1], ""))
        assert response.status == 422, response
    print(len(asyncio.all_tasks()), threading.active_count())

asyncio.run(main())
"""


def test_a_login_needs_neither_commands_nor_listeners_nor_an_auth_service(auth_service: AuthService) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", PROGRAM, EMAIL, PASSWORD],
        env=environment(known_to(auth_service)),
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert (done.stdout, done.stderr) == ("1 1\n", ""), "one task and one thread are the program's own"


def test_everything_that_is_named_for_import_is_there() -> None:
    assert sorted(embed.__all__, key=str.lower) == sorted(set(embed.__all__), key=str.lower)
    assert [name for name in embed.__all__ if not hasattr(embed, name)] == []
