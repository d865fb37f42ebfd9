"""What a span says: the names that everybody gives to these things, and a few of our own.

It must never hold what anybody said: no identifier, no token, no header, no body, no query.
Source: OpenTelemetry, semantic conventions for HTTP spans (stable).
"""

import re
from collections.abc import Iterator
from typing import Final
from urllib.parse import urlsplit

from netra.core.trace import Beginning
from netra.core.verdict.outcomes import UNTIMED

Value = str | int | float
Attributes = dict[str, Value]

_ERROR: Final = "error.type"
_STATUS: Final = "http.response.status_code"
_METHOD: Final = "http.request.method"
_SPENT: Final = tuple(f"netra.{field.removesuffix('_s')}_ms" for field in UNTIMED._fields)
_PORTS: Final = {"http": 80, "https": 443}
_FIRST_ERROR: Final = 500
_MEMBERS_COUNT: Final = 32
_MEMBER: Final = re.compile(
    r"(?:[a-z][a-z0-9_\-*/]{0,255}|[a-z0-9][a-z0-9_\-*/]{0,240}@[a-z][a-z0-9_\-*/]{0,13})"
    r"=[\x20-\x2b\x2d-\x3c\x3e-\x7e]{0,255}[\x21-\x2b\x2d-\x3c\x3e-\x7e]"
)


class Destination:
    """The auth service, as the spans of calls to it name it."""

    def __init__(self, base_url: str) -> None:
        address = urlsplit(base_url)
        self._origin = f"{address.scheme}://{address.netloc.rpartition('@')[2]}"
        self._named: Attributes = {
            "server.address": address.hostname or "",
            "server.port": address.port or _PORTS.get(address.scheme, 0),
        }

    def of_try(self, method: str, path: str, before_count: int) -> Attributes:
        """What is known of a try when it begins; its query is left out, which may hold what somebody said."""
        url = self._origin + path.partition("?")[0]
        again: Attributes = {"http.request.resend_count": before_count} if before_count else {}
        return {_METHOD: method, **self._named, "url.full": url, **again}


def name_of(beginning: Beginning) -> str:
    """The name of an attempt's span: of few, whatever strangers ask for."""
    if not beginning.route:
        return f"netra {beginning.name}"
    return f"{'HTTP' if beginning.method == '_OTHER' else beginning.method} {beginning.route}"


def of_attempt(beginning: Beginning) -> Attributes:
    """What is known of an attempt when it begins. Of a path that goes on below its route nothing is told."""
    told: Attributes = {"netra.request_id": beginning.request_id}
    if beginning.route:
        told[_METHOD] = beginning.method
        told["http.route"] = beginning.route
        told["url.path"] = beginning.route.removesuffix("/**")
        told["url.scheme"] = "http"
    if beginning.client_address:
        told["client.address"] = beginning.client_address
    return told


def of_end(told: tuple[str, str, str] | None, status: int | None, crashed: str | None) -> Attributes:
    """How an attempt has ended; `told` holds journey, verdict and code, where there were any."""
    ended: Attributes = {} if status is None else {_STATUS: status}
    if told is not None:
        ended["netra.journey"], ended["netra.verdict"], ended["netra.code"] = told
    if crashed is not None:
        ended["netra.code"] = ended[_ERROR] = crashed
    elif told is not None and told[1] == "unknown":
        ended[_ERROR] = told[2]
    elif status is not None and status >= _FIRST_ERROR:
        ended[_ERROR] = str(status)
    return ended


def of_tried(code: str, *, answered: bool, status: int | None, spent_s: tuple[float | None, ...]) -> Attributes:
    """What came of a try, and where its time went."""
    ended: Attributes = {"netra.code": code, **dict(_spent(spent_s))}
    if status is not None:
        ended[_STATUS] = status
    if not answered:
        ended[_ERROR] = code
    return ended


def failed(attributes: Attributes) -> bool:
    """Is this a span that has ended with an error? A refusal is none."""
    return _ERROR in attributes


def _spent(spent_s: tuple[float | None, ...]) -> Iterator[tuple[str, float]]:
    for name, each_s in zip(_SPENT, spent_s, strict=True):
        if each_s is not None:
            yield name, round(each_s * 1e3, 3)


def state_of(tracestate: str | None) -> str | None:
    """A `tracestate` that is well formed; None for any other. Source: W3C Trace Context, section 3.3."""
    members = [each.strip(" \t") for each in (tracestate or "").split(",")]
    kept = [each for each in members if each]
    if not kept or len(kept) > _MEMBERS_COUNT or not all(map(_MEMBER.fullmatch, kept)):
        return None
    return ",".join(kept) if len({each.partition("=")[0] for each in kept}) == len(kept) else None
