"""From the environment to settings: all problems at once, each value with the place it came from.

It must never exit, log, or raise for a bad value except through `load`, and reads nothing but the files that are named.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any, Final, Generic, NamedTuple, TypeVar

from netra.core.findings import Finding, Severity
from netra.core.secret import Secret
from netra.settings.authd_variables import AuthdSettings
from netra.settings.field import (
    DOTS,
    NOT_ACCEPTED,
    Columns,
    Derived,
    Effective,
    Problem,
    Variable,
    effective,
    rows,
)  # fmt: skip
from netra.settings.lint import Text, suspicions, unknown_variables
from netra.settings.rules import AUTHD_RULES, GATEWAY_RULES, Rule, Seen
from netra.settings.sources import Found, State, find
from netra.settings.variables import Settings

Options = Mapping[str, str | int | float | None]
NO_OPTIONS: Final[Options] = MappingProxyType({})

S = TypeVar("S")


class Loaded(NamedTuple, Generic[S]):
    """What reading the settings gave."""

    settings: S | None
    """None when there is an error among the findings."""
    findings: tuple[Finding, ...]
    origins: Mapping[str, str]
    """By variable: `default`, `environment`, `file PATH` or `option`."""
    effective: tuple[Effective, ...]
    """Every setting as it may be shown, secrets as dots."""
    files: Mapping[str, str]
    """By variable: the path of the file that its value was read from."""


class SettingsProblem(Exception):
    """The settings cannot be used; the message has every error on a line of its own."""

    def __init__(self, findings: Iterable[Finding]) -> None:
        self.findings = tuple(findings)
        super().__init__("\n".join(one.line() for one in self.findings if one.severity is Severity.ERROR))


def read(environ: Mapping[str, str], options: Options = NO_OPTIONS) -> Loaded[Settings]:
    """The settings of the gateway. Options are keyed by variable and go before the environment; None is not given.

    Raises: ValueError for an option that is no setting.
    """
    loaded = _read(Settings, GATEWAY_RULES, environ, options)
    if loaded.settings is None:
        return loaded
    return loaded._replace(settings=replace(loaded.settings, files=loaded.files))


def read_authd(environ: Mapping[str, str], options: Options = NO_OPTIONS) -> Loaded[AuthdSettings]:
    """The settings of the embedded auth service, by the same rules.

    Raises: ValueError for an option that is no setting.
    """
    return _read(AuthdSettings, AUTHD_RULES, environ, options)


def load(environ: Mapping[str, str], options: Options = NO_OPTIONS) -> Settings:
    """The settings of the gateway, or one exception with all problems. Raises: SettingsProblem."""
    return _usable(read(environ, options))


def load_authd(environ: Mapping[str, str], options: Options = NO_OPTIONS) -> AuthdSettings:
    """The settings of the embedded auth service, or one exception with all problems. Raises: SettingsProblem."""
    return _usable(read_authd(environ, options))


class Reread(NamedTuple):
    """What a file holds now."""

    value: Any
    """In its own type; None when there is an error among the findings."""
    findings: tuple[Finding, ...]


def read_again(attribute: str, path: str) -> Reread:
    """One setting of the gateway as its file has it now, by the same checks as at the start, except with others."""
    variable, reading = dict(rows(Settings))[attribute], _Reading()
    reading.accept(attribute, variable, find(variable, {f"{variable.name}_FILE": path}, NO_OPTIONS), known_names())
    return Reread(reading.values.get(attribute), tuple(reading.findings))


def _usable(loaded: Loaded[S]) -> S:
    if loaded.settings is None:
        raise SettingsProblem(loaded.findings)
    return loaded.settings


class _Reading:
    """What has been read so far, setting by setting."""

    def __init__(self) -> None:
        self.values: dict[str, Any] = {}
        self.findings: list[Finding] = []
        self.found: dict[str, Found] = {}

    def accept(self, attribute: str, variable: Variable, found: Found, known_names: frozenset[str]) -> None:
        """Keeps the value of a setting, or what is wrong with it; a refused one has no value."""
        self.found[variable.name] = found
        self.findings += found.findings
        if found.state == "set":
            text = Text(found.text, variable.kind.sort, found.name, known_names)
            doubts = [one._replace(what=f"{one.what}{found.where}") for one in suspicions(text, variable.breaks)]
            self.findings += doubts
            if not _has_error(doubts):
                self._parse(attribute, variable, found)
        elif not _has_error(found.findings):
            self._default(attribute, variable)

    def _parse(self, attribute: str, variable: Variable, found: Found) -> None:
        value = variable.kind.parse(found.text)
        if isinstance(value, Problem):
            what = f"{value.what}{found.where}"
            self.findings.append(Finding(Severity.ERROR, value.code, found.name, what, variable.breaks, value.fix))
        else:
            self.values[attribute] = value

    def _default(self, attribute: str, variable: Variable) -> None:
        """A default that depends on a setting that was refused stays unknown, so that no rule guesses."""
        default = variable.default
        if isinstance(default, Columns):
            if "environment" not in self.values:
                return
            default = getattr(default, self.values["environment"])
        elif isinstance(default, Derived):
            try:
                default = default.of(self.values)
            except KeyError:
                return
        self.values[attribute] = default


def _has_error(findings: Iterable[Finding]) -> bool:
    return any(one.severity is Severity.ERROR for one in findings)


def known_names() -> frozenset[str]:
    """Every environment variable that is read by a part of this version."""
    return frozenset(name for table in (Settings, AuthdSettings) for _, row in rows(table) for name in row.known_names)


def _read(table: type[S], rules: tuple[Rule[S], ...], environ: Mapping[str, str], options: Options) -> Loaded[S]:
    known = known_names()
    reading = _Reading()
    _refuse_strange_options(table, options)
    for attribute, variable in rows(table):
        if variable.gather:
            gathered = variable.gather(environ)
            reading.values[attribute] = gathered.value
            reading.findings += gathered.findings
            origin = "environment" if gathered.value else "default"
            reading.found[variable.name] = Found("set" if gathered.value else "unset", "", origin, variable.name)
        else:
            reading.accept(attribute, variable, find(variable, environ, options), known)
    # Unknown values stand as None in a draft that no rule looks at: rules say what they need.
    draft = table(**{attribute: reading.values.get(attribute) for attribute, _ in rows(table)})
    states: dict[str, State] = {name: found.state for name, found in reading.found.items()}
    seen = Seen(states, frozenset(environ) - known)
    for rule in rules:
        if all(attribute in reading.values for attribute in rule.needs):
            reading.findings += rule.check(draft, seen)
    reading.findings += unknown_variables(frozenset(environ), known)
    settings = None if _has_error(reading.findings) else draft
    origins = {name: found.origin for name, found in reading.found.items()}
    files = {name: found.path for name, found in reading.found.items() if found.state == "set" and found.path}
    shown = _effective(table, reading, origins)
    return Loaded(settings, tuple(reading.findings), MappingProxyType(origins), shown, MappingProxyType(files))


def _refuse_strange_options(table: type[Any], options: Options) -> None:
    strange = set(options) - {variable.name for _, variable in rows(table)}
    if strange:
        raise ValueError(f"no such setting to give as an option: {', '.join(sorted(strange))}")


def _effective(table: type[Any], reading: _Reading, origins: Mapping[str, str]) -> tuple[Effective, ...]:
    """Every setting as it may be shown; one that was refused shows nothing of its value."""
    refused = {one.subject for one in reading.findings if one.severity is Severity.ERROR}
    hidden = frozenset(value.reveal() for value in reading.values.values() if isinstance(value, Secret))
    shown = []
    for attribute, variable in rows(table):
        origin = origins[variable.name]
        secret = variable.kind.sort == "secret"
        if attribute in reading.values and not refused & set(variable.known_names):
            shown.append(effective(variable, reading.values[attribute], origin, hidden))
        else:
            shown.append(Effective(variable.name, DOTS if secret else NOT_ACCEPTED, None, origin))
    return tuple(shown)
