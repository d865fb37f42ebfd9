"""The auth service as most tests want it: fresh, on a real socket and a real file, its clock in the test's hand."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.authd.support import LIMIT, Running, running, settings_in


@pytest.fixture
async def authd(tmp_path: Path) -> AsyncIterator[Running]:
    async with running(settings_in(tmp_path, lockout_rejections=LIMIT)) as one:
        yield one
