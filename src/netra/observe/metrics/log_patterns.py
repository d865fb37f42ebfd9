"""Alerts for people without Prometheus: which log lines to count, in the languages of those who keep them.

It must never count lines alone: in a flood one line stands for many, and says so in its `count`.
"""

from typing import Final, NamedTuple

from netra.observe.metrics.alerting.alert import Severity

SUMMARY: Final = "Log lines summarised"
"""The event of a line that stands for many."""
OF: Final = "summarised_event"
COUNT: Final = "count"


class Pattern(NamedTuple):
    """What to watch for in the log, and when it is too much."""

    name: str
    """In words that are joined by underscores."""
    severity: Severity
    events: tuple[str, ...]
    """The `event` of the lines; `*` stands for a number."""
    least_count: int
    span: str
    """As Prometheus writes it."""
    says: str
    first_action: str

    @property
    def is_one_text(self) -> bool:
        """Is it a single event, whose text is always the same?"""
        return len(self.events) == 1 and "*" not in self.events[0]

    @property
    def sums_summaries(self) -> bool:
        """Is it about events that a summary may stand for, and not about summaries themselves?"""
        return self.events != (SUMMARY,)

    @property
    def regex(self) -> str:
        """Which events are meant, as RE2 and all others understand it; to be anchored."""
        return "|".join(each.replace("*", "[0-9]+") for each in self.events)

    @property
    def title(self) -> str:
        """The name of its alert."""
        return "Netra" + "".join(word.capitalize() for word in self.name.split("_"))


PATTERNS: Final = (
    Pattern(
        "logins_failing", "high", ("All * login attempts failed", "Login failed"), 5, "2m",
        "Logins end without a verdict: 502, 503 or 504. `All N login attempts failed` after N tries, `Login failed` "
        "where nothing was tried, as while a circuit is open: who watches the first alone hears nothing any more as "
        "soon as it opens.",
        "On a gateway, `netra doctor`; `netra explain CODE` for the `code` of the lines.",
    ),
    Pattern(
        "access_forbidden", "medium", ("Login failed: Access forbidden",), 1, "5m",
        "The auth service refuses this gateway's own credentials: 502 at each login, and no password was judged.",
        "`netra doctor` shows the fingerprints on both sides.",
    ),
    Pattern(
        "connectivity_failing", "low", ("Auth service connectivity test failed",), 3, "5m",
        "The background probe fails: told at the change, then once a minute by each gateway.",
        "`netra doctor`; the lines have `code`, `why` and `check_first`.",
    ),
    Pattern(
        "oauth_credential_missing", "medium", ("Missing OAuth credential",), 1, "1h",
        "One of the two variables of an OAuth provider is set, the other is not: told at each start.",
        "Set the variable that the line names in `variable`, or unset its partner.",
    ),
    Pattern(
        "log_flood", "low", (SUMMARY,), 1, "15m",
        "So many lines of one kind that some were only counted: something fails for everybody, or somebody guesses.",
        "Look at `summarised_event`: which lines, and of what.",
    ),
)  # fmt: skip


def logql(pattern: Pattern) -> str:
    """Grafana Loki: how many by code, where that is too many. Its matchers are anchored."""
    fields = ("event", "code", OF, COUNT)
    stages = (
        '{app="netra"} | json ' + ", ".join(f'{each}="{each}"' for each in fields),
        _either(pattern, '{field}="{text}"', '{field}=~"{regex}"'),
        f'label_format lines=`{{{{ or .{COUNT} "1" }}}}`',
        'unwrap lines | __error__=""',
    )
    return f"sum by (code) (sum_over_time({' | '.join(stages)} [{pattern.span}])) >= {pattern.least_count}"


def insights(pattern: Pattern) -> str:
    """CloudWatch Logs Insights: how many by code and span."""
    wanted = _either(pattern, '{field} = "{text}"', "{field} like /^({regex})$/")
    return (
        f"filter {wanted}\n| stats sum(coalesce(`{COUNT}`, 1)) as lines by bin({pattern.span}), code\n| sort lines desc"
    )


def _either(pattern: Pattern, same: str, like: str) -> str:
    """The condition of a pattern: its events themselves, or summaries of them."""
    condition = same if pattern.is_one_text else like
    fields = ("event", OF) if pattern.sums_summaries else ("event",)
    return " or ".join(condition.format(field=each, text=pattern.events[0], regex=pattern.regex) for each in fields)


def metric_filters(pattern: Pattern) -> tuple[tuple[str, str], ...]:
    """CloudWatch Logs: filters and what each adds to one metric, a single line and a summary.

    A wildcard may end a text there, so what a number stands in is told by its beginning and by having a code.
    """
    if not pattern.sums_summaries:
        return ((f'{{ $.event = "{SUMMARY}" }}', f"$.{COUNT}"),)
    return (
        (f"{{ {_globs('event', pattern)} && ($.code = *) }}", "1"),
        (f'{{ ($.event = "{SUMMARY}") && {_globs(OF, pattern)} }}', f"$.{COUNT}"),
    )


def _globs(field: str, pattern: Pattern) -> str:
    parts = [each.partition("*") for each in pattern.events]
    globs = " || ".join(f'($.{field} = "{beginning}{star}")' for beginning, star, _ in parts)
    return f"({globs})" if len(parts) > 1 else globs


class LoggedMetric(NamedTuple):
    """A metric that Google Cloud makes of log lines."""

    name: str
    wanted: str
    """The filter, in its query language."""
    extract: str = ""
    """What a distribution takes from a line; empty for a counter of lines."""


def logged_metrics(pattern: Pattern) -> tuple[LoggedMetric, ...]:
    """Google Cloud Logging: a counter of single lines, and a distribution of the counts of summaries."""
    name, extract = f"netra_{pattern.name}", f"EXTRACT(jsonPayload.{COUNT})"
    of_event, of_summary = (
        f'jsonPayload.{field}="{pattern.events[0]}"' if pattern.is_one_text
        else f'jsonPayload.{field}=~"^({pattern.regex})$"'
        for field in ("event", OF)
    )  # fmt: skip
    if not pattern.sums_summaries:
        return (LoggedMetric(name, of_event, extract),)
    summed = f'jsonPayload.event="{SUMMARY}" AND {of_summary}'
    return LoggedMetric(name, of_event), LoggedMetric(f"{name}_summarised", summed, extract)


def promql(pattern: Pattern) -> str:
    """Google Cloud Monitoring, which speaks PromQL: where the two metrics together are too many."""
    names = [each.name + ("_sum" if each.extract else "") for each in logged_metrics(pattern)]
    parts = [f"(sum(increase(logging_googleapis_com:user_{each}[{pattern.span}])) or vector(0))" for each in names]
    return f"{' + '.join(parts)} >= {pattern.least_count}"
