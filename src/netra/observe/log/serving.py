"""Whom a line of somebody else belongs to: the attempt that is being served where it was written.

It must never cost a login anything: it looks when such a line is there, and no attempt says where it is.
"""

import sys
from types import CodeType
from typing import Any, Final, NamedTuple

from netra.asgi.words import Request
from netra.core.verdict.wire import Label

_OURS: Final = "netra."
_NAMES: Final = frozenset({"label", "attempt", "request"})
"""What our functions call an attempt, its label, or the request that made it."""
_MOST_FRAMES_COUNT: Final = 200


class Served(NamedTuple):
    """One attempt, by its ids."""

    request_id: str
    trace_id: str | None = None
    """None where it is not known yet."""


def served_here() -> Served | None:
    """The attempt that whoever calls this was called for, directly or not; None when it is for none.

    Looked up among those who are calling, rather than kept in a context: contexts are copied into whatever outlives a
    request, such as a connection that is kept, and would label its lines with the first one for good.
    """
    frame, of_request = sys._getframe(1), None  # noqa: SLF001 - documented, and the only way to whom one is called by
    for _ in range(_MOST_FRAMES_COUNT):
        caller = frame.f_back
        if caller is None:
            break
        frame = caller
        for name in _promising(frame.f_code, frame.f_globals):
            value = frame.f_locals.get(name)
            label = value if isinstance(value, Label) else getattr(value, "label", None)
            if isinstance(label, Label):
                return Served(label.request_id, label.traceparent[3:35])
            if isinstance(value, Request) and of_request is None:
                of_request = Served(value.request_id)
    return of_request


def _promising(code: CodeType, names: dict[str, Any]) -> frozenset[str]:
    """The names in a function of ours that may stand for an attempt."""
    if not str(names.get("__name__")).startswith(_OURS):
        return frozenset()
    return _NAMES.intersection(code.co_varnames)
