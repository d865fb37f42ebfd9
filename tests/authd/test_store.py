"""The database: owned by one server, readable by its owner, migrated both ways, and poor in secrets."""

import asyncio
import sqlite3
import stat
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, closing, suppress
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect

from netra.authd import CannotStart, Overloaded, StoreUnavailable
from netra.authd.store import registry, schema
from netra.authd.store.database import Store, database_path, open_store
from netra.authd.store.keys import load_or_create
from netra.authd.store.tables import METADATA
from netra.core.secret import Secret
from tests.authd.support import EMAIL, PASSWORD, SERVICE_SECRET, MovableClock, new_key, running, settings_in


def _url(folder: Path) -> str:
    return f"sqlite:///{folder}/authd.db"


@asynccontextmanager
async def _store(folder: Path, *, serving: bool = False) -> AsyncIterator[Store]:
    store = await open_store(_url(folder), serving=serving)
    try:
        yield store
    finally:
        await store.close()


def _modes(folder: Path) -> dict[str, int]:
    return {path.relative_to(folder).as_posix(): stat.S_IMODE(path.stat().st_mode) for path in folder.rglob("*")}


def _stored(folder: Path) -> bytes:
    """Every byte of the database, its log included."""
    return b"".join(path.read_bytes() for path in folder.glob("authd.db*") if path.is_file())


async def test_a_second_server_on_the_same_file_is_refused_with_file_holder_and_cure(tmp_path: Path) -> None:
    async with running(settings_in(tmp_path)):
        second = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "netra", "authd", "--port", "0",
            env={"NETRA_AUTHD_DATABASE_URL": _url(tmp_path), "PYTHONPATH": ":".join(sys.path)},
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        try:
            _, said = await asyncio.wait_for(second.communicate(), 60)
        finally:
            if second.returncode is None:
                second.kill()
    assert second.returncode == 1
    line = said.decode().splitlines()[-1]
    assert f"{tmp_path}/authd.db is in use by another authd (process " in line
    assert "NETRA_AUTHD_DATABASE_URL" in line


async def test_the_lock_goes_with_its_holder(tmp_path: Path) -> None:
    async with _store(tmp_path, serving=True):
        with pytest.raises(CannotStart) as refused:
            await open_store(_url(tmp_path), serving=True)
        assert refused.value.finding.code == "database_in_use"
    async with _store(tmp_path, serving=True):
        pass


async def test_commands_work_beside_a_running_server_and_it_sees_the_change_at_once(tmp_path: Path) -> None:
    async with running(settings_in(tmp_path)) as authd:
        async with _store(tmp_path) as beside, beside.write() as db:
            assert await registry.remove(db, authd.client.service_id)
        assert (await authd.client.get("/auth/handshake")).code == "service_credentials_rejected"


async def test_everything_it_writes_is_readable_by_its_owner_alone(tmp_path: Path) -> None:
    async with running(settings_in(tmp_path)) as authd:
        await authd.client.log_in()
        files = _modes(tmp_path)
    assert files == {
        "authd.db": 0o600,
        "authd.db-wal": 0o600,
        "authd.db-shm": 0o600,
        "authd.db.lock": 0o600,
        "authd.db.keys": 0o700,
        "authd.db.keys/signing.pem": 0o600,
        "authd.db.keys/mac.key": 0o600,
    }


async def test_no_secret_lies_in_the_database(tmp_path: Path) -> None:
    async with running(settings_in(tmp_path)) as authd:
        made = await authd.service.add_service("other")
        assert made is not None
        login = (await authd.client.log_in(key=new_key())).body
        again = (await authd.client.refresh(login["refresh_token"], new_key())).body
        mistyped = "my-password-in-the-wrong-field"
        await authd.client.log_in(mistyped, "wrong-guess-of-somebody", new_key())
        grace = {"email": "grace@example.com", "password": "another good password"}
        assert (await authd.client.post("/auth/register", grace)).status == 201
        stored = _stored(tmp_path)
        keys = load_or_create(authd.service.store.path)
    assert EMAIL.encode() in stored, "the search finds what is there"
    secrets = {
        PASSWORD, SERVICE_SECRET, made.reveal(), mistyped, "wrong-guess-of-somebody", "another good password",
        login["access_token"], login["refresh_token"], again["access_token"], again["refresh_token"],
        login["access_token"].split(".")[2], login["refresh_token"].removeprefix("nrt_"),
    }  # fmt: skip
    assert [secret for secret in secrets if secret.encode() in stored] == []
    assert keys.root not in stored
    assert keys.signing.as_pem(private=True) not in stored


async def test_a_new_database_gets_every_table_that_the_code_speaks_of_and_nothing_else(tmp_path: Path) -> None:
    def differences(connection: Connection) -> list[object]:
        return list(compare_metadata(MigrationContext.configure(connection), METADATA))

    async with _store(tmp_path) as store, store.write() as db:
        assert await db.run_sync(differences) == []


async def test_the_migrations_go_down_to_nothing_and_up_again(tmp_path: Path) -> None:
    def tables(connection: Connection) -> set[str]:
        return set(inspect(connection).get_table_names()) - {"alembic_version"}

    async with _store(tmp_path) as store:
        async with store.write() as db:
            await db.run_sync(schema.downgrade)
            assert await db.run_sync(tables) == set()
        async with store.write() as db:
            await db.run_sync(schema.upgrade)
            assert await db.run_sync(tables) == set(METADATA.tables)


def test_the_revision_that_counts_as_current_is_the_newest_migration() -> None:
    folder = Path(schema.__file__).with_name("migrations")
    assert ScriptDirectory(str(folder)).get_current_head() == schema.CURRENT


async def test_an_upgrade_that_is_rolled_back_leaves_nothing_behind(tmp_path: Path) -> None:
    async with _store(tmp_path) as store:
        async with store.write() as db:
            await db.run_sync(schema.downgrade)
        with suppress(RuntimeError):
            async with store.write() as db:
                await db.run_sync(schema.upgrade)
                raise RuntimeError
        async with store.read() as db:
            found = await db.exec_driver_sql("SELECT name FROM sqlite_master WHERE name = 'users'")
            assert found.first() is None


async def test_several_commands_may_make_the_database_at_once(tmp_path: Path) -> None:
    opened = await asyncio.gather(*(open_store(_url(tmp_path), serving=False) for _ in range(4)))
    for store in opened:
        await store.close()


async def test_a_database_of_a_newer_release_is_refused_and_unharmed(tmp_path: Path) -> None:
    async with _store(tmp_path) as store, store.write() as db:
        await db.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(CannotStart) as refused:
        await open_store(_url(tmp_path), serving=False)
    assert refused.value.finding.code == "database_too_new"
    with closing(sqlite3.connect(tmp_path / "authd.db")) as found:
        assert found.execute("SELECT version_num FROM alembic_version").fetchone() == ("9999",)


async def test_a_file_that_is_no_database_is_refused_by_name_and_unharmed(tmp_path: Path) -> None:
    (tmp_path / "authd.db").write_bytes(b"not a database at all, but long enough to look like one" * 40)
    before = (tmp_path / "authd.db").read_bytes()
    with pytest.raises(CannotStart) as refused:
        await open_store(_url(tmp_path), serving=True)
    assert "SQLITE_NOTADB" in refused.value.finding.what
    assert (tmp_path / "authd.db").read_bytes() == before


async def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    for serving in (True, False):
        with pytest.raises(CannotStart) as refused:
            await open_store(_url(tmp_path / "nowhere"), serving=serving)
        assert refused.value.finding.code == "database_folder_missing"
        assert str(tmp_path / "nowhere") in refused.value.finding.what


@pytest.mark.parametrize(
    "url", ["", "x", "postgresql://h/d", "sqlite://", "sqlite:///:memory:", "sqlite://host/x.db", "sqlite:///x?mode=ro"]
)
def test_only_the_url_of_a_file_is_accepted(url: str) -> None:
    with pytest.raises(CannotStart) as refused:
        database_path(url)
    assert refused.value.finding.code == "database_url_unusable"


def test_three_slashes_are_relative_and_four_absolute() -> None:
    assert database_path("sqlite:///x.db") == Path("x.db")
    assert database_path("sqlite:////var/x.db") == Path("/var/x.db")


async def test_a_writer_that_never_gets_its_turn_is_told_overloaded(tmp_path: Path) -> None:
    async with _store(tmp_path) as store, store.write():
        with pytest.raises(Overloaded):
            async with store.write():
                pass


async def test_a_transaction_that_is_cut_off_anywhere_does_not_keep_the_next_one_waiting(tmp_path: Path) -> None:
    reached = 0

    async def work() -> None:
        nonlocal reached
        async with store.write() as db:
            for reached in range(8):  # noqa: B007 - the loop below reads how far this one came
                await db.exec_driver_sql("SELECT name FROM sqlite_master")
                await db.exec_driver_sql("DELETE FROM services")

    async with _store(tmp_path) as store:
        cut = []
        while reached < 7:
            cut.append(asyncio.create_task(work()))
            await asyncio.sleep(len(cut) / 2_000)
            cut[-1].cancel()
            await asyncio.wait(cut)
            # Kept, the tasks keep everything alive that hangs on their tracebacks.
            async with store.write() as db:
                await db.exec_driver_sql("DELETE FROM services")
        assert any(task.cancelled() for task in cut)


async def test_a_database_locked_by_somebody_else_is_unavailable_not_an_answer(tmp_path: Path) -> None:
    async with running(settings_in(tmp_path)) as authd:
        with closing(sqlite3.connect(tmp_path / "authd.db", isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            reply = await authd.client.log_in(password="wrong")
            assert (reply.status, reply.code, reply.headers["Retry-After"]) == (503, "store_unavailable", "1")
            other.execute("ROLLBACK")
        assert (await authd.client.log_in()).status == 200


async def test_a_lost_table_is_503_with_health_telling_the_rest(tmp_path: Path) -> None:
    async with running(settings_in(tmp_path)) as authd:
        async with authd.service.store.write() as db:
            await db.exec_driver_sql("DROP TABLE rejections")
        reply = await authd.client.log_in()
        assert (reply.status, reply.code) == (503, "store_unavailable")
        assert (await authd.client.get("/health", seal=False)).status == 200


async def test_health_is_503_while_the_database_does_not_answer(tmp_path: Path) -> None:
    async with running(settings_in(tmp_path)) as authd:
        async with AsyncExitStack() as readers:
            for _ in range(4):
                await readers.enter_async_context(authd.service.store.read())
            reply = await authd.client.get("/health", seal=False)
            assert (reply.status, reply.code, reply.headers["Retry-After"]) == (503, "store_unavailable", "1")
        assert (await authd.client.get("/health", seal=False)).status == 200


async def test_a_reader_that_fails_says_what_failed_without_the_statement(tmp_path: Path) -> None:
    async with _store(tmp_path) as store:
        with pytest.raises(StoreUnavailable, match=r"^SQLITE_ERROR$"):
            async with store.read() as db:
                await db.exec_driver_sql("SELECT 'secret' FROM nothing")


async def test_keys_and_sessions_outlive_a_restart(tmp_path: Path) -> None:
    clock, settings = MovableClock(), settings_in(tmp_path, issuer="https://auth.example.com")
    async with running(settings, clock) as authd:
        login = (await authd.client.log_in()).body
        published = (await authd.client.get("/.well-known/jwks.json", seal=False)).body
    async with running(settings, clock) as authd:
        assert (await authd.client.get("/.well-known/jwks.json", seal=False)).body == published
        assert (await authd.client.validate(login["access_token"]))["valid"]
        assert (await authd.client.refresh(login["refresh_token"])).status == 200


@pytest.mark.parametrize(
    ("file", "content"),
    [("signing.pem", b""), ("signing.pem", b"garbage"), ("mac.key", b""), ("mac.key", b"short"), ("mac.key", None)],
    ids=["empty key", "garbled key", "empty mac", "short mac", "missing mac"],
)
def test_broken_keys_are_never_replaced_silently(tmp_path: Path, file: str, content: bytes | None) -> None:
    database = tmp_path / "authd.db"
    load_or_create(database)
    path = tmp_path / "authd.db.keys" / file
    path.unlink()
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(CannotStart) as refused:
        load_or_create(database)
    assert refused.value.finding.code == "server_keys_unusable"
    assert path.exists() == (content is not None)


def test_keys_are_made_once_and_leave_no_draft(tmp_path: Path) -> None:
    first, second = load_or_create(tmp_path / "a.db"), load_or_create(tmp_path / "a.db")
    assert first.root == second.root
    assert first.signing.thumbprint() == second.signing.thumbprint()
    assert [path.name for path in tmp_path.iterdir()] == ["a.db.keys"]
    assert first.derived("idempotency") != first.derived("identifiers")


def test_a_public_key_or_one_of_another_curve_is_refused(tmp_path: Path) -> None:
    keys = load_or_create(tmp_path / "a.db")
    path = tmp_path / "a.db.keys" / "signing.pem"
    for pem in (keys.signing.as_pem(private=False), type(keys.signing).generate_key("P-384").as_pem(private=True)):
        path.write_bytes(pem)
        with pytest.raises(CannotStart):
            load_or_create(tmp_path / "a.db")


@pytest.mark.parametrize(
    "service_id",
    ["backend-1763812000", "backend1763812000123", "$(whoami)", "with space", "", "ü", "-a", "a" * 129, "a\n"],
)
def test_an_id_that_would_break_logins_is_objected_to(service_id: str) -> None:
    assert registry.id_objection(service_id)


@pytest.mark.parametrize("service_id", ["a", "netra-backend", "Team_7.eu-west-1", "a" * 128])
def test_a_plain_constant_id_is_fine(service_id: str) -> None:
    assert registry.id_objection(service_id) is None


async def test_only_hashes_of_service_secrets_are_kept_and_compared(tmp_path: Path) -> None:
    async with _store(tmp_path) as store, store.write() as db:
        secret = await registry.add(db, "a", 0)
        assert secret is not None
        assert len(secret.reveal()) >= 43
        assert await registry.add(db, "a", 0) is None
        assert await registry.admits(db, "a", secret)
        assert not await registry.admits(db, "a", Secret(secret.reveal()[:-1]))
        assert not await registry.admits(db, "b", secret)
        assert (await registry.listed(db))[0].secrets == ((registry.fingerprint(secret), 0),)
        assert await registry.remove(db, "a")
        assert not await registry.admits(db, "a", secret)
        assert await registry.fingerprints(db, "a") == ()
