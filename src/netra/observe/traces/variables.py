"""What is wrong with OpenTelemetry's own variables, told before the first span would be lost to it.

It must never repeat a value: headers hold keys, addresses hold passwords, and OpenTelemetry logs what it cannot read.
"""

import os
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Final, NamedTuple
from urllib.parse import urlsplit

from netra.core.findings import Finding, Severity

_SPOKEN: Final = "http/protobuf"
_LONGEST_S: Final = 86_400
_HEADER: Final = re.compile(r"[ \t]*[!#-'*+\-.0-9A-Z^-z|~]+[ \t]*=[ \t]*[ !#-+\--:<-\[\]-~]*[ \t]*")


def _is_spoken(value: str) -> bool:
    return value.strip().lower() == _SPOKEN


def _is_address(value: str) -> bool:
    try:
        address = urlsplit(value)
        return address.scheme in {"http", "https"} and bool(address.hostname) and address.port != 0
    except ValueError:
        return False


def _are_headers(value: str) -> bool:
    """As the exporter reads them; what it cannot read it would put into the log. Source: OTLP exporter, headers."""
    return all(_HEADER.fullmatch(each) for each in value.split(",") if each.strip(" \t"))


def _is_patience(value: str) -> bool:
    try:
        return 0 < float(value) <= _LONGEST_S
    except ValueError:
        return False


def _is_readable(value: str) -> bool:
    return os.access(value, os.R_OK)


class _Rule(NamedTuple):
    """What one variable of the exporter has to be."""

    name: str
    """After OTEL_EXPORTER_OTLP_, and after OTEL_EXPORTER_OTLP_TRACES_, which goes before the other."""
    holds: Callable[[str], bool]
    code: str
    what: str
    why: str
    fix: str


_LOST: Final = "No span would reach a collector."
_RULES: Final = (
    _Rule(
        "PROTOCOL", _is_spoken, "protocol_not_spoken", f"asks for another protocol than {_SPOKEN}",
        "Spans are sent over HTTP alone: a collector that waits for gRPC gets none.",
        f"Set it to {_SPOKEN} and OTEL_EXPORTER_OTLP_ENDPOINT to the collector's HTTP port, 4318 as a rule.",
    ),
    _Rule(
        "ENDPOINT", _is_address, "traces_unusable", "is no address of a collector", _LOST,
        "Set it to an address with scheme and host, such as http://collector:4318",
    ),
    _Rule(
        "HEADERS", _are_headers, "traces_unusable", "is no list of headers",
        "A collector that wants a key gets none.",
        "Write name=value, several with commas between; put other than printable ASCII, and commas, in percent form.",
    ),
    _Rule(
        "TIMEOUT", _is_patience, "traces_unusable", "is no number of seconds", _LOST,
        f"Set it to a number above 0, at most {_LONGEST_S}, or unset it.",
    ),
    *(
        _Rule(
            name, _is_readable, "traces_unusable", "names no file that can be read", _LOST,
            "Set it to the path of a file in PEM form that this user may read.",
        )
        for name in ("CERTIFICATE", "CLIENT_CERTIFICATE", "CLIENT_KEY")
    ),
)  # fmt: skip


def variable_findings(environ: Mapping[str, str]) -> Iterator[Finding]:
    """Each variable of the exporter that cannot be used; an empty one counts as unset."""
    for rule in _RULES:
        for name in (f"OTEL_EXPORTER_OTLP_TRACES_{rule.name}", f"OTEL_EXPORTER_OTLP_{rule.name}"):
            if value := environ.get(name):
                if not rule.holds(value):
                    yield Finding(Severity.ERROR, rule.code, name, rule.what, rule.why, rule.fix)
                break
