"""Refusals of a token, by form and by the auth service's word: operators see which, the public sees one code."""

from collections.abc import Sequence

import pytest

from netra.lab.faulty_auth_service import FaultyAuthService
from netra.lab.scripts import json_reply, problem
from tests.live.rows import ACCESS, Refusal, assert_refusal, who_am_i
from tests.support.gateways import PREFIX, Running, Views
from tests.support.wire import Answer, Headers

VALIDATE = "/auth/validate"


async def assert_said(views: Views, service: FaultyAuthService, code: str, action: str) -> None:
    """The auth service says of a token that it is not valid, and why."""
    service.answer(VALIDATE, json_reply(200, {"valid": False, "code": code}))
    row = Refusal(code, 401, action, event="Token check rejected", public_code="invalid_token")
    await assert_refusal(views, row, service, who_am_i, VALIDATE)


@pytest.mark.parametrize(
    "authorization",
    [[], ["Basic YWRhOnB3"], ["Bearer"], ["Bearer "], [ACCESS], [""]],
    ids=["no header", "another scheme", "no token", "blank token", "no scheme", "empty header"],
)
async def test_row_token_missing__nothing_that_is_a_bearer_token(
    views: Views, service: FaultyAuthService, authorization: Sequence[str]
) -> None:
    async def ask(gateway: Running, headers: Headers) -> Answer:
        return await gateway.get("/me", [*(("Authorization", each) for each in authorization), *headers])

    await assert_refusal(views, Refusal("token_missing", 401, "log_in", 0, None), service, ask, VALIDATE)


@pytest.mark.parametrize(
    ("headers", "query"),
    [
        ([f"Bearer {ACCESS}", f"Bearer {ACCESS}"], ""),
        ([f"Bearer {ACCESS}", "Basic YWRhOnB3"], ""),
        ([f"Bearer {ACCESS}"], f"?access_token={ACCESS}"),
        ([], f"?a=b&access_token={ACCESS}"),
        ([f"Bearer {ACCESS} {ACCESS}"], ""),
        (["Bearer not\xe9ascii"], ""),
    ],
    ids=["twice", "with another scheme", "also in the query", "only in the query", "two tokens", "not ASCII"],
)
async def test_row_token_malformed__one_header_and_no_query(
    views: Views, service: FaultyAuthService, headers: Sequence[str], query: str
) -> None:
    async def ask(gateway: Running, more: Headers) -> Answer:
        said = [("Authorization", each) for each in headers]
        return await gateway.ask("GET", f"{PREFIX}/me{query}", [*said, *more])

    row = Refusal("token_malformed", 401, "log_in", 0, None, "invalid_token")
    await assert_refusal(views, row, service, ask, VALIDATE)


async def test_row_token_expired__says_refresh(views: Views, service: FaultyAuthService) -> None:
    await assert_said(views, service, "token_expired", "refresh")


async def test_row_token_not_yet_valid__says_wait(views: Views, service: FaultyAuthService) -> None:
    await assert_said(views, service, "token_not_yet_valid", "wait")


async def test_row_token_revoked__says_log_in(views: Views, service: FaultyAuthService) -> None:
    await assert_said(views, service, "token_revoked", "log_in")


async def test_row_token_wrong_audience__says_log_in(views: Views, service: FaultyAuthService) -> None:
    await assert_said(views, service, "token_wrong_audience", "log_in")


async def test_row_token_wrong_issuer__says_log_in(views: Views, service: FaultyAuthService) -> None:
    await assert_said(views, service, "token_wrong_issuer", "log_in")


async def test_row_token_wrong_type__says_log_in(views: Views, service: FaultyAuthService) -> None:
    await assert_said(views, service, "token_wrong_type", "log_in")


async def test_row_token_signature_invalid__says_log_in(views: Views, service: FaultyAuthService) -> None:
    await assert_said(views, service, "token_signature_invalid", "log_in")


@pytest.mark.parametrize(
    "document", [{"valid": False}, {"valid": False, "code": "because"}, {"valid": False, "code": 7}]
)
async def test_row_token_rejected__no_reason_was_given(
    views: Views, service: FaultyAuthService, document: object
) -> None:
    service.answer(VALIDATE, json_reply(200, document))
    row = Refusal("token_rejected", 401, "log_in", event="Token check rejected", public_code="invalid_token")
    await assert_refusal(views, row, service, who_am_i, VALIDATE)


@pytest.mark.parametrize("code", ["token_expired", "token_revoked"])
async def test_a_token_code_with_a_4xx_is_the_tokens_refusal_too(
    views: Views, service: FaultyAuthService, code: str
) -> None:
    service.answer(VALIDATE, problem(401, code))
    action = {"token_expired": "refresh"}.get(code, "log_in")
    row = Refusal(code, 401, action, event="Token check rejected", public_code="invalid_token")
    await assert_refusal(views, row, service, who_am_i, VALIDATE)
