"""A diagnosis and a login tell one story: for every fault of the lab, both name the same cause.

It must never be known to the one what the other has said.
"""

from collections.abc import Mapping
from contextlib import AsyncExitStack
from typing import Any, Final, get_args

import pytest

from netra.core.secret import Secret
from netra.doctor.debugger import AuthServiceDebugger
from netra.lab.catalogue.fault import LOGIN
from netra.lab.faults import FAULTS, Fault, Stage
from netra.lab.faulty_auth_service import FaultyAuthService
from tests.diagnosis.means import IMPATIENT, PATIENT, Means
from tests.support.gateways import EMAIL, ENVIRONMENT, PASSWORD, gateway

STAGES: Final[tuple[Stage, ...]] = get_args(Stage)
CANARY: Final = {"canary": (EMAIL, Secret(PASSWORD))}
_TIMEOUT_S: Final = 6.0


def of_everything(stage: Stage) -> list[Fault]:
    """The faults of a stage that befall every call alike, and that a login does not survive."""
    return [fault for fault in FAULTS if fault.stage == stage and fault.code and not fault.paths]


def of_logins(stage: Stage) -> list[Fault]:
    """Those that only a login meets which is one."""
    return [
        each for each in FAULTS if each.stage == stage and each.code and each.call == "login" and LOGIN in each.paths
    ]


def test_there_are_many_of_both_kinds() -> None:
    assert sum(len(of_everything(stage)) for stage in STAGES) >= 120
    assert sum(len(of_logins(stage)) for stage in STAGES) >= 20


async def told_of(faults: list[Fault], means: Means, wanted: Mapping[str, Any]) -> dict[str, tuple[str, str]]:
    """By fault: what a login was answered, and what a diagnosis named first; where these differ."""
    waits = [fault for fault in faults if fault.code.endswith("_timeout")]
    others = [fault for fault in faults if fault not in waits]
    told = {**await _told_of(waits, means, wanted, IMPATIENT), **await _told_of(others, means, wanted, PATIENT)}
    return {name: codes for name, codes in told.items() if codes[0] != codes[1]}


async def _told_of(
    faults: list[Fault], means: Means, wanted: Mapping[str, Any], budgets: Mapping[str, str]
) -> dict[str, tuple[str, str]]:
    sealed = any(fault.certificate for fault in faults)
    trust = {"AUTH_SERVICE_CA_FILE": str(means.authority.file)} if sealed else {}
    told: dict[str, tuple[str, str]] = {}
    async with AsyncExitStack() as stack:
        service = await stack.enter_async_context(FaultyAuthService(authority=means.authority if sealed else None))
        running = await stack.enter_async_context(gateway(service.url, **budgets, **trust))
        environ = {**ENVIRONMENT, **budgets, **trust, "AUTH_SERVICE_URL": service.url}
        for fault in faults:
            service.fault(fault.name)
            answer = await running.log_in()
            diagnosis = await AuthServiceDebugger(environ, timeout_s=_TIMEOUT_S).run(**wanted)
            told[fault.name] = (str(answer.code), diagnosis.first.code if diagnosis.first else "nothing")
            service.heal()
    return told


@pytest.mark.parametrize("stage", [stage for stage in STAGES if of_everything(stage)])
async def test_a_diagnosis_names_what_a_login_is_answered(stage: Stage, means: Means) -> None:
    assert await told_of(of_everything(stage), means, {}) == {}


@pytest.mark.parametrize("stage", [stage for stage in STAGES if of_logins(stage)])
async def test_a_login_of_somebody_who_is_named_ends_as_everybodys_does(stage: Stage, means: Means) -> None:
    assert await told_of(of_logins(stage), means, CANARY) == {}
