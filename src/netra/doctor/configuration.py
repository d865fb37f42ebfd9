"""Settings and wire together: what neither can say alone.

It must never open a connection: all it reads are variables and the files that they name.
"""

from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from netra.core.findings import Finding, Severity
from netra.core.verdict.operations import HANDSHAKE, HEALTH, KEYS, OPERATIONS, VALIDATE
from netra.core.verdict.wire import Wire
from netra.observe.traces.opening import trace_findings
from netra.settings.field import Effective
from netra.settings.read import NO_OPTIONS, Loaded, Options, read
from netra.settings.variables import Settings
from netra.wires.load import resolve
from netra.wires.problem import WireProblem

_PLACES: Final = {"NETRA_TOKEN_ISSUER": "issuer", "NETRA_TOKEN_AUDIENCE": "audience"}
_REQUIRE: Final = "NETRA_REQUIRE_SERVICE_CREDENTIALS"
_ROUTES: Final = frozenset({"login", "register", "refresh", "logout", "validate"})
"""Calls that a public route stands on."""
_OF_CREDENTIALS: Final = frozenset({"half_credentials", "credentials_absent"})


class Configuration(NamedTuple):
    """What a gateway would start with."""

    settings: Settings | None
    """None when there is an error among the findings."""
    wire: Wire | None
    findings: tuple[Finding, ...]
    effective: tuple[Effective, ...]


def configuration(environ: Mapping[str, str], options: Options = NO_OPTIONS, *, serves: bool = True) -> Configuration:
    """Reads the settings and the wire that they name. `serves`: by itself, not inside another program?

    Raises: ValueError for an option that is no setting.
    """
    loaded = read(environ, options)
    named = next((each.value for each in loaded.effective if each.variable == "NETRA_WIRE"), None)
    if not isinstance(named, str):
        return Configuration(None, None, loaded.findings, loaded.effective)
    try:
        wire = resolve(named)
    except WireProblem as problem:
        return Configuration(None, None, (*loaded.findings, *wire_findings(problem)), loaded.effective)
    loaded = _with_the_wires_credentials(loaded, wire, environ, options)
    settings, found = loaded.settings, list(loaded.findings)
    asks = settings is None or bool(settings.auth_service_url)
    found += (*(_wire_advice(wire) if asks else ()), *(_token_findings(settings, wire) if settings else ()))
    found += trace_findings(settings.traces, environ) if settings and serves else ()
    if any(each.severity is Severity.ERROR for each in found):
        settings = None
    return Configuration(settings, wire, tuple(found), loaded.effective)


def wire_findings(problem: WireProblem) -> tuple[Finding, ...]:
    """What is wrong with a wire file, each with its line."""
    why = "The gateway would not know what the auth service's answers mean."
    fix = "Mend it; `netra wire check FILE` says whether a file is right, `netra wire list` which presets there are."
    lines = (line.removeprefix("NETRA_WIRE: ") for line in problem.lines())
    return tuple(Finding(Severity.ERROR, "wire_unusable", "NETRA_WIRE", line, why, fix) for line in lines)


def _with_the_wires_credentials(
    loaded: Loaded[Settings], wire: Wire, environ: Mapping[str, str], options: Options
) -> Loaded[Settings]:
    """The same settings; only what the wire makes use of is missed. They are shown as they were set."""
    if wire.credentials == {"service_id", "service_secret"}:
        return loaded
    effective = loaded.effective
    required = any(each.variable == _REQUIRE and each.value is True for each in effective)
    loaded = read(environ, {**options, _REQUIRE: "false"})._replace(effective=effective)
    kept = [each for each in loaded.findings if each.code not in _OF_CREDENTIALS]
    if loaded.settings is None:
        return loaded._replace(findings=tuple(kept))
    held = {"service_id": loaded.settings.service_id, "service_secret": loaded.settings.service_secret}
    missed = [_missed(name.upper(), wire, required=required) for name in sorted(wire.credentials) if held[name] is None]
    settings = None if missed and required else loaded.settings
    return loaded._replace(settings=settings, findings=(*kept, *missed))


def _token_findings(settings: Settings, wire: Wire) -> Iterator[Finding]:
    """What the settings want of tokens, and the wire cannot give."""
    keys = wire.offers(KEYS) or bool(settings.oidc_issuer)
    if settings.only == "verify" and not keys and not wire.offers(VALIDATE):
        yield Finding(
            Severity.ERROR,
            "nothing_to_verify_by",
            "NETRA_ONLY",
            f"is verify, and the wire {wire.name!r} has neither [calls.validate] nor [calls.keys]",
            "There is nobody to ask about a token, and no key to check one by.",
            "Set OIDC_ISSUER, or describe one of the two in the wire.",
        )
    wanted = {"NETRA_TOKEN_ISSUER": settings.token_issuer, "NETRA_TOKEN_AUDIENCE": settings.token_audience}
    placed = _places(wire)
    if not keys:
        wanted = {name: value for name, value in wanted.items() if _PLACES[name] not in placed}
        for name in (name for name, value in wanted.items() if value):
            yield Finding(
                Severity.WARNING,
                "token_setting_unused",
                name,
                f"is set, and the wire {wire.name!r} publishes no keys",
                "Tokens are not checked here: the auth service is asked about each, and judges by itself.",
                "Describe [calls.keys] in the wire if the auth service publishes keys, or remove the setting.",
            )
    elif not wire.offers(HANDSHAKE) and not settings.oidc_issuer and sum(map(bool, wanted.values())) == 1:
        lost = next(name for name, value in wanted.items() if not value)
        yield Finding(
            Severity.WARNING,
            "half_token_settings",
            lost,
            "is not set, and this auth service has no handshake that would say it",
            "Tokens are checked here only with issuer and audience known; until then each is asked about.",
            f"Set {lost}.",
        )


def _places(wire: Wire) -> frozenset[str]:
    """What the auth service says of a token that it is asked about."""
    template = wire.templates.get(VALIDATE.name)
    accepting = [row.accept for row in template.rows if row.accept] if template else []
    in_body = {name for accept in accepting for _, members in accept.members for name, _ in members}
    return frozenset(in_body | {name for accept in accepting for name, _ in accept.others})


def _missed(variable: str, wire: Wire, *, required: bool) -> Finding:
    return Finding(
        Severity.ERROR if required else Severity.WARNING,
        "missing",
        variable,
        f"is not set, and the wire {wire.name!r} makes use of it",
        "The auth service refuses calls without it: 502 `service_credentials_missing`.",
        f"Set {variable}.",
    )


def _wire_advice(wire: Wire) -> Iterator[Finding]:
    if wire.advice:
        yield Finding(
            Severity.WARNING,
            "wire_advice",
            "NETRA_WIRE",
            f"is {wire.name!r}",
            wire.advice,
            "Nothing to do if you know this; `netra wire show` tells what the wire says and expects.",
        )
    lacking = [name for name in OPERATIONS if name not in wire.templates and name in _ROUTES]
    if lacking:
        yield Finding(
            Severity.NOTE,
            "calls_not_offered",
            "NETRA_WIRE",
            f"is {wire.name!r}, whose auth service does not offer: {', '.join(lacking)}",
            "There are no routes for them here: who asks gets 404, and /config says what there is.",
            "Nothing to do, unless the auth service does offer them: then describe them in the wire.",
        )
    if not wire.offers(HEALTH):
        yield Finding(
            Severity.NOTE,
            "probe_not_offered",
            "NETRA_WIRE",
            f"is {wire.name!r}, whose auth service offers no health call",
            "The background probe has nothing to ask: an outage shows at the first login, not before.",
            "Add [calls.health] to the wire if the auth service has any cheap route.",
        )
