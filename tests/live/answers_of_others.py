"""What proxies, load balancers and firewalls send when they answer in place of the auth service.

Written after the shapes that their documentation describes, with headers as they come; none is our own invention of a
proxy, and none tells who it is in a way that only a test would.
"""

from typing import Final, NamedTuple

Headers = list[tuple[str, str]]

_HTML: Final = ("Content-Type", "text/html")
_TEXT: Final = ("Content-Type", "text/plain")
_JSON: Final = ("Content-Type", "application/json")


class Sent(NamedTuple):
    """One answer of somebody in between."""

    by: str
    """Whom `answered_by` must name."""
    status: int
    headers: Headers
    body: str


def _nginx(status: int, title: str) -> Sent:
    body = (
        f"<html>\r\n<head><title>{status} {title}</title></head>\r\n<body>\r\n"
        f"<center><h1>{status} {title}</h1></center>\r\n<hr><center>nginx/1.26.3</center>\r\n</body>\r\n</html>\r\n"
    )
    return Sent("nginx", status, [("Server", "nginx/1.26.3"), _HTML], body)


def _haproxy(status: int, title: str, sentence: str) -> Sent:
    body = f"<html><body><h1>{status} {title}</h1>\n{sentence}\n</body></html>\n"
    return Sent("HAProxy", status, [("Cache-Control", "no-cache"), _HTML], body)


def _envoy(status: int, sentence: str) -> Sent:
    return Sent("Envoy", status, [("Server", "envoy"), _TEXT], sentence)


def _load_balancer(status: int, title: str) -> Sent:
    body = (
        f"<html>\r\n<head><title>{status} {title}</title></head>\r\n<body>\r\n"
        f"<center><h1>{status} {title}</h1></center>\r\n</body>\r\n</html>\r\n"
    )
    return Sent("AWS Application Load Balancer", status, [("Server", "awselb/2.0"), _HTML], body)


def _api_gateway(status: int, message: str) -> Sent:
    headers = [_JSON, ("apigw-requestid", "JKJaXmPLvHcESHA="), ("x-amzn-ErrorType", "ForbiddenException")]
    return Sent("AWS API Gateway", status, headers, f'{{"message":"{message}"}}')


def _google(status: int, title: str, sentence: str) -> Sent:
    body = (
        '\n<html><head>\n<meta http-equiv="content-type" content="text/html;charset=utf-8">\n'
        f"<title>{status} {title}</title>\n</head>\n<body text=#000000 bgcolor=#ffffff>\n"
        f"<h1>Error: {title}</h1>\n<h2>{sentence}</h2>\n<h2></h2>\n</body></html>\n"
    )
    headers = [("Content-Type", "text/html; charset=UTF-8"), ("Server", "Google Frontend")]
    return Sent("Google front end", status, headers, body)


def _cloudflare(status: int, title: str) -> Sent:
    body = (
        '<!DOCTYPE html>\n<!--[if lt IE 7]> <html class="no-js ie6 oldie" lang="en-US"> <![endif]-->\n<head>\n'
        f"<title>auth.example.com | {status}: {title}</title>\n"
        '<link rel="stylesheet" id="cf_styles-css" href="/cdn-cgi/styles/main.css" />\n</head>\n<body>\n'
        f'<div id="cf-wrapper"><div id="cf-error-details" class="p-0"><h1>{title}</h1></div></div>\n</body>\n</html>\n'
    )
    headers = [
        ("Content-Type", "text/html; charset=UTF-8"),
        ("Server", "cloudflare"),
        ("CF-RAY", "8f1c2d3e4a5b6c7d-FRA"),
    ]
    return Sent("Cloudflare", status, headers, body)


REJECTIONS: Final = {
    "nginx 403": _nginx(403, "Forbidden"),
    "nginx 401": _nginx(401, "Authorization Required"),
    "nginx 413": _nginx(413, "Request Entity Too Large"),
    "haproxy 403": _haproxy(403, "Forbidden", "Request forbidden by administrative rules."),
    "haproxy 400": _haproxy(400, "Bad request", "Your browser sent an invalid request."),
    "envoy 403": _envoy(403, "RBAC: access denied"),
    "envoy 401": _envoy(401, "Jwt is missing"),
    "load balancer 403": _load_balancer(403, "Forbidden"),
    "api gateway 403": _api_gateway(403, "Forbidden"),
    "api gateway 403 token": _api_gateway(403, "Missing Authentication Token"),
    "api gateway 401": _api_gateway(401, "Unauthorized"),
    "google 403": _google(
        403, "Forbidden", "Your client does not have permission to get URL <code>/auth/login</code>."
    ),
    "cloudflare 403": _cloudflare(403, "Access denied"),
    "cloudflare 1020": Sent("Cloudflare", 403, [_TEXT, ("Server", "cloudflare")], "error code: 1020"),
}
ERRORS: Final = {
    "nginx 502": _nginx(502, "Bad Gateway"),
    "nginx 503": _nginx(503, "Service Temporarily Unavailable"),
    "nginx 504": _nginx(504, "Gateway Time-out"),
    "haproxy 502": _haproxy(502, "Bad Gateway", "The server returned an invalid or incomplete response."),
    "haproxy 503": _haproxy(503, "Service Unavailable", "No server is available to handle this request."),
    "haproxy 504": _haproxy(504, "Gateway Time-out", "The server didn't respond in time."),
    "envoy 502": _envoy(
        502, "upstream connect error or disconnect/reset before headers. reset reason: protocol error"
    ),
    "envoy 503": _envoy(503, "no healthy upstream"),
    "envoy 504": _envoy(504, "upstream request timeout"),
    "load balancer 502": _load_balancer(502, "Bad Gateway"),
    "load balancer 503": _load_balancer(503, "Service Temporarily Unavailable"),
    "load balancer 504": _load_balancer(504, "Gateway Time-out"),
    "api gateway 502": _api_gateway(502, "Internal server error"),
    "api gateway 503": _api_gateway(503, "Service Unavailable"),
    "api gateway 504": _api_gateway(504, "Endpoint request timed out"),
    "google 502": _google(502, "Server Error", "The server encountered a temporary error. Please try again."),
    "google 503": Sent(
        "Google front end", 503, [_TEXT, ("Server", "Google Frontend")],
        "The request was aborted because there was no available instance.",
    ),
    "google 504": Sent(
        "Google front end", 504, [_TEXT, ("Via", "1.1 google")], "upstream request error: backend timed out"
    ),
    "cloudflare 502": _cloudflare(502, "Bad gateway"),
    "cloudflare 503": _cloudflare(503, "Service temporarily unavailable"),
    "cloudflare 504": _cloudflare(504, "Gateway time-out"),
    "cloudflare 522": _cloudflare(522, "Connection timed out"),
    "cloudflare 521 text": Sent("Cloudflare", 521, [_TEXT, ("CF-RAY", "8f1c2d3e4a5b6c7d-FRA")], "error code: 521"),
    "nginx with 200": _nginx(502, "Bad Gateway")._replace(status=200),
    "haproxy with 200": _haproxy(
        503, "Service Unavailable", "No server is available to handle this request."
    )._replace(status=200),
    "envoy with 200": _envoy(200, "no healthy upstream"),
    "load balancer with 200": _load_balancer(503, "Service Temporarily Unavailable")._replace(status=200),
    "api gateway with 200": _api_gateway(200, "Internal server error"),
    "cloudflare with 200": _cloudflare(503, "Just a moment...")._replace(status=200),
    "google with 200": _google(500, "Server Error", "The server encountered an error.")._replace(status=200),
}  # fmt: skip
