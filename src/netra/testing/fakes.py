"""The only fakes: a clock that a test moves, an exchange that a test scripts, a listener that keeps what it hears.

They must never decide anything: whatever they return was prepared by the test.
"""

import asyncio
import json
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple, TypeVar

from netra.core.events import Event
from netra.core.verdict.outcomes import NO_FACTS
from netra.core.verdict.reply import Broken, Reply
from netra.core.verdict.wire import Call
from netra.link.seals import Seal

E = TypeVar("E")

START_S: Final = 1000.0
"""Where monotonic time begins, unless a test says otherwise."""
START_WALL_S: Final = 1_800_000_000.0
"""Where the calendar begins: a day in January 2027."""


class FakeClock:
    """Time that stands still until a test moves it, or somebody sleeps.

    `held`: whoever sleeps waits for `advance`; otherwise a sleep moves the time itself, and ends at once.
    """

    def __init__(self, now_s: float = START_S, *, wall_s: float = START_WALL_S, held: bool = False) -> None:
        self.chance = 0.5
        """What `rand` says next; in [0, 1)."""
        self.slept: list[float] = []
        """Every wait that was begun, in seconds."""
        self._now_s = now_s
        self._ahead_s = wall_s - now_s
        self._held = held
        self._sleepers: list[tuple[float, asyncio.Future[None]]] = []

    def now_s(self) -> float:
        """Monotonic seconds."""
        return self._now_s

    def wall_s(self) -> float:
        """Epoch seconds."""
        return self._now_s + self._ahead_s

    def rand(self) -> float:
        """Whatever `chance` is."""
        return self.chance

    async def sleep(self, wait_s: float) -> None:
        """Let `wait_s` seconds pass on this clock."""
        self.slept.append(wait_s)
        if not self._held:
            self.advance(wait_s)
            await asyncio.sleep(0)
            return
        sleeper = (self._now_s + wait_s, asyncio.get_running_loop().create_future())
        self._sleepers.append(sleeper)
        try:
            await sleeper[1]
        finally:
            self._sleepers.remove(sleeper)

    @property
    def sleeping_count(self) -> int:
        """How many sleep right now."""
        return len(self._sleepers)

    def jump(self, seconds: float) -> None:
        """The calendar is set, or the machine has slept: only the wall clock moves."""
        self._ahead_s += seconds

    def advance(self, seconds: float) -> None:
        """Let time pass: whoever has slept enough wakes with the event loop's next turn."""
        self._now_s += seconds
        for until_s, woken in self._sleepers:
            if until_s <= self._now_s and not woken.done():
                woken.set_result(None)

    def turn_calendar(self, seconds: float) -> None:
        """Set the calendar forward or back, as an administrator does; monotonic time does not notice."""
        self._ahead_s += seconds


class Asked(NamedTuple):
    """One exchange that took place. `seal` is the one that was stamped on it."""

    call: Call[Any]
    seal: Seal | None
    left_s: float


class Held:
    """A reply that comes when the test releases it. Made inside the event loop."""

    def __init__(self) -> None:
        self.begun = asyncio.Event()
        """Set as soon as somebody waits for this reply."""
        self._got: asyncio.Future[Reply | Broken] = asyncio.get_running_loop().create_future()

    def release(self, got: Reply | Broken) -> None:
        """Let the reply come."""
        self._got.set_result(got)

    async def wait(self) -> Reply | Broken:
        """The reply, once it is released."""
        self.begun.set()
        return await self._got


Scripted = Reply | Broken | Held | Callable[[Asked], Reply | Broken]


class ScriptedExchange:
    """An exchange that returns what was prepared, in order, and keeps what it was asked.

    `then` is returned when the script is at its end; without it one exchange too many is an AssertionError.
    With a `clock`, every exchange takes `takes_s` on it.
    """

    def __init__(
        self,
        *script: Scripted,
        then: Scripted | None = None,
        clock: FakeClock | None = None,
        takes_s: float = 0.0,
    ) -> None:
        self.asked: list[Asked] = []
        self.under_way_count = 0
        self._script = list(script)
        self._then = then
        self._clock = clock
        self._takes_s = takes_s

    async def __call__(self, call: Call[Any], seal: Seal | None, left_s: float) -> Reply | Broken:
        """The next of the script."""
        asked = Asked(call, seal, left_s)
        self.asked.append(asked)
        step = self._script.pop(0) if self._script else self._then
        if step is None:
            raise AssertionError(f"exchange number {len(self.asked)} was not expected: {call.operation.name}")
        if self._clock is not None:
            self._clock.advance(self._takes_s)
        self.under_way_count += 1
        try:
            await asyncio.sleep(0)
            if isinstance(step, Held):
                return await step.wait()
        finally:
            self.under_way_count -= 1
        return step if isinstance(step, Reply | Broken) else step(asked)

    def asked_for(self, operation: str) -> list[Asked]:
        """The exchanges of one kind of call, e.g. `login`."""
        return [each for each in self.asked if each.call.operation.name == operation]


def reply(status: int, document: object = None, headers: Mapping[str, str] = NO_FACTS) -> Reply:
    """A reply with a JSON body, or without any body when `document` is None. Header names in lower case."""
    body = b"" if document is None else json.dumps(document).encode()
    return Reply(status, headers, body, START_WALL_S)


class Recorded:
    """A listener that keeps every event."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def __call__(self, event: Event) -> None:
        """Keep an event."""
        self.events.append(event)

    def of(self, kind: type[E]) -> list[E]:
        """The events of one kind so far."""
        return [each for each in self.events if isinstance(each, kind)]
