"""Where an OpenID provider publishes its keys: its discovery document, believed within bounds, and the keys themselves.

It must never take the word of one issuer for another, nor go where nobody encrypts unless that was allowed.
"""

from collections.abc import Callable, Collection
from dataclasses import replace
from importlib.resources import files
from typing import Final, NamedTuple
from urllib.parse import SplitResult, urlsplit

from netra.core.verdict.causes import TABLE
from netra.core.verdict.operations import DISCOVERY, KEYS, Discovery, Jwks
from netra.core.verdict.outcomes import Accepted, Outcome, Unknown, unknown
from netra.core.verdict.wire import Wire
from netra.link.calls import Link
from netra.upkeep.asking import ask_once, label
from netra.upkeep.keys import ask_for_keys
from netra.wires.load import load

BUDGET_S: Final = 5.0
"""For each question: whoever waits for an answer has a deadline of his own."""
ASK_AGAIN_S: Final = 3600.0
"""How long the address of the keys is believed while there are keys at it."""
_MISPLACED: Final = "endpoint_not_found"
_WITHOUT_TLS: Final = "the discovery document names keys at a host without TLS that NETRA_PLAINTEXT_HOSTS does not list"


class _Published(NamedTuple):
    """Where keys are, as the discovery document said."""

    address: str
    origin: str
    wire: Wire


def oidc_wire() -> Wire:
    """An OpenID provider as a wire: it offers discovery and keys, and no logins."""
    return load(files(__package__).joinpath("oidc.toml").read_text("utf-8"), "oidc.toml")


class Discovered:
    """The keys of one OpenID provider. Belongs to one event loop."""

    def __init__(
        self,
        issuer: str,
        link_of: Callable[[str], Link],
        *,
        plaintext_hosts: Collection[str] = (),
        budget_s: float = BUDGET_S,
    ) -> None:
        """`link_of` gives the link to an origin such as `https://id.example.com`, the same one each time.

        `issuer` is compared letter by letter. `plaintext_hosts` may be reached without TLS.
        """
        self.introspection_endpoint: str | None = None
        """Where the issuer says that it can be asked about a token; None when it does not say so, or not yet."""
        address = urlsplit(issuer)
        self._issuer = issuer
        self._wire = oidc_wire().below(address.path)
        self._link_of = link_of
        self._plaintext_hosts = frozenset(plaintext_hosts)
        self._budget_s = budget_s
        self._link = link_of(_origin(address))
        self._published: _Published | None = None
        self._asked_at_s = 0.0

    async def fetch(self) -> Outcome[Jwks]:
        """The keys as they are published now; where they are is asked first when that may be outdated.

        An address that was good stays so while the document is not to be had.
        """
        known, outcome = self._published, None
        if known is not None and self._link.clock.now_s() - self._asked_at_s < ASK_AGAIN_S:
            outcome = await self._keys(known)
            if isinstance(outcome, Accepted) or outcome.cause.code != _MISPLACED:
                return outcome
        found = await self._discover()
        if isinstance(found, Unknown):
            if known is None or "reason" in found.facts:
                return found
            found = known
        else:
            self._published, self._asked_at_s = found, self._link.clock.now_s()
        return outcome if outcome is not None and found is known else await self._keys(found)

    async def _keys(self, published: _Published) -> Outcome[Jwks]:
        return await ask_for_keys(published.wire, self._link_of(published.origin), self._budget_s)

    async def _discover(self) -> _Published | Unknown:
        call = self._wire.call(DISCOVERY, {}, label("keys"))
        outcome = await ask_once(call, self._link, self._budget_s)
        if isinstance(outcome, Unknown):
            return outcome
        if not isinstance(outcome, Accepted):
            return unknown(TABLE["request_not_understood"])
        said = outcome.value
        if said.issuer != self._issuer:
            return _refused(_other_issuer(said.issuer, self._issuer))
        self.introspection_endpoint = said.introspection_endpoint
        return self._placed(said)

    def _placed(self, said: Discovery) -> _Published | Unknown:
        """Where the keys are, if we may go there. Source: OpenID Connect Discovery 1.0, section 3 (`jwks_uri`)."""
        known = self._published
        if known is not None and said.jwks_uri == known.address:
            return known
        address = _address(said.jwks_uri)
        if address is None:
            return _refused("the discovery document names an address of keys that cannot be used")
        if address.scheme != "https" and address.hostname not in self._plaintext_hosts:
            return _refused(_WITHOUT_TLS)
        path = (address.path or "/") + (f"?{address.query}" if address.query else "")
        template = replace(self._wire.templates[KEYS.name], path=path)
        return _Published(said.jwks_uri, _origin(address), self._wire._replace(templates={KEYS.name: template}))


def _refused(reason: str) -> Unknown:
    """What was said cannot be believed, for a reason in our words."""
    return unknown(TABLE["proxy_configuration_error"], {"reason": reason})


def _other_issuer(said: str, expected: str) -> str:
    """Source: OpenID Connect Discovery 1.0, section 4.3: the two must be the same, letter by letter."""
    if said.rstrip("/") == expected.rstrip("/"):
        slash = "with" if said.endswith("/") else "without"
        return f"the discovery document spells its issuer {slash} a slash at the end: spell OIDC_ISSUER so, too"
    return "the discovery document names another issuer than OIDC_ISSUER: set it to what `issuer` says there"


def _address(text: str) -> SplitResult | None:
    """A URL that can be asked for as it stands; None for one that would not fit into a request, or says who we are."""
    if not (text.isascii() and text.isprintable()) or any(each in text for each in ' "<>\\^`{|}#'):
        return None
    try:
        address = urlsplit(text)
        usable = address.hostname and address.port != 0 and address.scheme in ("https", "http")
    except ValueError:
        return None
    return address if usable and "@" not in address.netloc else None


def _origin(address: SplitResult) -> str:
    return f"{address.scheme}://{address.netloc.lower()}"
