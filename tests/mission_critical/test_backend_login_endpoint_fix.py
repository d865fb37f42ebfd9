"""The login endpoint that once answered 500 to everything, scenario by scenario: real programs, real sockets.

The gateway runs as `netra serve` and the auth service as `netra authd`, both told by environment variables alone; the
user and the service are added by the commands that operators use. Nothing here is imitated but the faults themselves.
"""

import json
import os
import shlex
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from time import monotonic, sleep
from typing import Any, Final

import pytest

from netra.lab.scripts import html, json_reply
from tests.support.labs import lab
from tests.support.places import free_port, full_port, silent_port
from tests.support.problems import assert_problem
from tests.support.programs import PATIENCE_S, Gateway, Program, attempt, run
from tests.support.wire import ask_now

EMAIL: Final = "ada@example.com"
PASSWORD: Final = "correct horse battery staple"
UNAVAILABLE: Final = "authentication_unavailable"
REPORTED_SUGGESTIONS: Final = {
    "Check AUTH_SERVICE_URL configuration",
    "Verify SERVICE_ID and SERVICE_SECRET are set",
    "Confirm auth service is running and accessible",
}
VERIFICATION: Final = """
curl -X POST /api/v1/auth/login \\
  -H "Content-Type: application/json" \\
  -d '{"email": "test@example.com", "password": "wrong"}'
"""
"""As it stands in the deployment instructions; only the address is put in front of the path."""


class AuthService(Program):
    """`netra authd` on a port that stays the same over restarts, with one user and one service."""

    started = "Auth service listening"

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        told = {
            "ENVIRONMENT": "test",
            "NETRA_AUTHD_DATABASE_URL": f"sqlite:///{folder}/authd.db",
            "NETRA_AUTHD_PORT": str(self.port),
        }
        run("users", "add", EMAIL, "--name", "Ada Lovelace", "--password-stdin", told=told, stdin=PASSWORD)
        printed = run("services", "add", "netra-backend", told=told)
        self.credentials: Mapping[str, str] = dict(line.split("=", 1) for line in printed.split())
        super().__init__("authd", told=told, folder=folder)

    @property
    def url(self) -> str:
        """Its `AUTH_SERVICE_URL`."""
        return f"http://127.0.0.1:{self.port}"

    def logins_of(self, request_id: str | None) -> list[Any]:
        """What it has logged of one request of the gateway."""
        return [line for line in self.lines if line.get("request_id") == request_id]


@pytest.fixture(scope="module")
def auth_service_of_file(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AuthService]:
    with AuthService(tmp_path_factory.mktemp("authd")) as service:
        yield service


@pytest.fixture
def auth_service(auth_service_of_file: AuthService) -> Iterator[AuthService]:
    """A real auth service; a test that stops it finds it running again afterwards."""
    yield auth_service_of_file
    if not auth_service_of_file.runs:
        auth_service_of_file.start()


def told(environment: str, service: AuthService | None, **more: str) -> Mapping[str, str]:
    """What operators set: where the auth service is, who we are, and which environment this is."""
    credentials = (
        service.credentials if service else {"SERVICE_ID": "netra-backend", "SERVICE_SECRET": "k7Qz" * 9 + "x9"}
    )
    return {"ENVIRONMENT": environment, **credentials, **more}


@pytest.fixture(scope="module")
def staging(auth_service_of_file: AuthService) -> Iterator[Gateway]:
    """A gateway with the defaults of staging: three tries, and operators are told everything."""
    how = told("staging", auth_service_of_file, NETRA_PROBE_INTERVAL_S="0.5", NETRA_CONNECT_TIMEOUT_S="0.5")
    with Gateway(auth_service_of_file.url, told=how) as gateway:
        yield gateway


@pytest.fixture(scope="module")
def production(auth_service_of_file: AuthService) -> Iterator[Gateway]:
    """A gateway with the defaults of production, but for the TLS that no auth service on this machine has."""
    how = told("production", auth_service_of_file, NETRA_PLAINTEXT_HOSTS="127.0.0.1")
    with Gateway(auth_service_of_file.url, told=how) as gateway:
        yield gateway


# --- a successful login ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["staging", "production"])
def test_the_right_password_yields_a_session_with_every_field(
    request: pytest.FixtureRequest, auth_service: AuthService, name: str
) -> None:
    gateway: Gateway = request.getfixturevalue(name)
    answer = gateway.log_in(EMAIL, PASSWORD)
    assert answer.status == 200, answer
    body = answer.json
    assert body.keys() == {"access_token", "refresh_token", "token_type", "expires_in", "user"}
    assert body["token_type"] == "Bearer"
    assert 0 < body["expires_in"] <= 900
    assert body["access_token"].count(".") == 2
    assert body["refresh_token"]
    assert body["user"].keys() == {"id", "email", "name"}
    assert body["user"]["id"].strip()
    assert (body["user"]["email"], body["user"]["name"]) == (EMAIL, "Ada Lovelace")
    assert gateway.line_of(answer)["event"] == "Login succeeded"
    me = ask_now(gateway.url, "GET", "/api/v1/auth/me", [("Authorization", f"Bearer {body['access_token']}")])
    assert (me.status, me.json) == (200, body["user"])


# --- wrong credentials ----------------------------------------------------------------------------------------------


def test_a_wrong_password_is_401_after_one_delivery_though_three_tries_are_allowed(
    staging: Gateway, auth_service: AuthService
) -> None:
    answer = staging.log_in(EMAIL, "wrong")
    assert_problem(answer, 401, "invalid_credentials")
    assert staging.line_of(answer)["event"] == "Login rejected"
    auth_service.wait_for(lambda line: line.get("request_id") == answer.header("x-request-id"))
    # One more request behind it: what is logged of the first is then logged whole.
    marker = staging.log_in("nobody@example.com", "wrong")
    auth_service.wait_for(lambda line: line.get("request_id") == marker.header("x-request-id"))
    assert [line["event"] for line in auth_service.logins_of(answer.header("x-request-id"))] == ["Login rejected"]


@pytest.mark.skipif(shutil.which("curl") is None, reason="there is no curl here")
@pytest.mark.parametrize("running", [True, False], ids=["auth service up", "auth service down"])
def test_the_reports_own_curl_line_gets_a_meaningful_401_or_503_and_never_a_500(
    staging: Gateway, auth_service: AuthService, running: bool
) -> None:
    if not running:
        auth_service.stop()
    command = shlex.split(VERIFICATION.replace(" /api", f" {staging.url}/api").replace("\\\n", " "))
    done = subprocess.run([*command, "-sS", "-i"], capture_output=True, text=True, timeout=30, check=True)
    head, _, body = done.stdout.partition("\n\n")
    problem = json.loads(body)
    if running:
        assert head.startswith("HTTP/1.1 401 ")
        assert (problem["code"], problem["error"]) == ("invalid_credentials", "Invalid credentials")
    else:
        assert head.startswith("HTTP/1.1 503 ")
        assert problem["original_error"] == "Connection refused"
    assert "application/problem+json" in head


# --- the auth service is unavailable --------------------------------------------------------------------------------


def test_in_staging_a_stopped_auth_service_is_503_with_the_cause_and_the_cure(
    staging: Gateway, auth_service: AuthService
) -> None:
    wait_until_probed(staging, "success")
    before = staging.heard_count
    auth_service.stop()
    heard = staging.wait_for(lambda line: line["event"] == "Auth service connectivity test failed", before)
    assert (heard["code"], heard["phase"]) == ("connection_refused", "never_sent")
    body = assert_problem(staging.log_in(EMAIL, PASSWORD), 503, "connection_refused")
    assert body["error"] == "Authentication service communication failed"
    assert body["original_error"] == "Connection refused"
    debug = body["debug_info"]
    assert debug["environment"] == "staging"
    assert debug["auth_service_url"] == auth_service.url
    assert debug["service_id_configured"] is True
    assert debug["service_secret_configured"] is True
    assert debug["connectivity_test"] == "failed"
    assert [attempt["code"] for attempt in debug["attempts"]] == ["connection_refused"] * 3
    assert set(body["suggestions"]) >= REPORTED_SUGGESTIONS
    assert "running" in body["suggestions"][0], "the first suggestion is not the likeliest cure"
    line = staging.wait_for(lambda line: line["request_id"] == body["request_id"])
    assert line["event"] == "All 3 login attempts failed"
    assert line["code"] == "connection_refused"


def wait_until_probed(gateway: Gateway, state: str) -> None:
    """Until the background probe has seen the auth service in this state."""
    ends_at_s = monotonic() + PATIENCE_S
    while True:
        health = ask_now(gateway.admin_url, "GET", "/health").json
        if health["checks"]["auth_service:connectivity"][0]["observedValue"] == state:
            return
        assert monotonic() < ends_at_s, health
        sleep(0.05)


def test_in_production_a_stopped_auth_service_is_503_and_nothing_of_it_is_told(
    production: Gateway, auth_service: AuthService
) -> None:
    auth_service.stop()
    answer = production.log_in(EMAIL, PASSWORD)
    body = assert_problem(answer, 503, UNAVAILABLE, "public")
    assert body["error"] == "Authentication service temporarily unavailable"
    for inside in ("127.0.0.1", str(auth_service.port), "refused", "netra-backend", "SERVICE_"):
        assert inside not in answer.raw.decode("latin-1")
    line = production.line_of(answer)
    assert (line["event"], line["code"]) == ("All 1 login attempts failed", "connection_refused")


def test_an_auth_service_that_comes_back_is_used_at_once(staging: Gateway, auth_service: AuthService) -> None:
    auth_service.stop()
    assert_problem(staging.log_in(EMAIL, PASSWORD), 503, "connection_refused")
    auth_service.start()
    assert staging.log_in(EMAIL, PASSWORD).status == 200


def test_a_frozen_auth_service_is_504_at_the_budget_and_is_asked_once(auth_service: AuthService) -> None:
    with Gateway(auth_service.url, told=told("staging", auth_service, NETRA_LOGIN_BUDGET_S="2.5")) as gateway:
        assert gateway.log_in(EMAIL, PASSWORD).status == 200
        with auth_service.frozen():
            answer = gateway.log_in(EMAIL, PASSWORD)
            body = assert_problem(answer, 504, "response_timeout")
            assert [each["phase"] for each in body["debug_info"]["attempts"]] == ["maybe_sent"]
            assert gateway.line_of(answer)["event"] == "All 1 login attempts failed"
            assert ask_now(gateway.url, "GET", "/livez").status == 200
        assert gateway.log_in(EMAIL, PASSWORD).status == 200


def test_a_gateway_that_starts_before_its_auth_service_lives_and_heals_alone(auth_service: AuthService) -> None:
    auth_service.stop()
    with Gateway(auth_service.url, told=told("staging", auth_service, NETRA_PROBE_INTERVAL_S="1")) as gateway:
        for path in ("/livez", "/readyz"):
            assert ask_now(gateway.url, "GET", path).status == 200
        assert_problem(gateway.log_in(EMAIL, PASSWORD), 503, "connection_refused")
        auth_service.start()
        assert gateway.log_in(EMAIL, PASSWORD).status == 200
        gateway.wait_for(lambda line: line["event"] == "Auth service connectivity test succeeded")
        gateway.wait_for(lambda line: line["event"] == "Handshake accepted")


# --- timeouts -------------------------------------------------------------------------------------------------------


def test_not_being_let_in_and_not_being_answered_are_two_timeouts() -> None:
    connecting_fast = told("staging", None, NETRA_CONNECT_TIMEOUT_S="0.2")
    with full_port() as port, Gateway(f"http://127.0.0.1:{port}", told=connecting_fast) as gateway:
        connecting = assert_problem(gateway.log_in(EMAIL, PASSWORD), 503, "connection_timeout")
        assert [each["phase"] for each in connecting["debug_info"]["attempts"]] == ["never_sent"] * 3
    how = told("staging", None, NETRA_CONNECT_TIMEOUT_S="0.2", NETRA_LOGIN_BUDGET_S="1", NETRA_TOKEN_BUDGET_S="0.5")
    with silent_port() as port, Gateway(f"http://127.0.0.1:{port}", told=how) as gateway:
        reading = assert_problem(gateway.log_in(EMAIL, PASSWORD), 504, "response_timeout")
        assert [each["phase"] for each in reading["debug_info"]["attempts"]] == ["maybe_sent"]
    assert connecting["suggestions"][0] != reading["suggestions"][0]


# --- answers that are none ------------------------------------------------------------------------------------------


def test_an_answer_in_an_invalid_format_is_502_and_says_what_came() -> None:
    with lab() as service, Gateway(service.url, told=told("staging", None)) as gateway:
        for script in (
            html(200, "<h1>Welcome</h1>"),
            json_reply(200, {"token": "of another shape"}),
            json_reply(200, {"access_token": "a", "refresh_token": "b", "user": {"id": "", "email": EMAIL}}),
        ):
            service.answer("/auth/login", script)
            answer = gateway.log_in(EMAIL, PASSWORD)
            assert_problem(answer, 502, "invalid_response")
            assert gateway.line_of(answer)["event"] == "All 1 login attempts failed"
        service.heal()
        assert gateway.log_in(EMAIL, PASSWORD).status == 200


# --- our own credentials and configuration --------------------------------------------------------------------------


def test_in_staging_a_gateway_without_service_credentials_refuses_to_start_and_says_how_to_mend_it() -> None:
    done = attempt(
        "serve", "--port", "0", told={"ENVIRONMENT": "staging", "AUTH_SERVICE_URL": "https://auth.shop.test"}
    )
    assert done.returncode == os.EX_CONFIG
    last = done.stderr.splitlines()[-2:]
    assert [line.split(":")[1].strip() for line in last] == ["SERVICE_ID", "SERVICE_SECRET"]
    assert all("Set " in line for line in last)
    assert "Traceback" not in done.stderr


def test_in_development_missing_service_credentials_are_the_gateways_fault_and_never_the_users(
    auth_service: AuthService,
) -> None:
    with Gateway(auth_service.url, told={"ENVIRONMENT": "development"}) as gateway:
        answer = gateway.log_in(EMAIL, PASSWORD)
        body = assert_problem(answer, 502, "service_credentials_missing")
        assert body["debug_info"]["service_id_configured"] is False
        assert body["suggestions"][0] == "Verify SERVICE_ID and SERVICE_SECRET are set"
        assert gateway.line_of(answer)["event"] == "Login failed: Access forbidden"


def test_a_wrong_service_secret_is_502_with_its_event_and_never_the_users_401(auth_service: AuthService) -> None:
    wrong = {**told("staging", auth_service), "SERVICE_SECRET": "hV6pQeXsR2mTz9LkWc4YbNuJd8GfAo0iHx1"}
    with Gateway(auth_service.url, told=wrong) as gateway:
        for password in (PASSWORD, "wrong"):
            answer = gateway.log_in(EMAIL, password)
            body = assert_problem(answer, 502, "service_credentials_rejected")
            assert "SERVICE_SECRET" in body["suggestions"][0]
            assert body["owner"] == "us"
            line = gateway.line_of(answer)
            assert (line["event"], line["code"]) == ("Login failed: Access forbidden", "service_credentials_rejected")
        assert gateway.wait_for(lambda line: line["event"] == "Handshake refused")


def test_a_typo_in_the_host_is_a_dns_error_and_the_first_suggestion_names_it() -> None:
    with Gateway("https://auth.shop.invalid", told=told("staging", None)) as gateway:
        body = assert_problem(gateway.log_in(EMAIL, PASSWORD), 503, "dns_error")
        assert "AUTH_SERVICE_URL" in body["suggestions"][0]
        assert "auth.shop.invalid" in body["suggestions"][0]


def test_a_typo_in_the_path_is_an_endpoint_not_found_and_the_first_suggestion_names_it(
    auth_service: AuthService,
) -> None:
    with Gateway(f"{auth_service.url}/aut", told=told("staging", auth_service)) as gateway:
        answer = gateway.log_in(EMAIL, PASSWORD)
        body = assert_problem(answer, 502, "endpoint_not_found")
        assert "AUTH_SERVICE_URL" in body["suggestions"][0]
        assert "/aut/auth/login" in body["suggestions"][0]
        assert gateway.line_of(answer)["event"] == "All 1 login attempts failed"


def test_half_an_oauth_pair_is_a_missing_oauth_credential(auth_service: AuthService) -> None:
    how = told("staging", auth_service, OAUTH_GOOGLE_CLIENT_ID="1234-abcd.apps.example")
    with Gateway(auth_service.url, told=how) as gateway:
        line = gateway.wait_for(lambda line: line["event"] == "Missing OAuth credential")
        assert line["variable"] == "OAUTH_GOOGLE_CLIENT_SECRET"
        assert gateway.log_in(EMAIL, PASSWORD).status == 200


# --- the log --------------------------------------------------------------------------------------------------------


def test_no_log_of_all_this_names_a_password_an_address_or_a_secret(
    staging: Gateway, production: Gateway, auth_service: AuthService
) -> None:
    for program in (staging, production, auth_service):
        printed = json.dumps(program.lines) + program.complaints
        for secret in (PASSWORD, EMAIL, auth_service.credentials["SERVICE_SECRET"]):
            assert secret not in printed
        assert "Traceback" not in printed
