"""The pictures of the documents: they can be taken anew, are small, and are shown somewhere.

It must never write into docs/: `python -m tests.browser.pictures` does.
"""

from pathlib import Path

from tests.browser.chromium import Browser
from tests.browser.pictures import FOLDER, LONGEST_BYTES, NAMES, a_while, take
from tests.demo.support import Demo
from tests.house.source import ROOT

PNG = b"\x89PNG\r\n\x1a\n"


def test_they_can_be_taken_of_a_demo(demo: Demo, browser: Browser, tmp_path: Path) -> None:
    take(demo, browser, tmp_path, a_while(minutes=0.02))
    taken = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert sorted(taken) == sorted(NAMES)
    assert all(content.startswith(PNG) for content in taken.values())
    assert all(len(content) <= LONGEST_BYTES for content in taken.values())


def test_those_of_the_documents_are_small_and_shown() -> None:
    shown = "".join(path.read_text("utf-8") for path in (ROOT / "README.md", *(ROOT / "docs").glob("*.md")))
    for path in FOLDER.iterdir():
        assert path.name in NAMES
        assert path.stat().st_size <= LONGEST_BYTES
        assert path.name in shown
