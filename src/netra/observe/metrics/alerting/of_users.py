"""The alerts for what users notice: logins and token checks that nobody can judge, slow ones, and guesses.

It must never wake anybody for a refusal: a wrong password is a healthy answer, also a thousand of them.
"""

from typing import Final

from netra.core.verdict.causes import TABLE
from netra.observe.metrics.alerting.alert import Alert

_LOGINS: Final = 'netra_attempts_total{journey="login"'
_FAILED: Final = f'{_LOGINS}, verdict="unknown"'
_CHECKS: Final = 'netra_attempts_total{journey=~"verify|me"'
_REMEMBERED: Final = 'netra_token_cache_lookups_total{result="hit"}'
"""Token checks that are no attempts, because nothing had to be judged."""
_GUESSES: Final = ("invalid_credentials", "too_many_attempts", "account_locked")
_GUESSED: Final = f'{_LOGINS}, verdict="rejected", code=~"{"|".join(_GUESSES)}"}}'
_MEANT: Final = "draining|auth_service_disabled"
_BEHIND: Final = f"destination_unavailable|{_MEANT}"
"""No cause of its own, or meant: what lies behind an open circuit is told in its place."""
_OURS: Final = "service_credentials_.+"
_PROMISED: Final = 'netra_attempts_total{journey=~"login|verify"'
_COUNTED: Final = f'{_PROMISED}, verdict="unknown", code!~"{_MEANT}"}}'
_QUIET: Final = frozenset(_BEHIND.split("|"))
_REFUSES_US: Final = frozenset(row.code for row in TABLE.values() if row.refuses_us)
_UNKNOWN: Final = frozenset(row.code for row in TABLE.values() if row.verdict == "unknown")
_WITH_CODE: Final = '{journey="login", code="%s"}'

LOGINS_FAILING: Final = "NetraLoginsFailing"
REFUSED: Final = "NetraServiceCredentialsRefused"
BESIDE_A_GOOD_PROBE: Final = "NetraLoginsFailBesideAGoodProbe"
CHECKS_FAILING: Final = "NetraTokenChecksFailing"
BURNS: Final = "NetraErrorBudgetBurns"
NEAR_BUDGET: Final = "NetraLoginsNearTheirBudget"
WAVE: Final = "NetraWrongPasswordWave"
UNREACHABLE: Final = "NetraAuthServiceUnreachable"
CIRCUIT_OPEN: Final = "NetraCircuitOpen"
FEED_DOWN: Final = "NetraLogoutsNotHeard"
KEYS_STALE: Final = "NetraKeysStale"

_URGENT: Final = (LOGINS_FAILING, REFUSED, BESIDE_A_GOOD_PROBE, CHECKS_FAILING)
"""They name a cause, and somebody comes at once."""
_OVER: Final = "5m"
"""So long an alert that names a cause stands on when all is well again: until what comes of it has gone, too."""
_OF_AN_OUTAGE: Final = (UNREACHABLE, CIRCUIT_OPEN, BESIDE_A_GOOD_PROBE, BURNS, FEED_DOWN, KEYS_STALE)


def _failing(series: str, operations: str, at_least: int, *untold: str) -> str:
    """So many attempts end unknown, and one in twenty of these and of the `untold`.

    Behind an open circuit the calls say why.
    """
    known = f'code!~"{_OURS}|{_BEHIND}"'
    unknown = f'{series}, verdict="unknown"'
    everything = " or ".join(f"increase({each}[2m])" for each in (f"{series}}}", *untold))
    calls = f'netra_auth_service_calls_total{{operation=~"{operations}", verdict="unknown", {known}}}'
    return f"""\
(
  sum by (job, code, owner) (increase({unknown}, {known}}}[2m])) >= {at_least}
  or
  (sum by (job, code) (increase({calls}[2m])) > 0)
    * on (job, code) group_left (owner) group by (job, code, owner) ({_FAILED}}})
    and on (job) sum by (job) (increase({unknown}, code="destination_unavailable"}}[2m])) >= {at_least}
)
and on (job)
sum by (job) (increase({unknown}}}[2m])) > 0.05 * sum by (job) ({everything})"""


def _burning(window: str, short: str, times: str, at_least: int) -> str:
    """The error budget is used up so many times too fast, over a long window and still over a short one."""
    allowed = f"{times} * 0.001"

    def ratio(span: str) -> str:
        remembered = f'label_replace(rate({_REMEMBERED}[{span}]), "journey", "verify", "", "")'
        return f"""\
sum by (job, journey) (rate({_COUNTED}[{span}]))
  / sum by (job, journey) (rate({_PROMISED}}}[{span}]) or {remembered}) > {allowed}"""

    return f"""\
(
  {ratio(short)}
)
and
(
  {ratio(window)}
)
and sum by (job, journey) (increase({_COUNTED}[{window}])) >= {at_least}"""


def _untold(window: str, *names: str) -> str:
    """None of these alerts stood at `high` in all this time: what looks back far does not tell their cause again."""
    told = f'ALERTS{{alertname=~"{"|".join(names)}", severity="high", alertstate="firing"}}'
    return f"unless on (job) last_over_time({told}[{window}])"


OF_USERS: Final = (
    Alert(
        LOGINS_FAILING,
        "high",
        _failing(_LOGINS, "login|health", 5),
        "0m",
        "Logins fail: {{ $labels.code }}",
        "Nobody's password was judged. 502, 503 or 504, and the advice to come back; no one is told that a password "
        "was wrong.",
        "Sessions that exist: tokens are checked by what is known here. Logins that get through.",
        "On a gateway, `netra doctor` names the cause in its last line; `netra explain {{ $labels.code }}` says what "
        "to check first.",
        f'increase({_FAILED}, code=~"%s|destination_unavailable"}}[2m]) > 0',
        _UNKNOWN - _REFUSES_US - _QUIET,
        hides=_OF_AN_OUTAGE,
        hides_of_its_code=(CHECKS_FAILING,),
        stays=_OVER,
    ),
    Alert(
        REFUSED,
        "high",
        f"""\
sum by (job, code) (increase({_FAILED}, code=~"{_OURS}"}}[2m])) >= 5
and on (job)
sum by (job) (increase({_FAILED}, code=~"{_OURS}"}}[2m])) > 0.5 * sum by (job) (increase({_LOGINS}}}[2m]))""",
        "0m",
        "The auth service refuses this gateway, and most logins with it: {{ $labels.code }}",
        "502 at each login; no one is told that a password was wrong.",
        "Sessions that exist, for as long as their tokens last.",
        "`netra doctor` shows the fingerprints on both sides; give the gateway the secret that the auth service knows, "
        "or `netra services rotate` there.",
        f"increase(netra_attempts_total{_WITH_CODE}[2m]) > 0",
        _REFUSES_US,
        "us",
        (*_OF_AN_OUTAGE, CHECKS_FAILING),
        stays=_OVER,
    ),
    Alert(
        REFUSED,
        "medium",
        f"""\
sum by (job, code) (increase({_FAILED}, code=~"{_OURS}"}}[5m])) > 0
or on (job, code)
label_replace(
  max by (job) (netra_handshake_state{{state="refused"}}) == 1, "code", "service_credentials_rejected", "", ""
)""",
        "3m",
        "The auth service refuses this gateway: {{ $labels.code }}",
        "502 at each login that meets it; no one is told that a password was wrong.",
        "Sessions that exist, for as long as their tokens last. Logins by gateways that are not refused.",
        "`netra doctor` shows the fingerprints on both sides; give the gateway the secret that the auth service knows, "
        "or `netra services rotate` there.",
        f'increase(netra_attempts_total{_WITH_CODE}[5m]) > 0 or netra_handshake_state{{state="refused"}} == 1',
        _REFUSES_US,
        "us",
    ),
    Alert(
        BESIDE_A_GOOD_PROBE,
        "high",
        f"""\
(
  sum by (job) (increase({_FAILED}, code!~"{_OURS}|{_MEANT}"}}[5m])) >= 3
  unless on (job) sum by (job) (increase({_LOGINS}, verdict!="unknown"}}[5m])) > 0
)
and on (job) min by (job) (min_over_time(netra_probe_up[5m])) == 1
{_untold("10m", LOGINS_FAILING, REFUSED)}""",
        "2m",
        "Every login fails, and the probe is fine",
        "502, 503 or 504 at each login.",
        "Sessions that exist; the auth service answers what is no login.",
        "`netra doctor --rejection-check`: it puts one login as users do.",
        f"increase({_FAILED}}}[5m]) > 0",
        owner="auth_service",
        hides=(BURNS, CIRCUIT_OPEN),
        stays=_OVER,
    ),
    Alert(
        CHECKS_FAILING,
        "high",
        _failing(_CHECKS, "validate|keys|health", 20, _REMEMBERED),
        "0m",
        "Token checks fail: {{ $labels.code }}",
        "503 behind the gateway, in the middle of a session; clients are told to keep their tokens.",
        "Tokens that are remembered.",
        "On a gateway, `netra doctor` looks at the keys and at the route of checks; `netra explain {{ $labels.code }}` "
        "says what to check first. Why there are no keys, the event `Key set not renewed` says.",
        f'increase({_CHECKS}, verdict="unknown"}}[2m]) > 0',
        _UNKNOWN - _REFUSES_US - _QUIET,
        hides=(BURNS, CIRCUIT_OPEN),
        stays=_OVER,
    ),
    Alert(
        BURNS,
        "high",
        _burning("1h", "5m", "14.4", 5),
        "2m",
        "{{ $labels.journey }}: at this pace a month's error budget (99.9 %) is used up in two days",
        "Some attempts fail: {{ $value | humanizePercentage }} of the last five minutes.",
        "All others.",
        "The console's totals say which codes; `netra explain CODE` what to check first.",
        f"increase({_COUNTED}[5m]) > 0",
        owner="us",
    ),
    Alert(
        BURNS,
        "medium",
        f'{_burning("6h", "30m", "6", 20)}\n{_untold("30m", *_URGENT, BURNS)}',
        "15m",
        "{{ $labels.journey }}: at this pace a month's error budget (99.9 %) is used up in five days",
        "A few attempts fail: {{ $value | humanizePercentage }} of the last half hour.",
        "All others.",
        "The console's totals say which codes; `netra explain CODE` what to check first.",
        f"increase({_COUNTED}[30m]) > 0",
        owner="us",
    ),
    Alert(
        NEAR_BUDGET,
        "medium",
        f"""\
sum by (job, journey) (rate(netra_attempts_near_budget_total{{journey=~"login|verify"}}[10m]))
  / sum by (job, journey) (rate(netra_attempt_seconds_count{{journey=~"login|verify"}}[10m])) > 0.01
and sum by (job, journey) (increase(netra_attempts_near_budget_total[10m])) >= 5
{_untold("10m", *_URGENT, BURNS)}""",
        "10m",
        "{{ $labels.journey }}: {{ $value | humanizePercentage }} of all that had to be judged took four fifths of "
        "their budget or more",
        "It is slow; soon 504.",
        "Everything.",
        "netra_auth_service_phase_seconds says where the time goes; `wait` is the auth service's own.",
        "increase(netra_attempts_near_budget_total[10m]) > 0",
        frozenset({"response_timeout"}),
        "auth_service",
    ),
    Alert(
        WAVE,
        "medium",
        f"""\
sum by (job) (rate({_GUESSED}[5m])) > 1
and
sum by (job) (rate({_GUESSED}[5m])) > 10 * sum by (job) (rate({_GUESSED}[1d] offset 10m))""",
        "5m",
        "Wrong passwords come ten times as often as usual: {{ $value | humanize }} a second",
        "401, and 429 or 423 for accounts that somebody guesses at. Availability is not in question.",
        "Everything: accounts are throttled and locked one by one.",
        "Look at the accounts (hashes) in the log lines `Login rejected`; tighten NETRA_THROTTLE_ADDRESS.",
        f"increase({_GUESSED}[5m]) > 0",
        frozenset(_GUESSES),
        "client",
    ),
)  # fmt: skip
