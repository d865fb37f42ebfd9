"""A gate from its opening to its end, out of settings.

It must never read the environment before it is asked to, nor leave a connection or a task behind.
"""

import logging
import os
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Final, TypeVar

from prometheus_client import CollectorRegistry

from netra import __version__
from netra.assemble import Assembled, Tell, facts_of, open_gateway
from netra.core.events import ConfigurationProblem, Stage
from netra.core.findings import Finding, Severity
from netra.core.trace import Tracing
from netra.doctor.configuration import configuration
from netra.embed.gate import Gate
from netra.embed.records import Records
from netra.observe.log.lines import Lines
from netra.observe.traces.opening import TracesUnusable, host_tracing
from netra.pages.book import read_book
from netra.settings.read import SettingsProblem, known_names
from netra.settings.variables import Settings

G = TypeVar("G", bound=Gate)

LOGGER: Final = "netra"


@asynccontextmanager
async def open_gate(
    environ: Mapping[str, str] | None = None, *, tell: Tell | None = None, registry: CollectorRegistry | None = None
) -> AsyncIterator[Gate]:
    """A gateway as a function, for as long as the context is open. It belongs to the event loop that opens it.

    `environ` holds settings by the names of their variables; the environment, when it is not given. `tell` hears every
    event instead of the logger `netra`; what it raises stays with it. `registry` of Prometheus's has our metrics for as
    long. At the end, what is under way is waited for.

    Raises: SettingsProblem, with everything that is wrong; ValueError, when `registry` has the metrics of another gate.
    """
    async with opened(_gate, environ, tell, registry) as gate:
        yield gate


def _gate(assembled: Assembled, settings: Settings, tell: Tell) -> Gate:
    return Gate(assembled.gateway, assembled.view)


@asynccontextmanager
async def opened(
    gate_of: Callable[[Assembled, Settings, Tell], G],
    environ: Mapping[str, str] | None,
    tell: Tell | None,
    registry: CollectorRegistry | None,
) -> AsyncIterator[G]:
    """A gate that is made by `gate_of`, from its settings to its end. Otherwise as `open_gate`."""
    settings, findings = _settings(os.environ if environ is None else environ)
    listener = tell or _records(settings)
    tracing = _tracing(settings)
    opening = open_gateway(settings, listener, findings=findings, registry=registry, tracing=tracing)
    async with opening as assembled:
        told = assembled.tell
        for finding in findings:
            if finding.severity is not Severity.NOTE:
                told(ConfigurationProblem(finding))
        gate = gate_of(assembled, settings, told)
        told(Stage("started"))
        try:
            yield gate
        finally:
            await gate.close()
            told(Stage("stopped"))
            if isinstance(listener, Records):
                listener.close()


def _settings(environ: Mapping[str, object]) -> tuple[Settings, tuple[Finding, ...]]:
    """The settings, and what is doubtful in them. Raises: SettingsProblem."""
    known = known_names()
    strange = {name: value for name, value in environ.items() if name in known and not isinstance(value, str)}
    texts = {name: value for name, value in environ.items() if isinstance(value, str)}
    loaded = configuration(texts, serves=False)
    findings = (*map(_no_text, strange), *(each for each in loaded.findings if each.subject not in strange))
    if loaded.settings is None or strange:
        raise SettingsProblem(findings)
    return loaded.settings, findings


def _no_text(variable: str) -> Finding:
    what, why = "is not given as a text", "Settings are read as they stand in an environment."
    return Finding(Severity.ERROR, "not_a_text", variable, what, why, 'Give it as a text, e.g. "5" for the number 5.')


def _tracing(settings: Settings) -> Tracing | None:
    """The program's own tracing, where that is wanted; a gate sends no spans itself. Raises: SettingsProblem."""
    try:
        return host_tracing(settings.traces, settings.auth_service_url or settings.oidc_issuer, version=__version__)
    except TracesUnusable as problem:
        raise SettingsProblem((problem.finding,)) from None


def _records(settings: Settings) -> Records:
    run_id = f"run-{os.urandom(6).hex()}"
    lines = Lines(read_book(), facts_of(settings), run_id)
    return Records(lines, logging.getLogger(LOGGER), settings.log_lines_per_s)
