"""Rows about the gateway's own health, and about how it behaves under load; each has tests of its own.

It must never hold a way: what these rows need is not one login.
"""

from typing import Final

from tests.faults.row import Row, Section

OURSELVES: Final[Section] = "Ourselves"
LOAD: Final[Section] = "Under load"

ROWS: Final = (
    Row(
        OURSELVES,
        "slow-clients",
        "Clients send headers or bodies drop by drop, read slowly, or hold a thousand idle connections.",
        "closed at the gateway's deadline; nobody else notices",
        "-",
    ),
    Row(
        OURSELVES,
        "client-gone",
        "A client leaves in the middle of a login, thousands of times.",
        "no task, connection or permit is lost; a login that was sent is finished",
        "-",
    ),
    Row(
        OURSELVES,
        "cancelled",
        "A login is cancelled, wherever it waits.",
        "its permit and its slot are free again, its connection is closed or given back",
        "-",
    ),
    Row(
        OURSELVES,
        "stopped-under-load",
        "The gateway is told to stop under load; three of them are restarted one after the other behind a proxy.",
        "it is not ready from then on, serves through the drain delay, and finishes what is under way; no login fails",
        "-",
        by_hand="`kill -TERM` of a gateway that serves",
    ),
    Row(
        OURSELVES,
        "down-at-start",
        "The auth service is down when the gateway starts.",
        "it starts, is live, and heals by itself",
        "-",
        by_hand="`netra serve` without an auth service",
    ),
    Row(
        OURSELVES,
        "clock-jumps",
        "The wall clock jumps by an hour, either way.",
        "deadlines and the breaker do not notice",
        "-",
    ),
    Row(
        OURSELVES,
        "nowhere-to-log",
        "Standard output is closed, or the disk of the log is full.",
        "it serves on, and counts the lines that are lost",
        "-",
        by_hand="`netra serve >&-`, or `>/dev/full`",
    ),
    Row(
        OURSELVES,
        "listener-raises",
        "A listener to events, such as the log, raises an error.",
        "the login is unharmed, and the fault is counted",
        "-",
    ),
    Row(
        LOAD,
        "failing-every-call",
        "The auth service fails every call.",
        "it is asked at most 1.1 times as often as the gateway, and three times a second more; at once "
        "503 `destination_unavailable` while the breaker is open",
        "-",
        try_it=("status-500",),
    ),
    Row(
        LOAD,
        "wrong-passwords",
        "A thousand wrong passwords come in a row.",
        "401 `invalid_credentials` each, without a throttle; the breaker stays closed",
        "-",
        by_hand="`NETRA_THROTTLE_ACCOUNT=off NETRA_THROTTLE_ADDRESS=off`, and the password `wrong` a thousand times",
    ),
    Row(
        LOAD,
        "recovery",
        "The auth service recovers while the breaker is open.",
        "99 % of logins succeed within twice the open time; it is asked by one login at a time until then",
        "-",
        try_it=("close-without-a-byte",),
    ),
    Row(
        LOAD,
        "overload",
        "Twice as many logins come as the auth service can serve, then as many as before.",
        "95 % of logins succeed again within ten seconds",
        "-",
    ),
    Row(
        LOAD,
        "token-checks",
        "Tokens are checked while logins vanish in a black hole.",
        "token checks are hardly slower than before",
        "-",
    ),
    Row(
        LOAD,
        "one-token",
        "A thousand callers present one fresh token at once.",
        "the auth service is asked once; a caller who leaves takes nobody along",
        "-",
    ),
    Row(
        LOAD,
        "a-million-requests",
        "Requests come without end, each with an address, a caller and a token of its own.",
        "memory does not grow",
        "-",
    ),
)
