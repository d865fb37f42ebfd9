"""The way of a login as stations: the newest that was seen decides which one is broken, whoever saw it.

It must never say of a part behind the broken one that it is well.
"""

from dataclasses import dataclass, field
from typing import Any, Final

import pytest

from netra.core.events import AttemptEnded, Crashed, TryEnded
from netra.core.pace.breaker import Circuit
from netra.core.verdict.causes import TABLE, Phase
from netra.core.verdict.outcomes import Accepted, Spent, Tried, Verdict, unknown
from netra.core.verdict.reply import Standing
from netra.observe.board import Board
from netra.testing.fakes import FakeClock
from netra.web.console.stations import TITLES, Evidence, Scene, Station, evidence, stations

WAY: Final = tuple(TITLES)
TRY: Final = Tried(1, Phase.ANSWERED, "ok", 0.01)
CLOSED: Final = Circuit("closed", None, 0.0, 0, 0)
UNKNOWNS: Final = sorted(code for code, cause in TABLE.items() if cause.verdict == "unknown")


@dataclass(slots=True)
class Story:
    """What was seen so far, by a gateway in front of an https address."""

    clock: FakeClock = field(default_factory=FakeClock)
    board: Board = field(init=False)
    standing: Standing = field(default_factory=lambda: Standing(handshake="accepted"))
    circuits: dict[str, Circuit] = field(default_factory=lambda: {"login": CLOSED, "token": CLOSED})
    options: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.board = Board(self.clock.now_s, self.clock.wall_s)

    def saw(self, operation: str, code: str = "ok", *, after_s: float = 1.0) -> "Story":
        """A try has ended, so long after the one before."""
        self.clock.advance(after_s)
        verdict: Verdict = "accepted" if code == "ok" else TABLE[code].verdict
        spent = Spent(0.001, 0.002, 0.003, 0.004, 0.005)
        self.board(TryEnded(operation, verdict, Tried(1, Phase.ANSWERED, code, 0.01, spent)))
        return self

    def attempt(self, code: str = "ok", *, tried: bool = True) -> "Story":
        """A login has ended."""
        self.clock.advance(1.0)
        tries = (TRY,) if tried else ()
        outcome: Any = Accepted(None, tries) if code == "ok" else unknown(TABLE[code])._replace(tried=tries)
        self.board(AttemptEnded("login", "id", outcome, 0.012))
        return self

    @property
    def scene(self) -> Scene:
        counted = self.board.counted(self.board.journeys())
        scene = Scene(
            self.board, self.standing, self.circuits, counted, self.clock.now_s(), "https://auth.internal.test:8443"
        )
        return scene._replace(**self.options)

    @property
    def found(self) -> Evidence | None:
        return evidence(self.scene)

    @property
    def now(self) -> tuple[str, str] | None:
        """State and code of what is wrong."""
        return None if self.found is None else (self.found.state, self.found.code)

    @property
    def drawn(self) -> dict[str, Station]:
        return {each.id: each for each in stations(self.scene, self.found)}


def test_when_nothing_was_seen_nothing_is_claimed() -> None:
    story = Story(standing=Standing())
    assert story.now is None
    states = {name: each.state for name, each in story.drawn.items()}
    assert states == dict.fromkeys(WAY, "unknown") | {"gateway": "ok"}
    assert {each.latency_s for each in story.drawn.values()} == {None}


def test_a_probe_that_gets_through_shows_the_whole_way_to_be_well() -> None:
    story = Story().saw("health")
    states = {name: each.state for name, each in story.drawn.items()}
    assert states == dict.fromkeys(WAY, "ok") | {"client": "unknown"}


def test_each_station_tells_its_own_share_of_the_time() -> None:
    story = Story().saw("health").attempt()
    lasted_ms = {name: each.latency_s and round(each.latency_s * 1e3, 3) for name, each in story.drawn.items()}
    assert lasted_ms == {
        "client": None, "gateway": 2.0, "dns": 1.0, "tcp": 2.0, "tls": 3.0, "http": 5.0, "service_credentials": None,
        "auth_service": 4.0,
    }  # fmt: skip


@pytest.mark.parametrize("code", UNKNOWNS)
@pytest.mark.parametrize("operation", ["login", "health"])
def test_every_cause_has_its_station_and_what_lies_behind_it_is_unknown(operation: str, code: str) -> None:
    story = Story().saw(operation, code)
    assert story.now == ("failing", code)
    assert story.found is not None
    broken = story.found.station
    place = WAY.index(broken)
    drawn = story.drawn
    assert [name for name in WAY if drawn[name].state == "failing"] == [broken]
    assert drawn[broken].code == code
    assert {drawn[name].state for name in WAY[place + 1 :]} <= {"unknown"}
    assert all(drawn[name].state in ("ok", "unknown") for name in WAY[:place])


@pytest.mark.parametrize(
    ("url", "unused"),
    [
        ("http://auth.internal.test", {"tls"}),
        ("https://10.1.2.3", {"dns"}),
        ("https://[fd00::1]:8443", {"dns"}),
        ("http://127.0.0.1:8081", {"dns", "tls"}),
        ("https://auth.internal.test", set()),
        ("https://1.example", set()),
    ],
)
def test_parts_that_the_way_does_not_have_are_not_drawn_as_well(url: str, unused: set[str]) -> None:
    story = Story(options={"base_url": url}).saw("health")
    assert {name for name, each in story.drawn.items() if each.state == "unused"} == unused
    story.saw("health", "connection_refused")
    assert {name for name, each in story.drawn.items() if each.state == "unused"} == unused, "not unknown either"


# --- what supersedes what ---------------------------------------------------------------------------------------------


def test_a_login_that_gets_through_ends_what_was_wrong_with_logins() -> None:
    story = Story().saw("login", "auth_service_error")
    assert story.now == ("failing", "auth_service_error")
    assert story.saw("login").now is None


@pytest.mark.parametrize("code", ["dns_error", "connection_refused", "tls_certificate_error"])
def test_whatever_gets_through_shows_that_the_line_stands_again(code: str) -> None:
    assert Story().saw("login", code).saw("health").now is None
    assert Story().saw("login", code).saw("handshake").now is None
    assert Story().saw("health", code).saw("login").now is None


def test_a_probe_that_was_well_all_the_time_says_nothing_of_a_login_that_failed() -> None:
    story = Story().saw("health").saw("login", "invalid_response").saw("health")
    assert story.now == ("failing", "invalid_response")


def test_a_probe_that_has_recovered_does() -> None:
    story = Story().saw("health").saw("login", "auth_service_error").saw("health", "auth_service_error").saw("health")
    assert story.now is None


def test_a_handshake_that_is_accepted_ends_a_refusal_of_our_credentials_and_a_probe_does_not() -> None:
    story = Story().saw("login", "service_credentials_rejected").saw("health").saw("keys")
    assert story.now == ("failing", "service_credentials_rejected")
    assert story.saw("handshake").now is None


def test_a_failed_login_that_nobody_has_repeated_becomes_a_warning() -> None:
    story = Story().saw("login", "invalid_response")
    story.clock.advance(61.0)
    story.saw("health")
    assert story.now == ("warning", "invalid_response")
    assert {each.state for each in story.drawn.values()} == {"ok", "warning", "unknown"}


def test_while_logins_get_through_a_failing_probe_is_a_warning_and_stays_one() -> None:
    story = Story().saw("health", "endpoint_not_found")
    assert story.now == ("failing", "endpoint_not_found")
    for _ in range(5):
        assert story.saw("login").now == ("warning", "endpoint_not_found")
        assert story.saw("health", "endpoint_not_found").now == ("warning", "endpoint_not_found"), "no flicker"


def test_of_two_failures_of_about_one_time_the_login_is_told() -> None:
    story = Story().saw("login", "response_timeout").saw("health", "auth_service_error")
    assert story.now == ("failing", "response_timeout")
    assert story.saw("health", "auth_service_error", after_s=20.0).now == ("failing", "auth_service_error")


def test_it_is_told_since_when() -> None:
    story = Story().saw("health", "dns_error")
    began_s = story.clock.now_s()
    story.saw("health", "dns_error", after_s=5.0)
    assert story.found is not None
    assert story.found.since_s == began_s


# --- what is kept out here --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", ["connection_limit_reached", "local_resource_exhausted", "keys_unavailable"])
def test_an_attempt_that_we_kept_out_is_the_gateways_own_until_one_gets_through(code: str) -> None:
    story = Story().saw("health").attempt(code, tried=False)
    assert story.now == ("failing", code)
    assert story.drawn["gateway"].state == "failing"
    assert story.attempt().now is None


def test_what_we_kept_out_a_while_ago_is_no_news() -> None:
    story = Story().saw("health").attempt("connection_limit_reached", tried=False)
    story.clock.advance(61.0)
    assert story.now is None


def test_a_bug_is_the_gateways_own() -> None:
    story = Story().saw("health")
    story.board(Crashed("id", "KeyError", ()))
    assert story.now == ("failing", "internal_error")


def test_behind_an_open_circuit_stands_what_has_opened_it() -> None:
    story = Story().saw("login", "connection_refused").attempt("destination_unavailable", tried=False)
    story.circuits["login"] = Circuit("open", "connection_refused", 4.0, 0, 0)
    assert story.now == ("failing", "connection_refused")
    assert story.drawn["tcp"].state == "failing"


def test_while_a_circuit_lets_calls_through_one_by_one_it_is_a_warning() -> None:
    story = Story().saw("health")
    for circuit in (Circuit("half_open", "dns_error", 0.0, 0, 0), Circuit("open", "dns_error", 0.0, 0, 0)):
        story.circuits["login"] = circuit
        assert story.now == ("warning", "dns_error")


def test_a_service_that_is_switched_off_is_no_riddle() -> None:
    story = Story(options={"enabled": False})
    assert story.now == ("failing", "auth_service_disabled")
    assert story.drawn["gateway"].state == "failing"


def test_draining_is_shown_at_the_gateway() -> None:
    assert Story(options={"draining": True}).saw("health").drawn["gateway"].state == "warning"


@pytest.mark.parametrize(
    ("handshake", "seen", "sealed", "state"),
    [
        ("accepted", "health", True, "ok"),
        ("not_yet", "health", True, "unknown"),
        ("absent", "health", True, "unknown"),
        ("absent", "login", True, "ok"),
        ("absent", "login", False, "unused"),
    ],
)
def test_credentials_are_known_to_be_good_only_by_who_has_seen_them(
    handshake: Any, seen: str, sealed: bool, state: str
) -> None:
    story = Story(standing=Standing(handshake=handshake), options={"sealed": sealed}).saw(seen)
    assert story.drawn["service_credentials"].state == state
