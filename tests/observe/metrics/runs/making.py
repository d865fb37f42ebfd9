"""Makes one recording: a gateway as users run it, in front of an auth service that breaks, used and scraped meanwhile.

It must never tell the gateway that it is recorded: its time runs as fast as its whole process's does.
"""

import asyncio
import contextlib
import itertools
import sys
import time
from collections.abc import Coroutine
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from prometheus_client.parser import text_string_to_metric_families

from netra.lab.healthy import WRONG_PASSWORD
from tests.observe.metrics.runs.catalogue import BY_NAME, Run, Traffic
from tests.observe.metrics.runs.recording import COUNTERS, STEP_S, Recording, Values, as_text, grown
from tests.observe.metrics.runs.scenes import BUDGET_S, Scene
from tests.support.gateways import PASSWORD, Running, gateway, served
from tests.support.wire import Answer, ask

WELL_STEPS_COUNT: Final = 12
TOLD: Final = {
    "NETRA_BREAKER": "true",
    "NETRA_PROBE_INTERVAL_S": "5",
    "NETRA_REVOCATIONS_INTERVAL_S": "5",
    "NETRA_TOKEN_CACHE_S": "30",
    "NETRA_THROTTLE_ACCOUNT": "5/15m",
    "NETRA_THROTTLE_ADDRESS": "60/1m",
    "NETRA_TRUSTED_PROXIES": "127.0.0.1",
    "NETRA_LOGIN_BUDGET_S": f"{BUDGET_S:g}",
    "NETRA_TOKEN_BUDGET_S": "10",
    "NETRA_CONNECT_TIMEOUT_S": "6",
    "NETRA_LOG_LEVEL": "info",
}
"""As the product is, but for the budgets."""
_BAD: Final = frozenset({"warning", "error"})
_UNTOLD: Final = ("_created", "netra_auth_service_phase_seconds_bucket")
"""Of no use to an alert, and many."""


class Usage:
    """People who log in and show tokens, always other ones."""

    def __init__(self, running: Running, scene: Scene, traffic: Traffic) -> None:
        self._running = running
        self._signer = scene.signer
        self._traffic = traffic
        self._numbers = itertools.count()
        self._token = ""
        self.last: dict[str, Answer] = {}
        """The latest answers, by journey."""

    def coming(self, *, attacked: bool) -> list[Coroutine[Any, Any, None]]:
        """Everything that comes in between two scrapes, one after the other."""
        traffic = self._traffic
        coming = [self._log_in(f"user-{next(self._numbers)}") for _ in range(traffic.rights_count)]
        coming += [self._log_in(f"user-{next(self._numbers)}", WRONG_PASSWORD) for _ in range(traffic.wrongs_count)]
        coming += [self._check() for _ in range(traffic.checks_count)]
        if attacked:
            coming += [self._log_in(f"few-{each % 5}", WRONG_PASSWORD) for each in range(traffic.guesses_count)]
            coming += [self._log_in(f"many-{next(self._numbers)}", WRONG_PASSWORD) for _ in range(traffic.spread_count)]
        return [self._later(each, at / len(coming)) for at, each in enumerate(coming)]

    @staticmethod
    async def _later(coming: Coroutine[Any, Any, None], part: float) -> None:
        await asyncio.sleep(part * STEP_S)
        await coming

    async def _log_in(self, name: str, password: str = PASSWORD) -> None:
        number = next(self._numbers)
        address = "198.51.100.66" if name.startswith("few") else f"10.{number >> 8 & 255}.{number & 255}.7"
        headers = [("X-Forwarded-For", address)]
        answer = await _heard(self._running.log_in(f"{name}@example.com", password, headers))
        if answer is not None and password == PASSWORD:
            self.last["login"] = answer

    async def _check(self) -> None:
        number = next(self._numbers)
        if number % 4 or not self._token:
            email = f"user-{number}@example.com"
            signed = self._signer and self._signer.with_claims(jti=f"token-{number}", exp=int(time.time()) + 90_000)
            self._token = signed or f"access-{email.encode().hex()}"
        answer = await _heard(self._running.get("/verify", [("Authorization", f"Bearer {self._token}")]))
        if answer is not None:
            self.last["verify"] = answer


async def _heard(asking: Coroutine[Any, Any, Answer]) -> Answer | None:
    """An answer; None where whoever asked gave up, or found nobody."""
    with contextlib.suppress(TimeoutError, OSError):
        return await asking
    return None


class Scrapes:
    """What Prometheus would have kept."""

    def __init__(self) -> None:
        self.series: dict[str, Values] = {}
        self.count = 0

    def keep(self, text: str) -> None:
        """One scrape."""
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                if not sample.name.endswith(_UNTOLD[0]) and sample.name != _UNTOLD[1]:
                    labels = ",".join(f'{name}="{value}"' for name, value in sorted(sample.labels.items()))
                    name = f"{sample.name}{{{labels}}}" if labels else sample.name
                    self.series.setdefault(name, [None] * self.count).append(float(sample.value))
        self.count += 1
        for each in self.series.values():
            each.extend([None] * (self.count - len(each)))

    def told(self) -> dict[str, Values]:
        """What moved, what stood at something, and what alerts look at from the start."""
        return {name: values for name, values in self.series.items() if _is_told(name, values)}


def _is_told(name: str, values: Values) -> bool:
    counts = name.partition("{")[0].endswith(COUNTERS)
    return bool(set(values) - {0.0, None}) or not counts or name.startswith("netra_attempts_total{")


async def recorded(run: Run, folder: Path) -> Recording:
    """One run, from its gateway's start to its end."""
    async with run.scene(folder) as scene:
        told = {**TOLD, **scene.told}
        if run.from_the_start:
            scene.begin()
        async with gateway(scene.url, **told) as running:
            stop = asyncio.Event()
            async with served(running.assembled.admin, stop) as admin:
                return await _watched(run, scene, running, admin)


async def _watched(run: Run, scene: Scene, running: Running, admin: str) -> Recording:
    usage, scrapes = Usage(running, scene, run.traffic), Scrapes()
    faulty_from = 0 if run.from_the_start else WELL_STEPS_COUNT
    loop = asyncio.get_running_loop()
    began_s, began_at_s, lines_count = loop.time(), time.time(), 0
    async with asyncio.TaskGroup() as people:
        for step in range(faulty_from + run.faulty_steps_count + 1):
            await asyncio.sleep(max(0.0, began_s + step * STEP_S - loop.time()))
            scraped = await _heard(ask(admin, "GET", "/metrics"))
            scrapes.keep(scraped.body.decode() if scraped is not None else "")
            if step == faulty_from and not run.from_the_start:
                lines_count = len(running.lines)
                scene.begin()
            for each in usage.coming(attacked=step >= faulty_from):
                people.create_task(each)
    line: Any = next((each for each in running.lines[lines_count:] if each["level"] in _BAD), {})
    told = scrapes.told()
    return Recording(
        run=run.name,
        faulty_from=faulty_from,
        began_at_s=round(began_at_s),
        **_answers(usage),
        first_line=line.get("event", ""),
        first_line_code=line.get("code", ""),
        metric=_grew_most(told, faulty_from),
        series=told,
    )


def _answers(usage: Usage) -> dict[str, Any]:
    login, check = usage.last["login"], usage.last["verify"]
    codes = {name: each.json.get("code", "") if each.status >= 400 else "" for name, each in usage.last.items()}
    return {"status": login.status, "code": codes["login"], "check_status": check.status, "check_code": codes["verify"]}


def _grew_most(series: dict[str, Values], since: int) -> str:
    bad = {
        name: grown(values, since)
        for name, values in series.items()
        if name.startswith("netra_attempts_total{") and 'code="ok"' not in name
    }
    return max(bad, key=lambda name: bad[name], default="")


def main() -> None:
    """Make the recording that was named, and print it."""
    with TemporaryDirectory(prefix="netra-recording-") as folder:
        sys.stdout.write(as_text(asyncio.run(recorded(BY_NAME[sys.argv[1]], Path(folder)))))


if __name__ == "__main__":
    main()
