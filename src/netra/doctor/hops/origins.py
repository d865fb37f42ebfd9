"""May pages of a web origin call this gateway?

It must never ask a browser, nor guess: what the gateway would answer is what counts.
"""

from collections.abc import AsyncIterator, Iterator
from typing import Final
from urllib.parse import SplitResult, urlsplit

from netra.asgi.cors import Cors
from netra.core.findings import Finding, Severity
from netra.doctor.diagnosis import Check, Hop, State
from netra.doctor.visit import Visit

_HOP: Final = Hop.ORIGIN
_NAME: Final = "origin"
_VARIABLE: Final = "NETRA_CORS_ORIGINS"
_PORTS: Final = {"https": 443, "http": 80}
_ALLOWED: Final = b"access-control-allow-origin"
_MOST_SHOWN: Final = 5
_LONGEST: Final = 300


async def checks(visit: Visit) -> AsyncIterator[Check]:
    """One check when an origin was named, else none."""
    if visit.wanted.origin is None:
        return
    named, listed = visit.wanted.origin.strip(), visit.settings.cors_origins
    sent = as_sent(named)
    if sent is None:
        what = "is no web origin: a scheme, a host, and a port if it is unusual"
        why = "Browsers send `null` for pages that have no origin, such as files, and `null` cannot be listed."
        finding = _finding(
            "origin_form", what, why, "Name it as https://app.example.com, and serve the page from there."
        )
        yield Check(_HOP, _NAME, State.FAIL, f"what was named {what}", None, (finding,))
        return
    respelt = "" if sent == named else " (so browsers spell it)"
    if is_allowed(sent, listed):
        yield Check(_HOP, _NAME, State.PASS, f"pages of {sent}{respelt} may call this gateway")
        return
    finding = _not_listed(sent, listed)
    yield Check(_HOP, _NAME, State.FAIL, f"pages of {sent}{respelt} may not call this gateway", None, (finding,))


def as_sent(text: str) -> str | None:
    """The origin of an address as browsers send it; None for what has none. Source: RFC 6454, sections 4 and 6.2."""
    address = _address(text)
    if address is None:
        return None
    host = (address.hostname or "").lower()
    if not host.isascii():
        try:
            host = host.encode("idna").decode("ascii")
        except UnicodeError:
            return None
    host = f"[{host}]" if ":" in host else host
    port = "" if address.port in (None, _PORTS[address.scheme.lower()]) else f":{address.port}"
    return f"{address.scheme.lower()}://{host}{port}"


def _address(text: str) -> SplitResult | None:
    if len(text) > _LONGEST or not text.isprintable() or any(each.isspace() for each in text):
        return None
    try:
        address = urlsplit(text)
        usable = (
            address.scheme.lower() in _PORTS and address.hostname and address.port != 0 and "@" not in address.netloc
        )
    except ValueError:
        return None
    return address if usable and "@" not in address.netloc else None


def is_allowed(sent: str, listed: tuple[str, ...]) -> bool:
    """Would an answer of the gateway let the browser read it?"""
    headers = Cors(listed).headers([(b"origin", sent.encode("ascii"))])
    return any(name == _ALLOWED for name, _ in headers)


def _not_listed(sent: str, listed: tuple[str, ...]) -> Finding:
    why = f"Browsers keep every answer from pages of {sent}: their console speaks of CORS, and logins fail there."
    if not listed:
        fix = f"Set `{_VARIABLE}={sent}`."
        return _finding("origin_not_listed", "is not set, so no page of another origin may call", why, fix)
    near = next(_near(sent, listed), None)
    shown = ", ".join(listed[:_MOST_SHOWN]) + (" and more" if len(listed) > _MOST_SHOWN else "")
    what = f"lists {shown}, and not {sent}" if near is None else f"lists {near[0]}, and not {sent}: {near[1]}"
    return _finding("origin_not_listed", what, why, f"Add `{sent}` to {_VARIABLE}, exactly so.")


def _near(sent: str, listed: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """Listed origins that were probably meant, and in what they differ."""
    ours = urlsplit(sent)
    for each in listed:
        theirs = urlsplit(each)
        same_host, same_port = theirs.hostname == ours.hostname, theirs.port == ours.port
        if same_host and theirs.scheme != ours.scheme:
            yield each, f"the page has {ours.scheme}" + ("" if same_port else ", and another port")
        elif same_host:
            yield each, "the page has another port" if ours.port else "the page has the usual port"
    for each in listed:
        theirs = urlsplit(each)
        names = {(theirs.hostname or "").strip("."), (ours.hostname or "").strip(".")}
        if len(names) == 1:
            yield each, "one of them ends in a dot"
        elif len({name.removeprefix("www.") for name in names}) == 1:
            yield each, "one of them begins with www."


def _finding(code: str, what: str, why: str, fix: str) -> Finding:
    return Finding(Severity.ERROR, code, _VARIABLE if code == "origin_not_listed" else "--origin", what, why, fix)
