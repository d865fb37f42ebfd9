"""Settings of an embedded gateway: all problems in one exception, and never an exit.

It must never depend on the environment that the tests run in.
"""

import asyncio
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from netra.core.events import ConfigurationProblem
from netra.core.findings import Severity
from netra.core.secret import Secret
from netra.embed import SettingsProblem, open_gate
from netra.lab.faulty_auth_service import FaultyAuthService
from tests.embed.support import code_of, opened, told
from tests.incidents.operators import EMAIL, PASSWORD
from tests.support.gateways import ENVIRONMENT

SHORT = "too-short-to-be-one"


async def problem_of(environ: Mapping[str, Any]) -> SettingsProblem:
    """What opening a gate with these settings raises. What is not told by a type checker may be given, too."""
    with pytest.raises(SettingsProblem) as raised:
        async with open_gate(environ):
            pytest.fail("it opened")
    return raised.value


async def test_all_problems_are_one_exception_each_with_its_cure() -> None:
    spoilt = told("ftp://auth.test", SERVICE_SECRET=SHORT, NETRA_TRIES="many", NETRA_LOGIN_BUDGET_S="-1")
    problem = await problem_of(spoilt)
    lines = str(problem).splitlines()
    assert [line.split(": ")[1] for line in lines] == [
        "AUTH_SERVICE_URL", "SERVICE_SECRET", "NETRA_TRIES", "NETRA_LOGIN_BUDGET_S"
    ]  # fmt: skip
    errors = [each for each in problem.findings if each.severity is Severity.ERROR]
    assert lines == [each.line() for each in errors]
    assert all(each.fix and each.fix in line for each, line in zip(errors, lines, strict=True))
    assert SHORT not in str(problem)


async def test_nothing_at_all_says_what_is_needed() -> None:
    problem = await problem_of({})
    assert "AUTH_SERVICE_URL" in str(problem)
    assert "SERVICE_SECRET" in str(problem), "production, as nothing else was said"


def test_it_is_an_exception_that_a_backend_catches_and_no_exit() -> None:
    assert issubclass(SettingsProblem, Exception)


@pytest.mark.parametrize("value", [5, 5.0, True, None, b"5", Secret("x" * 32)], ids=lambda value: type(value).__name__)
async def test_a_value_that_is_no_text_is_a_problem_like_any_other(value: object) -> None:
    problem = await problem_of({**told("http://127.0.0.1:1"), "NETRA_TRIES": value, "SOMETHING_ELSE": value})
    assert str(problem).startswith("error: NETRA_TRIES: is not given as a text.")
    assert str(problem).count("error: ") == 1
    among_others = await problem_of({**told("", SERVICE_SECRET=SHORT), "AUTH_SERVICE_URL": value})
    subjects = [line.split(": ")[1] for line in str(among_others).splitlines()]
    assert sorted(subjects) == ["AUTH_SERVICE_URL", "SERVICE_SECRET"], "each once"


async def test_a_wire_file_that_cannot_be_used_is_a_problem_like_any_other(tmp_path: Path) -> None:
    wire = tmp_path / "ours.toml"
    wire.write_text("[call.login]\nmethod = 'POTS'\n")
    problem = await problem_of(told("http://127.0.0.1:1", NETRA_WIRE=str(wire)))
    assert "ours.toml" in str(problem)


async def test_the_environment_is_read_when_a_gate_opens_and_no_other_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    async with FaultyAuthService() as service:
        for name in [name for name in os.environ if name.startswith(("NETRA_", "SERVICE_", "AUTH_", "ENVIRONMENT"))]:
            monkeypatch.delenv(name)
        with pytest.raises(SettingsProblem, match="AUTH_SERVICE_URL"):
            async with open_gate():
                pass
        for name, value in told(service.url).items():
            monkeypatch.setenv(name, value)
        async with open_gate() as gate:
            assert code_of(await gate.log_in(EMAIL, PASSWORD)) == "accepted"


async def test_a_mapping_is_all_that_counts_when_one_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NETRA_LOGIN_BUDGET_S", "nonsense")
    async with FaultyAuthService() as service, open_gate(told(service.url), tell=lambda _: None) as gate:
        assert code_of(await gate.log_in(EMAIL, PASSWORD)) == "accepted"


async def test_doubts_are_told_and_stop_nobody() -> None:
    async with (
        FaultyAuthService() as service,
        opened(told(service.url, OAUTH_GITHUB_CLIENT_ID="here", OAUTH_GITHUB_CLIENT_SECRET="")) as one,
    ):
        doubts = [each.finding for each in one.recorded.of(ConfigurationProblem)]
    assert "OAUTH_GITHUB_CLIENT_SECRET" in {each.subject for each in doubts}
    assert Severity.NOTE not in {each.severity for each in doubts}


def test_a_gate_that_did_not_open_leaves_nothing_behind() -> None:
    async def fails() -> set[Any]:
        await problem_of({**ENVIRONMENT, "AUTH_SERVICE_URL": "https://auth.test", "AUTH_SERVICE_CA_FILE": "/nowhere"})
        return {each for each in asyncio.all_tasks() if each is not asyncio.current_task()}

    assert asyncio.run(fails()) == set()
