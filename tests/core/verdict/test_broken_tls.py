"""Why TLS failed, as facts for the pages: by OpenSSL's numbers and reasons, never by the text of an error."""

import ssl

import pytest

from netra.core.verdict.broken import SOMEBODY, broken
from netra.core.verdict.outcomes import NO_FACTS
from netra.core.verdict.reply import Broken


def refused(verify_code: int) -> ssl.SSLCertVerificationError:
    error = ssl.SSLCertVerificationError(1, "certificate verify failed")
    error.verify_code = verify_code
    return error


def ended(reason: str | None) -> ssl.SSLError:
    error = ssl.SSLError(1, "x")
    error.reason = reason  # type: ignore[assignment] # typeshed knows of no error without one
    return error


@pytest.mark.parametrize("number", [2, 18, 19, 20, 21, 24, 27])
def test_an_issuer_that_nobody_trusts_is_told_apart_and_has_no_name_yet(number: int) -> None:
    facts = broken(refused(number), sent=False, tls=True).facts
    assert facts == {"certificate_fault": "nothing here trusts its issuer", "issuer": SOMEBODY}


@pytest.mark.parametrize(
    ("number", "words"), [(10, "expired"), (9, "not valid yet"), (62, "another name"), (64, "another address"),
                          (79, "RFC 5280"), (85, "RFC 5280"), (94, "RFC 5280"), (66, "too weak")]
)  # fmt: skip
def test_other_faults_of_a_certificate_name_no_issuer(number: int, words: str) -> None:
    got = broken(refused(number), sent=False, tls=True)
    assert got.code == "tls_certificate_error"
    assert words in got.facts["certificate_fault"]
    assert "issuer" not in got.facts


@pytest.mark.parametrize("number", [0, 1, 7, 95])
def test_a_number_without_words_is_left_to_the_page(number: int) -> None:
    assert broken(refused(number), sent=False, tls=True) == Broken("tls_certificate_error", NO_FACTS)


@pytest.mark.parametrize("sent", [True, False])
def test_what_the_other_side_said_is_a_fact_and_changes_no_code(sent: bool) -> None:
    code = "connection_terminated" if sent else "tls_protocol_error"
    asks = {"tls_fault": "it asks for a client certificate"}
    assert broken(ended("TLSV13_ALERT_CERTIFICATE_REQUIRED"), sent=sent, tls=True) == Broken(code, asks)
    assert broken(ended("TLSV1_ALERT_INTERNAL_ERROR"), sent=sent, tls=True) == Broken(code, NO_FACTS)
    assert broken(ended(None), sent=sent, tls=True) == Broken(code, NO_FACTS)
    assert broken(ssl.SSLError(1, "x"), sent=sent, tls=True) == Broken(code, NO_FACTS)


def test_a_handshake_that_the_other_side_ends_has_no_number_and_is_still_a_fault_of_tls() -> None:
    assert broken(ConnectionResetError(), sent=False, tls=True) == Broken("tls_protocol_error", NO_FACTS)
    assert broken(ConnectionResetError(), sent=False) == Broken("connection_refused", NO_FACTS)
