"""A code, its page and its row of the table, told together: what `netra explain` and the site of pages show.

It must never speak of one failure: facts stay names in braces, to be filled in.
"""

from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from netra.core.verdict.causes import CALLERS_REQUEST, GROUPS, PUBLIC_ROWS, TABLE, Cause, Phase
from netra.pages.page import Page

FORMAT_VERSION: Final = 1

TO_DO: Final[Mapping[str, str]] = MappingProxyType(
    {
        "correct_input": "Correct what was sent, then send it again.",
        "log_in": "Sign in, then try again.",
        "refresh": "Most applications renew a session by themselves. If yours does not, sign in again.",
        "wait": "Wait a little, then try again. Until then, stay signed in where you are.",
        "next_step": "Complete the next step that the application asks for.",
        "contact_support": "Contact the support of the application you wanted to sign in to.",
    }
)
"""By action: what the caller should do."""
MENDERS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "client": "whoever maintains the application that called",
        "user": "the user",
        "us": "whoever runs this gateway and its configuration",
        "network": "whoever runs the network between gateway and auth service",
        "between": "whoever runs the proxy, load balancer or firewall in between",
        "auth_service": "whoever runs the auth service",
    }
)
"""By owner: who can mend it."""

_GROUP_TITLES: Final = (
    "Refusals: healthy answers about a user or a token",
    "The caller's request",
    "The gateway's own reasons",
    "The auth service was never reached",
    "Nobody knows whether it was reached",
    "An answer that cannot be used",
)
_PUBLIC_TITLE: Final = "What the public is told instead"
_REQUESTS: Final = frozenset(cause.code for cause in CALLERS_REQUEST)
_AFFECTED: Final[Mapping[Phase, str]] = MappingProxyType(
    {
        Phase.NEVER_SENT: "Everybody whose login or token the auth service has to judge, while it lasts. Nothing was "
        "sent, so nothing was counted against any account.",
        Phase.MAYBE_SENT: "Everybody whose login or token the auth service has to judge, while it lasts. It may have "
        "acted on what was sent, and its answer never came.",
        Phase.ANSWERED: "Everybody whose login or token the auth service has to judge, while it lasts. Nobody is told "
        "that a password was wrong.",
    }
)
_AFFECTED_OTHERWISE: Final[Mapping[str, str]] = MappingProxyType(
    {
        "connection_limit_reached": "As many users as there is no room for; all others are served.",
        "local_resource_exhausted": "Whoever needs a new connection to the auth service; connections that are open "
        "serve the others.",
        "keys_unavailable": "Whoever shows a token that is not known yet. Those that were checked before stay good "
        "for a while.",
        "draining": "Whoever reaches this one instance while it stops; the others serve.",
        "internal_error": "Whoever sent this request, and everybody to whom the same thing happens.",
        "authentication_unavailable": "Everybody who meets the cause behind it: of that the public is told nothing, on "
        "purpose.",
    }
)
_COUNTED: Final[Mapping[str, str]] = MappingProxyType(
    {
        "yes": "It counts as evidence that the auth service is unwell, and may open a circuit.",
        "alarm": "It opens no circuit, because waiting does not mend it: somebody has to look.",
        "no": "It says nothing against the auth service, and opens no circuit.",
    }
)

_NO_ATTEMPT: Final = _REQUESTS | {"token_missing"}
_ATTEMPTS: Final = '`netra_attempts_total{code="%s"}` counts the attempts that ended so.'
_CALLS: Final = (
    '`netra_auth_service_calls_total{code="%s"}` counts the calls that did, those of the background included.'
)
_ALL_THAT_END_SO: Final[Mapping[str, str]] = MappingProxyType(
    {
        "authentication_unavailable": '`netra_attempts_total{verdict="unknown"}`, by its exact `code`.',
        "invalid_token": '`netra_attempts_total{journey="verify",verdict="rejected"}`, by its exact `code`.',
    }
)
"""What counts for a public code: no attempt ends with one."""
_MEASURED: Final[Mapping[str, str]] = MappingProxyType(
    {
        "destination_unavailable": '`netra_circuit_state{state="open"}` is 1 meanwhile.',
        "connection_limit_reached": "`netra_calls_in_flight` stands at `netra_calls_limit`.",
        "keys_unavailable": "`netra_key_set_age_seconds` says since when no key set has come.",
        "draining": "`netra_ready` is 0 meanwhile.",
        "auth_service_disabled": "`netra_configuration_problems` counts what is wrong with the settings.",
        "proxy_configuration_error": "`netra_configuration_problems` counts what is wrong with the settings.",
        "dns_timeout": '`netra_auth_service_phase_seconds{phase="dns"}` says how long lookups take.',
        "connection_timeout": '`netra_auth_service_phase_seconds{phase="connect"}` says how long connecting takes.',
        "response_timeout": '`netra_auth_service_phase_seconds{phase="wait"}` says how long answers take to begin.',
        "tls_certificate_error": "`netra_certificate_expiry_timestamp_seconds` says when the newest one ends.",
        "service_credentials_rejected": '`netra_handshake_state{state="refused"}` is 1 from the next handshake on.',
        "token_not_yet_valid": "`netra_clock_skew_seconds` says how far the clocks are apart.",
        "token_wrong_audience": "`netra_handshake_differences` is above 0 when the settings are to blame.",
        "token_wrong_issuer": "`netra_handshake_differences` is above 0 when the settings are to blame.",
    }
)
"""What else moves with a code."""
_NO_ALERT: Final = "No alert, on purpose: it is a healthy answer."
_OF_GUESSES: Final = ("NetraWrongPasswordWave",)
_OF_UNKNOWNS: Final = ("NetraLoginsFailing", "NetraTokenChecksFailing")
_ALERTS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "invalid_credentials": _OF_GUESSES,
        "account_locked": _OF_GUESSES,
        "too_many_attempts": _OF_GUESSES,
        "destination_unavailable": ("NetraCircuitOpen",),
        "keys_unavailable": (*_OF_UNKNOWNS, "NetraKeysStale"),
        "response_timeout": (*_OF_UNKNOWNS, "NetraLoginsNearTheirBudget"),
        "tls_certificate_error": (*_OF_UNKNOWNS, "NetraCertificateEnds"),
        "auth_service_disabled": ("No alert, on purpose: somebody has switched it off.",),
        "draining": ("No alert, on purpose: an instance stops, the others serve.",),
        "authentication_unavailable": ("The alert of the exact code.",),
    }
)
"""Where it is not the usual one of its kind."""


class Explained(NamedTuple):
    """Everything that can be said of a code when nothing has happened."""

    cause: Cause
    page: Page

    @property
    def code(self) -> str:
        """The code, as on every surface."""
        return self.cause.code

    @property
    def shown_by(self) -> Mapping[str, tuple[str, ...]]:
        """Where an operator sees it coming."""
        return {"events": self.page.watch, "metrics": self.metrics, "alerts": self.alerts}

    @property
    def alerts(self) -> tuple[str, ...]:
        """Which alerts of deploy/prometheus/alerts.yaml it brings about, a line each."""
        cause = self.cause
        if cause.code in _ALERTS:
            return _ALERTS[cause.code]
        if cause.refuses_us:
            return ("NetraServiceCredentialsRefused",)
        return _OF_UNKNOWNS if cause.verdict == "unknown" else (_NO_ALERT,)

    @property
    def metrics(self) -> tuple[str, ...]:
        """Which numbers of /metrics show it, a line each."""
        if self.code in _NO_ATTEMPT:
            return ("No metric: such a request is refused before it is an attempt, and is not counted.",)
        if self.code in _ALL_THAT_END_SO:
            return (_ALL_THAT_END_SO[self.code],)
        counted = [_ATTEMPTS % self.code]
        if self.cause.hop not in ("client", "gateway"):
            counted.append(_CALLS % self.code)
        return (*counted, *([_MEASURED[self.code]] if self.code in _MEASURED else ()))

    @property
    def affected(self) -> str:
        """Whether users are affected, and who."""
        cause = self.cause
        if cause.verdict == "unknown":
            return _AFFECTED_OTHERWISE.get(cause.code) or _AFFECTED[cause.phase]
        if cause.code in _REQUESTS:
            return "Whoever sent this one request, and nobody else."
        return "This one user, or this one token. It is a healthy answer, and no sign of an outage."

    @property
    def again(self) -> str:
        """Whether the same call may be sent again, and what its failure counts for."""
        cause = self.cause
        if cause.verdict == "rejected":
            return "Never sent again by the gateway: it is a verdict."
        if not cause.again:
            return f"Not sent again within the same request: it would end in the same way. {_COUNTED[cause.counts]}"
        if cause.phase is Phase.NEVER_SENT:
            how = "Sent again by the gateway, within NETRA_TRIES and the time of the request: nothing had arrived."
        else:
            how = (
                "Sent again by the gateway, within NETRA_TRIES and the time of the request, only where a second "
                "arrival does no harm: never a login, unless the auth service honours Idempotency-Key."
            )
        return f"{how} {_COUNTED[cause.counts]}"

    def as_json(self) -> dict[str, Any]:
        """The explanation as JSON members."""
        cause, page = self.cause, self.page
        return {
            "code": cause.code,
            "title": page.title,
            "verdict": cause.verdict,
            "status": cause.status,
            "public_code": cause.public_code,
            "hop": cause.hop,
            "phase": cause.phase.value,
            "owner": cause.owner.value,
            "action": cause.action.value,
            "transient": cause.again,
            "counts": cause.counts,
            "public": page.public,
            "meaning": page.operator_sentence({}),
            "affected": self.affected,
            "to_do": TO_DO[cause.action],
            "mended_by": MENDERS[cause.owner],
            "again": self.again,
            "check_first": list(page.check_first),
            "still_works": list(page.still_works),
            "seen": page.seen,
            "shown_by": {kind: list(lines) for kind, lines in self.shown_by.items()},
        }


def explained(code: str, book: Mapping[str, Page]) -> Explained | None:
    """What a code means; None for one that does not exist."""
    cause = TABLE.get(code) or PUBLIC_ROWS.get(code)
    return None if cause is None else Explained(cause, book[code])


def chapters(book: Mapping[str, Page]) -> Iterator[tuple[str, tuple[Explained, ...]]]:
    """All codes in the order of the table, each group with its title; public codes come last."""
    for title, group in zip(_GROUP_TITLES, GROUPS, strict=True):
        yield title, tuple(Explained(cause, book[cause.code]) for cause in group)
    yield _PUBLIC_TITLE, tuple(Explained(cause, book[cause.code]) for cause in PUBLIC_ROWS.values())


def document(some: Iterable[Explained]) -> dict[str, Any]:
    """Explanations for programs."""
    return {"version": FORMAT_VERSION, "codes": [each.as_json() for each in some]}
