"""A client of an identity provider: forms, JSON, cookies, and no step that a test does not take itself.

It must never follow a redirect, nor keep anything for another test.
"""

import json
from base64 import b64encode
from collections.abc import Mapping
from http.client import HTTPConnection
from typing import Any, Final, NamedTuple
from urllib.parse import parse_qs, urlencode, urlsplit

_PATIENCE_S: Final = 15.0


class Page(NamedTuple):
    """What came back."""

    status: int
    location: str
    body: str

    @property
    def json(self) -> Any:
        """The body as JSON; anything but success is a failure of the test's."""
        assert self.status == 200, (self.status, self.body)
        return json.loads(self.body)

    @property
    def code(self) -> str:
        """The authorization code with which somebody was sent back."""
        return parse_qs(urlsplit(self.location).query)["code"][0]


class Browser:
    """Keeps the cookies of one visitor, whatever path they are meant for."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._cookies: dict[str, str] = {}

    def get(self, path: str, query: Mapping[str, str] | None = None) -> Page:
        """One page."""
        return self.ask("GET", f"{path}?{urlencode(query)}" if query else path)

    def submit(self, path: str, form: Mapping[str, str], client: str | None = None) -> Page:
        """One form; `client` is `id:secret`."""
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        if client is not None:
            headers["Authorization"] = f"Basic {b64encode(client.encode()).decode()}"
        return self.ask("POST", path, urlencode(form), headers)

    def send(self, method: str, path: str, document: object) -> Page:
        """One JSON document that has to be taken."""
        page = self.ask(method, path, json.dumps(document), {"Content-Type": "application/json"})
        assert page.status == 200, (path, page)
        return page

    def ask(self, method: str, path: str, body: str | None = None, headers: Mapping[str, str] | None = None) -> Page:
        """One request over a connection of its own; an absolute URL has to be of the same place."""
        place = urlsplit(self.url)
        connection = HTTPConnection(place.hostname or "", place.port, timeout=_PATIENCE_S)
        cookies = "; ".join(f"{name}={value}" for name, value in self._cookies.items())
        said = {**(headers or {}), **({"Cookie": cookies} if cookies else {})}
        try:
            connection.request(method, path.removeprefix(self.url), body, said)
            answer = connection.getresponse()
            page = Page(answer.status, answer.getheader("Location") or "", answer.read().decode())
        finally:
            connection.close()
        for each in answer.headers.get_all("Set-Cookie") or []:
            name, _, value = each.partition(";")[0].partition("=")
            self._cookies[name] = value
        return page
