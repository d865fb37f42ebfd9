"""Auth services that know nothing of Netra, started for real: the same verdicts as with the one that comes along.

They must never be told anything in Python: all that differs between them stands in a wire file.
"""

import asyncio
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final, NamedTuple

import pytest

from tests.support import django_simplejwt, fastapi_tutorial
from tests.support.gateways import gateway
from tests.support.problems import assert_problem

SUPPORT: Final = Path(fastapi_tutorial.__file__).parent
WIRE_OF_A_DOZEN_LINES: Final = """
name = "tutorial"
[calls.login]
method = "POST"
path = "/token"
form = { username = "{identifier}", password = "{password}" }
[[calls.login.replies]]
status = [200]
accept = { access_token = "/access_token", user_id = "jwt:sub" }
[[calls.login.replies]]
status = [401]
pointer = "/detail"
value = "Incorrect username or password"
code = "invalid_credentials"
"""


class Other(NamedTuple):
    """An auth service of somebody else, and how it is described."""

    program: str
    wire: str
    username: str
    password: str
    tells_who: bool
    """Can it be asked whom a token stands for?"""


TUTORIAL: Final = Other(
    "fastapi_tutorial.py", "fastapi-tutorial", fastapi_tutorial.USERNAME, fastapi_tutorial.PASSWORD, True
)
OTHERS: Final = [
    TUTORIAL,
    TUTORIAL._replace(wire="a dozen lines", tells_who=False),
    Other("django_simplejwt.py", "django-rest", django_simplejwt.USERNAME, django_simplejwt.PASSWORD, False),
]


class Started(NamedTuple):
    """A running auth service."""

    url: str
    process: Process


@asynccontextmanager
async def started(program: str) -> AsyncIterator[Started]:
    """An auth service of somebody else on a free port, until the end of the block."""
    process = await asyncio.create_subprocess_exec(sys.executable, str(SUPPORT / program), "0", stdout=PIPE)
    try:
        assert process.stdout is not None
        async with asyncio.timeout(60):
            words = (await process.stdout.readline()).decode().split()
        assert words[0] == "ready", words
        yield Started(words[1], process)
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGCONT)
            process.terminate()
        await process.wait()


@pytest.mark.parametrize("other", OTHERS, ids=[f"{other.program}, {other.wire}" for other in OTHERS])
async def test_right_wrong_frozen_and_stopped_are_told_apart_as_with_our_own(other: Other, tmp_path: Path) -> None:
    written = tmp_path / "dozen.toml"
    written.write_text(WIRE_OF_A_DOZEN_LINES)
    wire = str(written) if other.wire == "a dozen lines" else other.wire
    environ = {"NETRA_WIRE": wire, "NETRA_IDENTIFIER": "username", "NETRA_LOGIN_BUDGET_S": "1.5", "NETRA_TRIES": "3"}
    async with started(other.program) as service, gateway(service.url, **environ) as netra:

        async def log_in(password: str = other.password, username: str = other.username) -> tuple[int, object]:
            answer = await netra.post("/login", {"username": username, "password": password})
            if answer.status == 200:
                return 200, answer.json["access_token"]
            assert_problem(answer, answer.status, answer.json["code"])
            return answer.status, answer.json["code"]

        status, token = await log_in()
        assert (status, isinstance(token, str)) == (200, True)
        assert await log_in(password="not the password") == (401, "invalid_credentials")
        assert await log_in(username="nobody", password="x") == (401, "invalid_credentials")
        if other.tells_who:
            me = await netra.get("/me", [("Authorization", f"Bearer {token}")])
            assert me.status == 200
        assert (await netra.get("/config")).json["registration_enabled"] is False
        assert (await netra.post("/register", {})).status == 404, "what the auth service lacks is no route"
        service.process.send_signal(signal.SIGSTOP)
        assert await log_in() == (504, "response_timeout")
        assert await log_in(password="not the password") == (504, "response_timeout")
        service.process.send_signal(signal.SIGCONT)
        service.process.terminate()
        await service.process.wait()
        assert await log_in(password="not the password") == (503, "connection_refused")


async def test_a_wave_of_wrong_passwords_is_no_sign_of_an_outage() -> None:
    async with started(TUTORIAL.program) as service, gateway(service.url, NETRA_WIRE=TUTORIAL.wire) as netra:
        for number in range(1000):
            answer = await netra.log_in(f"user-{number}@example.com", "not the password")
            assert (answer.status, answer.json["code"]) == (401, "invalid_credentials")
        assert {line["event"] for line in netra.lines if line.get("code")} == {"Login rejected"}
