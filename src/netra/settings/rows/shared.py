"""The groups of settings, and the rows that gateway and embedded auth service both read.

It must never hold a value of its own: defaults are words in a table, read when somebody asks.
"""

from typing import Final

from netra.settings import values
from netra.settings.field import ENVIRONMENTS, Variable

SERVICE: Final = "The auth service"
IDENTITY: Final = "Who we are to the auth service"
LISTENERS: Final = "Listeners"
ANSWERS: Final = "Routes and answers"
TOKENS: Final = "Token checks"
PACE: Final = "Time and load"
LOGS: Final = "Logs and traces"
OAUTH: Final = "OAuth"

ENVIRONMENT: Final = Variable(
    name="ENVIRONMENT", goes_first="NETRA_ENVIRONMENT", group=SERVICE, default="production",
    kind=values.choice(
        *ENVIRONMENTS, dev="development", local="development", testing="test", stage="staging", prod="production"
    ),
    meaning="The kind of deployment. It chooses the defaults of other settings and nothing else.",
    breaks="Every default that depends on it is the one of another environment.",
)  # fmt: skip
RECEIPT_TIMEOUT: Final = Variable(
    name="NETRA_RECEIPT_TIMEOUT_S", group=PACE, kind=values.seconds(0.1, 120), default=10.0, unit="seconds",
    meaning="How long a client may take to send its request, headers and body.",
    breaks="Too long: slow clients hold connections. Too short: users on bad networks get 408.",
)  # fmt: skip
DRAIN_DELAY: Final = Variable(
    name="NETRA_DRAIN_DELAY_S", group=PACE, kind=values.seconds(0, 300), default=5.0, unit="seconds",
    meaning="How long everything is still served after the signal to stop, while readiness already says no.",
    breaks="Too short: load balancers send requests to a closed port. Too long: the platform kills the server first.",
)  # fmt: skip
LOG_FORMAT: Final = Variable(
    name="NETRA_LOG_FORMAT", group=LOGS, kind=values.choice("json", "text", "auto"), default="auto",
    meaning="The form of log lines; auto is text on a terminal and json elsewhere.",
    breaks="A log collector cannot read the lines.",
)  # fmt: skip
LOG_LEVEL: Final = Variable(
    name="NETRA_LOG_LEVEL", group=LOGS, default="info",
    kind=values.choice("debug", "info", "warning", "error", "critical", warn="warning", fatal="critical"),
    meaning="The least important level that is still logged.",
    breaks="Above info the events of single logins are lost; above warning the ones that alerts wait for.",
)  # fmt: skip
LOG_LINES_PER_S: Final = Variable(
    name="NETRA_LOG_LINES_PER_S", group=LOGS, kind=values.whole(0, 1_000_000), default=100, unit="lines per second",
    meaning="How many lines of one kind, with the same event and code, are written in a second; the rest are counted "
            "and told in one line `Log lines summarised`. 0 writes all.",
    breaks="Too few: single attempts of a busy second are missing. Too many, or all: a flood of logins is a flood of "
           "lines, which costs money and buries the others.",
)  # fmt: skip
