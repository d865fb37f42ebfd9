"""Questions that no user has caused: how they are named, and put once.

It must never ask twice: whoever asks comes again anyway.
"""

from os import urandom
from typing import TypeVar

from netra.core.pace.deadline import Deadline
from netra.core.verdict.outcomes import Outcome
from netra.core.verdict.wire import Call, Label
from netra.link.calls import Link, ask

T = TypeVar("T")


def label(what: str) -> Label:
    """What names a question in logs on both sides, e.g. `probe-0f1e2d3c4b5a6978`."""
    return Label(request_id=f"{what}-{urandom(8).hex()}", traceparent=f"00-{urandom(16).hex()}-{urandom(8).hex()}-00")


async def ask_once(call: Call[T], link: Link, budget_s: float) -> Outcome[T]:
    """Put one question, for so long at most."""
    return await ask(call, link, Deadline(link.clock.now_s() + budget_s, budget_s), tries=1)
