"""From an issuer's name to its keys, over real sockets: where it is asked, what is believed, and what never is.

It must never reach beyond this machine.
"""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Final

import pytest

from netra.core.events import KeysChanged
from netra.core.pace.budget import RetryBudget
from netra.core.verdict.operations import DISCOVERY, KEYS, OPERATIONS
from netra.core.verdict.outcomes import Accepted, Outcome, Rejected, Unknown
from netra.lab.certificates import Authority
from netra.lab.connection import Script
from netra.lab.faulty_auth_service import FaultyAuthService
from netra.lab.scripts import html, json_reply, redirect, reply
from netra.link.calls import Link
from netra.link.clock import SystemClock
from netra.link.exchange import HttpExchange
from netra.link.seals import Seals
from netra.link.slots import Slots
from netra.link.tls.trust import Trust, TrustFiles
from netra.testing.fakes import Recorded
from netra.upkeep.discovery import ASK_AGAIN_S, Discovered, oidc_wire
from netra.upkeep.keys import KeyRing
from tests.upkeep.issuers import published

DOCUMENT: Final = "/.well-known/openid-configuration"
HERE: Final = ("127.0.0.1",)


class ShiftedClock(SystemClock):
    """The machine's clock, set forward by a test."""

    ahead_s = 0.0

    def now_s(self) -> float:
        return SystemClock.now_s() + self.ahead_s


class Links:
    """A link to each origin that was asked for, as a gateway has them."""

    def __init__(self, trusting: Path | None = None) -> None:
        self.clock = ShiftedClock()
        self.to: dict[str, Link] = {}
        self._exchanges: list[HttpExchange] = []
        self._files = TrustFiles(ca=str(trusting) if trusting else None)

    def __call__(self, origin: str) -> Link:
        if origin not in self.to:
            exchange = HttpExchange(
                origin,
                connect_timeout_s=1.0,
                idle_connection_s=4.0,
                clock=self.clock,
                trust=Trust(self.clock, self._files) if origin.startswith("https") else None,
            )
            self._exchanges.append(exchange)
            budget = RetryBudget(self.clock.now_s())
            self.to[origin] = Link(exchange, Seals.none(), Slots(2), budget, self.clock, 1)
        return self.to[origin]

    async def close(self) -> None:
        for each in self._exchanges:
            await each.close()


@pytest.fixture
async def links() -> AsyncIterator[Links]:
    made = Links()
    yield made
    await made.close()


@pytest.fixture
async def issuer() -> AsyncIterator[FaultyAuthService]:
    async with FaultyAuthService() as service:
        yield service


@pytest.fixture
async def elsewhere() -> AsyncIterator[FaultyAuthService]:
    async with FaultyAuthService() as service:
        yield service


def keys(*key_ids: str) -> Script:
    """A published set."""
    return json_reply(200, {"keys": list(published(*key_ids).value.keys)})


def document(issuer: str, jwks_uri: str, **more: Any) -> Script:
    """What an issuer says of itself, with all that is of no use to us."""
    usual = {"token_endpoint": f"{issuer}/token", "response_types_supported": ["code"], "claims_supported": []}
    return json_reply(200, {**usual, "issuer": issuer, "jwks_uri": jwks_uri, **more})


def key_ids(outcome: Outcome[Any]) -> list[str]:
    """The names of the keys that came."""
    assert isinstance(outcome, Accepted), outcome
    return [each["kid"] for each in outcome.value.keys]


def code_and_reason(outcome: Outcome[Any]) -> tuple[str, str]:
    """Why no keys came."""
    assert isinstance(outcome, Unknown), outcome
    return outcome.cause.code, outcome.facts.get("reason", "")


def paths(service: FaultyAuthService) -> list[str]:
    """What was asked for, in order."""
    return [each.path for each in service.journal]


# --- where it is asked ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["", "/", "/realms/shop", "/realms/shop/"])
async def test_the_document_stands_below_the_issuer_and_says_where_the_keys_are(
    path: str, issuer: FaultyAuthService, links: Links
) -> None:
    name, beneath = issuer.url + path, path.rstrip("/")
    issuer.answer(beneath + DOCUMENT, document(name, f"{issuer.url}/certs", introspection_endpoint=f"{name}/ask"))
    issuer.answer("/certs", keys("a", "b"))
    discovered = Discovered(name, links, plaintext_hosts=HERE)
    assert discovered.introspection_endpoint is None
    assert key_ids(await discovered.fetch()) == ["a", "b"]
    assert paths(issuer) == [beneath + DOCUMENT, "/certs"]
    assert discovered.introspection_endpoint == f"{name}/ask"


async def test_keys_may_stand_at_another_origin_and_behind_a_query(
    issuer: FaultyAuthService, elsewhere: FaultyAuthService, links: Links
) -> None:
    issuer.answer(DOCUMENT, document(issuer.url, f"{elsewhere.url}/keys?p=b2c_1&v=2"))
    elsewhere.answer("/keys", keys("a"))
    assert key_ids(await Discovered(issuer.url, links, plaintext_hosts=HERE).fetch()) == ["a"]
    assert [(each.method, each.path, each.query) for each in issuer.journal] == [("GET", DOCUMENT, "")]
    assert [(each.method, each.path, each.query) for each in elsewhere.journal] == [("GET", "/keys", "p=b2c_1&v=2")]
    assert set(links.to) == {issuer.url, elsewhere.url}


async def test_nobody_learns_there_who_we_are(issuer: FaultyAuthService, links: Links) -> None:
    issuer.answer(DOCUMENT, document(issuer.url, f"{issuer.url}/certs"))
    issuer.answer("/certs", keys("a"))
    await Discovered(issuer.url, links, plaintext_hosts=HERE).fetch()
    named = {name.lower() for each in issuer.journal for name, _ in each.headers}
    assert named == {"host", "accept", "accept-encoding", "x-request-id", "traceparent"}


def test_an_openid_provider_offers_discovery_and_keys_and_no_logins() -> None:
    wire = oidc_wire()
    assert {name for name in OPERATIONS if name in wire.templates} == {DISCOVERY.name, KEYS.name}
    assert wire.credentials == frozenset()
    assert not any(template.sealed for template in wire.templates.values())


# --- how often ------------------------------------------------------------------------------------------------------


async def test_the_document_is_read_once_an_hour(issuer: FaultyAuthService, links: Links) -> None:
    issuer.answer(DOCUMENT, document(issuer.url, f"{issuer.url}/certs"))
    issuer.answer("/certs", keys("a"))
    discovered = Discovered(issuer.url, links, plaintext_hosts=HERE)
    for _ in range(3):
        await discovered.fetch()
        links.clock.ahead_s += ASK_AGAIN_S / 2 - 1
    assert paths(issuer) == [DOCUMENT, "/certs", "/certs", "/certs"]
    links.clock.ahead_s += 3
    issuer.journal.clear()
    await discovered.fetch()
    assert paths(issuer) == [DOCUMENT, "/certs"]


async def test_keys_that_have_moved_are_found_at_once(issuer: FaultyAuthService, links: Links) -> None:
    issuer.answer(DOCUMENT, document(issuer.url, f"{issuer.url}/old"))
    issuer.answer("/old", keys("a"))
    discovered = Discovered(issuer.url, links, plaintext_hosts=HERE)
    await discovered.fetch()
    issuer.answer("/old", reply(404))
    issuer.answer("/new", keys("b"))
    issuer.answer(DOCUMENT, document(issuer.url, f"{issuer.url}/new"))
    assert key_ids(await discovered.fetch()) == ["b"]
    assert key_ids(await discovered.fetch()) == ["b"]
    assert paths(issuer) == [DOCUMENT, "/old", "/old", DOCUMENT, "/new", "/new"]


async def test_keys_that_are_gone_are_not_asked_for_twice(issuer: FaultyAuthService, links: Links) -> None:
    issuer.answer(DOCUMENT, document(issuer.url, f"{issuer.url}/certs"))
    issuer.answer("/certs", keys("a"))
    discovered = Discovered(issuer.url, links, plaintext_hosts=HERE)
    await discovered.fetch()
    issuer.answer("/certs", reply(404))
    issuer.journal.clear()
    assert code_and_reason(await discovered.fetch()) == ("endpoint_not_found", "")
    assert paths(issuer) == ["/certs", DOCUMENT]
    issuer.answer(DOCUMENT, reply(500))
    assert code_and_reason(await discovered.fetch()) == ("endpoint_not_found", "")
    assert paths(issuer)[2:] == ["/certs", DOCUMENT]


async def test_keys_are_had_from_where_they_were_while_the_document_is_not_to_be_had(
    issuer: FaultyAuthService, elsewhere: FaultyAuthService, links: Links
) -> None:
    issuer.answer(DOCUMENT, document(issuer.url, f"{elsewhere.url}/certs"))
    elsewhere.answer("/certs", keys("a"))
    discovered = Discovered(issuer.url, links, plaintext_hosts=HERE)
    await discovered.fetch()
    await issuer.stop()
    links.clock.ahead_s += ASK_AGAIN_S + 1
    elsewhere.answer("/certs", keys("b"))
    assert key_ids(await discovered.fetch()) == ["b"]


# --- what is believed -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("says", "expected", "reason"),
    [
        ("https://elsewhere.example.com", "{url}", "names another issuer than OIDC_ISSUER"),
        ("{url}/", "{url}", "with a slash at the end"),
        ("{url}", "{url}/", "without a slash at the end"),
        ("{URL}", "{url}", "another issuer"),
        ("{url}/realms/other", "{url}/realms/shop", "another issuer"),
    ],
)
async def test_another_issuer_is_refused_letter_by_letter(
    says: str, expected: str, reason: str, issuer: FaultyAuthService, links: Links
) -> None:
    def filled(text: str) -> str:
        return text.format(url=issuer.url, URL=issuer.url.replace("http", "HTTP"))

    name = filled(expected)
    beneath = name.removeprefix(issuer.url).rstrip("/")
    issuer.answer(beneath + DOCUMENT, document(filled(says), f"{issuer.url}/certs"))
    issuer.answer("/certs", keys("a"))
    code, why = code_and_reason(await Discovered(name, links, plaintext_hosts=HERE).fetch())
    assert code == "proxy_configuration_error"
    assert reason in why
    assert "elsewhere" not in why
    assert "/certs" not in paths(issuer)


async def test_an_issuer_that_becomes_another_one_is_refused_and_the_keys_stay(
    issuer: FaultyAuthService, links: Links
) -> None:
    issuer.answer(DOCUMENT, document(issuer.url, f"{issuer.url}/certs"))
    issuer.answer("/certs", keys("a"))
    told = Recorded()
    ring = KeyRing(Discovered(issuer.url, links, plaintext_hosts=HERE).fetch, links.clock, told)
    running = asyncio.create_task(ring.run())
    await ring.first_ended.wait()
    issuer.answer(DOCUMENT, document("https://elsewhere.example.com", f"{issuer.url}/certs"))
    issuer.answer("/certs", keys("b"))
    links.clock.ahead_s += ASK_AGAIN_S + 1
    now_s = links.clock.now_s()
    assert isinstance(await ring.newer(now_s, now_s + 10), Unknown)
    assert ring.current is not None
    assert ring.current.key_ids == ("a",)
    good, bad = told.of(KeysChanged)
    assert (good.key_ids, good.code) == (("a",), None)
    assert (bad.key_ids, bad.code) == (("a",), "proxy_configuration_error")
    assert "another issuer" in bad.reason
    running.cancel()


@pytest.mark.parametrize("at", ["document", "keys"])
async def test_a_redirect_is_never_followed(
    at: str, issuer: FaultyAuthService, elsewhere: FaultyAuthService, links: Links
) -> None:
    elsewhere.answer("/certs", keys("evil"))
    elsewhere.answer(DOCUMENT, document(issuer.url, f"{elsewhere.url}/certs"))
    issuer.answer(DOCUMENT, document(issuer.url, f"{issuer.url}/certs"))
    issuer.answer("/certs", redirect(302, f"{elsewhere.url}/certs"))
    if at == "document":
        issuer.answer(DOCUMENT, redirect(301, elsewhere.url + DOCUMENT))
    outcome = await Discovered(issuer.url, links, plaintext_hosts=HERE).fetch()
    assert code_and_reason(outcome) == ("redirected", "")
    assert elsewhere.journal == []


async def test_without_tls_only_hosts_that_are_listed_are_asked(issuer: FaultyAuthService, links: Links) -> None:
    issuer.answer(DOCUMENT, document(issuer.url, f"http://localhost:{issuer.port}/certs"))
    issuer.answer("/certs", keys("a"))
    code, why = code_and_reason(await Discovered(issuer.url, links, plaintext_hosts=HERE).fetch())
    assert code == "proxy_configuration_error"
    assert "NETRA_PLAINTEXT_HOSTS" in why
    assert paths(issuer) == [DOCUMENT]
    listed = Discovered(issuer.url, links, plaintext_hosts=(*HERE, "localhost"))
    assert key_ids(await listed.fetch()) == ["a"]


ADDRESSES = [
    "/certs", "certs", "//127.0.0.1/certs", "ftp://127.0.0.1/certs", "file:///etc/hostname", "https://", "https:///x",
    "https://user@127.0.0.1/certs", "https://user:word@127.0.0.1/certs", "https://127.0.0.1/certs#here",
    "https://127.0.0.1:0/certs", "https://127.0.0.1:99999/certs", "https://127.0.0.1:x/certs", "https://[::1/certs",
    "https://127.0.0.1/cer ts", "https://127.0.0.1/certs\r\nX-Evil: 1", "https://127.0.0.1/\tcerts",
    "https://bücher.example/certs", "https://127.0.0.1\\@evil.example/certs", " https://127.0.0.1/certs",
]  # fmt: skip


@pytest.mark.parametrize("address", ADDRESSES)
async def test_an_address_that_is_none_is_never_asked(address: str, issuer: FaultyAuthService, links: Links) -> None:
    issuer.answer(DOCUMENT, document(issuer.url, address))
    code, why = code_and_reason(await Discovered(issuer.url, links, plaintext_hosts=HERE).fetch())
    assert (code, why) == (
        "proxy_configuration_error",
        "the discovery document names an address of keys that cannot be used",
    )
    assert set(links.to) == {issuer.url}


BAD_DOCUMENTS: Final[dict[str, tuple[Script, str]]] = {
    "a page": (html(200, "<html>Welcome</html>"), "invalid_response"),
    "nothing": (reply(200), "invalid_response"),
    "a list": (json_reply(200, []), "invalid_response"),
    "no keys": (json_reply(200, {"issuer": "https://id.example.com"}), "invalid_response"),
    "no issuer": (json_reply(200, {"jwks_uri": "https://id.example.com/certs"}), "invalid_response"),
    "an issuer of another type": (
        json_reply(200, {"issuer": ["x"], "jwks_uri": "https://a/certs"}),
        "invalid_response",
    ),
    "a member twice": (reply(200, b'{"issuer":"a","issuer":"b","jwks_uri":"c"}'), "invalid_response"),
    "too much": (reply(200, b" " * 70_000), "response_too_large"),
    "not there": (reply(404), "endpoint_not_found"),
    "out of order": (reply(503), "auth_service_unavailable"),
    "a refusal of fields": (
        json_reply(400, {"errors": [{"pointer": "/email", "code": "missing"}]}),
        "request_not_understood",
    ),
}


@pytest.mark.parametrize("what", BAD_DOCUMENTS)
async def test_a_document_that_is_none_is_no_reason_to_ask_anybody_for_keys(
    what: str, issuer: FaultyAuthService, links: Links
) -> None:
    script, code = BAD_DOCUMENTS[what]
    issuer.answer(DOCUMENT, script)
    outcome = await Discovered(issuer.url, links, plaintext_hosts=HERE).fetch()
    assert isinstance(outcome, Unknown)
    assert outcome.cause.code == code
    assert paths(issuer) == [DOCUMENT]


async def test_a_set_of_ten_thousand_keys_is_not_taken(issuer: FaultyAuthService, links: Links) -> None:
    issuer.answer(DOCUMENT, document(issuer.url, f"{issuer.url}/certs"))
    discovered = Discovered(issuer.url, links, plaintext_hosts=HERE)
    for body in (b'{"keys":[' + b"{}," * 10_000 + b"{}]}", b'{"keys":[' + b'{"kty":"OKP"},' * 10_000 + b"{}]}"):
        issuer.answer("/certs", reply(200, body))
        outcome = await discovered.fetch()
        assert not isinstance(outcome, Accepted | Rejected)
        assert outcome.cause.code in ("invalid_response", "response_too_large")


async def test_an_issuer_that_says_nothing_costs_its_budget_and_no_more(
    issuer: FaultyAuthService, links: Links
) -> None:
    async def silent(connection: Any, delivery: Any) -> None:
        await asyncio.sleep(30.0)

    issuer.answer(DOCUMENT, silent)
    discovered = Discovered(issuer.url, links, plaintext_hosts=HERE, budget_s=0.2)
    async with asyncio.timeout(5.0):
        assert code_and_reason(await discovered.fetch())[0] == "response_timeout"
    issuer.answer(DOCUMENT, document(issuer.url, f"{issuer.url}/certs"))
    issuer.answer("/certs", silent)
    async with asyncio.timeout(5.0):
        assert code_and_reason(await discovered.fetch())[0] == "response_timeout"


# --- over TLS -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("quality", ["good", "expired", "other-name", "other-authority"])
async def test_only_a_certificate_that_is_trusted_lets_keys_be_read(quality: str, tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    links = Links(authority.file)
    async with (
        FaultyAuthService(tls=authority.good()) as issuer,
        FaultyAuthService(tls=authority.of_quality(quality)) as elsewhere,
    ):
        issuer.answer(DOCUMENT, document(issuer.url, f"{elsewhere.url}/certs"))
        elsewhere.answer("/certs", keys("a"))
        outcome = await Discovered(issuer.url, links).fetch()
        if quality == "good":
            assert key_ids(outcome) == ["a"]
        else:
            assert code_and_reason(outcome) == ("tls_certificate_error", "")
            assert elsewhere.journal == []
        await links.close()
