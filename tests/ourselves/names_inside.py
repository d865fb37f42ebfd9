"""What is asked of a real resolver: run by `test_names.py`, in a network where the name server is ours.

It must never be collected by itself: outside of such a network there is no name server to command.
"""

import time
from collections.abc import Iterator

import pytest

from netra.lab.faulty_auth_service import FaultyAuthService
from tests.ourselves.nameserver import NameServer
from tests.ourselves.support import Kept, kept_line, lines_to, login_bytes, until
from tests.support import wire
from tests.support.gateways import ENVIRONMENT
from tests.support.labs import lab
from tests.support.problems import assert_problem
from tests.support.programs import Gateway

CONNECT_S = 0.3
MORE_S = 0.1
TOLD = {
    **ENVIRONMENT,
    "NETRA_CONNECT_TIMEOUT_S": str(CONNECT_S),
    "NETRA_IDLE_CONNECTION_S": "0.1",
    "NETRA_BREAKER": "true",
}


@pytest.fixture(scope="module")
def names() -> Iterator[NameServer]:
    with NameServer() as one:
        yield one


@pytest.fixture(scope="module")
def service() -> Iterator[FaultyAuthService]:
    with lab() as one:
        yield one


@pytest.fixture(scope="module")
def program(names: NameServer, service: FaultyAuthService) -> Iterator[Gateway]:
    with Gateway(f"http://auth.shop.test:{service.port}", told=TOLD) as one:
        yield one


@pytest.fixture
def line(program: Gateway, names: NameServer) -> Iterator[Kept]:
    """A client of a gateway that knows a good name, and whose connections are all too old."""
    names.leads_to("127.0.0.1")
    with kept_line(program.url) as one:
        until(lambda: one.ask(login_bytes(keep=True)).status == 200, "a good login")
        time.sleep(0.3)
        yield one


def quickest_s(line: Kept, code: str) -> float:
    """How long the quickest of three logins takes that come to nothing."""
    took_s = []
    for _ in range(3):
        began_s = time.monotonic()
        assert_problem(line.ask(login_bytes(keep=True)), 503, code)
        took_s.append(time.monotonic() - began_s)
    return min(took_s)


def inside_a_name_that_does_not_exist(line: Kept, names: NameServer) -> None:
    names.nxdomain()
    assert quickest_s(line, "dns_error") < CONNECT_S


def inside_a_name_server_that_fails(line: Kept, names: NameServer) -> None:
    names.servfail()
    assert quickest_s(line, "dns_error") < CONNECT_S + MORE_S


def inside_a_name_without_an_address(line: Kept, names: NameServer) -> None:
    names.leads_to()
    assert quickest_s(line, "dns_error") < CONNECT_S


def inside_a_name_server_that_hangs(line: Kept, program: Gateway, names: NameServer) -> None:
    names.hang()
    assert CONNECT_S - MORE_S < quickest_s(line, "dns_timeout") < CONNECT_S + MORE_S
    with lines_to(program.url, 40) as lines:
        began_s = time.monotonic()
        for each in lines:
            each.sendall(login_bytes())
        assert wire.ask_now(program.url, "GET", "/livez").status == 200
        codes = {wire.parse(each.recv(65536)).code for each in lines}
        assert codes == {"dns_timeout"}
        assert time.monotonic() - began_s < 5.0


def inside_a_name_that_has_moved(line: Kept, names: NameServer, service: FaultyAuthService) -> None:
    with lab(host="127.0.0.2", port=service.port) as other:
        names.leads_to("127.0.0.2")
        before = len(service.delivered("/auth/login"))
        assert line.ask(login_bytes(keep=True)).status == 200
        assert len(service.delivered("/auth/login")) == before
        assert len(other.delivered("/auth/login")) == 1


def inside_a_first_address_where_nobody_is(line: Kept, names: NameServer) -> None:
    names.leads_to("127.0.0.3", "127.0.0.1")
    assert line.ask(login_bytes(keep=True)).status == 200


def inside_no_descriptor_to_ask_a_name_server_with(line: Kept, program: Gateway, names: NameServer) -> None:
    asked_count = names.asked_count
    with program.without_descriptors():
        for _ in range(25):
            assert_problem(line.ask(login_bytes(keep=True)), 503, "local_resource_exhausted")
    assert names.asked_count == asked_count
    assert line.ask(login_bytes(keep=True)).status == 200, "a lack of ours opens no circuit"
