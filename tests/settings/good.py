"""An environment in which the gateway would start without a word, for tests to spoil.

It must never hold a value that is used anywhere else.
"""

from collections.abc import Iterable
from typing import Final

from netra.core.findings import Finding

EVERYWHERE: Final = "0.0.0.0"  # noqa: S104 - the value of a setting; nothing here listens on it
SECRET: Final = "Jt3-vXq8RzL0mWc5YkUe2NsHbP7dGfAo9iTx4BwZ1Ku"
OTHER_SECRET: Final = "hV6pQe_XsR2mTz9LkWc4YbNuJd8GfAo0iHx1BwZ3PqE"
GOOD: Final = {
    "AUTH_SERVICE_URL": "https://auth.shop.test",
    "SERVICE_ID": "netra-backend",
    "SERVICE_SECRET": SECRET,
}


def good(**changes: str) -> dict[str, str]:
    """The good environment with some variables changed or added."""
    return {**GOOD, **changes}


def without(*names: str, **changes: str) -> dict[str, str]:
    """The good environment without some variables."""
    return {name: value for name, value in good(**changes).items() if name not in names}


def found(findings: Iterable[Finding]) -> set[tuple[str, str, str]]:
    """Subject, code and severity of each finding; the note that every default environment has is left out."""
    return {(one.subject, one.code, one.severity.value) for one in findings if one.code != "uncoded_401_trusted"}
