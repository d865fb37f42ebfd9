"""What the tests of the fault catalogue share: what scenes are made of.

It must never hold a scene: those stand where ways are told.
"""

import pytest

from netra.lab.certificates import Authority
from tests.faults.names import Names, scripted_names
from tests.faults.scenes import Tools


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """An authority that the gateways of this file trust."""
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> Names:
    """One host name that goes where a test says."""
    return scripted_names(monkeypatch)


@pytest.fixture
def tools(names: Names, authority: Authority) -> Tools:
    """What scenes are made of."""
    return Tools(names, authority)
