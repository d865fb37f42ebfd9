"""Each alert fires for what it is about and for nothing else, as Prometheus itself evaluates it.

It must never be read from an expression what it does: promtool runs it against series.
"""

import re
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Final, NamedTuple

import pytest

from netra.core.verdict.causes import TABLE
from netra.observe.metrics.alerts import ALERTS, shown_by
from netra.observe.metrics.definitions import METRICS
from netra.observe.metrics.reference import rules
from tests.observe.metrics.prometheus_beside import PROMTOOL
from tests.observe.metrics.runs.replaying import RULES, alerts_of

SAMPLES: Final = 150
"""A quarter of a minute between two."""
_QUIET: Final = {
    "netra_ready": 1.0, "netra_probe_up": 1.0, 'netra_circuit_state{calls="login",state="closed"}': 1.0,
    'netra_handshake_state{state="refused"}': 0.0, "netra_handshake_differences": 0.0,
    "netra_clock_skew_seconds": 0.4, "netra_key_set_age_seconds": 200.0, 'netra_budget_seconds{budget="login"}': 5.0,
}  # fmt: skip


def attempts(verdict: str, code: str, journey: str = "login") -> str:
    """The series of attempts that ended so."""
    owner = TABLE[code].owner.value if code in TABLE else "none"
    return f'netra_attempts_total{{journey="{journey}",verdict="{verdict}",code="{code}",owner="{owner}"}}'


REMEMBERED: Final = 'netra_token_cache_lookups_total{result="hit"}'
FEED: Final = "netra_revocation_feed_up"
GOOD: Final = attempts("accepted", "ok")
WRONG: Final = attempts("rejected", "invalid_credentials")


def secret(instance: str, fingerprint: str, which: str = "current") -> str:
    """The series by which a gateway says which secret it holds."""
    return f'netra_secret_info{{instance="{instance}",secret="{which}",fingerprint="{fingerprint}"}}'


class Story(NamedTuple):
    """What happened for 37 minutes, and which alerts stand at the end."""

    name: str
    fired: frozenset[str]
    growing: Mapping[str, float] = {}
    """Counters, by how much each grows from sample to sample."""
    standing: Mapping[str, float] = {}
    """Gauges that are not as on a quiet day."""


def fails(code: str, per_sample: float = 5.0, journey: str = "login") -> dict[str, float]:
    """So many attempts fail with this code, beside as many good ones."""
    return {attempts("unknown", code, journey): per_sample, attempts("accepted", "ok", journey): per_sample}


BURNS: Final = "NetraErrorBudgetBurns"
STORIES: Final = (
    Story("a quiet day", frozenset(), {GOOD: 50.0, WRONG: 2.0}),
    Story("nobody logs in", frozenset()),
    Story("one login in two thousand fails", frozenset(), {GOOD: 2000.0, attempts("unknown", "response_timeout"): 1.0}),
    Story("half of all logins fail", frozenset({"NetraLoginsFailing", BURNS}), fails("connection_refused")),
    Story(
        "every login fails",
        frozenset({"NetraLoginsFailing", BURNS}),
        {attempts("unknown", "invalid_response"): 5.0},
    ),
    Story(
        "few log in, and every login fails beside a probe that is fine",
        frozenset({"NetraLoginsFailBesideAGoodProbe", BURNS}),
        {attempts("unknown", "invalid_response"): 0.2},
    ),
    Story(
        "few log in, and every login fails as the probe does",
        frozenset({"NetraAuthServiceUnreachable", BURNS}),
        {attempts("unknown", "connection_refused"): 0.2},
        {"netra_probe_up": 0.0},
    ),
    Story(
        "we are refused",
        frozenset({"NetraServiceCredentialsRefused", BURNS}),
        {**fails("service_credentials_rejected"), GOOD: 5.0},
        {'netra_handshake_state{state="refused"}': 1.0},
    ),
    Story(
        "the probe fails and nobody logs in", frozenset({"NetraAuthServiceUnreachable"}), {}, {"netra_probe_up": 0.0}
    ),
    Story(
        "the circuit stays open",
        frozenset({"NetraCircuitOpen", BURNS}),
        fails("destination_unavailable"),
        {'netra_circuit_state{calls="login",state="closed"}': 0.0},
    ),
    Story("token checks fail", frozenset({"NetraTokenChecksFailing", BURNS}), fails("keys_unavailable", 5.0, "verify")),
    Story(
        "half of the checks that have to be judged fail, and one in three thousand of all",
        frozenset(),
        {**fails("keys_unavailable", 5.0, "verify"), REMEMBERED: 15_000.0},
    ),
    Story(
        "one token check in fifty fails, also of those that were remembered",
        frozenset({BURNS}),
        {**fails("keys_unavailable", 5.0, "verify"), REMEMBERED: 240.0},
    ),
    Story(
        "a flood of wrong passwords, which is nobody's outage",
        frozenset({"NetraWrongPasswordWave"}),
        {GOOD: 10.0, WRONG: 500.0, attempts("rejected", "too_many_attempts"): 500.0},
    ),
    Story("clocks apart", frozenset({"NetraClocksDiffer"}), {GOOD: 5.0}, {"netra_clock_skew_seconds": -45.0}),
    Story("keys that nobody renews", frozenset({"NetraKeysStale"}), {GOOD: 5.0}, {"netra_key_set_age_seconds": 4000.0}),
    Story("settings that differ", frozenset({"NetraHandshakeDiffers"}), {}, {"netra_handshake_differences": 2.0}),
    Story(
        "a certificate that ends in three days",
        frozenset({"NetraCertificateEnds"}),
        {},
        {"netra_certificate_expiry_timestamp_seconds": 3 * 86400.0},  # promtool's clock begins at the epoch
    ),
    Story(
        "a certificate that ends tomorrow, which is told once and urgently",
        frozenset({"NetraCertificateEnds"}),
        {},
        {"netra_certificate_expiry_timestamp_seconds": 86400.0},
    ),
    Story(
        "one login in ten takes nearly all the time it has",
        frozenset({"NetraLoginsNearTheirBudget"}),
        {
            GOOD: 10.0,
            'netra_attempts_near_budget_total{journey="login"}': 1.0,
            'netra_attempt_seconds_count{journey="login"}': 10.0,
        },
    ),
    Story(
        "one login of three in an hour was slow",
        frozenset(),
        {
            GOOD: 0.01,
            'netra_attempts_near_budget_total{journey="login"}': 0.005,
            'netra_attempt_seconds_count{journey="login"}': 0.01,
        },
    ),
    Story(
        "a quiet night in which two of three logins fail within half an hour",
        frozenset(),
        {GOOD: 0.01, attempts("unknown", "response_timeout"): 0.02},
    ),
    Story("nobody hears of logouts elsewhere", frozenset({"NetraLogoutsNotHeard"}), {}, {FEED: 0.0}),
    Story(
        "two gateways with two secrets, long after a rollout",
        frozenset({"NetraSecretsDiffer"}),
        {},
        {secret("gateway-1", "0a1b2c3d"): 1.0, secret("gateway-2", "4e5f6071"): 1.0},
    ),
    Story(
        "two gateways with one secret, and the one before",
        frozenset(),
        {},
        {
            secret("gateway-1", "0a1b2c3d"): 1.0,
            secret("gateway-2", "0a1b2c3d"): 1.0,
            secret("gateway-2", "4e5f6071", "previous"): 1.0,
        },
    ),
    Story(
        "the circuit is open, and its calls name the cause",
        frozenset({"NetraLoginsFailing", BURNS}),
        {
            attempts("unknown", "destination_unavailable"): 5.0,
            attempts("unknown", "connection_refused"): 0.0,
            'netra_auth_service_calls_total{operation="health",verdict="unknown",code="connection_refused"}': 3.0,
        },
    ),
)


def series(story: Story) -> list[dict[str, str]]:
    """The story as promtool reads it."""
    gauges = {**_QUIET, **story.standing}
    return [
        *({"series": name, "values": f"0+{step:g}x{SAMPLES}"} for name, step in story.growing.items()),
        *({"series": name, "values": f"{value:g}x{SAMPLES}"} for name, value in gauges.items()),
    ]


@pytest.mark.skipif(PROMTOOL is None, reason="promtool is not installed (Debian: prometheus)")
@pytest.mark.parametrize("story", STORIES, ids=lambda story: str(story.name))
def test_it_fires_for_what_it_is_about_and_for_nothing_else(story: Story, tmp_path: Path) -> None:
    assert {each.name for each in alerts_of(series(story), [37 * 60], tmp_path)} == story.fired


@pytest.mark.skipif(PROMTOOL is None, reason="promtool is not installed (Debian: prometheus)")
def test_the_file_is_one_that_prometheus_takes() -> None:
    assert PROMTOOL is not None
    done = subprocess.run([PROMTOOL, "check", "rules", str(RULES)], capture_output=True, text=True, check=False)
    assert (done.returncode, f"{len(ALERTS)} rules found" in done.stdout) == (0, True), done.stderr


def test_the_file_says_what_the_table_says() -> None:
    assert RULES.read_text("utf-8") == rules()


def test_no_alert_looks_at_a_metric_that_is_not_there() -> None:
    parts = {f"{each.name}_{part}" for each in METRICS if each.kind == "histogram" for part in ("bucket", "count")}
    known = {each.scraped for each in METRICS} | parts
    for alert in ALERTS:
        named = set(re.findall(r"\bnetra_\w+", f"{alert.expr} {alert.concerns}"))
        assert named, alert.name
        assert named <= known, alert.name


def test_every_unknown_has_an_alert_but_what_is_meant() -> None:
    silent = {code for code, row in TABLE.items() if row.verdict == "unknown" and not shown_by(code)}
    assert silent == {"auth_service_disabled", "draining"}


def test_what_an_alert_hides_is_an_alert() -> None:
    names = {each.name for each in ALERTS}
    for alert in ALERTS:
        assert {*alert.hides, *alert.hides_of_its_code} <= names - {alert.name}, alert.name


def test_two_alerts_of_one_name_differ_in_severity() -> None:
    assert len({(each.name, each.severity) for each in ALERTS}) == len(ALERTS)
