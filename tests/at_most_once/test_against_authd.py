"""A thousand logins against the embedded auth service, over connections that break: every wish is counted once.

It must never look at answers alone: how often somebody was judged stands in the auth service's database.
"""

import asyncio
import base64
import json
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from random import Random
from typing import Any, Final, NamedTuple

from sqlalchemy import func, select

from netra.authd.accounts import User
from netra.authd.login import Lockout
from netra.authd.store.keys import load_or_create
from netra.authd.store.tables import REJECTIONS, SESSIONS
from netra.core.secret import Secret
from netra.lab.chaos_proxy import ChaosProxy
from netra.lab.chaos_ways import Ending, Faults, How, Way
from tests.at_most_once.callers import Answered, Wish, all_answered, shaken_hands, tally
from tests.authd.support import Running, running, settings_in
from tests.support.gateways import SECRET, SERVICE_ID, gateway

LOGINS_COUNT: Final = 1_000
USERS_COUNT: Final = 40
CALLERS_COUNT: Final = 16
LOCK_AT: Final = 100
"""The most that can be set: nobody is locked out here."""
JUDGED: Final = ("Login rejected", "Login succeeded")


class Heard(NamedTuple):
    """One delivery, as the auth service tells of it once it was answered."""

    request_id: str
    event: str
    identifier: str


class Round(NamedTuple):
    """What was answered, what was delivered, and what stands in the database."""

    answers: Sequence[Answered]
    heard: Sequence[Heard]
    rejections: Mapping[str, int]
    """By e-mail: how often it was counted."""
    sessions: Mapping[str, int]
    """By e-mail: how many were opened."""
    users: Mapping[str, User]
    labels: Mapping[str, str]
    """By e-mail: how the auth service's log speaks of it."""

    @property
    def told(self) -> str:
        """The tally, for the message of whatever fails."""
        deliveries = Counter(Counter(each.request_id for each in self.heard).values())
        events = Counter(each.event for each in self.heard)
        counted = f"{sum(self.rejections.values())} rejections and {sum(self.sessions.values())} sessions stored"
        return (
            f"answers {dict(tally(self.answers))}, deliveries of a login {dict(deliveries)}, {dict(events)}, {counted}"
        )

    def judged(self, event: str) -> dict[str, int]:
        """By e-mail: how many wishes were judged so, however often each was delivered."""
        wishes: dict[str, set[str]] = defaultdict(set)
        for each in self.heard:
            if each.event == event:
                wishes[each.identifier].add(each.request_id)
        return {email: len(wishes[label]) for email, label in self.labels.items() if label in wishes}


def wishes(seed: int) -> list[Wish]:
    """Users with right and with wrong passwords, and many whom nobody knows: each of those comes once."""
    rand, asked = Random(seed), list[Wish]()  # noqa: S311 - it is to be repeated, not to be secret
    for number in range(LOGINS_COUNT):
        user, kind = rand.randrange(USERS_COUNT), rand.random()
        if kind < 0.55:
            asked.append(Wish(f"nobody-{number}@example.com", "a wrong password", right=False))
        elif kind < 0.7:
            asked.append(Wish(email_of(user), "a wrong password", right=False))
        else:
            asked.append(Wish(email_of(user), password_of(user), right=True))
    return asked


def email_of(user: int) -> str:
    return f"user-{user}@example.com"


def password_of(user: int) -> str:
    return f"open-sesame-{user}-and-more"


async def breaking_connections(proxy: ChaosProxy) -> None:
    """Cut and reset connections somewhere in a request or an answer, now in this way and now in that."""

    def way(how: How) -> Way:
        return Way(ending=Ending(how, 1, 5_000))

    while True:
        for faults in (
            Faults(to_client=way("cut")),
            Faults(to_server=way("reset")),
            Faults(to_client=way("reset")),
            Faults(to_server=way("cut"), to_client=way("half-close")),
            Faults(to_client=Way(jitter_s=0.02, drip_s=0.0001), to_server=way("reset")),
        ):
            proxy.switch(faults)
            await asyncio.sleep(0.4)


async def a_round(folder: Path) -> Round:
    heard = list[Heard]()

    def tell(level: int, event: str, fields: Mapping[str, object]) -> None:
        if event in JUDGED:
            heard.append(Heard(str(fields["request_id"]), event, str(fields["identifier"])))

    async with running(settings_in(folder, lockout_rejections=LOCK_AT), tell=tell) as authd:
        await authd.service.add_service(SERVICE_ID, Secret(SECRET))
        users = {email_of(user): await added(authd, user) for user in range(USERS_COUNT)}
        port = int(authd.url.rpartition(":")[2])
        async with (
            ChaosProxy("127.0.0.1", port, seed=5) as proxy,
            gateway(f"http://127.0.0.1:{proxy.port}", NETRA_TRIES="3", NETRA_LOGIN_BUDGET_S="10") as front,
        ):
            await shaken_hands(front)
            breaking = asyncio.ensure_future(breaking_connections(proxy))
            answers = await all_answered(front.url, wishes(6), CALLERS_COUNT)
            breaking.cancel()
        return await counted(authd, answers, heard, users)


async def added(authd: Running, user: int) -> User:
    made = await authd.service.add_user(email_of(user), Secret(password_of(user)))
    assert made is not None
    return made


async def counted(
    authd: Running, answers: Sequence[Answered], heard: Sequence[Heard], users: Mapping[str, User]
) -> Round:
    """The answers beside what the database says."""
    lockout = Lockout(LOCK_AT, 900, load_or_create(authd.service.store.path).derived("identifiers"))
    emails = {each.wish.email for each in answers}
    async with authd.service.store.read() as db:
        rows = await db.execute(select(REJECTIONS.c.identifier_hash, func.count()).group_by("identifier_hash"))
        by_hash = {bytes(found): int(count) for found, count in rows}
        rows = await db.execute(select(SESSIONS.c.user_id, func.count()).group_by("user_id"))
        by_user = {str(found): int(count) for found, count in rows}
    rejections = {email: by_hash.pop(lockout.identifier_hash(email), 0) for email in emails}
    assert by_hash == {}, "somebody was counted who never came"
    sessions = {email: by_user.get(user.user_id, 0) for email, user in users.items()}
    return Round(answers, heard, rejections, sessions, users, {email: lockout.label(email) for email in emails})


def claims_of(token: str) -> Any:
    """What an access token says; the signature is not looked at here."""
    body = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))


def assert_counted_exactly_once_however_often_it_was_delivered(seen: Round) -> None:
    judged, tried, told = seen.judged("Login rejected"), Counter[str](), Counter[str]()
    for each in seen.answers:
        tried[each.wish.email] += not each.wish.right
        told[each.wish.email] += each.status == 401
    wrong = {
        email: (told[email], judged.get(email, 0), count, tried[email])
        for email, count in seen.rejections.items()
        if not told[email] <= judged.get(email, 0) == count <= tried[email]
    }
    assert wrong == {}, f"told, judged, counted and tried do not fit together: {seen.told}"


def assert_every_success_opened_exactly_one_session(seen: Round) -> None:
    judged = seen.judged("Login succeeded")
    wrong = {email: count for email, count in seen.sessions.items() if count != judged.get(email, 0)}
    assert wrong == {}, seen.told
    sids = Counter(claims_of(each.document["access_token"])["sid"] for each in seen.answers if each.status == 200)
    assert set(sids.values()) == {1}, f"a session was handed to two callers: {seen.told}"


def assert_nobody_got_the_answer_of_another(seen: Round) -> None:
    for each in seen.answers:
        if each.status == 401:
            assert not each.wish.right, seen.told
        if each.status == 200:
            user, claims = seen.users[each.wish.email], claims_of(each.document["access_token"])
            assert each.wish.right, seen.told
            assert (each.document["user"]["email"], each.document["user"]["id"]) == (each.wish.email, user.user_id)
            assert (claims["email"], claims["sub"]) == (each.wish.email, user.user_id)


def assert_the_mix_was_one(seen: Round) -> None:
    counts = tally(seen.answers)
    assert counts["200 accepted"] > LOGINS_COUNT / 10, seen.told
    assert counts["401 invalid_credentials"] > LOGINS_COUNT / 3, seen.told
    assert {each.status for each in seen.answers} <= {200, 401, 502, 503}, seen.told
    delivered = Counter(each.request_id for each in seen.heard)
    assert sum(count > 1 for count in delivered.values()) > 20, f"hardly anything was delivered again: {seen.told}"


async def test_of_a_thousand_logins_over_breaking_connections_each_is_counted_once_and_told_to_its_own_caller(
    tmp_path: Path,
) -> None:
    seen = await a_round(tmp_path)
    assert_the_mix_was_one(seen)
    assert_counted_exactly_once_however_often_it_was_delivered(seen)
    assert_every_success_opened_exactly_one_session(seen)
    assert_nobody_got_the_answer_of_another(seen)
