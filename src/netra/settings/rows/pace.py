"""The rows about time and load: tries, budgets, circuits, limits.

It must never hold a value of its own: defaults are words in a table, read when somebody asks.
"""

from typing import Final

from netra.core.pace.rejections import Limit
from netra.settings import values
from netra.settings.field import Columns, Variable
from netra.settings.rows.shared import PACE

TRIES: Final = Variable(
    name="NETRA_TRIES", group=PACE, kind=values.whole(1, 5), default=Columns(2, 2, 3, 1), unit="tries",
    meaning="How often a question may be sent in all, where sending again is safe.",
    breaks="Many tries make an outage slower and load heavier; one gives up at the first lost packet.",
)  # fmt: skip
LOGIN_BUDGET: Final = Variable(
    name="NETRA_LOGIN_BUDGET_S", group=PACE, kind=values.seconds(0.05, 60), default=5.0, unit="seconds",
    meaning="The time for a login or registration as a whole: lookup, connection, all tries and waits.",
    breaks="Too short: slow logins are 504. Too long: users and their proxies give up first.",
)  # fmt: skip
TOKEN_BUDGET: Final = Variable(
    name="NETRA_TOKEN_BUDGET_S", group=PACE, kind=values.seconds(0.05, 60), default=2.0, unit="seconds",
    meaning="The same for everything else: refresh, logout, token checks.",
    breaks="Too short: token checks are 503 or 504. Too long: every page waits for a sick auth service.",
)  # fmt: skip
CONNECT_TIMEOUT: Final = Variable(
    name="NETRA_CONNECT_TIMEOUT_S", group=PACE, kind=values.seconds(0.01, 30), default=1.0, unit="seconds",
    meaning="How long one attempt to connect may take; less than the budgets.",
    breaks="Too long: an unreachable host uses up the budget. Too short: far hosts are `connection_timeout`.",
)  # fmt: skip
PROBE_INTERVAL: Final = Variable(
    name="NETRA_PROBE_INTERVAL_S", group=PACE, kind=values.seconds(0.1, 300), default=5.0, unit="seconds",
    meaning="How often the auth service is asked in the background whether it is well.",
    breaks="Too long: readiness and error bodies tell old news. Too short: needless load.",
)  # fmt: skip
IDLE_CONNECTION: Final = Variable(
    name="NETRA_IDLE_CONNECTION_S", group=PACE, kind=values.seconds(0.1, 300), default=4.0, unit="seconds",
    meaning="How long an unused connection to the auth service is kept; less than the auth service keeps it.",
    breaks="Too long: logins meet connections that are being closed, and are 502 `connection_terminated`.",
)  # fmt: skip
MAX_IN_FLIGHT: Final = Variable(
    name="NETRA_MAX_IN_FLIGHT", group=PACE, kind=values.whole(1, 10_000), default=100, unit="calls",
    meaning="How many calls to the auth service may be under way at once; logins take at most four fifths, and "
            "fewer for a while when they come late.",
    breaks="Too few: 503 `connection_limit_reached` under load. Too many: the auth service is overrun.",
)  # fmt: skip
BREAKER: Final = Variable(
    name="NETRA_BREAKER", group=PACE, kind=values.switch(), default=True,
    meaning="Stop asking an auth service that keeps failing, and try again a little later: a circuit breaker, "
            "one for logins and registrations, one for tokens.",
    breaks="Off: every login waits out its whole budget while the auth service hangs, and keeps it busy.",
)  # fmt: skip
BREAKER_OPEN: Final = Variable(
    name="NETRA_BREAKER_OPEN_S", group=PACE, kind=values.seconds(0.1, 60), default=5.0, unit="seconds",
    meaning="For how long a circuit opens at first, give or take a fifth; each failed trial doubles it, "
            "to a minute at most. A background probe that fails meanwhile prolongs it, one that succeeds again "
            "ends it.",
    breaks="Too short: an auth service that is starting is tried too often. "
           "Too long: users wait although it is well again.",
)  # fmt: skip
THROTTLE_ACCOUNT: Final = Variable(
    name="NETRA_THROTTLE_ACCOUNT", group=PACE, kind=values.limit(), default=Limit(5, 15 * 60),
    meaning="How often somebody may be rejected for one account from one address, and in what time; then it is "
            "429 `too_many_attempts` until the first of them is that long ago. A success clears it. Wrong guesses "
            "count, and logins under way do while they are: a sixth at once is told to come back in a second. "
            "Registrations are counted in the same way, and refreshes by their token.",
    breaks="Too many, or off: passwords are guessed as fast as the auth service lets them be. "
           "Too few: two typing errors lock somebody out.",
)  # fmt: skip
THROTTLE_ADDRESS: Final = Variable(
    name="NETRA_THROTTLE_ADDRESS", group=PACE, kind=values.limit(), default=Limit(60, 60),
    meaning="The same for one address (of IPv6: one network of 64 bits) and all accounts together. Successes "
            "never count. Refreshes may be rejected ten times as often.",
    breaks="Too many, or off: one address tries a few passwords on every account there is. "
           "Too few: a company behind one address is locked out by its own typing errors.",
)  # fmt: skip
