"""Reading as a whole: every problem at once, defaults by environment, options first, and where each value came from."""

import dataclasses

import pytest

from netra.core.findings import Severity
from netra.settings.read import SettingsProblem, load, load_authd, read, read_authd
from tests.settings.good import EVERYWHERE, GOOD, OTHER_SECRET, SECRET, found, good, without


def test_a_good_environment_gives_settings_and_no_finding() -> None:
    loaded = read(GOOD)
    assert not found(loaded.findings)
    assert loaded.settings is not None
    assert loaded.settings.auth_service_url == "https://auth.shop.test"
    assert loaded.settings.service_id == "netra-backend"


def test_an_empty_environment_names_everything_that_is_missing() -> None:
    loaded = read({})
    assert loaded.settings is None
    assert found(loaded.findings) == {
        ("AUTH_SERVICE_URL", "missing", "error"),
        ("SERVICE_ID", "missing", "error"),
        ("SERVICE_SECRET", "missing", "error"),
        ("NETRA_LOG_KEY", "log_key_missing", "warning"),
    }


def test_what_is_missing_says_where_it_was_looked_for() -> None:
    what = {one.subject: one.what for one in read({}).findings if one.code == "missing"}
    assert what["SERVICE_SECRET"] == "is not set (looked for SERVICE_SECRET and SERVICE_SECRET_FILE)"
    assert what["AUTH_SERVICE_URL"] == "is not set (looked in the environment)"


def test_empty_is_told_apart_from_unset() -> None:
    what = [one.what for one in read(good(AUTH_SERVICE_URL="")).findings if one.code == "missing"]
    assert what == ["is set but empty (looked in the environment)"]


def test_a_misspelt_name_is_suggested_where_the_right_one_is_missing() -> None:
    environ = without("AUTH_SERVICE_URL", AUTH_SERVICE_URI="https://auth.shop.test")
    fix = next(one.fix for one in read(environ).findings if one.code == "missing")
    assert fix.endswith("AUTH_SERVICE_URI is set: was it meant?")


def test_all_problems_are_told_at_once() -> None:
    environ = {
        "NETRA_ENVIRONMENT": "staging",
        "AUTH_SERVICE_URL": "auth.shop.test",
        "SERVICE_ID": "netra-backend-1757000000",
        "SERVICE_SECRET": "changeme",
        "NETRA_TRIES": "9",
        "NETRA_PORT": "tcp://10.0.0.7:8000",
        "NETRA_ADMIN_HOST": EVERYWHERE,
        "NETRA_CONNECT_TIMEOUT_S": "5",
        "NETRA_TOKEN_BUDGET_S": "6",
        "NETRA_HSOT": EVERYWHERE,
        "OAUTH_GOOGLE_CLIENT_ID": "shop",
    }
    assert found(read(environ).findings) == {
        ("AUTH_SERVICE_URL", "url_scheme_missing", "error"),
        ("SERVICE_ID", "time_stamp_in_id", "error"),
        ("SERVICE_SECRET", "placeholder", "error"),
        ("NETRA_TRIES", "out_of_range", "error"),
        ("NETRA_PORT", "service_link", "error"),
        ("NETRA_ADMIN_HOST", "admin_exposed", "error"),
        ("NETRA_ADMIN_HOSTS", "admin_hosts_missing", "warning"),
        ("NETRA_CONNECT_TIMEOUT_S", "budget_connect", "error"),
        ("NETRA_HSOT", "unknown_variable", "warning"),
        ("OAUTH_GOOGLE_CLIENT_SECRET", "oauth_credential_missing", "warning"),
    }


def test_load_raises_one_exception_with_one_line_for_each_error() -> None:
    with pytest.raises(SettingsProblem) as caught:
        load({"SERVICE_ID": "$(whoami)", "SERVICE_SECRET": SECRET, "NETRA_TRIES": "many"})
    lines = str(caught.value).splitlines()
    assert [line.split(":")[:2] for line in lines] == [
        ["error", " SERVICE_ID"],
        ["error", " NETRA_TRIES"],
        ["error", " AUTH_SERVICE_URL"],
    ]
    assert any(one.severity is Severity.NOTE for one in caught.value.findings)
    assert caught.value.__context__ is None


def test_load_gives_the_settings_when_there_are_only_warnings() -> None:
    assert load(good(NETRA_HSOT=EVERYWHERE)).host == "127.0.0.1"


COLUMNS = (
    ("development", "operator", 2, False, False),
    ("test", "operator", 2, False, False),
    ("staging", "operator", 3, False, True),
    ("production", "public", 1, True, True),
)


@pytest.mark.parametrize(("environment", "disclose", "tries", "tls", "credentials"), COLUMNS)
def test_the_environment_chooses_defaults(
    environment: str, disclose: str, tries: int, tls: bool, credentials: bool
) -> None:
    settings = load(good(ENVIRONMENT=environment))
    assert settings.environment == environment
    assert (settings.disclose, settings.tries) == (disclose, tries)
    assert (settings.require_tls, settings.require_service_credentials) == (tls, credentials)


@pytest.mark.parametrize(("environment", "disclose", "tries", "tls", "credentials"), COLUMNS)
def test_the_environment_chooses_nothing_but_defaults(
    environment: str, disclose: str, tries: int, tls: bool, credentials: bool
) -> None:
    chosen = {
        "NETRA_DISCLOSE": "public",
        "NETRA_TRIES": "4",
        "NETRA_REQUIRE_TLS": "true",
        "NETRA_REQUIRE_SERVICE_CREDENTIALS": "true",
    }
    here = load(good(ENVIRONMENT=environment, **chosen))
    assert dataclasses.replace(here, environment="production") == load(good(**chosen))


SHORT_FORMS = (
    ("dev", "development"),
    ("local", "development"),
    ("testing", "test"),
    ("stage", "staging"),
    ("PROD", "production"),
    ("Staging", "staging"),
)


@pytest.mark.parametrize(("short", "meant"), SHORT_FORMS)
def test_the_usual_short_forms_of_environments_are_accepted(short: str, meant: str) -> None:
    assert load(good(ENVIRONMENT=short)).environment == meant


def test_an_unknown_environment_is_refused_with_the_list_of_the_known() -> None:
    fix = next(one.fix for one in read(good(ENVIRONMENT="preprod")).findings if one.subject == "ENVIRONMENT")
    assert fix.startswith("Use one of: development, test, staging, production")


def test_an_unknown_environment_causes_no_second_guess() -> None:
    loaded = read({"ENVIRONMENT": "preprod", "AUTH_SERVICE_URL": "http://auth.shop.test"})
    assert {subject for subject, _, severity in found(loaded.findings) if severity == "error"} == {"ENVIRONMENT"}


def test_netra_environment_goes_before_environment_and_says_so_when_they_differ() -> None:
    loaded = read(good(ENVIRONMENT="production", NETRA_ENVIRONMENT="staging"))
    assert found(loaded.findings) == {("NETRA_ENVIRONMENT", "environment_mismatch", "warning")}
    assert loaded.settings is not None
    assert loaded.settings.environment == "staging"


def test_two_spellings_of_one_environment_are_no_difference() -> None:
    assert not found(read(good(ENVIRONMENT="prod", NETRA_ENVIRONMENT="production")).findings)


def test_a_foreign_word_in_environment_is_no_error_when_netra_environment_is_set() -> None:
    loaded = read(good(ENVIRONMENT="blue-green-7", NETRA_ENVIRONMENT="production"))
    assert found(loaded.findings) == {("NETRA_ENVIRONMENT", "environment_mismatch", "warning")}
    assert loaded.settings is not None


def test_an_empty_netra_environment_leaves_the_word_to_environment() -> None:
    loaded = read(good(NETRA_ENVIRONMENT="", ENVIRONMENT="staging"))
    assert loaded.settings is not None
    assert loaded.settings.environment == "staging"


def test_an_option_goes_before_the_environment() -> None:
    loaded = read(good(NETRA_PORT="8001", NETRA_HOST="10.0.0.7"), {"NETRA_PORT": 8002, "NETRA_HOST": None})
    assert loaded.settings is not None
    assert (loaded.settings.port, loaded.settings.host) == (8002, "10.0.0.7")
    assert (loaded.origins["NETRA_PORT"], loaded.origins["NETRA_HOST"]) == ("option", "environment")


def test_a_bad_option_says_that_it_was_an_option() -> None:
    finding = next(one for one in read(GOOD, {"NETRA_PORT": 70000}).findings if one.subject == "NETRA_PORT")
    assert finding.what == "is not between 0 and 65535 (given as an option)"


def test_a_good_option_hides_a_bad_variable() -> None:
    assert not found(read(good(NETRA_PORT="tcp://10.0.0.7:80"), {"NETRA_PORT": 0}).findings)


def test_an_option_that_is_no_setting_is_a_bug_of_the_caller() -> None:
    with pytest.raises(ValueError, match="NETRA_HSOT"):
        read(GOOD, {"NETRA_HSOT": "x"})


def test_each_value_tells_where_it_came_from() -> None:
    origins = read(good(NETRA_TRIES="2", ENVIRONMENT="staging")).origins
    assert origins["NETRA_TRIES"] == "environment"
    assert origins["ENVIRONMENT"] == "environment"
    assert origins["NETRA_PORT"] == "default"


def test_only_complete_pairs_make_an_oauth_provider() -> None:
    pairs = {
        "OAUTH_GOOGLE_CLIENT_ID": "1234567890-shop.apps.test",
        "OAUTH_GOOGLE_CLIENT_SECRET": OTHER_SECRET,
        "OAUTH_MY_IDP_CLIENT_ID": "175700000017570",
        "OAUTH_MY_IDP_CLIENT_SECRET": "hT6-short-one",
        "OAUTH_GITHUB_CLIENT_SECRET": OTHER_SECRET,
        "OAUTH_GITLAB_CLIENT_ID": "",
        "OAUTH_GITLAB_CLIENT_SECRET": "",
    }
    loaded = read(good(**pairs))
    assert loaded.settings is not None
    assert loaded.settings.oauth_providers == ("google", "my_idp")
    assert found(loaded.findings) == {("OAUTH_GITHUB_CLIENT_ID", "oauth_credential_missing", "warning")}
    assert "Missing OAuth credential: OAUTH_GITHUB_CLIENT_ID" in {one.what for one in loaded.findings}


def test_an_empty_half_of_an_oauth_pair_is_missing() -> None:
    findings = read(good(OAUTH_GOOGLE_CLIENT_ID="shop", OAUTH_GOOGLE_CLIENT_SECRET=" ")).findings
    assert found(findings) == {("OAUTH_GOOGLE_CLIENT_SECRET", "oauth_credential_missing", "warning")}


def test_a_placeholder_in_an_oauth_pair_warns() -> None:
    findings = read(good(OAUTH_GOOGLE_CLIENT_ID="shop", OAUTH_GOOGLE_CLIENT_SECRET="changeme")).findings
    assert ("OAUTH_GOOGLE_CLIENT_SECRET", "placeholder", "warning") in found(findings)


def test_the_embedded_auth_service_starts_without_any_variable() -> None:
    settings = load_authd({})
    assert (settings.host, settings.port) == ("127.0.0.1", 8081)
    assert settings.issuer == "http://127.0.0.1:8081"
    assert settings.database_url == "sqlite:///netra-authd.db"
    assert settings.hash_threads >= 1


ISSUERS = (
    ({"NETRA_AUTHD_HOST": "10.0.0.7", "NETRA_AUTHD_PORT": "9000"}, "http://10.0.0.7:9000"),
    ({"NETRA_AUTHD_HOST": "::1"}, "http://[::1]:8081"),
    ({"NETRA_AUTHD_HOST": EVERYWHERE}, "http://127.0.0.1:8081"),
    ({"NETRA_AUTHD_ISSUER": "https://auth.shop.test/"}, "https://auth.shop.test"),
)


@pytest.mark.parametrize(("environ", "issuer"), ISSUERS)
def test_the_issuer_is_made_from_the_address_unless_it_is_set(environ: dict[str, str], issuer: str) -> None:
    assert load_authd(environ).issuer == issuer


def test_an_issuer_that_cannot_be_made_is_no_second_error() -> None:
    loaded = read_authd({"NETRA_AUTHD_PORT": "eighty"})
    errors = {subject for subject, _, severity in found(loaded.findings) if severity == "error"}
    assert errors == {"NETRA_AUTHD_PORT"}


def test_the_two_servers_know_each_others_variables() -> None:
    assert not found(read(good(NETRA_AUTHD_PORT="9000")).findings)
    assert "unknown_variable" not in {one.code for one in read_authd(good(NETRA_PREFIX="/x")).findings}


def test_load_authd_raises_all_its_problems() -> None:
    with pytest.raises(SettingsProblem) as caught:
        load_authd({"NETRA_AUTHD_PORT": "-1", "NETRA_AUTHD_PASSWORD_MIN_LENGTH": "4"})
    assert len(str(caught.value).splitlines()) == 2
