"""Breaks the code that decides, one way at a time, and counts what the tests notice: `python -m tests.core.mutants`.

It must never call a mutant explained that docs/mutants.md does not show as it is.
"""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

ROOT: Final = Path(__file__).resolve().parents[2]
FOLDER: Final = ROOT / "mutants"
"""Where the copies and the results are; made anew by every run, since what is cached there may be of older tests."""
EXPLAINED: Final = ROOT / "docs/mutants.md"
LEAST_RATIO: Final = 0.9
KILLED: Final = frozenset({1, 3})
"""Exit codes of a test run that noticed: a test failed, or could not even begin."""
TIMED_OUT: Final = frozenset({-24, 24, 36, 152, 255})
"""Those of one that never came to an end, and so would have been noticed."""

_NAME: Final = re.compile(r"(?P<module>[\w.]+)\.x(?:ǁ(?P<class>\w+)ǁ|_)(?P<function>\w+)__mutmut_\d+")


class Mutant(NamedTuple):
    """One way to break a file."""

    file: str
    name: str
    exit_code: int | None

    @property
    def noticed(self) -> bool:
        """Did the tests turn red, or never end?"""
        return self.exit_code in KILLED | TIMED_OUT

    @property
    def function(self) -> str:
        """Where it is, as one would write it: `Breaker.admit`."""
        found = _NAME.fullmatch(self.name)
        if found is None:
            return self.name
        return f"{found['class']}.{found['function']}" if found["class"] else found["function"]


def mutants() -> Iterator[Mutant]:
    """Every mutant that the tests were asked about, file by file."""
    for path in sorted(FOLDER.rglob("*.py.meta")):
        file = path.relative_to(FOLDER).as_posix().removesuffix(".meta")
        codes: dict[str, int | None] = json.loads(path.read_text("utf-8"))["exit_code_by_key"]
        yield from (Mutant(file, name, code) for name, code in codes.items())


def changed_line(mutant: Mutant) -> str:
    """What the line that differs says in the mutant."""
    shown = subprocess.run(
        [sys.executable, "-m", "mutmut", "show", mutant.name], cwd=ROOT, text=True, capture_output=True, check=True
    ).stdout
    return next(line[1:].strip() for line in shown.splitlines() if re.match(r"\+(?!\+\+ )", line))


def explained() -> set[tuple[str, str]]:
    """Function and changed line of every row of the document."""
    rows = re.findall(r"^\| `([\w.]+)` \| `(.+?)` \|", EXPLAINED.read_text("utf-8"), re.MULTILINE)
    return {(function, line.replace("\\|", "|")) for function, line in rows}


def table(found: list[Mutant]) -> tuple[list[str], bool]:
    """Figures file by file, and whether they are good enough."""
    lines, good = [], bool(found)
    for file in sorted({each.file for each in found}):
        here = [each for each in found if each.file == file]
        noticed = sum(each.noticed for each in here)
        good = good and noticed >= LEAST_RATIO * len(here)
        lines.append(f"{noticed:4d} of {len(here):4d}  {100 * noticed / len(here):5.1f} %  {file}")
    return lines, good


def main(arguments: list[str]) -> int:
    """Run them all and tell; returns 0 when enough were noticed and every other one is explained."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    ran = subprocess.run([Path(sys.executable).with_name("mutmut"), "run", *arguments], cwd=ROOT, check=False)
    if ran.returncode:
        return ran.returncode
    found = list(mutants())
    lines, good = table(found)
    known, survivors = explained(), [each for each in found if not each.noticed]
    changed = {each.name: (each.function, changed_line(each)) for each in survivors}
    for each in survivors:
        if changed[each.name] not in known:
            good = False
            function, line = changed[each.name]
            lines.append(f"{each.file}: {function} may say `{line}` and no test turns red ({each.name})")
    for function, line in sorted(known - set(changed.values())):
        good = False
        lines.append(f"docs/mutants.md: of {function}, `{line}` no longer goes unnoticed: take it out")
    lines.append(
        "Enough are noticed, and docs/mutants.md explains the others."
        if good
        else "Write a test that notices it, or say in docs/mutants.md why none can: function, changed line, reason."
    )
    sys.stdout.write("\n".join(["", *lines, ""]))
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
