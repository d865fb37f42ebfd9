"""Files of certificates and keys: what is wrong with each is said at the start, under a code, with its cure."""

import base64
import os
import ssl
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from netra.lab.certificates import Authority
from netra.settings.read import Loaded, read
from netra.settings.variables import Settings
from tests.settings.good import found, good

CA, CERT, KEY = "AUTH_SERVICE_CA_FILE", "AUTH_SERVICE_CLIENT_CERT_FILE", "AUTH_SERVICE_CLIENT_KEY_FILE"


class Drawer(NamedTuple):
    """Files of one authority and one client, all of them good."""

    folder: Path
    ca: Path
    certificate: Path
    key: Path

    def file(self, content: bytes | str) -> Path:
        """One more file, with this content."""
        path = self.folder / "other.pem"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path


@pytest.fixture
def drawer(tmp_path: Path) -> Drawer:
    authority = Authority(tmp_path)
    return Drawer(tmp_path, authority.file, *authority.pair())


def _read(**files: Path | str) -> Loaded[Settings]:
    return read(good(**{name: str(path) for name, path in files.items()}))


def _openssl(*arguments: str | Path) -> None:
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True)


def test_good_files_are_taken_without_a_word(drawer: Drawer) -> None:
    loaded = _read(**{CA: drawer.ca, CERT: drawer.certificate, KEY: drawer.key})
    assert not found(loaded.findings)
    assert loaded.settings is not None
    assert loaded.settings.auth_service_ca_file == str(drawer.ca)
    assert loaded.settings.auth_service_client_cert_file == str(drawer.certificate)
    assert loaded.settings.auth_service_client_key_file == str(drawer.key)
    assert {one.variable: one.value for one in loaded.effective}[KEY] == str(drawer.key)


def test_without_them_the_systems_authorities_alone_are_trusted() -> None:
    settings = read(good()).settings
    assert settings is not None
    assert settings.auth_service_ca_file is settings.auth_service_client_cert_file is None


def test_certificate_and_key_may_stand_in_one_file(drawer: Drawer) -> None:
    both = drawer.file(drawer.key.read_bytes() + drawer.certificate.read_bytes())
    assert not found(_read(**{CERT: both, KEY: both}).findings)


def test_words_in_any_language_between_certificates_do_no_harm(drawer: Drawer) -> None:
    words = "# Größere CA\r\n"
    assert not found(_read(**{CA: drawer.file(words + drawer.ca.read_text() * 2 + words)}).findings)


def test_a_bundle_as_large_as_a_systems_is_read(drawer: Drawer) -> None:
    assert not found(_read(**{CA: drawer.file(drawer.ca.read_text() * 500)}).findings)


class Row(NamedTuple):
    sentence: str
    variable: str
    content: Callable[[Drawer], bytes]
    code: str
    what: str


def _der(drawer: Drawer) -> bytes:
    return ssl.PEM_cert_to_DER_cert(drawer.ca.read_text())


def _encrypted(drawer: Drawer, *how: str) -> bytes:
    locked = drawer.folder / "locked.key"
    _openssl(*how, "-in", drawer.key, "-out", locked, "-passout", "pass:four-words")
    return locked.read_bytes()


def _request(drawer: Drawer) -> bytes:
    _openssl("req", "-new", "-key", drawer.key, "-subj", "/CN=client", "-out", drawer.folder / "request")
    return (drawer.folder / "request").read_bytes()


def _public_key(drawer: Drawer) -> bytes:
    _openssl("pkey", "-in", drawer.key, "-pubout", "-out", drawer.folder / "public")
    return (drawer.folder / "public").read_bytes()


def _damaged(drawer: Drawer) -> bytes:
    return b"-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"


ROWS = (
    Row("an empty file", CA, lambda _: b"", "empty", "is empty"),
    Row("a file of white space", KEY, lambda _: b" \n\r\n", "empty", "is empty"),
    Row("a file of words", CA, lambda _: b"see the wiki", "not_pem", "is not PEM"),
    Row("a key of words", KEY, lambda _: b"see the vault", "not_pem", "is not PEM"),
    Row("a binary certificate", CA, _der, "not_pem", "is binary (DER or PKCS #12), not PEM"),
    Row("a binary key", KEY, _der, "not_pem", "is binary (DER or PKCS #12), not PEM"),
    Row("the key for the certificate", CERT, lambda drawer: drawer.key.read_bytes(),
        "no_certificate", "holds a private key and no certificate"),
    Row("the certificate for the key", KEY, lambda drawer: drawer.certificate.read_bytes(),
        "no_key", "holds a certificate and no private key"),
    Row("a request for a certificate", CERT, _request,
        "no_certificate", "holds a request for a certificate, not the certificate"),
    Row("a public key for a certificate", CERT, _public_key, "no_certificate", "holds no certificate"),
    Row("a public key for the private one", KEY, _public_key, "no_key", "holds no private key for TLS"),
    Row("a certificate cut short", CA, lambda drawer: drawer.ca.read_bytes()[:-100],
        "damaged_certificate", "holds a certificate that is cut off or damaged"),
    Row("a second certificate cut short", CA, lambda drawer: drawer.ca.read_bytes() + drawer.ca.read_bytes()[:300],
        "damaged_certificate", "holds a certificate that is cut off or damaged"),
    Row("a certificate of nonsense", CERT, _damaged,
        "damaged_certificate", "holds a certificate that is cut off or damaged"),
    Row("nonsense behind a good certificate", CA, lambda drawer: drawer.ca.read_bytes() + _damaged(drawer),
        "damaged_certificate", "holds a certificate that is cut off or damaged"),
    Row("an encrypted key", KEY, lambda drawer: _encrypted(drawer, "pkcs8", "-topk8"),
        "key_encrypted", "holds a key that is encrypted, and nobody is here to unlock it"),
    Row("a key encrypted as it was long ago", KEY, lambda drawer: _encrypted(drawer, "ec", "-aes256"),
        "key_encrypted", "holds a key that is encrypted, and nobody is here to unlock it"),
    Row("an encrypted key for the certificate", CERT, lambda drawer: _encrypted(drawer, "pkcs8", "-topk8"),
        "no_certificate", "holds a private key and no certificate"),
    Row("a huge file", CA, lambda _: b"x" * 1_100_000, "unreadable", "is larger than 1048576 bytes"),
)  # fmt: skip


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.sentence.replace(" ", "_"))
def test_what_is_wrong_with_a_file_is_said_once_with_file_and_cure(row: Row, drawer: Drawer) -> None:
    files = {CERT: drawer.certificate, KEY: drawer.key} if row.variable != CA else {}
    path = drawer.file(row.content(drawer))
    loaded = _read(**{**files, row.variable: path})
    assert found(loaded.findings) == {(row.variable, row.code, "error")}
    told = next(one for one in loaded.findings if one.code == row.code)
    assert told.what == f"names a file that {row.what}: the file {path}"
    assert told.fix.endswith(".")
    assert loaded.settings is None


def test_a_missing_file_says_so(tmp_path: Path) -> None:
    lost = tmp_path / "lost.pem"
    told = next(one for one in _read(**{CA: lost}).findings if one.code == "unreadable")
    assert told.what == f"names a file that cannot be read (No such file or directory): the file {lost}"


def test_a_pipe_does_not_stop_the_start(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert (CA, "unreadable", "error") in found(_read(**{CA: tmp_path / "pipe"}).findings)


def test_the_home_folder_is_not_guessed() -> None:
    assert found(_read(**{CA: "~/ca.pem"}).findings) == {(CA, "path_form", "error")}


@pytest.mark.parametrize("variable", [CA, CERT, KEY])
def test_the_content_in_place_of_the_path_is_told_and_not_repeated(variable: str, drawer: Drawer) -> None:
    key = drawer.key.read_text()
    for content in (key, base64.b64encode(key.encode()).decode(), key.replace("\n", "\\n"), key.replace("\n", " ")):
        loaded = _read(**{variable: content})
        assert (variable, "content_as_path", "error") in found(loaded.findings)
        for secret in (key.splitlines()[1], base64.b64encode(key.encode()).decode()[40:80]):
            assert secret not in repr(loaded)


@pytest.mark.parametrize(("given", "lost"), [(CERT, KEY), (KEY, CERT)])
def test_half_a_pair_is_one_problem_that_names_the_other_half(given: str, lost: str, drawer: Drawer) -> None:
    path = drawer.certificate if given == CERT else drawer.key
    loaded = _read(**{given: path})
    assert found(loaded.findings) == {(lost, "half_client_certificate", "error")}
    told = next(one for one in loaded.findings if one.subject == lost)
    assert told.what == f"is not set, while {given} is set"
    assert told.fix == f"Set {lost}, or remove {given}."


def test_an_empty_half_is_told_to_be_empty(drawer: Drawer) -> None:
    what = {one.code: one.what for one in _read(**{CERT: str(drawer.certificate), KEY: ""}).findings}
    assert what["half_client_certificate"] == f"is set but empty, while {CERT} is set"


@pytest.mark.parametrize("algorithm", ["ec", "rsa"])
def test_a_key_of_another_certificate_does_not_fit(algorithm: str, drawer: Drawer) -> None:
    other = drawer.folder / "other.key"
    how = ("EC", "-pkeyopt", "ec_paramgen_curve:P-256") if algorithm == "ec" else ("RSA",)
    _openssl("genpkey", "-algorithm", *how, "-out", other)
    loaded = _read(**{CERT: drawer.certificate, KEY: other})
    assert found(loaded.findings) == {(KEY, "key_mismatch", "error")}


def test_a_damaged_key_cannot_be_used(drawer: Drawer) -> None:
    broken = drawer.file("-----BEGIN PRIVATE KEY-----\nMIIB\n-----END PRIVATE KEY-----\n")
    assert found(_read(**{CERT: drawer.certificate, KEY: broken}).findings) == {(KEY, "key_unusable", "error")}


def test_over_http_the_files_are_of_no_use_and_that_is_said(drawer: Drawer) -> None:
    files = {CA: str(drawer.ca), CERT: str(drawer.certificate), KEY: str(drawer.key)}
    environ = good(ENVIRONMENT="staging", AUTH_SERVICE_URL="http://auth.shop.test", **files)
    loaded = read(environ)
    assert found(loaded.findings) == {
        ("AUTH_SERVICE_URL", "plaintext_url", "note"),
        *((name, "tls_file_unused", "warning") for name in files),
    }
    assert loaded.settings is not None


def test_the_three_are_settings_of_their_own_and_no_files_of_secrets(drawer: Drawer) -> None:
    environ = {CA: str(drawer.ca), CERT: str(drawer.certificate), KEY: str(drawer.key)}
    assert not found(read(good(**environ)).findings), "known names are no unknown variables"
    without_ending = {name.removesuffix("_FILE"): "x" for name in environ}
    assert {(name, "unknown_variable", "note") for name in without_ending} == found(
        read(good(**without_ending)).findings
    )
    twice = {f"{name}_FILE": "x" for name in environ}
    assert {(name, "unknown_variable", "note") for name in twice} == found(read(good(**twice)).findings)
