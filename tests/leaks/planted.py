"""What is planted: a secret of every kind, and the environment of a gateway that is told all of them.

It must never be a text that anybody uses: each is made of words that stand nowhere else.
"""

from base64 import b64encode
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from netra.lab.certificates import Authority
from netra.lab.scripts import session
from tests.leaks.needles import Needles

EMAIL: Final = "Quokka.Harrier+planted@Walnut-Heron.example"
NAME: Final = "Ada Lovelace"
PASSWORD: Final = "Tulip9Marmot\"\\ &+%/=<>';ü€Quartz7Walrus"
WRONG_PASSWORD: Final = "Juniper4Wombat ~ü¿ Saffron2Lemming"
SERVICE_ID: Final = "netra-under-test"
SERVICE_SECRET: Final = "Zx4Kestrel8QmWv2Bramble6TnRp9Ocelot1LsYd"
PREVIOUS_SECRET: Final = "Hf7Gannet3UkPz5Thistle0EjXw8Tapir4VbNc"
ADMIN_TOKEN: Final = "Rw2Plover6AiGs9Sorrel4MqDt1Numbat7KyEh"
WRONG_ADMIN_TOKEN: Final = "Bt8Avocet1XoLf3Yarrow5CvJm7Quoll2ZnWg"
LOG_KEY: Final = "Yd5Fulmar9NhSk2Bracken7OaTu4Dingo6PxQr"
OAUTH_SECRET: Final = "Lm3Curlew8WgVe1Teasel5FiZq9Caracal2HoBs"
DATABASE_PASSWORD: Final = "Ep6Dunlin2XtJy9Fescue4RvKa"
COLLECTOR_TOKEN: Final = "Vc1Siskin7DpUo3Gorse8MwHf"

TOKENS: Final = session(EMAIL)
ACCESS: Final[str] = TOKENS["access_token"]
REFRESH: Final[str] = TOKENS["refresh_token"]
LEAVING: Final[str] = session(f"leaving+{EMAIL}")["access_token"]
"""Of a session that is ended on purpose."""
BASIC: Final = b64encode(f"{EMAIL}:{PASSWORD}".encode()).decode()

OWN_ANSWER: Final = frozenset({"access token", "refresh token", "e-mail"})
"""What the answer to one's own login or refresh holds."""
OWN_NAME: Final = frozenset({"e-mail"})
"""What tells somebody, or the backend that asks for him, who he is."""


def needles(client_key: Path | None = None) -> Needles:
    """Everything that is planted, to be looked for."""
    found = Needles(
        {
            "password": _with_ends(PASSWORD),
            "wrong password": _with_ends(WRONG_PASSWORD),
            "e-mail": (EMAIL, *EMAIL.split("@")),
            "access token": (ACCESS, ACCESS[:16], LEAVING),
            "refresh token": (REFRESH, REFRESH[:17]),
            "service secret": _with_ends(SERVICE_SECRET),
            "previous service secret": _with_ends(PREVIOUS_SECRET),
            "admin token": _with_ends(ADMIN_TOKEN),
            "wrong admin token": _with_ends(WRONG_ADMIN_TOKEN),
            "log key": _with_ends(LOG_KEY),
            "OAuth secret": _with_ends(OAUTH_SECRET),
            "database password": _with_ends(DATABASE_PASSWORD),
            "collector's token": _with_ends(COLLECTOR_TOKEN),
            "Basic credentials": (BASIC,),
        }
    )
    if client_key is not None:
        for line in client_key.read_text("ascii").splitlines()[1:-1]:
            found.add("client key", line)
    return found


def environment(url: str, authority: Authority, folder: Path, collector: str) -> Mapping[str, str]:
    """A gateway's variables with everything planted in them."""
    pair = authority.pair("gateway")
    return {
        "ENVIRONMENT": "test",
        "AUTH_SERVICE_URL": url,
        "AUTH_SERVICE_CA_FILE": str(authority.file),
        "AUTH_SERVICE_CLIENT_CERT_FILE": str(pair.certificate),
        "AUTH_SERVICE_CLIENT_KEY_FILE": str(pair.key),
        "SERVICE_ID": SERVICE_ID,
        "SERVICE_SECRET": SERVICE_SECRET,
        "SERVICE_SECRET_PREVIOUS": PREVIOUS_SECRET,
        "NETRA_ADMIN_TOKEN": ADMIN_TOKEN,
        "NETRA_LOG_KEY": LOG_KEY,
        "NETRA_LOG_LEVEL": "debug",
        "NETRA_LOG_LINES_PER_S": "0",
        "NETRA_TRACES": "otlp",
        "NETRA_FORM_LOGIN": "true",
        "OAUTH_SHOP_CLIENT_ID": "shop-client",
        "OAUTH_SHOP_CLIENT_SECRET": OAUTH_SECRET,
        "OAUTH_HALF_CLIENT_SECRET": OAUTH_SECRET,
        "DATABASE_URL": f"postgresql://netra:{DATABASE_PASSWORD}@db.internal.test/auth",
        # Nothing is looked up, shut or slowed down: each fault is met by every request.
        "NETRA_TRIES": "2",
        "NETRA_LOGIN_BUDGET_S": "0.5",
        "NETRA_TOKEN_BUDGET_S": "0.25",
        "NETRA_CONNECT_TIMEOUT_S": "0.1",
        "NETRA_PROBE_INTERVAL_S": "0.5",
        "NETRA_REVOCATIONS_INTERVAL_S": "2",
        "NETRA_BREAKER": "false",
        "NETRA_TOKEN_CACHE_S": "0",
        "NETRA_THROTTLE_ACCOUNT": "off",
        "NETRA_THROTTLE_ADDRESS": "off",
        "NETRA_DRAIN_DELAY_S": "0",
        "OTEL_EXPORTER_OTLP_ENDPOINT": collector,
        "OTEL_EXPORTER_OTLP_HEADERS": f"authorization=Bearer%20{COLLECTOR_TOKEN}",
        "OTEL_BSP_SCHEDULE_DELAY": "200",
        "TMPDIR": str(folder),
    }


def _with_ends(text: str) -> Sequence[str]:
    """A text, and what would be left of it if it were cut anywhere near the middle."""
    return (text, text[:12], text[-12:])
