"""The embedded auth service's lines: the same form, the same words of others, and sampled likewise.

It must never share an auth service with another test: what it has logged is counted.
"""

from pathlib import Path

from tests.incidents.operators import EMAIL, PASSWORD, AuthService
from tests.support.wire import post_now


def test_what_the_auth_service_says_has_the_words_that_others_search_for(tmp_path: Path) -> None:
    service = AuthService(tmp_path)
    service._told["NETRA_LOG_LINES_PER_S"] = "1"
    with service:
        seal = [(f"X-{name.replace('_', '-')}", value) for name, value in service.credentials.items()]
        tokens = post_now(service.url, "/auth/login", {"email": EMAIL, "password": PASSWORD}, seal).json
        for _ in range(8):
            refused = post_now(service.url, "/auth/login", {"email": EMAIL, "password": "wrong password"}, seal)
            assert refused.status == 401
        used = {"refresh_token": tokens["refresh_token"]}
        for _ in range(2):
            post_now(service.url, "/auth/refresh", used, seal)
        service.stop()
        lines = service.lines
    words = {line["event"]: line.get("owasp") for line in lines}
    assert words["Auth service listening"] == "sys_startup"
    assert words["Registration succeeded"] == "user_created"
    assert words["Login succeeded"] == "authn_login_success"
    assert words["Login rejected"] == "authn_login_fail"
    assert words["Session refreshed"] == "session_renewed"
    assert words["Auth service stopped"] == "sys_shutdown"
    written = sum(line["event"] == "Login rejected" for line in lines)
    counted = sum(line["count"] for line in lines if line.get("summarised_event") == "Login rejected")
    assert written + counted == 8
    assert counted, "eight within eight seconds, and one a second is written"
    assert all(line["request_id"] for line in lines)
