"""Two real identity providers, each started once for a file of tests.

They must never be shared with a test that stops them for good: such a test starts its own.
"""

import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Final

import pytest

from tests.providers.glewlwyd import FOUND, Glewlwyd
from tests.providers.node import NODE, NPM, NodeProvider, installed
from tests.providers.provider import Provider

KINDS: Final = ("oidc-provider", "glewlwyd")
Starting = Callable[[str], AbstractContextManager[Provider]]


@pytest.fixture(scope="session")
def starting(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Starting:
    """Starts a provider of a kind; the test is skipped where it is not to be had."""
    cache: pytest.Cache | None = getattr(request.config, "cache", None)  # none without its plugin
    packages = tmp_path_factory.mktemp("oidc-provider") if cache is None else cache.mkdir("oidc-provider")

    @contextmanager
    def start(kind: str) -> Iterator[Provider]:
        provider = _made(kind, packages, tmp_path_factory.mktemp(kind))
        try:
            yield provider
        finally:
            provider.stop()

    return start


@pytest.fixture(scope="module", params=KINDS)
def provider(request: pytest.FixtureRequest, starting: Starting) -> Iterator[Provider]:
    """A real identity provider that answers for the whole file."""
    with starting(request.param) as started:
        yield started


def _made(kind: str, packages: Path, folder: Path) -> Provider:
    if kind == "glewlwyd":
        if FOUND is None:
            pytest.skip("there is no glewlwyd here")
        return Glewlwyd(folder)
    if NODE is None or NPM is None:
        pytest.skip("there is no node or npm here")
    try:
        return NodeProvider(installed(packages), folder)
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired):
        pytest.skip("npm cannot fetch oidc-provider here")
