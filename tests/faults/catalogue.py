"""The fault catalogue: every way the path from client to auth service fails, one row each, with the promised answer.

It must never hold a row that nothing shows: a guard asks for a test of each that is counted.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from tests.faults import answers, reaching, reading, rest, waiting
from tests.faults.row import Row

ROWS: Final = (*reaching.ROWS, *waiting.ROWS, *reading.ROWS, *answers.ROWS, *rest.ROWS)
BY_SLUG: Final[Mapping[str, Row]] = MappingProxyType({row.slug: row for row in ROWS})
COUNTED: Final = tuple(row for row in ROWS if not row.not_yet)
