"""Set-ups in which everything answers, and people still cannot log in: their page's origin, and the login itself.

They must never try anybody's account but those that are there for tests.
"""

from typing import Any, Final

from netra.core.findings import Severity
from netra.core.secret import Secret
from netra.doctor.diagnosis import Hop
from netra.lab.connection import Connection, Delivery, Script
from netra.lab.scripts import html, json_reply, problem, session
from tests.diagnosis.bringing import answers, real, set_up
from tests.diagnosis.setup import Brought, Setup
from tests.incidents.operators import EMAIL, PASSWORD

_PAGE: Final = "https://shop.test"
_CANARY: Final = {"canary": (EMAIL, Secret(PASSWORD))}
_STRANGER: Final = {"rejection_check": True}
LOGIN: Final = "/auth/login"


def _to_people(script: Script) -> Script:
    """An empty form is refused as it should be; only a real login meets this."""
    empty = problem(422, "invalid_fields")

    async def either(connection: Connection, delivery: Delivery) -> None:
        await (script if delivery.email else empty)(connection, delivery)

    return either


def _page(name: str, cause: str, origin: str, listed: str, *says: str) -> Setup:
    bring = set_up(NETRA_CORS_ORIGINS=listed) if listed else set_up()
    return Setup(name, cause, Hop.ORIGIN, "origin_not_listed", bring, says, wanted={"origin": origin})


def _login(name: str, cause: str, code: str, bring: Brought, wanted: Any, *says: str) -> Setup:
    return Setup(name, cause, Hop.LOGIN, code, bring, says, Severity.ERROR, wanted)


ORIGINS: Final = (
    _page("no-origins", "No page may ask from a browser.", _PAGE, "", "NETRA_CORS_ORIGINS"),
    _page("origin-not-listed", "The page of the shop is not listed.", _PAGE, "https://admin.shop.test",
          "NETRA_CORS_ORIGINS"),
    _page("origin-of-another-scheme", "The page is listed with http.", _PAGE, "http://shop.test", "http"),
    _page("origin-of-another-port", "The page is listed without its port.", f"{_PAGE}:8443", _PAGE, "port"),
)  # fmt: skip

LOGINS: Final = (
    _login("everybody-gets-in", "The auth service takes any password.", "stranger_accepted", set_up(), _STRANGER),
    _login("strangers-crash-it", "Its login crashes for who has no account.", "auth_service_error",
           answers(LOGIN, _to_people(json_reply(500, {"detail": "oops"}))), _STRANGER),
    _login("wrong-password-in-html", "A wrong password shows a page.", "invalid_response",
           answers(LOGIN, _to_people(html(200, "<h1>Wrong password</h1>"))), _STRANGER),
    _login("canary-refused", "The password of the test account was changed.", "invalid_credentials", real(),
           {"canary": (EMAIL, Secret("another password"))}),
    _login("canary-locked", "The test account is locked.", "account_locked",
           answers(LOGIN, _to_people(problem(423, "account_locked", [("Retry-After", "900")]))), _CANARY),
    _login("session-of-nobody", "Sessions lack the user's id.", "invalid_response",
           answers(LOGIN, _to_people(json_reply(200, session(EMAIL, user={"email": EMAIL})))), _CANARY, "user_id"),
    _login("session-without-token", "Sessions have another shape.", "invalid_response",
           answers(LOGIN, _to_people(json_reply(200, {"token": "x"}))), _CANARY, "access_token"),
)  # fmt: skip
