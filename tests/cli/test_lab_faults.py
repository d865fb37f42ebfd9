"""`netra lab faults`: every fault with one line, for people, pipes and programs."""

import json

import pytest

from netra.lab.chaos_proxy import PROXY_FAULTS
from netra.lab.faults import FAULTS
from tests.cli.support import Command


def test_a_pipe_gets_one_plain_line_for_every_fault(netra: Command) -> None:
    ended = netra("lab", "faults")
    assert (ended.code, ended.err) == (0, "")
    rows = [line.split("\t") for line in ended.out.splitlines()]
    assert [row[0] for row in rows[: len(FAULTS)]] == [fault.name for fault in FAULTS]
    assert ["drip-body", "504 response_timeout (login)", "The body comes drop by drop, for ever."] in rows
    assert len(rows) == len(FAULTS) + len(PROXY_FAULTS)
    assert [row for row in rows if row[0].startswith("proxy:latency")]
    assert "\x1b" not in ended.out


def test_a_program_gets_everything_as_json(netra: Command) -> None:
    document = json.loads(netra("lab", "faults", "--format", "json").out)
    assert [each["name"] for each in document["auth_service"]] == [fault.name for fault in FAULTS]
    assert [each["name"] for each in document["proxy"]] == [fault.name for fault in PROXY_FAULTS]
    (timeout,) = [each for each in document["auth_service"] if each["name"] == "response-timeout"]
    assert (timeout["status"], timeout["code"]) == (504, "response_timeout")
    assert timeout["email"] == "response-timeout@lab.test"


@pytest.mark.parametrize("word", ["drip_body", "DRIP-BODY"])
def test_one_fault_is_shown_alone(netra: Command, word: str) -> None:
    ended = netra("lab", "faults", word)
    assert ended.code == 0
    assert [line.split("\t")[0] for line in ended.out.splitlines()] == ["drip-body"]


def test_a_code_shows_the_fault_that_brings_it_about(netra: Command) -> None:
    assert netra("lab", "faults", "auth_service_error").out.startswith("status-500\t")


@pytest.mark.parametrize("command", [["faults"], ["auth-service", "--fault"]])
def test_an_unknown_fault_is_a_usage_error_that_names_the_near_ones(netra: Command, command: list[str]) -> None:
    ended = netra("lab", *command, "drip_bdy")
    assert (ended.code, ended.out) == (2, "")
    assert "Did you mean drip-body" in ended.err


@pytest.mark.parametrize("word", ["xyzzy", "\x1b[31mred", "x" * 5_000])
def test_a_fault_like_no_other_is_answered_in_one_short_plain_line(netra: Command, word: str) -> None:
    ended = netra("lab", "faults", word)
    assert ended.code == 2
    assert "netra lab faults" in ended.err
    assert "\x1b" not in ended.err
    assert len(ended.err) < 300
