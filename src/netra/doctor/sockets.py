"""What a configuration listens on and dials: raw material for a network policy.

It must never open a socket, nor look up a name.
"""

from collections.abc import Iterator
from typing import Final, Literal, NamedTuple
from urllib.parse import urlsplit

from netra.settings.values import host_of
from netra.settings.variables import Settings

_PORTS: Final = {"https": 443, "http": 80}
_DNS_PORT: Final = 53


class Socket(NamedTuple):
    """One address that is listened on or dialled."""

    direction: Literal["listen", "dial"]
    protocol: Literal["tcp", "tcp and udp"]
    host: str
    port: int | None
    """None for any free one, and for what is not known before somebody says it."""
    tls: bool
    why: str
    variable: str
    """Where it was set."""

    def line(self) -> str:
        """The row in one line of columns."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = "any" if self.port is None else str(self.port)
        encrypted = "TLS" if self.tls else "plain"
        return f"{self.direction:<6}  {self.protocol:<11}  {host}:{port}  {encrypted}  {self.why} ({self.variable})"


def sockets(settings: Settings) -> tuple[Socket, ...]:
    """All of them: first what is listened on, then what is dialled."""
    dialled = tuple(_dialled(settings))
    return (*_listened(settings), *dialled, *_resolvers(dialled))


def _listened(settings: Settings) -> Iterator[Socket]:
    public, admin = (
        "logins and token checks, from your proxy or from clients",
        "health, console and metrics; not public",
    )
    yield Socket("listen", "tcp", settings.host, settings.port or None, False, public, "NETRA_HOST, NETRA_PORT")
    yield Socket(
        "listen", "tcp", settings.admin_host, settings.admin_port or None, False, admin,
        "NETRA_ADMIN_HOST, NETRA_ADMIN_PORT",
    )  # fmt: skip


def _dialled(settings: Settings) -> Iterator[Socket]:
    if settings.auth_service_url and settings.auth_service_enabled:
        yield _to(settings.auth_service_url, "the auth service", "AUTH_SERVICE_URL")
    if settings.oidc_issuer:
        yield _to(settings.oidc_issuer, "the issuer's discovery document, and usually its keys", "OIDC_ISSUER")
        yield Socket(
            "dial", "tcp", "the host of `jwks_uri`", None, True,
            "the issuer's keys, where its discovery document names another host", "OIDC_ISSUER",
        )  # fmt: skip


def _to(url: str, why: str, variable: str) -> Socket:
    address = urlsplit(url)
    port = address.port or _PORTS.get(address.scheme)
    return Socket("dial", "tcp", address.hostname or "", port, address.scheme == "https", why, variable)


def _resolvers(dialled: tuple[Socket, ...]) -> Iterator[Socket]:
    """Names have to be looked up; addresses do not."""
    names = [each.host for each in dialled if isinstance(host_of(each.host), str)]
    if names:
        why = f"looks up {', '.join(dict.fromkeys(names))}"
        yield Socket("dial", "tcp and udp", "this machine's resolver", _DNS_PORT, False, why, "/etc/resolv.conf")
