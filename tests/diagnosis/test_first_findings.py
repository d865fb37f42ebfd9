"""The first finding of a diagnosis is the true cause in every broken set-up; where nothing is wrong, none is found.

It must never be content with a code alone: the finding names what is to be mended, and everybody is told in time.
"""

import pytest

from netra.core.findings import Finding, Severity
from netra.doctor.diagnosis import Check, Diagnosis, State
from tests.diagnosis.means import OTHER_SECRET, SECRET, Means
from tests.diagnosis.run import Seen, diagnosed
from tests.diagnosis.setup import PATIENCE_S, Setup
from tests.diagnosis.setups import BY_NAME, SETUPS
from tests.incidents.operators import EMAIL, PASSWORD

BROKEN_COUNT = 100
WELL_COUNT = 8
LATE_S = 1.0
"""How much later than its time a diagnosis may end on a busy machine."""
SECRETS = (SECRET, OTHER_SECRET, PASSWORD, EMAIL, "GOCSPX-9vQ2mWc5YkUe2NsHbP7dGfAo")


@pytest.mark.parametrize("setup", SETUPS, ids=lambda setup: setup.name)
async def test_the_first_finding_is_the_true_cause(setup: Setup, means: Means) -> None:
    seen = await diagnosed(setup, means)
    assert seen.wrong == (), seen.line()
    assert seen.diagnosis.ok == (setup.heals or setup.severity is not Severity.ERROR)
    assert seen.diagnosis.elapsed_s < PATIENCE_S + LATE_S
    for check in seen.diagnosis.checks:
        assert_whole(check)
    told = str(seen.diagnosis)
    assert [secret for secret in SECRETS if secret in told] == []


def assert_whole(check: Check) -> None:
    """What fails says why, and what is found says what it breaks and what to do."""
    if check.state is State.FAIL:
        assert any(each.severity is Severity.ERROR for each in check.findings), check
    if check.state is State.SKIP:
        assert check.what, check
    for finding in check.findings:
        assert all(part.strip() for part in finding), finding


def test_there_are_enough_of_both_and_no_two_have_one_name() -> None:
    assert len(BY_NAME) == len(SETUPS)
    assert sum(not setup.heals for setup in SETUPS) >= BROKEN_COUNT
    assert sum(setup.heals for setup in SETUPS) >= WELL_COUNT


async def test_a_set_up_that_is_diagnosed_as_another_one_is_noticed(means: Means) -> None:
    closed, refused = BY_NAME["port-closed"], BY_NAME["wrong-secret"]
    as_another = await diagnosed(Setup("x", "x", refused.hop, refused.code, closed.bring), means)
    assert len(as_another.wrong) == 2
    not_named = await diagnosed(Setup("x", "x", closed.hop, closed.code, closed.bring, ("SERVICE_SECRET_FILE",)), means)
    assert not_named.wrong == ("'SERVICE_SECRET_FILE' is not named",)
    assert Seen(closed, Diagnosis((), (), 0.0)).wrong == ("nothing was found",)
    healthy = BY_NAME["all-well"]
    alarm = Finding(Severity.WARNING, "x", "x", "x", "x", "x")
    check = Check(closed.hop or next(iter(())), "x", State.WARN, "x", None, (alarm,))
    assert Seen(healthy, Diagnosis((check,), (), 0.0)).wrong
