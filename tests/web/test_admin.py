"""The admin listener: health in detail for operators, and nobody else let in.

It must never be asked without a host: it answers to its own names alone.
"""

import json
from typing import Any

import pytest
from joserfc.jwk import ECKey

from netra.core.findings import Finding, Severity
from netra.core.pace.breaker import MIN_CALLS_COUNT, Breaker
from netra.core.secret import Secret
from netra.core.token.jwt import Header
from netra.core.verdict.causes import TABLE
from netra.core.verdict.operations import Jwks
from netra.core.verdict.outcomes import Unknown, unknown
from netra.core.verdict.reply import Standing
from netra.gateway.tokens import Tokens
from netra.link.calls import never_open
from netra.upkeep.keyset import KeySet, read_keys
from tests.link.support import SECRET
from tests.support.problems import assert_problem
from tests.web.support import URL, VERSION, Front

TOKEN = "test-only-admin-token-Hj4Kq9Zs2Wn7Vb1"
WELL = Standing(
    handshake="accepted", credentials_configured=True, connectivity="success", idempotency=True, probed_at_s=998.5,
    next_probe_at_s=1003.25, environment="staging", shaken_at_s=996.0, ever_accepted=True,
)  # fmt: skip
FINDING = Finding(Severity.WARNING, "disclosure", "NETRA_DISCLOSE", "told in full", "Strangers read it.", "Set it.")


def front(standing: Standing, **options: Any) -> Front:
    """An admin listener of a gateway that stands so."""
    return Front(link={"standing": standing}, now_s=1000.0, **options)


async def test_health_says_what_is_known_and_since_when() -> None:
    answer = await front(WELL, findings=(FINDING,)).operate("GET", "/health")
    assert (answer.status, answer.header("content-type")) == (200, "application/health+json")
    assert answer.json == {
        "status": "pass",
        "version": VERSION,
        "serviceId": "netra-under-test",
        "environment": "staging-of-ours",
        "auth_service_url": URL,
        "time": "2027-01-15T08:00:00.000Z",
        "checks": {
            "auth_service:connectivity": [
                {
                    "componentType": "component", "status": "pass", "observedValue": "success", "code": None,
                    "age_s": 1.5, "time": "2027-01-15T07:59:58.500Z", "next_probe_in_s": 3.2,
                }
            ],
            "auth_service:handshake": [
                {
                    "componentType": "component", "status": "pass", "observedValue": "accepted", "code": None,
                    "age_s": 4.0, "time": "2027-01-15T07:59:56.000Z", "ever_accepted": True,
                    "service_id": "netra-under-test", "idempotency": True, "auth_service_environment": "staging",
                    "auth_service_version": None, "skew_s": None, "differences": [],
                }
            ],
            "auth_service:circuit": [
                {
                    "componentId": kind, "componentType": "component", "status": "pass", "observedValue": "closed",
                    "code": None, "next_try_in_s": 0.0, "calls": 0, "failures": 0,
                }
                for kind in ("login", "token")
            ],
            "gateway:readiness": [{"componentType": "system", "status": "pass", "observedValue": "ready"}],
        },
        "in_flight": {"taken": 0, "limit": 4, "logins": 0, "logins_limit": 4},
        "remembered_tokens": {"good": 0, "refused": 0, "hits": 0, "misses": 0, "stale": 0},
        "findings": [
            {
                "severity": "warning", "code": "disclosure", "subject": "NETRA_DISCLOSE", "what": "told in full",
                "fix": "Set it.",
            }
        ],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "status", "word"),
    [
        ({}, 200, "pass"),
        ({"connectivity": "failed", "probe_code": "dns_error"}, 503, "fail"),
        ({"connectivity": "not_run", "probed_at_s": None, "next_probe_at_s": None}, 200, "warn"),
        ({"handshake": "refused"}, 503, "fail"),
        ({"handshake": "absent"}, 200, "warn"),
        ({"handshake": "not_yet"}, 200, "warn"),
        ({"handshake": "not_yet", "connectivity": "failed"}, 503, "fail"),
    ],
    ids=range(7),
)
async def test_the_worst_of_what_is_known_is_the_whole(changes: dict[str, Any], status: int, word: str) -> None:
    answer = await front(WELL._replace(**changes)).operate("GET", "/health")
    assert (answer.status, answer.json["status"]) == (status, word)
    (connectivity,) = answer.json["checks"]["auth_service:connectivity"]
    assert connectivity["code"] == changes.get("probe_code")
    assert connectivity["next_probe_in_s"] >= 0.0


@pytest.mark.parametrize(("severity", "word"), [(Severity.WARNING, "warn"), (Severity.NOTE, "pass")])
async def test_what_both_sides_do_not_mean_alike_is_a_reason_to_look_and_no_outage(
    severity: Severity, word: str
) -> None:
    differs = Finding(severity, "environment_differs", "ENVIRONMENT", "is staging, theirs test", "", "Set one of them.")
    answer = await front(WELL._replace(differences=(differs,))).operate("GET", "/health")
    assert (answer.status, answer.json["status"]) == (200, word)
    (handshake,) = answer.json["checks"]["auth_service:handshake"]
    assert handshake["differences"] == [
        {
            "severity": severity.value, "code": "environment_differs", "subject": "ENVIRONMENT",
            "what": "is staging, theirs test", "fix": "Set one of them.",
        }
    ]  # fmt: skip


@pytest.mark.parametrize(("passed_s", "state", "word"), [(0.0, "open", "fail"), (6.1, "half_open", "warn")])
async def test_a_circuit_that_is_not_closed_says_why_and_until_when(passed_s: float, state: str, word: str) -> None:
    breaker = Breaker(5.0)
    for _ in range(MIN_CALLS_COUNT):
        breaker.settle(breaker.admit(1000.0 - passed_s), unknown(TABLE["dns_timeout"]), 1000.0 - passed_s, 0.5)
    if state == "half_open":
        breaker.admit(1000.0)
    broken = Front(link={"standing": WELL, "circuits": {**never_open(), "login": breaker}}, now_s=1000.0)
    answer = await broken.operate("GET", "/health")
    login, token = answer.json["checks"]["auth_service:circuit"]
    assert (answer.json["status"], login["status"], token["status"]) == (word, word, "pass")
    assert (login["observedValue"], login["code"]) == (state, "dns_timeout")
    assert login["next_try_in_s"] == (5.0 if state == "open" else 0.0)


async def test_a_circuit_whose_time_has_come_turns_nobody_away_who_looks_before_he_calls() -> None:
    breaker = Breaker(5.0)
    for _ in range(MIN_CALLS_COUNT):
        breaker.settle(breaker.admit(900.0), unknown(TABLE["dns_timeout"]), 900.0, 0.5)
    due = Front(link={"standing": WELL, "circuits": {**never_open(), "login": breaker}}, now_s=1000.0)
    answer = await due.operate("GET", "/health")
    assert (answer.status, answer.json["status"]) == (200, "warn")
    assert answer.json["checks"]["auth_service:circuit"][0]["observedValue"] == "open"


async def test_a_service_that_is_switched_off_is_no_success() -> None:
    off = Front(link={"standing": Standing(), "enabled": False})
    answer = await off.operate("GET", "/health")
    (connectivity,) = answer.json["checks"]["auth_service:connectivity"]
    assert (answer.status, connectivity["status"]) == (503, "fail")
    assert (connectivity["observedValue"], connectivity["code"]) == ("disabled", "auth_service_disabled")


async def test_operators_are_told_in_full_here_whatever_the_public_is_told() -> None:
    closed = front(WELL, operator=False)
    assert_problem(await closed.operate("GET", "/none"), 404, "not_found", "operator")
    assert (await closed.operate("GET", "/problems/dns_error")).status == 200
    assert (await closed.bare("GET", "/problems/dns_error")).status == 404


async def test_the_routes_of_users_are_not_here() -> None:
    for method, path in [("POST", "/api/v1/auth/login"), ("GET", "/api/v1/auth/me"), ("GET", "/me")]:
        assert (await front(WELL).operate(method, path)).status == 404
    for path in ("/livez", "/readyz", "/openapi.json"):
        assert (await front(WELL).operate("GET", path)).status == 200


async def test_a_foreign_host_and_a_missing_token_are_refused_in_the_usual_shape() -> None:
    locked = front(WELL, admin_token=Secret(TOKEN))
    assert_problem(await locked.operate("GET", "/health", Host="evil.test"), 421, "malformed_request")
    assert_problem(await locked.operate("GET", "/health"), 401, "token_missing")
    wrong = await locked.operate("GET", "/health", Authorization=f"Bearer {TOKEN}x")
    assert_problem(wrong, 401, "token_rejected")
    assert TOKEN not in wrong.raw.decode()
    assert (await locked.operate("GET", "/health", Authorization=f"Bearer {TOKEN}")).status == 200
    assert (await locked.operate("GET", "/livez")).status == 200


async def test_too_many_wrong_tokens_are_told_in_the_usual_shape_how_long_to_wait() -> None:
    locked = front(WELL, admin_token=Secret(TOKEN))
    answers = [await locked.operate("GET", "/health", Authorization="Bearer guess") for _ in range(11)]
    assert [answer.status for answer in answers] == [401] * 10 + [429]
    body = assert_problem(answers[10], 429, "too_many_attempts")
    assert 55 <= body["retry_after"] <= 60


async def test_no_secret_is_in_what_operators_read() -> None:
    for path in ("/health", "/openapi.json"):
        raw = (await front(WELL).operate("GET", path)).raw.decode()
        assert SECRET not in raw
        assert json.loads(raw.partition("\r\n\r\n")[2])


class Ring:
    """Keys as health sees them."""

    def __init__(self, current: KeySet | None, last_code: str | None) -> None:
        self.current = current
        self.last_code = last_code

    def age_s(self, now_s: float) -> float | None:
        return None if self.current is None else 12.34

    async def for_token(self, header: Header, began_at_s: float, wait_until_s: float) -> KeySet | Unknown:
        raise AssertionError("health asks for no keys")

    async def newer(self, began_at_s: float, wait_until_s: float) -> KeySet | Unknown:
        raise AssertionError("health asks for no keys")


class Hearing:
    """A feed as health sees it."""

    def __init__(self, *, up: bool) -> None:
        self.up = up

    def soon(self) -> None:
        raise AssertionError("health wants no round")


def published() -> KeySet:
    """A set of one key."""
    keys = read_keys(Jwks((ECKey.generate_key("P-256", {"kid": "k1"}).as_dict(private=False),)))
    assert isinstance(keys, KeySet)
    return keys


@pytest.mark.parametrize(
    ("ring", "feed", "keys", "revocations"),
    [
        (Ring(None, None), None, None, None),
        (Ring(published(), None), Hearing(up=True), ("pass", 1, ["k1"], 12.3, None), ("pass", "up")),
        (Ring(published(), "connection_refused"), Hearing(up=False),
         ("warn", 1, ["k1"], 12.3, "connection_refused"), ("warn", "down")),
        (Ring(None, "keys_refused"), None, ("warn", 0, [], None, "keys_refused"), None),
    ],
    ids=["nobody's", "well", "old", "none"],
)  # fmt: skip
async def test_health_tells_what_tokens_are_judged_by(ring: Any, feed: Any, keys: Any, revocations: Any) -> None:
    front = Front(parts={"tokens": Tokens(keys=ring, feed=feed)})
    checks = (await front.operate("GET", "/health")).json["checks"]
    if keys is None:
        assert "tokens:keys" not in checks
    else:
        (told,) = checks["tokens:keys"]
        assert (told["status"], told["observedValue"], told["key_ids"], told["age_s"], told["code"]) == keys
    if revocations is None:
        assert "tokens:revocations" not in checks
    else:
        (told,) = checks["tokens:revocations"]
        assert (told["status"], told["observedValue"]) == revocations
