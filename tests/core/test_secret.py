"""A secret shows itself to nobody who does not ask for it by name."""

import copy
import json
import logging
import pickle
import sys
import traceback
from collections.abc import Callable
from types import FrameType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netra.core.secret import Secret
from netra.core.verdict.operations import Session
from tests.core.support import quick

VALUE = "hunter2-hunter2"
DOTS = "••••••"

PRINTED: list[tuple[str, Callable[[Secret], str]]] = [
    ("repr", repr),
    ("str", str),
    ("f-string", lambda secret: f"{secret}"),
    ("f-string with repr", lambda secret: f"{secret!r}"),
    ("f-string with a width", lambda secret: f"{secret:>40}"),
    ("f-string with a number's format", lambda secret: f"{secret:08.3f}"),
    ("format", "{}".format),
    ("percent", lambda secret: "%s" % secret),  # noqa: UP031 - the oldest way, too
    ("percent with repr", lambda secret: "%r" % secret),  # noqa: UP031
    ("in a list", lambda secret: str([secret])),
    ("in a dictionary", lambda secret: str({"password": secret})),
    ("in a value", lambda secret: str(Session(secret, secret, 900, None))),
    ("in a log line", lambda secret: logging.LogRecord("n", 20, "p", 1, "%s %r", (secret, secret), None).getMessage()),
]


@pytest.mark.parametrize(("way", "printed"), PRINTED, ids=[way for way, _ in PRINTED])
def test_no_way_of_printing_shows_a_secret(way: str, printed: Callable[[Secret], str]) -> None:
    text = printed(Secret(VALUE))
    assert VALUE not in text, way
    assert DOTS in text


def test_its_dots_do_not_tell_how_long_it_is() -> None:
    assert {repr(Secret(VALUE * count)) for count in range(5)} == {f"Secret({DOTS})"}
    assert {str(Secret(VALUE * count)) for count in range(5)} == {DOTS}


def test_a_traceback_with_its_local_variables_does_not_show_it() -> None:
    def fails(secret: Secret) -> int:
        return 1 // len(str(secret)[:0])

    with pytest.raises(ZeroDivisionError) as failed:
        fails(Secret(VALUE))
    told = "".join(traceback.TracebackException.from_exception(failed.value, capture_locals=True).format())
    assert f"secret = Secret({DOTS})" in told
    assert VALUE not in told.replace("VALUE", "")


SERIALISED: list[tuple[str, Callable[[Secret], object]]] = [
    *((f"pickle {protocol}", lambda secret, p=protocol: pickle.dumps(secret, p)) for protocol in range(6)),
    ("copy", copy.copy),
    ("deepcopy", copy.deepcopy),
    ("json", json.dumps),
    ("json in a dictionary", lambda secret: json.dumps({"password": secret})),
]


@pytest.mark.parametrize(("way", "serialised"), SERIALISED, ids=[way for way, _ in SERIALISED])
def test_no_way_of_serialising_takes_it_along(way: str, serialised: Callable[[Secret], object]) -> None:
    with pytest.raises(TypeError, match=r"a Secret is not serialised|not JSON serializable") as refused:
        serialised(Secret(VALUE))
    assert VALUE not in str(refused.value), way


def test_it_has_no_dictionary_that_could_be_dumped() -> None:
    with pytest.raises(TypeError):
        vars(Secret(VALUE))


@quick
@given(st.text(), st.text())
def test_two_secrets_are_equal_exactly_when_their_texts_are(one: str, other: str) -> None:
    assert (Secret(one) == Secret(other)) == (one == other)
    assert Secret(one) == Secret(one)
    assert hash(Secret(one)) == hash(Secret(one))
    assert len({Secret(one), Secret(one), Secret(other)}) == len({one, other})


def test_it_equals_no_plain_text() -> None:
    assert Secret(VALUE) != VALUE
    assert Secret(VALUE) != VALUE
    assert Secret("") != None  # noqa: E711 - the operator is what is tested


def test_a_secret_of_broken_unicode_can_be_compared() -> None:
    assert Secret("\ud800") == Secret("\ud800")
    assert Secret("\ud800") != Secret("\udfff")


@pytest.mark.interpreted
def test_equality_takes_the_same_time_wherever_the_difference_is() -> None:
    called: list[str] = []

    def profile(_: FrameType, event: str, argument: Any) -> None:
        if event == "c_call":
            called.append(argument.__name__)

    one, other = Secret(VALUE), Secret(VALUE[:-1] + "x")
    before = sys.getprofile()
    sys.setprofile(profile)
    try:
        equal = one == other
    finally:
        sys.setprofile(before)
    assert not equal
    assert any("compare_digest" in name for name in called), called


def test_an_empty_secret_is_false_and_any_other_true() -> None:
    assert not Secret("")
    assert Secret(" ")


def test_it_is_revealed_unchanged_to_whoever_asks_by_name() -> None:
    assert Secret(" \u00e4\n").reveal() == " \u00e4\n"
