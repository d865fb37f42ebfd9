"""From a setting to whoever records attempts: nobody, a collector of our own, or the program that embeds us.

It must never load OpenTelemetry where nobody asked for traces.
"""

import os
import re
from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from typing import TYPE_CHECKING, Final

from netra.core.findings import Finding, Severity
from netra.observe.traces.attributes import Destination
from netra.observe.traces.variables import variable_findings

if TYPE_CHECKING:
    from netra.observe.traces.host import HostTracing
    from netra.observe.traces.own import OwnTracing

VARIABLE: Final = "NETRA_TRACES"
OFF: Final = "off"
_NEEDED: Final = ("opentelemetry.sdk.trace", "opentelemetry.exporter.otlp.proto.http.trace_exporter")
_NAMED: Final = re.compile(r"\bOTEL_[A-Z_]+")


class TracesUnusable(Exception):
    """OpenTelemetry's variables cannot be used."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(finding.line())
        self.finding = finding


def trace_findings(traces: str, environ: Mapping[str, str]) -> Iterator[Finding]:
    """What keeps traces from being sent, though they are asked for."""
    if _is_off(traces, environ):
        return
    if not all(map(_installed, _NEEDED)):
        yield _missing(traces)
    yield from variable_findings(environ)


def own_tracing(traces: str, base_url: str, *, version: str, environment: str) -> "OwnTracing | None":
    """Who records the attempts of a gateway that serves by itself; None where nobody is to.

    Where spans go and how many there are is said by OpenTelemetry's variables. Raises: TracesUnusable.
    """
    if _is_off(traces, os.environ):
        return None
    for finding in trace_findings(traces, os.environ):
        raise TracesUnusable(finding)
    try:
        from netra.observe.traces.collector import opened  # noqa: PLC0415 - only whoever asks for the extra loads it

        return opened(base_url, version, environment)
    except (ValueError, OSError, RuntimeError) as problem:
        raise TracesUnusable(_unusable(problem)) from None


def host_tracing(traces: str, base_url: str, *, version: str) -> "HostTracing | None":
    """Who records the attempts of a gateway inside another program: that program's own tracer; None where off.

    Raises: TracesUnusable.
    """
    if traces == OFF:
        return None
    if not _installed("opentelemetry.trace"):
        raise TracesUnusable(_missing(traces))
    from netra.observe.traces.host import HostTracing  # noqa: PLC0415 - as above

    return HostTracing(Destination(base_url), version)


def _is_off(traces: str, environ: Mapping[str, str]) -> bool:
    """Is nobody to record anything? OpenTelemetry's own switch says so for all programs of an installation."""
    return traces == OFF or environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true"


def _installed(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:  # nor is the package that it would be in
        return False


def _missing(traces: str) -> Finding:
    return Finding(
        Severity.ERROR,
        "extra_missing",
        VARIABLE,
        f"is {traces}, and OpenTelemetry is not installed",
        "There is nothing that could send a span.",
        'Install it: pip install "netra-gateway[traces]"; or set NETRA_TRACES=off.',
    )


def _unusable(problem: Exception) -> Finding:
    """What OpenTelemetry says of a variable may hold its value: of its words only the name is told."""
    named = _NAMED.search(str(problem))
    return Finding(
        Severity.ERROR,
        "traces_unusable",
        named[0] if named else "OTEL_*",
        f"{'cannot be used' if named else 'one of them cannot be used'} ({type(problem).__name__})",
        "Spans cannot be sent.",
        "Check what OpenTelemetry's variables are set to: of this name, of the sampler, and of credentials.",
    )
