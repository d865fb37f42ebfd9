"""The admin listener: health in detail, the API's description, the pages of causes; never public.

It must never be reachable by a foreign host name or another site's page: `asgi.admission` guards it.
"""

from collections.abc import Callable, Iterable, Sequence

from netra.asgi.adapter import App, Limits, OnCrash
from netra.asgi.admission import AdminRules
from netra.asgi.words import Answer, Refusal, Request, Route
from netra.core.findings import Finding
from netra.gateway.gate import Gateway
from netra.web.admin.access import Access
from netra.web.admin.health import NOTHING_KNOWN, Ourselves, health_document
from netra.web.bodies import ENCODER
from netra.web.endpoints import ENDPOINTS, route_of
from netra.web.openapi import description
from netra.web.render import refusal_answer
from netra.web.view import View


def admin_app(  # noqa: PLR0913 - the parts of a listener
    gateway: Gateway,
    view: View,
    prefix: str,
    version: str,
    findings: Sequence[Finding],
    *,
    rules: AdminRules,
    limits: Limits,
    on_crash: OnCrash,
    extra: Iterable[Route] = (),
    ourselves: Ourselves = NOTHING_KNOWN,
    on_sign_out: Callable[[], None] = lambda: None,
) -> App:
    """The ASGI application of the admin listener; `extra` routes are given by whoever assembles it."""
    told = view.told_in_full()

    def refuse(refusal: Refusal, request_id: str) -> Answer:
        return refusal_answer(refusal, request_id, told)

    async def health(request: Request) -> Answer:
        document = health_document(gateway, told, version, findings, ourselves)
        status = 200 if document["status"] != "fail" else 503
        return Answer(status, ENCODER.encode(document), b"application/health+json")

    async def openapi(request: Request) -> Answer:
        return Answer(200, ENCODER.encode(description(gateway, prefix, version, form_login=view.form_login)))

    bare = [route_of(each, gateway, told, prefix) for each in ENDPOINTS if each.bare]
    own = [Route("GET", "/health", health), Route("GET", "/openapi.json", openapi)]
    access = Access(rules, refuse, on_sign_out=on_sign_out)
    return App([*bare, *own, *access.routes(), *extra], refuse, on_crash, limits=limits, admit=access)
