"""The console over real sockets: its page and files, its state, its settings, a diagnosis on demand.

It must never tell a secret, nor be reachable at the public listener.
"""

import asyncio
import re
from pathlib import Path
from typing import Any, Final

import pytest

from netra.core.secret import Secret
from netra.settings.field import fingerprint
from tests.support.gateways import OTHER_SECRET, PASSWORD, SECRET
from tests.support.problems import assert_problem
from tests.support.wire import ask
from tests.web.consoles import TOKEN, names, operated, until, watching

WAY: Final = ["client", "gateway", "dns", "tcp", "tls", "http", "service_credentials", "auth_service"]
PATHS: Final = ("/", "/console", "/console/state", "/console/settings", "/console/events", "/session")
STAMP: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


def series(state: Any, member: str) -> int:
    """How many of a kind the last fifteen minutes saw."""
    return sum(state["series"][member])


# --- the page ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/", "/console", "/console/"])
async def test_the_page_may_load_what_is_its_own_and_nothing_else(path: str) -> None:
    async with operated() as at:
        answer = await at.ask("GET", path)
        assert (answer.status, answer.header("content-type")) == (200, "text/html; charset=utf-8")
        assert answer.header("content-security-policy") == (
            "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
            "base-uri 'self'; form-action 'self'; frame-ancestors 'none'"
        )
        assert answer.header("cache-control") == "no-store"
        assert answer.header("x-content-type-options") == "nosniff"
        assert answer.header("referrer-policy") == "same-origin"
        assert (await at.ask("HEAD", path)).header("content-length") == str(len(answer.body))


async def test_the_page_asks_for_files_that_are_there_and_holds_no_style_or_script_of_its_own() -> None:
    async with operated() as at:
        page = (await at.ask("GET", "/")).body.decode()
        asked_for = re.findall(r'(?:src|href)="(/console/static/[^"]+)"', page)
        assert asked_for
        for path in asked_for:
            answer = await at.ask("GET", path)
            assert (answer.status, bool(answer.body)) == (200, True), path
        assert not re.search(r"<style|<script(?![^>]*\ssrc=)|\son[a-z]+=|\sstyle=", page)


@pytest.mark.parametrize(
    ("name", "content_type"),
    [
        ("console.js", "text/javascript; charset=utf-8"),
        ("console.css", "text/css; charset=utf-8"),
        ("icons/ok.svg", "image/svg+xml"),
        ("uplot/uPlot.iife.min.js", "text/javascript; charset=utf-8"),
    ],
)
async def test_files_say_what_they_are(name: str, content_type: str) -> None:
    async with operated() as at:
        answer = await at.ask("GET", f"/console/static/{name}")
        assert (answer.status, answer.header("content-type")) == (200, content_type)
        assert answer.header("x-content-type-options") == "nosniff"


@pytest.mark.parametrize(
    "name",
    [
        "", "nothing.js", "README.md", "uplot/LICENSE", "../page.py", "..%2fpage.py", "%2e%2e/page.py", "icons",
        "../../../../etc/passwd", "/etc/passwd", "console.js/", "console.js%00", "icons/../console.js",
    ],
)  # fmt: skip
async def test_nothing_but_its_own_files_is_served(name: str) -> None:
    async with operated() as at:
        answer = await at.ask("GET", f"/console/static/{name}")
        if name == "console.js/":
            assert answer.status == 200, "a slash at the end makes no difference"
        else:
            assert_problem(answer, 404, "not_found")


async def test_the_public_listener_has_none_of_it() -> None:
    async with operated() as at:
        for path in (*PATHS, "/console/static/console.js", "/trace/id", "/health"):
            assert_problem(await ask(at.public, "GET", path), 404, "not_found")
        for path in ("/console/doctor", "/session", "/session/end"):
            assert_problem(await ask(at.public, "POST", path), 404, "not_found")


# --- the state --------------------------------------------------------------------------------------------------------


async def test_the_state_of_a_gateway_that_is_well() -> None:
    async with operated() as at:
        for _ in range(3):
            assert (await at.log_in()).status == 200
        assert (await at.log_in(password="wrong")).status == 401
        state = await at.state()
        assert state["version"] == 1
        assert STAMP.fullmatch(state["at"])
        assert state["uptime_s"] >= 0
        assert state["panels"] == []
        assert state["gateway"]["auth_service_url"] == at.lab.url
        assert state["gateway"]["environment"] == "test"
        assert (state["gateway"]["ready"], state["gateway"]["readiness"]) == (True, "ready")
        assert state["headline"]["state"] == "ok"
        assert state["headline"]["text"] == "Logins get through: 3 accepted, 1 rejected in 15 minutes."
        assert names(state["stations"], "id") == WAY
        assert {each["id"]: each["state"] for each in state["stations"]} == dict.fromkeys(WAY, "ok") | {
            "dns": "unused", "tls": "unused",
        }  # fmt: skip
        assert {name: series(state, name) for name in ("accepted", "rejected", "unknown")} == {
            "accepted": 3, "rejected": 1, "unknown": 0,
        }  # fmt: skip
        assert len({len(state["series"][name]) for name in ("t", "accepted", "p50_ms", "p99_ms")}) == 1
        totals = state["totals"]
        assert (totals["accepted"], totals["rejected"], totals["unknown"]) == (3, 1, 0)
        assert totals["codes"] == [{"code": "invalid_credentials", "count": 1, "verdict": "rejected"}]
        assert 0 < totals["p50_ms"] <= totals["p95_ms"] <= totals["p99_ms"]
        assert names(state["circuits"], "kind") == ["login", "token"]
        assert state["probe"]["observedValue"] == "success"
        assert state["handshake"]["observedValue"] == "accepted"
        assert "handshake" in names(state["changes"], "what")
        assert state["doctor"]["last"] is None


async def test_before_anybody_has_logged_in_it_is_pleasant() -> None:
    async with operated() as at:
        state = await at.state()
        assert state["headline"]["state"] == "idle"
        assert (state["failures"], state["totals"]["codes"], state["circuit_history"]) == ([], [], [])
        assert state["totals"]["p50_ms"] is None
        assert set(state["series"]["p50_ms"]) == {None}


async def test_a_failure_is_named_with_its_cause_its_station_its_first_cure_and_its_story() -> None:
    async with operated() as at:
        await at.log_in()
        at.lab.fault("status-500")
        failed = await at.log_in()
        state = await at.state()
        headline = state["headline"]
        assert (headline["state"], headline["code"], headline["hop"]) == (
            "failing", "auth_service_error", "auth_service",
        )  # fmt: skip
        assert headline["text"] == failed.json["detail"], "the same words as in the answer"
        assert headline["first"] == failed.json["suggestions"][0]
        assert STAMP.fullmatch(headline["since"])
        drawn = {each["id"]: each for each in state["stations"]}
        assert (drawn["auth_service"]["state"], drawn["auth_service"]["code"]) == ("failing", "auth_service_error")
        assert {drawn[name]["state"] for name in ("gateway", "tcp", "http", "service_credentials")} == {"ok"}
        [row] = state["failures"]
        assert (row["code"], row["status"], row["verdict"], row["journey"], row["tries"]) == (
            "auth_service_error", 502, "unknown", "login", 1,
        )  # fmt: skip
        assert row["request_id"] == failed.json["request_id"]
        assert row["first"] == failed.json["suggestions"][0]
        story = await at.ask("GET", f"/trace/{row['request_id']}")
        assert story.json["stories"][0]["code"] == "auth_service_error"
        at.lab.heal()
        await at.log_in()
        assert (await at.state())["headline"]["state"] == "ok"


async def test_failures_are_the_newest_first_and_bounded() -> None:
    async with operated() as at:
        for _ in range(25):
            await at.log_in(password="wrong")
        at.lab.fault("status-404")
        for _ in range(55):
            await at.log_in()
        rows = (await at.state())["failures"]
        assert names(rows, "verdict") == ["unknown"] * 50 + ["rejected"] * 20
        assert names(rows, "at") == sorted(names(rows, "at"), reverse=True)


async def test_a_gateway_whose_auth_service_is_gone_shows_it_before_anybody_logs_in() -> None:
    async with operated(AUTH_SERVICE_URL="http://127.0.0.1:1") as at:
        state = await at.state()
        assert (state["headline"]["state"], state["headline"]["code"]) == ("failing", "connection_refused")
        drawn = {each["id"]: each["state"] for each in state["stations"]}
        assert drawn["tcp"] == "failing"
        assert {drawn["http"], drawn["service_credentials"], drawn["auth_service"]} == {"unknown"}


async def test_a_gateway_that_the_auth_service_does_not_know_says_so_and_is_not_ready() -> None:
    async with operated() as known:
        known.lab.secret = OTHER_SECRET
        async with operated(AUTH_SERVICE_URL=known.lab.url) as at:
            state = await at.state()
            assert (state["headline"]["state"], state["headline"]["hop"]) == ("failing", "service_credentials")
            assert (state["gateway"]["ready"], state["gateway"]["readiness"]) == (False, "misconfigured")


async def test_a_gateway_that_only_verifies_shows_token_checks() -> None:
    async with operated(NETRA_ONLY="verify") as at:
        bearer = ("Authorization", "Bearer some-token-that-is-no-jwt")
        await ask(at.public, "GET", "/api/v1/auth/verify", [bearer])
        state = await at.state()
        assert state["series"]["journeys"] == ["verify", "me"]
        assert state["totals"]["accepted"] + state["totals"]["rejected"] + state["totals"]["unknown"] == 1


async def test_settings_have_origins_and_fingerprints_and_no_secret() -> None:
    async with operated(TOKEN) as at:
        bearer = ("Authorization", f"Bearer {TOKEN}")
        answer = await at.ask("GET", "/console/settings", bearer)
        rows = {each["variable"]: each for each in answer.json["settings"]}
        assert re.fullmatch(r"[0-9a-f]{8}", rows["SERVICE_SECRET"]["fingerprint"])
        assert rows["SERVICE_SECRET"]["origin"] == "environment"
        assert rows["NETRA_PREFIX"]["origin"] == "default"
        assert rows["AUTH_SERVICE_URL"]["value"] == at.lab.url
        await at.log_in()
        state = await at.ask("GET", "/console/state", bearer)
        for secret in (SECRET, TOKEN, PASSWORD, "ada@example.com"):
            assert secret.encode() not in answer.body + state.body


async def test_settings_have_the_fingerprint_of_the_secret_that_is_in_use_by_now(tmp_path: Path) -> None:
    file, renewed = tmp_path / "secret", "test-only-Qm7rTz2Xc5Lb9Wk4Vs8Jd1Hn6Py3Ge0F"
    file.write_text(SECRET)
    async with operated(SERVICE_SECRET=None, SERVICE_SECRET_FILE=str(file)) as at:

        async def fingerprint_shown() -> str:
            shown = (await at.ask("GET", "/console/settings")).json["settings"]
            return str(next(each["fingerprint"] for each in shown if each["variable"] == "SERVICE_SECRET"))

        assert await fingerprint_shown() == fingerprint(Secret(SECRET))
        file.write_text(renewed)
        async with asyncio.timeout(20):
            while await fingerprint_shown() != fingerprint(Secret(renewed)):
                await asyncio.sleep(0.05)


# --- doctor -----------------------------------------------------------------------------------------------------------


async def test_a_diagnosis_is_told_check_by_check_to_every_page_and_then_whole() -> None:
    async with operated() as at, watching(at.admin, count=2) as pages:
        for page in pages:
            assert (await page.event())[0] == "state"
        assert (await at.ask("POST", "/console/doctor")).status == 202
        told = []
        for page in pages:
            checks = []
            while (event := await page.event())[0] != "diagnosis":
                if event[0] == "check":
                    checks.append(event[1])
            told.append((checks, event[1]))
        assert told[0] == told[1]
        checks, diagnosis = told[0]
        assert checks == diagnosis["checks"]
        assert {"configuration", "tcp", "http", "service_credentials", "contract"} <= set(names(checks, "hop"))
        assert set(checks[0]) == {"hop", "name", "state", "what", "elapsed_ms", "findings"}
        assert diagnosis["ok"] is True
        assert (await at.state())["doctor"]["last"] == diagnosis
        assert [each for each in at.lab.journal if each.path == "/auth/login" and b"@" in each.body] == []


async def test_one_diagnosis_runs_at_a_time_and_the_next_waits_a_moment() -> None:
    async with operated() as at:
        at.lab.fault("response-timeout")
        assert (await at.ask("POST", "/console/doctor")).status == 202
        body = assert_problem(await at.ask("POST", "/console/doctor"), 409, "malformed_request")
        assert re.search(r"since \d{4}-\d\d-\d\dT", body["detail"])
        assert (await at.state())["doctor"]["running"] is True
        assert at.assembled.gateway.parts.link.slots.taken_count == 0, "it asks by a way of its own"
    async with operated() as at:
        assert (await at.ask("POST", "/console/doctor")).status == 202
        async with watching(at.admin) as [page]:
            while (await page.until("state"))["doctor"]["last"] is None:
                pass
        answer = await at.ask("POST", "/console/doctor")
        if answer.status != 202:  # on a machine that is slow the moment is over
            assert_problem(answer, 429, "too_many_attempts")


async def test_what_is_broken_is_found_while_the_gateway_serves_on() -> None:
    async with operated() as at, watching(at.admin) as [page]:
        at.lab.fault("status-500", path="/health")
        assert (await at.ask("POST", "/console/doctor")).status == 202
        assert (await at.log_in()).status == 200
        diagnosis = await page.until("diagnosis")
        assert (diagnosis["ok"], diagnosis["first"]["code"]) == (False, "auth_service_error")


async def test_a_gateway_that_closes_ends_a_diagnosis_that_hangs() -> None:
    async with operated() as at:
        at.lab.fault("response-timeout")
        assert (await at.ask("POST", "/console/doctor")).status == 202
        await until(lambda: any(each.path == "/health" for each in at.lab.journal))
