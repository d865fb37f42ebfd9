"""What tests of learning share: replies as an auth service sends them, tokens that nobody has signed, and a plan.

It must never hold anybody's password: whoever is named here does not exist.
"""

import json
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from typing import Any, Final

from netra.core.secret import Secret
from netra.core.verdict.reply import Reply
from netra.doctor.learn.logins import Plan, Target

NOW: Final = 1_800_000_000.0
IDENTIFIER: Final = "ada.byron@example.com"
PASSWORD: Final = "Swordfish-and-chips-42"
NOBODY: Final = "netra-check-0a1b2c3d4e5f@example.com"
GUESSED: Final = "Wrong-0011223344556677-1!"
SENT: Final = (IDENTIFIER, PASSWORD, NOBODY, GUESSED)


def jwt(**claims: Any) -> str:
    """A token with these claims."""
    parts = (json.dumps({"alg": "HS256"}), json.dumps(claims), "signature-of-nobody")
    return ".".join(urlsafe_b64encode(part.encode()).decode().rstrip("=") for part in parts)


def answered(status: int, document: Any, headers: Mapping[str, str] | None = None) -> Reply:
    """A reply with a JSON document."""
    return Reply(status, {"content-type": "application/json", **(headers or {})}, json.dumps(document).encode(), NOW)


def plan(**changes: Any) -> Plan:
    """A plan for a service at a usual place."""
    made = Plan(
        target=Target("http://127.0.0.1:9", "/sessions"),
        name="acme",
        identifier=Secret(IDENTIFIER),
        password=Secret(PASSWORD),
        nobody=Secret(NOBODY),
        wrong_password=Secret(GUESSED),
    )
    return made._replace(**changes)
