"""DNS, TCP and HTTP: the way to the door of the auth service, and who opens it."""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest

from netra.core.verdict.causes import TABLE
from netra.doctor import AuthServiceDebugger
from netra.doctor.diagnosis import Check, Diagnosis, Hop, State
from netra.doctor.hops import answers, connections, names
from netra.lab.certificates import Authority
from netra.lab.connection import Script
from netra.lab.faulty_auth_service import FaultyAuthService
from netra.lab.scripts import after, html, json_reply, raw, raw_then_close, redirect, reply, silence
from netra.link.resolver import Address
from tests.doctor.visits import SECRET, only, seen, visit
from tests.support.places import UNROUTABLE, free_port, full_port

NAMED: Final = "auth.shop.test"


def leading_to(*hosts: str) -> Callable[[str, int, int], list[Address]]:
    """A resolver that knows these addresses for every name."""

    def look_up(host: str, port: int, family: int) -> list[Address]:
        kinds = {True: socket.AF_INET6, False: socket.AF_INET}
        return [Address(kinds[":" in each], socket.IPPROTO_TCP, each, port) for each in hosts]

    return look_up


async def diagnosed(port: int, *hosts: str) -> Diagnosis:
    """The diagnosis of a name that leads to these addresses."""
    environ = {
        "ENVIRONMENT": "test",
        "AUTH_SERVICE_URL": f"http://{NAMED}:{port}",
        "NETRA_PLAINTEXT_HOSTS": NAMED,
        "SERVICE_ID": "backend-under-test",
        "SERVICE_SECRET": SECRET,
    }
    return await AuthServiceDebugger(environ, look_up=leading_to(*hosts)).run()


def of(diagnosis: Diagnosis, hop: Hop) -> Check:
    """The one check of a hop."""
    (check,) = [each for each in diagnosis.checks if each.hop is hop]
    return check


async def answered(script: Script, **variables: str) -> Check:
    """What the hop says of an auth service whose health route answers like this."""
    async with FaultyAuthService() as lab:
        lab.answer("/health", script)
        async with visit(lab.url, **variables) as one:
            return (await seen(answers.checks, one))["answer"]


async def test_an_address_needs_no_lookup() -> None:
    async with visit("http://127.0.0.1:9") as one:
        check = (await seen(names.checks, one))["address"]
        assert [each.host for each in one.addresses] == ["127.0.0.1"]
    assert (check.state, check.what) == (State.PASS, "127.0.0.1 is an address: no name to look up")


async def test_a_name_is_told_with_the_number_and_the_kinds_of_its_addresses() -> None:
    check = of(await diagnosed(free_port(), "::1", "127.0.0.1", "127.0.0.2"), Hop.DNS)
    assert check.state is State.PASS
    assert check.what == f"{NAMED} is 3 addresses (2 IPv4, 1 IPv6), first ::1"


async def test_a_name_that_is_no_name_is_a_fault_of_the_configuration() -> None:
    async with visit("http://a.test", NETRA_PLAINTEXT_HOSTS="a.test") as one:
        one.host = f"{'a' * 64}.test"
        assert only((await seen(names.checks, one))["address"]).code == "proxy_configuration_error"


async def test_a_port_that_nobody_listens_on_is_refused_and_said_so_with_its_address() -> None:
    port = free_port()
    check = of(await diagnosed(port, "127.0.0.1"), Hop.TCP)
    assert (check.state, check.what) == (State.FAIL, f"127.0.0.1:{port}: connection refused")
    finding = only(check)
    assert (finding.code, finding.subject) == ("connection_refused", Hop.TCP)
    assert finding.what.startswith(f"{NAMED} port {port} refused the connection")
    assert finding.why == "Users get 503 `connection_refused`."
    assert f"{NAMED}:{port}" in finding.fix


async def test_a_port_where_packets_vanish_is_a_timeout_and_a_network_without_a_way_says_so() -> None:
    with full_port() as port:
        assert only(of(await diagnosed(port, "127.0.0.1"), Hop.TCP)).code == "connection_timeout"
    async with visit(UNROUTABLE, NETRA_PLAINTEXT_HOSTS="224.0.0.1") as one:
        await seen(names.checks, one)
        assert only((await seen(connections.checks, one))["connection"]).code == "destination_unroutable"


async def test_of_several_dead_addresses_the_one_that_is_waited_for_gives_its_name() -> None:
    with full_port() as port:
        assert only(of(await diagnosed(port, "127.0.0.1", "127.0.0.2"), Hop.TCP)).code == "connection_timeout"


async def test_a_dead_address_beside_a_good_one_is_a_warning_that_names_it() -> None:
    async with FaultyAuthService(secret=SECRET) as lab:
        diagnosis = await diagnosed(lab.port, "224.0.0.1", "127.0.0.1")
    check = of(diagnosis, Hop.TCP)
    assert (check.state, only(check).code) == (State.WARN, "destination_unroutable")
    assert f"224.0.0.1:{lab.port}" in only(check).what
    assert check.what == f"1 of 2 addresses accept, first 127.0.0.1:{lab.port}"
    assert diagnosis.ok, "logins get through"


async def test_a_server_of_this_machine_need_not_listen_on_all_its_addresses() -> None:
    async with FaultyAuthService(secret=SECRET) as lab:
        check = of(await diagnosed(lab.port, "127.0.0.2", "127.0.0.1"), Hop.TCP)
    assert (check.state, check.findings) == (State.PASS, ())


async def test_no_more_than_eight_addresses_are_tried_and_nothing_is_sent() -> None:
    many = [f"127.0.0.{last}" for last in range(1, 13)]
    async with FaultyAuthService(host="0.0.0.0", secret=SECRET) as lab:  # noqa: S104 - all addresses of a test
        async with visit(f"http://127.0.0.1:{lab.port}") as one:
            one.addresses = tuple(leading_to(*many)(NAMED, lab.port, 0))
            check = (await seen(connections.checks, one))["connection"]
        assert lab.journal == []
    assert check.what == f"8 of 8 addresses accept (the first 8 of 12), first 127.0.0.1:{lab.port}"


async def test_while_none_accepts_the_addresses_behind_the_first_eight_are_tried_as_well() -> None:
    dead = [f"127.0.0.{last}" for last in range(2, 11)]
    async with FaultyAuthService(secret=SECRET) as lab:
        check = of(await diagnosed(lab.port, *dead, "127.0.0.1"), Hop.TCP)
        assert check.state is State.PASS, "logins get through"
        nobody = of(await diagnosed(free_port(), *dead), Hop.TCP)
    assert check.what == f"1 of 10 addresses accept, first 127.0.0.1:{lab.port}"
    assert (nobody.state, only(nobody).code) == (State.FAIL, "connection_refused")
    assert nobody.what.endswith(" and 1 more: connection refused")


async def test_plain_http_to_a_port_of_tls_is_cured_by_the_address_with_https(tmp_path: Path) -> None:
    async with FaultyAuthService(authority=Authority(tmp_path)) as lab:
        port = lab.port
        async with visit(f"http://127.0.0.1:{port}/below") as one:
            finding = only((await seen(answers.checks, one))["answer"])
    assert finding.code == "connection_terminated", "as logins are told"
    assert finding.what == f"127.0.0.1 port {port} speaks TLS, and AUTH_SERVICE_URL says http."
    assert finding.fix == f"Set AUTH_SERVICE_URL to https://127.0.0.1:{port}/below"


async def test_a_route_that_is_missing_may_be_one_of_another_wire() -> None:
    fix = only(await answered(reply(404))).fix
    assert "AUTH_SERVICE_URL" in fix
    assert "NETRA_WIRE (netra)" in fix


@pytest.mark.parametrize("wire", ["netra", "fastapi-tutorial", "oauth2-introspection"])
async def test_a_400_of_a_port_of_tls_is_never_taken_for_the_refusal_of_an_empty_form(
    tmp_path: Path, wire: str
) -> None:
    context = Authority(tmp_path).good()
    with socket.create_server(("127.0.0.1", 0)) as listening:
        answering = asyncio.create_task(asyncio.to_thread(speak_both, listening, context))
        port = listening.getsockname()[1]
        async with visit(f"http://127.0.0.1:{port}", NETRA_WIRE=wire) as one:
            finding = only((await seen(answers.checks, one))["answer"])
        await answering
    assert finding.code == "request_not_understood", "as logins are told"
    assert finding.fix == f"Set AUTH_SERVICE_URL to https://127.0.0.1:{port}"


def speak_both(listening: socket.socket, context: ssl.SSLContext) -> None:
    """One question in plain HTTP, refused as web servers refuse it at a port of theirs for TLS; two handshakes."""
    accepted, _ = listening.accept()
    with accepted:
        accepted.recv(4096)
        refusal = b"HTTP/1.1 400 Bad Request\r\nContent-Type: text/html\r\nContent-Length: 0\r\n\r\n"
        accepted.sendall(refusal)
    for _ in range(2):
        accepted, _ = listening.accept()
        with contextlib.suppress(OSError), context.wrap_socket(accepted, server_side=True) as shaken:
            shaken.recv(1)


async def test_a_captive_page_is_not_made_a_refusal_of_the_wire_where_a_login_is_the_only_question() -> None:
    async with FaultyAuthService() as lab:
        lab.answer("/token", json_reply(200, {"status": "captive", "login": "http://portal.test/"}))
        async with visit(lab.url, NETRA_WIRE="fastapi-tutorial") as one:
            finding = only((await seen(answers.checks, one))["answer"])
    assert (finding.code, "invalid_credentials" in finding.fix) == ("invalid_response", False)
    assert "check AUTH_SERVICE_URL and NETRA_WIRE" in finding.fix


async def test_a_400_of_a_port_that_speaks_no_tls_is_not_taken_for_one_that_does() -> None:
    assert "https" not in only(await answered(html(400, "<html>Bad Request</html>"))).fix


async def test_who_answered_with_what_is_told_and_by_whose_way() -> None:
    check = await answered(json_reply(200, {"status": "ok"}, (("Server", "nginx/1.27"),)))
    assert (check.state, check.what) == (State.PASS, "GET /health: 200 application/json, by way of nginx")
    assert check.elapsed_s is not None


@pytest.mark.parametrize(
    ("script", "code", "told"),
    [
        (redirect(302, "http://portal.example.test/login"), "redirected", "portal.example.test"),
        (html(200, "<html><body>Welcome to our guest network</body></html>"), "invalid_response", "text/html"),
        (html(403, "<html><body>Request blocked</body></html>"), "intermediary_rejected", "403"),
        (html(502, "<html><h1>502 Bad Gateway</h1><hr><center>nginx</center></html>"), "intermediary_error", "nginx"),
        (reply(404), "endpoint_not_found", "GET /health"),
        (reply(503), "auth_service_unavailable", ""),
        (reply(500), "auth_service_error", "500"),
        (raw(b"SSH-2.0-OpenSSH_9.2\r\n"), "http_protocol_error", ""),
        (raw_then_close(), "connection_terminated", ""),
        (silence(), "response_timeout", "0.3 s"),
    ],
)
async def test_what_is_not_an_answer_is_named_as_logins_name_it(script: Script, code: str, told: str) -> None:
    check = await answered(script, NETRA_TOKEN_BUDGET_S="0.3", NETRA_CONNECT_TIMEOUT_S="0.1")
    finding = only(check)
    assert (check.state, finding.code, finding.subject) == (State.FAIL, code, Hop.HTTP)
    assert told in f"{check.what} {finding.what} {finding.fix}"
    assert finding.why == f"Users get {TABLE[code].status} `{code}`."


async def test_what_the_public_is_told_is_said_beside_what_logs_say() -> None:
    check = await answered(reply(500), NETRA_DISCLOSE="public")
    assert only(check).why == "Users get 502 `authentication_unavailable`; logs say `auth_service_error`."


async def test_an_answer_that_takes_half_of_what_it_may_is_a_warning() -> None:
    check = await answered(
        after(0.5, json_reply(200, {"status": "ok"})), NETRA_TOKEN_BUDGET_S="0.9", NETRA_CONNECT_TIMEOUT_S="0.4"
    )
    assert (check.state, only(check).code) == (State.WARN, "slow_answer")
    assert "0.9 s" in only(check).what


async def test_where_a_wire_has_no_cheap_question_a_login_that_names_nobody_is_put() -> None:
    async with FaultyAuthService() as lab:
        lab.answer("/api/token/", json_reply(400, {"email": ["This field is required."]}))
        async with visit(lab.url, NETRA_WIRE="django-rest", SERVICE_ID=None, SERVICE_SECRET=None) as one:
            check = (await seen(answers.checks, one))["answer"]
        assert [(each.path, b"password" in each.body) for each in lab.journal] == [("/api/token/", False)]
    assert (check.state, check.what) == (State.PASS, "POST /api/token/: 400 application/json")
