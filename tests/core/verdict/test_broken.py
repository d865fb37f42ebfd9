"""The standard library's exceptions as causes: by type and number, never by their words."""

import errno
import os
import socket
import ssl

import pytest

from netra.core.verdict.broken import NameTimeout, broken
from netra.core.verdict.causes import TABLE, Phase

LOCAL = {"EMFILE", "ENFILE", "ENOBUFS", "ENOMEM", "EADDRNOTAVAIL", "EADDRINUSE", "EAGAIN"}
CUT = {"ECONNRESET", "ECONNABORTED", "EPIPE"}
NUMBERS = {getattr(errno, name): name for name in sorted(dir(errno)) if name.startswith("E")}


def unsent(name: str) -> str:
    """What an error of the system means before anything was sent."""
    if name in LOCAL or getattr(errno, name) == errno.EAGAIN:
        return "local_resource_exhausted"
    if name in CUT or name == "ECONNREFUSED":
        return "connection_refused"
    return "connection_timeout" if name == "ETIMEDOUT" else "destination_unroutable"


def test_every_error_of_the_system_before_sending_means_that_nothing_was_sent() -> None:
    for number, name in NUMBERS.items():
        got = broken(OSError(number, "connection refused by peer, timed out"), sent=False)
        assert got.code == unsent(name), name
        assert got.facts == {"os_error": os.strerror(number)}
        assert TABLE[got.code].phase is Phase.NEVER_SENT


def test_every_error_of_the_system_after_sending_leaves_open_whether_it_arrived() -> None:
    for number, name in NUMBERS.items():
        got = broken(OSError(number, "x"), sent=True, tls=True)
        assert got.code == ("response_timeout" if name == "ETIMEDOUT" else "connection_terminated"), name
        assert TABLE[got.code].phase is Phase.MAYBE_SENT


@pytest.mark.parametrize("name", sorted(CUT))
def test_a_connection_cut_during_the_handshake_is_a_fault_of_tls(name: str) -> None:
    number = getattr(errno, name)
    assert broken(OSError(number, "x"), sent=False, tls=True).code == "tls_protocol_error"
    assert broken(OSError(number, "x"), sent=False, tls=True).facts == {"os_error": os.strerror(number)}


def test_only_a_cut_changes_its_meaning_with_tls() -> None:
    for number, name in NUMBERS.items():
        if name not in CUT:
            assert broken(OSError(number, "x"), sent=False, tls=True).code == unsent(name)


@pytest.mark.parametrize("name", sorted(name for name in dir(socket) if name.startswith("EAI_")))
def test_a_name_that_is_not_found_is_a_fault_of_dns_whatever_its_number(name: str) -> None:
    got = broken(socket.gaierror(getattr(socket, name), "x"), sent=False)
    assert got.code == ("local_resource_exhausted" if name == "EAI_MEMORY" else "dns_error")
    assert not got.facts


def test_a_resolver_without_an_answer_is_told_apart_from_one_that_said_no() -> None:
    assert broken(NameTimeout(), sent=False).code == "dns_timeout"


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ssl.SSLCertVerificationError(1, "certificate verify failed"), "tls_certificate_error"),
        (ssl.SSLError(1, "wrong version number"), "tls_protocol_error"),
        (ssl.SSLEOFError(8, "EOF occurred"), "tls_protocol_error"),
        (ssl.SSLZeroReturnError(6, "closed"), "tls_protocol_error"),
        (ssl.SSLSyscallError(5, "x"), "tls_protocol_error"),
        (ssl.SSLError(errno.EMFILE, "a number of another library"), "tls_protocol_error"),
    ],
    ids=["certificate", "protocol", "end of file", "closed", "system call", "same number"],
)
def test_certificates_are_told_apart_from_other_faults_of_tls(error: ssl.SSLError, code: str) -> None:
    got = broken(error, sent=False, tls=True)
    assert got.code == code
    assert not got.facts


def test_numbers_of_tls_and_of_resolvers_are_not_read_as_the_systems() -> None:
    for error in (ssl.SSLError(1, "x"), ssl.SSLEOFError(8, "x"), socket.gaierror(errno.EPERM, "x")):
        got = broken(error, sent=True, tls=True)
        assert (got.code, dict(got.facts)) == ("connection_terminated", {})


@pytest.mark.parametrize(("sent", "code"), [(False, "connection_timeout"), (True, "response_timeout")])
def test_a_timeout_means_what_was_waited_for(sent: bool, code: str) -> None:
    for error in (TimeoutError(), OSError(errno.ETIMEDOUT, "x")):
        assert broken(error, sent=sent).code == code


@pytest.mark.parametrize(("sent", "code"), [(False, "destination_unroutable"), (True, "connection_terminated")])
def test_an_error_without_a_number_has_no_words_of_the_system(sent: bool, code: str) -> None:
    for error in (OSError(0, "hunter2"), OSError(-3, "hunter2"), OSError("hunter2", "x")):
        got = broken(error, sent=sent)
        assert (got.code, dict(got.facts)) == (code, {})


@pytest.mark.parametrize(("sent", "code"), [(False, "connection_refused"), (True, "connection_terminated")])
def test_several_addresses_that_failed_differently_count_as_a_refusal_to_connect(sent: bool, code: str) -> None:
    got = broken(OSError("hunter2"), sent=sent)
    assert (got.code, dict(got.facts)) == (code, {})


@pytest.mark.parametrize("sent", [True, False])
def test_what_is_no_error_of_the_system_is_a_bug_of_ours(sent: bool) -> None:
    for error in (RuntimeError("x"), ValueError("x"), KeyError("x")):
        assert broken(error, sent=sent).code == "internal_error"


def test_the_text_of_an_error_changes_nothing_and_is_told_to_nobody() -> None:
    for error in (OSError(errno.ECONNREFUSED, "hunter2: timed out"), ssl.SSLError(1, "hunter2: certificate")):
        assert "hunter2" not in repr(broken(error, sent=False, tls=True))
