"""The closed table of causes: every way a login can end that is not success, one row each.

It must never hold prose: what a code means to people stands on its page. Codes are an API: rows are
added, never renamed.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final, Literal

Verdict = Literal["rejected", "unknown"]
Reached = Literal["no", "maybe", "yes", "-"]
Counts = Literal["yes", "alarm", "no"]
Hop = Literal["client", "gateway", "dns", "tcp", "tls", "http", "intermediary", "service_credentials", "auth_service"]


class Phase(StrEnum):
    """How far a request got: the fact that decides the status and whether it may be sent again."""

    NEVER_SENT = "never_sent"
    MAYBE_SENT = "maybe_sent"
    ANSWERED = "answered"


_PHASES: Final[Mapping[Reached, Phase]] = {
    "no": Phase.NEVER_SENT,
    "maybe": Phase.MAYBE_SENT,
    "yes": Phase.ANSWERED,
    "-": Phase.ANSWERED,
}


class Action(StrEnum):
    """What the caller should do now. Closed, so that a client can act without reading prose."""

    CORRECT_INPUT = "correct_input"
    LOG_IN = "log_in"
    REFRESH = "refresh"
    WAIT = "wait"
    """Keep every token and come back later."""
    NEXT_STEP = "next_step"
    CONTACT_SUPPORT = "contact_support"


class Owner(StrEnum):
    """Who can mend it."""

    CLIENT = "client"
    USER = "user"
    US = "us"
    NETWORK = "network"
    BETWEEN = "between"
    AUTH_SERVICE = "auth_service"


@dataclass(frozen=True, slots=True)
class Cause:
    """One row."""

    code: str
    status: int
    verdict: Verdict
    reached: Reached
    """May the auth service have acted?"""
    again: bool
    """May the same call succeed soon? A reading can say otherwise for one reply; see `Unknown.transient`."""
    counts: Counts
    """Is it evidence that the auth service is unwell? `alarm` is for operators, never for a breaker."""
    hop: Hop
    owner: Owner
    action: Action
    proxy_error: str | None
    """Registered error type of RFC 9209, section 2.3; absent on rejections."""
    public_code: str

    @property
    def phase(self) -> Phase:
        """How far a request with this outcome got."""
        return _PHASES[self.reached]

    @property
    def refuses_us(self) -> bool:
        """Was it our own credentials that were refused, or lacking?"""
        return self.hop == "service_credentials"


PUBLIC_UNAVAILABLE: Final = "authentication_unavailable"
PUBLIC_INVALID_TOKEN: Final = "invalid_token"  # noqa: S105 - a code, not a token


def _rejection(code: str, status: int, action: Action, *, reached: Reached = "yes", owner: Owner = Owner.USER) -> Cause:
    return Cause(code, status, "rejected", reached, False, "no", "auth_service", owner, action, None, code)


def _token(code: str, action: Action, *, owner: Owner = Owner.CLIENT) -> Cause:
    return Cause(code, 401, "rejected", "-", False, "no", "client", owner, action, None, PUBLIC_INVALID_TOKEN)


def _request(code: str, status: int, action: Action = Action.CORRECT_INPUT) -> Cause:
    return Cause(code, status, "rejected", "no", False, "no", "client", Owner.CLIENT, action, None, code)


def _unknown(  # noqa: PLR0913 - a row has these columns
    code: str,
    status: int,
    reached: Reached,
    hop: Hop,
    owner: Owner,
    proxy_error: str,
    *,
    again: bool = False,
    counts: Counts = "no",
    action: Action = Action.WAIT,
) -> Cause:
    return Cause(code, status, "unknown", reached, again, counts, hop, owner, action, proxy_error, PUBLIC_UNAVAILABLE)


def _ours(code: str, proxy_error: str, *, status: int = 503, reached: Reached = "no", owner: Owner = Owner.US) -> Cause:
    return _unknown(code, status, reached, "gateway", owner, proxy_error)


def _unreached(code: str, hop: Hop, proxy_error: str, *, again: bool = True, owner: Owner = Owner.NETWORK) -> Cause:
    return _unknown(code, 503, "no", hop, owner, proxy_error, again=again, counts="yes")


def _answered(  # noqa: PLR0913 - a row has these columns
    code: str,
    proxy_error: str,
    *,
    status: int = 502,
    reached: Reached = "yes",
    hop: Hop = "http",
    owner: Owner = Owner.AUTH_SERVICE,
    again: bool = False,
    counts: Counts = "yes",
) -> Cause:
    return _unknown(code, status, reached, hop, owner, proxy_error, again=again, counts=counts)


REJECTIONS: Final = (
    _rejection("invalid_credentials", 401, Action.CORRECT_INPUT),
    _rejection("account_locked", 423, Action.WAIT),
    _rejection("account_disabled", 403, Action.CONTACT_SUPPORT),
    _rejection("too_many_attempts", 429, Action.WAIT, reached="-"),
    _rejection("email_taken", 409, Action.CORRECT_INPUT),
    _rejection("password_rejected", 422, Action.CORRECT_INPUT),
    _rejection("refresh_rejected", 401, Action.LOG_IN),
    _rejection("second_factor_required", 403, Action.NEXT_STEP),
    _rejection("password_change_required", 403, Action.NEXT_STEP),
    _rejection("email_unverified", 403, Action.NEXT_STEP),
    Cause(
        "token_missing", 401, "rejected", "-", False, "no", "client",
        Owner.CLIENT, Action.LOG_IN, None, "token_missing",
    ),
    _token("token_malformed", Action.LOG_IN),
    _token("token_expired", Action.REFRESH),
    _token("token_not_yet_valid", Action.WAIT, owner=Owner.US),
    _token("token_revoked", Action.LOG_IN, owner=Owner.USER),
    _token("token_wrong_audience", Action.LOG_IN),
    _token("token_wrong_issuer", Action.LOG_IN),
    _token("token_wrong_type", Action.LOG_IN),
    _token("token_signature_invalid", Action.LOG_IN),
    _token("token_rejected", Action.LOG_IN),
)  # fmt: skip

CALLERS_REQUEST: Final = (
    _request("malformed_request", 400),
    _request("not_found", 404),
    _request("method_not_allowed", 405),
    _request("request_timeout", 408, Action.WAIT),
    _request("body_too_large", 413),
    _request("uri_too_long", 414),
    _request("unsupported_media_type", 415),
    _request("invalid_fields", 422),
    _request("headers_too_large", 431),
)

OURS: Final = (
    _ours("destination_unavailable", "destination_unavailable", owner=Owner.AUTH_SERVICE),
    _ours("connection_limit_reached", "connection_limit_reached"),
    _ours("local_resource_exhausted", "proxy_internal_error"),
    _ours("auth_service_disabled", "destination_unavailable"),
    _ours("proxy_configuration_error", "proxy_configuration_error"),
    _ours("keys_unavailable", "destination_unavailable", owner=Owner.AUTH_SERVICE),
    _ours("draining", "proxy_internal_response"),
    _ours("internal_error", "proxy_internal_error", status=500, reached="maybe"),
)

NEVER_REACHED: Final = (
    _unreached("dns_error", "dns", "dns_error", owner=Owner.US),
    _unreached("dns_timeout", "dns", "dns_timeout"),
    _unreached("connection_refused", "tcp", "connection_refused", owner=Owner.AUTH_SERVICE),
    _unreached("connection_timeout", "tcp", "connection_timeout"),
    _unreached("destination_unroutable", "tcp", "destination_ip_unroutable"),
    _unreached("tls_certificate_error", "tls", "tls_certificate_error", again=False, owner=Owner.AUTH_SERVICE),
    _unreached("tls_protocol_error", "tls", "tls_protocol_error", again=False, owner=Owner.AUTH_SERVICE),
)

MAYBE_REACHED: Final = (
    _answered("response_timeout", "http_response_timeout", status=504, reached="maybe", again=True),
    _answered("connection_terminated", "connection_terminated", reached="maybe", again=True),
)

ANSWERED_UNUSABLY: Final = (
    _answered("response_incomplete", "http_response_incomplete", again=True),
    _answered("http_protocol_error", "http_protocol_error"),
    _answered("response_too_large", "http_response_body_size"),
    _answered("invalid_response", "http_protocol_error"),
    _answered("auth_service_error", "http_protocol_error", hop="auth_service"),
    _answered("auth_service_unavailable", "destination_unavailable", status=503, hop="auth_service", again=True),
    _answered("auth_service_rate_limited", "destination_unavailable", status=503, hop="auth_service", counts="no"),
    _answered(
        "service_credentials_rejected",
        "proxy_configuration_error",
        hop="service_credentials",
        owner=Owner.US,
        counts="alarm",
    ),
    _answered(
        "service_credentials_missing",
        "proxy_configuration_error",
        hop="service_credentials",
        owner=Owner.US,
        counts="alarm",
    ),
    _answered("endpoint_not_found", "proxy_configuration_error", owner=Owner.US, counts="alarm"),
    _answered("redirected", "http_protocol_error", owner=Owner.US, counts="alarm"),
    _answered("request_not_understood", "http_protocol_error", owner=Owner.US, counts="alarm"),
    _answered(
        "intermediary_rejected",
        "http_protocol_error",
        reached="maybe",
        hop="intermediary",
        owner=Owner.BETWEEN,
        counts="alarm",
    ),
    _answered(
        "intermediary_error",
        "http_protocol_error",
        reached="maybe",
        hop="intermediary",
        owner=Owner.BETWEEN,
        again=True,
    ),
    _answered("unexpected_status", "http_protocol_error"),
)

GROUPS: Final = (REJECTIONS, CALLERS_REQUEST, OURS, NEVER_REACHED, MAYBE_REACHED, ANSWERED_UNUSABLY)

TABLE: Final[Mapping[str, Cause]] = MappingProxyType({cause.code: cause for group in GROUPS for cause in group})

PUBLIC_ROWS: Final[Mapping[str, Cause]] = MappingProxyType(
    {
        PUBLIC_UNAVAILABLE: _unknown(PUBLIC_UNAVAILABLE, 503, "maybe", "gateway", Owner.US, "proxy_internal_response"),
        PUBLIC_INVALID_TOKEN: _token(PUBLIC_INVALID_TOKEN, Action.LOG_IN),
    }
)
"""What the public is told instead of a code of our insides; they have pages like any other row."""
