"""TLS: whom we believe, for how long, what is spoken, and what we show of ourselves."""

import asyncio
import socket
from datetime import UTC, datetime, timedelta
from pathlib import Path
from ssl import SSLContext, SSLError, TLSVersion
from typing import Final

import pytest
import trustme

from netra.doctor.debugger import AuthServiceDebugger
from netra.doctor.diagnosis import Check, Hop, State
from netra.doctor.hops import answers, certificates, names
from netra.lab.certificates import Authority, Pair
from netra.lab.faulty_auth_service import FaultyAuthService
from netra.link.tls.own_certificate import own_expiry
from tests.doctor.visits import codes, only, seen, visit
from tests.settings.good import good
from tests.support.places import silent_port

PATIENT: Final = {"NETRA_CONNECT_TIMEOUT_S": "5", "NETRA_TOKEN_BUDGET_S": "6", "NETRA_LOGIN_BUDGET_S": "8"}
ISSUER: Final = "Lab authority (Lab Ltd)"


async def shaken(service: FaultyAuthService, **variables: str) -> dict[str, Check]:
    """What the hop says of this auth service."""
    async with visit(service.url, **variables) as one:
        await seen(names.checks, one)
        return await seen(certificates.checks, one)


async def with_context(context: SSLContext, **variables: str) -> Check:
    """What the hop says of the certificate of an auth service with this context."""
    async with FaultyAuthService(tls=context) as service:
        return (await shaken(service, **variables))["certificate"]


def trusting(authority: Authority) -> dict[str, str]:
    """The variables of a gateway that trusts an authority of its own."""
    return {"AUTH_SERVICE_CA_FILE": str(authority.file)}


async def test_a_good_certificate_is_told_with_its_days_its_issuer_and_what_is_spoken(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    async with FaultyAuthService(authority=authority) as service:
        found = await shaken(service, **trusting(authority))
        assert service.journal == []
    assert {each.state for each in found.values()} == {State.PASS}
    assert found["certificate"].what.startswith("trusted, for 127.0.0.1, good for ")
    assert found["certificate"].what.endswith(f" more days, issued by {ISSUER}")
    assert found["protocol"].what.startswith("TLSv1.3, TLS_")
    assert "client_certificate" not in found


async def test_a_certificate_that_ends_soon_is_a_warning_with_the_days_that_are_left(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    check = await with_context(authority.ending_soon(), **trusting(authority))
    assert (check.state, only(check).code) == (State.WARN, "certificate_expires_soon")
    assert "in 9 days" in only(check).what
    assert f"{datetime.now(UTC) + timedelta(days=10):%Y-%m-%d}" in only(check).what


async def test_why_a_certificate_is_not_believed_is_said_as_logins_say_it(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    for context, fault in [
        (authority.expired(), "it or one of its authorities has expired"),
        (authority.not_yet_valid(), "it is not valid yet"),
        (authority.of_another_name(), "it is for another address"),
        (authority.of_another_authority(), "nothing here trusts its issuer"),
    ]:
        check = await with_context(context, **trusting(authority))
        assert (check.state, only(check).code) == (State.FAIL, "tls_certificate_error")
        assert fault in only(check).what


async def test_an_issuer_whom_nobody_here_trusts_is_named(tmp_path: Path) -> None:
    check = await with_context(Authority(tmp_path).good())
    assert only(check).fix.startswith(f"The certificate names {ISSUER} as its issuer, whom nothing here trusts")


async def test_a_port_that_speaks_plain_http_or_nothing_newer_than_tls_1_1_cannot_be_agreed_with(
    tmp_path: Path,
) -> None:
    authority = Authority(tmp_path)
    async with FaultyAuthService() as plain, visit(plain.url.replace("http:", "https:")) as one:
        await seen(names.checks, one)
        finding = only((await seen(certificates.checks, one))["certificate"])
    assert (finding.code, "such as plain HTTP" in finding.what) == ("tls_protocol_error", True)
    old = authority.good()
    old.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        old.minimum_version, old.maximum_version = TLSVersion.TLSv1_1, TLSVersion.TLSv1_1
    assert only(await with_context(old, **trusting(authority))).code == "tls_protocol_error"


async def test_a_handshake_that_does_not_go_on_is_a_timeout_and_said_to_be_one_of_the_handshake() -> None:
    with silent_port() as port:
        async with visit(f"https://127.0.0.1:{port}", NETRA_CONNECT_TIMEOUT_S="0.2") as one:
            await seen(names.checks, one)
            check = (await seen(certificates.checks, one))["certificate"]
    assert check.what == "the TLS handshake with 127.0.0.1: connection timed out"
    assert only(check).code == "connection_timeout"
    at = f"127.0.0.1 port {port}"
    assert only(check).what == f"{at} accepts connections, and does not answer the TLS handshake in time."
    assert f"openssl s_client -connect 127.0.0.1:{port}" in only(check).fix


async def test_a_handshake_that_takes_all_the_time_of_the_diagnosis_is_told_in_the_same_words() -> None:
    with silent_port() as port:
        environ = good(ENVIRONMENT="test", AUTH_SERVICE_URL=f"https://127.0.0.1:{port}", **PATIENT)
        diagnosis = await AuthServiceDebugger(environ, timeout_s=0.5).run()
    assert diagnosis.first is not None
    assert (diagnosis.first.subject, diagnosis.first.code) == (Hop.TLS, "connection_timeout")
    assert "does not answer the TLS handshake" in diagnosis.first.what


async def test_an_end_that_follows_upon_the_handshake_is_not_said_to_follow_upon_a_request(tmp_path: Path) -> None:
    authority = Authority(tmp_path)

    async def leave(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    server = await asyncio.start_server(leave, "127.0.0.1", 0, ssl=authority.good())
    async with server, visit(f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}", **trusting(authority)) as one:
        await seen(names.checks, one)
        finding = only((await seen(certificates.checks, one))["certificate"])
    assert finding.code == "connection_terminated"
    assert finding.what.endswith(" ends the connection as soon as TLS stands, before anything is asked.")
    assert "AUTH_SERVICE_CLIENT_CERT_FILE" in finding.fix


async def test_authorities_for_issuers_are_read_before_the_first_hop(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    issuer = {"OIDC_ISSUER": "https://issuer.test", "NETRA_TOKEN_AUDIENCE": "shop"}
    async with visit("http://127.0.0.1:9", **issuer, **trusting(authority)) as one:
        authority.file.unlink()
        one.link_of("https://issuer.test")


async def test_where_nothing_is_encrypted_there_is_nothing_to_look_at() -> None:
    async with visit("http://127.0.0.1:9") as one:
        found = await seen(certificates.checks, one)
    assert [(each.state, each.findings) for each in found.values()] == [(State.SKIP, ())]


async def test_our_own_certificate_is_shown_and_told_with_its_days(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    ours = ours_until(tmp_path, authority, datetime.now(UTC) + timedelta(days=100, hours=1))
    context = authority.demanding()
    context.load_verify_locations(authority.file)
    async with FaultyAuthService(tls=context) as service:
        found = await shaken(service, **trusting(authority), **ours)
    check = found["client_certificate"]
    assert (check.state, check.what) == (State.PASS, "shown when it is asked for, good for 100 more days")


@pytest.mark.parametrize(
    ("left", "code"),
    [(timedelta(days=3), "client_certificate_expires_soon"), (timedelta(days=-3), "client_certificate_expired")],
)
async def test_the_end_of_our_own_certificate_is_a_warning_before_and_after(
    tmp_path: Path, left: timedelta, code: str
) -> None:
    authority = Authority(tmp_path)
    ours = ours_until(tmp_path, authority, datetime.now(UTC) + left)
    async with FaultyAuthService(authority=authority) as service:
        check = (await shaken(service, **trusting(authority), **ours))["client_certificate"]
    assert (check.state, codes([check])) == (State.WARN, [code])
    assert only(check).subject == "AUTH_SERVICE_CLIENT_CERT_FILE"


async def test_a_certificate_of_ours_that_is_missed_has_the_name_that_logins_give_it(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    service = FaultyAuthService(tls=authority.demanding())
    async with service, visit(service.url, **trusting(authority)) as one:
        await seen(names.checks, one)
        finding = only((await seen(certificates.checks, one))["certificate"])
        assert only((await seen(answers.checks, one))["answer"]).code == finding.code == "connection_terminated"
    assert "AUTH_SERVICE_CLIENT_CERT_FILE" in finding.fix


async def test_an_alert_that_follows_upon_the_handshake_is_told_and_not_said_to_follow_upon_a_request(
    tmp_path: Path,
) -> None:
    authority = Authority(tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        demanding = asyncio.create_task(asyncio.to_thread(shake_once, listening, authority.demanding()))
        async with visit(f"https://127.0.0.1:{port}", **trusting(authority)) as one:
            await seen(names.checks, one)
            finding = only((await seen(certificates.checks, one))["certificate"])
        await demanding
    assert finding.code == "connection_terminated"
    assert finding.what == (
        f"127.0.0.1 port {port} ended the connection as soon as TLS stood, before anything was asked: it asks for a "
        "client certificate."
    )
    assert "AUTH_SERVICE_CLIENT_CERT_FILE" in finding.fix


def shake_once(listening: socket.socket, context: SSLContext) -> None:
    """One handshake as servers make it that tell why it fails."""
    accepted, _ = listening.accept()
    with accepted, pytest.raises(SSLError), context.wrap_socket(accepted, server_side=True) as shaken:
        shaken.recv(1)


def test_the_end_of_a_certificate_is_read_whatever_its_age_and_use(tmp_path: Path) -> None:
    authority, now = Authority(tmp_path), datetime.now(UTC).replace(microsecond=0)
    for days in (-400, -1, 1, 5000):
        pair = pair_until(tmp_path, trustme.CA(), now + timedelta(days=days))
        assert own_expiry(str(pair.certificate), str(pair.key)) == now + timedelta(days=days)
    assert own_expiry(*map(str, authority.pair())) is not None


def test_a_file_that_holds_no_certificate_has_no_end(tmp_path: Path) -> None:
    nothing = tmp_path / "nothing.pem"
    nothing.write_text("-----BEGIN CERTIFICATE-----\n", encoding="utf-8")
    assert own_expiry(str(nothing), str(nothing)) is None
    assert own_expiry(str(tmp_path / "absent.pem"), str(tmp_path / "absent.key")) is None


def ours_until(folder: Path, authority: Authority, end: datetime) -> dict[str, str]:
    """The variables of a client certificate that ends then. `authority` has to trust it: its file names it, too."""
    signer = trustme.CA()
    authority.file.write_bytes(authority.file.read_bytes() + signer.cert_pem.bytes())
    pair = pair_until(folder, signer, end)
    names = ("AUTH_SERVICE_CLIENT_CERT_FILE", "AUTH_SERVICE_CLIENT_KEY_FILE")
    return dict(zip(names, map(str, pair), strict=True))


def pair_until(folder: Path, signer: trustme.CA, end: datetime) -> Pair:
    """A client's certificate and key, good until then."""
    begun = min(end, datetime.now(UTC)) - timedelta(days=30)
    issued = signer.issue_cert("client@lab.test", common_name="client", not_before=begun, not_after=end)
    pair = Pair(folder / "ours.pem", folder / "ours.key")
    pair.certificate.write_bytes(b"".join(each.bytes() for each in issued.cert_chain_pems))
    issued.private_key_pem.write_to_path(pair.key)
    return pair
