"""Show a page as one self-contained HTML document, for whoever follows the `type` of a problem.

It must never load anything, run a script, or show the operator's sections to the public.
"""

import re
from base64 import b64encode
from collections.abc import Callable, Iterable
from functools import cache
from hashlib import sha256
from importlib import resources
from typing import Final

from jinja2 import Environment, StrictUndefined, Template
from markupsafe import Markup

from netra.pages.explained import MENDERS, TO_DO, Explained
from netra.pages.page import FACT, FACTS

_PAGE_FILE: Final = "problem.html.j2"
_INDEX_FILE: Final = "index.html.j2"
_POLICY_OF_FILES: Final = "default-src 'none'; style-src 'sha256-{}'; base-uri 'none'; form-action 'none'"
"""What a document may say of itself: who may frame it is for the one who serves it."""
_INLINE: Final = re.compile(r"`(?P<code>[^`]+)`|\{(?P<fact>[a-z_]+)\}|(?P<variable>\b[A-Z]+(?:_[A-Z0-9]+)+\b)")


def render_html(explained: Explained, *, operator: bool, index: str | None = None) -> bytes:
    """The page as an HTML document in UTF-8.

    Without `operator` it shows title, public sentence and what to do, whatever else the page holds: give it the
    page of the public code then. The operator's view speaks of no failure in particular, so facts appear as names to
    be filled in. `index` is where all pages are listed; it is named where the pages are a site of their own.
    """
    document = _template(_PAGE_FILE).render(
        explained=explained,
        page=explained.page,
        to_do=TO_DO[explained.cause.action],
        mender=MENDERS[explained.cause.owner],
        operator=operator,
        style=_style(),
        index=index,
        policy=_POLICY_OF_FILES.format(_style_hash()),
    )
    return document.encode()


def render_index(chapters: Iterable[tuple[str, tuple[Explained, ...]]], address_of: Callable[[str], str]) -> bytes:
    """The list of all pages as an HTML document in UTF-8; `address_of` a code is where its page is."""
    document = _template(_INDEX_FILE).render(
        chapters=tuple(chapters),
        address_of=address_of,
        style=_style(),
        policy=_POLICY_OF_FILES.format(_style_hash()),
    )
    return document.encode()


def content_security_policy() -> str:
    """The strictest policy under which the document still looks right: its one style, by hash, and nothing else."""
    return f"{_POLICY_OF_FILES.format(_style_hash())}; frame-ancestors 'none'"


@cache
def _style_hash() -> str:
    return b64encode(sha256(f"\n{_style()}\n".encode()).digest()).decode()


@cache
def _style() -> str:
    return (resources.files("netra.pages") / "problem.css").read_text(encoding="utf-8").strip()


@cache
def _template(name: str) -> Template:
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters["inline"] = _inline
    return environment.from_string((resources.files("netra.pages") / name).read_text(encoding="utf-8"))


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
