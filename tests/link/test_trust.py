"""Whom the gateway believes over TLS, and as whom it shows itself: over real sockets, with real certificates.

It must never be enough that a context was made: what counts is whether the other side and we talk.
"""

import asyncio
import contextlib
import os
import ssl
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from netra.core.findings import Finding
from netra.lab.certificates import Authority, Pair
from netra.lab.faulty_auth_service import FaultyAuthService
from netra.link.tls.trust import LOOK_AGAIN_AFTER_S, Trust, TrustFiles, Unusable
from netra.testing.fakes import FakeClock

CA, CERT, KEY = "AUTH_SERVICE_CA_FILE", "AUTH_SERVICE_CLIENT_CERT_FILE", "AUTH_SERVICE_CLIENT_KEY_FILE"
LOST = b""


class Holder:
    """A trust, the clock it reads, and what it tells."""

    def __init__(self, ca: Path | None = None, pair: Pair | None = None) -> None:
        self.clock = FakeClock()
        self.told: list[Finding] = []
        files = TrustFiles(*(str(path) if path else None for path in (ca, *(pair or (None, None)))))
        self.trust = Trust(self.clock, files, self.told.append)

    def later(self) -> ssl.SSLContext:
        """The context of a connection that is made when it is time to look again."""
        self.clock.advance(LOOK_AGAIN_AFTER_S)
        return self.trust.context()

    def heard(self) -> list[tuple[str, str, str]]:
        """Subject, code and severity of what was told since the last call."""
        heard = [_in_short(each) for each in self.told]
        self.told.clear()
        return heard


def _in_short(finding: Finding) -> tuple[str, str, str]:
    return finding.subject, finding.code, finding.severity.value


@pytest.fixture
def ours(tmp_path: Path) -> Authority:
    return Authority(tmp_path / "ours")


@pytest.fixture
def others(tmp_path: Path) -> Authority:
    return Authority(tmp_path / "others")


async def talks(server: ssl.SSLContext, client: ssl.SSLContext, name: str = "127.0.0.1") -> bool:
    """Does a question get through to a server with this context, and its answer back?

    Raises: ssl.SSLCertVerificationError when it is we who refuse.
    """
    async with FaultyAuthService(tls=server) as service:
        try:
            got = await _asked(service.port, client, name)
        except ssl.SSLCertVerificationError:
            raise
        except (ssl.SSLError, ConnectionError):
            got = LOST
        assert bool(got) == bool(service.journal), "it was delivered to somebody who then refused"
        return got.startswith(b"HTTP/1.1 200")


async def _asked(port: int, client: ssl.SSLContext, name: str) -> bytes:
    async with asyncio.timeout(10):
        reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=client, server_hostname=name)
        try:
            writer.write(b"GET /health HTTP/1.1\r\nHost: auth.test\r\n\r\n")
            return await reader.readline()
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()


async def believes(holder: ssl.SSLContext, authority: Authority) -> bool:
    """Is a server of this authority believed?"""
    try:
        return await talks(authority.good(), holder)
    except ssl.SSLCertVerificationError:
        return False


def replaced(path: Path, source: Path) -> None:
    """Put a copy of one file in the place of another, at one stroke."""
    fresh = path.with_name("fresh")
    fresh.write_bytes(source.read_bytes())
    fresh.replace(path)


# --- whom we believe ------------------------------------------------------------------------------------------------


async def test_a_private_authority_is_believed_with_its_file_and_not_without(ours: Authority) -> None:
    assert await believes(Holder(ours.file).trust.context(), ours)
    assert not await believes(Holder().trust.context(), ours)


async def test_an_authority_that_is_not_in_the_file_is_not_believed(ours: Authority, others: Authority) -> None:
    assert not await believes(Holder(ours.file).trust.context(), others)


async def test_several_authorities_with_words_between_them_are_all_believed(ours: Authority, others: Authority) -> None:
    both = ours.file.with_name("both.pem")
    both.write_bytes("# Größere\n".encode() + ours.file.read_bytes() + b"# and\n" + others.file.read_bytes())
    context = Holder(both).trust.context()
    assert await believes(context, ours)
    assert await believes(context, others)


async def test_a_name_that_is_not_in_the_certificate_is_refused_all_the_same(ours: Authority) -> None:
    context = Holder(ours.file).trust.context()
    with pytest.raises(ssl.SSLCertVerificationError):
        await talks(ours.of_another_name(), context)
    with pytest.raises(ssl.SSLCertVerificationError):
        await talks(ours.good("127.0.0.1"), context, name="auth.shop.test")
    assert await talks(ours.good("auth.shop.test"), context, name="auth.shop.test")


async def test_an_expired_certificate_is_refused_all_the_same(ours: Authority) -> None:
    with pytest.raises(ssl.SSLCertVerificationError):
        await talks(ours.expired(), Holder(ours.file).trust.context())


async def test_a_servers_own_certificate_may_stand_in_for_its_authority(ours: Authority, tmp_path: Path) -> None:
    pair = ours.pair("auth")
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(*pair)
    only = tmp_path / "only.pem"
    only.write_bytes(pair.certificate.read_bytes())
    context = Holder(only).trust.context()
    context.check_hostname = False  # a client's certificate names no host; whether it is trusted is the question
    assert await talks(server, context)


def test_no_context_checks_less_than_the_standard_library(ours: Authority) -> None:
    usual = ssl.create_default_context()
    for holder in (Holder(), Holder(ours.file), Holder(ours.file, ours.pair())):
        context = holder.trust.context()
        assert context.check_hostname
        assert context.verify_mode is ssl.CERT_REQUIRED
        assert context.minimum_version >= ssl.TLSVersion.TLSv1_2
        assert context.verify_flags & usual.verify_flags == usual.verify_flags
        assert context.cert_store_stats()["x509_ca"] >= usual.cert_store_stats()["x509_ca"]


# --- who we say we are ----------------------------------------------------------------------------------------------


async def test_a_server_that_demands_a_certificate_serves_us_with_ours_and_not_without(
    ours: Authority, others: Authority
) -> None:
    assert await talks(ours.demanding(), Holder(ours.file, ours.pair()).trust.context())
    assert not await talks(ours.demanding(), Holder(ours.file).trust.context())
    assert not await talks(ours.demanding(), Holder(ours.file, others.pair()).trust.context())


async def test_certificate_and_key_may_stand_in_one_file(ours: Authority) -> None:
    pair = ours.pair()
    pair.certificate.write_bytes(pair.key.read_bytes() + pair.certificate.read_bytes())
    assert await talks(ours.demanding(), Holder(ours.file, Pair(pair.certificate, pair.certificate)).trust.context())


# --- files that change ----------------------------------------------------------------------------------------------


async def test_another_authority_by_rename_is_believed_without_a_restart(ours: Authority, others: Authority) -> None:
    holder = Holder(ours.file)
    replaced(ours.file, others.file)
    context = holder.later()
    assert await believes(context, others)
    assert not await believes(context, ours)
    assert holder.heard() == [(CA, "trust_file_renewed", "note")]


async def test_a_file_that_is_written_in_place_is_read_again(ours: Authority, others: Authority) -> None:
    holder = Holder(ours.file)
    ours.file.write_bytes(others.file.read_bytes() + b"\n")
    assert await believes(holder.later(), others)


async def test_a_volume_whose_link_is_swapped_is_read_again_as_a_whole(
    ours: Authority, others: Authority, tmp_path: Path
) -> None:
    """As Kubernetes does it: each file is a link through `..data`, and only that link is replaced."""
    volume = tmp_path / "volume"
    volume.mkdir()
    for name, authority in (("..first", ours), ("..second", others)):
        authority.pair("tls")
        authority.file.parent.rename(volume / name)
    for name in ("authority.pem", "tls.pem", "tls.key"):
        (volume / name).symlink_to(Path("..data", name))
    (volume / "..data").symlink_to("..first")
    holder = Holder(volume / "authority.pem", Pair(volume / "tls.pem", volume / "tls.key"))
    assert await talks(ours.demanding(), holder.trust.context())

    (volume / "..fresh").symlink_to("..second")
    (volume / "..fresh").rename(volume / "..data")
    context = holder.later()
    assert await talks(others.demanding(), context)
    assert not await believes(context, ours)
    assert holder.heard() == [(name, "trust_file_renewed", "note") for name in (CA, CERT, KEY)]


async def test_a_pair_whose_halves_are_swapped_one_after_the_other_is_never_used_half(
    ours: Authority, others: Authority, tmp_path: Path
) -> None:
    both, mine, new = tmp_path / "both.pem", ours.pair(), others.pair()
    both.write_bytes(ours.file.read_bytes() + others.file.read_bytes())
    holder = Holder(both, mine)

    replaced(mine.certificate, new.certificate)
    assert await talks(ours.demanding(), holder.later()), "the last good pair is still shown"
    assert holder.heard() == [(KEY, "trust_file_unusable", "warning")]

    replaced(mine.key, new.key)
    context = holder.later()
    assert await talks(others.demanding(), context)
    assert not await talks(ours.demanding(), context)
    assert holder.heard() == [(KEY, "trust_file_renewed", "note")]
    assert not holder.trust.findings


def test_files_are_looked_at_once_a_second_at_most(ours: Authority, others: Authority) -> None:
    holder = Holder(ours.file)
    first = holder.trust.context()
    replaced(ours.file, others.file)
    holder.clock.advance(LOOK_AGAIN_AFTER_S * 0.9)
    assert holder.trust.context() is first
    holder.clock.advance(LOOK_AGAIN_AFTER_S * 0.2)
    assert holder.trust.context() is not first


def test_files_that_stay_as_they_are_are_read_once(ours: Authority) -> None:
    holder = Holder(ours.file, ours.pair())
    assert holder.later() is holder.later()
    assert not holder.heard()


# --- files that break -----------------------------------------------------------------------------------------------


def _removed(path: Path) -> None:
    path.unlink()


def _emptied(path: Path) -> None:
    path.write_bytes(b"")


def _cut_off(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:200])


def _a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def _a_pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def _huge(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b"#" * 1_100_000)


def _nonsense(path: Path) -> None:
    path.write_bytes(b"-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n")


BREAKS = (_removed, _emptied, _cut_off, _a_folder, _a_pipe, _huge, _nonsense)


@pytest.mark.parametrize("broken", BREAKS, ids=lambda each: each.__name__.strip("_"))
@pytest.mark.parametrize("variable", [CA, CERT, KEY])
async def test_what_was_good_last_stays_in_use_when_a_file_breaks(
    variable: str, broken: Callable[[Path], None], ours: Authority
) -> None:
    pair = ours.pair()
    holder = Holder(ours.file, pair)
    broken({CA: ours.file, CERT: pair.certificate, KEY: pair.key}[variable])
    assert await talks(ours.demanding(), holder.later())
    # Which half of a pair is at fault cannot always be said; that it is the pair, can.
    (subject, code, severity) = holder.heard()[0]
    assert (subject == CA) == (variable == CA)
    assert (code, severity) == ("trust_file_unusable", "warning")
    assert [each.subject for each in holder.trust.findings] == [subject]


async def test_a_file_that_stays_broken_is_told_once_and_mended_without_a_restart(
    ours: Authority, others: Authority
) -> None:
    holder = Holder(ours.file)
    _emptied(ours.file)
    for _ in range(3):
        holder.later()
    assert holder.heard() == [(CA, "trust_file_unusable", "warning")]
    assert "restart" in holder.trust.findings[0].why

    replaced(ours.file, others.file)
    assert await believes(holder.later(), others)
    assert holder.heard() == [(CA, "trust_file_renewed", "note")]
    assert not holder.trust.findings


async def test_broken_authorities_hold_up_no_new_certificate(
    ours: Authority, others: Authority, tmp_path: Path
) -> None:
    both, mine, new = tmp_path / "both.pem", ours.pair(), others.pair()
    both.write_bytes(ours.file.read_bytes() + others.file.read_bytes())
    holder = Holder(both, mine)
    _cut_off(both)
    holder.later()
    replaced(mine.certificate, new.certificate)
    replaced(mine.key, new.key)
    assert await talks(others.demanding(), holder.later())
    assert [each.subject for each in holder.trust.findings] == [CA]


def test_a_file_that_is_broken_from_the_start_is_refused(ours: Authority, others: Authority) -> None:
    pair = ours.pair()
    for ca, shown, subject in (
        (ours.file.with_name("lost"), None, CA),
        (pair.key, None, CA),
        (None, Pair(pair.certificate, others.pair().key), KEY),
        (None, Pair(pair.certificate.with_name("lost"), pair.key), CERT),
    ):
        with pytest.raises(Unusable) as caught:
            Holder(ca, shown)
        assert (caught.value.finding.subject, caught.value.finding.severity.value) == (subject, "error")
        assert "netra doctor --offline" in str(caught.value)


def test_an_encrypted_key_is_refused_and_nobody_is_asked_at_the_terminal(ours: Authority) -> None:
    pair = ours.pair()
    locked = pair.key.with_name("locked.key")
    how = ("openssl", "pkcs8", "-topk8", "-in", pair.key, "-out", locked, "-passout", "pass:four-words")
    subprocess.run(how, check=True, capture_output=True)
    with pytest.raises(Unusable, match="encrypted"):
        Holder(None, Pair(pair.certificate, locked))
