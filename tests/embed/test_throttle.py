"""The throttle of an embedded gateway: by the address that the backend gives, and without one by the account alone.

It must never be necessary to give an address: whoever gives none limits nobody for what others do.
"""

import json
from typing import Final

from netra.embed import Rejected
from netra.lab.faulty_auth_service import FaultyAuthService
from netra.lab.healthy import WRONG_PASSWORD
from tests.embed.support import code_of, header, opened, told
from tests.support.gateways import EMAIL, PASSWORD

LIMITS: Final = {"NETRA_THROTTLE_ACCOUNT": "2/15m", "NETRA_THROTTLE_ADDRESS": "3/1m"}


async def test_without_an_address_an_account_has_its_limit_and_nobody_else_is_concerned() -> None:
    async with FaultyAuthService() as service, opened(told(service.url, **LIMITS)) as one:
        for number in range(5):
            outcome = await one.gate.log_in(f"user-{number}@example.com", WRONG_PASSWORD)
            assert code_of(outcome) == "rejected invalid_credentials"
        codes = [code_of(await one.gate.log_in(EMAIL, WRONG_PASSWORD)) for _ in range(3)]
        assert codes == ["rejected invalid_credentials"] * 2 + ["rejected too_many_attempts"]
        assert len(service.delivered("/auth/login")) == 7
        assert code_of(await one.gate.log_in(EMAIL, PASSWORD, client_address="203.0.113.9")) == "accepted"


async def test_an_address_that_is_given_has_its_limit_and_the_answer_says_how_long_to_wait() -> None:
    async with FaultyAuthService() as service, opened(told(service.url, **LIMITS)) as one:
        for number in range(3):
            await one.gate.log_in(
                f"user-{number}@example.com", WRONG_PASSWORD, client_address=f"2001:db8:1:2::{number}"
            )
        outcome = await one.gate.log_in(EMAIL, PASSWORD, client_address="[2001:db8:1:2::9]")
        assert isinstance(outcome, Rejected)
        response = one.gate.problem_response(outcome)
        assert response.status == 429
        assert 55 <= int(header(response, "retry-after")) <= 60
        assert json.loads(response.body)["code"] == "too_many_attempts"
        assert code_of(await one.gate.log_in(EMAIL, PASSWORD, client_address="2001:db8:1:3::9")) == "accepted"
