"""Reads a value as a person would: is this the value itself, or something that was to become the value?

It must never execute or expand what it finds, and never put the value into a finding.
"""

import re
import unicodedata
from collections.abc import Callable, Iterator
from difflib import get_close_matches
from typing import Final, NamedTuple

from netra.core.findings import Finding, Severity
from netra.settings.field import SHORTEST_SECRET, Sort

ALL: Final[frozenset[Sort]] = frozenset({"secret", "id", "url", "path", "free", "closed"})
OPEN: Final = ALL - {"closed"}
SENT: Final[frozenset[Sort]] = frozenset({"secret", "id"})
SECRET: Final[frozenset[Sort]] = frozenset({"secret"})
ID: Final[frozenset[Sort]] = frozenset({"id"})
PATH: Final[frozenset[Sort]] = frozenset({"path"})

_NAMED_CHARACTERS: Final = {
    "\n": r"a line feed (\n)",
    "\r": r"a carriage return (\r)",
    "\t": r"a tab (\t)",
    " ": "a space",
    "\x00": r"a NUL (\x00)",
    "\x1b": r"an escape (\x1b)",
    "\ufeff": "a byte order mark (U+FEFF)",
}
_LONGEST: Final = 8192
_FEWEST_CHARACTERS: Final = 8
_INVISIBLE_ENDS: Final = "\ufeff\u200b\u200c\u200d\u2060\x00"
_SERVICE_LINK_END: Final = re.compile(
    r"_(SERVICE_HOST|SERVICE_PORT(_[A-Z0-9_]+)?|PORT(_\d+_(TCP|UDP|SCTP)(_[A-Z]+)?)?)"
)


class Text(NamedTuple):
    """A text and whose value it is to be."""

    value: str
    sort: Sort
    own_name: str
    known_names: frozenset[str]


class Check(NamedTuple):
    """One suspicion: `found` says what is wrong with a text, or nothing."""

    code: str
    sorts: frozenset[Sort]
    found: Callable[[Text], str | None]
    fix: str
    severity: Severity = Severity.ERROR


def character(one: str) -> str:
    """A character by a name that can be printed anywhere."""
    if one in _NAMED_CHARACTERS:
        return _NAMED_CHARACTERS[one]
    if ord(one) < 0x100:
        return f"a character \\x{ord(one):02x}"
    return f"a {unicodedata.name(one, 'character').lower()} (U+{ord(one):04X})"


def stripped(raw: str) -> tuple[str, tuple[str, ...]]:
    """The text without white space, line ends and invisible characters around it, and what was there, in words."""
    start, end = 0, len(raw)
    while start < end and (raw[start].isspace() or raw[start] in _INVISIBLE_ENDS):
        start += 1
    while end > start and (raw[end - 1].isspace() or raw[end - 1] in _INVISIBLE_ENDS):
        end -= 1
    said = (("starts", raw[:start]), ("ends", raw[end:]))
    return raw[start:end], tuple(f"{verb} with {_spelt(around)}" for verb, around in said if around)


def _spelt(around: str) -> str:
    kinds = list(dict.fromkeys(around))
    return " and ".join(character(one) for one in kinds[:3]) + (" and more" if len(kinds) > 3 else "")


def suspicions(text: Text, why: str) -> Iterator[Finding]:
    """What is wrong with a text, up to and including the first error."""
    for check in CHECKS:
        what = check.found(text) if text.sort in check.sorts else None
        if what:
            yield Finding(check.severity, check.code, text.own_name, what, why, check.fix)
            if check.severity is Severity.ERROR:
                return


def _like(pattern: str, what: str) -> Callable[[Text], str | None]:
    compiled = re.compile(pattern, re.IGNORECASE)
    return lambda text: what if compiled.search(text.value) else None


def _long(text: Text) -> str | None:
    return f"is longer than {_LONGEST} characters" if len(text.value) > _LONGEST else None


def _undecoded(text: Text) -> str | None:
    return "is not valid UTF-8" if any("\ud800" <= one <= "\udfff" for one in text.value) else None


def _unprintable(text: Text) -> str | None:
    for one in text.value:
        if unicodedata.category(one) in {"Cc", "Cf", "Zl", "Zp"}:
            return f"has {character(one)} inside"
    return None


def _no_header_byte(text: Text) -> str | None:
    return (
        "has a character inside that no HTTP header can carry" if any(ord(one) > 0xFF for one in text.value) else None
    )


def _monotonous(text: Text) -> str | None:
    long = len(text.value) >= SHORTEST_SECRET
    return "repeats very few characters" if long and len(set(text.value)) < _FEWEST_CHARACTERS else None


def _not_ascii(text: Text) -> str | None:
    return None if text.value.isascii() else "has a character outside ASCII"


def _named(text: Text) -> str | None:
    """Is the text the name of a variable or of a secret?"""
    shouted = re.sub(r"[-. /]+", "_", text.value).upper()
    if shouted in text.known_names:
        return "is the name of a variable, not its value"
    secrets = {text.own_name, "SERVICE_SECRET"} if text.sort == "secret" else {text.own_name}
    if text.sort in SENT and any(re.search(rf"(^|_){re.escape(name)}(_|$)", shouted) for name in secrets):
        return "is the name of a secret or variable, not its content"
    if text.sort == "secret" and (_VARIABLE_NAME.fullmatch(text.value) or _SECRET_NAME.fullmatch(text.value)):
        return "looks like the name of a secret, not its content"
    return None


def _assigned(text: Text) -> str | None:
    name, mark, _ = text.value.removeprefix("export ").partition("=")
    return "repeats the name of a variable in front of the value" if mark and name.strip() in text.known_names else None


_VARIABLE_NAME: Final = re.compile(r"[A-Z][A-Z0-9]*(_[A-Z0-9]+)+")
_SECRET_NAME: Final = re.compile(
    r"[a-z][a-z0-9]*([-_/.][a-z0-9]+)*[-_/.](secret|token|password|passwd|key|credentials?)"
    r"([-_/.](v?\d{1,3}|latest|current|prod|production|staging|stage|dev|development|test))?"
)
_QUOTE: Final = "[\"'\u2018\u2019\u201c\u201d\u201e\u00ab\u00bb]"
_SHELL: Final = r"\$\(\s*[a-z./<].*\)|\$\{[a-z_]\w*.*\}|^\$[a-z_]\w*$|^`.*`$"
_REFERENCE: Final = (
    r"^projects/[^/]+/(locations/[^/]+/)?secrets/|^arn:aws[\w-]*:(secretsmanager|ssm|kms):|^\{\{resolve:"
    r"|^@Microsoft\.KeyVault\(|^https://[\w-]+\.vault\.azure\.net/|^(secretKeyRef|valueFrom)\b"
    r"|^(vault|bao|op|sm|gsm|ssm|awssm|aws-?sm|gcp-?sm|akv|azurekeyvault|doppler|secretref|ref\+\w+)://"
    r"|^(vault|bao|secret):[\w/-]+#\w"
)
_PATH: Final = r"^/(run|var|etc|mnt|home|root|opt|tmp|srv|secrets|app|usr)/|^file:/"
_PEM: Final = "^-----BEGIN |^LS0tLS1CRUdJTi"
"""PEM text, as it is and in Base64."""
_TEMPLATE: Final = (
    r"\{\{.*\}\}|^<.*>$|^\[\[.*\]\]$|^%[a-z_][a-z0-9_]*%$|^__\w+__$|^@@.*@@$|^@[a-z_]+@$"
    r"|^x{3,}$|^\*{3,}$|^\u2022+$|^\.{3,}$|^\u2026$"
)
_PLACEHOLDER: Final = (
    r"(?<![a-z])change[-_ .]?(me|this|it)(?![a-z])|(?<![a-z])replace[-_ .]?(me|this|it|with)(?![a-z])"
    r"|(^|[/_.])your[-_ ]|(?<![a-z])(put|add|paste|enter|set|insert)[-_ ].*[-_ ]here(?![a-z])|placeholder"
    r"|(?<![a-z])to[-_ ]be[-_ ](set|defined|filled)|(?<![a-z])(fixme|todo|dummy|redacted)(?![a-z])"
    r"|^(none|null|nil|undefined|n/?a|tbd|unset|not[-_ ]set|empty|missing|unknown|password|secret|example|sample)$"
    r"|^(foo|bar|foobar)$"
)
_STAMP: Final = (
    r"(?<!\d)(1[4-9]\d{8}|2[01]\d{8})(\d{3}|\d{6}|\d{9}|\.\d{1,9})?$"
    r"|(?<!\d)20\d\d-?(0[1-9]|1[0-2])-?(0[1-9]|[12]\d|3[01])[-T_]?([01]\d|2[0-3])[-:]?[0-5]\d([-:]?[0-5]\d(\.\d{1,9})?)?Z?$"
)

_UNFILLED: Final = "is a placeholder that nobody has filled in"
_ASCII: Final = "Use ASCII characters only"
_REAL: Final = "Set the real value."

CHECKS: Final = (
    Check("content_as_path", PATH, _like(_PEM, "is the content of a file, not its path"),
          "Write it to a file that only this user may read, and set that file's path."),
    Check("too_long", ALL, _long, "Set the value alone; this looks like a whole file."),
    Check("not_utf8", ALL, _undecoded, "Set it again as UTF-8 text."),
    Check("illegal_characters", ALL, _unprintable, "Set it again on one line, without control characters."),
    Check("quotes", ALL, _like(f"^{_QUOTE}.*{_QUOTE}$", "is wrapped in quotation marks, which belong to the value"),
          "Remove the quotation marks: env files of containers and units keep them."),
    Check("quotes", OPEN - SECRET, _like(f"^{_QUOTE}|{_QUOTE}$", "starts or ends with a quotation mark"), "Remove it."),
    Check("quotes", SECRET, _like(f"^{_QUOTE}|{_QUOTE}$", "starts or ends with a quotation mark"),
          "If it is not a part of the secret, remove it.", Severity.WARNING),
    Check("escaped_line_end", ALL, _like(r"(\\[nrt]|%0[ad])$", "ends with a line end written as an escape"),
          "Remove it: the tool that wrote the value escaped a line end."),
    Check("shell_text", ALL, _like(_SHELL, "is shell text that nobody has expanded"),
          "Set the result of the command or variable; nothing here executes or expands it."),
    Check("shell_text", OPEN - SECRET, _like("`", "holds a backtick, which is shell text"), "Set the output instead."),
    Check("shell_text", ID, _like(r"\$", "holds a dollar sign, which is shell text"), "Set the result instead."),
    Check("secret_reference", SENT, _like(_REFERENCE, "is a secret's address in a secret manager, not its content"),
          "Let the platform resolve it, or mount it and name the file in the variable with _FILE."),
    Check("path_as_value", SENT, _like(_PATH, "is the path of a file"), "Name it in the variable with _FILE."),
    Check("json_as_value", SENT, _like(r"""^\{.*["'].*:.*\}$""", "is a JSON object, not the value inside it"),
          "Select the one key of the secret that holds the value."),
    Check("assignment_as_value", ALL, _assigned, "Remove the name and the equals sign from the value."),
    Check("scheme_in_secret", SECRET, _like(r"^(bearer|basic)\s", "starts with an authorisation scheme"),
          "Set the token alone, without the scheme in front of it."),
    Check("placeholder", ALL, _like(_TEMPLATE, _UNFILLED), _REAL),
    Check("placeholder", OPEN - SECRET, _like(r"<[\w .-]+>", _UNFILLED), _REAL),
    Check("placeholder", OPEN, _like(_PLACEHOLDER, _UNFILLED), _REAL),
    Check("name_as_value", ALL, _named, "Set the content of the secret or variable, not its name."),
    Check("time_stamp_in_id", ID, _like(_STAMP, "ends in a time stamp, so it changes with every deploy"),
          "Set a constant id, the one that the auth service has registered."),
    Check("illegal_characters", SENT, _no_header_byte, f"{_ASCII}."),
    Check("not_ascii", SENT, _not_ascii, f"{_ASCII}: two ends may encode others differently.", Severity.WARNING),
    Check("weak_secret", SECRET, _monotonous, "Generate a random one.", Severity.WARNING),
)  # fmt: skip


def unknown_variables(names: frozenset[str], known: frozenset[str]) -> Iterator[Finding]:
    """Variables that look like ours and are not, each with the nearest one that is."""
    links = tuple(name.removesuffix("_SERVICE_HOST") for name in names if name.endswith("_SERVICE_HOST"))
    for name in sorted(names - known):
        shouted = name.upper()
        if not shouted.startswith(("NETRA_", "AUTH_SERVICE_")) or _is_service_link(name, links):
            continue
        near = get_close_matches(shouted, sorted(known), n=1, cutoff=0.6)
        fix = f"Did you mean {near[0]}?" if near else "Remove it, or see the settings reference for the names."
        severity = Severity.WARNING if shouted.startswith("NETRA_") else Severity.NOTE
        shown = name if name.isascii() and name.isprintable() and len(name) <= 80 else ascii(name[:80])
        yield Finding(severity, "unknown_variable", shown, "is not a setting of this version", "It has no effect.", fix)


def _is_service_link(name: str, links: tuple[str, ...]) -> bool:
    """Did Kubernetes set the variable for a Service whose name begins like ours?"""
    return any(name.startswith(link) and _SERVICE_LINK_END.fullmatch(name.removeprefix(link)) for link in links)
