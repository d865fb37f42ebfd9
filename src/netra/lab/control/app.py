"""The control of a running lab: list faults, switch them, heal, and see what arrived, over HTTP.

It must never show a value that was delivered: header names, and whether credentials were there, are all it tells.
"""

import errno
import os
import re
import time
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import parse_qsl

import msgspec

from netra.asgi.adapter import App
from netra.asgi.admission import AdminRules
from netra.asgi.problem import error_list, problem
from netra.asgi.words import Answer, Refusal, Request, Route
from netra.core.secret import Secret
from netra.lab.catalogue.choice import Switched
from netra.lab.connection import Delivery
from netra.lab.control.rows import row
from netra.lab.faults import FAULTS, UnknownFault
from netra.lab.faulty_auth_service import CannotPlay, FaultyAuthService

Crashed = Callable[[Request, BaseException], None]

_SHOWN_COUNT: Final = 100
"""Deliveries that are shown when nobody says how many."""
_MOST_HEADERS: Final = 64
_LONGEST_TEXT: Final = 100
_SECRETIVE: Final = re.compile(r"[^/]{17,}")
"""A segment of a path that is too long for a name: it may be a token."""
_HERE: Final[Mapping[str, str]] = {
    "GET /faults": "all faults, and what a gateway must answer to each",
    "GET /fault": "what is switched on now",
    "POST /fault/NAME": "switch it on; ?path=/auth/login and ?user=ada narrow it",
    "POST /heal": "switch everything off",
    "GET /journal": "what arrived; ?limit=10",
    "POST /journal/clear": "forget it",
}


def control_app(
    service: FaultyAuthService,
    *,
    host: str,
    hosts: Iterable[str] = (),
    token: Secret | None = None,
    crashed: Crashed,
) -> App:
    """The application of the control listener bound to `host`; it belongs to the service's event loop.

    `hosts` are further names by which it may be addressed. With a `token` everything needs it.
    """
    control = _Control(service)
    routes = (
        Route("GET", "/", control.overview),
        Route("GET", "/faults", control.listed),
        Route("GET", "/fault", control.active),
        Route("POST", "/fault/*", control.switch),
        Route("POST", "/heal", control.heal),
        Route("GET", "/journal", control.journal),
        Route("POST", "/journal/clear", control.clear),
    )
    return App(routes, _worded, crashed, admit=AdminRules(host, hosts, token))


class _Control:
    """The handlers, a method each."""

    def __init__(self, service: FaultyAuthService) -> None:
        self._service = service

    async def overview(self, request: Request) -> Answer:
        return _readable({"auth_service_url": self._service.url, **self._on(), "here": _HERE})

    async def listed(self, request: Request) -> Answer:
        return _readable({**self._on(), "faults": [row(fault) for fault in FAULTS]})

    async def active(self, request: Request) -> Answer:
        return _readable(self._on())

    async def switch(self, request: Request) -> Answer:
        name = request.path.rpartition("/")[2]
        narrowed = _query(request)
        if narrowed is None or narrowed.keys() - {"path", "user"}:
            detail = "Only `path` and `user` narrow a fault."
            return _refused(422, "invalid_fields", detail, request.request_id)
        path = narrowed.get("path")
        if path is not None and not path.startswith("/"):
            detail = "`path` begins with a slash, e.g. /auth/login."
            return _refused(422, "invalid_fields", detail, request.request_id)
        try:
            self._service.fault(name, path=path, user=narrowed.get("user"))
        except UnknownFault as unknown:
            detail = str(unknown).replace("`netra lab faults`", "GET /faults")
            return _refused(404, "not_found", detail, request.request_id, near=unknown.near)
        except CannotPlay as cannot:
            return _refused(409, "cannot_be_played", str(cannot), request.request_id)
        except OSError as error:
            return _port_lost(error, request.request_id)
        return _readable({**self._on(), "mend": "POST /heal"})

    async def heal(self, request: Request) -> Answer:
        try:
            self._service.heal()
        except OSError as error:
            return _port_lost(error, request.request_id)
        return _readable(self._on())

    async def journal(self, request: Request) -> Answer:
        asked = _query(request)
        said = "" if asked is None else asked.get("limit", str(_SHOWN_COUNT))
        if not (said.isascii() and said.isdigit() and len(said) < 7):
            return _refused(422, "invalid_fields", "`limit` is a whole number.", request.request_id)
        kept = self._service.journal
        first = max(0, len(kept) - int(said))
        number, now_s, now = self._service.deliveries_count - len(kept) + first, time.monotonic(), datetime.now(UTC)
        rows = [
            {"number": number + place, **_delivery(delivery, now - timedelta(seconds=now_s - delivery.arrived_at_s))}
            for place, delivery in enumerate(kept[first:], 1)
        ]
        return _readable({"total": self._service.deliveries_count, "kept": len(kept), "deliveries": rows})

    async def clear(self, request: Request) -> Answer:
        self._service.journal.clear()
        self._service.deliveries_count = 0
        return _readable({"total": 0, "kept": 0})

    def _on(self) -> dict[str, Any]:
        """What is switched on; `active` is what everybody meets."""
        everybody = next((each.fault.name for each in self._service.faults if each[1:] == (None, None)), None)
        return {"active": everybody, "on": [_switched(each) for each in self._service.faults]}


def _switched(switched: Switched) -> dict[str, Any]:
    fault = switched.fault
    told = {"fault": fault.name, "what": fault.what, "a_gateway_answers": f"{fault.promised} ({fault.call})"}
    narrowed = {"path": switched.path, "user": switched.user}
    return {**told, **{name: value for name, value in narrowed.items() if value is not None}}


def _delivery(delivery: Delivery, at: datetime) -> dict[str, Any]:
    return {
        "at": at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "connection": delivery.connection,
        "method": delivery.method[:_LONGEST_TEXT],
        "path": _SECRETIVE.sub("…", delivery.path[: 4 * _LONGEST_TEXT]),
        "headers": [name[:_LONGEST_TEXT] for name, _ in delivery.headers[:_MOST_HEADERS]],
        "service_credentials": bool(delivery.header("X-Service-ID") and delivery.header("X-Service-Secret")),
        "idempotency_key": delivery.header("Idempotency-Key") is not None,
        "fault": delivery.fault or None,
    }


def _query(request: Request) -> dict[str, str] | None:
    """The query; None when it has too many fields."""
    try:
        return dict(parse_qsl(request.query.decode("latin-1"), keep_blank_values=True, max_num_fields=16))
    except ValueError:
        return None


def _worded(refusal: Refusal, request_id: str) -> Answer:
    detail = refusal.detail or HTTPStatus(refusal.status).phrase
    answer = _refused(
        refusal.status,
        refusal.code,
        detail,
        request_id,
        retry_after=refusal.retry_after_s,
        errors=error_list(refusal.errors),
    )
    return answer.changed(headers=(*answer.headers, *refusal.headers))


def _refused(status: int, code: str, detail: str, request_id: str, **more: Any) -> Answer:
    """A refusal in the form of RFC 9457."""
    title = HTTPStatus(status).phrase
    members = {"title": title, "status": status, "detail": detail, "code": code, "request_id": request_id, **more}
    headers = ((b"www-authenticate", b'Bearer realm="netra-lab"'),) if status == HTTPStatus.UNAUTHORIZED else ()
    if more.get("retry_after") is not None:
        headers = (*headers, (b"retry-after", b"%d" % more["retry_after"]))
    return problem(status, members, headers)


def _port_lost(error: OSError, request_id: str) -> Answer:
    """Somebody else has taken the port while it was closed."""
    reason = os.strerror(error.errno or errno.EINVAL)
    detail = f"The auth service cannot have its port again: {reason}. Free it, then POST /heal."
    return _refused(503, "port_lost", detail, request_id, retry_after=1)


def _readable(document: dict[str, Any]) -> Answer:
    """JSON for people who ask with curl: indented, and the prompt on a line of its own."""
    return Answer(200, msgspec.json.format(msgspec.json.encode(document), indent=2) + b"\n")
