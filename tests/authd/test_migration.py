"""From the first release's database to this one's, with people in it."""

import sqlite3
import time
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

from sqlalchemy import Connection, create_engine

from netra.authd.store import schema
from netra.authd.store.refresh_tokens import refresh_digest
from tests.authd.support import MovableClock, running, settings_in

DAY_MS = 86_400_000
FIRST = "0001"
LIVE, LATELY, BEFORE, LONG_AGO = (f"{number:08x}-0000-4000-8000-000000000000" for number in range(4))


def _old_database(file: Path, now_ms: int) -> None:
    """What the first release left: a session with its current and its used token, and some that have ended."""
    engine = create_engine(f"sqlite:///{file}")
    with engine.begin() as connection:
        schema.upgrade(connection, FIRST)
    engine.dispose()
    month = 30 * DAY_MS
    sessions = [
        (LIVE, now_ms - 5_000, now_ms + month, None),
        (LATELY, now_ms - 9_000, now_ms + month, now_ms - 1_000),
        (BEFORE, now_ms - 9_000, now_ms + month, now_ms - 3_000),
        (LONG_AGO, now_ms - 2 * DAY_MS, now_ms + month, now_ms - 2 * DAY_MS),
    ]
    tokens = [
        ("used", LIVE, now_ms - 5_000, now_ms + month, now_ms - 4_000),
        ("current", LIVE, now_ms - 4_000, now_ms + month, None),
        ("lately", LATELY, now_ms - 9_000, now_ms + month, None),
        ("long-ago", LONG_AGO, now_ms - 2 * DAY_MS, now_ms + month, None),
    ]
    with closing(sqlite3.connect(file)) as db, db:
        db.execute(
            "INSERT INTO users VALUES ('u-1', 'old@example.com', 'old@example.com', NULL, 'x', ?, NULL)", [now_ms]
        )
        db.executemany("INSERT INTO sessions VALUES (?, 'u-1', 'netra-backend', ?, ?, ?)", sessions)
        hashed = ((refresh_digest(token), *rest) for token, *rest in tokens)
        db.executemany("INSERT INTO refresh_tokens VALUES (?, ?, ?, ?, ?)", hashed)


def _rows(file: Path, query: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(file)) as db:
        return list(db.execute(query))


async def test_sessions_of_the_first_release_go_on_and_its_ends_are_told(tmp_path: Path) -> None:
    clock = MovableClock()
    clock.now_s = time.time()
    now_ms = int(clock.now_s * 1_000)
    _old_database(tmp_path / "authd.db", now_ms)
    async with running(settings_in(tmp_path), clock) as authd:
        feed = (await authd.client.get("/auth/revocations")).body
        # Nobody knows for how long that release signed tokens: a day was the most.
        assert [item["sid"] for item in feed["items"]] == [BEFORE, LATELY]
        assert feed["items"][1]["exp"] == -(-(now_ms - 9_000 + DAY_MS) // 1_000)
        assert (await authd.client.refresh("current")).status == 200
        assert (await authd.client.refresh("used")).code == "refresh_rejected"
        told = (await authd.client.get(f"/auth/revocations?after={feed['cursor']}")).body
        assert [item["sid"] for item in told["items"]] == [LIVE]


def _steps(file: Path, steps: Iterable[tuple[str, str]]) -> None:
    def run(connection: Connection) -> None:
        for direction, revision in steps:
            (schema.upgrade if direction == "up" else schema.downgrade)(connection, revision)

    engine = create_engine(f"sqlite:///{file}")
    with engine.begin() as connection:
        run(connection)
    engine.dispose()


def test_no_row_is_lost_on_the_way_up_or_down(tmp_path: Path) -> None:
    file = tmp_path / "authd.db"
    _old_database(file, int(time.time() * 1_000))
    queries = [f"SELECT * FROM {table}" for table in ("users", "sessions", "refresh_tokens")]  # noqa: S608 - names of ours
    before = [_rows(file, query) for query in queries]
    _steps(file, [("up", schema.CURRENT)])
    assert len(_rows(file, "SELECT * FROM sessions")[0]) == len(before[1][0]) + 1
    _steps(file, [("down", FIRST)])
    assert [_rows(file, query) for query in queries] == before
