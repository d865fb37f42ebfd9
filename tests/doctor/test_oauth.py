"""OAuth credentials as they are spelt in the environment, and the redirect URIs that are sent."""

import pytest

from netra.doctor.diagnosis import Check
from netra.doctor.oauth import checks, findings, without_misspelt
from netra.settings.sources import oauth_pairs

SECRET = "hT6-Some-Secret-Of-A-Provider-42"
GOOGLE = {"OAUTH_GOOGLE_CLIENT_ID": "1234.apps.test", "OAUTH_GOOGLE_CLIENT_SECRET": SECRET}
URI = "OAUTH_GOOGLE_REDIRECT_URI"


def named(environ: dict[str, str]) -> dict[str, Check]:
    """The checks by their names; no value that may be a secret stands in any."""
    found = checks(environ)
    assert SECRET not in str(found)
    assert "1234.apps.test" not in str(found)
    return {each.name: each for each in found}


def test_without_any_provider_there_is_nothing_to_check() -> None:
    assert not checks({"PATH": "/bin", "AUTH_SERVICE_URL": "https://auth.test", "CLIENT_ID": "x", "OAUTH": "1"})


@pytest.mark.parametrize(
    ("name", "meant", "wrong"),
    [
        ("OAUTH_GOOGLE_CLIENT_CLIENT_ID", "OAUTH_GOOGLE_CLIENT_ID", "has CLIENT twice"),
        ("OAUTH_OAUTH_GOOGLE_CLIENT_ID", "OAUTH_GOOGLE_CLIENT_ID", "has OAUTH twice"),
        ("OAUTH_GOOGLE_GOOGLE_CLIENT_SECRET", "OAUTH_GOOGLE_CLIENT_SECRET", "has GOOGLE twice"),
        ("OAUTH_GOOGLE_CLIENT_SECRET_SECRET", "OAUTH_GOOGLE_CLIENT_SECRET", "has SECRET twice"),
        ("GOOGLE_OAUTH_CLIENT_ID", "OAUTH_GOOGLE_CLIENT_ID", "has its words in another order"),
        ("OAUTH_CLIENT_ID_GOOGLE", "OAUTH_GOOGLE_CLIENT_ID", "has its words in another order"),
        ("GOOGLE_OAUTH_CLIENT_SECRET_FILE", "OAUTH_GOOGLE_CLIENT_SECRET_FILE", "has its words in another order"),
        ("OAUTH_MY_IDP_ID", "OAUTH_MY_IDP_CLIENT_ID", "lacks the word CLIENT"),
        ("OAUTH2_GOOGLE_CLIENT_ID", "OAUTH_GOOGLE_CLIENT_ID", "has OAUTH2 for OAUTH"),
        ("OAUTH_GOOGLE_CLIENT_ID_STAGING", "OAUTH_GOOGLE_CLIENT_ID", "names an environment, STAGING"),
        ("oauth_google_client_id", "OAUTH_GOOGLE_CLIENT_ID", "is not in capital letters"),
        ("OAUTH_GOOGLE_REDIRECT_URL", "OAUTH_GOOGLE_REDIRECT_URI", "has URL for URI"),
    ],
)
def test_a_misspelt_variable_is_named_with_the_one_that_was_meant(name: str, meant: str, wrong: str) -> None:
    found = named({name: SECRET})
    check = found["oauth_variables"]
    assert check.state == "warn"
    (finding,) = check.findings
    assert (finding.severity, finding.code, finding.subject) == ("warning", "oauth_variable_misspelt", name)
    assert meant in finding.what
    assert wrong in finding.what
    assert finding.fix == f"Rename it to {meant}."
    if not meant.endswith("_URI"):
        assert f"Missing OAuth credential: {meant}" in finding.why


def test_a_misspelt_variable_beside_the_right_one_is_only_a_note() -> None:
    check = named({**GOOGLE, "OAUTH_GOOGLE_CLIENT_CLIENT_ID": "left-over"})["oauth_variables"]
    assert check.state == "pass"
    assert [each.severity for each in check.findings] == ["note"]


def test_a_name_without_the_word_oauth_is_ours_only_beside_the_other_half() -> None:
    assert not checks({"GOOGLE_CLIENT_ID": "x", "AZURE_CLIENT_SECRET": SECRET, "CLIENT_ID": "y"})
    half = {"OAUTH_GOOGLE_CLIENT_SECRET": SECRET, "GOOGLE_CLIENT_ID": "1234.apps.test"}
    (finding,) = findings(half)
    assert finding.subject == "GOOGLE_CLIENT_ID"
    assert "lacks the word OAUTH" in finding.what


@pytest.mark.parametrize(
    "name",
    ["OAUTH_CLIENT_ID", "OAUTH_GOOGLE_CLIENT_ID", "OAUTH_MY_IDP_CLIENT_SECRET", "OAUTH_TOKEN_URL", "OAUTHLIB_X_ID",
     "OAUTH_X_SCOPE", "OAUTH_CLIENT_PORTAL_CLIENT_ID"],
)  # fmt: skip
def test_what_is_right_or_somebody_elses_is_not_misspelt(name: str) -> None:
    assert "oauth_variables" not in named({name: SECRET})


def test_an_empty_variable_and_one_whose_name_cannot_be_shown_are_passed_over() -> None:
    assert not checks({"GOOGLE_OAUTH_CLIENT_ID": " ", "GOOGLE_OAUTH_CLIENT_ID\n": "x", "ÖAUTH_OAUTH_CLIENT_ID": "x"})


def test_the_redirect_uri_is_shown_in_full_as_it_is_sent() -> None:
    uri = "https://app.example.com/auth/callback/google?tenant=blue"
    check = named({**GOOGLE, URI: f" {uri}\n"})["oauth_google"]
    assert check.state == "pass"
    assert f"is sent is {uri}; " in check.what


def test_without_one_the_auth_service_decides() -> None:
    check = named(GOOGLE)["oauth_google"]
    assert check.state == "skip"
    assert "the auth service decides" in check.what
    assert not check.findings


@pytest.mark.parametrize("uri", ["http://localhost:3000/callback", "http://127.0.0.1/cb", "http://[::1]:5000/cb"])
def test_a_redirect_to_this_machine_may_do_without_tls(uri: str) -> None:
    assert named({**GOOGLE, URI: uri})["oauth_google"].state == "pass"


@pytest.mark.parametrize(
    ("uri", "words"),
    [
        ("http://app.example.com/callback", "is not https"),
        ("myapp://callback/x", "is not https"),
        ("/auth/callback", "is not absolute"),
        ("app.example.com/callback", "is not absolute"),
        ("https://*.example.com/callback", "has a wildcard"),
        ("https://app.example.com/callback#top", "has a fragment"),
        ("https://app.example.com/call back", "has white space"),
        ("https://a:b@app.example.com/callback", "carries a user name"),
        ("https://[::1/callback", "is not a URL"),
        ("https://app.example.com:99999/callback", "is not a URL"),
    ],
)
def test_a_redirect_uri_that_cannot_be_right_is_told(uri: str, words: str) -> None:
    check = named({**GOOGLE, URI: uri})["oauth_google"]
    (finding,) = check.findings
    assert check.state == "warn"
    assert (finding.code, finding.subject) == ("oauth_redirect_uri", URI)
    assert words in finding.what
    assert "a:b" not in str(check)


def test_a_secret_that_was_put_there_is_not_shown() -> None:
    for uri in (SECRET, f"https://app.example.com/{SECRET}", f"https://app.example.com/?client_secret={SECRET}"):
        assert "(not shown)" in named({**GOOGLE, URI: uri})["oauth_google"].what


@pytest.mark.parametrize(
    ("environ", "kept"),
    [
        ({"OAUTH_GOOGLE_CLIENT_CLIENT_ID": "x", "OAUTH_GOOGLE_CLIENT_SECRET": SECRET}, set()),
        ({"OAUTH_OAUTH_GOOGLE_CLIENT_SECRET": SECRET, "OAUTH_GOOGLE_CLIENT_ID": "x"}, set()),
        ({"GOOGLE_OAUTH_CLIENT_ID": "x", "OAUTH_GOOGLE_CLIENT_SECRET": SECRET}, set()),
        ({"OAUTH_GOOGLE_CLIENT_SECRET": SECRET}, {"OAUTH_GOOGLE_CLIENT_ID"}),
        (
            {"OAUTH_GOOGLE_CLIENT_CLIENT_ID": "x", "OAUTH_GITHUB_CLIENT_ID": "y"},
            {"OAUTH_GITHUB_CLIENT_SECRET"},
        ),
    ],
    ids=["doubled", "doubled_oauth", "swapped", "half", "another"],
)  # fmt: skip
def test_what_a_misspelt_variable_has_caused_is_told_once(environ: dict[str, str], kept: set[str]) -> None:
    told = oauth_pairs(environ).findings
    assert told
    assert {each.subject for each in without_misspelt(told, environ)} == kept
