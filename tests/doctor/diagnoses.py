"""Diagnoses that nobody has made, for tests of reports: a broken one, a doubtful one and a good one.

It must never be taken for what a hop says: those words are the hops' own.
"""

from typing import Final

from netra.core.findings import Finding, Severity
from netra.doctor.diagnosis import WHOLE_HOP, Check, Diagnosis, Hop, State
from netra.settings.field import Effective

URL: Final = "http://auth.shop.test:8081"
SETTINGS: Final = (
    Effective("AUTH_SERVICE_URL", URL, None, "environment"),
    Effective("SERVICE_SECRET", "••••••", "5670c8e6", "file /run/secrets/netra"),
)

DOUBTFUL: Final = Finding(
    Severity.WARNING, "plaintext_url", "AUTH_SERVICE_URL", "has http", "Anyone can read it.", "Use https."
)
REFUSED: Final = Finding(
    Severity.ERROR,
    "connection_refused",
    Hop.TCP,
    "auth.shop.test port 8081 refused the connection.",
    "Users get 503 `connection_refused`.",
    "Start it:\n`netra authd`",
)
_READ: Final = Check(Hop.CONFIGURATION, "settings", State.WARN, "2 of 57 set, 1 warning", 0.013, (DOUBTFUL,))
_NAMED: Final = Check(Hop.DNS, "address", State.PASS, "auth.shop.test is 192.0.2.7", 0.002)


def broken() -> Diagnosis:
    """Nobody listens, and the settings are in doubt, too."""
    refused = Check(Hop.TCP, "connection", State.FAIL, "192.0.2.7:8081: connection refused", 0.001, (REFUSED,))
    why = "not looked at: tcp is broken"
    unseen = [Check(each, WHOLE_HOP, State.SKIP, why) for each in (Hop.TLS, Hop.HTTP, Hop.CONTRACT)]
    took_s = {Hop.CONFIGURATION: 0.013, Hop.DNS: 0.002, Hop.TCP: 1.25}
    return Diagnosis((_READ, _NAMED, refused, *unseen), SETTINGS, 1.27, took_s)


def doubtful() -> Diagnosis:
    """Logins get through, and something is not as it should be."""
    return Diagnosis((_READ, _NAMED), SETTINGS, 0.02, {Hop.CONFIGURATION: 0.013, Hop.DNS: 0.002})


def good() -> Diagnosis:
    """All is well; two checks of one hop have taken their time."""
    routes = [
        Check(Hop.CONTRACT, f"route_{name}", State.PASS, f"{name} answers", 0.02) for name in ("log_in", "log_out")
    ]
    return Diagnosis((_NAMED, *routes), SETTINGS, 0.05, {Hop.DNS: 0.002, Hop.CONTRACT: 0.02})
