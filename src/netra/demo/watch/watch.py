"""The watch from its first word to its last: everything is started, broken, told by an alert, mended, and told again.

It must never show an alert that did not come from Alertmanager, nor leave a program or a folder behind.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from urllib.parse import urlencode

from netra.demo.assembly import ends_quietly, ignore_endings, stage
from netra.demo.auth_service import DemoFailed
from netra.demo.faults import BY_NAME, Fault
from netra.demo.watch import configuration
from netra.demo.watch.programs import Program, asked, found, running, unless_one_ends
from netra.demo.watch.told import Teller, teller

if TYPE_CHECKING:
    from netra.demo.control import FaultControl
    from netra.demo.watch.gateway import Windows
    from netra.demo.watch.receiver import Notice, Receiver

_BASELINE_COUNT: Final = 12
"""So many good logins Prometheus has to have seen before anything is broken."""
_BASELINE_S: Final = 20.0
_LOOK_S: Final = 0.25
_GOOD_LOGINS: Final = 'sum(netra_attempts_total{journey="login", verdict="accepted"})'


class Patience(NamedTuple):
    """How long the watch waits for what has to come, and for what else might."""

    alert_s: float = 30.0
    """From the break to the first alert."""
    others_s: float = 8.0
    """How much longer it stays broken then."""
    all_clear_s: float = 50.0
    """From the mending until nothing fires any more."""


USUAL: Final = Patience()


class Observers(NamedTuple):
    """Where Prometheus and Alertmanager answer, host and port each."""

    prometheus: str
    alertmanager: str


async def run_watch(fault: Fault, login_budget_s: float, *, as_json: bool, patience: Patience = USUAL) -> int:
    """Break the auth service and mend it; 0 when an alert came and went, 1 otherwise.

    Raises: NotInstalled; DemoFailed, when a program ends by itself; Ended, when it is broken off.
    """
    paths = found()
    with ends_quietly(), teller(as_json=as_json) as tells:
        tells.doing("Starting gateway, auth service, Prometheus and Alertmanager")
        async with stage(0) as (folder, service, known):
            # The gateway's libraries are loaded while the auth service starts.
            from netra.demo.control import FaultControl
            from netra.demo.watch.gateway import open_windows
            from netra.demo.watch.receiver import Receiver
            from netra.demo.watch.traffic import Traffic, flowing

            await service.ready()
            control, receiver = FaultControl(service, known.service_secret), Receiver()
            async with (
                open_windows(folder, service, known, login_budget_s, receiver.app) as windows,
                _observing(folder, paths, windows, receiver.path) as (observers, programs),
            ):
                tells.up({**windows.shown, **{name: f"http://{at}" for name, at in observers._asdict().items()}})
                traffic = Traffic(windows.front, known)
                async with flowing(traffic):
                    story = Story(control, receiver, observers, tells, patience)
                    missing = await unless_one_ends(story.run(fault), programs)
                ignore_endings()
        tells.finish(missing, traffic.answers)
    return 1 if missing else 0


@asynccontextmanager
async def _observing(
    folder: Path, paths: list[str], windows: "Windows", notices_path: str
) -> AsyncIterator[tuple[Observers, list[Program]]]:
    """Both programs, listening; they end with the block."""
    prometheus_path, alertmanager_path = paths
    routes = configuration.alertmanager(windows.receiver_url + notices_path)
    (folder / "alerts.yaml").write_text(configuration.alert_rules(), encoding="utf-8")
    (folder / "recording.yaml").write_text(configuration.recorded_rules(), encoding="utf-8")
    silences, series = f"--storage.path={folder / 'silences'}", f"--storage.tsdb.path={folder / 'series'}"
    command = (alertmanager_path, silences, "--cluster.listen-address=")
    async with _configured("Alertmanager", command, routes, folder) as alertmanager:
        at = await alertmanager.address()
        scrapes = configuration.prometheus(windows.admin_address, at)
        async with _configured("Prometheus", (prometheus_path, series), scrapes, folder) as prometheus:
            yield Observers(await prometheus.address(), at), [alertmanager, prometheus]


def _configured(name: str, command: tuple[str, ...], told: str, folder: Path) -> AbstractAsyncContextManager[Program]:
    """A program with its configuration in a file of the folder, on any free port of this machine."""
    file = folder / f"{name.lower()}.yaml"
    file.write_text(told, encoding="utf-8")
    options = (f"--config.file={file}", "--web.listen-address=127.0.0.1:0", "--log.format=json")
    return running(name, (*command, *options), folder)


class Story:
    """What happens, in its order."""

    def __init__(
        self, control: "FaultControl", receiver: "Receiver", observers: Observers, tells: Teller, patience: Patience
    ) -> None:
        self._control = control
        self._receiver = receiver
        self._observers = observers
        self._tells = tells
        self._patience = patience

    async def run(self, fault: Fault) -> list[str]:
        """Break, wait, mend, wait; returns what should have come and did not, a sentence each."""
        self._tells.doing("Logging in, until Prometheus has seen it")
        await _baseline(self._observers.prometheus)
        await self._control.switch(fault)
        self._tells.broke(fault)
        missing = await self._alert()
        await self._control.switch(BY_NAME["none"])
        self._tells.mended()
        return missing + await self._all_clear()

    async def _alert(self) -> list[str]:
        self._tells.doing("Waiting for the alert")
        at_most_s = self._patience.alert_s
        if not await self._heard(at_most_s, lambda notice: notice.is_firing):
            return [f"No alert came within {at_most_s:g} s."]
        self._tells.doing("Staying broken a little longer, for other alerts")
        await self._heard(self._patience.others_s, lambda _: False)
        self._tells.held_back(await _held_back(self._observers.alertmanager))
        return []

    async def _all_clear(self) -> list[str]:
        """Wait until nothing stands any more, neither what was told nor what was held back."""
        self._tells.doing("Waiting for the news that it is over")
        at_most_s = self._patience.all_clear_s
        end_s = time.monotonic() + at_most_s
        while time.monotonic() < end_s:
            await self._heard(_LOOK_S, lambda _: False)
            if not self._receiver.firing() and await _standing(self._observers.alertmanager) == []:
                break
        return [f"{notice.name} was not over within {at_most_s:g} s." for notice in self._receiver.firing()]

    async def _heard(self, at_most_s: float, enough: "Callable[[Notice], bool]") -> bool:
        """Show the news as they come. Was it enough, before the time was over?"""
        with suppress(TimeoutError):
            async with asyncio.timeout(at_most_s):
                while True:
                    notice = await self._receiver.news()
                    self._tells.alert(notice)
                    if enough(notice):
                        return True
        return False


async def _baseline(prometheus: str) -> None:
    """Wait until Prometheus has seen that logins work. Raises: DemoFailed."""
    query = f"/api/v1/query?{urlencode({'query': _GOOD_LOGINS})}"
    end_s = time.monotonic() + _BASELINE_S
    while time.monotonic() < end_s:
        answer = await asked(prometheus, query)
        values = answer["data"]["result"] if answer is not None else []
        if values and float(values[0]["value"][1]) >= _BASELINE_COUNT:
            return
        await asyncio.sleep(_LOOK_S)
    raise DemoFailed(f"Prometheus has not seen {_BASELINE_COUNT} good logins within {_BASELINE_S:g} s.")


async def _held_back(alertmanager: str) -> list[str]:
    """What fires and is not sent, because something else that fires tells the cause; by name."""
    standing = await _standing(alertmanager) or []
    return sorted({each["labels"]["alertname"] for each in standing if each["status"]["inhibitedBy"]})


async def _standing(alertmanager: str) -> list[dict[str, Any]] | None:
    """All that Prometheus says fires, sent or not; None when nobody answers. Source: Alertmanager's API, version 2."""
    standing: list[dict[str, Any]] | None = await asked(alertmanager, "/api/v2/alerts")
    return standing
