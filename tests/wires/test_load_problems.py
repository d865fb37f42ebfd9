"""Each thing that can be wrong with a wire file, with the sentence that names it and says what to write instead."""

import pytest

from netra.wires.load import WireProblem, load

HEAD = 'method = "POST"\npath = "/login"\n'
WORDS = "identifier, name, password, refresh_token, token"
PLACES = "access_token, expires_in, refresh_token, token_type, user_email, user_id, user_name"


def problems(text: str) -> tuple[str, ...]:
    """Everything that is wrong with a file."""
    with pytest.raises(WireProblem) as refused:
        load(text, "bad.toml")
    return refused.value.problems


def wire(row: str = "status = [200]\naccept = {}", head: str = HEAD, top: str = 'name = "acme"') -> str:
    """A file with one call and one row, in which one thing is wrong."""
    return f"{top}\n[calls.login]\n{head}\n[[calls.login.replies]]\n{row}\n"


NOT_A_SEAL = "[seal] X: say one of service_id, service_secret, never a value"
NO_CALLS = "no [calls.…]: a wire offers at least one call"
EVERY_CALL = "config, handshake, health, login, logout, refresh, register, validate"
NO_SUCH_CALL = f"no such call; say one of {EVERY_CALL}, each a table"
FILES: list[tuple[str, str, str]] = [
    ("no name", wire(top=""), "`name` is missing"),
    ("a number for a name", wire(top="name = 5"), "the file: `name` must be a text"),
    ("an unknown key", wire(top="typo = 1"), "the file: unknown key 'typo'; known are calls, name, replies, seal"),
    ("no calls", 'name = "acme"', NO_CALLS),
    ("empty calls", 'name = "acme"\n[calls]', NO_CALLS),
    ("calls in a list", 'name = "acme"\ncalls = [1]', "the file: `calls` must be a table"),
    ("a seal that is a value", wire() + '[seal]\nX = "hunter2"', NOT_A_SEAL),
    ("a seal in a list", wire() + '[seal]\nX = ["service_id"]', NOT_A_SEAL),
    ("a seal that is no table", wire(top="seal = 5"), "the file: `seal` must be a table"),
    ("shared rows that are no list", wire(top="replies = 5"), "the file: `replies` must be a list"),
    ("a shared row that is no table", wire(top="replies = [5]"), "[[replies]] row 1: must be a table"),
    (
        "a place in a shared row",
        wire(top='replies = [{ status = [200], accept = { user_id = "/id" } }]'),
        "[[replies]] row 1: no place 'user_id' here; say some of ",
    ),
    ("an unknown call", 'name = "acme"\n[calls.signin]', f"[calls.signin]: {NO_SUCH_CALL}"),
    ("a call that is no table", 'name = "acme"\n[calls]\nlogin = 5', f"[calls.login]: {NO_SUCH_CALL}"),
]

NOT_A_METHOD = " method: say one of GET, POST"
NOT_A_PATH = " path: must begin with /"
NO_REPLIES = ": no replies: without a row nothing is ever accepted"
KEYS_OF_A_CALL = "bearer, fields, keyed, method, path, replies, sealed, tells_caller"
CALLS: list[tuple[str, str, str]] = [
    ("an unknown key", HEAD + "timeout = 5", f": unknown key 'timeout'; known are {KEYS_OF_A_CALL}"),
    ("no method", 'path = "/login"', NOT_A_METHOD),
    ("another method", 'method = "PUT"\npath = "/login"', NOT_A_METHOD),
    ("a method in a list", 'method = ["POST"]\npath = "/login"', ": `method` must be a text"),
    ("no path", 'method = "POST"', NOT_A_PATH),
    ("a path that begins nowhere", 'method = "POST"\npath = "login"', NOT_A_PATH),
    ("a whole address", 'method = "POST"\npath = "https://a.example/"', NOT_A_PATH),
    ("a path in a list", 'method = "POST"\npath = ["/login"]', ": `path` must be a text"),
    ("fields in a list", HEAD + 'fields = ["token"]', ": `fields` must be a table"),
    ("a filler that is none", HEAD + 'fields = { a = "secret" }', f": 'secret' fills nothing; say one of {WORDS}"),
    ("a filler in a list", HEAD + 'fields = { a = ["token"] }', f": ['token'] fills nothing; say one of {WORDS}"),
    ("a bearer that is none", HEAD + 'bearer = "jwt"', f": 'jwt' fills nothing; say one of {WORDS}"),
    ("a bearer in a list", HEAD + 'bearer = ["token"]', ": `bearer` must be a text"),
    ("a text for a truth value", HEAD + 'sealed = "no"', ": `sealed` must be true or false"),
    ("a number for a truth value", HEAD + "keyed = 1", ": `keyed` must be true or false"),
    ("another number for one", HEAD + "tells_caller = 0", ": `tells_caller` must be true or false"),
    ("no replies", HEAD + "[other]", NO_REPLIES),
    ("empty replies", HEAD + "replies = []\n[other]", NO_REPLIES),
    ("replies that are no list", HEAD + "replies = 5\n[other]", ": `replies` must be a list"),
]

STATUS = " status: a list of numbers from 100 to 599"
ONE_OF_TWO = ": say either `accept` or `code`"
TOGETHER = ": `pointer` and `value` go together"
NOT_A_BODY = "; say some of empty, intermediary, object, other"
NO_POINTER = " is not a JSON pointer; it begins with /"
ONLY_4XX = " status: only 2xx and 4xx can mean 'invalid_credentials'"
NO_PAGE = " body: only empty, object can mean 'invalid_credentials'"
NOWHERE = ": 'user_id' is required, and `accept` does not say where it is"
KEYS_OF_A_ROW = "accept, body, code, coded, named, needs_standing, pointer, require, status, value"
OK = "status = [200]\naccept = {}\n"
AT = "status = [200]\naccept = "
NO = 'code = "invalid_credentials"\n'
ROWS: list[tuple[str, str, str]] = [
    ("an unknown key", OK + "statuses = [1]", f": unknown key 'statuses'; known are {KEYS_OF_A_ROW}"),
    ("no status", "accept = {}", STATUS),
    ("a bare status", "status = 200\naccept = {}", ": `status` must be a list"),
    ("an empty status", "status = []\naccept = {}", STATUS),
    ("a status too low", "status = [99]\naccept = {}", STATUS),
    ("a status too high", "status = [200, 600]\naccept = {}", STATUS),
    ("a text for a status", 'status = ["200"]\naccept = {}', STATUS),
    ("a truth value for a status", "status = [true]\naccept = {}", STATUS),
    ("neither accepted nor refused", "status = [200]", ONE_OF_TWO),
    ("both accepted and refused", OK + 'code = "redirected"', ONE_OF_TWO),
    ("an unknown code", 'status = [400]\ncode = "nope"', " code: 'nope' is not in the table of causes"),
    ("a public code", 'status = [400]\ncode = "invalid_token"', " code: 'invalid_token' is not in the table of causes"),
    ("a code in a list", 'status = [400]\ncode = ["redirected"]', ": `code` must be a text"),
    ("a text for a truth value", OK + 'coded = "no"', ": `coded` must be true or false"),
    ("a number for a truth value", OK + "named = 1", ": `named` must be true or false"),
    ("a list for a truth value", OK + "needs_standing = []", ": `needs_standing` must be true or false"),
    ("a pointer without a value", OK + 'pointer = "/a"', TOGETHER),
    ("a value without a pointer", OK + "value = 1", TOGETHER),
    ("a pointer that is none", OK + 'pointer = "a"\nvalue = 1', f": 'a'{NO_POINTER}"),
    ("a pointer in a list", OK + 'pointer = ["/a"]\nvalue = 1', ": `pointer` must be a text"),
    ("an unknown kind of body", OK + 'body = ["html"]', f" body: 'html'{NOT_A_BODY}"),
    ("a kind of body in a list", OK + 'body = [["object"]]', f" body: ['object']{NOT_A_BODY}"),
    ("a bare kind of body", OK + 'body = "object"', ": `body` must be a list"),
    ("an unknown place", AT + '{ jwt = "/t" }', f": no place 'jwt' here; say some of {PLACES}"),
    ("a place of another call", AT + '{ valid = "/v" }', f": no place 'valid' here; say some of {PLACES}"),
    ("an unknown required place", OK + 'require = ["jwt"]', f": no place 'jwt' here; say some of {PLACES}"),
    ("a required place in a list", OK + "require = [[1]]", f": no place [1] here; say some of {PLACES}"),
    ("a required place that is nowhere", OK + 'require = ["user_id"]', NOWHERE),
    ("required places that are no list", OK + 'require = "user_id"', ": `require` must be a list"),
    ("a place at no pointer", AT + '{ user_id = "id" }', f": 'id'{NO_POINTER}"),
    ("a place at one bad pointer of two", AT + '{ user_id = ["/id", "uid"] }', f": 'uid'{NO_POINTER}"),
    ("a place at a number", AT + "{ user_id = 5 }", f": 5{NO_POINTER}"),
    ("a place at no pointers", AT + "{ user_id = [] }", f": []{NO_POINTER}"),
    ("a list of accepted places", AT + '["user_id"]', ": `accept` must be a table"),
    ("a refusal by a server error", NO + 'status = [401, 500]\nbody = ["object"]', ONLY_4XX),
    ("a refusal by a redirect", NO + 'status = [302]\nbody = ["object"]', ONLY_4XX),
    ("a refusal by a 1xx", NO + 'status = [101]\nbody = ["object"]', ONLY_4XX),
    ("a refusal by any body", NO + "status = [401]", NO_PAGE),
    ("a refusal by a page", NO + 'status = [401]\nbody = ["object", "other"]', NO_PAGE),
    ("a refusal by an intermediary", NO + 'status = [401]\nbody = ["intermediary"]', NO_PAGE),
    ("a refusal without a code by any body", NO + "status = [401]\ncoded = false", NO_PAGE),
]


@pytest.mark.parametrize(("what", "text", "problem"), FILES, ids=[what for what, _, _ in FILES])
def test_what_is_wrong_with_a_file_is_named(what: str, text: str, problem: str) -> None:
    found = problems(text)
    assert any(each.startswith(problem) for each in found), what
    assert "hunter2" not in "".join(found)


@pytest.mark.parametrize(("what", "head", "problem"), CALLS, ids=[what for what, _, _ in CALLS])
def test_what_is_wrong_with_a_call_is_named_where_it_stands(what: str, head: str, problem: str) -> None:
    text = wire(head=head)
    if "[other]" in head:
        text = text.replace("[[calls.login.replies]]", "[[other.rows]]").replace("[other]\n", "")
    assert f"[calls.login]{problem}" in problems(text), what


@pytest.mark.parametrize(("what", "row", "problem"), ROWS, ids=[what for what, _, _ in ROWS])
def test_what_is_wrong_with_a_row_is_named_where_it_stands(what: str, row: str, problem: str) -> None:
    assert f"[[calls.login.replies]] row 1{problem}" in problems(wire(row)), what
    good = "status = [200]\naccept = {}\n[[calls.login.replies]]\n"
    assert f"[[calls.login.replies]] row 2{problem}" in problems(wire(good + row))


def test_a_row_that_is_no_table_is_named_where_it_stands() -> None:
    text = f'name = "acme"\n[calls.login]\n{HEAD}replies = ["x"]'
    assert problems(text) == ("[[calls.login.replies]] row 1: must be a table",)


@pytest.mark.parametrize("what", ["file", "call", "row"])
def test_one_thing_wrong_is_one_problem(what: str) -> None:
    wrong = {
        "file": wire(top='name = "acme"\ntypo = 1'),
        "call": wire(head=HEAD + "typo = 1"),
        "row": wire(OK + "typo = 1"),
    }
    assert len(problems(wrong[what])) == 1
