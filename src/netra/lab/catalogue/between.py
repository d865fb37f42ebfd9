"""Faults of somebody in between: what proxies, load balancers and firewalls send in the auth service's place.

It must never invent a proxy: shapes and headers are those that their documentation describes.
"""

from typing import Final

from netra.lab.catalogue.fault import Fault
from netra.lab.scripts import HTML, JSON, Headers, reply

_TEXT: Final = ("Content-Type", "text/plain")
_REJECTED: Final = "intermediary_rejected"
_FAILED: Final = "intermediary_error"


def _sent(name: str, what: str, status: int, body: str, headers: Headers) -> Fault:
    code = _REJECTED if status < 500 else _FAILED
    said = tuple(headers)
    return Fault(name, what, "between", 502, code, lambda _: reply(status, body.encode(), said))


def _nginx(status: int, title: str) -> Fault:
    page = (
        f"<html>\r\n<head><title>{status} {title}</title></head>\r\n<body>\r\n"
        f"<center><h1>{status} {title}</h1></center>\r\n<hr><center>nginx/1.26.3</center>\r\n</body>\r\n</html>\r\n"
    )
    return _sent(
        f"nginx-{status}", f"nginx answers {status} {title}.", status, page, [("Server", "nginx/1.26.3"), HTML]
    )


def _haproxy(status: int, title: str, sentence: str) -> Fault:
    page = f"<html><body><h1>{status} {title}</h1>\n{sentence}\n</body></html>\n"
    return _sent(f"haproxy-{status}", f"HAProxy: {sentence}", status, page, [("Cache-Control", "no-cache"), HTML])


def _envoy(status: int, sentence: str) -> Fault:
    return _sent(f"envoy-{status}", f"Envoy: {sentence}.", status, sentence, [("Server", "envoy"), _TEXT])


def _aws(status: int, title: str) -> Fault:
    page = (
        f"<html>\r\n<head><title>{status} {title}</title></head>\r\n<body>\r\n"
        f"<center><h1>{status} {title}</h1></center>\r\n</body>\r\n</html>\r\n"
    )
    what = f"An AWS load balancer answers {status} {title}."
    return _sent(f"aws-load-balancer-{status}", what, status, page, [("Server", "awselb/2.0"), HTML])


def _api_gateway(status: int, text: str) -> Fault:
    headers = [JSON, ("apigw-requestid", "JKJaXmPLvHcESHA=")]
    what = f"An AWS API gateway: {text}."
    return _sent(f"aws-api-gateway-{status}", what, status, f'{{"message":"{text}"}}', headers)


def _cloudflare(status: int, title: str) -> Fault:
    page = (
        f"<!DOCTYPE html>\n<head>\n<title>auth.example.com | {status}: {title}</title>\n"
        '<link rel="stylesheet" id="cf_styles-css" href="/cdn-cgi/styles/main.css" />\n</head>\n<body>\n'
        f'<div id="cf-wrapper"><div id="cf-error-details"><h1>{title}</h1></div></div>\n</body>\n</html>\n'
    )
    headers = [HTML, ("Server", "cloudflare"), ("CF-RAY", "8f1c2d3e4a5b6c7d-FRA")]
    return _sent(f"cloudflare-{status}", f"Cloudflare: {title}.", status, page, headers)


BETWEEN: Final = (
    _nginx(502, "Bad Gateway"),
    _nginx(503, "Service Temporarily Unavailable"),
    _nginx(504, "Gateway Time-out"),
    _haproxy(502, "Bad Gateway", "The server returned an invalid or incomplete response."),
    _haproxy(503, "Service Unavailable", "No server is available to handle this request."),
    _haproxy(504, "Gateway Time-out", "The server didn't respond in time."),
    _envoy(502, "upstream connect error or disconnect/reset before headers. reset reason: protocol error"),
    _envoy(503, "no healthy upstream"),
    _envoy(504, "upstream request timeout"),
    _aws(502, "Bad Gateway"),
    _aws(503, "Service Temporarily Unavailable"),
    _aws(504, "Gateway Time-out"),
    _api_gateway(502, "Internal server error"),
    _api_gateway(504, "Endpoint request timed out"),
    _cloudflare(502, "Bad gateway"),
    _cloudflare(504, "Gateway time-out"),
    _cloudflare(522, "Connection timed out"),
    _sent(
        "no-available-instance", "A Google front end has no instance that could answer.", 503,
        "The request was aborted because there was no available instance.",
        [_TEXT, ("Server", "Google Frontend")],
    ),
    _sent(
        "waf-403", "A firewall's page in HTML.", 403,
        "<html><head><title>Request Rejected</title></head><body>The requested URL was rejected. "
        "Please consult with your administrator.</body></html>",
        [HTML],
    ),
    _nginx(401, "Authorization Required"),
    _nginx(403, "Forbidden"),
    _nginx(413, "Request Entity Too Large"),
    _haproxy(403, "Forbidden", "Request forbidden by administrative rules."),
    _envoy(403, "RBAC: access denied"),
    _api_gateway(403, "Forbidden"),
    _cloudflare(403, "Access denied"),
)  # fmt: skip
