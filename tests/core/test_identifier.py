"""One key for every usual spelling of an identifier, and different keys for different people."""

from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netra.core.identifier import Kind, normalised
from tests.core.support import quick

KINDS: tuple[Kind, ...] = get_args(Kind)
SAME: list[tuple[Kind, list[str]]] = [
    ("email", ["ada@example.com", "Ada@Example.COM", " ada@example.com ", "ADA@EXAMPLE.COM\n"]),
    ("email", ["zo\u00eb@example.com", "zoe\u0308@example.com", "ZO\u00cb@example.com"]),
    ("email", ["straße@example.com", "STRASSE@example.com"]),
    ("username", ["ada", "Ada", "\tADA "]),
    (
        "phone",
        [
            "+44 20 7946 0958",
            "+442079460958",
            "0044 20 7946 0958",
            "+44 (20) 7946-0958",
            "(+44) 20 7946 0958",
            "+44.20.7946.0958",
        ],
    ),
    ("phone", ["020 7946 0958", "(020) 7946 0958", "020-7946/0958"]),
    ("any", ["Ada", "ada "]),
    ("any", ["+44 20 7946 0958", "0044 2079460958"]),
    ("any", ["Ada@Example.com", "ada@example.com"]),
]
DIFFERENT: list[tuple[Kind, list[str]]] = [
    ("email", ["ada@example.com", "ada@example.org", "ada.b@example.com", "ada+1@example.com"]),
    ("email", ["+44 20 7946 0958", "+442079460958"]),
    ("username", ["0044123", "+44123", "044123", "44123", "0 044123"]),
    ("phone", ["020 7946 0958", "+20 7946 0958", "20 7946 0958", "020 7946 0959"]),
    ("any", ["12345", "+12345", "a12345", "12345a"]),
]


@pytest.mark.parametrize(("kind", "spellings"), SAME, ids=range(len(SAME)))
def test_all_spellings_of_one_identifier_have_one_key(kind: Kind, spellings: list[str]) -> None:
    assert len({normalised(spelling, kind) for spelling in spellings}) == 1


@pytest.mark.parametrize(("kind", "identifiers"), DIFFERENT, ids=range(len(DIFFERENT)))
def test_different_identifiers_have_different_keys(kind: Kind, identifiers: list[str]) -> None:
    assert len({normalised(each, kind) for each in identifiers}) == len(identifiers)


@pytest.mark.parametrize(
    ("said", "key"),
    [
        ("+44 20 7946 0958", "+442079460958"), ("0044 20 7946 0958", "+442079460958"), ("020 7946 0958", "02079460958"),
        ("(0)20", "020"), ("+", "+"), ("", ""), ("Not a number", "not a number"), ("+44x", "+44x"), ("00", "+"),
    ],
)  # fmt: skip
def test_a_telephone_number_is_its_digits_and_all_else_its_letters_folded(said: str, key: str) -> None:
    assert normalised(said, "phone") == key


NUMBERS = st.text(st.sampled_from("+0123456789 ()./-"), max_size=24)


@quick
@given(st.sampled_from(KINDS), NUMBERS | st.text(max_size=24))
def test_a_key_is_its_own_key(kind: Kind, said: str) -> None:
    key = normalised(said, kind)
    assert normalised(key, kind) == key


@pytest.mark.parametrize("mark", ["", "\u0323", "\u0345"], ids=ascii)
def test_a_key_of_every_letter_under_this_mark_is_its_own_key(mark: str) -> None:
    for number in range(0x1EA00):
        key = normalised(chr(number) + mark, "email")
        assert normalised(key, "email") == key, ascii(chr(number))


@quick
@given(st.sampled_from(KINDS), st.text(max_size=24), st.sampled_from([" ", "\t", "\r\n", "\u00a0"]))
def test_blanks_around_and_case_make_no_other_key(kind: Kind, said: str, blank: str) -> None:
    key = normalised(said, kind)
    assert normalised(f"{blank}{said}{blank}", kind) == key
    assert normalised(said.casefold(), kind) == key
