"""No route is forgotten: what the scan asks is compared with the routes that a gateway has.

It must never list a route itself: the rows stand beside, the routes in the gateway.
"""

from netra.asgi.adapter import App
from netra.asgi.words import ANY_METHOD
from netra.assemble import open_gateway
from netra.lab.faulty_auth_service import FaultyAuthService
from netra.observe.tell import Tell
from tests.leaks.asking import ADMIN, PUBLIC, Ask, routes_of
from tests.support.gateways import settings_for


async def test_every_route_of_both_listeners_is_asked() -> None:
    async with (
        FaultyAuthService() as service,
        open_gateway(settings_for(service.url, {}), Tell([])) as assembled,
    ):
        assert _unasked(assembled.public, PUBLIC) == set()
        # Stories are asked for by the ids of the requests before.
        assert _unasked(assembled.admin, ADMIN) == {("GET", "/trace")}
        assert _unasked(assembled.public, PUBLIC[1:]) == {("POST", "/api/v1/auth/login")}


def _unasked(app: App, asks: tuple[Ask, ...]) -> set[tuple[str, str]]:
    """The routes of a listener, without what is free in their paths, that none of these requests would reach."""
    asked = {("GET" if method == "HEAD" else method, path) for method, path in routes_of(asks)}
    tables = ((app._routes, ""), (app._parents, "/"), (app._trees, "/"))
    return {
        (method, path)
        for table, below in tables
        for path, by_method in table.items()
        for method in by_method
        if not any(
            method in (one, ANY_METHOD) and (at.startswith(path + below) if below else at == path) for one, at in asked
        )
    }
