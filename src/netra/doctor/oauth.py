"""The credentials of OAuth providers, as they are spelt in the environment: what was misspelt, what will be sent.

It must never show a credential, nor change what a provider is offered by.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import pairwise
from typing import Final, NamedTuple
from urllib.parse import urlsplit

from netra.core.findings import Finding, Severity
from netra.doctor.diagnosis import Check, Hop, State
from netra.settings.field import ENVIRONMENTS
from netra.settings.values import is_loopback

_PROPER: Final = re.compile(r"OAUTH_([A-Z0-9][A-Z0-9_]*?)_(CLIENT_ID|CLIENT_SECRET|CLIENT_SECRET_FILE|REDIRECT_URI)")
_NAME: Final = re.compile(r"[A-Za-z0-9_]{1,80}")
_ENDS: Final[Mapping[frozenset[str], str]] = {
    frozenset({"ID"}): "CLIENT_ID",
    frozenset({"SECRET"}): "CLIENT_SECRET",
    frozenset({"SECRET", "FILE"}): "CLIENT_SECRET_FILE",
    frozenset({"REDIRECT", "URI"}): "REDIRECT_URI",
    frozenset({"REDIRECT", "URL"}): "REDIRECT_URI",
}
_OF_ENDS: Final = frozenset({"ID", "SECRET", "FILE", "REDIRECT", "URI", "URL"})
_OF_OAUTH: Final = frozenset({"OAUTH", "OAUTH2"})
_OF_ENVIRONMENTS: Final = frozenset({each.upper() for each in ENVIRONMENTS} | {"DEV", "STAGE", "PROD"})
_HIDDEN: Final = re.compile(r"SECRET|TOKEN|PASSWORD|PASSWD|_KEY")
"""In the name of a variable whose value is nobody's business."""
_FEWEST_HIDDEN_CHARS: Final = 6
_LONGEST_SHOWN: Final = 500
_MISSING: Final = "oauth_credential_missing"
"""What the settings call half a pair."""
_OFF: Final = "Logins with this provider fail, or it is not offered."


class _Spelling(NamedTuple):
    """A variable that was probably meant to be another one."""

    name: str
    meant: str
    wrong: str
    """What is wrong with the name, in words."""


def findings(environ: Mapping[str, str]) -> tuple[Finding, ...]:
    """What is wrong with names and redirect URIs. That half of a pair is missing, the settings say themselves."""
    return tuple(finding for check in checks(environ) for finding in check.findings)


def without_misspelt(found: Iterable[Finding], environ: Mapping[str, str]) -> tuple[Finding, ...]:
    """Findings of the settings without those that a misspelt variable has caused: `checks` says more of it."""
    misspelt = tuple(_misspelt(_given(environ)))
    meant = {each.meant for each in misspelt}
    strange = {each.name.rpartition("_CLIENT_")[0] for each in misspelt if _PROPER.fullmatch(each.name)}
    return tuple(
        each
        for each in found
        if each.code != _MISSING or not (each.subject in meant or each.subject.rpartition("_CLIENT_")[0] in strange)
    )


def checks(environ: Mapping[str, str]) -> tuple[Check, ...]:
    """One check for the spelling of all variables, when one is misspelt, and one for each provider; else none."""
    given = _given(environ)
    misspelt = tuple(_misspelt(given))
    strange = {each.name for each in misspelt}
    providers = sorted(
        {found[1] for name in given if name not in strange and (found := _PROPER.fullmatch(name)) is not None}
    )
    spelling = (_spelling_check(misspelt, given),) if misspelt else ()
    return (*spelling, *(_redirect_check(each, given) for each in providers))


def _given(environ: Mapping[str, str]) -> dict[str, str]:
    """Variables that hold something, and whose names can be shown."""
    return {name: value.strip() for name, value in environ.items() if value.strip() and _NAME.fullmatch(name)}


def _misspelt(given: Mapping[str, str]) -> Iterator[_Spelling]:
    proper = {found[1] for name in given if (found := _PROPER.fullmatch(name)) is not None}
    for name in sorted(given):
        spelling = _doubled(name) or _reordered(name, proper)
        if spelling is not None:
            yield spelling


def _doubled(name: str) -> _Spelling | None:
    """A name that would do, but for a word that stands there twice in a row."""
    words = name.split("_")
    twice = next((one for one, other in pairwise(words) if one == other and one), None)
    single = "_".join(one for at, one in enumerate(words) if not at or one != words[at - 1])
    found = _PROPER.fullmatch(single)
    return _Spelling(name, single, f"has {twice} twice") if twice and found and found[1] not in _OF_OAUTH else None


def _reordered(name: str, proper: set[str]) -> _Spelling | None:
    """A name of the right words in another order, in small letters, without one of them, or with one too many."""
    if _PROPER.fullmatch(name):
        return None
    words = name.upper().split("_")
    end = _ENDS.get(frozenset(words) & _OF_ENDS)
    spoken_of = _OF_OAUTH & set(words)
    others = [each for each in words if each not in _OF_ENDS | _OF_OAUTH | {"CLIENT", ""}]
    stages = _OF_ENVIRONMENTS & set(others)
    provider = "_".join(dict.fromkeys(each for each in others if each not in stages))
    if end is None or not provider or not (spoken_of or (provider in proper and "CLIENT" in words)):
        return None
    meant = f"OAUTH_{provider}_{end}"
    return _Spelling(name, meant, _wrong(name, words, meant, stages))


def _wrong(name: str, words: list[str], meant: str, stages: frozenset[str]) -> str:
    if name.upper() == meant:
        return "is not in capital letters"
    if stages:
        return f"names an environment, {min(stages)}"
    expected = meant.split("_")
    lacking = [each for each in expected if each not in words]
    extra = [each for each in words if each not in expected]
    if lacking and extra:
        return f"has {extra[0]} for {lacking[0]}"
    if lacking:
        return f"lacks the word {lacking[0]}"
    return "has its words in another order" if sorted(words) == sorted(expected) else "has a word twice"


def _spelling_check(misspelt: tuple[_Spelling, ...], given: Mapping[str, str]) -> Check:
    found = tuple(_unread(each, also=each.meant in given) for each in misspelt)
    state = State.WARN if any(each.severity is Severity.WARNING for each in found) else State.PASS
    what = f"variables that look misspelt: {', '.join(each.name for each in misspelt)}"
    return Check(Hop.CONFIGURATION, "oauth_variables", state, what, None, found)


def _unread(spelling: _Spelling, *, also: bool) -> Finding:
    if also:
        why, fix = f"Nothing breaks: {spelling.meant} is set, too.", f"Remove {spelling.name}."
        severity = Severity.NOTE
    else:
        why, fix = f"Missing OAuth credential: {spelling.meant}. {_OFF}", f"Rename it to {spelling.meant}."
        severity = Severity.WARNING
        if spelling.meant.endswith("_REDIRECT_URI"):
            why = "The redirect URI is another one than whoever set it believes."
    what = f"is not read as {spelling.meant}, which it looks like: it {spelling.wrong}"
    return Finding(severity, "oauth_variable_misspelt", spelling.name, what, why, fix)


def _redirect_check(provider: str, given: Mapping[str, str]) -> Check:
    """Where the provider sends people back to, in full: it must be letter by letter what is registered there."""
    name, variable = f"oauth_{provider.lower()}", f"OAUTH_{provider}_REDIRECT_URI"
    uri = given.get(variable)
    if uri is None:
        what = f"{provider}: {variable} is not set, so the auth service decides which redirect URI is sent"
        return Check(Hop.CONFIGURATION, name, State.SKIP, what)
    problem = _uri_problem(uri)
    shown = _shown(uri, given)
    if problem is None:
        what = f"{provider}: the redirect URI that is sent is {shown}; the provider must have exactly this one"
        return Check(Hop.CONFIGURATION, name, State.PASS, what)
    finding = Finding(
        Severity.WARNING,
        "oauth_redirect_uri",
        variable,
        problem,
        "The provider refuses the login with `redirect_uri_mismatch`, or sends codes where others can read them.",
        "Set the absolute https address that is registered at the provider, letter by letter.",
    )
    what = f"{provider}: the redirect URI {shown} cannot be used: it {problem}"
    return Check(Hop.CONFIGURATION, name, State.WARN, what, None, (finding,))


def _uri_problem(uri: str) -> str | None:
    """What is wrong with a redirect URI. Source: RFC 6749, section 3.1.2; RFC 9700, section 2.1; RFC 8252, 7.3."""
    if any(each.isspace() or not each.isprintable() for each in uri):
        return "has white space or a character that does not print inside"
    try:
        address = urlsplit(uri)
        host, _ = address.hostname or "", address.port
    except ValueError:
        return "is not a URL with a valid host and port"
    refused = (
        (not address.scheme or not host, "is not absolute: scheme, host and path"),
        ("*" in uri, "has a wildcard, and providers compare it letter by letter"),
        ("#" in uri, "has a fragment"),
        ("@" in address.netloc, "carries a user name or password"),
        (address.scheme != "https" and not (address.scheme == "http" and is_loopback(host)), "is not https"),
    )
    return next((what for wrong, what in refused if wrong), None)


def _shown(uri: str, given: Mapping[str, str]) -> str:
    """The URI in full, unless it holds what is nobody's business."""
    secrets = (value for name, value in given.items() if _HIDDEN.search(name.upper()))
    hidden = any(len(value) >= _FEWEST_HIDDEN_CHARS and value in uri for value in secrets)
    shape = "://" in uri and "@" not in uri and uri.isprintable()
    return uri if shape and not hidden and len(uri) <= _LONGEST_SHOWN else "(not shown)"
