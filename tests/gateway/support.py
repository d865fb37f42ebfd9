"""What tests of the journeys share: a gateway on a scripted exchange, and the wishes that users bring.

It must never hide what a test asserts: everything that matters is said by the test.
"""

from typing import Any, Final

from netra.core.secret import Secret
from netra.core.verdict.reply import Reply
from netra.gateway.attempts import LoginAttempt, RegisterAttempt, TokenAttempt
from netra.gateway.gate import Gateway
from netra.gateway.parts import Parts
from netra.testing.fakes import START_S, FakeClock, Recorded, Scripted, ScriptedExchange, reply
from tests.link.support import EMAIL, LABEL, PASSWORD, WIRE, link_to

LOG_KEY: Final = Secret("test-only-log-key-0Ru4Wm8Yk2Bd6Fh0")
OFFER: Final = {
    "registration_enabled": True,
    "password_min_length": 12,
    "password_max_length": 128,
    "access_token_ttl_s": 900,
    "oauth_providers": ["github"],
}
GOOD_OFFER: Final = reply(200, OFFER)
NEW_USER: Final = reply(201, {"user": {"id": "user-2", "email": EMAIL, "name": None}})
KNOWN_TOKEN: Final = reply(200, {"valid": True, "user_id": "user-1", "email": EMAIL, "expires_at": 1_800_000_900})
LOGGED_OUT: Final = reply(200, {"success": True})


class Stage:
    """A gateway with everything that it stands on."""

    def __init__(
        self, *script: Scripted, parts: dict[str, Any] | None = None, now_s: float = START_S, **link: Any
    ) -> None:
        self.clock = FakeClock(now_s)
        self.exchange = ScriptedExchange(*script, clock=self.clock, takes_s=0.25)
        self.told = Recorded()
        self.link = link_to(self.exchange, self.clock, **link)
        self.parts = parts_with(self, **(parts or {}))
        self.gateway = Gateway(self.parts)

    @property
    def now_s(self) -> float:
        """Monotonic seconds on this stage's clock."""
        return self.clock.now_s()

    def sent(self, number: int = 0) -> dict[str, str]:
        """The headers of one exchange."""
        return dict(self.exchange.asked[number].call.headers)


def parts_with(stage: Stage, **changes: Any) -> Parts:
    """The parts of a gateway, with some of them changed."""
    parts: dict[str, Any] = {
        "wire": WIRE,
        "link": stage.link,
        "tell": stage.told,
        "login_budget_s": 5.0,
        "token_budget_s": 2.0,
        "log_key": LOG_KEY,
        "registration": True,
        "oauth_providers": (),
        **changes,
    }
    return Parts(**parts)


def login(at_s: float, identifier: str = EMAIL) -> LoginAttempt:
    """Somebody wants to log in."""
    return LoginAttempt(identifier, Secret(PASSWORD), LABEL, at_s)


def registration(at_s: float, name: str | None = None) -> RegisterAttempt:
    """Somebody wants an account."""
    return RegisterAttempt(EMAIL, Secret(PASSWORD), name, LABEL, at_s)


def tokens(at_s: float, token: str | None = None, refresh_token: str | None = None) -> TokenAttempt:
    """Somebody shows tokens."""
    return TokenAttempt(Secret(token) if token else None, Secret(refresh_token) if refresh_token else None, LABEL, at_s)


def body_of(stage: Stage, number: int = 0) -> str:
    """The body of one exchange as it would be sent."""
    body = stage.exchange.asked[number].call.body
    return "" if body is None else body.reveal()


def refusal(status: int, code: str) -> Reply:
    """A refusal with its code."""
    return reply(status, {"code": code})
