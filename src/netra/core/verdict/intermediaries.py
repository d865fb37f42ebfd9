"""Who answered instead of the auth service: proxies, load balancers and firewalls, known by the bodies they send.

It must never take a header for proof: headers are kept by honest proxies on the auth service's own answers, so they
only name whoever the body has shown to be there.
"""

import re
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

_LOOK_BYTES: Final = 4096


class _Mark(NamedTuple):
    name: str
    body: re.Pattern[bytes]


def _mark(name: str, pattern: bytes) -> _Mark:
    return _Mark(name, re.compile(pattern, re.IGNORECASE | re.DOTALL))


_MARKS: Final = (
    _mark(
        "Cloudflare",
        rb"^error code: 1?\d{3}\s*$|<title>[^<]*\| ?cloudflare</title>|<title>just a moment\.\.\.</title>|"
        rb"cdn-cgi/styles/|cf-error-details",
    ),
    _mark("nginx", rb"<hr><center>(?:nginx|openresty)[^<]{0,64}</center>"),
    _mark(
        "HAProxy",
        rb"<html><body><h1>\d{3} [^<]{1,64}</h1>\s*(?:No server is available to handle this request|"
        rb"The server didn't respond in time|The server returned an invalid or incomplete response|"
        rb"Request forbidden by administrative rules|Your browser sent an invalid request|"
        rb"Your browser didn't send a complete request in time|You need a valid user and password to access this|"
        rb"You have sent too many requests|An internal server error occurred)",
    ),
    _mark(
        "Envoy",
        rb"^(?:upstream connect error or disconnect/reset before headers|no healthy upstream|upstream request timeout|"
        rb"RBAC: access denied|stream timeout|no route found|Jwt is missing|Jwt verification fails|ext_authz_error|"
        rb"local_rate_limited)",
    ),
    _mark(
        "AWS Application Load Balancer",
        rb"^\s*<html>\s*<head><title>\d{3} [^<]{1,64}</title></head>\s*<body(?: bgcolor=\"white\")?>\s*"
        rb"<center><h1>\d{3} [^<]{1,64}</h1></center>\s*"
        rb"(?:<hr><center>awselb/[^<]{1,16}</center>\s*)?</body>\s*</html>",
    ),
    _mark(
        "Google front end",
        rb"<title>Error \d{3} \([^<]{1,64}\)!!1</title>|<title>\d{3} Server Error</title>|"
        rb"no available instance|^Rate exceeded\.|^no healthy backends|response 404 \(backend NotFound\)|"
        rb"^upstream (?:connect|request) error: backend|"
        rb"<h1>Error: (?:Forbidden|Server Error|Not Found|Bad Request)</h1>",
    ),
)

_GATEWAY_MESSAGES: Final = re.compile(
    r"Forbidden|Missing Authentication Token|Unauthorized|Not Found|Internal [Ss]erver [Ee]rror|Service Unavailable|"
    r"Endpoint request timed out|Network error communicating with endpoint|Too Many Requests|Limit Exceeded|"
    r"User is not authorized to access this resource.{0,128}|"
    r"The security token included in the request is (?:invalid|expired)\.?|"
    r"Invalid API Key.{0,64}|Authorization header requires.{0,256}"
)

_NAMES: Final = (
    ("cf-ray", re.compile("."), "Cloudflare"),
    ("server", re.compile(r"cloudflare", re.IGNORECASE), "Cloudflare"),
    ("server", re.compile(r"awselb", re.IGNORECASE), "AWS Application Load Balancer"),
    ("apigw-requestid", re.compile("."), "AWS API Gateway"),
    ("x-amz-apigw-id", re.compile("."), "AWS API Gateway"),
    ("x-amz-cf-id", re.compile("."), "AWS CloudFront"),
    ("server", re.compile(r"google frontend|^gws$|^gfe", re.IGNORECASE), "Google front end"),
    ("server", re.compile(r"nginx|openresty", re.IGNORECASE), "nginx"),
    ("server", re.compile(r"envoy|istio", re.IGNORECASE), "Envoy"),
    ("server", re.compile(r"haproxy", re.IGNORECASE), "HAProxy"),
    ("server", re.compile(r"caddy", re.IGNORECASE), "Caddy"),
    ("server", re.compile(r"traefik", re.IGNORECASE), "Traefik"),
    ("via", re.compile("."), "a proxy that names itself in Via"),
)


def of_text(body: bytes) -> str | None:
    """The intermediary that sends such text or HTML, e.g. `nginx`; None for a body that could be anybody's."""
    look = body[:_LOOK_BYTES]
    return next((mark.name for mark in _MARKS if mark.body.search(look)), None)


def of_object(document: Mapping[str, Any]) -> str | None:
    """The intermediary that sends such JSON objects; None for an object that could be anybody's.

    Cloudflare marks its errors, which it sends as JSON to whoever accepts that, as every call does; API gateways say
    a `message` of their own and nothing else.
    """
    if document.get("cloudflare_error") is True:
        return "Cloudflare"
    if len(document) != 1 or document.keys().isdisjoint(("message", "Message")):
        return None
    message = document.get("message", document.get("Message", ""))
    known = message is None or (isinstance(message, str) and _GATEWAY_MESSAGES.fullmatch(message))
    return "AWS API Gateway" if known else None


def named(headers: Mapping[str, str]) -> str | None:
    """Whom the headers name, from a closed list: for showing, never for deciding."""
    for header, pattern, name in _NAMES:
        if pattern.search(headers.get(header, "")):
            return name
    return None
