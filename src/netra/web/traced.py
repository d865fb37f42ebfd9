"""A route whose requests are recorded, each as an attempt in a trace.

It must never change an answer, nor keep one waiting.
"""

import asyncio
from typing import Final

from netra.asgi.words import Answer, Handler, Request, Stream
from netra.core.trace import Tracing
from netra.web.labels import begun

_METHODS: Final = frozenset({"CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "QUERY", "TRACE"})


def traced(handler: Handler, name: str, route: str, tracing: Tracing) -> Handler:
    """The same handler, recorded: `name` is that of its journey, `route` its path as the table of routes has it."""

    async def answered(request: Request) -> Answer | Stream:
        method = request.method if request.method in _METHODS else "_OTHER"
        span = begun(request, name, tracing, method, route)
        if span is None:
            return await handler(request)
        try:
            answer = await handler(request)
        except asyncio.CancelledError:
            span.ended(None)
            raise
        except BaseException:
            span.ended(500, "internal_error")
            raise
        span.ended(answer.status if isinstance(answer, Answer) else 200)
        return answer

    return answered
