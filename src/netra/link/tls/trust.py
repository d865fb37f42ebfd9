"""Whom we believe over TLS and who we say we are: the system's authorities, those of a file, and a client certificate.

It must never verify less than the standard library does by default, nor use a certificate without its own key.
"""

import os
import re
import ssl
import stat
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

from netra.core.findings import Finding, Severity
from netra.link.clock import Clock

CA_FILE: Final = "AUTH_SERVICE_CA_FILE"
CERT_FILE: Final = "AUTH_SERVICE_CLIENT_CERT_FILE"
KEY_FILE: Final = "AUTH_SERVICE_CLIENT_KEY_FILE"
_VARIABLES: Final = (CA_FILE, CERT_FILE, KEY_FILE)
LOOK_AGAIN_AFTER_S: Final = 1.0
"""How long the files are taken to be as they were: a look costs three calls of the system."""

_MOST_BYTES: Final = 1024 * 1024
_CERTIFICATE: Final = re.compile(rb"-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----")
_WHY: Final = "No connection to the auth service comes about."
_KEPT: Final = "What was read before is used until that is mended; a restart would not come up."
_FIX: Final = "Run `netra doctor --offline`: it says what is wrong with the file, and how to mend it."

Mark = tuple[int, ...]


class Unusable(Exception):
    """A file cannot be used; its finding names the variable, what is wrong and the cure."""

    def __init__(self, finding: Finding) -> None:
        self.finding = finding
        super().__init__(finding.line())


class TrustFiles(NamedTuple):
    """Paths of PEM files, as they were set; None where nothing was."""

    ca: str | None = None
    client_cert: str | None = None
    client_key: str | None = None
    """Set if and only if `client_cert` is."""


NO_FILES: Final = TrustFiles()


OnPeer = Callable[[bytes, Mapping[str, Any]], None]
"""Is given a certificate that was believed: as it came (DER), and as the standard library describes it."""


def nobody(finding: Finding) -> None:
    """For those who have no files: there is nothing to hear."""


def nobody_asks(certificate: bytes, described: Mapping[str, Any]) -> None:
    """For those who do not want to know who presented himself."""


class Trust:
    """The TLS context for new connections, made anew when a file has changed. One event loop owns it."""

    def __init__(
        self,
        clock: Clock,
        files: TrustFiles = NO_FILES,
        tell: Callable[[Finding], None] = nobody,
        on_peer: OnPeer = nobody_asks,
    ) -> None:
        """Read everything once. `tell` hears when a file is read again later, well (a note) or not (a warning).

        `on_peer` is given the certificate that was presented and believed, once for each new connection.

        Raises: Unusable.
        """
        self.on_peer = on_peer
        self._files = files
        self._clock = clock
        self._tell = tell
        self.findings: tuple[Finding, ...] = ()
        """What is wrong with the files as they are now; nothing when all of them are in use."""
        self._marks = self._look()
        self._looked_at_s = clock.now_s()
        self._authorities = _authorities(files.ca)
        self._context = _context(self._authorities, files)

    def context(self) -> ssl.SSLContext:
        """What a new connection is to use. Connections that stand keep what they were made with."""
        now_s = self._clock.now_s()
        if any(self._files) and now_s - self._looked_at_s >= LOOK_AGAIN_AFTER_S:
            self._looked_at_s = now_s
            marks = self._look()
            changed = [name for name, mark in marks.items() if mark != self._marks[name]]
            if changed:
                # Kept also when reading fails: a file that stays broken is told once, and read when it changes.
                self._marks = marks
                self._read_again()
                for finding in self.findings or map(_renewed, changed):
                    self._tell(finding)
        return self._context

    def _look(self) -> dict[str, Mark]:
        return {name: mark_of(path) for name, path in zip(_VARIABLES, self._files, strict=True) if path is not None}

    def _read_again(self) -> None:
        """A broken file of authorities holds up no new certificate: the authorities that were good are kept for it."""
        problems: list[Finding] = []
        try:
            self._authorities = _authorities(self._files.ca)
        except Unusable as problem:
            problems.append(problem.finding)
        try:
            self._context = _context(self._authorities, self._files)
        except Unusable as problem:
            problems.append(problem.finding)
        self.findings = tuple(each._replace(severity=Severity.WARNING, why=_KEPT) for each in problems)


def mark_of(path: str) -> Mark:
    """By what a changed file is known, also one that another has taken the place of, at any step of its path."""
    try:
        seen = Path(path).stat()
    except OSError as error:
        return (error.errno or 0,)
    return seen.st_dev, seen.st_ino, seen.st_size, seen.st_mtime_ns, seen.st_ctime_ns


def _context(authorities: str, files: TrustFiles) -> ssl.SSLContext:
    """A context of its own at each call, so that nobody ever uses half of a new one. Raises: Unusable."""
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    # The default from Python 3.13 on: what the file names is trusted itself, whoever has signed it.
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    if authorities:
        context.load_verify_locations(cadata=authorities)
    if files.client_cert is not None:
        _show(context, files.client_cert, files.client_key or files.client_cert)
    return context


def _authorities(path: str | None) -> str:
    """The certificates of a file, without the words between them. Raises: Unusable."""
    if path is None:
        return ""
    found = _CERTIFICATE.findall(_content(CA_FILE, path))
    text = b"\n".join(found).decode("ascii")
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=text)
    except (ssl.SSLError, ValueError):
        raise _unusable(CA_FILE, "names a file without a certificate, or with a damaged one") from None
    return text


def _show(context: ssl.SSLContext, cert: str, key: str) -> None:
    """Put the client certificate and its key into a context, both or nothing. Raises: Unusable."""
    _content(CERT_FILE, cert)
    _content(KEY_FILE, key)
    try:
        context.load_cert_chain(cert, key, password=_nobody_to_ask)
    except _Locked:
        raise _unusable(KEY_FILE, "names a file whose key is encrypted") from None
    except OSError:  # OpenSSL's errors are of this kind
        what = f"names a key that is damaged, or does not fit the certificate of {CERT_FILE}"
        raise _unusable(KEY_FILE, what) from None


class _Locked(Exception):
    """A key is encrypted."""


def _nobody_to_ask() -> str:
    """What OpenSSL calls instead of asking at the terminal."""
    raise _Locked


def _content(variable: str, path: str) -> bytes:
    """What stands in a regular file of bounded size; nothing else is opened, so nothing blocks. Raises: Unusable."""
    try:
        seen = Path(path).stat()
        if not stat.S_ISREG(seen.st_mode) or seen.st_size > _MOST_BYTES:
            raise _unusable(variable, f"names no regular file of at most {_MOST_BYTES} bytes")
        return Path(path).read_bytes()
    except OSError as error:
        raise _unusable(variable, _unreadable(error)) from None


def _unreadable(error: OSError) -> str:
    return f"names a file that cannot be read ({os.strerror(error.errno or 0)})"


def _unusable(variable: str, what: str) -> Unusable:
    return Unusable(Finding(Severity.ERROR, "trust_file_unusable", variable, what, _WHY, _FIX))


def _renewed(variable: str) -> Finding:
    what = "names a file that has changed; it was read again and is used for new connections"
    return Finding(Severity.NOTE, "trust_file_renewed", variable, what, "Nothing breaks.", "Nothing to do.")
