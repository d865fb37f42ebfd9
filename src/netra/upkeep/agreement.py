"""Where the auth service and this gateway do not mean the same: a handshake beside our own settings. Pure.

It must never say a secret, nor call wrong what the two may differ in.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Any, Final, NamedTuple

from netra.core.findings import Finding, Severity
from netra.core.secret import Secret
from netra.core.verdict.operations import HANDSHAKE, Handshake
from netra.core.verdict.reply import Standing
from netra.core.verdict.wire import Wire
from netra.settings.field import DOTS, fingerprint
from netra.settings.variables import Settings, same_environment

SKEW_S: Final = 5.0
"""Clocks that are further apart than this are told of."""
LEEWAY_S: Final = 60.0
"""Beyond it tokens would be judged wrongly by our own clock."""
_STEPS_S: Final = (LEEWAY_S, SKEW_S)
_MOST_SHOWN: Final = 8
_LONGEST_SHOWN: Final = 80
_FINGERPRINT: Final = re.compile(r"[0-9A-Fa-f:]{4,16}")


class Ours(NamedTuple):
    """What this gateway holds, in the words in which a handshake speaks of it."""

    service_id: str | None = None
    environment: str = ""
    secret: str | None = None
    """The fingerprint of SERVICE_SECRET; None without one, and for one that is too short to have one."""
    previous: str | None = None
    """The same of SERVICE_SECRET_PREVIOUS."""
    kept: str | None = None
    """The same of a secret that a file held before, and that is tried when the new one is refused."""
    issuer: str = ""
    """Who signs tokens by our settings; "" where they leave it to the handshake."""
    issuer_variable: str = "NETRA_TOKEN_ISSUER"
    """Where that was set."""
    audience: tuple[str, ...] = ()
    """Whom tokens are for by our settings; nothing where they leave it to the handshake."""
    tries: int = 1
    calls: tuple[str, ...] = ()
    """What we ask, e.g. `POST /auth/login`."""


def ours(settings: Settings, wire: Wire) -> Ours:
    """What these settings say, and what this wire asks."""
    return Ours(
        service_id=settings.service_id,
        environment=settings.environment,
        secret=fingerprint_of(settings.service_secret),
        previous=fingerprint_of(settings.service_secret_previous),
        issuer=settings.token_issuer or settings.oidc_issuer,
        issuer_variable="NETRA_TOKEN_ISSUER" if settings.token_issuer else "OIDC_ISSUER",
        audience=settings.token_audience,
        tries=settings.tries,
        calls=tuple(f"{each.method} {each.path}" for name, each in wire.templates.items() if name != HANDSHAKE.name),
    )


def fingerprint_of(secret: Secret | None) -> str | None:
    """By what a secret may be named; None without one, and for one that is too short for it."""
    return None if secret is None else fingerprint(secret)


def differences(said: Handshake, ours: Ours) -> tuple[Finding, ...]:
    """In what an accepted handshake and our settings do not agree, the most telling first.

    Values of both sides are shown, of secrets the fingerprints. What one side does not say is no difference.
    """
    return tuple(each for look in _LOOKS for each in look(said, ours))


def unspoken(said: Handshake, hidden: Iterable[str]) -> Handshake:
    """The same without our own secrets: a service that repeats what it was shown must not have us log it."""

    def plain(value: Any) -> Any:
        if isinstance(value, tuple):
            return tuple(map(plain, value))
        for each in hidden if isinstance(value, str) else ():
            value = value.replace(each, DOTS)
        return value

    told = Handshake._make(map(plain, said))
    return told if told.version is None else told._replace(version=printable(told.version))


def broken_promises(standing: Standing, said: Handshake, ours: Ours) -> tuple[str, ...]:
    """What a handshake says otherwise than the first one did, where our settings leave it to that: `issuer`..."""
    pairs = {"issuer": (standing.issuer, said.issuer), "audience": (standing.audience, said.audience)}
    left = {"issuer": not ours.issuer, "audience": not ours.audience}
    return tuple(name for name, (first, now) in pairs.items() if left[name] and first and now and first != now)


def promise_broken(name: str) -> Finding:
    """What to say of it: tokens are checked as they were."""
    return _warning(
        f"{name}_changed",
        f"NETRA_TOKEN_{name.upper()}",
        f"is not set, and the auth service names another {name} of tokens than in its first handshake",
        "Tokens are checked as before: whoever can change what it says could else have his own tokens accepted.",
        f"If it is meant, restart this gateway, or set NETRA_TOKEN_{name.upper()}.",
    )


def clock_difference(ahead_s: float) -> Finding | None:
    """What to say of an auth service whose clock is so far ahead of ours, or behind it (negative); None for little.

    The sentence names a bound, not the seconds, so that it stays the same from one handshake to the next.
    """
    beyond_s = next((each for each in _STEPS_S if abs(ahead_s) > each), None)
    if beyond_s is None:
        return None
    side = "ahead of" if ahead_s > 0 else "behind"
    return Finding(
        Severity.WARNING,
        "clock_differs",
        "clock",
        f"the clock of the auth service is more than {beyond_s:g} s {side} that of this machine",
        "Tokens end too early or too late, and log lines of the two cannot be put in order.",
        "Let both machines set their clocks by NTP; `timedatectl` says whether this one does.",
    )


def _identity(said: Handshake, ours: Ours) -> Iterator[Finding]:
    if said.service_id and ours.service_id and said.service_id != ours.service_id:
        yield _warning(
            "service_id_differs",
            "SERVICE_ID",
            f"is {printable(ours.service_id)} here, and the auth service takes us for {printable(said.service_id)}",
            "Its limits, logs and permissions are those of the other service; it may be somebody between us "
            "who signs in there with credentials of his own.",
            "Set SERVICE_ID to the id that was registered for this gateway; see what stands between the two.",
        )


def _secrets(said: Handshake, ours: Ours) -> Iterator[Finding]:
    known = said.secret_fingerprints
    if not known:
        return
    listed = ", ".join(map(_named, known[:_MOST_SHOWN]))
    if ours.secret and ours.secret not in known:
        by_previous = ours.previous in known or ours.kept in known
        yield _warning(
            "secret_unknown_there",
            "SERVICE_SECRET",
            f"has the fingerprint {ours.secret}, and the auth service knows {listed}",
            "Logins get through with the secret before it, until that is retired."
            if by_previous
            else "It accepts us all the same: it makes fingerprints in another way, or forgets our secret soon.",
            "Register the secret at the auth service, or set SERVICE_SECRET to the one that it knows."
            if by_previous
            else "Compare the secrets on both sides; a fingerprint is the first 8 hex digits of "
            "SHA-256 over `netra-fp:` and the secret.",
        )
    elif ours.previous and ours.previous != ours.secret and ours.previous not in known:
        yield _note(
            "secret_stale",
            "SERVICE_SECRET_PREVIOUS",
            f"has the fingerprint {ours.previous}, which the auth service does not know any more ({listed})",
            "Nothing breaks: it knows SERVICE_SECRET.",
            "The rotation is over: remove SERVICE_SECRET_PREVIOUS.",
        )
    other = [each for each in known if each not in (ours.secret, ours.previous, ours.kept)]
    if other and ours.secret in known:
        yield _note(
            "secret_only_there",
            "SERVICE_SECRET",
            f"has the fingerprint {ours.secret}, and the auth service also accepts {_named(other[0])}",
            "Nothing breaks while it accepts both: a rotation has begun, or was not brought to its end.",
            "Give every gateway the newer of the two, then retire the other one there.",
        )


def _environment(said: Handshake, ours: Ours) -> Iterator[Finding]:
    if said.environment and ours.environment and not same_environment(said.environment, ours.environment):
        yield _warning(
            "environment_differs",
            "AUTH_SERVICE_URL",
            f"leads to an auth service whose environment is {printable(said.environment)}, "
            f"and ours is {ours.environment}",
            "Users log in with the accounts of another environment, or cannot.",
            f"Set AUTH_SERVICE_URL to the auth service of {ours.environment}, or ENVIRONMENT to what this is.",
        )


def _tokens(said: Handshake, ours: Ours) -> Iterator[Finding]:
    if said.issuer and ours.issuer and said.issuer != ours.issuer:
        yield _warning(
            "issuer_differs",
            ours.issuer_variable,
            f"is {printable(ours.issuer)}, and the auth service signs as {printable(said.issuer)}",
            "The tokens of its logins are 401 `token_wrong_issuer` here.",
            f"Set {ours.issuer_variable} exactly as the auth service spells it, unless tokens come from elsewhere.",
        )
    if said.audience and ours.audience and said.audience not in ours.audience:
        accepted = ", ".join(printable(each) for each in ours.audience[:_MOST_SHOWN])
        yield _warning(
            "audience_differs",
            "NETRA_TOKEN_AUDIENCE",
            f"is {accepted}, and the auth service makes tokens for {printable(said.audience)}",
            "The tokens of its logins are 401 `token_wrong_audience` here.",
            f"Add {printable(said.audience)} to NETRA_TOKEN_AUDIENCE if these tokens are meant for this gateway.",
        )


def _idempotency(said: Handshake, ours: Ours) -> Iterator[Finding]:
    if ours.tries > 1 and not said.idempotency:
        yield _note(
            "idempotency_absent",
            "NETRA_TRIES",
            f"is {ours.tries}, and the auth service does not honour Idempotency-Key",
            "Logins that may have arrived are not sent again, whatever NETRA_TRIES says; the rest is.",
            "Nothing to do; let the auth service promise `idempotency` in its handshake once it keeps it.",
        )


def _endpoints(said: Handshake, ours: Ours) -> Iterator[Finding]:
    missing = [call for call in ours.calls if not _listed(call, said.endpoints)]
    if not said.endpoints or len(missing) == len(ours.calls):
        return  # It lists nothing, or in a way of its own.
    for call in missing:
        yield _warning(
            "endpoint_not_listed",
            "NETRA_WIRE",
            f"has the call {call}, and the auth service does not list it among its endpoints",
            "Whoever needs it gets 502 `endpoint_not_found`, unless the list is not complete.",
            "See whether this release of the auth service still has it; change the wire if it has moved.",
        )


_LOOKS: Final = (_identity, _secrets, _environment, _tokens, _endpoints, _idempotency)


def _listed(call: str, endpoints: tuple[str, ...]) -> bool:
    """Whether a call is there, also when the auth service does not know below which path it is served."""
    method, _, path = call.partition("?")[0].partition(" ")
    for each in endpoints:
        their_method, _, their_path = each.partition(" ")
        their_path = their_path.rstrip("/")
        if their_method.upper() == method and their_path.startswith("/") and path.rstrip("/").endswith(their_path):
            return True
    return False


def _named(fingerprint: str) -> str:
    """A fingerprint of theirs, if it can be none but that: who lists whole secrets there must not have us log them."""
    return fingerprint if _FINGERPRINT.fullmatch(fingerprint) else f"a text of {len(fingerprint)} characters"


def printable(text: str) -> str:
    """What the auth service or a setting says, fit for one line."""
    plain = "".join(each if each.isprintable() else "?" for each in text)
    return plain if len(plain) <= _LONGEST_SHOWN else f"{plain[: _LONGEST_SHOWN - 1]}…"


def _warning(code: str, subject: str, what: str, why: str, fix: str) -> Finding:
    return Finding(Severity.WARNING, code, subject, what, why, fix)


def _note(code: str, subject: str, what: str, why: str, fix: str) -> Finding:
    return Finding(Severity.NOTE, code, subject, what, why, fix)
