"""The alerts for what users will notice: how we stand with the auth service, and what runs out or grows old.

It must never be higher than `medium` where nobody is hurt yet, unless it is a matter of hours.
"""

from typing import Final

from netra.observe.metrics.alerting.alert import Alert, Severity
from netra.observe.metrics.alerting.of_users import (
    BESIDE_A_GOOD_PROBE,
    BURNS,
    CIRCUIT_OPEN,
    FEED_DOWN,
    KEYS_STALE,
    UNREACHABLE,
)

CERTIFICATE_ENDS: Final = "NetraCertificateEnds"
CLOCKS_DIFFER: Final = "NetraClocksDiffer"
SETTINGS_DIFFER: Final = "NetraHandshakeDiffers"
SECRETS_DIFFER: Final = "NetraSecretsDiffer"
NOT_SCRAPED: Final = "NetraGatewayGone"

_SEEN_LATELY: Final = "and on (job, instance) last_over_time(netra_build_info[1h])"
_LEFT: Final[tuple[tuple[Severity, int], ...]] = (("high", 2), ("medium", 14))
"""Days."""
_ENDS: Final = "netra_certificate_expiry_timestamp_seconds"

OF_UPKEEP: Final = (
    Alert(
        CIRCUIT_OPEN,
        "high",
        'min by (job, calls) (netra_circuit_state{state="closed"}) == 0',
        "2m",
        "The circuit of {{ $labels.calls }} calls has not been closed for two minutes",
        "503 `authentication_unavailable` at once, with the time to come back.",
        "Sessions that exist. The circuit closes by itself as soon as trials get through.",
        "The event `Circuit opened` has the code that opened it; `netra doctor` asks anew.",
        'netra_circuit_state{state="closed"} == 0',
        frozenset({"destination_unavailable"}),
        "auth_service",
        (UNREACHABLE, BURNS, FEED_DOWN),
    ),
    Alert(
        UNREACHABLE,
        "low",
        "min by (job) (netra_probe_up) == 0",
        "1m",
        "The background probe of the auth service fails",
        "Nothing yet, if nobody logs in; else what NetraLoginsFailing says.",
        "Sessions that exist.",
        "`netra doctor`; the event `Auth service connectivity test failed` has the code.",
        "netra_probe_up == 0",
        owner="auth_service",
        hides=(FEED_DOWN,),
    ),
    Alert(
        FEED_DOWN,
        "low",
        "min by (job) (netra_revocation_feed_up) == 0",
        "5m",
        "It is not heard which sessions have ended at the auth service",
        "Nothing; whoever has logged out elsewhere stays in until their token ends.",
        "Everything else.",
        "The event `Revocation feed down` has the code; `netra doctor` asks anew.",
        "netra_revocation_feed_up == 0",
        owner="auth_service",
    ),
    *(
        Alert(
            CERTIFICATE_ENDS,
            severity,
            f"min by (job) ({_ENDS}) - time() < {days} * 86400",
            "10m",
            "The auth service's certificate ends in {{ $value | humanizeDuration }}",
            "Nothing yet; then 503 at each login.",
            "Everything, until then.",
            "Renew it there; `netra doctor` shows the chain and its days.",
            f"{_ENDS} - time() < {days} * 86400",
            frozenset({"tls_certificate_error"}),
            "auth_service",
        )
        for severity, days in _LEFT
    ),
    Alert(
        CLOCKS_DIFFER,
        "medium",
        "max by (job) (abs(netra_clock_skew_seconds)) > 30",
        "5m",
        "The clocks of the auth service and of a gateway differ by {{ $value | humanizeDuration }}",
        "Beyond a minute, 401 `token_not_yet_valid` or `token_expired` for good tokens is near.",
        "Everything, until then.",
        "Ask both machines for their time service; `netra doctor` says which side is ahead.",
        "abs(netra_clock_skew_seconds) > 30",
        owner="us",
        hides=(SETTINGS_DIFFER,),
    ),
    Alert(
        KEYS_STALE,
        "medium",
        "max by (job) (netra_key_set_age_seconds) > 1800",
        "10m",
        "The keys by which tokens are checked were not renewed for {{ $value | humanizeDuration }}",
        "Nothing yet; tokens signed by a new key get 503.",
        "Tokens signed by the keys that are known.",
        "The event `Key set not renewed` says why; `netra doctor` fetches them anew.",
        "netra_key_set_age_seconds > 1800",
        frozenset({"keys_unavailable"}),
        "auth_service",
    ),
    Alert(
        SECRETS_DIFFER,
        "medium",
        'count by (job) (count by (job, fingerprint) (netra_secret_info{secret="current"})) > 1',
        "15m",
        "Gateways hold {{ $value }} different service secrets, longer than a rollout takes",
        "Nothing while the auth service knows them all; else 502 at logins by some of the gateways.",
        "Logins by gateways whose secret is known.",
        "Compare `netra_secret_info` gateway by gateway; deploy those with the older fingerprint again.",
        'netra_secret_info{secret="current"}',
        owner="us",
    ),
    Alert(
        SETTINGS_DIFFER,
        "low",
        "max by (job) (netra_handshake_differences) > 0",
        "5m",
        "The auth service says otherwise than our settings in {{ $value }} points",
        "Often nothing yet.",
        "What works now.",
        "`netra doctor` lists both sides; a secret that is retired there soon stands here as `secret_stale`.",
        "netra_handshake_differences > 0",
        owner="us",
    ),
    Alert(
        NOT_SCRAPED,
        "high",
        f"sum by (job) (up {_SEEN_LATELY}) == 0",
        "2m",
        "No gateway answers Prometheus any more",
        "Whatever their load balancer says when nobody is there.",
        "Nothing that asks a gateway, unless only the admin listener is out of reach.",
        "Look whether the gateways run, and what they said last; exit code 78 is a configuration problem.",
        "up == 0",
        owner="us",
        hides=(BURNS, BESIDE_A_GOOD_PROBE),
    ),
    Alert(
        NOT_SCRAPED,
        "medium",
        f"count by (job) (up == 0 {_SEEN_LATELY}) > 0",
        "5m",
        "{{ $value }} gateways that were there an hour ago don't answer Prometheus",
        "Nothing while others take over.",
        "The other gateways.",
        "Look whether they run, and what they said last; exit code 78 is a configuration problem.",
        "up == 0",
        owner="us",
    ),
)  # fmt: skip
