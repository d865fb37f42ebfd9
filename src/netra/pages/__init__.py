"""What every cause means, in words: one Markdown page a code, read by `book` and shown by `html`.

It must never decide anything: statuses, actions and public codes belong to the table of causes.
"""

from netra.pages.book import BookProblem, read_book
from netra.pages.page import FACTS, Page

__all__ = ["FACTS", "BookProblem", "Page", "read_book"]
