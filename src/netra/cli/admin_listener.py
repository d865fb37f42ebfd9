"""Asking a running gateway's listener one question, with the standard library alone: container probes must be quick.

It must never follow a redirect, use a proxy, or send the token anywhere but to the address that was given.
"""

import http.client
import os
from collections.abc import Mapping
from time import monotonic
from typing import Final, NamedTuple
from urllib.parse import SplitResult, urlsplit

from netra.core.secret import Secret

DEFAULT_HOST: Final = "127.0.0.1"
DEFAULT_PORT: Final = 9901
MOST_BYTES: Final = 8 * 1024 * 1024
_PIECE_BYTES: Final = 65_536
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
        """GET a path below the address. Raises: NoAnswer, after `timeout_s` for each step at the latest."""
        asked = f"{self.url.scheme}://{self.url.netloc}{self.url.path}{path}"
        headers = {"Accept": "application/json", "Connection": "close"}
        if self.token is not None:
            headers["Authorization"] = f"Bearer {self.token.reveal()}"
        kind = http.client.HTTPSConnection if self.url.scheme == "https" else http.client.HTTPConnection
        connection = kind(self.url.hostname or "", self.url.port, timeout=timeout_s)
        try:
            connection.request("GET", f"{self.url.path}{path}", headers=headers)
            reply = connection.getresponse()
            return Answered(reply.status, _body(reply, monotonic() + timeout_s))
        except (OSError, http.client.HTTPException) as error:
            raise NoAnswer(f"no answer from {asked} ({_reason(error, timeout_s)})") from None
        finally:
            connection.close()


def _body(reply: http.client.HTTPResponse, until_s: float) -> bytes:
    """All of a body, or the beginning of a huge one. Raises: TimeoutError, when it drips in for too long."""
    got = b""
    while len(got) < MOST_BYTES and (more := reply.read1(_PIECE_BYTES)):
        got += more
        if monotonic() > until_s:
            raise TimeoutError
    return got


def address(url: str | None, environ: Mapping[str, str] = os.environ) -> SplitResult:
    """Where the listener is: what was given, else what NETRA_ADMIN_HOST and NETRA_ADMIN_PORT say, else the default.

    Raises: BadAddress.
    """
    if url is None:
        host = environ.get("NETRA_ADMIN_HOST", "").strip()
        host = _EVERYWHERE.get(host, host)
        shown = f"[{host}]" if ":" in host else host
        url = f"http://{shown}:{environ.get('NETRA_ADMIN_PORT', '').strip() or DEFAULT_PORT}"
    parts = _parsed(url.strip())
    if parts is None or parts.query or parts.fragment or parts.username is not None:
        raise BadAddress(f"not an address to ask: give one such as http://{DEFAULT_HOST}:{DEFAULT_PORT}")
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
    return Secret(found.text) if found.state == "set" else None


def _reason(error: Exception, timeout_s: float) -> str:
    """Why nobody answered, in standard words."""
    if isinstance(error, TimeoutError):
        return f"not within {timeout_s:g} s"
    if isinstance(error, http.client.HTTPException):
        return "what answers there does not speak HTTP"
    if isinstance(error, OSError) and error.errno and error.errno > 0:
        return os.strerror(error.errno)
    return "no such host, or not its certificate"
