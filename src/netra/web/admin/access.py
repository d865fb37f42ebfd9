"""Who may use the admin listener: whoever brings its token with each request, or has signed in with it once.

It must never keep a session's id, only its hash; nor take a token from anywhere but a header or the body of a sign-in.
"""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from hashlib import sha256
from secrets import token_urlsafe
from time import monotonic
from typing import Final

from netra.asgi.admission import AdminRules
from netra.asgi.body import form_object, is_form, json_object
from netra.asgi.words import Answer, Headers, Refusal, Refuse, Request, Route
from netra.web.bodies import ENCODER
from netra.web.console.page import sign_in_page, signed_in_page

PATH: Final = "/session"
END_PATH: Final = "/session/end"
COOKIE: Final = "netra_admin"
SESSION_S: Final = 12 * 3600
SESSIONS_COUNT: Final = 1_000
_ID_BYTES: Final = 32
_ALWAYS: Final = f"{COOKIE}={{}}; Path=/; Max-Age={{}}; HttpOnly; SameSite=Strict"
_CHALLENGE: Final = (b"www-authenticate", b'Bearer realm="netra"')


class Sessions:
    """Who has signed in. Bounded: the oldest makes room."""

    def __init__(self, now_s: Callable[[], float] = monotonic) -> None:
        self._now_s = now_s
        self._ends: OrderedDict[bytes, float] = OrderedDict()
        """By the hash of the id: when it ends. All last as long, so the first to end comes first."""

    def __len__(self) -> int:
        return len(self._ends)

    def begin(self) -> str:
        """The id of a new session."""
        now_s = self._now_s()
        while self._ends and (len(self._ends) >= SESSIONS_COUNT or next(iter(self._ends.values())) <= now_s):
            self._ends.popitem(last=False)
        session_id = token_urlsafe(_ID_BYTES)
        self._ends[_hashed(session_id)] = now_s + SESSION_S
        return session_id

    def knows(self, session_id: str) -> bool:
        """Is this a session that has not ended?"""
        return self._ends.get(_hashed(session_id), 0.0) > self._now_s()

    def end(self, session_id: str) -> bool:
        """It is over; one that is not known is over, too. Was it one?"""
        return self._ends.pop(_hashed(session_id), None) is not None


def _hashed(session_id: str) -> bytes:
    return sha256(session_id.encode("latin-1", "replace")).digest()


class Access:
    """The rules of the listener, and sessions beside its token."""

    def __init__(
        self,
        rules: AdminRules,
        refuse: Refuse,
        sessions: Sessions | None = None,
        on_sign_out: Callable[[], None] = lambda: None,
    ) -> None:
        """`on_sign_out` hears of every session that is ended: what it began to see must not go on."""
        self._on_sign_out = on_sign_out
        self._rules = rules
        self._refuse = refuse
        self._sessions = sessions or Sessions()

    def __call__(self, request: Request, headers: Headers) -> Refusal | Answer | None:
        """Why a request is not admitted: for people in a browser that is the page to sign in on."""
        refusal = self._rules.foreign(request)
        if refusal is not None or self._rules.open_to_all(request) or _signs(request) or self._has_session(request):
            return refusal
        refusal = self._rules.unnamed(request)
        if refusal is not None and refusal.code == "token_missing" and _wants_html(request):
            return _asking()
        return refusal

    def routes(self) -> Sequence[Route]:
        """Signing in and out."""
        return (
            Route("POST", PATH, self._sign_in, reads_json=True),
            Route("GET", PATH, self._tell),
            Route("DELETE", PATH, self._sign_out),
            Route("POST", END_PATH, self._sign_out),
        )

    def _has_session(self, request: Request) -> bool:
        """A token that is sent along goes first: whoever sends a wrong one is to hear of it."""
        return not request.count(b"authorization") and any(map(self._sessions.knows, _cookies(request)))

    async def _tell(self, request: Request) -> Answer:
        by = "session" if self._has_session(request) else "token" if self._rules.guarded else "nothing"
        return Answer(200, ENCODER.encode({"signed_in_by": by}))

    async def _sign_in(self, request: Request) -> Answer:
        if not self._rules.guarded:
            return Answer(204)
        by_form = is_form(request)
        members = form_object(request, "token") if by_form else json_object(request)
        if isinstance(members, Refusal):
            return self._refuse(members, request.request_id)
        token = members.get("token")
        if not isinstance(token, str) or not token.strip():
            return self._refuse(Refusal(422, "invalid_fields", "Send the token as `token`."), request.request_id)
        refusal = self._rules.judge(token.strip().encode("utf-8", "replace"), request.client_address)
        if refusal is not None:
            again = by_form and refusal.status == 401 and _wants_html(request)
            return _asking() if again else self._refuse(refusal, request.request_id)
        for before in _cookies(request):
            self._sessions.end(before)
        cookie = _cookie(request, self._sessions.begin(), SESSION_S)
        answer = signed_in_page() if by_form else Answer(204)
        return answer.changed(once=(cookie,))

    async def _sign_out(self, request: Request) -> Answer:
        ended = [self._sessions.end(session_id) for session_id in _cookies(request)]
        if any(ended):
            self._on_sign_out()
        return Answer(204, once=(_cookie(request, "", 0),))


def _signs(request: Request) -> bool:
    """Is it about signing in or out, for which nobody needs to be signed in?"""
    return (request.path == PATH and request.method in ("POST", "DELETE")) or (
        request.path == END_PATH and request.method == "POST"
    )


def _cookies(request: Request) -> list[str]:
    """The ids of sessions that a request names. Source: RFC 6265, section 5.4."""
    pairs = (pair.partition("=") for pair in (request.header(b"cookie") or "").split(";"))
    return [value.strip() for name, _, value in pairs if name.strip() == COOKIE and value.strip()]


def _cookie(request: Request, session_id: str, age_s: int) -> tuple[bytes, bytes]:
    """Over TLS, which somebody in front of us ends, the cookie never goes without it."""
    secure = "; Secure" if (request.header(b"origin") or "").startswith("https://") else ""
    return b"set-cookie", (_ALWAYS.format(session_id, age_s) + secure).encode("ascii")


def _wants_html(request: Request) -> bool:
    return "text/html" in (request.header(b"accept") or "")


def _asking() -> Answer:
    page = sign_in_page()
    return page.changed(status=401, headers=(*page.headers, _CHALLENGE))
