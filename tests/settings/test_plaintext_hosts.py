"""Plain http to a listed host, as `serve` runs it: accepted for that host alone, and reported at each start.

It must never be tried with settings alone: that the report is written is what operators rely on.
"""

from netra.lab.faulty_auth_service import FaultyAuthService
from tests.settings.good import GOOD
from tests.support.labs import lab
from tests.support.programs import Gateway, attempt

PRODUCTION = {**GOOD, "ENVIRONMENT": "production"}


def _report(service: FaultyAuthService) -> list[tuple[str, str, str]]:
    """Level, event and variable of every line about plain http at one start."""
    with Gateway(service.url, told=PRODUCTION, NETRA_PLAINTEXT_HOSTS="127.0.0.1") as running:
        assert running.log_in("ada@example.com", "right").status == 200
        told = [line for line in running.lines if line.get("code") == "plaintext_allowed"]
    return [(line["level"], line["event"], line["variable"]) for line in told]


def test_a_listed_host_is_served_in_production_and_reported_at_each_start() -> None:
    with lab() as service:
        for _ in range(2):
            assert _report(service) == [("warning", "Configuration problem", "AUTH_SERVICE_URL")]


def test_another_host_stops_the_start_and_the_cure_is_the_last_thing_that_is_said() -> None:
    told = {**PRODUCTION, "AUTH_SERVICE_URL": "http://auth.mesh:8081", "NETRA_PLAINTEXT_HOSTS": "auth.other"}
    done = attempt("serve", "--port", "0", "--admin-port", "0", told=told)
    assert done.returncode == 78
    (last,) = [line for line in done.stderr.splitlines() if line.startswith("error")][-1:]
    assert last.startswith("error: AUTH_SERVICE_URL: has http while NETRA_REQUIRE_TLS is on.")
    assert "NETRA_PLAINTEXT_HOSTS" in last
