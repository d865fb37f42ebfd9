"""A finding in one line: how much it matters, what it speaks of, what is wrong, and the cure."""

import pytest

from netra.core.findings import Finding, Severity


@pytest.mark.parametrize(("severity", "word"), [("ERROR", "error"), ("WARNING", "warning"), ("NOTE", "note")])
def test_a_finding_in_one_line_names_its_severity_subject_problem_and_cure(severity: str, word: str) -> None:
    finding = Finding(Severity[severity], "placeholder", "SERVICE_SECRET", "is a placeholder", "Nobody.", "Set it.")
    assert finding.line() == f"{word}: SERVICE_SECRET: is a placeholder. Set it."


def test_there_are_three_severities() -> None:
    assert [each.value for each in Severity] == ["error", "warning", "note"]
