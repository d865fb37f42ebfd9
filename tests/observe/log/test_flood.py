"""A flood of logins on a real gateway: few lines, and none of the logins lost from sight.

It must never look into the process: what is told leaves by standard output and by its metrics.
"""

import re

from netra.lab.faulty_auth_service import FaultyAuthService
from netra.lab.scripts import problem
from netra.observe.log.sampling import SUMMARISED
from tests.support import wire
from tests.support.gateways import LOGIN
from tests.support.labs import lab
from tests.support.programs import Gateway

LOGINS_COUNT = 150


def flooded(service: FaultyAuthService) -> Gateway:
    """A gateway program that writes two alike lines a second."""
    return Gateway(service.url, NETRA_LOG_LINES_PER_S="2")


def test_every_login_of_a_flood_is_written_or_stands_in_a_summary_and_the_metrics_say_how_many() -> None:
    with lab() as service, flooded(service) as program:
        service.answer("/auth/login", problem(401, "invalid_credentials"))
        for number in range(LOGINS_COUNT):
            answer = wire.post_now(program.url, LOGIN, wire.credentials(f"user{number}@example.com", "wrong"))
            assert answer.status == 401
        # Nobody logs in any more, and nothing else happens: the end of the second is enough.
        program.wait_for(lambda line: line.get("last_request_id") == answer.header("X-Request-ID"))
        scraped = wire.ask_now(program.admin_url, "GET", "/metrics").body.decode()
        lines = program.lines
    written = sum(line["event"] == "Login rejected" for line in lines)
    every_summary = [line for line in lines if line["event"] == SUMMARISED]
    summaries = [line for line in every_summary if line["summarised_event"] == "Login rejected"]
    assert written + sum(line["count"] for line in summaries) == LOGINS_COUNT
    assert written < LOGINS_COUNT / 2
    for line in summaries:
        assert (line["level"], line["summarised_event"], line["code"]) == (
            "info",
            "Login rejected",
            "invalid_credentials",
        )
        assert line["owasp"] == "authn_login_fail"
        assert line["request_id"].startswith("run-")
    (counted,) = re.findall(r"^netra_log_lines_summarised_total ([0-9.]+)$", scraped, re.MULTILINE)
    assert float(counted) == sum(line["count"] for line in every_summary)
    assert 'netra_attempts_total{code="invalid_credentials"' in scraped


def test_what_was_left_out_last_is_told_when_the_program_ends() -> None:
    with lab() as service, flooded(service) as program:
        service.answer("/auth/login", problem(503, "busy"))
        for _ in range(20):
            assert wire.post_now(program.url, LOGIN, wire.credentials()).status == 503
        program.stop()
        lines = program.lines
    event = "All 1 login attempts failed"
    written = sum(line["event"] == event for line in lines)
    summaries = [line for line in lines if line.get("summarised_event") == event]
    assert written + sum(line["count"] for line in summaries) == 20
    assert {line["level"] for line in summaries} == {"error"}
