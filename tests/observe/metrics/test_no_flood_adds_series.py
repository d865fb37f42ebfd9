"""Whatever strangers send, and whatever an auth service answers, `/metrics` has the series that it had before.

It must never be shown on a counting alone: requests and replies come over real sockets, thousands of them.
"""

import asyncio
from collections.abc import Callable, Iterable, Iterator
from itertools import count, cycle, islice, product
from typing import TYPE_CHECKING, Final, NamedTuple, get_args

import pytest
from prometheus_client.parser import text_string_to_metric_families as families

from netra.core.pace.breaker import State
from netra.core.verdict.causes import TABLE, Owner
from netra.core.verdict.operations import OPERATIONS
from netra.core.verdict.outcomes import Verdict
from netra.core.verdict.reply import Shake
from netra.lab.connection import Connection, Delivery
from netra.lab.scripts import json_message, message
from tests.support import wire
from tests.support.gateways import PREFIX
from tests.support.wire import KeptLine, as_json
from tests.web.consoles import Operated, operated

if TYPE_CHECKING:
    from prometheus_client import Metric

ROUNDS_COUNT: Final = 4
LINES_COUNT: Final = 5
"""How many connections the flood comes on."""
JOURNEYS: Final = ("login", "register", "refresh", "logout", "verify", "me", "config")

CLOSED: Final = {
    "journey": {*JOURNEYS, "other"},
    "operation": {*OPERATIONS, "other"},
    "verdict": set(get_args(Verdict)),
    "code": {*TABLE, "ok", "other"},
    "owner": {*(each.value for each in Owner), "none"},
    "state": {*get_args(State), *get_args(Shake)},
    "calls": {"login", "token"},
    "share": {"all", "login"},
    "phase": {"dns", "connect", "tls", "wait", "read"},
    "result": {"hit", "miss", "stale"},
    "budget": {"login", "token", "connect"},
    "secret": {"current", "previous"},
}
"""By label: everything that it may say. What is left out says no more than a few words of ours."""
OURS: Final = frozenset({"le", "fingerprint", "version", "python", "severity", "what"})

Series = frozenset[tuple[str, tuple[tuple[str, str], ...]]]


class Hostile(NamedTuple):
    """One request as a stranger might send it."""

    method: str
    target: str
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes | None = None


def texts() -> Iterator[str]:
    """Texts of which no two are alike, such as break formats that are written by hand."""
    shapes = ("made-up-{}", 'quo"te-{}', "back\\slash-{}", "brace}}-{}", "line\\n-{}", "percent%0a-{}", "ok_{}")
    return (shape.format(f"{number:x}-made-up") for number, shape in zip(count(), cycle(shapes)))


def visible(text: str) -> str:
    """The same as may stand in a request's first line."""
    return "".join(each if each.isalnum() or each in "-_." else f"%{ord(each):02X}" for each in text)


JSON: Final = ("Content-Type", "application/json")
KINDS: Final[tuple[Callable[[str], Hostile], ...]] = (
    lambda text: Hostile("POST", f"{PREFIX}/login", (JSON,), as_json({"email": text, "password": text})),
    lambda text: Hostile("POST", f"{PREFIX}/login", (JSON,), as_json({"email": text, "journey": text, text: text})),
    lambda text: Hostile("POST", f"{PREFIX}/login", (("Content-Type", text),), text.encode()),
    lambda text: Hostile("POST", f"{PREFIX}/register", (JSON,), as_json({"email": text, "password": text})),
    lambda text: Hostile("POST", f"{PREFIX}/refresh", (JSON,), as_json({"refresh_token": text})),
    lambda text: Hostile("POST", f"{PREFIX}/logout", (JSON,), as_json({"refresh_token": text})),
    lambda text: Hostile("GET", f"{PREFIX}/verify/{visible(text)}", (("Authorization", f"Bearer {visible(text)}"),)),
    lambda text: Hostile("GET", f"{PREFIX}/me", (("Authorization", f"{visible(text)} {visible(text)}"),)),
    lambda text: Hostile("GET", f"{PREFIX}/config?{visible(text)}={visible(text)}"),
    lambda text: Hostile("GET", f"/{visible(text)}", (("Host", f"{visible(text)}.example.com"),)),
    lambda text: Hostile("GET", f"/problems/{visible(text)}"),
    lambda text: Hostile(
        "POST", f"{PREFIX}/login",
        (JSON, ("X-Request-ID", text), ("User-Agent", text), ("X-Forwarded-For", text), ("traceparent", text)),
        as_json({"email": text, "password": text}),
    ),
    lambda text: Hostile(f"MADE-{visible(text).upper().replace('%', '').replace('_', '')[-12:]}", f"{PREFIX}/login"),
)  # fmt: skip
STATUSES: Final = (200, 201, 299, 302, 400, 401, 403, 404, 409, 418, 422, 423, 429, 500, 502, 503, 504, 599)
BACKGROUND: Final = frozenset({"health", "handshake", "keys", "revocations"})


def coded(status: int, text: str) -> bytes:
    """A reply with a code that nobody knows."""
    return json_message(status, {"code": text, "error": text, "valid": False, "title": text, "status": status})


def odd(status: int, text: str) -> bytes:
    """A reply with strange words wherever words are expected."""
    said = {text: text, "detail": {"code": text}, "version": text, "service_id": text, "key_ids": [text]}
    return json_message(status, {**said, "endpoints": [text], "secret_fingerprints": [text], "server_time": 1})


def page(status: int, text: str) -> bytes:
    """A reply of whoever stands in between."""
    headers = (("Content-Type", "text/html"), ("Server", visible(text)), ("Via", f"1.1 {visible(text)}"))
    return message(status, headers, f"<h1>{text}</h1>".encode())


class Stranger:
    """An auth service that says in every reply what nobody has said before."""

    def __init__(self) -> None:
        self._texts = texts()
        self.status, self.form = 200, coded

    async def __call__(self, connection: Connection, delivery: Delivery) -> None:
        """Answer once."""
        await connection.send(self.form(self.status, next(self._texts)))


async def series(gateway: Operated) -> Series:
    """Every series of a scrape, its value apart."""
    answer = await gateway.ask("GET", "/metrics")
    assert answer.status == 200
    told: Iterable[Metric] = families(answer.body.decode())
    return frozenset((each.name, tuple(sorted(each.labels.items()))) for family in told for each in family.samples)


async def flooded(gateway: Operated, requests: Iterable[Hostile]) -> None:
    """Send all of these, whatever is answered."""
    waiting = iter(requests)

    async def line() -> None:
        kept: KeptLine | None = None
        for each in waiting:
            kept = kept or await KeptLine.to(gateway.public)
            answer = await kept.ask(*each)
            if answer.header("connection") == "close":
                kept.writer.close()
                kept = None
        if kept is not None:
            kept.writer.close()

    await asyncio.gather(*(line() for _ in range(LINES_COUNT)))


@pytest.mark.parametrize("wire_name", ["netra", "supabase", "spring"])
async def test_a_flood_of_what_nobody_has_ever_said_adds_no_series(wire_name: str) -> None:
    async with operated(NETRA_WIRE=wire_name) as gateway:
        stranger = Stranger()
        for name, template in gateway.assembled.gateway.parts.wire.templates.items():
            if name not in BACKGROUND:
                gateway.lab.answer(template.path.partition("?")[0], stranger)
        requests = (kind(text) for kind, text in zip(cycle(KINDS), texts(), strict=False))
        told: list[Series] = []
        for number in range(ROUNDS_COUNT):
            # Every kind of request meets every kind of reply in the first round: what can be counted of them, is then.
            for stranger.status, stranger.form in product(STATUSES, (coded, odd, page)):
                await flooded(gateway, islice(requests, len(KINDS)))
            told.append(await series(gateway))
            assert_closed(told[number])
            assert told[number] == told[0]
    journeys = {dict(labels)["journey"] for name, labels in told[0] if name == "netra_attempts_total"}
    assert {"login", "verify"} <= journeys, "the flood has not even arrived"


async def test_nor_does_an_auth_service_that_says_of_itself_what_it_likes() -> None:
    async with operated(NETRA_PROBE_INTERVAL_S="0.1") as gateway:
        stranger = Stranger()
        stranger.form = odd
        for path in ("/auth/handshake", "/auth/revocations", "/.well-known/jwks.json"):
            gateway.lab.answer(path, stranger)
        async with asyncio.timeout(wire.LONGEST_S):
            while len(gateway.lab.delivered("/auth/handshake")) < 3:
                await asyncio.sleep(0.05)
        assert_closed(await series(gateway))


def assert_closed(told: Series) -> None:
    """Every label says what it may say, and nothing that came from outside."""
    for name, labels in told:
        for label, value in labels:
            assert label in CLOSED or label in OURS, (name, label)
            assert value in CLOSED.get(label, {value}), (name, label, value)
            assert "made-up" not in value, (name, label, value)


async def test_nor_does_a_flood_of_the_admin_listener() -> None:
    async with operated() as gateway:
        before = await series(gateway)
        for text in islice(texts(), 300):
            await wire.ask(gateway.admin, "GET", f"/trace/{visible(text)}")
            await wire.ask(gateway.admin, "GET", f"/{visible(text)}?{visible(text)}", [("Host", visible(text))])
        assert await series(gateway) == before
