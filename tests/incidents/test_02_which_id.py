"""Calls between two services were refused for weeks: two defaults of the service's id stood in dozens of places.

And once a deploy had set the name under which a secret was kept where the secret itself belonged.
It must never matter which part of the gateway asks: all of them say the one id that was set, or none.
"""

import ast
from typing import Final

import pytest

from netra.lab.faulty_auth_service import FaultyAuthService
from netra.settings.field import rows
from netra.settings.read import read
from netra.settings.variables import Settings
from tests.house.source import dotted, sources
from tests.incidents.operators import errors, examined, told
from tests.live.rows import log_in, log_out, refresh, register, who_am_i
from tests.support.gateways import OTHER_SECRET, SECRET, Running, gateway

CALLS: Final = {
    "/auth/handshake", "/auth/login", "/auth/register", "/auth/refresh", "/auth/logout", "/auth/validate",
    "/auth/config", "/auth/revocations",
}  # fmt: skip
"""Every call that says who is asking."""
NAMES: Final = {
    "SERVICE_SECRET": "name_as_value",
    "NETRA_SERVICE_SECRET": "name_as_value",
    "netra-service-secret": "name_as_value",
    "service-secret-staging": "name_as_value",
    "netra-backend-service-secret-production": "name_as_value",
    "projects/shop/secrets/service-secret/versions/latest": "secret_reference",
    "arn:aws:secretsmanager:eu-central-1:123456789012:secret:netra": "secret_reference",
    "${SERVICE_SECRET}": "shell_text",
}
"""What was deployed as a secret's value, or could be, and under which code it is found."""


async def everything(running: Running) -> None:
    """Ask everything that a gateway asks for its users."""
    for ask in (log_in, register, refresh, log_out, who_am_i):
        await ask(running, [])
    await running.get("/config")


async def said(service: FaultyAuthService, **environ: str | None) -> dict[str, set[tuple[str | None, str | None]]]:
    """Id and secret as they came with each kind of call."""
    async with gateway(service.url, **environ) as running:
        await everything(running)
    heard: dict[str, set[tuple[str | None, str | None]]] = {}
    for delivery in service.journal:
        pair = (delivery.header("X-Service-ID"), delivery.header("X-Service-Secret"))
        heard.setdefault(delivery.path, set()).add(pair)
    return heard


async def test_every_call_says_the_one_id_and_the_one_secret_that_were_set() -> None:
    async with FaultyAuthService() as service:
        heard = await said(service, SERVICE_ID="shop-backend", SERVICE_SECRET=OTHER_SECRET)
    assert heard.pop("/health") == {(None, None)}
    assert heard == {path: {("shop-backend", OTHER_SECRET)} for path in CALLS}


async def test_a_second_secret_changes_the_secret_and_never_the_id() -> None:
    async with FaultyAuthService(secret=SECRET) as service:
        heard = await said(
            service, SERVICE_ID="shop-backend", SERVICE_SECRET=OTHER_SECRET, SERVICE_SECRET_PREVIOUS=SECRET
        )
    assert heard["/auth/handshake"] == {("shop-backend", OTHER_SECRET), ("shop-backend", SECRET)}
    assert {service_id for path in CALLS for service_id, _ in heard[path]} == {"shop-backend"}


async def test_without_an_id_no_call_makes_one_up() -> None:
    async with FaultyAuthService() as service:
        heard = await said(service, SERVICE_ID=None, SERVICE_SECRET=None)
    assert heard == {path: {(None, None)} for path in CALLS | {"/health"}}


@pytest.mark.parametrize("environment", ["development", "test", "staging", "production"])
def test_no_environment_has_an_id_or_a_secret_by_default(environment: str) -> None:
    environ = {"ENVIRONMENT": environment, "NETRA_REQUIRE_SERVICE_CREDENTIALS": "false"}
    shown = {each.variable: each for each in read(environ).effective}
    for variable in ("SERVICE_ID", "SERVICE_SECRET"):
        assert (shown[variable].value, shown[variable].origin) == (None, "default")


def test_there_is_one_definition_and_nobody_else_looks_into_the_environment_for_a_setting() -> None:
    named = [row.name for _, row in rows(Settings) if "SERVICE_ID" in row.names or "SERVICE_ID" in row.name]
    assert named == ["SERVICE_ID"]
    looked_up = [
        f"{source.path}:{node.lineno}: {ast.unparse(node)}"
        for source in sources("src/netra")
        for node in ast.walk(source.tree)
        if (isinstance(node, ast.Subscript) and dotted(node.value).endswith("environ"))
        or (isinstance(node, ast.Call) and dotted(node.func).endswith(("environ.get", "getenv")))
    ]
    settings = [each for each in looked_up if not each.startswith("src/netra/settings/") and "SERVICE" in each]
    assert settings == []
    assert any(each.startswith("src/netra/settings/") for each in looked_up), "the search finds nothing at all"


@pytest.mark.parametrize(("name", "code"), NAMES.items())
def test_the_name_of_a_secret_is_not_taken_for_the_secret(name: str, code: str) -> None:
    (finding,) = errors(told(SERVICE_SECRET=name))
    assert (finding.subject, finding.code) == ("SERVICE_SECRET", code)
    assert finding.fix


@pytest.mark.parametrize("name", ["SERVICE_ID", "service-id-staging", "NETRA_SERVICE_ID"])
def test_the_name_of_the_id_is_not_taken_for_the_id(name: str) -> None:
    (finding,) = errors(told(SERVICE_ID=name))
    assert (finding.subject, finding.code) == ("SERVICE_ID", "name_as_value")


def test_the_line_that_a_refused_start_leaves_says_that_it_is_a_name() -> None:
    (last,) = examined(told(SERVICE_SECRET="netra-backend-service-secret-production")).error_lines
    assert last == (
        "error: SERVICE_SECRET: is the name of a secret or variable, not its content. "
        "Set the content of the secret or variable, not its name."
    )
