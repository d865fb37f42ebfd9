"""Set-ups of names: run by `test_names_of_ones_own.py`, in a network where the name server is ours.

It must never be collected by itself: outside of such a network there is no name server to command.
"""

from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
import pytest_asyncio

from netra.doctor.debugger import AuthServiceDebugger
from netra.doctor.diagnosis import Diagnosis, Hop, State
from netra.lab.faulty_auth_service import FaultyAuthService
from tests.diagnosis.means import IMPATIENT, told
from tests.ourselves.nameserver import NameServer

LONGEST_S = 3.0


@pytest.fixture(scope="module")
def names() -> Iterator[NameServer]:
    with NameServer() as one:
        yield one


@pytest_asyncio.fixture
async def service() -> AsyncIterator[FaultyAuthService]:
    async with FaultyAuthService() as one:
        yield one


async def diagnosed(service: FaultyAuthService, **changes: str) -> Diagnosis:
    """What is said of a gateway that knows its auth service by a name."""
    environ = told(AUTH_SERVICE_URL=f"http://auth.shop.test:{service.port}", **changes)
    return await AuthServiceDebugger(environ, timeout_s=8.0).run()


def first_of(diagnosis: Diagnosis) -> tuple[Any, str]:
    """Where the first finding is, and its code."""
    first = diagnosis.first
    assert first is not None
    return next(check.hop for check in diagnosis.checks if first in check.findings), first.code


async def inside_a_good_name(service: FaultyAuthService, names: NameServer) -> None:
    names.leads_to("127.0.0.1")
    diagnosis = await diagnosed(service)
    assert diagnosis.ok, diagnosis.first
    (looked_up,) = [check for check in diagnosis.checks if check.hop is Hop.DNS]
    assert (looked_up.state, "127.0.0.1" in looked_up.what) == (State.PASS, True)


@pytest.mark.parametrize("fault", ["nxdomain", "servfail", "no address"])
async def inside_a_name_that_leads_nowhere(service: FaultyAuthService, names: NameServer, fault: str) -> None:
    {"nxdomain": names.nxdomain, "servfail": names.servfail, "no address": names.leads_to}[fault]()
    diagnosis = await diagnosed(service)
    assert first_of(diagnosis) == (Hop.DNS, "dns_error")
    assert "auth.shop.test" in str(diagnosis.first)


async def inside_a_name_server_that_hangs(service: FaultyAuthService, names: NameServer) -> None:
    names.hang()
    diagnosis = await diagnosed(service, **IMPATIENT)
    assert first_of(diagnosis) == (Hop.DNS, "dns_timeout")
    assert diagnosis.elapsed_s < LONGEST_S


async def inside_a_name_that_leads_to_a_machine_that_is_off(service: FaultyAuthService, names: NameServer) -> None:
    names.leads_to("127.0.0.3")
    assert first_of(await diagnosed(service)) == (Hop.TCP, "connection_refused")


async def inside_a_name_of_which_one_address_is_dead(service: FaultyAuthService, names: NameServer) -> None:
    names.leads_to("127.0.0.1", "198.51.100.7")
    diagnosis = await diagnosed(service)
    hop, _ = first_of(diagnosis)
    assert hop is Hop.TCP
    assert "198.51.100.7" in str(diagnosis.first)
    assert diagnosis.ok, "logins get through by the other one"
