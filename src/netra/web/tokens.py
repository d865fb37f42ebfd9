"""Bytes in, a token; an outcome, bytes out: who am I?

It must never tell a caller more about a token than the auth service vouched for.
"""

from netra.asgi.words import Answer, Request
from netra.core.secret import Secret
from netra.core.verdict.outcomes import Accepted, Rejected
from netra.gateway.attempts import TokenAttempt, bearer
from netra.gateway.gate import Gateway
from netra.web.bodies import ENCODER, UserBody
from netra.web.labels import label_of
from netra.web.render import problem_answer
from netra.web.view import View


async def me(request: Request, gateway: Gateway, view: View) -> Answer:
    """GET /me."""
    token = bearer_of(request)
    if isinstance(token, Rejected):
        return problem_answer(token, view, request.request_id)
    outcome = await gateway.who_is(TokenAttempt(token, None, label_of(request), request.received_at_s))
    if isinstance(outcome, Accepted):
        user = outcome.value.user
        return Answer(200, ENCODER.encode(UserBody(user.id, user.email, user.name)))
    return problem_answer(outcome, view, request.request_id)


def bearer_of(request: Request) -> Secret | Rejected:
    """The one bearer token of a request, or why there is none."""
    values = [value.decode("latin-1") for name, value in request.headers if name == b"authorization"]
    in_query = any(part.startswith(b"access_token=") for part in request.query.split(b"&"))
    return bearer(values, query_has_token=in_query)
