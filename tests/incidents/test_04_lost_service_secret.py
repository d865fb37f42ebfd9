"""A deploy lost the secret by which a service showed who it was, and nobody noticed until users complained.

Hundreds of people with the right password were told that they were forbidden to do what they did every day. It must
never be the user's fault, on any route, that the auth service does not accept us.
"""

import json
from typing import Final

import pytest

from netra.authd.store.registry import fingerprint
from netra.core.secret import Secret
from netra.lab.connection import Script
from netra.lab.faulty_auth_service import FaultyAuthService
from netra.lab.scripts import json_reply, problem, reply
from tests.incidents.operators import (
    EMAIL,
    OTHER_SECRET,
    PASSWORD,
    SECRET,
    AuthService,
    doctor,
    examined,
    first_complaint,
    refused_start,
    told,
)
from tests.live.rows import Ask, Failure, assert_failure, log_in, log_out, refresh, register, who_am_i
from tests.support.gateways import both_views
from tests.support.problems import assert_problem
from tests.support.programs import Gateway
from tests.support.wire import Answer, ask_now, post_now

PREFIX: Final = "/api/v1/auth"
JOURNEYS: Final[dict[str, tuple[Ask, str]]] = {
    "Login": (log_in, "/auth/login"),
    "Registration": (register, "/auth/register"),
    "Refresh": (refresh, "/auth/refresh"),
    "Logout": (log_out, "/auth/logout"),
    "Token check": (who_am_i, "/auth/validate"),
}
"""What is asked for users, as logs call it: who asks, and where."""
LAST_LINE: Final = (
    "error: SERVICE_SECRET: is not set (looked for SERVICE_SECRET and SERVICE_SECRET_FILE). "
    "Set SERVICE_SECRET or SERVICE_SECRET_FILE; "
    "NETRA_REQUIRE_SERVICE_CREDENTIALS=false only if the auth service asks for none."
)
REFUSALS_OF_US: Final[dict[str, Script]] = {
    "401": problem(401, "service_credentials_rejected"),
    "403": problem(403, "service_credentials_rejected"),
    "401 of OAuth": json_reply(401, {"error": "invalid_client"}),
    "403 with a name inside": json_reply(403, {"detail": {"error_code": "invalid_service_secret"}}),
    "403 without a name": json_reply(403, {"message": "You shall not pass"}),
    "403 without anything": reply(403),
}


@pytest.mark.parametrize("environment", ["staging", "production"])
def test_a_lost_secret_is_an_error_where_users_are(environment: str) -> None:
    diagnosis = examined(told("SERVICE_SECRET", ENVIRONMENT=environment))
    assert not diagnosis.ok
    assert diagnosis.error_lines == [LAST_LINE]
    assert diagnosis.setting("SERVICE_SECRET")["fingerprint"] is None


def test_without_its_secret_a_gateway_does_not_start_and_the_last_line_says_where_it_looked() -> None:
    (last,) = refused_start(told("SERVICE_SECRET", ENVIRONMENT="production"))
    assert last == LAST_LINE


def test_a_secret_under_a_name_with_a_typo_is_missing_and_the_typo_is_named() -> None:
    (last,) = examined(told("SERVICE_SECRET", SERVICE_SECRETS=SECRET)).error_lines
    assert last == f"{LAST_LINE} SERVICE_SECRETS is set: was it meant?"


async def test_however_the_auth_service_refuses_us_no_user_is_told_401_or_403() -> None:
    async with FaultyAuthService() as service, both_views(service.url) as views:
        for script in REFUSALS_OF_US.values():
            for journey, (ask, path) in JOURNEYS.items():
                service.answer(path, script)
                event = f"{journey} failed: Access forbidden"
                row = Failure("service_credentials_rejected", 502, "answered", event=event, owner="us")
                await assert_failure(views, row, service, ask, path)


def test_with_another_secret_every_route_says_that_it_is_us(auth_service: AuthService) -> None:
    with Gateway(auth_service.url, told=auth_service.known_to(SERVICE_SECRET=OTHER_SECRET)) as gateway:
        assert first_complaint(gateway.lines)["code"] == "service_credentials_rejected"
        bearer = [("Authorization", "Bearer a.b.c")]
        answers: dict[str, Answer] = {
            "Login": gateway.log_in(EMAIL, PASSWORD),
            "Registration": post_now(
                gateway.url, f"{PREFIX}/register", {"email": "eve@example.com", "password": PASSWORD}
            ),
            "Refresh": post_now(gateway.url, f"{PREFIX}/refresh", {"refresh_token": "r"}),
            "Logout": post_now(gateway.url, f"{PREFIX}/logout", {}, bearer),
            "Token check": ask_now(gateway.url, "GET", f"{PREFIX}/me", bearer),
        }
        for journey, answer in answers.items():
            body = assert_problem(answer, 502, "service_credentials_rejected")
            assert "fingerprint of SERVICE_SECRET" in body["suggestions"][0]
            line = gateway.line_of(answer)
            assert (line["event"], line["level"]) == (f"{journey} failed: Access forbidden", "error")
            assert line["code"] == body["code"]


def test_the_fingerprint_of_a_secret_is_the_same_on_both_sides_and_in_every_revision(auth_service: AuthService) -> None:
    secret = auth_service.credentials["SERVICE_SECRET"]
    before = doctor(auth_service.known_to(AUTH_SERVICE_URL=auth_service.url))
    after = examined(auth_service.known_to(AUTH_SERVICE_URL=auth_service.url, SERVICE_SECRET=OTHER_SECRET))
    shown = before.setting("SERVICE_SECRET")["fingerprint"]
    assert shown == fingerprint(Secret(secret))
    assert after.setting("SERVICE_SECRET")["fingerprint"] == fingerprint(Secret(OTHER_SECRET)) != shown
    assert f"Its fingerprint is {shown}." in auth_service.said_of_the_secret
    seal = [("X-Service-ID", "netra-backend"), ("X-Service-Secret", secret)]
    assert ask_now(auth_service.url, "GET", "/auth/handshake", seal).json["secret_fingerprints"] == [shown]
    for printed in (before.printed, after.printed, json.dumps(auth_service.lines)):
        assert secret not in printed
        assert OTHER_SECRET not in printed
