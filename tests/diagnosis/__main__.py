"""Runs every set-up and writes docs/diagnosis/matrix.md from what was seen: `python -m tests.diagnosis [NAME …]`.

It must never write the page from a part of them: with names it only says what is named first.
"""

import asyncio
import sys
from typing import Final

from tests.diagnosis.matrix import PAGE, Named, documents
from tests.diagnosis.run import Seen, all_diagnosed
from tests.diagnosis.setups import BY_NAME, SETUPS

CHECK: Final = "--check"


def main(arguments: list[str]) -> int:
    """0 when every first finding is the true cause; `--check` compares the page with the run instead of writing it."""
    names = [each for each in arguments if each != CHECK]
    strange = [name for name in names if name not in BY_NAME]
    if strange or not PAGE.parent.parent.is_dir():
        sys.stderr.write(f"no such set-up: {', '.join(strange)}\n" if strange else "run it from the project's root\n")
        return 2
    seen = asyncio.run(all_diagnosed([BY_NAME[name] for name in names] or SETUPS))
    for each in seen:
        sys.stdout.write(f"{each.line()}\n")
    true_count = sum(not each.wrong for each in seen)
    sys.stdout.write(f"{true_count}/{len(seen)} first findings are the true cause\n")
    written = names or _written(seen, only_compare=CHECK in arguments)
    return 0 if true_count == len(seen) and written else 1


def _written(seen: list[Seen], *, only_compare: bool) -> bool:
    """Writes what the run has shown; or is it what stands there?"""
    found = documents([Named(each.setup, each.hop, each.code) for each in seen])
    if only_compare:
        return all(path.exists() and path.read_text("utf-8") == text for path, text in found.items())
    PAGE.parent.mkdir(exist_ok=True)
    for path, text in found.items():
        path.write_text(text, encoding="utf-8")
        sys.stdout.write(f"written: {path}\n")
    return True


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
