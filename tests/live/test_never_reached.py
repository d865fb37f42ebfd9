"""The auth service cannot be reached: 503, nothing was sent, and the gateway heals by itself."""

import socket
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from netra.lab.certificates import Authority
from netra.lab.connection import Connection
from netra.lab.faulty_auth_service import FaultyAuthService
from tests.live.rows import Failure, assert_failure, assert_next_is_good
from tests.support.gateways import IMPATIENT, both_views
from tests.support.places import UNRESOLVABLE, UNROUTABLE, free_port, full_port, silent_port


def unreached(code: str, owner: str) -> Failure:
    return Failure(code, 503, "never_sent", owner=owner)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def trusted(authority: Authority, monkeypatch: pytest.MonkeyPatch) -> Authority:
    """An authority that this machine trusts."""
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))
    return authority


async def test_row_dns_error__the_name_does_not_exist() -> None:
    async with both_views(UNRESOLVABLE) as views:
        body = await assert_failure(views, unreached("dns_error", "us"))
        assert "auth.invalid" in body["suggestions"][0]
        assert "typo" in body["suggestions"][0]
        assert (await views.operator.ask("GET", "/livez")).status == 200


async def test_row_dns_timeout__a_resolver_that_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    ended = threading.Event()
    resolve: Callable[..., Any] = socket.getaddrinfo

    def hang(host: str, *more: Any, **how: Any) -> Any:
        if host == "auth.invalid":
            ended.wait(timeout=15)
        return resolve(host, *more, **how)

    # The system's own resolver cannot be made to hang without a network of its own.
    monkeypatch.setattr(socket, "getaddrinfo", hang)
    try:
        async with both_views(UNRESOLVABLE, **IMPATIENT) as views:
            await assert_failure(views, unreached("dns_timeout", "network"))
            ended.set()
            await assert_failure(views, unreached("dns_error", "us"))
    finally:
        ended.set()


async def test_row_connection_refused__nothing_listens_and_then_it_does() -> None:
    port = free_port()
    async with both_views(f"http://127.0.0.1:{port}") as views:
        body = await assert_failure(views, unreached("connection_refused", "auth_service"))
        assert body["original_error"] == "Connection refused"
        assert body["debug_info"]["connectivity_test"] == "failed"
        async with FaultyAuthService(port=port) as service:
            await assert_next_is_good(views, service)


async def test_row_connection_timeout__the_port_does_not_answer() -> None:
    with full_port() as port:
        async with both_views(f"http://127.0.0.1:{port}", **IMPATIENT) as views:
            await assert_failure(views, unreached("connection_timeout", "network"))


async def test_row_destination_unroutable__there_is_no_way() -> None:
    async with both_views(UNROUTABLE) as views:
        body = await assert_failure(views, unreached("destination_unroutable", "network"))
        assert body["original_error"] == "Network is unreachable"


@pytest.mark.parametrize("fault", ["another authority", "another name", "expired"])
async def test_row_tls_certificate_error__never_an_unverified_fallback(
    trusted: Authority, tmp_path: Path, fault: str
) -> None:
    contexts = {
        "another authority": Authority(tmp_path).good,
        "another name": trusted.of_another_name,
        "expired": trusted.expired,
    }
    async with FaultyAuthService(tls=contexts[fault]()) as service, both_views(service.url) as views:
        await assert_failure(views, unreached("tls_certificate_error", "auth_service")._replace(deliveries=0), service)
        assert service.journal == [], "something was sent to somebody who could not prove who he is"
        await service.stop()
        async with FaultyAuthService(port=service.port, tls=trusted.good()) as mended:
            await assert_next_is_good(views, mended)


async def test_row_tls_protocol_error__plain_http_on_the_tls_port(trusted: Authority) -> None:
    async with FaultyAuthService() as service, both_views(service.url.replace("http:", "https:")) as views:
        await assert_failure(views, unreached("tls_protocol_error", "auth_service")._replace(deliveries=0), service)


@pytest.mark.parametrize("end", [Connection.close, Connection.reset])
async def test_a_handshake_that_is_cut_off_is_a_tls_protocol_error(
    trusted: Authority, end: Callable[[Connection], None]
) -> None:
    async with FaultyAuthService() as service:
        service.at_connect = end
        async with both_views(service.url.replace("http:", "https:")) as views:
            await assert_failure(views, unreached("tls_protocol_error", "auth_service")._replace(deliveries=0), service)


async def test_a_handshake_that_stalls_is_a_connection_timeout(trusted: Authority) -> None:
    with silent_port() as port:
        async with both_views(f"https://127.0.0.1:{port}", **IMPATIENT) as views:
            await assert_failure(views, unreached("connection_timeout", "network"))


async def test_a_certificate_of_a_trusted_authority_is_enough(trusted: Authority) -> None:
    async with FaultyAuthService(tls=trusted.good()) as service, both_views(service.url) as views:
        await assert_next_is_good(views, service)


async def test_an_unknown_issuer_is_named_first_of_all_and_its_file_is_the_cure(tmp_path: Path) -> None:
    authority = Authority(tmp_path, name="Internal CA", organisation="Shop Ltd")
    async with FaultyAuthService(tls=authority.good()) as service:
        async with both_views(service.url) as views:
            failure = unreached("tls_certificate_error", "auth_service")._replace(deliveries=0)
            body = await assert_failure(views, failure, service)
            assert "Internal CA (Shop Ltd)" in body["suggestions"][0]
            assert "AUTH_SERVICE_CA_FILE" in body["suggestions"][0]
            probe = next(
                line for line in views.public.lines if line["event"] == "Auth service connectivity test failed"
            )
            assert "Internal CA (Shop Ltd)" in probe["check_first"]
        async with both_views(service.url, AUTH_SERVICE_CA_FILE=str(authority.file)) as views:
            await assert_next_is_good(views, service)


async def test_an_auth_service_that_demands_a_certificate_gets_it(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    pair = authority.pair()
    files = {
        "AUTH_SERVICE_CA_FILE": str(authority.file),
        "AUTH_SERVICE_CLIENT_CERT_FILE": str(pair.certificate),
        "AUTH_SERVICE_CLIENT_KEY_FILE": str(pair.key),
    }
    async with FaultyAuthService(tls=authority.demanding()) as service, both_views(service.url, **files) as views:
        await assert_next_is_good(views, service)
