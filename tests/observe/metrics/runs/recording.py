"""What was scraped from a real gateway while something was broken, step by step, and how that is kept in a file.

It must never hold what a gateway has not said: nothing in a recording is written by hand.
"""

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

FOLDER: Final = Path(__file__).parent / "recordings"
STEP_S: Final = 15
"""Between two scrapes, as Prometheus is usually told."""
COUNTERS: Final = ("_total", "_bucket", "_count", "_sum")
"""By their end are those known that only grow."""
_DIGITS: Final = 3
_RUN: Final = re.compile(r"(\S+?)(?:\*(\d+))?$")
_ABSENT: Final = "_"

Values = list[float | None]
"""One value a step; None where the series was not there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """One run."""

    run: str
    faulty_from: int
    """The step before which the fault began; 0 when it was there from the start."""
    began_at_s: float
    """Of the first scrape, epoch seconds."""
    status: int
    """What a right login got at the end."""
    code: str
    """And why; empty when it was let in."""
    check_status: int
    """What a token check got at the end."""
    check_code: str
    first_line: str
    """The event of the first log line from the fault on that says of something bad; empty without one."""
    first_line_code: str
    metric: str
    """The series of attempts that grew most from the fault on, those of healthy logins apart; empty without one."""
    series: dict[str, Values]

    @property
    def steps_count(self) -> int:
        """How many scrapes there are."""
        return max(map(len, self.series.values()), default=0)

    @property
    def ended_with(self) -> set[str]:
        """Every series of attempts that ended as none should: the fault, as the metrics tell it."""
        found = "netra_attempts_total{", 'verdict="unknown"'
        return {name for name, values in self.series.items() if all(x in name for x in found) and grown(values) > 0}


def grown(values: Sequence[float | None], since: int = 0) -> float:
    """By how much a series grew from a step on; one that came later began at nothing."""
    known = [each for each in values[max(0, since - 1) :] if each is not None]
    if not known:
        return 0.0
    return known[-1] - (known[0] if values[max(0, since - 1)] is not None else 0.0)


def path_of(run: str) -> Path:
    """Where the recording of a run is kept."""
    return FOLDER / f"{run}.json"


def load(run: str) -> Recording:
    """A recording that was kept. Raises: OSError."""
    return read(path_of(run).read_text("utf-8"))


def read(text: str) -> Recording:
    """A recording from the text of its file."""
    kept = json.loads(text)
    return Recording(**{**kept, "series": {name: _unpacked(packed) for name, packed in kept["series"].items()}})


def as_text(recording: Recording) -> str:
    """The file of a recording: a line a series."""
    told = asdict(recording)
    packed = {name: " ".join(_packed(values)) for name, values in sorted(told.pop("series").items())}
    lines = [f" {json.dumps(name)}: {json.dumps(value)}" for name, value in told.items()]
    rows = ",\n".join(f"  {json.dumps(name)}: {json.dumps(text)}" for name, text in packed.items())
    return "{\n" + ",\n".join([*lines, ' "series": {\n' + rows + "\n }"]) + "\n}\n"


def _packed(values: Iterable[float | None]) -> Iterator[str]:
    """The first value, then by how much each differs from the one before; what repeats itself is counted."""
    before = 0.0
    words: list[str] = []
    for each in values:
        if each is None:
            words.append(_ABSENT)
        else:
            kept = round(each, _DIGITS)
            words.append(f"{round(kept - before, _DIGITS) + 0.0:.12g}")
            before = kept
    while words:
        word = words[0]
        count = next((at for at, other in enumerate(words) if other != word), len(words))
        yield f"{word}*{count}" if count > 1 else word
        del words[:count]


def _unpacked(text: str) -> Values:
    values: Values = []
    last = 0.0
    for word in text.split():
        found = _RUN.match(word)
        assert found is not None, word
        for _ in range(int(found[2] or 1)):
            if found[1] == _ABSENT:
                values.append(None)
            else:
                last = round(last + float(found[1]), _DIGITS)
                values.append(last)
    return values
