"""All pages as files that any web host can serve, or that open from a folder: `netra explain --site`.

It must never write into a folder that holds anything of somebody else's.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from netra.pages.explained import chapters
from netra.pages.html import render_html, render_index
from netra.pages.page import Page

INDEX: Final = "index.html"
_FOLDER: Final = "problems"
_OURS: Final = b'<meta name="generator" content="netra explain">'
_FROM_A_PAGE: Final = f"../../{INDEX}"
_LOOKED_AT_BYTES: Final = 4096


class CannotWrite(Exception):
    """The folder cannot be used; the message says why, and what to do."""


def write_site(folder: Path, book: Mapping[str, Page]) -> int:
    """Write the list of pages and every page below it; returns how many files there are.

    Below `problems/`, the addresses are those that NETRA_PROBLEM_BASE makes of an error's `type`.
    Raises: CannotWrite, before anything is written when the folder is not ours, or when the system refuses.
    """
    told = tuple(chapters(book))
    files = {INDEX: render_index(told, _address)}
    for _, chapter in told:
        files |= {_address(each.code): render_html(each, operator=True, index=_FROM_A_PAGE) for each in chapter}
    try:
        _take(folder)
        for name, content in files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else "not a usable path"
        raise CannotWrite(f"cannot write to {folder} ({reason}). Name a folder that you may write to.") from None
    return len(files)


def _address(code: str) -> str:
    """Where the page of a code is, seen from the index: with the file's name, so that it opens from a folder, too."""
    return f"{_FOLDER}/{code}/{INDEX}"


def _take(folder: Path) -> None:
    """Make the folder, or see that it is empty or an earlier site of ours. Raises: CannotWrite, OSError."""
    if folder.exists() and not folder.is_dir():
        raise CannotWrite(f"{folder} is not a folder. Name a new or an empty one.")
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()) and not _is_ours(folder / INDEX):
        raise CannotWrite(f"{folder} holds files that are not ours. Name a new or an empty folder.")


def _is_ours(index: Path) -> bool:
    if not index.is_file():
        return False
    with index.open("rb") as opened:
        return _OURS in opened.read(_LOOKED_AT_BYTES)
