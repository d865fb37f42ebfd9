"""A real Prometheus beside a test: it scrapes what it is told every second, with the rules that we deploy.

It must never outlive its test, nor write outside the folder it is given.
"""

import asyncio
import contextlib
import json
import math
import os
import shutil
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Final, NamedTuple
from urllib.parse import urlencode

import pytest

from tests.house.source import ROOT
from tests.support import wire
from tests.support.places import free_port, listening

_PATH: Final = f"{os.environ.get('PATH', '')}:/usr/local/bin"
PROMETHEUS: Final = shutil.which("prometheus", path=_PATH)
PROMTOOL: Final = shutil.which("promtool", path=_PATH)
RULES: Final = (ROOT / "deploy/prometheus/alerts.yaml", ROOT / "deploy/prometheus/recording.yaml")
needs_prometheus: Final = pytest.mark.skipif(
    PROMETHEUS is None or PROMTOOL is None, reason="prometheus is not installed (Debian: prometheus)"
)
_PATIENCE_S: Final = 30.0


class Prometheus(NamedTuple):
    """One that answers."""

    url: str

    async def ask(self, path: str, **parameters: str) -> Any:
        """One question to its HTTP API. Raises: AssertionError, with what it says is wrong."""
        answer = await wire.ask(self.url, "GET", f"/api/v1/{path}?{urlencode(parameters)}")
        document = json.loads(answer.body)
        assert document["status"] == "success", document.get("error")
        return document["data"]["result"] if "result" in document["data"] else document["data"]

    async def now(self, expr: str) -> list[float]:
        """The values of an expression at this moment, NaN left out."""
        found = [float(each["value"][1]) for each in await self.ask("query", query=expr)]
        return [each for each in found if not math.isnan(each)]

    async def lately(self, expr: str, seconds: int = 60) -> Any:
        """The series of an expression over the last seconds."""
        at = time.time()
        return await self.ask("query_range", query=expr, start=f"{at - seconds:.3f}", end=f"{at:.3f}", step="1")

    async def ready(self) -> None:
        """Wait until it has read what it kept, and answers questions."""
        async with asyncio.timeout(_PATIENCE_S):
            while (await wire.ask(self.url, "GET", "/-/ready")).status != 200:
                await asyncio.sleep(0.05)

    async def until(self, expr: str) -> None:
        """Wait until an expression has a value."""
        async with asyncio.timeout(_PATIENCE_S):
            while not await self.now(expr):
                await asyncio.sleep(0.2)


@contextlib.asynccontextmanager
async def prometheus(folder: Path, scraped: str) -> AsyncIterator[Prometheus]:
    """Scrapes the listener at the URL `scraped`, with `job="netra"`."""
    assert PROMETHEUS is not None
    port, file = free_port(), folder / "prometheus.yaml"
    static = {"job_name": "netra", "static_configs": [{"targets": [scraped.removeprefix("http://")]}]}
    often = {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"}
    file.write_text(json.dumps({"global": often, "rule_files": [*map(str, RULES)], "scrape_configs": [static]}))
    with (folder / "prometheus.log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            PROMETHEUS, f"--config.file={file}", f"--storage.tsdb.path={folder / 'tsdb'}", "--log.level=warn",
            f"--web.listen-address=127.0.0.1:{port}", stdout=log, stderr=log,
        )  # fmt: skip
    try:
        await listening(port)
        running = Prometheus(f"http://127.0.0.1:{port}")
        await running.ready()
        await running.until("up == 1")
        yield running
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        await process.wait()
