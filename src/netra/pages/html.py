"""Show a page as one self-contained HTML document, for whoever follows the `type` of a problem.

It must never load anything, run a script, or show the operator's sections to the public.
"""

import re
from base64 import b64encode
from collections.abc import Mapping
from functools import cache
from hashlib import sha256
from importlib import resources
from types import MappingProxyType
from typing import Final

from jinja2 import Environment, StrictUndefined, Template
from markupsafe import Markup

from netra.pages.page import FACT, FACTS, Page

_TO_DO: Final[Mapping[str, str]] = MappingProxyType(
    {
        "correct_input": "Correct what was sent, then send it again.",
        "log_in": "Sign in, then try again.",
        "refresh": "Most applications renew a session by themselves. If yours does not, sign in again.",
        "wait": "Wait a little, then try again. Until then, stay signed in where you are.",
        "next_step": "Complete the next step that the application asks for.",
        "contact_support": "Contact the support of the application you wanted to sign in to.",
    }
)
_MENDERS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "client": "whoever maintains the application that called",
        "user": "the user",
        "us": "whoever runs this gateway and its configuration",
        "network": "whoever runs the network between gateway and auth service",
        "between": "whoever runs the proxy, load balancer or firewall in between",
        "auth_service": "whoever runs the auth service",
    }
)
_INLINE: Final = re.compile(r"`(?P<code>[^`]+)`|\{(?P<fact>[a-z_]+)\}|(?P<variable>\b[A-Z]+(?:_[A-Z0-9]+)+\b)")


def render_html(page: Page, *, status: int, owner: str | None, action: str, operator: bool) -> bytes:
    """The page as an HTML document in UTF-8.

    Without `operator` it shows title, public sentence and what to do, whatever else the page holds: give it the
    page of the public code then. An unknown action or an absent owner leaves its sentence out.
    The operator's view speaks of no failure in particular, so facts appear as names to be filled in.
    """
    document = _template().render(
        page=page,
        status=status,
        to_do=_TO_DO.get(action),
        mender=_MENDERS.get(owner or ""),
        operator=operator,
        style=_style(),
    )
    return document.encode()


def content_security_policy() -> str:
    """The strictest policy under which the document still looks right: its one style, by hash, and nothing else."""
    digest = b64encode(sha256(f"\n{_style()}\n".encode()).digest()).decode()
    nothing_else = "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    return f"default-src 'none'; style-src 'sha256-{digest}'; {nothing_else}"


@cache
def _style() -> str:
    return (resources.files("netra.pages") / "problem.css").read_text(encoding="utf-8").strip()


@cache
def _template() -> Template:
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters["inline"] = _inline
    return environment.from_string((resources.files("netra.pages") / "problem.html.j2").read_text(encoding="utf-8"))


def _inline(text: str) -> Markup:
    """A line of a page with its code, facts and variables marked, everything else escaped."""
    marked = Markup()
    end = 0
    for found in _INLINE.finditer(text):
        marked += text[end : found.start()]
        marked += _marked(found)
        end = found.end()
    return marked + text[end:]


def _marked(found: re.Match[str]) -> Markup:
    if found["code"] is not None:
        parts = FACT.split(found["code"])
        inner = Markup().join(_fact(part) if odd % 2 else Markup.escape(part) for odd, part in enumerate(parts))
        return Markup("<code>{}</code>").format(inner)
    if found["fact"] is not None:
        return _fact(found["fact"])
    return Markup("<code>{}</code>").format(found["variable"])


def _fact(name: str) -> Markup:
    """The name of a fact, with its meaning for whoever points at it."""
    return Markup('<var title="{}">{}</var>').format(FACTS.get(name, ""), name)
