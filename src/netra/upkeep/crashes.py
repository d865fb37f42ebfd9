"""A bug of ours as an event: the type of its exception and where it came from.

It must never carry a value: neither the exception's text nor a frame's variables.
"""

import traceback
from pathlib import PurePath
from typing import Final

from netra.core.events import Crashed

PLACES_COUNT: Final = 5


def crashed(request_id: str, crash: BaseException, elapsed_s: float) -> Crashed:
    """What observers are told of a bug; `elapsed_s` is how long the work had taken."""
    frames = [(frame.f_code, line_number) for frame, line_number in traceback.walk_tb(crash.__traceback__)]
    places = (
        f"{PurePath(code.co_filename).name}:{line_number} {code.co_name}"
        for code, line_number in frames[-PLACES_COUNT:]
    )
    return Crashed(request_id, type(crash).__name__, tuple(places), elapsed_s)
