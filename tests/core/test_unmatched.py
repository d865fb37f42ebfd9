"""What is told of a reply that no row reads: names of members, a code or a plain sentence, and nothing that was said.

It must never be kinder than the reader of wire files: a row that is told can be pasted.
"""

import json
import re
import string
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netra.core.fill import Said
from netra.core.secret import Secret
from netra.core.unmatched import Unread, facts_of_unread
from netra.wires.build import shared_names
from netra.wires.load import load, preset
from tests.core.support import json_values, quick

SAID: Said = {
    "identifier": "ada.byron@example.com",
    "password": Secret("Swordfish and chips"),
    "name": None,
    "tenant": "analytical-engines",
}
OURS, SPEAKING = shared_names().of_ours, shared_names().speaking


def facts(operation: str, status: int, document: dict[str, Any], said: Said) -> dict[str, str]:
    """What is told of a reply."""
    return facts_of_unread(Unread(operation, status, document), said, SPEAKING, OURS)


def row_of(document: dict[str, Any], status: int = 400, operation: str = "login", said: Said = SAID) -> str | None:
    """The row that would read a reply as a refusal."""
    return facts(operation, status, document, said).get("wire_row")


def value_in(row: str | None) -> str | None:
    """What a row compares with."""
    found = re.search(r'^value = (".*")$', row or "", re.MULTILINE)
    return json.loads(found[1]) if found else None


def test_a_reply_is_told_by_its_members_and_a_row_to_paste() -> None:
    assert facts("login", 400, {"error": "bad_login", "trace": 1}, SAID) == {
        "json_keys": "error, trace",
        "wire_row": '[[calls.login.replies]]\nstatus = [400]\npointer = "/error"\nvalue = "bad_login"\n'
        'code = "invalid_credentials"',
    }


def test_an_object_that_says_nothing_is_told_by_nothing() -> None:
    assert facts("login", 400, {}, SAID) == {}
    assert facts("login", 401, {}, SAID) == {
        "wire_row": '[[calls.login.replies]]\nstatus = [401]\nbody = ["object"]\ncoded = false\nneeds_standing = true\n'
        'code = "invalid_credentials"'
    }


@pytest.mark.parametrize("member", ["token", "accessToken", "id_token", "X-Token"])
def test_a_success_that_hands_out_a_token_is_no_refusal_to_paste(member: str) -> None:
    said = facts("login", 200, {"status": "ok", member: "eyJ"}, SAID)
    assert ("wire_row" in said, "status" in said["json_keys"]) == (False, True)
    assert row_of({"status": "ok"}, 200) is not None


@pytest.mark.parametrize(("status", "guarded"), [(400, False), (401, True), (403, True), (422, False)])
def test_what_may_speak_of_ourselves_refuses_only_while_our_credentials_are_good(status: int, guarded: bool) -> None:
    assert ("needs_standing = true" in (row_of({"error": "bad_login"}, status) or "")) is guarded


def test_a_row_means_what_a_refusal_of_its_call_most_often_means() -> None:
    meant = {
        "login": "invalid_credentials", "refresh": "refresh_rejected", "register": "email_taken",
        "validate": "token_rejected", "logout": "token_rejected",
    }  # fmt: skip
    for operation, code in meant.items():
        row = row_of({"code": "no_way"}, operation=operation) or ""
        assert row.startswith(f"[[calls.{operation}.replies]]\n")
        assert row.endswith(f'\ncode = "{code}"')
    for operation in ("config", "health", "handshake"):
        assert row_of({"code": "no_way"}, operation=operation) is None


@pytest.mark.parametrize("status", [200, 201, 400, 401, 403, 404, 418, 422, 499])
def test_there_is_a_row_for_what_a_refusal_can_have(status: int) -> None:
    assert f"status = [{status}]" in (row_of({"code": "no_way"}, status) or "")


@pytest.mark.parametrize("status", [100, 199, 300, 302, 500, 502, 503, 599, 999])
def test_there_is_no_row_for_what_an_outage_or_a_redirect_can_have(status: int) -> None:
    assert row_of({"code": "no_way"}, status) is None
    assert facts("login", status, {"code": "no_way"}, SAID) == {"json_keys": "code"}


def test_the_member_that_says_most_is_taken() -> None:
    assert SPEAKING[:3] == ("code", "error_code", "error")
    said = {name: f"by_{name.strip('_')}" for name in reversed(SPEAKING)}
    for name in SPEAKING:
        assert value_in(row_of(said)) == f"by_{name.strip('_')}"
        del said[name]
    assert row_of({"other": "no_way"}) is None


@pytest.mark.parametrize(
    "value",
    [
        "invalid_grant_2", "E_17", "AUTH0017", "NO", "ok", "user.locked", "user:locked", "UserNotFoundException",
        "wrongPassword", "wrong-password", "bad.login.v2", "Bad credentials", "Wrong e-mail or password.",
        "No active account found with the given credentials", "Unknown user, sorry!", "It didn't work",
    ],
)  # fmt: skip
def test_a_code_or_a_plain_sentence_is_told(value: str) -> None:
    assert value_in(row_of({"error": value})) == value


@pytest.mark.parametrize(
    "value",
    [
        "", "x", "SplxlOBeZQQYbYS6WxSbIA", "8xLOxBtZp8", "2YotnFZFEjr1zCsicMWpAA", "tGzv3JOkF0XG5Qx2TlKWIA",
        "f47ac10b-58cc-4372-a567-0e02b2c3d479", "deadbeef0123cafe", "Qm9iQmFi", "4111111111111111", "+441632960961",
        "a@b.co", "https://example.net/x", "a b", "lower case words", "Line\nbreak here", "Wörter hier", "No: 17 tries",
        "eyJhbGciOiJub25lIn0.eyJzdWIiOiJ1In0.c2ln", 'Say "no"', "x" * 65, "Word " * 30, "A" + " word" * 40,
        "No " + "x" * 200, "Password " + "9" * 8, "\u202eevil words", "${jndi:ldap}", "<b>No</b>", "A  b",
    ],
)  # fmt: skip
def test_any_other_value_is_never_told(value: str) -> None:
    told = facts("login", 400, {"error": value, "message": value, "code": value}, SAID)
    assert told == {"json_keys": "error, message, code"}


@pytest.mark.parametrize("value", [None, 1, True, 1.5, ["no_way"], {"code": "no_way"}])
def test_what_is_no_text_is_never_told(value: object) -> None:
    assert row_of({"code": value}) is None


@pytest.mark.parametrize(
    "value",
    [
        "User ada not found", "User Ada not found", "user_ada_unknown", "ada.byron", "ADA.BYRON", "UserByronLocked",
        "byron", "No account at example here", "example.com", "UserAdaUnknown", "Byron", "unknown_byrons",
        "Swordfish and chips", "No Swordfish and chips here", "tenant_analytical_engines", "engines", "analytical",
        "No such tenant as Engines",
    ],
)  # fmt: skip
def test_nothing_that_the_client_said_is_told_nor_a_word_of_it(value: str) -> None:
    for document in ({"error": value}, {"message": value, "error": value}):
        assert row_of(document) is None
    assert facts("login", 400, {value: 1, "other": 2}, SAID)["json_keys"] == "other"


def test_a_word_is_no_echo_for_having_two_or_three_letters_in_common() -> None:
    said: Said = {"identifier": "al.com@not.example", "password": Secret("x7")}
    assert value_in(row_of({"error": "Incomplete or illegal"}, said=said)) == "Incomplete or illegal"
    assert value_in(row_of({"error": "Wrong password"}, said={"password": Secret("word of mine")})) == "Wrong password"
    assert row_of({"error": "Com is wrong"}, said=said) is None
    assert row_of({"error": "This is not so"}, said=said) is None


def test_a_value_that_was_said_is_passed_over_for_the_next_one() -> None:
    assert value_in(row_of({"error": "byron", "message": "Bad credentials"})) == "Bad credentials"


@pytest.mark.parametrize("token", ["refresh_token", "token"])
def test_no_token_is_told_however_short_it_is(token: str) -> None:
    said: Said = {token: Secret("tok")}
    for value in ("tok", "no_such_tok", "Token tok is over"):
        assert row_of({"error": value, "code": value}, operation="logout", said=said) is None
    assert "tok" not in facts("logout", 400, {"tok": 1, "a_tok": 1}, said).get("json_keys", "")


def test_names_of_members_are_told_when_they_are_plain_and_not_too_many() -> None:
    names = {
        "ok": 1, "__type": 1, "access_token": 1, "userId": 1, "x5t": 1, "a-b.c": 1, "": 1, " ": 1, "a b": 1, "ä": 1,
        "1a": 1, "a" * 41: 1, "2YotnFZFEjr1zCsicMWpAA": 1, "SplxlOBe7QQYbYS6WxSbIA": 1, "<script>": 1, "a\n": 1,
    }  # fmt: skip
    assert facts("config", 400, names, SAID) == {"json_keys": "ok, __type, access_token, userId, a-b.c"}
    many = {f"k{number}": 1 for number in range(20)}
    assert facts("config", 400, many, SAID)["json_keys"].split(", ") == [f"k{number}" for number in range(8)]


@pytest.mark.parametrize("name", sorted(OURS))
def test_what_refuses_us_is_never_told_as_a_refusal_of_the_user(name: str) -> None:
    for status in (200, 400, 401):
        for document in ({"code": name}, {"error": name, "message": "Bad credentials"}, {"reason": name}):
            assert row_of(document, status) is None


PLANTED = "pl4nted"
VALUES = st.one_of(
    st.text(st.sampled_from(f"{string.ascii_letters}{string.digits} _.-'@:\"\\\n,!"), max_size=80),
    st.sampled_from([PLANTED, f"No {PLANTED} here", f"user_{PLANTED}", PLANTED.upper(), "Bad credentials", "no_way"]),
    json_values,
)
HEAD = {
    "login": 'method = "POST"\npath = "/l"\njson = { a = "{identifier}", b = "{password}" }\n',
    "register": 'method = "POST"\npath = "/r"\njson = { a = "{identifier}", b = "{password}" }\n',
    "refresh": 'method = "POST"\npath = "/f"\njson = { a = "{refresh_token}" }\n',
    "logout": 'method = "POST"\npath = "/o"\nbearer = "token"\n',
    "validate": 'method = "GET"\npath = "/v"\nbearer = "token"\n',
}
ACCEPT = {
    "login": 'require = ["access_token"]\naccept = { access_token = "/t" }',
    "register": 'accept = { user_id = "/u" }',
    "refresh": 'require = ["access_token"]\naccept = { access_token = "/t" }',
    "logout": "accept = {}",
    "validate": 'accept = { user_id = "/u" }',
}


@quick
@given(
    st.sampled_from(sorted(preset("netra").templates)),
    st.integers(100, 599) | st.sampled_from([200, 400, 401]),
    st.dictionaries(st.sampled_from(SPEAKING) | st.text(max_size=8) | st.just(PLANTED), VALUES, max_size=4),
)
def test_whatever_a_reply_says_what_is_told_is_short_plain_nobodys_and_can_be_pasted(
    operation: str, status: int, document: dict[str, Any]
) -> None:
    said: Said = {"identifier": f"{PLANTED}@example.com", "password": Secret(PLANTED), "token": Secret(PLANTED)}
    told = facts(operation, status, document, said)
    assert PLANTED not in json.dumps(told).casefold()
    assert told.keys() <= {"json_keys", "wire_row"}
    assert all(0 < len(text) < 300 for text in told.values()), "a page would cut it"
    assert set(told.get("json_keys", "").split(", ")) <= {*document, ""}
    if row := told.get("wire_row"):
        assert (value_in(row) or "no_way") in (*document.values(), "no_way")
        accepted = f"[[calls.{operation}.replies]]\nstatus = [200]\n{ACCEPT[operation]}"
        load(f'name = "acme"\n[calls.{operation}]\n{HEAD[operation]}\n{row}\n{accepted}\n', "told.toml")
