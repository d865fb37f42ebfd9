"""The public listener: the endpoints that exist, under their prefix.

It must never serve a route of the admin listener.
"""

from functools import partial

from netra.asgi.adapter import App, Limits, OnCrash
from netra.asgi.callers import Callers
from netra.asgi.cors import Cors
from netra.asgi.words import Answer, Refusal, Route
from netra.gateway.gate import Gateway
from netra.web.endpoints import Endpoint, offered
from netra.web.render import refusal_answer
from netra.web.view import View


def public_app(  # noqa: PLR0913 - the parts of a listener
    gateway: Gateway, view: View, prefix: str, *, limits: Limits, callers: Callers, cors: Cors, on_crash: OnCrash
) -> App:
    """The ASGI application of the public listener."""

    def refuse(refusal: Refusal, request_id: str) -> Answer:
        return refusal_answer(refusal, request_id, view)

    routes = [route_of(endpoint, gateway, view, prefix) for endpoint in offered(gateway)]
    return App(routes, refuse, on_crash, limits=limits, callers=callers, cors=cors)


def route_of(endpoint: Endpoint, gateway: Gateway, view: View, prefix: str) -> Route:
    """An endpoint as a route of a listener."""
    path = endpoint.path if endpoint.bare else prefix + endpoint.path
    return Route(
        endpoint.method, path, partial(endpoint.handler, gateway=gateway, view=view), endpoint.method == "POST"
    )
