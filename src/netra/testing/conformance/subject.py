"""The auth service that is held to what Netra needs of it: where it is, how it is spoken to, and who may log in there.

It must never be printed: what it holds of people and secrets shows as dots.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

from netra.core.secret import Secret
from netra.core.verdict.wire import Wire
from netra.link.clock import SystemClock
from netra.link.exchange import HttpExchange
from netra.link.tls.trust import Trust, TrustFiles
from netra.wires.load import resolve

_CONNECT_TIMEOUT_S: Final = 5.0
_IDLE_CONNECTION_S: Final = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthService:
    """A real auth service, and what it takes to speak with it. Passwords and secrets may be texts or `Secret`s."""

    url: str
    """What AUTH_SERVICE_URL would be."""
    wire: str = "netra"
    """A preset, or the path of a wire file: what NETRA_WIRE would be."""
    identifier: str = field(repr=False)
    """Somebody who may log in; refused with a wrong password a few times, see `WRONG_PASSWORDS`."""
    password: str | Secret = field(repr=False)
    wrong_password: str | Secret | None = field(default=None, repr=False)
    """A wrong one; made up, where none is given."""
    service_id: str | None = field(default=None, repr=False)
    service_secret: str | Secret | None = field(default=None, repr=False)
    extra: Mapping[str, str] = field(default_factory=dict, repr=False, hash=False)
    """What the wire wants beside identifier and password, by name."""
    new_identifier: str | None = field(default=None, repr=False)
    """Somebody who has no account yet and will have one; without it registration is not checked."""
    new_password: str | Secret | None = field(default=None, repr=False)
    ca_file: str | None = None
    """A PEM file, where a private authority has signed the certificate."""
    timeout_s: float = 10.0
    """How long one answer may take."""

    @property
    def base(self) -> str:
        """Scheme, host and port."""
        address = urlsplit(self.url)
        return f"{address.scheme}://{address.netloc}"

    def spoken(self) -> Wire:
        """How it is spoken to, below the path of its URL. Raises: WireProblem."""
        return resolve(self.wire, "AuthService.wire").below(urlsplit(self.url).path)

    def exchange(self) -> HttpExchange:
        """The product's own exchange; made in the event loop that uses it. Raises: Unusable, for a bad `ca_file`."""
        clock = SystemClock()
        return HttpExchange(
            self.base,
            connect_timeout_s=min(_CONNECT_TIMEOUT_S, self.timeout_s),
            idle_connection_s=_IDLE_CONNECTION_S,
            clock=clock,
            trust=Trust(clock, TrustFiles(self.ca_file)) if self.base.startswith("https") else None,
        )

    def known(self) -> tuple[str, ...]:
        """All that is sent and that no answer should repeat: passwords and our own secret."""
        held = (self.password, self.new_password, self.service_secret)
        return tuple(plain(each) for each in held if each)


def plain(value: str | Secret) -> str:
    """The text of what may be a `Secret`."""
    return value.reveal() if isinstance(value, Secret) else value


def secret(value: str | Secret) -> Secret:
    """What may be a text as a `Secret`."""
    return value if isinstance(value, Secret) else Secret(value)
