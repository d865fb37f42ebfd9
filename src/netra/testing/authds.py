"""A real auth service beside a test, with one user and one service of its own.

It must never be given the users or the secrets of anybody: all it knows is made for one test.
"""

import contextlib
import secrets
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Final, NamedTuple

from netra.authd.app import opened
from netra.core.secret import Secret
from netra.settings.read import load_authd
from netra.testing.beside import Beside, listening

EMAIL: Final = "ada.byron@example.com"
SERVICE_ID: Final = "backend-under-test"


class AuthdBeside(NamedTuple):
    """A real auth service with one user and one service that may ask it."""

    url: str
    email: str
    password: str
    service_id: str
    service_secret: str

    def __repr__(self) -> str:
        return f"AuthdBeside({self.url})"

    @property
    def variables(self) -> dict[str, str]:
        """What a gateway in front of it is told."""
        return {"SERVICE_ID": self.service_id, "SERVICE_SECRET": self.service_secret}


@contextlib.contextmanager
def authd_beside(folder: Path) -> Iterator[AuthdBeside]:
    """The embedded auth service on a new database in a folder."""
    with Beside("netra authd of a test") as beside, beside.held(_opened(folder)) as authd:
        yield authd


@contextlib.asynccontextmanager
async def _opened(folder: Path) -> AsyncIterator[AuthdBeside]:
    password, secret = f"Open-{secrets.token_hex(8)}-1!", secrets.token_hex(32)
    told = {"ENVIRONMENT": "test", "NETRA_AUTHD_DATABASE_URL": f"sqlite:///{folder}/authd.db"}
    async with opened(load_authd(told), tell=_to_nobody) as service:
        await service.add_service(SERVICE_ID, Secret(secret))
        await service.add_user(EMAIL, Secret(password), "Ada Byron")
        async with listening(service.app) as url:
            yield AuthdBeside(url, EMAIL, password, SERVICE_ID, secret)


def _to_nobody(level: int, event: str, fields: object) -> None:
    """Nobody reads the log of an auth service that is there for one test."""
