"""The page of the confusion matrix says of every set-up what its test asks for, and nothing else.

It must never run a diagnosis: whether the page is true is for `test_first_findings.py`.
"""

import re
from pathlib import Path

import pytest

from netra.doctor.diagnosis import Hop
from tests.diagnosis.__main__ import main
from tests.diagnosis.matrix import COMMAND, Named, as_expected, documents, page
from tests.diagnosis.picture import picture
from tests.diagnosis.setups import BY_NAME, SETUPS

ROOT = Path(__file__).resolve().parents[2]


def test_the_page_and_its_picture_are_those_of_a_run_in_which_all_holds() -> None:
    for path, text in documents(as_expected(SETUPS)).items():
        assert (ROOT / path).read_text("utf-8") == text, f"{path} is out of date: run {COMMAND}"


def test_what_is_confused_stands_on_the_page_and_outside_the_diagonal() -> None:
    closed, well = BY_NAME["port-closed"], BY_NAME["all-well"]
    seen = [Named(closed, Hop.DNS, "dns_error"), Named(well, Hop.TLS, "tls_protocol_error"), Named(closed, None, "")]
    text = page(seen)
    assert "in 0 of 2" in text
    assert "in 0 of 1" in text
    assert "**`dns_error` at dns, in place of `connection_refused` at tcp**" in text
    assert "**nothing at nothing, in place of `connection_refused` at tcp**" in text
    assert "**`tls_protocol_error` at tls, in place of nothing**" in text


def test_the_picture_shows_what_agrees_otherwise_than_what_does_not() -> None:
    drawn = picture([("a", "a"), ("a", "a"), ("a", "b"), ("none", "none")], last="none")
    assert sorted(re.findall(r'<rect class="(\w)"', drawn)) == ["x", "y", "y"]
    assert ">2</text>" in drawn


def test_a_set_up_that_there_is_not_is_a_mistake_of_whoever_asks(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["port-clsoed"]) == 2
    assert "port-clsoed" in capsys.readouterr().err


def test_one_set_up_alone_can_be_tried_and_writes_no_page(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "docs").mkdir()
    monkeypatch.chdir(tmp_path)
    assert main(["port-closed"]) == 0
    assert "1/1 first findings are the true cause" in capsys.readouterr().out
    assert list((tmp_path / "docs").iterdir()) == []
