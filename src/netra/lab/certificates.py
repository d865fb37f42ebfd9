"""Certificates of every quality for a lab: one private authority, and what it signs or does not.

It must never write a private key anywhere but into the folder it is given.
"""

import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import trustme


class Authority:
    """A private certificate authority; whoever trusts `file` trusts what it signs."""

    def __init__(self, folder: Path) -> None:
        self._authority = trustme.CA()
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

    @staticmethod
    def _context(certificate: trustme.LeafCert) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        certificate.configure_cert(context)
        return context
