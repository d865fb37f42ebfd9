"""The settings of the embedded auth service, in the same form as the gateway's.

It must never hold a value of its own: defaults are words in a table, read when somebody asks.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from netra.settings import values
from netra.settings.field import Derived, Variable, about
from netra.settings.rows.shared import (
    DRAIN_DELAY,
    ENVIRONMENT,
    LOG_FORMAT,
    LOG_LEVEL,
    LOG_LINES_PER_S,
    RECEIPT_TIMEOUT,
)

AUTHD: Final = "The embedded auth service"
MONTH_S: Final = 30 * 24 * 3600
YEAR_S: Final = 366 * 24 * 3600


def _issuer(above: Mapping[str, Any]) -> str:
    """The address of this server as a URL; an address that stands for all becomes the one of this machine."""
    host = above["host"]
    if values.is_unspecified(host):
        host = "127.0.0.1"
    return f"http://[{host}]:{above['port']}" if ":" in host else f"http://{host}:{above['port']}"


def _cores(above: Mapping[str, Any]) -> int:
    return min(os.cpu_count() or 1, 64)


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthdSettings:
    """Everything the embedded auth service can be told from outside, checked and in its own types."""

    environment: str = field(metadata=about(ENVIRONMENT))
    database_url: str = field(metadata=about(Variable(
        name="NETRA_AUTHD_DATABASE_URL", group=AUTHD, kind=values.sqlite_url(), default="sqlite:///netra-authd.db",
        meaning="The SQLite file with users, services and sessions; "
                "three slashes before a relative path, four for an absolute.",
        breaks="Another or an empty database: no user and no service is known.",
    )))  # fmt: skip
    host: str = field(metadata=about(Variable(
        name="NETRA_AUTHD_HOST", group=AUTHD, kind=values.bind_host(), default="127.0.0.1",
        meaning="The address to listen on.",
        breaks="The gateway cannot reach it, or more than the gateway can.",
    )))  # fmt: skip
    port: int = field(metadata=about(Variable(
        name="NETRA_AUTHD_PORT", group=AUTHD, kind=values.whole(0, 65535), default=8081,
        meaning="The port to listen on; 0 takes a free one.",
        breaks="The gateway is told `connection_refused`.",
    )))  # fmt: skip
    issuer: str = field(metadata=about(Variable(
        name="NETRA_AUTHD_ISSUER", group=AUTHD, kind=values.url("https", "http"),
        default=Derived(_issuer, "http, NETRA_AUTHD_HOST and NETRA_AUTHD_PORT: http://127.0.0.1:8081"),
        meaning="Who signs the tokens (`iss`): the URL under which others know this server. Constant over deploys.",
        breaks="Tokens are refused with `token_wrong_issuer`.",
    )))  # fmt: skip
    audience: str = field(metadata=about(Variable(
        name="NETRA_AUTHD_AUDIENCE", group=AUTHD, kind=values.identifier()._replace(sort="free"), default="netra",
        meaning="Whom the access tokens are for (`aud`).",
        breaks="Tokens are refused with `token_wrong_audience`.",
    )))  # fmt: skip
    access_token_s: int = field(metadata=about(Variable(
        name="NETRA_AUTHD_ACCESS_TOKEN_S", group=AUTHD, kind=values.whole(10, 86_400), default=900, unit="seconds",
        meaning="How long an access token is valid.",
        breaks="Too long: a stolen token is of use for longer. Too short: clients refresh all the time.",
    )))  # fmt: skip
    refresh_token_s: int = field(metadata=about(Variable(
        name="NETRA_AUTHD_REFRESH_TOKEN_S", group=AUTHD, kind=values.whole(60, YEAR_S), default=MONTH_S, unit="seconds",
        meaning="How long a refresh token is valid; longer than an access token.",
        breaks="Too long: a lost device stays logged in. Too short: users log in again and again.",
    )))  # fmt: skip
    lockout_rejections: int = field(metadata=about(Variable(
        name="NETRA_AUTHD_LOCKOUT_REJECTIONS", group=AUTHD, kind=values.whole(1, 100), default=20, unit="rejections",
        meaning="After how many wrong passwords within the window an identifier is locked. "
                "Source: NIST SP 800-63B allows 100 at most.",
        breaks="Too few: anyone can lock a user out by guessing. Too many: passwords can be guessed.",
    )))  # fmt: skip
    lockout_window_s: int = field(metadata=about(Variable(
        name="NETRA_AUTHD_LOCKOUT_WINDOW_S", group=AUTHD, kind=values.whole(1, 86_400), default=900, unit="seconds",
        meaning="The time over which wrong passwords are counted.",
        breaks="Too short: slow guessing is never noticed. Too long: users stay locked out.",
    )))  # fmt: skip
    hash_threads: int = field(metadata=about(Variable(
        name="NETRA_AUTHD_HASH_THREADS", group=AUTHD, kind=values.whole(1, 64), unit="threads",
        default=Derived(_cores, "the number of cores"),
        meaning="How many passwords are hashed at once.",
        breaks="More than there are cores: every login gets slower under load, and memory grows.",
    )))  # fmt: skip
    hash_queue: int = field(metadata=about(Variable(
        name="NETRA_AUTHD_HASH_QUEUE", group=AUTHD, kind=values.whole(0, 10_000), default=32, unit="logins",
        meaning="How many logins may wait for a hash; the next one is told 503 `overloaded`.",
        breaks="Too long: logins wait beyond the gateway's budget. Too short: bursts are turned away.",
    )))  # fmt: skip
    registration: bool = field(metadata=about(Variable(
        name="NETRA_AUTHD_REGISTRATION", group=AUTHD, kind=values.switch(), default=True,
        meaning="May new users register themselves?",
        breaks="Strangers can make accounts, or nobody can.",
    )))  # fmt: skip
    password_min_length: int = field(metadata=about(Variable(
        name="NETRA_AUTHD_PASSWORD_MIN_LENGTH", group=AUTHD, kind=values.whole(8, 64), default=8, unit="characters",
        meaning="The shortest password that is accepted at registration. Source: NIST SP 800-63B; "
                "its fourth revision asks for 15 where a password is the only factor.",
        breaks="Short passwords can be guessed.",
    )))  # fmt: skip
    receipt_timeout_s: float = field(metadata=about(RECEIPT_TIMEOUT))
    drain_delay_s: float = field(metadata=about(DRAIN_DELAY))
    log_format: str = field(metadata=about(LOG_FORMAT))
    log_level: str = field(metadata=about(LOG_LEVEL))
    log_lines_per_s: int = field(metadata=about(LOG_LINES_PER_S))
