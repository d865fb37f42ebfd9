"""Every exception of the HTTP parser ends an exchange as a reply that could not be used.

It must never be content with the exceptions that we know of: the parser's own list is asked.
"""

import inspect

import httptools
import pytest
from httptools.parser import errors

from netra.link.connection import PARSER_ERRORS


def every_parser_error() -> list[type[BaseException]]:
    """Every exception class that the parser has, also those that it adds one day."""
    found = {
        each
        for module in (errors, httptools)
        for _, each in inspect.getmembers(module, inspect.isclass)
        if issubclass(each, BaseException)
    }
    return sorted(found, key=lambda each: each.__name__)


@pytest.mark.parametrize("kind", every_parser_error(), ids=lambda kind: kind.__name__)
def test_every_exception_of_the_parser_is_caught_where_replies_are_read(kind: type[BaseException]) -> None:
    assert issubclass(kind, PARSER_ERRORS), (
        f"{kind.__name__}: the parser raises it, src/netra/link/connection.py does not catch it: "
        "add it to PARSER_ERRORS, say what it means in `_unreadable`, then run `make quick`"
    )


def test_the_parsers_exceptions_are_found_at_all() -> None:
    assert {"HttpParserError", "HttpParserUpgrade"} <= {kind.__name__ for kind in every_parser_error()}
