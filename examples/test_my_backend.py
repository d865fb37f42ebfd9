"""Tests a backend's login page against every way in which its auth service can fail.

It needs pytest and the package with its extra for tests; the plugin's fixtures are then there by themselves:

    pip install "netra-gateway[testing]"
    pytest examples/test_my_backend.py

`LoginPage` stands for your backend: a WSGI application, as Flask and Django make them, that logs its users in at a
gateway. The tests are what you would write for your own.
"""

import http.client
import io
import json
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from netra.lab.chaos_ways import Ending, Faults, Way

WELCOME = "Welcome!"
WRONG = "This e-mail address or password is wrong."
LATER = "Nobody can log in just now. It is not your password; please try again in a moment."
ASK = "You cannot log in with this account as it is."


class LoginPage:
    """A login page: a form comes in, a sentence for the user goes out."""

    def __init__(self, auth_api: str) -> None:
        self._auth_api = urlsplit(auth_api)

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """One request. Source: PEP 3333."""
        form = parse_qs(environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"])).decode())
        status, sentence = self.log_in(form["email"][0], form["password"][0])
        start_response(status, [("Content-Type", "text/plain; charset=utf-8")])
        return [sentence.encode()]

    def log_in(self, email: str, password: str) -> tuple[str, str]:
        """Asks the gateway, and says what the user should know."""
        body = json.dumps({"email": email, "password": password})
        gateway = http.client.HTTPConnection(self._auth_api.netloc, timeout=10)
        try:
            gateway.request("POST", f"{self._auth_api.path}/login", body, {"Content-Type": "application/json"})
            answer = gateway.getresponse()
            said = json.loads(answer.read())
        except (OSError, http.client.HTTPException, ValueError):
            return "503 Service Unavailable", LATER
        finally:
            gateway.close()
        if answer.status == 200:
            return "200 OK", WELCOME
        if answer.status == 401:
            return "401 Unauthorized", WRONG
        # Whatever is not the user's own doing has a status from 500 up; `wait` is for everything that passes.
        if answer.status >= 500 or said["action"] == "wait":
            return "503 Service Unavailable", LATER
        return "403 Forbidden", ASK


def shown(page: LoginPage, password: str) -> str:
    """What a user reads who sends the form. Flask's and Django's test clients do the same."""
    form = urlencode({"email": "ada.byron@example.com", "password": password}).encode()
    environ = {"wsgi.input": io.BytesIO(form), "CONTENT_LENGTH": str(len(form))}
    return b"".join(page(environ, lambda *_: None)).decode()


def test_the_right_password_is_welcome_and_a_wrong_one_is_not(netra_lab: Any, netra_gateway: Any) -> None:
    page = LoginPage(netra_gateway(netra_lab.url).api)
    assert shown(page, "Swordfish-and-chips-42") == WELCOME
    assert shown(page, "wrong") == WRONG


def test_no_outage_is_blamed_on_the_user(netra_lab: Any, netra_gateway: Any) -> None:
    # One gateway meets all faults, so it must not remember the ones before: no breaker, no throttle.
    gateway = netra_gateway(
        netra_lab.url, NETRA_BREAKER="false", NETRA_THROTTLE_ACCOUNT="off", NETRA_LOGIN_BUDGET_S="0.5"
    )
    page = LoginPage(gateway.api)
    for fault in netra_lab.each_fault():
        said = shown(page, "Swordfish-and-chips-42")
        assert (said == WRONG) == (fault.status == 401), fault.what
        assert said == LATER or fault.status < 500, fault.what


def test_a_login_is_delivered_once_even_if_its_answer_is_lost(netra_lab: Any, netra_gateway: Any) -> None:
    # An auth service that makes no promise to take a login twice: what may have arrived is never sent again.
    netra_lab.service.idempotency = False
    page = LoginPage(netra_gateway(netra_lab.url, NETRA_TRIES="3").api)
    netra_lab.fault("reset-after-reading", path="/auth/login")
    assert shown(page, "Swordfish-and-chips-42") == LATER
    assert len(netra_lab.deliveries()) == 1


def test_what_goes_wrong_on_the_way_is_no_wrong_password_either(
    netra_lab: Any, netra_chaos_proxy: Any, netra_gateway: Any
) -> None:
    proxy = netra_chaos_proxy(netra_lab.url)
    gateway = netra_gateway(proxy.url)
    page = LoginPage(gateway.api)
    proxy.switch(Faults(to_client=Way(ending=Ending("reset", 20, 20))))
    assert shown(page, "wrong") == LATER
    assert "connection_terminated" in gateway.codes
    proxy.heal()
    assert shown(page, "wrong") == WRONG
