"""Certificates of every quality for a lab: one private authority, and what it signs or does not.

It must never write a private key anywhere but into the folder it is given.
"""

import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import trustme


class Pair(NamedTuple):
    """A certificate and its private key, as two PEM files."""

    certificate: Path
    key: Path


class Authority:
    """A private certificate authority; whoever trusts `file` trusts what it signs."""

    def __init__(self, folder: Path, *, name: str = "Lab authority", organisation: str = "Lab Ltd") -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._authority = trustme.CA(organization_name=organisation, organization_unit_name=name)
        self._folder = folder
        self.file = folder / "authority.pem"
        self._authority.cert_pem.write_to_path(self.file)

    def good(self, *names: str) -> ssl.SSLContext:
        """A server's context with a valid certificate for these names, by default of this machine."""
        return self._context(self._authority.issue_cert(*(names or ("127.0.0.1", "localhost"))))

    def of_another_name(self) -> ssl.SSLContext:
        """Signed and valid, but for somebody else."""
        return self.good("auth.elsewhere.test")

    def expired(self) -> ssl.SSLContext:
        """Signed and for this machine, until yesterday."""
        now = datetime.now(UTC)
        begun, ended = now - timedelta(days=30), now - timedelta(days=1)
        return self._context(self._authority.issue_cert("127.0.0.1", "localhost", not_before=begun, not_after=ended))

    def not_yet_valid(self) -> ssl.SSLContext:
        """Signed and for this machine, from tomorrow on."""
        now = datetime.now(UTC)
        begins, ends = now + timedelta(days=1), now + timedelta(days=30)
        return self._context(self._authority.issue_cert("127.0.0.1", "localhost", not_before=begins, not_after=ends))

    def ending_soon(self) -> ssl.SSLContext:
        """Signed, for this machine, and valid for another ten days."""
        now = datetime.now(UTC)
        begun, ends = now - timedelta(days=80), now + timedelta(days=10)
        return self._context(self._authority.issue_cert("127.0.0.1", "localhost", not_before=begun, not_after=ends))

    def of_another_authority(self) -> ssl.SSLContext:
        """Valid and for this machine, but signed by an authority that nobody knows."""
        return self._context(trustme.CA(organization_name="Elsewhere Ltd").issue_cert("127.0.0.1", "localhost"))

    def demanding(self) -> ssl.SSLContext:
        """Good, and it serves nobody who shows no certificate of this authority."""
        context = self.good()
        context.verify_mode = ssl.CERT_REQUIRED
        self._authority.configure_trust(context)
        return context

    def of_quality(self, word: str) -> ssl.SSLContext | None:
        """A server's context by the word for its quality, e.g. `expired`; None for `no-tls`. Raises: KeyError."""
        if word == "no-tls":
            return None
        return {
            "good": self.good,
            "expired": self.expired,
            "not-yet-valid": self.not_yet_valid,
            "other-name": self.of_another_name,
            "other-authority": self.of_another_authority,
            "client-certificate": self.demanding,
        }[word]()

    def pair(self, name: str = "client") -> Pair:
        """A client's certificate and key, new at each call, as `<name>.pem` and `<name>.key` in the folder."""
        issued = self._authority.issue_cert(f"{name}@lab.test", common_name=name)
        pair = Pair(self._folder / f"{name}.pem", self._folder / f"{name}.key")
        pair.certificate.write_bytes(b"".join(each.bytes() for each in issued.cert_chain_pems))
        issued.private_key_pem.write_to_path(pair.key)
        return pair

    @staticmethod
    def _context(certificate: trustme.LeafCert) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        certificate.configure_cert(context)
        return context
