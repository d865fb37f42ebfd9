"""Who is watching: open pages, all told the same bytes, made once for all of them.

It must never keep more for a page that does not read than the newest state and a few pieces of news.
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncGenerator, Callable
from time import monotonic
from typing import Final, NamedTuple

PAGES_COUNT: Final = 100
RETRY_MS: Final = 2000
_NEWS_COUNT: Final = 256
"""So many checks of a diagnosis may wait for a page; one that is further behind is let go."""


class Pace(NamedTuple):
    """How often pages hear something."""

    tick_s: float = 1.0
    """The state is told at most so often, however much happens."""
    heartbeat_s: float = 10.0
    """And at least so often, so that a page that has gone is noticed."""
    longest_s: float = 3600.0
    """A page that is open for so long comes anew, and is asked again who it is."""


USUAL: Final = Pace()


class Full(Exception):
    """As many pages are open as may be."""


class _Page:
    """One open page: what it was not sent yet."""

    __slots__ = ("gone", "news", "state", "woken")

    def __init__(self) -> None:
        self.woken = asyncio.Event()
        self.state: bytes | None = None
        """The newest one replaces the one before, sent or not."""
        self.news: deque[bytes] = deque()
        self.gone = False

    def tell(self, news: bytes) -> None:
        self.news.append(news)
        if len(self.news) > _NEWS_COUNT:
            self.news.clear()
            self.gone = True
        self.woken.set()

    def let_go(self) -> None:
        self.gone = True
        self.woken.set()

    def show(self, state: bytes) -> None:
        self.state = state
        self.woken.set()


class Hub:
    """All open pages. Belongs to one event loop; it works only while somebody watches."""

    def __init__(self, render: Callable[[], bytes], revision: Callable[[], int], pace: Pace = USUAL) -> None:
        """`render` makes the state, as JSON; `revision` grows whenever it may look different."""
        self._render = render
        self._revision = revision
        self._pace = pace
        self._pages: set[_Page] = set()
        self._ticking: asyncio.Task[None] | None = None
        self._made = b""
        self._made_at_s = 0.0
        self._made_of = -1

    @property
    def pages_count(self) -> int:
        """How many are open."""
        return len(self._pages)

    def open(self) -> AsyncGenerator[bytes, None]:
        """The stream of a new page: the state at once, then whatever is new. Raises: Full."""
        if len(self._pages) >= PAGES_COUNT:
            raise Full
        return self._told(_Page())

    def tell(self, event: str, document: bytes) -> None:
        """Tell every page something that is told once."""
        piece = _piece(event, document)
        for page in self._pages:
            page.tell(piece)

    async def _told(self, page: _Page) -> AsyncGenerator[bytes, None]:
        # A stream that is never begun has no end either: its page counts from its first piece on.
        page.gone = len(self._pages) >= PAGES_COUNT
        self._pages.add(page)
        try:
            if self._ticking is None:
                self._ticking = asyncio.get_running_loop().create_task(self._tick())
            yield b"retry: %d\n\n" % RETRY_MS + self._state(self._pace.tick_s)
            until_s = monotonic() + self._pace.longest_s
            while not page.gone and monotonic() < until_s:
                await page.woken.wait()
                page.woken.clear()
                news, page.news = page.news, deque()
                state, page.state = page.state, None
                piece = b"".join(news) + (state or b"")
                if piece:
                    yield piece
        finally:
            self._leave(page)

    def _leave(self, page: _Page) -> None:
        self._pages.discard(page)
        if not self._pages and self._ticking is not None:
            self._ticking.cancel()
            self._ticking = None

    async def _tick(self) -> None:
        """Make the state anew when it has changed, and now and then in any case, so that a lost page is noticed."""
        try:
            while True:
                await asyncio.sleep(self._pace.tick_s)
                age_s = monotonic() - self._made_at_s
                if self._revision() != self._made_of or age_s >= self._pace.heartbeat_s:
                    piece = self._state(0.0)
                    for page in self._pages:
                        page.show(piece)
        except Exception:  # noqa: BLE001 - a bug of ours: pages that come back meet it where it is told
            self._ticking = None
            self.let_all_go()

    def let_all_go(self) -> None:
        """End all streams: a page that is still open comes back, and is asked again who it is."""
        for page in self._pages:
            page.let_go()

    def _state(self, at_most_s: float) -> bytes:
        """The state as a piece of a stream, at most so old. Raises: whatever bug of ours makes it fail."""
        if not self._made or monotonic() - self._made_at_s > at_most_s:
            revision = self._revision()
            self._made = _piece("state", self._render())
            self._made_of, self._made_at_s = revision, monotonic()
        return self._made

    async def close(self) -> None:
        """Let all pages go."""
        ticking, self._ticking = self._ticking, None
        self.let_all_go()
        if ticking is not None:
            ticking.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await ticking


def _piece(event: str, document: bytes) -> bytes:
    """One event of a stream; the document has no line breaks. Source: WHATWG HTML, section 9.2."""
    return b"event: %s\ndata: %s\n\n" % (event.encode("ascii"), document)
