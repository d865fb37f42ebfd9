"""A name server that knows one answer at a time, and may refuse or keep silent: for a network of one's own.

It must never be asked outside of such a network: it answers for every name there is.
"""

import socket
import struct
import threading
from collections.abc import Sequence
from ipaddress import IPv4Address
from typing import Final, Self

_HEADER: Final = struct.Struct("!6H")
_ANSWER: Final = 0x8180
_SERVFAIL: Final = 2
_NXDOMAIN: Final = 3
_A: Final = 1


class NameServer:
    """Answers on the port of name servers, from `with` to its end. Source: RFC 1035, section 4."""

    def __init__(self, host: str = "127.0.0.1") -> None:
        self.says: Sequence[str] | int | None = ("127.0.0.1",)
        """Addresses, the number of an error, or nothing at all."""
        self.asked_count = 0
        self._line = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._line.bind((host, 53))
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *ended: object) -> None:
        self._line.close()

    def servfail(self) -> None:
        """From now on say that it cannot say."""
        self.says = _SERVFAIL

    def nxdomain(self) -> None:
        """From now on say that there is no such name."""
        self.says = _NXDOMAIN

    def hang(self) -> None:
        """From now on say nothing."""
        self.says = None

    def leads_to(self, *addresses: str) -> None:
        """From now on say these addresses."""
        self.says = addresses

    def _serve(self) -> None:
        while True:
            try:
                asked, whom = self._line.recvfrom(512)
            except OSError:
                return
            self.asked_count += 1
            if self.says is not None:
                self._line.sendto(_reply(asked, self.says), whom)


def _reply(asked: bytes, says: Sequence[str] | int) -> bytes:
    number = _HEADER.unpack_from(asked)[0]
    end = asked.index(b"\0", _HEADER.size) + 5
    question = asked[_HEADER.size : end]
    if isinstance(says, int):
        return _HEADER.pack(number, _ANSWER | says, 1, 0, 0, 0) + question
    wanted = struct.unpack_from("!H", asked, end - 4)[0] == _A
    addresses = [IPv4Address(each).packed for each in says] if wanted else []
    records = [struct.pack("!HHHIH", 0xC00C, _A, 1, 0, 4) + address for address in addresses]
    return _HEADER.pack(number, _ANSWER, 1, len(records), 0, 0) + question + b"".join(records)
