"""What a configuration listens on and dials, as raw material for a network policy."""

from netra.doctor.sockets import Socket, sockets
from netra.settings.read import load

SECRET = "k7Qz-3v9-" + "x1" * 16


def told(**variables: str) -> list[Socket]:
    """The sockets of a gateway that is told this."""
    environ = {"ENVIRONMENT": "test", "SERVICE_ID": "shop", "SERVICE_SECRET": SECRET, **variables}
    return list(sockets(load(environ)))


def brief(found: list[Socket]) -> list[tuple[str, str, int | None, bool]]:
    """Direction, host, port and TLS of each."""
    return [(each.direction, each.host, each.port, each.tls) for each in found]


def test_a_usual_gateway_listens_twice_and_dials_its_auth_service_and_a_resolver() -> None:
    found = told(AUTH_SERVICE_URL="https://auth.shop.test/identity")
    assert brief(found) == [
        ("listen", "127.0.0.1", 8000, False),
        ("listen", "127.0.0.1", 9901, False),
        ("dial", "auth.shop.test", 443, True),
        ("dial", "this machine's resolver", 53, False),
    ]
    assert "auth.shop.test" in found[3].why


def test_a_number_needs_no_resolver_and_any_port_is_none() -> None:
    found = told(AUTH_SERVICE_URL="http://[::1]:8081", NETRA_PORT="0", NETRA_HOST="192.0.2.7")
    assert brief(found)[0] == ("listen", "192.0.2.7", None, False)
    assert brief(found)[2:] == [("dial", "::1", 8081, False)]
    assert "192.0.2.7:any" in found[0].line()
    assert "[::1]:8081" in found[2].line()


def test_a_provider_is_dialled_and_may_name_another_host_for_its_keys() -> None:
    found = told(NETRA_ONLY="verify", OIDC_ISSUER="https://id.shop.test/realms/shop", NETRA_TOKEN_AUDIENCE="shop")
    assert ("dial", "id.shop.test", 443, True) in brief(found)
    assert ("dial", "the host of `jwks_uri`", None, True) in brief(found)


def test_an_auth_service_that_is_switched_off_is_not_dialled() -> None:
    found = told(AUTH_SERVICE_ENABLED="false", AUTH_SERVICE_URL="https://auth.shop.test")
    assert not [each for each in found if each.direction == "dial"]


def test_each_row_says_why_and_where_it_was_set() -> None:
    for each in told(AUTH_SERVICE_URL="https://auth.shop.test"):
        assert each.why
        assert each.variable
        assert each.why in each.line()
        assert SECRET not in each.line()
