"""Each check goes red, or warns, at an auth service with the one defect that it looks for; with none, all are green.

It must never be a check that cannot fail.
"""

import asyncio
from collections.abc import Callable, Iterator
from typing import Any, Final

import pytest

from netra.lab.connection import Connection, Delivery, Script
from netra.lab.scripts import after, html, json_reply, problem, reply
from netra.testing.conformance import CHECKS, WRONG_PASSWORDS, Verdict, examine
from netra.testing.conformance.interview import Memory
from netra.testing.conformance.results import Result
from netra.testing.conformance.rows import judged
from netra.testing.labs import LabBeside, lab_beside
from tests.testing.model import EMAIL, NEWCOMER, NO_STORE, PASSWORD, SECRET, Model, readable, subject

Defect = Callable[[Model, LabBeside], None]
UNCODED: Final = json_reply(401, {"detail": "No."})


def on(path: str, script: Script) -> Defect:
    """A route that answers everybody the same."""

    def plant(model: Model, lab: LabBeside) -> None:
        model.routes[path] = lambda _: script

    return plant


def instead(path: str, of: Callable[[Model, Delivery], bool], script: Script) -> Defect:
    """A route that answers some requests otherwise."""

    def plant(model: Model, lab: LabBeside) -> None:
        well = model.routes[path]
        model.routes[path] = lambda delivery: script if of(model, delivery) else well(delivery)

    return plant


def let_in(path: str, of: Callable[[Model, Delivery], bool]) -> Defect:
    """A route that opens a session for whoever it should not."""

    def plant(model: Model, lab: LabBeside) -> None:
        well = model.routes[path]
        model.routes[path] = lambda delivery: model.opened(EMAIL) if of(model, delivery) else well(delivery)

    return plant


def wrong(model: Model, delivery: Delivery) -> bool:
    said = readable(delivery) or {}
    return said.get("email") == EMAIL and said.get("password") != PASSWORD


def of_nobody(model: Model, delivery: Delivery) -> bool:
    said = readable(delivery)
    return said is not None and said["email"] not in model.users


def unreadable(model: Model, delivery: Delivery) -> bool:
    return delivery.json is None


def nameless(model: Model, delivery: Delivery) -> bool:
    return delivery.json is not None and readable(delivery) is None


def made_up(model: Model, delivery: Delivery) -> bool:
    return any(str(each).startswith("made-up") for each in delivery.json.values())


def taken(model: Model, delivery: Delivery) -> bool:
    return delivery.json["email"] in model.users


def gone(model: Model, delivery: Delivery) -> bool:
    return delivery.json["refresh_token"] not in model.refresh_tokens


def by_head(model: Model, delivery: Delivery) -> bool:
    return delivery.method == "HEAD"


def for_somebody_else(model: Model, delivery: Delivery) -> bool:
    return delivery.header("X-Service-Secret") != SECRET


def repeated(model: Model, delivery: Delivery) -> bool:
    return (delivery.header("Idempotency-Key") or "") in model.keys


def another_body(model: Model, delivery: Delivery) -> bool:
    key = delivery.header("Idempotency-Key") or ""
    return model.keys.get(key, delivery.body) != delivery.body


def changed_session(**changes: Any) -> Defect:
    def plant(model: Model, lab: LabBeside) -> None:
        well = model.session
        model.routes["/auth/login"] = lambda _: json_reply(200, {**well(EMAIL), **changes}, NO_STORE)

    return plant


def with_headers(*headers: tuple[str, str]) -> Defect:
    def plant(model: Model, lab: LabBeside) -> None:
        model.routes["/auth/login"] = lambda _: json_reply(200, model.session(EMAIL), headers)

    return plant


def clock_of_yesterday(model: Model, lab: LabBeside) -> None:
    well = model.token

    def token(email: str) -> str:
        model.lifetime_s = -86_400
        made = well(email)
        model.lifetime_s = 900
        return made

    model.routes["/auth/login"] = lambda _: json_reply(200, {**model.session(EMAIL), "access_token": token(EMAIL)})


def echoes(model: Model, lab: LabBeside) -> None:
    well = model.routes["/auth/login"]

    def login(delivery: Delivery) -> Script:
        if nameless(model, delivery):
            return json_reply(422, {"detail": [{"loc": ["body", "email"], "input": delivery.json}]})
        return well(delivery)

    model.routes["/auth/login"] = login


def forgets_new_refresh_tokens(model: Model, lab: LabBeside) -> None:
    well = model.routes["/auth/refresh"]

    def refresh(delivery: Delivery) -> Script:
        script = well(delivery)
        model.refresh_tokens.clear()
        return script

    model.routes["/auth/refresh"] = refresh


def takes_any_signature(model: Model, lab: LabBeside) -> None:
    def validate(delivery: Delivery) -> Script:
        if delivery.json["token"].count(".") == 2:
            return json_reply(200, {"valid": True, "user_id": f"user-{EMAIL}"})
        return json_reply(200, {"valid": False, "code": "token_malformed"})

    model.routes["/auth/validate"] = validate


def ends_nothing(model: Model, lab: LabBeside) -> None:
    model.routes["/auth/logout"] = lambda _: json_reply(200, {"success": True})


def fails_on_what_is_gone(model: Model, lab: LabBeside) -> None:
    instead("/auth/refresh", gone, json_reply(500, {"detail": "Internal Server Error"}))(model, lab)


def knows_no_keys(model: Model, lab: LabBeside) -> None:
    model.keys = _Forgetful()


class _Forgetful(dict[str, bytes]):
    """Keys that are forgotten at once."""

    def setdefault(self, key: str, default: bytes | None = None) -> bytes:
        return default or b""


def resets_used_connections(model: Model, lab: LabBeside) -> None:
    well, met = model.routes["/auth/login"], set[int]()

    def login(delivery: Delivery) -> Script:
        if delivery.connection not in met:
            met.add(delivery.connection)
            return well(delivery)

        async def script(connection: Connection, _: Delivery) -> None:
            connection.reset()

        return script

    model.routes["/auth/login"] = login


def closes_each_connection(model: Model, lab: LabBeside) -> None:
    refused = problem(401, "invalid_credentials", [("Connection", "close")])
    instead("/auth/login", of_nobody, refused)(model, lab)


HEALTH, HEAD, SHAKE, PRINTS, OFFER, RIGHT, WRONG, NOBODY, NAMED, MALFORMED, ECHO, NEW = (
    each.name for each in CHECKS[:12]
)
REFRESH, MADE_REFRESH, TOKEN, MADE_TOKEN, LOGOUT, AGAIN, OURS, TWICE, KEY, REUSE, WAITS, CACHE, SPEED = (
    each.name for each in CHECKS[12:]
)
FAIL, WARN, SKIPPED = Verdict.FAIL, Verdict.WARN, Verdict.SKIPPED
BROKEN: Final = json_reply(500, {"detail": "Internal Server Error"})

DEFECTS: Final[list[tuple[str, str, Defect, Verdict, str | None]]] = [
    (HEALTH, "says nothing", on("/health", json_reply(200, {})), FAIL, "invalid_response"),
    (HEALTH, "is not there", on("/health", problem(404, "x")), FAIL, "endpoint_not_found"),
    (HEAD, "is 405", instead("/health", by_head, reply(405)), WARN, None),
    (SHAKE, "refuses us", on("/auth/handshake", problem(401, "AUTH003")), FAIL, "service_credentials_rejected"),
    (SHAKE, "is not there", on("/auth/handshake", reply(404)), WARN, "endpoint_not_found"),
    (PRINTS, "are of others", on("/auth/handshake", json_reply(200, {"secret_fingerprints": ["0" * 8]})), FAIL, None),
    (PRINTS, "are not named", on("/auth/handshake", json_reply(200, {})), WARN, None),
    (OFFER, "is broken", on("/auth/config", BROKEN), FAIL, "auth_service_error"),
    (RIGHT, "has an empty user id", changed_session(user={"id": "", "email": EMAIL}), FAIL, "invalid_response"),
    (RIGHT, "is over at once", changed_session(expires_in=0), FAIL, "token_expired"),
    (RIGHT, "is of yesterday", clock_of_yesterday, FAIL, "token_expired"),
    (RIGHT, "is HTML", on("/auth/login", html(200, "<h1>Hello</h1>")), FAIL, "invalid_response"),
    (WRONG, "is let in", let_in("/auth/login", wrong), FAIL, None),
    (WRONG, "is 403", instead("/auth/login", wrong, reply(403)), FAIL, "service_credentials_rejected"),
    (WRONG, "is 500", instead("/auth/login", wrong, BROKEN), FAIL, "auth_service_error"),
    (WRONG, "is locked", instead("/auth/login", wrong, problem(423, "account_locked")), FAIL, "account_locked"),
    (NOBODY, "is told apart", instead("/auth/login", of_nobody, problem(404, "user_not_found")), WARN, None),
    (NOBODY, "is 404", instead("/auth/login", of_nobody, reply(404)), FAIL, "endpoint_not_found"),
    (NOBODY, "is let in", let_in("/auth/login", of_nobody), FAIL, None),
    (NAMED, "has no code", instead("/auth/login", wrong, UNCODED), WARN, None),
    (MALFORMED, "is a refusal", instead("/auth/login", unreadable, UNCODED), FAIL, "invalid_credentials"),
    (MALFORMED, "is a crash", instead("/auth/login", unreadable, BROKEN), FAIL, "auth_service_error"),
    (MALFORMED, "is half a refusal", instead("/auth/login", nameless, UNCODED), WARN, "invalid_credentials"),
    (MALFORMED, "is let in", let_in("/auth/login", nameless), FAIL, None),
    (ECHO, "is an echo", echoes, WARN, None),
    (NEW, "is opened twice", on("/auth/register", json_reply(201, {"id": "u", "email": NEWCOMER})), WARN, None),
    (NEW, "breaks when taken", instead("/auth/register", taken, BROKEN), FAIL, "auth_service_error"),
    (NEW, "is not opened", on("/auth/register", BROKEN), FAIL, "auth_service_error"),
    (REFRESH, "is refused", on("/auth/refresh", problem(401, "refresh_rejected")), FAIL, "refresh_rejected"),
    (REFRESH, "works once", forgets_new_refresh_tokens, FAIL, "refresh_rejected"),
    (MADE_REFRESH, "is let in", let_in("/auth/refresh", made_up), FAIL, None),
    (MADE_REFRESH, "is a crash", instead("/auth/refresh", made_up, BROKEN), FAIL, "auth_service_error"),
    (TOKEN, "is of another", on("/auth/validate", json_reply(200, {"valid": True, "user_id": "x"})), FAIL,
     "invalid_response"),
    (TOKEN, "is refused", on("/auth/validate", json_reply(200, {"valid": False})), FAIL, "token_rejected"),
    (MADE_TOKEN, "is good", on("/auth/validate", json_reply(200, {"valid": True, "user_id": "x"})), FAIL, None),
    (MADE_TOKEN, "is our fault", instead("/auth/validate", made_up, UNCODED), FAIL, "service_credentials_rejected"),
    (MADE_TOKEN, "is forged", takes_any_signature, FAIL, None),
    (LOGOUT, "ends nothing", ends_nothing, FAIL, None),
    (LOGOUT, "says no", on("/auth/logout", json_reply(200, {"success": False})), FAIL, "invalid_response"),
    (LOGOUT, "breaks refresh", fails_on_what_is_gone, FAIL, "auth_service_error"),
    (AGAIN, "is not found", instead("/auth/logout", gone, reply(404)), FAIL, "endpoint_not_found"),
    (OURS, "is the user's", instead("/auth/login", for_somebody_else, problem(401, "invalid_credentials")), FAIL,
     "invalid_credentials"),
    (OURS, "has no code", instead("/auth/login", for_somebody_else, UNCODED), FAIL, "invalid_credentials"),
    (OURS, "is a dead token", instead("/auth/validate", for_somebody_else, problem(401, "token_revoked")), FAIL,
     "token_revoked"),
    (OURS, "is not asked for", let_in("/auth/login", for_somebody_else), WARN, None),
    (OURS, "is a crash", instead("/auth/login", for_somebody_else, BROKEN), WARN, "auth_service_error"),
    (TWICE, "is refused", instead("/auth/login", repeated, UNCODED), FAIL, "invalid_credentials"),
    (KEY, "is let in", let_in("/auth/login", another_body), FAIL, None),
    (KEY, "is forgotten", knows_no_keys, FAIL, "invalid_credentials"),
    (KEY, "is a crash", instead("/auth/login", another_body, BROKEN), FAIL, "auth_service_error"),
    (REUSE, "is reset", resets_used_connections, FAIL, "connection_terminated"),
    (REUSE, "is closed each time", closes_each_connection, WARN, None),
    (WAITS, "cannot be read", with_headers(("Retry-After", "soon")), WARN, None),
    (WAITS, "is not told", instead("/auth/login", wrong, problem(423, "account_locked")), WARN, None),
    (CACHE, "may store", with_headers(), WARN, None),
    (CACHE, "sets a cookie", with_headers(("Set-Cookie", "a=b"), *NO_STORE), WARN, None),
    (CACHE, "is text", on("/auth/login", reply(200, b"{}", [("Content-Type", "text/plain")])), WARN, None),
    (SPEED, "is slow", instead("/auth/login", wrong, after(2.6, problem(401, "invalid_credentials"))), WARN, None),
]  # fmt: skip


@pytest.fixture(scope="module")
def lab() -> Iterator[LabBeside]:
    with lab_beside() as one:
        yield one


def judge(name: str, lab: LabBeside, **changes: Any) -> Result:
    check = next(each for each in CHECKS if each.name == name)
    return asyncio.run(judged(check, subject(lab, **changes), Memory()))


def test_without_a_defect_every_check_is_green_and_two_wrong_passwords_are_sent(lab: LabBeside) -> None:
    model = Model()
    model.play_on(lab)
    began = len(lab.deliveries())
    rows = asyncio.run(examine(subject(lab)))
    assert [(row.check.name, row.result) for row in rows if row.result.verdict != Verdict.PASS] == []
    sent = [delivery for delivery in lab.deliveries()[began:] if wrong(model, delivery)]
    assert len(sent) == WRONG_PASSWORDS == 2


def test_a_password_that_is_no_longer_good_is_sent_once_and_no_more(lab: LabBeside) -> None:
    model = Model()
    model.play_on(lab)
    began = len(lab.deliveries())
    asyncio.run(examine(subject(lab, password="no longer good")))
    sent = [each for each in lab.deliveries()[began:] if wrong(model, each)]
    assert len(sent) <= WRONG_PASSWORDS + 1


def test_every_check_has_a_defect() -> None:
    assert {name for name, *_ in DEFECTS} == {check.name for check in CHECKS}


@pytest.mark.parametrize(
    ("name", "plant", "verdict", "code"),
    [(name, plant, verdict, code) for name, _, plant, verdict, code in DEFECTS],
    ids=[f"{name}: {what}" for name, what, *_ in DEFECTS],
)
def test_a_defect_is_found(name: str, plant: Defect, verdict: Verdict, code: str | None, lab: LabBeside) -> None:
    model = Model()
    plant(model, lab)
    model.play_on(lab)
    found = judge(name, lab)
    assert (found.verdict, found.code) == (verdict, code), found
    assert found.reason
    assert found.fix


def test_nothing_is_asked_of_nobody(lab: LabBeside) -> None:
    Model().play_on(lab)
    lab.service.answer("/auth/login", problem(503, "down"))
    for name in (REFRESH, TOKEN, LOGOUT, AGAIN, CACHE, NAMED):
        assert judge(name, lab).verdict is SKIPPED
    assert judge(NEW, lab, new_identifier=None).verdict is SKIPPED
