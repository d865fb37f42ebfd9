"""Every metric, a row each: its name, kind, labels, buckets and meaning; page, dashboard and code are made of it.

It must never have a label whose values are not a closed set: a flood of strangers adds no series.
"""

from typing import Final, Literal, NamedTuple

Kind = Literal["counter", "gauge", "histogram", "info"]

OTHER: Final = "other"
"""What a label says instead of a value that is not in its set."""
SECONDS: Final = (
    0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 1.6, 2.0, 2.5, 3.0, 4.0, 5.0,
    5.5, 10.0,
)  # fmt: skip
"""From a token that is checked here up to a login that is given up: the usual budgets are bounds, and so are 80 % of
them and a little more, so that a quantile near one of them is not made up of what lies between far bounds."""
NEAR_BUDGET_RATIO: Final = 0.8
"""From this share of its budget on an attempt is near it: a little more load, and it is given up."""
TRIES: Final = (1.0, 2.0, 3.0, 4.0, 5.0)


_SUFFIXES: Final = {"counter": "_total", "info": "_info"}


class Metric(NamedTuple):
    """One metric. Source of the naming: Prometheus, metric and label naming."""

    name: str
    """Without what the format adds."""
    kind: Kind
    meaning: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()
    """Upper bounds of a histogram."""

    @property
    def scraped(self) -> str:
        """The name by which one asks for it."""
        return self.name + _SUFFIXES.get(self.kind, "")


ATTEMPTS: Final = Metric(
    "netra_attempts", "counter",
    "Attempts of users that have ended: logins, registrations, refreshes, logouts, token checks that were judged. "
    "`code` is `ok` or of the table of causes, `owner` who can mend it.",
    ("journey", "verdict", "code", "owner"),
)  # fmt: skip
ATTEMPT_SECONDS: Final = Metric(
    "netra_attempt_seconds", "histogram",
    "How long an attempt took, from its complete request to its outcome.", ("journey",), SECONDS,
)  # fmt: skip
NEAR_BUDGET: Final = Metric(
    "netra_attempts_near_budget", "counter",
    f"Attempts that took {NEAR_BUDGET_RATIO:.0%} of their budget or more, whatever it is set to, those that were given "
    "up included.", ("journey",),
)  # fmt: skip
CALLS: Final = Metric(
    "netra_auth_service_calls", "counter",
    "Calls to the auth service, each try by itself, also one that did not get there: those of users and those of the "
    "background.",
    ("operation", "verdict", "code"),
)  # fmt: skip
PHASE_SECONDS: Final = Metric(
    "netra_auth_service_phase_seconds", "histogram",
    "Where the time of a call went: looking up the name, connecting, TLS, waiting for the first byte, reading. "
    "The first three only where a new connection was made.",
    ("phase",), SECONDS,
)  # fmt: skip
LOGIN_TRIES: Final = Metric(
    "netra_login_tries", "histogram", "How many tries a login took; 0 when nothing was tried.", (), (0.0, *TRIES)
)
CIRCUIT_CHANGES: Final = Metric(
    "netra_circuit_changes", "counter", "How often a circuit became closed, open or half-open.", ("calls", "state")
)
CIRCUIT: Final = Metric(
    "netra_circuit_state", "gauge", "1 for the state in which a circuit is, 0 for the others.", ("calls", "state")
)
RETRIES_LEFT: Final = Metric(
    "netra_retry_budget_left", "gauge", "How many retries the budget allows at once, at most 10."
)
IN_FLIGHT: Final = Metric(
    "netra_calls_in_flight",
    "gauge",
    "Calls to the auth service that are under way: all, and logins of them.",
    ("share",),
)
CALLS_LIMIT: Final = Metric(
    "netra_calls_limit", "gauge", "How many calls may be under way at once, as of now.", ("share",)
)
REMEMBERED: Final = Metric("netra_remembered_tokens", "gauge", "Tokens that are remembered.", ("verdict",))
CACHE_LOOKUPS: Final = Metric(
    "netra_token_cache_lookups", "counter",
    "Looks into the memory of tokens: `hit`, `miss`, or `stale` for what counted because nobody could be asked.",
    ("result",),
)  # fmt: skip
KEYS: Final = Metric(
    "netra_keys",
    "gauge",
    "Published keys by which tokens are checked here; 0 until there are any, absent where tokens are not checked so.",
)
KEY_AGE: Final = Metric(
    "netra_key_set_age_seconds", "gauge", "Since when the key set is in use unrenewed; absent without a key set."
)
FEED: Final = Metric(
    "netra_revocation_feed_up",
    "gauge",
    "1 while it is heard which sessions have ended elsewhere; absent without a feed.",
)
PROBE: Final = Metric("netra_probe_up", "gauge", "1 while the background probe succeeds; absent until it has run.")
PROBE_AGE: Final = Metric("netra_probe_age_seconds", "gauge", "Since when the last probe has ended.")
HANDSHAKE: Final = Metric(
    "netra_handshake_state", "gauge",
    "1 for what the last handshake came to: `accepted`, `refused`, `absent`, `not_yet`; 0 for the others.", ("state",),
)  # fmt: skip
DIFFERENCES: Final = Metric(
    "netra_handshake_differences",
    "gauge",
    "In how many points the auth service says otherwise than our settings; notes are not counted.",
)
SKEW: Final = Metric(
    "netra_clock_skew_seconds", "gauge", "By how much the auth service's clock is ahead of ours; absent if untold."
)
CERTIFICATE: Final = Metric(
    "netra_certificate_expiry_timestamp_seconds", "gauge",
    "When the certificate of the auth service ends, as seen at the last new connection; absent without TLS.",
)  # fmt: skip
SECRETS: Final = Metric(
    "netra_secret", "info", "Fingerprints of the service secrets in use.", ("secret", "fingerprint")
)
FINDINGS: Final = Metric(
    "netra_configuration_problems", "gauge", "Findings about the settings that stand now.", ("severity",)
)
CONFIGURATION: Final = Metric(
    "netra_configuration", "info",
    "Fingerprint of all settings: another one is another configuration, the same one the same.", ("fingerprint",),
)  # fmt: skip
CHANGES: Final = Metric(
    "netra_changes", "counter",
    "What logins depend on, and how often it has become another one while this gateway ran; what differs from the "
    "last start shows in the fingerprints.", ("what",),
)  # fmt: skip
STARTED: Final = Metric("netra_start_timestamp_seconds", "gauge", "When this gateway was started.")
READY: Final = Metric("netra_ready", "gauge", "1 while readiness says yes.")
BUDGETS: Final = Metric("netra_budget_seconds", "gauge", "How long an attempt may take.", ("budget",))
LAG: Final = Metric(
    "netra_event_loop_lag_seconds", "gauge", "How late the event loop was at worst, in the last ten seconds."
)
LINES_DROPPED: Final = Metric("netra_log_lines_dropped", "counter", "Log lines that nobody took in time.")
SPANS_DROPPED: Final = Metric(
    "netra_spans_dropped", "counter", "Spans that no collector took in time; 0 where traces are off."
)
LINES_SUMMARISED: Final = Metric(
    "netra_log_lines_summarised", "counter",
    "Log lines that had enough like them in their second, and were counted in one line `Log lines summarised`.",
)  # fmt: skip
LISTENER_FAILURES: Final = Metric(
    "netra_listener_failures", "counter", "Events that a listener could not take: a bug of ours, no login was harmed."
)
BUILD: Final = Metric("netra_build", "info", "The version that runs.", ("version", "python"))

METRICS: Final = (
    ATTEMPTS, ATTEMPT_SECONDS, NEAR_BUDGET, LOGIN_TRIES, CALLS, PHASE_SECONDS, RETRIES_LEFT, IN_FLIGHT, CALLS_LIMIT,
    CIRCUIT, CIRCUIT_CHANGES, CACHE_LOOKUPS, REMEMBERED, KEYS, KEY_AGE, FEED, PROBE, PROBE_AGE, HANDSHAKE,
    DIFFERENCES, SKEW, CERTIFICATE, SECRETS, CONFIGURATION, CHANGES, FINDINGS, READY, BUDGETS, LAG, LINES_DROPPED,
    LINES_SUMMARISED, SPANS_DROPPED, LISTENER_FAILURES, STARTED, BUILD,
)  # fmt: skip
"""In the order in which the page tells them."""
