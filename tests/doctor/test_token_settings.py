"""What the settings want of token checks, and the wire cannot give: told before a start."""

import pytest

from netra.core.findings import Severity
from netra.doctor.configuration import Configuration, configuration

HERE = {
    "ENVIRONMENT": "development",
    "AUTH_SERVICE_URL": "http://127.0.0.1:8081",
    "NETRA_LOG_KEY": "test-only-Qm4Zt8Lw2Xc6Vb0Nj5Hk9Rd3",
}
PROVIDER = {"OIDC_ISSUER": "https://id.shop.test", "NETRA_TOKEN_AUDIENCE": "shop", "NETRA_ONLY": "verify"}
WITHOUT_BOTH = """
name = "bare"
[calls.login]
method = "POST"
path = "/login"
json = { name = "{identifier}", word = "{password}" }
[[calls.login.replies]]
status = [200]
[calls.login.replies.accept]
access_token = "/token"
"""
KEYS = """
[calls.keys]
method = "GET"
path = "/keys"
sealed = false
[[calls.keys.replies]]
status = [200]
[calls.keys.replies.accept]
keys = "/keys"
"""


@pytest.fixture
def wire(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> str:
    """A file with the wire that a test describes."""
    file = tmp_path_factory.mktemp("wire") / "bare.toml"
    file.write_text(request.param)
    return str(file)


def told(found: Configuration) -> set[tuple[str, str]]:
    """Codes and variables of what is more than a note."""
    return {(each.code, each.subject) for each in found.findings if each.severity is not Severity.NOTE}


@pytest.mark.parametrize("wire", [WITHOUT_BOTH], indirect=True, ids=["neither keys nor validate"])
def test_a_gateway_that_only_verifies_needs_keys_or_somebody_to_ask(wire: str) -> None:
    found = configuration({**HERE, "NETRA_WIRE": wire, "NETRA_ONLY": "verify"})
    assert told(found) == {("nothing_to_verify_by", "NETRA_ONLY")}
    assert found.settings is None


@pytest.mark.parametrize("wire", [WITHOUT_BOTH + KEYS], indirect=True, ids=["keys"])
def test_with_keys_it_can_verify(wire: str) -> None:
    known = {"NETRA_TOKEN_ISSUER": "https://id.shop.test", "NETRA_TOKEN_AUDIENCE": "shop"}
    found = configuration({**HERE, **known, "NETRA_WIRE": wire, "NETRA_ONLY": "verify"})
    assert told(found) == set()
    assert found.settings is not None


@pytest.mark.parametrize("name", ["NETRA_TOKEN_ISSUER", "NETRA_TOKEN_AUDIENCE"])
@pytest.mark.parametrize("wire", [WITHOUT_BOTH], indirect=True, ids=["no keys"])
def test_whose_tokens_these_are_is_of_no_use_without_keys(wire: str, name: str) -> None:
    assert told(configuration({**HERE, "NETRA_WIRE": wire, name: "shop"})) == {("token_setting_unused", name)}


@pytest.mark.parametrize(
    ("given", "lost"),
    [("NETRA_TOKEN_ISSUER", "NETRA_TOKEN_AUDIENCE"), ("NETRA_TOKEN_AUDIENCE", "NETRA_TOKEN_ISSUER")],
)
@pytest.mark.parametrize("wire", [WITHOUT_BOTH + KEYS], indirect=True, ids=["keys, no handshake"])
def test_half_of_what_keys_need_is_told_where_nobody_says_the_other(wire: str, given: str, lost: str) -> None:
    assert told(configuration({**HERE, "NETRA_WIRE": wire, given: "shop"})) == {("half_token_settings", lost)}


def test_an_auth_service_with_a_handshake_says_the_other_half() -> None:
    assert told(configuration({**HERE, "NETRA_TOKEN_AUDIENCE": "shop"})) == set()


def test_an_openid_provider_alone_is_all_that_is_needed() -> None:
    found = configuration(PROVIDER)
    assert (found.findings, found.settings is None) == ((), False)
