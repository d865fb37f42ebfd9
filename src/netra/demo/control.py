"""The demo's fault control: breaks and mends the auth service, and the admin listener's routes to ask for it.

It must never be part of a gateway: these routes are given to the admin application by the demo alone.
"""

import asyncio
import secrets
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

import msgspec

from netra.asgi.problem import problem
from netra.asgi.words import Answer, Request, Route
from netra.core.secret import Secret
from netra.core.verdict.causes import TABLE
from netra.demo.auth_service import AuthService, DemoFailed
from netra.demo.faults import BY_NAME, FAULTS, Fault, near
from netra.pages.book import read_book

if TYPE_CHECKING:
    from collections.abc import Callable

PATH: Final = "/demo/fault"


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


def routes(control: FaultControl) -> tuple[Route, ...]:
    """The control's routes for an admin listener."""
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
        return _readable({"active": control.active.name, "break": f"POST {PATH}/<name>", "faults": rows})

    return (Route("GET", PATH, listed), Route("POST", f"{PATH}/*", switch))


def _row(fault: Fault) -> dict[str, Any]:
    return {"what": fault.what, "a_right_login_gets": fault.promised}


def _readable(document: dict[str, Any]) -> Answer:
    """JSON for people who ask with curl: indented, and the prompt on a line of its own."""
    return Answer(200, msgspec.json.format(msgspec.json.encode(document), indent=2) + b"\n")
