"""What Netra needs around logins: health, the handshake and its promises, and that our own credentials are ours.

It must never blame a user for a credential of ours.
"""

import asyncio
from dataclasses import replace
from secrets import token_hex
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from netra.core.secret import Secret
from netra.core.verdict.operations import CONFIG, HEALTH, LOGIN, VALIDATE
from netra.core.verdict.outcomes import Accepted, Rejected, Unknown, code_of
from netra.core.verdict.reply import Broken, Standing
from netra.link.clock import SystemClock
from netra.link.requests import Requests
from netra.link.seals import Seal
from netra.link.tls.trust import Trust, TrustFiles
from netra.settings.field import fingerprint
from netra.testing.conformance.interview import Answered, Interview
from netra.testing.conformance.results import (
    CannotTell,
    Check,
    Result,
    failed,
    misread,
    passed,
    skipped,
    told,
    warned,
)  # fmt: skip
from netra.testing.conformance.subject import secret

if TYPE_CHECKING:
    import ssl

_PORTS: Final = {"http": 80, "https": 443}
_MADE_OF: Final = "the first 8 hex digits of SHA-256 of netra-fp: and the secret"
_TRUSTED: Final = Standing(handshake="accepted", credentials_configured=True)
"""As between two handshakes, when a secret has just gone wrong."""


async def health(interview: Interview) -> Result:
    """What the background probe asks."""
    interview.offers(HEALTH)
    answered = await interview.ask("health", HEALTH, {})
    if not isinstance(answered.outcome, Accepted):
        return misread("its health should be good", answered, "Serve the path that the wire names under health.")
    return passed(f"it {told(answered)}")


async def head(interview: Interview) -> Result:
    """What balancers and monitors ask."""
    interview.offers(HEALTH)
    service, template = interview.service, interview.wire.templates[HEALTH.name]
    call = interview.wire.call(HEALTH, {}, interview.label())._replace(template=replace(template, method="HEAD"))
    request = Requests(urlsplit(service.url).netloc)(call, interview.seal if template.sealed else None)
    if isinstance(request, Broken):
        raise CannotTell("the request cannot be written")
    try:
        async with asyncio.timeout(service.timeout_s):
            status = await _status(service.base, service.ca_file, request)
    except (OSError, EOFError, ValueError):
        return warned("HEAD on its health has no answer", "Let HEAD work wherever GET does.")
    if not 200 <= status < 300:
        return warned(f"HEAD on its health is answered {status}", "Let HEAD work wherever GET does.")
    return passed(f"HEAD is answered {status}")


async def _status(base: str, ca_file: str | None, request: bytes) -> int:
    """The status of an answer that has no body. Raises: OSError, EOFError, ValueError."""
    address = urlsplit(base)
    tls: ssl.SSLContext | None = None
    if address.scheme == "https":
        tls = Trust(SystemClock(), TrustFiles(ca_file)).context()
    reader, writer = await asyncio.open_connection(
        address.hostname, address.port or _PORTS[address.scheme], ssl=tls, limit=16 * 1024
    )
    try:
        writer.write(request)
        return int((await reader.readuntil(b"\r\n")).split()[1])
    except (asyncio.LimitOverrunError, IndexError):
        raise ValueError("no status line") from None
    finally:
        writer.transport.abort()


async def handshake(interview: Interview) -> Result:
    """A clear word about our own credentials."""
    answered = await interview.handshake()
    if isinstance(answered.outcome, Accepted):
        return passed("it accepts our credentials")
    if code_of(answered.outcome) == "endpoint_not_found":
        fix = "Add it (docs/wires.md), or take it out of the wire. Until then a 401 without a code is a guess."
        return warned("the wire lists a handshake, and there is none", fix, "endpoint_not_found")
    fix = "Compare SERVICE_ID and SERVICE_SECRET on both sides."
    return misread("our credentials should be accepted", answered, fix)


async def fingerprints(interview: Interview) -> Result:
    """The way by which two sides compare a secret without telling it."""
    held = interview.service.service_secret
    promised = await interview.promises()
    if held is None:
        raise CannotTell("no service secret was given")
    ours = fingerprint(secret(held))
    if ours is None:
        return warned("the service secret is too short to have a fingerprint", "Take one of 32 characters or more.")
    if not promised.secret_fingerprints:
        fix = f"Let the handshake list secret_fingerprints: {_MADE_OF}."
        return warned("the handshake names no fingerprint, so nobody can compare secrets without telling them", fix)
    if ours not in promised.secret_fingerprints:
        fix = f"Look at how it makes them: {_MADE_OF}."
        return failed("it accepts our secret, but names fingerprints of others only", fix)
    return passed("it names the fingerprint of the secret that we hold")


async def wrong_credentials(interview: Interview) -> Result:
    """The right user with credentials of ours that are wrong: he has done nothing."""
    sealed = [each for each in (LOGIN, VALIDATE) if _sealed(interview, each.name)]
    if not sealed:
        return skipped("the wire sends no credentials of ours with logins")
    seal = _wrong_seal(interview)
    login = await interview.ask(
        "login with wrong service credentials",
        LOGIN,
        interview.credentials(interview.service.password),
        seal=seal,
        standing=_TRUSTED,
    )
    asked = [login]
    if VALIDATE in sealed:
        token = (await interview.session()).access_token
        asked.append(
            await interview.ask(
                "validation with wrong service credentials", VALIDATE, {"token": token}, seal=seal, standing=_TRUSTED
            )
        )
    return next(filter(None, map(_blamed, asked)), None) or passed(f"a login {told(login)}")


def _sealed(interview: Interview, operation: str) -> bool:
    template = interview.wire.templates.get(operation)
    return bool(template and template.sealed and interview.wire.credentials)


def _wrong_seal(interview: Interview) -> Seal:
    """Ours with one part made up: the secret, where there is one."""
    service, wrong = interview.service, token_hex(32)
    if "service_secret" in interview.wire.credentials:
        return Seal(interview.wire, service.service_id, Secret(wrong))
    return Seal(interview.wire, f"made-up-{wrong[:16]}", None)


def _blamed(answered: Answered) -> Result | None:
    outcome = answered.outcome
    fix = "Refuse the calling service with a code of its own: 401 and service_credentials_rejected."
    if isinstance(outcome, Rejected):
        what = f"a {answered.what} {told(answered)}: the user is refused for a mistake of ours"
        return failed(what, fix, outcome.cause.code)
    if isinstance(outcome, Accepted):
        return warned(f"a {answered.what} is accepted: it does not look at them", "Let it check who is asking.")
    if outcome.cause.hop != "service_credentials":
        what = f"a {answered.what} {told(answered)}, which says nothing of our credentials"
        return warned(what, fix, code_of(outcome))
    return None


async def delivered_twice(interview: Interview) -> Result:
    """A login whose answer was lost is sent again, under the same key."""
    await _promised(interview)
    key = token_hex(16)
    first, second = [await interview.log_in(f"{number} delivery", key=key) for number in ("first", "second")]
    for answered in (first, second):
        if not isinstance(answered.outcome, Accepted):
            fix = "Keep the verdict of a key for as long as a caller may retry, or do not promise idempotency."
            return misread(f"the {answered.what} under one Idempotency-Key should be accepted", answered, fix)
    return passed("both deliveries open a session")


async def key_with_another_body(interview: Interview) -> Result:
    """A key stands for one body: a wrong password under the key of a right one is neither let in nor judged."""
    await _promised(interview)
    key = token_hex(16)
    await interview.log_in("login under a key", key=key)
    other = await interview.log_in_wrongly("other body under the same key", key=key)
    fix = "Remember a keyed hash of the body beside the key, and refuse another body with 422."
    if isinstance(other.outcome, Accepted):
        return failed("a wrong password was LET IN under the Idempotency-Key of a right one", fix)
    if isinstance(other.outcome, Rejected) and other.outcome.cause.code != "invalid_fields":
        return misread("another body under the same Idempotency-Key should be refused as such", other, fix)
    if isinstance(other.outcome, Unknown) and not 400 <= (other.status or 0) < 500:
        return misread("another body under the same Idempotency-Key should be refused with a 4xx", other, fix)
    return passed(f"the other body {told(other)}")


async def _promised(interview: Interview) -> None:
    """Raises: CannotTell, where no login is ever delivered twice."""
    template = interview.wire.templates.get(LOGIN.name)
    if template is None or not template.keyed:
        raise CannotTell("the wire sends no Idempotency-Key with logins, so none is delivered twice")
    if not (await interview.promises()).idempotency:
        raise CannotTell("the handshake promises no idempotency, so no login is delivered twice")


async def offer(interview: Interview) -> Result:
    """What the gateway's own offer is made of."""
    interview.offers(CONFIG)
    answered = await interview.ask("config", CONFIG, {})
    if not isinstance(answered.outcome, Accepted):
        return misread("its offer should be read", answered, "Serve the path that the wire names under config.")
    return passed("it can be read")


CHECKS: Final = (
    Check("its_health_can_be_asked", "its health, as the background probe asks", health),
    Check("its_health_answers_head_as_it_answers_get", "its health, with HEAD", head),
    Check("the_handshake_accepts_our_credentials", "the handshake", handshake),
    Check("the_handshake_names_the_fingerprint_of_our_secret", "nothing more", fingerprints),
    Check("its_offer_can_be_read", "its config", offer),
    Check(
        "wrong_service_credentials_are_never_the_users_refusal",
        "the right password, and a good token, with a made-up service secret",
        wrong_credentials,
    ),
    Check(
        "a_login_that_is_delivered_twice_has_one_verdict",
        "the right password twice under one Idempotency-Key",
        delivered_twice,
    ),
    Check(
        "an_idempotency_key_stands_for_one_body",
        "the right password, then a wrong one under the same Idempotency-Key (1 of the wrong passwords)",
        key_with_another_body,
    ),
)  # fmt: skip
