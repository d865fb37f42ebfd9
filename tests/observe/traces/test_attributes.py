"""What a span says of whom, value by value."""

import pytest

from netra.core.trace import Beginning
from netra.observe.traces.attributes import Destination, failed, name_of, of_attempt, of_end, of_tried, state_of

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.mark.parametrize(
    ("base_url", "address", "port", "url"),
    [
        ("http://auth.test", "auth.test", 80, "http://auth.test/auth/login"),
        ("https://auth.test/base/", "auth.test", 443, "https://auth.test/auth/login"),
        ("https://user:planted@auth.test:8443", "auth.test", 8443, "https://auth.test:8443/auth/login"),
        ("http://[::1]:8081", "::1", 8081, "http://[::1]:8081/auth/login"),
    ],
)
def test_an_auth_service_is_named_without_credentials_and_calls_without_their_query(
    base_url: str, address: str, port: int, url: str
) -> None:
    said = Destination(base_url).of_try("POST", "/auth/login?q=planted", 0)
    assert said == {"http.request.method": "POST", "server.address": address, "server.port": port, "url.full": url}


def test_an_attempt_by_no_request_has_no_method_and_no_route() -> None:
    beginning = Beginning("login", "r-1", PARENT)
    assert name_of(beginning) == "netra login"
    assert of_attempt(beginning) == {"netra.request_id": "r-1"}


@pytest.mark.parametrize(
    ("told", "status", "crashed", "error"),
    [
        (("login", "accepted", "ok"), 200, None, None),
        (("login", "rejected", "invalid_credentials"), 401, None, None),
        (("login", "unknown", "connection_refused"), 503, None, "connection_refused"),
        (("verify", "unknown", "keys_unavailable"), None, None, "keys_unavailable"),
        (None, 422, None, None),
        (None, 503, None, "503"),
        (None, 500, "internal_error", "internal_error"),
        (("login", "accepted", "ok"), 500, "internal_error", "internal_error"),
        (None, None, None, None),
    ],
)
def test_only_what_nobody_knows_and_our_own_bugs_are_errors(
    told: tuple[str, str, str] | None, status: int | None, crashed: str | None, error: str | None
) -> None:
    said = of_end(told, status, crashed)
    assert said.get("error.type") == error
    assert failed(said) is (error is not None)
    assert said.get("http.response.status_code") == status
    if crashed:
        assert said["netra.code"] == crashed


def test_a_try_says_where_its_time_went_as_far_as_it_came() -> None:
    said = of_tried("connection_timeout", answered=False, status=None, spent_s=(0.001, 0.25, None, None, None))
    assert said == {
        "netra.code": "connection_timeout", "error.type": "connection_timeout", "netra.dns_ms": 1.0,
        "netra.connect_ms": 250.0,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("a=1", "a=1"),
        ("tenant@vendor=x,b=2", "tenant@vendor=x,b=2"),
        ("a=1,,b=2", "a=1,b=2"),
        ("a=1\t, b=2", "a=1,b=2"),
        (None, None),
        ("", None),
        (",", None),
        ("A=1", None),
        ("a", None),
        ("a=", None),
        ("a=1=2", None),
        ("a=1,a=2", None),
        ("a=é", None),
        ("a" * 257 + "=1", None),
        ("a=" + "1" * 257, None),
        (",".join(f"k{number}=v" for number in range(32)), ",".join(f"k{number}=v" for number in range(32))),
        (",".join(f"k{number}=v" for number in range(33)), None),
    ],
)
def test_a_state_is_kept_whole_or_not_at_all(sent: str | None, kept: str | None) -> None:
    assert state_of(sent) == kept
