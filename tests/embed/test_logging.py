"""What an embedded gateway says, and how: records of one logger, and nothing else in anybody's logging.

It must never leave a logger as a test has made it.
"""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final, get_args

from netra.core.events import (
    AttemptEnded,
    Changed,
    CircuitChanged,
    ConfigurationProblem,
    ConnectivityChecked,
    Crashed,
    Event,
    HandshakeEnded,
    KeysChanged,
    RevocationFeed,
    Stage,
    TryEnded,
)
from netra.core.findings import Finding, Severity
from netra.core.pace.breaker import Circuit
from netra.core.verdict.causes import TABLE, Phase
from netra.core.verdict.outcomes import Rejected, Tried, unknown
from netra.embed import Accepted, open_gate
from netra.embed.records import Records
from netra.observe.log.lines import Lines
from netra.pages.book import read_book
from netra.testing.fakes import Recorded
from tests.embed.support import code_of, heard, known_to, told
from tests.incidents.operators import EMAIL, OTHER_SECRET, PASSWORD, AuthService
from tests.support.places import free_port

STANDARD: Final = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "taskName"}


def fields(record: logging.LogRecord) -> dict[str, Any]:
    """What a record carries beside the usual."""
    return {name: value for name, value in record.__dict__.items() if name not in STANDARD}


def of_request(records: list[logging.LogRecord], request_id: str) -> logging.LogRecord:
    """The one record of a request."""
    (record,) = [each for each in records if getattr(each, "request_id", None) == request_id]
    return record


def event_of(record: logging.LogRecord) -> str:
    """The exact event that operators watch; the message begins with it, whatever follows."""
    event = str(fields(record)["event"])
    assert record.getMessage() == event or record.getMessage().startswith(f"{event}: ")
    return event


async def test_each_login_is_one_record_with_its_event_and_why(auth_service: AuthService) -> None:
    with heard() as records:
        async with open_gate(known_to(auth_service)) as gate:
            await gate.log_in(EMAIL, PASSWORD, request_id="right")
            await gate.log_in(EMAIL, "wrong", request_id="wrong")
        async with open_gate(known_to(auth_service, SERVICE_SECRET=OTHER_SECRET)) as gate:
            await gate.log_in(EMAIL, PASSWORD, request_id="ours")
        async with open_gate(told(f"http://127.0.0.1:{free_port()}", NETRA_TRIES="2")) as gate:
            await gate.log_in(EMAIL, PASSWORD, request_id="nobody")
            await gate.close()
            await gate.log_in(EMAIL, PASSWORD, request_id="late")
    right, wrong, ours, nobody, late = (
        of_request(records, each) for each in ("right", "wrong", "ours", "nobody", "late")
    )
    assert (event_of(right), right.levelno) == ("Login succeeded", logging.INFO)
    assert fields(right).keys() == {"event", "request_id", "elapsed_ms", "account", "trace_id", "owasp"}
    assert (event_of(wrong), wrong.levelno) == ("Login rejected", logging.INFO)
    assert fields(wrong)["code"] == "invalid_credentials"
    assert fields(wrong)["account"] == fields(right)["account"]
    assert (event_of(ours), ours.levelno) == ("Login failed: Access forbidden", logging.ERROR)
    assert (event_of(nobody), nobody.levelno) == ("All 2 login attempts failed", logging.ERROR)
    assert [fields(nobody)[name] for name in ("code", "phase")] == ["connection_refused", "never_sent"]
    assert fields(nobody)["check_first"]
    assert right.getMessage() == "Login succeeded"
    assert wrong.getMessage() == "Login rejected: invalid_credentials"
    assert nobody.getMessage() == f"All 2 login attempts failed: connection_refused: {fields(nobody)['why']}"
    assert nobody.msg == "All 2 login attempts failed: %s", "alike ones are told by their template"
    assert (event_of(late), fields(late)["code"]) == ("Login failed", "draining")


async def test_what_a_gate_says_of_itself_is_a_record_too(auth_service: AuthService) -> None:
    with heard() as records:
        async with open_gate(known_to(auth_service, NETRA_LOGIN_BUDGT_S="5")):
            pass
    said = [event_of(record) for record in records]
    assert said[:4] == ["In use"] * 4, "version, configuration, service id and secret"
    assert said[4] == "Auth service connectivity test succeeded"
    assert "Handshake accepted" in said[5:]
    assert "Configuration problem" in said[2:-2]
    assert said[-2:] == ["Netra started", "Netra stopped"]
    (doubt,) = [each for each in records if fields(each).get("variable") == "NETRA_LOGIN_BUDGT_S"]
    assert "NETRA_LOGIN_BUDGT_S" in doubt.getMessage()
    assert fields(doubt)["what"] in doubt.getMessage()


async def test_no_record_tells_a_secret(auth_service: AuthService) -> None:
    with heard() as records:
        async with open_gate(known_to(auth_service)) as gate:
            outcome = await gate.log_in(EMAIL, PASSWORD)
            assert isinstance(outcome, Accepted)
            token = outcome.value.access_token.reveal()
            await gate.who_is(token)
            await gate.log_in(EMAIL, "wrong-but-secret")
            await gate.log_out(token)
    everything = str([record.__dict__ for record in records])
    assert len(records) > 5
    for secret in (PASSWORD, "wrong-but-secret", token, EMAIL, auth_service.credentials["SERVICE_SECRET"]):
        assert secret not in everything


async def test_nobodys_logging_is_changed_and_no_thread_is_started(auth_service: AuthService) -> None:
    def state() -> Any:
        loggers = [logging.getLogger(), *map(logging.getLogger, sorted(logging.root.manager.loggerDict))]
        kept = {each.name: (list(each.handlers), each.level, each.propagate, list(each.filters)) for each in loggers}
        kept.pop("netra", None)  # it may be new, and then is as new loggers are
        return kept, set(threading.enumerate()), logging.lastResort, logging.getLogRecordFactory()

    before = state()
    async with open_gate(known_to(auth_service)) as gate:
        await gate.log_in(EMAIL, PASSWORD)
        during = state()
    netra = logging.getLogger("netra")
    assert during == before == state()
    assert (netra.handlers, netra.level, netra.propagate, netra.filters) == ([], logging.NOTSET, True, [])


@contextmanager
def broken_handler() -> Iterator[None]:
    """A handler that fails at every record."""

    class Broken(logging.Handler):
        def handle(self, record: logging.LogRecord) -> bool:
            raise OSError

    logger, broken = logging.getLogger("netra"), Broken()
    logger.addHandler(broken)
    logger.setLevel(logging.DEBUG)
    try:
        yield
    finally:
        logger.setLevel(logging.NOTSET)
        logger.removeHandler(broken)


async def test_a_broken_handler_breaks_no_login(auth_service: AuthService) -> None:
    with broken_handler(), heard("netra.observe"):
        async with open_gate(known_to(auth_service)) as gate:
            assert code_of(await gate.log_in(EMAIL, PASSWORD)) == "accepted"


async def test_many_alike_records_are_counted_in_one_and_the_last_of_them_before_the_gate_is_gone() -> None:
    event = "All 1 login attempts failed"
    with heard() as records:
        async with open_gate(told(f"http://127.0.0.1:{free_port()}", NETRA_LOG_LINES_PER_S="1")) as gate:
            for _ in range(6):
                await gate.log_in(EMAIL, PASSWORD)
    written = [each for each in records if fields(each)["event"] == event]
    summaries = [each for each in records if fields(each).get("summarised_event") == event]
    assert len(written) + sum(fields(each)["count"] for each in summaries) == 6
    assert {each.levelno for each in summaries} == {logging.ERROR}
    assert event_of(summaries[0]) == "Log lines summarised"


async def test_tell_takes_the_loggers_place(auth_service: AuthService) -> None:
    recorded = Recorded()
    with heard() as records:
        async with open_gate(known_to(auth_service), tell=recorded) as gate:
            await gate.log_in(EMAIL, PASSWORD)
    assert records == []
    assert [each.journey for each in recorded.of(AttemptEnded)] == ["login"]
    assert [each.name for each in recorded.of(Stage)] == ["started", "stopped"]


async def test_a_tell_that_fails_breaks_no_login(auth_service: AuthService) -> None:
    def failing(event: Event) -> None:
        raise ValueError(EMAIL)

    with heard("netra.observe") as records:
        async with open_gate(known_to(auth_service), tell=failing) as gate:
            assert code_of(await gate.log_in(EMAIL, PASSWORD)) == "accepted"
    (record,) = records
    assert "ValueError" in record.getMessage()
    assert EMAIL not in record.getMessage()


NOT_NOW: Final = unknown(TABLE["connection_refused"])._replace(tried=(Tried(1, Phase.NEVER_SENT, "x", 0.1),))
"""An outcome with all that a line may say of it."""
EVENTS: Final[tuple[Event, ...]] = (
    *(AttemptEnded(journey, "r", NOT_NOW, 0.1, "account", "trace") for journey in ("login", "me", "config")),
    AttemptEnded("logout", "r", Rejected(TABLE["token_missing"]), 0.1),
    AttemptEnded("login", "r", unknown(TABLE["intermediary_rejected"], {"answered_by": "x", "os_error": "y"}), 0.1),
    ConnectivityChecked("r", "connection_refused", "never_sent", 0.1, changed=True),
    ConnectivityChecked("r", None, None, 0.1, changed=True),
    HandshakeEnded("r", "refused", "service_credentials_rejected", "answered", 0.1),
    CircuitChanged("login", Circuit("open", "response_timeout", 5.0, 20, 20)),
    CircuitChanged("login", Circuit("closed", None, 0.0, 0, 0)),
    KeysChanged(("k",), "connection_refused"),
    RevocationFeed("down", "connection_refused"),
    Changed("configuration", "0a1b2c3d4e5f"),
    Changed("service_secret", "0a1b2c3d", "4e5f6a7b"),
    ConfigurationProblem(Finding(Severity.WARNING, "code", "NETRA_X", "what", "why", "fix")),
    ConfigurationProblem(Finding(Severity.NOTE, "code", "NETRA_X", "what", "why", "fix")),
    Stage("started", (("public", "http://127.0.0.1:1"),)),
    Crashed("r", "ValueError", ("a.py:1 f",)),
)


def test_no_field_of_an_event_takes_the_place_of_what_a_record_has_itself() -> None:
    assert {type(each) for each in EVENTS} == set(get_args(Event)) - {TryEnded}, "tries are counted, not written down"
    lines = Lines(read_book(), {}, "run-1")
    for event in EVENTS:
        line = lines(event)
        assert not (STANDARD | {"event"}) & line.fields.keys()
        assert "%" not in line.event
        with heard() as records:
            Records(lines, logging.getLogger("netra"))(event)
        (record,) = records
        assert event_of(record) == line.event
        assert fields(record) == {"event": line.event, **line.fields}
        assert record.levelname == line.level.upper()
