"""Every login with a provider failed: in one environment the names of its secrets had a doubled word.

And where they were right, the provider sent people back to an address that nobody could see. It must never be found out
by a user's click which variable is missing, nor which address a provider is given.
"""

import json
from collections.abc import Mapping
from typing import Final

import pytest

from netra.doctor.debugger import AuthServiceDebugger
from netra.doctor.diagnosis import Check, Diagnosis, Hop
from netra.lab.faulty_auth_service import FaultyAuthService
from tests.incidents.operators import first_complaint
from tests.support.gateways import ENVIRONMENT
from tests.support.labs import lab
from tests.support.programs import Gateway

CLIENT_ID: Final = "1234-abcd.apps.shop.test"
CLIENT_SECRET: Final = "GOCSPX-9vQ2mWc5YkUe2NsHbP7dGfAo"
CALLBACK: Final = "https://shop.test/auth/google/callback"
GOOD: Final = {"OAUTH_GOOGLE_CLIENT_ID": CLIENT_ID, "OAUTH_GOOGLE_CLIENT_SECRET": CLIENT_SECRET}
MISSPELT: Final[Mapping[str, tuple[str, str]]] = {
    "a doubled word": ("OAUTH_GOOGLE_CLIENT_CLIENT_SECRET", "OAUTH_GOOGLE_CLIENT_SECRET"),
    "a doubled first word": ("OAUTH_OAUTH_GOOGLE_CLIENT_SECRET", "OAUTH_GOOGLE_CLIENT_SECRET"),
    "a doubled last word": ("OAUTH_GOOGLE_CLIENT_SECRET_SECRET", "OAUTH_GOOGLE_CLIENT_SECRET"),
    "the provider first": ("GOOGLE_OAUTH_CLIENT_SECRET", "OAUTH_GOOGLE_CLIENT_SECRET"),
    "a doubled word of the id": ("OAUTH_GOOGLE_CLIENT_CLIENT_ID", "OAUTH_GOOGLE_CLIENT_ID"),
    "the environment inside": ("OAUTH_GOOGLE_CLIENT_ID_STAGING", "OAUTH_GOOGLE_CLIENT_ID"),
    "no client": ("OAUTH_GOOGLE_SECRET", "OAUTH_GOOGLE_CLIENT_SECRET"),
}
"""How a variable was spelt, and which one was meant."""


def renamed(name: str, meant: str) -> dict[str, str]:
    """A provider of which one variable has another name."""
    return {name if variable == meant else variable: value for variable, value in GOOD.items()}


async def diagnosed(**environ: str) -> Diagnosis:
    """What a diagnosis of a gateway finds whose auth service is well."""
    async with FaultyAuthService() as service:
        return await AuthServiceDebugger({**ENVIRONMENT, "AUTH_SERVICE_URL": service.url, **environ}).run()


def of_oauth(diagnosis: Diagnosis) -> list[Check]:
    """What it has to say of providers."""
    return [each for each in diagnosis.checks if each.hop is Hop.CONFIGURATION and each.name.startswith("oauth")]


@pytest.mark.parametrize("spelling", MISSPELT)
async def test_the_first_finding_names_the_variable_as_it_stands_and_as_it_was_meant(spelling: str) -> None:
    name, meant = MISSPELT[spelling]
    diagnosis = await diagnosed(**renamed(name, meant))
    first = diagnosis.first
    assert first is not None
    said = f"{first.subject} {first.what} {first.why} {first.fix}"
    assert name in said
    assert f"Missing OAuth credential: {meant}" in said
    assert meant in first.fix
    assert diagnosis.ok, "logins with a password are not concerned"


@pytest.mark.parametrize("spelling", MISSPELT)
async def test_nothing_that_is_said_of_it_tells_a_value(spelling: str) -> None:
    diagnosis = await diagnosed(**renamed(*MISSPELT[spelling]))
    assert CLIENT_SECRET not in str(diagnosis)


async def test_with_the_right_names_there_is_nothing_to_find() -> None:
    diagnosis = await diagnosed(**GOOD, OAUTH_GOOGLE_REDIRECT_URI=CALLBACK)
    assert diagnosis.first is None
    assert CLIENT_SECRET not in str(diagnosis)


@pytest.mark.parametrize("half", GOOD)
def test_the_first_line_of_the_log_names_the_missing_half(half: str) -> None:
    (lost,) = set(GOOD) - {half}
    with lab() as service, Gateway(service.url, told={**ENVIRONMENT, half: GOOD[half]}) as running:
        line = first_complaint(running.lines)
        assert (line["event"], line["variable"]) == ("Missing OAuth credential", lost)
        assert line["what"] == f"Missing OAuth credential: {lost}"
        assert CLIENT_SECRET not in json.dumps(running.lines)


async def test_the_address_that_a_provider_gets_is_shown_in_full() -> None:
    (check,) = of_oauth(await diagnosed(**GOOD, OAUTH_GOOGLE_REDIRECT_URI=CALLBACK))
    assert CALLBACK in check.what
    (check,) = of_oauth(await diagnosed(**GOOD))
    assert "the auth service decides" in check.what
    assert "OAUTH_GOOGLE_REDIRECT_URI" in check.what
    both = await diagnosed(
        **GOOD, OAUTH_GOOGLE_REDIRECT_URI=CALLBACK, OAUTH_GITHUB_CLIENT_ID="x1y2z3", OAUTH_GITHUB_CLIENT_SECRET="t" * 20
    )
    assert [check.name for check in of_oauth(both)] == ["oauth_github", "oauth_google"]


@pytest.mark.parametrize(
    "uri",
    [
        "http://shop.test/auth/google/callback", "/auth/google/callback", "shop.test/auth/google/callback",
        f"{CALLBACK}#signed-in", "https://*.shop.test/auth/google/callback", f"{CALLBACK} x",
        "javascript:alert(1)", "https:///auth/google/callback",
    ],
)  # fmt: skip
async def test_an_address_that_no_provider_takes_is_found_before_the_first_user_is_sent_there(uri: str) -> None:
    first = (await diagnosed(**GOOD, OAUTH_GOOGLE_REDIRECT_URI=uri)).first
    assert first is not None
    assert (first.code, first.subject) == ("oauth_redirect_uri", "OAUTH_GOOGLE_REDIRECT_URI")


@pytest.mark.parametrize("uri", ["http://127.0.0.1:8000/callback", "http://localhost:3000/callback", CALLBACK])
async def test_an_address_of_this_machine_may_do_without_tls(uri: str) -> None:
    assert (await diagnosed(**GOOD, OAUTH_GOOGLE_REDIRECT_URI=uri)).first is None
