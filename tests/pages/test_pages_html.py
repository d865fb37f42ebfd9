"""The pages as HTML: what each audience sees, that nothing is loaded or run, and that everybody can read it."""

import re
from base64 import b64encode
from dataclasses import replace
from hashlib import sha256
from html.parser import HTMLParser

import pytest

from netra.core.verdict.causes import PUBLIC_ROWS, TABLE
from netra.pages import Page, read_book
from netra.pages.explained import Explained
from netra.pages.html import content_security_policy, render_html

_BOOK = read_book()
_ROWS = {**TABLE, **PUBLIC_ROWS}
_VOID = {"meta"}


class _Document(HTMLParser):
    """Tags, attributes and text of a document; complains about tags that do not nest."""

    def __init__(self, document: bytes) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.marked: list[str] = []
        self.text = ""
        self.style = ""
        self._open: list[str] = []
        self.feed(document.decode("utf-8"))
        self.close()
        assert not self._open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in _VOID:
            self._open.append(tag)
        if tag == "code":
            self.marked.append("")

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, text: str) -> None:
        if "style" in self._open:
            self.style += text
            return
        self.text += text
        if "code" in self._open:
            self.marked[-1] += text


def _shown(page: Page, *, operator: bool) -> _Document:
    return _Document(render_html(Explained(_ROWS[page.code], page), operator=operator))


def test_the_public_sees_the_title_the_sentence_and_what_to_do_and_nothing_else() -> None:
    page = _BOOK["authentication_unavailable"]
    shown = _shown(page, operator=False)
    words = " ".join(shown.text.split())
    to_do = "What to do Wait a little, then try again. Until then, stay signed in where you are."
    assert words == f"{page.title} {page.title} {page.public} {to_do}"


@pytest.mark.parametrize("code", sorted(_BOOK))
def test_the_operator_sees_every_section_of_every_page(code: str) -> None:
    page = _BOOK[code]
    told = Explained(_ROWS[code], page)
    text = _shown(page, operator=True).text
    lines = (
        told.affected,
        told.again,
        page.operator_sentence({}),
        *page.check_first,
        *page.still_works,
        page.seen,
        *page.watch,
        *told.metrics,
    )
    for line in (page.title, page.public, page.code, f"HTTP {told.cause.status}", *lines):
        assert re.sub(r"\{([a-z_]+)\}", r"\1", line).replace("`", "") in text


@pytest.mark.parametrize("operator", [False, True])
def test_a_page_loads_nothing_runs_nothing_and_asks_for_nothing(operator: bool) -> None:
    for page in _BOOK.values():
        shown = _shown(page, operator=operator)
        assert not {"script", "link", "img", "iframe", "object", "form", "a", "base"} & set(shown.tags)
        names = {name for name, _ in shown.attributes}
        assert not {name for name in names if name.startswith("on")} | names & {"src", "href", "style"}
        assert "url(" not in shown.style
        assert "@import" not in shown.style


@pytest.mark.parametrize("operator", [False, True])
def test_markup_in_a_page_is_shown_and_never_interpreted(operator: bool) -> None:
    evil = "<script>alert(1)</script> & \"quotes\" '{{ 7 * 7 }}'"
    page = replace(
        _BOOK["dns_error"],
        title=evil,
        public=evil,
        operator=(evil,),
        check_first=(f"`{evil}`", evil, evil),
        still_works=(evil,),
        seen=evil,
        watch=(f"{evil} `{evil}` {evil}",),
    )
    shown = _shown(page, operator=operator)
    assert "script" not in shown.tags
    assert shown.text.count("<script>alert(1)</script>") == (12 if operator else 3)
    assert "49" not in shown.text


def test_commands_and_variables_are_marked_as_code_with_the_facts_to_fill_in() -> None:
    shown = _shown(_BOOK["dns_error"], operator=True)
    assert {"getent hosts host", "AUTH_SERVICE_URL", "SERVICE_ID", "code=dns_error"} <= set(shown.marked)
    assert ("title", "host name or address of the auth service") in shown.attributes


def test_a_marked_command_keeps_its_angle_brackets_and_quotes() -> None:
    shown = _shown(_BOOK["token_missing"], operator=True)
    assert 'curl -i -H "Authorization: Bearer <token>"' in shown.marked


def test_a_page_names_its_language_its_title_and_its_landmarks_for_screen_readers() -> None:
    shown = _shown(_BOOK["connection_refused"], operator=True)
    assert ("lang", "en-GB") in shown.attributes
    assert ("name", "viewport") in shown.attributes
    assert shown.tags.count("title") == shown.tags.count("h1") == shown.tags.count("main") == 1
    names = [value for name, value in shown.attributes if name == "aria-labelledby"]
    ids = [value for name, value in shown.attributes if name == "id"]
    assert names == ids
    assert len(ids) == len(set(ids)) == 7


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_has_enough_contrast_for_weak_eyes(scheme: str) -> None:
    """Source: WCAG 2.2, 1.4.3, level AA: 4.5 to 1 for text of ordinary size."""
    style = _shown(_BOOK["dns_error"], operator=True).style
    light, dark = style.split("@media (prefers-color-scheme: dark)")
    colours = dict(re.findall(r"--(\w+): #([0-9a-f]{6})", light if scheme == "light" else dark))
    for text, ground in [("ink", "card"), ("soft", "card"), ("ink", "tint"), ("accent", "tint"), ("accent", "code")]:
        assert _contrast(colours[text], colours[ground]) >= 4.5, f"{text} on {ground}"


def test_the_policy_allows_the_one_style_that_the_page_carries() -> None:
    for operator in (False, True):
        style = _shown(_BOOK["dns_error"], operator=operator).style
        digest = b64encode(sha256(style.encode()).digest()).decode()
        assert f"style-src 'sha256-{digest}'" in content_security_policy()
    assert "default-src 'none'" in content_security_policy()


def _contrast(one: str, other: str) -> float:
    lighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: str) -> float:
    channels = (int(colour[at : at + 2], 16) / 255 for at in (0, 2, 4))
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
