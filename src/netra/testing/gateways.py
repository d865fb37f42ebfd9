"""A real gateway beside a test, in front of any auth service: told as one sets variables, its log in hand.

It must never replace a part of the gateway, nor read the environment of the test.
"""

import contextlib
import io
import json
import secrets
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any, Final

from netra.assemble import Tell, facts_of, open_gateway
from netra.doctor.configuration import configuration
from netra.observe.log.lines import Lines
from netra.observe.log.writing import Logs, logger_for
from netra.observe.tell import Tell as Telling
from netra.pages.book import read_book
from netra.settings.read import SettingsProblem
from netra.settings.variables import Settings
from netra.testing.beside import Beside, listening

VARIABLES: Final[Mapping[str, str]] = {
    "ENVIRONMENT": "test",
    "SERVICE_ID": "backend-under-test",
    "NETRA_DISCLOSE": "operator",
    "NETRA_LOG_FORMAT": "json",
    # What waits for an answer that never comes shall not wait as long as people do.
    "NETRA_LOGIN_BUDGET_S": "2",
    "NETRA_TOKEN_BUDGET_S": "1",
    "NETRA_CONNECT_TIMEOUT_S": "0.25",
    # One probe and one handshake, at the start: a journal then holds what the test has caused.
    "NETRA_PROBE_INTERVAL_S": "300",
    "NETRA_REVOCATIONS_INTERVAL_S": "300",
}
"""What a gateway under test is told unless a test says otherwise; its secret is a new one each time."""


class GatewayBeside:
    """A gateway that answers. Its routes begin with `api`; `url` is the listener itself, with `/readyz`."""

    def __init__(self, url: str, prefix: str, log: io.BytesIO) -> None:
        self.url = url
        self.api = url + prefix
        self._log = log

    @property
    def lines(self) -> list[dict[str, Any]]:
        """Every log line so far: what operators see, with the code of each failure."""
        return [json.loads(line) for line in self._log.getvalue().splitlines()]

    @property
    def codes(self) -> list[str]:
        """The codes of all that ended other than well, in order."""
        return [str(line["code"]) for line in self.lines if line.get("code")]


@contextlib.contextmanager
def gateway_beside(auth_service_url: str, variables: Mapping[str, str | None]) -> Iterator[GatewayBeside]:
    """A gateway in front of an auth service; a variable that is None is not set.

    Raises: SettingsProblem, with everything that is wrong.
    """
    given = {**VARIABLES, "SERVICE_SECRET": secrets.token_hex(32), "AUTH_SERVICE_URL": auth_service_url, **variables}
    settings = _settings({name: value for name, value in given.items() if value is not None})
    with Beside("netra gateway of a test") as beside, beside.held(_opened(settings)) as gateway:
        yield gateway


def _settings(environ: Mapping[str, str]) -> Settings:
    loaded = configuration(environ)
    if loaded.settings is None:
        raise SettingsProblem(loaded.findings)
    return loaded.settings


@contextlib.asynccontextmanager
async def _opened(settings: Settings) -> AsyncIterator[GatewayBeside]:
    log = io.BytesIO()
    stream = io.TextIOWrapper(log, write_through=True)  # held until the end: forgotten, it closes what it wraps
    tell = _told_to(settings, stream)
    async with open_gateway(settings, tell) as assembled, listening(assembled.public) as url:
        yield GatewayBeside(url, settings.prefix, log)
    stream.detach()


def _told_to(settings: Settings, stream: io.TextIOWrapper) -> Tell:
    logger = logger_for(stream, settings.log_format, settings.log_level)
    return Telling([Logs(Lines(read_book(), facts_of(settings), "run-of-test"), logger)])
