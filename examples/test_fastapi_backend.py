"""Tests a FastAPI backend with its users: against a real auth service, a failing one, and with none at all.

It needs pytest and the package with its extras for tests and for FastAPI; the fixtures are then there by themselves:

    pip install "netra-gateway[fastapi,testing]"
    pytest examples/test_fastapi_backend.py
"""

import contextlib
import http.client
import json
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

import uvicorn
from fastapi import FastAPI

from examples.fastapi_backend import application
from netra.integrations.fastapi import User, current_user


class Backend:
    """The backend as its clients see it."""

    def __init__(self, url: str) -> None:
        self._place = urlsplit(url).netloc

    def ask(self, method: str, path: str, body: object = None, token: str | None = None) -> tuple[int, Any]:
        """One request: its status, and the JSON that came."""
        headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
        line = http.client.HTTPConnection(self._place, timeout=20)
        try:
            line.request(method, path, None if body is None else json.dumps(body), headers)
            answer = line.getresponse()
            return answer.status, json.loads(answer.read())
        finally:
            line.close()

    def token_of(self, email: str, password: str) -> str:
        """Logs somebody in."""
        status, session = self.ask("POST", "/api/v1/auth/login", {"email": email, "password": password})
        assert status == 200, session
        return str(session["access_token"])


@contextlib.contextmanager
def running(app: FastAPI) -> Iterator[Backend]:
    """An application on a free port, to the end of the block."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            while not server.started:
                assert thread.is_alive(), "the backend did not start: see what it has printed"
                time.sleep(0.01)
            yield Backend("http://{}:{}".format(*listener.getsockname()))
        finally:
            server.should_exit = True
            thread.join()


def settings(url: str, **more: str) -> Mapping[str, str]:
    """What the backend is told in a test."""
    return {"ENVIRONMENT": "test", "AUTH_SERVICE_URL": url, **more}


def test_everybody_sees_his_own_notes_until_he_logs_out(netra_authd: Any) -> None:
    with running(application(settings(netra_authd.url, **netra_authd.variables))) as backend:
        grace = {"email": "grace.hopper@example.com", "password": "Nanoseconds-and-wire-30"}
        assert backend.ask("POST", "/api/v1/auth/register", grace)[0] == 201
        ada, other = backend.token_of(netra_authd.email, netra_authd.password), backend.token_of(**grace)
        assert backend.ask("POST", "/notes", {"text": "Note G"}, ada) == (201, {"text": "Note G"})
        assert backend.ask("GET", "/notes", None, ada) == (200, [{"text": "Note G"}])
        assert backend.ask("GET", "/notes", None, other) == (200, [])
        assert backend.ask("POST", "/api/v1/auth/logout", None, ada)[0] == 200
        status, problem = backend.ask("GET", "/notes", None, ada)
        assert (status, problem["action"]) == (401, "log_in")


def test_who_is_nobody_sees_nothing(netra_authd: Any) -> None:
    with running(application(settings(netra_authd.url, **netra_authd.variables))) as backend:
        for token in (None, "made-up"):
            status, problem = backend.ask("GET", "/notes", None, token)
            assert (status, problem["status"]) == (401, 401)


def test_no_outage_logs_anybody_out(netra_lab: Any) -> None:
    with running(application(settings(netra_lab.url))) as backend:
        token = backend.token_of("ada.byron@example.com", "Swordfish-and-chips-42")
        assert backend.ask("GET", "/notes", None, token)[0] == 200
        netra_lab.fault("connection-refused")
        assert backend.ask("GET", "/notes", None, token)[0] == 200, "whoever is in stays in"
        status, problem = backend.ask("GET", "/notes", None, "never-seen-before")
        assert (status, problem["action"]) == (503, "wait"), "nobody knows, so nobody is refused"
        login = {"email": "ada.byron@example.com", "password": "Swordfish-and-chips-42"}
        status, problem = backend.ask("POST", "/api/v1/auth/login", login)
        assert (status, problem["action"]) == (503, "wait")


def test_the_backends_own_rules_need_no_auth_service() -> None:
    app = application(settings("http://127.0.0.1:9"))
    app.dependency_overrides[current_user] = lambda: User("u-1", "ada.byron@example.com", "Ada Byron")
    with running(app) as backend:
        assert backend.ask("POST", "/notes", {"text": ""})[0] == 422
        assert [backend.ask("POST", "/notes", {"text": "x"})[0] for _ in range(101)] == [201] * 100 + [409]
