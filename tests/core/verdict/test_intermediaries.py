"""Who answered in the auth service's place is known by what such servers really send, and by nothing else.

It must never hold an answer that nobody sends: the bodies have the form of the servers' own pages.
"""

import json
from typing import Any

import pytest

from netra.core.verdict.intermediaries import named, of_object, of_text


def alb(title: str, body: str = "<body>", foot: str = "") -> bytes:
    """An error page of an Application Load Balancer."""
    page = f"<html>\r\n<head><title>{title}</title></head>\r\n{body}\r\n<center><h1>{title}</h1></center>\r\n{foot}"
    return f"{page}</body>\r\n</html>\r\n".encode()


def nginx(title: str, server: str = "nginx") -> bytes:
    """An error page of nginx or of what is built on it."""
    return alb(title, foot=f"<hr><center>{server}</center>\r\n")


def haproxy(status: str, sentence: str) -> bytes:
    """An error page of HAProxy."""
    return f"<html><body><h1>{status}</h1>\n{sentence}\n</body></html>\n".encode()


def google(title: str, sentence: str) -> bytes:
    """An error page of a Google front end."""
    head = f'<html><head>\n<meta http-equiv="content-type" content="text/html;charset=utf-8">\n<title>{title}</title>'
    foot = f"<h1>Error: Server Error</h1>\n<h2>{sentence}</h2>\n<h2></h2>\n</body></html>\n"
    return f"{head}\n</head>\n<body text=#000000 bgcolor=#ffffff>\n{foot}".encode()


def cloudflare(title: str, rest: str) -> bytes:
    """An error page of Cloudflare."""
    old = '<!--[if lt IE 7]> <html class="no-js ie6 oldie" lang="en-US"> <![endif]-->'
    return f"<!DOCTYPE html>\n{old}\n<head>\n<title>{title}</title>\n{rest}\n</head><body></body></html>".encode()


PAGES: list[tuple[str, str, bytes]] = [
    ("Cloudflare", "text with a code of its own", b"error code: 1020"),
    ("Cloudflare", "text with a status", b"error code: 502\n"),
    ("Cloudflare", "a challenge", cloudflare("Attention Required! | Cloudflare", "")),
    ("Cloudflare", "a challenge to browsers", cloudflare("Just a moment...", "<style>*{margin:0}</style>")),
    ("Cloudflare", "a block", cloudflare("Access denied", '<link rel="stylesheet" href="/cdn-cgi/styles/main.css" />')),
    ("Cloudflare", "an origin that is down", cloudflare("a.example | 521", '<div id="cf-error-details"></div>')),
    ("nginx", "a bad gateway", nginx("502 Bad Gateway")),
    ("nginx", "with its version", nginx("504 Gateway Time-out", "nginx/1.26.2 (Ubuntu)")),
    ("nginx", "OpenResty", nginx("403 Forbidden", "openresty/1.25.3.1")),
    ("nginx", "with padding against old browsers", nginx("400 Bad Request") + b"<!-- a padding to disable -->\r\n" * 6),
    ("HAProxy", "no server", haproxy("503 Service Unavailable", "No server is available to handle this request.")),
    ("HAProxy", "late", haproxy("504 Gateway Time-out", "The server didn't respond in time.")),
    ("HAProxy", "bad", haproxy("502 Bad Gateway", "The server returned an invalid or incomplete response.")),
    ("HAProxy", "denied", haproxy("403 Forbidden", "Request forbidden by administrative rules.")),
    ("HAProxy", "not HTTP", haproxy("400 Bad request", "Your browser sent an invalid request.")),
    ("HAProxy", "slow", haproxy("408 Request Time-out", "Your browser didn't send a complete request in time.")),
    (
        "HAProxy",
        "its own password",
        haproxy("401 Unauthorized", "You need a valid user and password to access this content."),
    ),
    (
        "HAProxy",
        "too often",
        haproxy("429 Too Many Requests", "You have sent too many requests in a given amount of time."),
    ),
    ("HAProxy", "a fault", haproxy("500 Internal Server Error", "An internal server error occurred.")),
    (
        "Envoy",
        "no connection",
        b"upstream connect error or disconnect/reset before headers. reset reason: connection failure",
    ),
    ("Envoy", "nobody healthy", b"no healthy upstream"),
    ("Envoy", "late", b"upstream request timeout"),
    ("Envoy", "denied", b"RBAC: access denied"),
    ("Envoy", "a stream too long", b"stream timeout"),
    ("Envoy", "no token", b"Jwt is missing"),
    ("Envoy", "a bad token", b"Jwt verification fails"),
    ("Envoy", "too often", b"local_rate_limited"),
    ("AWS Application Load Balancer", "no target", alb("503 Service Temporarily Unavailable")),
    ("AWS Application Load Balancer", "white", alb("504 Gateway Time-out", '<body bgcolor="white">')),
    (
        "AWS Application Load Balancer",
        "with its name",
        alb("400 Bad Request", foot="<hr><center>awselb/2.0</center>\r\n"),
    ),
    ("Google front end", "a failure", google("502 Server Error", "The server encountered a temporary error.")),
    ("Google front end", "a robot", b"<!DOCTYPE html><title>Error 404 (Not Found)!!1</title>"),
    ("Google front end", "no instance", b"The request was aborted because there was no available instance."),
    ("Google front end", "too often", b"Rate exceeded."),
    ("Google front end", "no backend", b"no healthy backends"),
    ("Google front end", "forbidden", b"<html><body><h1>Error: Forbidden</h1></body></html>"),
    ("Google front end", "no route", b"default backend - response 404 (backend NotFound), service rules do not match"),
]
OWN_PAGES: list[tuple[str, bytes]] = [
    (
        "Werkzeug",
        b"<!doctype html>\n<html lang=en>\n<title>500 Internal Server Error</title>\n<h1>Internal Server Error</h1>\n",
    ),
    (
        "Django in debug",
        b'<!DOCTYPE html><html lang="en"><head><title>DoesNotExist at /auth/login</title></head>' + b" " * 900,
    ),
    (
        "Django",
        b'\n<!doctype html>\n<html lang="en">\n<head>\n  <title>Server Error (500)</title>\n</head>',
    ),
    (
        "Spring",
        b"<html><body><h1>Whitelabel Error Page</h1><div>There was an unexpected error (status=500).</div>",
    ),
    (
        "Tomcat",
        b'<!doctype html><html lang="en"><head><title>HTTP Status 401 \xe2\x80\x93 Unauthorized</title></head></html>',
    ),
    (
        "Express",
        b"<!DOCTYPE html>\n<html><head><title>Error</title></head><body><pre>Cannot POST /auth/login</pre></body>",
    ),
    ("Rails", b"<!DOCTYPE html>\n<html>\n<head>\n  <title>We're sorry, but something went wrong (500)</title>"),
    (
        "Bottle",
        b"<!DOCTYPE HTML><html><head><title>Error: 404 Not Found</title></head><body><h1>Error: 404 Not Found</h1>",
    ),
    ("a text", b"Internal Server Error"),
    ("a text that begins in another way", b"auth: no healthy upstream"),
    ("a page about nginx", b"<p>Our servers run nginx behind <b>cloudflare</b> and HAProxy.</p>"),
    ("a sign-in page", b"<!doctype html><title>Sign in | Example</title>"),
    ("an error code of more digits", b"error code: 31337"),
    ("bytes", bytes(range(256))),
    ("nothing", b""),
]


def test_pages_and_texts_of_intermediaries_are_recognised() -> None:
    for written in (bytes, bytes.upper, lambda body: body.replace(b"\r\n", b"\n")):
        recognised = {f"{who}, {what}": of_text(written(body)) for who, what, body in PAGES}
        assert recognised == {f"{who}, {what}": who for who, what, _ in PAGES}


def test_pages_that_an_auth_service_may_send_itself_are_not() -> None:
    assert {who: of_text(body) for who, body in OWN_PAGES} == {who: None for who, _ in OWN_PAGES}


@pytest.mark.parametrize("behind", [0, 4000, 4096 - 40, 4097, 60_000])
def test_the_look_at_a_page_is_bounded(behind: int) -> None:
    mark = b"<hr><center>nginx</center>"
    assert of_text(b" " * behind + mark) == ("nginx" if behind + len(mark) <= 4096 else None)


CLOUDFLARE = {
    "type": "https://developers.cloudflare.example/error-1015/",
    "title": "Error 1015: You are being rate limited",
    "status": 429,
    "detail": "You are being rate-limited.",
    "error_code": 1015,
    "error_name": "rate_limited",
    "cloudflare_error": True,
    "retryable": True,
    "retry_after": 30,
}
OBJECTS: list[tuple[str | None, dict[str, Any]]] = [
    ("Cloudflare", CLOUDFLARE),
    ("Cloudflare", {"cloudflare_error": True}),
    ("AWS API Gateway", {"message": "Forbidden"}),
    ("AWS API Gateway", {"message": None}),
    ("AWS API Gateway", {"message": "Missing Authentication Token"}),
    ("AWS API Gateway", {"message": "Internal server error"}),
    ("AWS API Gateway", {"message": "Endpoint request timed out"}),
    ("AWS API Gateway", {"message": "Service Unavailable"}),
    ("AWS API Gateway", {"message": "Too Many Requests"}),
    ("AWS API Gateway", {"message": "Limit Exceeded"}),
    ("AWS API Gateway", {"message": "The security token included in the request is expired"}),
    ("AWS API Gateway", {"Message": "User is not authorized to access this resource with an explicit deny"}),
    ("AWS API Gateway", {"message": "Authorization header requires 'Credential' parameter."}),
    (None, {}),
    (None, {"cloudflare_error": False}),
    (None, {"cloudflare_error": "true"}),
    (None, {"detail": '"cloudflare_error": true'}),
    (None, {"message": "Unauthorized", "statusCode": 401}),
    (None, {"message": "Wrong password"}),
    (None, {"message": "forbidden"}),
    (None, {"message": "Forbidden!"}),
    (None, {"message": ["Forbidden"]}),
    (None, {"message": 5}),
    (None, {"message": ""}),
    (None, {"MESSAGE": "Forbidden"}),
    (None, {"error": "Forbidden"}),
    (None, {"detail": "Not Found"}),
    (None, {"detail": "no available instance"}),
    (
        None,
        {
            "detail": [
                {"loc": ["body", "email"], "msg": "field required", "type": "missing", "input": "cf-error-details"}
            ]
        },
    ),
    (
        None,
        {"timestamp": "2026-11-22T12:00:00Z", "status": 500, "error": "Internal Server Error", "path": "/auth/login"},
    ),
    (None, {"type": "about:blank", "title": "Unauthorized", "status": 401, "detail": "<hr><center>nginx</center>"}),
]


def test_of_json_objects_only_those_that_nobody_else_sends_are_recognised() -> None:
    recognised = {json.dumps(document): of_object(document) for _, document in OBJECTS}
    assert recognised == {json.dumps(document): who for who, document in OBJECTS}


NAMES: list[tuple[dict[str, str], str | None]] = [
    ({}, None),
    ({"server": "uvicorn"}, None),
    ({"server": ""}, None),
    ({"cf-ray": "8a1-FRA", "server": "nginx"}, "Cloudflare"),
    ({"cf-ray": ""}, None),
    ({"server": "Cloudflare"}, "Cloudflare"),
    ({"server": "awselb/2.0"}, "AWS Application Load Balancer"),
    ({"apigw-requestid": "x"}, "AWS API Gateway"),
    ({"x-amz-apigw-id": "x"}, "AWS API Gateway"),
    ({"x-amz-cf-id": "x", "via": "1.1 x.cloudfront.net"}, "AWS CloudFront"),
    ({"server": "Google Frontend"}, "Google front end"),
    ({"server": "gws"}, "Google front end"),
    ({"server": "openresty"}, "nginx"),
    ({"server": "istio-envoy"}, "Envoy"),
    ({"server": "HAProxy"}, "HAProxy"),
    ({"server": "Caddy"}, "Caddy"),
    ({"server": "Traefik"}, "Traefik"),
    ({"via": "1.1 hunter2"}, "a proxy that names itself in Via"),
    ({"server": "hunter2"}, None),
]


def test_headers_name_from_a_closed_list() -> None:
    assert {str(headers): named(headers) for headers, _ in NAMES} == {str(headers): who for headers, who in NAMES}
