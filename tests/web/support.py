"""What tests of requests and answers share: both listeners on a scripted exchange, and how to ask them.

It must never open a socket: bytes on the line are the business of the listener's own tests.
"""

import json
from collections.abc import Mapping
from time import monotonic
from typing import Any, Final

from netra.asgi.adapter import App, Limits
from netra.asgi.admission import AdminRules
from netra.asgi.callers import Callers
from netra.asgi.cors import Cors
from netra.asgi.words import Answer, Request
from netra.core.findings import Finding
from netra.core.verdict.reply import Standing
from netra.pages.book import read_book
from netra.testing.fakes import FakeClock, Scripted
from netra.web.admin.app import admin_app
from netra.web.endpoints import public_app
from netra.web.view import Readiness, View
from tests.gateway.support import Stage
from tests.support import wire

PREFIX: Final = "/api/v1/auth"
BOOK: Final = read_book()
URL: Final = "https://auth.internal.test:8443/identity"
FACTS: Final = {
    "url": URL, "host": "auth.internal.test", "port": "8443", "service_id": "netra-under-test", "budget_s": "5",
}  # fmt: skip
INSIDES: Final = ("auth.internal.test", "8443", "/identity", "netra-under-test", "staging-of-ours", "10.1.2.3")
"""None of these is for the public."""
VERSION: Final = "1.2.3"


def view(clock: FakeClock | None = None, **changes: Any) -> View:
    """How answers look; for operators unless `changes` say otherwise."""
    clock = clock or FakeClock()
    parts: dict[str, Any] = {
        "operator": True,
        "book": BOOK,
        "problem_base": "",
        "environment": "staging-of-ours",
        "auth_service_url": URL,
        "facts": FACTS,
        "service_id": "netra-under-test",
        "service_secret_configured": True,
        "standing": lambda: Standing(connectivity="failed", probe_code="connection_refused"),
        "now_s": clock.now_s,
        "wall_s": clock.wall_s,
        "readiness": Readiness(),
        **changes,
    }
    return View(**parts)


class Front:
    """A gateway on a scripted exchange with its two listeners."""

    def __init__(
        self,
        *script: Scripted,
        parts: dict[str, Any] | None = None,
        findings: tuple[Finding, ...] = (),
        admin_token: Any = None,
        link: dict[str, Any] | None = None,
        now_s: float | None = None,
        **changes: Any,
    ) -> None:
        # Requests are stamped by the machine's clock: the gateway's begins at the same instant.
        self.stage = Stage(*script, parts=parts, now_s=monotonic() if now_s is None else now_s, **(link or {}))
        self.crashes: list[BaseException] = []
        gateway = self.stage.gateway
        self.view = view(self.stage.clock, standing=lambda: gateway.standing, **changes)
        limits = Limits()
        self.public = public_app(
            gateway, self.view, PREFIX, limits=limits, callers=Callers(), cors=Cors(), on_crash=self._on_crash
        )
        self.admin = admin_app(
            gateway, self.view, PREFIX, VERSION, findings,
            rules=AdminRules("127.0.0.1", (), admin_token), limits=limits, on_crash=self._on_crash,
        )  # fmt: skip

    def _on_crash(self, request: Request, crash: BaseException) -> None:
        self.crashes.append(crash)

    async def ask(self, method: str, path: str, body: object = None, **headers: str) -> wire.Answer:
        """One request below the prefix of the public listener; a body is sent as JSON."""
        return await asked(self.public, method, PREFIX + path, body, headers)

    async def bare(self, method: str, path: str, **headers: str) -> wire.Answer:
        """One request to the public listener, outside of the prefix."""
        return await asked(self.public, method, path, None, headers)

    async def operate(self, method: str, path: str, **headers: str) -> wire.Answer:
        """One request to the admin listener."""
        return await asked(self.admin, method, path, None, {"Host": "localhost", **headers})


async def asked(app: App, method: str, target: str, body: object, headers: Mapping[str, str]) -> wire.Answer:
    """One request to an application, without a server."""
    path, _, query = target.partition("?")
    content = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
    named = {"content_type": "application/json"} if body is not None else {}
    sent = [
        (name.replace("_", "-").lower().encode(), value.encode("latin-1"))
        for name, value in {**named, **headers}.items()
    ]
    scope = {
        "type": "http", "method": method, "path": path, "query_string": query.encode(), "headers": sent,
        "client": ("10.1.2.3", 5000),
    }  # fmt: skip
    messages: list[Any] = []

    async def receive() -> Any:
        return {"type": "http.request", "body": content, "more_body": False}

    async def send(message: Any) -> None:
        messages.append(message)

    await app(scope, receive, send)
    start, end = messages
    return _answer(start["status"], start["headers"], end["body"])


def shown(answer: Answer) -> wire.Answer:
    """An answer as a client would read it, before the listener adds what every answer carries."""
    headers = [*answer.headers, (b"content-type", answer.content_type), (b"cache-control", b"no-store")]
    if b"request_id" in answer.body:
        headers.append((b"x-request-id", str(json.loads(answer.body)["request_id"]).encode()))
    return _answer(answer.status, headers, answer.body)


def _answer(status: int, headers: Any, body: bytes) -> wire.Answer:
    lines = b"".join(name + b": " + value + b"\r\n" for name, value in headers)
    told = tuple((name.decode(), value.decode("latin-1")) for name, value in headers)
    return wire.Answer(status, told, body, lines + b"\r\n" + body)
