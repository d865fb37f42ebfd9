"""Outcomes: what a row says of transience and blame, and how far a request got."""

from typing import Any

import pytest

from netra.core.verdict.causes import TABLE
from netra.core.verdict.outcomes import NO_FACTS, Unknown, unknown


def test_no_verdict_takes_transience_and_blame_from_its_row() -> None:
    for cause in TABLE.values():
        made = unknown(cause)
        assert made == Unknown(cause, transient=cause.again, counts=cause.counts == "yes")
        assert made.phase is cause.phase


def test_an_alarm_is_no_evidence_that_the_auth_service_is_unwell() -> None:
    assert not unknown(TABLE["service_credentials_rejected"]).counts


def test_facts_are_kept_as_they_are_and_absent_ones_cannot_be_filled_in_later() -> None:
    assert unknown(TABLE["dns_error"], {"os_error": "x"}).facts == {"os_error": "x"}
    nothing: Any = NO_FACTS
    with pytest.raises(TypeError):
        nothing["status"] = "200"
