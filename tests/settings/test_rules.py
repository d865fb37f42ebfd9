"""What must hold between settings: one row each, with the finding that it must give, or none."""

from typing import NamedTuple

import pytest

from netra.settings.read import read, read_authd
from tests.settings.good import EVERYWHERE, OTHER_SECRET, SECRET, found, good, without


class Row(NamedTuple):
    sentence: str
    environ: dict[str, str]
    findings: set[tuple[str, str, str]]


URL = "AUTH_SERVICE_URL"
KEY_WARNING = ("NETRA_LOG_KEY", "log_key_missing", "warning")
DEV = {"ENVIRONMENT": "development", "AUTH_SERVICE_URL": "http://127.0.0.1:8081"}
OPEN_ADMIN = {"NETRA_ADMIN_HOST": EVERYWHERE, "NETRA_ADMIN_TOKEN": OTHER_SECRET}

ISSUER = "https://id.shop.test/realms/one/"
VERIFY_ONLY = {"OIDC_ISSUER": ISSUER, "NETRA_ONLY": "verify", "NETRA_TOKEN_AUDIENCE": "shop"}

ROWS = (
    Row("a url is not needed when the service is disabled",
        without("AUTH_SERVICE_URL", AUTH_SERVICE_ENABLED="false"), set()),
    Row("an empty url is not an error when the service is disabled",
        good(AUTH_SERVICE_URL="", AUTH_SERVICE_ENABLED="false"), set()),
    Row("credentials are not needed when the service is disabled",
        {"AUTH_SERVICE_ENABLED": "false"}, {KEY_WARNING}),
    Row("a lost secret is an error in production",
        without("SERVICE_SECRET"), {("SERVICE_SECRET", "missing", "error"), KEY_WARNING}),
    Row("a lost id is an error in staging",
        without("SERVICE_ID", ENVIRONMENT="staging"), {("SERVICE_ID", "missing", "error")}),
    Row("a lost id is told beside a short secret",
        without("SERVICE_ID", SERVICE_SECRET="short"),
        {("SERVICE_ID", "missing", "error"), ("SERVICE_SECRET", "short_secret", "error")}),
    Row("credentials may be left out in development",
        DEV, {("SERVICE_ID", "credentials_absent", "note"), KEY_WARNING}),
    Row("credentials may be left out where they are not required",
        without("SERVICE_ID", "SERVICE_SECRET", NETRA_REQUIRE_SERVICE_CREDENTIALS="false"),
        {("SERVICE_ID", "credentials_absent", "note"), KEY_WARNING}),
    Row("half of the credentials is a warning",
        {**DEV, "SERVICE_ID": "netra-backend"}, {("SERVICE_SECRET", "half_credentials", "warning"), KEY_WARNING}),
    Row("the other half of the credentials is a warning",
        {**DEV, "SERVICE_SECRET": SECRET}, {("SERVICE_ID", "half_credentials", "warning")}),
    Row("a previous secret alone is a warning",
        {**DEV, "SERVICE_ID": "netra", "SERVICE_SECRET_PREVIOUS": SECRET},
        {("SERVICE_SECRET", "half_credentials", "warning"), ("SERVICE_SECRET_PREVIOUS", "half_credentials", "warning"),
         KEY_WARNING}),
    Row("two secrets during a rotation are fine", good(SERVICE_SECRET_PREVIOUS=OTHER_SECRET), set()),
    Row("a rotation to the same secret is a warning",
        good(SERVICE_SECRET_PREVIOUS=SECRET), {("SERVICE_SECRET_PREVIOUS", "same_secret_twice", "warning")}),
    Row("one secret for two purposes is a warning",
        good(NETRA_LOG_KEY=SECRET), {("NETRA_LOG_KEY", "same_secret_twice", "warning")}),
    Row("the secret in place of the id is an error",
        good(SERVICE_ID=SECRET), {("SERVICE_ID", "secret_in_id", "error")}),
    Row("an OpenID provider alone is enough to check tokens", VERIFY_ONLY, set()),
    Row("an OpenID provider alone is not enough to log in",
        {**VERIFY_ONLY, "NETRA_ONLY": "everything"},
        {(URL, "missing", "error"), ("SERVICE_ID", "missing", "error"), ("SERVICE_SECRET", "missing", "error"),
         KEY_WARNING}),
    Row("checking tokens alone needs somebody who vouches for them",
        {"NETRA_ONLY": "verify"},
        {(URL, "missing", "error"), ("SERVICE_ID", "missing", "error"), ("SERVICE_SECRET", "missing", "error")}),
    Row("an OpenID provider without an audience is an error",
        {"OIDC_ISSUER": ISSUER, "NETRA_ONLY": "verify"}, {("NETRA_TOKEN_AUDIENCE", "audience_missing", "error")}),
    Row("another issuer beside an OpenID provider is an error",
        {**VERIFY_ONLY, "NETRA_TOKEN_ISSUER": "https://elsewhere.test"},
        {("NETRA_TOKEN_ISSUER", "two_issuers", "error")}),
    Row("the same issuer said twice is fine", {**VERIFY_ONLY, "NETRA_TOKEN_ISSUER": ISSUER}, set()),
    Row("an issuer with http is refused",
        {**VERIFY_ONLY, "OIDC_ISSUER": "http://id.shop.test"}, {("OIDC_ISSUER", "plaintext_issuer", "error")}),
    Row("an issuer with http may be listed",
        {**VERIFY_ONLY, "OIDC_ISSUER": "http://id.shop.test", "NETRA_PLAINTEXT_HOSTS": "id.shop.test"}, set()),
    Row("a listed host of the issuer is of use beside an auth service",
        good(OIDC_ISSUER="http://id.shop.test", NETRA_PLAINTEXT_HOSTS="id.shop.test", NETRA_TOKEN_AUDIENCE="shop"),
        set()),
    Row("http is refused where tls is required",
        good(AUTH_SERVICE_URL="http://auth.shop.test"), {(URL, "plaintext_refused", "error")}),
    Row("this machine is refused where tls is required, even with https",
        good(AUTH_SERVICE_URL="https://127.0.0.1:8443"), {(URL, "loopback_refused", "error")}),
    Row("a listed host may have http, and is reported",
        good(AUTH_SERVICE_URL="http://auth.mesh:8081", NETRA_PLAINTEXT_HOSTS="auth.mesh"),
        {(URL, "plaintext_allowed", "warning")}),
    Row("a listed sidecar may be on this machine, and is reported",
        good(AUTH_SERVICE_URL="http://[::1]:8081", NETRA_PLAINTEXT_HOSTS="[::1]"),
        {(URL, "plaintext_allowed", "warning")}),
    Row("a listed sidecar with https on this machine is reported for what it is",
        good(AUTH_SERVICE_URL="https://127.0.0.1:8443", NETRA_PLAINTEXT_HOSTS="127.0.0.1"),
        {(URL, "loopback_allowed", "warning")}),
    Row("a host may be listed in another spelling of the same address",
        good(AUTH_SERVICE_URL="http://127.1:8081", NETRA_PLAINTEXT_HOSTS="127.0.0.1"),
        {(URL, "plaintext_allowed", "warning")}),
    Row("a host may be listed in capitals, among others",
        good(AUTH_SERVICE_URL="http://auth.mesh", NETRA_PLAINTEXT_HOSTS="Auth.Mesh, auth.other"),
        {(URL, "plaintext_allowed", "warning"), ("NETRA_PLAINTEXT_HOSTS", "plaintext_host_unused", "note")}),
    Row("a host below a listed one is not listed",
        good(AUTH_SERVICE_URL="http://auth.mesh.test.evil.test", NETRA_PLAINTEXT_HOSTS="auth.mesh.test"),
        {(URL, "plaintext_refused", "error"), ("NETRA_PLAINTEXT_HOSTS", "plaintext_host_unused", "note")}),
    Row("one listed address does not stand for this machine under its other names",
        good(AUTH_SERVICE_URL="http://localhost:8081", NETRA_PLAINTEXT_HOSTS="127.0.0.1"),
        {(URL, "loopback_refused", "error"), ("NETRA_PLAINTEXT_HOSTS", "plaintext_host_unused", "note")}),
    Row("a list has no say where the service is disabled",
        good(AUTH_SERVICE_URL="http://auth.mesh", NETRA_PLAINTEXT_HOSTS="auth.mesh", AUTH_SERVICE_ENABLED="false"),
        set()),
    Row("a host is listed exactly or not at all",
        good(AUTH_SERVICE_URL="http://auth.mesh.test", NETRA_PLAINTEXT_HOSTS="mesh.test"),
        {(URL, "plaintext_refused", "error"), ("NETRA_PLAINTEXT_HOSTS", "plaintext_host_unused", "note")}),
    Row("a listed host that is used with https is no news",
        good(NETRA_PLAINTEXT_HOSTS="auth.shop.test"), set()),
    Row("http is a note where tls is not required by default",
        good(ENVIRONMENT="staging", AUTH_SERVICE_URL="http://auth.shop.test"), {(URL, "plaintext_url", "note")}),
    Row("http is a warning where tls was switched off",
        good(NETRA_REQUIRE_TLS="false", AUTH_SERVICE_URL="http://auth.shop.test"), {(URL, "plaintext_url", "warning")}),
    Row("this machine is fine where tls is not required",
        good(ENVIRONMENT="staging", AUTH_SERVICE_URL="http://127.0.0.1:8081"), set()),
    Row("the gateway must not ask itself",
        good(ENVIRONMENT="dev", AUTH_SERVICE_URL="http://localhost:8000"), {(URL, "points_at_itself", "error")}),
    Row("the gateway must not ask its admin listener",
        good(ENVIRONMENT="dev", AUTH_SERVICE_URL="http://127.0.0.1:9901"), {(URL, "points_at_itself", "error")}),
    Row("the port of another machine may be the same",
        good(AUTH_SERVICE_URL="https://auth.shop.test:8000"), set()),
    Row("operator disclosure in production warns",
        good(NETRA_DISCLOSE="operator"), {("NETRA_DISCLOSE", "operator_disclosure", "warning")}),
    Row("operator disclosure in staging is the default", good(ENVIRONMENT="staging"), set()),
    Row("the admin listener for everybody needs a token",
        good(NETRA_ADMIN_HOST=EVERYWHERE),
        {("NETRA_ADMIN_HOST", "admin_exposed", "error"), ("NETRA_ADMIN_HOSTS", "admin_hosts_missing", "warning")}),
    Row("the admin listener for everybody needs a token however that is written",
        good(NETRA_ADMIN_HOST=f"::ffff:{EVERYWHERE}"),
        {("NETRA_ADMIN_HOST", "admin_exposed", "error"), ("NETRA_ADMIN_HOSTS", "admin_hosts_missing", "warning")}),
    Row("the admin listener on another address needs a token",
        good(NETRA_ADMIN_HOST="10.0.0.7"), {("NETRA_ADMIN_HOST", "admin_exposed", "error")}),
    Row("the admin listener on another address is fine with a token",
        good(NETRA_ADMIN_HOST="10.0.0.7", NETRA_ADMIN_TOKEN=OTHER_SECRET), set()),
    Row("the admin listener for everybody needs names to answer to",
        good(**OPEN_ADMIN), {("NETRA_ADMIN_HOSTS", "admin_hosts_missing", "warning")}),
    Row("the admin listener for everybody is fine with token and names",
        good(**OPEN_ADMIN, NETRA_ADMIN_HOSTS="ops.shop.test"), set()),
    Row("a short token does not count as none",
        good(NETRA_ADMIN_HOST="10.0.0.7", NETRA_ADMIN_TOKEN="letmein-9"),
        {("NETRA_ADMIN_TOKEN", "short_secret", "error")}),
    Row("two listeners cannot share a port",
        good(NETRA_PORT="9901"), {("NETRA_ADMIN_PORT", "port_clash", "error")}),
    Row("two listeners cannot share a port under two names of this machine",
        good(NETRA_PORT="9901", NETRA_HOST="localhost"), {("NETRA_ADMIN_PORT", "port_clash", "error")}),
    Row("two listeners on two addresses may share a port",
        good(NETRA_PORT="9901", NETRA_HOST="10.0.0.7"), set()),
    Row("two free ports do not clash", good(NETRA_PORT="0", NETRA_ADMIN_PORT="0"), set()),
    Row("a connect timeout above the login budget is an error",
        good(NETRA_CONNECT_TIMEOUT_S="3", NETRA_LOGIN_BUDGET_S="3", NETRA_TOKEN_BUDGET_S="4"),
        {("NETRA_CONNECT_TIMEOUT_S", "budget_connect", "error")}),
    Row("a connect timeout above the token budget is an error",
        good(NETRA_CONNECT_TIMEOUT_S="2"), {("NETRA_CONNECT_TIMEOUT_S", "budget_connect", "error")}),
    Row("tries that cannot all be made are a warning",
        good(NETRA_TRIES="5", NETRA_CONNECT_TIMEOUT_S="1.5"), {("NETRA_TRIES", "budget_tries", "warning")}),
    Row("tries that just fit are fine", good(NETRA_TRIES="5"), set()),
    Row("probes that overtake each other are a warning",
        good(NETRA_PROBE_INTERVAL_S="0.5"), {("NETRA_PROBE_INTERVAL_S", "budget_probe", "warning")}),
    Row("a log key of its own is enough",
        {"AUTH_SERVICE_ENABLED": "false", "NETRA_LOG_KEY": OTHER_SECRET}, set()),
)  # fmt: skip


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.sentence.replace(" ", "_"))
def test_rule(row: Row) -> None:
    loaded = read(row.environ)
    assert found(loaded.findings) == row.findings
    assert (loaded.settings is None) == any(severity == "error" for _, _, severity in row.findings)


def test_the_sum_of_the_tries_is_told() -> None:
    findings = read(good(NETRA_TRIES="5", NETRA_CONNECT_TIMEOUT_S="1.5")).findings
    what = next(one.what for one in findings if one.code == "budget_tries")
    assert what == "does not fit: 5 tries of 1.5 s to connect are 7.5 s, more than the 5 s of NETRA_LOGIN_BUDGET_S"


def test_trusting_a_401_without_a_code_is_noted_and_can_be_switched_off() -> None:
    assert "uncoded_401_trusted" in {one.code for one in read(good()).findings}
    assert not read(good(NETRA_TRUST_UNCODED_401="false")).findings


AUTHD_ROWS = (
    Row("long passwords leave no note", {"NETRA_AUTHD_PASSWORD_MIN_LENGTH": "15"}, set()),
    Row("short passwords are noted", {}, {("NETRA_AUTHD_PASSWORD_MIN_LENGTH", "short_passwords", "note")}),
    Row("a refresh token must outlive an access token",
        {"NETRA_AUTHD_PASSWORD_MIN_LENGTH": "15", "NETRA_AUTHD_REFRESH_TOKEN_S": "600"},
        {("NETRA_AUTHD_REFRESH_TOKEN_S", "token_lifetimes", "error")}),
    Row("an address for everybody is noted",
        {"NETRA_AUTHD_PASSWORD_MIN_LENGTH": "15", "NETRA_AUTHD_HOST": EVERYWHERE, "NETRA_AUTHD_ISSUER": "https://a.test"},
        {("NETRA_AUTHD_HOST", "authd_exposed", "note")}),
    Row("an issuer that follows the address is noted",
        {"NETRA_AUTHD_PASSWORD_MIN_LENGTH": "15", "NETRA_AUTHD_HOST": "10.0.0.7"},
        {("NETRA_AUTHD_HOST", "authd_exposed", "note"), ("NETRA_AUTHD_ISSUER", "issuer_derived", "note")}),
)  # fmt: skip


@pytest.mark.parametrize("row", AUTHD_ROWS, ids=lambda row: row.sentence.replace(" ", "_"))
def test_rule_of_the_embedded_auth_service(row: Row) -> None:
    loaded = read_authd(row.environ)
    assert found(loaded.findings) == row.findings
    assert (loaded.settings is None) == any(severity == "error" for _, _, severity in row.findings)
