"""Every named fault, with a real gateway in front: it answers as the row promises, and the next login is good."""

import asyncio
from collections.abc import AsyncIterator
from typing import NamedTuple

import pytest
import pytest_asyncio

from netra.lab.certificates import Authority
from netra.lab.faults import FAULTS, Fault
from netra.lab.faulty_auth_service import FaultyAuthService
from tests.support.gateways import EMAIL, IMPATIENT, PASSWORD, Running, gateway
from tests.support.problems import assert_problem
from tests.support.wire import Answer

TOKEN = EMAIL.encode().hex()
BEARER = [("Authorization", f"Bearer access-{TOKEN}")]
PATHS = {"login": "/auth/login", "register": "/auth/register", "refresh": "/auth/refresh", "validate": "/auth/validate"}
STRAY_S = 0.1
"""Longer than an unasked answer is held back: by then it has come, while nobody waits."""


class Gateways(NamedTuple):
    """One for faults that take all the time there is, and one for the others."""

    impatient: Running
    patient: Running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def before_plain(plain_of_file: FaultyAuthService) -> AsyncIterator[Gateways]:
    url = plain_of_file.url
    async with gateway(url, **IMPATIENT) as impatient, gateway(url, NETRA_LOGIN_BUDGET_S="10") as patient:
        yield Gateways(impatient, patient)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def before_sealed(sealed_of_file: FaultyAuthService, authority: Authority) -> AsyncIterator[Gateways]:
    url, trusting = sealed_of_file.url, {"AUTH_SERVICE_CA_FILE": str(authority.file)}
    async with gateway(url, **IMPATIENT, **trusting) as impatient, gateway(url, **trusting) as patient:
        yield Gateways(impatient, patient)


async def ask(running: Running, fault: Fault) -> Answer:
    """The call whose answer the fault's row tells."""
    if fault.call == "register":
        return await running.post("/register", {"email": EMAIL, "password": PASSWORD, "name": "Ada"})
    if fault.call == "refresh":
        return await running.post("/refresh", {"refresh_token": f"refresh-{TOKEN}"})
    if fault.call == "validate":
        return await running.get("/me", BEARER)
    return await running.log_in()


async def assert_as_promised(service: FaultyAuthService, gateways: Gateways, fault: Fault) -> None:
    """Status and code are those of the row, it was delivered at most once, and all is well afterwards."""
    running = gateways.impatient if fault.code.endswith("_timeout") else gateways.patient
    service.fault(fault.name)
    answer = await ask(running, fault)
    if fault.code:
        assert_problem(answer, fault.status, fault.code, "operator")
    else:
        assert (answer.status, answer.json["user"]["email"]) == (fault.status, EMAIL), answer
    met = [each.fault for each in service.delivered(PATHS[fault.call])]
    assert met == ([fault.name] if fault.meeting is None and fault.for_one else [])
    await asyncio.sleep(STRAY_S if fault.name.startswith("unasked") else 0)
    service.heal()
    good = await running.log_in()
    assert (good.status, good.json["user"]["email"]) == (200, EMAIL), good


@pytest.mark.parametrize("fault", [each for each in FAULTS if not each.certificate], ids=lambda fault: fault.name)
async def test_a_gateway_answers_a_fault_as_its_row_promises(
    plain: FaultyAuthService, before_plain: Gateways, fault: Fault
) -> None:
    await assert_as_promised(plain, before_plain, fault)


@pytest.mark.parametrize("fault", [each for each in FAULTS if each.certificate], ids=lambda fault: fault.name)
async def test_a_gateway_answers_a_fault_of_tls_as_its_row_promises(
    sealed: FaultyAuthService, before_sealed: Gateways, fault: Fault
) -> None:
    await assert_as_promised(sealed, before_sealed, fault)


@pytest.mark.parametrize(
    "fault", [each for each in FAULTS if each.for_one and each.call == "login"], ids=lambda fault: fault.name
)
async def test_an_address_brings_about_the_same_answer_as_the_switch(
    plain: FaultyAuthService, before_plain: Gateways, fault: Fault
) -> None:
    running = before_plain.impatient if fault.code.endswith("_timeout") else before_plain.patient
    name = fault.name.replace("-", "_")
    answer = await running.log_in(f"{name}@lab.test")
    code = answer.json.get("code", "")
    assert (answer.status, code) == (fault.status, fault.code), answer
    assert [each.fault for each in plain.delivered("/auth/login")] == [fault.name]
    await asyncio.sleep(STRAY_S if name.startswith("unasked") else 0)
    assert (await running.log_in()).status == 200, "somebody else's fault came to this user"
