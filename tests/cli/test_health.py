"""`netra health`: one line and an exit code for container probes; quick, whatever answers there."""

import contextlib
import json
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from time import monotonic
from typing import Any, Final

import pytest

from netra.testing.labs import LabBeside, lab_beside
from tests.cli.support import Command
from tests.support.gateways import ENVIRONMENT, OTHER_SECRET, SECRET
from tests.support.places import free_port, silent_port
from tests.support.programs import PATIENCE_S, Gateway, environment

TOKEN: Final = "test-only-admin-token-Hj4Kq9Zs2Wn7Vb1"
TOLD: Final = {**ENVIRONMENT, "NETRA_ADMIN_TOKEN": TOKEN}


@pytest.fixture(scope="module")
def lab() -> Iterator[LabBeside]:
    with lab_beside() as lab:
        lab.service.secret = SECRET
        yield lab


@pytest.fixture(scope="module")
def well(lab: LabBeside) -> Iterator[Gateway]:
    with Gateway(lab.url, told=TOLD) as gateway:
        yield gateway


def test_a_gateway_that_is_well_says_so_in_one_word(
    well: Gateway, netra: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NETRA_ADMIN_TOKEN", TOKEN)
    monkeypatch.setenv("NETRA_ADMIN_PORT", well.admin_url.rpartition(":")[2])
    assert netra("health") == (0, "pass\n", "")
    assert netra("health", "--live") == (0, "alive\n", "")
    assert netra("health", "--ready") == (0, "ready\n", "")


def test_life_and_readiness_need_no_token_and_are_asked_of_either_listener(well: Gateway, netra: Command) -> None:
    for url in (well.url, well.admin_url, well.admin_url + "/"):
        assert netra("health", "--live", "--url", url) == (0, "alive\n", "")
        assert netra("health", "--ready", "--url", url) == (0, "ready\n", "")


def test_life_is_asked_for_even_where_the_token_cannot_be_read(
    well: Gateway, netra: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NETRA_ADMIN_TOKEN_FILE", "/nowhere/token")
    assert netra("health", "--live", "--url", well.admin_url).code == 0
    ended = netra("health", "--url", well.admin_url)
    assert (ended.code, ended.out) == (2, "")
    assert "NETRA_ADMIN_TOKEN_FILE" in ended.err


def test_health_without_the_token_says_what_is_lacking(well: Gateway, netra: Command) -> None:
    ended = netra("health", "--url", well.admin_url)
    assert (ended.code, ended.out) == (1, "")
    assert "NETRA_ADMIN_TOKEN" in ended.err


def test_a_token_that_is_not_the_right_one_is_told_apart_from_none(
    well: Gateway, netra: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NETRA_ADMIN_TOKEN", "another-admin-token-of-forty-characters")
    ended = netra("health", "--url", well.admin_url)
    assert (ended.code, ended.out) == (1, "")
    assert "does not accept NETRA_ADMIN_TOKEN" in ended.err
    assert "another-admin-token" not in ended.err


@pytest.mark.parametrize("token", ["\u20ac" * 40, "one-line-of-a-token\nand-another-one"])
def test_a_token_that_no_header_can_carry_is_named_and_nobody_is_asked(
    netra: Command, monkeypatch: pytest.MonkeyPatch, token: str
) -> None:
    monkeypatch.setenv("NETRA_ADMIN_TOKEN", token)
    ended = netra("health", "--url", f"http://127.0.0.1:{free_port()}")
    assert (ended.code, ended.out) == (2, "")
    assert "NETRA_ADMIN_TOKEN" in ended.err


def test_https_to_a_listener_without_tls_is_told_as_that(well: Gateway, netra: Command) -> None:
    ended = netra("health", "--ready", "--url", well.url.replace("http://", "https://"))
    assert (ended.code, ended.out) == (1, "")
    assert "no TLS there" in ended.err


def test_a_port_that_is_none_is_named_by_its_variable(netra: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NETRA_ADMIN_PORT", "admin")
    ended = netra("health")
    assert (ended.code, ended.out) == (2, "")
    assert "NETRA_ADMIN_PORT" in ended.err


def test_an_address_for_everywhere_is_asked_at_this_machine(
    well: Gateway, netra: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NETRA_ADMIN_HOST", "0.0.0.0")  # noqa: S104 - nothing is bound to it
    monkeypatch.setenv("NETRA_ADMIN_PORT", well.admin_url.rpartition(":")[2])
    assert netra("health", "--live").code == 0


def test_what_is_wrong_is_named_with_its_code_the_worst_first(
    lab: LabBeside, netra: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NETRA_ADMIN_TOKEN", TOKEN)
    with Gateway(lab.url, told=TOLD, SERVICE_SECRET=OTHER_SECRET) as gateway:
        ended = netra("health", "--url", gateway.admin_url)
        assert ended.code == 1
        assert ended.out.startswith("fail: auth_service:handshake service_credentials_rejected, gateway:readiness mis")
        assert netra("health", "--ready", "--url", gateway.url) == (1, "misconfigured\n", "")
        assert netra("health", "--live", "--url", gateway.url).code == 0
    with Gateway(f"http://127.0.0.1:{free_port()}", told=TOLD) as gateway:
        ended = netra("health", "--url", gateway.admin_url)
        assert ended.code == 1
        assert ended.out.startswith("fail: auth_service:connectivity connection_refused")
        assert ended.out.count("\n") == 1
        assert netra("health", "--ready", "--url", gateway.url) == (0, "ready\n", "")


@pytest.mark.parametrize("word", ["--live", "--ready", None])
def test_nobody_there_is_not_well(netra: Command, word: str | None) -> None:
    ended = netra("health", *([word] if word else []), "--url", f"http://127.0.0.1:{free_port()}")
    assert (ended.code, ended.out) == (1, "")
    assert "Connection refused" in ended.err


@pytest.mark.parametrize("url", ["http://a..b", f"http://{'x' * 64}.invalid"])
def test_a_name_that_cannot_be_one_is_not_well(netra: Command, url: str) -> None:
    ended = netra("health", "--url", url)
    assert (ended.code, ended.out) == (1, "")
    assert "no such host" in ended.err


def test_somebody_who_hangs_is_given_up(netra: Command) -> None:
    with silent_port() as port:
        began_s = monotonic()
        ended = netra("health", "--live", "--timeout", "0.3", "--url", f"http://127.0.0.1:{port}")
        assert monotonic() - began_s < 5.0
    assert (ended.code, ended.err.strip()) == (
        1,
        f"fail: no answer from http://127.0.0.1:{port}/livez (not within 0.3 s)",
    )


OK: Final = b"HTTP/1.1 200 OK\r\n"
ENDLESS: Final = {
    "a head that drips in": (OK, b"X"),
    "a promise to go on": (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    "a body that drips in": (OK + b"Content-Length: 100000\r\n\r\n", b" "),
}


@pytest.mark.parametrize("way", ENDLESS)
def test_somebody_who_never_comes_to_an_end_is_given_up_in_time(netra: Command, way: str) -> None:
    with dripping(*ENDLESS[way]) as url:
        began_s = monotonic()
        ended = netra("health", "--ready", "--timeout", "0.5", "--url", url)
        assert monotonic() - began_s < 5.0
    assert (ended.code, ended.out) == (1, "")
    assert "not within 0.5 s" in ended.err


@contextlib.contextmanager
def dripping(begin: bytes, piece: bytes, for_s: float = 10.0) -> Iterator[str]:
    """The address of somebody who begins an answer and then sends a piece of it every 50 ms."""
    over = threading.Event()

    def drip(listener: socket.socket) -> None:
        client, _ = listener.accept()
        with client, contextlib.suppress(OSError):
            client.sendall(begin)
            until_s = monotonic() + for_s
            while monotonic() < until_s and not over.wait(0.05):
                client.sendall(piece)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=drip, args=(listener,))
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        over.set()
        thread.join()


ODD_ANSWERS: Final = {
    "not HTTP": b"220 mail.example ESMTP\r\n",
    "HTML": OK + b"Content-Length: 13\r\n\r\n<html></html>",
    "no object": OK + b"Content-Length: 6\r\n\r\n[1, 2]",
    "no status": OK + b"Content-Length: 2\r\n\r\n{}",
    "a status that is no word": OK + b'Content-Length: 13\r\n\r\n{"status": 1}',
    "a status that moves the cursor": OK + b'Content-Length: 25\r\n\r\n{"status": "\\u001b[2Jok"}  ',
    "a redirect": b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n",
    "empty": b"",
    "nested without end": OK + b"Content-Length: 200000\r\n\r\n" + b"[" * 200_000,
}


@contextlib.contextmanager
def answering(reply: bytes) -> Iterator[str]:
    """The address of somebody who answers once, with these bytes."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=_answer_once, args=(listener, reply))
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        thread.join()


def _answer_once(listener: socket.socket, reply: bytes) -> None:
    client, _ = listener.accept()
    with client:
        client.recv(65_536)
        client.sendall(reply)


@pytest.mark.parametrize("reply", ODD_ANSWERS)
def test_whoever_is_no_gateway_is_not_well(netra: Command, reply: str) -> None:
    with answering(ODD_ANSWERS[reply]) as url:
        ended = netra("health", "--url", url)
    assert ended.code == 1
    told = ended.out + ended.err
    assert told.startswith("fail: ")
    assert [each for each in told if not each.isprintable() and each != "\n"] == []


def test_checks_of_another_shape_are_passed_over(netra: Command) -> None:
    body = json.dumps(
        {"status": "warn", "checks": {"a": 1, "b": [2, {"status": ["fail"]}, {"status": "warn"}]}}
    ).encode()
    with answering(OK + b"Content-Length: %d\r\n\r\n" % len(body) + body) as url:
        assert netra("health", "--url", url) == (0, "warn: b None\n", "")


@pytest.mark.parametrize(
    "arguments",
    [
        ("--live", "--ready"),
        ("--url", "127.0.0.1:9901"),
        ("--url", "http://"),
        ("--url", "http://127.0.0.1:99999"),
        ("--url", "http://user:pass@127.0.0.1"),
        ("--url", "http://127.0.0.1/?a=b"),
        ("--url", "http://127.0.0.1/a b"),
        ("--timeout", "nan"),
        ("--timeout", "0"),
    ],
)
def test_wrong_usage_is_told_apart_from_bad_health(netra: Command, arguments: tuple[str, ...]) -> None:
    ended = netra("health", *arguments)
    assert (ended.code, ended.out) == (2, "")
    assert "pass@" not in ended.err


def test_a_probe_loads_next_to_nothing(well: Gateway) -> None:
    done: Any = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "netra", "health", "--ready", "--url", well.url],
        env=environment({}), capture_output=True, text=True, timeout=PATIENCE_S, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (0, "ready\n")
    loaded = {line.rpartition("|")[2].strip().partition(".")[0] for line in done.stderr.splitlines()}
    assert "http" in loaded
    assert not loaded & {"aiohttp", "uvicorn", "structlog", "jinja2", "rich", "cryptography", "asyncio"}
