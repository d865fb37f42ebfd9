"""A gate in front of an auth service that speaks another wire: its fields, its identifiers, and what it lacks.

It must never need a line of code for such a service: the file says it all.
"""

from pathlib import Path
from typing import Any

import pytest

from netra.embed import Accepted, Rejected
from netra.lab.faulty_auth_service import FaultyAuthService
from netra.lab.scripts import json_reply
from tests.embed.support import code_of, opened, told

WIRE = """
name = "acme"
[extra]
tenant = { max_chars = 12, required = true }
[calls.login]
method = "POST"
path = "/token"
json = { user = "{identifier}", pass = "{password}", realm = "{tenant}" }
[[calls.login.replies]]
status = [200]
require = ["access_token"]
accept = { access_token = "/access_token" }
"""


@pytest.fixture
def wire(tmp_path: Path) -> str:
    """The path of a wire that offers nothing but logins."""
    path = tmp_path / "acme.toml"
    path.write_text(WIRE)
    return str(path)


async def test_what_the_wire_wants_beside_is_given_as_extra(wire: str) -> None:
    async with FaultyAuthService() as service:
        service.answer("/token", json_reply(200, {"access_token": "a-token"}))
        async with opened(told(service.url, NETRA_WIRE=wire, NETRA_IDENTIFIER="username")) as one:
            outcome = await one.gate.log_in("ada", "pw", extra={"tenant": "north", "password": "not mine to say"})
            assert isinstance(outcome, Accepted)
            assert outcome.value.access_token.reveal() == "a-token"
        (delivery,) = service.delivered("/token")
        assert delivery.json == {"user": "ada", "pass": "pw", "realm": "north"}


@pytest.mark.parametrize("extra", [None, {}, {"tenant": ""}, {"tenant": "x" * 13}, {"tenant": 7}])
async def test_what_is_wrong_with_it_is_a_fault_of_a_field(wire: str, extra: Any) -> None:
    async with FaultyAuthService() as service:
        async with opened(told(service.url, NETRA_WIRE=wire, NETRA_IDENTIFIER="username")) as one:
            outcome = await one.gate.log_in("", "pw", extra=extra)
        assert isinstance(outcome, Rejected)
        assert [each.pointer for each in outcome.errors] == ["/username", "/tenant"]
        assert service.delivered("/token") == []


async def test_what_the_wire_lacks_is_not_found_and_never_a_crash(wire: str) -> None:
    async with FaultyAuthService() as service:
        async with opened(told(service.url, NETRA_WIRE=wire)) as one:
            gate = one.gate
            lacking = (
                await gate.register("a@b.test", "pw"),
                await gate.refresh("token"),
                await gate.log_out("token"),
                await gate.who_is("token"),
            )
            assert {code_of(each) for each in lacking} == {"rejected not_found"}
            offer = await gate.offer()
        assert isinstance(offer, Accepted)
        assert offer.value.registration_enabled is False
        assert service.journal == []
