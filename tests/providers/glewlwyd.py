"""Glewlwyd, an OAuth 2 and OpenID server in C, from Debian: another hand that wrote the same standards down.

It must never touch the database that its package made, nor listen anywhere but on loopback.
"""

import json
import shutil
import sqlite3
from pathlib import Path
from typing import Any, Final

from joserfc.jwk import ECKey, KeySet, RSAKey

from tests.providers.browser import Browser
from tests.providers.provider import CALLBACK, CLIENT, CLIENT_ID, PASSWORD, USER, Process, Tokens

FOUND: Final = shutil.which("glewlwyd")
_SCHEMA: Final = Path("/usr/share/dbconfig-common/data/glewlwyd/install/sqlite3")
_ADMIN: Final = {"username": "admin", "password": "password"}
"""With whom every new database begins."""
_PLUGIN: Final = "/api/mod/plugin"
_CONFIGURATION: Final = """
port={port}
bind_address="127.0.0.1"
external_url="{url}"
login_url="login.html"
api_prefix="api"
static_files_path="{folder}"
log_mode="file"
log_level="INFO"
log_file="{folder}/log"
cookie_domain=""
cookie_secure=0
session_expiration=3600
session_key="GLEWLWYD2_SESSION_ID"
admin_scope="g_admin"
profile_scope="g_profile"
user_module_path="/usr/lib/glewlwyd/user"
user_middleware_module_path="/usr/lib/glewlwyd/user_middleware"
client_module_path="/usr/lib/glewlwyd/client"
user_auth_scheme_module_path="/usr/lib/glewlwyd/scheme"
plugin_module_path="/usr/lib/glewlwyd/plugin"
hash_algorithm="SHA512"
database = {{ type = "sqlite3" path = "{folder}/glewlwyd.db" }};
"""


class Glewlwyd:
    """Its issuer has a path; it has two keys, and a client chooses none of them: it signs with the first."""

    def __init__(self, folder: Path) -> None:
        self._process = Process(folder)
        self._generation = 1
        with sqlite3.connect(folder / "glewlwyd.db") as database:
            database.executescript(_SCHEMA.read_text("utf-8"))
        database.close()
        text = _CONFIGURATION.format(port=self._process.port, url=self._process.url, folder=folder)
        (folder / "glewlwyd.conf").write_text(text)
        self._process.start(str(FOUND), f"--config-file={folder / 'glewlwyd.conf'}")
        admin = self._signed_in(_ADMIN)
        admin.send("POST", f"{_PLUGIN}/", self._plugin())
        admin.send("POST", "/api/scope/", {"name": "notes", "display_name": "Notes", "scheme": {}})
        admin.send("POST", "/api/client/", self._client())
        admin.send("POST", "/api/user/", _user())

    @property
    def issuer(self) -> str:
        """As its tokens spell it."""
        return f"{self._process.url}/api/oidc"

    def audience(self, algorithm: str) -> str:
        """Whom tokens are for, however they are signed."""
        return "https://notes.example.com/"

    def for_a_service(self, algorithm: str = "ES256") -> str:
        """An access token of a client that acts for itself."""
        assert algorithm == "ES256"
        form = {"grant_type": "client_credentials", "scope": "notes", "resource": self.audience(algorithm)}
        return str(Browser(self._process.url).submit("/api/oidc/token", form, CLIENT).json["access_token"])

    def for_a_user(self) -> Tokens:
        """What a client gets when a user signs in, and agrees."""
        browser, resource = self._signed_in({"username": USER, "password": PASSWORD}), self.audience("ES256")
        browser.send("PUT", f"/api/auth/grant/{CLIENT_ID}", {"scope": "openid notes"})
        asked = {"client_id": CLIENT_ID, "response_type": "code", "scope": "openid notes", "redirect_uri": CALLBACK}
        more = {"resource": resource, "nonce": "n-0S6_WzA2Mj", "state": "af0ifjsldkj", "g_continue": ""}
        page = browser.get("/api/oidc/auth", {**asked, **more})
        form = {"grant_type": "authorization_code", "code": page.code, "redirect_uri": CALLBACK, "resource": resource}
        given = browser.submit("/api/oidc/token", {**form, "client_id": CLIENT_ID}, CLIENT).json
        return Tokens(given["access_token"], given["id_token"])

    def change_keys(self) -> None:
        """Give the plugin other keys, and have it read them."""
        self._generation += 1
        admin = self._signed_in(_ADMIN)
        admin.send("PUT", f"{_PLUGIN}/oidc", self._plugin())
        admin.send("PUT", f"{_PLUGIN}/oidc/reset", {})

    def stop(self) -> None:
        """Nobody answers any more."""
        self._process.stop()

    def _signed_in(self, who: dict[str, str]) -> Browser:
        browser = Browser(self._process.url)
        browser.send("POST", "/api/auth/", who)
        return browser

    def _plugin(self) -> dict[str, Any]:
        keys = KeySet(
            [
                ECKey.generate_key("P-256", {"use": "sig", "kid": f"first-{self._generation}", "alg": "ES256"}),
                RSAKey.generate_key(2048, {"use": "sig", "kid": f"second-{self._generation}", "alg": "RS256"}),
            ]
        )
        enabled = ("code", "password", "client", "refresh", "id-token")
        return {
            "module": "oidc",
            "name": "oidc",
            "display_name": "Notes",
            "order_rank": 1,
            "parameters": {
                "iss": self.issuer,
                "jwks-private": json.dumps(keys.as_dict(private=True)),
                "jwks-show": True,
                "access-token-duration": 300,
                "refresh-token-duration": 3600,
                "code-duration": 60,
                "allow-non-oidc": True,
                **{f"auth-type-{name}-enabled": True for name in enabled},
                "auth-type-token-enabled": False,
                "resource-allowed": True,
                "resource-scope": {},
                "resource-client-property": "resource",
                "resource-scope-and-client-property": False,
                "name-claim": "mandatory",
                "email-claim": "mandatory",
                "additional-parameters": [{"user-parameter": "email", "token-parameter": "email", "token-changed": ""}],
            },
        }

    def _client(self) -> dict[str, Any]:
        return {
            "client_id": CLIENT_ID,
            "client_secret": CLIENT.partition(":")[2],
            "name": "Shop",
            "confidential": True,
            "enabled": True,
            "scope": ["notes"],
            "token_endpoint_auth_method": ["client_secret_basic"],
            "authorization_type": ["client_credentials", "code"],
            "redirect_uri": [CALLBACK],
            "resource": [self.audience("ES256")],
        }


def _user() -> dict[str, Any]:
    known = {"username": USER, "name": "Ada", "email": f"{USER}@example.com", "password": PASSWORD}
    return {**known, "enabled": True, "scope": ["openid", "notes", "g_profile"]}
