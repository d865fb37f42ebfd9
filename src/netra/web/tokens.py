"""Bytes in, a token; an outcome, bytes out: who am I, and may this request pass?

It must never tell a caller more about a token than its issuer vouched for, nor take an outage for a refusal.
"""

import re
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final
from urllib.parse import quote

from netra.asgi.words import Answer, Request
from netra.core.secret import Secret
from netra.core.verdict.operations import Identity
from netra.core.verdict.outcomes import Accepted, Outcome, Rejected
from netra.gateway.attempts import TokenAttempt, bearer, shown_bearer
from netra.gateway.gate import Gateway
from netra.web.bodies import ENCODER, UserBody, VerifiedBody
from netra.web.labels import label_of
from netra.web.render import problem_answer
from netra.web.view import View

_WORDED_COUNT: Final = 1024
_REFUSED: Final = 401
_UNKNOWN: Final = 503
_LAST_S: Final = 253_402_300_799
"""The end of the last year of four digits, epoch seconds: what ends later is said to end then."""
_PLAIN: Final = re.compile(r"[!-$&-~]+")
_VISIBLE: Final = "".join(chr(code) for code in range(0x21, 0x7F) if code != ord("%"))


async def me(request: Request, gateway: Gateway, view: View) -> Answer:
    """GET /me."""
    token = bearer_of(request)
    if isinstance(token, Rejected):
        return problem_answer(token, view, request.request_id)
    outcome = await gateway.who_is(TokenAttempt(token, None, label_of(request), request.received_at_s))
    if isinstance(outcome, Accepted):
        user = outcome.value.user
        return Answer(200, ENCODER.encode(UserBody(user.id, user.email, user.name)))
    return problem_answer(outcome, view, request.request_id)


def verify_at_once(request: Request, gateway: Gateway, view: View) -> Answer | None:
    """Any method at /verify and below: may the request pass whose headers these are? Its body is not read.

    Proxies in front understand 2xx, 401 and failures: every refusal is 401, everything that nobody knows 503.
    None for a token that has to be judged.
    """
    is_only = request.count(b"authorization") < 2 and not (request.query and _has_token(request.query))
    token = shown_bearer(request.header(b"authorization") or "", is_only=is_only)
    if isinstance(token, Rejected):
        return problem_answer(token, view, request.request_id)
    outcome = gateway.remembered(token)
    return None if outcome is None else _to_a_proxy(outcome, request, view)


async def verify(request: Request, gateway: Gateway, view: View) -> Answer:
    """The same for a token that is not remembered."""
    token = bearer_of(request)
    if isinstance(token, Rejected):
        return problem_answer(token, view, request.request_id)
    outcome = await gateway.judge(TokenAttempt(token, None, label_of(request), request.received_at_s))
    return _to_a_proxy(outcome, request, view)


def _to_a_proxy(outcome: Outcome[Identity], request: Request, view: View) -> Answer:
    if isinstance(outcome, Accepted):
        return _passes(outcome.value)
    status = _REFUSED if isinstance(outcome, Rejected) else _UNKNOWN
    return problem_answer(outcome, view, request.request_id, status=status)


@lru_cache(maxsize=_WORDED_COUNT)
def _passes(identity: Identity) -> Answer:
    """The answer for whoever may pass: the same for each request that one page makes."""
    (subject, email, _), expires_at = identity.user, identity.expires_at
    body = VerifiedBody(
        valid=True,
        subject=subject,
        email=email,
        expires_at=None if expires_at is None else datetime.fromtimestamp(min(expires_at, _LAST_S), UTC),
        source=identity.source,
    )
    headers = [(b"x-auth-subject", header_value(subject)), (b"x-auth-source", identity.source.encode("ascii"))]
    if email is not None:
        headers.append((b"x-auth-email", header_value(email)))
    if expires_at is not None:
        headers.append((b"x-auth-expires", b"%d" % expires_at))
    return Answer(200, ENCODER.encode(body), headers=tuple(headers))


def header_value(text: str) -> bytes:
    """A text for a header: what is not visible ASCII, and %, as percent-encoded UTF-8. Source: RFC 3986, 2.1."""
    if _PLAIN.fullmatch(text):
        return text.encode("ascii")
    return quote(text, safe=_VISIBLE, errors="replace").encode("ascii")


def bearer_of(request: Request) -> Secret | Rejected:
    """The one bearer token of a request, or why there is none."""
    values = [value.decode("latin-1") for value in request.values(b"authorization")]
    return bearer(values, query_has_token=_has_token(request.query))


def _has_token(query: bytes) -> bool:
    return any(part.startswith(b"access_token=") for part in query.split(b"&"))
