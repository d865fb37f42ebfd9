"""Rows of the table of causes that nothing can bring about yet, so that no test can show them; a sentence each.

A row leaves this list with the code that makes it: a guard of the house finds a row here that the product constructs.
"""

from typing import Final

NOT_YET: Final = {
    "keys_unavailable": "Tokens are not checked against published keys yet, so that none can be missing.",
}
