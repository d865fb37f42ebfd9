"""The auth routes of an open gateway for a host's own server: an ASGI request in, the listener's answer out.

It must never know a framework, nor let a route end a login that was sent because its client has left.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping, MutableMapping
from contextlib import asynccontextmanager
from typing import Any, Final, NamedTuple

from prometheus_client import CollectorRegistry

from netra.asgi.adapter import Scope
from netra.asgi.body import too_large
from netra.asgi.callers import Callers
from netra.asgi.cors import Cors
from netra.asgi.words import CLOSE, Headers, Refusal, Request
from netra.assemble import Assembled, Tell, untrusted_proxy
from netra.core.events import ConfigurationProblem
from netra.core.secret import Secret
from netra.core.verdict.operations import Identity
from netra.core.verdict.outcomes import Accepted, Outcome, Rejected
from netra.embed.gate import Gate, ProblemResponse
from netra.embed.opening import opened
from netra.settings.variables import Settings
from netra.upkeep.crashes import crashed
from netra.web.endpoints import public_app
from netra.web.tokens import bearer_of

_FORWARDED: Final = b"x-forwarded-for"
_IF_IT_IS_YOURS: Final = (
    "if it is yours, or let your server read the header (uvicorn: --forwarded-allow-ips); else let nobody reach your "
    "backend past your proxy"
)


class Answered(NamedTuple):
    """What a route answers, with the headers that every answer carries."""

    status: int
    headers: Headers
    body: bytes


class Front(Gate):
    """An open gate with its routes. Belongs to the event loop that opened it."""

    def __init__(self, assembled: Assembled, settings: Settings, tell: Tell) -> None:
        super().__init__(assembled.gateway, assembled.view)
        self.gateway = assembled.gateway
        self.view = assembled.view
        self._tell = tell
        self._limits = assembled.public.limits
        self._app = public_app(
            assembled.gateway,
            assembled.view,
            "",
            limits=self._limits,
            callers=Callers(settings.trusted_proxies, self._doubt),
            cors=Cors(),  # other origins are the host's business
            on_crash=self._on_crash,
        )

    async def answer(self, path: str, scope: Scope, chunks: AsyncIterator[bytes]) -> Answered:
        """The listener's answer to a request that came in by a host's route; `path` is the listener's own for it.

        Whoever is cancelled meanwhile cancels only his waiting. Raises what `chunks` raises.
        """
        asked = _asked(scope, path)
        body = Refusal(503, "draining") if self._closed else await self._received(chunks)
        if isinstance(body, Refusal):
            return _answered(self._app.early(body, asked["headers"]), scope)
        flight = self._loop.create_task(self._flown_through(asked, body))
        self._flights.add(flight)
        flight.add_done_callback(self._flights.discard)
        return _answered(await asyncio.shield(flight), scope)

    async def identity(self, scope: Scope) -> Identity | ProblemResponse:
        """Whom the bearer token of a request stands for, or what is answered when nobody vouches for it.

        As where a proxy asks: every refusal is 401, and whatever nobody knows 503.
        """
        request = self._request(_asked(scope, ""))
        outcome = await self._checked(bearer_of(request), request)
        if isinstance(outcome, Accepted):
            identity: Identity = outcome.value
            return identity
        status = 401 if isinstance(outcome, Rejected) else 503
        return self.problem_response(outcome, request_id=request.request_id, status=status)

    async def _checked(self, token: Secret | Rejected, request: Request) -> Outcome[Identity]:
        if isinstance(token, Rejected):
            return token
        known = self.gateway.remembered(token)
        if known is not None:
            return known
        return await self.who_is(
            token,
            client_address=request.client_address,
            user_agent=request.header(b"user-agent"),
            request_id=request.request_id,
            traceparent=request.header(b"traceparent"),
            tracestate=request.header(b"tracestate"),
        )

    def _request(self, asked: Scope) -> Request:
        client = asked["client"]
        return self._app.request(
            asked["method"], asked["path"], asked["query_string"], asked["headers"], client and client[0]
        )

    async def _received(self, chunks: AsyncIterator[bytes]) -> bytes | Refusal:
        """A whole body, within the listener's bounds of size and time."""
        body = b""
        try:
            async with asyncio.timeout(self._limits.receipt_s):
                async for chunk in chunks:
                    body += chunk
                    if len(body) > self._limits.body_bytes:
                        return too_large(self._limits.body_bytes)
        except TimeoutError:
            return Refusal(408, "request_timeout")
        return body

    async def _flown_through(self, asked: Scope, body: bytes) -> tuple[int, Headers, bytes]:
        sent: list[MutableMapping[str, Any]] = []

        async def receive() -> Mapping[str, Any]:
            return {"type": "http.request", "body": body}

        async def send(message: MutableMapping[str, Any]) -> None:
            sent.append(message)

        await self._app(asked, receive, send)
        start, end = sent
        return start["status"], start["headers"], end["body"]

    def _on_crash(self, request: Request, crash: BaseException) -> None:
        now_s = self.gateway.parts.link.clock.now_s()
        self._tell(crashed(request.request_id, crash, now_s - (request.received_at_s or now_s)))

    def _doubt(self, address: str) -> None:
        self._tell(ConfigurationProblem(untrusted_proxy(address, _IF_IT_IS_YOURS)))


@asynccontextmanager
async def open_front(
    environ: Mapping[str, str] | None, tell: Tell | None, registry: CollectorRegistry | None
) -> AsyncIterator[Front]:
    """A gateway with its routes, for as long as the context is open; see `open_gate`.

    Raises: SettingsProblem, with everything that is wrong.
    """
    async with opened(Front, environ, tell, registry) as front:
        yield front


def _asked(scope: Scope, path: str) -> Scope:
    """A host's request as one to the listener.

    A server that has read the forwarding headers itself says so by port 0: its word is taken, and they are not read
    a second time.
    """
    headers: Iterable[tuple[bytes, bytes]] = scope["headers"]
    client = scope.get("client")
    vouched = client is not None and client[1] == 0
    return {
        "type": "http",
        "method": scope.get("method", "GET"),
        "path": path,
        "query_string": scope.get("query_string", b""),
        "headers": [(name, value) for name, value in headers if not (vouched and name == _FORWARDED)],
        "client": client,
    }


def _answered(answer: tuple[int, Headers, bytes], scope: Scope) -> Answered:
    """An answer for the host's server; only HTTP/1 closes a connection by a header. Source: RFC 9113, 8.2.2."""
    status, headers, body = answer
    one = str(scope.get("http_version", "1.1")).startswith("1")
    return Answered(status, headers if one else [each for each in headers if each != CLOSE], body)
