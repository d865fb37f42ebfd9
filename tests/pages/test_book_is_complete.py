"""Every row of the table of causes has a page and every page a row, and both say the same.

It must never be loosened for a code that is "not needed yet": a code without a page cannot be explained.
"""

import inspect
from pathlib import Path

from netra.core.verdict import causes
from netra.pages import explained, read_book

_ROWS = {**causes.TABLE, **causes.PUBLIC_ROWS}
_TABLE_FILE = "src/netra/core/verdict/causes.py"
_RUN = "then run: python -m pytest tests/pages"


def test_every_row_of_the_table_has_a_page() -> None:
    missing = [
        f"{_TABLE_FILE}:{_line_of(code)}: the row `{code}` has no page; write src/netra/pages/{code}.md, {_RUN}"
        for code in sorted(_ROWS.keys() - read_book().keys())
    ]
    assert not missing, "\n" + "\n".join(missing)


def test_every_page_has_a_row_in_the_table() -> None:
    left_over = [
        f"src/netra/pages/{code}.md:1: no row `{code}` in {_TABLE_FILE}; add the row or remove the page, {_RUN}"
        for code in sorted(read_book().keys() - _ROWS.keys())
    ]
    assert not left_over, "\n" + "\n".join(left_over)


def test_the_public_is_told_the_same_by_a_code_and_by_its_public_code() -> None:
    book = read_book()
    different = [
        f"src/netra/pages/{code}.md:3: its `Public:` sentence differs from that of {row.public_code}.md; {_RUN}"
        for code, row in _ROWS.items()
        if code in book and book[code].public != book[row.public_code].public
    ]
    assert not different, "\n" + "\n".join(different)


def test_each_cause_that_the_public_may_know_has_a_sentence_of_its_own() -> None:
    book = read_book()
    public_codes = {row.public_code for row in _ROWS.values()}
    assert len({book[code].public for code in public_codes}) == len(public_codes)


def test_every_action_and_every_owner_is_put_into_words_on_a_page() -> None:
    assert set(explained.TO_DO) == set(causes.Action), f"src/netra/pages/explained.py: TO_DO; {_RUN}"
    assert set(explained.MENDERS) == set(causes.Owner), f"src/netra/pages/explained.py: MENDERS; {_RUN}"


def _line_of(code: str) -> int:
    """The line of the table where the row stands; 1 when it is not written there in plain."""
    lines = Path(inspect.getfile(causes)).read_text(encoding="utf-8").splitlines()
    return next((line_no for line_no, line in enumerate(lines, start=1) if f'"{code}"' in line), 1)
