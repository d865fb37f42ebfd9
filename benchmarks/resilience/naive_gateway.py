"""A login route as many backends have it: FastAPI, one httpx client, three more tries after any failure, nothing else.

    python benchmarks/resilience/naive_gateway.py PORT AUTH_SERVICE_URL TIMEOUT_S

It must never be made worse than people write it: refusals are passed on at once, connections are kept and shared. What
it lacks is what is compared here: no breaker, no limit, no budget for retries, no deadline for the whole.
"""

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator
from typing import Any, Final

import httpx
import uvicorn
from fastapi import FastAPI, HTTPException

RETRIES_COUNT: Final = 3
PAUSE_S: Final = 0.1


def application(auth_service_url: str, timeout_s: float) -> FastAPI:
    """The app with its one route."""
    # Its own limit of a hundred connections would make it worse: after an outage whoever waits for one waits in vain.
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=100)
    client = httpx.AsyncClient(base_url=auth_service_url, timeout=timeout_s, limits=limits)

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with client:
            yield

    app = FastAPI(lifespan=lifespan)

    @app.post("/login")
    async def log_in(credentials: dict[str, str]) -> Any:
        for number in range(1 + RETRIES_COUNT):
            if number:
                await asyncio.sleep(PAUSE_S)
            try:
                reply = await client.post("/auth/login", json=credentials)
            except httpx.HTTPError:
                continue
            if reply.status_code < 500:
                break
        else:
            raise HTTPException(503, "Authentication service unavailable")
        if reply.status_code != 200:
            raise HTTPException(reply.status_code, "Login failed")
        return reply.json()

    return app


if __name__ == "__main__":
    uvicorn.run(
        application(sys.argv[2], float(sys.argv[3])),
        host="127.0.0.1",
        port=int(sys.argv[1]),
        log_level="critical",
        access_log=False,
    )
