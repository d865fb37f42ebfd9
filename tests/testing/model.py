"""An auth service with a memory, on the lab's sockets: it does all that Netra needs, until a test plants a defect.

It must never be a lesson in security: its passwords lie there in plain.
"""

import hashlib
import json
import secrets
import time
from base64 import urlsafe_b64encode
from collections.abc import Callable
from typing import Any, Final

from netra.lab.connection import Connection, Delivery, Script
from netra.lab.scripts import json_reply, problem, reply
from netra.testing.conformance import AuthService
from netra.testing.labs import LabBeside

EMAIL: Final = "ada.byron@example.com"
PASSWORD: Final = "Swordfish-and-chips-42"
NEWCOMER: Final = "grace.hopper@example.com"
SERVICE_ID: Final = "conformance-under-test"
SECRET: Final = "test-only-Jt3vXq8RzL0mWc5YkUe2NsHbP7dGfAo9"
NO_STORE: Final = (("Cache-Control", "no-store"),)
FINGERPRINT: Final = hashlib.sha256(f"netra-fp:{SECRET}".encode()).hexdigest()[:8]

Route = Callable[[Delivery], Script]


class Model:
    """What the auth service remembers, and a method for each of its routes; a defect replaces one of them."""

    def __init__(self) -> None:
        self.users = {EMAIL: PASSWORD}
        self.access: dict[str, str] = {}
        self.refresh_tokens: dict[str, str] = {}
        self.keys: dict[str, bytes] = {}
        self.lifetime_s = 900
        self.routes: dict[str, Route] = {
            "/auth/login": self.login, "/auth/register": self.register, "/auth/refresh": self.refresh,
            "/auth/logout": self.logout, "/auth/validate": self.validate, "/auth/config": self.config,
            "/auth/handshake": self.handshake, "/health": self.health,
        }  # fmt: skip

    def play_on(self, lab: LabBeside) -> None:
        """Answer every route of the lab."""
        for path in self.routes:
            lab.answer(path, self._script(path))

    def _script(self, path: str) -> Script:
        async def script(connection: Connection, delivery: Delivery) -> None:
            await self.routes[path](delivery)(connection, delivery)

        return script

    def refuses_us(self, delivery: Delivery) -> Script | None:
        """A refusal of the calling service, when its secret is not the right one."""
        if delivery.header("X-Service-Secret") == SECRET:
            return None
        return problem(401, "service_credentials_rejected")

    def login(self, delivery: Delivery) -> Script:
        if refusal := self.refuses_us(delivery) or self.key_taken(delivery):
            return refusal
        said = readable(delivery)
        if said is None:
            return problem(422, "invalid_fields")
        if self.users.get(said["email"]) != said["password"]:
            return problem(401, "invalid_credentials")
        return self.opened(said["email"])

    def key_taken(self, delivery: Delivery) -> Script | None:
        key = delivery.header("Idempotency-Key")
        if key is None or self.keys.setdefault(key, delivery.body) == delivery.body:
            return None
        return problem(422, "idempotency_key_reused")

    def opened(self, email: str) -> Script:
        return json_reply(200, self.session(email), NO_STORE)

    def session(self, email: str) -> dict[str, Any]:
        access, refreshing = self.token(email), secrets.token_hex(16)
        self.access[access], self.refresh_tokens[refreshing] = email, email
        session = {"access_token": access, "refresh_token": refreshing, "token_type": "Bearer"}
        return {**session, "expires_in": self.lifetime_s, "user": {"id": f"user-{email}", "email": email}}

    def token(self, email: str) -> str:
        claims = {"sub": email, "exp": int(time.time()) + self.lifetime_s, "jti": secrets.token_hex(8)}
        parts = [urlsafe_b64encode(json.dumps(each).encode()).rstrip(b"=").decode() for each in ({"alg": "x"}, claims)]
        return ".".join([*parts, secrets.token_hex(16)])

    def register(self, delivery: Delivery) -> Script:
        said = delivery.json
        if said["email"] in self.users:
            return problem(409, "email_taken")
        self.users[said["email"]] = said["password"]
        return json_reply(201, {"user": {"id": f"user-{said['email']}", "email": said["email"]}})

    def refresh(self, delivery: Delivery) -> Script:
        email = self.refresh_tokens.pop(delivery.json["refresh_token"], None)
        return self.opened(email) if email else problem(401, "refresh_rejected")

    def logout(self, delivery: Delivery) -> Script:
        self.refresh_tokens.pop(delivery.json["refresh_token"], None)
        return json_reply(200, {"success": True})

    def validate(self, delivery: Delivery) -> Script:
        if refusal := self.refuses_us(delivery):
            return refusal
        email = self.access.get(delivery.json["token"])
        if email is None:
            return json_reply(200, {"valid": False, "code": "token_malformed"})
        ends = int(time.time()) + self.lifetime_s
        return json_reply(200, {"valid": True, "user_id": f"user-{email}", "email": email, "expires_at": ends})

    def config(self, delivery: Delivery) -> Script:
        return json_reply(200, {"registration_enabled": True})

    def handshake(self, delivery: Delivery) -> Script:
        return self.refuses_us(delivery) or json_reply(200, self.promises())

    def promises(self, **changes: Any) -> dict[str, Any]:
        return {"service_id": SERVICE_ID, "idempotency": True, "secret_fingerprints": [FINGERPRINT], **changes}

    def health(self, delivery: Delivery) -> Script:
        return json_reply(200, {"status": "ok"}) if delivery.method == "GET" else reply(200)


def readable(delivery: Delivery) -> dict[str, Any] | None:
    """The members of a login that has what it needs; None for any other body."""
    said = delivery.json
    return said if isinstance(said, dict) and {"email", "password"} <= said.keys() else None


def subject(lab: LabBeside, **changes: Any) -> AuthService:
    """The model as a team would name it."""
    named: dict[str, Any] = {
        "identifier": EMAIL, "password": PASSWORD, "service_id": SERVICE_ID, "service_secret": SECRET,
        "new_identifier": NEWCOMER, "new_password": PASSWORD, "timeout_s": 5.0,
    }  # fmt: skip
    return AuthService(url=lab.url, **{**named, **changes})
