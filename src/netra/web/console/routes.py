"""The console's routes: the page and its files, the state once and as it goes on, the settings, a diagnosis.

It must never be given to the public listener.
"""

from collections.abc import Sequence
from typing import Final

from netra.asgi.words import JSON_TYPE, Answer, Refusal, Request, Route, Stream
from netra.web.bodies import ENCODER
from netra.web.console import page
from netra.web.console.diagnosing import Diagnosing
from netra.web.console.hub import Full, Hub
from netra.web.console.state import Sources, settings_document, state_document
from netra.web.render import refusal_answer

STATIC: Final = "/console/static/"
_STREAM: Final = b"text/event-stream"
_OWN_SITE: Final = frozenset({None, "same-origin", "none"})
_FULL_S: Final = 10


class Console:
    """The console of one gateway, for as long as its admin listener is open."""

    def __init__(self, sources: Sources, diagnosing: Diagnosing) -> None:
        self._sources = sources
        self._told = sources.view.told_in_full()
        self._diagnosing = diagnosing
        self.hub = Hub(self._state, lambda: sources.board.revision + diagnosing.revision)
        diagnosing.tell = self.hub.tell

    def routes(self) -> Sequence[Route]:
        """Every route of the console."""
        return (
            Route("GET", "/", self._page),
            Route("GET", "/console", self._page),
            Route("GET", f"{STATIC}**", self._static),
            Route("GET", "/console/state", self._once),
            Route("GET", "/console/events", self._events),
            Route("GET", "/console/settings", self._settings),
            Route("POST", "/console/doctor", self._doctor),
        )

    async def close(self) -> None:
        """Let all pages go, and end a diagnosis that is under way."""
        await self._diagnosing.close()
        await self.hub.close()

    def _state(self) -> bytes:
        return ENCODER.encode(state_document(self._sources, self._diagnosing.known()))

    def _refused(self, refusal: Refusal, request: Request) -> Answer:
        return refusal_answer(refusal, request.request_id, self._told)

    async def _page(self, request: Request) -> Answer:
        return page.page()

    async def _static(self, request: Request) -> Answer:
        found = page.static(request.path.removeprefix(STATIC))
        return found or self._refused(Refusal(404, "not_found"), request)

    async def _once(self, request: Request) -> Answer:
        return Answer(200, self._state())

    async def _events(self, request: Request) -> Answer | Stream:
        if request.header(b"sec-fetch-site") not in _OWN_SITE:
            # A foreign page could not read it, but hold a stream open that others need.
            return self._refused(Refusal(403, "malformed_request", "Streams are for this listener's pages."), request)
        if request.method == "HEAD":
            return Answer(200, content_type=_STREAM)
        try:
            return Stream(self.hub.open(), _STREAM)
        except Full:
            detail = f"{self.hub.pages_count} pages are open, and no more may be; /console/state says the same once."
            return self._refused(Refusal(503, "connection_limit_reached", detail, retry_after_s=_FULL_S), request)

    async def _settings(self, request: Request) -> Answer:
        return Answer(200, ENCODER.encode(settings_document(self._sources.settings())))

    async def _doctor(self, request: Request) -> Answer:
        refusal = self._diagnosing.begin(request.request_id)
        if refusal is not None:
            return self._refused(refusal, request)
        return Answer(202, ENCODER.encode({"running": True}), JSON_TYPE)
