"""Each thing that can be wrong with a wire file, with the sentence that names it and says what to write instead.

The wrong files stand in `wrong/`, each with its problem.
"""

import tomllib
from pathlib import Path
from typing import Any

import pytest

from netra.core.verdict.causes import ANSWERED_UNUSABLY, REJECTIONS
from netra.wires.load import load
from netra.wires.rows import CODES
from tests.wires.support import BODY, GOOD, HEAD, NAMED, OK, call, lines, problems, wire

WRONG = Path(__file__).parent / "wrong"
PASSED_ON = 'json = { user = "{identifier}", pass = "{password}", t = "{tenant}" }\n'


def cases(name: str) -> list[Any]:
    """The wrong examples of one file, each with what is wrong for its name."""
    found = tomllib.loads((WRONG / f"{name}.toml").read_text("utf-8"))["case"]
    return [pytest.param(case, id=case["what"]) for case in found]


@pytest.mark.parametrize("case", cases("files"))
def test_what_is_wrong_with_a_file_is_named(case: dict[str, str]) -> None:
    text = case["file"].replace("# a good login", GOOD)
    found = problems(text)
    assert case["problem"] in found
    assert "hunter2" not in "".join(found)
    last = text.count("\n") + 1
    assert all(1 <= line <= last for line in lines(text))


@pytest.mark.parametrize("case", cases("logins"))
def test_what_is_wrong_with_a_call_is_named_where_it_stands(case: dict[str, str]) -> None:
    found = problems(wire(head=case["login"]))
    assert case["problem"] in found
    assert "hunter2" not in "".join(found)


@pytest.mark.parametrize("case", cases("calls"))
def test_what_is_wrong_with_another_call_is_named_where_it_stands(case: dict[str, str]) -> None:
    text = wire(head=HEAD + PASSED_ON, rest=f"[extra]\ntenant = {{}}\n{case['call']}")
    assert case["problem"] in problems(text)


@pytest.mark.parametrize("case", cases("rows"))
def test_what_is_wrong_with_a_row_is_named_where_it_stands(case: dict[str, str]) -> None:
    row, problem = case["row"], case["problem"]
    assert f"[[calls.login.replies]] row 1{problem}" in problems(wire(row))
    assert f"[[calls.login.replies]] row 2{problem}" in problems(wire(f"{OK}\n[[calls.login.replies]]\n{row}"))


@pytest.mark.parametrize(
    "name",
    ["Accept", "accept-encoding", "Connection", "Content-Length", "Host", "Idempotency-Key", "Keep-Alive", "TE",
     "Trailer", "Transfer-Encoding", "Upgrade", "X-Request-ID", "traceparent", "tracestate", "Expect"],
)  # fmt: skip
def test_headers_that_the_gateway_writes_itself_are_not_for_a_wire(name: str) -> None:
    found = problems(wire(head=HEAD + BODY + f'headers = {{ {name} = "a" }}'))
    assert found == [f"[calls.login] headers.{name}: is written by the gateway itself; take it out"]


@pytest.mark.parametrize(
    "name",
    ["identifier", "password", "name", "token", "refresh_token", "client_address", "user_agent", "request_id",
     "service_id", "service_secret", "service_basic", "traceparent", "tracestate", "idempotency_key", "email",
     "username", "phone", "confirm_password"],
)  # fmt: skip
def test_an_extra_field_never_takes_the_name_of_something_that_is_said_already(name: str) -> None:
    text = wire(rest=f"[extra]\n{name} = {{}}")
    assert f"[extra] {name}: means something else already; take another name" in problems(text)


def test_one_wire_may_say_everything_that_others_got_wrong() -> None:
    head = (
        HEAD + PASSED_ON + 'headers = { X-Real-IP = "{client_address}", X-Who = "{identifier} {tenant}" }\nkeyed = true'
    )
    rest = (
        '[seal]\nX-Key = "ApiKey {service_id}:{service_secret}"\n[seal_fields]\nclient = "{service_id}"\n'
        "[extra]\ntenant = { max_chars = 8192, required = true }\n"
        + call("refresh", HEAD + 'bearer = "refresh_token"', OK)
        + call("logout", HEAD + 'headers = { X-Auth-Token = "{token}" }')
        + call("health", 'method = "GET"\npath = "/up?verbose=1&limit=%20"')
        + call("handshake", HEAD + 'form = { grant_type = "client_credentials", token_type_hint = "access_token" }')
    )
    made = load(wire(head=head, rest=rest), "good.toml")
    assert set(made.templates) == {"login", "refresh", "logout", "health", "handshake"}


def test_a_reply_means_a_refusal_of_the_user_or_that_it_is_of_no_use_and_nothing_that_only_we_can_know() -> None:
    assert {cause.code for cause in (*REJECTIONS, *ANSWERED_UNUSABLY)} | {"invalid_fields"} == CODES
    assert not {"internal_error", "draining", "malformed_request", "connection_refused", "keys_unavailable"} & CODES


def test_a_row_that_is_no_table_is_named_where_it_stands() -> None:
    text = f'{NAMED}\n[calls.login]\n{HEAD}{BODY}replies = ["x"]'
    assert "[[calls.login.replies]] row 1: must be a table" in problems(text)


@pytest.mark.parametrize("what", ["file", "call", "row", "secret", "order"])
def test_one_thing_wrong_is_one_problem_in_its_line(what: str) -> None:
    text, line = {
        "file": (wire(top=f"{NAMED}\ntypo = 1"), 2),
        "call": (wire(head=HEAD + BODY + "typo = 1"), 6),
        "row": (wire(OK + "\ntypo = 1"), 11),
        "secret": (wire(head=HEAD + BODY + 'headers = { X-Api-Key = "hunter2" }'), 6),
        "order": (wire(f"{OK}\n\n# again\n[[calls.login.replies]]\n{OK}"), 13),
    }[what]
    assert lines(text) == [line]
