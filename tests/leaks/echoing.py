"""Auth services that repeat what they are sent: password, tokens and our own secret, in every part of an answer.

It must never be taken for a fault of the lab: no auth service may do this, and some do.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Final
from urllib.parse import quote

from netra.lab.connection import Connection, Delivery, Script
from netra.lab.scripts import HTML, JSON, PROBLEM, Headers, message

PATHS: Final = ("/auth/login", "/auth/register", "/auth/refresh", "/auth/logout", "/auth/validate", "/auth/config")
UPKEEP: Final = ("/health", "/auth/handshake", "/auth/revocations", "/.well-known/jwks.json")
_LOOKED_AT: Final = (
    "Location", "Server", "Via", "Retry-After", "WWW-Authenticate", "X-Request-ID", "Set-Cookie", "X-Powered-By",
)  # fmt: skip
Answering = Callable[[Delivery], bytes]


def heard(delivery: Delivery) -> Mapping[str, str]:
    """Everything that a delivery has told, by name."""
    sent = delivery.json if isinstance(delivery.json, dict) else {}
    return {
        "secret": delivery.header("X-Service-Secret") or "",
        "bearer": (delivery.header("Authorization") or "").rpartition(" ")[2],
        **{str(name): value for name, value in sent.items() if isinstance(value, str)},
    }


def _sentence(delivery: Delivery) -> str:
    return " and ".join(f"{name} {value}" for name, value in heard(delivery).items())


def _coded(status: int, code: str) -> Answering:
    def answer(delivery: Delivery) -> bytes:
        members = {"code": code, "detail": _sentence(delivery), "title": _sentence(delivery), **heard(delivery)}
        return message(status, (PROBLEM, *_headers(delivery)), json.dumps(members).encode())

    return answer


def _member(status: int, name: str, *, from_the_end: bool = False) -> Answering:
    """The first or the last of what was sent stands where a code or a sentence stands otherwise."""

    def answer(delivery: Delivery) -> bytes:
        values = [value for value in heard(delivery).values() if value]
        said = values[-1 if from_the_end else 0] if values else "nothing"
        return message(status, [JSON], json.dumps({name: said}).encode())

    return answer


def _named_so(delivery: Delivery) -> bytes:
    """What was sent names members, as where faults are listed by the value that has them."""
    return message(400, [JSON], json.dumps(dict.fromkeys(heard(delivery).values(), "unknown")).encode())


def _of_validation(delivery: Delivery) -> bytes:
    """As some frameworks tell that a field is wrong: with the value beside it."""
    wrong = [
        {"loc": ["body", name], "msg": f"{value} is wrong", "type": "value_error", "input": value}
        for name, value in heard(delivery).items()
    ]
    return message(422, [JSON], json.dumps({"detail": wrong, "errors": wrong}).encode())


def _of_accepting(delivery: Delivery) -> bytes:
    """A success of the wrong shape, with everything in it."""
    told = dict(heard(delivery))
    return message(200, [JSON], json.dumps({**told, "access_token": 7, "user": told, "status": told}).encode())


def _page(status: int) -> Answering:
    def answer(delivery: Delivery) -> bytes:
        dump = f"<h1>Traceback</h1><pre>{_sentence(delivery)} {delivery.headers}</pre>"
        return message(status, [HTML, *_headers(delivery)], dump.encode())

    return answer


def _headers(delivery: Delivery) -> Headers:
    """In the headers that a gateway looks at."""
    told = quote(_sentence(delivery))
    return [(name, told) for name in _LOOKED_AT]


def _no_http(delivery: Delivery) -> bytes:
    return f"HTTP/1.1 {quote(_sentence(delivery))} \r\n\r\n".encode()


def _bad_header(delivery: Delivery) -> bytes:
    return f"HTTP/1.1 200 OK\r\n{_sentence(delivery)}\r\n\r\n".encode()


ECHOES: Final[Mapping[str, Answering]] = {
    "echo in a refusal": _coded(401, "invalid_credentials"),
    "echo in a refusal of us": _coded(401, "service_credentials_rejected"),
    "echo beside an unknown code": _coded(400, "something_else"),
    "echo in a failure": _coded(500, "oops"),
    "echo in a locked account": _coded(423, "account_locked"),
    "echo as the code of a 400": _member(400, "code"),
    "echo as the last code of a 400": _member(400, "code", from_the_end=True),
    "echo as the last sentence of a 422": _member(422, "message", from_the_end=True),
    "echo as names of members": _named_so,
    "echo as the code of a 403": _member(403, "error_code"),
    "echo as the error of a 401": _member(401, "error"),
    "echo as the message of a 409": _member(409, "message"),
    "echo as the detail of a 503": _member(503, "detail"),
    "echo in a list of fields": _of_validation,
    "echo in a success": _of_accepting,
    "echo in a page, 200": _page(200),
    "echo in a page, 403": _page(403),
    "echo in a page, 500": _page(500),
    "echo in a redirect": _page(302),
    "echo in place of a status": _no_http,
    "echo in a broken header": _bad_header,
}


def scripts() -> Iterator[tuple[str, Script]]:
    """Each of them, as a script for any path."""
    for name, answering in ECHOES.items():
        yield name, _script(answering)


def _script(answering: Answering) -> Script:
    async def script(connection: Connection, delivery: Delivery) -> None:
        await connection.send(answering(delivery))
        connection.close()

    return script
