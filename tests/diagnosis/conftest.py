"""What set-ups are made of, once for all of them.

It must never be changed by a set-up: each makes what it breaks.
"""

from collections.abc import Iterator

import pytest

from tests.diagnosis.means import Means


@pytest.fixture(scope="session")
def means(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Means]:
    """A folder, an authority, and a real auth service as soon as one is needed."""
    made = Means(tmp_path_factory.mktemp("diagnosis"))
    yield made
    made.close()
