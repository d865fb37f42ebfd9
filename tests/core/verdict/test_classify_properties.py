"""Whatever comes back, nothing is called a refusal that was not said by the auth service about this user."""

import json

from hypothesis import given
from hypothesis import strategies as st

from netra.core.verdict.classify import at, classify
from netra.core.verdict.intermediaries import of_object
from netra.core.verdict.outcomes import Accepted, Rejected, Unknown
from netra.core.verdict.reply import Reply, Standing
from netra.core.verdict.strict_json import parse
from tests.core.support import API_GATEWAY, NGINX_502, RECEIVED_AT, call_of, json_values, quick, standings, wire
from tests.core.verdict.refusal_names import OF_FIELDS, OF_OURS, OF_USERS, OVERLOAD

MEMBERS = [
    "code", "error", "error_code", "detail", "errors", "valid", "user", "user_id", "id", "email", "access_token",
    "refresh_token", "expires_in", "expires_at", "status", "message", "pointer", "loc", "cloudflare_error",
]  # fmt: skip
words = st.sampled_from([*OF_USERS, *OF_FIELDS, *OF_OURS, *OVERLOAD, "/email", "u-1", "a.b.c", "Forbidden"])
leaves = words | st.sampled_from([None, True, False, 0, -1, 900, 1.5, "", "2027-01-01T00:00:00Z"])
objects = st.recursive(
    leaves,
    lambda inner: st.dictionaries(st.sampled_from(MEMBERS), inner, max_size=5) | st.lists(inner, max_size=2),
    max_leaves=8,
)
bodies = (
    objects.map(lambda value: json.dumps(value).encode())
    | st.binary(max_size=40)
    | st.sampled_from([b"", b" ", NGINX_502, API_GATEWAY, b"[" * 100, b'{"code":"invalid_credentials"'])
)
headers = st.dictionaries(
    st.sampled_from(["content-type", "retry-after", "server", "location", "via"]), st.text(max_size=12), max_size=2
)
statuses = st.sampled_from([200, 200, 201, 204, 400, 401, 401, 403, 404, 409, 422, 423, 429]) | st.integers(0, 1000)
NAMES = [*OF_USERS, *OF_FIELDS, *OF_OURS]
FACTS = {"status", "content_type", "answered_by", "location_host", "retry_after_s", "lacking", "method", "path"}
OF_UNMATCHED = {"json_keys", "wire_row"}
MAY_BE_EMPTY = {("register", 409), *((operation, 423) for operation in wire().templates)}


def is_object_of_nobody_else(body: bytes) -> bool:
    """Is it a JSON object with a known name, or one that no intermediary is known to send?"""
    document = parse(body)
    if not isinstance(document, dict):
        return False
    named = any(at(document, pointer) in NAMES for pointer in wire().names.pointers)
    return named or of_object(document) is None


@quick
@given(st.sampled_from(sorted(wire().templates)), statuses, bodies, headers, standings)
def test_whatever_comes_back_is_read_without_raising_and_refuses_only_in_words(
    operation: str, status: int, body: bytes, said: dict[str, str], standing: Standing
) -> None:
    outcome = classify(call_of(operation), Reply(status, said, body, RECEIVED_AT), standing)
    if isinstance(outcome, Rejected):
        assert 400 <= status <= 499 or (operation == "validate" and status == 200)
        assert outcome.cause.verdict == "rejected"
        assert is_object_of_nobody_else(body) or (not body.strip() and (operation, status) in MAY_BE_EMPTY)
    elif isinstance(outcome, Unknown):
        assert outcome.cause.verdict == "unknown"
        assert outcome.cause.status >= 500
        told = OF_UNMATCHED if outcome.cause.code in ("request_not_understood", "invalid_response") else set()
        assert set(outcome.facts) <= FACTS | told
        lacking = outcome.facts.get("lacking")
        assert not lacking or set(lacking.split(", ")) <= call_of(operation).operation.places
    else:
        assert 200 <= status <= 299


@quick
@given(st.sampled_from(["login", "refresh"]), json_values, headers)
def test_an_uncoded_401_never_refuses_a_user_while_our_own_credentials_are_in_doubt(
    operation: str, value: object, said: dict[str, str]
) -> None:
    body = json.dumps({"said": value}).encode()
    for handshake in ("not_yet", "refused"):
        doubt = Standing(credentials_configured=True)._replace(handshake=handshake)
        outcome = classify(call_of(operation), Reply(401, said, body, RECEIVED_AT), doubt)
        assert isinstance(outcome, Unknown)
        assert outcome.cause.code == "service_credentials_rejected"


def test_an_accepted_answer_prints_none_of_its_tokens() -> None:
    body = {"access_token": "hunter2.a.b", "refresh_token": "hunter2", "user": {"id": "u-1", "email": "a@b.example"}}
    outcome = classify(call_of("login"), Reply(200, {}, json.dumps(body).encode(), RECEIVED_AT), Standing())
    assert isinstance(outcome, Accepted)
    assert "hunter2" not in repr(outcome)


DOCUMENT = {"a": [10, {"b": None}], "": 1, "0": 2}
POINTED: list[tuple[tuple[str, ...], object]] = [
    ((), DOCUMENT),
    (("a",), [10, {"b": None}]),
    (("a", "0"), 10),
    (("a", "1", "b"), None),
    (("",), 1),
    (("0",), 2),
    (("a", "2"), None),
    (("a", "-1"), None),
    (("a", "00"), None),
    (("a", "01"), None),
    (("a", "+1"), None),
    (("a", "\u00b2"), None),
    (("a", "\u0661"), None),
    (("a", "9" * 5000), None),
    (("a", "-"), None),
    (("a", "0", "b"), None),
    (("x",), None),
    (("x", "y"), None),
]


def test_a_pointer_finds_a_value_or_nothing() -> None:
    assert {pointer: at(DOCUMENT, pointer) for pointer, _ in POINTED} == dict(POINTED)


@quick
@given(json_values, st.lists(st.text(max_size=3) | st.integers(-3, 3).map(str), max_size=4))
def test_no_pointer_into_any_value_raises(document: object, pointer: list[str]) -> None:
    found = at(document, tuple(pointer))
    assert pointer or found == document
