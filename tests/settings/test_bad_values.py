"""Values that people really set: each is found, under its code, and the value is not repeated."""

from typing import NamedTuple

import pytest

from netra.core.pace.rejections import OFF, Limit
from netra.settings.read import read, read_authd
from tests.settings.good import EVERYWHERE, OTHER_SECRET, SECRET, found, good

URL, ID, KEY = "AUTH_SERVICE_URL", "SERVICE_ID", "SERVICE_SECRET"


class Row(NamedTuple):
    variable: str
    value: str
    code: str
    severity: str = "error"


TEXTS = (
    Row(ID, "netra-backend\n", "surrounding_white_space", "warning"),
    Row(KEY, f" {SECRET}\r\n", "surrounding_white_space", "warning"),
    Row(KEY, f"\ufeff{SECRET}", "surrounding_white_space", "warning"),
    Row(KEY, f"{SECRET}\u200b", "surrounding_white_space", "warning"),
    Row(URL, "https://auth.shop.test ", "surrounding_white_space", "warning"),
    Row(ID, "", "empty"),
    Row(KEY, "", "empty"),
    Row(KEY, " \n", "empty"),
    Row("SERVICE_SECRET_PREVIOUS", "", "empty", "warning"),
    Row("NETRA_ADMIN_TOKEN", "", "empty"),
    Row("NETRA_PORT", "", "empty", "warning"),
    Row(URL, "", "missing"),
    Row(ID, '"netra-backend"', "quotes"),
    Row(ID, "'netra-backend", "quotes"),
    Row(URL, '"https://auth.shop.test"', "quotes"),
    Row(KEY, f"\u201c{SECRET}\u201d", "quotes"),
    Row(KEY, f"{SECRET}'", "quotes", "warning"),
    Row("NETRA_TRIES", '"3"', "quotes"),
    Row("ENVIRONMENT", "'staging'", "quotes"),
    Row(ID, "$(whoami)", "shell_text"),
    Row(ID, "netra-`hostname`", "shell_text"),
    Row(KEY, "`cat /run/secrets/service_secret`", "shell_text"),
    Row(KEY, "$(gcloud secrets versions access latest --secret=netra)", "shell_text"),
    Row(KEY, "${SERVICE_SECRET:-}", "shell_text"),
    Row(KEY, "$NETRA_SERVICE_SECRET", "shell_text"),
    Row("NETRA_PORT", "${PORT}", "shell_text"),
    Row(URL, "https://${AUTH_HOST}", "shell_text"),
    Row(ID, "netra-backend\\n", "escaped_line_end"),
    Row(KEY, f"{SECRET}%0A", "escaped_line_end"),
    Row(KEY, "changeme", "placeholder"),
    Row(KEY, "CHANGE-ME-please-with-32-characters-or-more", "placeholder"),
    Row(KEY, "REPLACE_WITH_SERVICE_TOKEN_FROM_VAULT_000", "placeholder"),
    Row(KEY, "<secure-service-secret>", "placeholder"),
    Row(KEY, "your-service-secret-here-32-characters", "placeholder"),
    Row(KEY, "{{ .Values.serviceSecret }}", "placeholder"),
    Row(KEY, "{{ lookup('env', 'X') }}xxxxxxxxxxxxxxxxx", "placeholder"),
    Row(KEY, "••••••", "placeholder"),
    Row(KEY, "********************************", "placeholder"),
    Row(KEY, "undefined", "placeholder"),
    Row(ID, "null", "placeholder"),
    Row(ID, "None", "placeholder"),
    Row(ID, "%SERVICE_ID%", "placeholder"),
    Row(ID, "__SERVICE_ID__", "placeholder"),
    Row(URL, "https://your-auth-service.shop.test", "placeholder"),
    Row(URL, "https://auth.<domain>", "placeholder"),
    Row(URL, "TODO", "placeholder"),
    Row(KEY, "SERVICE_SECRET", "name_as_value"),
    Row(KEY, "service-secret", "name_as_value"),
    Row(KEY, "netra-staging-service-secret-version-two", "name_as_value"),
    Row(KEY, "netra-staging-backend-to-auth-signing-key", "name_as_value"),
    Row(KEY, "JWT_SHARED_SECRET_STAGING_ENVIRONMENT", "name_as_value"),
    Row(KEY, "NETRA_ADMIN_TOKEN", "name_as_value"),
    Row(ID, "SERVICE_ID", "name_as_value"),
    Row(ID, "service-id-staging", "name_as_value"),
    Row(URL, "AUTH_SERVICE_URL", "name_as_value"),
    Row(KEY, "projects/shop/secrets/service-secret/versions/latest", "secret_reference"),
    Row(KEY, "arn:aws:secretsmanager:eu-west-1:123456789012:secret:netra-AbCdEf", "secret_reference"),
    Row(KEY, "@Microsoft.KeyVault(SecretUri=https://shop.vault.azure.net/secrets/x)", "secret_reference"),
    Row(KEY, "op://shop/netra/service-secret", "secret_reference"),
    Row(KEY, "vault:secret/data/netra#service_secret", "secret_reference"),
    Row(KEY, "/run/secrets/service_secret", "path_as_value"),
    Row(KEY, '{"SERVICE_SECRET":"Jt3-vXq8RzL0mWc5YkUe2NsHbP7dGfAo9"}', "json_as_value"),
    Row(KEY, f"SERVICE_SECRET={SECRET}", "assignment_as_value"),
    Row(URL, "export AUTH_SERVICE_URL=https://auth.shop.test", "assignment_as_value"),
    Row("NETRA_ADMIN_TOKEN", f"Bearer {OTHER_SECRET}", "scheme_in_secret"),
    Row(ID, "netra-backend-1757000000", "time_stamp_in_id"),
    Row(ID, "netra-backend-1757000000123", "time_stamp_in_id"),
    Row(ID, "netra-backend-20250904-120000", "time_stamp_in_id"),
    Row(KEY, "Jt3-vXq8RzL0mWc5YkUe2NsHbP7dGfA", "short_secret"),
    Row("NETRA_ADMIN_TOKEN", "letmein-9", "short_secret"),
    Row("NETRA_LOG_KEY", "key-of-mine", "short_secret"),
    Row(KEY, "ab" * 20, "weak_secret", "warning"),
    Row(KEY, f"{SECRET}\n{SECRET}", "illegal_characters"),
    Row(KEY, f"{SECRET}\x00{SECRET}", "illegal_characters"),
    Row(KEY, f"{SECRET}\u20ac", "illegal_characters"),
    Row(KEY, f"{SECRET}\u200d{SECRET}", "illegal_characters"),
    Row(KEY, f"{SECRET}\u00fc", "not_ascii", "warning"),
    Row(ID, "netra\x7fbackend", "illegal_characters"),
    Row(ID, "netra-b\u00e4ckend", "not_ascii", "warning"),
    Row(ID, "netra-\udcffbackend", "not_utf8"),
    Row(ID, "n" * 129, "too_long"),
    Row(KEY, SECRET * 30, "too_long"),
    Row("NETRA_CORS_ORIGINS", "https://a.test," * 3000, "too_long"),
    Row("NETRA_HOST", "h" * 9000, "too_long"),
    Row(URL, f"https://{'a' * 2048}.test", "too_long"),
)

FORMS = (
    Row(URL, "auth.shop.test", "url_scheme_missing"),
    Row(URL, "auth.shop.test:8443", "url_scheme_missing"),
    Row(URL, "//auth.shop.test", "url_scheme_missing"),
    Row(URL, "https:/auth.shop.test", "url_scheme_missing"),
    Row(URL, "ftp://auth.shop.test", "url_scheme"),
    Row(URL, "htps://auth.shop.test", "url_scheme"),
    Row(URL, "tcp://10.0.0.7:8081", "service_link"),
    Row(URL, "https://netra:hunter22@auth.shop.test", "url_user_info"),
    Row(URL, "https://auth.shop.test?tenant=shop", "url_query"),
    Row(URL, "https://auth.shop.test/?", "url_query"),
    Row(URL, "https://auth.shop.test#login", "url_fragment"),
    Row(URL, "https://", "url_host"),
    Row(URL, "https:///auth", "url_host"),
    Row(URL, "https://auth..shop.test", "url_host"),
    Row(URL, "https://*.shop.test", "url_host"),
    Row(URL, "https://10.0.0.777", "url_host"),
    Row(URL, "https://b\u00fccher.test", "url_host"),
    Row(URL, "https://auth.shop.test:99999", "url_form"),
    Row(URL, "https://auth.shop.test:http", "url_form"),
    Row(URL, "https://auth.shop.test:", "url_port"),
    Row(URL, "https://auth.shop.test:0", "url_port"),
    Row(URL, "https://auth shop.test", "url_form"),
    Row(URL, "https:\\\\auth.shop.test", "url_scheme_missing"),
    Row(URL, "https://auth.shop.test/a//b", "url_path"),
    Row(URL, "https://auth.shop.test/../admin", "url_path"),
    Row(URL, "https://auth.shop.test/auth", "url_path", "warning"),
    Row(URL, "https://auth.shop.test/auth/login", "url_path", "warning"),
    Row(URL, "https://auth.shop.test:80", "scheme_port", "warning"),
    Row(URL, "https://auth.example.com", "example_host", "warning"),
    Row(URL, "http://auth.shop.test", "plaintext_refused"),
    Row(URL, "http://127.0.0.1:8081", "loopback_refused"),
    Row(URL, "https://localhost:8443", "loopback_refused"),
    Row(URL, "https://127.1:8443", "loopback_refused"),
    Row(URL, "https://[::ffff:127.0.0.1]:8443", "loopback_refused"),
    Row("ENVIRONMENT", "qa", "not_a_choice"),
    Row("NETRA_ENVIRONMENT", "prd", "not_a_choice"),
    Row("NETRA_DISCLOSE", "everything", "not_a_choice"),
    Row("NETRA_LOG_LEVEL", "verbose", "not_a_choice"),
    Row("AUTH_SERVICE_ENABLED", "enabled", "not_a_switch"),
    Row("NETRA_REQUIRE_TLS", "2", "not_a_switch"),
    Row("NETRA_PORT", "tcp://10.0.0.7:8000", "service_link"),
    Row("NETRA_PORT", "80OO", "not_a_number"),
    Row("NETRA_PORT", "65536", "out_of_range"),
    Row("NETRA_PORT", "-1", "out_of_range"),
    Row("NETRA_PORT", "8_000", "not_a_number"),
    Row("NETRA_PORT", "\u0668\u0660\u0660\u0660", "not_a_number"),
    Row("NETRA_TRIES", "0", "out_of_range"),
    Row("NETRA_TRIES", "3.5", "not_a_number"),
    Row("NETRA_TRIES", "9" * 5000, "not_a_number"),
    Row("NETRA_LOGIN_BUDGET_S", "5s", "not_a_number"),
    Row("NETRA_LOGIN_BUDGET_S", "5000", "out_of_range"),
    Row("NETRA_LOGIN_BUDGET_S", "nan", "not_a_number"),
    Row("NETRA_LOGIN_BUDGET_S", "inf", "not_a_number"),
    Row("NETRA_LOGIN_BUDGET_S", "1e1", "not_a_number"),
    Row("NETRA_TOKEN_BUDGET_S", "0,5", "not_a_number"),
    Row("NETRA_MAX_IN_FLIGHT", "10001", "out_of_range"),
    Row("NETRA_THROTTLE_ACCOUNT", "5", "limit_form"),
    Row("NETRA_THROTTLE_ACCOUNT", "5/15", "limit_form"),
    Row("NETRA_THROTTLE_ACCOUNT", "5 / 15m", "limit_form"),
    Row("NETRA_THROTTLE_ACCOUNT", "5/15min", "limit_form"),
    Row("NETRA_THROTTLE_ACCOUNT", "-5/15m", "limit_form"),
    Row("NETRA_THROTTLE_ACCOUNT", "false", "limit_form"),
    Row("NETRA_THROTTLE_ACCOUNT", "0/15m", "out_of_range"),
    Row("NETRA_THROTTLE_ADDRESS", "60/0s", "out_of_range"),
    Row("NETRA_THROTTLE_ADDRESS", "60/25h", "out_of_range"),
    Row("NETRA_THROTTLE_ADDRESS", "10001/1m", "out_of_range"),
    Row("NETRA_HOST", "http://0.0.0.0", "host_form"),
    Row("NETRA_HOST", "0.0.0.0:8000", "host_form"),
    Row("NETRA_ADMIN_HOSTS", "*.shop.test", "host_form"),
    Row("NETRA_PLAINTEXT_HOSTS", "auth:8081", "host_form"),
    Row("NETRA_CORS_ORIGINS", "*", "cors_origin"),
    Row("NETRA_CORS_ORIGINS", "null", "placeholder"),
    Row("NETRA_CORS_ORIGINS", "https://app.shop.test,null", "cors_origin"),
    Row("NETRA_CORS_ORIGINS", "https://*.shop.test", "cors_origin"),
    Row("NETRA_CORS_ORIGINS", "https://app.shop.test/", "cors_origin"),
    Row("NETRA_CORS_ORIGINS", "https://app.shop.test/shop", "cors_origin"),
    Row("NETRA_CORS_ORIGINS", "app.shop.test", "cors_origin"),
    Row("NETRA_CORS_ORIGINS", "https://app.shop.test:443", "cors_origin"),
    Row("NETRA_CORS_ORIGINS", '["https://app.shop.test"]', "list_form"),
    Row("NETRA_TRUSTED_PROXIES", "0.0.0.0/0", "trusted_proxy_any"),
    Row("NETRA_TRUSTED_PROXIES", "10.0.0.0/8,::/0", "trusted_proxy_any"),
    Row("NETRA_TRUSTED_PROXIES", "10.0.0.1/8", "trusted_proxy"),
    Row("NETRA_TRUSTED_PROXIES", "10.0.0.0-10.0.0.9", "trusted_proxy"),
    Row("NETRA_TRUSTED_PROXIES", "loadbalancer", "trusted_proxy"),
    Row("NETRA_TRUSTED_PROXIES", ",".join(f"10.0.{n % 256}.{n // 256}" for n in range(257)), "too_long"),
    Row("NETRA_PREFIX", "login/v2/shop", "prefix_form"),
    Row("NETRA_PREFIX", "/", "prefix_form"),
    Row("NETRA_PREFIX", "/api//auth", "prefix_form"),
    Row("NETRA_PREFIX", "/api/../auth", "prefix_form"),
    Row("NETRA_PREFIX", "/api/*", "prefix_form"),
    Row("NETRA_PREFIX", "/problems/of-ours", "prefix_form"),
    Row("NETRA_PROBLEM_BASE", "/docs", "url_scheme_missing"),
    Row("NETRA_WIRE", "https://wires.shop.test/auth0.toml", "wire_form"),
    Row("NETRA_WIRE", "NETRA_WIRE", "name_as_value"),
    Row("NETRA_WIRE", "$(cat wire.toml)", "shell_text"),
    Row("NETRA_WIRE", "wire = 'netra'\nhealth = '/status'", "illegal_characters"),
    Row("NETRA_IDENTIFIER", "mail", "not_a_choice"),
    Row("NETRA_FORM_LOGIN", "form", "not_a_switch"),
    Row("AUTH_SERVICE_CA_FILE", "AUTH_SERVICE_CA_FILE", "name_as_value"),
    Row("AUTH_SERVICE_CA_FILE", "'/etc/ssl/shop.pem'", "quotes"),
    Row("AUTH_SERVICE_CLIENT_KEY_FILE", "/etc/ssl/\x00.key", "illegal_characters"),
    Row("NETRA_HSOT", EVERYWHERE, "unknown_variable", "warning"),
    Row("netra_port", "8000", "unknown_variable", "warning"),
    Row("NETRA_HOST_FILE", "/run/host", "unknown_variable", "warning"),
    Row("AUTH_SERVICE_TIMEOUT", "3", "unknown_variable", "note"),
)


def _name(row: Row) -> str:
    return f"{row.variable}-{row.code}-{row.value[:96]!a}"


@pytest.mark.parametrize("row", TEXTS + FORMS, ids=_name)
def test_a_bad_value_is_found_under_its_code(row: Row) -> None:
    loaded = read(good(**{row.variable: row.value}))
    assert (row.variable, row.code, row.severity) in found(loaded.findings)
    assert (loaded.settings is None) == (row.severity == "error")


@pytest.mark.parametrize("row", TEXTS + FORMS, ids=_name)
def test_a_bad_value_is_never_repeated(row: Row) -> None:
    loaded = read(good(**{row.variable: row.value}))
    said = " ".join(f"{one.what} {one.why} {one.fix}" for one in loaded.findings)
    if len(row.value) > 8 and row.code not in {"name_as_value", "unknown_variable"}:
        assert row.value.strip() not in said


@pytest.mark.parametrize("row", [row for row in TEXTS + FORMS if row.severity == "error"], ids=_name)
def test_a_bad_value_costs_one_error_not_several(row: Row) -> None:
    findings = read(good(**{row.variable: row.value})).findings
    assert len([one for one in findings if one.severity == "error"]) == 1


@pytest.mark.parametrize("row", TEXTS + FORMS, ids=_name)
def test_every_finding_names_its_cure(row: Row) -> None:
    for one in read(good(**{row.variable: row.value})).findings:
        assert all((one.subject, one.code, one.what, one.why, one.fix))
        assert one.fix.endswith((".", "?"))
        assert not one.what.endswith(".")


GOOD_VALUES = (
    ("AUTH_SERVICE_URL", "HTTPS://Auth.Shop.test:8443/base/", "https://auth.shop.test:8443/base"),
    ("AUTH_SERVICE_URL", "https://[2001:db8::7]:8443", "https://[2001:db8::7]:8443"),
    ("AUTH_SERVICE_URL", "https://auth_service", "https://auth_service"),
    ("SERVICE_ID", "netra-backend-2", "netra-backend-2"),
    ("SERVICE_ID", "netra-20250904", "netra-20250904"),
    ("NETRA_PORT", "0", 0),
    ("NETRA_LOGIN_BUDGET_S", "2.5", 2.5),
    ("NETRA_THROTTLE_ACCOUNT", "10/2H", Limit(10, 7200)),
    ("NETRA_THROTTLE_ADDRESS", "Off", OFF),
    ("NETRA_REGISTRATION", "OFF", False),
    ("NETRA_LOG_LEVEL", "WARN", "warning"),
    ("NETRA_HOST", "[::1]", "::1"),
    ("NETRA_PREFIX", "/login/v2/", "/login/v2"),
    ("NETRA_WIRE", "oauth2-password", "oauth2-password"),
    ("NETRA_WIRE", "/etc/netra/Our Auth.toml", "/etc/netra/Our Auth.toml"),
    ("NETRA_IDENTIFIER", "Username", "username"),
    ("NETRA_FORM_LOGIN", "yes", True),
    ("NETRA_CORS_ORIGINS", "https://App.shop.test , http://localhost:3000,", ("https://app.shop.test", "http://localhost:3000")),
    ("NETRA_TRUSTED_PROXIES", "10.0.0.0/8, 192.0.2.7, 10.0.0.0/8", ("10.0.0.0/8", "192.0.2.7/32")),
    ("NETRA_ADMIN_HOSTS", "[2001:DB8::1],Admin.shop.test", ("2001:db8::1", "admin.shop.test")),
)  # fmt: skip


@pytest.mark.parametrize(("variable", "value", "meant"), GOOD_VALUES)
def test_an_unusual_but_good_value_is_taken(variable: str, value: str, meant: object) -> None:
    loaded = read(good(**{variable: value}))
    attribute = variable.removeprefix("NETRA_").lower()
    assert not found(loaded.findings)
    assert loaded.settings is not None
    assert getattr(loaded.settings, attribute) == meant


HARD_SECRETS = (
    "aB3$x`9k<Lq>2(mZ)8}w{T!p%R^u&V*eY",
    "correct-horse-battery-staple-exchange-item",
    "MIIEvQIBADANBgkqhkiG9w0BAQEFAASC+/==",
    "1757000000175700000017570000001757abcdef",
)


@pytest.mark.parametrize("secret", HARD_SECRETS)
def test_a_random_looking_secret_is_left_alone(secret: str) -> None:
    loaded = read(good(SERVICE_SECRET=secret))
    assert not found(loaded.findings)
    assert loaded.settings is not None
    assert loaded.settings.service_secret is not None
    assert loaded.settings.service_secret.reveal() == secret


def test_links_that_kubernetes_sets_for_a_service_are_no_unknown_variables() -> None:
    links = {
        "NETRA_WEB_SERVICE_HOST": "10.0.0.7",
        "NETRA_WEB_SERVICE_PORT": "80",
        "NETRA_WEB_SERVICE_PORT_HTTP": "80",
        "NETRA_WEB_PORT": "tcp://10.0.0.7:80",
        "NETRA_WEB_PORT_80_TCP_ADDR": "10.0.0.7",
    }
    assert not found(read(good(**links)).findings)


def test_an_unknown_variable_is_told_its_nearest_neighbour() -> None:
    findings = read(good(NETRA_LOGIN_BUGDET_S="5", NETRA_TRUSTED_PROXY="10.0.0.0/8")).findings
    assert {one.subject: one.fix for one in findings if one.code == "unknown_variable"} == {
        "NETRA_LOGIN_BUGDET_S": "Did you mean NETRA_LOGIN_BUDGET_S?",
        "NETRA_TRUSTED_PROXY": "Did you mean NETRA_TRUSTED_PROXIES?",
    }


def test_a_stripped_character_is_shown_by_its_name() -> None:
    findings = read(good(SERVICE_ID=" \tnetra-backend\r\n")).findings
    what = next(one.what for one in findings if one.code == "surrounding_white_space")
    assert what == r"starts with a space and a tab (\t); ends with a carriage return (\r) and a line feed (\n)"


AUTHD_ROWS = (
    Row("NETRA_AUTHD_DATABASE_URL", "postgresql://db.shop.test/auth", "database_url"),
    Row("NETRA_AUTHD_DATABASE_URL", "netra.db", "database_url"),
    Row("NETRA_AUTHD_DATABASE_URL", "sqlite://", "database_url"),
    Row("NETRA_AUTHD_DATABASE_URL", "sqlite:///:memory:", "database_url"),
    Row("NETRA_AUTHD_DATABASE_URL", "sqlite:///netra.db?mode=ro", "database_url"),
    Row("NETRA_AUTHD_PORT", "tcp://10.0.0.7:8081", "service_link"),
    Row("NETRA_AUTHD_ISSUER", "auth.shop.test", "url_scheme_missing"),
    Row("NETRA_AUTHD_PASSWORD_MIN_LENGTH", "6", "out_of_range"),
    Row("NETRA_AUTHD_REFRESH_TOKEN_S", "900", "token_lifetimes"),
    Row("NETRA_AUTHD_HASH_THREADS", "0", "out_of_range"),
    Row("NETRA_AUTHD_LOCKOUT_REJECTIONS", "many", "not_a_number"),
    Row("NETRA_AUTHD_PROT", "8081", "unknown_variable", "warning"),
)


@pytest.mark.parametrize("row", AUTHD_ROWS, ids=_name)
def test_a_bad_value_for_the_embedded_auth_service_is_found_under_its_code(row: Row) -> None:
    loaded = read_authd({row.variable: row.value})
    assert (row.variable, row.code, row.severity) in found(loaded.findings)
    assert (loaded.settings is None) == (row.severity == "error")
