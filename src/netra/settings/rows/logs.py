"""The gateway's rows about logs and traces: what is told of an attempt, and how much of it.

It must never hold a value of its own: defaults are words in a table, read when somebody asks.
"""

from typing import Final

from netra.core.findings import Severity
from netra.settings import values
from netra.settings.field import Variable
from netra.settings.rows.shared import LOGS

LOG_KEY: Final = Variable(
    name="NETRA_LOG_KEY", group=LOGS, kind=values.secret(), default=None, file=True, empty=Severity.ERROR,
    meaning="The key under which e-mail addresses become hashes in logs; "
            "without it one is derived from SERVICE_SECRET.",
    breaks="Hashes of one user differ between servers, or from start to start.",
)  # fmt: skip
RECORDED_REQUESTS: Final = Variable(
    name="NETRA_RECORDED_REQUESTS", group=LOGS, kind=values.whole(0, 100_000), default=1_000,
    meaning="How many attempts are remembered for `netra trace` and the console: so many that failed, so many "
            "others about sessions, and so many token checks. 0 remembers none.",
    breaks="Too few: the id that a user sends in the evening is not known any more. "
           "Too many: a kilobyte or two of memory for each.",
)  # fmt: skip
TRACES: Final = Variable(
    name="NETRA_TRACES", group=LOGS, kind=values.choice("off", "otlp"), default="off",
    meaning="With otlp, attempts and the calls that they make are sent as OpenTelemetry spans. The extra `traces` is "
            "needed; where they go and how many of them is said by OpenTelemetry's own variables, as "
            "OTEL_EXPORTER_OTLP_ENDPOINT and OTEL_TRACES_SAMPLER.",
    breaks="off: the auth service's traces have no beginning. otlp without the extra: the gateway does not start.",
)  # fmt: skip
