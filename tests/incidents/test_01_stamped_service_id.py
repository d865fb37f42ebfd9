"""A deploy script put the second of the deploy behind the service's name, so that every deploy was a new service.

The auth service had heard of none of them, and the two refused each other until somebody compared names by eye.
It must never be enough that a login fails: the first line that an operator reads names the id.
"""

from typing import Final

import pytest

from netra.authd.store.registry import id_objection
from tests.incidents.operators import (
    EMAIL,
    PASSWORD,
    AuthService,
    doctor,
    errors,
    first_complaint,
    refused_start,
    told,
)
from tests.support.problems import assert_problem
from tests.support.programs import Gateway
from tests.support.wire import ask_now

STAMPED: Final = (
    "netra-backend-1757030400",
    "netra-backend-1757030400123",
    "netra-backend-1757030400.123456789",
    "backend1757030400",
    "netra-backend-20250905120000",
    "netra-backend-20250905-1200",
    "netra-backend-2025-09-05T12:00:00Z",
)
LAST_LINE: Final = (
    "error: SERVICE_ID: ends in a time stamp, so it changes with every deploy. "
    "Set a constant id, the one that the auth service has registered."
)


def test_a_start_under_a_stamped_id_is_refused_and_the_last_line_names_variable_and_cure() -> None:
    (last,) = refused_start(told(SERVICE_ID=STAMPED[0]))
    assert last == LAST_LINE


def test_the_check_before_the_deploy_says_the_same() -> None:
    diagnosis = doctor(told(SERVICE_ID=STAMPED[0]))
    assert not diagnosis.ok
    assert diagnosis.error_lines == [LAST_LINE]


@pytest.mark.parametrize("service_id", STAMPED)
def test_every_way_to_write_a_time_behind_an_id_is_seen(service_id: str) -> None:
    (finding,) = errors(told(SERVICE_ID=service_id))
    assert (finding.subject, finding.code) == ("SERVICE_ID", "time_stamp_in_id")


@pytest.mark.parametrize("service_id", ["netra-backend", "netra-backend-2", "backend-eu-west-1", "shop.backend_v2025"])
def test_a_constant_id_is_left_alone(service_id: str) -> None:
    assert errors(told(SERVICE_ID=service_id)) == []


def test_the_auth_service_does_not_register_a_stamped_id_either() -> None:
    for service_id in STAMPED[:2]:
        assert "time stamp" in (id_objection(service_id) or "")
    assert id_objection("netra-backend") is None


def test_an_id_that_the_auth_service_does_not_know_is_named_before_anybody_logs_in(auth_service: AuthService) -> None:
    with Gateway(auth_service.url, told=auth_service.known_to(SERVICE_ID="netra-backend-of-today")) as gateway:
        complaint = first_complaint(gateway.lines)
        # All that is asked at the start is refused, and whatever is told of it first tells the same cause.
        assert complaint["event"] in {"Handshake refused", "Revocation feed down"}
        assert complaint["code"] == "service_credentials_rejected"
        assert "netra-backend-of-today" in complaint["why"]
        gateway.wait_for(lambda line: line["event"] == "Handshake refused")
        (handshake,) = ask_now(gateway.admin_url, "GET", "/health").json["checks"]["auth_service:handshake"]
        assert (handshake["status"], handshake["observedValue"]) == ("fail", "refused")
        assert handshake["service_id"] == "netra-backend-of-today"
        body = assert_problem(gateway.log_in(EMAIL, PASSWORD), 502, "service_credentials_rejected")
        assert "netra-backend-of-today" in body["detail"]
