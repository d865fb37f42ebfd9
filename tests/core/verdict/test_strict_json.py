"""JSON read strictly: equal to what was written, and never more than was written."""

import json
import math
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from netra.core.verdict.strict_json import MAX_DEPTH, Malformed, _read, parse
from tests.core.support import json_values, quick


def nested(opening: str, depth: int, closing: str) -> bytes:
    """Arrays or objects in each other."""
    return (opening * depth + "0" + closing * depth).encode()


REFUSED: list[tuple[str, bytes, Any]] = [
    ("nothing", b"", "empty"),
    ("white space", b" \t\r\n ", "empty"),
    ("a key twice", b'{"a":1,"a":1}', "duplicate_key"),
    ("a key twice, once escaped", b'{"a":1,"\\u0061":2}', "duplicate_key"),
    ("a key twice, deep inside", b'{"a":[{"b":{"c":1,"d":2,"c":3}}]}', "duplicate_key"),
    ("the empty key twice", b'{"":1,"":2}', "duplicate_key"),
    ("not a number", b"NaN", "not_finite"),
    ("not a number, inside", b'{"a":[NaN]}', "not_finite"),
    ("infinity", b"Infinity", "not_finite"),
    ("minus infinity", b"[-Infinity]", "not_finite"),
    ("an exponent that overflows", b"1e999", "not_finite"),
    ("a negative one", b"[-1.0E+400]", "not_finite"),
    ("an array one too deep", nested("[", 33, "]"), "too_deep"),
    ("an object one too deep", nested('{"a":', 33, "}"), "too_deep"),
    ("a hundred thousand arrays", nested("[", 100_000, "]"), "too_deep"),
    ("a hundred thousand that never close", b"[" * 100_000, "too_deep"),
    ("a hundred thousand objects", b'{"a":' * 100_000, "too_deep"),
    ("too deep behind a string that ends in a backslash", b'["\\\\",' + nested("[", 32, "]") + b"]", "too_deep"),
    ("too deep behind a quote in a string", b'["\\"",' + nested("[", 32, "]") + b"]", "too_deep"),
    ("half a surrogate pair", b'"\\ud800"', "lone_surrogate"),
    ("the other half", b'{"a":"\\udfff"}', "lone_surrogate"),
    ("halves in the wrong order", b'["\\udc00\\ud800"]', "lone_surrogate"),
    ("half a pair as a key", b'{"\\ud800":1}', "lone_surrogate"),
    ("a surrogate in UTF-8", b'"\xed\xa0\x80"', "not_utf8"),
    ("Latin-1", b'"caf\xe9"', "not_utf8"),
    ("overlong UTF-8", b'"\xc0\xaf"', "not_utf8"),
    ("UTF-16", '{"a":1}'.encode("utf-16"), "not_utf8"),
    ("UTF-16 without a mark", '{"a":1}'.encode("utf-16-le"), "not_json"),
    ("a byte order mark", b'\xef\xbb\xbf{"a":1}', "not_json"),
    ("something behind", b'{"a":1}x', "not_json"),
    ("a second value", b"{}{}", "not_json"),
    ("a comma too many", b'{"a":1,}', "not_json"),
    ("a comma too many in an array", b"[1,]", "not_json"),
    ("single quotes", b"{'a':1}", "not_json"),
    ("a comment", b"{} // fine", "not_json"),
    ("a key without quotes", b"{a:1}", "not_json"),
    ("cut short", b'{"a":"b', "not_json"),
    ("a control character in a string", b'"a\nb"', "not_json"),
    ("a NUL", b'"a\x00b"', "not_json"),
    ("a leading zero", b"01", "not_json"),
    ("a plus", b"+1", "not_json"),
    ("a bare dot", b".5", "not_json"),
    ("hexadecimal", b"0x10", "not_json"),
    ("Python's words", b"None", "not_json"),
    ("an unknown escape", b'"\\x41"', "not_json"),
    ("HTML", b"<html></html>", "not_json"),
    ("brackets that only close", b"]" * 40 + b"[" * 72, "not_json"),
    ("a number of more digits than are read", b"1" * 5000, "not_json"),
    ("a no-break space around", b"\xc2\xa0{}", "not_json"),
]
READ: list[tuple[str, bytes, object]] = [
    ("an object", b' {"a": [1, 2.5, true, false, null, "x"]} ', {"a": [1, 2.5, True, False, None, "x"]}),
    ("a key in two objects", b'[{"a":1},{"a":1}]', [{"a": 1}, {"a": 1}]),
    ("null", b"null", None),
    ("a number", b"7", 7),
    ("a text", b'""', ""),
    ("minus zero", b"-0", 0),
    ("the largest exponent that fits", b"1.7e308", 1.7e308),
    ("an exponent that vanishes", b"1e-999", 0.0),
    ("an integer beyond 64 bits", b"123456789012345678901234567890", 123456789012345678901234567890),
    ("a whole pair", b'"\\ud83d\\ude00"', "\U0001f600"),
    ("a pair in UTF-8", '"\U0001f600"'.encode(), "\U0001f600"),
    ("an escaped NUL", b'"\\u0000"', "\x00"),
    ("a backslash before a u", b'"\\\\ud800"', "\\ud800"),
    ("brackets in strings", json.dumps(["[" * 100, '{"\\' * 100]).encode(), ["[" * 100, '{"\\' * 100]),
    ("as deep as may be", nested("[", 32, "]"), json.loads("[" * 32 + "0" + "]" * 32)),
    ("objects as deep as may be", nested('{"a":', 32, "}"), json.loads('{"a":' * 32 + "0" + "}" * 32)),
    ("letters escaped by number", b'{"a":"\\u00fc","\\u00fc":1}', {"a": "\u00fc", "\u00fc": 1}),
    ("colons in texts", b'{"a:":"b:","c":{"d":":"}}', {"a:": "b:", "c": {"d": ":"}}),
    ("a colon by number", b'{"a":"\\u003a"}', {"a": ":"}),
    ("many side by side", b"[" + b",".join([b"[]"] * 1000) + b"]", [[]] * 1000),
]


def test_what_is_not_strict_json_is_refused_for_its_own_reason() -> None:
    assert {what: parse(body) for what, body, _ in REFUSED} == {what: Malformed(reason) for what, _, reason in REFUSED}


def test_what_is_strict_json_is_read() -> None:
    assert {what: parse(body) for what, body, _ in READ} == {what: value for what, _, value in READ}
    assert {what: type(parse(body)) for what, body, _ in READ} == {what: type(value) for what, _, value in READ}


def test_thirty_two_is_as_deep_as_it_goes() -> None:
    assert MAX_DEPTH == 32


def test_a_negative_zero_keeps_its_sign() -> None:
    read = parse(b"-0.0")
    assert isinstance(read, float)
    assert math.copysign(1, read) == -1


def test_a_refusal_quotes_nothing_of_what_was_read() -> None:
    assert "hunter2" not in repr(parse(b'{"password": "hunter2"'))


@quick
@given(json_values, st.booleans())
def test_whatever_was_written_is_read_back_equal(value: object, ascii_only: bool) -> None:
    assert parse(json.dumps(value, ensure_ascii=ascii_only).encode()) == value


pieces = st.lists(
    st.sampled_from([b"{", b"}", b"[", b"]", b'"', b"\\", b",", b":", b"0", b"1e9", b"NaN", b"\\ud800", b"\xff", b"a"]),
    max_size=40,
).map(b"".join)


@quick
@given(st.binary(max_size=60) | pieces)
@example(b'"' * 40_000)
@example(b'["' + b'\\"' * 20_000)
def test_no_bytes_at_all_make_it_raise(body: bytes) -> None:
    value = parse(body)
    if not isinstance(value, Malformed):
        assert value == json.loads(body)


TEXTS = st.one_of(
    json_values.map(lambda value: json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()),
    json_values.map(lambda value: json.dumps(value, indent=1).encode()),
    st.binary(max_size=40),
    st.lists(
        st.sampled_from(
            [
                b'{"a":1,', b'"a":', b'"\\u0061":', b'"a:b":', b'"\\/":', b'"/":', b"[", b"]", b"{", b"}", b",", b":",
                b"1", b"-0", b"1e400", b"-1.5E+3", b"01", b"true", b"NaN", b"-Infinity", b'"', b'"x"', b'"\\"',
                b" ", b"\n", b"\x0b", b"\xef\xbb\xbf", b'"\xff"', b'"\\ud800"', b'"\x00"', b"18446744073709551616",
                b"1" * 400, b"null", b'{"a":{"b":1,"b":2}}', b'{"":0,"":0}', b"[" * 33 + b"]" * 33,
                b'{"k":' * 32 + b"1" + b"}" * 32,
            ]
        ),
        max_size=8,
    ).map(b"".join),
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(TEXTS)
@example(b'{"a\\/":1,"a/":2}')
@example(b'{"a:":1,"a:":2}')
@example(b'{"a":1,"a":"\\u003a"}')
@example(b'{"a":"\\u003a","a":1}')
@example(b'{"a":"b:c","a":1}')
@example(b'{"a":1,"a":"b:c","d":"\\u00fc"}')
@example(b'{"a":{"b":1},"a":{}}')
@example(b'[{"a":{"b":":"}},{"a":{"b":1,"b":2}}]')
@example(b'{"a":' + b"[" * 40 + b"]" * 40 + b',"a":1}')
@example(b'{"a":"\\u00fc:"}')
@example(b"[" * 2000 + b"]" * 2000)
@example(b'{"a":"\\ud800"}')
@example(b"9223372036854775808")
@example(b"-9223372036854775809")
@example(b"123456789012345678901234567890.5")
@example(b"2.2250738585072011e-308")
@example(b"\xef\xbb\xbf{}")
@example(b"1" * 4300)
def test_the_quick_reading_says_what_the_close_reading_says(body: bytes) -> None:
    # As text, too: 1 and 1.0 and True are equal, and nan is not equal to itself.
    quickly, closely = parse(body), _read(body)
    assert quickly == closely
    assert repr(quickly) == repr(closely)
