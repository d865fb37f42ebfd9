"""What the lab's auth service says of itself can be changed while it runs: members of its handshake, and its keys."""

from datetime import UTC, datetime, timedelta
from typing import Any

from netra.lab.certificates import Authority
from netra.lab.faulty_auth_service import FaultyAuthService
from netra.link.tls.peer_certificate import peer_certificate
from tests.support.wire import Answer, KeptLine

KEY = {"kty": "OKP", "crv": "Ed25519", "kid": "key-1", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}


async def asked(service: FaultyAuthService, path: str) -> Answer:
    line = await KeptLine.to(service.url)
    try:
        return await line.ask("GET", path, [("X-Service-ID", "netra")])
    finally:
        line.close()


async def said(service: FaultyAuthService, path: str) -> Any:
    return (await asked(service, path)).json


async def test_members_of_the_handshake_are_replaced_added_and_left_out() -> None:
    async with FaultyAuthService(says={"environment": "staging"}) as service:
        usual = await said(service, "/auth/handshake")
        assert (usual["service_id"], usual["environment"], usual["idempotency"]) == ("netra", "staging", True)
        assert "issuer" not in usual
        service.says |= {"issuer": "https://auth.test", "server_time": None, "service_id": "another"}
        changed = await said(service, "/auth/handshake")
    assert (changed["issuer"], changed["service_id"]) == ("https://auth.test", "another")
    assert "server_time" in usual
    assert "server_time" not in changed


async def test_it_lists_every_route_that_it_has() -> None:
    async with FaultyAuthService() as service:
        listed = (await said(service, "/auth/handshake"))["endpoints"]
        gets = [each.partition(" ")[2] for each in listed if each.startswith("GET ")]
        assert len(listed) == len(set(listed)) == 10
        assert {(await asked(service, path)).status for path in gets} == {200}


async def test_its_keys_are_those_that_it_was_given() -> None:
    async with FaultyAuthService(keys=[KEY]) as service:
        assert await said(service, "/.well-known/jwks.json") == {"keys": [KEY]}
        service.keys.clear()
        assert await said(service, "/.well-known/jwks.json") == {"keys": []}


async def test_a_certificate_can_be_one_that_is_to_be_renewed_soon(authority: Authority) -> None:
    async with FaultyAuthService(tls=authority.ending_soon()) as service:
        shown = await peer_certificate("127.0.0.1", service.port, 5.0)
    assert shown is not None
    assert shown.not_after is not None
    assert timedelta(days=9) < shown.not_after - datetime.now(UTC) < timedelta(days=11)
