"""What can be said without asking who is there: the offer, life, readiness, and the pages of causes.

It must never show the public a page of our insides.
"""

from typing import Final

from netra.asgi.problem import problem
from netra.asgi.words import Answer, Refusal, Request
from netra.core.verdict.outcomes import Accepted
from netra.gateway.gate import Gateway
from netra.pages.explained import Explained
from netra.pages.html import content_security_policy, render_html
from netra.web.bodies import ENCODER, OfferBody, StateBody
from netra.web.labels import label_of
from netra.web.render import problem_answer, refusal_answer
from netra.web.view import READY, View

_PAGE_HEADERS: Final = ((b"x-content-type-options", b"nosniff"), (b"referrer-policy", b"no-referrer"))


async def config(request: Request, gateway: Gateway, view: View) -> Answer:
    """GET /config."""
    outcome = await gateway.offer(label_of(request), request.received_at_s)
    if not isinstance(outcome, Accepted):
        return problem_answer(outcome, view, request.request_id)
    offer = outcome.value
    return Answer(
        200,
        ENCODER.encode(
            OfferBody(
                offer.registration_enabled is True,
                offer.password_min_length,
                offer.password_max_length,
                offer.access_token_ttl_s,
                offer.oauth_providers,
            )
        ),
    )


async def livez(request: Request, gateway: Gateway, view: View) -> Answer:
    """GET /livez: the process answers."""
    return _state(200, "alive")


async def readyz(request: Request, gateway: Gateway, view: View) -> Answer:
    """GET /readyz: 503 while draining or misconfigured; for an outage that all instances share only if wanted."""
    word = view.readiness_word(enabled=gateway.parts.link.enabled)
    return _state(200 if word == READY else 503, word)


def _state(status: int, word: str) -> Answer:
    return Answer(status, ENCODER.encode(StateBody(word)))


async def problem_page(request: Request, gateway: Gateway, view: View) -> Answer:
    """GET /problems/<code>: HTML for whoever asks for it, JSON for everybody else."""
    found = view.page_of(request.path.rpartition("/")[2])
    if found is None:
        return refusal_answer(Refusal(404, "not_found", "There is no such page."), request.request_id, view)
    page, cause = found
    owner = cause.owner.value if view.operator else None
    if "text/html" in (request.header(b"accept") or ""):
        body = render_html(Explained(cause, page), operator=view.operator)
        headers = ((b"content-security-policy", content_security_policy().encode("ascii")), *_PAGE_HEADERS)
        return Answer(200, body, b"text/html; charset=utf-8", headers)
    shown = {**page.as_json(operator=view.operator), "status": cause.status, "action": cause.action.value}
    return problem(200, shown | {"owner": owner}).changed(content_type=b"application/json")
