"""One real auth service for all that is embedded here.

It must never be ended by a test: one that needs its end starts its own.
"""

from collections.abc import Iterator

import pytest

from tests.incidents.operators import AuthService


@pytest.fixture(scope="session")
def auth_service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AuthService]:
    """The embedded auth service as a program of its own."""
    with AuthService(tmp_path_factory.mktemp("authd")) as service:
        yield service
