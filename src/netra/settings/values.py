"""The kinds of value a setting can have: strict readers from text, each with a cure for what it refuses.

It must never raise for any text, and never put the text it refuses into its answer.
"""

import re
from collections.abc import Callable
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from socket import inet_aton
from typing import Final
from urllib.parse import SplitResult, urlsplit

from netra.core.pace.rejections import OFF, Limit
from netra.core.secret import Secret
from netra.settings.field import SHORTEST_SECRET, Kind, Problem

_SWITCH: Final = {
    "true": True, "1": True, "yes": True, "on": True, "false": False, "0": False, "no": False, "off": False,
}  # fmt: skip
_WHOLE: Final = re.compile(r"[+-]?[0-9]{1,18}")
_DECIMAL: Final = re.compile(r"[+-]?[0-9]{1,18}(\.[0-9]{1,18})?")
_LIMIT: Final = re.compile(r"([0-9]{1,6})/([0-9]{1,6})([smh])")
_SERVICE_LINK: Final = re.compile(r"(tcp|udp|sctp)://", re.IGNORECASE)
_HOST_NAME: Final = re.compile(
    r"(?=.{1,253}$)[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?)*\.?"
)
_PATH: Final = re.compile(r"(/[A-Za-z0-9._~%-]+)*")
_LIST_MARKS: Final = ("[", "{", "(")
_LONGEST_ID: Final = 128
_LONGEST_SECRET: Final = 1024
_LONGEST_TEXT: Final = 2048
_MOST_ENTRIES: Final = 256
_MOST_OF_A_LIMIT: Final = 10_000
_LONGEST_WINDOW_S: Final = 24 * 3600

Host = IPv4Address | IPv6Address | str
Reader = Callable[[str], "str | Problem"]


def choice(*words: str, **short_forms: str) -> Kind:
    """One of a few words, in any case; the short forms are accepted for them."""
    accepted = {word: word for word in words} | short_forms
    spoken = ", ".join(words) + (f" (short: {', '.join(short_forms)})" if short_forms else "")

    def parse(text: str) -> object:
        return accepted.get(text.lower(), Problem("not_a_choice", "is not an accepted word", f"Use one of: {spoken}."))

    return Kind(parse, spoken, "closed")


def switch() -> Kind:
    """A yes or a no."""
    words = "true, false (also 1, 0, yes, no, on, off)"

    def parse(text: str) -> object:
        return _SWITCH.get(text.lower(), Problem("not_a_switch", "is neither true nor false", f"Use one of: {words}."))

    return Kind(parse, words, "closed")


def whole(low: int, high: int) -> Kind:
    """A whole number within bounds, both included."""

    def parse(text: str) -> object:
        if not _WHOLE.fullmatch(text):
            return _not_a_number(text, f"Write a whole number from {low} to {high}, in digits only.")
        number = int(text)
        if low <= number <= high:
            return number
        return Problem("out_of_range", f"is not between {low} and {high}", f"Set it to a number from {low} to {high}.")

    return Kind(parse, f"{low} to {high}", "closed")


def seconds(low: float, high: float) -> Kind:
    """A number of seconds within bounds, both included."""

    def parse(text: str) -> object:
        if not _DECIMAL.fullmatch(text):
            return _not_a_number(text, "Write seconds as digits with a decimal point and no unit, such as 5 or 0.5.")
        number = float(text)
        if low <= number <= high:
            return number
        return Problem(
            "out_of_range", f"is not between {low:g} and {high:g}", f"Set it to {low:g} to {high:g} seconds."
        )

    return Kind(parse, f"{low:g} to {high:g}", "closed")


def limit() -> Kind:
    """So many within a time, or off."""
    form = "Write it as 5/15m: a number, a slash, and a time in s, m or h; or off."

    def parse(text: str) -> object:
        if text.lower() == "off":
            return OFF
        found = _LIMIT.fullmatch(text.lower())
        if found is None:
            return Problem("limit_form", "is neither a limit nor off", form)
        read = Limit(int(found[1]), int(found[2]) * {"s": 1, "m": 60, "h": 3600}[found[3]])
        if 1 <= read.count <= _MOST_OF_A_LIMIT and 1 <= read.window_s <= _LONGEST_WINDOW_S:
            return read
        what = f"is not between 1 and {_MOST_OF_A_LIMIT} within 1s to 24h"
        return Problem("out_of_range", what, "Set a number and a time within these bounds, or off.")

    return Kind(parse, f"NUMBER/TIME with 1 to {_MOST_OF_A_LIMIT} and 1s to 24h, such as 5/15m; or off", "closed")


def _not_a_number(text: str, fix: str) -> Problem:
    if _SERVICE_LINK.match(text):
        what = "is a service link that Kubernetes sets for a Service of that name, not a number"
        return Problem("service_link", what, "Set enableServiceLinks: false in the pod, or rename the Service.")
    return Problem("not_a_number", "is not a number", fix)


def secret() -> Kind:
    """A secret of at least 32 characters."""
    generate = 'Generate one: python -c "import secrets; print(secrets.token_urlsafe(32))".'

    def parse(text: str) -> object:
        if len(text) < SHORTEST_SECRET:
            return Problem("short_secret", f"is shorter than {SHORTEST_SECRET} characters", generate)
        if len(text) > _LONGEST_SECRET:
            return Problem("too_long", f"is longer than {_LONGEST_SECRET} characters", generate)
        return Secret(text)

    return Kind(parse, f"{SHORTEST_SECRET} to {_LONGEST_SECRET} characters, ASCII", "secret")


def identifier() -> Kind:
    """A name by which another service knows this one."""
    return Kind(_short_text, f"1 to {_LONGEST_ID} characters, ASCII", "id")


def _short_text(text: str) -> object:
    if len(text) > _LONGEST_ID:
        return Problem("too_long", f"is longer than {_LONGEST_ID} characters", "Use a short, constant name.")
    return text


def listed(one: Reader, accepts: str) -> Kind:
    """A comma-separated list; the first entry that is refused speaks for it."""

    def parse(text: str) -> object:
        if text.startswith(_LIST_MARKS) and not text.startswith("[:") and not re.match(r"\[[0-9a-fA-F]+:", text):
            return Problem(
                "list_form", "is written as a programming language's list", "Write entries with commas between them."
            )
        entries = [entry.strip() for entry in text.split(",") if entry.strip()]
        if len(entries) > _MOST_ENTRIES:
            return Problem("too_long", f"has more than {_MOST_ENTRIES} entries", "List fewer.")
        got = [one(entry) for entry in entries]
        for place, answer in enumerate(got, 1):
            if isinstance(answer, Problem):
                return Problem(answer.code, f"entry {place} {answer.what}", answer.fix)
        return tuple(dict.fromkeys(got))

    return Kind(parse, f"comma-separated: {accepts}", "free")


def host_of(text: str) -> Host | None:
    """A host as an address or a lower-case name; None when it is neither. Old spellings such as 127.1 are addresses."""
    bare = text[1:-1] if text.startswith("[") and text.endswith("]") else text
    try:
        return ip_address(bare)
    except ValueError:
        pass
    if bare is not text or not _HOST_NAME.fullmatch(bare.lower()):
        return None
    if re.fullmatch(r"(0x[0-9a-f]+|[0-9]+)(\.(0x[0-9a-f]+|[0-9]+)){0,3}", bare.lower()):
        try:
            return IPv4Address(inet_aton(bare))
        except OSError:
            return None
    return bare.lower()


def is_loopback(host: str) -> bool:
    """Does the host name this machine itself? The unspecified addresses do, for one who connects."""
    known = host_of(host)
    if known is None or isinstance(known, str):
        return known is not None and (known.rstrip(".") == "localhost" or known.rstrip(".").endswith(".localhost"))
    mapped = known.ipv4_mapped if isinstance(known, IPv6Address) else None
    return (mapped or known).is_loopback or (mapped or known).is_unspecified


def is_unspecified(host: str) -> bool:
    """Is it the address that stands for all addresses of this machine?"""
    known = host_of(host)
    if known is None or isinstance(known, str):
        return False
    mapped = known.ipv4_mapped if isinstance(known, IPv6Address) else None
    return (mapped or known).is_unspecified


def host_name(text: str) -> str | Problem:
    """One host without scheme and port."""
    known = host_of(text)
    if known is None:
        return Problem(
            "host_form", "is not a host name or address", "Write the host alone: no scheme, port, path or *."
        )
    return str(known)


def bind_host() -> Kind:
    """An address to listen on."""
    return Kind(host_name, "an address or host name, without port")


def url(*schemes: str) -> Kind:
    """An absolute URL without user information, query and fragment; its trailing slash is dropped."""
    return Kind(lambda text: _url(text, schemes), f"SCHEME://HOST[:PORT][/PATH] with {' or '.join(schemes)}", "url")


def issuer() -> Kind:
    """A URL that is compared letter by letter: nothing of it is changed. Source: OpenID Connect Discovery 1.0, 4.3."""

    def read(text: str) -> str | Problem:
        wrong = _url(text, ("https", "http"))
        return wrong if isinstance(wrong, Problem) else text

    return Kind(read, "https://HOST[:PORT][/PATH], letter by letter", "url")


def _url(text: str, schemes: tuple[str, ...]) -> str | Problem:
    parts = _split(text, schemes)
    if isinstance(parts, Problem):
        return parts
    path = parts.path.rstrip("/")
    if not _PATH.fullmatch(path) or ".." in path.split("/"):
        return Problem(
            "url_path", "has an unusual path", "Check for doubled slashes, dots and characters to be encoded."
        )
    return f"{parts.scheme.lower()}://{parts.netloc.lower()}{path}"


def _split(text: str, schemes: tuple[str, ...]) -> SplitResult | Problem:
    form = f"Write it as {schemes[0]}://HOST[:PORT][/PATH]."
    if len(text) > _LONGEST_TEXT:
        return Problem("too_long", f"is longer than {_LONGEST_TEXT} characters", form)
    if "://" not in text:
        return Problem("url_scheme_missing", "has no scheme", f"Put {schemes[0]}:// in front. {form}")
    if re.search(r"[\s\\]", text):
        return Problem("url_form", "has white space or a backslash inside", form)
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        return Problem("url_form", "is not a URL with a valid host and port", form)
    refused = (
        (_SERVICE_LINK.match(text), "service_link", "is a service link that Kubernetes sets, not a URL of http"),
        (parts.scheme.lower() not in schemes, "url_scheme", f"has another scheme than {' or '.join(schemes)}"),
        ("@" in parts.netloc, "url_user_info", "carries a user name or password"),
        ("?" in text, "url_query", "has a query"),
        ("#" in text, "url_fragment", "has a fragment"),
        (not parts.hostname or host_of(parts.hostname) is None, "url_host", "has no usable host"),
        (port == 0 or parts.netloc.endswith(":"), "url_port", "has an empty port, or port 0"),
    )
    for wrong, code, what in refused:
        if wrong:
            return Problem(code, what, form)
    return parts


def origin(text: str) -> str | Problem:
    """One web origin, exactly as browsers send it. Source: RFC 6454, section 6.2."""
    form = "List exact origins such as https://app.example.com: scheme, host, a port if it is unusual, no slash."
    if "*" in text or text == "null":
        return Problem("cors_origin", "is not one exact origin", form)
    parts = _split(text, ("https", "http"))
    if isinstance(parts, Problem):
        return Problem("cors_origin", parts.what, form)
    if parts.path:
        return Problem("cors_origin", "has a path or a slash at its end", form)
    if parts.port == {"https": 443, "http": 80}[parts.scheme.lower()]:
        return Problem("cors_origin", "names the usual port, which browsers leave out", form)
    return f"{parts.scheme.lower()}://{parts.netloc.lower()}"


def network(text: str) -> str | Problem:
    """One address or network of addresses, in CIDR notation. Source: RFC 4632."""
    try:
        known = ip_network(text)
    except ValueError:
        what = "is not an address or network, or has bits set to the right of its prefix"
        return Problem("trusted_proxy", what, "Write it as 10.0.0.0/8 or 10.1.2.3; names and ranges are not accepted.")
    if known.prefixlen == 0:
        return Problem("trusted_proxy_any", "trusts every address", "List the networks of your own proxies only.")
    return str(known)


def path_prefix() -> Kind:
    """The path under which the routes are served."""

    def parse(text: str) -> object:
        path = text.rstrip("/")
        plain = re.fullmatch(r"(/[A-Za-z0-9._~-]+)+", path) and not {".", ".."} & set(path.split("/"))
        if not plain:
            return Problem("prefix_form", "is not a plain path", "Write it as /api/v1/auth.")
        if path.split("/")[1] in {"livez", "readyz", "problems"}:
            return Problem(
                "prefix_form", "hides a route of the gateway's own", "Use a path not under /livez, /readyz, /problems."
            )
        return path

    return Kind(parse, "a path such as /api/v1/auth")


def wire() -> Kind:
    """Which description of an auth service to use; whether there is one is for its reader to say."""

    def parse(text: str) -> object:
        if "://" in text:
            return Problem("wire_form", "is a URL", "Save the file on this machine and set its path.")
        return text

    return Kind(parse, "a preset's name, or the path of a TOML file", "path")


def sqlite_url() -> Kind:
    """The database file of the embedded auth service."""
    form = "Write it as sqlite:///relative.db or sqlite:////absolute/path.db."

    def parse(text: str) -> object:
        scheme, mark, path = text.partition(":///")
        if scheme.lower() != "sqlite" or not mark:
            return Problem("database_url", "is not the URL of an SQLite file, the only database of this version", form)
        if path in {"", "/"} or path.startswith(":memory:") or re.search(r"[?#]", path):
            return Problem("database_url", "names no file, or has a query or fragment", form)
        return f"sqlite:///{path}"

    return Kind(parse, "sqlite:///FILE", "url")
