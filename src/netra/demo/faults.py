"""What the demo can break, a row each: its name, what happens then, and what a login gets.

It must never say what is not so: the promised answers are compared with real ones by the tests.
"""

from difflib import get_close_matches
from typing import Final, Literal, NamedTuple

Means = Literal["nothing", "kill", "freeze", "registry", "door"]


class Fault(NamedTuple):
    """One way to break the auth service, or the way between."""

    name: str
    means: Means
    """By what it is brought about: the auth service itself is killed or stopped, its registry changed, or its door."""
    what: str
    status: int
    """What a login with the right password is answered while it lasts."""
    code: str = ""
    """The exact cause, as operators see it; empty where the login succeeds."""

    @property
    def promised(self) -> str:
        """The answer in one line, e.g. `503 connection_refused`."""
        return f"{self.status} {self.code}".rstrip()


FAULTS: Final = (
    Fault("none", "nothing", "All is well; whatever was broken is mended.", 200),
    Fault("stopped", "kill", "The auth service is killed: nothing listens at its address.", 503, "connection_refused"),
    Fault("frozen", "freeze", "It is stopped in mid-work: connections open, nobody answers.", 504, "response_timeout"),
    Fault(
        "wrong-service-secret", "registry", "It knows another secret for this gateway than the gateway has.", 502,
        "service_credentials_rejected",
    ),
    Fault("slow", "door", "Every answer takes a second longer.", 200),
    Fault("dripping", "door", "Answers come byte by byte and never end.", 504, "response_timeout"),
    Fault("empty-reply", "door", "Connections are closed without a word.", 502, "connection_terminated"),
    Fault("cut-short", "door", "Answers end in the middle.", 502, "response_incomplete"),
    Fault("garbage", "door", "What comes back is not HTTP.", 502, "http_protocol_error"),
    Fault("html-error", "door", "A proxy in between answers with its own error page.", 502, "intermediary_error"),
    Fault("redirect", "door", "Every call is sent elsewhere (302).", 502, "redirected"),
    Fault("not-found", "door", "The routes are gone (404), as after a wrong release.", 502, "endpoint_not_found"),
    Fault("server-error", "door", "It answers 500 to everything.", 502, "auth_service_error"),
    Fault("unavailable", "door", "It answers 503 and asks for seven seconds.", 503, "auth_service_unavailable"),
    Fault("no-user-id", "door", "It answers 200, but the user's id is empty.", 502, "invalid_response"),
)  # fmt: skip

BY_NAME: Final = {fault.name: fault for fault in FAULTS}


def near(name: str) -> list[str]:
    """The names that this one may have been meant for, best first; underscores count as dashes."""
    return get_close_matches(name.lower().replace("_", "-"), BY_NAME, n=3, cutoff=0.6)
