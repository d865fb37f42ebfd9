"""Can tokens be checked here: are the issuer's keys to be had, of use, and those that it signs with?

It must never check less of a key set than production does, nor fetch what another hop has fetched.
"""

from collections.abc import AsyncIterator
from typing import Final
from urllib.parse import urlsplit

from netra.core.findings import Finding, Severity
from netra.core.token.checks import Expected
from netra.core.token.profiles import PROFILES
from netra.core.verdict.causes import TABLE
from netra.core.verdict.operations import KEYS, Jwks
from netra.core.verdict.outcomes import Accepted, Outcome, Rejected, Unknown, code_of, unknown
from netra.doctor.diagnosis import Check, Hop, State
from netra.doctor.visit import Visit, facts_of
from netra.upkeep.discovery import Discovered
from netra.upkeep.keyset import KeySet, read_keys

_HOP: Final = Hop.KEYS
_NO_TYPE: Final = "none"
"""How NETRA_TOKEN_TYPES spells that a token has none."""
_UNAVAILABLE: Final = "keys_unavailable"
_MOST_SHOWN: Final = 4
_LONGEST_SHOWN: Final = 64
_ASKED: Final = "the auth service is asked about each token"


async def checks(visit: Visit) -> AsyncIterator[Check]:
    """The key set, then the names of its keys on both sides."""
    heard = visit.heard.get(KEYS.name)
    if visit.settings.oidc_issuer:
        outcome, elapsed_s = await _discovered(visit)
    elif visit.wire.offers(KEYS):
        answered = heard or await visit.put(KEYS)
        outcome, elapsed_s = answered.outcome, answered.elapsed_s
    else:
        yield Check(_HOP, "key_set", State.SKIP, f"this auth service publishes no keys: {_ASKED}")
        return
    if not isinstance(outcome, Accepted):
        yield _not_to_be_had(visit, outcome, elapsed_s, told=heard is not None)
        return
    keys, used = read_keys(outcome.value), expected(visit) is not None
    visit.key_set = keys if isinstance(keys, KeySet) else None
    yield _key_set_check(visit, outcome.value, keys, elapsed_s, used=used)
    if isinstance(keys, KeySet) and visit.handshake is not None and visit.handshake.key_ids:
        yield _ids_check(visit.handshake.key_ids, keys.key_ids, used=used)


async def _discovered(visit: Visit) -> tuple[Outcome[Jwks], float]:
    """The keys of the issuer, found as production finds them."""
    issuer, started_s = visit.settings.oidc_issuer, visit.clock.now_s()
    budget_s = min(visit.settings.token_budget_s, visit.left_s())
    hosts = visit.settings.plaintext_hosts
    outcome = await Discovered(issuer, visit.link_of, plaintext_hosts=hosts, budget_s=budget_s).fetch()
    if isinstance(outcome, Unknown):
        outcome = outcome._replace(facts={**facts_of(issuer, None), **outcome.facts})
    return outcome, visit.clock.now_s() - started_s


def expected(visit: Visit) -> Expected | None:
    """What a token must say to be checked here; None while that is not known, and whoever made it is asked."""
    settings, standing = visit.settings, visit.standing
    issuer = settings.token_issuer or settings.oidc_issuer or standing.issuer
    audience = frozenset(settings.token_audience or ((standing.audience,) if standing.audience else ()))
    if not issuer or not audience:
        return None
    profile = PROFILES[settings.token_profile]
    types = frozenset("" if each == _NO_TYPE else each for each in settings.token_types)
    return Expected(issuer, audience, types or profile.types, profile)


def _not_to_be_had(visit: Visit, outcome: Rejected | Unknown, elapsed_s: float, *, told: bool) -> Check:
    """`told`: was it by the hop that asks every route?"""
    if told:
        what = f"not to be had: {code_of(outcome)}, as was found among the routes"
        return Check(_HOP, "key_set", State.SKIP, what, elapsed_s)
    finding = visit.finding(outcome, _HOP)._replace(why=f"Whoever shows a token gets 503 `{_UNAVAILABLE}`.")
    reason = outcome.facts.get("reason", "") if isinstance(outcome, Unknown) else ""
    if reason:
        seen, _, cure = reason.partition(": ")
        finding = finding._replace(what=f"{seen[:1].upper()}{seen[1:]}.")
        finding = finding._replace(fix=f"{cure[:1].upper()}{cure[1:]}.") if cure else finding
    host = urlsplit(visit.settings.oidc_issuer).netloc or visit.host
    what = f"no keys are to be had of {host}: {finding.code}"
    return Check(_HOP, "key_set", State.FAIL, what, elapsed_s, (finding,))


def _key_set_check(visit: Visit, jwks: Jwks, keys: KeySet | str, elapsed_s: float, *, used: bool) -> Check:
    published = f"{len(jwks.keys)} {'key' if len(jwks.keys) == 1 else 'keys'} published"
    if isinstance(keys, KeySet):
        usable = sum(isinstance(read_keys(Jwks((each,))), KeySet) for each in jwks.keys)
        what = f"{published}, {usable} of use for tokens: {_listed(keys.key_ids)}"
        what = what if used else f"{what}; not used, since issuer and audience are not both known: {_ASKED}"
        return Check(_HOP, "key_set", State.PASS, what, elapsed_s)
    if not used:
        what = f"{published}, and not used, since issuer and audience are not both known: {_ASKED}"
        return Check(_HOP, "key_set", State.SKIP, what, elapsed_s)
    failure = unknown(TABLE[_UNAVAILABLE])
    finding = visit.finding(failure, _HOP)._replace(
        what=f"The published keys cannot be used: {keys}.",
        why=f"Whoever shows a token gets 503 `{_UNAVAILABLE}`.",
        fix="Have the issuer publish the public key that it signs with, as RFC 7517 describes it; `netra explain "
        f"{_UNAVAILABLE}` says more.",
    )
    return Check(_HOP, "key_set", State.FAIL, f"{published}, none can be used: {keys}", elapsed_s, (finding,))


def _ids_check(said: tuple[str, ...], published: tuple[str, ...], *, used: bool) -> Check:
    """The keys that the auth service says it signs with, beside those that it publishes."""
    lost = tuple(each for each in said if each not in published)
    if not lost:
        return Check(_HOP, "key_ids", State.PASS, f"the handshake names the same: {_listed(said)}")
    severity = Severity.ERROR if used and len(lost) == len(said) else Severity.WARNING
    what = f"signs with {_listed(lost)}, and publishes {_listed(published)}"
    finding = Finding(
        severity,
        "key_ids_differ",
        _HOP,
        f"The auth service {what}.",
        f"Tokens signed with a key that is not published are 503 `{_UNAVAILABLE}` or 401 `token_signature_invalid`."
        if used
        else f"Nothing yet: tokens are not checked here, {_ASKED}.",
        "Have the auth service publish the key that it signs with; a copy that something between keeps may be old: "
        "empty that cache.",
    )
    return Check(_HOP, "key_ids", State.FAIL if severity is Severity.ERROR else State.WARN, what, None, (finding,))


def _listed(key_ids: tuple[str, ...]) -> str:
    """Names of keys, which are text of the issuer's, fit for one line."""
    if not key_ids:
        return "none with a name"
    text = ", ".join(_shown(each) for each in key_ids[:_MOST_SHOWN])
    return text if len(key_ids) <= _MOST_SHOWN else f"{text} and {len(key_ids) - _MOST_SHOWN} more"


def _shown(text: str) -> str:
    plain = "".join(each if each.isprintable() else "?" for each in text[:_LONGEST_SHOWN])
    return plain if len(text) <= _LONGEST_SHOWN else f"{plain}…"
