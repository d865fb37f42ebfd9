"""Signing in to the admin listener, over real sockets: cookies, wrong tokens, foreign hosts and foreign pages.

It must never be enough to be in the same browser: a cookie alone changes nothing for a page of another origin.
"""

import gc
import json
import re
from urllib.parse import urlencode, urlsplit

import pytest

from netra.asgi import cycle
from netra.testing.fakes import FakeClock
from netra.web.admin.access import SESSION_S, SESSIONS_COUNT, Sessions
from tests.support.problems import assert_problem
from tests.support.wire import Answer
from tests.web.consoles import BEARER, HTML, TOKEN, Operated, operated, watching

GUARDED = (
    "/", "/console", "/console/state", "/console/events", "/console/settings", "/console/static/console.js",
    "/console/static/console.css", "/console/static/sign-in.html", "/health", "/openapi.json", "/trace/some-id",
    "/session",
)  # fmt: skip
OPEN = ("/livez", "/readyz", "/problems/dns_error")
JSON = ("Content-Type", "application/json")
FORM = ("Content-Type", "application/x-www-form-urlencoded")


async def sign_in(at: Operated, token: str = TOKEN, *headers: tuple[str, str]) -> Answer:
    """Send a token as the page does."""
    return await at.ask("POST", "/session", JSON, *headers, body=json.dumps({"token": token}).encode())


def cookie_of(answer: Answer) -> tuple[str, str]:
    """The Cookie header by which a browser comes back."""
    given = answer.header("set-cookie")
    assert given is not None, answer
    return "Cookie", given.partition(";")[0]


async def test_with_a_token_set_nothing_but_the_probes_is_open() -> None:
    async with operated(TOKEN) as at:
        for path in GUARDED:
            assert_problem(await at.ask("GET", path), 401, "token_missing")
        assert {(await at.ask("GET", path)).status for path in OPEN} == {200}
        assert {(await at.ask("GET", path, BEARER)).status for path in GUARDED[:3]} == {200}


async def test_without_a_token_set_everything_is_open_and_signing_in_changes_nothing() -> None:
    async with operated() as at:
        assert (await at.ask("GET", "/console/state")).status == 200
        answer = await sign_in(at, "whatever")
        assert (answer.status, answer.header("set-cookie")) == (204, None)
        assert (await at.ask("GET", "/session")).json == {"signed_in_by": "nothing"}


async def test_a_right_token_gives_a_cookie_that_stands_for_it() -> None:
    async with operated(TOKEN) as at:
        answer = await sign_in(at)
        assert (answer.status, answer.body) == (204, b"")
        cookie = answer.header("set-cookie") or ""
        assert re.fullmatch(
            r"netra_admin=[A-Za-z0-9_-]{43}; Path=/; Max-Age=43200; HttpOnly; SameSite=Strict", cookie
        ), cookie
        assert TOKEN not in cookie
        back = cookie_of(answer)
        assert {(await at.ask("GET", path, back)).status for path in GUARDED[:3]} == {200}
        assert (await at.ask("GET", "/session", back)).json == {"signed_in_by": "session"}
        assert (await at.ask("GET", "/session", BEARER)).json == {"signed_in_by": "token"}


async def test_no_cookie_is_kept_beyond_its_answer() -> None:
    async with operated(TOKEN) as at:
        ids = [cookie_of(await sign_in(at))[1].encode() for _ in "ab"]
    kept = repr([gc.get_referents(each) for each in gc.get_referents(cycle._same)]).encode()
    assert b"application/" in kept, "this is where worded headers are kept"
    assert not [each for each in ids if each.partition(b"=")[2] in kept]


async def test_two_sign_ins_are_two_sessions_and_the_second_ends_the_first_of_the_same_browser() -> None:
    async with operated(TOKEN) as at:
        first, elsewhere = cookie_of(await sign_in(at)), cookie_of(await sign_in(at))
        assert first != elsewhere
        second = cookie_of(await sign_in(at, TOKEN, first))
        assert [(await at.ask("GET", "/health", each)).status for each in (first, elsewhere, second)] == [401, 200, 200]


@pytest.mark.parametrize(("method", "path"), [("DELETE", "/session"), ("POST", "/session/end")])
async def test_whoever_signs_out_is_out_and_the_cookie_is_taken_back(method: str, path: str) -> None:
    async with operated(TOKEN) as at:
        back = cookie_of(await sign_in(at))
        answer = await at.ask(method, path, back)
        assert answer.status == 204
        assert answer.header("set-cookie") == "netra_admin=; Path=/; Max-Age=0; HttpOnly; SameSite=Strict"
        assert_problem(await at.ask("GET", "/console/state", back), 401, "token_missing")
        assert (await at.ask(method, path)).status == 204, "whoever is out already may say so again"


async def test_what_a_session_began_to_see_ends_with_it_and_a_stranger_ends_nothing() -> None:
    async with operated(TOKEN) as at:
        cookie = cookie_of(await sign_in(at))
        async with watching(at.admin, cookie) as (page,):
            await page.until("state")
            await at.ask("POST", "/session/end", ("Cookie", "netra_admin=nobody-gave-this"))
            assert await page.until("state")
            await at.ask("POST", "/session/end", cookie)
            await page.rest()
            assert (await at.ask("GET", "/console/events", cookie)).status == 401


@pytest.mark.parametrize(
    "cookie",
    [
        "netra_admin=",
        "netra_admin=x",
        "netra_admin",
        "netra_admin=x; netra_admin=y",
        "NETRA_ADMIN={}",
        "other={}",
        ";;=",
    ],
)
async def test_a_cookie_that_nobody_gave_opens_nothing(cookie: str) -> None:
    async with operated(TOKEN) as at:
        _, _, session_id = cookie_of(await sign_in(at))[1].partition("=")
        answer = await at.ask("GET", "/health", ("Cookie", cookie.format(session_id)))
        assert_problem(answer, 401, "token_missing")


async def test_among_other_cookies_it_is_found() -> None:
    async with operated(TOKEN) as at:
        _, value = cookie_of(await sign_in(at))
        assert (await at.ask("GET", "/health", ("Cookie", f"theme=dark; {value};a=b"))).status == 200


async def test_a_wrong_token_beside_a_good_cookie_is_refused() -> None:
    async with operated(TOKEN) as at:
        back = cookie_of(await sign_in(at))
        answer = await at.ask("GET", "/health", back, ("Authorization", "Bearer guess"))
        assert_problem(answer, 401, "token_rejected")


# --- wrong tokens -----------------------------------------------------------------------------------------------------


async def test_wrong_tokens_are_refused_and_after_ten_slowed_whichever_way_they_come() -> None:
    async with operated(TOKEN) as at:
        for number in range(5):
            assert_problem(await sign_in(at, f"guess-{number}"), 401, "token_rejected")
            bearer = ("Authorization", f"Bearer guess-{number}")
            assert_problem(await at.ask("GET", "/health", bearer), 401, "token_rejected")
        answer = await sign_in(at, "guess")
        assert_problem(answer, 429, "too_many_attempts")
        assert 1 <= int(answer.header("retry-after") or 0) <= 60
        assert answer.header("set-cookie") is None
        assert (await sign_in(at)).status == 204, "on this machine nobody locks out the others"


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"", 400, "malformed_request"),
        (b"{", 400, "malformed_request"),
        (b"[]", 422, "invalid_fields"),
        (b"{}", 422, "invalid_fields"),
        (b'{"token": 7}', 422, "invalid_fields"),
        (b'{"token": "  "}', 422, "invalid_fields"),
        (b'{"token": "a", "token": "b"}', 400, "malformed_request"),
        (b'{"token": "\\u00e4\\u00f6"}', 401, "token_rejected"),
        (b'{"token": "' + b"x" * 20_000 + b'"}', 413, "body_too_large"),
    ],
    ids=range(9),
)
async def test_what_is_no_token_is_refused_by_its_form(body: bytes, status: int, code: str) -> None:
    async with operated(TOKEN) as at:
        answer = await at.ask("POST", "/session", JSON, body=body)
        assert_problem(answer, status, code)
        assert answer.header("set-cookie") is None


async def test_another_media_type_is_refused() -> None:
    async with operated(TOKEN) as at:
        answer = await at.ask("POST", "/session", ("Content-Type", "text/plain"), body=TOKEN.encode())
        assert_problem(answer, 415, "unsupported_media_type")


async def test_no_answer_to_a_sign_in_repeats_the_token() -> None:
    async with operated(TOKEN) as at:
        for answer in (await sign_in(at), await sign_in(at, f"{TOKEN}x")):
            assert TOKEN.encode() not in answer.raw


# --- the page that asks -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/", "/console", "/health"])
async def test_a_browser_without_a_session_is_shown_where_to_sign_in(path: str) -> None:
    async with operated(TOKEN) as at:
        answer = await at.ask("GET", path, HTML)
        assert (answer.status, answer.header("content-type")) == (401, "text/html; charset=utf-8")
        assert (answer.header("www-authenticate") or "").startswith("Bearer")
        assert answer.header("cache-control") == "no-store"
        assert b'name="token"' in answer.body
        assert answer.body.count(b"<script>") == answer.body.count(b"<style>") == 1


async def test_the_page_that_asks_runs_its_own_script_and_nothing_else() -> None:
    async with operated(TOKEN) as at:
        answer = await at.ask("GET", "/", HTML)
        policy = answer.header("content-security-policy") or ""
        assert "unsafe" not in policy
        assert "default-src 'none'" in policy
        assert re.search(r"script-src 'sha256-[A-Za-z0-9+/]{43}='(;|$)", policy)
        assert re.search(r"style-src 'sha256-[A-Za-z0-9+/]{43}='(;|$)", policy)
        for directive in ("connect-src 'self'", "form-action 'self'", "frame-ancestors 'none'", "base-uri 'self'"):
            assert directive in policy
        assert answer.header("x-content-type-options") == "nosniff"


async def test_the_form_works_without_scripts() -> None:
    async with operated(TOKEN) as at:
        wrong = await at.ask("POST", "/session", FORM, HTML, body=urlencode({"token": "guess"}).encode())
        assert (wrong.status, wrong.header("set-cookie")) == (401, None)
        assert b'name="token"' in wrong.body
        right = await at.ask("POST", "/session", FORM, HTML, body=urlencode({"token": TOKEN}).encode())
        assert right.status == 200
        assert b'href="/"' in right.body
        assert (await at.ask("GET", "/console/state", cookie_of(right))).status == 200


# --- foreign hosts, foreign pages -------------------------------------------------------------------------------------


async def test_a_name_that_was_pointed_at_us_reaches_nothing_with_cookie_or_token() -> None:
    async with operated(TOKEN) as at:
        back = cookie_of(await sign_in(at))
        evil = ("Host", f"evil.test:{urlsplit(at.admin).port}")
        for path in (*GUARDED, *OPEN):
            assert_problem(await at.ask("GET", path, evil, back), 421, "malformed_request")
            assert_problem(await at.ask("GET", path, evil, BEARER), 421, "malformed_request")
        answer = await sign_in(at, TOKEN, evil)
        assert_problem(answer, 421, "malformed_request")
        assert answer.header("set-cookie") is None


@pytest.mark.parametrize(
    "foreign",
    [
        (("Origin", "http://evil.test"),),
        (("Origin", "http://localhost:1"),),
        (("Origin", "null"),),
        (("Sec-Fetch-Site", "cross-site"),),
        (("Sec-Fetch-Site", "same-site"),),
        (("Origin", "http://evil.test"), ("Sec-Fetch-Site", "same-origin")),
    ],
    ids=range(6),
)
async def test_a_foreign_page_changes_nothing_although_the_browser_sends_its_cookie(
    foreign: tuple[tuple[str, str], ...],
) -> None:
    async with operated(TOKEN) as at:
        back = cookie_of(await sign_in(at))
        for method, path in (("POST", "/console/doctor"), ("POST", "/session/end"), ("DELETE", "/session")):
            assert_problem(await at.ask(method, path, back, *foreign), 403, "malformed_request")
        assert_problem(await sign_in(at, TOKEN, *foreign), 403, "malformed_request")
        assert (await at.ask("GET", "/health", back)).status == 200, "it is still signed in"
        assert (await at.state(back))["doctor"]["running"] is False


async def test_its_own_page_may_change_things() -> None:
    async with operated(TOKEN) as at:
        back = cookie_of(await sign_in(at))
        own = (("Origin", "http://localhost"), ("Sec-Fetch-Site", "same-origin"))
        assert (await at.ask("POST", "/console/doctor", back, *own)).status == 202


async def test_no_foreign_page_can_read_anything() -> None:
    async with operated(TOKEN) as at:
        answer = await at.ask("GET", "/console/state", BEARER, ("Origin", "http://evil.test"))
        assert answer.header("access-control-allow-origin") is None
        assert (await at.ask("OPTIONS", "/console/state", BEARER, ("Origin", "http://evil.test"))).status == 405


async def test_behind_tls_the_cookie_never_goes_without_it() -> None:
    async with operated(TOKEN, NETRA_ADMIN_HOSTS="ops.example.com") as at:
        answer = await sign_in(at, TOKEN, ("Host", "ops.example.com"), ("Origin", "https://ops.example.com"))
        assert (answer.header("set-cookie") or "").endswith("; SameSite=Strict; Secure")


# --- sessions ---------------------------------------------------------------------------------------------------------


def test_a_session_lasts_twelve_hours() -> None:
    clock = FakeClock()
    sessions = Sessions(clock.now_s)
    session_id = sessions.begin()
    clock.advance(SESSION_S - 1.0)
    assert sessions.knows(session_id)
    clock.advance(1.0)
    assert not sessions.knows(session_id)
    sessions.begin()
    assert len(sessions) == 1, "what is over is forgotten"


def test_of_too_many_sessions_the_oldest_makes_room() -> None:
    sessions = Sessions(FakeClock().now_s)
    ids = [sessions.begin() for _ in range(SESSIONS_COUNT + 1)]
    assert len(sessions) == SESSIONS_COUNT
    assert [sessions.knows(each) for each in (ids[0], ids[1], ids[-1])] == [False, True, True]


def test_what_is_kept_of_a_session_does_not_open_it() -> None:
    sessions = Sessions(FakeClock().now_s)
    session_id = sessions.begin()
    [kept] = sessions._ends
    assert session_id.encode() not in kept
    assert not sessions.knows(kept.hex())
    assert not sessions.knows(kept.decode("latin-1"))
