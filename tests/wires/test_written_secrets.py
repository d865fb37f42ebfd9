"""Secrets that are written into a wire file are found and never shown; words that name a kind of secret are not."""

import pytest

from netra.wires.load import load
from netra.wires.problem import WireProblem
from tests.wires.support import BODY, HEAD, call, problems, wire

SAYS = "looks like a secret; take it out, and say {service_secret} in [seal] instead"
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJyb2xlIjoiYW5vbiJ9.hunter2hunter2"
LONG = "0123456789abcdefHUNTER2hunter20123456789abcdef"

HEADERS = [
    ("X-Api-Key", "hunter2"),
    ("apikey", "hunter2"),
    ("X-API-KEY", "h2"),
    ("Authorization", "Bearer hunter2"),
    ("Authorization", "Basic aHVudGVyMjpodW50ZXIy"),
    ("X-Client-Secret", "hunter2"),
    ("X-Auth-Token", "hunter2"),
    ("Private-Token", "hunter2"),
    ("Cookie", "session=hunter2"),
    ("X-Anything", JWT),
    ("X-Anything", LONG),
    ("X-Anything", f"v1 {LONG}"),
]
MEMBERS = [
    ("client_secret", '"hunter2"'),
    ("clientSecret", '"hunter2"'),
    ("CLIENT_SECRET", '"hunter2"'),
    ("secret", '"hunter2"'),
    ("password2", '"hunter2"'),
    ("passwd", '"hunter2"'),
    ("pwd", '"hunter2"'),
    ("passphrase", '"hunter2"'),
    ("api_key", '"hunter2"'),
    ("apiKey", '"hunter2"'),
    ("token", '"hunter2"'),
    ("accessToken", '"hunter2"'),
    ("credentials", '["hunter2"]'),
    ("credential", '{ value = "x", secret = "hunter2" }'),
    ("private_key", '"hunter2"'),
    ("token", "12345678"),
    ("anything", f'"{JWT}"'),
    ("anything", '"-----BEGIN PRIVATE KEY----- hunter2"'),
]


def found_in(text: str) -> list[str]:
    """What is said of a file that holds a secret; the secret never."""
    with pytest.raises(WireProblem) as refused:
        load(text, "bad.toml")
    for told in (str(refused.value), repr(refused.value), repr(refused.value.problems)):
        assert "hunter2" not in told.lower()
        assert "aHVudGVyMjp" not in told
        assert "12345678" not in told
        assert "eyJ" not in told
    return problems(text)


@pytest.mark.parametrize(("name", "value"), HEADERS)
def test_a_secret_in_a_header_is_found_and_not_shown(name: str, value: str) -> None:
    assert found_in(wire(head=HEAD + BODY + f'headers = {{ {name} = "{value}" }}')) == [
        f"[calls.login] headers.{name}: {SAYS}"
    ]


@pytest.mark.parametrize(("name", "value"), MEMBERS)
def test_a_secret_in_a_body_is_found_and_not_shown(name: str, value: str) -> None:
    head = HEAD + f'json = {{ user = "{{identifier}}", pass = "{{password}}", in = [{{ {name} = {value} }}] }}'
    found = found_in(wire(head=head))
    assert [each.partition(": ")[2] for each in found] == [SAYS]
    assert found[0].startswith(f"[calls.login] json.in[0].{name}")


@pytest.mark.parametrize(("name", "value"), [each for each in MEMBERS if each[1].startswith('"')])
def test_a_secret_in_a_form_is_found_and_not_shown(name: str, value: str) -> None:
    head = HEAD + f'form = {{ user = "{{identifier}}", pass = "{{password}}", {name} = {value} }}'
    assert found_in(wire(head=head)) == [f"[calls.login] form.{name}: {SAYS}"]


@pytest.mark.parametrize("query", ["key=hunter2&token=hunter2", "a=b&client_secret=hunter2", f"a={LONG}"])
def test_a_secret_in_a_query_is_found_and_not_shown(query: str) -> None:
    text = wire(rest=call("health", f'method = "GET"\npath = "/up?{query}"'))
    assert found_in(text) == [f"[calls.health] path: {SAYS}"]


@pytest.mark.parametrize("seal", ["hunter2", "Bearer hunter2", "hunter2 {service_id}", "{service_id}:hunter2", LONG])
@pytest.mark.parametrize("table", ["seal", "seal_fields"])
def test_a_secret_in_a_seal_is_found_and_not_shown(seal: str, table: str) -> None:
    found = found_in(wire(rest=f'[{table}]\nX-Key = "{seal}"'))
    says = "fill it with some of {service_basic}, {service_id}, {service_secret}, never with a value"
    assert found == [f"[{table}] X-Key: {says}"]


NOT_SECRETS = [
    'grant_type = "password"',
    'grant_type = "http://auth0.com/oauth/grant-type/password-realm"',
    'token_type_hint = "refresh_token"',
    'requested_token_use = "on_behalf_of"',
    'subject_token_type = "urn:ietf:params:oauth:token-type:id_token"',
    'token_type = "Bearer"',
    'credential_kind = "plain"',
    'passwordField = "passwd"',
    'token = "jwt"',
    'authorization = "Bearer"',
    'AuthFlow = "USER_PASSWORD_AUTH"',
    'scope = "openid profile email offline_access"',
    'realm = "Username-Password-Authentication"',
    'target = "AWSCognitoIdentityProviderService.InitiateAuth"',
    'secret = ""',
    "token = true",
    "number = 12345678901234567890",
    'members = [{ id = "password", value = "{password}" }]',
    'password = "{password}"',
    'credentials = { username = "{identifier}", password = "{password}" }',
    'token = "Token token={identifier}"',
    'url = "https://a.example/a-very-long-path/that-has-no-number-in-it/and-goes-on-and-on"',
]


@pytest.mark.parametrize("member", NOT_SECRETS)
def test_words_that_only_name_a_kind_of_secret_are_left_alone(member: str) -> None:
    head = HEAD + f'json = {{ user = "{{identifier}}", pass = "{{password}}", in = {{ {member} }} }}'
    assert load(wire(head=head), "good.toml").templates["login"].body is not None


@pytest.mark.parametrize(
    "seal",
    ["{service_secret}", "Bearer {service_secret}", "Basic {service_basic}", "ApiKey {service_id}:{service_secret}",
     "GenieKey {service_secret}", "Service id={service_id}, key={service_secret}"],
)  # fmt: skip
def test_a_seal_may_name_its_scheme_beside_its_gaps(seal: str) -> None:
    assert load(wire(rest=f'[seal]\nX-Key = "{seal}"'), "good.toml").seal
