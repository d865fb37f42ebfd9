"""The settings of the gateway: each variable once, as a field with its meaning, its default and what breaks.

It must never hold a value of its own: defaults are words in a table, read when somebody asks.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from netra.core.findings import Severity
from netra.core.identifier import Kind
from netra.core.pace.rejections import Limit
from netra.core.secret import Secret
from netra.settings import pem_files, values
from netra.settings.field import Columns, Problem, Variable, about
from netra.settings.rows import logs, pace, tokens
from netra.settings.rows.shared import (
    ANSWERS,
    DRAIN_DELAY,
    ENVIRONMENT,
    IDENTITY,
    LISTENERS,
    LOG_FORMAT,
    LOG_LEVEL,
    LOG_LINES_PER_S,
    OAUTH,
    RECEIPT_TIMEOUT,
    SERVICE,
)
from netra.settings.sources import oauth_pairs

NO_FILES: Final[Mapping[str, str]] = MappingProxyType({})


def same_environment(one: str, other: str) -> bool:
    """Do two words mean the same kind of deployment, whichever of its usual forms each is?"""
    known, other_known = (ENVIRONMENT.kind.parse(each.strip().lower()) for each in (one, other))
    return one == other if isinstance(known, Problem) else known == other_known


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything the gateway can be told from outside, checked and in its own types."""

    environment: str = field(metadata=about(ENVIRONMENT))
    auth_service_enabled: bool = field(metadata=about(Variable(
        name="AUTH_SERVICE_ENABLED", group=SERVICE, kind=values.switch(), default=True,
        meaning="Is there an auth service to ask? With false every login is answered 503 `auth_service_disabled`.",
        breaks="Nobody can log in.",
    )))  # fmt: skip
    auth_service_url: str = field(metadata=about(Variable(
        name="AUTH_SERVICE_URL", group=SERVICE, kind=values.url("https", "http"), default="", empty=None,
        required="required unless AUTH_SERVICE_ENABLED=false",
        meaning="Where the auth service is: scheme, host, and a port and path if it needs them. "
                "No user name, query or fragment; `/auth/login` and the other routes are appended.",
        breaks="Every login fails, with `dns_error`, `connection_refused` or `endpoint_not_found`.",
    )))  # fmt: skip
    require_tls: bool = field(metadata=about(Variable(
        name="NETRA_REQUIRE_TLS", group=SERVICE, kind=values.switch(), default=Columns(False, False, False, True),
        meaning="Refuse an AUTH_SERVICE_URL with http or of this machine.",
        breaks="Off: passwords and the service secret may cross the network in clear.",
    )))  # fmt: skip
    plaintext_hosts: tuple[str, ...] = field(metadata=about(Variable(
        name="NETRA_PLAINTEXT_HOSTS", group=SERVICE, default=(),
        kind=values.listed(values.host_name, "exact hosts, without port"),
        meaning="Hosts of AUTH_SERVICE_URL that are accepted with http or on this machine although TLS is required: "
                "a mesh or a sidecar that encrypts. Their use is reported at each start.",
        breaks="A host that nothing encrypts for gets passwords in clear.",
    )))  # fmt: skip
    auth_service_ca_file: str | None = field(metadata=about(Variable(
        name="AUTH_SERVICE_CA_FILE", group=SERVICE, kind=pem_files.certificates(), default=None,
        meaning="A PEM file with the certificates of your own authorities; they are trusted besides the system's. "
                "Read again when it changes.",
        breaks="Every login is 503 `tls_certificate_error`: nobody vouches for the auth service's certificate.",
    )))  # fmt: skip
    wire: str = field(metadata=about(Variable(
        name="NETRA_WIRE", group=SERVICE, kind=values.wire(), default="netra",
        meaning="How the auth service is spoken to: paths, fields and what its answers mean.",
        breaks="Every login is 502: the auth service does not understand the question, or we not its answer.",
    )))  # fmt: skip
    trust_uncoded_401: bool = field(metadata=about(Variable(
        name="NETRA_TRUST_UNCODED_401", group=SERVICE, kind=values.switch(), default=True,
        meaning="Where the auth service offers no handshake: is a 401 without a code, as a JSON object, "
                "the user's wrong password?",
        breaks="On, a refusal of our own credentials without a code is told to users as a wrong password. "
               "Off, a wrong password without a code is answered 502.",
    )))  # fmt: skip
    service_id: str | None = field(metadata=about(Variable(
        name="SERVICE_ID", group=IDENTITY, kind=values.identifier(), default=None, file=True, empty=Severity.ERROR,
        required="required with NETRA_REQUIRE_SERVICE_CREDENTIALS",
        meaning="The id under which the auth service knows this gateway, sent as `X-Service-ID`. "
                "The same at every deploy.",
        breaks="The auth service refuses the gateway: every login is 502 `service_credentials_rejected`.",
    )))  # fmt: skip
    service_secret: Secret | None = field(metadata=about(Variable(
        name="SERVICE_SECRET", group=IDENTITY, kind=values.secret(), default=None, file=True, empty=Severity.ERROR,
        required="required with NETRA_REQUIRE_SERVICE_CREDENTIALS",
        meaning="The secret that belongs to SERVICE_ID, sent as `X-Service-Secret`. In a file it is read again when "
                "that changes, as are the id and the previous secret.",
        breaks="The auth service refuses the gateway: every login is 502 `service_credentials_rejected`.",
    )))  # fmt: skip
    service_secret_previous: Secret | None = field(metadata=about(Variable(
        name="SERVICE_SECRET_PREVIOUS", group=IDENTITY, kind=values.secret(), default=None, file=True,
        meaning="The secret before the last rotation, tried once when the auth service refuses the other. Not needed "
                "where SERVICE_SECRET is in a file: what that held before is tried then.",
        breaks="During a rotation logins fail until both sides have the new secret.",
    )))  # fmt: skip
    auth_service_client_cert_file: str | None = field(metadata=about(Variable(
        name="AUTH_SERVICE_CLIENT_CERT_FILE", group=IDENTITY, kind=pem_files.certificates(), default=None,
        required="required with AUTH_SERVICE_CLIENT_KEY_FILE",
        meaning="A PEM file with the certificate that the gateway shows in the TLS handshake, its chain behind it. "
                "Read again when it changes.",
        breaks="An auth service that asks for a client certificate ends every connection: `tls_protocol_error` or "
               "`connection_terminated`.",
    )))  # fmt: skip
    auth_service_client_key_file: str | None = field(metadata=about(Variable(
        name="AUTH_SERVICE_CLIENT_KEY_FILE", group=IDENTITY, kind=pem_files.private_key(), default=None,
        required="required with AUTH_SERVICE_CLIENT_CERT_FILE",
        meaning="A PEM file with the private key of that certificate. Read again when it changes.",
        breaks="The same: a certificate without its key is of no use.",
    )))  # fmt: skip
    require_service_credentials: bool = field(metadata=about(Variable(
        name="NETRA_REQUIRE_SERVICE_CREDENTIALS", group=IDENTITY, kind=values.switch(),
        default=Columns(False, False, True, True),
        meaning="Refuse to start without SERVICE_ID and SERVICE_SECRET.",
        breaks="Off, a deploy that lost its secret is only noticed when logins fail.",
    )))  # fmt: skip
    host: str = field(metadata=about(Variable(
        name="NETRA_HOST", group=LISTENERS, kind=values.bind_host(), default="127.0.0.1",
        meaning="The address of the public listener. In a container usually 0.0.0.0.",
        breaks="The gateway is not reachable from outside, or from too far outside.",
    )))  # fmt: skip
    port: int = field(metadata=about(Variable(
        name="NETRA_PORT", group=LISTENERS, kind=values.whole(0, 65535), default=8000,
        meaning="The port of the public listener; 0 takes a free one.",
        breaks="Proxies and probes knock on the wrong port.",
    )))  # fmt: skip
    admin_host: str = field(metadata=about(Variable(
        name="NETRA_ADMIN_HOST", group=LISTENERS, kind=values.bind_host(), default="127.0.0.1",
        meaning="The address of the admin listener: health detail and the API's description, never for the public.",
        breaks="Bound to more than this machine it needs NETRA_ADMIN_TOKEN, or the gateway does not start.",
    )))  # fmt: skip
    admin_port: int = field(metadata=about(Variable(
        name="NETRA_ADMIN_PORT", group=LISTENERS, kind=values.whole(0, 65535), default=9901,
        meaning="The port of the admin listener; 0 takes a free one.",
        breaks="Health checks and operators knock on the wrong port.",
    )))  # fmt: skip
    admin_token: Secret | None = field(metadata=about(Variable(
        name="NETRA_ADMIN_TOKEN", group=LISTENERS, kind=values.secret(), default=None, file=True, empty=Severity.ERROR,
        required="required when NETRA_ADMIN_HOST is not of this machine",
        meaning="What operators must present to the admin listener.",
        breaks="Without it everyone who reaches the admin listener reads everything there.",
    )))  # fmt: skip
    admin_hosts: tuple[str, ...] = field(metadata=about(Variable(
        name="NETRA_ADMIN_HOSTS", group=LISTENERS, default=(),
        kind=values.listed(values.host_name, "host names, without port"),
        meaning="Names under which the admin listener may be addressed, besides localhost and its own address.",
        breaks="The admin listener answers 421 to its operators.",
    )))  # fmt: skip
    ready_requires_auth: bool = field(metadata=about(Variable(
        name="NETRA_READY_REQUIRES_AUTH", group=LISTENERS, kind=values.switch(), default=False,
        meaning="Is `/readyz` to say no while the auth service cannot be asked, or is disabled?",
        breaks="On, an outage of the auth service takes every gateway out of its load balancer, and clients get the "
               "balancer's words instead of a cause. Off, a gateway that reaches no auth service stays in it.",
    )))  # fmt: skip
    trusted_proxies: tuple[str, ...] = field(metadata=about(Variable(
        name="NETRA_TRUSTED_PROXIES", group=LISTENERS, default=(),
        kind=values.listed(values.network, "networks, such as 10.0.0.0/8"),
        meaning="The proxies whose word about the client's address is believed.",
        breaks="Too few: all users seem to have one address and are throttled together. "
               "Too many: anyone can choose an address.",
    )))  # fmt: skip
    prefix: str = field(metadata=about(Variable(
        name="NETRA_PREFIX", group=ANSWERS, kind=values.path_prefix(), default="/api/v1/auth",
        meaning="The path under which the public routes are served.",
        breaks="Clients get 404 `not_found`.",
    )))  # fmt: skip
    identifier: Kind = field(metadata=about(Variable(
        name="NETRA_IDENTIFIER", group=ANSWERS, kind=values.choice("email", "username", "phone", "any"),
        default="email",
        meaning="What users log in with.",
        breaks="Logins are 422 `invalid_fields`, or one user counts as several in limits and logs.",
    )))  # fmt: skip
    form_login: bool = field(metadata=about(Variable(
        name="NETRA_FORM_LOGIN", group=ANSWERS, kind=values.switch(), default=False,
        meaning="Accept at `/login` also an `application/x-www-form-urlencoded` body with `username` and `password`, "
                "as OAuth's and FastAPI's forms send it.",
        breaks="Off, such forms are answered 415. On, a page of another site can send a login without asking first.",
    )))  # fmt: skip
    disclose: str = field(metadata=about(Variable(
        name="NETRA_DISCLOSE", group=ANSWERS, kind=values.choice("operator", "public"),
        default=Columns("operator", "operator", "operator", "public"),
        meaning="How much an error says: operator names the cause and the cure, public only what a user may know.",
        breaks="operator in public: addresses and configuration are told to strangers. "
               "public elsewhere: the cause stands only in the log.",
    )))  # fmt: skip
    problem_base: str = field(metadata=about(Variable(
        name="NETRA_PROBLEM_BASE", group=ANSWERS, kind=values.url("https", "http"), default="",
        meaning="Put before `/problems/<code>` in errors, to make that address absolute.",
        breaks="Links in errors lead nowhere.",
    )))  # fmt: skip
    cors_origins: tuple[str, ...] = field(metadata=about(Variable(
        name="NETRA_CORS_ORIGINS", group=ANSWERS, kind=values.listed(values.origin, "exact origins"), default=(),
        meaning="Web origins whose pages may call the gateway; with none, CORS is off.",
        breaks="Browsers refuse the answers to pages of an origin that is not listed exactly as they spell it.",
    )))  # fmt: skip
    registration: bool = field(metadata=about(Variable(
        name="NETRA_REGISTRATION", group=ANSWERS, kind=values.switch(), default=True,
        meaning="Serve the route for registration; with false it is 404.",
        breaks="Strangers can make accounts, or nobody can.",
    )))  # fmt: skip
    only: str = field(metadata=about(tokens.ONLY))
    oidc_issuer: str = field(metadata=about(tokens.OIDC_ISSUER))
    token_issuer: str = field(metadata=about(tokens.TOKEN_ISSUER))
    token_audience: tuple[str, ...] = field(metadata=about(tokens.TOKEN_AUDIENCE))
    token_profile: str = field(metadata=about(tokens.TOKEN_PROFILE))
    token_types: tuple[str, ...] = field(metadata=about(tokens.TOKEN_TYPES))
    token_cache_s: float = field(metadata=about(tokens.TOKEN_CACHE))
    token_cache_entries: int = field(metadata=about(tokens.TOKEN_CACHE_ENTRIES))
    revocations_interval_s: float = field(metadata=about(tokens.REVOCATIONS_INTERVAL))
    stale_while_down_s: float = field(metadata=about(tokens.STALE_WHILE_DOWN))
    tries: int = field(metadata=about(pace.TRIES))
    login_budget_s: float = field(metadata=about(pace.LOGIN_BUDGET))
    token_budget_s: float = field(metadata=about(pace.TOKEN_BUDGET))
    connect_timeout_s: float = field(metadata=about(pace.CONNECT_TIMEOUT))
    probe_interval_s: float = field(metadata=about(pace.PROBE_INTERVAL))
    idle_connection_s: float = field(metadata=about(pace.IDLE_CONNECTION))
    max_in_flight: int = field(metadata=about(pace.MAX_IN_FLIGHT))
    breaker: bool = field(metadata=about(pace.BREAKER))
    breaker_open_s: float = field(metadata=about(pace.BREAKER_OPEN))
    throttle_account: Limit = field(metadata=about(pace.THROTTLE_ACCOUNT))
    throttle_address: Limit = field(metadata=about(pace.THROTTLE_ADDRESS))
    receipt_timeout_s: float = field(metadata=about(RECEIPT_TIMEOUT))
    drain_delay_s: float = field(metadata=about(DRAIN_DELAY))
    log_format: str = field(metadata=about(LOG_FORMAT))
    log_level: str = field(metadata=about(LOG_LEVEL))
    log_lines_per_s: int = field(metadata=about(LOG_LINES_PER_S))
    log_key: Secret | None = field(metadata=about(logs.LOG_KEY))
    recorded_requests_count: int = field(metadata=about(logs.RECORDED_REQUESTS))
    traces: str = field(metadata=about(logs.TRACES))
    oauth_providers: tuple[str, ...] = field(metadata=about(Variable(
        name="OAUTH_<PROVIDER>_CLIENT_ID", goes_with="OAUTH_<PROVIDER>_CLIENT_SECRET", group=OAUTH,
        default=(), gather=oauth_pairs,
        kind=values.listed(str, "pairs of variables; the secret also as OAUTH_<PROVIDER>_CLIENT_SECRET_FILE"),
        meaning="The providers to offer: each whose id and secret are both set.",
        breaks="A provider with half a pair is not offered: `Missing OAuth credential`.",
    )))  # fmt: skip
    files: Mapping[str, str] = field(default_factory=lambda: NO_FILES)
    """By variable: the path of the file that its value was read from; no setting itself."""
