"""A gateway that only checks tokens, as users run it, in front of real identity providers.

It must never know more of a provider than its issuer and its audience.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.providers.conftest import Starting
from tests.providers.node import NodeProvider
from tests.providers.provider import USER, Provider
from tests.support import wire
from tests.support.gateways import PREFIX
from tests.support.programs import PATIENCE_S, Gateway, Program
from tests.support.wire import Answer


class VerifyOnly(Gateway):
    """`netra serve --only verify`, told an issuer and an audience, and nothing of an auth service."""

    def __init__(self, issuer: str, *audiences: str, **more: str) -> None:
        told = {
            "ENVIRONMENT": "test",
            "OIDC_ISSUER": issuer,
            "NETRA_TOKEN_AUDIENCE": ",".join(audiences),
            "NETRA_PLAINTEXT_HOSTS": "127.0.0.1",
            "NETRA_LOG_LEVEL": "debug",
            **more,
        }
        Program.__init__(self, "serve", "--only", "verify", "--port", "0", "--admin-port", "0", told=told)

    def verify(self, token: str) -> Answer:
        """One token check."""
        return wire.ask_now(self.url, "GET", f"{PREFIX}/verify", [("Authorization", f"Bearer {token}")])


@contextmanager
def verifying(provider: Provider, **more: str) -> Iterator[VerifyOnly]:
    """A gateway in front of a provider, once it has its keys."""
    with VerifyOnly(provider.issuer, provider.audience("ES256"), **more) as gateway:
        gateway.wait_for(lambda line: line["event"] == "Key set changed")
        yield gateway


@pytest.fixture(scope="module")
def gateway(provider: Provider) -> Iterator[VerifyOnly]:
    """One gateway for all tests that leave provider and gateway as they were."""
    with verifying(provider) as started:
        yield started


def test_a_token_of_a_service_is_good(provider: Provider, gateway: VerifyOnly) -> None:
    answer = gateway.verify(provider.for_a_service())
    assert answer.status == 200, answer
    assert answer.header("x-auth-subject") == "shop"
    assert (answer.json["valid"], answer.json["subject"], answer.json["source"]) == (True, "shop", "jwt")


def test_a_token_of_a_user_names_him_and_is_remembered(provider: Provider, gateway: VerifyOnly) -> None:
    token = provider.for_a_user().access
    first, again = gateway.verify(token), gateway.verify(token)
    assert (first.status, again.status) == (200, 200)
    assert first.header("x-auth-email") == f"{USER}@example.com"
    assert first.header("x-auth-subject") == again.header("x-auth-subject")
    assert (first.json["source"], again.json["source"]) == ("jwt", "cache")


def test_an_id_token_is_refused_for_what_it_is(provider: Provider, gateway: VerifyOnly) -> None:
    answer = gateway.verify(provider.for_a_user().identity)
    assert (answer.status, answer.code) == (401, "token_wrong_type")
    assert 'error="invalid_token"' in (answer.header("www-authenticate") or "")


def test_a_forged_token_is_refused_for_its_signature(provider: Provider, gateway: VerifyOnly) -> None:
    head, payload, signature = provider.for_a_service().split(".")
    at = len(signature) // 2
    forged = signature[:at] + ("A" if signature[at] != "A" else "B") + signature[at + 1 :]
    answer = gateway.verify(f"{head}.{payload}.{forged}")
    assert (answer.status, answer.code) == (401, "token_signature_invalid")


@pytest.mark.parametrize("path", ["login", "register", "refresh", "logout"])
def test_there_are_no_logins(path: str, gateway: VerifyOnly) -> None:
    answer = wire.post_now(gateway.url, f"{PREFIX}/{path}", {"email": "a@example.com", "password": "x"})
    assert (answer.status, answer.code) == (404, "not_found")


def test_a_token_for_somebody_else_is_refused_for_its_audience(provider: Provider) -> None:
    with VerifyOnly(provider.issuer, "https://other.example.com/") as gateway:
        gateway.wait_for(lambda line: line["event"] == "Key set changed")
        answer = gateway.verify(provider.for_a_service())
        assert (answer.status, answer.code) == (401, "token_wrong_audience")


def test_a_token_that_says_nothing_is_refused_and_nobody_is_asked(starting: Starting) -> None:
    with starting("oidc-provider") as provider, verifying(provider) as gateway:
        assert isinstance(provider, NodeProvider)
        answer = gateway.verify(provider.opaque())
        assert (answer.status, answer.code) == (401, "token_malformed")


def test_an_issuer_that_spells_itself_otherwise_is_told_with_its_cure(provider: Provider) -> None:
    with VerifyOnly(f"{provider.issuer}/", provider.audience("ES256")) as gateway:
        line = gateway.wait_for(lambda line: line["event"] == "Key set not renewed")
        assert line["code"] == "proxy_configuration_error"
        assert "without a slash at the end" in line["reason"]
        answer = gateway.verify(provider.for_a_service())
        assert (answer.status, answer.code) == (503, "keys_unavailable")
        assert int(answer.header("retry-after") or 0) >= 1


def test_an_outage_is_survived_and_a_start_without_the_provider_heals_alone(starting: Starting) -> None:
    with starting("oidc-provider") as provider, verifying(provider) as gateway:
        known, fresh = provider.for_a_service(), provider.for_a_service()
        assert gateway.verify(known).status == 200
        provider.stop()
        assert (gateway.verify(known).status, gateway.verify(fresh).status) == (200, 200)
        with VerifyOnly(provider.issuer, provider.audience("ES256")) as late:
            answer = late.verify(known)
            assert (answer.status, answer.code) == (503, "keys_unavailable")
            assert int(answer.header("retry-after") or 0) >= 1
            provider.change_keys()
            token, ends_at_s = provider.for_a_service(), time.monotonic() + PATIENCE_S
            while (answer := late.verify(token)).status == 503 and time.monotonic() < ends_at_s:
                time.sleep(0.1)
            assert answer.status == 200, answer
