"""The auth service as tests want it: fresh with its clock in the test's hand, or as a process asked from outside."""

import json
import os
import secrets
import signal
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.authd.support import (
    LIMIT,
    PASSWORD,
    Client,
    Running,
    Target,
    User,
    client_of,
    running,
    settings_in,
)


@pytest.fixture
async def authd(tmp_path: Path) -> AsyncIterator[Running]:
    async with running(settings_in(tmp_path, lockout_rejections=LIMIT)) as one:
        yield one


@pytest.fixture(scope="session")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    """Ours, as a process of its own, made by the commands that an operator uses."""
    folder = tmp_path_factory.mktemp("authd")
    environ = {
        **{name: value for name, value in os.environ.items() if not name.startswith(("NETRA_", "SERVICE_"))},
        "NETRA_AUTHD_DATABASE_URL": f"sqlite:///{folder}/authd.db",
        "NETRA_DRAIN_DELAY_S": "0",
        "ENVIRONMENT": "staging",
        "PYTHONPATH": ":".join(sys.path),
    }
    netra = [sys.executable, "-m", "netra"]
    added = subprocess.run([*netra, "services", "add", "netra-backend"], env=environ, check=True, capture_output=True)
    credentials = dict(line.split("=", 1) for line in added.stdout.decode().splitlines())
    with (
        (Path(folder) / "log").open("wb") as log,
        subprocess.Popen([*netra, "authd", "--port", "0"], env=environ, stdout=subprocess.PIPE, stderr=log) as process,
    ):
        assert process.stdout is not None
        said: dict[str, Any] = {}
        while said.get("event") != "Auth service listening":
            said = json.loads(process.stdout.readline())
        # Nobody may stop reading: a full pipe would hold up the service.
        draining = threading.Thread(target=process.stdout.read, daemon=True)
        draining.start()
        yield Target(said["url"], credentials["SERVICE_ID"], credentials["SERVICE_SECRET"])
        process.send_signal(signal.SIGTERM)
        process.wait()
        draining.join()
    assert process.returncode == 0


@pytest.fixture
async def client(target: Target) -> AsyncIterator[Client]:
    async with client_of(*target) as one:
        yield one


@pytest.fixture
async def user(client: Client) -> User:
    email = f"ada-{secrets.token_hex(6)}@example.com"
    reply = await client.post("/auth/register", {"email": email, "password": PASSWORD, "name": "Ada"})
    assert reply.status == 201
    assert reply.body["user"] == {"id": reply.body["user"]["id"], "email": email, "name": "Ada"}
    return User(email, reply.body["user"]["id"])
