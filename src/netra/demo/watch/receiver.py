"""Where Alertmanager brings its notices: an application of ours, and what each notice says that is new.

It must never take a notice from anybody who has not been told its path.
"""

import asyncio
import secrets
import traceback
from typing import Final, NamedTuple

import msgspec

from netra.asgi.adapter import App, Limits
from netra.asgi.body import json_object
from netra.asgi.problem import problem
from netra.asgi.words import Answer, Refusal, Request, Route

_MOST_NOTICES: Final = 1000
_MOST_BYTES: Final = 1024 * 1024
"""A notification repeats every alert of its group, with all annotations."""


class Notice(NamedTuple):
    """One alert, as it begins to fire or is over."""

    status: str
    """`firing` or `resolved`. Source: Alertmanager, webhook_config."""
    receiver: str
    """Whom the routes have it brought to."""
    labels: dict[str, str]
    annotations: dict[str, str]

    @property
    def is_firing(self) -> bool:
        """Does it begin? Else it is over."""
        return self.status == "firing"

    @property
    def name(self) -> str:
        """Of the alert."""
        return self.labels.get("alertname", "")

    @property
    def key(self) -> tuple[tuple[str, str], ...]:
        """What tells it from all others."""
        return tuple(sorted(self.labels.items()))


class _Notification(msgspec.Struct, frozen=True):
    """What Alertmanager posts: the members that are of use here."""

    receiver: str
    alerts: list["_Told"]


class _Told(msgspec.Struct, frozen=True):
    status: str
    labels: dict[str, str]
    annotations: dict[str, str]


class Receiver:
    """Keeps what is new until somebody takes it. Belongs to one event loop."""

    def __init__(self) -> None:
        self.path = f"/notices/{secrets.token_urlsafe(16)}"
        """Where notices are brought; nobody but our Alertmanager is told."""
        self.app = App(
            [Route("POST", self.path, self._take, reads_json=True)],
            _refuse,
            lambda _, crash: traceback.print_exception(crash),
            limits=Limits(body_bytes=_MOST_BYTES),
        )
        self._news: asyncio.Queue[Notice] = asyncio.Queue()
        self._firing: dict[tuple[tuple[str, str], ...], Notice] = {}

    def firing(self) -> tuple[Notice, ...]:
        """What was told to fire and not yet told to be over, oldest first."""
        return tuple(self._firing.values())

    async def news(self) -> Notice:
        """The next alert that begins or is over, as soon as there is one."""
        return await self._news.get()

    async def _take(self, request: Request) -> Answer:
        said = json_object(request)
        if isinstance(said, Refusal):
            return _refuse(said, request.request_id)
        try:
            notification = msgspec.convert(said, _Notification)
        except msgspec.ValidationError:
            return _refuse(Refusal(400, "malformed_request"), request.request_id)
        for told in notification.alerts[:_MOST_NOTICES]:
            self._hear(Notice(told.status, notification.receiver, told.labels, told.annotations))
        return Answer(200, b"{}")

    def _hear(self, notice: Notice) -> None:
        """Each notification repeats its whole group: what was told before is no news."""
        if notice.is_firing == (notice.key in self._firing):
            return
        if notice.is_firing:
            self._firing[notice.key] = notice
        else:
            del self._firing[notice.key]
        self._news.put_nowait(notice)


def _refuse(refusal: Refusal, request_id: str) -> Answer:
    members = {"status": refusal.status, "code": refusal.code, "request_id": request_id}
    return problem(refusal.status, members, refusal.headers)
