"""The embedded auth service: what it logs, answers and leaves on the disk, with everything secret planted.

It must never be taken for silent about its own user to the gateway: the answer to a login holds tokens and an address.
"""

import json
from pathlib import Path
from typing import Final

from tests.leaks.needles import NOTHING
from tests.leaks.planted import (
    ACCESS,
    EMAIL,
    OWN_ANSWER,
    OWN_NAME,
    PASSWORD,
    PREVIOUS_SECRET,
    SERVICE_ID,
    WRONG_PASSWORD,
    needles,
)
from tests.leaks.served import Pile
from tests.support import wire
from tests.support.programs import Program, run
from tests.support.wire import Answer

JSON: Final = ("Content-Type", "application/json")


class AuthService(Program):
    """`netra authd`."""

    started = "Auth service listening"


def test_nothing_secret_is_logged_answered_or_left_in_clear(tmp_path: Path) -> None:
    told = {
        "NETRA_AUTHD_DATABASE_URL": f"sqlite:///{tmp_path}/authd.db", "ENVIRONMENT": "test", "NETRA_LOG_LEVEL": "debug",
        "NETRA_AUTHD_LOCKOUT_REJECTIONS": "3", "NETRA_LOG_LINES_PER_S": "0",
    }  # fmt: skip
    added = run("services", "add", SERVICE_ID, told=told, folder=tmp_path)
    run("users", "add", EMAIL, "--password-stdin", told=told, stdin=f"{PASSWORD}\n", folder=tmp_path)
    secret, looked_for, pile = added.rpartition("SERVICE_SECRET=")[2].strip(), needles(), Pile()
    assert len(secret) >= 32
    looked_for.add("service secret that was given", secret)
    with AuthService("authd", "--port", "0", told=told, folder=tmp_path) as authd:
        url = str(authd.wait_for(lambda line: line["event"] == authd.started)["url"])
        ours = (JSON, ("X-Service-ID", SERVICE_ID), ("X-Service-Secret", secret))

        def asked(
            path: str, document: object, *more: tuple[str, str], allowed: frozenset[str] = NOTHING, method: str = "POST"
        ) -> Answer:
            body = document if isinstance(document, bytes) else json.dumps(document).encode()
            answer = wire.ask_now(url, method, path, (*(ours if JSON not in more else ()), *more), body)
            pile.put(f"answer to {path[:20]}", answer.raw, allowed if answer.status < 300 else NOTHING)
            return answer

        session = asked("/auth/login", {"email": EMAIL, "password": PASSWORD}, allowed=OWN_ANSWER).json
        for name in ("access_token", "refresh_token"):
            looked_for.add(f"{name.replace('_', ' ')}", session[name])
        asked("/auth/validate", {"token": session["access_token"]}, allowed=OWN_NAME)
        asked("/auth/validate", {"token": ACCESS + session["access_token"]})
        session = asked("/auth/refresh", {"refresh_token": session["refresh_token"]}, allowed=OWN_ANSWER).json
        asked("/auth/refresh", {"refresh_token": ACCESS})
        asked("/auth/logout", {}, ("Authorization", f"Bearer {session['access_token']}"))
        asked("/auth/register", {"email": EMAIL, "password": PASSWORD})
        asked("/auth/register", {"email": f"not an address {PASSWORD}", "password": "1"})
        asked("/auth/login", json.dumps({"email": EMAIL, "password": PASSWORD}).encode()[:-1])
        asked("/auth/login", {"email": [EMAIL], "password": {"is": PASSWORD}})
        asked(f"/auth/login?password={ACCESS}", {"email": EMAIL, "password": PASSWORD}, JSON)
        asked(
            "/auth/login", {"email": EMAIL}, JSON, ("X-Service-ID", SERVICE_ID), ("X-Service-Secret", PREVIOUS_SECRET)
        )
        asked(f"/nowhere/{ACCESS}", {"password": PASSWORD})
        asked("/auth/handshake", b"", method="GET")
        verdicts = [asked("/auth/login", {"email": EMAIL, "password": WRONG_PASSWORD}).status for _ in range(5)]
        assert verdicts[-1] == 423, verdicts
        pile.put("command line", Path(f"/proc/{authd.pid}/cmdline").read_bytes())
    pile.put("log", json.dumps(authd.lines).encode())
    pile.put("standard error", authd.complaints.encode())
    assert len(authd.lines) > 5
    for path in sorted(tmp_path.rglob("*")):
        if path.is_file():
            # The owner's database knows its users, and nothing by which one could be taken for one of them.
            pile.put(f"file {path.name}", path.read_bytes(), OWN_NAME)
    pile.assert_clean(looked_for)
    forbidden = {hit.secret for hit in pile.hits(looked_for, forbid_all=True) if hit.place.startswith("file authd.db")}
    assert forbidden == OWN_NAME, "the files were not looked through"
