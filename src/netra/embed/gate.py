"""An open gate: every journey as a function, and the answers that a listener would give.

It must never raise for what users send, for what the auth service does, or for a bug of ours: each is an outcome.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any, Final, NamedTuple, TypeVar, Unpack

from netra.asgi.callers import served
from netra.asgi.words import Answer
from netra.core.secret import Secret
from netra.core.verdict.causes import TABLE
from netra.core.verdict.operations import (
    CONFIG,
    LOGIN,
    LOGOUT,
    REFRESH,
    REGISTER,
    VALIDATE,
    Done,
    Identity,
    Offer,
    Operation,
    Session,
    User,
)
from netra.core.verdict.outcomes import Outcome, Rejected, Unknown, unknown
from netra.core.verdict.wire import Label
from netra.embed.callers import Caller, label_for, request_id_of
from netra.gateway.attempts import (
    LoginAttempt,
    RegisterAttempt,
    TokenAttempt,
    bearer,
    logout_attempt,
    not_offered,
    refresh_attempt,
)
from netra.gateway.gate import Gateway
from netra.upkeep.crashes import crashed
from netra.web.endpoints import offered
from netra.web.render import problem_answer
from netra.web.view import View

T = TypeVar("T")
A = TypeVar("A")

_OTHER_LOOP: Final = (
    "This gate was opened in another event loop, and its connections live there. Open one gate in each event loop: "
    "async with open_gate() as gate."
)


class ProblemResponse(NamedTuple):
    """What the HTTP route would answer, ready for any framework. Nothing of it depends on the request but its id."""

    status: int
    headers: list[tuple[str, str]]
    """Names in lower case, each once."""
    body: bytes


class Gate:
    """The gateway as a function. Belongs to the event loop that opened it; any number of attempts may be under way.

    Whoever is cancelled while he waits cancels only his waiting: a login that was sent goes on to its end, within its
    deadline, and is told. `caller` is who is asking, see `Caller`; passwords and tokens may be texts or `Secret`s.
    """

    def __init__(self, gateway: Gateway, view: View) -> None:
        self._gateway = gateway
        self._view = view
        self._loop = asyncio.get_running_loop()
        self._flights: set[asyncio.Task[Any]] = set()
        self._closed = False
        self._offered = {CONFIG.name, *(each.operation.name for each in offered(gateway) if each.operation)}

    async def log_in(
        self,
        identifier: str,
        password: str | Secret,
        *,
        extra: Mapping[str, str] | None = None,
        **caller: Unpack[Caller],
    ) -> Outcome[Session]:
        """Are these credentials good? `extra` holds what the auth service wants beside them, by name."""
        forms = self._gateway.parts.forms
        said = {**(extra or {}), forms.identifier.name: identifier, "password": _plain(password)}
        return await self._outcome(LOGIN, partial(forms.login_attempt, said), self._gateway.log_in, caller)

    async def register(
        self,
        identifier: str,
        password: str | Secret,
        *,
        confirm_password: str | Secret | None = None,
        name: str | None = None,
        extra: Mapping[str, str] | None = None,
        **caller: Unpack[Caller],
    ) -> Outcome[User]:
        """Open an account. Rejected as `not_found` where there is no registration."""
        forms = self._gateway.parts.forms
        said = {**(extra or {}), forms.identifier.name: identifier, "password": _plain(password), "name": name}
        said["confirm_password"] = _plain(confirm_password)
        return await self._outcome(REGISTER, partial(forms.register_attempt, said), self._gateway.register, caller)

    async def refresh(self, refresh_token: str | Secret, **caller: Unpack[Caller]) -> Outcome[Session]:
        """Trade a refresh token for new tokens."""
        said = {"refresh_token": _plain(refresh_token)}
        return await self._outcome(REFRESH, partial(refresh_attempt, said), self._gateway.refresh, caller)

    async def log_out(
        self,
        access_token: str | Secret | None = None,
        refresh_token: str | Secret | None = None,
        **caller: Unpack[Caller],
    ) -> Outcome[Done]:
        """End a session by the token that the auth service needs, else by either; one that is over is a success."""
        attempt_of = partial(_logout_attempt, access_token, refresh_token, self._gateway.parts.wire.needs(LOGOUT))
        return await self._outcome(LOGOUT, attempt_of, self._gateway.log_out, caller)

    async def who_is(self, access_token: str | Secret | None, **caller: Unpack[Caller]) -> Outcome[Identity]:
        """Whom does this token stand for? The token alone, without `Bearer`."""
        return await self._outcome(VALIDATE, partial(_token_attempt, access_token), self._gateway.who_is, caller)

    async def offer(self, **caller: Unpack[Caller]) -> Outcome[Offer]:
        """What may people do here? The last good answer through an outage."""

        def ask(asked: tuple[Label, float]) -> Awaitable[Outcome[Offer]]:
            return self._gateway.offer(*asked)

        return await self._outcome(CONFIG, lambda *asked: asked, ask, caller)

    def problem_response(
        self, outcome: Rejected | Unknown, *, request_id: str | None = None, status: int | None = None
    ) -> ProblemResponse:
        """What the HTTP route answers to this outcome, with the status of its cause unless another one is given.

        Give it the id that the attempt was given.
        """
        labelled = request_id_of(request_id)
        return _response(problem_answer(outcome, self._view, labelled, status=status), labelled)

    def request_id(self, given: str | None = None) -> str:
        """The id for a request: the given one when it is well formed, else a new one. It stands in log and answer."""
        return request_id_of(given)

    async def close(self) -> None:
        """Take no more attempts, and wait for those under way: at most as long as their deadlines let them.

        Whoever is cancelled while he waits here cancels what is under way.
        """
        self._closed = True
        flights = tuple(self._flights)
        try:
            if flights:
                await asyncio.wait(flights)
        finally:
            for flight in flights:
                flight.cancel()
            await asyncio.gather(*flights, return_exceptions=True)

    async def _outcome(
        self,
        operation: Operation[Any],
        attempt_of: Callable[[Label, float], A | Rejected],
        journey: Callable[[A], Awaitable[Outcome[T]]],
        caller: Caller,
    ) -> Outcome[T]:
        """From what was said to the end of a journey, or to what was wrong with it."""
        if not self._closed and asyncio.get_running_loop() is not self._loop:
            raise RuntimeError(_OTHER_LOOP)
        if operation.name not in self._offered:
            return not_offered()
        label = label_for(_journey(operation), self._view.tracing, **caller)
        received_at_s = self._gateway.parts.link.clock.now_s()
        attempt = attempt_of(label, received_at_s)
        if isinstance(attempt, Rejected):
            return _recorded(label, attempt)
        if self._closed:
            return _recorded(label, self._too_late(operation, attempt, label, received_at_s))
        flight = self._loop.create_task(self._flown(journey(attempt), label, received_at_s))
        self._flights.add(flight)
        flight.add_done_callback(self._flights.discard)
        return await asyncio.shield(flight)

    async def _flown(self, journey: Awaitable[Outcome[T]], label: Label, received_at_s: float) -> Outcome[T]:
        """The end of a journey, also of one that met a bug: it is told, and nobody knows the verdict."""
        try:
            return _recorded(label, await journey)
        except Exception as crash:  # noqa: BLE001 - the rim: a bug is answered and told, never dropped
            parts = self._gateway.parts
            parts.tell(crashed(label.request_id, crash, parts.link.clock.now_s() - received_at_s))
            return _recorded(label, unknown(TABLE["internal_error"]), "internal_error")

    def _too_late(self, operation: Operation[Any], attempt: object, label: Label, received_at_s: float) -> Unknown:
        """The outcome of an attempt that came after the end, told like any other."""
        outcome, parts = unknown(TABLE["draining"]), self._gateway.parts
        account = parts.account(attempt.identifier) if isinstance(attempt, LoginAttempt | RegisterAttempt) else None
        parts.ended(_journey(operation), label, received_at_s, outcome, account)
        return outcome


def _journey(operation: Operation[Any]) -> str:
    """What an attempt is called that stands on this call."""
    return "me" if operation is VALIDATE else operation.name


def _recorded(label: Label, outcome: T, crash: str | None = None) -> T:
    """The outcome; the attempt is over, for whoever records it and for lines of others."""
    served()
    if label.span is not None:
        label.span.ended(None, crash)
    return outcome


def _plain(value: str | Secret | None) -> str | None:
    return value.reveal() if isinstance(value, Secret) else value


def _held(token: str | Secret | None) -> Secret | Rejected:
    """A token as if it had come in a header, or what is wrong with it."""
    plain = _plain(token)
    return bearer([f"Bearer {plain}"] if plain else [], query_has_token=False)


def _token_attempt(access_token: str | Secret | None, label: Label, received_at_s: float) -> TokenAttempt | Rejected:
    held = _held(access_token)
    return held if isinstance(held, Rejected) else TokenAttempt(held, None, label, received_at_s)


def _logout_attempt(
    access_token: str | Secret | None,
    refresh_token: str | Secret | None,
    needs: frozenset[str],
    label: Label,
    received_at_s: float,
) -> TokenAttempt | Rejected:
    held = _held(access_token)
    if isinstance(held, Rejected) and held.cause.code != "token_missing":
        return held
    said = {"refresh_token": _plain(refresh_token)}
    return logout_attempt(said, held if isinstance(held, Secret) else None, label, received_at_s, needs)


def _response(answer: Answer, request_id: str) -> ProblemResponse:
    """An answer with the headers that the listener adds to each."""
    headers = [
        (b"x-request-id", request_id.encode("ascii")),
        (b"cache-control", b"no-store"),
        *answer.headers,
        (b"content-type", answer.content_type),
        (b"content-length", b"%d" % len(answer.body)),
    ]
    told = [(name.decode("ascii"), value.decode("latin-1")) for name, value in headers]
    return ProblemResponse(answer.status, told, answer.body)
