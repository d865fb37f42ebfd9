"""What operators read of what is in use, what has changed, and in what both sides do not agree."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pytest

import netra
from netra.core.secret import Secret
from netra.lab.certificates import Authority
from netra.lab.faulty_auth_service import FaultyAuthService
from netra.settings.field import configuration_fingerprint, fingerprint
from tests.support.gateways import SECRET, SERVICE_ID, Running, gateway, settings_for
from tests.web.support import asked

PATIENCE_S: Final = 15.0
OFTEN: Final = {"NETRA_PROBE_INTERVAL_S": "0.1"}


def lines(running: Running, event: str) -> list[dict[str, Any]]:
    return [line for line in running.lines if line["event"] == event]


async def until(happened: Callable[[], object]) -> None:
    """Wait until this is so."""
    async with asyncio.timeout(PATIENCE_S):
        while not happened():
            await asyncio.sleep(0.01)


async def test_what_is_in_use_is_told_at_the_start(service: FaultyAuthService) -> None:
    async with gateway(service.url) as running:
        said = {line["what"]: line["now"] for line in lines(running, "In use")}
    assert said == {
        "version": netra.__version__,
        "configuration": configuration_fingerprint(settings_for(service.url, {})),
        "service_id": SERVICE_ID,
        "service_secret": fingerprint(Secret(SECRET)),
    }


async def test_another_certificate_of_the_auth_service_is_a_change(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    async with FaultyAuthService(tls=authority.good()) as service:
        told = {"AUTH_SERVICE_CA_FILE": str(authority.file), "NETRA_IDLE_CONNECTION_S": "0.1"}
        async with gateway(service.url, **told) as running:
            await running.log_in()
            (first,) = [line for line in lines(running, "In use") if line["what"] == "peer_certificate"]
            await service.stop()
            async with FaultyAuthService(port=service.port, tls=authority.good()):
                await running.log_in()
                (change,) = lines(running, "Changed")
    assert (change["what"], change["before"]) == ("peer_certificate", first["now"])
    assert change["now"] != first["now"]


@pytest.mark.parametrize(
    "member", ["version", "service_id", "environment", "issuer", "audience", "secret_fingerprints", "key_ids"]
)
async def test_an_auth_service_that_repeats_our_secret_has_it_shown_nowhere(member: str) -> None:
    # That no line tells it is seen to at the end of every gateway under test.
    echo = [SECRET] if member in ("secret_fingerprints", "key_ids") else f"v-{SECRET}"
    strict = {"NETRA_TOKEN_ISSUER": "https://id.test", "NETRA_TOKEN_AUDIENCE": "shop"}
    async with FaultyAuthService(says={member: echo}) as service, gateway(service.url, **OFTEN, **strict) as running:
        gate = running.assembled.gateway
        await until(lambda: gate.standing.handshake == "accepted")
        service.says["version"] = "another"
        gate.parts.link.doubted = True
        await until(lambda: gate.standing.version == "another")
        health = await asked(running.assembled.admin, "GET", "/health", None, {"Host": "localhost"})
        assert SECRET not in repr(gate.standing) + health.body.decode()


async def test_an_auth_service_of_another_environment_is_a_problem_until_it_is_not() -> None:
    other = FaultyAuthService(says={"environment": "production", "version": "1"})
    async with other as service, gateway(service.url, **OFTEN) as running:
        (problem,) = [line for line in lines(running, "Configuration problem") if "environment" in line["code"]]
        assert problem["code"] == "environment_differs"
        assert "production" in problem["what"]
        link = running.assembled.gateway.parts.link
        assert [each.code for each in link.standing.differences] == ["environment_differs"]
        service.says |= {"environment": "test", "version": "2"}
        link.doubted = True
        await until(lambda: not link.standing.differences)
        assert [(line["what"], line["before"], line["now"]) for line in lines(running, "Changed")] == [
            ("auth_service_version", "1", "2")
        ]
