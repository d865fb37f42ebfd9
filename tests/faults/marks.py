"""Which tests say that they show a row: found in their text, so that nothing need be imported to know.

It must never be asked whether they pass.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

HERE: Final = Path(__file__).parent
_MARK: Final = re.compile(r"""\bmark\.row\(\s*["']([^"']+)["']\s*\)""")


def marks(folder: Path) -> Iterator[tuple[Path, str]]:
    """Every mark below a folder: the file, and the row that it names."""
    for path in sorted(folder.rglob("test_*.py")):
        for slug in _MARK.findall(path.read_text("utf-8")):
            yield path, slug


def files_with_marks(folder: Path) -> list[Path]:
    """The files that hold tests of rows: those with a mark, and the one that runs every way."""
    return sorted({*(path for path, _ in marks(folder)), HERE / "test_every_way.py"})
