"""Every event string and field of our log lines, and the page made of them: `python -m netra.observe.log.reference`.

It must never list a string that is not written, nor lack one that is: a test compares it with lines of every kind.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

from netra.core.verdict.causes import TABLE
from netra.observe.log.lines import JOURNEYS
from netra.observe.log.sampling import MAX_KINDS_COUNT, SUMMARISED
from netra.observe.log.unforeseen import IN_A_THREAD, OF_NOBODY
from netra.observe.log.vocabulary import CODES_WITHOUT_A_WORD, word_of

COMMAND: Final = "python -m netra.observe.log.reference"


class Row(NamedTuple):
    """One event string."""

    event: str
    """As it is written; `N` stands for the number of tries."""
    levels: tuple[str, ...]
    when: str
    fields: tuple[str, ...] = ()
    """Which it can have, besides `request_id` and `owasp`."""


FIELDS: Final = {
    "timestamp": "When, RFC 3339 in UTC with milliseconds.",
    "level": "`debug`, `info`, `warning`, `error` or `critical`.",
    "event": "What has happened: one of the strings below, letter by letter.",
    "request_id": "The id that the client was told, of the probe, or of this run of the program. In every line.",
    "owasp": "The word of OWASP's logging vocabulary for it, where there is one.",
    "elapsed_ms": "How long it took.",
    "account": "A keyed hash of the identifier: alike for one account, and of no use to whoever lacks the key.",
    "trace_id": "The trace that it belongs to, as W3C Trace Context has it.",
    "span_id": "Where it is recorded in that trace; only when traces are on.",
    "journey": "`me` or `verify`: which of the two checks a token was for.",
    "code": "Of the table of causes, or of the finding: `netra explain CODE`.",
    "limited_by": "`gateway` or `auth_service`: who has counted the attempts.",
    "phase": "How far the request got: `never_sent`, `maybe_sent`, `answered`.",
    "owner": "Who can mend it: `us`, `network`, `between`, `auth_service`.",
    "tries": "Each try: its code, how long it took, and where its time went.",
    "why": "What it means, in a sentence.",
    "check_first": "What to check first.",
    "os_error": "What the operating system said.",
    "answered_by": "Who answered in the place of the auth service.",
    "calls": "Which circuit: of logins or of tokens.",
    "next_try_in_s": "When the circuit lets somebody through again.",
    "failed": "How many of the latest calls failed.",
    "key_ids": "Of the key set that is in use.",
    "reason": "What is wrong with a key set that was refused.",
    "what": "What has changed; of a finding, what is wrong.",
    "now": "Its version or fingerprint.",
    "before": "The one before.",
    "variable": "The setting.",
    "public": "The address of the public listener.",
    "admin": "The address of the admin listener.",
    "error_type": "The type of an exception, never its text.",
    "places": "Where it happened: the innermost calls as `file:line function`, the very place last.",
    "summarised_event": "The event string of the lines that were not written.",
    "count": "How many lines it stands for, or how many were lost.",
    "first_request_id": "Of the first of them.",
    "last_request_id": "Of the last of them.",
    "logger": "Of a line that came through the standard library's logging: its logger.",
}
"""Every field and what it says, in the order in which the page tells them."""

_ATTEMPT: Final = ("elapsed_ms", "account", "trace_id", "span_id")
_FAILED: Final = ("code", "phase", "owner", "tries", "why", "check_first", "os_error", "answered_by")
_PAGE: Final = ("code", "why", "check_first")
_FREQUENT: Final = frozenset({"Token check", "Offer"})


def _attempts(words: str) -> Iterator[Row]:
    """The rows of one journey."""
    told = (*_ATTEMPT, "journey") if words == "Token check" else _ATTEMPT
    well, ill = ("debug",) if words in _FREQUENT else ("info",), ("error",) if words == "Login" else ("warning",)
    yield Row(f"{words} succeeded", well, "The auth service vouched, or the token is good.", told)
    yield Row(
        f"{words} rejected", well, "A definite refusal: a healthy answer, whatever the code.",
        (*told, "code", "limited_by"),
    )  # fmt: skip
    yield Row(
        f"{words} failed: Access forbidden", ("error",),
        "The auth service refused our own credentials, or lacked them: nobody has judged the user.", (*told, *_FAILED),
    )  # fmt: skip
    if words == "Login":
        yield Row("All N login attempts failed", ("error",), "N tries, and no verdict.", (*told, *_FAILED))
        when = "No verdict, and nothing was tried: an open circuit, too many at once, switched off, stopping."
    else:
        when = "No verdict, for whatever other reason."
    yield Row(f"{words} failed", ill, when, (*told, *_FAILED))


def _names(names: tuple[str, ...]) -> str:
    return ", ".join(f"`{name}`" for name in names)


ROWS: Final = (
    *(row for words in dict.fromkeys(JOURNEYS.values()) for row in _attempts(words)),
    Row(
        "Auth service connectivity test failed", ("warning",),
        "The background probe failed: at the change, then once a minute.", ("elapsed_ms", "phase", *_PAGE),
    ),
    Row("Auth service connectivity test succeeded", ("info",), "It succeeds, after it had not.", ("elapsed_ms",)),
    Row("Handshake accepted", ("info",), "The auth service accepts our credentials.", ("elapsed_ms",)),
    Row("Handshake refused", ("error",), "It refuses them.", ("elapsed_ms", "phase", *_PAGE)),
    Row("Handshake absent", ("warning",), "It has no route for that.", ("elapsed_ms", "phase", *_PAGE)),
    Row("Handshake unclear", ("warning",), "It could not be asked, or spoke oddly.", ("elapsed_ms", "phase", *_PAGE)),
    Row(
        "Circuit opened", ("error",), "Calls of one kind are held back, because too many failed.",
        ("calls", "phase", "next_try_in_s", "failed", *_PAGE),
    ),
    Row("Circuit half-open", ("info",), "A few are let through, to see.", ("calls", "code", "phase")),
    Row("Circuit closed", ("info",), "All is well again.", ("calls",)),
    Row("Key set changed", ("info",), "Tokens are checked by other keys than before.", ("key_ids",)),
    Row(
        "Key set not renewed", ("warning",), "Keys could not be fetched, or were refused: the last good ones stay.",
        ("key_ids", "reason", *_PAGE),
    ),
    Row("Revocation feed up", ("info",), "It is heard which sessions have ended elsewhere."),
    Row("Revocation feed down", ("warning",), "It is not; at the change, and now and then.", _PAGE),
    Row("In use", ("info",), "What logins depend on, when it is seen first.", ("what", "now")),
    Row("Changed", ("info",), "It is another one than before.", ("what", "now", "before")),
    Row(
        "Configuration problem", ("warning", "error"), "A finding about the settings, or against the handshake.",
        ("code", "variable", "what", "why", "check_first"),
    ),
    Row(
        "Missing OAuth credential", ("warning", "error"), "Half a pair of variables for a provider.",
        ("code", "variable", "what", "why", "check_first"),
    ),
    Row(
        "Configuration read again", ("info",), "A file that a setting names has changed, and is in use.",
        ("code", "variable", "what", "why", "check_first"),
    ),
    Row("Netra started", ("info",), "The listeners are open.", ("public", "admin")),
    Row("Netra draining", ("info",), "The signal to stop has come; readiness says no."),
    Row("Netra stopped", ("info",), "Everybody was answered."),
    Row(
        "Internal error", ("error",), "A bug of ours: where, never with which values.",
        ("code", "phase", "elapsed_ms", "error_type", "places"),
    ),
    Row(IN_A_THREAD, ("error",), "A bug that ended a thread.", ("logger", "error_type", "places")),
    Row(
        OF_NOBODY, ("error",), "A bug where no caller waits, as in a finaliser.", ("logger", "error_type", "places"),
    ),
    Row(
        SUMMARISED, ("debug", "info", "warning", "error", "critical"),
        "Lines that had enough like them in their second, as important as they were.",
        ("summarised_event", "code", "count", "first_request_id", "last_request_id"),
    ),
    Row("Log lines dropped", ("warning",), "Nobody took them in time; said once lines leave again.", ("count",)),
)  # fmt: skip
"""In the order in which the page tells them."""

_INTRO: Final = f"""\
# Log lines

<!-- Generated by `{COMMAND}`. Change src/netra/observe/log/reference.py, not this page. -->

One JSON object a line on standard output, or text for people on a terminal (`NETRA_LOG_FORMAT`). Each attempt of a user
ends in exactly one line, however often it was tried. A gateway that is embedded in another program writes the same
events and fields as records of the standard library's logger `netra`, each field an attribute of its record.

No line holds a password, a token, a secret or an identifier in clear, at any level; a test searches for them.

## Fields
"""
_EVENTS_INTRO: Final = f"""
## Events

`request_id` is in all of them. Fields that do not apply are left out. *Attempt* stands for {_names(_ATTEMPT)};
*failure* for {_names(_FAILED)}.
"""
_WORDS_INTRO: Final = """
## OWASP's words

The field `owasp` has the word of OWASP's application logging vocabulary for events that it knows. What may follow
the word there, a user, is the field `account`. A login that failed without a verdict has no word: `authn_login_fail`
says that somebody's credentials are wrong, and nobody has judged them.
"""
_FLOODS: Final = f"""
## Floods

Of lines with the same event and code, the first 100 in a second are written (`NETRA_LOG_LINES_PER_S`; 0 writes all).
The others are counted, and told at the end of the second in one line `{SUMMARISED}` of the same level, with
`summarised_event`, `code`, `count`, `owasp` and the first and last `request_id`. Every line is written, counted in such
a line, or counted as dropped: see `netra_log_lines_summarised_total` and `netra_log_lines_dropped_total`. While nobody
takes lines, summaries wait and add up. At the end of the program what is left is told at once; one that is killed
(SIGKILL) loses the summaries of its last second and the lines of its last moment. Each attempt, summarised or not, is
counted in the metrics and can be looked up with `netra trace` for as long as it is remembered. Where every single login
has to be in the log, set it to 0.

An alert that counts lines has to count what a summary stands for, too. With Loki, how many logins failed after trying:

    sum(count_over_time({{app="netra"}} | json | event=~"All [0-9]+ login attempts failed" [5m]))
    + (sum(sum_over_time({{app="netra"}} | json | event="{SUMMARISED}"
        | summarised_event=~"All [0-9]+ login attempts failed" | unwrap count [5m])) or vector(0))

In general: the number of lines with this `event`, plus the sum of `count` of those with it as `summarised_event`.

## Lines of others

What other libraries say through the standard library's logging, from warnings on, leaves in the same form: its message
as `event`, with `logger`, and `error_type` and `places` instead of a traceback. Written while an attempt is served, it
has the `request_id` and `trace_id` of that attempt, else the id of the run. Lines are alike when their templates are;
at most {MAX_KINDS_COUNT:,} kinds are told apart in a second. In a program that embeds the gateway they are that
program's business. The embedded auth service (`netra authd`) writes its lines in the same form, too.
"""


def page() -> str:
    """The page, as Markdown."""
    fields = [f"| `{name}` | {meaning} |" for name, meaning in FIELDS.items()]
    events = [f"| `{row.event}` | {', '.join(row.levels)} | {row.when} | {_listed(row.fields)} |" for row in ROWS]
    return "\n".join(
        [
            _INTRO, "| field | what it says |", "| --- | --- |", *fields,
            _EVENTS_INTRO, "| event | level | when | fields |", "| --- | --- | --- | --- |", *events,
            _WORDS_INTRO, "| event | owasp |", "| --- | --- |", *_words(),
            "\n| code of what was rejected | of a login | of anything else |", "| --- | --- | --- |",
            *_words_of_rejections(), "\nWithout a word, although rejected:\n", *_wordless(), _FLOODS,
        ]
    )  # fmt: skip


def _listed(names: tuple[str, ...]) -> str:
    """Fields in the order in which the page tells them, with one word for those that go together."""
    left, words = set(names), []
    for word, group in (("*attempt*", _ATTEMPT), ("*failure*", _FAILED)):
        if left.issuperset(group):
            left -= set(group)
            words.append(word)
    words.append(_names(tuple(sorted(left, key=list(FIELDS).index))))
    return ", ".join(filter(None, words)) or "-"


def _words() -> Iterator[str]:
    return (f"| `{row.event}` | `{word}` |" for row in ROWS if (word := word_of(row.event)) is not None)


def _words_of_rejections() -> Iterator[str]:
    for code in TABLE:
        told = [word_of(event, code) for event in ("Login rejected", "Refresh rejected")]
        if any(told):
            yield f"| `{code}` | {' | '.join(f'`{word}`' if word else '-' for word in told)} |"


def _wordless() -> Iterator[str]:
    return (f"- `{code}`: {why}" for code, why in CODES_WITHOUT_A_WORD.items())


def main() -> None:
    """Write docs/logs.md below the current folder."""
    Path("docs/logs.md").write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
