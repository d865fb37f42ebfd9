"""Our own credentials in files: what is read again and when, what is kept, and what is told of it.

It must never wait for real time, nor leave a secret in what is told.
"""

import asyncio
from pathlib import Path
from typing import Any, Final

import pytest

from netra.core.events import Changed, ConfigurationProblem, Crashed, Event
from netra.core.findings import Finding, Severity
from netra.core.secret import Secret
from netra.core.verdict.outcomes import Accepted
from netra.core.verdict.reply import Broken, Reply
from netra.link.calls import ask
from netra.settings.field import fingerprint
from netra.settings.read import load
from netra.testing.fakes import Asked, FakeClock, Recorded, ScriptedExchange
from netra.upkeep.credentials import LOOK_EVERY_S, SETTLED_S, Credentials
from tests.link.support import GOOD_LOGIN, WIRE, WRONG_SECRET, call_of, link_to, secret_on, until, within

FIRST: Final = "test-only-first-Wq7tYb2Kd9Rm4Xv6Lp0Zs8"
SECOND: Final = "test-only-second-Zc3hNf8Pg5Lj1Ts0Qe7Vu2"
THIRD: Final = "test-only-third-Ga6rMk9Bx2Dn4Hy7Jw1Uc5"
FOURTH: Final = "test-only-fourth-Pb8sLe3Ov5Ti0Rf6Nq9Xa4"


class Told:
    """A gateway's credentials in files, with everything that they touch."""

    def __init__(self, folder: Path, **changes: str) -> None:
        self.files = {name: folder / name.lower() for name in ("SERVICE_ID", "SERVICE_SECRET", *changes)}
        self.write("SERVICE_ID", "shop-backend")
        self.write("SERVICE_SECRET", FIRST)
        for name, content in changes.items():
            self.write(name, content)
        self.clock, self.told, self.exchange = FakeClock(held=True), Recorded(), ScriptedExchange()
        self.settings = load(
            {"AUTH_SERVICE_URL": "https://auth.example.com"}
            | {f"{name}_FILE": str(path) for name, path in self.files.items()}
        )
        self.link = link_to(self.exchange, self.clock)
        self.findings: list[Finding] = []
        self.credentials = Credentials(self.settings, WIRE, self.link, self.told, self.findings)
        self.link.look_again = self.credentials.look
        self.credentials.look()
        self.clock.advance(60.0)

    def write(self, name: str, content: str | bytes) -> None:
        """Put another content in the place of a file, as those do who care for its readers."""
        fresh = self.files[name].with_suffix(".new")
        fresh.write_bytes(content.encode() if isinstance(content, str) else content)
        fresh.replace(self.files[name])

    def look(self, times: int = 1) -> None:
        """Look so often, at the usual distance."""
        for _ in range(times):
            self.clock.advance(LOOK_EVERY_S)
            self.credentials.look()

    def shown(self) -> list[str | None]:
        """The secrets that the link shows, in order."""
        return [secret_on(each) for each in self.link.seals.in_order]

    def ids(self) -> list[str]:
        """The ids that go with them."""
        return [dict(each.headers)["X-Service-ID"] for each in self.link.seals.in_order]

    def changes(self) -> list[tuple[str, str, str | None]]:
        return [(each.what, each.now, each.before) for each in self.told.of(Changed)]

    def problems(self) -> list[tuple[str, str]]:
        return [(each.finding.code, each.finding.subject) for each in self.told.of(ConfigurationProblem)]


def named(secret: str) -> str:
    return str(fingerprint(Secret(secret)))


def test_a_file_that_has_changed_is_shown_first_and_the_secret_before_it_second(tmp_path: Path) -> None:
    told = Told(tmp_path)
    told.write("SERVICE_SECRET", f"{SECOND}\n")
    told.look()
    assert told.shown() == [SECOND, FIRST]
    assert told.changes() == [("service_secret", named(SECOND), named(FIRST))]
    assert told.link.doubted, "the next round is to ask whether it is known there"
    told.look(3)
    assert len(told.changes()) == 1
    assert not any(each in repr(told.told.events) for each in (FIRST, SECOND))


def test_nothing_is_touched_while_nothing_has_changed(tmp_path: Path) -> None:
    told = Told(tmp_path)
    seals = told.link.seals
    told.look(5)
    told.write("SERVICE_SECRET", FIRST)  # another file with the same content
    told.look(3)
    assert told.link.seals is seals
    assert (told.told.events, told.link.doubted) == ([], False)


def test_what_has_changed_between_the_start_and_the_first_look_is_seen(tmp_path: Path) -> None:
    told = Told(tmp_path)
    told.write("SERVICE_SECRET", SECOND)
    late = Credentials(told.settings, WIRE, told.link, told.told, [])
    late.look()
    assert told.shown() == [SECOND, FIRST]


def test_a_swap_of_a_link_on_the_way_is_a_change(tmp_path: Path) -> None:
    for name, content in (("one", FIRST), ("two", SECOND)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "service_secret").write_text(content)
    (tmp_path / "..data").symlink_to("one")
    (tmp_path / "mounted").symlink_to(Path("..data", "service_secret"))
    told = Told(tmp_path)
    settings = load(
        {"AUTH_SERVICE_URL": "https://auth.example.com", "SERVICE_ID": "shop-backend",
         "SERVICE_SECRET_FILE": str(tmp_path / "mounted")}
    )  # fmt: skip
    followed = Credentials(settings, WIRE, told.link, told.told, [])
    followed.look()
    (tmp_path / "..data_tmp").symlink_to("two")
    (tmp_path / "..data_tmp").replace(tmp_path / "..data")
    followed.look()
    assert told.shown() == [SECOND, FIRST]


# --- which secret is the other one -----------------------------------------------------------------------------------


def test_the_secret_that_was_replaced_goes_before_one_that_was_previous_to_it(tmp_path: Path) -> None:
    told = Told(tmp_path, SERVICE_SECRET_PREVIOUS=SECOND)
    told.write("SERVICE_SECRET", THIRD)
    told.look()
    assert told.shown() == [THIRD, FIRST], "it was accepted a moment ago"
    told.write("SERVICE_SECRET_PREVIOUS", FOURTH)
    told.look()
    assert told.shown() == [THIRD, FOURTH], "who says so knows better"


def test_both_files_at_once_are_both_believed(tmp_path: Path) -> None:
    told = Told(tmp_path, SERVICE_SECRET_PREVIOUS=SECOND)
    told.write("SERVICE_SECRET", THIRD)
    told.write("SERVICE_SECRET_PREVIOUS", FIRST)
    told.look()
    assert told.shown() == [THIRD, FIRST]
    assert told.changes() == [
        ("service_secret", named(THIRD), named(FIRST)),
        ("service_secret_previous", named(FIRST), named(SECOND)),
    ]


def test_a_secret_that_stood_for_a_moment_does_not_take_the_place_of_the_one_in_use(tmp_path: Path) -> None:
    told = Told(tmp_path)
    for content in (SECOND, THIRD):
        told.write("SERVICE_SECRET", content)
        told.look()
    assert told.shown() == [THIRD, FIRST]
    told.clock.advance(SETTLED_S)
    told.write("SERVICE_SECRET", FOURTH)
    told.look()
    assert told.shown() == [FOURTH, THIRD]


def test_the_id_may_change_too_and_each_secret_keeps_its_own(tmp_path: Path) -> None:
    told = Told(tmp_path)
    told.write("SERVICE_ID", "shop-frontend")
    told.write("SERVICE_SECRET", SECOND)
    told.look()
    assert list(zip(told.ids(), told.shown(), strict=True)) == [("shop-frontend", SECOND), ("shop-backend", FIRST)]
    assert ("service_id", "shop-frontend", "shop-backend") in told.changes()


def test_what_is_taken_back_is_shown_alone(tmp_path: Path) -> None:
    told = Told(tmp_path)
    told.write("SERVICE_SECRET", SECOND)
    told.look()
    told.write("SERVICE_SECRET", FIRST)
    told.look()
    assert told.shown() == [FIRST]


def test_the_secret_that_logins_get_through_with_is_never_given_up_for_one_that_was_refused(tmp_path: Path) -> None:
    told = Told(tmp_path)
    told.write("SERVICE_SECRET", SECOND)
    told.look()
    told.link.accepted = told.link.seals.in_order[1]  # the auth service does not know the new one yet
    told.clock.advance(10 * SETTLED_S)
    told.write("SERVICE_SECRET", THIRD)
    told.look()
    assert told.shown() == [THIRD, FIRST], "the second was not accepted by anybody"


def test_a_previous_secret_that_logins_get_through_with_stays_the_other_one(tmp_path: Path) -> None:
    told = Told(tmp_path, SERVICE_SECRET_PREVIOUS=SECOND)
    told.link.reseal(told.credentials._seals())
    told.link.accepted = told.link.seals.in_order[1]
    told.write("SERVICE_SECRET", THIRD)
    told.look()
    assert told.shown() == [THIRD, SECOND]


def test_a_secret_that_was_accepted_is_kept_however_soon_it_is_replaced(tmp_path: Path) -> None:
    told = Told(tmp_path)
    told.write("SERVICE_SECRET", SECOND)
    told.look()
    told.link.accepted = told.link.seals.in_order[0]
    told.write("SERVICE_SECRET", THIRD)
    told.look()
    assert told.shown() == [THIRD, SECOND], "the first one may be retired by now"


async def test_a_verdict_says_which_secret_is_good(tmp_path: Path) -> None:
    told = Told(tmp_path)
    told.link.exchange = ScriptedExchange(WRONG_SECRET, then=GOOD_LOGIN)
    told.link.reseal(told.credentials._seals())
    await ask(call_of(), told.link, within(told.clock))
    assert told.link.accepted is None, "it was refused, and there was no other"
    told.write("SERVICE_SECRET", SECOND)
    told.look()
    await ask(call_of(), told.link, within(told.clock))
    assert told.link.accepted is told.link.seals.in_order[0]


def test_what_was_taken_back_is_not_called_another_secret(tmp_path: Path) -> None:
    told = Told(tmp_path)
    for content in (SECOND, FIRST):
        told.write("SERVICE_SECRET", content)
        told.look()
    assert (told.credentials.ours().secret, told.credentials.ours().kept) == (named(FIRST), None)


# --- what cannot be used ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "empty"),
        (b" \n", "empty"),
        (b"too-short", "short_secret"),
        (b"REPLACE_WITH_THE_SERVICE_SECRET_OF_PRODUCTION", "placeholder"),
        (b"\xff\xfe\x00\x00" * 20, "unreadable"),
        (b"x" * 100_000, "unreadable"),
        (None, "unreadable"),
    ],
)
def test_what_cannot_be_used_changes_nothing_and_is_told_once(tmp_path: Path, content: bytes | None, code: str) -> None:
    told = Told(tmp_path)
    seals = told.link.seals
    if content is None:
        told.files["SERVICE_SECRET"].unlink()
    else:
        told.write("SERVICE_SECRET", content)
    told.look()
    assert told.problems() == [], "it may be half written"
    told.look(5)
    assert [each for each, _ in told.problems()] == [code]
    assert told.link.seals is seals
    if content is not None:
        told.write("SERVICE_SECRET", content)
        told.look(3)
        assert len(told.problems()) == 1, "it is as bad as before"
    (finding,) = told.findings
    assert finding.severity is Severity.WARNING
    assert "a restart would not come up" in finding.why
    told.write("SERVICE_SECRET", SECOND)
    told.look()
    assert (told.findings, told.shown()) == ([], [SECOND, FIRST])


def test_a_file_that_is_written_in_two_steps_is_not_complained_of(tmp_path: Path) -> None:
    told = Told(tmp_path)
    told.files["SERVICE_SECRET"].write_text("")
    told.look()
    told.files["SERVICE_SECRET"].write_text(SECOND)
    told.look(3)
    assert told.shown() == [SECOND, FIRST]
    assert told.problems() == []


def test_a_good_file_is_read_although_another_one_is_bad(tmp_path: Path) -> None:
    told = Told(tmp_path, SERVICE_SECRET_PREVIOUS=SECOND)
    told.files["SERVICE_SECRET_PREVIOUS"].unlink()
    told.write("SERVICE_SECRET", THIRD)
    told.look(2)
    assert told.shown() == [THIRD, FIRST]
    assert told.problems() == [("unreadable", "SERVICE_SECRET_PREVIOUS_FILE")]


def test_a_bug_while_looking_is_told_and_goes_no_further(tmp_path: Path) -> None:
    def deaf(event: Event) -> None:
        if isinstance(event, Changed):
            raise ZeroDivisionError
        told.told(event)

    told = Told(tmp_path)
    broken = Credentials(told.settings, WIRE, told.link, deaf, [])
    told.write("SERVICE_SECRET", SECOND)
    broken.look()
    assert [each.error_type for each in told.told.of(Crashed)] == ["ZeroDivisionError"]


# --- with a link -----------------------------------------------------------------------------------------------------


async def test_a_refusal_is_a_reason_to_look_at_once_and_the_login_gets_through(tmp_path: Path) -> None:
    told = Told(tmp_path)

    def knows_the_second(asked: Asked) -> Reply | Broken:
        return GOOD_LOGIN if secret_on(asked.seal) == SECOND else WRONG_SECRET

    told.link.exchange = ScriptedExchange(then=knows_the_second)
    told.link.reseal(told.credentials._seals())
    told.write("SERVICE_SECRET", SECOND)
    outcome = await ask(call_of(), told.link, within(told.clock))
    assert isinstance(outcome, Accepted)
    assert [each.code for each in outcome.tried] == ["service_credentials_rejected", "ok"]
    assert told.link.doubted, "the next round is to ask who we are"


async def test_it_looks_every_second_until_it_is_cancelled(tmp_path: Path) -> None:
    told = Told(tmp_path)
    loop = asyncio.create_task(told.credentials.run())
    await until(lambda: told.clock.sleeping_count == 1)
    assert told.credentials.first_ended.is_set()
    told.write("SERVICE_SECRET", SECOND)
    told.clock.advance(LOOK_EVERY_S)
    await until(lambda: told.shown() == [SECOND, FIRST])
    loop.cancel()
    with pytest.raises(asyncio.CancelledError):
        await loop


def test_what_is_held_is_told_at_the_start_without_the_secrets(tmp_path: Path) -> None:
    told = Told(tmp_path, SERVICE_SECRET_PREVIOUS=SECOND)
    told.credentials.tell_held()
    assert told.changes() == [
        ("service_id", "shop-backend", None),
        ("service_secret", named(FIRST), None),
        ("service_secret_previous", named(SECOND), None),
    ]


def test_what_we_hold_is_what_handshakes_are_compared_with(tmp_path: Path) -> None:
    told = Told(tmp_path)
    assert (told.credentials.ours().secret, told.credentials.ours().kept) == (named(FIRST), None)
    told.write("SERVICE_ID", "shop-frontend")
    told.write("SERVICE_SECRET", SECOND)
    told.look()
    held = told.credentials.ours()
    assert (held.service_id, held.secret, held.kept) == ("shop-frontend", named(SECOND), named(FIRST))


def test_credentials_of_the_environment_are_not_followed() -> None:
    settings = load(
        {"AUTH_SERVICE_URL": "https://auth.example.com", "SERVICE_ID": "shop-backend", "SERVICE_SECRET": FIRST}
    )
    told: Any = Recorded()
    link = link_to(ScriptedExchange(), FakeClock())
    credentials = Credentials(settings, WIRE, link, told, [])
    credentials.look()
    assert (credentials.followed, told.events) == (False, [])
