"""Set-ups in which somebody answers, and it is not a usable answer of the auth service: silence, proxies, portals.

They must never be told from the address: it is one that a connection can be made to.
"""

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from typing import Final

from netra.doctor.diagnosis import Hop
from netra.lab.faulty_auth_service import FaultyAuthService
from tests.diagnosis.bringing import at, lab, over_tls, real
from tests.diagnosis.means import IMPATIENT
from tests.diagnosis.setup import Brought, Setup
from tests.support.gateways import gateway
from tests.support.places import silent_port


class _Quiet(SimpleHTTPRequestHandler):
    """A web server of somebody else: it serves files of a folder where there are none."""

    def __init__(self, *arguments: object) -> None:
        super().__init__(*arguments, directory="/nonexistent")  # type: ignore[arg-type]

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 - the name it has there
        """Nothing is printed."""


@asynccontextmanager
async def another_application() -> AsyncIterator[str]:
    """A port at which somebody else's web server listens."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Quiet)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        await asyncio.to_thread(server.shutdown)
        server.server_close()


@asynccontextmanager
async def a_stopped_process() -> AsyncIterator[str]:
    """A port whose process was stopped: the system accepts connections for it, and nobody reads."""
    with silent_port() as port:
        yield f"http://127.0.0.1:{port}"


@asynccontextmanager
async def another_gateway() -> AsyncIterator[str]:
    """The public listener of a gateway, which is no auth service."""
    async with FaultyAuthService() as service, gateway(service.url) as running:
        yield running.url


def _answers(name: str, cause: str, code: str, bring: Brought, *says: str) -> Setup:
    return Setup(name, cause, Hop.HTTP, code, bring, says)


AT_THE_DOOR: Final = (
    _answers("process-stopped", "The auth service's process is stopped.", "response_timeout",
             at(a_stopped_process, **IMPATIENT)),
    _answers("never-answers", "It reads requests and never answers.", "response_timeout",
             lab("response-timeout", **IMPATIENT)),
    _answers("drips", "Its answers come drop by drop, for ever.", "response_timeout", lab("drip-body", **IMPATIENT)),
    _answers("too-slow", "Every answer takes longer than a budget.", "response_timeout", lab("slow", **IMPATIENT)),
    _answers(
        "resets", "It resets connections as soon as it was asked.", "connection_terminated", lab("reset-after-reading")
    ),
    _answers(
        "closes-without-a-byte", "It crashes at every request.", "connection_terminated", lab("close-without-a-byte")
    ),
    _answers("cut-short", "Its answers end in the middle.", "response_incomplete", lab("close-inside-body")),
    _answers("another-protocol", "An SSH server listens there.", "http_protocol_error", lab("ssh-banner")),
    _answers("endless-body", "Its answers have no end.", "response_too_large", lab("endless-body")),
    _answers("huge-header", "A proxy adds a header of 20,000 bytes.", "response_too_large", lab("huge-header")),
    _answers("empty-answers", "It answers 200 and nothing else.", "invalid_response", lab("empty-with-200")),
    _answers(
        "captive-portal", "The network shows its welcome page to whoever asks anything.", "invalid_response",
        lab("html-with-200"), "text/html",
    ),
    _answers(
        "captive-portal-redirects", "The network leads whoever asks to its sign-in page.", "redirected",
        lab("status-302"), "elsewhere.invalid",
    ),
    _answers(
        "redirected-to-itself", "A slash too many makes it redirect for ever.", "redirected", lab("redirect-loop")
    ),
    _answers(
        "portal-over-tls", "A proxy with a good certificate leads everybody to its sign-in.", "redirected",
        over_tls("status-307"),
    ),
    _answers("wrong-path", "The address has a path that leads nowhere.", "endpoint_not_found", real(below="/aut"),
             "/aut", "AUTH_SERVICE_URL"),
    _answers("path-of-a-route", "The address ends in the /auth of its routes.", "endpoint_not_found",
             real(below="/auth"), "AUTH_SERVICE_URL"),
    _answers("wire-of-another-service", "NETRA_WIRE is that of another auth service.", "endpoint_not_found",
             real(NETRA_WIRE="spring"), "/actuator/health"),
    _answers("another-application", "Somebody else's web server listens at the port.", "endpoint_not_found",
             at(another_application)),
    _answers("another-gateway", "The address is that of a gateway, not of the auth service.", "endpoint_not_found",
             at(another_gateway)),
    _answers("page-of-maintenance", "nginx shows a page of maintenance.", "intermediary_error", lab("nginx-503"),
             "nginx"),
    _answers("maintenance", "It is down for maintenance, and says so.", "auth_service_unavailable", lab("status-503")),
    _answers("fails", "It fails at every request.", "auth_service_error", lab("status-500")),
    _answers("overloaded", "It sheds load.", "auth_service_unavailable", lab("overloaded")),
    _answers("rate-limits-us", "It has had enough of the gateway.", "auth_service_rate_limited", lab("rate-limited")),
    _answers("firewall", "A firewall turns the gateway away.", "intermediary_rejected", lab("waf-403")),
    _answers("access-policy", "Cloudflare lets only people in.", "intermediary_rejected", lab("cloudflare-403"),
             "Cloudflare"),
    _answers("bad-gateway", "nginx stands in front of a process that is gone.", "intermediary_error", lab("nginx-502"),
             "nginx"),
    _answers("no-instance", "The platform has not started an instance.", "intermediary_error",
             lab("no-available-instance"), "Google"),
    _answers("load-balancer-timeout", "The load balancer gives up waiting.", "intermediary_error",
             lab("aws-load-balancer-504"), "AWS"),
    _answers("password-of-a-proxy", "nginx wants a password of its own.", "intermediary_rejected", lab("nginx-401"),
             "nginx"),
    _answers("mesh-policy", "The mesh's policy does not list the gateway.", "intermediary_rejected", lab("envoy-403"),
             "Envoy"),
)  # fmt: skip
