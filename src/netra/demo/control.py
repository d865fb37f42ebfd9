"""The demo's control: breaks and mends the auth service, logs in for whoever watches, and the routes to ask for both.

It must never be part of a gateway: these routes are given to the admin application by the demo alone.
"""

import asyncio
import json
import secrets
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import msgspec

from netra.asgi.body import json_object
from netra.asgi.problem import problem
from netra.asgi.words import Answer, Refusal, Request, Route
from netra.core.secret import Secret
from netra.core.verdict.causes import TABLE
from netra.demo.auth_service import AuthService, Credentials, DemoFailed
from netra.demo.faults import BY_NAME, FAULTS, Fault, near
from netra.pages.book import read_book

if TYPE_CHECKING:
    from collections.abc import Callable

PATH: Final = "/demo/fault"
LOGIN_PATH: Final = "/demo/login"
_SHOWN_HEADERS: Final = ("X-Request-ID", "Retry-After", "WWW-Authenticate", "Proxy-Status")
_PATIENCE_S: Final = 60.0
_LONGEST_BYTES: Final = 256 * 1024


class FaultControl:
    """Switches from fault to fault; each change has taken effect when it returns. Belongs to one event loop."""

    def __init__(self, service: AuthService, service_secret: Secret) -> None:
        self._service = service
        self._service_secret = service_secret
        self._active = BY_NAME["none"]
        self._turn = asyncio.Lock()
        self.on_switched: Callable[[], None] = lambda: None
        """Hears of every change, once it has taken effect."""

    @property
    def active(self) -> Fault:
        """What is broken now. An auth service that has ended by itself is as good as stopped."""
        return self._active if self._service.is_alive else BY_NAME["stopped"]

    async def switch(self, fault: Fault) -> None:
        """Mend what is broken, then break this.

        Raises: DemoFailed, when the auth service does not do what it is told.
        """
        async with self._turn:
            if fault.means == "nothing" or self.active.means != "nothing":
                await self._mend()
            match fault.means:
                case "kill":
                    await self._service.kill()
                case "freeze":
                    await self._service.freeze()
                case "registry":
                    await self._service.register(Secret(secrets.token_hex(32)))
                case "door":
                    await self._service.turn_door(fault.name)
                case "nothing":
                    pass
            self._active = fault
            self.on_switched()

    async def _mend(self) -> None:
        if self._service.is_alive:
            with suppress(DemoFailed):
                self._service.thaw()
                await self._service.turn_door("none")
                await self._service.register(self._service_secret)
                return
            await self._service.kill()
        # A new one starts with everything as it should be.
        await self._service.launch()
        await self._service.ready()


class FrontDoor:
    """The public listener, asked as any client asks it."""

    def __init__(self, prefix: str) -> None:
        self.url = ""
        """Where it answers, once it does."""
        self._prefix = prefix

    async def log_in(self, body: bytes) -> dict[str, Any]:
        """A login: status, the headers that say something, body, and how long it took.

        Raises: OSError, TimeoutError, EOFError, for a listener that does not answer.
        """
        started_s = time.monotonic()
        async with asyncio.timeout(_PATIENCE_S):
            raw = await self._exchange(body)
        head, _, answer = raw.partition(b"\r\n\r\n")
        status, *lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        return {
            "status": int(status.split(" ")[1]),
            "headers": {name: headers[name.lower()] for name in _SHOWN_HEADERS if name.lower() in headers},
            "body": json.loads(answer) if answer else None,
            "elapsed_ms": round((time.monotonic() - started_s) * 1e3, 1),
        }

    async def _exchange(self, body: bytes) -> bytes:
        """One request on a connection of its own, and everything that comes back."""
        address = urlsplit(self.url)
        reader, writer = await asyncio.open_connection(address.hostname, address.port)
        try:
            head = (
                f"POST {self._prefix}/login HTTP/1.1\r\nHost: {address.netloc}\r\nConnection: close\r\n"
                f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
            )
            writer.write(head.encode("ascii") + body)
            raw = b""
            while len(raw) < _LONGEST_BYTES and (more := await reader.read(_LONGEST_BYTES)):
                raw += more
            if not raw:
                raise EOFError
            return raw
        finally:
            writer.close()


def routes(control: FaultControl, known: Credentials, front: FrontDoor) -> tuple[Route, ...]:
    """The control's routes for an admin listener; `known` is the user whom the form suggests."""
    titles = {code: page.title for code, page in read_book().items()}

    def refused(status: int, code: str, detail: str, request: Request, more: dict[str, Any]) -> Answer:
        cause = TABLE[code]
        members = {
            "type": f"/problems/{code}",
            "title": titles[code],
            "status": status,
            "detail": detail,
            "error": titles[code],
            "code": code,
            "request_id": request.request_id,
            "action": cause.action.value,
            "owner": cause.owner.value,
        }
        wait = ((b"retry-after", b"1"),) if "retry_after" in more else ()
        return problem(status, members | more, wait)

    async def switch(request: Request) -> Answer:
        name = request.path.rpartition("/")[2]
        fault = BY_NAME.get(name)
        if fault is None:
            meant = near(name)
            hint = f"Did you mean {' or '.join(meant)}?" if meant else f"GET {PATH} lists all."
            more = {"near": meant, "names": [*BY_NAME]}
            return refused(404, "not_found", f"There is no such fault. {hint}", request, more)
        try:
            await control.switch(fault)
        except DemoFailed as failed:
            return refused(503, "auth_service_unavailable", str(failed), request, {"retry_after": 1})
        mend = {"mend": f"POST {PATH}/none"} if fault.means != "nothing" else {}
        return _readable({"active": fault.name, **_row(fault), **mend})

    async def listed(request: Request) -> Answer:
        rows = [{"name": fault.name, **_row(fault)} for fault in FAULTS]
        suggested = {"email": known.email, "password": known.password.reveal()}
        told = {"active": control.active.name, "break": f"POST {PATH}/<name>", "login": suggested, "faults": rows}
        return _readable(told)

    async def log_in(request: Request) -> Answer:
        asked = json_object(request)
        if isinstance(asked, Refusal):
            return refused(asked.status, asked.code, asked.detail, request, {})
        members = {name: asked[name] for name in ("email", "password") if name in asked}
        try:
            return _readable(await front.log_in(json.dumps(members).encode()))
        except (OSError, TimeoutError, EOFError):
            detail = "The public listener of this demo does not answer."
            return refused(503, "draining", detail, request, {"retry_after": 1})

    return (
        Route("GET", PATH, listed),
        Route("POST", f"{PATH}/*", switch),
        Route("POST", LOGIN_PATH, log_in, reads_json=True),
    )


def _row(fault: Fault) -> dict[str, Any]:
    return {"what": fault.what, "a_right_login_gets": fault.promised}


def _readable(document: dict[str, Any]) -> Answer:
    """JSON for people who ask with curl: indented, and the prompt on a line of its own."""
    return Answer(200, msgspec.json.format(msgspec.json.encode(document), indent=2) + b"\n")
