"""Lines on their way out: their form, their bounds, and that nobody suffers when nobody reads.

It must never use the standard output of the test run: what is closed here is a stream of our own, or a program's.
"""

import io
import json
import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from netra.core.events import AttemptEnded, Stage
from netra.core.secret import Secret
from netra.core.verdict.reply import Broken, Reply
from netra.observe.log.whole_process import OthersLines
from netra.observe.log.writing import Logger, logger_for
from netra.observe.tell import Tell
from netra.testing.fakes import reply
from tests.gateway.support import GOOD_OFFER, KNOWN_TOKEN, NEW_USER, login, registration, tokens
from tests.gateway.support import Stage as Gateway
from tests.link.support import EMAIL, GOOD_LOGIN, LABEL, PASSWORD, SECRET, WRONG_PASSWORD
from tests.observe.support import ACCEPTED, LINES, RUN_ID, Paper, failed

SUCCEEDED = AttemptEnded("login", "request-1", ACCEPTED, 0.1)
CHECKED = AttemptEnded("me", "request-2", ACCEPTED, 0.1)
FAILED = AttemptEnded("login", "request-3", failed("connection_refused", 3), 0.1)


# --- form -------------------------------------------------------------------------------------------------------------


def test_a_json_line_begins_with_when_how_bad_and_what() -> None:
    paper = Paper()
    before = datetime.now(UTC)
    paper.logs(FAILED)
    (line,) = paper.lines
    assert list(line)[:3] == ["timestamp", "level", "event"]
    assert (line["level"], line["event"], line["request_id"]) == ("error", "All 3 login attempts failed", "request-3")
    stamp = datetime.fromisoformat(line["timestamp"])
    assert stamp.tzinfo is not None
    assert abs((stamp - before).total_seconds()) < 60
    assert paper.text.endswith("}\n")


def test_a_json_line_is_an_object_with_and_without_fields_whatever_is_in_it() -> None:
    stream = io.TextIOWrapper(io.BytesIO(), "utf-8")
    logger = logger_for(stream, "json", "info")
    logger.write(20, 'a "quoted" text', {})
    logger.write(40, "\u00e9", {"what": '"\n', "number": 1})
    bare, full = (json.loads(line) for line in stream.buffer.getvalue().splitlines())
    assert [bare["level"], bare["event"], len(bare)] == ["info", 'a "quoted" text', 3]
    assert [full["level"], full["event"], full["what"], full["number"]] == ["error", "\u00e9", '"\n', 1]


def test_every_event_is_one_line() -> None:
    paper = Paper()
    for event in (SUCCEEDED, FAILED, Stage("a\nb", (("public", "x\ny"),))):
        paper.logs(event)
    assert paper.text.count("\n") == len(paper.lines) == 3


def test_a_text_line_is_for_reading() -> None:
    paper = Paper("text")
    paper.logs(FAILED)
    assert "All 3 login attempts failed" in paper.text
    assert "request_id=request-3" in paper.text
    assert "code=connection_refused" in paper.text
    assert "\n    why: " in paper.text, "the sentences stand below"
    assert "\n    check first: " in paper.text
    assert "\x1b[" not in paper.text, "colour is for terminals"


@pytest.mark.parametrize(("log_format", "is_json"), [("json", True), ("auto", True), ("text", False)])
def test_outside_of_a_terminal_lines_are_json_unless_text_is_asked_for(log_format: str, is_json: bool) -> None:
    paper = Paper(log_format)
    paper.logs(SUCCEEDED)
    assert paper.text.startswith("{") == is_json


def test_on_a_terminal_lines_are_text_in_colour_unless_json_is_asked_for() -> None:
    ours, theirs = os.openpty()
    try:
        with open(theirs, "w", encoding="utf-8", closefd=False) as terminal:
            for log_format, mark in [("auto", b"\x1b["), ("json", b'{"timestamp"')]:
                logger_for(terminal, log_format, "info").write(20, "Login succeeded", {"request_id": "request-1"})
                terminal.flush()
                assert mark in os.read(ours, 4096)
    finally:
        os.close(ours)
        os.close(theirs)


@pytest.mark.parametrize("log_format", ["json", "text"])
@pytest.mark.parametrize(("level", "count"), [("debug", 3), ("info", 2), ("ERROR", 1), ("critical", 0)])
def test_what_matters_less_than_the_level_is_not_written(log_format: str, level: str, count: int) -> None:
    paper = Paper(log_format, level)
    for event in (SUCCEEDED, CHECKED, FAILED):
        paper.logs(event)
    assert paper.lines_count == count


# --- others' lines ----------------------------------------------------------------------------------------------------


@contextmanager
def others(paper: Paper) -> Iterator[logging.Logger]:
    """Somebody else's logger, whose lines go to this paper."""
    logger = logging.getLogger("somebody.else")
    handler = OthersLines(Logger(paper.logger), RUN_ID)
    logger.addHandler(handler)
    logger.propagate = False
    try:
        yield logger
    finally:
        logger.removeHandler(handler)
        logger.propagate = True


def test_lines_of_others_come_out_in_our_form() -> None:
    paper = Paper()
    with others(paper) as logger:
        logger.warning("%d sockets are left", 3)
        logger.error("no arguments, 100 %")
        logger.info("not important enough")
    first, second = paper.lines
    assert (first["level"], first["event"]) == ("warning", "3 sockets are left")
    assert (first["request_id"], first["logger"]) == (RUN_ID, "somebody.else")
    assert (second["level"], second["event"]) == ("error", "no arguments, 100 %")
    assert "error_type" not in second


def test_an_exception_of_others_is_named_by_its_type_alone() -> None:
    paper = Paper()
    with others(paper) as logger:
        try:
            raise ValueError(PASSWORD)  # noqa: TRY301 - the exception is what is tested
        except ValueError:
            logger.exception("it went wrong")
    (line,) = paper.lines
    assert line["error_type"] == "ValueError"
    assert PASSWORD not in paper.text
    assert "Traceback" not in paper.text


@pytest.mark.parametrize(("number", "level"), [(30, "warning"), (35, "warning"), (45, "error"), (60, "critical")])
@pytest.mark.parametrize("log_format", ["json", "text"])
def test_a_level_of_others_without_a_name_becomes_the_one_below(log_format: str, number: int, level: str) -> None:
    paper = Paper(log_format)
    with others(paper) as logger:
        logger.log(number, "odd")
    assert level in paper.text
    assert "odd" in paper.text


@pytest.mark.parametrize("log_format", ["json", "text"])
def test_a_line_of_others_that_makes_no_sense_harms_nobody(log_format: str) -> None:
    paper = Paper(log_format)
    with others(paper) as logger:
        logger.warning("%d", "not a number")
        logger.warning({"an": object()})
        logger.warning("\ud800")
        logger.warning("still there")
    assert "still there" in paper.text


def test_a_line_of_others_on_a_closed_stream_harms_nobody() -> None:
    paper = Paper()
    with others(paper) as logger:
        paper.stream.close()
        logger.warning("nobody reads this")


# --- nobody reads -----------------------------------------------------------------------------------------------------


def test_a_stream_that_fails_is_counted_and_the_next_listener_is_told_all_the_same() -> None:
    broken, paper = Paper(), Paper()
    broken.stream.close()
    tell = Tell([broken.logs, paper.logs])
    for _ in range(3):
        tell(SUCCEEDED)
    assert (tell.failures_count, len(paper.lines)) == (3, 3)


TELLS_A_CLOSED_OUTPUT = """
import sys
from netra.core.events import Stage
from netra.observe.log.lines import Lines
from netra.observe.log.writing import Logs, logger_for
from netra.observe.log.outlet import Outlet
from netra.observe.tell import Tell

sys.stdin.readline()
outlet = Outlet(sys.stdout)
tell = Tell([Logs(Lines({}, {}, "run-1"), logger_for(outlet, "json", "info"))])
for _ in range(3):
    tell(Stage("started"))
outlet.close()
print(outlet.dropped_count + tell.failures_count, file=sys.stderr)
"""


@pytest.mark.parametrize("shell", ['exec "$0" -c "$1"', 'exec "$0" -c "$1" >&-', 'exec "$0" -c "$1" >/dev/full'])
def test_a_program_whose_output_is_closed_or_full_goes_on_and_ends_well(shell: str) -> None:
    reading, writing = os.pipe()
    program = subprocess.Popen(
        ["/bin/sh", "-c", shell, sys.executable, TELLS_A_CLOSED_OUTPUT],
        cwd=Path(__file__).parents[2],
        stdin=subprocess.PIPE,
        stdout=writing,
        stderr=subprocess.PIPE,
        text=True,
    )
    os.close(writing)
    os.close(reading)
    _, said = program.communicate("now\n", timeout=60)
    assert program.returncode == 0
    assert said.splitlines()[-1] == "3"
    assert "Traceback" not in said


# --- no secret --------------------------------------------------------------------------------------------------------

PLANTED = [EMAIL, PASSWORD, SECRET, "access-token-1", "refresh-token-1", "access-token-2", "refresh-token-2", "Ada"]
ECHO = " ".join(PLANTED)
ANSWERS: list[Reply | Broken] = [
    GOOD_LOGIN, NEW_USER, KNOWN_TOKEN, GOOD_OFFER, WRONG_PASSWORD, Broken("connection_refused"),
    reply(401, {"code": "service_credentials_rejected", "detail": ECHO}),
    reply(500, {"error": ECHO, "detail": ECHO}, {"server": ECHO, "retry-after": ECHO, "content-type": ECHO}),
    reply(302, {}, {"location": f"https://{EMAIL}:{PASSWORD}@auth.test/?token=access-token-1"}),
    reply(422, {"errors": [{"pointer": f"/{EMAIL}", "code": PASSWORD, "detail": ECHO}]}),
    reply(403, {"code": ECHO, "error": ECHO}), Reply(502, {}, ECHO.encode(), 0.0), reply(200, {"user": ECHO}),
    reply(404, {"code": EMAIL}, {"via": ECHO, "x-powered-by": ECHO}),
]  # fmt: skip


@pytest.mark.parametrize("log_format", ["json", "text"])
@pytest.mark.parametrize("answer", ANSWERS, ids=range(len(ANSWERS)))
async def test_no_line_of_any_journey_holds_a_secret_or_an_identifier(log_format: str, answer: Reply | Broken) -> None:
    paper = Paper(log_format)
    tell = Tell([paper.logs])
    stage = Gateway(*[answer] * 6, parts={"tell": tell, "log_key": Secret(SECRET)})
    at_s = stage.now_s
    await stage.gateway.log_in(login(at_s))
    await stage.gateway.register(registration(at_s, "Ada"))
    await stage.gateway.refresh(tokens(at_s, refresh_token="refresh-token-1"))
    await stage.gateway.log_out(tokens(at_s, "access-token-1", "refresh-token-1"))
    await stage.gateway.who_is(tokens(at_s, "access-token-1"))
    await stage.gateway.offer(LABEL, at_s)
    assert paper.lines_count == 6
    assert tell.failures_count == 0
    assert [planted for planted in PLANTED if planted in paper.text] == []


@pytest.mark.interpreted
def test_the_words_of_an_installation_stand_in_lines_and_its_secrets_cannot() -> None:
    assert SECRET not in repr(LINES.__dict__)


HOSTILE = "bad\n2026-11-23T00:00:00Z [error    ] Login failed\x1b[2J\r\u2028\x85\x9b31m\u202e"


def test_no_line_is_forged_in_another_and_no_terminal_is_steered() -> None:
    stream = io.StringIO()
    writer = logger_for(stream, "text", "info")
    writer.write(30, HOSTILE, {"request_id": HOSTILE, "logger": HOSTILE, "why": HOSTILE, "tries": [HOSTILE]})
    first, second = stream.getvalue().splitlines()
    assert " [warning  ] bad" in first
    assert second.startswith("    why: bad")
    assert (first + second).isprintable()


@pytest.mark.parametrize("log_format", ["json", "text"])
def test_a_line_that_is_no_text_is_written_all_the_same(log_format: str) -> None:
    stream = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
    logger_for(stream, log_format, "info").write(30, "no such file: \udcff", {"request_id": "run-1", "what": object})
    stream.flush()
    written = stream.buffer.getvalue().decode()
    assert r"no such file: \udcff" in written
    assert "run-1" in written
