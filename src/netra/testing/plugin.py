"""A pytest plugin for backends that depend on an auth service: fixtures, and nothing that happens unasked.

It must never import more than pytest until a fixture is asked for, nor touch a test that asks for none.
"""

import contextlib
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from netra.testing.authds import AuthdBeside
    from netra.testing.gateways import GatewayBeside
    from netra.testing.labs import LabBeside
    from netra.testing.proxies import ProxyBeside


@pytest.fixture
def netra_lab() -> "Iterator[LabBeside]":
    """An auth service that fails on command: `.url`, `.fault(NAME)`, `.heal()`, `.journal`, `.deliveries(PATH)`."""
    from netra.testing.labs import lab_beside

    with lab_beside() as lab:
        yield lab


@pytest.fixture
def netra_chaos_proxy() -> "Iterator[Callable[[str], ProxyBeside]]":
    """Makes chaos proxies: `netra_chaos_proxy(URL)` or `netra_chaos_proxy("HOST:PORT")`, each to the test's end."""
    from netra.testing.proxies import proxy_beside

    with contextlib.ExitStack() as stack:
        yield lambda to: stack.enter_context(proxy_beside(to))


@pytest.fixture
def netra_gateway() -> "Iterator[Callable[..., GatewayBeside]]":
    """Makes gateways: `netra_gateway(AUTH_SERVICE_URL, NETRA_WIRE="…")`, each to the test's end."""
    from netra.testing.gateways import gateway_beside

    with contextlib.ExitStack() as stack:

        def opened(auth_service_url: str, **variables: str | None) -> "GatewayBeside":
            return stack.enter_context(gateway_beside(auth_service_url, variables))

        yield opened


@pytest.fixture
def netra_authd(tmp_path_factory: pytest.TempPathFactory) -> "Iterator[AuthdBeside]":
    """A real auth service with one user: `.url`, `.email`, `.password`, and `.variables` for a gateway before it."""
    from netra.testing.authds import authd_beside

    with authd_beside(tmp_path_factory.mktemp("netra_authd")) as authd:
        yield authd
