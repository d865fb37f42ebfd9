"""What must hold between settings: each rule names the settings it needs and is asked only when all of them are known.

It must never read the environment's name to change behaviour, and never put the value of a secret into a finding.
"""

from collections.abc import Callable, Iterator, Mapping
from difflib import get_close_matches
from itertools import combinations
from typing import Final, Generic, NamedTuple, TypeVar
from urllib.parse import urlsplit

from netra.core.findings import Finding, Severity
from netra.settings.authd_variables import AuthdSettings
from netra.settings.pem_files import pair_problem
from netra.settings.sources import State
from netra.settings.values import host_of, is_loopback, is_unspecified
from netra.settings.variables import Settings

S = TypeVar("S")


class Seen(NamedTuple):
    """What a rule may know besides the values."""

    states: Mapping[str, State]
    """By variable: was it set, empty, …"""
    strangers: frozenset[str]
    """Names in the environment that are not ours: one of them may be a misspelt one."""

    def says(self, variable: str) -> str:
        """Why a variable has no value, in words."""
        return "is set but empty" if self.states.get(variable) == "empty" else "is not set"


class Rule(NamedTuple, Generic[S]):
    """One condition over several settings."""

    needs: tuple[str, ...]
    check: Callable[[S, Seen], Iterator[Finding]]


def _error(code: str, subject: str, what: str, why: str, fix: str) -> Finding:
    return Finding(Severity.ERROR, code, subject, what, why, fix)


def _warning(code: str, subject: str, what: str, why: str, fix: str) -> Finding:
    return Finding(Severity.WARNING, code, subject, what, why, fix)


def _note(code: str, subject: str, what: str, why: str, fix: str) -> Finding:
    return Finding(Severity.NOTE, code, subject, what, why, fix)


def _asks(s: Settings) -> bool:
    """Is there an auth service to ask? Not where only tokens of an OpenID provider are checked, by its keys."""
    return s.auth_service_enabled and (bool(s.auth_service_url) or s.only != "verify" or not s.oidc_issuer)


def _url_is_set(s: Settings, seen: Seen) -> Iterator[Finding]:
    if _asks(s) and not s.auth_service_url:
        near = get_close_matches("AUTH_SERVICE_URL", sorted(seen.strangers), n=1, cutoff=0.8)
        hint = f" {near[0]} is set: was it meant?" if near else ""
        fix = f"Set it to https://HOST[:PORT] of the auth service, or AUTH_SERVICE_ENABLED=false.{hint}"
        what = f"{seen.says('AUTH_SERVICE_URL')} (looked in the environment)"
        yield _error("missing", "AUTH_SERVICE_URL", what, "There is nobody to ask: no login is possible.", fix)


def _id_is_set(s: Settings, seen: Seen) -> Iterator[Finding]:
    if s.require_service_credentials and _asks(s) and s.service_id is None:
        yield _credential_missing("SERVICE_ID", seen)


def _secret_is_set(s: Settings, seen: Seen) -> Iterator[Finding]:
    if s.require_service_credentials and _asks(s) and s.service_secret is None:
        yield _credential_missing("SERVICE_SECRET", seen)


def _credential_missing(name: str, seen: Seen) -> Finding:
    near = get_close_matches(name, sorted(seen.strangers), n=1, cutoff=0.8)
    hint = f" {near[0]} is set: was it meant?" if near else ""
    unless = "NETRA_REQUIRE_SERVICE_CREDENTIALS=false only if the auth service asks for none"
    fix = f"Set {name} or {name}_FILE; {unless}.{hint}"
    what = f"{seen.says(name)} (looked for {name} and {name}_FILE)"
    return _error("missing", name, what, "The auth service refuses calls without it: no login is possible.", fix)


def _credentials_are_whole(s: Settings, seen: Seen) -> Iterator[Finding]:
    if s.require_service_credentials or not _asks(s):
        return
    halves = {"SERVICE_ID": s.service_id is not None, "SERVICE_SECRET": s.service_secret is not None}
    if all(halves.values()):
        return
    why = "An auth service that asks for credentials refuses every call: 502 `service_credentials_missing`."
    if not any(halves.values()):
        fix = "Nothing to do if the auth service asks for no service credentials."
        yield _note("credentials_absent", "SERVICE_ID", "is not set, nor is SERVICE_SECRET", why, fix)
        return
    lost, other = sorted(halves, key=lambda name: halves[name])
    yield _warning("half_credentials", lost, f"is not set, but {other} is", why, f"Set {lost}, or remove {other}.")


def _secrets_differ(s: Settings, seen: Seen) -> Iterator[Finding]:
    secrets = {
        "SERVICE_SECRET": s.service_secret, "SERVICE_SECRET_PREVIOUS": s.service_secret_previous,
        "NETRA_ADMIN_TOKEN": s.admin_token, "NETRA_LOG_KEY": s.log_key,
    }  # fmt: skip
    for first, second in combinations(secrets, 2):
        if secrets[first] is not None and secrets[first] == secrets[second]:
            why = "One leak opens both." if second != "SERVICE_SECRET_PREVIOUS" else "The rotation changes nothing."
            yield _warning("same_secret_twice", second, f"is the same secret as {first}", why, f"Set another {second}.")
    if s.service_secret_previous is not None and s.service_secret is None:
        what, why = "is set, but SERVICE_SECRET is not", "It is only used after SERVICE_SECRET was refused."
        yield _warning("half_credentials", "SERVICE_SECRET_PREVIOUS", what, why, "Set SERVICE_SECRET.")


def _id_is_not_the_secret(s: Settings, seen: Seen) -> Iterator[Finding]:
    if s.service_id and s.service_secret and s.service_secret.reveal() in s.service_id:
        why = "The id is not secret: it is written to logs and shown to operators."
        yield _error(
            "secret_in_id", "SERVICE_ID", "holds the secret of SERVICE_SECRET", why, "Set the id; change the secret."
        )


def _transport(s: Settings, seen: Seen) -> Iterator[Finding]:
    if not s.auth_service_url or not s.auth_service_enabled:
        return
    parts = urlsplit(s.auth_service_url)
    host = str(host_of(parts.hostname or ""))
    plain, here = parts.scheme == "http", is_loopback(host)
    why = "Passwords and the service secret cross the network in clear, for anyone on the way to read."
    if not s.require_tls:
        if plain and not here:
            make = _warning if seen.states.get("NETRA_REQUIRE_TLS") == "set" else _note
            what = "has http, and NETRA_REQUIRE_TLS is off"
            yield make("plaintext_url", "AUTH_SERVICE_URL", what, why, "Use https wherever real users log in.")
    elif host in s.plaintext_hosts and plain:
        what = "is accepted without TLS, because NETRA_PLAINTEXT_HOSTS lists its host"
        yield _warning(
            "plaintext_allowed", "AUTH_SERVICE_URL", what, why, "Make sure that a mesh or sidecar encrypts this hop."
        )
    elif host in s.plaintext_hosts and here:
        what = "points to this machine, and is accepted because NETRA_PLAINTEXT_HOSTS lists its host"
        why = "Whatever listens there is taken for the auth service."
        yield _warning(
            "loopback_allowed", "AUTH_SERVICE_URL", what, why, "Make sure that the sidecar listens before logins come."
        )
    elif here:
        why = "In a container or on a server of its own nothing listens there."
        fix = "Set the address of the auth service; list the host in NETRA_PLAINTEXT_HOSTS if it is a sidecar."
        yield _error(
            "loopback_refused", "AUTH_SERVICE_URL", "points to this machine while NETRA_REQUIRE_TLS is on", why, fix
        )
    elif plain:
        fix = "Use https, or list the exact host in NETRA_PLAINTEXT_HOSTS if a mesh or sidecar encrypts."
        yield _error("plaintext_refused", "AUTH_SERVICE_URL", "has http while NETRA_REQUIRE_TLS is on", why, fix)


def _plaintext_hosts_are_used(s: Settings, seen: Seen) -> Iterator[Finding]:
    named = {str(host_of(urlsplit(url).hostname or "")) for url in (s.auth_service_url, s.oidc_issuer)}
    if s.auth_service_url and not named.issuperset(s.plaintext_hosts):
        why = "If the address changes to it one day, nobody notices that TLS is gone."
        what = "lists a host that neither AUTH_SERVICE_URL nor OIDC_ISSUER names"
        yield _note(
            "plaintext_host_unused", "NETRA_PLAINTEXT_HOSTS", what, why, "Remove it, or spell the host as in the URL."
        )


def _client_pair_is_whole(s: Settings, seen: Seen) -> Iterator[Finding]:
    names = ("AUTH_SERVICE_CLIENT_CERT_FILE", "AUTH_SERVICE_CLIENT_KEY_FILE")
    certificate, key = s.auth_service_client_cert_file, s.auth_service_client_key_file
    why = "An auth service that asks for a client certificate ends every connection."
    if (certificate is None) != (key is None):
        lost, other = names if certificate is None else names[::-1]
        what = f"{seen.says(lost)}, while {other} is set"
        yield _error("half_client_certificate", lost, what, why, f"Set {lost}, or remove {other}.")
    elif certificate is not None and key is not None and (problem := pair_problem(certificate, key)):
        yield _error(problem.code, names[1], problem.what, why, problem.fix)


def _tls_files_are_used(s: Settings, seen: Seen) -> Iterator[Finding]:
    if not s.auth_service_url.startswith("http:"):
        return
    files = {
        "AUTH_SERVICE_CA_FILE": s.auth_service_ca_file,
        "AUTH_SERVICE_CLIENT_CERT_FILE": s.auth_service_client_cert_file,
        "AUTH_SERVICE_CLIENT_KEY_FILE": s.auth_service_client_key_file,
    }
    for name in (name for name, path in files.items() if path is not None):
        what = "is not used: AUTH_SERVICE_URL has http"
        why = "Nothing is encrypted, and neither side knows the other."
        yield _warning("tls_file_unused", name, what, why, f"Use https in AUTH_SERVICE_URL, or remove {name}.")


def _url_is_likely(s: Settings, seen: Seen) -> Iterator[Finding]:
    if not s.auth_service_enabled or not s.auth_service_url:
        return
    parts = urlsplit(s.auth_service_url)
    host = parts.hostname or ""
    if parts.path.endswith(("/auth", "/login", "/health", "/validate", "/register", "/refresh")):
        why = "Calls go to a path that does not exist: `endpoint_not_found`."
        fix = "Leave out the part of the path that belongs to one route: /auth/login is appended."
        yield _warning("url_path", "AUTH_SERVICE_URL", "ends in the path of a route", why, fix)
    if (parts.scheme, parts.port) in {("http", 443), ("https", 80)}:
        why = "The other side speaks another protocol there: `tls_protocol_error` or `http_protocol_error`."
        yield _warning(
            "scheme_port",
            "AUTH_SERVICE_URL",
            "has the port of the other scheme",
            why,
            "Correct the scheme or the port.",
        )
    if f".{host}".endswith((".example.com", ".example.org", ".example.net", ".example")):
        why = "No auth service is there."
        yield _warning(
            "example_host", "AUTH_SERVICE_URL", "names a host that is reserved for examples", why, "Set the real host."
        )
    port = parts.port or {"http": 80, "https": 443}[parts.scheme]
    here = {s.port: s.host, s.admin_port: s.admin_host}.get(port)
    if is_loopback(host) and here is not None and is_loopback(here):
        why = "The gateway would ask itself."
        fix = "Set the address of the auth service, or another port for the gateway."
        yield _error("points_at_itself", "AUTH_SERVICE_URL", "is the address of a listener of this gateway", why, fix)


def _disclosure(s: Settings, seen: Seen) -> Iterator[Finding]:
    if s.disclose == "operator" and s.environment == "production":
        why = "Whoever causes an error reads the address of the auth service and how it failed."
        what = "is operator in production"
        yield _warning(
            "operator_disclosure", "NETRA_DISCLOSE", what, why, "Unset it if the public reaches this gateway."
        )


def _admin_is_safe(s: Settings, seen: Seen) -> Iterator[Finding]:
    if is_loopback(s.admin_host) and not is_unspecified(s.admin_host):
        return
    if s.admin_token is None:
        why = "Everyone who reaches the admin listener could read and change everything there."
        fix = "Set NETRA_ADMIN_TOKEN (32 characters or more), or NETRA_ADMIN_HOST=127.0.0.1."
        yield _error(
            "admin_exposed",
            "NETRA_ADMIN_HOST",
            "is not of this machine alone, and NETRA_ADMIN_TOKEN is not set",
            why,
            fix,
        )
    if is_unspecified(s.admin_host) and not s.admin_hosts:
        what = "is not set, while NETRA_ADMIN_HOST stands for all addresses"
        why = "Requests under any name but localhost are answered 421."
        yield _warning(
            "admin_hosts_missing", "NETRA_ADMIN_HOSTS", what, why, "List the names under which operators address it."
        )


def _listeners_differ(s: Settings, seen: Seen) -> Iterator[Finding]:
    one_place = s.host == s.admin_host or (is_loopback(s.host) and is_loopback(s.admin_host))
    one_place = one_place or is_unspecified(s.host) or is_unspecified(s.admin_host)
    if s.port and s.port == s.admin_port and one_place:
        why = "Two listeners cannot share a port: the second one cannot start."
        yield _error(
            "port_clash", "NETRA_ADMIN_PORT", "is the same port as NETRA_PORT", why, "Set another NETRA_ADMIN_PORT."
        )


def _connect_fits(s: Settings, seen: Seen) -> Iterator[Finding]:
    budgets = {"NETRA_LOGIN_BUDGET_S": s.login_budget_s, "NETRA_TOKEN_BUDGET_S": s.token_budget_s}
    for name, budget_s in budgets.items():
        if s.connect_timeout_s >= budget_s:
            what = f"is {s.connect_timeout_s:g} s, not less than the {budget_s:g} s of {name}"
            why = "An attempt to connect uses up the budget; `connection_timeout` is never seen, only 504."
            fix = f"Set NETRA_CONNECT_TIMEOUT_S below {budget_s:g}, or raise {name}."
            yield _error("budget_connect", "NETRA_CONNECT_TIMEOUT_S", what, why, fix)


def _tries_fit(s: Settings, seen: Seen) -> Iterator[Finding]:
    sum_s = s.tries * s.connect_timeout_s
    if s.connect_timeout_s < s.login_budget_s < sum_s:
        sum_of = f"{s.tries} tries of {s.connect_timeout_s:g} s to connect are {sum_s:g} s"
        what = f"does not fit: {sum_of}, more than the {s.login_budget_s:g} s of NETRA_LOGIN_BUDGET_S"
        why = "The last tries are never made when the auth service cannot be reached."
        fix = "Lower NETRA_TRIES or NETRA_CONNECT_TIMEOUT_S, or raise NETRA_LOGIN_BUDGET_S."
        yield _warning("budget_tries", "NETRA_TRIES", what, why, fix)


def _probe_fits(s: Settings, seen: Seen) -> Iterator[Finding]:
    if s.probe_interval_s < s.connect_timeout_s:
        what = f"is {s.probe_interval_s:g} s, less than the {s.connect_timeout_s:g} s of NETRA_CONNECT_TIMEOUT_S"
        why = "The next probe is due before the last one has failed, so the interval is not kept in an outage."
        yield _warning("budget_probe", "NETRA_PROBE_INTERVAL_S", what, why, "Raise NETRA_PROBE_INTERVAL_S.")


def _hashes_last(s: Settings, seen: Seen) -> Iterator[Finding]:
    if s.log_key is None and s.service_secret is None and s.only != "verify":
        what = "is not set, and there is no SERVICE_SECRET to derive it from"
        why = "Hashes of identifiers in logs change at each start and differ between servers."
        yield _warning(
            "log_key_missing", "NETRA_LOG_KEY", what, why, "Set NETRA_LOG_KEY to 32 random characters or more."
        )


def _uncoded_401(s: Settings, seen: Seen) -> Iterator[Finding]:
    if s.trust_uncoded_401 and s.auth_service_enabled and s.only != "verify":
        what = "is on: a 401 without a code counts as a wrong password where there is no handshake"
        why = "If the auth service refuses our own credentials that way, users are told that their password is wrong."
        fix = "Set it to false if the auth service sends a code with every refusal."
        yield _note("uncoded_401_trusted", "NETRA_TRUST_UNCODED_401", what, why, fix)


def _issuer_is_safe(s: Settings, seen: Seen) -> Iterator[Finding]:
    if not s.oidc_issuer:
        return
    if not s.token_audience:
        why = "Tokens that this provider made for any other application would open this one."
        fix = "Set it to what stands in `aud` of your access tokens; the profile says where else an audience stands."
        yield _error("audience_missing", "NETRA_TOKEN_AUDIENCE", "is not set, while OIDC_ISSUER is", why, fix)
    if s.token_issuer and s.token_issuer != s.oidc_issuer:
        why = "The keys of one issuer say nothing of another one's tokens."
        fix = "Remove NETRA_TOKEN_ISSUER: it is OIDC_ISSUER."
        yield _error("two_issuers", "NETRA_TOKEN_ISSUER", "is another one than OIDC_ISSUER", why, fix)
    parts = urlsplit(s.oidc_issuer)
    if parts.scheme == "http" and str(host_of(parts.hostname or "")) not in s.plaintext_hosts:
        why = "Whoever is on the way can put in keys of his own, and sign any token."
        fix = "Use https, or list the exact host in NETRA_PLAINTEXT_HOSTS if a mesh or sidecar encrypts."
        yield _error("plaintext_issuer", "OIDC_ISSUER", "has http", why, fix)


_ASKING: Final = ("auth_service_enabled", "only", "oidc_issuer", "auth_service_url")

GATEWAY_RULES: Final[tuple[Rule[Settings], ...]] = (
    Rule(_ASKING, _url_is_set),
    Rule((*_ASKING, "require_service_credentials", "service_id"), _id_is_set),
    Rule((*_ASKING, "require_service_credentials", "service_secret"), _secret_is_set),
    Rule((*_ASKING, "require_service_credentials", "service_id", "service_secret"), _credentials_are_whole),
    Rule(("oidc_issuer", "token_issuer", "token_audience", "plaintext_hosts"), _issuer_is_safe),
    Rule(("service_secret", "service_secret_previous", "admin_token", "log_key"), _secrets_differ),
    Rule(("service_id", "service_secret"), _id_is_not_the_secret),
    Rule(("auth_service_enabled", "auth_service_url", "require_tls", "plaintext_hosts"), _transport),
    Rule(("auth_service_url", "oidc_issuer", "plaintext_hosts"), _plaintext_hosts_are_used),
    Rule(("auth_service_client_cert_file", "auth_service_client_key_file"), _client_pair_is_whole),
    Rule(
        ("auth_service_url", "auth_service_ca_file", "auth_service_client_cert_file", "auth_service_client_key_file"),
        _tls_files_are_used,
    ),
    Rule(("auth_service_enabled", "auth_service_url", "host", "port", "admin_host", "admin_port"), _url_is_likely),
    Rule(("environment", "disclose"), _disclosure),
    Rule(("admin_host", "admin_token", "admin_hosts"), _admin_is_safe),
    Rule(("host", "port", "admin_host", "admin_port"), _listeners_differ),
    Rule(("connect_timeout_s", "login_budget_s", "token_budget_s"), _connect_fits),
    Rule(("tries", "connect_timeout_s", "login_budget_s"), _tries_fit),
    Rule(("probe_interval_s", "connect_timeout_s"), _probe_fits),
    Rule(("only", "log_key", "service_secret"), _hashes_last),
    Rule(("only", "trust_uncoded_401", "auth_service_enabled"), _uncoded_401),
)


def _lifetimes(s: AuthdSettings, seen: Seen) -> Iterator[Finding]:
    if s.refresh_token_s <= s.access_token_s:
        why = "Nobody can stay logged in: the refresh token ends first."
        fix = "Set NETRA_AUTHD_REFRESH_TOKEN_S to more than NETRA_AUTHD_ACCESS_TOKEN_S."
        what = "is not longer than NETRA_AUTHD_ACCESS_TOKEN_S"
        yield _error("token_lifetimes", "NETRA_AUTHD_REFRESH_TOKEN_S", what, why, fix)


def _issuer_is_constant(s: AuthdSettings, seen: Seen) -> Iterator[Finding]:
    if seen.states.get("NETRA_AUTHD_ISSUER") != "set" and not is_loopback(s.host):
        why = "If the address changes, every token that is out there is refused with `token_wrong_issuer`."
        what = "is not set, so it is made from the address to listen on"
        yield _note(
            "issuer_derived",
            "NETRA_AUTHD_ISSUER",
            what,
            why,
            "Set the constant URL under which others know this server.",
        )


def _authd_is_inside(s: AuthdSettings, seen: Seen) -> Iterator[Finding]:
    if not is_loopback(s.host) or is_unspecified(s.host):
        why = "It speaks plain http: passwords can be read on the way."
        fix = "Put TLS in front of it, or keep it on 127.0.0.1 or a private network."
        yield _note("authd_exposed", "NETRA_AUTHD_HOST", "is not of this machine alone", why, fix)


def _passwords_are_long(s: AuthdSettings, seen: Seen) -> Iterator[Finding]:
    if s.password_min_length < 15:
        why = "NIST SP 800-63B-4 asks for 15 characters where a password is the only factor."
        fix = "Raise NETRA_AUTHD_PASSWORD_MIN_LENGTH to 15 if users log in with a password alone."
        yield _note("short_passwords", "NETRA_AUTHD_PASSWORD_MIN_LENGTH", "is less than 15", why, fix)


AUTHD_RULES: Final[tuple[Rule[AuthdSettings], ...]] = (
    Rule(("access_token_s", "refresh_token_s"), _lifetimes),
    Rule(("host", "issuer"), _issuer_is_constant),
    Rule(("host",), _authd_is_inside),
    Rule(("password_min_length",), _passwords_are_long),
)
