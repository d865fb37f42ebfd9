"""Asking a running gateway's listener one question, with the standard library alone: container probes must be quick.

It must never follow a redirect, use a proxy, or send the token anywhere but to the address that was given.
"""

import http.client
import os
import ssl
from collections.abc import Mapping
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Final, NamedTuple
from urllib.parse import SplitResult, urlsplit

from netra.core.secret import Secret

DEFAULT_HOST: Final = "127.0.0.1"
DEFAULT_PORT: Final = 9901
MOST_BYTES: Final = 8 * 1024 * 1024
_EVERYWHERE: Final = {"0.0.0.0": DEFAULT_HOST, "::": "::1", "": DEFAULT_HOST}  # noqa: S104 - not bound to, looked up
"""What is bound to every address is asked at this machine's own."""


class BadAddress(Exception):
    """The address cannot be used; the message says why, and what to give instead."""


class NoAnswer(Exception):
    """Nobody answered, or not in HTTP; the message says what was tried, and what to check."""


class Answered(NamedTuple):
    """What came back."""

    status: int
    body: bytes


class AdminListener(NamedTuple):
    """Where to ask, and what to show there."""

    url: SplitResult
    token: Secret | None = None

    def get(self, path: str, timeout_s: float) -> Answered:
        """GET a path below the address. Raises: NoAnswer, after `timeout_s` at the latest, whatever hangs or drips."""
        asked = f"{self.url.scheme}://{self.url.netloc}{self.url.path}{path}"
        ended: SimpleQueue[Answered | Exception] = SimpleQueue()
        # The standard library bounds each read and not their sum, and no lookup of a name at all.
        Thread(target=lambda: ended.put(self._exchange(path, timeout_s)), daemon=True).start()
        try:
            came_back = ended.get(timeout=timeout_s)
        except Empty:
            came_back = TimeoutError()
        if isinstance(came_back, Exception):
            raise NoAnswer(f"no answer from {asked} ({_reason(came_back, timeout_s)})")
        return came_back

    def _exchange(self, path: str, timeout_s: float) -> Answered | Exception:
        headers = {"Accept": "application/json", "Connection": "close"}
        if self.token is not None:
            headers["Authorization"] = f"Bearer {self.token.reveal()}"
        kind = http.client.HTTPSConnection if self.url.scheme == "https" else http.client.HTTPConnection
        try:
            connection = kind(self.url.hostname or "", self.url.port, timeout=timeout_s)
            try:
                connection.request("GET", f"{self.url.path}{path}", headers=headers)
                reply = connection.getresponse()
                return Answered(reply.status, reply.read(MOST_BYTES))
            finally:
                connection.close()
        except (OSError, http.client.HTTPException, ValueError) as error:
            return error


def address(url: str | None, environ: Mapping[str, str] = os.environ) -> SplitResult:
    """Where the listener is: what was given, else what NETRA_ADMIN_HOST and NETRA_ADMIN_PORT say, else the default.

    Raises: BadAddress.
    """
    if url is None:
        host = environ.get("NETRA_ADMIN_HOST", "").strip()
        host = _EVERYWHERE.get(host, host)
        shown = f"[{host}]" if ":" in host else host
        named = "NETRA_ADMIN_HOST and NETRA_ADMIN_PORT make "
        url = f"http://{shown}:{environ.get('NETRA_ADMIN_PORT', '').strip() or DEFAULT_PORT}"
    else:
        named = ""
    parts = _parsed(url.strip())
    if parts is None or parts.query or parts.fragment or parts.username is not None:
        raise BadAddress(f"{named}no address to ask: give one such as http://{DEFAULT_HOST}:{DEFAULT_PORT}")
    return parts._replace(path=parts.path.rstrip("/"))


def _parsed(url: str) -> SplitResult | None:
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return None
    return parts if usable and url.isascii() and url.isprintable() and " " not in url else None


def token(environ: Mapping[str, str] = os.environ) -> Secret | None:
    """NETRA_ADMIN_TOKEN, or what stands in the file of NETRA_ADMIN_TOKEN_FILE; None without either.

    Raises: BadAddress, when it cannot be read.
    """
    if not {"NETRA_ADMIN_TOKEN", "NETRA_ADMIN_TOKEN_FILE"} & environ.keys():
        return None
    from netra.core.findings import Severity
    from netra.settings.field import rows
    from netra.settings.sources import find
    from netra.settings.variables import Settings

    row = next(each for _, each in rows(Settings) if each.name == "NETRA_ADMIN_TOKEN")
    found = find(row, environ, {})
    for finding in found.findings:
        if finding.severity is Severity.ERROR:
            raise BadAddress(f"{finding.subject} {finding.what}. {finding.fix}")
    if found.state != "set":
        return None
    if not (found.text.isascii() and found.text.isprintable()):
        raise BadAddress(f"{row.name} holds characters that no header can carry; correct it")
    return Secret(found.text)


def _reason(error: Exception, timeout_s: float) -> str:
    """Why nobody answered, in standard words."""
    if isinstance(error, TimeoutError):
        return f"not within {timeout_s:g} s"
    if isinstance(error, http.client.HTTPException):
        return "what answers there does not speak HTTP"
    if isinstance(error, ssl.SSLCertVerificationError):
        return "its certificate is not one that this machine believes"
    if isinstance(error, ssl.SSLError):
        return "no TLS there: is it http?"
    if isinstance(error, OSError) and error.errno and error.errno > 0:
        return os.strerror(error.errno)
    return "no such host"
