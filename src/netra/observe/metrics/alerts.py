"""The alerts, a row each: what has to be so, for how long, and the runbook that goes with it.

It must never wake anybody for a refusal: a wrong password is a healthy answer, also a thousand of them.
"""

from typing import Final, Literal, NamedTuple

from netra.core.verdict.causes import TABLE

Severity = Literal["high", "medium", "low"]

_FAILED: Final = 'netra_attempts_total{journey="login", verdict="unknown"'
_WRONG: Final = 'netra_attempts_total{journey="login", verdict="rejected", code="invalid_credentials"}'
_QUIET: Final = frozenset({"destination_unavailable", "auth_service_disabled", "draining"})
"""No cause of its own, or meant: what lies behind is told by another alert."""
_REFUSES_US: Final = frozenset(row.code for row in TABLE.values() if row.refuses_us)
_UNKNOWN: Final = frozenset(row.code for row in TABLE.values() if row.verdict == "unknown")
_GUESSES: Final = frozenset({"invalid_credentials", "account_locked", "too_many_attempts"})


class Alert(NamedTuple):
    """One alert. Its expression keeps the labels `code` and `owner` where one series has them."""

    name: str
    severity: Severity
    """high: somebody has to come at once; medium: today; low: it is good to know."""
    expr: str
    lasts: str
    """For how long it has to be so, as Prometheus writes it."""
    summary: str
    users_see: str
    still_works: str
    first_action: str
    codes: frozenset[str] = frozenset()
    """The codes that it shows."""
    owner: str = ""
    """Who can mend it, where no series says so."""


ALERTS: Final = (
    Alert(
        "NetraLoginsFailing",
        "high",
        f"""\
sum by (code, owner) (increase({_FAILED}, code!~"service_credentials_.+|destination_unavailable|draining"}}[2m])) >= 5
and on ()
sum(increase({_FAILED}}}[2m])) > 0.05 * sum(increase(netra_attempts_total{{journey="login"}}[2m]))""",
        "0m",
        "Logins fail: {{ $labels.code }}",
        "Nobody's password was judged. 502, 503 or 504, and the advice to come back; no one is told that a password "
        "was wrong.",
        "Sessions that exist: tokens are checked by what is known here. Logins that get through.",
        "On a gateway, `netra doctor` names the cause in its last line; `netra explain {{ $labels.code }}` says what "
        "to check first.",
        _UNKNOWN - _REFUSES_US - _QUIET,
    ),
    Alert(
        "NetraServiceCredentialsRefused",
        "medium",
        f"""\
sum by (code) (increase({_FAILED}, code=~"service_credentials_.+"}}[5m])) > 0
or on (code)
label_replace(max(netra_handshake_state{{state="refused"}}) == 1, "code", "service_credentials_rejected", "", "")""",
        "0m",
        "The auth service refuses this gateway: {{ $labels.code }}",
        "502 at each login; no one is told that a password was wrong.",
        "Sessions that exist, for as long as their tokens last.",
        "`netra doctor` shows the fingerprints on both sides; give the gateway the secret that the auth service knows, "
        "or `netra services rotate` there.",
        _REFUSES_US,
        "us",
    ),
    Alert(
        "NetraAuthServiceUnreachable",
        "low",
        "min(netra_probe_up) == 0",
        "1m",
        "The background probe of the auth service fails",
        "Nothing yet, if nobody logs in; else what NetraLoginsFailing says.",
        "Sessions that exist.",
        "`netra doctor`; the event `Auth service connectivity test failed` has the code.",
        owner="auth_service",
    ),
    Alert(
        "NetraCircuitOpen",
        "high",
        'max by (calls) (netra_circuit_state{state="open"}) == 1',
        "2m",
        "The circuit of {{ $labels.calls }} calls has been open for two minutes",
        "503 `authentication_unavailable` at once, with the time to come back.",
        "Sessions that exist. The circuit closes by itself as soon as a trial gets through.",
        "The event `Circuit opened` has the code that opened it; `netra doctor` asks anew.",
        frozenset({"destination_unavailable"}),
        "auth_service",
    ),
    Alert(
        "NetraLoginsFailBesideAGoodProbe",
        "high",
        f"""\
sum(increase({_FAILED}}}[5m])) >= 3
unless on () sum(increase(netra_attempts_total{{journey="login", verdict!="unknown"}}[5m])) > 0
and on () min(netra_probe_up) == 1""",
        "2m",
        "Every login fails, and the probe is fine",
        "502, 503 or 504 at each login.",
        "Sessions that exist; the auth service answers what is no login.",
        "`netra doctor --rejection-check`: it puts one login as users do.",
        owner="auth_service",
    ),
    Alert(
        "NetraTokenChecksFailing",
        "high",
        """\
sum by (code, owner) (increase(netra_attempts_total{journey=~"verify|me", verdict="unknown"}[2m])) >= 20""",
        "0m",
        "Token checks fail: {{ $labels.code }}",
        "503 behind the gateway, in the middle of a session; clients are told to keep their tokens.",
        "Tokens that are remembered.",
        "`netra doctor` looks at the keys; the event `Key set not renewed` says why there are none.",
        frozenset({"keys_unavailable"}),
    ),
    Alert(
        "NetraErrorBudgetBurns",
        "high",
        """\
(
  sum by (journey) (rate(netra_attempts_total{journey=~"login|verify", verdict="unknown"}[5m]))
  / sum by (journey) (rate(netra_attempts_total{journey=~"login|verify"}[5m])) > 0.0144
)
and
(
  sum by (journey) (rate(netra_attempts_total{journey=~"login|verify", verdict="unknown"}[1h]))
  / sum by (journey) (rate(netra_attempts_total{journey=~"login|verify"}[1h])) > 0.0144
)""",
        "2m",
        "{{ $labels.journey }}: two percent of a month's error budget (99.9 %) went in an hour",
        "Some attempts fail: {{ $value | humanizePercentage }} of the last five minutes.",
        "All others.",
        "The console's totals say which codes; `netra explain CODE` what to check first.",
        owner="auth_service",
    ),
    Alert(
        "NetraLoginsNearTheirBudget",
        "medium",
        """\
histogram_quantile(0.99, sum by (le) (rate(netra_attempt_seconds_bucket{journey="login"}[10m])))
/ on () min(netra_budget_seconds{budget="login"}) > 0.8""",
        "10m",
        "One login in a hundred takes {{ $value | humanizePercentage }} of the budget",
        "Slow logins; soon 504.",
        "Everything.",
        "netra_auth_service_phase_seconds says where the time goes; `wait` is the auth service's own.",
        frozenset({"response_timeout"}),
        "auth_service",
    ),
    Alert(
        "NetraCertificateEnds",
        "medium",
        "min(netra_certificate_expiry_timestamp_seconds) - time() < 14 * 86400",
        "10m",
        "The auth service's certificate ends in {{ $value | humanizeDuration }}",
        "Nothing yet; then 503 at each login.",
        "Everything, until then.",
        "Renew it there; `netra doctor` shows the chain and its days.",
        frozenset({"tls_certificate_error"}),
        "auth_service",
    ),
    Alert(
        "NetraClocksDiffer",
        "medium",
        "max(abs(netra_clock_skew_seconds)) > 30",
        "5m",
        "The clocks of the auth service and of a gateway differ by {{ $value | humanizeDuration }}",
        "Beyond a minute, 401 `token_not_yet_valid` or `token_expired` for good tokens is near.",
        "Everything, until then.",
        "Ask both machines for their time service; `netra doctor` says which side is ahead.",
        owner="us",
    ),
    Alert(
        "NetraKeysStale",
        "medium",
        "max(netra_key_set_age_seconds) > 1800",
        "10m",
        "The keys by which tokens are checked were not renewed for {{ $value | humanizeDuration }}",
        "Nothing yet; tokens signed by a new key get 503.",
        "Tokens signed by the keys that are known.",
        "The event `Key set not renewed` says why; `netra doctor` fetches them anew.",
        frozenset({"keys_unavailable"}),
        "auth_service",
    ),
    Alert(
        "NetraHandshakeDiffers",
        "low",
        "max(netra_handshake_differences) > 0",
        "5m",
        "The auth service says otherwise than our settings in {{ $value }} points",
        "Often nothing yet.",
        "What works now.",
        "`netra doctor` lists both sides; a secret that is retired there soon stands here as `secret_stale`.",
        owner="us",
    ),
    Alert(
        "NetraWrongPasswordWave",
        "medium",
        f"""\
sum(rate({_WRONG}[5m])) > 1
and
sum(rate({_WRONG}[5m])) > 10 * sum(rate({_WRONG}[1d] offset 10m))""",
        "5m",
        "Wrong passwords come ten times as often as usual: {{ $value | humanize }} a second",
        "401, and 429 or 423 for accounts that somebody guesses at. Availability is not in question.",
        "Everything: accounts are throttled and locked one by one.",
        "Look at the accounts (hashes) in the log lines `Login rejected`; tighten NETRA_THROTTLE_ADDRESS.",
        _GUESSES,
        "client",
    ),
)  # fmt: skip


def shown_by(code: str) -> tuple[str, ...]:
    """The alerts that a code brings about, by name; none for what is nobody's fault."""
    return tuple(each.name for each in ALERTS if code in each.codes)
