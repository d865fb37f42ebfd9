"""How our own objects look when somebody prints them: in the middle of every journey, none shows what it holds.

It must never ask an object for anything but its representation: that is what logs, debuggers and crashes do.
"""

import asyncio
import dataclasses
import gc
import json
from collections.abc import Iterator
from time import monotonic
from typing import TYPE_CHECKING, Any, Final

import pytest

from netra.asgi.words import Request
from netra.assemble import open_gateway
from netra.lab.faulty_auth_service import FaultyAuthService
from netra.lab.scripts import json_reply, session, when
from netra.observe.tell import Tell
from netra.web import sessions, tokens
from tests.leaks.asking import PUBLIC, UNREADABLE
from tests.leaks.needles import Hit, Piece
from tests.leaks.planted import (
    ACCESS,
    ADMIN_TOKEN,
    EMAIL,
    LOG_KEY,
    OAUTH_SECRET,
    PASSWORD,
    PREVIOUS_SECRET,
    REFRESH,
    SERVICE_SECRET,
    needles,
)
from tests.support import wire
from tests.support.gateways import served, settings_for

if TYPE_CHECKING:
    from netra.core.events import Event

pytestmark = pytest.mark.usefixtures("only_what_is_new")

PATHS: Final = ("/auth/login", "/auth/register", "/auth/refresh", "/auth/logout", "/auth/validate", "/auth/config")
TOLD: Final = {
    "SERVICE_SECRET": SERVICE_SECRET, "SERVICE_SECRET_PREVIOUS": PREVIOUS_SECRET, "NETRA_ADMIN_TOKEN": ADMIN_TOKEN,
    "NETRA_LOG_KEY": LOG_KEY, "OAUTH_SHOP_CLIENT_ID": "shop-client", "OAUTH_SHOP_CLIENT_SECRET": OAUTH_SECRET,
    "NETRA_TRIES": "2", "NETRA_LOGIN_BUDGET_S": "10", "NETRA_TOKEN_BUDGET_S": "10",
}  # fmt: skip
JOURNEYS: Final = (sessions.login, sessions.refresh, tokens.verify)
"""Their answers hold tokens, or an address."""
BESIDE: Final = ("netra.lab.", "netra.testing.")
"""What plays an auth service in this very process: its journal is for tests to read."""


async def test_nothing_of_ours_shows_what_it_holds_while_everybody_waits_for_an_answer() -> None:
    told: list[Event] = []
    async with FaultyAuthService() as service:
        settings = settings_for(service.url, TOLD)
        stop, enough = asyncio.Event(), asyncio.Event()
        async with open_gateway(settings, Tell([told.append])) as assembled, served(assembled.public, stop) as url:
            for path in PATHS:
                service.answer(path, when(enough, json_reply(200, session(EMAIL))))
            asking = [
                asyncio.ensure_future(wire.ask(url, ask.method, ask.target, ask.headers, ask.body))
                for ask in (*PUBLIC, *UNREADABLE)
            ]
            await _until(lambda: {*PATHS} <= {each.path for each in service.journal})
            alive = list(_ours())
            hits = [hit for each in alive for hit in _shown(each)]
            names = {type(each).__name__ for each in alive}
            enough.set()
            await asyncio.gather(*asking)
            service.heal()
            answers = [await answering(_request(), assembled.gateway, assembled.view) for answering in JOURNEYS]
            assert [answer.status for answer in answers] == [200, 200, 200], answers
            hits += [hit for each in (settings, *told, *answers, _request()) for hit in _shown(each)]
    assert {"LoginAttempt", "Call", "Secret", "Request", "Settings", "Link", "Seals"} <= names, sorted(names)
    assert {type(event).__name__ for event in told} >= {"AttemptEnded", "Changed"}
    assert not hits, "\n".join(sorted({f"{hit.place} shows the {hit.secret}, {hit.form}" for hit in hits}))


def _request() -> Request:
    document = json.dumps({"email": EMAIL, "password": PASSWORD, "refresh_token": REFRESH}).encode()
    headers = [(b"authorization", f"Bearer {ACCESS}".encode()), (b"content-type", b"application/json")]
    return Request(
        method="POST", path=f"/{ACCESS}", headers=headers, request_id="a", received_at_s=monotonic(), body=document
    )


async def test_an_object_that_shows_what_it_holds_is_found() -> None:
    held = Wordy(EMAIL)
    assert {hit.place for each in gc.get_objects() if each is held for hit in _shown(each)} == {"Wordy"}


@dataclasses.dataclass
class Wordy:
    """As a dataclass looks of which nobody has thought."""

    email: str


def _ours() -> Iterator[Any]:
    """Every object there is whose class the gateway has made, but for those that hold all of the others."""
    for each in gc.get_objects():
        module = str(getattr(type(each), "__module__", ""))
        if module.startswith("netra.") and not module.startswith(BESIDE) and not isinstance(each, type):
            yield each


def _shown(each: object) -> Iterator[Hit]:
    """What its representations tell: as itself, as a text, and in a sentence."""
    for text in {repr(each), str(each), f"{each}"}:
        yield from _NEEDLES.hits(Piece(type(each).__name__, text.encode("utf-8", "replace")))


async def _until(holds: Any) -> None:
    async with asyncio.timeout(wire.LONGEST_S):
        while not holds():
            await asyncio.sleep(0.01)


_NEEDLES: Final = needles()
