"""Finds the text of a setting: option, environment variable or file, and says exactly where it looked.

It must never block on a file, read without bound, or show a path that may be a secret put in the wrong variable.
"""

import os
import re
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Final, Literal, NamedTuple

from netra.core.findings import Finding, Severity
from netra.settings.field import Gathered, Kind, Problem, Variable
from netra.settings.lint import Text, stripped, suspicions

MOST_BYTES: Final = 65_536
_LONGEST_PATH: Final = 512
_PROVIDER: Final = re.compile(r"OAUTH_([A-Z0-9][A-Z0-9_]*?)_CLIENT_(ID|SECRET)(?:_FILE)?")

State = Literal["unset", "empty", "unreadable", "set"]


class Found(NamedTuple):
    """The text of a setting as it was found; no text unless the state is `set`."""

    state: State
    text: str
    origin: str
    """`default`, `option`, `environment` or `file PATH`."""
    name: str
    """The variable that held it, or where it was looked for first."""
    findings: tuple[Finding, ...] = ()
    path: str = ""
    """Of the file that it was read from, if it was."""

    @property
    def where(self) -> str:
        """Where the text came from, in words to be appended; the environment needs none."""
        return {"environment": "", "option": " (given as an option)"}.get(
            self.origin, f" (read from the {self.origin})"
        )


def find(variable: Variable, environ: Mapping[str, str], options: Mapping[str, str | int | float | None]) -> Found:
    """The text of one setting from the first place that has it: option, environment, file."""
    given = options.get(variable.name)
    if given is not None:
        return _clean(variable, variable.name, str(given), "option")
    empty: Found | None = None
    for name in variable.names:
        if name in environ:
            got = _clean(variable, name, environ[name], "environment")
            if got.state == "set":
                return _checked_twice(variable, name, got, environ)
            empty = empty or got
    by_file = f"{variable.name}_FILE"
    if variable.file and by_file in environ:
        got = _from_file(variable, by_file, environ[by_file])
        return got._replace(findings=(empty.findings if empty else ()) + got.findings)
    return empty or Found("unset", "", "default", variable.name)


def _checked_twice(variable: Variable, name: str, got: Found, environ: Mapping[str, str]) -> Found:
    """Adds what is wrong when the same setting is given in two ways."""
    by_file = f"{variable.name}_FILE"
    if variable.file and environ.get(by_file, "").strip():
        what, fix = f"is set, and {by_file} is set too", f"Keep one of {name} and {by_file}."
        return got._replace(findings=(*got.findings, _finding(variable, Severity.ERROR, "set_twice", name, what, fix)))
    if name != variable.name and environ.get(variable.name, "").strip():
        mine, other = (variable.kind.parse(text.strip()) for text in (got.text, environ[variable.name]))
        if mine != other:
            what, fix = f"differs from {variable.name}, and goes before it", f"Set both alike, or unset {name}."
            clash = _finding(variable, Severity.WARNING, f"{variable.name.lower()}_mismatch", name, what, fix)
            return got._replace(findings=(*got.findings, clash))
    return got


def _clean(variable: Variable, name: str, raw: str, origin: str) -> Found:
    """The text without what surrounds it; the surroundings are reported once."""
    text, around = stripped(raw)
    where = Found("set", text, origin, name).where
    if not text:
        if variable.empty is None:
            return Found("empty", "", "default", name)
        severity = Severity.ERROR if origin.startswith("file") else variable.empty
        what = f"is set but empty{where}" if not around else f"holds only white space{where}"
        fix = "Set its value; remove the variable if it is not wanted." if not where else "Write the value there."
        return Found("empty", "", "default", name, (_finding(variable, severity, "empty", name, what, fix),))
    if not around:
        return Found("set", text, origin, name)
    usual = origin.startswith("file") and raw in {f"{text}\n", f"{text}\r\n"}
    severity = Severity.NOTE if usual else Severity.WARNING
    what = f"{'; '.join(around)}{where}"
    fix = "Nothing breaks here, it was removed; remove it at the source, other readers may keep it."
    return Found("set", text, origin, name, (_finding(variable, severity, "surrounding_white_space", name, what, fix),))


def _from_file(variable: Variable, by_file: str, raw_path: str) -> Found:
    path, _ = stripped(raw_path)
    if not path:
        what = "is set but names no file"
        return _unread(variable, by_file, what, f"Set the path, or remove {by_file}.", "empty")
    shown = f"file {path}" if is_path(path) else f"file named by {by_file}"
    got = bytes_of(path)
    if isinstance(got, Problem):
        hidden = "" if is_path(path) else " (no such path begins on this machine, so it is not shown)"
        return _unread(variable, by_file, f"names a file that {got.what}: the {shown}{hidden}", got.fix, "unreadable")
    try:
        text = got.decode("utf-8-sig")
    except UnicodeDecodeError:
        what = f"names a file that is not UTF-8 text: the {shown}"
        return _unread(variable, by_file, what, "Write it again as UTF-8; some shells write UTF-16.", "unreadable")
    return _clean(variable, variable.name, text, shown)._replace(path=path)


def bytes_of(path: str, most_bytes: int = MOST_BYTES) -> bytes | Problem:
    """The content of a regular file of bounded size, or why it is not to be had."""
    try:
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    except (OSError, ValueError) as error:
        reason = os.strerror(error.errno) if isinstance(error, OSError) and error.errno else "not a valid path"
        fix = "Check that it is mounted, that the path is spelt right, and that this user may read it."
        return Problem("unreadable", f"cannot be read ({reason})", fix)
    try:
        mode = os.fstat(handle).st_mode
        if stat.S_ISDIR(mode):
            return Problem(
                "unreadable", "is a directory", "A bind mount of a missing file makes one: check the source."
            )
        if not stat.S_ISREG(mode):
            return Problem(
                "unreadable", "is not a regular file", "Name a regular file; pipes and devices are not read."
            )
        return _bounded(handle, most_bytes)
    except OSError as error:
        return Problem("unreadable", f"cannot be read ({os.strerror(error.errno or 0)})", "Check the mount.")
    finally:
        os.close(handle)


def _bounded(handle: int, most_bytes: int) -> bytes | Problem:
    got = b""
    while len(got) <= most_bytes:
        more = os.read(handle, most_bytes + 1 - len(got))
        if not more:
            return got
        got += more
    return Problem("unreadable", f"is larger than {most_bytes} bytes", "Name the file that holds only this value.")


def is_path(text: str) -> bool:
    """May the text be shown as a path? Only if its first directory exists: else it may be the secret itself."""
    path = Path(text)
    if not text.isprintable() or not text.isascii() or len(text) > _LONGEST_PATH or not path.parts:
        return False
    first = Path(*path.parts[:2]) if path.is_absolute() else Path(path.parts[0])
    try:
        return first.is_dir() or path.exists()
    except (OSError, ValueError):
        return False


def _unread(variable: Variable, by_file: str, what: str, fix: str, state: State) -> Found:
    code = "empty" if state == "empty" else "unreadable"
    return Found(state, "", "default", by_file, (_finding(variable, Severity.ERROR, code, by_file, what, fix),))


def _finding(variable: Variable, severity: Severity, code: str, name: str, what: str, fix: str) -> Finding:
    return Finding(severity, code, name, what, variable.breaks, fix)


def oauth_pairs(environ: Mapping[str, str]) -> Gathered:
    """The providers whose client id and client secret are both there, and what is wrong with the others."""
    providers = sorted({match[1] for name in environ if (match := _PROVIDER.fullmatch(name))})
    complete: list[str] = []
    findings: list[Finding] = []
    for provider in providers:
        halves = [_half(f"OAUTH_{provider}_CLIENT_{half}", environ) for half in ("ID", "SECRET")]
        findings += [finding for half in halves for finding in half.findings]
        lost = [half.name for half in halves if half.state != "set"]
        if not lost:
            complete.append(provider.lower())
        if all(half.state in {"unset", "empty"} for half in halves):
            continue
        for name in lost:
            what = f"Missing OAuth credential: {name}"
            why = "The provider is not offered: one half of a pair is of no use."
            fix = f"Set {name}, or remove the other half."
            findings.append(Finding(Severity.WARNING, "oauth_credential_missing", name, what, why, fix))
    return Gathered(tuple(complete), tuple(findings))


def _half(name: str, environ: Mapping[str, str]) -> Found:
    """One half of a pair, with the same checks of its text as any other; they only warn."""
    sort: Literal["secret", "free"] = "secret" if name.endswith("SECRET") else "free"
    row = Variable(name=name, kind=Kind(str, "", sort), group="", meaning="", default="", file=True, empty=None,
                   breaks="Logins with this provider fail.")  # fmt: skip
    found = find(row, environ, {})
    doubts = suspicions(Text(found.text, sort, name, frozenset({name})), row.breaks) if found.state == "set" else ()
    mild = tuple(
        one._replace(severity=Severity.WARNING)
        for one in (*found.findings, *doubts)
        if one.severity is not Severity.NOTE
    )
    return found._replace(name=name, findings=mild)
