"""An auth service beside a test that is well until it is told how to fail.

It must never be given the users or the secrets of anybody: it lets everybody in.
"""

import contextlib
from collections.abc import Iterator, Sequence
from typing import Final

from netra.lab.connection import Delivery, Script
from netra.lab.faults import FAULTS, Fault
from netra.lab.faulty_auth_service import FaultyAuthService
from netra.testing.beside import Beside

LOGIN_PATH: Final = "/auth/login"
"""Where the lab's auth service takes logins: the default wire's path."""


class LabBeside:
    """An auth service that is healthy until it is told how to fail. Every password is right but for `wrong`."""

    def __init__(self, service: FaultyAuthService, beside: Beside) -> None:
        self.service = service
        """The lab itself, whose attributes may be set, e.g. `secret`."""
        self._beside = beside

    @property
    def url(self) -> str:
        """What your backend is told as the address of its auth service."""
        return self.service.url

    @property
    def journal(self) -> Sequence[Delivery]:
        """Every request that arrived whole, in order."""
        return tuple(self.service.journal)

    def deliveries(self, path: str = LOGIN_PATH) -> Sequence[Delivery]:
        """What arrived at one path: a login that was sent once stands here once."""
        return tuple(self.service.delivered(path))

    def fault(self, name: str, *, path: str | None = None, user: str | None = None) -> Fault:
        """Fail like this from now on: everywhere, or only on this path, or for e-mails with this local part.

        Raises: UnknownFault; CannotPlay.
        """
        return self._beside.call(lambda: self.service.fault(name, path=path, user=user))

    def each_fault(self) -> Iterator[Fault]:
        """Play every fault that a login can meet without TLS, one after the other; healed after each.

        A fault's `status` and `code` are what the gateway answers to a login while it lasts.
        """
        for fault in FAULTS:
            if fault.call == "login" and fault.certificate is None:
                self.fault(fault.name)
                try:
                    yield fault
                finally:
                    self.heal()

    def answer(self, path: str, script: Script, *, user: str | None = None) -> None:
        """From now on answer a path, any path, by a script of `netra.lab.scripts`."""
        self._beside.call(lambda: self.service.answer(path, script, user=user))

    def heal(self) -> None:
        """Be healthy again; the journal stays."""
        self._beside.call(self.service.heal)


@contextlib.contextmanager
def lab_beside() -> Iterator[LabBeside]:
    """A lab on a free port of the loopback."""
    with Beside("netra lab of a test") as beside, beside.held(FaultyAuthService()) as service:
        yield LabBeside(service, beside)
