"""What observers are told: codes, ids and timings.

An event must never hold a body, a header, a password, a token or an identifier in clear.
"""

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

from netra.core.findings import Finding
from netra.core.pace.breaker import Circuit
from netra.core.value import Value
from netra.core.verdict.outcomes import NO_FACTS, Outcome, Tried, Verdict

What = Literal[
    "version", "configuration", "service_id", "service_secret", "service_secret_previous", "peer_certificate",
    "auth_service_version",
]  # fmt: skip
"""Something that logins depend on, and that may become another one."""


class AttemptEnded(Value, frozen=True):
    """A wish of a user was answered: the one event of its request."""

    journey: str
    """`login`, `register`, `refresh`, `logout`, `me`, `verify` or `config`."""
    request_id: str
    outcome: Outcome[Any]
    elapsed_s: float
    account: str | None = None
    """A keyed hash of the identifier; None when nobody was named."""
    trace_id: str | None = None
    span_id: str | None = None
    """Where it is recorded in that trace; None when it is not."""


class TryEnded(Value, frozen=True):
    """One exchange with a destination has ended, of a user's wish or of ours; told to those who count."""

    operation: str
    """Which question was put, e.g. `login` or `health`."""
    verdict: Verdict
    tried: Tried


class ConnectivityChecked(NamedTuple):
    """The background probe has looked; `code` is None when the auth service answered."""

    request_id: str
    code: str | None
    phase: str | None
    elapsed_s: float
    changed: bool
    facts: Mapping[str, str] = NO_FACTS
    """What the page's sentences may name."""


class HandshakeEnded(NamedTuple):
    """The auth service said what it knows of us; `code` is None when it accepted our credentials."""

    request_id: str
    state: str
    code: str | None
    phase: str | None
    elapsed_s: float


class ConfigurationProblem(NamedTuple):
    """A finding about the settings, told at the start."""

    finding: Finding


class CircuitChanged(NamedTuple):
    """The circuit of one kind of call has opened, is half-open, or has closed."""

    kind: str
    circuit: Circuit


class KeysChanged(NamedTuple):
    """The key set by which tokens are checked is a new one, or could not be replaced: then the last good one stays."""

    key_ids: tuple[str, ...]
    """Of the set that is in use now."""
    code: str | None = None
    """Why there is no newer one: of the table of causes, or `keys_refused`; None for a new set."""
    reason: str = ""
    """Of a set that was refused: what is wrong with it, in our words."""


class RevocationFeed(NamedTuple):
    """Whether we hear which sessions have ended elsewhere; told at the change, and now and then while it is down."""

    state: Literal["up", "down"]
    code: str | None = None


class Changed(NamedTuple):
    """Something that logins depend on is another one than before, or was seen for the first time."""

    what: What
    now: str
    """A version, or a fingerprint that tells nothing: it may be shown to operators. Empty for what is gone."""
    before: str | None = None
    """None when it is seen for the first time."""


class Stage(NamedTuple):
    """A listener or the whole program has changed its stage, e.g. `started`, `draining`, `stopped`."""

    name: str
    addresses: tuple[tuple[str, str], ...] = ()


class Crashed(NamedTuple):
    """A bug of ours: where it happened, by type and place, without any value."""

    request_id: str
    error_type: str
    places: tuple[str, ...]
    """`file:line function` of the innermost frames, the very place last."""
    elapsed_s: float = 0.0


Event = (
    AttemptEnded
    | TryEnded
    | ConnectivityChecked
    | HandshakeEnded
    | CircuitChanged
    | KeysChanged
    | RevocationFeed
    | Changed
    | ConfigurationProblem
    | Stage
    | Crashed
)
