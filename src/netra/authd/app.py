"""Puts the auth service together: settings in, a running service out, everything closed again at the end.

It must never read the environment, and never take a signal: whoever runs it does.
"""

import asyncio
import logging
import time
import traceback
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from importlib import metadata
from typing import Final, NamedTuple

from netra.asgi.adapter import App, Limits
from netra.asgi.words import Answer, Refusal, Request
from netra.authd import accounts
from netra.authd.accounts import Registrations, User
from netra.authd.answers import worded
from netra.authd.idempotency import Clock, Deliveries
from netra.authd.login import Lockout, Logins
from netra.authd.passwords import Passwords
from netra.authd.routes import Parts, Routes, Tell
from netra.authd.sessions import Sessions
from netra.authd.store import registry
from netra.authd.store.database import Store, open_store
from netra.authd.store.keys import load_or_create
from netra.authd.store.purge import keep_purging, perishables
from netra.authd.store.refresh_tokens import Seals
from netra.authd.tokens import AccessTokens
from netra.core.secret import Secret
from netra.settings.authd_variables import AuthdSettings

LOGGER: Final = "netra.authd"
FIELDS: Final = "fields"
"""The attribute of a log record that holds an event's fields."""

_DISTRIBUTION: Final = "netra-gateway"


class Authd(NamedTuple):
    """A running auth service."""

    app: App
    store: Store
    passwords: Passwords
    sessions: Sessions

    async def add_user(self, email: str, password: Secret, name: str | None = None) -> User | None:
        """A new user, or None when the e-mail is taken; the policy for passwords is the caller's business."""
        password_hash = await self.passwords.hashed(password)
        async with self.store.write() as db:
            return await accounts.add(db, email, name, password_hash, self.sessions.now_ms())

    async def add_service(self, service_id: str, secret: Secret | None = None) -> Secret | None:
        """Register a service, with a secret of its own or a new one; None when the id is taken."""
        async with self.store.write() as db:
            return await registry.add(db, service_id, self.sessions.now_ms(), secret)

    async def service_count(self) -> int:
        """How many services may speak to this one."""
        async with self.store.read() as db:
            return len(await registry.listed(db))


@asynccontextmanager
async def opened(
    settings: AuthdSettings, *, clock: Clock = time.time, tell: Tell | None = None
) -> AsyncIterator[Authd]:
    """A running auth service, for as long as the block lasts; serve its `app` on any listener.

    Raises: CannotStart when the database or the keys cannot be used, or another server holds them.
    """
    store = await open_store(settings.database_url, serving=True)
    try:
        keys = await asyncio.to_thread(load_or_create, store.path)
        passwords = await asyncio.to_thread(Passwords, settings.hash_threads, settings.hash_queue)
        deliveries = Deliveries(store, keys.derived("idempotency"))
        tokens = AccessTokens(keys, settings.issuer, settings.audience, settings.access_token_s)
        seals = Seals(keys.derived("successors"))
        sessions = Sessions(store, tokens, deliveries, seals, settings.refresh_token_s, clock)
        lockout = Lockout(settings.lockout_rejections, settings.lockout_window_s, keys.derived("identifiers"))
        parts = Parts(
            settings=settings,
            version=_version(),
            store=store,
            deliveries=deliveries,
            lockout=lockout,
            logins=Logins(store, passwords, lockout, sessions, deliveries),
            registrations=Registrations(store, passwords, deliveries, settings.password_min_length, clock),
            sessions=sessions,
            tokens=tokens,
            tell=_harmless(tell or log_to(logging.getLogger(LOGGER))),
        )
        purging = asyncio.create_task(
            keep_purging(store, perishables(settings.lockout_window_s), sessions.now_ms), name="authd-purge"
        )
        try:
            yield Authd(_app(parts), store, passwords, sessions)
        finally:
            purging.cancel()
            with suppress(asyncio.CancelledError):
                await purging
            passwords.close()
    finally:
        await store.close()


def log_to(logger: logging.Logger) -> Tell:
    """Events as records of the standard library, their fields as one attribute: any handler can show them."""

    def tell(level: int, event: str, fields: Mapping[str, object]) -> None:
        logger.log(level, event, extra={FIELDS: dict(fields)})

    return tell


def _harmless(tell: Tell) -> Tell:
    """A log that cannot be written to is no reason to refuse a login."""

    def told(level: int, event: str, fields: Mapping[str, object]) -> None:
        with suppress(Exception):
            tell(level, event, fields)

    return told


def _app(parts: Parts) -> App:
    def refuse(refusal: Refusal, request_id: str) -> Answer:
        return worded(refusal, request_id)

    def on_crash(request: Request, crash: BaseException) -> None:
        # Where it happened, never the text of the exception: that may quote what was sent.
        where = [f"{frame.filename}:{frame.lineno}" for frame in traceback.extract_tb(crash.__traceback__)]
        parts.tell(
            logging.ERROR,
            "Internal error",
            {"request_id": request.request_id, "exception": type(crash).__qualname__, "where": where[-5:]},
        )

    return App(Routes(parts).table(), refuse, on_crash, limits=Limits(receipt_s=parts.settings.receipt_timeout_s))


def _version() -> str:
    try:
        return metadata.version(_DISTRIBUTION)
    except metadata.PackageNotFoundError:
        return "unknown"
