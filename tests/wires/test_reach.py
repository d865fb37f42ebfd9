"""Rows that nothing gets to are named with those that take all, and no row is named that some reply would get to."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netra.core.verdict.classify import classify
from netra.core.verdict.outcomes import code_of
from netra.core.verdict.wire import BodyKind, ReplyRow
from netra.wires.reach import Placed, unreachable
from tests.core.support import API_GATEWAY, GOOD, HTML, NGINX_502, call_of, reply
from tests.wires.support import BODY, HEAD, OK, call, problems, wire

BY = "put it first, or narrow the other"


def row(*statuses: int, **conditions: Any) -> ReplyRow:
    """A row for these statuses, which says nothing."""
    return ReplyRow(frozenset(statuses or (401,)), **conditions)


def silent(*rows: ReplyRow) -> dict[int, str]:
    """The rows of one call that are never reached, by their number from 0 on, and why."""
    placed = [((number,), each) for number, each in enumerate(rows)]
    return {int(found.path[0]): found.what for found in unreachable({"login": placed})}


OBJECT, EMPTY = frozenset[BodyKind]({"object"}), frozenset[BodyKind]({"empty"})
PAGE = frozenset[BodyKind]({"other", "intermediary"})
AT, DEEP = ("a",), ("a", "b")
COVERED: list[tuple[str, list[ReplyRow], bool]] = [
    ("the same again", [row(), row()], True),
    ("another status", [row(401), row(403)], False),
    ("fewer statuses", [row(401, 403), row(403)], True),
    ("more statuses", [row(401), row(401, 403)], False),
    ("statuses of two rows", [row(401), row(403), row(401, 403)], True),
    ("statuses of two rows and one more", [row(401), row(403), row(401, 403, 409)], False),
    ("fewer bodies", [row(bodies=OBJECT | EMPTY), row(bodies=EMPTY)], True),
    ("more bodies", [row(bodies=EMPTY), row(bodies=OBJECT | EMPTY)], False),
    ("any body", [row(bodies=OBJECT), row()], False),
    ("bodies of two rows", [row(bodies=OBJECT | EMPTY), row(bodies=PAGE), row()], True),
    ("coded after any", [row(), row(coded=True)], True),
    ("any after coded", [row(coded=True), row()], False),
    ("uncoded after coded", [row(coded=True), row(coded=False)], False),
    ("any after both", [row(coded=True), row(coded=False), row()], True),
    ("an empty body after uncoded: it never has a code", [row(coded=False), row(bodies=EMPTY)], True),
    ("an object after uncoded", [row(coded=False), row(bodies=OBJECT)], False),
    ("coded after objects: nothing else has a code", [row(bodies=OBJECT), row(coded=True)], True),
    ("a value after anything", [row(), row(pointer=AT, values=(1,))], True),
    ("anything after a value", [row(pointer=AT, values=(1,)), row()], False),
    ("a value after a pointer", [row(pointer=AT), row(pointer=AT, values=(1,))], True),
    ("a pointer after a value", [row(pointer=AT, values=(1,)), row(pointer=AT)], False),
    ("another value", [row(pointer=AT, values=(1,)), row(pointer=AT, values=(2,))], False),
    ("a value of another kind", [row(pointer=AT, values=(1,)), row(pointer=AT, values=(True,))], False),
    ("fewer values", [row(pointer=AT, values=(1, 2)), row(pointer=AT, values=(2,))], True),
    (
        "values of two rows",
        [row(pointer=AT, values=(1,)), row(pointer=AT, values=(2,)), row(pointer=AT, values=(2, 1))],
        True,
    ),
    ("another pointer", [row(pointer=AT, values=(1,)), row(pointer=("b",), values=(1,))], False),
    ("a pointer below one", [row(pointer=AT), row(pointer=DEEP)], True),
    ("a value below a pointer", [row(pointer=AT), row(pointer=DEEP, values=(1,))], True),
    ("a pointer above one", [row(pointer=DEEP), row(pointer=AT)], False),
    ("a pointer after objects: an array has one, too", [row(bodies=OBJECT), row(pointer=AT)], False),
    ("a pointer after all that has places", [row(bodies=OBJECT | PAGE), row(pointer=AT)], True),
    ("standing makes no difference", [row(needs_standing=True), row(code="account_locked")], True),
]


@pytest.mark.parametrize(("what", "rows", "covered"), COVERED, ids=[what for what, _, _ in COVERED])
def test_a_row_is_silent_when_rows_before_it_take_all_that_it_would(
    what: str, rows: list[ReplyRow], covered: bool
) -> None:
    assert (len(rows) - 1 in silent(*rows)) is covered, what
    assert silent(*rows[:-1]) == {}


@pytest.mark.parametrize(
    "conditions",
    [
        {"bodies": EMPTY, "pointer": AT},
        {"bodies": EMPTY, "coded": True},
        {"bodies": PAGE, "coded": True},
        {"bodies": frozenset()},
    ],
    ids=["empty, pointer", "empty, coded", "page, coded", "none"],
)
def test_a_row_whose_conditions_contradict_each_other_is_like_no_reply(conditions: dict[str, Any]) -> None:
    assert silent(row(**conditions))[0].startswith("is never reached: no reply is like that")


# Every kind of reply that rows can tell apart, made to be read.
BODIES: list[object] = [
    b"", {}, {"a": 1}, {"a": 2}, {"a": True}, {"a": None}, {"a": {"b": 1}}, {"a": {"b": None}}, {"b": 1}, [], HTML,
    {"code": "AUTH001"}, {"code": "AUTH001", "a": 1}, {"code": "AUTH001", "a": 2}, {"code": "AUTH001", "a": {"b": 1}},
    {"code": "AUTH001", "a": True}, NGINX_502, API_GATEWAY, {"cloudflare_error": True, "a": 1},
    {"cloudflare_error": True, "a": {"b": 1}}, {"cloudflare_error": True, "a": 2},
    {"cloudflare_error": True, "a": True},
]  # fmt: skip
KINDS: list[BodyKind] = ["object", "empty", "other", "intermediary"]


@st.composite
def rows_at_random(draw: st.DrawFn) -> ReplyRow:
    """A row with some conditions."""
    pointer = draw(st.none() | st.sampled_from([AT, DEEP]))
    values = draw(st.none() | st.lists(st.sampled_from([1, 2, True]), min_size=1, max_size=2).map(tuple))
    return ReplyRow(
        frozenset(draw(st.sets(st.sampled_from([401, 403]), min_size=1))),
        bodies=draw(st.none() | st.sets(st.sampled_from(KINDS), min_size=1).map(frozenset)),
        coded=draw(st.none() | st.booleans()),
        pointer=pointer,
        values=values if pointer else None,
    )


def spoken(rows: Sequence[ReplyRow]) -> set[int]:
    """The rows by which the classifier reads one of all these replies; each is told by a code of its own."""
    codes = ["redirected", "unexpected_status", "response_incomplete", "http_protocol_error"]
    marked = tuple(each._replace(code=code) for each, code in zip(rows, codes, strict=False))
    asked = call_of("login")
    asked = asked._replace(template=replace(asked.template, rows=marked))
    told = {
        code_of(classify(asked, reply(status, body), GOOD)) for status in (401, 403) for body in BODIES
    }  # fmt: skip
    return {number for number, code in enumerate(codes) if code in told}


@settings(max_examples=150, deadline=None)
@given(st.lists(rows_at_random(), min_size=2, max_size=4))
def test_no_row_is_called_silent_by_which_the_classifier_reads_a_reply(rows: list[ReplyRow]) -> None:
    assert not set(silent(*rows)) & spoken(rows), rows


def test_a_row_that_calls_share_is_silent_only_when_it_is_so_in_each() -> None:
    shared: Placed = (("replies", 0), row(401))
    taken: Placed = (("calls", "login", "replies", 0), row(401))
    free: Placed = (("calls", "logout", "replies", 0), row(200))
    assert list(unreachable({"login": [taken, shared], "logout": [free, shared]})) == []
    both = list(unreachable({"login": [taken, shared]}))
    assert [found.path for found in both] == [("replies", 0)]


SHARED = '[[replies]]\nstatus = [401, 403]\nbody = ["object"]\ncoded = false\ncode = "service_credentials_rejected"\n'
OWN = '\n[[calls.login.replies]]\nstatus = [401]\ncode = "service_credentials_rejected"\n'


def test_a_file_is_told_which_rows_take_all() -> None:
    first = "[[calls.login.replies]] row 2"
    text = wire(OK + OWN + OWN)
    assert problems(text) == [
        f"[[calls.login.replies]] row 3: is never reached: all that it would take is taken by {first}; {BY}"
    ]
    two = wire(OK + OWN + OWN.replace("401", "403") + OWN.replace("401", "401, 403"))
    by = f"{first} and [[calls.login.replies]] row 3"
    assert problems(two) == [
        f"[[calls.login.replies]] row 4: is never reached: all that it would take is taken by {by}; {BY}"
    ]


def test_a_file_is_told_of_a_shared_row_that_no_sealed_call_gets_to() -> None:
    both = OWN.replace("401", "401, 403")
    by = "all that it would take is taken by [[calls.login.replies]] row 2"
    assert problems(wire(OK + both, rest=SHARED)) == [f"[[replies]] row 1: is never reached: {by}; {BY}"]
    refresh = call("refresh", HEAD + 'bearer = "refresh_token"', OK)
    open_login = HEAD + BODY + "sealed = false"
    assert problems(wire(head=open_login, rest=SHARED)) == [
        "[[replies]] row 1: is never reached: it holds for sealed calls, and there is none"
    ]
    with pytest.raises(pytest.fail.Exception):
        problems(wire(OK + both, rest=SHARED + refresh))


def test_a_row_that_is_wrong_itself_takes_nothing_from_others() -> None:
    text = wire(OK + OWN.replace('"service', '"Service') + OWN)
    assert [each.partition(":")[0] for each in problems(text)] == ["[[calls.login.replies]] row 2 code"]


def test_the_replies_of_this_file_get_to_rows_of_every_kind() -> None:
    rows = [row(bodies=frozenset({"intermediary"})), row(coded=True), row(bodies=EMPTY), row(bodies=OBJECT)]
    assert spoken(rows) == {0, 1, 2, 3}
