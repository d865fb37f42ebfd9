"""Rows of the table of causes that nothing can bring about yet, so that no test can show them; a sentence each.

A row leaves this list with the code that makes it: a guard of the house finds a row here that the product constructs.
"""

from collections.abc import Mapping
from typing import Final

NOT_YET: Final[Mapping[str, str]] = {}
