"""Who may use a listener that is not public: a table of hosts, origins and tokens.

It must never be enough to know an address: the name by which one asks counts as well.
"""

import pytest

from netra.asgi.admission import AdminRules
from netra.asgi.words import Headers, Refusal, Request
from netra.core.secret import Secret
from netra.testing.fakes import FakeClock

TOKEN = "test-only-admin-token-Hj4Kq9Zs2Wn7Vb1"
GOOD_HOST = (b"host", b"localhost:9901")
AUTHORISED = (b"authorization", b"Bearer " + TOKEN.encode())


def refused(
    rules: AdminRules,
    *headers: tuple[bytes, bytes],
    method: str = "GET",
    path: str = "/health",
    peer: str | None = "10.0.0.9",
) -> Refusal | None:
    """Why a request of this peer is not admitted."""
    found: Headers = list(headers)
    request = Request(
        method=method, path=path, headers=found, request_id="request-1", received_at_s=0.0, client_address=peer
    )
    return rules(request, found)


def status_of(rules: AdminRules, *headers: tuple[bytes, bytes], method: str = "GET", path: str = "/health") -> int:
    """The status of the refusal; 200 when there is none."""
    refusal = refused(rules, *headers, method=method, path=path)
    return 200 if refusal is None else refusal.status


@pytest.mark.parametrize(
    ("bind_host", "listed", "host", "status"),
    [
        ("127.0.0.1", (), b"localhost", 200),
        ("127.0.0.1", (), b"LocalHost:9901", 200),
        ("127.0.0.1", (), b"127.0.0.1", 200),
        ("127.0.0.1", (), b"127.0.0.1:1", 200),
        ("127.0.0.1", (), b"[::1]", 200),
        ("127.0.0.1", (), b"[::1]:9901", 200),
        ("10.0.0.7", (), b"10.0.0.7:9901", 200),
        ("fd00::7", (), b"[fd00::7]:9901", 200),
        ("fd00::7", (), b"[FD00::7]", 200),
        ("FD00::7", (), b"[fd00::7]", 200),
        ("Admin.Internal", (), b"admin.internal", 200),
        ("127.0.0.1", ("admin.example.com",), b"admin.example.com:9901", 200),
        ("127.0.0.1", ("Admin.Example.COM",), b"ADMIN.example.com", 200),
        ("::", ("fd00::7",), b"[fd00::7]:9901", 200),
        ("::", ("fd00::7",), b"[fd00::8]:9901", 421),
        ("127.0.0.1", (), b"127.0.0.2", 421),
        ("127.0.0.1", (), b"10.0.0.7", 421),
        ("10.0.0.7", (), b"10.0.0.8", 421),
        ("127.0.0.1", (), b"evil.test", 421),
        ("127.0.0.1", (), b"localhost.evil.test", 421),
        ("127.0.0.1", (), b"evil.test:localhost", 421),
        ("127.0.0.1", (), b"localhost:9901.evil.test", 421),
        ("127.0.0.1", (), b"localhost:", 200),
        ("127.0.0.1", (), b"localhost:x", 421),
        ("127.0.0.1", (), b"user@localhost", 421),
        ("127.0.0.1", (), b"localhost@evil.test", 421),
        ("127.0.0.1", (), b"[::1].evil.test", 421),
        ("127.0.0.1", (), b"[::1]:x", 421),
        ("127.0.0.1", (), b"[::1", 421),
        ("127.0.0.1", (), b"[::2]", 421),
        ("127.0.0.1", (), b"::1", 421),
        ("127.0.0.1", (), b"localhost.", 421),
        ("127.0.0.1", (), b"0.0.0.0:9901", 421),
        ("127.0.0.1", (), b"", 421),
        ("127.0.0.1", (), b"l\xf6calhost", 421),
        ("127.0.0.1", ("admin.example.com",), b"sub.admin.example.com", 421),
    ],
    ids=range(36),
)
def test_only_its_own_names_are_answered(bind_host: str, listed: tuple[str, ...], host: bytes, status: int) -> None:
    assert status_of(AdminRules(bind_host, listed), (b"host", host)) == status


def test_without_a_host_or_with_two_nobody_is_answered() -> None:
    rules = AdminRules("127.0.0.1")
    assert status_of(rules) == 421
    assert status_of(rules, GOOD_HOST, GOOD_HOST) == 421


def test_what_proxies_say_is_not_heard() -> None:
    rules = AdminRules("127.0.0.1")
    assert status_of(rules, (b"host", b"evil.test"), (b"x-forwarded-host", b"localhost")) == 421
    assert status_of(rules, (b"host", b"evil.test"), (b"forwarded", b"host=localhost")) == 421


@pytest.mark.parametrize(
    ("origin", "site", "status"),
    [
        (None, None, 200),
        (b"http://localhost:9901", None, 200),
        (b"https://localhost:9901", None, 200),
        (b"http://LOCALHOST:9901", b"same-origin", 200),
        (None, b"same-origin", 200),
        (None, b"none", 200),
        (b"http://localhost:8000", None, 403),
        (b"http://localhost", None, 403),
        (b"http://127.0.0.1:9901", None, 403),
        (b"http://evil.test", None, 403),
        (b"null", None, 403),
        (b"", None, 403),
        (b"http://localhost:9901.evil.test", None, 403),
        (b"file://localhost:9901", None, 403),
        (None, b"cross-site", 403),
        (None, b"same-site", 403),
        (None, b"anything", 403),
        (b"http://localhost:9901", b"cross-site", 403),
        (b"http://evil.test", b"same-origin", 403),
    ],
    ids=range(19),
)
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
def test_changes_come_from_its_own_pages_only(
    method: str, origin: bytes | None, site: bytes | None, status: int
) -> None:
    headers = [GOOD_HOST]
    headers += [(b"origin", origin)] if origin is not None else []
    headers += [(b"sec-fetch-site", site)] if site is not None else []
    rules = AdminRules("127.0.0.1")
    assert status_of(rules, *headers, method=method) == status
    assert status_of(rules, *headers, method="GET") == 200, "reading is left to the browser's own rules"


def test_of_two_origins_none_is_believed() -> None:
    headers = [GOOD_HOST, (b"origin", b"http://localhost:9901"), (b"origin", b"http://evil.test")]
    assert status_of(AdminRules("127.0.0.1"), *headers, method="POST") == 403


# --- the token -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("authorization", "status"),
    [
        (b"Bearer " + TOKEN.encode(), 200),
        (b"bearer  " + TOKEN.encode() + b" ", 200),
        (None, 401),
        (b"", 401),
        (b"Basic " + TOKEN.encode(), 401),
        (TOKEN.encode(), 401),
        (b"Bearer", 401),
        (b"Bearer ", 401),
        (b"Bearer " + TOKEN[:-1].encode(), 401),
        (b"Bearer " + TOKEN.encode() + b"x", 401),
        (b"Bearer " + TOKEN.upper().encode(), 401),
        (b"Bearer \xe4\xf6\xfc", 401),
    ],
    ids=range(12),
)
def test_with_a_token_set_it_must_be_shown(authorization: bytes | None, status: int) -> None:
    rules = AdminRules("10.0.0.7", (), Secret(TOKEN))
    headers = [GOOD_HOST] + ([(b"authorization", authorization)] if authorization is not None else [])
    assert status_of(rules, *headers) == status


def test_two_tokens_are_none() -> None:
    rules = AdminRules("10.0.0.7", (), Secret(TOKEN))
    assert status_of(rules, GOOD_HOST, AUTHORISED, AUTHORISED) == 401


@pytest.mark.parametrize("path", ["/livez", "/readyz", "/metrics", "/problems/dns_error"])
def test_some_paths_need_no_token_and_still_a_good_host(path: str) -> None:
    rules = AdminRules("10.0.0.7", (), Secret(TOKEN))
    assert status_of(rules, GOOD_HOST, path=path) == 200
    assert status_of(rules, (b"host", b"evil.test"), path=path) == 421


@pytest.mark.parametrize(
    "path", ["/", "/health", "/openapi.json", "/livez/x", "/metricsx", "/problems", "/demo/fault/x"]
)
def test_every_other_path_needs_it(path: str) -> None:
    assert status_of(AdminRules("10.0.0.7", (), Secret(TOKEN)), GOOD_HOST, path=path) == 401


def test_a_token_is_asked_for_after_host_and_origin() -> None:
    rules = AdminRules("10.0.0.7", (), Secret(TOKEN))
    assert status_of(rules, (b"host", b"evil.test"), AUTHORISED) == 421
    assert status_of(rules, GOOD_HOST, AUTHORISED, (b"origin", b"http://evil.test"), method="POST") == 403
    assert status_of(rules, GOOD_HOST, method="POST") == 401


# --- wrong tokens -----------------------------------------------------------------------------------------------------


class Door:
    """An admin listener with a token, and a clock in hand."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self._rules = AdminRules("10.0.0.7", (), Secret(TOKEN), self.clock.now_s)

    def knock(self, token: bytes, peer: str | None = "10.0.0.9", path: str = "/health") -> tuple[int, int | None]:
        """Status and seconds to wait for whoever shows this token."""
        refusal = refused(self._rules, GOOD_HOST, (b"authorization", b"Bearer " + token), peer=peer, path=path)
        return (200, None) if refusal is None else (refusal.status, refusal.retry_after_s)

    def guesses(self, count: int, peer: str | None = "10.0.0.9") -> list[int]:
        """The statuses of so many wrong tokens."""
        return [self.knock(b"guess", peer)[0] for _ in range(count)]


RIGHT = TOKEN.encode()


def test_the_eleventh_wrong_token_of_a_minute_has_to_wait_and_so_has_a_right_one_from_there() -> None:
    door = Door()
    assert door.guesses(10) == [401] * 10
    assert door.knock(b"guess") == (429, 60)
    door.clock.advance(20.0)
    assert door.knock(RIGHT) == (429, 40)
    assert door.guesses(1_000) == [429] * 1_000, "what is refused is not counted again"
    door.clock.advance(40.0)
    assert door.knock(RIGHT) == (200, None)


def test_the_right_token_is_let_in_from_every_other_address() -> None:
    door = Door()
    assert door.guesses(11, "2001:db8::1")[-1] == 429
    assert door.knock(RIGHT, "10.0.0.10") == (200, None)
    assert door.knock(RIGHT, "2001:db8:0:1::1") == (200, None)
    assert door.knock(RIGHT, "2001:db8::ffff") == (429, 60), "an IPv6 network is one caller"


@pytest.mark.parametrize("peer", ["127.0.0.1", "127.9.9.9", "::1"])
def test_on_this_machine_a_right_token_is_let_in_however_many_wrong_ones_came(peer: str) -> None:
    door = Door()
    assert door.guesses(11, peer) == [401] * 10 + [429]
    assert door.knock(RIGHT, peer) == (200, None)
    assert door.knock(b"guess", peer) == (429, 60)


@pytest.mark.parametrize("peer", [None, "unix:"])
def test_peers_without_an_address_have_one_limit_together(peer: str | None) -> None:
    door = Door()
    assert door.guesses(11, peer) == [401] * 10 + [429]
    assert door.knock(RIGHT, peer)[0] == 429


def test_neither_the_right_token_nor_a_missing_one_is_ever_counted() -> None:
    rules = AdminRules("10.0.0.7", (), Secret(TOKEN))
    assert {status_of(rules, GOOD_HOST) for _ in range(50)} == {401}
    assert {status_of(rules, GOOD_HOST, AUTHORISED) for _ in range(50)} == {200}


def test_what_needs_no_token_is_there_for_those_who_have_to_wait() -> None:
    door = Door()
    door.guesses(11)
    assert [door.knock(b"guess", path=path)[0] for path in ("/livez", "/readyz", "/metrics")] == [200, 200, 200]
