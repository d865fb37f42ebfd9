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
from netra.settings.field import ENVIRONMENTS, Columns, Problem, Variable, about
from netra.settings.sources import oauth_pairs

NO_FILES: Final[Mapping[str, str]] = MappingProxyType({})

SERVICE: Final = "The auth service"
IDENTITY: Final = "Who we are to the auth service"
LISTENERS: Final = "Listeners"
ANSWERS: Final = "Routes and answers"
TOKENS: Final = "Token checks"
PACE: Final = "Time and load"
LOGS: Final = "Logs"
OAUTH: Final = "OAuth"

ENVIRONMENT: Final = Variable(
    name="ENVIRONMENT", goes_first="NETRA_ENVIRONMENT", group=SERVICE, default="production",
    kind=values.choice(
        *ENVIRONMENTS, dev="development", local="development", testing="test", stage="staging", prod="production"
    ),
    meaning="The kind of deployment. It chooses the defaults of other settings and nothing else.",
    breaks="Every default that depends on it is the one of another environment.",
)  # fmt: skip


def same_environment(one: str, other: str) -> bool:
    """Do two words mean the same kind of deployment, whichever of its usual forms each is?"""
    known, other_known = (ENVIRONMENT.kind.parse(each.strip().lower()) for each in (one, other))
    return one == other if isinstance(known, Problem) else known == other_known


RECEIPT_TIMEOUT: Final = Variable(
    name="NETRA_RECEIPT_TIMEOUT_S", group=PACE, kind=values.seconds(0.1, 120), default=10.0, unit="seconds",
    meaning="How long a client may take to send its request, headers and body.",
    breaks="Too long: slow clients hold connections. Too short: users on bad networks get 408.",
)  # fmt: skip
DRAIN_DELAY: Final = Variable(
    name="NETRA_DRAIN_DELAY_S", group=PACE, kind=values.seconds(0, 300), default=5.0, unit="seconds",
    meaning="How long everything is still served after the signal to stop, while readiness already says no.",
    breaks="Too short: load balancers send requests to a closed port. Too long: the platform kills the server first.",
)  # fmt: skip
LOG_FORMAT: Final = Variable(
    name="NETRA_LOG_FORMAT", group=LOGS, kind=values.choice("json", "text", "auto"), default="auto",
    meaning="The form of log lines; auto is text on a terminal and json elsewhere.",
    breaks="A log collector cannot read the lines.",
)  # fmt: skip
LOG_LEVEL: Final = Variable(
    name="NETRA_LOG_LEVEL", group=LOGS, default="info",
    kind=values.choice("debug", "info", "warning", "error", "critical", warn="warning", fatal="critical"),
    meaning="The least important level that is still logged.",
    breaks="Above info the events of single logins are lost; above warning the ones that alerts wait for.",
)  # fmt: skip


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
    only: str = field(metadata=about(Variable(
        name="NETRA_ONLY", group=TOKENS, kind=values.choice("everything", "verify"), default="everything",
        meaning="With verify, tokens are checked and nothing else is done: there are no routes to log in, register, "
                "refresh or log out.",
        breaks="verify where people log in here: they get 404 `not_found`.",
    )))  # fmt: skip
    oidc_issuer: str = field(metadata=about(Variable(
        name="OIDC_ISSUER", group=TOKENS, kind=values.issuer(), default="", empty=None,
        meaning="An OpenID provider whose published keys sign the tokens, exactly as `iss` spells it; its discovery "
                "document says where the keys are. With NETRA_ONLY=verify no AUTH_SERVICE_URL is needed.",
        breaks="Every token is 401 `token_wrong_issuer`, or 503 `keys_unavailable`.",
    )))  # fmt: skip
    token_issuer: str = field(metadata=about(Variable(
        name="NETRA_TOKEN_ISSUER", group=TOKENS, kind=values.identifier()._replace(sort="free"), default="", empty=None,
        meaning="Who signs access tokens (`iss`), exactly as they spell it. Not set: OIDC_ISSUER, else what the auth "
                "service said in the first handshake, which is then kept.",
        breaks="Every token is 401 `token_wrong_issuer`.",
    )))  # fmt: skip
    token_audience: tuple[str, ...] = field(metadata=about(Variable(
        name="NETRA_TOKEN_AUDIENCE", group=TOKENS, kind=values.listed(str, "audiences"), default=(),
        meaning="Whom access tokens must be for (`aud`, or what the profile takes for it): one of these is enough. Not "
                "set: what the auth service said in the first handshake. Where issuer or audience is unknown, the auth "
                "service is asked about each token.",
        breaks="Every token is 401 `token_wrong_audience`, or tokens made for others are accepted.",
    )))  # fmt: skip
    token_profile: str = field(metadata=about(Variable(
        name="NETRA_TOKEN_PROFILE", group=TOKENS, default="rfc9068",
        kind=values.choice("rfc9068", "keycloak", "auth0", "cognito", "entra", "zitadel"),
        meaning="How the issuer writes access tokens: their `typ`, where the audience stands, what marks an ID token.",
        breaks="Good tokens are 401 `token_wrong_type` or `token_wrong_audience`.",
    )))  # fmt: skip
    token_types: tuple[str, ...] = field(metadata=about(Variable(
        name="NETRA_TOKEN_TYPES", group=TOKENS, kind=values.listed(str, "types, none for a token without one"),
        default=(),
        meaning="Which `typ` an access token may have, instead of those of its profile (rfc9068: at+jwt and "
                "application/at+jwt); `none` stands for tokens without a `typ`.",
        breaks="Too few: good tokens are 401 `token_wrong_type`. Too many: an ID token passes for an access token.",
    )))  # fmt: skip
    token_cache_s: float = field(metadata=about(Variable(
        name="NETRA_TOKEN_CACHE_S", group=TOKENS, kind=values.seconds(0, 3600), default=30.0, unit="seconds",
        meaning="For how long a token that was found good is not checked again; never beyond its own end. With 0 "
                "nothing is remembered, and nothing goes on while the auth service cannot be asked.",
        breaks="Too long: where nobody tells of ended sessions, they live on for that long. "
               "Too short: every check costs a signature, or a call.",
    )))  # fmt: skip
    token_cache_entries: int = field(metadata=about(Variable(
        name="NETRA_TOKEN_CACHE_ENTRIES", group=TOKENS, kind=values.whole(1, 10_000_000), default=100_000,
        unit="tokens",
        meaning="How many good tokens are remembered; 100,000 take up to 60 MiB.",
        breaks="Too few: tokens are checked again and again. Too many: memory.",
    )))  # fmt: skip
    revocations_interval_s: float = field(metadata=about(Variable(
        name="NETRA_REVOCATIONS_INTERVAL_S", group=TOKENS, kind=values.seconds(0.1, 300), default=2.0, unit="seconds",
        meaning="How often the auth service is asked which sessions have ended elsewhere.",
        breaks="Too long: somebody who logged out elsewhere is still let in here. Too short: needless load.",
    )))  # fmt: skip
    stale_while_down_s: float = field(metadata=about(Variable(
        name="NETRA_STALE_WHILE_DOWN_S", group=TOKENS, kind=values.seconds(0, 86_400), default=300.0, unit="seconds",
        meaning="For how long a token that the auth service vouched for stays good while it cannot be asked; never "
                "beyond its own end. Answers then say `stale`.",
        breaks="Too long: a session that ended meanwhile lives on. Too short: an outage logs everybody out.",
    )))  # fmt: skip
    tries: int = field(metadata=about(Variable(
        name="NETRA_TRIES", group=PACE, kind=values.whole(1, 5), default=Columns(2, 2, 3, 1), unit="tries",
        meaning="How often a question may be sent in all, where sending again is safe.",
        breaks="Many tries make an outage slower and load heavier; one gives up at the first lost packet.",
    )))  # fmt: skip
    login_budget_s: float = field(metadata=about(Variable(
        name="NETRA_LOGIN_BUDGET_S", group=PACE, kind=values.seconds(0.05, 60), default=5.0, unit="seconds",
        meaning="The time for a login or registration as a whole: lookup, connection, all tries and waits.",
        breaks="Too short: slow logins are 504. Too long: users and their proxies give up first.",
    )))  # fmt: skip
    token_budget_s: float = field(metadata=about(Variable(
        name="NETRA_TOKEN_BUDGET_S", group=PACE, kind=values.seconds(0.05, 60), default=2.0, unit="seconds",
        meaning="The same for everything else: refresh, logout, token checks.",
        breaks="Too short: token checks are 503 or 504. Too long: every page waits for a sick auth service.",
    )))  # fmt: skip
    connect_timeout_s: float = field(metadata=about(Variable(
        name="NETRA_CONNECT_TIMEOUT_S", group=PACE, kind=values.seconds(0.01, 30), default=1.0, unit="seconds",
        meaning="How long one attempt to connect may take; less than the budgets.",
        breaks="Too long: an unreachable host uses up the budget. Too short: far hosts are `connection_timeout`.",
    )))  # fmt: skip
    probe_interval_s: float = field(metadata=about(Variable(
        name="NETRA_PROBE_INTERVAL_S", group=PACE, kind=values.seconds(0.1, 300), default=5.0, unit="seconds",
        meaning="How often the auth service is asked in the background whether it is well.",
        breaks="Too long: readiness and error bodies tell old news. Too short: needless load.",
    )))  # fmt: skip
    idle_connection_s: float = field(metadata=about(Variable(
        name="NETRA_IDLE_CONNECTION_S", group=PACE, kind=values.seconds(0.1, 300), default=4.0, unit="seconds",
        meaning="How long an unused connection to the auth service is kept; less than the auth service keeps it.",
        breaks="Too long: logins meet connections that are being closed, and are 502 `connection_terminated`.",
    )))  # fmt: skip
    max_in_flight: int = field(metadata=about(Variable(
        name="NETRA_MAX_IN_FLIGHT", group=PACE, kind=values.whole(1, 10_000), default=100, unit="calls",
        meaning="How many calls to the auth service may be under way at once; logins take at most four fifths, and "
                "fewer for a while when they come late.",
        breaks="Too few: 503 `connection_limit_reached` under load. Too many: the auth service is overrun.",
    )))  # fmt: skip
    breaker: bool = field(metadata=about(Variable(
        name="NETRA_BREAKER", group=PACE, kind=values.switch(), default=True,
        meaning="Stop asking an auth service that keeps failing, and try again a little later: a circuit breaker, "
                "one for logins and registrations, one for tokens.",
        breaks="Off: every login waits out its whole budget while the auth service hangs, and keeps it busy.",
    )))  # fmt: skip
    breaker_open_s: float = field(metadata=about(Variable(
        name="NETRA_BREAKER_OPEN_S", group=PACE, kind=values.seconds(0.1, 60), default=5.0, unit="seconds",
        meaning="For how long a circuit opens at first, give or take a fifth; each failed trial doubles it, "
                "to a minute at most. A background probe that fails meanwhile prolongs it, one that succeeds again "
                "ends it.",
        breaks="Too short: an auth service that is starting is tried too often. "
               "Too long: users wait although it is well again.",
    )))  # fmt: skip
    throttle_account: Limit = field(metadata=about(Variable(
        name="NETRA_THROTTLE_ACCOUNT", group=PACE, kind=values.limit(), default=Limit(5, 15 * 60),
        meaning="How often somebody may be rejected for one account from one address, and in what time; then it is "
                "429 `too_many_attempts` until the first of them is that long ago. A success clears it. Wrong guesses "
                "count, and logins under way do while they are: a sixth at once is told to come back in a second. "
                "Registrations are counted in the same way, and refreshes by their token.",
        breaks="Too many, or off: passwords are guessed as fast as the auth service lets them be. "
               "Too few: two typing errors lock somebody out.",
    )))  # fmt: skip
    throttle_address: Limit = field(metadata=about(Variable(
        name="NETRA_THROTTLE_ADDRESS", group=PACE, kind=values.limit(), default=Limit(60, 60),
        meaning="The same for one address (of IPv6: one network of 64 bits) and all accounts together. Successes "
                "never count. Refreshes may be rejected ten times as often.",
        breaks="Too many, or off: one address tries a few passwords on every account there is. "
               "Too few: a company behind one address is locked out by its own typing errors.",
    )))  # fmt: skip
    receipt_timeout_s: float = field(metadata=about(RECEIPT_TIMEOUT))
    drain_delay_s: float = field(metadata=about(DRAIN_DELAY))
    log_format: str = field(metadata=about(LOG_FORMAT))
    log_level: str = field(metadata=about(LOG_LEVEL))
    log_key: Secret | None = field(metadata=about(Variable(
        name="NETRA_LOG_KEY", group=LOGS, kind=values.secret(), default=None, file=True, empty=Severity.ERROR,
        meaning="The key under which e-mail addresses become hashes in logs; "
                "without it one is derived from SERVICE_SECRET.",
        breaks="Hashes of one user differ between servers, or from start to start.",
    )))  # fmt: skip
    recorded_requests_count: int = field(metadata=about(Variable(
        name="NETRA_RECORDED_REQUESTS", group=LOGS, kind=values.whole(0, 100_000), default=1_000,
        meaning="How many attempts are remembered for `netra trace` and the console: so many that failed, so many "
                "others about sessions, and so many token checks. 0 remembers none.",
        breaks="Too few: the id that a user sends in the evening is not known any more. "
               "Too many: a kilobyte or two of memory for each.",
    )))  # fmt: skip
    oauth_providers: tuple[str, ...] = field(metadata=about(Variable(
        name="OAUTH_<PROVIDER>_CLIENT_ID", goes_with="OAUTH_<PROVIDER>_CLIENT_SECRET", group=OAUTH,
        default=(), gather=oauth_pairs,
        kind=values.listed(str, "pairs of variables; the secret also as OAUTH_<PROVIDER>_CLIENT_SECRET_FILE"),
        meaning="The providers to offer: each whose id and secret are both set.",
        breaks="A provider with half a pair is not offered: `Missing OAuth credential`.",
    )))  # fmt: skip
    files: Mapping[str, str] = field(default_factory=lambda: NO_FILES)
    """By variable: the path of the file that its value was read from; no setting itself."""
