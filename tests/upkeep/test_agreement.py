"""A handshake beside our own settings: what they do not agree in is said once, clearly, and nothing else is.

It must never let a difference pass that operators would call a cause, nor cry wolf for what the two may differ in.
"""

from typing import Any, Final

import pytest

from netra.core.findings import Finding, Severity
from netra.core.secret import Secret
from netra.core.verdict.operations import Handshake
from netra.core.verdict.reply import Standing
from netra.settings.field import fingerprint
from netra.settings.read import load
from netra.upkeep.agreement import (
    Ours,
    broken_promises,
    clock_difference,
    differences,
    fingerprint_of,
    ours,
    promise_broken,
    unspoken,
)
from netra.wires.load import preset

NEW: Final = "aaaaaaaa"
OLD: Final = "bbbbbbbb"
OTHER: Final = "cccccccc"
AGREED: Final = Handshake(
    service_id="shop-backend",
    environment="staging",
    version="2.3.1",
    idempotency=True,
    issuer="https://id.test",
    audience="shop",
    secret_fingerprints=(NEW,),
    endpoints=("GET /health", "POST /auth/login", "POST /auth/refresh"),
)
HELD: Final = Ours(
    service_id="shop-backend",
    environment="staging",
    secret=NEW,
    issuer="https://id.test",
    audience=("shop", "shop-mobile"),
    tries=3,
    calls=("POST /auth/login", "POST /auth/refresh", "GET /health"),
)


def found(ours: Ours = HELD, **said: Any) -> list[Finding]:
    """In what the two differ when the auth service says this otherwise."""
    return list(differences(AGREED._replace(**said), ours))


def codes(findings: list[Finding]) -> list[str]:
    return [each.code for each in findings]


def test_two_that_agree_differ_in_nothing() -> None:
    assert found() == []


def test_what_one_side_does_not_say_is_no_difference() -> None:
    silent = Handshake(None, None, None, idempotency=True, issuer=None, audience=None, secret_fingerprints=())
    assert differences(silent, HELD) == ()
    assert differences(AGREED, Ours()) == ()


@pytest.mark.parametrize(
    ("said", "code", "subject", "theirs", "our_own"),
    [
        ({"service_id": "shop-worker"}, "service_id_differs", "SERVICE_ID", "shop-worker", "shop-backend"),
        ({"environment": "production"}, "environment_differs", "AUTH_SERVICE_URL", "production", "staging"),
        ({"environment": "qa-7"}, "environment_differs", "AUTH_SERVICE_URL", "qa-7", "staging"),
        ({"issuer": "https://id.test/"}, "issuer_differs", "NETRA_TOKEN_ISSUER", "https://id.test/", "https://id.test"),
        ({"audience": "warehouse"}, "audience_differs", "NETRA_TOKEN_AUDIENCE", "warehouse", "shop, shop-mobile"),
        ({"secret_fingerprints": (OTHER,)}, "secret_unknown_there", "SERVICE_SECRET", OTHER, NEW),
    ],
)
def test_both_sides_are_shown(said: dict[str, Any], code: str, subject: str, theirs: str, our_own: str) -> None:
    (finding,) = found(**said)
    assert (finding.severity, finding.code, finding.subject) == (Severity.WARNING, code, subject)
    assert theirs in finding.what
    assert our_own in finding.what
    assert finding.fix


@pytest.mark.parametrize("spelt", ["staging", "Staging", " stage "])
def test_an_environment_may_be_spelt_in_its_usual_ways(spelt: str) -> None:
    assert found(environment=spelt) == []


def test_one_audience_of_ours_is_enough() -> None:
    assert found(audience="shop-mobile") == []


def test_an_issuer_of_discovery_is_named_by_its_own_variable() -> None:
    (finding,) = found(HELD._replace(issuer_variable="OIDC_ISSUER"), issuer="https://other.test")
    assert finding.subject == "OIDC_ISSUER"
    assert "OIDC_ISSUER" in finding.fix


# --- secrets ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("held", [HELD._replace(previous=OLD), HELD._replace(kept=OLD)], ids=["set", "held before"])
def test_a_secret_that_only_its_predecessor_covers_is_a_warning(held: Ours) -> None:
    (finding,) = found(held, secret_fingerprints=(OLD,))
    assert (finding.severity, finding.code) == (Severity.WARNING, "secret_unknown_there")
    assert "until that is retired" in finding.why


def test_a_previous_secret_that_nobody_knows_any_more_is_stale() -> None:
    (finding,) = found(HELD._replace(previous=OLD))
    assert (finding.severity, finding.code, finding.subject) == (
        Severity.NOTE, "secret_stale", "SERVICE_SECRET_PREVIOUS",
    )  # fmt: skip
    assert OLD in finding.what


def test_a_secret_that_a_file_held_before_is_no_variable_to_remove() -> None:
    assert found(HELD._replace(kept=OLD)) == []
    assert found(HELD._replace(kept=OLD), secret_fingerprints=(OLD, NEW)) == []


def test_a_rotation_that_only_the_other_side_has_begun_is_a_note() -> None:
    (finding,) = found(secret_fingerprints=(NEW, OTHER))
    assert (finding.severity, finding.code) == (Severity.NOTE, "secret_only_there")
    assert OTHER in finding.what


def test_a_rotation_under_way_with_both_secrets_on_both_sides_is_no_difference() -> None:
    assert found(HELD._replace(previous=OLD), secret_fingerprints=(OLD, NEW)) == []


def test_a_secret_too_short_for_a_fingerprint_is_not_judged() -> None:
    assert fingerprint_of(Secret("short")) is None
    assert found(HELD._replace(secret=None)) == []


# --- what is promised ------------------------------------------------------------------------------------------------


def test_retries_without_idempotency_are_a_note() -> None:
    (finding,) = found(idempotency=False)
    assert (finding.severity, finding.code, finding.subject) == (Severity.NOTE, "idempotency_absent", "NETRA_TRIES")
    assert found(HELD._replace(tries=1), idempotency=False) == []


def test_a_call_that_is_not_among_the_endpoints_is_named() -> None:
    (finding,) = found(endpoints=("GET /health", "POST /auth/login"))
    assert (finding.severity, finding.code) == (Severity.WARNING, "endpoint_not_listed")
    assert "POST /auth/refresh" in finding.what


@pytest.mark.parametrize(
    "endpoints",
    [
        (),
        ("login", "refresh"),
        ("/auth/login", "/auth/refresh", "/health"),
        ("GET /",),
        ("get /health/", "Post /auth/login", "POST /auth/refresh"),
        ("POST /auth/login", "POST /auth/refresh", "GET /health", "DELETE /auth/everything"),
    ],
)
def test_a_list_that_is_kept_in_another_way_is_not_judged(endpoints: tuple[str, ...]) -> None:
    assert found(endpoints=endpoints) == []


def test_calls_are_known_also_below_a_path_that_the_auth_service_does_not_know_of() -> None:
    below = HELD._replace(
        calls=("POST /identity/auth/login", "GET /identity/health", "POST /identity/auth/refresh?x=1")
    )
    assert found(below) == []
    assert codes(found(below, endpoints=("POST /auth/login", "GET /wealth"))) == ["endpoint_not_listed"] * 2
    assert codes(found(HELD, endpoints=("POST /h/login", "GET /health"))) == ["endpoint_not_listed"] * 2


def test_what_the_auth_service_says_is_shown_in_one_short_line() -> None:
    (finding,) = found(service_id="a\nb\x1b[31m" + "c" * 500)
    assert finding.what.isprintable()
    assert len(finding.what) < 200


@pytest.mark.parametrize(
    ("ahead_s", "said"),
    [(0, None), (5, None), (-5, None), (5.1, "5 s ahead of"), (-59, "5 s behind"), (61, "60 s ahead of"),
     (-7200, "60 s behind")],
)  # fmt: skip
def test_clocks_that_are_apart_are_told_with_the_side_that_is_ahead(ahead_s: float, said: str | None) -> None:
    finding = clock_difference(ahead_s)
    assert (finding is None) == (said is None)
    if finding is not None and said is not None:
        assert (finding.severity, finding.code) == (Severity.WARNING, "clock_differs")
        assert said in finding.what


def test_what_was_said_first_is_kept_where_the_settings_leave_it_open_and_only_there() -> None:
    first = Standing(issuer="https://first.test", audience="first")
    assert broken_promises(first, AGREED, Ours()) == ("issuer", "audience")
    assert broken_promises(first, AGREED, Ours(issuer="https://first.test")) == ("audience",)
    assert broken_promises(first, AGREED, HELD) == ()
    assert broken_promises(Standing(), AGREED, Ours()) == ()
    assert promise_broken("issuer").code == "issuer_changed"


def test_ours_is_what_the_settings_say_and_what_the_wire_asks() -> None:
    secret, previous = "test-only-Aq3vXq8RzL0mWc5YkUe2NsHbP7dG", "test-only-Bq3vXq8RzL0mWc5YkUe2NsHbP7dG"
    settings = load(
        {
            "ENVIRONMENT": "stage", "AUTH_SERVICE_URL": "https://auth.example.com", "SERVICE_ID": "shop-backend",
            "SERVICE_SECRET": secret, "SERVICE_SECRET_PREVIOUS": previous, "NETRA_TOKEN_AUDIENCE": "shop",
            "OIDC_ISSUER": "https://id.example.com",
        }
    )  # fmt: skip
    held = ours(settings, preset("netra").below("/identity"))
    assert (held.service_id, held.environment, held.tries) == ("shop-backend", "staging", 3)
    assert (held.secret, held.previous) == (fingerprint(Secret(secret)), fingerprint(Secret(previous)))
    assert (held.issuer, held.issuer_variable, held.audience) == ("https://id.example.com", "OIDC_ISSUER", ("shop",))
    assert "POST /identity/auth/login" in held.calls
    assert not any("handshake" in call for call in held.calls), "whoever is compared with it was just asked"
    assert secret not in repr(held)


# --- what is never repeated ------------------------------------------------------------------------------------------

RAW: Final = "test-only-Hn4kWz7Tb2Xq9Lc5Vs8Jd1Rm6Py3Ge0"


def test_whole_secrets_in_the_place_of_fingerprints_are_not_repeated() -> None:
    for raw in (RAW, RAW.encode().hex(), RAW[:17]):
        for held in (HELD, HELD._replace(secret=OTHER)):
            told = found(held, secret_fingerprints=(raw, NEW))
            assert told
            assert [each.line() for each in told if raw in each.line()] == []
    (only,) = found(HELD._replace(secret=OTHER), secret_fingerprints=(RAW, NEW))
    assert f"knows a text of {len(RAW)} characters, {NEW}" in only.what


def test_our_own_secret_is_taken_out_of_whatever_the_auth_service_says() -> None:
    texts: Any = dict.fromkeys(("service_id", "environment", "version", "issuer", "audience"), f"x{RAW}x")
    lists: Any = dict.fromkeys(("secret_fingerprints", "key_ids", "endpoints"), (RAW, "b"))
    said = unspoken(AGREED._replace(**texts, **lists), (RAW,))
    assert RAW not in repr(said)
    assert (said.service_id, said.key_ids[1], said.idempotency) == ("x••••••x", "b", True)
    assert unspoken(AGREED, (RAW,)) == AGREED


def test_the_name_of_a_release_is_fit_for_a_line() -> None:
    said = unspoken(AGREED._replace(version="1.0\n\x1b[31m" + "9" * 1000), ())
    assert said.version is not None
    assert said.version.isprintable()
    assert len(said.version) == 80
