"""Exactly one HTTP exchange with the auth service; the only file that knows the HTTP client.

It must never follow a redirect, keep a cookie, read an environment's proxy, or take more of a reply than it was told.
"""

import asyncio
import socket
import ssl
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar
from typing import Any, Final, Protocol

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from netra.core.verdict.broken import NameTimeout, broken
from netra.core.verdict.reply import Broken, Reply
from netra.core.verdict.wire import Call
from netra.link.clock import Clock
from netra.link.seals import Seal

MAX_REPLY_BYTES: Final = 64 * 1024
MAX_REPLY_HEADER_BYTES: Final = 16 * 1024
_RESOLVER_THREADS: Final = 8
_UNSENT_HEADERS: Final = ("User-Agent", "Accept", "Accept-Encoding", "Content-Type")


class Exchange(Protocol):
    """One question, one reply, within the time that is left."""

    async def __call__(self, call: Call[Any], seal: Seal | None, left_s: float) -> Reply | Broken:
        """Ask once. `left_s` bounds everything, from the name's resolution to the last byte of the reply."""
        ...


class _Progress:
    """How far this exchange has come: what a deadline means depends on it."""

    __slots__ = ("connected", "resolving")

    def __init__(self) -> None:
        self.resolving = False
        self.connected = False

    def overdue(self) -> Broken:
        if self.connected:
            return Broken("response_timeout")
        return Broken("dns_timeout" if self.resolving else "connection_timeout")


_PROGRESS: Final[ContextVar[_Progress]] = ContextVar("netra_exchange_progress")


class _Connector(aiohttp.TCPConnector):
    """Notes that a connection is there: from that moment on the request may have arrived."""

    async def connect(self, req: Any, traces: Any, timeout: Any) -> Any:  # noqa: ASYNC109 - the client's own signature
        """A connection to send on."""
        connection = await super().connect(req, traces, timeout)
        _PROGRESS.get().connected = True
        return connection


class _Resolver(AbstractResolver):
    """The system's resolver on threads of its own, so that names that hang starve nobody else."""

    def __init__(self, timeout_s: float) -> None:
        self._timeout_s = timeout_s
        self._threads = ThreadPoolExecutor(_RESOLVER_THREADS, thread_name_prefix="netra-resolver")

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        progress = _PROGRESS.get()
        progress.resolving = True
        loop = asyncio.get_running_loop()
        lookup = loop.run_in_executor(self._threads, self._addresses, host, port, family)
        try:
            async with asyncio.timeout(self._timeout_s):
                found = await lookup
        except TimeoutError:
            raise NameTimeout from None
        progress.resolving = False
        return found

    @staticmethod
    def _addresses(host: str, port: int, family: socket.AddressFamily) -> list[ResolveResult]:
        found = socket.getaddrinfo(host, port, family, socket.SOCK_STREAM, flags=socket.AI_ADDRCONFIG)
        return [
            ResolveResult(
                hostname=host, host=str(to[0]), port=int(to[1]), family=kind, proto=proto, flags=socket.AI_NUMERICHOST
            )
            for kind, _, proto, _, to in found
        ]

    async def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)


class HttpExchange:
    """Exchanges with one auth service over pooled connections. Made inside the event loop that uses it."""

    def __init__(self, base_url: str, *, connect_timeout_s: float, idle_connection_s: float, clock: Clock) -> None:
        self._base_url = base_url
        self._tls = base_url.startswith("https:")
        self._clock = clock
        self._targets: dict[str, URL] = {}
        self._session = aiohttp.ClientSession(
            connector=_Connector(
                limit=0,
                keepalive_timeout=idle_connection_s,
                resolver=_Resolver(connect_timeout_s),
                ssl=_tls_context() if self._tls else True,
            ),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=connect_timeout_s),
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=False,
            auto_decompress=False,
            skip_auto_headers=_UNSENT_HEADERS,
            max_field_size=MAX_REPLY_HEADER_BYTES,
        )

    async def __call__(self, call: Call[Any], seal: Seal | None, left_s: float) -> Reply | Broken:
        """Ask once. Raises nothing that the network, the HTTP client or the auth service can bring about."""
        progress = _Progress()
        _PROGRESS.set(progress)
        try:
            async with asyncio.timeout(left_s):
                return await self._exchange(call, seal)
        except (aiohttp.ClientError, OSError, ValueError) as error:
            return cause_of(error, progress, tls=self._tls)

    async def _exchange(self, call: Call[Any], seal: Seal | None) -> Reply | Broken:
        headers = [*call.headers, *seal.headers] if seal else [*call.headers]
        if call.bearer is not None:
            headers.append(("Authorization", f"Bearer {call.bearer.reveal()}"))
        body = call.body.reveal().encode() if call.body is not None else None
        async with self._session.request(
            call.method, self._url(call.target), data=body, headers=headers, allow_redirects=False
        ) as response:
            if response.headers.get("Content-Encoding", "identity").lower() != "identity":
                response.close()
                return Broken("http_protocol_error")
            content = await _bounded(response.content)
            if content is None:
                response.close()
                return Broken("response_too_large")
            return Reply(response.status, response.headers, content, self._clock.wall_s())

    def _url(self, target: str) -> URL:
        url = self._targets.get(target)
        if url is None:
            url = self._targets[target] = URL(self._base_url + target, encoded=True)
        return url

    async def close(self) -> None:
        """Close all connections; exchanges under way end as broken."""
        await self._session.close()


async def _bounded(content: aiohttp.StreamReader) -> bytes | None:
    """The whole body, or None when there is more than we take."""
    body = await content.read(MAX_REPLY_BYTES + 1)
    while not content.at_eof() and len(body) <= MAX_REPLY_BYTES:
        body += await content.read(MAX_REPLY_BYTES + 1)
    return body if len(body) <= MAX_REPLY_BYTES else None


def _tls_context() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


CLIENT_ERRORS: Final[tuple[tuple[type[BaseException], str], ...]] = (
    (aiohttp.ClientConnectorCertificateError, "tls_certificate_error"),
    (aiohttp.ServerFingerprintMismatch, "tls_certificate_error"),
    (aiohttp.ClientConnectorError, "before"),
    (aiohttp.ConnectionTimeoutError, "connection_timeout"),
    (aiohttp.ServerTimeoutError, "response_timeout"),
    (aiohttp.ServerDisconnectedError, "connection_terminated"),
    (aiohttp.ClientOSError, "after"),
    (aiohttp.ClientConnectionResetError, "connection_terminated"),
    (aiohttp.ClientPayloadError, "response_incomplete"),
    (aiohttp.client_exceptions.UploadAbortedError, "connection_terminated"),
    (aiohttp.ClientResponseError, "http_protocol_error"),
    (aiohttp.InvalidURL, "proxy_configuration_error"),
    (aiohttp.NonHttpUrlClientError, "proxy_configuration_error"),
    (aiohttp.ClientConnectionError, "draining"),
    (aiohttp.ClientError, "http_protocol_error"),
)
"""The client's own exceptions, the more special first; `before` and `after` leave it to the error beneath.

Only the connector's family and the connection timeout prove that nothing was sent.
"""


def cause_of(error: BaseException, progress: Any, *, tls: bool) -> Broken:
    """Why an exchange ended with this exception."""
    for kind, code in CLIENT_ERRORS:
        if isinstance(error, kind):
            if code == "before":
                return broken(getattr(error, "os_error", error), sent=False, tls=tls)
            return broken(error, sent=True) if code == "after" else Broken(code)
    if isinstance(error, TimeoutError):
        return progress.overdue()  # type: ignore[no-any-return] # a _Progress, or its like in a test
    if isinstance(error, ValueError):
        return Broken("http_protocol_error" if progress.connected else "proxy_configuration_error")
    return broken(error, sent=progress.connected, tls=tls)
