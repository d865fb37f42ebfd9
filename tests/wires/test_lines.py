"""The locator of TOML: whatever stands in a file is found in its line, however it is written."""

import json
import tomllib
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from netra.wires.lines import Lines
from netra.wires.problem import Path, where
from tests.core.support import quick

TEXT = '''\
# a comment = "no key" [no.table]
name = "acme" # another # one
"quoted key" = 1
'literal "key"' = 2
a.b . "c.d" = 3

[ seal ]
X-Service-ID = "{service_id}" # [calls.health]
multi = """
[calls.fake]
x = "\\""" y"
"""
literal = \'\'\'
[calls.fake]\'\'\'
[calls.login]
path = "/a#b"
json = { a = "{x}", b = { c = [1, 2], "d e" = "]" } , f.g = 5 }
list = [
  "one", # "two" ]
  [ "deep",
    "deeper" ],
  { x = 1,y = "}" }, \'lite"ral\',
  1979-05-27 07:32:00, """a""""", -inf
]
empty = ""
empties = [ ]
none = {}
[[calls.login.replies]]
status = [200,
          201]
[calls.login.replies.accept]
id = "/id"
[[calls."login".replies]]
status = [401]
[[calls.login.replies.deep]]
x = 1
[[calls.login.replies.deep]]
y = 2
[[replies]]

[calls]
[last."]\\u00e9"]
end = true'''

PLACES: list[tuple[Path, int]] = [
    ((), 1),
    (("name",), 2),
    (("quoted key",), 3),
    (('literal "key"',), 4),
    (("a",), 5),
    (("a", "b"), 5),
    (("a", "b", "c.d"), 5),
    (("seal",), 7),
    (("seal", "X-Service-ID"), 8),
    (("seal", "multi"), 9),
    (("seal", "literal"), 13),
    (("calls", "login"), 15),
    (("calls", "login", "path"), 16),
    (("calls", "login", "json"), 17),
    (("calls", "login", "json", "b", "c", 1), 17),
    (("calls", "login", "json", "b", "d e"), 17),
    (("calls", "login", "json", "f", "g"), 17),
    (("calls", "login", "list"), 18),
    (("calls", "login", "list", 0), 19),
    (("calls", "login", "list", 1), 20),
    (("calls", "login", "list", 1, 0), 20),
    (("calls", "login", "list", 1, 1), 21),
    (("calls", "login", "list", 2, "y"), 22),
    (("calls", "login", "list", 3), 22),
    (("calls", "login", "list", 4), 23),
    (("calls", "login", "list", 5), 23),
    (("calls", "login", "list", 6), 23),
    (("calls", "login", "empty"), 25),
    (("calls", "login", "empties"), 26),
    (("calls", "login", "none"), 27),
    (("calls", "login", "replies"), 28),
    (("calls", "login", "replies", 0), 28),
    (("calls", "login", "replies", 0, "status"), 29),
    (("calls", "login", "replies", 0, "status", 1), 30),
    (("calls", "login", "replies", 0, "accept"), 31),
    (("calls", "login", "replies", 0, "accept", "id"), 32),
    (("calls", "login", "replies", 1), 33),
    (("calls", "login", "replies", 1, "status"), 34),
    (("calls", "login", "replies", 1, "deep", 0, "x"), 36),
    (("calls", "login", "replies", 1, "deep", 1), 37),
    (("calls", "login", "replies", 1, "deep", 1, "y"), 38),
    (("replies", 0), 39),
    (("calls",), 41),
    (("last", "]\u00e9", "end"), 43),
]


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_every_place_is_found_in_its_line(end: str) -> None:
    tomllib.loads(TEXT)
    lines = Lines(TEXT.replace("\n", end))
    assert {path: lines.of(path) for path, _ in PLACES} == dict(PLACES)


def test_what_is_not_there_is_found_where_it_would_stand() -> None:
    lines = Lines(TEXT)
    assert lines.of(("calls", "login", "method")) == 15
    assert lines.of(("calls", "login", "replies", 1, "accept", "user_id")) == 33
    assert lines.of(("calls", "fake", "x")) == 41
    assert lines.of(("tried",)) == 1


def test_every_member_of_a_document_has_its_line() -> None:
    lines = Lines(TEXT)
    told = TEXT.split("\n")
    for path in paths((), tomllib.loads(TEXT)):
        if isinstance(path[-1], str):
            key = path[-1].replace("\u00e9", "\\u00e9")
            assert key in told[lines.of(path) - 1], path


def paths(path: Path, value: Any) -> list[Path]:
    """The ways to all members of a document."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [each for key, member in inner for each in ((*path, key), *paths((*path, key), member))]


keys = st.text(max_size=4).filter(lambda text: not any("\ud800" <= char <= "\udfff" for char in text))
leaves = keys | st.integers(-9, 9) | st.booleans()
documents = st.dictionaries(
    keys,
    st.recursive(leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3)),
    min_size=1,
    max_size=4,
)


def written(value: Any) -> str:
    """A value as TOML writes it, on one line but for lists."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{quoted(key)} = {written(each)}" for key, each in value.items()) + "}"
    if isinstance(value, list):
        return "[\n" + "".join(f"{written(each)}, # ']\n" for each in value) + "]"
    return quoted(value) if isinstance(value, str) else json.dumps(value)


def quoted(text: str) -> str:
    """A text in quotes."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


@quick
@given(documents)
@example({"": {"": ["", [""]]}, "\"'#\n": {"[": '"""'}})
def test_whatever_stands_in_a_document_is_found_at_or_after_what_it_stands_in(document: dict[str, Any]) -> None:
    text = "".join(f"\n[{quoted(key)}]\nv = {written(value)}\n" for key, value in document.items())
    parsed = tomllib.loads(text)
    assert parsed == {key: {"v": value} for key, value in document.items()}
    lines = Lines(text)
    told = text.split("\n")
    for key in document:
        assert told[lines.of((key,)) - 1] == f"[{quoted(key)}]"
        assert told[lines.of((key, "v")) - 1].startswith("v = ")
    everything = paths((), parsed)
    assert all(lines.of(path[:-1]) <= lines.of(path) for path in everything if len(path) > 1)
    in_order = [lines.of(path) for path in everything]
    assert in_order == sorted(in_order)


def test_the_last_of_five_thousand_rows_is_found() -> None:
    text = "".join(f"[[replies]]\nstatus = [{number}]\n" for number in range(5_000))
    assert Lines(text).of(("replies", 4_999, "status", 0)) == 10_000


@pytest.mark.parametrize("text", ["[", "a", "a = [", "[a", "= 1", "a ="])
def test_what_is_not_toml_is_no_text_to_be_read(text: str) -> None:
    with pytest.raises((ValueError, IndexError)):
        Lines(text)


@pytest.mark.parametrize(
    ("path", "place"),
    [
        ((), ""),
        (("name",), "name"),
        (("calls",), "[calls]"),
        (("seal",), "[seal]"),
        (("seal", "X-A"), "[seal] X-A"),
        (("seal_fields", "a b"), "[seal_fields] 'a b'"),
        (("extra", "tenant", "max_chars"), "[extra] tenant.max_chars"),
        (("replies", 0), "[[replies]] row 1"),
        (("replies", 1, "status"), "[[replies]] row 2 status"),
        (("calls", "login"), "[calls.login]"),
        (("calls", "login", "json", "list", 0, "value"), "[calls.login] json.list[0].value"),
        (("calls", "login", "replies"), "[calls.login] replies"),
        (("calls", "login", "replies", 1, "accept", "user_id"), "[[calls.login.replies]] row 2 accept.user_id"),
        (("calls", "log\nin", "path"), "[calls.'log\\nin'] path"),
        (("calls", "\u00e9" * 200), "[calls.'" + "\\xe9" * 80 + "']"),
        (("reply", 2, "headers", "X-A"), "[[reply]] row 3 headers.X-A"),
    ],
)
def test_a_place_is_called_as_the_file_writes_it(path: Path, place: str) -> None:
    assert where(path) == place
