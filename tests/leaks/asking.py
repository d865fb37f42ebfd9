"""Every request that is asked while a fault lasts: each route of both listeners, and requests that cannot be read.

It must never leave a route out: a test compares the rows with the routes that the gateway has.
"""

import json
from collections.abc import Iterable
from typing import Final, NamedTuple
from urllib.parse import quote, quote_plus

from tests.leaks.needles import NOTHING
from tests.leaks.planted import (
    ACCESS,
    ADMIN_TOKEN,
    BASIC,
    EMAIL,
    LEAVING,
    NAME,
    OWN_ANSWER,
    OWN_NAME,
    PASSWORD,
    REFRESH,
    SERVICE_SECRET,
    WRONG_ADMIN_TOKEN,
    WRONG_PASSWORD,
)
from tests.support.gateways import PREFIX
from tests.support.wire import Headers

JSON: Final = ("Content-Type", "application/json")
FORM: Final = ("Content-Type", "application/x-www-form-urlencoded")
BEARER: Final = ("Authorization", f"Bearer {ACCESS}")
OPERATOR: Final = ("Authorization", f"Bearer {ADMIN_TOKEN}")
STRANGE: Final = (
    ("Cookie", f"session={ACCESS}; csrf={quote(PASSWORD)}"),
    ("Referer", f"https://shop.test/?password={quote(PASSWORD)}&email={quote(EMAIL)}"),
    ("baggage", f"token={ACCESS}"),
    ("tracestate", "shop=1"),
    ("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"),
    ("X-Service-Secret", SERVICE_SECRET),
    ("Idempotency-Key", REFRESH),
)
"""Headers that hold what is nobody else's business, as clients send them by mistake."""


class Ask(NamedTuple):
    """One request."""

    method: str
    target: str
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes | None = None
    allowed: frozenset[str] = NOTHING
    """What its answer may hold when it succeeds."""

    @property
    def path(self) -> str:
        """Where it goes, without what is planted in it."""
        path = self.target.partition("?")[0].replace(ACCESS, "<token>").replace(ADMIN_TOKEN, "<token>")
        return path[: path.find("<token>") + len("<token>")] if "<token>" in path else path


def _says(path: str, document: object, *headers: tuple[str, str], allowed: frozenset[str] = NOTHING) -> Ask:
    return Ask("POST", PREFIX + path, (JSON, *headers), json.dumps(document).encode(), allowed)


def _raw(body: bytes, kind: tuple[str, str] = JSON, path: str = "/login") -> Ask:
    return Ask("POST", PREFIX + path, (kind,), body)


_CREDENTIALS: Final = {"email": EMAIL, "password": PASSWORD}
_FORM: Final = f"username={quote_plus(EMAIL)}&password={quote_plus(PASSWORD)}".encode()

PUBLIC: Final = (
    _says("/login", _CREDENTIALS, *STRANGE, allowed=OWN_ANSWER),
    _says("/register", {**_CREDENTIALS, "confirm_password": PASSWORD, "name": NAME}, allowed=OWN_ANSWER),
    _says("/refresh", {"refresh_token": REFRESH}, *STRANGE, allowed=OWN_ANSWER),
    _says("/logout", {"refresh_token": REFRESH}, ("Authorization", f"Bearer {LEAVING}")),
    Ask("GET", f"{PREFIX}/verify", (BEARER, *STRANGE), allowed=OWN_NAME),
    Ask("POST", f"{PREFIX}/verify/orders/7?next={quote(ACCESS)}", (BEARER, *STRANGE[:3]), b"password=1", OWN_NAME),
    Ask("GET", f"{PREFIX}/me", (BEARER, *STRANGE), allowed=OWN_NAME),
    Ask("GET", f"{PREFIX}/config"),
    Ask("GET", "/livez"),
    Ask("GET", "/readyz"),
    Ask("GET", "/problems/connection_refused", (("Accept", "text/html"),)),
)
"""A request to every public route."""

ADMIN: Final = (
    Ask("GET", "/", (OPERATOR, ("Accept", "text/html"))),
    Ask("GET", "/console", (OPERATOR,)),
    Ask("GET", "/console/static/tokens.css", (OPERATOR,)),
    Ask("GET", "/console/state", (OPERATOR,)),
    Ask("HEAD", "/console/events", (OPERATOR,)),
    Ask("GET", "/console/settings", (OPERATOR,)),
    Ask("POST", "/console/doctor", (OPERATOR,)),
    Ask("GET", "/health", (OPERATOR,)),
    Ask("GET", "/openapi.json", (OPERATOR,)),
    Ask("GET", "/session", (OPERATOR,)),
    Ask("POST", "/session", (JSON,), json.dumps({"token": ADMIN_TOKEN}).encode()),
    Ask("DELETE", "/session", (("Cookie", f"netra_admin={ADMIN_TOKEN}"),)),
    Ask("POST", "/session/end", (("Cookie", f"netra_admin={ADMIN_TOKEN}"),)),
    Ask("GET", "/metrics", (("Accept", "application/openmetrics-text"),)),
    Ask("GET", "/livez"),
    Ask("GET", "/readyz"),
    Ask("GET", "/problems/connection_refused"),
)
"""A request to every route of operators, but for the stories: their ids are those of the requests before."""

UNREADABLE: Final = (
    _raw(json.dumps(_CREDENTIALS).encode()[:-1]),
    _raw(json.dumps([EMAIL, PASSWORD]).encode()),
    _raw(f'{{"email": "{EMAIL}", "email": "{EMAIL}", "{SERVICE_SECRET}": 1}}'.encode()),
    _raw(json.dumps({"email": [EMAIL], "password": {"is": PASSWORD}}).encode()),
    _raw(json.dumps({"email": f"{EMAIL}\x00", "password": PASSWORD * 100, PASSWORD: EMAIL}).encode()),
    _raw(json.dumps({"email": EMAIL, "password": PASSWORD}).encode("latin-1", "backslashreplace") + b"\xff"),
    _raw(json.dumps({"email": EMAIL, "password": PASSWORD, "x": "y" * 20_000}).encode()),
    _raw(_FORM),
    _raw(_FORM, FORM)._replace(allowed=OWN_ANSWER),
    _raw(_FORM + b"&password=again", FORM),
    _raw(_FORM, ("Content-Type", f"text/{ACCESS}")),
    _raw(json.dumps({"email": f"not an address {PASSWORD}", "password": "1"}).encode(), path="/register"),
    _raw(json.dumps({**_CREDENTIALS, "confirm_password": WRONG_PASSWORD}).encode(), path="/register"),
    _raw(json.dumps({"refresh_token": [REFRESH]}).encode(), path="/refresh"),
    _raw(json.dumps({"refresh_token": REFRESH + "\n"}).encode(), path="/logout"),
    Ask("POST", f"{PREFIX}/login?password={quote(PASSWORD)}&email={quote(EMAIL)}", (JSON,), b"{}"),
    Ask("GET", f"{PREFIX}/login?password={quote(PASSWORD)}"),
    Ask("OPTIONS", f"{PREFIX}/login", (("Origin", f"https://{ACCESS}.test"), ("Authorization", f"Basic {BASIC}"))),
    Ask("GET", f"{PREFIX}/me?access_token={ACCESS}"),
    Ask("GET", f"{PREFIX}/me", (("Authorization", f"Basic {BASIC}"),)),
    Ask("GET", f"{PREFIX}/me", (BEARER, BEARER)),
    Ask("GET", f"{PREFIX}/me", (("Authorization", f"Bearer {ACCESS} {REFRESH}"),)),
    Ask("GET", f"{PREFIX}/verify", (("Authorization", f"Bearer {REFRESH}"),)),
    Ask("GET", f"{PREFIX}/verify", (("Authorization", f"Bearer {ACCESS[:-4]}.e30.{ACCESS}"),)),
    Ask("GET", f"/nowhere/{ACCESS}/{quote(PASSWORD, safe='')}"),
    Ask("GET", f"/problems/{ACCESS}"),
    Ask("GET", f"{PREFIX}/me", (("Authorization", "Bearer " + ACCESS * 300),)),
    Ask("GET", "/" + ACCESS * 120),
)
"""Requests that are refused for their form, each with something in it that nobody may repeat."""

FOREIGN: Final = (
    Ask("GET", "/health"),
    Ask("GET", "/", (("Accept", "text/html"),)),
    Ask("GET", "/health", (("Host", f"{ADMIN_TOKEN}.test"),)),
    Ask("GET", "/console/state", (("Authorization", f"Bearer {WRONG_ADMIN_TOKEN}"),)),
    Ask("POST", "/session", (JSON,), json.dumps({"token": WRONG_ADMIN_TOKEN}).encode()),
    Ask("POST", "/session", (FORM, ("Accept", "text/html")), f"token={WRONG_ADMIN_TOKEN}".encode()),
    Ask("POST", "/session", (JSON,), json.dumps({"token": [ADMIN_TOKEN]}).encode()),
    Ask("POST", "/console/doctor", (OPERATOR, ("Origin", f"https://{ADMIN_TOKEN}.test"))),
    Ask("GET", f"/trace/{ACCESS}", (OPERATOR,)),
    Ask("GET", f"/console/static/{ADMIN_TOKEN}", (OPERATOR,)),
    Ask("GET", f"/health?token={ADMIN_TOKEN}", (OPERATOR,)),
)
"""Requests of operators that are refused, or ask for what is not there."""


def labelled(ask: Ask, request_id: str) -> Headers:
    """Its headers, and the id that its story is asked for by."""
    return (*ask.headers, ("X-Request-ID", request_id))


def routes_of(asked: Iterable[Ask]) -> set[tuple[str, str]]:
    """Methods and paths of requests, to be compared with a gateway's."""
    return {(ask.method, ask.target.partition("?")[0]) for ask in asked}
