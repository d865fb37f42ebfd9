"""The row of a gateway that starts before its auth service, as a program of its own.

It must never tell the gateway that the auth service has come: it finds out alone.
"""

import pytest

from tests.faults.runner import AS_PRODUCT
from tests.support import wire
from tests.support.gateways import EMAIL, ENVIRONMENT, PASSWORD
from tests.support.labs import lab
from tests.support.places import free_port
from tests.support.problems import assert_problem
from tests.support.programs import Gateway

FAILED = "Auth service connectivity test failed"


@pytest.mark.row("down-at-start")
def test_a_gateway_starts_without_its_auth_service_is_live_and_heals_by_itself() -> None:
    port = free_port()
    told = {**ENVIRONMENT, **AS_PRODUCT, "NETRA_PROBE_INTERVAL_S": "0.2"}
    with Gateway(f"http://127.0.0.1:{port}", told=told) as program:
        assert program.wait_for(lambda line: line["event"] == FAILED)["code"] == "connection_refused"
        assert wire.ask_now(program.url, "GET", "/livez").status == 200
        assert_problem(program.log_in(EMAIL, PASSWORD), 503, "connection_refused")
        with lab(port=port) as service:
            assert program.log_in(EMAIL, PASSWORD).status == 200
            # The probe and the handshake come round by themselves.
            program.wait_for(lambda line: line["event"] == "Handshake accepted")
            assert service.delivered("/auth/handshake")
            assert wire.ask_now(program.url, "GET", "/readyz").status == 200
