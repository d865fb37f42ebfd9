"""A gateway on its two listeners, from bound sockets to the last answer: what `serve` and the demo share.

It must never begin to listen before all addresses are taken, nor stop the admin listener before the public one.
"""

import gc
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Final, NamedTuple, TextIO

from netra.asgi.server import Listener, Listening, bind, descriptors_count, serve
from netra.asgi.words import Route
from netra.assemble import Assembled, facts_of, open_gateway
from netra.assemble_admin import NOTHING_MORE, Shown
from netra.core.events import ConfigurationProblem, Event, Stage
from netra.core.findings import Finding, Severity
from netra.observe.log.lines import Lines
from netra.observe.log.whole_process import process_log
from netra.observe.log.writing import Logs
from netra.observe.tell import Tell
from netra.pages.book import read_book
from netra.settings.variables import Settings

_GC_THRESHOLDS: Final = (50_000, 50, 50)
_OWN_DESCRIPTORS: Final = 32
"""What a gateway has open for itself: event loop, log, listeners, the resolver's files, and a second address."""
_MOST_CLIENTS: Final = 10_000
_FEW_OPERATORS: Final = 32
_MOST_OPERATORS: Final = 256
"""An open console holds one for as long as it is open."""


class Shares(NamedTuple):
    """Who may have how many of the process's descriptors open, so that none of them can use up the others'."""

    clients_count: int
    operators_count: int

    @classmethod
    def of(cls, descriptors_count: int, max_in_flight: int) -> "Shares":
        """Operators, the auth service and we ourselves get theirs first; whatever is left is for clients."""
        operators_count = min(_MOST_OPERATORS, max(_FEW_OPERATORS, descriptors_count // 16), descriptors_count // 8)
        left = descriptors_count - operators_count - max_in_flight - _OWN_DESCRIPTORS
        return cls(min(_MOST_CLIENTS, max(left, descriptors_count // 8)), operators_count)


async def serve_gateway(  # noqa: PLR0913 - what one gateway and whoever starts it have to tell each other
    settings: Settings,
    findings: tuple[Finding, ...],
    tell: Callable[[Event], None],
    *,
    extra_admin_routes: Iterable[Route] = (),
    shown: Shown = NOTHING_MORE,
    on_assembled: Callable[[Assembled], None] = lambda _: None,
    on_started: Callable[[list[Listening]], None] = lambda _: None,
) -> int:
    """Serve until told to stop; returns the exit code.

    Raises: CannotListen, when an address is taken.
    """
    opening = open_gateway(settings, tell, findings=findings, extra_admin_routes=extra_admin_routes, shown=shown)
    async with opening as assembled:
        on_assembled(assembled)
        tell = assembled.tell
        bound = bind(_listeners(settings, assembled))
        for finding in findings:
            if finding.severity is not Severity.NOTE:
                tell(ConfigurationProblem(finding))

        def started() -> None:
            _settle_memory()
            tell(Stage("started", tuple((each.listener.name.partition(" ")[0], each.url) for each in bound)))
            on_started(bound)

        def draining() -> None:
            assembled.view.readiness.draining = True
            tell(Stage("draining"))

        code = await serve(bound, drain_delay_s=settings.drain_delay_s, on_started=started, on_draining=draining)
        tell(Stage("stopped"))
        return code


def _listeners(settings: Settings, assembled: Assembled) -> list[Listener]:
    shares = Shares.of(descriptors_count(), settings.max_in_flight)
    return [
        Listener(
            "public listener",
            assembled.public,
            settings.host,
            settings.port,
            "--port or NETRA_PORT",
            shares.clients_count,
        ),
        Listener(
            "admin listener",
            assembled.admin,
            settings.admin_host,
            settings.admin_port,
            "--admin-port or NETRA_ADMIN_PORT",
            shares.operators_count,
        ),
    ]


@contextmanager
def telling(settings: Settings, stream: TextIO | None) -> Iterator[Tell]:
    """Observers for a whole process: our log lines, and those of other libraries in our form."""
    with process_log(stream, settings.log_format, settings.log_level, settings.log_lines_per_s) as log:
        lines = Lines(read_book(), facts_of(settings), log.run_id)
        yield Tell([Logs(lines, log.logger, log.lines_lost_count, log.lines_summarised_count)])


def _settle_memory() -> None:
    """What exists at the start lives to the end: the collector need not look at it under load."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_GC_THRESHOLDS)
