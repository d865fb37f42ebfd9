"""In one environment anybody could be anybody: a switch that was meant for tests had been set where users were.

What answered there in place of the auth service came from the tests, too. It must never exist, such a switch: no
variable and no header lets a wrong password in, and no part of the tests is loaded by what serves users.
"""

import ast
import asyncio
import re
from collections.abc import Iterator
from io import BytesIO
from itertools import islice
from typing import Any, Final

import pytest

from netra.assemble import open_gateway
from netra.doctor.configuration import configuration
from netra.lab.faulty_auth_service import FaultyAuthService
from netra.lab.healthy import WRONG_PASSWORD
from netra.settings.field import Problem, rows
from netra.settings.read import known_names, read
from netra.settings.variables import Settings
from netra.testing.fakes import Recorded
from tests.house.source import sources
from tests.support.gateways import EMAIL, PASSWORD, SECRET, SERVICE_ID, Running, gateway, served
from tests.support.labs import lab
from tests.support.problems import assert_problem
from tests.support.programs import Gateway
from tests.support.wire import post

ENVIRONMENTS: Final = ("development", "test", "staging", "production")
TEXTS: Final = (
    "true", "false", "operator", "public", "*", "/any", "debug", "0.5", "2", "127.0.0.1", "http://127.0.0.1:9",
    "test-only-Xq8RzL0mWc5YkUe2NsHbP7dGfAo9iT",
)  # fmt: skip
"""What somebody might set a variable to; every setting accepts some of these."""
MOST_TEXTS: Final = 2
"""How many of them are tried with one variable; a switch has but two."""
ASKS_NOBODY_ELSE: Final = {"AUTH_SERVICE_URL", "AUTH_SERVICE_ENABLED"}
"""With these changed there is nobody who could let anybody in."""
NOTORIOUS: Final = dict.fromkeys(
    (
        "AUTH_BYPASS", "BYPASS_AUTH", "SKIP_AUTH", "DISABLE_AUTH", "AUTH_DISABLED", "NO_AUTH", "MOCK_AUTH", "FAKE_AUTH",
        "TESTING", "TEST_MODE", "E2E_TESTING", "DEMO_MODE", "DEV_MODE", "DEBUG", "CI", "PYTEST_CURRENT_TEST",
        "ALLOW_INSECURE", "NETRA_BYPASS", "NETRA_TESTING", "NETRA_DEMO_MODE", "NETRA_SKIP_AUTH", "AUTH_SERVICE_MOCK",
    ),
    "true",
)  # fmt: skip
"""Names under which other programs have such a switch."""
NOTORIOUS_HEADERS: Final = (
    "x-bypass-auth", "x-skip-auth", "x-test-user", "x-test-mode", "x-e2e-test", "x-debug", "x-user-id", "x-user-email",
    "x-forwarded-user", "x-remote-user", "x-auth-subject", "x-auth-email", "x-original-url", "x-http-method-override",
    "x-internal-request", "x-service-id", "x-service-secret", "x-admin-token", "x-environment", "x-netra-test",
)  # fmt: skip
OF_FRAMING: Final = {
    "host", "content-type", "content-length", "content-encoding", "transfer-encoding", "connection", "upgrade",
    "expect", "te", "trailer",
}  # fmt: skip
"""What makes a request another request, or none."""
DOUBLES: Final = (
    "netra.testing", "netra.lab", "netra.demo", "netra.authd", "unittest.mock", "pytest", "_pytest", "tests",
)  # fmt: skip


def production_like(environment: str, url: str) -> dict[str, str]:
    """A gateway of this environment in front of an auth service on this machine."""
    return {
        "ENVIRONMENT": environment,
        "AUTH_SERVICE_URL": url,
        "NETRA_PLAINTEXT_HOSTS": "127.0.0.1",
        "SERVICE_ID": SERVICE_ID,
        "SERVICE_SECRET": SECRET,
    }


def changes(base: dict[str, str]) -> Iterator[tuple[str, Settings]]:
    """Every variable, set to what it accepts of `TEXTS`, and what the settings are then."""
    seen = {repr(read(base).settings)}
    for _, row in rows(Settings):
        texts = [text for text in TEXTS if not isinstance(row.kind.parse(text), Problem)]
        for name in row.names:
            accepted = (settings for text in texts if (settings := configuration({**base, name: text}).settings))
            for settings in islice((each for each in accepted if repr(each) not in seen), MOST_TEXTS):
                seen.add(repr(settings))
                yield row.name, settings


async def logins(settings: Settings) -> tuple[Any, Any]:
    """The answers to the right and to the wrong password at a gateway with these settings."""
    async with open_gateway(settings, Recorded()) as assembled, served(assembled.public, asyncio.Event()) as url:
        running = Running(url, assembled, BytesIO(), asyncio.Event())
        target = f"{settings.prefix}/login"
        right = await post(running.url, target, {"email": EMAIL, "password": PASSWORD})
        wrong = await post(running.url, target, {"email": EMAIL, "password": WRONG_PASSWORD})
    return right, wrong


@pytest.mark.parametrize("environment", ENVIRONMENTS)
async def test_no_setting_in_any_environment_lets_a_wrong_password_in(environment: str) -> None:
    async with FaultyAuthService() as service:
        changed = list(changes(production_like(environment, service.url)))
        answers = await asyncio.gather(*(logins(settings) for _, settings in changed))
    for (name, _), (right, wrong) in zip(changed, answers, strict=True):
        assert b"access_token" not in wrong.raw, name
        expected = (503, 503) if name in ASKS_NOBODY_ELSE else (200, 401)
        assert (right.status, wrong.status) == expected, f"{name}: {right} {wrong}"
    assert len({name for name, _ in changed}) > 20, "hardly a setting has been changed"


def test_nothing_but_the_table_of_settings_is_looked_up() -> None:
    asked: set[str] = set()

    class Watched(dict[str, str]):
        def __getitem__(self, name: str) -> str:
            asked.add(name)
            return super().__getitem__(name)

        def __contains__(self, name: object) -> bool:
            asked.add(str(name))
            return super().__contains__(name)

        def get(self, name: str, default: Any = None) -> Any:
            asked.add(name)
            return super().get(name, default)

    loaded = read(Watched({**production_like("staging", "http://127.0.0.1:9"), **NOTORIOUS}))
    assert loaded.settings is not None
    assert asked - known_names() == set()
    assert {"SERVICE_SECRET", "ENVIRONMENT"} <= asked


def test_no_setting_is_even_named_like_a_bypass() -> None:
    words = re.compile(
        "BYPASS|SKIP|MOCK|FAKE|DISABLE|INSECURE|UNSAFE|DEBUG|TEST|DEMO|SIMULAT|IMPERSONAT|MASTER|BACKDOOR"
    )
    assert [name for name in known_names() if words.search(name)] == []


def known_headers() -> set[str]:
    """The names of all headers that a listener of ours could look at."""
    texts = {
        node.value.decode()
        for source in sources("src/netra")
        for node in ast.walk(source.tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, bytes)
        if re.fullmatch(rb"[a-z][a-z0-9]*(-[a-z0-9]+)*", node.value)
    }
    return texts - OF_FRAMING


async def test_no_header_lets_a_wrong_password_in() -> None:
    known = known_headers()
    assert {"authorization", "x-forwarded-for", "x-request-id", "x-service-secret"} <= known
    async with FaultyAuthService() as service, gateway(service.url, NETRA_TRUSTED_PROXIES="127.0.0.1") as running:
        assert (await running.log_in()).status == 200
        for name in sorted(known | set(NOTORIOUS_HEADERS)):
            # Whoever sends a secret as the name of a request finds it where such names are written: in the log.
            secret = () if name == "x-request-id" else (SECRET,)
            for value in ("true", SERVICE_ID, *secret, "Bearer true", EMAIL, "127.0.0.1"):
                answer = await running.log_in(password=WRONG_PASSWORD, headers=[(name, value)])
                assert answer.status == 401, f"{name}: {value}: {answer}"


async def test_an_auth_service_that_is_not_there_lets_nobody_in() -> None:
    async with FaultyAuthService() as service:
        url = service.url
    told = [read({**production_like(environment, url), **NOTORIOUS}).settings for environment in ENVIRONMENTS]
    answers = await asyncio.gather(*(logins(settings) for settings in told if settings is not None))
    assert [(right.status, wrong.status) for right, wrong in answers] == [(503, 503)] * len(ENVIRONMENTS)
    assert all(b"access_token" not in answer.raw for pair in answers for answer in pair)


def test_a_server_under_every_notorious_switch_refuses_a_wrong_password_and_has_loaded_no_double() -> None:
    with lab() as service:
        how = {**production_like("test", service.url), **NOTORIOUS, "PYTHONPROFILEIMPORTTIME": "1"}
        with Gateway(service.url, told=how) as program:
            assert program.log_in(EMAIL, PASSWORD).status == 200
            headers = [(name, "true") for name in NOTORIOUS_HEADERS]
            assert_problem(program.log_in(EMAIL, WRONG_PASSWORD, headers), 401, "invalid_credentials")
            strange = {line["variable"] for line in program.lines if line.get("code") == "unknown_variable"}
    assert strange >= {name for name in NOTORIOUS if name.startswith("NETRA_")}, "a switch without effect was not told"
    loaded = {
        line.rpartition("|")[2].strip() for line in program.complaints.splitlines() if line.startswith("import time:")
    }
    assert {"netra.assemble", "netra.gateway.login"} <= loaded
    assert [name for name in loaded if f"{name}.".startswith(tuple(f"{double}." for double in DOUBLES))] == []
