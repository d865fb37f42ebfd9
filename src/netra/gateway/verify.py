"""Whom does this token stand for? Remembered, checked here by published keys, or asked.

It must never refuse a token for want of keys, of an answer or of a right clock; nor vouch for one that has ended.
"""

from collections.abc import Awaitable

from netra.core.secret import Secret
from netra.core.token.checks import LEEWAY_S, Expected, check, refused, time_refusal
from netra.core.token.jwt import SIGNATURE_INVALID, Header, payload_of, read_header
from netra.core.verdict.causes import TABLE
from netra.core.verdict.operations import VALIDATE, Identity
from netra.core.verdict.outcomes import Accepted, Outcome, Rejected, Unknown, unknown
from netra.gateway.attempts import TokenAttempt, malformed
from netra.gateway.parts import Parts
from netra.gateway.tokens import Keys, nameless, shared
from netra.link.calls import ask
from netra.upkeep.keyset import KeySet


def remembered(token: Secret, parts: Parts) -> Outcome[Identity] | None:
    """What is known of a token without judging it; None when it has to be. Counted, never told.

    One that is no token by its characters is refused, and not counted. Whoever is known was looked at before.
    """
    tokens, link = parts.tokens, parts.link
    key = tokens.key(token, link.standing)
    if not tokens.cache.knows(key):
        refusal = malformed(token)
        if refusal is not None:
            return refusal
    now_s = link.clock.now_s()
    known = tokens.known(key, now_s, _time(parts, now_s))
    return None if known is None else _as_of_now(known, token, parts)


async def who_is(attempt: TokenAttempt, parts: Parts) -> Outcome[Identity]:
    """The identity behind a token, and how it is known; told also when it is remembered."""
    outcome = remembered(attempt.token or Secret(""), parts)
    if outcome is None:
        return await judge(attempt, parts, "me")
    parts.ended("me", attempt.label, attempt.received_at_s, outcome)
    return outcome


async def judge(attempt: TokenAttempt, parts: Parts, journey: str = "verify") -> Outcome[Identity]:
    """The identity behind a token that is not remembered; told as the end of `journey`."""
    token = attempt.token or Secret("")
    outcome = _as_of_now(await _judged_once(token, attempt, parts), token, parts)
    parts.ended(journey, attempt.label, attempt.received_at_s, outcome)
    return outcome


def _judged_once(token: Secret, attempt: TokenAttempt, parts: Parts) -> Awaitable[Outcome[Identity]]:
    """The verdict on a token, for all who show it now; by keys it is there at once, or waits for them as others do."""
    tokens, standing = parts.tokens, parts.link.standing
    key = tokens.key(token, standing)
    if tokens.expected(standing) is not None:
        return _judged(token, key, attempt, parts)
    return shared(tokens.checks, key, lambda: _judged(token, key, attempt, parts))


async def _judged(token: Secret, key: bytes, attempt: TokenAttempt, parts: Parts) -> Outcome[Identity]:
    """The verdict on a token, remembered for whoever asks next; what was known before, while there is none."""
    tokens, link = parts.tokens, parts.link
    expected, basis, token_id = tokens.expected(link.standing), tokens.basis(link.standing), nameless(token)
    if tokens.revoked.holds(token_id, None):
        return refused("token_revoked")
    if expected is None or tokens.keys is None:
        outcome = await _asked(attempt, parts)
    else:
        outcome = await _checked(token, attempt, parts, expected, tokens.keys)
    now_s = link.clock.now_s()
    if isinstance(outcome, Unknown):
        return tokens.stale(key, now_s, _time(parts, now_s)) or outcome
    if isinstance(outcome, Accepted) and tokens.revoked.holds(token_id, None):
        return refused("token_revoked")
    if basis is tokens.basis(link.standing):  # else it was judged by what counts no more
        tokens.remember(key, outcome, now_s, _time(parts, now_s))
    return outcome


async def _checked(
    token: Secret, attempt: TokenAttempt, parts: Parts, expected: Expected, keys: Keys
) -> Outcome[Identity]:
    """The verdict by the keys that the issuer publishes."""
    header = read_header(token.reveal())
    if isinstance(header, str):
        return refused(header)
    key_set = keys.current
    if key_set is None or not key_set.knows(header):  # else `for_token` would say the same, and nobody has to wait
        deadline = parts.token_deadline(attempt.received_at_s)
        fetched = await keys.for_token(header, attempt.received_at_s, deadline.at_s)
        if isinstance(fetched, Unknown):
            return fetched
        key_set = fetched
    verdict = by_keys(token, header, key_set, expected, parts.link.clock.wall_s())
    if header.kid is None and verdict == refused(SIGNATURE_INVALID):
        # It may be signed by a key that has come since: no name says so.
        newer = await keys.newer(attempt.received_at_s, parts.token_deadline(attempt.received_at_s).at_s)
        if isinstance(newer, Unknown):
            return newer
        verdict = by_keys(token, header, newer, expected, parts.link.clock.wall_s())
    if isinstance(verdict, Identity):
        return Accepted(verdict)
    if isinstance(verdict, Rejected) and time_refusal(verdict.cause.code) and _skew_s(parts):
        return await _confirmed(attempt, parts)
    return verdict


def by_keys(
    token: Secret, header: Header, keys: KeySet, expected: Expected, wall_s: float
) -> Identity | Rejected | Unknown:
    """What a token is worth by these keys, now. Source: RFC 7519, section 7.2; RFC 9068, section 4."""
    payload = keys.signed(token.reveal(), header)
    if payload is None and header.kid is None:
        return unknown(TABLE["keys_unavailable"])  # too many could have signed it to try them all
    if not isinstance(payload, bytes):
        return refused(payload or SIGNATURE_INVALID)
    claims = payload_of(payload)
    return refused(claims) if isinstance(claims, str) else check(header, claims, expected, wall_s)


async def _confirmed(attempt: TokenAttempt, parts: Parts) -> Outcome[Identity]:
    """The auth service's own verdict: its clock and ours differ, and it may be ours that is wrong."""
    if parts.wire.offers(VALIDATE):
        key = parts.tokens.key(attempt.token or Secret(""), parts.link.standing)
        return await shared(parts.tokens.checks, key, lambda: _asked(attempt, parts))
    return unknown(TABLE["proxy_configuration_error"], {"skew_s": f"{abs(_skew_s(parts)):.0f}"})


def _skew_s(parts: Parts) -> float:
    """By how much the auth service's clock is ahead of ours; 0 within the leeway."""
    clock = parts.link.clock
    skew_s = parts.link.standing.skew_s(clock.now_s(), clock.wall_s())
    return skew_s if abs(skew_s) > LEEWAY_S else 0.0


def _time(parts: Parts, now_s: float) -> float:
    """The time by which tokens end: the auth service's, where it and ours differ by more than the leeway."""
    wall_s = parts.link.clock.wall_s()
    skew_s = parts.link.standing.skew_s(now_s, wall_s)
    return wall_s + skew_s if abs(skew_s) > LEEWAY_S else wall_s


async def _asked(attempt: TokenAttempt, parts: Parts) -> Outcome[Identity]:
    """The verdict of the auth service; unknown where it takes no such question, and keys or issuer are lacking."""
    if not parts.wire.offers(VALIDATE):
        return unknown(TABLE["keys_unavailable"])
    call = parts.wire.call(VALIDATE, {"token": attempt.token}, attempt.label)
    outcome = await ask(call, parts.link, parts.token_deadline(attempt.received_at_s))
    if not isinstance(outcome, Accepted):
        return outcome
    wrong = parts.tokens.made_for_others(outcome.value)
    return refused(wrong) if wrong else Accepted(outcome.value.identity, outcome.tried)


def _as_of_now(outcome: Outcome[Identity], token: Secret, parts: Parts) -> Outcome[Identity]:
    """A session that has ended is refused; while nobody tells us which ones have, what is known here is `stale`."""
    if not isinstance(outcome, Accepted):
        return outcome
    tokens, identity = parts.tokens, outcome.value
    token_id = identity.token_id or (None if identity.session_id else nameless(token))
    if tokens.revoked.holds(token_id, identity.session_id):
        return refused("token_revoked")
    if tokens.feed is not None and not tokens.feed.up and identity.source != "auth_service":
        return Accepted(identity._replace(source="stale"), outcome.tried)
    return outcome


def judged_here(token: Secret, parts: Parts) -> Identity | Rejected | None:
    """What a token is worth by what is known here; None where that is not enough to say. Nobody is asked."""
    tokens, standing = parts.tokens, parts.link.standing
    known = remembered(token, parts)
    if isinstance(known, Accepted):
        identity: Identity = known.value
        return identity
    expected, header = tokens.expected(standing), read_header(token.reveal())
    keys = tokens.keys.current if tokens.keys is not None else None
    if expected is None or keys is None:
        return None
    if isinstance(header, str):
        return refused(header)
    verdict = by_keys(token, header, keys, expected, parts.link.clock.wall_s())
    if isinstance(verdict, Unknown):
        return None
    if isinstance(verdict, Identity):
        return verdict
    sure = header.kid is not None and keys.knows(header) and not time_refusal(verdict.cause.code)
    return verdict if sure else None
