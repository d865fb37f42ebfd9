"""Refusals of a user's wish: each reaches the user as what it is, after exactly one delivery."""

import pytest

from netra.lab.faulty_auth_service import FaultyAuthService
from netra.lab.scripts import problem
from tests.live.rows import REFRESH, Refusal, assert_refusal, refresh, register
from tests.support.gateways import Views


async def test_row_invalid_credentials__a_wrong_password_is_401(views: Views, service: FaultyAuthService) -> None:
    service.answer("/auth/login", problem(401, "invalid_credentials"))
    await assert_refusal(views, Refusal("invalid_credentials", 401, "correct_input"), service)


async def test_row_account_locked__says_how_long(views: Views, service: FaultyAuthService) -> None:
    service.answer("/auth/login", problem(423, "account_locked", [("Retry-After", "120")]))
    await assert_refusal(views, Refusal("account_locked", 423, "wait", retry_after=120), service)


async def test_row_account_disabled__is_403(views: Views, service: FaultyAuthService) -> None:
    service.answer("/auth/login", problem(403, "account_disabled"))
    await assert_refusal(views, Refusal("account_disabled", 403, "contact_support"), service)


async def test_row_too_many_attempts__is_429_and_says_how_long(views: Views, service: FaultyAuthService) -> None:
    service.answer("/auth/login", problem(429, "too_many_attempts", [("Retry-After", "30")]))
    await assert_refusal(views, Refusal("too_many_attempts", 429, "wait", retry_after=30), service)


@pytest.mark.parametrize("code", ["second_factor_required", "mfa_required"])
async def test_row_second_factor_required__is_a_next_step(views: Views, service: FaultyAuthService, code: str) -> None:
    service.answer("/auth/login", problem(403, code))
    await assert_refusal(views, Refusal("second_factor_required", 403, "next_step"), service)


async def test_row_password_change_required__is_a_next_step(views: Views, service: FaultyAuthService) -> None:
    service.answer("/auth/login", problem(403, "password_change_required"))
    await assert_refusal(views, Refusal("password_change_required", 403, "next_step"), service)


async def test_row_email_unverified__is_a_next_step(views: Views, service: FaultyAuthService) -> None:
    service.answer("/auth/login", problem(403, "email_unverified"))
    await assert_refusal(views, Refusal("email_unverified", 403, "next_step"), service)


async def test_row_email_taken__is_409_on_register(views: Views, service: FaultyAuthService) -> None:
    service.answer("/auth/register", problem(409, "email_exists"))
    row = Refusal("email_taken", 409, "correct_input", event="Registration rejected")
    await assert_refusal(views, row, service, register, "/auth/register")


async def test_row_password_rejected__is_422_on_register(views: Views, service: FaultyAuthService) -> None:
    service.answer("/auth/register", problem(422, "weak_password"))
    row = Refusal("password_rejected", 422, "correct_input", event="Registration rejected")
    await assert_refusal(views, row, service, register, "/auth/register")


@pytest.mark.parametrize("code", ["refresh_rejected", "invalid_grant", "token_expired", "invalid_credentials"])
async def test_row_refresh_rejected__a_refresh_has_one_refusal(
    views: Views, service: FaultyAuthService, code: str
) -> None:
    service.answer("/auth/refresh", problem(401, code))
    row = Refusal("refresh_rejected", 401, "log_in", event="Refresh rejected")
    await assert_refusal(views, row, service, refresh, "/auth/refresh")
    assert [each.json for each in service.delivered("/auth/refresh")] == [{"refresh_token": REFRESH}] * 2
