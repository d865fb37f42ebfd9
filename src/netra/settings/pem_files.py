"""Files of certificates and keys that settings name: read and understood at the start, before a handshake needs them.

It must never show what stands in a file, nor a path that may be the content itself.
"""

import re
import ssl
from collections.abc import Callable
from typing import Final

from netra.settings.field import Kind, Problem
from netra.settings.sources import bytes_of, is_path

MOST_BYTES: Final = 1024 * 1024
"""A system's whole bundle of authorities is a fifth of this."""

_LABEL: Final = re.compile(rb"-----BEGIN ([A-Z0-9 ]{1,40})-----")
_CERTIFICATE: Final = re.compile(rb"-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----")
_KEYS: Final = frozenset({b"PRIVATE KEY", b"RSA PRIVATE KEY", b"EC PRIVATE KEY"})
_ENCRYPTED: Final = re.compile(rb"-----BEGIN ENCRYPTED PRIVATE KEY-----|^Proc-Type: 4,ENCRYPTED", re.MULTILINE)
_MISFITS: Final = frozenset({"KEY_VALUES_MISMATCH", "KEY_TYPE_MISMATCH", "NO_CERTIFICATE_ASSIGNED"})
"""OpenSSL's reasons when a key belongs to another certificate, of the same kind or of another."""

_AS_PEM: Final = "Write it as PEM: it begins with -----BEGIN CERTIFICATE-----."
_AS_KEY: Final = "Name the file with the private key as PEM: it begins with -----BEGIN PRIVATE KEY-----."
_DECRYPT: Final = "Decrypt it once: openssl pkey -in FILE -out OTHER_FILE; and let only this user read the new file."

Look = Callable[[bytes], Problem | None]


def certificates() -> Kind:
    """A PEM file that holds at least one certificate."""
    return Kind(lambda path: _named(path, _certificates), "the path of a PEM file with certificates", "path")


def private_key() -> Kind:
    """A PEM file that holds a private key which nobody has to unlock."""
    return Kind(lambda path: _named(path, _key), "the path of a PEM file with a private key, not encrypted", "path")


def pair_problem(certificate_file: str, key_file: str) -> Problem | None:
    """Why a key cannot be used with a certificate; None when the two belong together."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        context.load_cert_chain(certificate_file, key_file, password=_nobody_to_ask)
    except ssl.SSLError as error:
        if error.reason in _MISFITS:
            what = "does not fit the certificate that AUTH_SERVICE_CLIENT_CERT_FILE names"
            fix = "Name the key with which that certificate was requested; its own certificate stands first in a chain."
            return Problem("key_mismatch", what, fix)
        fix = "Look at the two: openssl pkey -in KEY_FILE -check -noout; openssl x509 -in CERT_FILE -text -noout."
        return Problem("key_unusable", "cannot be used with its certificate: one is damaged, or too weak", fix)
    except (OSError, _Locked):
        return Problem("unreadable", "names a file that changed while it was read", "Start again.")
    return None


class _Locked(Exception):
    """A key is encrypted."""


def _nobody_to_ask() -> str:
    """What OpenSSL calls instead of asking at the terminal."""
    raise _Locked


def _named(path: str, look: Look) -> object:
    """The path of a file that holds what it should, or what is wrong with it."""
    if path.startswith("~"):
        return Problem("path_form", "begins with ~, which nothing here expands", "Write the path in full.")
    got = bytes_of(path, MOST_BYTES)
    problem = got if isinstance(got, Problem) else _empty(got) or look(got)
    if problem is None:
        return path
    where = f": the file {path}" if is_path(path) else ""
    return problem._replace(what=f"names a file that {problem.what}{where}")


def _empty(content: bytes) -> Problem | None:
    if content.strip():
        return None
    return Problem("empty", "is empty", "Write the PEM text there, or remove the variable.")


def _certificates(content: bytes) -> Problem | None:
    labels = _LABEL.findall(content)
    if b"CERTIFICATE" not in labels:
        return _no_certificate(content, labels)
    whole = _CERTIFICATE.findall(content)
    if len(whole) != labels.count(b"CERTIFICATE"):
        return _damaged()
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=b"\n".join(whole).decode("ascii"))
    except ssl.SSLError:
        return _damaged()
    return None


def _damaged() -> Problem:
    what = "holds a certificate that is cut off or damaged"
    return Problem("damaged_certificate", what, "Copy it again, whole: every line from BEGIN to END.")


def _no_certificate(content: bytes, labels: list[bytes]) -> Problem:
    if not labels:
        return _not_pem(content, _AS_PEM)
    if _KEYS & set(labels) or _ENCRYPTED.search(content):
        fix = "Name the certificate here; a private key belongs to AUTH_SERVICE_CLIENT_KEY_FILE alone."
        return Problem("no_certificate", "holds a private key and no certificate", fix)
    if b"CERTIFICATE REQUEST" in labels:
        return Problem("no_certificate", "holds a request for a certificate, not the certificate", _AS_PEM)
    return Problem("no_certificate", "holds no certificate", _AS_PEM)


def _key(content: bytes) -> Problem | None:
    labels = set(_LABEL.findall(content))
    if not labels:
        return _not_pem(content, _AS_KEY)
    if _ENCRYPTED.search(content):
        return Problem("key_encrypted", "holds a key that is encrypted, and nobody is here to unlock it", _DECRYPT)
    if _KEYS & labels:
        return None
    instead = "holds a certificate and no private key" if b"CERTIFICATE" in labels else "holds no private key for TLS"
    return Problem("no_key", instead, _AS_KEY)


def _not_pem(content: bytes, fix: str) -> Problem:
    if content[:1] == b"\x30":
        convert = "Convert it: openssl x509 -inform der -in FILE -out FILE.pem, or openssl pkcs12 -in FILE -nodes."
        return Problem("not_pem", "is binary (DER or PKCS #12), not PEM", convert)
    return Problem("not_pem", "is not PEM", fix)
