"""Rows of faults in what the auth service answers, as HTTP: framing, length, encoding, redirects.

It must never hold a fault in what a well-formed answer says: that is in `answers`.
"""

from typing import Final

from netra.lab.scripts import JSON, reply
from tests.faults.row import DEADLINE_S, PROMPT_S, Row, Section, Way
from tests.faults.scenes import SceneMaker, played, redirected, scripted
from tests.support.gateways import IMPATIENT

HERE: Final[Section] = "Reading it"
PROTOCOL: Final = "http_protocol_error"
TOO_LARGE: Final = "response_too_large"


def unusable(
    name: str,
    code: str,
    *,
    status: int = 502,
    kept: bool = False,
    keyed: int = 1,
    owner: str = "auth_service",
    scene: SceneMaker | None = None,
) -> Way:
    """A way in which a login arrives once, and its answer is one that nobody can use; by default one of the lab's."""
    lab = None if scene else name
    return Way(
        name, scene or played(name), status, code, kept, 1, keyed, within_s=PROMPT_S, owner=owner, lab=lab
    )  # fmt: skip


def _redirect(name: str, scene: SceneMaker | None = None) -> Way:
    return unusable(name, "redirected", kept=True, owner="us", scene=scene)


ROWS: Final = (
    Row(
        HERE,
        "framing",
        "The length is too long, too short, told twice, negative, or told beside chunks; or the last chunk is missing.",
        "502 `response_incomplete` or 502 `http_protocol_error`; 502 `invalid_response` where the length cuts the "
        "document short; 504 `response_timeout` where the rest is awaited. The connection is given up",
        "no",
        (
            unusable("length-too-long", "response_incomplete", keyed=3),
            unusable("length-never-reached", "response_timeout", status=504)._replace(
                within_s=DEADLINE_S, told=IMPATIENT
            ),
            unusable("length-too-short", "invalid_response"),
            unusable("cut-chunks", "response_incomplete", keyed=3),
            unusable("length-twice", PROTOCOL),
            unusable("length-negative", PROTOCOL),
            unusable("length-no-number", PROTOCOL),
            unusable("length-enormous", PROTOCOL),
            unusable("length-and-chunks", PROTOCOL),
            unusable("chunk-no-number", PROTOCOL),
            unusable("chunk-enormous", PROTOCOL),
        ),
    ),
    Row(
        HERE,
        "second-answer",
        "A second answer that nobody asked for follows on the same connection.",
        "the first answer, and nobody ever gets the second; the connection is given up",
        "-",
        try_it=("unasked-response", "unasked-response-later"),
    ),
    Row(
        HERE,
        "too-big",
        "The body is over 64 KiB, the headers over 16 KiB, compressed without end, or in an unknown encoding.",
        "502 `response_too_large` or 502 `http_protocol_error`",
        "no",
        (
            unusable("huge-body", TOO_LARGE),
            unusable("endless-body", TOO_LARGE),
            unusable("body just over 64 KiB", TOO_LARGE, scene=scripted(reply(200, b" " * 65_537, [JSON]))),
            unusable("huge-header", TOO_LARGE),
            unusable("too-many-headers", PROTOCOL),
            unusable("gzip-bomb", PROTOCOL),
            unusable("unknown-encoding", PROTOCOL),
        ),
    ),
    Row(
        HERE,
        "set-cookie",
        "A cookie comes with the success.",
        "the login succeeds; the cookie is neither kept nor passed on",
        "-",
        try_it=("set-cookie",),
    ),
    Row(
        HERE,
        "redirect",
        "A redirect of any kind: to another host, in a circle, from https to http.",
        "502 `redirected`; nothing is followed, credentials least of all",
        "no",
        (
            *(
                _redirect(f"{status} to a host that would take it", redirected(status))
                for status in (301, 302, 303, 307, 308)
            ),
            _redirect("308 to http", redirected(308, tls=True)),
            _redirect("status-300"),
            _redirect("status-304"),
            _redirect("status-307"),
            _redirect("redirect-loop"),
            _redirect("redirect-to-http"),
        ),
    ),
    Row(
        HERE,
        "not-http",
        "The status is 999 or no number; or HTTP/0.9, TLS, the beginning of HTTP/2 comes instead of HTTP/1.1.",
        "502 `http_protocol_error` or 502 `unexpected_status`",
        "no",
        (
            *(unusable(f"status-{status}", "unexpected_status", kept=True) for status in (202, 206, 600, 999)),
            unusable("status-101", "unexpected_status"),
            unusable("status-no-number", PROTOCOL),
            unusable("status-four-digits", PROTOCOL),
            unusable("http-0-9", PROTOCOL),
            unusable("tls-bytes", PROTOCOL),
            unusable("http2-preface", PROTOCOL),
            unusable("ssh-banner", PROTOCOL),
            unusable("nul-in-header", PROTOCOL),
        ),
    ),
    Row(
        HERE,
        "continue-flood",
        "`100 Continue` comes five thousand times.",
        "502 `http_protocol_error`, bounded",
        "no",
        (unusable("continue-forever", PROTOCOL),),
    ),
)
