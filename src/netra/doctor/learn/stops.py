"""Why nothing is learnt: what an answer was instead of a verdict, and what to do about it.

It must never repeat what an answer said: it may be somebody's.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from netra.core.verdict.outcomes import NO_FACTS, Accepted, Outcome, Rejected, Unknown
from netra.core.verdict.reply import Broken, Reply
from netra.doctor.learn.drafts import Guess
from netra.doctor.learn.places import document_of
from netra.pages.book import read_book

_REFUSED: Final = "invalid_credentials"
_MAY_REFUSE: Final = frozenset({"request_not_understood", "invalid_response", "unexpected_status"})
"""What a refusal in a form that nobody knows yet is read as."""
_OF_CALLER: Final = "Say who calls with --header or --member, e.g. --member client_id=NAME."
_HINTS: Final = {
    "tls_certificate_error": "If the certificate is one of a private authority, name its file with --ca-file.",
    "redirected": "Give the URL that answers itself, to the last slash, with https if it wants that. A login page for "
                  "browsers redirects, too, and is of no use here.",
    "endpoint_not_found": "Check the path of --login, to the last slash.",
    "request_not_understood": "Say what it wants: --json or --form, --identifier-field, --password-field, --member.",
    "invalid_response": "A token in the body or in a header is needed. If it stands under a name of its own, write "
                        "the wire by hand: docs/wires.md has the form.",
    "service_credentials_rejected": _OF_CALLER,
    "service_credentials_missing": _OF_CALLER,
    "auth_service_rate_limited": "Too many requests: wait, and try again.",
}  # fmt: skip
_OUR_WORDS: Final = frozenset({"method", "path", "status", "content_type", "location_host", "answered_by"})
_OF_COOKIES: Final = "The answer sets a cookie: a session in a cookie is of no use here, only a token is."


class Stopped(NamedTuple):
    """Nothing is written; the lines say why, and what to do."""

    lines: tuple[str, ...]


def broken(what: str, got: Broken) -> Stopped:
    """There was no answer."""
    return Stopped(_told(what, f"got no answer: {got.code}.", got.code, got.facts))


def is_verdict(outcome: Outcome[Any]) -> bool:
    """Has the auth service said yes or no, or refused us? Then nothing is gained by asking in another form."""
    if isinstance(outcome, Accepted):
        return True
    if isinstance(outcome, Rejected):
        return outcome.cause.code != "invalid_fields"
    return outcome.cause.refuses_us


def of_good_login(outcome: Outcome[Any], reply: Reply, made: Sequence[Guess]) -> Stopped:
    """The good login led to no token."""
    tried = "; ".join(f"{guess.form} with {guess.identifier_field} and {guess.password_field}" for guess in made)
    if isinstance(outcome, Rejected) and outcome.cause.code == _REFUSED:
        return Stopped((
            f"The good login was refused ({reply.status}): is this the right password?",
            f"It was sent as {tried}. To put it otherwise, say --form or --json, and --identifier-field.",
        ))  # fmt: skip
    if reply.status == 401 and not is_verdict(outcome):
        return Stopped((
            "The good login was refused (401). Either the password is wrong, or the service wants it put otherwise.",
            f"It was sent as {tried}. To put it otherwise, say --form or --json, and --identifier-field.",
            "If the service wants to know who calls, say --header or --member.",
        ))  # fmt: skip
    code = "invalid_response" if isinstance(outcome, Accepted) else outcome.cause.code
    sentence = f"led to no token ({reply.status}, {code}); it was sent as {tried}."
    lines = _told("good login", sentence, code, _facts(outcome))
    cookie = (_OF_COOKIES,) if "set-cookie" in reply.headers and reply.status < 300 else ()
    return Stopped((*lines, *cookie))


def of_refusal(what: str, outcome: Outcome[Any], reply: Reply) -> Stopped | None:
    """What stands against learning from a refusal; None when nothing does."""
    if isinstance(outcome, Accepted):
        return Stopped((
            f"The {what} was LET IN, with a token. Nothing is written.",
            "Either everybody is let in here, or the URL is no login: mend that first.",
        ))  # fmt: skip
    code = outcome.cause.code
    if isinstance(outcome, Rejected) and code == _REFUSED:
        return None
    # Other refusals have a code of the table, and so are not among these.
    if code not in _MAY_REFUSE and not (code == "endpoint_not_found" and reply.status == 404):
        sentence = f"was answered {reply.status}, which is read as {code}: no verdict on anybody."
        return Stopped(_told(what, sentence, code, _facts(outcome)))
    if document_of(reply) is None:
        return Stopped((
            f"The {what} was answered {reply.status} with {'nothing' if not reply.body.strip() else 'no JSON object'}.",
            "Outages, proxies and wrong paths answer like this, too: no row that refuses users is made of it.",
            "Let the service say why as JSON, e.g. a code. Or write the row by hand and know the risk: the preset",
            "spring has one for an empty 401 (netra wire show spring --toml).",
        ))  # fmt: skip
    return None


def of_nothing_said(status: int) -> Stopped:
    """The refusals hold nothing that only a refusal of a user would say."""
    return Stopped((
        f"The refusals ({status}) say nothing that only a refusal of a user would say: no code, no sentence.",
        "Outages, proxies and a refusal of the calling service may look the same, so no row is made of it.",
        "Let the service say why, e.g. as a code; or write the row by hand: docs/wires.md has the form.",
    ))  # fmt: skip


def of_no_proof(what: str) -> Stopped:
    """The rows read one of the replies, or an outage, otherwise than they should."""
    return Stopped((f"No rows could be found that tell the three apart: {what}. Write the wire by hand.",))


def _facts(outcome: Outcome[Any]) -> Mapping[str, str]:
    """What is known of a failure, without what the reply said."""
    told = outcome.facts if isinstance(outcome, Unknown) else NO_FACTS
    return {name: value for name, value in told.items() if name in _OUR_WORDS}


def _told(what: str, sentence: str, code: str, facts: Mapping[str, str]) -> tuple[str, ...]:
    """What happened, what the page of its code says, and what to do."""
    page = read_book()[code]
    hint = _HINTS.get(code)
    return (f"The {what} {sentence}", page.operator_sentence(facts), *([hint] if hint else []))
