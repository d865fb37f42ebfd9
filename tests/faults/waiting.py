"""Rows of faults after a login was sent: nobody knows whether it arrived, so it is never sent again without a promise.

It must never hold a fault in which a whole answer came.
"""

from typing import Final

from tests.faults.row import DEADLINE_S, PROMPT_S, Row, Section, Way
from tests.faults.scenes import played
from tests.support.gateways import IMPATIENT

HERE: Final[Section] = "Waiting for it"


def _late(name: str) -> Way:
    return Way(
        name, played(name), 504, "response_timeout", kept=False, within_s=DEADLINE_S, told=IMPATIENT,
        owner="auth_service", lab=name,
    )  # fmt: skip


def _cut(name: str, code: str = "connection_terminated") -> Way:
    return Way(
        name, played(name), 502, code, kept=False, keyed=3, within_s=PROMPT_S, owner="auth_service", lab=name
    )  # fmt: skip


def _unread(way: Way) -> Way:
    # It may have been read before the end, for all that a client knows.
    return way._replace(kept=None, deliveries=0, keyed=None)


ROWS: Final = (
    Row(
        HERE,
        "never-answers",
        "The auth service takes the login and never answers, or its process is stopped.",
        "504 `response_timeout` at the deadline",
        "no",
        (
            _late("response-timeout"),
            _unread(_late("freeze")),
        ),
    ),
    Row(
        HERE,
        "drips",
        "Headers or body come drop by drop and never end.",
        "504 `response_timeout` at the deadline, 0.1 s later at most",
        "no",
        (
            _late("drip-head"),
            _late("drip-body"),
            _late("drip-chunks"),
        ),
    ),
    Row(
        HERE,
        "reset",
        "The connection is reset: before the login is read, after it, within the headers, within the body.",
        "502 `connection_terminated`; 502 `response_incomplete` within the body",
        "no",
        (
            _unread(_cut("reset-before-reading")),
            _cut("reset-after-reading"),
            _cut("reset-inside-head"),
            _cut("reset-inside-body", "response_incomplete"),
        ),
    ),
    Row(
        HERE,
        "closed",
        "The connection is closed without a byte, within headers or body, or an idle one just as a login is written.",
        "502 `connection_terminated`, 502 `response_incomplete` within the body; idle connections are given up before "
        "the auth service closes them",
        "no",
        (
            _unread(_cut("close-before-reading")),
            _cut("close-without-a-byte"),
            _cut("close-inside-head"),
            _cut("close-inside-body", "response_incomplete"),
        ),
    ),
    Row(
        HERE,
        "peer-vanished",
        "The machine at the other end of a kept connection is gone without a word.",
        "504 `response_timeout` within the deadline",
        "no",
        by_hand="`netra lab proxy --to 127.0.0.1:8081 --fault swallow-after=2KiB`",
    ),
)
