"""The admin listener's answers about one request: the stories that are still kept of its id.

It must never be served to the public: a story names causes, hops and accounts.
"""

from typing import Final

from netra.asgi.words import Answer, Refusal, Request, Route
from netra.observe.recorder import STORIES_COUNT, Recorder
from netra.web.bodies import ENCODER
from netra.web.render import refusal_answer
from netra.web.view import View

PATH: Final = "/trace/*"
_OFF: Final = "Nothing is recorded here: NETRA_RECORDED_REQUESTS is 0."
_GONE: Final = (
    "Nothing is known of this id: it was never here, its request was refused for its form, or so many came since "
    "that it was forgotten. The log lines of all replicas remember: netra trace --from-logs."
)


def trace_routes(recorder: Recorder, view: View) -> list[Route]:
    """GET /trace/<id>: what became of a request, by its request id or its trace id."""
    told = view.told_in_full()

    async def trace(request: Request) -> Answer:
        an_id = request.path.rpartition("/")[2]
        stories = recorder.stories(an_id)
        if not stories:
            why = _GONE if recorder.size_count else _OFF
            return refusal_answer(Refusal(404, "not_found", why), request.request_id, told)
        left_out_count = recorder.left_out_count(an_id) if len(stories) == STORIES_COUNT else 0
        members = {"request_id": an_id, "stories": [each.as_json() for each in stories]}
        return Answer(200, ENCODER.encode(members | {"stories_left_out": left_out_count}))

    return [Route("GET", PATH, trace)]
