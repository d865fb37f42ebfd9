"""The certified OpenID provider for Node, from npm, in its locked version.

It must never be installed into the project: it lies in pytest's cache.
"""

import shutil
import subprocess
import tempfile
from hashlib import sha256
from html import unescape
from pathlib import Path
from re import search
from typing import Final

from tests.providers.browser import Browser
from tests.providers.provider import CALLBACK, CLIENT, CLIENT_ID, PASSWORD, PATIENCE_S, USER, Process, Tokens

NODE: Final = shutil.which("node")
NPM: Final = shutil.which("npm")
_FILES: Final = ("package.json", "package-lock.json", "oidc_provider.mjs")
_INSTALL: Final = ("ci", "--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier", "--loglevel=error")
_MOST_STEPS: Final = 12


def installed(cache: Path) -> Path:
    """A folder with the provider and all that it needs, made once for each version of what it is made from.

    Raises: CalledProcessError or TimeoutExpired where npm cannot fetch it.
    """
    here = Path(__file__).parent
    contents = [(here / name).read_bytes() for name in _FILES]
    folder = cache / sha256(b"\0".join(contents)).hexdigest()[:16]
    if folder.is_dir():
        return folder
    cache.mkdir(parents=True, exist_ok=True)
    making = Path(tempfile.mkdtemp(dir=cache))
    for name, content in zip(_FILES, contents, strict=True):
        (making / name).write_bytes(content)
    subprocess.run([str(NPM), *_INSTALL], cwd=making, check=True, capture_output=True, timeout=10 * PATIENCE_S)
    try:
        making.rename(folder)
    except OSError:  # another worker was quicker
        shutil.rmtree(making)
    return folder


class NodeProvider:
    """It has three keys, one for each way of signing; the audience chooses."""

    def __init__(self, program: Path, folder: Path) -> None:
        self._program = program
        self._process = Process(folder)
        self._generation = 0
        self.change_keys()

    @property
    def issuer(self) -> str:
        """As its tokens spell it."""
        return self._process.url

    def audience(self, algorithm: str) -> str:
        """Whom tokens are for that are signed in this way."""
        return f"https://notes.example.com/{algorithm}"

    def for_a_service(self, algorithm: str = "ES256") -> str:
        """An access token of a client that acts for itself."""
        form = {"grant_type": "client_credentials", "resource": self.audience(algorithm)}
        return str(Browser(self.issuer).submit("/token", form, CLIENT).json["access_token"])

    def opaque(self) -> str:
        """An access token for nobody in particular: a random text."""
        page = Browser(self.issuer).submit("/token", {"grant_type": "client_credentials"}, CLIENT)
        return str(page.json["access_token"])

    def for_a_user(self) -> Tokens:
        """What a client gets when a user signs in, and agrees."""
        browser, resource = Browser(self.issuer), self.audience("ES256")
        asked = {"client_id": CLIENT_ID, "response_type": "code", "scope": "openid email", "redirect_uri": CALLBACK}
        page = browser.get("/auth", {**asked, "resource": resource, "nonce": "n-0S6_WzA2Mj"})
        for _ in range(_MOST_STEPS):
            if page.location.startswith(CALLBACK):
                break
            if page.location:
                page = browser.get(page.location)
                continue
            place = search(r'action="([^"]+)"', page.body)
            prompt = search(r'name="prompt" value="(\w+)"', page.body)
            assert place, page
            assert prompt, page
            page = browser.submit(unescape(place[1]), {"prompt": prompt[1], "login": USER, "password": PASSWORD})
        form = {"grant_type": "authorization_code", "code": page.code, "redirect_uri": CALLBACK, "resource": resource}
        given = browser.submit("/token", form, CLIENT).json
        return Tokens(given["access_token"], given["id_token"])

    def change_keys(self) -> None:
        """Start it again: its keys are made at its start."""
        self.stop()
        self._generation += 1
        script = str(self._program / "oidc_provider.mjs")
        self._process.start(str(NODE), script, str(self._process.port), str(self._generation))

    def stop(self) -> None:
        """Nobody answers any more."""
        self._process.stop()
