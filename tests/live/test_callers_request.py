"""Requests that cannot be read: refused by form alone, in the same shape for all, without asking anybody."""

import asyncio

from netra.lab.faulty_auth_service import FaultyAuthService
from netra.lab.scripts import reply
from tests.live.rows import Ask, Refusal, assert_refusal
from tests.support import wire
from tests.support.gateways import LOGIN, Running, Views, both_views
from tests.support.wire import Answer, Headers, KeptLine

OF_GATEWAYS = {"/health", "/auth/handshake", "/auth/revocations", "/.well-known/jwks.json"}
JSON = ("Content-Type", "application/json")


def asking(method: str, target: str, said: Headers = (), body: bytes | None = None) -> Ask:
    """One request, as it stands."""

    async def ask(gateway: Running, headers: Headers) -> Answer:
        return await gateway.ask(method, target, [*said, *headers], body)

    return ask


def dripped(start: bytes, rest: bytes, every_s: float = 0.04) -> Ask:
    """A request whose rest comes one byte at a time, for as long as there is no answer."""

    async def ask(gateway: Running, headers: Headers) -> Answer:
        line = await KeptLine.to(gateway.url)
        line.writer.write(start)
        answering = asyncio.create_task(line.answer())
        left = iter(rest)
        while not answering.done():
            line.writer.write(bytes([next(left)]))
            await asyncio.wait({answering}, timeout=every_s)
        line.close()
        return await answering

    return ask


async def assert_form(views: Views, service: FaultyAuthService, row: Refusal, ask: Ask) -> None:
    await assert_refusal(views, row._replace(deliveries=0, event=None), service, ask)
    asked = {each.path for each in service.journal} - OF_GATEWAYS
    assert asked == {"/auth/login"}, "more was asked than the good login at the end"


async def test_row_malformed_request__not_json(views: Views, service: FaultyAuthService) -> None:
    row = Refusal("malformed_request", 400, "correct_input")
    await assert_form(views, service, row, asking("POST", LOGIN, [JSON], b'{"email": '))


async def test_row_not_found__no_such_route(views: Views, service: FaultyAuthService) -> None:
    row = Refusal("not_found", 404, "correct_input")
    await assert_form(views, service, row, asking("GET", "/api/v1/auth/nowhere"))


async def test_row_method_not_allowed__says_which_are(views: Views, service: FaultyAuthService) -> None:
    row = Refusal("method_not_allowed", 405, "correct_input")
    await assert_form(views, service, row, asking("PUT", LOGIN, [JSON], b"{}"))
    assert (await views.public.ask("PUT", LOGIN)).header("allow") == "POST"
    assert (await views.public.ask("POST", "/api/v1/auth/me")).header("allow") == "GET, HEAD"


async def test_row_request_timeout__headers_and_bodies_must_come_in_time(service: FaultyAuthService) -> None:
    head, body = wire.message("POST", LOGIN, [JSON], b"x" * 10_000).split(b"\r\n\r\n")
    row = Refusal("request_timeout", 408, "wait")
    async with both_views(service.url, NETRA_RECEIPT_TIMEOUT_S="0.2") as views:
        await assert_form(views, service, row, dripped(head[:20], head[20:]))
        await assert_form(views, service, row, dripped(head + b"\r\n\r\n", body))


async def test_row_body_too_large__more_than_16_kib(views: Views, service: FaultyAuthService) -> None:
    row = Refusal("body_too_large", 413, "correct_input")
    body = b'{"email": "a", "password": "' + b"x" * (17 * 1024) + b'"}'
    await assert_form(views, service, row, asking("POST", LOGIN, [JSON], body))


async def test_row_uri_too_long__10_kib(views: Views, service: FaultyAuthService) -> None:
    row = Refusal("uri_too_long", 414, "correct_input")
    await assert_form(views, service, row, asking("GET", "/api/v1/auth/me?" + "x" * 10_240))


async def test_row_unsupported_media_type__only_json_is_read(views: Views, service: FaultyAuthService) -> None:
    row = Refusal("unsupported_media_type", 415, "correct_input")
    form = [("Content-Type", "application/x-www-form-urlencoded")]
    await assert_form(views, service, row, asking("POST", LOGIN, form, b"email=a&password=b"))


async def test_row_invalid_fields__names_the_fields_and_no_value(views: Views, service: FaultyAuthService) -> None:
    row = Refusal("invalid_fields", 422, "correct_input")
    body = await assert_refusal(
        views, row._replace(deliveries=0, event=None), service, asking("POST", LOGIN, [JSON], b'{"email": 7}')
    )
    assert [(each["pointer"], each["code"]) for each in body["errors"]] == [
        ("/email", "wrong_type"),
        ("/password", "missing"),
    ]


async def test_row_headers_too_large__20_kib(views: Views, service: FaultyAuthService) -> None:
    row = Refusal("headers_too_large", 431, "correct_input")
    await assert_form(views, service, row, asking("GET", "/api/v1/auth/me", [("X-Padding", "x" * 20_480)]))


async def test_a_field_list_of_the_auth_service_is_told_without_its_words(
    views: Views, service: FaultyAuthService
) -> None:
    echoed = b'{"detail": [{"loc": ["body", "password"], "msg": "Swordfish", "input": "Swordfish", "type": "x"}]}'
    service.answer("/auth/login", reply(422, echoed, [JSON]))
    row = Refusal("invalid_fields", 422, "correct_input")
    body = await assert_refusal(views, row, service)
    assert [(each["pointer"], each["code"]) for each in body["errors"]] == [("/password", "invalid_format")]
    assert "Swordfish" not in str(body)
