"""TLS: is the certificate one that we trust, for this name, and for how long; what do we show of ourselves?

It must never trust more than logins do, nor show our certificate where they would not.
"""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

from aiohappyeyeballs import start_connection

from netra.core.findings import Finding, Severity
from netra.core.verdict.broken import SOMEBODY, broken
from netra.core.verdict.reply import Broken
from netra.doctor.diagnosis import Check, Hop, State
from netra.doctor.visit import Visit
from netra.link.tls.own_certificate import own_expiry
from netra.link.tls.peer_certificate import PeerCertificate, described, peer_certificate
from netra.link.tls.trust import CERT_FILE

SOON: Final = timedelta(days=30)
_SILENT: Final = "connection_timeout"
_ENDED: Final = "connection_terminated"
_AFTER_REQUEST: Final = "after the request was sent:"
"""How the page of it says when: a login has sent its request by then."""
_NEXT_ADDRESS_AFTER_S: Final = 0.25
_SHORTEST_WAIT_S: Final = 0.02
_LONGEST_WAIT_S: Final = 0.3


class _Shaken(NamedTuple):
    """What a handshake that went well has shown."""

    certificate: PeerCertificate
    protocol: str
    cipher: str


class _Listener(asyncio.Protocol):
    """Hears whether the other side ends a connection that seemed to stand, as TLS 1.3 lets it."""

    def __init__(self) -> None:
        self._lost: asyncio.Future[Exception | None] = asyncio.get_running_loop().create_future()

    def connection_lost(self, error: Exception | None) -> None:
        """The connection is gone."""
        if not self._lost.done():
            self._lost.set_result(error)

    async def complaint(self, handshake_s: float) -> Broken | None:
        """Why the other side refuses us now that it has seen who we are, as a login would hear it; None when not.

        A refusal comes one way there and back after the handshake, which took no less.
        """
        wait_s = min(max(handshake_s, _SHORTEST_WAIT_S), _LONGEST_WAIT_S)
        lost, _ = await asyncio.wait({self._lost}, timeout=wait_s)
        return broken(self._lost.result() or ConnectionResetError(), sent=True) if lost else None


async def checks(visit: Visit) -> AsyncIterator[Check]:
    """One handshake as logins make it, then what it showed."""
    if visit.trust is None:
        yield Check(Hop.TLS, "certificate", State.SKIP, "plain HTTP, as AUTH_SERVICE_URL says: nothing is encrypted")
        return
    started_s = visit.clock.now_s()
    shaken = await _shaken(visit, visit.trust.context())
    elapsed_s = visit.clock.now_s() - started_s
    if isinstance(shaken, Broken):
        named = shaken._replace(facts={**shaken.facts, **await _issuer(visit, shaken.facts)})
        failed = visit.failure(Hop.TLS, "certificate", named, elapsed_s, where=f"the TLS handshake with {visit.host}")
        yield as_seen(visit, failed)
        return
    yield _certificate(visit, shaken.certificate, elapsed_s)
    yield Check(Hop.TLS, "protocol", State.PASS, f"{shaken.protocol}, {shaken.cipher}")
    cert, key = visit.settings.auth_service_client_cert_file, visit.settings.auth_service_client_key_file
    if cert is not None and not visit.verifies_only:
        yield _shown(visit, await asyncio.to_thread(own_expiry, cert, key or cert))


def as_seen(visit: Visit, failed: Check) -> Check:
    """The same failure, told by somebody who saw the port accept and has sent no request: pages don't know of that."""
    finding, at = failed.findings[0], f"{visit.host} port {visit.port}"
    shown = f"[{visit.host}]:{visit.port}" if ":" in visit.host else f"{visit.host}:{visit.port}"
    look = f"See what the port speaks: `openssl s_client -connect {shown}`"
    if finding.code == _SILENT:
        what = f"{at} accepts connections, and does not answer the TLS handshake in time."
        fix = f"{look}; silence means plain HTTP or another program on that port, or a process that is stopped"
    elif finding.code == _ENDED and _AFTER_REQUEST not in finding.what:
        what = f"{at} ends the connection as soon as TLS stands, before anything is asked."
        fix = f"{look}; if it wants to see a certificate of ours, set {CERT_FILE}, else see whom it lets in"
    else:
        what = finding.what.replace(_AFTER_REQUEST, "as soon as TLS stood, before anything was asked:")
        fix = finding.fix
    return failed._replace(findings=(finding._replace(what=what, fix=fix), *failed.findings[1:]))


async def _shaken(visit: Visit, context: ssl.SSLContext) -> _Shaken | Broken:
    targets = [(to.family, socket.SOCK_STREAM, to.proto, "", (to.host, to.port)) for to in visit.addresses]
    listener = _Listener()
    try:
        async with asyncio.timeout(min(visit.settings.connect_timeout_s, visit.left_s())):
            opened = await start_connection(targets, happy_eyeballs_delay=_NEXT_ADDRESS_AFTER_S, interleave=1)
            started_s = visit.clock.now_s()
            try:
                transport, _ = await asyncio.get_running_loop().create_connection(
                    lambda: listener, sock=opened, ssl=context, server_hostname=visit.host.rstrip(".")
                )
            except BaseException:
                opened.close()
                raise
    except OSError as error:
        return broken(error, sent=False, tls=True)
    try:
        complaint = await listener.complaint(visit.clock.now_s() - started_s)
        if complaint is not None:
            return complaint
        spoken: ssl.SSLObject = transport.get_extra_info("ssl_object")
        cipher = spoken.cipher()
        return _Shaken(described(spoken.getpeercert() or {}), spoken.version() or "", cipher[0] if cipher else "")
    finally:
        transport.abort()


async def _issuer(visit: Visit, facts: Mapping[str, str]) -> dict[str, str]:
    """The name of an issuer whom nobody here trusts, if it can be had."""
    if facts.get("issuer") != SOMEBODY:
        return {}
    left_s = min(visit.settings.connect_timeout_s, visit.left_s() / 2)
    presented = await peer_certificate(visit.host, visit.port, left_s, visit.look_up)
    return {"issuer": presented.issuer} if presented and presented.issuer else {}


def _certificate(visit: Visit, certificate: PeerCertificate, elapsed_s: float) -> Check:
    by = f", issued by {certificate.issuer}" if certificate.issuer else ""
    if certificate.not_after is None:
        return Check(Hop.TLS, "certificate", State.PASS, f"trusted, for {visit.host}{by}", elapsed_s)
    left = certificate.not_after - _now(visit)
    what = f"trusted, for {visit.host}, good for {left.days} more days{by}"
    if left >= SOON:
        return Check(Hop.TLS, "certificate", State.PASS, what, elapsed_s)
    finding = Finding(
        Severity.WARNING,
        "certificate_expires_soon",
        Hop.TLS,
        f"The certificate of {visit.host} expires on {certificate.not_after:%Y-%m-%d}, in {_told(left)}.",
        "From then on no connection comes about: users get 503 `tls_certificate_error`.",
        "Renew it, and find out why that did not happen by itself.",
    )
    return Check(Hop.TLS, "certificate", State.WARN, what, elapsed_s, (finding,))


def _shown(visit: Visit, expires: datetime | None) -> Check:
    """What our own certificate says of its end; whether it is accepted shows at the next hop."""
    if expires is None:
        return Check(Hop.TLS, "client_certificate", State.PASS, "shown when it is asked for")
    left = expires - _now(visit)
    if left >= SOON:
        what = f"shown when it is asked for, good for {left.days} more days"
        return Check(Hop.TLS, "client_certificate", State.PASS, what)
    over = left < timedelta()
    finding = Finding(
        Severity.WARNING,
        "client_certificate_expired" if over else "client_certificate_expires_soon",
        CERT_FILE,
        f"names a certificate that {'has expired' if over else 'expires'} on {expires:%Y-%m-%d}",
        "An auth service that asks for it ends every connection: users get 502 `connection_terminated`.",
        f"Put a new one, and its key, into the files that {CERT_FILE} and its partner name: no restart is needed.",
    )
    what = "expired" if over else f"good for {left.days} more days"
    return Check(Hop.TLS, "client_certificate", State.WARN, what, None, (finding,))


def _now(visit: Visit) -> datetime:
    return datetime.fromtimestamp(visit.clock.wall_s(), UTC)


def _told(left: timedelta) -> str:
    return "less than a day" if left < timedelta(days=1) else f"{left.days} day{'s' * (left.days != 1)}"
