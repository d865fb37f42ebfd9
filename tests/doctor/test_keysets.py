"""Whether tokens can be checked here: the keys that are published, and those that the auth service signs with."""

from typing import Any

import pytest

from netra.doctor.diagnosis import Check
from netra.doctor.hops import contract, keysets
from netra.lab.faulty_auth_service import FaultyAuthService
from netra.lab.scripts import html, json_reply, reply
from netra.testing.authds import AuthdBeside
from tests.doctor.visits import after_handshake, codes, only, seen, states, visit
from tests.support.issuers import AUDIENCE, ISSUER, KEYS, jwks, new_signer

DISCOVERY = "/.well-known/openid-configuration"
SAYS = {"issuer": ISSUER, "audience": AUDIENCE}


def published(*key_ids: str) -> list[dict[str, Any]]:
    """Public keys with these names."""
    found: list[dict[str, Any]] = jwks(*map(new_signer, key_ids))["keys"]
    return found


async def looked(lab: FaultyAuthService, **variables: str | None) -> dict[str, Check]:
    """What the hop says of this lab, behind a handshake."""
    async with visit(lab.url, **variables) as one:
        await after_handshake(one)
        return await seen(keysets.checks, one)


async def test_the_keys_of_a_real_auth_service_are_those_that_it_says_it_signs_with(netra_authd: AuthdBeside) -> None:
    async with visit(netra_authd.url, **netra_authd.variables) as one:
        await after_handshake(one)
        found = await seen(keysets.checks, one)
        assert states(found) == {"key_set": "pass", "key_ids": "pass"}
        assert "1 key published, 1 of use" in found["key_set"].what
        assert one.key_set is not None
        assert set(one.key_set.key_ids) == set(one.handshake.key_ids if one.handshake else ())


async def test_keys_of_no_use_are_counted_and_passed_over() -> None:
    keys = [*published("good"), {**published("for-secrets")[0], "use": "enc"}]
    async with FaultyAuthService(says=SAYS, keys=keys) as lab:
        found = await looked(lab)
    assert states(found) == {"key_set": "pass"}
    assert "2 keys published, 1 of use for tokens: good" in found["key_set"].what


@pytest.mark.parametrize("keys", [[], [{"kty": "oct", "k": "c2VjcmV0", "kid": "shared"}]], ids=["none", "shared"])
async def test_keys_that_cannot_be_used_are_the_cause_where_tokens_are_checked_here(keys: list[dict[str, Any]]) -> None:
    async with FaultyAuthService(says=SAYS, keys=keys) as lab:
        found = await looked(lab)
    finding = only(found["key_set"])
    assert (found["key_set"].state, finding.code) == ("fail", "keys_unavailable")
    assert ("must never be published" in finding.what) == bool(keys)
    assert "503" in finding.why
    assert "c2VjcmV0" not in str(found)


async def test_keys_that_nobody_uses_are_no_problem_and_it_is_said_who_judges_tokens() -> None:
    async with FaultyAuthService() as lab:
        found = await looked(lab)
        assert states(found) == {"key_set": "skip"}
        assert "the auth service is asked about each token" in found["key_set"].what
        lab.keys.extend(published("key-1"))
        found = await looked(lab)
        assert states(found) == {"key_set": "pass"}
        assert "not used" in found["key_set"].what
        assert states(await looked(lab, NETRA_WIRE="fastapi-tutorial")) == {"key_set": "skip"}


@pytest.mark.parametrize(
    ("said", "state", "words"),
    [
        (["new", "old"], "pass", "new, old"),
        (["new"], "pass", "new"),
        (["new", "newer"], "warn", "signs with newer, and publishes old, new"),
        (["newer"], "fail", "signs with newer, and publishes old, new"),
        (["\x1b[2J"], "fail", "signs with ?[2J"),
    ],
)
async def test_a_key_that_is_used_and_not_published_is_named(said: list[str], state: str, words: str) -> None:
    async with FaultyAuthService(says={**SAYS, "key_ids": said}, keys=published("old", "new")) as lab:
        found = await looked(lab)
    assert states(found) == {"key_set": "pass", "key_ids": state}
    assert words in found["key_ids"].what
    assert codes(found.values()) == ([] if state == "pass" else ["key_ids_differ"])


async def test_keys_of_other_names_warn_only_where_tokens_are_not_checked_here() -> None:
    async with FaultyAuthService(says={"key_ids": ["newer"]}, keys=published("old")) as lab:
        found = await looked(lab)
    assert found["key_ids"].state == "warn"


async def test_keys_that_the_routes_could_not_have_are_not_told_twice() -> None:
    async with FaultyAuthService(says=SAYS) as lab, visit(lab.url) as one:
        lab.answer(KEYS, reply(404))
        await after_handshake(one)
        assert "endpoint_not_found" in codes((await seen(contract.checks, one)).values())
        found = await seen(keysets.checks, one)
        assert states(found) == {"key_set": "skip"}
        assert "endpoint_not_found" in found["key_set"].what
        assert len(lab.delivered(KEYS)) == 1


async def test_without_the_hop_of_the_routes_their_failure_is_told_here() -> None:
    async with FaultyAuthService(says=SAYS) as lab:
        lab.answer(KEYS, html(502, "<html>Bad gateway</html>"))
        found = await looked(lab)
    assert found["key_set"].state == "fail"
    assert "keys_unavailable" in only(found["key_set"]).why


def provider(lab: FaultyAuthService, **document: Any) -> None:
    """An OpenID provider at the lab's address."""
    said = {"issuer": lab.url, "jwks_uri": f"{lab.url}/keys", **document}
    lab.answer(DISCOVERY, json_reply(200, said))
    lab.answer("/keys", json_reply(200, jwks(new_signer("of-provider"))))


async def of_provider(lab: FaultyAuthService, **variables: str | None) -> dict[str, Check]:
    """What the hop says where only tokens of this provider are checked."""
    told = {"NETRA_ONLY": "verify", "OIDC_ISSUER": lab.url, "NETRA_TOKEN_AUDIENCE": "shop"}
    told |= {"NETRA_PLAINTEXT_HOSTS": "127.0.0.1"}
    async with visit(
        "", **{**told, "AUTH_SERVICE_URL": None, "SERVICE_SECRET": None, "SERVICE_ID": None, **variables}
    ) as one:
        return await seen(keysets.checks, one)


async def test_the_keys_of_a_provider_are_found_where_its_discovery_document_says() -> None:
    async with FaultyAuthService() as lab:
        provider(lab)
        found = await of_provider(lab)
    assert states(found) == {"key_set": "pass"}
    assert "of-provider" in found["key_set"].what


async def test_a_provider_that_calls_itself_otherwise_is_told_with_the_setting_to_change() -> None:
    async with FaultyAuthService() as lab:
        provider(lab, issuer="https://other.test")
        found = await of_provider(lab)
        finding = only(found["key_set"])
        assert finding.code == "proxy_configuration_error"
        assert "names another issuer than OIDC_ISSUER" in finding.what
        assert finding.fix == "Set it to what `issuer` says there."
        provider(lab, issuer=f"{lab.url}/")
        assert "a slash at the end" in only((await of_provider(lab))["key_set"]).what


async def test_a_provider_whose_keys_are_elsewhere_and_not_there_is_told() -> None:
    async with FaultyAuthService() as lab:
        provider(lab, jwks_uri="http://127.0.0.1:1/keys")
        found = await of_provider(lab)
    assert only(found["key_set"]).code == "connection_refused"
    assert "keys_unavailable" in only(found["key_set"]).why
