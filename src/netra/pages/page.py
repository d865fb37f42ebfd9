"""One page: what a code means, told with the facts of a failure or without them.

It must never put a fact into a sentence meant for the public, nor expand a fact's value a second time.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

FACTS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "host": "host name or address of the auth service",
        "port": "port of the auth service",
        "url": "AUTH_SERVICE_URL as the gateway understood it, without a slash at the end",
        "path": "path that was asked for at the auth service",
        "method": "method that was used at the auth service",
        "status": "status of the reply",
        "os_error": "what the operating system said, in its standard words",
        "answered_by": "who answered, when it was not the auth service",
        "issuer": "issuer that was expected in a token, or the unknown one that a certificate names",
        "certificate_fault": "why a certificate is not accepted, in our words",
        "tls_fault": "why a TLS handshake failed, in our words",
        "service_id": "our own service id",
        "skew_s": "by how many seconds the clock of the auth service and ours differ",
        "content_type": "media type of the reply",
        "location_host": "host that a redirect points to",
        "elapsed_s": "seconds that the attempt took",
        "budget_s": "seconds that the attempt was allowed",
        "retry_after_s": "seconds until it is worth asking again",
        "last_code": "code of the latest failure that counted against the auth service",
        "lacking": "what is missing in the reply, or of no use",
        "json_keys": "members of the JSON in the reply",
        "wire_row": "lines for a wire file that read the reply as a refusal",
        "variable": "environment variable that is at fault",
    }
)
"""The closed set of facts a page may name in braces."""

FACT: Final = re.compile(r"\{([a-z_]+)\}")
"""How a line names a fact."""

_LONGEST_FACT_CHARS: Final = 300
_OF_LINES: Final = frozenset({"wire_row"})
"""Facts that have line breaks of ours."""


@dataclass(frozen=True, slots=True)
class Page:
    """What one code means, what to do about it, and how it once came about."""

    code: str
    title: str
    public: str
    operator: tuple[str, ...]
    """One sentence in several wordings: those that need facts first, the last one without."""
    check_first: tuple[str, ...]
    still_works: tuple[str, ...]
    seen: str
    watch: tuple[str, ...]

    def operator_sentence(self, facts: Mapping[str, str]) -> str:
        """The most precise wording whose facts are all known; an empty fact counts as unknown."""
        told = (_told(wording, facts) for wording in self.operator)
        return next((sentence for sentence in told if sentence is not None), self.public)

    def suggestions(self, facts: Mapping[str, str]) -> tuple[str, ...]:
        """What to check, likeliest cure first; lines that need an unknown fact are left out."""
        told = (_told(line, facts) for line in self.check_first)
        return tuple(line for line in told if line is not None)

    def as_json(self, *, operator: bool) -> dict[str, str | list[str]]:
        """The page as JSON members.

        Without `operator` only what anybody may read: give it the page of the public code then.
        `check_first` keeps `{fact}` as written, because a page speaks of no failure in particular.
        """
        members: dict[str, str | list[str]] = {"code": self.code, "title": self.title, "public": self.public}
        if operator:
            members |= {
                "operator": self.operator_sentence({}),
                "check_first": list(self.check_first),
                "still_works": list(self.still_works),
                "seen": self.seen,
                "watch": list(self.watch),
            }
        return members


def _told(line: str, facts: Mapping[str, str]) -> str | None:
    """The line with its facts put in, once; None when one of them is unknown."""
    if any(not facts.get(name) for name in FACT.findall(line)):
        return None
    return FACT.sub(lambda found: plain(facts[found[1]], lines=found[1] in _OF_LINES), line)


def plain(value: str, *, lines: bool = False) -> str:
    """A fact as harmless text of bounded length: some are made of what a stranger sent."""
    if len(value) > _LONGEST_FACT_CHARS:
        value = value[: _LONGEST_FACT_CHARS - 1] + "…"
    return "".join(each if each.isprintable() or (lines and each == "\n") else "?" for each in value)
