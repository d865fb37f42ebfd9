"""One real auth service for all incidents that were about two systems.

It must never be stopped, frozen or told to fail by a test: what fails on command is `netra.lab`.
"""

from collections.abc import Iterator

import pytest

from tests.incidents.operators import AuthService


@pytest.fixture(scope="session")
def auth_service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AuthService]:
    """The embedded auth service as a program of its own."""
    with AuthService(tmp_path_factory.mktemp("authd")) as service:
        yield service
