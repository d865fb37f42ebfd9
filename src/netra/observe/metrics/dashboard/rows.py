"""The panels, row by row, in the order in which an operator asks.

It must never show a refusal of a user in the colour of a failure.
"""

from typing import Final

from netra.observe.metrics import definitions as named
from netra.observe.metrics.dashboard.asking import RECENT, Query, a_second, average, in_all, now, picked, quantile
from netra.observe.metrics.dashboard.panels import (
    BAD_ABOVE_NONE,
    BLUE,
    GOOD_IS_ONE,
    GREEN,
    ORANGE,
    RED,
    YELLOW,
    Panel,
    Row,
)
from netra.observe.metrics.recording_rules import budget_left, burning

_LOGIN: Final = {"journey": "login"}
_UNJUDGED: Final = {"verdict": "unknown"}
_VERDICTS: Final = {"accepted": GREEN, "rejected": BLUE, "unknown": RED}
_CODE: Final = "{{code}}"
_UP: Final = {"0": "no", "1": "yes"}
STANDING: Final = 'ALERTS{alertname=~"Netra.+", alertstate="firing", job=~"$job"}'
"""What Prometheus says of its own alerts. They are of no single gateway."""


def _share(part: str, whole: str) -> str:
    return f"{part} / ({whole} > 0)"


_WORKING: Final = Row("Are logins working?", (
    Panel(
        "Logins that were judged", "stat",
        (Query("1 - " + _share(a_second(named.ATTEMPTS, **_LOGIN, **_UNJUDGED), a_second(named.ATTEMPTS, **_LOGIN))),),
        "The share of logins that ended with a verdict, accepted or rejected. The rest got 502, 503 or 504.",
        "percentunit", 4, least=0, most=1, steps=((None, RED), (0.95, ORANGE), (0.999, GREEN)), nothing="no logins",
    ),
    Panel(
        "Logins", "stat", (Query(f"60 * {a_second(named.ATTEMPTS, **_LOGIN)}"),),
        "Logins a minute, however they ended.", "short", 4, least=0,
    ),
    Panel(
        "Gateways ready", "stat",
        (Query(now(named.READY, "sum"), "ready"), Query(now(named.READY, "count"), "in all")),
        "How many gateways want requests, and how many answer Prometheus. `netra health --ready` asks one why not.",
        "short", 4, least=0,
    ),
    Panel(
        "The probe succeeds", "stat", (Query(now(named.PROBE, "min")),),
        "Whether the background probe of every gateway reaches the auth service.", "short", 4,
        steps=GOOD_IS_ONE, words=_UP, nothing="not run",
    ),
    Panel(
        "Alerts that stand", "stat", (Query(f"count({STANDING}) or vector(0)"),),
        "Of deploy/prometheus/alerts.yaml, which has to be loaded. Red lines in all pictures are where one fired.",
        "short", 4, least=0, steps=BAD_ABOVE_NONE,
    ),
    Panel(
        "Error budget left", "stat", (Query(budget_left(journey="login"), "login"),),
        "Of the one login in a thousand that a month may leave without a verdict, over thirty days or what Prometheus "
        "remembers. Needs deploy/prometheus/recording.yaml; of all gateways, whichever are chosen.",
        "percentunit", 4, most=1, steps=((None, RED), (0.1, ORANGE), (0.5, GREEN)), nothing="not recorded",
    ),
    Panel(
        "Logins by verdict", "timeseries",
        (Query(a_second(named.ATTEMPTS, "verdict", **_LOGIN), "{{verdict}}"),),
        "Rejected is a healthy answer: the auth service refused this user. Unknown is what alerts are for.",
        "ops", 12, least=0, colours=_VERDICTS, stacked=True,
    ),
    Panel(
        "Attempts that nobody could judge, by journey", "timeseries",
        (Query(a_second(named.ATTEMPTS, "journey", **_UNJUDGED), "{{journey}}"),),
        "Logins beside token checks, refreshes and the rest: is it one journey, or the auth service as a whole?",
        "ops", 6, least=0,
    ),
    Panel(
        "The error budget burns", "timeseries",
        tuple(Query(burning(window, journey=journey), f"{journey} over {window}")
              for journey in ("login", "verify") for window in ("5m", "1h", "6h", "3d")),
        "1 is as fast as a month's budget allows. At 14.4 over an hour, two percent of it are gone in that hour. "
        "Needs deploy/prometheus/recording.yaml; of all gateways, whichever are chosen.",
        "none", 6, least=0,
    ),
))  # fmt: skip

_FAILING: Final = Row("What fails, and who can mend it?", (
    Panel(
        "Logins that failed, by code", "timeseries",
        (Query(f"{a_second(named.ATTEMPTS, 'code', 'owner', **_LOGIN, **_UNJUDGED)} > 0", "{{code}} ({{owner}})"),),
        "`netra explain CODE` says what to check first; in brackets who can mend it.", "ops", 12, least=0, stacked=True,
    ),
    Panel(
        "What failed in all this time", "table",
        (Query(f"sort_desc({in_all(named.ATTEMPTS, 'journey', 'code', 'owner', **_UNJUDGED)} > 0)"),),
        "Every cause of an unknown verdict, by how often, for every journey.", "short", 12, column="attempts",
    ),
    Panel(
        "Refusals, by code", "timeseries",
        (Query(a_second(named.ATTEMPTS, "journey", "code", verdict="rejected"), "{{journey}}: {{code}}"),),
        "Healthy answers. Many wrong passwords at once are somebody who guesses: a matter of security.",
        "ops", least=0,
    ),
    Panel(
        "Calls to the auth service that were of no use, by code", "timeseries",
        (Query(f"{a_second(named.CALLS, 'operation', 'code', **_UNJUDGED)} > 0", "{{operation}}: {{code}}"),),
        "Each try by itself, those of the background (`health`, `handshake`, keys) included.", "ops", least=0,
    ),
    Panel(
        "Calls to the auth service", "timeseries",
        (Query(a_second(named.CALLS, "operation"), "{{operation}}"),),
        "What the gateways ask of it. More than there are attempts: tries that were repeated, and the background.",
        "ops", least=0,
    ),
    Panel(
        "What the last handshake came to", "timeseries",
        (Query(f"{now(named.HANDSHAKE, 'sum', 'state')} > 0", "{{state}}"),),
        "Gateways by state. `refused`: the auth service does not know our secret.", "short", least=0, stacked=True,
        colours={"accepted": GREEN, "absent": BLUE, "not_yet": YELLOW, "unclear": ORANGE, "refused": RED},
    ),
    Panel(
        "The probe", "timeseries", (Query(picked(named.PROBE), "{{instance}}"),),
        "1 while it succeeds: is one gateway cut off, or are all?", "short", least=0, most=1,
    ),
    Panel(
        "Since the last probe", "timeseries", (Query(now(named.PROBE_AGE, "max"), "the oldest"),),
        "Rising without end: the background of a gateway stands still.", "s", least=0,
    ),
))  # fmt: skip

_TIME: Final = Row("Where does the time go?", (
    Panel(
        "How long a login takes", "timeseries",
        (
            *(Query(quantile(named.ATTEMPT_SECONDS, share, **_LOGIN), f"{share * 100:g} of 100 are faster")
              for share in (0.5, 0.95, 0.99)),
            Query(now(named.BUDGETS, "min", budget="login"), "budget"),
        ),
        "From the complete request to the outcome, beside what it may take. Where they meet, logins end in 504.",
        "s", 12, least=0, colours={"budget": RED},
    ),
    Panel(
        "How much of its budget one in a hundred needs", "timeseries",
        (
            Query(_share(quantile(named.ATTEMPT_SECONDS, 0.99, **_LOGIN), now(named.BUDGETS, "min", budget="login")),
                  "login"),
            Query(_share(quantile(named.ATTEMPT_SECONDS, 0.99, journey="verify"),
                         now(named.BUDGETS, "min", budget="token")), "verify"),
        ),
        "Beyond 80 %, mend what is slow or allow more. Far below 5 %, a shorter budget would spare users a wait.",
        "percentunit", 6, least=0, steps=((None, GREEN), (named.NEAR_BUDGET_RATIO, RED)),
    ),
    Panel(
        "Attempts near the end of their budget", "timeseries",
        (Query(a_second(named.NEAR_BUDGET, "journey"), "{{journey}}"),),
        named.NEAR_BUDGET.meaning, "ops", 6, least=0,
    ),
    Panel(
        "Calls: seconds on average, by phase", "timeseries",
        (Query(average(named.PHASE_SECONDS, "phase"), "{{phase}}"),),
        "`wait` is the auth service's own time; `dns`, `connect` and `tls` are the network's, and come only with a new "
        "connection.", "s", least=0,
    ),
    Panel(
        "Calls: seconds of the slowest hundredth, by phase", "timeseries",
        (Query(quantile(named.PHASE_SECONDS, 0.99, "phase"), "{{phase}}"),),
        "A phase that is slow now and then, and fast on average, shows here.", "s", least=0,
    ),
    Panel(
        "Logins by how long they took", "heatmap",
        (Query(f"sum by (le) (increase({picked(named.ATTEMPT_SECONDS, '_bucket', **_LOGIN)}[{RECENT}]))",
               "{{le}}"),),
        "Two bands: two kinds of logins, such as those with a new connection or a second try.", "s",
    ),
))  # fmt: skip

_LIVING_ON: Final = Row("What do we still live on?", (
    Panel(
        "Looks into the memory of tokens", "timeseries",
        (Query(a_second(named.CACHE_LOOKUPS, "result"), "{{result}}"),),
        "`stale` counts because nobody could be asked: sessions outlive the auth service for a while.",
        "ops", least=0, colours={"hit": GREEN, "miss": BLUE, "stale": ORANGE},
    ),
    Panel(
        "Tokens that are remembered", "timeseries", (Query(now(named.REMEMBERED, "sum", "verdict"), "{{verdict}}"),),
        named.REMEMBERED.meaning, "short", least=0,
    ),
    Panel(
        "How old the key set is", "timeseries", (Query(now(named.KEY_AGE, "max"), "the oldest"),),
        "Since when nobody could renew it. Tokens that a newer key signed get 503 meanwhile.", "s", least=0,
    ),
    Panel(
        "Published keys", "stat", (Query(now(named.KEYS, "min"), "the fewest"),),
        named.KEYS.meaning, "short", 6, steps=GOOD_IS_ONE, nothing="tokens are not checked here",
    ),
    Panel(
        "Sessions that ended elsewhere are heard of", "stat", (Query(now(named.FEED, "min")),),
        named.FEED.meaning, "short", 6, steps=GOOD_IS_ONE, words=_UP, nothing="no feed",
    ),
    Panel(
        "The certificate of the auth service ends in", "stat",
        (Query(f"{now(named.CERTIFICATE, 'min')} - time()"),),
        named.CERTIFICATE.meaning, "s", 6, steps=((None, RED), (86400.0 * 7, ORANGE), (86400.0 * 14, GREEN)),
        nothing="no TLS",
    ),
    Panel(
        "The clock of the auth service is ahead by", "stat",
        (Query(now(named.SKEW, "max"), "at most"), Query(now(named.SKEW, "min"), "at least")),
        named.SKEW.meaning, "s", 6, steps=((None, RED), (-30.0, GREEN), (30.0, RED)), nothing="untold",
    ),
))  # fmt: skip

_PACE: Final = Row("Do retries, circuits and limits hold?", (
    Panel(
        "Tries of a login", "timeseries",
        (Query(average(named.LOGIN_TRIES), "on average"), Query(quantile(named.LOGIN_TRIES, 0.99), "99 of 100 up to")),
        "1 on a good day. Towards 0: circuits are open, and nothing is tried.", "none", least=0,
    ),
    Panel(
        "Retries that the budget still allows", "timeseries", (Query(now(named.RETRIES_LEFT, "min"), "the fewest"),),
        "At 0, nothing is tried again, so that retries cannot drown an auth service that is unwell.", "short", least=0,
    ),
    Panel(
        "Calls under way", "timeseries",
        (
            Query(now(named.IN_FLIGHT, "sum", "share"), "{{share}}"),
            Query(now(named.CALLS_LIMIT, "sum", "share"), "limit of {{share}}"),
        ),
        "Where the two meet, attempts wait for a slot, and then get 503 `connection_limit_reached`.", "short", least=0,
    ),
    Panel(
        "Circuits that are not closed", "timeseries",
        (Query(now(named.CIRCUIT, "sum", "calls", "state", state="!=closed"), "{{calls}}: {{state}}"),),
        "Gateways by the state of their circuit. Open: attempts fail at once, and cost the auth service nothing.",
        "short", 12, least=0,
    ),
    Panel(
        "Changes of circuits", "timeseries",
        (Query(a_second(named.CIRCUIT_CHANGES, "calls", "state"), "{{calls}}: {{state}}"),),
        "Open and closed in turn: an auth service that is up for moments.", "ops", 12, least=0,
    ),
))  # fmt: skip

_OURSELVES: Final = Row("Are we ourselves well?", (
    Panel(
        "Ready", "timeseries", (Query(picked(named.READY), "{{instance}}"),),
        named.READY.meaning, "short", least=0, most=1,
    ),
    Panel(
        "How late the event loop is", "timeseries", (Query(picked(named.LAG), "{{instance}}"),),
        "Everything else of this gateway waits for as long. More than a tenth of a second: too little CPU, or a bug.",
        "s", least=0,
    ),
    Panel(
        "News that was lost, or left to a summary", "timeseries",
        (
            Query(a_second(named.LINES_SUMMARISED), "log lines left to a summary"),
            Query(a_second(named.LINES_DROPPED), "log lines dropped"),
            Query(a_second(named.SPANS_DROPPED), "spans dropped"),
            Query(a_second(named.LISTENER_FAILURES), "events that a listener could not take"),
        ),
        "0 on a good day. No login is harmed, but less is known of it.", "ops", least=0,
    ),
    Panel(
        "Findings about the settings", "timeseries",
        (Query(now(named.FINDINGS, "sum", "severity"), "{{severity}}"),),
        "`netra doctor --offline` names them.", "short", least=0,
        colours={"error": RED, "warning": ORANGE, "note": BLUE},
    ),
    Panel(
        "Differences from what the auth service says", "timeseries",
        (Query(now(named.DIFFERENCES, "max"), "at most"),), "`netra doctor` lists both sides.", "short", least=0,
    ),
))  # fmt: skip

_CHANGED: Final = Row("What changed?", (
    Panel(
        "Versions", "table", (Query(now(named.BUILD, "count", *named.BUILD.labels)),),
        "More than one: a roll-out is under way, or has stopped half-way.",
    ),
    Panel(
        "Configurations", "table", (Query(now(named.CONFIGURATION, "count", *named.CONFIGURATION.labels)),),
        "Gateways by the fingerprint of their settings. More than one: not all were told the same.",
    ),
    Panel(
        "Service secrets", "table", (Query(now(named.SECRETS, "count", *named.SECRETS.labels)),),
        "Gateways by the fingerprint of what they hold. `netra services list` shows the same ones on the other side.",
    ),
    Panel(
        "Changes while gateways ran", "timeseries", (Query(in_all(named.CHANGES, "what"), "{{what}}"),),
        named.CHANGES.meaning, "short", 12, least=0,
    ),
    Panel(
        "Running since", "table", (Query(f"{now(named.STARTED, 'max', 'instance')} * 1000"),),
        named.STARTED.meaning, "dateTimeAsIso", 12, column="since",
    ),
))  # fmt: skip

ROWS: Final = (_WORKING, _FAILING, _TIME, _LIVING_ON, _PACE, _OURSELVES, _CHANGED)
"""In the order in which an operator asks."""
REST: Final = _OURSELVES.question
"""Where metrics are shown of which nobody has thought."""
