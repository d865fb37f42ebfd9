"""The secrets of services: two at most, so that one can replace the other without a refused call."""

import re
from collections.abc import Iterator

import pytest

from netra.authd.store import registry
from netra.core.secret import Secret
from tests.authd.support import SERVICE_SECRET, Client, Running, is_problem, new_key
from tests.authd.test_commands import Command, netra

__all__ = ["netra"]


def _pairs(authd: Running, secrets: list[Secret]) -> Iterator[Client]:
    for secret in secrets:
        yield Client(authd.client.session, authd.url, authd.client.service_id, secret.reveal())


async def test_two_secrets_of_a_service_work_side_by_side_and_a_retired_one_not_at_once_after(authd: Running) -> None:
    async with authd.service.store.write() as db:
        made = await registry.rotate(db, authd.client.service_id, 0)
    assert isinstance(made, Secret)
    old, new = _pairs(authd, [Secret(SERVICE_SECRET), made])
    key, expected = new_key(), [registry.fingerprint(Secret(SERVICE_SECRET)), registry.fingerprint(made)]
    for client in (old, new):
        assert (await client.get("/auth/handshake")).body["secret_fingerprints"] == expected
        assert (await client.log_in(key=key)).status == 200
    async with authd.service.store.write() as db:
        assert await registry.retire(db, authd.client.service_id, None) == expected[0]
    is_problem(await old.get("/auth/handshake"), 401, "service_credentials_rejected")
    assert (await new.get("/auth/handshake")).body["secret_fingerprints"] == expected[1:]
    session = (await new.log_in(key=key)).body
    assert (await new.refresh(session["refresh_token"])).status == 200, "sessions belong to the service, not its secret"


async def test_there_are_never_more_than_two_live_secrets_nor_fewer_than_one(authd: Running) -> None:
    name, store = authd.client.service_id, authd.service.store
    for _ in range(3):
        async with store.write() as db:
            assert await registry.retire(db, name, None) is registry.Undone.LAST_ONE
            assert await registry.retire(db, name, "00000000") is registry.Undone.NOT_FOUND
            # The clock of the machine may have been set back since the first one was made.
            second = await registry.rotate(db, name, 0)
            assert isinstance(second, Secret)
            assert await registry.rotate(db, name, 0) is registry.Undone.FULL
            first, newest = (await registry.listed(db))[0].secrets
            assert newest.fingerprint == registry.fingerprint(second)
            assert newest.created_at_ms > first.created_at_ms
            assert await registry.retire(db, name, newest.fingerprint) == newest.fingerprint
            assert not await registry.admits(db, name, second)
            assert await registry.admits(db, name, Secret(SERVICE_SECRET))
    async with store.write() as db:
        assert await registry.rotate(db, "nobody", 0) is registry.Undone.UNKNOWN_SERVICE
        assert await registry.retire(db, "nobody", None) is registry.Undone.UNKNOWN_SERVICE


def _secret(out: str) -> str:
    (secret,) = re.findall(r"^SERVICE_SECRET=(\S+)$", out, re.MULTILINE)
    return str(secret)


def test_a_rotation_by_commands_shows_each_secret_once_and_says_what_comes_next(netra: Command) -> None:
    first = netra("services", "add", "netra-backend")
    second = netra("services", "rotate", "netra-backend")
    assert second.code == 0
    assert second.out.splitlines()[0] == "SERVICE_ID=netra-backend"
    assert _secret(second.out) != _secret(first.out)
    assert "SERVICE_SECRET_PREVIOUS" in second.err
    assert "netra services retire netra-backend --oldest" in second.err
    prints = [registry.fingerprint(Secret(_secret(each.out))) for each in (first, second)]
    listed = netra("services", "list")
    assert listed.out.rstrip("\n").split("\t")[2:] == [" ".join(prints), "0m 0m"]
    third = netra("services", "rotate", "netra-backend")
    assert (third.code, third.out) == (1, "")
    assert "netra services retire netra-backend --oldest" in third.err
    retired = netra("services", "retire", "netra-backend", f" {prints[0].upper()}")
    assert (retired.code, prints[0] in retired.out) == (0, True)
    assert (netra("services", "list")).out.rstrip("\n").split("\t")[2:] == [prints[1], "0m"]
    said = "".join(each.out + each.err for each in (listed, third, retired))
    assert not [secret for secret in (_secret(first.out), _secret(second.out)) if secret in said]


def test_the_oldest_is_the_one_that_was_there_before(netra: Command) -> None:
    first = netra("services", "add", "netra-backend")
    second = netra("services", "rotate", "netra-backend")
    retired = netra("services", "retire", "netra-backend", "--oldest")
    assert registry.fingerprint(Secret(_secret(first.out))) in retired.out
    assert registry.fingerprint(Secret(_secret(second.out))) in (netra("services", "list")).out


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["rotate", "nobody"], 1, "netra services list"),
        (["retire", "nobody", "--oldest"], 1, "netra services list"),
        (["retire", "netra-backend"], 2, "--oldest"),
        (["retire", "netra-backend", "00000000", "--oldest"], 2, "--oldest"),
        (["retire", "netra-backend", "00000000"], 1, "netra services list"),
        (["retire", "netra-backend", "--oldest"], 1, "netra services rotate netra-backend"),
    ],
    ids=["rotate unknown", "retire unknown", "retire which", "retire both", "retire another", "retire the last"],
)
def test_what_cannot_be_done_changes_nothing_and_says_what_to_do(
    netra: Command, arguments: list[str], code: int, said: str
) -> None:
    netra("services", "add", "netra-backend")
    before = netra("services", "list").out
    ended = netra("services", *arguments)
    assert (ended.code, ended.out) == (code, "")
    assert said in ended.err
    assert (netra("services", "list")).out == before
