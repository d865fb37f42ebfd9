"""One raw connection to the lab: a request out, every byte that comes back, and how it ended.

It must never mend what comes back: what a fault sends may be no HTTP at all.
"""

import asyncio
import json
import time
from typing import Any, Final, Literal, NamedTuple

from netra.lab.faulty_auth_service import FaultyAuthService

EMAIL: Final = "ada@example.com"
TOKEN: Final = EMAIL.encode().hex()
PATIENCE_S: Final = 10.0
QUIET_S: Final = 0.4
"""For faults that keep people waiting: long enough to see several drops of what drips."""
ENOUGH_BYTES: Final = 3_000_000

Mode = Literal["answers", "closes", "resets", "hangs"]
"""Answers: a whole answer, the connection stays until we go. Hangs: neither an end nor an answer."""
_BODIES: Final = {
    "login": {"email": EMAIL, "password": "swordfish"},
    "register": {"email": EMAIL, "password": "swordfish", "name": "Ada"},
    "refresh": {"refresh_token": f"refresh-{TOKEN}"},
    "logout": {"refresh_token": f"refresh-{TOKEN}"},
    "validate": {"token": f"access-{TOKEN}"},
}


class Heard(NamedTuple):
    """What came back."""

    raw: bytes
    mode: Mode
    """How it ended; `answers` when it ended only because we said that we are done."""
    pieces_count: int
    took_s: float

    @property
    def status(self) -> int:
        """The number in the first line."""
        return int(self.raw[9:12])

    @property
    def body(self) -> bytes:
        """Everything after the first empty line."""
        return self.raw.partition(b"\r\n\r\n")[2]

    @property
    def json(self) -> Any:
        """The body, which must be JSON in UTF-8."""
        return json.loads(self.body.decode("utf-8"))

    def all(self, name: str) -> list[str]:
        """Every value of a header."""
        lines = self.raw.partition(b"\r\n\r\n")[0].decode("latin-1").split("\r\n")[1:]
        pairs = (line.partition(":") for line in lines)
        return [value.strip() for key, _, value in pairs if key.lower() == name.lower()]

    @property
    def whole(self) -> bool:
        """Is it one answer, as long as it says?"""
        return self.all("Content-Length") == [str(len(self.body))]


def request(call: str, email: str | None = None, **changes: str) -> bytes:
    """A call as a gateway sends it."""
    body = json.dumps({**_BODIES[call], **({"email": email} if email else {}), **changes}).encode()
    head = f"POST /auth/{call} HTTP/1.1\r\nHost: lab\r\nContent-Length: {len(body)}\r\n"
    return f"{head}X-Service-ID: netra\r\nX-Service-Secret: hush\r\n\r\n".encode() + body


async def heard(service: FaultyAuthService, sent: bytes, expected: Mode = "answers") -> Heard:
    """Everything that comes back. Who expects an answer says at once that nothing more will be asked."""
    reader, writer = await asyncio.open_connection("127.0.0.1", service.port)
    began_at_s, raw, pieces, mode = time.monotonic(), bytearray(), 0, expected
    try:
        async with asyncio.timeout(QUIET_S if expected == "hangs" else PATIENCE_S):
            writer.write(sent)
            if expected == "answers":
                writer.write_eof()
            while len(raw) < ENOUGH_BYTES:
                piece = await reader.read(65_536)
                if not piece:
                    mode = "answers" if expected == "answers" else "closes"
                    break
                raw += piece
                pieces += 1
    except TimeoutError:
        mode = "hangs"
    except ConnectionError:
        mode = "resets"
    finally:
        writer.transport.abort()
    return Heard(bytes(raw), mode, pieces, time.monotonic() - began_at_s)


async def ask(service: FaultyAuthService, call: str, email: str | None = None, **changes: str) -> Heard:
    """One call and its whole answer."""
    return await heard(service, request(call, email, **changes))
