"""The table of causes is closed: whatever can happen has a row, and every row is shown over a real socket.

Four guards hold it. Three stand here: every exception has a row, every status and body has one, every row has a live
test. The fourth, a page for every row and a row for every page, stands in `tests/pages/test_book_is_complete.py`; that
the exceptions of the HTTP parser are all caught stands in `tests/link/test_client_errors.py`.
"""

import asyncio
import builtins
import errno
import re
import socket
import ssl
from collections.abc import Iterator
from types import ModuleType
from typing import Any, Final

import pytest

from netra.core.secret import Secret
from netra.core.verdict import broken as broken_module
from netra.core.verdict import classify as classify_module
from netra.core.verdict.broken import NameTimeout, broken
from netra.core.verdict.causes import TABLE, Phase
from netra.core.verdict.classify import classify
from netra.core.verdict.outcomes import Accepted, Rejected, Unknown
from netra.core.verdict.reply import Broken, Reply, Standing
from netra.core.verdict.wire import Call, Label
from netra.wires.load import preset
from tests.house.source import ROOT, sources
from tests.live.answers_of_others import ERRORS, REJECTIONS
from tests.live.not_yet import NOT_YET

CAUSES: Final = "src/netra/core/verdict/causes.py"
RUN: Final = "Then run: python -m pytest tests/house/test_guards_of_the_table.py"


def line_of(path: str, text: str) -> str:
    """`file:line` of the first line that holds a text; line 1 when none does."""
    lines = (ROOT / path).read_text("utf-8").splitlines()
    return f"{path}:{next((number for number, line in enumerate(lines, 1) if text in line), 1)}"


def file_of(module: ModuleType) -> str:
    """Where a module stands, from the project's folder on."""
    return f"src/{module.__name__.replace('.', '/')}.py"


def report(found: list[str]) -> None:
    if found:
        pytest.fail("\n".join(found), pytrace=False)


# --- 1: every exception has a row -----------------------------------------------------------------------------------

BROKEN: Final = {
    "ConnectionRefusedError": ("connection_refused", "connection_terminated"),
    "ConnectionResetError": ("tls_protocol_error", "connection_terminated"),
    "ConnectionAbortedError": ("tls_protocol_error", "connection_terminated"),
    "BrokenPipeError": ("tls_protocol_error", "connection_terminated"),
    "TimeoutError": ("connection_timeout", "response_timeout"),
    "gaierror": ("dns_error", "connection_terminated"),
    "NameTimeout": ("dns_timeout", "connection_terminated"),
    "SSLCertVerificationError": ("tls_certificate_error", "connection_terminated"),
    "SSLError": ("tls_protocol_error", "connection_terminated"),
    "SSLEOFError": ("tls_protocol_error", "connection_terminated"),
    "SSLZeroReturnError": ("tls_protocol_error", "connection_terminated"),
    "SSLSyscallError": ("tls_protocol_error", "connection_terminated"),
    "SSLWantReadError": ("tls_protocol_error", "connection_terminated"),
    "SSLWantWriteError": ("tls_protocol_error", "connection_terminated"),
}
"""What each exception means over TLS, before anything was sent and after."""
NEVER_MET: Final = {
    "CancelledError": "is nobody's fault: it goes through",
    "InvalidStateError": "would be a bug of ours",
    "IncompleteReadError": "is of streams, which we do not use",
    "LimitOverrunError": "is of streams, which we do not use",
    "SendfileNotAvailableError": "is of files that are sent",
    "BrokenBarrierError": "is of barriers between tasks",
    "herror": "is of lookups that getaddrinfo does not make",
    "BlockingIOError": "does not leave the event loop",
    "InterruptedError": "does not leave the interpreter",
    "ChildProcessError": "is of processes",
    "ProcessLookupError": "is of processes",
    "FileExistsError": "is of files",
    "FileNotFoundError": "is of files",
    "IsADirectoryError": "is of files",
    "NotADirectoryError": "is of files",
    "PermissionError": "is of files; of a socket it means no way there, see the numbers below",
    "ConnectionError": "is never raised itself, only its kinds",
    "OSError": "is told apart by its number, see below",
}
"""What an exchange does not meet, and why."""


def exceptions() -> Iterator[type[BaseException]]:
    """Every exception class of the modules that an exchange stands on, also those of Pythons to come."""
    of_system = {each for each in vars(builtins).values() if isinstance(each, type) and issubclass(each, OSError)}
    defined = {
        each
        for module in (ssl, socket, asyncio.exceptions, broken_module)
        for each in vars(module).values()
        if isinstance(each, type) and issubclass(each, BaseException) and each.__module__ != "builtins"
    }
    public = {each for each in of_system | defined if not each.__name__.startswith("_")}
    yield from sorted(public, key=lambda each: each.__name__)


NUMBERS: Final = {
    "ConnectionRefusedError": errno.ECONNREFUSED,
    "ConnectionResetError": errno.ECONNRESET,
    "ConnectionAbortedError": errno.ECONNABORTED,
    "BrokenPipeError": errno.EPIPE,
    "gaierror": socket.EAI_NONAME,
}


def test_every_exception_that_an_exchange_may_meet_has_a_row_on_purpose() -> None:
    found = []
    where = line_of(file_of(broken_module), "def broken(")
    for kind in exceptions():
        name = kind.__name__
        if name in BROKEN:
            error = kind(NUMBERS[name], "words that nobody reads") if name in NUMBERS else kind()
            got = tuple(broken(error, sent=sent, tls=True).code for sent in (False, True))
            if got != BROKEN[name]:
                found.append(f"{where}: {name} means {got}, not {BROKEN[name]}. Mend it, or say so in BROKEN. {RUN}")
        elif name not in NEVER_MET:
            found.append(f"{where}: nobody has decided what {kind!r} means. Name it in BROKEN or NEVER_MET. {RUN}")
    report(found)


@pytest.mark.parametrize("tls", [True, False])
def test_every_number_of_the_system_has_a_row_that_says_how_far_the_request_got(tls: bool) -> None:
    found = []
    for number, name in errno.errorcode.items():
        for sent, phase in ((False, Phase.NEVER_SENT), (True, Phase.MAYBE_SENT)):
            code = broken(OSError(number, "words"), sent=sent, tls=tls).code
            if code not in TABLE or TABLE[code].phase is not phase:
                where = line_of(file_of(broken_module), "_LOCAL")
                found.append(f"{where}: {name} with sent={sent} means {code!r}, which is not {phase}. {RUN}")
    report(found)


def test_the_guard_of_exceptions_sees_those_that_matter() -> None:
    seen = {kind.__name__ for kind in exceptions()}
    assert seen >= set(BROKEN)
    assert NameTimeout in set(exceptions())


# --- 2: every status and body has a row -----------------------------------------------------------------------------

STATUSES: Final = [0, *range(100, 600), 600, 999]
BODIES: Final = {
    "empty": b"",
    "blank": b" \r\n",
    "object": b'{"message": "no"}',
    "object of an unknown code": b'{"code": "no_such_code"}',
    "user's code": b'{"code": "invalid_credentials"}',
    "token's code": b'{"detail": {"code": "token_expired"}}',
    "our code": b'{"error": "invalid_client"}',
    "overloaded": b'{"code": "overloaded"}',
    "fields": b'{"errors": [{"pointer": "/email", "code": "missing"}]}',
    "not valid": b'{"valid": false, "code": "token_revoked"}',
    "array": b"[]",
    "null": b"null",
    "text": b"Unauthorised",
    "half a document": b'{"code": "invalid_credentials"',
    "not UTF-8": b'{"code": "invalid_credentials", "x": "\xff"}',
    "a code twice": b'{"code": "invalid_credentials", "code": "account_locked"}',
    "depth": b"[" * 200,
    "HTML": b"<!doctype html><title>Sign in</title>",
    **{sent.by: sent.body.encode() for sent in (*ERRORS.values(), *REJECTIONS.values())},
}
GOOD_STANDING: Final = Standing(handshake="accepted", credentials_configured=True)
DOUBT: Final = Standing(handshake="refused", credentials_configured=True)


def calls() -> dict[str, Call[Any]]:
    """One call of every operation of the default wire."""
    wire = preset("netra")
    said = {name: Secret("x") for name in ("password", "refresh_token", "token")}
    label = Label(request_id="r-1", traceparent="")
    return {
        name: wire.call(template.operation, {**said, "identifier": "ada"}, label)
        for name, template in wire.templates.items()
    }


def may_refuse(operation: str, status: int, body: str, standing: Standing) -> bool:
    """May this reply be called a refusal of the user? Everything that may be is here."""
    if body in {"user's code", "token's code"}:
        return 400 <= status < 500
    if body == "not valid":
        return 400 <= status < 500 or (operation, status) == ("validate", 200)
    if body == "fields" and status in {400, 422}:
        return True
    uncoded = body in {"object", "object of an unknown code", "overloaded", "fields"}
    if status == 401:
        return uncoded and operation in {"login", "refresh"} and standing is GOOD_STANDING
    if (operation, status) == ("register", 409) or status == 423:
        return uncoded or body in {"empty", "blank"}
    return False


@pytest.mark.parametrize("standing", [GOOD_STANDING, DOUBT], ids=["credentials accepted", "credentials refused"])
@pytest.mark.parametrize("operation", calls())
def test_every_status_with_every_body_has_a_row_and_refuses_only_in_words(operation: str, standing: Standing) -> None:
    call, found = calls()[operation], []
    where = line_of(file_of(classify_module), "def classify(")
    for status in STATUSES:
        for kind, body in BODIES.items():
            outcome = classify(call, Reply(status, {}, body, 1_800_000_000.0), standing)
            complaint = objection(outcome, may_refuse(operation, status, kind, standing), status)
            if complaint:
                found.append(f"{where}: {operation} answered {status} with {kind}: {complaint}. {RUN}")
    report(found[:20])


def objection(outcome: Any, refusable: bool, status: int) -> str:
    """What is wrong with an outcome; nothing when all is well."""
    if isinstance(outcome, Accepted):
        return "" if 200 <= status < 300 else "it is taken for a success"
    if TABLE.get(outcome.cause.code) is not outcome.cause:
        return f"{outcome.cause.code!r} is no row of the table"
    if isinstance(outcome, Rejected):
        if outcome.cause.verdict != "rejected":
            return f"{outcome.cause.code} is no refusal"
        return "" if refusable else f"it is called a refusal of the user, {outcome.cause.code}"
    assert isinstance(outcome, Unknown)
    if outcome.cause.verdict != "unknown" or outcome.cause.status < 500:
        return f"{outcome.cause.code} is a verdict, and nobody has given one"
    if outcome.counts and 400 <= status < 500:
        return f"{outcome.cause.code} counts against the auth service, and no 4xx does"
    return ""


def test_a_broken_exchange_speaks_of_a_row_whatever_broke_it() -> None:
    call = calls()["login"]
    for code, cause in TABLE.items():
        if cause.verdict == "unknown":
            outcome = classify(call, Broken(code), DOUBT)
            assert isinstance(outcome, Unknown)
            assert outcome.cause is cause


# --- 3: every row has a live test -----------------------------------------------------------------------------------

_ROW_TEST: Final = re.compile(r"^async def test_row_([a-z0-9_]+?)__|^def test_row_([a-z0-9_]+?)__", re.MULTILINE)


def rows_shown() -> dict[str, str]:
    """By code: where the live test of its row stands."""
    return {
        found[1] or found[2]: f"{source.path}:{source.text.count(chr(10), 0, found.start()) + 1}"
        for source in sources("tests/live")
        for found in _ROW_TEST.finditer(source.text)
    }


def test_every_row_has_a_live_test() -> None:
    shown = rows_shown()
    report(
        [
            f"{line_of(CAUSES, repr(code).replace(chr(39), chr(34)))}: nothing shows the row `{code}`. Write "
            f"`async def test_row_{code}__…` in tests/live, or say in tests/live/not_yet.py why nothing can bring it "
            f"about. {RUN} tests/live"
            for code in TABLE
            if code not in shown and code not in NOT_YET
        ]
    )


def test_every_live_test_of_a_row_has_its_row() -> None:
    report(
        [
            f"{where}: there is no row `{code}` in {CAUSES}. Add the row, or mend the test's name. {RUN}"
            for code, where in rows_shown().items()
            if code not in TABLE
        ]
    )


def test_what_cannot_happen_yet_is_made_nowhere() -> None:
    found = []
    for code, reason in NOT_YET.items():
        entry = line_of("tests/live/not_yet.py", f'"{code}"')
        if code not in TABLE:
            found.append(f"{entry}: there is no row `{code}` in {CAUSES}. Take it out. {RUN}")
        if code in rows_shown():
            found.append(f"{entry}: {rows_shown()[code]} shows the row `{code}`. Take it out. {RUN}")
        if not re.fullmatch(r"[A-Z].+\.", reason):
            found.append(f"{entry}: say in one sentence why nothing can bring `{code}` about. {RUN}")
        found += [
            f"{where}: makes `{code}`, which {entry} says cannot happen yet. Write `async def test_row_{code}__…` in "
            f"tests/live and take it out there. {RUN} tests/live"
            for where in makers(code)
        ]
    report(found)


def makers(code: str) -> Iterator[str]:
    """Where the product names a code, in Python or in a wire, besides the table itself."""
    for path in sorted((ROOT / "src/netra").rglob("*")):
        if path.suffix in {".py", ".toml"} and path != ROOT / CAUSES:
            for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
                if re.search(rf"[\"']{code}[\"']", line):
                    yield f"{path.relative_to(ROOT)}:{number}"


def test_the_guard_finds_where_a_code_is_made() -> None:
    assert list(makers("draining"))
    assert not list(makers("no_such_code"))
