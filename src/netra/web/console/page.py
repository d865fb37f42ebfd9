"""The console's files as they are served: the page, what it asks for, and the page that asks who is there.

It must never serve a file that is not listed in its folder, nor let the page run anything that did not come from it.
"""

import re
from base64 import b64encode
from collections.abc import Iterator
from functools import cache
from hashlib import sha256
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Final

from netra.asgi.words import Answer

PAGE: Final = "console.html"
SIGN_IN: Final = "sign-in.html"
_HTML: Final = b"text/html; charset=utf-8"
_TYPES: Final = {
    "css": b"text/css; charset=utf-8",
    "html": _HTML,
    "js": b"text/javascript; charset=utf-8",
    "svg": b"image/svg+xml",
}
"""What is served at all: notes and licences beside the files are not."""
_GUARDS: Final = (
    (b"x-content-type-options", b"nosniff"),
    # Not `no-referrer`: under it a browser sends `Origin: null` with a form, which is nobody of ours.
    (b"referrer-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
)
_OWN_ONLY: Final = "base-uri 'self'; form-action 'self'; frame-ancestors 'none'"
_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; " + _OWN_ONLY
)
_INLINE: Final = re.compile(r"<(style|script)>(.*?)</\1>", re.DOTALL)


def page() -> Answer:
    """The console."""
    return _answer(_files()[PAGE], _HTML, _POLICY)


def static(name: str) -> Answer | None:
    """One of its files by its path below the folder; None when there is none."""
    body = _files().get(name)
    if body is None:
        return None
    return _answer(body, _TYPES[name.rpartition(".")[2]], _POLICY)


def sign_in_page() -> Answer:
    """The page that asks for the token; it needs no other file."""
    return _answer(_files()[SIGN_IN], _HTML, _sign_in_policy())


def signed_in_page() -> Answer:
    """The way on, after a form brought a good token."""
    return _answer(_ON_TEXT.encode(), _HTML, f"default-src 'none'; {_OWN_ONLY}")


_ON_TEXT: Final = (
    '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Signed in, Netra console</title>'
    '<meta name="viewport" content="width=device-width, initial-scale=1"><meta http-equiv="refresh" content="0; url=/">'
    '</head><body><p>You are signed in. <a href="/">To the console</a></p></body></html>'
)
"""Nothing here redirects, and a browser without scripts goes on all the same."""


def _answer(body: bytes, content_type: bytes, policy: str) -> Answer:
    headers = ((b"content-security-policy", policy.encode("ascii")), *_GUARDS)
    return Answer(200, body, content_type, headers)


@cache
def _sign_in_policy() -> str:
    """Its one style and its one script, each by what it is. Source: CSP Level 3, section 2.3.1."""
    allowed: dict[str, list[str]] = {"style": [], "script": []}
    for kind, text in _INLINE.findall(_files()[SIGN_IN].decode()):
        allowed[kind].append(f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'")
    listed = "; ".join(f"{kind}-src {' '.join(hashes)}" for kind, hashes in allowed.items() if hashes)
    return f"default-src 'none'; {listed}; connect-src 'self'; {_OWN_ONLY}"


@cache
def _files() -> dict[str, bytes]:
    """All files that may be served, read once, by path."""
    return dict(_below(resources.files("netra.web.console") / "static", ""))


def _below(folder: Traversable, path: str) -> Iterator[tuple[str, bytes]]:
    for each in folder.iterdir():
        if each.is_dir():
            yield from _below(each, f"{path}{each.name}/")
        elif each.name.rpartition(".")[2] in _TYPES:
            yield f"{path}{each.name}", each.read_bytes()
