"""What a broken set-up is: how it is really brought about, and what a diagnosis must name first.

It must never tell whoever brings it about what is expected: nothing here is made to look like its finding.
"""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Any, Final

from netra.core.findings import Severity
from netra.doctor.diagnosis import Hop
from tests.diagnosis.means import Means

Environ = Mapping[str, str]
"""The variables of a gateway, as an operator has set them."""
Bringing = Callable[[Means], AsyncIterator[Environ]]
Brought = Callable[[Means], AbstractAsyncContextManager[Environ]]
"""Makes the world as it is to be, and gives the variables of the gateway in it."""

PATIENCE_S: Final = 15.0
"""For one diagnosis; those that are to wait for something have shorter budgets."""


@dataclass(frozen=True, slots=True)
class Setup:
    """One way in which a deployment is broken, or is not."""

    name: str
    cause: str
    """What is true, in the words of whoever did it."""
    hop: Hop | None
    """Where a login breaks; None where nothing does."""
    code: str
    """What the first finding must be; empty where there must be none."""
    bring: Brought
    names: tuple[str, ...] = ()
    """What the first finding must name besides: a variable, a route, whoever answered."""
    severity: Severity = Severity.ERROR
    wanted: Mapping[str, Any] = field(default_factory=dict)
    """The options of the diagnosis."""

    @property
    def heals(self) -> bool:
        """Is nothing wrong with it?"""
        return not self.code
